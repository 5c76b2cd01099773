//! What the two players of a GAN make small, and the divergences that their discriminator sees.

use ndarray::s;

use crate::discriminator::Ratio;
use crate::estimate::logistic_loss;
use crate::flow::Step;

/// What is known of both players at a step; nothing of what a field without log ratio does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Losses {
    /// That of the discriminator, at the cloud and the target sample that it was fitted to, without noise and penalties.
    pub discriminator: Option<f64>,
    /// `−E h(D(g(z)))`, which a generator that climbs makes small, or `E f(e^D)` where that is its loss.
    pub generator: Option<f64>,
    /// The Jensen–Shannon divergence as D sees it, in nats: `log 2` less half the logistic loss; 0 to `log 2` for the best D.
    pub js: Option<f64>,
    /// KL(p‖q) as D sees it, `E_p D`, in nats.
    pub kl_forward: Option<f64>,
}

impl Losses {
    /// Those of the present step, at `most` target samples, at least 1, and no more than there are particles. Particles with weights have none.
    #[must_use]
    pub fn of(step: &Step<'_>, most: usize) -> Self {
        if !step.state.shares().is_empty() {
            return Self::default();
        }
        let real = step.real();
        let rows = real.nrows().min(step.ratio.log.len()).min(most);
        let real = real.slice(s![..rows, ..]);
        let mut said = Ratio::zeros(real.nrows());
        step.field.ratio(real, &mut said);
        let [real, fake] = [&said, step.ratio].map(|ratio| ratio.log.to_vec());
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let is_ratio = step.field.is_log_ratio();
        // Numbers that are none say nothing.
        let finite = |value: f64| value.is_finite();
        Self {
            discriminator: step.field.loss(&real, &fake).filter(|v| finite(*v)),
            generator: step
                .generator()
                .map(|generator| step.field.climbed(generator.spec().training().loss, &fake))
                .filter(|v| finite(*v)),
            js: is_ratio.then(|| std::f64::consts::LN_2 - 0.5 * logistic_loss(&real, &fake)),
            kl_forward: is_ratio.then(|| mean(&real)),
        }
    }
}

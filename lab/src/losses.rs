//! What the two networks of a GAN minimise, as curves beside the measures.

use ratioflow::discriminator::{DiscriminatorSpec, Loss, Ratio};
use ratioflow::flow::Flow;
use ratioflow::scenario::Scenario;
use serde_json::{Value, json};

/// Target samples at which D is asked for its loss.
const ASKED: usize = 500;

/// What a discriminator is judged by.
enum Game {
    /// That of a network, or of any other log ratio the logistic one of a GAN.
    Ratio(Loss),
    /// `E_q D − E_p D`, without the penalty.
    Critic,
}

impl Game {
    fn of(scenario: &Scenario, flow: &Flow) -> Option<Self> {
        match &scenario.discriminator {
            DiscriminatorSpec::Mlp(spec) => Some(Self::Ratio(spec.loss)),
            DiscriminatorSpec::Wasserstein(_) => Some(Self::Critic),
            _ => flow
                .last()
                .field
                .is_log_ratio()
                .then_some(Self::Ratio(Loss::Logistic)),
        }
    }
}

/// What the loss of D is called; nothing where D is fitted to none and is no log ratio.
pub(crate) fn name(scenario: &Scenario, flow: &Flow) -> Option<&'static str> {
    Game::of(scenario, flow).map(|game| match game {
        Game::Ratio(loss) => loss.name(),
        Game::Critic => "E_q D − E_p D",
    })
}

/// The loss of D at the cloud that it was fitted to, on the samples as they are: without noise and penalties; of particles with weights there is none. With a
/// generator, what it would climb, `−E h(D)`.
pub(crate) fn of(scenario: &Scenario, flow: &Flow) -> [Value; 2] {
    let step = flow.last();
    if !step.state.shares().is_empty() {
        return [Value::Null, Value::Null];
    }
    let fake = step.ratio.log.to_vec();
    let real = flow.real();
    let mut said = Ratio::zeros(real.nrows().min(ASKED));
    step.field.ratio(
        real.slice(ndarray::s![..ASKED.min(real.nrows()), ..]),
        &mut said,
    );
    let real = said.log.to_vec();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let loss = Game::of(scenario, flow).map(|game| match game {
        Game::Ratio(loss) => loss.of_log_ratios(&real, &fake),
        Game::Critic => mean(&fake) - mean(&real),
    });
    let climbed = scenario.generator.as_ref().and_then(|_| {
        let map = scenario.flow.check().ok()?;
        let values: Vec<f64> = fake.iter().map(|&d| map.value(d)).collect();
        Some(-mean(&values))
    });
    // JSON has no infinity.
    [loss, climbed].map(|value| json!(value.filter(|value| value.is_finite())))
}

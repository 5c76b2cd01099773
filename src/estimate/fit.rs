//! What every estimator is: fitted to two samples, and evaluated anywhere.

use std::fmt::Debug;

use ndarray::{Array1, Array2};

use crate::cloud::CloudView;
use crate::numeric::softplus;
use crate::random::Stream;

/// `D ≈ log p/q` at `n` points, with its gradient.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ratio {
    /// `log p/q` at each point, shape `n`, natural logarithm.
    pub log: Array1<f64>,
    /// `∇ log p/q` at each point, shape `n×2`, in inverse units of the target.
    pub gradient: Array2<f64>,
}

impl Ratio {
    /// Zeros for `count` points.
    #[must_use]
    pub fn zeros(count: usize) -> Self {
        Self {
            log: Array1::zeros(count),
            gradient: Array2::zeros((count, 2)),
        }
    }

    /// Makes room for `count` points; what stands there is not kept.
    pub fn resize(&mut self, count: usize) {
        if self.log.len() != count {
            *self = Self::zeros(count);
        }
    }
}

/// Where in the run a fit takes place: annealed estimators depend on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FitContext {
    /// Twice the step; one more for another cloud of that step, such as the one that Heun's method tries.
    pub index: u64,
    /// The part of the run that lies behind, in `[0, 1]`.
    pub progress: f64,
    /// Randomness for this fit alone.
    pub stream: Stream,
}

/// The step that suits the present fit, used when the scenario says `step_size = "auto"`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepRule {
    /// ε for h = identity, in squared units of the target (before the scenario's `step_ratio`).
    pub step_size: f64,
    /// Longest displacement of a particle in one step, in the target's units; `None`: no bound.
    pub clip: Option<f64>,
    /// Length over which the estimate is smooth, in the target's units (the bandwidth of a kernel). A map
    /// other than the identity moves no particle further than half of it in one step.
    pub scale: f64,
}

/// γ for particles whose distances an estimate does not see that `anneals` its blur. A fifth of it does the same, and so does twice as much; to the
/// end of the run it would blur the cloud.
pub(crate) fn blind_noise(anneals: bool, progress: f64) -> f64 {
    const NOISE: f64 = 0.01;
    const UNTIL: f64 = 0.8;
    if anneals && progress < UNTIL {
        NOISE
    } else {
        0.0
    }
}

/// The step rule of an estimator that fits a sum of kernels of bandwidth `h`: its field overshoots at the steps that the kernel
/// ratio itself bears, and is steep in places.
pub(crate) fn fitted_step_rule(h: f64) -> StepRule {
    const SHARE: f64 = 0.15;
    StepRule {
        step_size: SHARE * h * h,
        clip: Some(0.5 * h),
        scale: h,
    }
}

/// What an estimator gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// `D ≈ log p/q` and its gradient.
    LogRatio,
    /// Another function `D`, such as a witness or a critic, and its gradient.
    Gradient,
    /// A velocity that need be the gradient of nothing: `D` is zero, and what stands in place of `∇D` is the velocity.
    Velocity,
}

impl Kind {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::LogRatio => "log ratio",
            Self::Gradient => "gradient field, no log ratio",
            Self::Velocity => "field, no gradient and no log ratio",
        }
    }
}

/// Why the ratio could not be estimated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("cannot fit the {discriminator} discriminator: {reason}")]
pub struct FitError {
    /// Name of the estimator, as in a scenario file.
    pub discriminator: &'static str,
    /// What went wrong, with the numbers and the remedy.
    pub reason: String,
}

/// `−E_p log σ(D) − E_q log(1 − σ(D))` of such `D` at samples of `p` (`real`) and of `q` (`fake`).
pub(crate) fn logistic_loss(real: &[f64], fake: &[f64]) -> f64 {
    let mean = |values: &[f64], sign: f64| {
        let all = values.iter().map(|&d| softplus(sign * d).0);
        all.sum::<f64>() / values.len() as f64
    };
    mean(real, -1.0) + mean(fake, 1.0)
}

/// An estimator of `log p/q`, refit at every step of the flow.
///
/// `fit` is the inner loop of a GAN, `evaluate` is the physics; evaluation never changes the fit.
pub trait Discriminator: Debug + Send + Sync {
    /// Estimates `log p/q` from samples of `p` (`real`, `m×2`) and of `q` (`fake`, `n×2`), both non-empty
    /// and finite.
    ///
    /// # Errors
    /// [`FitError`] where the samples admit no estimate, such as a cloud collapsed to a point.
    fn fit(
        &mut self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
        round: FitContext,
    ) -> Result<(), FitError>;

    /// Writes `D` and `∇D` at the points `at` (`n×2`) into `into`, which is resized if need be.
    /// Finite wherever `at` is.
    fn evaluate(&self, at: CloudView<'_>, into: &mut Ratio);

    /// The step that suits the present fit.
    fn step_rule(&self) -> StepRule;

    /// γ of the noise that particles should be given when `progress` of the run lies behind, where the flow leaves it to the discriminator; see
    /// [`FlowSpec::noise`](crate::flow::FlowSpec::noise). 0: none.
    ///
    /// An estimate that is blind to what is finer than its blur draws particles together unseen; a little noise keeps them apart.
    fn particle_noise(&self, _progress: f64) -> f64 {
        0.0
    }

    /// What `D` and `∇D` are.
    fn kind(&self) -> Kind {
        Kind::LogRatio
    }

    /// Whether `D` estimates `log p/q`. What does not gives a velocity all the same, but no
    /// diagnostic that reads `D` as a log ratio applies to it, and no map h but the identity.
    fn is_log_ratio(&self) -> bool {
        self.kind() == Kind::LogRatio
    }

    /// What a fit makes small, in words; nothing where that is no mean over samples of both sides.
    fn loss_name(&self) -> Option<&'static str> {
        self.is_log_ratio().then_some("logistic")
    }

    /// That loss, of such `D` at samples of `p` (`real`) and of `q` (`fake`), without noise and penalties. By default that of the GAN of Goodfellow et al. 2014,
    /// `−E_p log σ(D) − E_q log(1 − σ(D))`, which any log ratio can be asked for.
    fn loss(&self, real: &[f64], fake: &[f64]) -> f64 {
        logistic_loss(real, fake)
    }

    /// Whether a fit can give the points of the cloud unequal weights; see [`weigh`](Self::weigh).
    fn bears_weights(&self) -> bool {
        false
    }

    /// Gives the points of the cloud of the last fit N times their weights, until the next.
    fn weigh(&mut self, _shares: &[f64]) {}

    /// κ in (0, 1], the part of an error of mass that one step of births and deaths driven by `D` may take away: where `D` is noisy, little.
    fn reaction_rate(&self) -> f64 {
        0.1
    }

    /// What the next fit starts from, as plain numbers, so that a run can be stopped and gone on with;
    /// empty for an estimator that starts afresh each time.
    fn state(&self) -> Vec<f64> {
        Vec::new()
    }

    /// Takes up what [`state`](Self::state) gave.
    ///
    /// # Errors
    /// [`FitError`] if the numbers do not belong to an estimator of this shape.
    fn load_state(&mut self, state: &[f64]) -> Result<(), FitError> {
        if state.is_empty() {
            return Ok(());
        }
        let reason = format!(
            "it carries nothing over, and {} numbers were to be taken up",
            state.len()
        );
        Err(FitError {
            discriminator: "stateless",
            reason,
        })
    }
}

//! Estimates of the log density ratio `log p/q` and its gradient, one file per estimator.

mod bandwidth;
mod centres;
mod features;
pub mod kale;
pub mod kde;
pub mod kliep;
mod learner;
pub mod logistic;
mod loss;
pub mod mlp;
pub mod mmd;
pub mod oracle;
mod radial;
pub mod relative;
pub mod rulsif;
mod solve;
pub mod ulsif;
pub mod wasserstein;

use std::fmt::Debug;

use ndarray::{Array1, Array2};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::bandwidth::{BandwidthRule, BandwidthSpec};
pub use self::loss::Loss;
pub use self::radial::Radial;

use self::kale::KaleSpec;
use self::kde::KdeSpec;
use self::kliep::KliepSpec;
use self::logistic::LogisticSpec;
use self::mlp::MlpSpec;
use self::mmd::MmdSpec;
use self::oracle::OracleSpec;
use self::rulsif::RulsifSpec;
use self::ulsif::UlsifSpec;
use self::wasserstein::WassersteinSpec;
use crate::cloud::CloudView;
use crate::kernel::neighbour_distance;
use crate::random::Stream;
use crate::setting::{Invalid, WordOr};
use crate::target::Target;

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
pub struct Round {
    /// Index of the fit, from 0. Equal to the step for Euler; Heun fits twice a step.
    pub index: u64,
    /// The part of the run that lies behind, in `[0, 1]`.
    pub progress: f64,
    /// Randomness for this fit alone.
    pub stream: Stream,
}

/// The step that suits the present fit, used when the scenario says `step_size = "auto"`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// ε for h = identity, in squared units of the target (before the scenario's `step_ratio`).
    pub step_size: f64,
    /// Longest displacement of a particle in one step, in the target's units; `None`: no bound.
    pub clip: Option<f64>,
    /// Length over which the estimate is smooth, in the target's units (the bandwidth of a kernel). A map
    /// other than the identity moves no particle further than half of it in one step.
    pub scale: f64,
}

/// The pace of an estimator that fits a sum of kernels of bandwidth `h`: its field overshoots at the steps that the kernel
/// ratio itself bears, and is steep in places.
fn fitted_pace(h: f64) -> Pace {
    const SHARE: f64 = 0.15;
    Pace {
        step_size: SHARE * h * h,
        clip: Some(0.5 * h),
        scale: h,
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
        round: Round,
    ) -> Result<(), FitError>;

    /// Writes `D` and `∇D` at the points `at` (`n×2`) into `into`, which is resized if need be.
    /// Finite wherever `at` is.
    fn evaluate(&self, at: CloudView<'_>, into: &mut Ratio);

    /// The step that suits the present fit.
    fn pace(&self) -> Pace;

    /// Whether `D` estimates `log p/q`. A critic or witness that does not gives a velocity all the same, but no
    /// diagnostic that reads `D` as a log ratio applies to it, and no map h but the identity.
    fn is_log_ratio(&self) -> bool {
        true
    }

    /// What the next fit starts from, as plain numbers, so that a run can be stopped and gone on with;
    /// empty for an estimator that starts afresh each time.
    fn carry(&self) -> Vec<f64> {
        Vec::new()
    }

    /// Takes up what [`carry`](Self::carry) gave.
    ///
    /// # Errors
    /// [`FitError`] if the numbers do not belong to an estimator of this shape.
    fn restore(&mut self, carry: &[f64]) -> Result<(), FitError> {
        debug_assert!(carry.is_empty(), "nothing is carried over");
        Ok(())
    }
}

/// The estimator and its settings, one table of a scenario file: `[discriminator.kde]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DiscriminatorSpec {
    /// Kernel density ratio with one bandwidth for both clouds, annealed from coarse to fine.
    Kde(KdeSpec),
    /// A network trained to tell samples of the target from the cloud.
    Mlp(MlpSpec),
    /// The exact density of a target that is a mixture of Gaussians, beside what is known of the cloud's.
    Oracle(OracleSpec),
    /// Logistic regression on kernel features.
    Logistic(LogisticSpec),
    /// The ratio as a sum of kernels, by least squares.
    Ulsif(UlsifSpec),
    /// The ratio to a mixture of target and cloud, by least squares.
    Rulsif(RulsifSpec),
    /// The ratio as a sum of kernels, by maximum likelihood.
    Kliep(KliepSpec),
    /// The witness of a Kullback-Leibler divergence smoothed by a kernel.
    Kale(KaleSpec),
    /// The witness of the maximum mean discrepancy: no log ratio.
    Mmd(MmdSpec),
    /// A critic whose gradient is held near length one: no log ratio, for comparison.
    Wasserstein(WassersteinSpec),
}

impl Default for DiscriminatorSpec {
    fn default() -> Self {
        Self::Kde(KdeSpec::default())
    }
}

impl DiscriminatorSpec {
    /// All estimators: name in a scenario file, and what it is.
    pub const CATALOGUE: &[(&str, &str)] = &[
        (
            "kde",
            "kernel density ratio, equal bandwidth on both sides, annealed (default)",
        ),
        (
            "mlp",
            "multilayer perceptron, eight losses, warm-started; r1 and annealed instance noise as options",
        ),
        (
            "oracle",
            "exact density of a Gaussian mixture over the cloud's: moment-matched Gaussian, kde, or left out",
        ),
        (
            "logistic",
            "logistic regression on random Fourier features or Nyström centres, damped Newton",
        ),
        (
            "ulsif",
            "least-squares fit of the ratio as a sum of kernels (uLSIF), leave-one-out cross-validation",
        ),
        (
            "rulsif",
            "least-squares fit of the ratio to a mixture of target and cloud (RuLSIF)",
        ),
        (
            "kliep",
            "maximum-likelihood fit of the ratio as a sum of kernels (KLIEP)",
        ),
        (
            "kale",
            "witness of a kernel-smoothed Kullback-Leibler divergence (KALE), from its dual",
        ),
        (
            "mmd",
            "witness of the maximum mean discrepancy: a comparator, no log ratio",
        ),
        (
            "wasserstein",
            "gradient-penalised critic (WGAN-GP), for comparison: its D is no log ratio",
        ),
    ];

    /// The name of the estimator in a scenario file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Kde(_) => "kde",
            Self::Mlp(_) => "mlp",
            Self::Oracle(_) => "oracle",
            Self::Logistic(_) => "logistic",
            Self::Ulsif(_) => "ulsif",
            Self::Rulsif(_) => "rulsif",
            Self::Kliep(_) => "kliep",
            Self::Kale(_) => "kale",
            Self::Mmd(_) => "mmd",
            Self::Wasserstein(_) => "wasserstein",
        }
    }

    /// Whether the automatic step is the square of a kernel's bandwidth, which has a stability limit of its own.
    #[must_use]
    pub fn is_kernel(&self) -> bool {
        matches!(self, Self::Kde(_))
    }

    /// The bandwidth, where it is given as a number.
    fn bandwidth(&self) -> Option<f64> {
        let (rule, scale) = match self {
            Self::Kde(it) => (it.bandwidth, it.bandwidth_scale),
            Self::Logistic(it) => (it.bandwidth, it.bandwidth_scale),
            Self::Ulsif(it) => (it.bandwidth, it.bandwidth_scale),
            Self::Rulsif(it) => (it.bandwidth, it.bandwidth_scale),
            Self::Kliep(it) => (it.bandwidth, it.bandwidth_scale),
            Self::Kale(it) => (it.bandwidth, it.bandwidth_scale),
            Self::Mmd(it) => (it.bandwidth, it.bandwidth_scale),
            Self::Mlp(_) | Self::Oracle(_) | Self::Wasserstein(_) => return None,
        };
        match rule {
            WordOr::Value(h) => Some(scale * h),
            WordOr::Word(_) => None,
        }
    }

    /// What a user should be told about settings that are allowed but unwise for this target sample (`m×2`).
    #[must_use]
    pub fn warnings(&self, real: CloudView<'_>) -> Vec<String> {
        let spacing = neighbour_distance(real, 1);
        let narrow = self.bandwidth().filter(|&h| h < spacing);
        let warning = narrow.map(|h| {
            format!(
                "discriminator.{}.bandwidth: {h} is below the spacing of the target sample ({spacing:.3}, the median distance to the nearest neighbour): the estimate sees single points",
                self.name()
            )
        });
        warning.into_iter().collect()
    }

    /// The estimator, ready to be fitted. `target` is what it is to be compared with, for those that
    /// know its density.
    ///
    /// # Errors
    /// [`Invalid`] with a key that begins with the estimator's name.
    pub fn build(&self, target: &dyn Target) -> Result<Box<dyn Discriminator>, Invalid> {
        let built: Result<Box<dyn Discriminator>, Invalid> = match self {
            Self::Kde(spec) => spec.build().map(|it| Box::new(it) as _),
            Self::Mlp(spec) => spec.build().map(|it| Box::new(it) as _),
            Self::Oracle(spec) => spec.build(target).map(|it| Box::new(it) as _),
            Self::Logistic(spec) => spec.build().map(|it| Box::new(it) as _),
            Self::Ulsif(spec) => spec.build().map(|it| Box::new(it) as _),
            Self::Rulsif(spec) => spec.build().map(|it| Box::new(it) as _),
            Self::Kliep(spec) => spec.build().map(|it| Box::new(it) as _),
            Self::Kale(spec) => spec.build().map(|it| Box::new(it) as _),
            Self::Mmd(spec) => spec.build().map(|it| Box::new(it) as _),
            Self::Wasserstein(spec) => spec.build().map(|it| Box::new(it) as _),
        };
        built.map_err(|invalid| invalid.under(self.name()))
    }
}

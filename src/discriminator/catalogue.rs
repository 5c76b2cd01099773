//! The only list of the estimators.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::kale::KaleSpec;
use super::kde::KdeSpec;
use super::kliep::KliepSpec;
use super::linear::LinearSpec;
use super::logistic::LogisticSpec;
use super::mlp::MlpSpec;
use super::moments::MomentsSpec;
use super::oracle::OracleSpec;
use super::rulsif::RulsifSpec;
use super::ulsif::UlsifSpec;
use crate::cloud::CloudView;
use crate::estimate::Discriminator;
use crate::estimate::recipe::{Recipe, Sizes};
use crate::field::drift::DriftSpec;
use crate::field::drmmd::DrMmdSpec;
use crate::field::mmd::MmdSpec;
use crate::field::score::ScoreSpec;
use crate::field::sinkhorn::SinkhornSpec;
use crate::field::sliced::SlicedSpec;
use crate::field::wasserstein::WassersteinSpec;
use crate::kernel::neighbour_distance;
use crate::setting::{Auto, Given, Invalid, WordOr};
use crate::target::Target;

/// Lists estimators: how each is documented, its settings, its name in a scenario file, and a line about it.
macro_rules! estimators {
    ($($(#[$documented:meta])* $variant:ident($spec:ty) = $name:literal: $line:literal;)*) => {
        /// The estimator and its settings, one table of a scenario file: `[discriminator.kde]`.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        #[non_exhaustive]
        pub enum DiscriminatorSpec {
            $($(#[$documented])* $variant($spec),)*
            /// What was given in code, which a file cannot build.
            Given(Given),
        }

        impl DiscriminatorSpec {
            /// All estimators: name in a scenario file, and what it is.
            pub const CATALOGUE: &[(&str, &str)] = &[$(($name, $line)),*];

            /// The name of the estimator in a scenario file.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)*
                    Self::Given(_) => "given",
                }
            }

            fn recipe(&self) -> &dyn Recipe {
                match self {
                    $(Self::$variant(spec) => spec,)*
                    Self::Given(given) => given,
                }
            }

            fn recipe_mut(&mut self) -> &mut dyn Recipe {
                match self {
                    $(Self::$variant(spec) => spec,)*
                    Self::Given(given) => given,
                }
            }
        }
    };
}

estimators! {
    /// Kernel density ratio with one bandwidth for both clouds, annealed from coarse to fine.
    Kde(KdeSpec) = "kde": "kernel density ratio, equal bandwidth on both sides, annealed (default)";
    /// A network trained to tell samples of the target from the cloud.
    Mlp(MlpSpec) = "mlp": "multilayer perceptron, eleven losses, warm-started; r1 and annealed instance noise as options";
    /// The exact density of a target that is a mixture of Gaussians, beside what is known of the cloud's.
    Oracle(OracleSpec) = "oracle": "exact density of a Gaussian mixture over the cloud's: moment-matched Gaussian, kde, or left out";
    /// Logistic regression on kernel features.
    Logistic(LogisticSpec) = "logistic": "logistic regression on random Fourier features or Nyström centres, damped Newton";
    /// The ratio as a sum of kernels, by least squares.
    Ulsif(UlsifSpec) = "ulsif": "least-squares fit of the ratio as a sum of kernels (uLSIF), leave-one-out cross-validation";
    /// The ratio to a mixture of target and cloud, by least squares.
    Rulsif(RulsifSpec) = "rulsif": "least-squares fit of the ratio to a mixture of target and cloud (RuLSIF)";
    /// The ratio as a sum of kernels, by maximum likelihood.
    Kliep(KliepSpec) = "kliep": "maximum-likelihood fit of the ratio as a sum of kernels (KLIEP)";
    /// The witness of a Kullback-Leibler divergence smoothed by a kernel.
    Kale(KaleSpec) = "kale": "witness of a kernel-smoothed Kullback-Leibler divergence (KALE), from its dual";
    /// A linear D, by gradient steps: the discriminator of the Dirac-GAN.
    Linear(LinearSpec) = "linear": "linear D by gradient steps, one player of the smallest GAN: brings the mean home, and nothing else";
    /// The ratio of the Gaussians with the moments of either side.
    Moments(MomentsSpec) = "moments": "ratio of two moment-matched Gaussians: brings mean and covariance home, and nothing else";
    /// The witness of the maximum mean discrepancy: no log ratio.
    Mmd(MmdSpec) = "mmd": "witness of the maximum mean discrepancy: a comparator, no log ratio";
    /// The witness between those of the MMD and of the χ² divergence: no log ratio.
    Drmmd(DrMmdSpec) = "drmmd": "witness of the de-regularised MMD, λ fixed or adaptive: no log ratio";
    /// The difference of two entropic transport maps: no log ratio.
    Sinkhorn(SinkhornSpec) = "sinkhorn": "flow of the debiased Sinkhorn divergence, from warm potentials: no log ratio";
    /// Maps or witnesses along lines, by sorting: no log ratio.
    Sliced(SlicedSpec) = "sliced": "sliced transport map, or the witness of the energy distance, by sorting: no log ratio";
    /// Two denoising networks, one for either side: no log ratio.
    Score(ScoreSpec) = "score": "difference of two scores, learned by denoising at a shrinking noise: no gradient, no log ratio";
    /// Attraction to the target and repulsion within the cloud, through a normalised kernel matrix: no log ratio.
    Drift(DriftSpec) = "drift": "drift field of a normalised kernel matrix (drifting models): no gradient, no log ratio";
    /// A critic whose gradient is held near length one: no log ratio, for comparison.
    Wasserstein(WassersteinSpec) = "wasserstein": "gradient-penalised critic (WGAN-GP), for comparison: its D is no log ratio";
}

impl Default for DiscriminatorSpec {
    fn default() -> Self {
        Self::Kde(KdeSpec::default())
    }
}

impl DiscriminatorSpec {
    /// Whether the automatic step is the square of a kernel's bandwidth, which has a stability limit of its own.
    #[must_use]
    pub fn is_kernel(&self) -> bool {
        matches!(self, Self::Kde(_))
    }

    /// Whether D is the log ratio of the two densities blurred by one and the same kernel, whose bandwidth is the estimator's length scale.
    #[must_use]
    pub fn blurs_both(&self) -> bool {
        let one =
            |scales: &WordOr<usize, Auto>| matches!(scales, WordOr::Word(_) | WordOr::Value(1));
        matches!(self, Self::Kde(spec) if !spec.adaptive && one(&spec.scales))
    }

    /// What a user should be told about settings that are allowed but unwise for this target sample (`m×2`).
    #[must_use]
    pub fn warnings(&self, real: CloudView<'_>) -> Vec<String> {
        let spacing = neighbour_distance(real, 1);
        let narrow = self.recipe().least_length().filter(|&(_, h)| h < spacing);
        let warning = narrow.map(|(key, h)| {
            format!(
                "discriminator.{}.{key}: {h} is below the spacing of the target sample ({spacing:.3}, the median distance to the nearest neighbour): the estimate sees single points",
                self.name()
            )
        });
        warning.into_iter().collect()
    }

    /// The part of the run, in (0, 1], over which the bandwidth shrinks; `None` where none does.
    pub fn anneal_until(&mut self) -> Option<&mut f64> {
        self.recipe_mut().anneal_until()
    }

    /// The estimator, ready to be fitted. `target` is what it is to be compared with, for those that
    /// know its density.
    ///
    /// # Errors
    /// [`Invalid`] with a key that begins with the estimator's name.
    pub fn build(&self, target: &dyn Target) -> Result<Box<dyn Discriminator>, Invalid> {
        let built = self.recipe().estimator(target);
        built.map_err(|invalid| invalid.under(self.name()))
    }

    /// The same for a field that a network follows: what is chosen by itself is chosen for that.
    #[must_use]
    pub fn for_network(&self) -> Self {
        match self {
            Self::Kde(spec) => Self::Kde(spec.for_network()),
            Self::Drift(spec) => Self::Drift(spec.for_network()),
            other => other.clone(),
        }
    }

    /// Whether the settings suit so many particles and samples of the target.
    ///
    /// # Errors
    /// [`Invalid`] with a key that begins with the estimator's name, for a setting that asks for more points than there are.
    pub(crate) fn check_sizes(&self, sizes: Sizes) -> Result<(), Invalid> {
        let checked = self.recipe().check_sizes(sizes);
        checked.map_err(|invalid| invalid.under(self.name()))
    }

    /// Bytes that a fit to clouds of these sizes takes at its peak, each with the full key that they grow with.
    pub(crate) fn memory(&self, sizes: Sizes) -> Vec<(String, f64)> {
        let full = |(key, bytes): (&str, f64)| {
            // A key of another table is a full one already.
            let own = format!("discriminator.{}.{key}", self.name());
            let key = if key.contains('.') {
                key.to_owned()
            } else {
                own
            };
            (key, bytes)
        };
        self.recipe().memory(sizes).into_iter().map(full).collect()
    }

    /// Optimiser steps of the first fit, and of each that follows; 1 where there are none.
    #[cfg(feature = "record")]
    pub(crate) fn repeats(&self) -> [usize; 2] {
        self.recipe().repeats()
    }

    /// Makes no fit repeat its optimiser's steps more often than that.
    #[cfg(feature = "record")]
    pub(crate) fn shorten(&mut self, most: usize) {
        self.recipe_mut().shorten(most);
    }
}

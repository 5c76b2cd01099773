//! `RuLSIF`: the ratio of the target to a mixture of target and cloud, which is bounded and so easier to fit.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Discriminator;
use super::relative::{Fitted, Penalty, PenaltyRule, Relative};
use crate::estimate::Radial;
use crate::estimate::recipe::{Recipe, Sizes, given, least_squares};
use crate::estimate::{BandwidthRule, BandwidthSpec, Schedule};
use crate::setting::{Invalid, WordOr, positive};
use crate::target::Target;

/// `r̂_α(x) = Σ_l θ_l k(x, c_l) ≈ p/(αp + (1−α)q)`, at most 1/α, by least squares as in `uLSIF`; `D = log (1−α) r̂_α / (1 − α r̂_α)`.
///
/// Relative unconstrained least-squares importance fitting: Yamada, Suzuki, Kanamori, Hachiya and Sugiyama, NIPS 2011.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RulsifSpec {
    /// Share α of the target in the mixture, greater than 0 and at most 0.9.
    pub alpha: f64,
    /// Number of kernel centres, at least 1, spread out over the target sample.
    pub centres: usize,
    /// `gaussian`, `matern`, `laplace` or `inverse-multiquadric`.
    pub kernel: Radial,
    /// `anneal` (coarse to fine), `cv` (cross-validation at each fit), `loo` (leave-one-out likelihood), `silverman`, or a
    /// number in the target's units.
    pub bandwidth: BandwidthSpec,
    /// Factor on the bandwidth that the rule gives; for `anneal` on the final one.
    pub bandwidth_scale: f64,
    /// Part of the run, in (0, 1], over which `anneal` shrinks the bandwidth; constant afterwards.
    pub anneal_until: f64,
    /// Weight λ > 0 of the penalty, or `cv`: by 5-fold cross-validation at each fit.
    pub lambda: Penalty,
}

impl Default for RulsifSpec {
    fn default() -> Self {
        Self {
            alpha: 0.1,
            centres: 400,
            kernel: Radial::Gaussian,
            bandwidth: WordOr::Word(BandwidthRule::Anneal),
            bandwidth_scale: 1.0,
            anneal_until: 0.6,
            lambda: WordOr::Word(PenaltyRule::Cv),
        }
    }
}

impl RulsifSpec {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Invalid`] for a number out of range.
    pub fn build(&self) -> Result<Relative, Invalid> {
        positive("alpha", self.alpha)?;
        let relative = Relative {
            name: "rulsif",
            alpha: self.alpha,
            centres: self.centres,
            lambda: self.lambda,
            shape: self.kernel,
            schedule: Schedule::new(
                "rulsif",
                self.bandwidth,
                self.bandwidth_scale,
                self.anneal_until,
            )?,
            fitted: Fitted::default(),
        };
        relative.check()?;
        Ok(relative)
    }
}

impl Recipe for RulsifSpec {
    fn estimator(&self, _target: &dyn Target) -> Result<Box<dyn Discriminator>, Invalid> {
        Ok(Box::new(self.build()?))
    }

    fn memory(&self, sizes: Sizes) -> Vec<(&'static str, f64)> {
        least_squares(self.centres, sizes)
    }

    fn anneal_until(&mut self) -> Option<&mut f64> {
        Some(&mut self.anneal_until)
    }

    fn bandwidth(&self) -> Option<f64> {
        given(&self.bandwidth, self.bandwidth_scale)
    }
}

//! `uLSIF`: the ratio itself as a sum of kernels, by least squares in closed form.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Discriminator;
use super::relative::{Fitted, Penalty, PenaltyRule, Relative};
use crate::estimate::Radial;
use crate::estimate::recipe::{Recipe, Sizes, given, least_squares};
use crate::estimate::{BandwidthRule, BandwidthSpec, Schedule};
use crate::setting::{Invalid, WordOr};
use crate::target::Target;

/// `r̂(x) = Σ_l θ_l k(x, c_l)`, with `θ ≥ 0` from the least of `½ E_q r̂² − E_p r̂ + λ/2 ‖θ‖²`; `D = log r̂`.
///
/// Unconstrained least-squares importance fitting: Kanamori, Hido and Sugiyama, JMLR 10 (2009).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UlsifSpec {
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
    /// Weight λ > 0 of the penalty, or `cv`: by leave-one-out cross-validation at each fit.
    pub lambda: Penalty,
}

impl Default for UlsifSpec {
    fn default() -> Self {
        Self {
            centres: 400,
            kernel: Radial::Gaussian,
            bandwidth: WordOr::Word(BandwidthRule::Anneal),
            bandwidth_scale: 1.0,
            anneal_until: 0.6,
            lambda: WordOr::Word(PenaltyRule::Cv),
        }
    }
}

impl UlsifSpec {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Invalid`] for a number out of range.
    pub fn build(&self) -> Result<Relative, Invalid> {
        let relative = Relative {
            name: "ulsif",
            alpha: 0.0,
            centres: self.centres,
            lambda: self.lambda,
            shape: self.kernel,
            schedule: Schedule::new(
                "ulsif",
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

impl Recipe for UlsifSpec {
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

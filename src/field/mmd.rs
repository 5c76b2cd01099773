//! The MMD witness, a comparator that is no log ratio: where the target's kernel mean exceeds the cloud's.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::CloudView;
use crate::estimate::recipe::{Recipe, Sizes, given, summed};
use crate::estimate::{BandwidthRule, BandwidthSpec, Schedule};
use crate::estimate::{Discriminator, FitContext, FitError, Kind, Ratio, StepRule};
use crate::estimate::{Kernel, Radial, Weighted};
use crate::setting::{Invalid, WordOr};
use crate::target::Target;

/// `D(x) = E_p k(x, ·) − E_q k(x, ·)`, the direction in which the maximum mean discrepancy falls fastest
/// (Arbel et al., "Maximum mean discrepancy gradient flow", 2019).
///
/// Its values lie in [−1, 1] and are no log ratio: the field vanishes where neither cloud is in reach, and
/// particles that are left behind stay there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MmdSpec {
    /// `gaussian`, `matern`, `laplace` or `inverse-multiquadric`.
    pub kernel: Radial,
    /// `anneal` (coarse to fine), `loo` (leave-one-out likelihood), `silverman`, or a number in the target's units.
    pub bandwidth: BandwidthSpec,
    /// Factor on the bandwidth that the rule gives; for `anneal` on the final one.
    pub bandwidth_scale: f64,
    /// Part of the run, in (0, 1], over which `anneal` shrinks the bandwidth; constant afterwards.
    pub anneal_until: f64,
}

impl Default for MmdSpec {
    fn default() -> Self {
        Self {
            kernel: Radial::Gaussian,
            bandwidth: WordOr::Word(BandwidthRule::Anneal),
            bandwidth_scale: 1.0,
            anneal_until: 0.6,
        }
    }
}

impl MmdSpec {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Invalid`] for a number out of range.
    pub fn build(&self) -> Result<Mmd, Invalid> {
        let schedule = Schedule::new(
            "mmd",
            self.bandwidth,
            self.bandwidth_scale,
            self.anneal_until,
        )?
        .without_cv()?;
        Ok(Mmd {
            schedule,
            kernel: Kernel {
                shape: self.kernel,
                h: 1.0,
            },
            points: Weighted::default(),
        })
    }
}

impl Recipe for MmdSpec {
    fn estimator(&self, _target: &dyn Target) -> Result<Box<dyn Discriminator>, Invalid> {
        Ok(Box::new(self.build()?))
    }

    fn memory(&self, sizes: Sizes) -> Vec<(&'static str, f64)> {
        summed(sizes)
    }

    fn anneal_until(&mut self) -> Option<&mut f64> {
        Some(&mut self.anneal_until)
    }

    fn bandwidth(&self) -> Option<f64> {
        given(&self.bandwidth, self.bandwidth_scale)
    }
}

/// The fitted witness: both clouds, the target's weights positive, the cloud's negative.
#[derive(Clone, Debug)]
pub struct Mmd {
    schedule: Schedule,
    kernel: Kernel,
    points: Weighted,
}

impl Discriminator for Mmd {
    fn fit(
        &mut self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
        round: FitContext,
    ) -> Result<(), FitError> {
        self.kernel.h = self.schedule.at(real, fake, round.progress)?;
        self.points = Weighted::evenly(real, 1.0).and(Weighted::evenly(fake, -1.0));
        Ok(())
    }

    fn evaluate(&self, at: CloudView<'_>, into: &mut Ratio) {
        self.kernel.field(at, &self.points, into);
    }

    /// `|∇²k| ≤ 1/h²`, so that steps of `h²` are stable; the values are at most one, so that they are short.
    fn step_rule(&self) -> StepRule {
        StepRule {
            step_size: self.kernel.h * self.kernel.h,
            clip: Some(0.5 * self.kernel.h),
            scale: self.kernel.h,
        }
    }

    fn kind(&self) -> Kind {
        Kind::Gradient
    }

    fn state(&self) -> Vec<f64> {
        self.schedule.state()
    }

    fn load_state(&mut self, state: &[f64]) -> Result<(), FitError> {
        self.schedule.load_state(state)
    }
}

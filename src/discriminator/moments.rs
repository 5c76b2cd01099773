//! The ratio of two Gaussians: what means and covariances alone tell.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::{CloudView, covariance, mean};
use crate::estimate::recipe::{Recipe, Sizes, summed};
use crate::estimate::{Discriminator, FitContext, FitError, Ratio, StepRule};
use crate::setting::Invalid;
use crate::target::{GaussianSpec, Mixture, Target};

/// `D = log N(x; m_p, S_p) − log N(x; m_q, S_q)` with the moments of either sample: quadratic discriminant analysis (Fisher 1936; Smith 1947). The
/// flow brings mean and covariance home and stops there, whatever else is wrong: a lesson, and exact between Gaussians.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MomentsSpec {}

impl Recipe for MomentsSpec {
    fn estimator(&self, target: &dyn Target) -> Result<Box<dyn Discriminator>, Invalid> {
        Ok(Box::new(Moments {
            dimension: target.dimension(),
            ..Moments::default()
        }))
    }

    fn memory(&self, sizes: Sizes) -> Vec<(&'static str, f64)> {
        summed(sizes)
    }
}

/// The fitted ratio.
#[derive(Clone, Debug, Default)]
pub struct Moments {
    /// The Gaussians of the target sample and of the cloud.
    fitted: Option<[Mixture; 2]>,
    /// The least variance of either in any direction.
    least: f64,
    /// Of the space that the points are in.
    dimension: usize,
}

/// The part of the least variance that a step is: the flow between Gaussians is stable up to twice of it.
const SHARE: f64 = 0.2;

/// The Gaussian with the moments of a sample in a space of this dimension, and its least variance in any direction.
fn matched(sample: CloudView<'_>, dimension: usize) -> Result<(Mixture, f64), FitError> {
    let covariance = covariance(sample);
    let spec = GaussianSpec::of_moments(mean(sample), covariance, dimension);
    let [[a, b], [_, c]] = covariance;
    let least = match dimension {
        1 => a,
        _ => f64::midpoint(a, c) - (0.5 * (a - c)).hypot(b),
    };
    match spec.build() {
        Ok(gaussian) if least > 0.0 => Ok((gaussian, least)),
        _ => Err(FitError {
            discriminator: "moments",
            reason: format!(
                "the sample lies on a line or in a point (variances {a:e} and {c:e}), so that it has no Gaussian"
            ),
        }),
    }
}

impl Discriminator for Moments {
    fn fit(
        &mut self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
        _context: FitContext,
    ) -> Result<(), FitError> {
        let ((p, least_p), (q, least_q)) = (
            matched(real, self.dimension)?,
            matched(fake, self.dimension)?,
        );
        self.fitted = Some([p, q]);
        self.least = least_p.min(least_q);
        Ok(())
    }

    fn evaluate(&self, at: CloudView<'_>, into: &mut Ratio) {
        into.resize(at.nrows());
        let sides = self.fitted.iter().flatten().map(|gaussian| {
            // A Gaussian knows both.
            let log = gaussian.log_density(at).unwrap_or_default();
            (log, gaussian.score(at).unwrap_or_default())
        });
        let sides: Vec<_> = sides.collect();
        if let [(p, pull_p), (q, pull_q)] = &sides[..] {
            into.log.assign(&(p - q));
            into.gradient.assign(&(pull_p - pull_q));
        } else {
            // Before the first fit nothing is known.
            into.log.fill(0.0);
            into.gradient.fill(0.0);
        }
    }

    fn step_rule(&self) -> StepRule {
        StepRule {
            step_size: SHARE * self.least,
            clip: None,
            scale: self.least.sqrt(),
        }
    }
}

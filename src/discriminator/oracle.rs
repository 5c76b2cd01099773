//! The exact ratio of a Gaussian target to the Gaussian with the cloud's own moments: theory without sampling error.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Discriminator, FitError, Pace, Ratio, Round};
use crate::cloud::{self, CloudView};
use crate::setting::Invalid;
use crate::target::Target;

/// `D = log N(x; μ, S) − log N(x; m, C)`, with `m`, `C` the mean and covariance of the cloud.
///
/// The velocity is affine, so a Gaussian cloud stays Gaussian and its moments follow the closed form
/// `ṁ = −S⁻¹(m − μ)`, `Ċ = 2I − S⁻¹C − CS⁻¹`. It exists so that the engine can be held to theory.
/// The target must be a single Gaussian. It has no settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OracleSpec {}

impl OracleSpec {
    /// Takes the target's mean and covariance.
    ///
    /// # Errors
    /// [`Invalid`] if the target is not a single Gaussian.
    pub fn build(&self, target: &dyn Target) -> Result<Oracle, Invalid> {
        match target.components() {
            Some([only]) => Ok(Oracle {
                target: Gaussian::new(only.mean, only.covariance),
                cloud: Gaussian::new([0.0; 2], [[1.0, 0.0], [0.0, 1.0]]),
                stable: smallest_eigenvalue(only.covariance),
            }),
            _ => Err(Invalid::new(
                "",
                "chosen for a target that is no single Gaussian",
                "the closed form needs [target.gaussian]; use the kde discriminator here",
            )),
        }
    }
}

/// The closed-form ratio of two Gaussians.
#[derive(Clone, Debug)]
pub struct Oracle {
    target: Gaussian,
    cloud: Gaussian,
    /// Explicit Euler is stable for ε below the smallest eigenvalue of the target's covariance.
    stable: f64,
}

#[derive(Clone, Debug)]
struct Gaussian {
    mean: [f64; 2],
    precision: [[f64; 2]; 2],
    log_determinant: f64,
}

impl Gaussian {
    fn new(mean: [f64; 2], c: [[f64; 2]; 2]) -> Self {
        let determinant = c[0][0] * c[1][1] - c[0][1] * c[1][0];
        Self {
            mean,
            precision: [
                [c[1][1] / determinant, -c[0][1] / determinant],
                [-c[1][0] / determinant, c[0][0] / determinant],
            ],
            log_determinant: determinant.ln(),
        }
    }

    /// Log density without the constant `−log 2π`, and its gradient.
    fn log_density(&self, [x, y]: [f64; 2]) -> (f64, [f64; 2]) {
        let (dx, dy) = (x - self.mean[0], y - self.mean[1]);
        let p = &self.precision;
        let score = [
            -(p[0][0] * dx + p[0][1] * dy),
            -(p[1][0] * dx + p[1][1] * dy),
        ];
        let log = 0.5 * (score[0] * dx + score[1] * dy) - 0.5 * self.log_determinant;
        (log, score)
    }
}

fn smallest_eigenvalue(c: [[f64; 2]; 2]) -> f64 {
    let middle = f64::midpoint(c[0][0], c[1][1]);
    middle - (0.5 * (c[0][0] - c[1][1])).hypot(c[0][1])
}

impl Discriminator for Oracle {
    fn fit(
        &mut self,
        _real: CloudView<'_>,
        fake: CloudView<'_>,
        _round: Round,
    ) -> Result<(), FitError> {
        let covariance = cloud::covariance(fake);
        let smallest = smallest_eigenvalue(covariance);
        if smallest.is_nan() || smallest <= 0.0 {
            return Err(FitError {
                discriminator: "oracle",
                reason: format!(
                    "the cloud of {} points has collapsed: the smallest eigenvalue of its covariance is {smallest:e}; lower flow.step_size",
                    fake.nrows()
                ),
            });
        }
        self.cloud = Gaussian::new(cloud::mean(fake), covariance);
        Ok(())
    }

    fn evaluate(&self, at: CloudView<'_>, into: &mut Ratio) {
        into.resize(at.nrows());
        for (i, row) in at.rows().into_iter().enumerate() {
            let x = [row[0], row[1]];
            let (log_p, score_p) = self.target.log_density(x);
            let (log_q, score_q) = self.cloud.log_density(x);
            into.log[i] = log_p - log_q;
            into.gradient[[i, 0]] = score_p[0] - score_q[0];
            into.gradient[[i, 1]] = score_p[1] - score_q[1];
        }
    }

    fn pace(&self) -> Pace {
        Pace {
            step_size: 0.2 * self.stable,
            clip: None,
            scale: self.stable.sqrt(),
        }
    }
}

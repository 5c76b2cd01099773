//! One Gaussian with a full covariance: a mixture of one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family::Family;
use super::{BuildError, ComponentSpec, Covariance, Files, Mean, Mixture, Target};
use crate::setting::Invalid;

/// One Gaussian N(mean, covariance).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GaussianSpec {
    /// Centre, in the target's units: `[x, y]`, or `[x]` on the line.
    pub mean: Mean,
    /// Covariance, in squared units: symmetric, positive definite; `[[variance]]` on the line.
    pub covariance: Covariance,
}

impl Default for GaussianSpec {
    fn default() -> Self {
        Self {
            mean: [0.0, 0.0].into(),
            covariance: [[1.0, 0.0], [0.0, 1.0]].into(),
        }
    }
}

impl GaussianSpec {
    /// The Gaussian with these moments in a space of this dimension; on the line the second coordinate is let go.
    #[must_use]
    pub fn of_moments(mean: [f64; 2], covariance: [[f64; 2]; 2], dimension: usize) -> Self {
        match dimension {
            1 => Self {
                mean: [mean[0]].into(),
                covariance: [[covariance[0][0]]].into(),
            },
            _ => Self {
                mean: mean.into(),
                covariance: covariance.into(),
            },
        }
    }

    /// Checks the covariance and prepares the Gaussian.
    ///
    /// # Errors
    /// [`Invalid`] for `mean` or `covariance`.
    pub fn build(&self) -> Result<Mixture, Invalid> {
        let component = ComponentSpec {
            weight: 1.0,
            mean: self.mean,
            covariance: self.covariance,
        };
        let component = component.build()?;
        component.factor()?;
        Mixture::new(vec![component])
    }
}

impl Family for GaussianSpec {
    fn distribution(&self, _files: &dyn Files) -> Result<Box<dyn Target>, BuildError> {
        Ok(Box::new(self.build()?))
    }
}

//! One Gaussian with a full covariance: a mixture of one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family::Family;
use super::{BuildError, Files, Target};
use super::{Component, Mixture};
use crate::setting::{Invalid, exactly, exactly_rows};

/// One Gaussian N(mean, covariance).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GaussianSpec {
    /// Centre, in the target's units.
    #[serde(deserialize_with = "exactly")]
    pub mean: [f64; 2],
    /// Covariance, in squared units: symmetric, positive definite.
    #[serde(deserialize_with = "exactly_rows")]
    pub covariance: [[f64; 2]; 2],
}

impl Default for GaussianSpec {
    fn default() -> Self {
        Self {
            mean: [0.0, 0.0],
            covariance: [[1.0, 0.0], [0.0, 1.0]],
        }
    }
}

impl GaussianSpec {
    /// Checks the covariance and prepares the Gaussian.
    ///
    /// # Errors
    /// [`Invalid`] for `mean` or `covariance`.
    pub fn build(&self) -> Result<Mixture, Invalid> {
        let component = Component {
            weight: 1.0,
            mean: self.mean,
            covariance: self.covariance,
        };
        component.factor()?;
        Mixture::new(vec![component])
    }
}

impl Family for GaussianSpec {
    fn distribution(&self, _files: &dyn Files) -> Result<Box<dyn Target>, BuildError> {
        Ok(Box::new(self.build()?))
    }
}

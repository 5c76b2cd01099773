//! The start that fits: a Gaussian that covers the target sample.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family::Family;
use super::{BuildError, Files, GaussianSpec, Mixture, Target};
use crate::cloud::{self, CloudView};
use crate::setting::{Invalid, positive};

/// The source that fits the target: N(m, (c s)² I), with mean m and pooled standard deviation s of the target sample that the discriminator sees. So it
/// has the unit and the place of the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AutoSpec {
    /// c, the standard deviation of the source in those of the target sample, greater than 0. A wider start reaches light modes at the edge.
    pub width: f64,
}

impl Default for AutoSpec {
    fn default() -> Self {
        Self { width: 2.0 }
    }
}

impl AutoSpec {
    /// The Gaussian that fits `sample`, `m×2`, of a target of this dimension.
    ///
    /// # Errors
    /// [`Invalid`] if the sample has no width, and for a width that is none.
    pub fn fit(&self, sample: CloudView<'_>, dimension: usize) -> Result<Mixture, Invalid> {
        positive("auto.width", self.width)?;
        let variance = (self.width * cloud::spread(sample)).powi(2);
        if !(variance > 0.0 && variance.is_finite()) {
            let remedy = "fits a Gaussian to the target sample, and that has no width; give a source, such as [source.gaussian]";
            return Err(Invalid::new("auto", "{}", remedy));
        }
        let covariance = [[variance, 0.0], [0.0, variance]];
        GaussianSpec::of_moments(cloud::mean(sample), covariance, dimension)
            .build()
            .map_err(|invalid| invalid.under("auto"))
    }
}

impl Family for AutoSpec {
    fn distribution(&self, _files: &dyn Files) -> Result<Box<dyn Target>, BuildError> {
        let remedy = "fits a source to the target; name a family that can be reached, see `ratioflow list targets`";
        Err(Invalid::new("", "auto", remedy).into())
    }
}

//! The start that fits: a Gaussian as wide as the target sample, around its middle.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family::Family;
use super::{BuildError, Files, GaussianSpec, Mixture, Target};
use crate::cloud::{self, CloudView};
use crate::setting::Invalid;

/// The source that fits the target: N(m, s² I), with mean m and pooled standard deviation s of the target sample that the discriminator sees. So it
/// has the unit and the place of the data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AutoSpec {}

impl AutoSpec {
    /// The Gaussian that fits `sample`, `m×2`.
    ///
    /// # Errors
    /// [`Invalid`] if the sample has no width.
    pub fn fit(sample: CloudView<'_>) -> Result<Mixture, Invalid> {
        let variance = cloud::spread(sample).powi(2);
        if !(variance > 0.0 && variance.is_finite()) {
            let remedy = "fits a Gaussian to the target sample, and that has no width; give a source, such as [source.gaussian]";
            return Err(Invalid::new("auto", "{}", remedy));
        }
        GaussianSpec {
            mean: cloud::mean(sample),
            covariance: [[variance, 0.0], [0.0, variance]],
        }
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

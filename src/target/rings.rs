//! Any number of concentric circles: the "rings" of the normalising-flow literature.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family::Family;
use super::{BuildError, Files, Target};
use super::{Circles, length};
use crate::setting::Invalid;

/// Concentric circles with equal mass each, blurred by Gaussian noise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RingsSpec {
    /// Radii of the circles, in the target's units; at least one.
    pub radii: Vec<f64>,
    /// Standard deviation of the noise in every direction, in the target's units.
    pub sd: f64,
}

impl Default for RingsSpec {
    fn default() -> Self {
        Self {
            radii: vec![3.0, 2.25, 1.5, 0.75],
            sd: 0.08,
        }
    }
}

impl RingsSpec {
    /// Checks the lengths.
    ///
    /// # Errors
    /// [`Invalid`] for a length out of range, or no radius at all.
    pub fn build(&self) -> Result<Circles, Invalid> {
        if self.radii.is_empty() {
            return Err(Invalid::new("radii", "[]", "must name at least one radius"));
        }
        for (k, &radius) in self.radii.iter().enumerate() {
            length(&format!("radii[{k}]"), radius)?;
        }
        length("sd", self.sd)?;
        Ok(Circles {
            radii: self.radii.clone(),
            sd: self.sd,
        })
    }
}

impl Family for RingsSpec {
    fn distribution(&self, _files: &dyn Files) -> Result<Box<dyn Target>, BuildError> {
        Ok(Box::new(self.build()?))
    }
}

//! Equal Gaussians around a circle: the "ring of eight" of the GAN literature.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family::Family;
use super::{BuildError, Files, Target};
use super::{Component, Mixture, count, direction, length};
use crate::setting::Invalid;

/// Equal round Gaussians, evenly spaced on a circle around the origin, the first on the positive x axis.
/// The literature has many rings "of eight"; this one says its radius and its width.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RingSpec {
    /// Number of Gaussians, 1 to 10000.
    pub modes: usize,
    /// Radius of the circle that the centres lie on, in the target's units.
    pub radius: f64,
    /// Standard deviation of each Gaussian in every direction, in the target's units.
    pub sd: f64,
}

impl Default for RingSpec {
    fn default() -> Self {
        Self {
            modes: 8,
            radius: 2.5,
            sd: 0.2,
        }
    }
}

impl RingSpec {
    /// Places the Gaussians.
    ///
    /// # Errors
    /// [`Invalid`] for a parameter out of range.
    pub fn build(&self) -> Result<Mixture, Invalid> {
        count("modes", self.modes, 10_000)?;
        length("radius", self.radius)?;
        length("sd", self.sd)?;
        let mode = |k| {
            let [x, y] = direction(k, self.modes);
            Component::round(1.0, [self.radius * x, self.radius * y], self.sd)
        };
        Mixture::new((0..self.modes).map(mode).collect())
    }
}

impl Family for RingSpec {
    fn distribution(&self, _files: &dyn Files) -> Result<Box<dyn Target>, BuildError> {
        Ok(Box::new(self.build()?))
    }
}

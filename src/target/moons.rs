//! Two interleaved half circles.

use std::f64::consts::PI;

use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Target, draw, length, normal};
use crate::cloud::Cloud;
use crate::random::Stream;
use crate::setting::Invalid;

/// Two interleaved half circles with equal mass, centred on the origin, blurred by Gaussian noise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MoonsSpec {
    /// Radius of the half circles, in the target's units.
    pub radius: f64,
    /// Standard deviation of the noise in every direction, in the target's units.
    pub sd: f64,
}

impl Default for MoonsSpec {
    fn default() -> Self {
        Self {
            radius: 1.8,
            sd: 0.08,
        }
    }
}

impl MoonsSpec {
    /// Checks the lengths.
    ///
    /// # Errors
    /// [`Invalid`] for a length out of range.
    pub fn build(&self) -> Result<Moons, Invalid> {
        length("radius", self.radius)?;
        length("sd", self.sd)?;
        Ok(Moons(self.clone()))
    }
}

/// `±R (cos t − ½, sin t − ¼) + σn`, `t` uniform on `[0, π]`, both signs alike, `n` ~ N(0, I).
#[derive(Clone, Debug, PartialEq)]
pub struct Moons(MoonsSpec);

impl Target for Moons {
    fn sample(&self, count: usize, stream: Stream) -> Cloud {
        let MoonsSpec { radius, sd } = self.0;
        draw(count, stream, |rng| {
            let size = if rng.random() { radius } else { -radius };
            let t = PI * rng.random::<f64>();
            let [u, v] = normal(rng);
            [
                size * (t.cos() - 0.5) + sd * u,
                size * (t.sin() - 0.25) + sd * v,
            ]
        })
    }
}

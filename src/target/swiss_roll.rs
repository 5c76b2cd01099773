//! A spiral of one and a half turns, evenly spread in its angle.

use std::f64::consts::PI;

use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Target, draw, length, normal};
use crate::cloud::Cloud;
use crate::random::Stream;
use crate::setting::Invalid;

/// The cross-section of the Swiss roll: a spiral from three quarters of a turn to two and a quarter,
/// blurred by Gaussian noise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SwissRollSpec {
    /// Radius that the spiral gains per radian, in the target's units: it ends at 14.14 times this.
    pub scale: f64,
    /// Standard deviation of the noise in every direction, in the target's units.
    pub sd: f64,
}

impl Default for SwissRollSpec {
    fn default() -> Self {
        Self {
            scale: 0.22,
            sd: 0.1,
        }
    }
}

impl SwissRollSpec {
    /// Checks the lengths.
    ///
    /// # Errors
    /// [`Invalid`] for a length out of range.
    pub fn build(&self) -> Result<SwissRoll, Invalid> {
        length("scale", self.scale)?;
        length("sd", self.sd)?;
        Ok(SwissRoll(self.clone()))
    }
}

/// `s t (cos t, sin t) + σn`, `t = 1.5π(1 + 2u)`, `u` uniform on `[0, 1]`, `n` ~ N(0, I).
#[derive(Clone, Debug, PartialEq)]
pub struct SwissRoll(SwissRollSpec);

impl Target for SwissRoll {
    fn sample(&self, count: usize, stream: Stream) -> Cloud {
        let SwissRollSpec { scale, sd } = self.0;
        draw(count, stream, |rng| {
            let t = 1.5 * PI * (1.0 + 2.0 * rng.random::<f64>());
            let [u, v] = normal(rng);
            [scale * t * t.cos() + sd * u, scale * t * t.sin() + sd * v]
        })
    }
}

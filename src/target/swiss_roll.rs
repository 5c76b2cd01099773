//! A spiral of one and a half turns, evenly spread in its angle, with density and score.

use std::f64::consts::PI;

use ndarray::{Array1, Array2};
use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::curve::{Along, BlurredCurve};
use super::family::Family;
use super::{BuildError, Files};
use super::{Target, draw, length, normal};
use crate::cloud::{Cloud, CloudView};
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
        let &Self { scale, sd } = self;
        let curve = |t: f64| Along {
            place: [scale * t * t.cos(), scale * t * t.sin()],
            speed: scale * t.hypot(1.0),
            share: 1.0 / (3.0 * PI),
        };
        Ok(SwissRoll {
            spec: self.clone(),
            blurred: BlurredCurve::new(sd, [1.5 * PI, 4.5 * PI], curve),
        })
    }
}

impl Family for SwissRollSpec {
    fn distribution(&self, _files: &dyn Files) -> Result<Box<dyn Target>, BuildError> {
        Ok(Box::new(self.build()?))
    }
}

/// `s t (cos t, sin t) + σn`, `t = 1.5π(1 + 2u)`, `u` uniform on `[0, 1]`, `n` ~ N(0, I).
#[derive(Clone, Debug, PartialEq)]
pub struct SwissRoll {
    spec: SwissRollSpec,
    blurred: Option<BlurredCurve>,
}

impl Target for SwissRoll {
    fn sample(&self, count: usize, stream: Stream) -> Cloud {
        let SwissRollSpec { scale, sd } = self.spec;
        draw(count, stream, |rng| {
            let t = 1.5 * PI * (1.0 + 2.0 * rng.random::<f64>());
            let [u, v] = normal(rng);
            [scale * t * t.cos() + sd * u, scale * t * t.sin() + sd * v]
        })
    }

    /// By quadrature; `None` for noise that is too fine against the length of the curve, some 24 000 standard deviations.
    fn log_density(&self, at: CloudView<'_>) -> Option<Array1<f64>> {
        Some(self.blurred.as_ref()?.log_density(at))
    }

    fn score(&self, at: CloudView<'_>) -> Option<Array2<f64>> {
        Some(self.blurred.as_ref()?.score(at))
    }
}

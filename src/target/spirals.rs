//! Two interleaved spirals that start together at the origin, with density and score.

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
use crate::setting::{Invalid, within};

/// Two interleaved spirals with equal mass, point reflections of each other, blurred by Gaussian noise.
/// The mass is spread so that the outer turns are as dense as the inner ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SpiralsSpec {
    /// Turns that each spiral makes around the origin, 0.01 to 100.
    pub turns: f64,
    /// Radius that a spiral gains per radian, in the target's units.
    pub scale: f64,
    /// Standard deviation of the noise in every direction, in the target's units.
    pub sd: f64,
}

impl Default for SpiralsSpec {
    fn default() -> Self {
        Self {
            turns: 1.5,
            scale: 0.3125,
            sd: 0.08,
        }
    }
}

impl SpiralsSpec {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`Invalid`] for a parameter out of range.
    pub fn build(&self) -> Result<Spirals, Invalid> {
        within("turns", self.turns, 0.01, 100.0)?;
        length("scale", self.scale)?;
        length("sd", self.sd)?;
        let &Self { turns, scale, sd } = self;
        let end = 2.0 * PI * turns;
        let curve = |t: f64| Along {
            place: [-scale * t * t.cos(), scale * t * t.sin()],
            speed: scale * t.hypot(1.0),
            share: 2.0 * t / (end * end),
        };
        let blurred = BlurredCurve::new(sd, [0.0, end], curve);
        Ok(Spirals {
            spec: self.clone(),
            blurred: blurred.map(BlurredCurve::reflected),
        })
    }
}

impl Family for SpiralsSpec {
    fn distribution(&self, _files: &dyn Files) -> Result<Box<dyn Target>, BuildError> {
        Ok(Box::new(self.build()?))
    }
}

/// `±s t (−cos t, sin t) + σn`, `t = 2π·turns·√u`, `u` uniform on `[0, 1]`, both signs alike, `n` ~ N(0, I).
#[derive(Clone, Debug, PartialEq)]
pub struct Spirals {
    spec: SpiralsSpec,
    blurred: Option<BlurredCurve>,
}

impl Target for Spirals {
    fn sample(&self, count: usize, stream: Stream) -> Cloud {
        let SpiralsSpec { turns, scale, sd } = self.spec;
        draw(count, stream, |rng| {
            let size = if rng.random() { scale } else { -scale };
            let t = 2.0 * PI * turns * rng.random::<f64>().sqrt();
            let [u, v] = normal(rng);
            [-size * t * t.cos() + sd * u, size * t * t.sin() + sd * v]
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

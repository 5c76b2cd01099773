//! Two interleaved half circles, with density and score.

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
        let &Self { radius, sd } = self;
        let curve = |t: f64| Along {
            place: [radius * (t.cos() - 0.5), radius * (t.sin() - 0.25)],
            speed: radius,
            share: 1.0 / PI,
        };
        let blurred = BlurredCurve::new(sd, [0.0, PI], curve);
        Ok(Moons {
            spec: self.clone(),
            blurred: blurred.map(BlurredCurve::reflected),
        })
    }
}

impl Family for MoonsSpec {
    fn distribution(&self, _files: &dyn Files) -> Result<Box<dyn Target>, BuildError> {
        Ok(Box::new(self.build()?))
    }
}

/// `±R (cos t − ½, sin t − ¼) + σn`, `t` uniform on `[0, π]`, both signs alike, `n` ~ N(0, I).
#[derive(Clone, Debug, PartialEq)]
pub struct Moons {
    spec: MoonsSpec,
    blurred: Option<BlurredCurve>,
}

impl Target for Moons {
    fn sample(&self, count: usize, stream: Stream) -> Cloud {
        let MoonsSpec { radius, sd } = self.spec;
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

    /// By quadrature; `None` for noise that is too fine against the length of the curve, some 24 000 standard deviations.
    fn log_density(&self, at: CloudView<'_>) -> Option<Array1<f64>> {
        Some(self.blurred.as_ref()?.log_density(at))
    }

    fn score(&self, at: CloudView<'_>) -> Option<Array2<f64>> {
        Some(self.blurred.as_ref()?.score(at))
    }
}

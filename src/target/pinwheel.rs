//! Curved arms around the origin: Gaussians sheared into a pinwheel.

use std::f64::consts::PI;

use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family::Family;
use super::{BuildError, Files};
use super::{Target, count, draw, length, normal};
use crate::cloud::Cloud;
use crate::random::Stream;
use crate::setting::{Invalid, within};

/// Arms of equal mass around the origin, each a Gaussian bent by a rotation that grows outwards.
/// Source: Johnson et al., "Composing graphical models with neural networks", 2016.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PinwheelSpec {
    /// Number of arms, 1 to 10000.
    pub arms: usize,
    /// Standard deviation along an arm, in units of `scale`.
    pub radial_sd: f64,
    /// Standard deviation across an arm, in units of `scale`.
    pub tangential_sd: f64,
    /// How strongly the arms are bent: an arm turns by `rate · e^a` radians at distance `a` along it; −10 to 10.
    pub rate: f64,
    /// Distance of an arm's middle from the origin, in the target's units.
    pub scale: f64,
}

impl Default for PinwheelSpec {
    fn default() -> Self {
        Self {
            arms: 5,
            radial_sd: 0.3,
            tangential_sd: 0.1,
            rate: 0.25,
            scale: 2.0,
        }
    }
}

impl PinwheelSpec {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`Invalid`] for a parameter out of range.
    pub fn build(&self) -> Result<Pinwheel, Invalid> {
        count("arms", self.arms, 10_000)?;
        within("radial_sd", self.radial_sd, 1e-6, 10.0)?;
        within("tangential_sd", self.tangential_sd, 1e-6, 10.0)?;
        within("rate", self.rate, -10.0, 10.0)?;
        length("scale", self.scale)?;
        Ok(Pinwheel(self.clone()))
    }
}

impl Family for PinwheelSpec {
    fn distribution(&self, _files: &dyn Files) -> Result<Box<dyn Target>, BuildError> {
        Ok(Box::new(self.build()?))
    }
}

/// `s R(−θ) (a, b)`, `a ~ N(1, σ_r²)`, `b ~ N(0, σ_t²)`, `θ = 2πk/arms + rate·e^a`, all arms `k` alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Pinwheel(PinwheelSpec);

impl Target for Pinwheel {
    fn sample(&self, count: usize, stream: Stream) -> Cloud {
        let spec = &self.0;
        draw(count, stream, |rng| {
            let arm = rng.random_range(0..spec.arms) as f64;
            let [u, v] = normal(rng);
            let (a, b) = (1.0 + spec.radial_sd * u, spec.tangential_sd * v);
            let angle = 2.0 * PI * arm / spec.arms as f64 + spec.rate * a.exp();
            let (sin, cos) = angle.sin_cos();
            [
                spec.scale * (a * cos + b * sin),
                spec.scale * (b * cos - a * sin),
            ]
        })
    }
}

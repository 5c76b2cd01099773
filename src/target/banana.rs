//! A bent Gaussian: the banana of the sampling literature.

use ndarray::{Array1, Array2};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family::Family;
use super::{BuildError, Files, Target, draw, each, each_vector, length, log_normal, normal};
use crate::cloud::{Cloud, CloudView};
use crate::random::Stream;
use crate::setting::{Invalid, within};

/// A Gaussian bent along a parabola: `x ~ N(0, spread²)`, and y lies around `bend (x² − spread²)`, so that the mean is the origin.
/// Source: Haario, Saksman and Tamminen, "Adaptive proposal distribution for random walk Metropolis algorithm", 1999.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BananaSpec {
    /// Standard deviation along x, in the target's units.
    pub spread: f64,
    /// How strongly it is bent, in inverse units of the target; −100 to 100.
    pub bend: f64,
    /// Standard deviation of y around the parabola, in the target's units.
    pub sd: f64,
}

impl Default for BananaSpec {
    fn default() -> Self {
        Self {
            spread: 1.5,
            bend: 0.5,
            sd: 0.3,
        }
    }
}

impl BananaSpec {
    /// Checks the parameters.
    ///
    /// # Errors
    /// [`Invalid`] for a parameter out of range.
    pub fn build(&self) -> Result<Banana, Invalid> {
        length("spread", self.spread)?;
        within("bend", self.bend, -100.0, 100.0)?;
        length("sd", self.sd)?;
        Ok(Banana(self.clone()))
    }
}

impl Family for BananaSpec {
    fn distribution(&self, _files: &dyn Files) -> Result<Box<dyn Target>, BuildError> {
        Ok(Box::new(self.build()?))
    }
}

/// The distribution of a [`BananaSpec`].
#[derive(Clone, Debug, PartialEq)]
pub struct Banana(BananaSpec);

impl Banana {
    /// The middle of y at x, and its slope.
    fn parabola(&self, x: f64) -> [f64; 2] {
        let BananaSpec { spread, bend, .. } = self.0;
        [bend * (x * x - spread * spread), 2.0 * bend * x]
    }
}

impl Target for Banana {
    fn sample(&self, count: usize, stream: Stream) -> Cloud {
        draw(count, stream, |rng| {
            let [u, v] = normal(rng);
            let x = self.0.spread * u;
            [x, self.parabola(x)[0] + self.0.sd * v]
        })
    }

    fn log_density(&self, at: CloudView<'_>) -> Option<Array1<f64>> {
        Some(each(at, |[x, y]| {
            log_normal(x, self.0.spread) + log_normal(y - self.parabola(x)[0], self.0.sd)
        }))
    }

    fn score(&self, at: CloudView<'_>) -> Option<Array2<f64>> {
        Some(each_vector(at, |[x, y]| {
            let [middle, slope] = self.parabola(x);
            let across = (y - middle) / (self.0.sd * self.0.sd);
            let along = across * slope - x / (self.0.spread * self.0.spread);
            // So far out that no number holds it.
            [along, -across].map(|v| v.clamp(-f64::MAX, f64::MAX))
        }))
    }
}

//! The uniform distribution between two ends, or in a box.

use ndarray::Array1;
use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family::Family;
use super::{BuildError, Files, Mean, Portions, Target, coordinates, draw, each, length};
use crate::cloud::{Cloud, CloudView};
use crate::random::Stream;
use crate::setting::Invalid;

/// The uniform distribution on the interval from `low` to `high`, or in the box between these corners.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UniformSpec {
    /// Lower end of each coordinate, in the target's units: `[x]` on the line, `[x, y]` in the plane.
    pub low: Mean,
    /// Upper end of each coordinate, above the lower one.
    pub high: Mean,
}

impl Default for UniformSpec {
    fn default() -> Self {
        Self {
            low: [-1.0, -1.0].into(),
            high: [1.0, 1.0].into(),
        }
    }
}

impl UniformSpec {
    /// Checks the ends.
    ///
    /// # Errors
    /// [`Invalid`] for ends of different dimensions, or a side without length.
    pub fn build(&self) -> Result<Uniform, Invalid> {
        let dimension = self.low.dimension();
        if self.high.dimension() != dimension {
            let remedy = format!("must have as many coordinates as low, which has {dimension}");
            let written = format!("{:?}", &self.high.in_plane()[..self.high.dimension()]);
            return Err(Invalid::new("high", written, remedy));
        }
        let [low, high] = [self.low.in_plane(), self.high.in_plane()];
        coordinates("low", low)?;
        coordinates("high", high)?;
        for axis in 0..dimension {
            if high[axis] <= low[axis] {
                let remedy = format!("must be above low[{axis}], which is {:?}", low[axis]);
                let key = format!("high[{axis}]");
                return Err(Invalid::new(key, format!("{:?}", high[axis]), remedy));
            }
            length("high", high[axis] - low[axis])?;
        }
        Ok(Uniform {
            low,
            high,
            dimension,
        })
    }
}

impl Family for UniformSpec {
    fn distribution(&self, _files: &dyn Files) -> Result<Box<dyn Target>, BuildError> {
        Ok(Box::new(self.build()?))
    }
}

/// The uniform distribution in a box, or on an interval of the first axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uniform {
    low: [f64; 2],
    high: [f64; 2],
    dimension: usize,
}

impl Target for Uniform {
    fn sample(&self, count: usize, stream: Stream) -> Cloud {
        let sides = [0, 1].map(|k| self.high[k] - self.low[k]);
        draw(count, stream, |rng| {
            let mut place = self.low;
            for axis in 0..self.dimension {
                place[axis] += sides[axis] * rng.random::<f64>();
            }
            place
        })
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn portions(&self, masses: &[f64]) -> Option<Portions> {
        let (low, side) = (self.low[0], self.high[0] - self.low[0]);
        let mut below = 0.0;
        let mut mean = |mass: &f64| {
            below += mass;
            low + side * (below - 0.5 * mass)
        };
        (self.dimension == 1).then(|| Portions {
            means: masses.iter().map(&mut mean).collect(),
            rest: masses.iter().map(|m| m * m * m).sum::<f64>() * side * side / 12.0,
        })
    }

    fn log_density(&self, at: CloudView<'_>) -> Option<Array1<f64>> {
        let sides = (0..self.dimension).map(|k| self.high[k] - self.low[k]);
        let log = -sides.map(f64::ln).sum::<f64>();
        Some(each(at, |place| {
            let inside = (0..self.dimension)
                .all(|axis| (self.low[axis]..=self.high[axis]).contains(&place[axis]));
            if inside { log } else { f64::NEG_INFINITY }
        }))
    }
}

//! Concentric circles blurred by Gaussian noise in the plane, with exact density and score.

use std::f64::consts::PI;

use ndarray::{Array1, Array2};
use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bessel::{i1_over_i0, log_scaled_i0};
use super::family::Family;
use super::{BuildError, Files};
use super::{Target, draw, each, each_vector, length, log_sum_exp, normal};
use crate::cloud::{Cloud, CloudView};
use crate::random::Stream;
use crate::setting::Invalid;

/// Two concentric circles with equal mass, blurred by Gaussian noise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CirclesSpec {
    /// Radius of the outer circle, in the target's units.
    pub outer: f64,
    /// Radius of the inner circle, in the target's units.
    pub inner: f64,
    /// Standard deviation of the noise in every direction, in the target's units.
    pub sd: f64,
}

impl Default for CirclesSpec {
    fn default() -> Self {
        Self {
            outer: 2.6,
            inner: 1.3,
            sd: 0.1,
        }
    }
}

impl CirclesSpec {
    /// Checks the lengths.
    ///
    /// # Errors
    /// [`Invalid`] for a length out of range, or an inner circle outside the outer one.
    pub fn build(&self) -> Result<Circles, Invalid> {
        length("outer", self.outer)?;
        length("inner", self.inner)?;
        length("sd", self.sd)?;
        if self.inner >= self.outer {
            return Err(Invalid::new(
                "inner",
                format!("{:?}", self.inner),
                format!("must be less than the outer radius, {:?}", self.outer),
            ));
        }
        Ok(Circles {
            radii: vec![self.outer, self.inner],
            sd: self.sd,
        })
    }
}

impl Family for CirclesSpec {
    fn distribution(&self, _files: &dyn Files) -> Result<Box<dyn Target>, BuildError> {
        Ok(Box::new(self.build()?))
    }
}

/// Circles of radii `R_k` around the origin, with equal mass each, plus noise N(0, σ² I):
/// `p(x) = mean_k (2πσ²)⁻¹ exp(−(‖x‖² + R_k²)/2σ²) I₀(‖x‖R_k/σ²)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Circles {
    pub(super) radii: Vec<f64>,
    pub(super) sd: f64,
}

impl Circles {
    /// `log p` at distance `r` from the origin, with the circles' shares of the density there.
    fn log_density_at(&self, r: f64, shares: &mut [f64]) -> f64 {
        for (share, radius) in shares.iter_mut().zip(&self.radii) {
            let off = (r - radius) / self.sd;
            let blur = log_scaled_i0((r / self.sd) * (radius / self.sd));
            *share = blur - 0.5 * (off * off).min(f64::MAX);
        }
        let count = self.radii.len() as f64;
        log_sum_exp(shares) - (2.0 * PI * count).ln() - 2.0 * self.sd.ln()
    }
}

impl Target for Circles {
    fn sample(&self, count: usize, stream: Stream) -> Cloud {
        draw(count, stream, |rng| {
            let radius = self.radii[rng.random_range(0..self.radii.len())];
            let angle = 2.0 * PI * rng.random::<f64>();
            let [u, v] = normal(rng);
            [
                radius * angle.cos() + self.sd * u,
                radius * angle.sin() + self.sd * v,
            ]
        })
    }

    fn log_density(&self, at: CloudView<'_>) -> Option<Array1<f64>> {
        let mut shares = vec![0.0; self.radii.len()];
        Some(each(at, |[x, y]| {
            self.log_density_at(x.hypot(y), &mut shares)
        }))
    }

    fn score(&self, at: CloudView<'_>) -> Option<Array2<f64>> {
        let mut shares = vec![0.0; self.radii.len()];
        Some(each_vector(at, |[x, y]| {
            let r = x.hypot(y);
            if r == 0.0 {
                return [0.0, 0.0];
            }
            self.log_density_at(r, &mut shares);
            // d/dr log p: each circle pulls from r towards R I₁/I₀, the mean place of its arc along the ray.
            let mut slope = 0.0;
            for (share, radius) in shares.iter().zip(&self.radii) {
                let near = i1_over_i0((r / self.sd) * (radius / self.sd));
                slope += share * (radius * near - r) / self.sd / self.sd;
            }
            [slope * (x / r), slope * (y / r)]
        }))
    }
}

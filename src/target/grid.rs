//! Equal Gaussians on a rectangular grid: the "grid of 25" of the GAN literature.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family::Family;
use super::{BuildError, Files, Target};
use super::{Component, Mixture, count, length};
use crate::setting::Invalid;

/// Equal round Gaussians on a rectangular grid centred on the origin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GridSpec {
    /// Number of rows (places along y), 1 to 100.
    pub rows: usize,
    /// Number of columns (places along x), 1 to 100.
    pub columns: usize,
    /// Distance between neighbouring centres, in the target's units.
    pub spacing: f64,
    /// Standard deviation of each Gaussian in every direction, in the target's units.
    pub sd: f64,
}

impl Default for GridSpec {
    fn default() -> Self {
        Self {
            rows: 5,
            columns: 5,
            spacing: 1.5,
            sd: 0.15,
        }
    }
}

impl GridSpec {
    /// Places the Gaussians, row by row from the lower left.
    ///
    /// # Errors
    /// [`Invalid`] for a parameter out of range.
    pub fn build(&self) -> Result<Mixture, Invalid> {
        count("rows", self.rows, 100)?;
        count("columns", self.columns, 100)?;
        length("spacing", self.spacing)?;
        length("sd", self.sd)?;
        let place = |k: usize, of: usize| self.spacing * (k as f64 - 0.5 * (of - 1) as f64);
        let modes = (0..self.rows * self.columns).map(|k| {
            let x = place(k % self.columns, self.columns);
            let y = place(k / self.columns, self.rows);
            Component::round(1.0, [x, y], self.sd)
        });
        Mixture::new(modes.collect())
    }
}

impl Family for GridSpec {
    fn distribution(&self, _files: &dyn Files) -> Result<Box<dyn Target>, BuildError> {
        Ok(Box::new(self.build()?))
    }
}

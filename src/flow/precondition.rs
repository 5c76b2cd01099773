//! What the velocity is multiplied by: nothing, or the covariance of the cloud.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::{self, Cloud, CloudView};

/// What the velocity `h'(D) ∇D` is multiplied by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Precondition {
    /// Nothing.
    #[default]
    None,
    /// The covariance C of the cloud, as a 2×2 matrix: the flow in the Kalman-Wasserstein metric (Garbuno-Inigo, Hoffmann, Li and Stuart 2020). What
    /// is stretched in one direction moves along it by as much more, so that stretching everything changes nothing but the units, as far as the
    /// estimate of D itself knows no directions (`oracle`, `moments`).
    Covariance,
}

impl Precondition {
    /// The matrix for a cloud, if there is one.
    pub(super) fn of(self, cloud: CloudView<'_>) -> Option<Covariance> {
        match self {
            Self::None => None,
            Self::Covariance => Some(Covariance(cloud::covariance(cloud))),
        }
    }
}

/// The covariance of a cloud, in squared units of the target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Covariance([[f64; 2]; 2]);

impl Covariance {
    /// The mean of its eigenvalues, or 1 for a cloud that is one point, which does not move anyway.
    pub(super) fn size(&self) -> f64 {
        let Self([[xx, _], [_, yy]]) = self;
        // Across the line there is no direction to count.
        let size = if *yy == 0.0 {
            *xx
        } else {
            f64::midpoint(*xx, *yy)
        };
        if size > 0.0 { size } else { 1.0 }
    }

    /// Multiplies each row.
    pub(super) fn apply(&self, rows: &mut Cloud) {
        let Self([[xx, xy], [_, yy]]) = self;
        for mut row in rows.rows_mut() {
            let [x, y] = [row[0], row[1]];
            row[0] = xx * x + xy * y;
            row[1] = xy * x + yy * y;
        }
    }

    /// Multiplies each row by the root L of `C = L Lᵀ` (Cholesky's).
    pub(super) fn apply_root(&self, rows: &mut Cloud) {
        let Self([[xx, xy], [_, yy]]) = self;
        let first = xx.sqrt();
        let across = if first > 0.0 { xy / first } else { 0.0 };
        let second = (yy - across * across).max(0.0).sqrt();
        for mut row in rows.rows_mut() {
            let [x, y] = [row[0], row[1]];
            row[0] = first * x;
            row[1] = across * x + second * y;
        }
    }
}

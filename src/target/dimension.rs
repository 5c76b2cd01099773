//! Means and covariances as they are written: on the line, or in the plane.

use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// A place as it is written: `[x]` on the line, `[x, y]` in the plane, in the target's units.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Mean {
    /// One coordinate.
    Line([f64; 1]),
    /// Two.
    Plane([f64; 2]),
}

/// A covariance as it is written, in squared units: `[[v]]` on the line, two rows of two in the plane.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Covariance {
    /// A variance.
    Line([[f64; 1]; 1]),
    /// Symmetric, positive definite.
    Plane([[f64; 2]; 2]),
}

impl Mean {
    /// Of the line: 1; of the plane: 2.
    #[must_use]
    pub fn dimension(&self) -> usize {
        match self {
            Self::Line(_) => 1,
            Self::Plane(_) => 2,
        }
    }

    /// The place in the plane; the line is its first axis.
    #[must_use]
    pub fn in_plane(&self) -> [f64; 2] {
        match *self {
            Self::Line([x]) => [x, 0.0],
            Self::Plane(place) => place,
        }
    }
}

impl Covariance {
    /// Of the line: 1; of the plane: 2.
    #[must_use]
    pub fn dimension(&self) -> usize {
        match self {
            Self::Line(_) => 1,
            Self::Plane(_) => 2,
        }
    }

    /// The covariance in the plane; across the line there is none.
    #[must_use]
    pub fn in_plane(&self) -> [[f64; 2]; 2] {
        match *self {
            Self::Line([[v]]) => [[v, 0.0], [0.0, 0.0]],
            Self::Plane(rows) => rows,
        }
    }
}

impl From<[f64; 1]> for Mean {
    fn from(place: [f64; 1]) -> Self {
        Self::Line(place)
    }
}

impl From<[f64; 2]> for Mean {
    fn from(place: [f64; 2]) -> Self {
        Self::Plane(place)
    }
}

impl From<[[f64; 1]; 1]> for Covariance {
    fn from(rows: [[f64; 1]; 1]) -> Self {
        Self::Line(rows)
    }
}

impl From<[[f64; 2]; 2]> for Covariance {
    fn from(rows: [[f64; 2]; 2]) -> Self {
        Self::Plane(rows)
    }
}

impl<'de> Deserialize<'de> for Mean {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Vec::<f64>::deserialize(deserializer)?[..] {
            [x] => Ok(Self::Line([x])),
            [x, y] => Ok(Self::Plane([x, y])),
            ref other => Err(D::Error::invalid_length(
                other.len(),
                &"2 values, or 1 for a target on the line",
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Covariance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rows = Vec::<Vec<f64>>::deserialize(deserializer)?;
        let row = |k: usize| -> &[f64] { rows.get(k).map_or(&[], Vec::as_slice) };
        match (rows.len(), row(0), row(1)) {
            (1, &[v], _) => Ok(Self::Line([[v]])),
            (2, &[a, b], &[c, d]) => Ok(Self::Plane([[a, b], [c, d]])),
            _ => Err(D::Error::invalid_length(
                rows.len(),
                &"2 rows of 2 values, or [[variance]] for a target on the line",
            )),
        }
    }
}

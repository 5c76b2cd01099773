//! Equal square cells over a part of the plane.

use crate::cloud::{Cloud, CloudView, bounds};

/// `columns × rows` square cells. Values on it are listed row by row from below, each row from the left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// Lower left corner, in the target's units.
    pub corner: [f64; 2],
    /// Side of a cell.
    pub pitch: f64,
    /// Cells along x.
    pub columns: usize,
    /// Cells along y.
    pub rows: usize,
}

impl Grid {
    /// A grid around all these clouds with air of a quarter of their extent on each side, `cells` along the longer side. Points that are not finite are
    /// no cloud of ours; without any extent it is the square of side 2 around the points.
    #[must_use]
    pub fn around(clouds: &[CloudView<'_>], cells: usize) -> Self {
        let boxes = clouds.iter().filter_map(|cloud| bounds(*cloud));
        let [x, y] = boxes
            .reduce(|a, b| [0, 1].map(|i| [a[i][0].min(b[i][0]), a[i][1].max(b[i][1])]))
            .unwrap_or_default();
        let longest = (x[1] - x[0]).max(y[1] - y[0]);
        let air = if longest > 0.0 { 0.25 * longest } else { 1.0 };
        let side = |[low, high]: [f64; 2]| high - low + 2.0 * air;
        let pitch = side(x).max(side(y)) / cells as f64;
        let count = |range| (side(range) / pitch).ceil().max(1.0) as usize;
        Self {
            corner: [x[0] - air, y[0] - air],
            pitch,
            columns: count(x).min(cells),
            rows: count(y).min(cells),
        }
    }

    /// The cells of it that lie on the first axis, for distributions on the line; those of the plane are all.
    #[must_use]
    pub fn within(self, dimension: usize) -> Self {
        match dimension {
            1 => Self {
                corner: [self.corner[0], -0.5 * self.pitch],
                rows: 1,
                ..self
            },
            _ => self,
        }
    }

    /// Number of cells.
    #[must_use]
    pub fn len(&self) -> usize {
        self.columns * self.rows
    }

    /// Whether there is no cell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Area of a cell; of one on the line its length.
    #[must_use]
    pub fn area(&self) -> f64 {
        if self.rows == 1 {
            self.pitch
        } else {
            self.pitch * self.pitch
        }
    }

    /// Middles of the columns, and of the rows.
    #[must_use]
    pub fn axes(&self) -> [Vec<f64>; 2] {
        let axis = |corner: f64, count: usize| {
            (0..count)
                .map(|i| corner + (i as f64 + 0.5) * self.pitch)
                .collect()
        };
        [
            axis(self.corner[0], self.columns),
            axis(self.corner[1], self.rows),
        ]
    }

    /// Middles of all cells, `len×2`.
    #[must_use]
    pub fn middles(&self) -> Cloud {
        let [x, y] = self.axes();
        Cloud::from_shape_fn((self.len(), 2), |(cell, axis)| {
            if axis == 0 {
                x[cell % self.columns]
            } else {
                y[cell / self.columns]
            }
        })
    }
}

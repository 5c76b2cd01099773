//! A cloud with its coordinates apart.

use std::ops::Range;

use multiversion::multiversion;

use crate::cloud::CloudView;

/// A cloud with its coordinates apart, as vector loads want them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Planar<T = f64> {
    pub(crate) x: Vec<T>,
    pub(crate) y: Vec<T>,
}

impl Planar {
    /// The points of `points` (`n×2`).
    pub(crate) fn new(points: CloudView<'_>) -> Self {
        Self {
            x: points.column(0).to_vec(),
            y: points.column(1).to_vec(),
        }
    }

    /// Coordinates along a direction, a unit vector.
    pub(crate) fn along(&self, direction: [f64; 2]) -> Vec<f64> {
        along(self, direction)
    }

    /// Least and greatest x, least and greatest y.
    pub(crate) fn bounds(&self) -> [[f64; 2]; 2] {
        self.sides().map(|side| {
            side.iter()
                .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], &v| {
                    [low.min(v), high.max(v)]
                })
        })
    }
}

#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn along(points: &Planar, [c, s]: [f64; 2]) -> Vec<f64> {
    let sides = points.x.iter().zip(&points.y);
    sides.map(|(x, y)| c * x + s * y).collect()
}

impl<T: Copy> Planar<T> {
    /// Number of points.
    pub(crate) fn len(&self) -> usize {
        self.x.len()
    }

    /// Whether there is no point at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.x.is_empty()
    }

    /// Both coordinates, of all points each.
    pub(crate) fn sides(&self) -> [&[T]; 2] {
        [&self.x, &self.y]
    }

    /// Point `index`.
    pub(crate) fn at(&self, index: usize) -> [T; 2] {
        [self.x[index], self.y[index]]
    }

    /// The first point, if there is one.
    pub(crate) fn first(&self) -> Option<[T; 2]> {
        (!self.is_empty()).then(|| self.at(0))
    }

    /// Both coordinates of some neighbours in the list.
    pub(crate) fn range(&self, range: Range<usize>) -> [&[T]; 2] {
        [&self.x[range.clone()], &self.y[range]]
    }

    /// The points at these places.
    pub(crate) fn pick(&self, places: &[usize]) -> Self {
        self.map(|side| places.iter().map(|&i| side[i]).collect())
    }

    /// What `side` makes of either coordinate.
    pub(crate) fn map<U>(&self, mut side: impl FnMut(&[T]) -> Vec<U>) -> Planar<U> {
        Planar {
            x: side(&self.x),
            y: side(&self.y),
        }
    }
}

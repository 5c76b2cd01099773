//! Points that ask for their nearest neighbours together.

use super::neighbours::{LEAF, Leaf};

/// Points of one leaf that ask for their neighbours.
pub(super) struct Batch<const N: usize> {
    pub(super) leaf: Leaf,
    pub(super) middle: [f64; 2],
    pub(super) wanted: usize,
    /// For each, the squares of the distances to the nearest found so far, nearest first.
    pub(super) near: [[f64; N]; LEAF],
    /// For each, a square below which it does not matter how near the last of the wanted is.
    pub(super) enough: [f64; LEAF],
    /// Nothing at this square of a distance from all of them is looked for any more.
    pub(super) widest: f64,
}

impl<const N: usize> Batch<N> {
    /// What is looked for still, now that more has been found.
    pub(super) fn narrow(&mut self) {
        let mut widest = 0.0_f64;
        for (near, &enough) in self.near[..self.leaf.count].iter().zip(&self.enough) {
            let last = near[self.wanted - 1];
            if last >= enough {
                widest = widest.max(last);
            }
        }
        self.widest = widest;
    }

    /// Squared distance from the box of all queries.
    pub(super) fn distance_to(&self, [x_low, x_high, y_low, y_high]: [f64; 4]) -> f64 {
        let dx = (x_low - self.leaf.edges[1])
            .max(self.leaf.edges[0] - x_high)
            .max(0.0);
        let dy = (y_low - self.leaf.edges[3])
            .max(self.leaf.edges[2] - y_high)
            .max(0.0);
        dx * dx + dy * dy
    }
}

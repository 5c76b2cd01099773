//! Sums of a Gaussian kernel over all pairs of two samples by a few waves, where the kernel is wide compared with the samples.

use ndarray::{Array2, Axis};

use crate::plane::Planar;

/// A sum over pairs in so many numbers: `Σ_{ij} k(x_i, y_j) = s² Σ_{ab} w_a w_b ⟨X_ab, Y_ab⟩`, where `X_ab` holds the sums over the points of the four
/// products of `cos` and `sin` of `aθx` and `bθy`.
///
/// In one dimension `exp(−u²/2) = (θ/√2π) Σ_{a∈ℤ} exp(−(aθ)²/2) cos(aθu)` up to what the trapezoidal rule leaves out, which is `exp(−(2π/θ − u)²/2)` and
/// the terms beyond the last `a` (Poisson's summation). Both stay below `e⁻³²`, or 1e-14, for all `|u| ≤ reach`. The kernel in the plane is the product of two.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Waves {
    /// Where lengths are counted from, in the data's units, and their unit.
    origin: [f64; 2],
    unit: f64,
    theta: f64,
    weights: Vec<f64>,
    reach: f64,
}

/// `|u|` at which a Gaussian is 1e-14.
const EDGE: f64 = 8.0;

/// Largest extent of both samples together, in units of the kernel's width, that is summed so; beyond it there would be too many waves.
const FARTHEST: f64 = 16.0;

impl Waves {
    /// Waves for samples that lie within `low..=high` on each axis, and the kernel `exp(−d²/2s²)`; `None` where they would be too many.
    pub(super) fn new([low, high]: [[f64; 2]; 2], s: f64) -> Option<Self> {
        let extents = [0, 1].map(|axis| (high[axis] - low[axis]) / s);
        let reach = extents[0].max(extents[1]);
        let few = extents.iter().all(|&extent| extent <= FARTHEST);
        if !(few && s > 0.0) {
            return None;
        }
        let theta = std::f64::consts::TAU / (reach + EDGE);
        let count = (EDGE / theta).ceil() as usize + 1;
        let scale = theta / std::f64::consts::TAU.sqrt();
        let weight = |a: usize| {
            let omega = a as f64 * theta;
            let twice = if a == 0 { 1.0 } else { 2.0 };
            twice * scale * (-0.5 * omega * omega).exp()
        };
        Some(Self {
            origin: [0, 1].map(|axis| f64::midpoint(low[axis], high[axis])),
            unit: s,
            theta,
            weights: (0..count).map(weight).collect(),
            reach,
        })
    }

    /// Whether these points lie where the waves reach.
    pub(super) fn reach(&self, points: &Planar) -> bool {
        let half = 0.5 * self.reach * self.unit * (1.0 + 1e-12);
        let inside = |side: &[f64], at: f64| side.iter().all(|v| (v - at).abs() <= half);
        inside(&points.x, self.origin[0]) && inside(&points.y, self.origin[1])
    }

    /// The sums over the points, each divided by their number: `2A×2A` numbers for `A` waves.
    pub(super) fn of(&self, points: &Planar) -> Array2<f64> {
        let tables = [(&points.x, 0), (&points.y, 1)]
            .map(|(side, axis)| self.table(side, self.origin[axis]));
        let mut sums = tables[0].t().dot(&tables[1]);
        sums /= points.len() as f64;
        sums
    }

    /// Rows of `cos aθu` and `sin aθu` for all waves, by the addition theorem.
    fn table(&self, side: &[f64], origin: f64) -> Array2<f64> {
        let count = self.weights.len();
        let mut table = Array2::zeros((side.len(), 2 * count));
        for (mut row, v) in table.axis_iter_mut(Axis(0)).zip(side) {
            let (sin, cos) = (self.theta * ((v - origin) / self.unit)).sin_cos();
            let (mut c, mut s) = (1.0, 0.0);
            for a in 0..count {
                row[a] = c;
                row[count + a] = s;
                (c, s) = (c * cos - s * sin, s * cos + c * sin);
            }
        }
        table
    }

    /// Mean of the kernel over all pairs of two samples, from their sums.
    pub(super) fn mean(&self, a: &Array2<f64>, b: &Array2<f64>) -> f64 {
        let count = self.weights.len();
        let mut total = 0.0;
        for (i, (left, right)) in a.rows().into_iter().zip(b.rows()).enumerate() {
            let row: f64 = (0..2 * count)
                .map(|j| self.weights[j % count] * left[j] * right[j])
                .sum();
            total += self.weights[i % count] * row;
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plane::{Term, between};

    #[test]
    fn waves_agree_with_the_sum_over_all_pairs() {
        let points = |count: usize, wide: f64| Planar {
            x: (0..count)
                .map(|i| 5e3 + wide * (1.3 * i as f64).sin())
                .collect(),
            y: (0..count)
                .map(|i| wide * (0.7 * (i * i) as f64).cos())
                .collect(),
        };
        for (wide, s) in [(1.0, 0.9), (2.0, 0.3), (1e-3, 4e-4), (0.5, 3.0), (8.0, 1.0)] {
            let (a, b) = (points(203, wide), points(150, wide));
            let edges = [[5e3 - wide, -wide], [5e3 + wide, wide]];
            let waves = Waves::new(edges, s).unwrap();
            assert!(waves.reach(&a) && waves.reach(&b));
            let rate = 0.5 / (s * s);
            let direct = between(&a, &b, Term::Gaussian { rate }) / (203.0 * 150.0);
            let found = waves.mean(&waves.of(&a), &waves.of(&b));
            assert!(
                (found - direct).abs() < 1e-12,
                "{wide}, {s}: {found} is not {direct}"
            );
        }
        assert_eq!(Waves::new([[0.0; 2], [1.0, 30.0]], 1.0), None);
        assert_eq!(Waves::new([[0.0; 2], [1.0, f64::NAN]], 1.0), None);
    }
}

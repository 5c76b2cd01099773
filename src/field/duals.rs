//! A potential of an entropic transport problem with cost `½‖x − y‖²`, kept at points of one side and known everywhere.

use crate::estimate::{Kernel, Lean, Mask, Radial, Summed};
use crate::kernel::KernelSum;
use crate::plane::Planar;

/// A potential at points of equal weights.
#[derive(Clone, Debug)]
pub(super) struct Duals {
    pub(super) points: Planar,
    /// In squared units.
    pub(super) values: Vec<f64>,
}

impl Duals {
    pub(super) fn zero(points: Planar) -> Self {
        let values = vec![0.0; points.len()];
        Self { points, values }
    }

    /// `log (1/m) Σ_j e^{(g_j − ½‖x − y_j‖²)/ε}` at the places, with the barycentric map from each.
    pub(super) fn sums(&self, at: &Planar, epsilon: f64) -> Vec<KernelSum> {
        let share = (self.points.len() as f64).ln();
        let logs: Vec<f64> = self.values.iter().map(|g| g / epsilon - share).collect();
        let kernel = Kernel {
            shape: Radial::Gaussian,
            h: epsilon.sqrt(),
        };
        let summed = Summed {
            points: &self.points,
            logs: &logs,
        };
        kernel.soft(at, summed, Lean::Mean, Mask::Nobody)
    }

    /// The potential of the other side that belongs to this one: `−ε log (1/m) Σ_j e^{(g_j − ½‖x − y_j‖²)/ε}`.
    pub(super) fn potential(&self, at: &Planar, epsilon: f64) -> Vec<f64> {
        let sums = self.sums(at, epsilon);
        sums.iter().map(|sum| -epsilon * sum.log).collect()
    }

    /// Goes halfway to `next`.
    pub(super) fn approach(&mut self, next: &[f64]) {
        for (value, &next) in self.values.iter_mut().zip(next) {
            *value = f64::midpoint(*value, next);
        }
    }

    /// One update of both sides at once, halfway: between equal clouds both stay the same.
    pub(super) fn improve(a: &mut Self, b: &mut Self, epsilon: f64) {
        let [next_a, next_b] = [
            b.potential(&a.points, epsilon),
            a.potential(&b.points, epsilon),
        ];
        a.approach(&next_a);
        b.approach(&next_b);
    }

    /// Writes points and values to the end of `state`.
    pub(super) fn keep(&self, state: &mut Vec<f64>) {
        state.push(self.values.len() as f64);
        for values in [&self.points.x, &self.points.y, &self.values] {
            state.extend(values);
        }
    }

    /// Takes what [`keep`](Self::keep) wrote from the beginning of `state`; `None` if it is cut short.
    pub(super) fn take(state: &mut &[f64]) -> Option<Self> {
        let (&count, mut rest) = state.split_first()?;
        let mut list = || {
            let (values, after) = rest.split_at_checked(count as usize)?;
            rest = after;
            Some(values.to_vec())
        };
        let [x, y, values] = [list()?, list()?, list()?];
        *state = rest;
        Some(Self {
            points: Planar { x, y },
            values,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    /// At the solution the plan has both marginals.
    #[test]
    fn the_plan_has_the_marginals_that_it_should() {
        let cloud = |name: &str, count| Planar::new(Stream::new(1, name).normals(count).view());
        let (x, y) = (cloud("x", 30), cloud("y", 50));
        let (mut a, mut b) = (Duals::zero(x), Duals::zero(y));
        let epsilon = 0.3;
        for _ in 0..400 {
            Duals::improve(&mut a, &mut b, epsilon);
        }
        let plan = |i: usize, j: usize| {
            let [[x, y], [u, v]] = [a.points.at(i), b.points.at(j)];
            let cost = 0.5 * ((x - u).powi(2) + (y - v).powi(2));
            ((a.values[i] + b.values[j] - cost) / epsilon).exp() / 1500.0
        };
        for i in 0..30 {
            let row: f64 = (0..50).map(|j| plan(i, j)).sum();
            assert!((row * 30.0 - 1.0).abs() < 1e-9, "{row}");
        }
        for j in 0..50 {
            let column: f64 = (0..30).map(|i| plan(i, j)).sum();
            assert!((column * 50.0 - 1.0).abs() < 1e-9, "{column}");
        }
        // The map is the mean of the plan's row.
        let sums = b.sums(&a.points, epsilon);
        for (i, sum) in sums.iter().enumerate() {
            let mean: f64 = (0..50).map(|j| 30.0 * plan(i, j) * b.points.x[j]).sum();
            assert!((a.points.x[i] + sum.shift[0] - mean).abs() < 1e-8);
        }
    }
}

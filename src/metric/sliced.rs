//! Sliced Wasserstein distance: the plane seen from many directions, each solved by sorting.

use rayon::prelude::*;

use super::lines::{DIRECTIONS, projections};
use super::sample::Seen;
use super::{About, Effort, Grain, Ideal, Metric, Needs, Reading, Scale, Taken};
use crate::cloud::CloudView;
use crate::plane::Planar;

/// What [`SlicedW2`] measures.
pub const SLICED_W2: About = About {
    name: "sliced_w2",
    words: "sliced W₂",
    measures: "root mean square over 64 directions of the W2 distance between the projections, in the target's units",
    sees: "sees misplaced mass and large-scale error; blind to blur, duplicates, bridges and a few per cent of outliers",
    ideal: Ideal::Low,
    grain: Grain::Fine,
    axis: Some(Scale::Log),
    taken: Taken::Always,
    needs: Needs::Nothing,
    effort: Effort::Quick,
};

/// The sliced Wasserstein distance `(mean_θ W2²(⟨θ,x⟩, ⟨θ,y⟩))^{1/2}` (Bonneel et al., *J. Math. Imaging Vis.* 51, 2015)
/// over directions at equal angles `πj/K`, `j = 0..K`. The integrand is smooth and periodic in the angle, so in the plane equal
/// spacing beats random directions, and there is no noise of projection. Clouds of unequal sizes are compared
/// exactly, by integrating over their quantile functions.
#[derive(Clone, Debug)]
pub struct SlicedW2 {
    directions: usize,
    /// The reference projected on each direction, sorted.
    projected: Vec<Vec<f64>>,
}

impl SlicedW2 {
    /// Directions taken unless said otherwise.
    pub const DIRECTIONS: usize = DIRECTIONS;

    /// Takes the reference sample (`m×2`) and the number of directions, at least 1.
    #[must_use]
    pub fn new(reference: CloudView<'_>, directions: usize) -> Self {
        let reference = Planar::new(reference);
        Self {
            projected: projections(&reference, directions, false),
            directions,
        }
    }
}

impl Metric for SlicedW2 {
    fn about(&self) -> &'static About {
        &SLICED_W2
    }

    fn measure(&self, cloud: CloudView<'_>) -> f64 {
        self.read(cloud).value
    }

    fn value(&self, seen: &Seen<'_, '_>) -> f64 {
        match &seen.sample.lines {
            Some(lines) if lines.len() == self.directions => self.squared(lines).0.sqrt(),
            _ => self.measure(seen.points()),
        }
    }

    /// With the standard error that as many random directions would have; that of directions at equal angles is smaller.
    fn read(&self, cloud: CloudView<'_>) -> Reading {
        let lines = projections(&Planar::new(cloud), self.directions, false);
        let (mean, squared) = self.squared(&lines);
        let count = squared.len() as f64;
        let value = mean.sqrt();
        let spread: f64 = squared.iter().map(|s| (s - mean) * (s - mean)).sum();
        // The error of a root is that of its square, divided by twice the root.
        let error = (spread / (count * (count - 1.0))).sqrt() / (2.0 * value);
        Reading {
            standard_error: error.is_finite().then_some(error),
            ..Reading::of(value)
        }
    }
}

impl SlicedW2 {
    /// `W2²` on each line, with the mean of all before them.
    fn squared(&self, lines: &[Vec<f64>]) -> (f64, Vec<f64>) {
        let pairs = lines.par_iter().zip(&self.projected);
        let squared: Vec<f64> = pairs
            .map(|(cloud, reference)| w2_squared(cloud, reference))
            .collect();
        (squared.iter().sum::<f64>() / squared.len() as f64, squared)
    }
}

/// `W2²` between two sorted samples on a line: `∫₀¹ (F⁻¹(u) − G⁻¹(u))² du`.
fn w2_squared(a: &[f64], b: &[f64]) -> f64 {
    let (n, m) = (a.len(), b.len());
    if n == m {
        return a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>() / n as f64;
    }
    // Quantile levels are counted in units of 1/nm, where both staircases jump at whole numbers.
    let (mut i, mut j, mut level, mut sum) = (0, 0, 0, 0.0);
    while i < n && j < m {
        let next = ((i + 1) * m).min((j + 1) * n);
        let gap = a[i] - b[j];
        sum += (next - level) as f64 * gap * gap;
        level = next;
        i += usize::from(next == (i + 1) * m);
        j += usize::from(next == (j + 1) * n);
    }
    sum / (n as f64 * m as f64)
}

#[cfg(test)]
mod tests {
    use super::w2_squared;

    #[test]
    fn unequal_sizes_integrate_the_quantile_functions() {
        // {0} against {0, 1}: half of the mass moves by 1.
        assert_eq!(w2_squared(&[0.0], &[0.0, 1.0]), 0.5);
        // {0, 3} against {0, 1, 2}: the staircases jump at 2, 3, 4 and 6 sixths, with gaps 0, 1, 2 and 1 between.
        let by_hand = (2.0 * 0.0 + 1.0 * 1.0 + 1.0 * 4.0 + 2.0 * 1.0) / 6.0;
        assert!((w2_squared(&[0.0, 3.0], &[0.0, 1.0, 2.0]) - by_hand).abs() < 1e-15);
        // Each point written twice is the same distribution.
        let a = [0.1, 0.5, 2.0];
        let twice = [0.1, 0.1, 0.5, 0.5, 2.0, 2.0];
        assert_eq!(w2_squared(&a, &twice), 0.0);
    }
}

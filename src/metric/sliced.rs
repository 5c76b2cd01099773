//! Sliced Wasserstein distance: the plane seen from many directions, each solved by sorting.

use std::f64::consts::PI;

use rayon::prelude::*;

use super::lines::{DIRECTIONS, projections};
use super::sample::Seen;
use super::{About, Effort, Grain, Ideal, Metric, Needs, Reading, Scale, Taken};
use crate::cloud::CloudView;
use crate::plane::Planar;
use crate::transport::{w2_squared, weighted_w2_squared};

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
/// exactly, by integrating over their quantile functions. [On the line](Self::within) this is `W2` itself.
#[derive(Clone, Debug)]
pub struct SlicedW2 {
    directions: usize,
    /// What the mean over directions of the plane is multiplied with.
    factor: f64,
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
            factor: 1.0,
            projected: projections(&reference, directions, false),
            directions,
        }
    }
}

impl SlicedW2 {
    /// The same in a space of this dimension: 2, or 1 for points of the line, which has one direction. Those of the plane see of it the
    /// cosines of equal angles, whose squares are a half in the mean.
    #[must_use]
    pub fn within(mut self, dimension: usize) -> Self {
        if dimension == 1 && self.directions > 1 {
            self.factor = 2.0;
        }
        self
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

    fn weighted(&self, cloud: CloudView<'_>, weights: &[f64]) -> Option<f64> {
        let lines = self.projected.par_iter().enumerate();
        let squared: Vec<f64> = lines
            .map(|(j, reference)| {
                let (sin, cos) = (PI * j as f64 / self.directions as f64).sin_cos();
                let rows = cloud.rows().into_iter().zip(weights);
                let mut line: Vec<(f64, f64)> = rows
                    .map(|(row, w)| (cos * row[0] + sin * row[1], *w))
                    .collect();
                line.sort_by(|a, b| a.0.total_cmp(&b.0));
                weighted_w2_squared(&line, reference)
            })
            .collect();
        Some((self.factor * squared.iter().sum::<f64>() / squared.len() as f64).sqrt())
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
            .map(|(cloud, reference)| self.factor * w2_squared(cloud, reference))
            .collect();
        (squared.iter().sum::<f64>() / squared.len() as f64, squared)
    }
}

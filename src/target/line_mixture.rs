//! Mixtures of Gaussians on the line: their distribution function, and portions of their mass.

use std::f64::consts::{FRAC_1_SQRT_2, TAU};

use super::Portions;

/// Gaussians on the line about the mean of all of them.
#[derive(Clone, Debug)]
pub(super) struct LineMixture {
    mean: f64,
    /// Weight, mean less that of all, and standard deviation.
    parts: Vec<[f64; 3]>,
}

impl LineMixture {
    /// Takes weight, mean and standard deviation of each; the weights sum to one.
    pub(super) fn new(parts: impl Iterator<Item = [f64; 3]> + Clone) -> Self {
        let mean = parts.clone().map(|[w, m, _]| w * m).sum();
        Self {
            mean,
            parts: parts.map(|[w, m, s]| [w, m - mean, s]).collect(),
        }
    }

    /// Share of the mass below `x`, and the integral of the distance from the mean over it.
    fn below(&self, x: f64) -> [f64; 2] {
        let mut sum = [0.0; 2];
        for [weight, mean, sd] in &self.parts {
            let u = (x - mean) / sd;
            let share = 0.5 * libm::erfc(-u * FRAC_1_SQRT_2);
            let height = (-0.5 * u * u).exp() / TAU.sqrt();
            sum[0] += weight * share;
            sum[1] += weight * (mean * share - sd * height);
        }
        sum
    }

    /// The place below which a share of the mass lies, to the last bits, by halving what is left.
    fn quantile(&self, share: f64) -> f64 {
        /// No share that a number can tell from 0 or 1 lies further out, in standard deviations.
        const FAR: f64 = 39.0;
        let ends = |sign: f64| self.parts.iter().map(move |[_, m, s]| m + sign * FAR * s);
        let mut low = ends(-1.0).fold(f64::INFINITY, f64::min);
        let mut high = ends(1.0).fold(f64::NEG_INFINITY, f64::max);
        loop {
            let middle = low + 0.5 * (high - low);
            if middle <= low || middle >= high {
                return middle;
            }
            if self.below(middle)[0] < share {
                low = middle;
            } else {
                high = middle;
            }
        }
    }

    /// [`Target::portions`](super::Target::portions).
    pub(super) fn portions(&self, masses: &[f64]) -> Portions {
        let variance: f64 = self.parts.iter().map(|[w, m, s]| w * (m * m + s * s)).sum();
        let (mut share, mut before) = (0.0, 0.0);
        let mut rest = variance;
        let means = masses.iter().enumerate().map(|(k, mass)| {
            share += mass;
            // All mass lies about its mean.
            let last = k + 1 == masses.len();
            let below = if last {
                0.0
            } else {
                self.below(self.quantile(share))[1]
            };
            let mean = (below - before) / mass;
            before = below;
            rest -= mass * mean * mean;
            self.mean + mean
        });
        let means = means.collect();
        Portions {
            means,
            rest: rest.max(0.0),
        }
    }
}

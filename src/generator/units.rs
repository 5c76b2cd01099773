//! The units in which a generator learns, so that neither the origin nor the unit of the data enters its arithmetic.

use ndarray::ArrayView1;

use crate::cloud::{self, CloudView};
use crate::target::{Component, Target};

/// The units of a generator `g(z) = b + k z + s · MLP((z − c)/a)`: `c` and `a` standardise the latent points, `s` is the length of
/// one unit of what the network gives, and `b + k z` is where the network's zero stands: `z` itself, unless latent points are no points of the source, or the
/// network gives places. Learning rates act in these units, and losses have none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Units {
    /// c, the mean of the source.
    pub centre: [f64; 2],
    /// a > 0, the pooled standard deviation `√(tr cov / d)` of the source.
    pub input: f64,
    /// s > 0, the pooled standard deviation of source and target together, with equal weights: how far points have to go,
    /// whether the target is wide, or narrow, or far away.
    pub output: f64,
    /// k ≥ 0, on the first coordinates of a latent point, as many as the space has: 1 where latent points are points of the source.
    pub skip: f64,
    /// b, nothing where latent points are points of the source.
    pub shift: [f64; 2],
    /// Coordinates of the space, 1 or 2.
    pub dimension: usize,
}

/// Those of a source and a target that are both N(0, I).
impl Default for Units {
    fn default() -> Self {
        Self {
            centre: [0.0; 2],
            input: 1.0,
            output: 1.0,
            skip: 1.0,
            shift: [0.0; 2],
            dimension: 2,
        }
    }
}

impl Units {
    /// The units between a source, of which `start` (`n×2`) is a sample, and a target, of which `real` (`m×2`) is one. Mixtures of
    /// Gaussians know their moments; those of other distributions are the sample's.
    #[must_use]
    pub fn between(
        [source, target]: [&dyn Target; 2],
        start: CloudView<'_>,
        real: CloudView<'_>,
    ) -> Self {
        let (centre, from) = moments(source, start);
        let (there, to) = moments(target, real);
        let apart2: f64 = (0..2).map(|k| (there[k] - centre[k]).powi(2)).sum();
        let output = (f64::midpoint(from * from, to * to) + apart2 / 8.0).sqrt();
        // A source that is a single point has no unit of its own, and a target at that very point leaves nothing to learn.
        let or = |length: f64, other: f64| if length > 0.0 { length } else { other };
        let output = or(output, 1.0);
        Self {
            centre,
            input: or(from, output),
            output,
            dimension: target.dimension(),
            ..Self::default()
        }
    }

    /// The same where latent points are of a law of their `own`, and where the network gives displacements (`residual`) or places.
    pub(super) fn suited(self, own: bool, residual: bool) -> Self {
        let Self { centre, input, .. } = self;
        let (c, a) = if own {
            ([0.0; 2], 1.0)
        } else {
            (centre, input)
        };
        let (skip, shift) = match (residual, own) {
            (true, false) => (1.0, [0.0; 2]),
            (true, true) => (input, centre),
            (false, _) => (0.0, centre),
        };
        Self {
            centre: c,
            input: a,
            skip,
            shift,
            ..self
        }
    }

    /// One latent coordinate in standardised units.
    pub(super) fn latent(&self, value: f64, axis: usize) -> f64 {
        (value - self.centre.get(axis).unwrap_or(&0.0)) / self.input
    }

    /// Where the latent point `z` stands before the network has moved it, on this axis.
    pub(super) fn before(&self, z: ArrayView1<'_, f64>, axis: usize) -> f64 {
        if axis < self.dimension && self.skip > 0.0 {
            self.skip * z[axis] + self.shift[axis]
        } else {
            self.shift[axis]
        }
    }
}

/// Mean and pooled standard deviation.
fn moments(of: &dyn Target, sample: CloudView<'_>) -> ([f64; 2], f64) {
    let Some(components) = of.components() else {
        return (cloud::mean(sample), cloud::spread(sample));
    };
    let total: f64 = components.iter().map(|c| c.weight).sum();
    let average = |value: &dyn Fn(&Component) -> f64| {
        components.iter().map(|c| c.weight * value(c)).sum::<f64>() / total
    };
    let mean = [0, 1].map(|k| average(&|c| c.mean[k]));
    let variance = average(&|c| {
        let apart2: f64 = (0..2).map(|k| (c.mean[k] - mean[k]).powi(2)).sum();
        c.covariance[0][0] + c.covariance[1][1] + apart2
    });
    (mean, (variance / of.dimension() as f64).sqrt())
}

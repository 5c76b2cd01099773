//! Distributions to reach and to start from, one file per family.

use std::fmt::Debug;

use ndarray::{Array1, Array2};

use crate::cloud::{Cloud, CloudView};
use crate::random::Stream;

/// One Gaussian of a mixture.
#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    /// Share of the mass; the weights of a mixture sum to one.
    pub weight: f64,
    /// Centre, in the target's units.
    pub mean: [f64; 2],
    /// Covariance, symmetric positive definite.
    pub covariance: [[f64; 2]; 2],
}

/// A distribution in the plane that can be sampled exactly. It serves as target `p` or as source `q_0`.
pub trait Target: Debug + Send + Sync {
    /// `count` independent draws, shape `count×2`. The same stream gives the same draws.
    fn sample(&self, count: usize, stream: Stream) -> Cloud;

    /// `log p` at each point (`n`), natural logarithm, normalised; `None` where no closed form exists.
    fn log_density(&self, _at: CloudView<'_>) -> Option<Array1<f64>> {
        None
    }

    /// The score `∇ log p` at each point (`n×2`); `None` where no closed form exists.
    fn score(&self, _at: CloudView<'_>) -> Option<Array2<f64>> {
        None
    }

    /// The Gaussians that the distribution is an exact mixture of, if it is one.
    fn components(&self) -> Option<&[Component]> {
        None
    }
}

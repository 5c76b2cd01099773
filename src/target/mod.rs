//! Distributions to reach and to start from, one file per family.

mod auto;
mod banana;
mod bessel;
mod catalogue;
mod checkerboard;
mod circles;
mod curve;
mod dimension;
mod family;
mod files;
#[cfg(feature = "record")]
mod folder;
mod gaussian;
mod grid;
mod image;
mod line_mixture;
mod memory;
mod mixture;
mod moons;
mod picture;
mod pinwheel;
mod points;
mod ring;
mod rings;
mod spirals;
mod swiss_roll;
mod uniform;

use std::f64::consts::PI;
use std::fmt::Debug;

use ndarray::{Array1, Array2};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

use crate::cloud::{Cloud, CloudView};
use crate::random::Stream;
use crate::setting::Invalid;

pub use auto::AutoSpec;
pub use banana::{Banana, BananaSpec};
pub use catalogue::TargetSpec;
pub use checkerboard::{Checkerboard, CheckerboardSpec};
pub use circles::{Circles, CirclesSpec};
pub use dimension::{Covariance, Mean};
pub use files::{BuildError, Files};
#[cfg(feature = "record")]
pub use folder::{Anywhere, Folder, open_file};
pub use gaussian::GaussianSpec;
pub use grid::GridSpec;
pub use image::{ImageSpec, PictureDensity};
pub use memory::Memory;
pub use mixture::{ComponentSpec, Mixture, MixtureSpec};
pub use moons::{Moons, MoonsSpec};
pub use picture::Ink;
pub(crate) use picture::MOST_PIXELS;
pub use pinwheel::{Pinwheel, PinwheelSpec};
pub use points::{PointSample, PointsSpec};
pub use ring::RingSpec;
pub use rings::RingsSpec;
pub use spirals::{Spirals, SpiralsSpec};
pub use swiss_roll::{SwissRoll, SwissRollSpec};
pub use uniform::{Uniform, UniformSpec};

/// One Gaussian of a mixture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Share of the mass, relative to the other weights; greater than 0. In a built mixture the weights sum to one.
    pub weight: f64,
    /// Centre, in the target's units; on the line `[x, 0]`.
    pub mean: [f64; 2],
    /// Covariance, in squared units: symmetric, positive definite; on the line `[[s², 0], [0, 0]]`.
    pub covariance: [[f64; 2]; 2],
}

/// A finite sample in two parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Parts {
    /// What a discriminator may see, `k×2`, in a random order.
    pub training: Cloud,
    /// What a cloud is judged by, `l×2`, in a random order.
    pub held_out: Cloud,
    /// Why the second part does not judge as new points would; nothing if it does.
    pub caveat: Option<String>,
}

impl Parts {
    /// Whether there are two parts, and not one and the same.
    pub(crate) fn is_parted(&self) -> bool {
        self.training != self.held_out
    }
}

/// A distribution on the line, in portions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Portions {
    /// Mean of each, in the target's units.
    pub means: Vec<f64>,
    /// Mean squared distance of all points from the mean of their portion, in squared units: as near as one point for each can come to the distribution.
    pub rest: f64,
}

/// A distribution in the plane that can be sampled exactly. It serves as target `p` or as source `q_0`.
pub trait Target: Debug + Send + Sync {
    /// `count` independent draws, shape `count×2`. The same stream gives the same draws.
    fn sample(&self, count: usize, stream: Stream) -> Cloud;

    /// The dimension of the space that the distribution lives in: 2, or 1 for the line, whose points have a second coordinate of 0.
    fn dimension(&self) -> usize {
        2
    }

    /// `log p` at each point (`n`), natural logarithm, normalised in that space; `None` where it is not known.
    fn log_density(&self, _at: CloudView<'_>) -> Option<Array1<f64>> {
        None
    }

    /// The score `∇ log p` at each point (`n×2`); `None` where it is not known.
    fn score(&self, _at: CloudView<'_>) -> Option<Array2<f64>> {
        None
    }

    /// The distribution on the line, parted from below into so much mass each, in all 1; `None` in the plane, and where it is not known exactly.
    fn portions(&self, _masses: &[f64]) -> Option<Portions> {
        None
    }

    /// The Gaussians that the distribution is an exact mixture of, if it is one.
    fn components(&self) -> Option<&[Component]> {
        None
    }

    /// The points that are all that is known of the distribution, if it is known by points alone: what may be learned from, and what is held out.
    fn parts(&self) -> Option<&Parts> {
        None
    }

    /// What a user should know of how its files were read, each with the key below the target's: `points.file: …`.
    fn notes(&self) -> &[String] {
        &[]
    }

    /// The most draws that one sample can hold without repeating any; `None`: as many as you like. Only
    /// points drawn without replacement have such a bound.
    fn capacity(&self) -> Option<usize> {
        None
    }
}

/// `count` points drawn one after the other from the start of `stream`.
fn draw(count: usize, stream: Stream, mut point: impl FnMut(&mut ChaCha8Rng) -> [f64; 2]) -> Cloud {
    let mut rng = stream.rng();
    let mut cloud = Cloud::zeros((count, 2));
    for mut row in cloud.rows_mut() {
        [row[0], row[1]] = point(&mut rng);
    }
    cloud
}

/// A draw of N(0, I).
fn normal(rng: &mut ChaCha8Rng) -> [f64; 2] {
    [rng.sample(StandardNormal), rng.sample(StandardNormal)]
}

/// A function of the place at each of `n` points.
fn each<T>(at: CloudView<'_>, mut value: impl FnMut([f64; 2]) -> T) -> Array1<T> {
    at.rows()
        .into_iter()
        .map(|row| value([row[0], row[1]]))
        .collect()
}

/// A vector at each of `n` points, shape `n×2`.
fn each_vector(at: CloudView<'_>, mut value: impl FnMut([f64; 2]) -> [f64; 2]) -> Array2<f64> {
    let mut vectors = Array2::zeros((at.nrows(), 2));
    for (row, mut vector) in at.rows().into_iter().zip(vectors.rows_mut()) {
        [vector[0], vector[1]] = value([row[0], row[1]]);
    }
    vectors
}

/// Log density of N(0, sd²) at `x`.
fn log_normal(x: f64, sd: f64) -> f64 {
    -0.5 * ((x / sd).powi(2) + (2.0 * PI).ln()) - sd.ln()
}

/// `log Σ exp(terms)`, and the terms' shares of that sum in their place. Terms are above −∞.
fn log_sum_exp(terms: &mut [f64]) -> f64 {
    let top = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for term in &mut *terms {
        *term = (*term - top).exp();
        sum += *term;
    }
    for term in terms {
        *term /= sum;
    }
    top + sum.ln()
}

/// The unit vector at `k/count` of a turn from the x axis.
fn direction(k: usize, count: usize) -> [f64; 2] {
    let angle = 2.0 * PI * k as f64 / count as f64;
    [angle.cos(), angle.sin()]
}

/// Refuses a length whose square, or the inverse of it, is not an ordinary number.
fn length(key: &str, value: f64) -> Result<(), Invalid> {
    if (1e-100..=1e100).contains(&value) {
        return Ok(());
    }
    Err(Invalid::new(
        key,
        format!("{value:?}"),
        "must be a length greater than 0, in the target's units (from 1e-100 to 1e100)",
    ))
}

/// Refuses NaN, infinities and coordinates whose square is not an ordinary number.
fn coordinates(key: &str, values: [f64; 2]) -> Result<(), Invalid> {
    for (i, value) in values.into_iter().enumerate() {
        if !(-1e100..=1e100).contains(&value) {
            return Err(Invalid::new(
                format!("{key}[{i}]"),
                format!("{value:?}"),
                "must be a finite coordinate (from -1e100 to 1e100)",
            ));
        }
    }
    Ok(())
}

/// Refuses counts that are zero or absurd: each of the things counted takes memory and time.
fn count(key: &str, value: usize, most: usize) -> Result<(), Invalid> {
    if (1..=most).contains(&value) {
        return Ok(());
    }
    Err(Invalid::new(
        key,
        value,
        format!("must be at least 1 and at most {most}"),
    ))
}

//! Kernels that depend on distance alone: their values between two clouds, and signed sums with their gradient.

use std::f64::consts::LOG2_E;

use multiversion::multiversion;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Ratio;
use crate::cloud::CloudView;
use crate::numeric::Real;
use crate::plane::Planar;

/// Places that one task works on.
const CHUNK: usize = 64;
const LANES: usize = 8;
/// Points whose kernels are worked out together; whole vectors of them, unrolled as compilers do.
const TILE: usize = 128;

/// A kernel `k(x, y)`, with `r = ‖x − y‖` and the bandwidth h.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Radial {
    /// `exp(−r²/2h²)`.
    #[default]
    Gaussian,
    /// `(1 + r/h) exp(−r/h)`, Matérn's of smoothness 3/2: smooth at r = 0, with a tail that reaches further than a Gaussian's.
    Matern,
    /// `exp(−r/h)`, with a kink at r = 0.
    Laplace,
    /// `1/√(1 + r²/h²)`, which decays slowly.
    #[serde(alias = "imq")]
    InverseMultiquadric,
}

impl Radial {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Gaussian,
        Self::Matern,
        Self::Laplace,
        Self::InverseMultiquadric,
    ];

    /// Name in a scenario file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gaussian => "gaussian",
            Self::Matern => "matern",
            Self::Laplace => "laplace",
            Self::InverseMultiquadric => "inverse-multiquadric",
        }
    }

    /// From `u = r²/h²`: `k`, and the pull `s` in `∇_x k = −s (x − y)/h²`.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "a call would keep the loops scalar")]
    fn value_and_pull(self, u: f64) -> [f64; 2] {
        match self {
            Self::Gaussian => [Real::exp2::<false>(-0.5 * LOG2_E * u); 2],
            Self::Matern => {
                let r = u.sqrt();
                let e = Real::exp(-r);
                [(1.0 + r) * e, e]
            }
            Self::Laplace => {
                let r = u.sqrt();
                let k = Real::exp(-r);
                // At the kink the pull meets a difference of zero.
                [k, k / if r > 1e-12 { r } else { 1e-12 }]
            }
            Self::InverseMultiquadric => {
                let k = 1.0 / (1.0 + u).sqrt();
                [k, k * k * k]
            }
        }
    }

    /// From `u = r²/h²`: `log k`, and the pull of `log k`.
    fn log_and_pull(self, u: f64) -> [f64; 2] {
        match self {
            Self::Gaussian => [-0.5 * u, 1.0],
            Self::Matern => {
                let r = u.sqrt();
                [r.ln_1p() - r, 1.0 / (1.0 + r)]
            }
            Self::Laplace => {
                let r = u.sqrt();
                [-r, 1.0 / r.max(1e-12)]
            }
            Self::InverseMultiquadric => [-0.5 * u.ln_1p(), 1.0 / (1.0 + u)],
        }
    }
}

/// Points of the plane, with a weight each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weighted {
    pub(crate) points: Planar,
    pub(crate) weights: Vec<f64>,
}

impl Weighted {
    pub(crate) fn new(points: CloudView<'_>, weights: Vec<f64>) -> Self {
        Self {
            points: Planar::new(points),
            weights,
        }
    }

    /// All points with the same weight; all weights together are `total`.
    pub(crate) fn evenly(points: CloudView<'_>, total: f64) -> Self {
        let share = total / points.nrows().max(1) as f64;
        Self::new(points, vec![share; points.nrows()])
    }

    /// These points and others.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.points.x.extend(other.points.x);
        self.points.y.extend(other.points.y);
        self.weights.extend(other.weights);
        self
    }

    /// Takes away the points without a finite weight: those whose logarithm stands for zero.
    pub(crate) fn retain_finite(&mut self) {
        let keep: Vec<bool> = self.weights.iter().map(|w| w.is_finite()).collect();
        let Planar { x, y } = &mut self.points;
        for values in [x, y, &mut self.weights] {
            let mut kept = keep.iter();
            values.retain(|_| kept.next() == Some(&true));
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.points.len()
    }
}

/// A matrix with a row of `width` numbers for each of the places `at` (`n×2`), row by row, as `fill` writes them into zeros.
pub(crate) fn rows(
    at: CloudView<'_>,
    width: usize,
    fill: impl Fn([f64; 2], &mut [f64]) + Sync,
) -> Vec<f64> {
    let mut all = vec![0.0; at.nrows() * width];
    all.par_chunks_mut(CHUNK * width)
        .enumerate()
        .for_each(|(chunk, rows)| {
            for (i, row) in rows.chunks_mut(width).enumerate() {
                let i = chunk * CHUNK + i;
                fill([at[[i, 0]], at[[i, 1]]], row);
            }
        });
    all
}

/// A kernel with its bandwidth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kernel {
    pub(crate) shape: Radial,
    pub(crate) h: f64,
}

impl Kernel {
    /// `k(x_i, c_l)` for all places `x_i` (`n×2`) and all points `c_l`, row by row; each row ends in `extra` places
    /// that are left zero.
    pub(crate) fn matrix(self, at: CloudView<'_>, points: &Weighted, extra: usize) -> Vec<f64> {
        rows(at, points.len() + extra, |place, row| {
            values(self, place, points, &mut row[..points.len()]);
        })
    }

    /// `Σ_l w_l k(x_i, c_l)` at all places (`n×2`).
    pub(crate) fn sums(self, at: CloudView<'_>, points: &Weighted) -> Vec<f64> {
        let mut into = vec![0.0; at.nrows()];
        into.par_chunks_mut(CHUNK)
            .enumerate()
            .for_each(|(chunk, into)| {
                let mut row = vec![0.0; points.len()];
                for (i, into) in into.iter_mut().enumerate() {
                    let i = chunk * CHUNK + i;
                    values(self, [at[[i, 0]], at[[i, 1]]], points, &mut row);
                    *into = crate::numeric::dot(&points.weights, &row);
                }
            });
        into
    }

    /// `Σ_l w_l k(x_i, c_l)` and its gradient at all places (`n×2`).
    pub(crate) fn field(self, at: CloudView<'_>, points: &Weighted, into: &mut Ratio) {
        Self::each(at, into, |place| signed_sum(self, place, points));
    }

    /// `log Σ_l e^{w_l} k(x_i, c_l)`, and its gradient, at all places (`n×2`); finite however far away the points are.
    pub(crate) fn log_field(self, at: CloudView<'_>, points: &Weighted, into: &mut Ratio) {
        Self::each(at, into, |place| self.log_sum(place, points));
    }

    fn each(at: CloudView<'_>, into: &mut Ratio, sum: impl Fn([f64; 2]) -> [f64; 3] + Sync) {
        into.resize(at.nrows());
        let mut found = vec![[0.0; 3]; at.nrows()];
        found
            .par_chunks_mut(CHUNK)
            .enumerate()
            .for_each(|(chunk, found)| {
                for (i, found) in found.iter_mut().enumerate() {
                    let i = chunk * CHUNK + i;
                    *found = sum([at[[i, 0]], at[[i, 1]]]);
                }
            });
        for (i, [value, x, y]) in found.into_iter().enumerate() {
            into.log[i] = value;
            into.gradient[[i, 0]] = x;
            into.gradient[[i, 1]] = y;
        }
    }

    /// `log k` between a place and each point.
    pub(crate) fn logs(self, [x, y]: [f64; 2], points: &Weighted, into: &mut [f64]) {
        let scale = 1.0 / (self.h * self.h);
        for (l, into) in into.iter_mut().enumerate() {
            let (dx, dy) = (x - points.points.x[l], y - points.points.y[l]);
            *into = self.shape.log_and_pull(scale * (dx * dx + dy * dy))[0];
        }
    }

    fn log_sum(self, [x, y]: [f64; 2], points: &Weighted) -> [f64; 3] {
        let scale = 1.0 / (self.h * self.h);
        let term = |l: usize| {
            let (dx, dy) = (x - points.points.x[l], y - points.points.y[l]);
            let [log, pull] = self.shape.log_and_pull(scale * (dx * dx + dy * dy));
            [points.weights[l] + log, pull * dx, pull * dy]
        };
        let all = || (0..points.len()).map(term);
        let largest = all().fold(f64::NEG_INFINITY, |most, [log, ..]| most.max(log));
        let mut sums = [0.0; 3];
        for [log, dx, dy] in all() {
            let k = Real::exp(log - largest);
            sums[0] += k;
            sums[1] += k * dx;
            sums[2] += k * dy;
        }
        let [sum, dx, dy] = sums;
        [largest + sum.ln(), -scale * dx / sum, -scale * dy / sum]
    }
}

/// `k` between a place and each point.
#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn values(kernel: Kernel, [x, y]: [f64; 2], points: &Weighted, into: &mut [f64]) {
    let scale = 1.0 / (kernel.h * kernel.h);
    let count = into.len();
    let [xs, ys] = points.points.range(0..count);
    for i in 0..count {
        let (dx, dy) = (x - xs[i], y - ys[i]);
        into[i] = scale * (dx * dx + dy * dy);
    }
    match kernel.shape {
        Radial::Gaussian => {
            for v in into {
                *v = Radial::Gaussian.value_and_pull(*v)[0];
            }
        }
        Radial::Matern => {
            for v in into {
                *v = Radial::Matern.value_and_pull(*v)[0];
            }
        }
        Radial::Laplace => {
            for v in into {
                *v = Radial::Laplace.value_and_pull(*v)[0];
            }
        }
        Radial::InverseMultiquadric => {
            for v in into {
                *v = Radial::InverseMultiquadric.value_and_pull(*v)[0];
            }
        }
    }
}

/// From `r²/h²` in `values`: `k` there, and its pull beside it. The shape is known where this is inlined.
#[inline(always)]
#[allow(clippy::inline_always, reason = "a call would keep the loops scalar")]
fn pull(shape: Radial, values: &mut [f64], pulls: &mut [f64]) {
    for (value, pull) in values.iter_mut().zip(pulls) {
        [*value, *pull] = shape.value_and_pull(*value);
    }
}

/// `Σ w k` and its gradient at a place.
#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn signed_sum(kernel: Kernel, [x, y]: [f64; 2], points: &Weighted) -> [f64; 3] {
    let scale = 1.0 / (kernel.h * kernel.h);
    let mut sums = [[0.0; LANES]; 3];
    // Each loop does one thing, and leaves it in the cache for the next: all in one would be more than the registers hold.
    let mut tile = [[0.0; TILE]; 4];
    let tiles = points
        .points
        .x
        .chunks(TILE)
        .zip(points.points.y.chunks(TILE));
    for ((xs, ys), ws) in tiles.zip(points.weights.chunks(TILE)) {
        let count = ws.len();
        let whole = count.next_multiple_of(4 * LANES);
        let [dx, dy, values, pulls] = tile.each_mut().map(|it| &mut it[..whole]);
        dx.iter_mut().zip(xs).for_each(|(d, px)| *d = x - px);
        dy.iter_mut().zip(ys).for_each(|(d, py)| *d = y - py);
        for (v, (dx, dy)) in values.iter_mut().zip(dx.iter().zip(&*dy)) {
            *v = scale * (dx * dx + dy * dy);
        }
        match kernel.shape {
            Radial::Gaussian => pull(Radial::Gaussian, values, pulls),
            Radial::Matern => pull(Radial::Matern, values, pulls),
            Radial::Laplace => pull(Radial::Laplace, values, pulls),
            Radial::InverseMultiquadric => pull(Radial::InverseMultiquadric, values, pulls),
        }
        values.iter_mut().zip(ws).for_each(|(v, w)| *v *= w);
        pulls.iter_mut().zip(ws).for_each(|(v, w)| *v *= w);
        dx.iter_mut().zip(&*pulls).for_each(|(d, v)| *d *= v);
        dy.iter_mut().zip(&*pulls).for_each(|(d, v)| *d *= v);
        for (sum, terms) in sums.iter_mut().zip([values, dx, dy]) {
            // What lies beyond the last point counts for nothing.
            terms[count..].fill(0.0);
            for terms in terms.chunks_exact(LANES) {
                sum.iter_mut().zip(terms).for_each(|(sum, v)| *sum += v);
            }
        }
    }
    let [value, dx, dy] = sums.map(|lanes| lanes.iter().sum::<f64>());
    [value, -scale * dx, -scale * dy]
}

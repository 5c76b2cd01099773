//! Feature maps whose inner products are a kernel: random Fourier features, and Nyström's with centres among the samples.

use std::f64::consts::TAU;

use multiversion::multiversion;
use rand::Rng;
use rayon::prelude::*;

use crate::cloud::CloudView;
use crate::estimate::Ratio;
use crate::estimate::centres::spread_out;
use crate::estimate::{Kernel, Radial, Weighted, rows};
use crate::numeric::{Cholesky, Symmetric, sin_cos};
use crate::plane::Planar;
use crate::random::Stream;

/// Places that one task works on.
const CHUNK: usize = 64;
/// What is added to the diagonal of the centres' kernel matrix, so that close centres do no harm.
const JITTER: f64 = 1e-8;

/// A feature map; the last feature is the constant one. A model is a weighted sum of the features, and the square of its
/// norm is that of its weights once these are [`whitened`](Features::whitener).
#[derive(Clone, Debug)]
pub(super) enum Features {
    Fourier(Fourier),
    Nystrom(Nystrom),
}

/// `cos ω·(x − c)` and `sin ω·(x − c)`.
#[derive(Clone, Debug)]
pub(super) struct Fourier {
    middle: [f64; 2],
    frequencies: Planar,
}

/// `k(x, c_l)`.
#[derive(Clone, Debug)]
pub(super) struct Nystrom {
    kernel: Kernel,
    centres: Weighted,
    whitener: Cholesky,
}

impl Fourier {
    /// Frequencies drawn from the spectral density of the kernel (Rahimi and Recht 2007), in pairs at right angles
    /// (Yu et al. 2016). The same stream gives the same directions at any bandwidth.
    pub(super) fn new(kernel: Kernel, count: usize, middle: [f64; 2], stream: Stream) -> Self {
        let mut rng = stream.rng();
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for _ in 0..count.div_ceil(4) {
            let radius = radius(kernel.shape, rng.random()) / kernel.h;
            let (sin, cos) = (TAU * rng.random::<f64>()).sin_cos();
            x.extend([radius * cos, -radius * sin]);
            y.extend([radius * sin, radius * cos]);
        }
        let frequencies = Planar { x, y };
        Self {
            middle,
            frequencies,
        }
    }
}

/// The length that a share `u` of the kernel's frequencies stays below, for h = 1 in the plane.
fn radius(shape: Radial, u: f64) -> f64 {
    match shape {
        Radial::Gaussian => (-2.0 * (-u).ln_1p()).sqrt(),
        Radial::Matern => ((1.0 - u).powf(-2.0 / 3.0) - 1.0).sqrt(),
        Radial::Laplace => ((1.0 - u).powi(-2) - 1.0).sqrt(),
        Radial::InverseMultiquadric => -(-u).ln_1p(),
    }
}

impl Nystrom {
    /// Centres spread out over the points; `None` where their kernel matrix is singular.
    pub(super) fn new(kernel: Kernel, count: usize, points: CloudView<'_>) -> Option<Self> {
        let chosen = spread_out(points, count);
        let centres = Weighted::evenly(chosen.view(), 0.0);
        let size = centres.len() + 1;
        let mut gram = Symmetric::zeros(size);
        let matrix = kernel.matrix(chosen.view(), &centres, 1);
        gram.values[..matrix.len()].copy_from_slice(&matrix);
        gram.add_to_diagonal(JITTER);
        gram.values[size * size - 1] = 1.0;
        Some(Self {
            kernel,
            centres,
            whitener: Cholesky::new(gram)?,
        })
    }
}

impl Features {
    /// Number of features.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Fourier(it) => 2 * it.frequencies.len() + 1,
            Self::Nystrom(it) => it.centres.len() + 1,
        }
    }

    /// The factor of the matrix that measures weights; none where they are measured as they are.
    pub(super) fn whitener(&self) -> Option<&Cholesky> {
        match self {
            Self::Fourier(_) => None,
            Self::Nystrom(it) => Some(&it.whitener),
        }
    }

    /// The features of all places (`n×2`), row by row.
    pub(super) fn matrix(&self, at: CloudView<'_>) -> Vec<f64> {
        let width = self.len();
        match self {
            Self::Fourier(it) => rows(at, width, |place, row| {
                waves(it, place, row);
                row[width - 1] = 1.0;
            }),
            Self::Nystrom(it) => {
                let mut all = it.kernel.matrix(at, &it.centres, 1);
                for last in all.iter_mut().skip(width - 1).step_by(width) {
                    *last = 1.0;
                }
                all
            }
        }
    }

    /// The weighted sum of the features and its gradient at all places (`n×2`).
    pub(super) fn field(&self, weights: &[f64], at: CloudView<'_>, into: &mut Ratio) {
        let (&constant, weights) = match weights.split_last() {
            Some(parts) => parts,
            None => (&0.0, weights),
        };
        match self {
            Self::Fourier(it) => {
                into.resize(at.nrows());
                let mut found = vec![[0.0; 3]; at.nrows()];
                found
                    .par_chunks_mut(CHUNK)
                    .enumerate()
                    .for_each(|(chunk, found)| {
                        let mut row = vec![0.0; weights.len()];
                        for (i, found) in found.iter_mut().enumerate() {
                            let i = chunk * CHUNK + i;
                            waves(it, [at[[i, 0]], at[[i, 1]]], &mut row);
                            *found = superpose(it, weights, &row);
                        }
                    });
                for (i, [value, x, y]) in found.into_iter().enumerate() {
                    into.log[i] = value;
                    into.gradient[[i, 0]] = x;
                    into.gradient[[i, 1]] = y;
                }
            }
            Self::Nystrom(it) => {
                let mut points = it.centres.clone();
                points.weights.copy_from_slice(weights);
                it.kernel.field(at, &points, into);
            }
        }
        into.log += constant;
    }
}

/// All cosines, then all sines, each over the root of the number of frequencies.
#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn waves(fourier: &Fourier, [x, y]: [f64; 2], row: &mut [f64]) {
    let count = fourier.frequencies.len();
    let share = 1.0 / (count as f64).sqrt();
    let (dx, dy) = (x - fourier.middle[0], y - fourier.middle[1]);
    let (cosines, rest) = row.split_at_mut(count);
    let sines = &mut rest[..count];
    let [along_x, along_y] = fourier.frequencies.range(0..count);
    for i in 0..count {
        let [sin, cos] = sin_cos(along_x[i] * dx + along_y[i] * dy);
        cosines[i] = share * cos;
        sines[i] = share * sin;
    }
}

/// The weighted sum of waves, and its gradient: the derivative of a cosine is minus the sine, times its frequency.
fn superpose(fourier: &Fourier, weights: &[f64], row: &[f64]) -> [f64; 3] {
    let count = fourier.frequencies.len();
    let (a, b) = weights.split_at(count);
    let (cosines, sines) = row.split_at(count);
    let mut sums = [0.0; 3];
    for i in 0..count {
        sums[0] += a[i] * cosines[i] + b[i] * sines[i];
        let slope = b[i] * cosines[i] - a[i] * sines[i];
        sums[1] += slope * fourier.frequencies.x[i];
        sums[2] += slope * fourier.frequencies.y[i];
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Between two points the mean of `cos ω·(x − y)` is the kernel (Bochner).
    #[test]
    fn inner_products_of_fourier_features_are_the_kernel() {
        for shape in Radial::ALL {
            let kernel = Kernel { shape, h: 0.7 };
            let fourier = Fourier::new(kernel, 40_000, [0.3, 0.1], Stream::new(1, "frequencies"));
            let features = Features::Fourier(fourier);
            let at = ndarray::array![[0.2, -0.1], [0.6, 0.5], [1.5, 0.1]];
            let width = features.len();
            let rows = features.matrix(at.view());
            let points = Weighted::evenly(at.view(), 1.0);
            let exact = kernel.matrix(at.view(), &points, 0);
            for i in 0..3 {
                for j in 0..3 {
                    let [a, b] = [i, j].map(|k| &rows[k * width..][..width - 1]);
                    let product = crate::numeric::dot(a, b);
                    let (found, exact) = (product, exact[3 * i + j]);
                    assert!((found - exact).abs() < 0.02, "{shape:?}: {found} {exact}");
                }
            }
        }
    }
}

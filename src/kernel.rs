//! The Gaussian kernel `k_h(x, y) = exp(−‖x − y‖² / 2h²)`: sums over a cloud, and rules for the bandwidth `h`.

use multiversion::multiversion;
use rayon::prelude::*;

use crate::cloud::{self, Cloud, CloudView};
use crate::vector;

/// Points summed side by side: two AVX-512 registers of `f64`, so that one hides the latency of the other.
const LANES: usize = 16;
/// Below this exponent a weight is a denormal, which costs some fifty times as much as zero does.
const LOWEST: f64 = -700.0;
/// A sum below this lost its leading terms to [`LOWEST`] and is taken again, relative to its largest term.
const FAINT: f64 = 1e-280;
/// Queries that one task of the thread pool handles; fixed, so that threads do not change the result.
const CHUNK: usize = 32;
/// Queries that a bandwidth rule looks at; it always compares them with every sample.
const PROBES: usize = 1000;

/// A cloud in the layout that the sums want: coordinates apart, padded to whole lanes.
#[derive(Clone, Debug, Default)]
pub struct Points {
    x: Vec<f64>,
    y: Vec<f64>,
    count: usize,
    /// `(h/h_j)²` for each point where widths differ; empty where all are `h`.
    narrowness: Vec<f64>,
}

impl Points {
    /// Copies `points` (`n×2`), reusing the memory of an earlier copy.
    pub fn load(&mut self, points: CloudView<'_>) {
        // So far away that its weight is zero at any bandwidth, yet its square is finite.
        const NOWHERE: f64 = 1e150;
        self.count = points.nrows();
        self.narrowness.clear();
        let padded = self.count.next_multiple_of(LANES);
        for (axis, column) in [&mut self.x, &mut self.y].into_iter().enumerate() {
            column.clear();
            column.extend(points.column(axis));
            column.resize(padded, NOWHERE);
        }
    }

    /// Gives each point a width of its own, `h_j = h (f(y_j)/g)^{−1/2}`, where `f` is the kernel density of the
    /// points with the common bandwidth `h` and `g` the geometric mean of its values (Abramson 1982).
    /// It holds until the next [`load`](Self::load).
    pub fn adapt(&mut self, h: f64) {
        let own = Cloud::from_shape_fn((self.count, 2), |(i, axis)| [self.x[i], self.y[i]][axis]);
        let mut pilot = vec![KernelSum::default(); self.count];
        sums(own.view(), self, h, &mut pilot);
        let mean_log = pilot.iter().map(|f| f.log).sum::<f64>() / self.count.max(1) as f64;
        self.narrowness
            .extend(pilot.iter().map(|f| (f.log - mean_log).exp()));
        self.narrowness.resize(self.x.len(), 1.0);
    }

    /// Number of points.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether point `index` lies exactly at `place`.
    #[must_use]
    pub fn is_at(&self, index: usize, place: [f64; 2]) -> bool {
        index < self.count && [self.x[index], self.y[index]] == place
    }

    /// Whether there is no point at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// The kernel sum at one place, and where it pulls.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct KernelSum {
    /// `log Σ_j k_h(x, y_j)`; finite however far away the points are.
    pub log: f64,
    /// Mean shift `m(x) − x`, with `m(x) = Σ_j k_h(x, y_j) y_j / Σ_j k_h(x, y_j)`. It equals
    /// `h² ∇ log Σ_j k_h(x, y_j)` (Fukunaga and Hostetler, 1975).
    pub shift: [f64; 2],
}

impl KernelSum {
    /// The sum without the term of a point that lies at `x` itself, which adds one to the weights and
    /// nothing to the pull. A point with no other in reach keeps the smallest positive weight.
    #[must_use]
    pub fn without_self(self) -> Self {
        let all = self.log.exp();
        let rest = (all - 1.0).max(f64::EPSILON);
        Self {
            log: rest.ln(),
            shift: self.shift.map(|s| s * all / rest),
        }
    }
}

/// Kernel sums of `points` at every row of `at` (`n×2`), written into `into` (length `n`).
///
/// Each query is summed in one fixed order by one thread: the result does not depend on the number of threads.
pub fn sums(at: CloudView<'_>, points: &Points, h: f64, into: &mut [KernelSum]) {
    let scale = 0.5 / (h * h);
    into.par_chunks_mut(CHUNK)
        .enumerate()
        .for_each(|(chunk, out)| {
            let first = chunk * CHUNK;
            let mut x = [0.0; CHUNK];
            let mut y = [0.0; CHUNK];
            for i in 0..out.len() {
                x[i] = at[[first + i, 0]];
                y[i] = at[[first + i, 1]];
            }
            let mut raw = [[0.0; 3]; CHUNK];
            let (x_at, y_at) = (&x[..out.len()], &y[..out.len()]);
            if points.narrowness.is_empty() {
                weigh(x_at, y_at, &points.x, &points.y, scale, &mut raw);
            } else {
                weigh_adapted(x_at, y_at, points, scale, &mut raw);
            }
            for (i, place) in out.iter_mut().enumerate() {
                let [w, wx, wy] = raw[i];
                *place = if w > FAINT {
                    KernelSum {
                        log: w.ln(),
                        shift: [wx / w, wy / w],
                    }
                } else {
                    far_sum([x[i], y[i]], points, scale)
                };
            }
        });
}

/// `Σ_j w_j`, `Σ_j w_j (x_j − x)`, `Σ_j w_j (y_j − y)` for each query, with `w_j = exp(−scale ‖·‖²)`.
#[multiversion(targets(
    "x86_64+avx512f+avx512dq+avx512vl+avx512bw",
    "x86_64+avx2+fma",
    "aarch64+neon"
))]
fn weigh(qx: &[f64], qy: &[f64], px: &[f64], py: &[f64], scale: f64, out: &mut [[f64; 3]]) {
    for ((&x, &y), out) in qx.iter().zip(qy).zip(out) {
        let mut w_sum = [0.0; LANES];
        let mut x_sum = [0.0; LANES];
        let mut y_sum = [0.0; LANES];
        for (px, py) in px.chunks_exact(LANES).zip(py.chunks_exact(LANES)) {
            for lane in 0..LANES {
                let dx = px[lane] - x;
                let dy = py[lane] - y;
                let w = exp_or_zero(-scale * (dx * dx + dy * dy));
                w_sum[lane] += w;
                x_sum[lane] += w * dx;
                y_sum[lane] += w * dy;
            }
        }
        *out = [w_sum, x_sum, y_sum].map(|lanes| lanes.iter().sum());
    }
}

/// As [`weigh`], with a width for each point: `w_j = a_j exp(−a_j scale ‖·‖²)`, `a_j = (h/h_j)²`, and the pull of
/// each point multiplied by `a_j`, so that the shift stays `h²` times the gradient of the logarithm.
#[multiversion(targets(
    "x86_64+avx512f+avx512dq+avx512vl+avx512bw",
    "x86_64+avx2+fma",
    "aarch64+neon"
))]
fn weigh_adapted(qx: &[f64], qy: &[f64], points: &Points, scale: f64, out: &mut [[f64; 3]]) {
    for ((&x, &y), out) in qx.iter().zip(qy).zip(out) {
        let mut w_sum = [0.0; LANES];
        let mut x_sum = [0.0; LANES];
        let mut y_sum = [0.0; LANES];
        let coordinates = points
            .x
            .chunks_exact(LANES)
            .zip(points.y.chunks_exact(LANES));
        for ((px, py), a) in coordinates.zip(points.narrowness.chunks_exact(LANES)) {
            for lane in 0..LANES {
                let dx = px[lane] - x;
                let dy = py[lane] - y;
                let w = a[lane] * exp_or_zero(-scale * a[lane] * (dx * dx + dy * dy));
                w_sum[lane] += w;
                x_sum[lane] += w * a[lane] * dx;
                y_sum[lane] += w * a[lane] * dy;
            }
        }
        *out = [w_sum, x_sum, y_sum].map(|lanes| lanes.iter().sum());
    }
}

/// The same relative to the nearest point, for a query so far away that all plain weights vanish.
fn far_sum([x, y]: [f64; 2], points: &Points, scale: f64) -> KernelSum {
    let exponent = |j: usize| {
        let (dx, dy) = (points.x[j] - x, points.y[j] - y);
        let a = points.narrowness.get(j).copied().unwrap_or(1.0);
        (a.ln() - scale * a * (dx * dx + dy * dy), a * dx, a * dy)
    };
    let top = (0..points.count)
        .map(|j| exponent(j).0)
        .fold(f64::NEG_INFINITY, f64::max);
    let (mut w_sum, mut x_sum, mut y_sum) = (0.0, 0.0, 0.0);
    for j in 0..points.count {
        let (e, dx, dy) = exponent(j);
        let w = (e - top).exp();
        w_sum += w;
        x_sum += w * dx;
        y_sum += w * dy;
    }
    KernelSum {
        log: top + f64::ln(w_sum),
        shift: [x_sum / w_sum, y_sum / w_sum],
    }
}

/// `exp(e)` for `e ≤ 0`, and 0 below [`LOWEST`], where the difference cannot be seen in a sum.
#[inline(always)]
#[allow(clippy::inline_always, reason = "a call would keep the loop scalar")]
fn exp_or_zero(e: f64) -> f64 {
    if e < LOWEST { 0.0 } else { vector::exp(e) }
}

/// Silverman's normal-reference rule in two dimensions: `h = σ n^{−1/6}`, σ the pooled standard deviation
/// (Silverman 1986, section 4.3.2, with d = 2, where the constant `(4/(d+2))^{1/(d+4)}` is one).
#[must_use]
pub fn silverman(sample: CloudView<'_>) -> f64 {
    cloud::spread(sample) * (sample.nrows() as f64).powf(-1.0 / 6.0)
}

/// The bandwidth that maximises the leave-one-out log likelihood of the sample,
/// `Σ_i log (1/(n−1)) Σ_{j≠i} k_h(x_i − x_j)/(2πh²)` (Habbema, Hermans and van den Broek, 1974).
///
/// Looks at no more than 1000 evenly spaced points `i`, each against the whole sample, between a
/// hundredth of and twice [`silverman`]'s rule; exact to 2 %.
#[must_use]
pub fn leave_one_out(sample: CloudView<'_>) -> f64 {
    let mut points = Points::default();
    points.load(sample);
    let probes = probes(sample);
    let mut out = vec![KernelSum::default(); probes.nrows()];
    let mut likelihood = |log_h: f64| {
        let h = f64::exp(log_h);
        sums(probes.view(), &points, h, &mut out);
        // The point itself contributes exactly one to its own sum. What is left of a lonely point is
        // at least the smallest number, so that it speaks against a small h with a finite voice.
        let mean: f64 = out
            .iter()
            .map(|s| (s.log.exp() - 1.0).max(f64::MIN_POSITIVE).ln())
            .sum::<f64>()
            / out.len() as f64;
        mean - 2.0 * log_h
    };
    let top = silverman(sample).ln();
    golden_section(&mut likelihood, top - 100f64.ln(), top + 2f64.ln()).exp()
}

/// Median distance to the `k`-th nearest other point, over at most 1000 evenly spaced points.
#[must_use]
pub fn neighbour_distance(sample: CloudView<'_>, k: usize) -> f64 {
    let probes = probes(sample);
    let k = k.min(sample.nrows().saturating_sub(1));
    let mut distances: Vec<f64> = (0..probes.nrows())
        .into_par_iter()
        .map_init(Vec::new, |squares, i| {
            squares.clear();
            squares.extend(sample.rows().into_iter().map(|row| {
                let (dx, dy) = (row[0] - probes[[i, 0]], row[1] - probes[[i, 1]]);
                dx * dx + dy * dy
            }));
            // The point itself is the nearest, at distance 0.
            squares.select_nth_unstable_by(k, f64::total_cmp).1.sqrt()
        })
        .collect();
    let middle = distances.len() / 2;
    *distances.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// Every `⌈n/1000⌉`-th point of the sample.
fn probes(sample: CloudView<'_>) -> Cloud {
    let stride = sample.nrows().div_ceil(PROBES).max(1);
    sample
        .slice(ndarray::s![..;stride.cast_signed(), ..])
        .as_standard_layout()
        .into_owned()
}

/// The maximum of a function with one peak on `[low, high]`, to an interval of 0.02.
fn golden_section(value: &mut impl FnMut(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    let (mut left, mut right) = (high - ratio * (high - low), low + ratio * (high - low));
    let (mut at_left, mut at_right) = (value(left), value(right));
    while high - low > 0.02 {
        if at_left > at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - ratio * (high - low);
            at_left = value(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + ratio * (high - low);
            at_right = value(right);
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    fn wavy(count: usize, phase: f64) -> Array2<f64> {
        Array2::from_shape_fn((count, 2), |(i, axis)| {
            let i = i as f64;
            if axis == 0 {
                (1.3 * i + phase).sin()
            } else {
                (0.7 * i * i + phase).cos()
            }
        })
    }

    fn plain(at: [f64; 2], points: CloudView<'_>, h: f64) -> KernelSum {
        let (mut w, mut wx, mut wy) = (0.0, 0.0, 0.0);
        for p in points.rows() {
            let (dx, dy) = (p[0] - at[0], p[1] - at[1]);
            let k = f64::exp(-(dx * dx + dy * dy) / (2.0 * h * h));
            w += k;
            wx += k * dx;
            wy += k * dy;
        }
        KernelSum {
            log: f64::ln(w),
            shift: [wx / w, wy / w],
        }
    }

    #[test]
    fn fast_sums_equal_plain_sums() {
        for (count, h) in [(1, 0.3), (15, 0.05), (16, 2.0), (333, 0.2)] {
            let cloud = wavy(count, 0.0);
            let at = wavy(70, 0.4);
            let mut points = Points::default();
            points.load(cloud.view());
            let mut out = vec![KernelSum::default(); 70];
            sums(at.view(), &points, h, &mut out);
            for (i, sum) in out.iter().enumerate() {
                let truth = plain([at[[i, 0]], at[[i, 1]]], cloud.view(), h);
                assert!((sum.log - truth.log).abs() < 1e-12 * truth.log.abs().max(1.0));
                for axis in 0..2 {
                    assert!((sum.shift[axis] - truth.shift[axis]).abs() < 1e-11);
                }
            }
        }
    }

    #[test]
    fn far_away_the_sum_follows_the_nearest_point() {
        let cloud = ndarray::array![[0.0, 0.0], [1.0, 0.0]];
        let mut points = Points::default();
        points.load(cloud.view());
        let mut out = [KernelSum::default()];
        sums(ndarray::array![[1e6, 0.0]].view(), &points, 0.01, &mut out);
        assert!((out[0].shift[0] + 999_999.0).abs() < 1e-6);
        assert!((out[0].log + 999_999f64.powi(2) / 2e-4).abs() < 1.0);
    }

    #[test]
    fn adapted_sums_have_the_widths_of_abramson_and_the_gradient_of_their_logarithm() {
        let (cloud, h) = (wavy(60, 0.0), 0.4);
        let mut points = Points::default();
        points.load(cloud.view());
        points.adapt(h);
        let density = |x: [f64; 2], width: &dyn Fn(usize) -> f64| -> f64 {
            (0..60)
                .map(|j| {
                    let square = (cloud[[j, 0]] - x[0]).powi(2) + (cloud[[j, 1]] - x[1]).powi(2);
                    (h / width(j)).powi(2) * (-square / (2.0 * width(j).powi(2))).exp()
                })
                .sum()
        };
        let pilot: Vec<f64> = (0..60)
            .map(|i| density([cloud[[i, 0]], cloud[[i, 1]]], &|_| h))
            .collect();
        let g = (pilot.iter().map(|f| f.ln()).sum::<f64>() / 60.0).exp();
        let width = |j: usize| h * (pilot[j] / g).powf(-0.5);
        for x in [[0.1, 0.2], [-0.9, 0.5], [30.0, -20.0]] {
            let mut out = [KernelSum::default()];
            sums(ndarray::array![x].view(), &points, h, &mut out);
            if x[0] < 2.0 {
                assert!((out[0].log - density(x, &width).ln()).abs() < 1e-11);
            }
            let d = 1e-5;
            let log_at = |x: [f64; 2]| {
                let mut out = [KernelSum::default()];
                sums(ndarray::array![x].view(), &points, h, &mut out);
                out[0].log
            };
            let slope = (log_at([x[0] + d, x[1]]) - log_at([x[0] - d, x[1]])) / (2.0 * d);
            assert!((out[0].shift[0] / (h * h) - slope).abs() < 1e-5 * slope.abs().max(1.0));
        }
    }

    #[test]
    fn leave_one_out_peaks_where_the_likelihood_does() {
        let sample = wavy(200, 0.0);
        let chosen = leave_one_out(sample.view());
        let likelihood = |h: f64| -> f64 {
            (0..200)
                .map(|i| {
                    let s: f64 = (0..200)
                        .filter(|&j| j != i)
                        .map(|j| {
                            let (dx, dy) = (
                                sample[[i, 0]] - sample[[j, 0]],
                                sample[[i, 1]] - sample[[j, 1]],
                            );
                            (-(dx * dx + dy * dy) / (2.0 * h * h)).exp()
                        })
                        .sum();
                    s.max(f64::MIN_POSITIVE).ln() - 2.0 * h.ln()
                })
                .sum()
        };
        let best = likelihood(chosen);
        assert!(best >= likelihood(chosen * 1.05) && best >= likelihood(chosen / 1.05));
    }

    #[test]
    fn neighbour_distance_on_a_line() {
        let line =
            Array2::from_shape_fn((101, 2), |(i, axis)| if axis == 0 { i as f64 } else { 0.0 });
        assert_eq!(neighbour_distance(line.view(), 2), 1.0);
        assert_eq!(neighbour_distance(line.view(), 20), 10.0);
    }
}

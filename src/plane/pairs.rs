//! Sums over all pairs of two clouds, in tiles: no matrix is held, and any number of threads gives the same bits.

use std::f64::consts::LOG2_E;

use multiversion::multiversion;
use multiversion::target::target_cfg_f;
use rayon::prelude::*;

use super::planar::Planar;
use crate::numeric::Real;

/// Rows one task takes; fixed, so that the order of summation is.
const ROWS: usize = 64;
/// Columns that stay in the first-level cache while the rows of a task pass over them.
const COLUMNS: usize = 2048;
/// Independent partial sums of a row: what a vector unit needs to stay busy.
const LANES: usize = 16;

/// What is summed over the pairs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Term {
    /// `‖x − y‖`
    Distance,
    /// `exp(−rate ‖x − y‖²)`
    Gaussian { rate: f64 },
}

impl Term {
    fn tile(self, rows: [&[f64]; 2], columns: [&[f64]; 2]) -> f64 {
        match self {
            Self::Distance => distance_tile(rows, columns),
            Self::Gaussian { rate } => gaussian_tile(rows, columns, rate),
        }
    }
}

/// Sum of `term` over all pairs `(a_i, b_j)`.
pub(crate) fn between(a: &Planar, b: &Planar, term: Term) -> f64 {
    by_rows(a.len(), |start, end| {
        tiles(b, 0, |columns| term.tile(a.range(start..end), columns))
    })
}

/// A cloud in single precision, in a frame in which its extent is about one: enough for sums of distances that only draws of a floor are compared by.
#[derive(Clone, Debug)]
pub(crate) struct Single {
    points: Planar<f32>,
    frame: Frame,
}

/// Where a cloud in single precision lies, and its unit.
#[derive(Clone, Copy, Debug)]
struct Frame {
    origin: [f64; 2],
    unit: f64,
}

impl Single {
    /// The cloud in its own frame.
    pub(crate) fn new(points: &Planar) -> Self {
        let n = points.len() as f64;
        let origin = points.sides().map(|side| side.iter().sum::<f64>() / n);
        let far = |side: &[f64], at: f64| {
            let distances = side.iter().map(|v| (v - at).abs());
            distances.fold(0.0, f64::max)
        };
        let unit = far(&points.x, origin[0]).max(far(&points.y, origin[1]));
        Self::within(points, Frame { origin, unit })
    }

    /// Whether single precision is enough for points of this mean distance: it is too coarse for most of them where a few lie far away.
    pub(crate) fn suits(&self, mean_distance: f64) -> bool {
        self.frame.unit <= 1e3 * mean_distance
    }

    /// Sum of the distances over the pairs of distinct points of this cloud, each pair once.
    pub(crate) fn distances(&self) -> f64 {
        let sum = by_rows(self.points.len(), |start, end| {
            let rows = self.points.range(start..end);
            let beyond = single_distance_tile(rows, self.points.range(end..self.points.len()));
            // Both halves of the block on the diagonal, in which a point with itself gives nothing.
            beyond + 0.5 * single_distance_tile(rows, rows)
        });
        sum * self.frame.unit
    }

    fn within(points: &Planar, frame: Frame) -> Self {
        let mut origin = frame.origin.into_iter();
        let points = points.map(|side| {
            let at = origin.next().unwrap_or_default();
            let into = |v: &f64| ((v - at) / frame.unit) as f32;
            side.iter().map(into).collect()
        });
        Self { points, frame }
    }

    /// Sum of the distances over all pairs of a point of `points` and one of these, with an error of some 1e-7 of it.
    pub(crate) fn distances_to(&self, points: &Planar) -> f64 {
        let other = Self::within(points, self.frame);
        let sum = by_rows(other.points.len(), |start, end| {
            let rows = other.points.range(start..end);
            single_distance_tile(rows, self.points.sides())
        });
        sum * self.frame.unit
    }
}

/// Sums a row in single and all rows in double precision.
#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn single_distance_tile(rows: [&[f32]; 2], columns: [&[f32]; 2]) -> f64 {
    const WIDE: usize = 32;
    let (whole_x, rest_x) = columns[0].as_chunks::<WIDE>();
    let (whole_y, rest_y) = columns[1].as_chunks::<WIDE>();
    let mut sum = 0.0;
    for (&x, &y) in rows[0].iter().zip(rows[1]) {
        let mut lanes = [0.0_f32; WIDE];
        for (chunk_x, chunk_y) in whole_x.iter().zip(whole_y) {
            for lane in 0..WIDE {
                let (dx, dy) = (chunk_x[lane] - x, chunk_y[lane] - y);
                lanes[lane] += (dx * dx + dy * dy).sqrt();
            }
        }
        let mut rest = 0.0_f32;
        for (&other_x, &other_y) in rest_x.iter().zip(rest_y) {
            let (dx, dy) = (other_x - x, other_y - y);
            rest += (dx * dx + dy * dy).sqrt();
        }
        sum += lanes.iter().map(|&lane| f64::from(lane)).sum::<f64>() + f64::from(rest);
    }
    sum
}

/// Sum of `term` over the pairs `i < j` of one cloud.
pub(crate) fn within(a: &Planar, term: Term) -> f64 {
    by_rows(a.len(), |start, end| {
        let rows = a.range(start..end);
        let triangle: f64 = (start..end)
            .map(|i| term.tile(a.range(i..i + 1), a.range(i + 1..end)))
            .sum();
        triangle + tiles(a, end, |columns| term.tile(rows, columns))
    })
}

fn by_rows(n: usize, block: impl Fn(usize, usize) -> f64 + Sync) -> f64 {
    let partial: Vec<f64> = (0..n.div_ceil(ROWS))
        .into_par_iter()
        .map(|task| block(task * ROWS, n.min((task + 1) * ROWS)))
        .collect();
    partial.iter().sum()
}

fn tiles(points: &Planar, from: usize, tile: impl Fn([&[f64]; 2]) -> f64) -> f64 {
    points.x[from..]
        .chunks(COLUMNS)
        .zip(points.y[from..].chunks(COLUMNS))
        .map(|(x, y)| tile([x, y]))
        .sum()
}

#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn distance_tile(rows: [&[f64]; 2], columns: [&[f64]; 2]) -> f64 {
    sum_tile(rows, columns, f64::sqrt)
}

#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn gaussian_tile(rows: [&[f64]; 2], columns: [&[f64]; 2], rate: f64) -> f64 {
    let rate = -rate * LOG2_E;
    if target_cfg_f!(any(target_feature = "fma", target_feature = "neon")) {
        sum_tile(rows, columns, |squared| Real::exp2::<true>(rate * squared))
    } else {
        sum_tile(rows, columns, |squared| Real::exp2::<false>(rate * squared))
    }
}

#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "it must be compiled for the caller's instruction set"
)]
fn sum_tile(rows: [&[f64]; 2], columns: [&[f64]; 2], term: impl Fn(f64) -> f64) -> f64 {
    let (whole_x, rest_x) = columns[0].as_chunks::<LANES>();
    let (whole_y, rest_y) = columns[1].as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    let mut rest = 0.0;
    for (&x, &y) in rows[0].iter().zip(rows[1]) {
        for (chunk_x, chunk_y) in whole_x.iter().zip(whole_y) {
            for lane in 0..LANES {
                let (dx, dy) = (chunk_x[lane] - x, chunk_y[lane] - y);
                lanes[lane] += term(dx * dx + dy * dy);
            }
        }
        for (&other_x, &other_y) in rest_x.iter().zip(rest_y) {
            let (dx, dy) = (other_x - x, other_y - y);
            rest += term(dx * dx + dy * dy);
        }
    }
    lanes.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    fn spiral(n: usize) -> Planar {
        let points = Array2::from_shape_fn((n, 2), |(i, axis)| {
            let t = i as f64;
            if axis == 0 {
                (1.3 * t).sin() + 0.01 * t
            } else {
                (0.7 * t * t).cos()
            }
        });
        Planar::new(points.view())
    }

    fn plain(a: &Planar, b: &Planar, term: impl Fn(f64) -> f64) -> f64 {
        let mut sum = 0.0;
        for (x, y) in a.x.iter().zip(&a.y) {
            for (u, v) in b.x.iter().zip(&b.y) {
                sum += term((x - u).powi(2) + (y - v).powi(2));
            }
        }
        sum
    }

    #[test]
    fn tiles_agree_with_the_double_loop() {
        let (a, b) = (spiral(203), spiral(2100));
        for (term, obvious) in [
            (Term::Distance, plain(&a, &b, f64::sqrt)),
            (
                Term::Gaussian { rate: 0.3 },
                plain(&a, &b, |d| (-0.3 * d).exp()),
            ),
        ] {
            assert!((between(&a, &b, term) / obvious - 1.0).abs() < 1e-13);
        }
    }

    #[test]
    fn single_precision_is_near_enough_and_refuses_clouds_with_points_far_off() {
        let shifted = |n: usize| {
            let mut cloud = spiral(n);
            cloud.x.iter_mut().for_each(|v| *v += 1e6);
            cloud
        };
        let (a, b) = (shifted(203), shifted(2100));
        let exact = between(&a, &b, Term::Distance);
        let found = Single::new(&b).distances_to(&a);
        assert!((found / exact - 1.0).abs() < 1e-6, "{found} is not {exact}");
        let own = Single::new(&b).distances();
        assert!((own / within(&b, Term::Distance) - 1.0).abs() < 1e-6);
        let mut far = shifted(2100);
        far.x[7] += 1e9;
        assert!(Single::new(&b).suits(1.0) && !Single::new(&far).suits(1.0));
    }

    #[test]
    fn pairs_within_are_half_of_all_without_the_diagonal() {
        for n in [0, 1, 2, 63, 64, 65, 500, 2200] {
            let a = spiral(n);
            let all = between(&a, &a, Term::Distance);
            assert!((2.0 * within(&a, Term::Distance) - all).abs() <= 1e-12 * all);
        }
    }
}

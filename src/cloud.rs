//! Points in the plane: the cloud that flows, and its first two moments.

use std::cmp::Ordering;
use std::ops::Range;

use ndarray::{Array1, Array2, ArrayView2, Axis, Zip, s};
use rayon::prelude::*;

/// `n` points in the plane, one a row: shape `n×2`, in the target's own units.
pub type Cloud = Array2<f64>;

/// A borrowed [`Cloud`], shape `n×2`.
pub type CloudView<'a> = ArrayView2<'a, f64>;

/// The mean of the points. Zero for an empty cloud.
#[must_use]
pub fn mean(points: CloudView<'_>) -> [f64; 2] {
    let n = points.nrows().max(1) as f64;
    let sum = points.sum_axis(Axis(0));
    [sum[0] / n, sum[1] / n]
}

/// The covariance of the points around their mean, divided by `n` (the moments of the cloud itself,
/// not an estimate for a population behind it).
#[must_use]
pub fn covariance(points: CloudView<'_>) -> [[f64; 2]; 2] {
    let n = points.nrows().max(1) as f64;
    let m = mean(points);
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for row in points.rows() {
        let (x, y) = (row[0] - m[0], row[1] - m[1]);
        xx += x * x;
        xy += x * y;
        yy += y * y;
    }
    [[xx / n, xy / n], [xy / n, yy / n]]
}

/// The pooled standard deviation `√(tr cov / d)`, d the [`dimension`] of the cloud: one length that says how wide it is.
#[must_use]
pub fn spread(points: CloudView<'_>) -> f64 {
    let c = covariance(points);
    let mean = f64::midpoint(c[0][0], c[1][1]);
    (mean * 2.0 / rank(points.nrows(), c) as f64).sqrt()
}

/// The dimension of what the points can fill: 1 for three and more that lie on a line, to the last digit of single precision; otherwise 2.
/// Rules for a bandwidth and estimates of a density depend on it.
#[must_use]
pub fn dimension(points: CloudView<'_>) -> usize {
    rank(points.nrows(), covariance(points))
}

/// The dimension of so many points with this covariance. Any two points lie on a line, which says nothing of where they are from.
fn rank(count: usize, [[a, b], [_, c]]: [[f64; 2]; 2]) -> usize {
    /// Square of the width of a line, in parts of its length.
    const NARROW: f64 = 1e-14;
    let (middle, half) = (f64::midpoint(a, c), (0.5 * (a - c)).hypot(b));
    let [least, most] = [middle - half, middle + half];
    if count > 2 && most > 0.0 && least <= NARROW * most {
        1
    } else {
        2
    }
}

/// The order of two points by their coordinates: one that does not depend on the order of the rows that they stand in.
#[must_use]
pub fn by_place(a: [f64; 2], b: [f64; 2]) -> Ordering {
    a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1]))
}

/// The places of the points in that order; of points at one place the first comes first.
#[must_use]
pub fn in_order(points: CloudView<'_>) -> Vec<usize> {
    // With its place beside it, a point is compared where it stands, and not where it came from.
    let mut all: Vec<([f64; 2], u32)> = (0..points.nrows())
        .map(|i| (at(points, i), i as u32))
        .collect();
    all.par_sort_unstable_by(|(a, i), (b, j)| by_place(*a, *b).then(i.cmp(j)));
    all.into_iter().map(|(_, i)| i as usize).collect()
}

/// The points at these places. The library's `select` makes a view of each row, which takes twice the memory of the rows themselves.
#[must_use]
pub fn rows(points: CloudView<'_>, places: &[usize]) -> Cloud {
    let mut some = Cloud::zeros((places.len(), 2));
    if let Some(values) = some.as_slice_mut() {
        let into = values.par_chunks_exact_mut(2).with_min_len(4096);
        into.zip(places)
            .for_each(|(row, &i)| row.copy_from_slice(&at(points, i)));
    }
    some
}

/// The point at place `i`.
pub(crate) fn at(points: CloudView<'_>, i: usize) -> [f64; 2] {
    [points[[i, 0]], points[[i, 1]]]
}

/// The smallest box that holds all points, as `[[x_min, x_max], [y_min, y_max]]`; `None` for an empty cloud.
#[must_use]
pub fn bounds(points: CloudView<'_>) -> Option<[[f64; 2]; 2]> {
    if points.nrows() == 0 {
        return None;
    }
    let side = |axis: usize| {
        points
            .column(axis)
            .iter()
            .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], &v| {
                [low.min(v), high.max(v)]
            })
    };
    Some([side(0), side(1)])
}

/// Length of each row of an `n×2` array: speeds of velocities, sizes of displacements.
#[must_use]
pub fn lengths(vectors: CloudView<'_>) -> Array1<f64> {
    vectors
        .rows()
        .into_iter()
        .map(|row| row[0].hypot(row[1]))
        .collect()
}

/// Root mean square length of the rows of an `n×2` array. Zero for an empty one.
#[must_use]
pub fn rms(vectors: CloudView<'_>) -> f64 {
    let n = vectors.nrows();
    let squares = |rows| vectors.slice(s![rows, ..]).iter().map(|v| v * v).sum();
    (summed(n, squares) / n.max(1) as f64).sqrt()
}

/// Root mean square distance of the rows of one `n×2` array from those of another.
pub(crate) fn rms_between(a: CloudView<'_>, b: CloudView<'_>) -> f64 {
    let n = a.nrows();
    let squares = |rows: Range<usize>| {
        let [a, b] = [a, b].map(|all| all.slice_move(s![rows.clone(), ..]));
        a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
    };
    (summed(n, squares) / n.max(1) as f64).sqrt()
}

/// Rows that one task takes: fewer are no work to share out.
pub(crate) const PIECE: usize = 32_768;

/// The sum of what pieces of so many rows come to, in their order.
pub(crate) fn summed(count: usize, of: impl Fn(Range<usize>) -> f64 + Sync) -> f64 {
    if count <= PIECE {
        return of(0..count);
    }
    let pieces = (0..count).into_par_iter().step_by(PIECE);
    let sums: Vec<f64> = pieces
        .map(|start| of(start..(start + PIECE).min(count)))
        .collect();
    sums.iter().sum()
}

/// The first of so many places that `is`.
pub(crate) fn first(count: usize, is: impl Fn(usize) -> bool + Sync) -> Option<usize> {
    let mut all = 0..count;
    if count <= PIECE {
        return all.find(|&i| is(i));
    }
    let pieces = all.into_par_iter().step_by(PIECE);
    pieces.find_map_first(|start| (start..(start + PIECE).min(count)).find(|&i| is(i)))
}

/// What `each` makes of every number.
pub(crate) fn mapped(a: CloudView<'_>, each: impl Fn(f64) -> f64 + Sync + Send) -> Cloud {
    let all = Zip::from(a);
    if a.nrows() > PIECE {
        all.par_map_collect(|&a| each(a))
    } else {
        all.map_collect(|&a| each(a))
    }
}

/// The sum of two clouds, row by row.
pub(crate) fn plus(a: CloudView<'_>, b: CloudView<'_>) -> Cloud {
    let both = Zip::from(a).and(b);
    if a.nrows() > PIECE {
        both.par_map_collect(|a, b| a + b)
    } else {
        both.map_collect(|a, b| a + b)
    }
}

/// Shortens each row of an `n×2` array to at most `longest`; tells how many it changed. Rows that are not finite stay.
pub(crate) fn shorten(vectors: &mut Cloud, longest: f64) -> usize {
    if longest == f64::INFINITY {
        return 0;
    }
    let mut count = 0;
    for mut row in vectors.rows_mut() {
        let length = row[0].hypot(row[1]);
        if length > longest {
            count += 1;
            row.mapv_inplace(|v| v * (longest / length));
        }
    }
    count
}

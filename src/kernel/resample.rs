//! Points in the order of a curve through the plane, and equal points in place of weighted ones.

use crate::cloud::{self, Cloud, CloudView};
use crate::plane::{Planar, along_curve_by_place};

/// The rows of a cloud in an order that depends on their places alone, and in which neighbours are near each other.
pub(crate) fn along(points: CloudView<'_>) -> Vec<usize> {
    let corners = cloud::bounds(points).unwrap_or_default();
    let curve = along_curve_by_place(&Planar::new(points), corners);
    curve.into_iter().map(|i| i as usize).collect()
}

/// How often each of the points along the curve stands in a systematic resample of as many (Kitagawa 1996): N times its weight, up to one, and so for every run of
/// neighbours. `shares` are N times the weights, in the order of the curve; `offset` is where in [0, 1) the comb begins.
pub(crate) fn offspring(shares: &[f64], offset: f64) -> Vec<usize> {
    let last = shares.len().saturating_sub(1);
    let (mut sum, mut counted) = (0.0, (-offset).floor());
    let count = |(place, share): (usize, &f64)| {
        sum += share;
        // The shares add up to N but for rounding.
        let end = if place == last {
            shares.len() as f64
        } else {
            sum
        };
        let reached = (end - offset).floor().max(counted);
        let offspring = (reached - counted) as usize;
        counted = reached;
        offspring
    };
    shares.iter().enumerate().map(count).collect()
}

/// As many points of equal weight in place of `points` (`n×2`) with N times their weights in `shares`: a systematic resample along a Hilbert curve, from the middle of
/// the comb's first gap and without jitter. Nothing in it is random.
///
/// # Panics
/// If there are not as many shares as points.
#[must_use]
pub fn resample(points: CloudView<'_>, shares: &[f64]) -> Cloud {
    let order = along(points);
    let sorted: Vec<f64> = order.iter().map(|&row| shares[row]).collect();
    let counts = offspring(&sorted, 0.5);
    let rows = order.iter().zip(counts);
    let rows: Vec<usize> = rows
        .flat_map(|(&row, count)| std::iter::repeat_n(row, count))
        .collect();
    cloud::rows(points, &rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plane::along_curve;
    use crate::random::Stream;

    /// The slow way: all points by their places first.
    #[test]
    fn points_in_one_cell_stand_in_the_order_of_their_places() {
        let mut points = Stream::new(9, "points").normals(60);
        // Far points, so that many share a cell, and not so many that they have a curve of their own.
        points[[0, 0]] = 1e6;
        points[[1, 1]] = -1e6;
        let sorted = cloud::in_order(points.view());
        let corners = cloud::bounds(points.view()).unwrap();
        let curve = along_curve(&Planar::new(points.view()).pick(&sorted), corners);
        let slow: Vec<usize> = curve.into_iter().map(|i| sorted[i as usize]).collect();
        assert_eq!(along(points.view()), slow);
    }

    #[test]
    fn a_resample_has_as_many_points_and_their_shares() {
        let points = Stream::new(4, "points").normals(501);
        let raw: Vec<f64> = (0..501).map(|i| f64::from(i % 7)).collect();
        let total: f64 = raw.iter().sum();
        let shares: Vec<f64> = raw.iter().map(|r| r * 501.0 / total).collect();
        let found = resample(points.view(), &shares);
        assert_eq!(found.nrows(), 501);
        let left = |cloud: &Cloud| cloud.column(0).iter().filter(|x| **x < 0.0).count() as f64;
        let due = (0..501).filter(|&i| points[[i, 0]] < 0.0);
        let due: f64 = due.map(|i| shares[i]).sum();
        // A half plane is a few runs of the curve, each right up to one.
        assert!((left(&found) - due).abs() < 12.0, "{} {due}", left(&found));
        assert_eq!(resample(points.view(), &[1.0; 501]).nrows(), 501);
    }
}

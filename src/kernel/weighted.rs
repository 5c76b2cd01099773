//! Kernel sums over points of unequal weights, pair by pair in double precision.

use rayon::prelude::*;

use super::points::Points;
use super::sum::KernelSum;
use crate::numeric::Real;

/// Places that one task sums at.
const PLACES: usize = 16;
/// Exponents below this add nothing that double precision keeps.
const NOTHING: f64 = -700.0;

/// `log Σ_j w_j k_h(x, y_j)` and its mean shift at each of the n points `at`, for the m points `of` with the weights `shares`, of which one at least is greater
/// than 0. A time proportional to n·m.
///
/// # Panics
/// If there are not as many shares as points `of`.
#[must_use]
pub fn weighted_sums(at: &Points, of: &Points, shares: &[f64], h: f64) -> Vec<KernelSum> {
    let living = (0..of.len()).filter(|&j| shares[j] > 0.0);
    let points: Vec<[f64; 3]> = living
        .map(|j| {
            let [x, y] = of.at(j);
            [x, y, shares[j].ln()]
        })
        .collect();
    let rate = 0.5 / (h * h);
    let place = |i: usize| {
        let [x, y] = at.at(i);
        let exponent = |[u, v, log]: &[f64; 3]| log - rate * ((x - u).powi(2) + (y - v).powi(2));
        let most = points
            .iter()
            .map(exponent)
            .fold(f64::NEG_INFINITY, f64::max);
        let (mut sum, mut shift) = (0.0, [0.0; 2]);
        for point in &points {
            let term = Real::exp((exponent(point) - most).max(NOTHING));
            sum += term;
            shift[0] += term * (point[0] - x);
            shift[1] += term * (point[1] - y);
        }
        KernelSum {
            log: most + sum.ln(),
            shift: shift.map(|s| s / sum),
        }
    };
    let places = (0..at.len()).into_par_iter().with_min_len(PLACES);
    places.map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Method, sums};
    use crate::random::Stream;

    #[test]
    fn a_weight_of_two_is_a_point_twice_over() {
        let at = Stream::new(1, "at").normals(40);
        let of = Stream::new(1, "of").normals(60);
        let shares: Vec<f64> = (0..60).map(|j| f64::from(j % 3)).collect();
        let rows = (0..60).flat_map(|j| std::iter::repeat_n(j, j % 3));
        let rows: Vec<usize> = rows.collect();
        let repeated = Points::new(crate::cloud::rows(of.view(), &rows).view());
        let [at, of] = [at, of].map(|cloud| Points::new(cloud.view()));
        let plain = sums(&at, [&repeated], 0.3, Method::Exact);
        let found = weighted_sums(&at, &of, &shares, 0.3);
        for ([plain], found) in plain.iter().zip(&found) {
            assert!((plain.log - found.log).abs() < 1e-10);
            for axis in 0..2 {
                assert!((plain.shift[axis] - found.shift[axis]).abs() < 1e-10);
            }
        }
    }
}

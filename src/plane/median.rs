//! The median of the distances within a sample.

use rayon::prelude::*;

use super::Planar;
use crate::cloud::CloudView;

/// The median of the distances between the points, over all pairs `i < j` that lie apart: the usual bandwidth of [`Mmd2`](crate::metric::Mmd2). Repeated points have
/// a distance of 0, which is no scale of the data, and do not count; 0 if all points are one. Exact up to 4096 points; of more, 4096 at equal
/// spacing in the list are taken. NaN for fewer than two points.
#[must_use]
pub fn median_distance(points: CloudView<'_>) -> f64 {
    const MOST: usize = 4096;
    let n = points.nrows();
    let kept = n.min(MOST);
    let chosen: Vec<usize> = (0..kept).map(|i| i * n / kept).collect();
    let points = Planar::new(points.select(ndarray::Axis(0), &chosen).view());
    let pairs = kept * kept.saturating_sub(1) / 2;
    if pairs == 0 {
        return f64::NAN;
    }
    let coinciding = |i: usize| {
        let others = i + 1..points.len();
        let same = |&j: &usize| points.x[i] == points.x[j] && points.y[i] == points.y[j];
        others.filter(same).count()
    };
    let zeros: usize = (0..points.len())
        .into_par_iter()
        .with_min_len(64)
        .map(coinciding)
        .sum();
    let apart = pairs - zeros;
    if apart == 0 {
        return 0.0;
    }
    let low = zeros + (apart - 1) / 2;
    let [low, high] = ranked_squares(&points, low, zeros + apart / 2 > low);
    f64::midpoint(low.sqrt(), high.sqrt())
}

/// The square of the distance of the given rank (from 0) among all pairs, and that of the next rank if `next`, else the same again. Floats that are not
/// negative are ordered as their bits are, so that counting passes over 16 bits each narrow down where the square is, until so few are left that they
/// can be listed: without ties after the first pass.
fn ranked_squares(points: &Planar, mut rank: usize, next: bool) -> [f64; 2] {
    const DIGIT: u32 = 16;
    const LISTED: usize = 1 << 18;
    let n = points.len();
    let squares = |i: usize| {
        let at = [points.x[i], points.y[i]];
        let rest = points.x[i + 1..].iter().zip(&points.y[i + 1..]);
        rest.map(move |(x, y)| {
            let (dx, dy) = (at[0] - x, at[1] - y);
            (dx * dx + dy * dy).to_bits()
        })
    };
    let rows = || (0..n).into_par_iter().with_min_len(64);
    let (mut shift, mut prefix, mut held) = (u64::BITS, 0, n * n.saturating_sub(1) / 2);
    // What is left of a square's bits without those that are not counted yet.
    let head = |bits: u64, shift: u32| bits.checked_shr(shift).unwrap_or(0);
    while held > LISTED && shift > 0 {
        shift -= DIGIT;
        let counts = rows().fold(
            || vec![0_u32; 1 << DIGIT],
            |mut counts, i| {
                for bits in squares(i) {
                    let head = head(bits, shift);
                    if head >> DIGIT == prefix {
                        counts[head as usize % (1 << DIGIT)] += 1;
                    }
                }
                counts
            },
        );
        let counts = counts.reduce(
            || vec![0; 1 << DIGIT],
            |a, b| a.iter().zip(&b).map(|(a, b)| a + b).collect(),
        );
        let mut digit = 0;
        while digit + 1 < counts.len() && rank >= counts[digit] as usize {
            rank -= counts[digit] as usize;
            digit += 1;
        }
        (prefix, held) = (prefix << DIGIT | digit as u64, counts[digit] as usize);
    }
    let (low, high) = if held > LISTED {
        // All the same, to the last bit.
        (prefix, (rank + 1 < held).then_some(prefix))
    } else {
        let here = |i| squares(i).filter(|&bits| head(bits, shift) == prefix);
        let mut list: Vec<u64> = rows().flat_map_iter(here).collect();
        let (_, &mut low, above) = list.select_nth_unstable(rank);
        (low, above.iter().min().copied())
    };
    let beyond = || {
        let beyond = |i| squares(i).filter(|&bits| head(bits, shift) > prefix).min();
        rows().filter_map(beyond).min()
    };
    let high = if next { high.or_else(beyond) } else { None }.unwrap_or(low);
    [low, high].map(f64::from_bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn median_distance_is_that_of_the_sorted_list() {
        for (n, digits) in [
            (2, 9),
            (3, 9),
            (4, 9),
            (7, 9),
            (60, 9),
            (900, 9),
            (901, 1),
            (1500, 0),
        ] {
            // Of many pairs with few digits, most distances stand more than once.
            let unit = 10.0_f64.powi(digits);
            let points = Array2::from_shape_fn((n, 2), |(i, axis)| {
                (unit * ((3.7 + axis as f64) * i as f64).sin()).round() / unit
            });
            let mut all = Vec::new();
            for i in 0..n {
                for j in i + 1..n {
                    let d = &points.row(i) - &points.row(j);
                    all.push(d.dot(&d).sqrt());
                }
            }
            all.retain(|&distance| distance > 0.0);
            all.sort_by(f64::total_cmp);
            let k = all.len();
            let expected = f64::midpoint(all[(k - 1) / 2], all[k / 2]);
            assert!((median_distance(points.view()) - expected).abs() < 1e-14);
        }
        assert!(median_distance(array![[1.0, 2.0]].view()).is_nan());
        assert_eq!(median_distance(Array2::zeros((10, 2)).view()), 0.0);
        let inflated = array![[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [3.0, 4.0]];
        assert_eq!(median_distance(inflated.view()), 5.0);
    }

    /// Nine places hold 1500 points: of six distances some stand more often than are listed. Neighbours in rank may differ, and do at each jump.
    #[test]
    fn ranks_on_both_sides_of_a_jump_are_found() {
        let points = Array2::from_shape_fn((1500, 2), |(i, axis)| {
            ((3.7 + axis as f64) * i as f64).sin().round()
        });
        let points = Planar::new(points.view());
        let mut all = Vec::new();
        for i in 0..points.len() {
            for j in i + 1..points.len() {
                let [dx, dy] = [points.x[i] - points.x[j], points.y[i] - points.y[j]];
                all.push(dx * dx + dy * dy);
            }
        }
        all.sort_unstable_by(f64::total_cmp);
        let jumps: Vec<usize> = (1..all.len()).filter(|&k| all[k] > all[k - 1]).collect();
        assert_eq!(jumps.len(), 5);
        for rank in jumps.into_iter().flat_map(|k| [k - 2, k - 1, k]) {
            let found = ranked_squares(&points, rank, true);
            assert_eq!(found, [all[rank], all[rank + 1]], "{rank}");
            assert_eq!(ranked_squares(&points, rank, false), [all[rank]; 2]);
        }
    }
}

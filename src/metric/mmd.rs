//! Maximum mean discrepancy with a Gaussian kernel of one fixed width.

use ndarray::Array2;
use rayon::prelude::*;

use super::sample::Seen;
use super::waves::Waves;
use super::{About, Effort, Grain, Ideal, Metric, Needs, Scale, Taken};
use crate::cloud::CloudView;
use crate::plane::{Planar, Term, between, within};

/// What [`Mmd2`] measures.
pub const MMD2: About = About {
    name: "mmd2",
    words: "MMD²",
    measures: "squared maximum mean discrepancy, unbiased, kernel exp(−‖x−y‖²/2s²) with s the median distance of points that lie apart",
    sees: "sees misplaced mass and error at the scale of its bandwidth; blind to blur, duplicates and a few per cent of outliers",
    ideal: Ideal::Low,
    grain: Grain::Fine,
    axis: Some(Scale::Log),
    taken: Taken::Always,
    needs: Needs::Nothing,
    effort: Effort::Quick,
};

/// The unbiased squared maximum mean discrepancy with `k(x, y) = exp(−‖x−y‖²/2s²)` (Gretton et al., *JMLR* 13, 2012,
/// eq. 3): `Σ_{i≠j} k(x_i,x_j)/n(n−1) + Σ_{i≠j} k(y_i,y_j)/m(m−1) − 2 Σ_{ij} k(x_i,y_j)/nm`.
/// Zero on average between two samples of one distribution, hence often negative; it is not clamped.
///
/// The sums over pairs are taken by waves where the kernel is wide compared with the samples, as the usual bandwidth is, to some 1e-14; else one by one.
///
/// The bandwidth is fixed when the measure is built, so that the values along a run share one ruler.
#[derive(Clone, Debug)]
pub struct Mmd2 {
    reference: Planar,
    bandwidth: f64,
    /// Waves that reach the reference and as far again around it, with its own sums.
    waves: Option<(Waves, Array2<f64>)>,
    /// Mean of the kernel over the distinct pairs of the reference.
    own: f64,
}

impl Mmd2 {
    /// Takes the reference sample (`m×2`) and the bandwidth `s`, a length greater than 0.
    #[must_use]
    pub fn new(reference: CloudView<'_>, bandwidth: f64) -> Self {
        let reference = Planar::new(reference);
        let edges = edges(&reference);
        let [low, high] = edges;
        let around = [0, 1].map(|axis| 0.5 * (high[axis] - low[axis]) + bandwidth);
        let wide = [
            [low[0] - around[0], low[1] - around[1]],
            [high[0] + around[0], high[1] + around[1]],
        ];
        let waves = Waves::new(wide, bandwidth).or_else(|| Waves::new(edges, bandwidth));
        let waves = waves.map(|waves| {
            let sums = waves.of(&reference);
            (waves, sums)
        });
        let own = match &waves {
            Some((waves, sums)) => distinct(waves.mean(sums, sums), reference.len()),
            None => mean_of_distinct(&reference, rate(bandwidth)),
        };
        Self {
            reference,
            bandwidth,
            waves,
            own,
        }
    }

    /// The value for a cloud.
    fn against(&self, cloud: &Planar) -> f64 {
        let near = self.waves.as_ref().filter(|(waves, _)| waves.reach(cloud));
        if let Some((waves, sums)) = near {
            let own = waves.of(cloud);
            let within = distinct(waves.mean(&own, &own), cloud.len());
            return within + self.own - 2.0 * waves.mean(&own, sums);
        }
        let rate = rate(self.bandwidth);
        let pairs = (cloud.len() * self.reference.len()) as f64;
        let cross = between(cloud, &self.reference, Term::Gaussian { rate }) / pairs;
        mean_of_distinct(cloud, rate) + self.own - 2.0 * cross
    }
}

fn rate(bandwidth: f64) -> f64 {
    0.5 / (bandwidth * bandwidth)
}

/// Lowest and highest coordinates.
fn edges(points: &Planar) -> [[f64; 2]; 2] {
    let fold =
        |side: &[f64], from: f64, pick: fn(f64, f64) -> f64| side.iter().copied().fold(from, pick);
    let sides = [&points.x, &points.y];
    [
        sides.map(|side| fold(side, f64::INFINITY, f64::min)),
        sides.map(|side| fold(side, f64::NEG_INFINITY, f64::max)),
    ]
}

/// The mean over the distinct pairs of `n` points, from that over all pairs, of which each point with itself gives 1.
fn distinct(mean: f64, n: usize) -> f64 {
    let n = n as f64;
    (n * mean - 1.0) / (n - 1.0)
}

impl Metric for Mmd2 {
    fn about(&self) -> &'static About {
        &MMD2
    }

    fn measure(&self, cloud: CloudView<'_>) -> f64 {
        self.against(&Planar::new(cloud))
    }

    /// `Σ_{i≠j} w_i w_j k / (1 − Σ w²)` stands for the mean over distinct pairs of the cloud.
    fn weighted(&self, cloud: CloudView<'_>, weights: &[f64]) -> Option<f64> {
        let cloud = Planar::new(cloud);
        let rate = rate(self.bandwidth);
        let sums = |i: usize| {
            let at = [cloud.x[i], cloud.y[i]];
            let term = |x: f64, y: f64| (-rate * ((at[0] - x).powi(2) + (at[1] - y).powi(2))).exp();
            let own = cloud.x.iter().zip(&cloud.y).zip(weights);
            let own: f64 = own.map(|((x, y), w)| w * term(*x, *y)).sum();
            let others = self.reference.x.iter().zip(&self.reference.y);
            let others: f64 = others.map(|(x, y)| term(*x, *y)).sum();
            [weights[i] * (own - weights[i]), weights[i] * others]
        };
        let rows = (0..cloud.len()).into_par_iter().with_min_len(64);
        let rows: Vec<[f64; 2]> = rows.map(sums).collect();
        let [own, cross] = [0, 1].map(|k| rows.iter().map(|row| row[k]).sum::<f64>());
        let squares: f64 = weights.iter().map(|w| w * w).sum();
        let cross = cross / self.reference.len() as f64;
        Some(own / (1.0 - squares) + self.own - 2.0 * cross)
    }

    fn value(&self, seen: &Seen<'_, '_>) -> f64 {
        self.against(&seen.sample.planar)
    }
}

fn mean_of_distinct(points: &Planar, rate: f64) -> f64 {
    let n = points.len() as f64;
    2.0 * within(points, Term::Gaussian { rate }) / (n * (n - 1.0))
}

/// The median of the distances between the points, over all pairs `i < j` that lie apart: the usual bandwidth of [`Mmd2`]. Repeated points have
/// a distance of 0, which is no scale of the data, and do not count; 0 if all points are one. Exact up to 4096 points; of more, 4096 at equal
/// spacing in the list are taken. NaN for fewer than two points.
#[must_use]
pub fn median_distance(points: CloudView<'_>) -> f64 {
    const MOST: usize = 4096;
    const LISTED: usize = 1 << 18;
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
    // Of few points a list is quicker.
    if pairs <= LISTED {
        let squares = (0..points.len()).flat_map(|i| {
            let at = [points.x[i], points.y[i]];
            let rest = points.x[i + 1..].iter().zip(&points.y[i + 1..]);
            rest.map(move |(x, y)| {
                let (dx, dy) = (at[0] - x, at[1] - y);
                dx * dx + dy * dy
            })
        });
        let mut squares: Vec<f64> = squares.collect();
        let ranks = [zeros + (apart - 1) / 2, zeros + apart / 2];
        let [low, high] = ranks.map(|rank| *squares.select_nth_unstable_by(rank, f64::total_cmp).1);
        return f64::midpoint(low.sqrt(), high.sqrt());
    }
    let low = ranked_distance(&points, zeros + (apart - 1) / 2);
    let high = ranked_distance(&points, zeros + apart / 2);
    f64::midpoint(low, high)
}

/// The distance of the given rank (from 0) among all pairs, digit by digit: floats that are not negative are ordered
/// as their bits are, so four counting passes over 16 bits each find it without storing a distance.
fn ranked_distance(points: &Planar, rank: usize) -> f64 {
    const DIGITS: usize = 1 << 16;
    let mut rank = rank as u64;
    let mut prefix = 0_u64;
    for shift in [48, 32, 16, 0] {
        let counts = (0..points.len())
            .into_par_iter()
            .with_min_len(64)
            .fold(
                || vec![0_u64; DIGITS],
                |mut counts, i| {
                    for j in i + 1..points.len() {
                        let (dx, dy) = (points.x[i] - points.x[j], points.y[i] - points.y[j]);
                        let bits = (dx * dx + dy * dy).to_bits();
                        if bits >> shift >> 16 == prefix {
                            counts[(bits >> shift) as usize % DIGITS] += 1;
                        }
                    }
                    counts
                },
            )
            .reduce(
                || vec![0; DIGITS],
                |a, b| a.iter().zip(&b).map(|(a, b)| a + b).collect(),
            );
        let mut digit = 0;
        while digit + 1 < DIGITS && rank >= counts[digit] {
            rank -= counts[digit];
            digit += 1;
        }
        prefix = prefix << 16 | digit as u64;
    }
    f64::from_bits(prefix).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn median_distance_is_that_of_the_sorted_list() {
        for n in [2, 3, 4, 7, 60] {
            let points =
                Array2::from_shape_fn((n, 2), |(i, axis)| ((3.7 + axis as f64) * i as f64).sin());
            let mut all = Vec::new();
            for i in 0..n {
                for j in i + 1..n {
                    let d = &points.row(i) - &points.row(j);
                    all.push(d.dot(&d).sqrt());
                }
            }
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
}

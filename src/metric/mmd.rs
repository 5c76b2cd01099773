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

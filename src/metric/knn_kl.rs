//! Kullback-Leibler divergence between cloud and target, either way, read off the distances to nearest neighbours.

use std::sync::Arc;

use rayon::prelude::*;

use super::sample::{NEAR, Near, Neighbourhood, Reference, Seen};
use super::{About, Effort, Grain, Ideal, Metric, Needs, Scale, Taken};
use crate::cloud::{CloudView, dimension, spread};
use crate::plane::{Neighbours, Planar, QUERIES};

/// What [`KnnKl`] measures.
pub const KNN_KL: About = About {
    name: "knn_kl",
    words: "kNN-KL(q‖p)",
    measures: "estimate of KL(q‖p) in nats from distances to 5th nearest neighbours; negative for clouds more regular than independent points",
    sees: "sees shifts, blur and above all collapse and copies, at the scale of a few neighbours; blind to the masses of separate modes",
    ideal: Ideal::Low,
    grain: Grain::Fine,
    axis: Some(Scale::Linear),
    taken: Taken::Always,
    needs: Needs::Nothing,
    effort: Effort::Quick,
};

/// What [`KnnKl`] measures the other way.
pub const KNN_KL_REVERSE: About = About {
    name: "knn_kl_reverse",
    words: "kNN-KL(p‖q)",
    measures: "estimate of KL(p‖q) in nats from distances to 5th nearest neighbours: what the cloud fails to cover",
    sees: "sees modes and regions of the target that the cloud leaves empty; nearly blind to points of the cloud where the target has none",
    ideal: Ideal::Low,
    grain: Grain::Fine,
    axis: Some(Scale::Linear),
    taken: Taken::Asked,
    needs: Needs::Nothing,
    effort: Effort::Quick,
};

/// Which of the two divergences is estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    CloudToTarget,
    TargetToCloud,
}

/// The nearest-neighbour estimate of `KL(q‖p)` by Wang, Kulkarni and Verdú (*IEEE Trans. Inf. Theory* 55, 2009, eq. 5):
/// `(d/n) Σ_i log(ν_k(i)/ρ_k(i)) + log(m/(n−1))`, d the dimension of the reference, 2 or 1, where `ρ_k(i)` is the distance from cloud point `i` to its k-th
/// neighbour in the cloud and `ν_k(i)` that to its k-th neighbour in the reference sample. `KL(p‖q)` exchanges the two samples.
///
/// The estimate is negative for a cloud more regular than independent draws, and it is not clamped: that is information.
/// Distances below `1e-9` of the reference's spread count as just that, so that copies give a large finite
/// value and no infinity: a cloud collapsed to one point gives 41 and twice the logarithm of its distance to its k-th neighbour in the reference, in
/// units of the reference's spread: 35 in the midst of 2000 points. `k` is lowered for clouds that have fewer points;
/// NaN for a cloud of fewer than two.
#[derive(Clone, Debug)]
pub struct KnnKl {
    reference: Reference,
    k: usize,
    resolution: f64,
    /// d of the space that the reference fills.
    dimension: usize,
    way: Way,
}

impl KnnKl {
    /// Neighbour counted to, unless said otherwise: little bias at 2000 points, and half the variance of `k = 1`.
    pub const K: usize = 5;

    /// `KL(q‖p)`, from the reference sample (`m×2`, not empty) and `k`, at least 1.
    #[must_use]
    pub fn new(reference: CloudView<'_>, k: usize) -> Self {
        let shared = Arc::new(Neighbourhood::new(&Planar::new(reference)));
        Self::on(reference, shared, k)
    }

    /// The same, on a reference that is worked through already.
    pub(super) fn on(reference: CloudView<'_>, shared: Reference, k: usize) -> Self {
        Self {
            reference: shared,
            k: k.max(1),
            resolution: (1e-9 * spread(reference)).max(f64::MIN_POSITIVE),
            dimension: dimension(reference),
            way: Way::CloudToTarget,
        }
    }

    /// `KL(p‖q)`, from the same.
    #[must_use]
    pub fn reverse(reference: CloudView<'_>, k: usize) -> Self {
        Self {
            way: Way::TargetToCloud,
            ..Self::new(reference, k)
        }
    }
}

impl Metric for KnnKl {
    fn about(&self) -> &'static About {
        match self.way {
            Way::CloudToTarget => &KNN_KL,
            Way::TargetToCloud => &KNN_KL_REVERSE,
        }
    }

    fn measure(&self, cloud: CloudView<'_>) -> f64 {
        let cloud = Neighbours::new(&Planar::new(cloud));
        let (own, other) = match self.way {
            Way::CloudToTarget => (&cloud, &self.reference.tree),
            Way::TargetToCloud => (&self.reference.tree, &cloud),
        };
        let (n, m) = (own.points().len(), other.points().len());
        if n < 2 || m == 0 {
            return f64::NAN;
        }
        let k = self.k.min(n - 1).min(m);
        let points: Vec<([f64; 2], u32)> = own.points().collect();
        let partial: Vec<f64> = points
            .par_chunks(QUERIES)
            .map(|chunk| {
                let log_ratio = |&(at, place): &([f64; 2], u32)| {
                    let to_other = other.nearest(at, k, None).radius();
                    let to_own = own.nearest(at, k, Some(place)).radius();
                    (to_other.max(self.resolution) / to_own.max(self.resolution)).ln()
                };
                chunk.iter().map(log_ratio).sum()
            })
            .collect();
        estimate(&partial, [n, m], self.dimension)
    }

    fn value(&self, seen: &Seen<'_, '_>) -> f64 {
        let sizes = [seen.points().nrows(), self.reference.len()];
        let near = seen.neighbouring(&self.reference);
        let ready = self.way == Way::CloudToTarget && self.k <= NEAR && sizes[0] > self.k;
        let Some(near) = near.filter(|_| ready && sizes[1] >= self.k) else {
            return self.measure(seen.points());
        };
        let pairs: Vec<(&Near, &Near)> = near.cross.iter().zip(&near.cloud.own).collect();
        let partial = pairs.par_chunks(QUERIES).map(|chunk| {
            let log_ratio = |&(other, own): &(&Near, &Near)| {
                let [other, own] = [other, own].map(|near| near[self.k - 1].sqrt());
                (other.max(self.resolution) / own.max(self.resolution)).ln()
            };
            chunk.iter().map(log_ratio).sum()
        });
        estimate(&partial.collect::<Vec<f64>>(), sizes, self.dimension)
    }
}

/// The divergence from the sums of the logarithms of quotients of distances, and the sizes of both samples.
fn estimate(sums: &[f64], [n, m]: [usize; 2], dimension: usize) -> f64 {
    let mean = sums.iter().sum::<f64>() / n as f64;
    dimension as f64 * mean + (m as f64 / (n - 1) as f64).ln()
}

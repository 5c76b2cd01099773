//! Kullback-Leibler divergence to a target whose density is known: only the cloud's own entropy has to be estimated.

use std::collections::BTreeMap;
use std::f64::consts::PI;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::{About, Effort, Grain, Ideal, KnnKl, Metric, Needs, Scale, Taken};
use crate::cloud::{CloudView, spread};
use crate::plane::{Neighbours, Planar, QUERIES, Whitening, nearest};
use crate::random::Stream;
use crate::target::Target;

/// What [`KnownKl`] measures.
pub const KL: About = About {
    name: "kl",
    words: "KL(q‖p)",
    measures: "estimate of KL(q‖p) in nats from the exact density of the target and the cloud's entropy by nearest neighbours, less what it gives perfect samples",
    sees: "sees every difference that the density makes, far from the target too; a cloud more regular than independent points lies below zero",
    ideal: Ideal::Low,
    grain: Grain::Fine,
    axis: Some(Scale::Linear),
    taken: Taken::Always,
    needs: Needs::Density,
    effort: Effort::Quick,
};

/// `KL(q‖p) = −H(q) − E_q log p` with the exact `log p` and the entropy by Kozachenko and Leonenko (*Probl. Inf. Transm.* 23, 1987;
/// k-th neighbours as in Kraskov et al., *Phys. Rev. E* 69, 2004): `H = ψ(n) − ψ(k) + log π + (2/n) Σ_i log ρ_k(i)` in the plane, `ψ` the digamma function.
///
/// Distances are taken in coordinates whitened by the cloud, and the logarithm of their determinant is put back: neighbours in the units
/// of unlike axes are neighbours along one of them. What is left of the bias, which grows where the density has edges or is thin compared with the
/// distances of n points, is taken off as it is for perfect samples: the mean over [`DRAWS`](Self::DRAWS) samples of the target of n points each. A cloud of
/// another kind has another bias: a Gaussian and a ring of eight narrow ones are told some 0.03 nats wrong of each other at n = 500 and 2000, and each within
/// 0.02 of its own kind, however far it is from the target.
///
/// No reference sample enters, so it has none of its noise. `k = 5`, lowered for clouds that have fewer points; NaN for fewer than two.
/// Distances below `1e-9` of the cloud's spread count as just that.
#[derive(Clone, Debug)]
pub struct KnownKl {
    target: Arc<dyn Target>,
    /// The mean for perfect samples, for each number of points that was asked for.
    biases: Arc<Mutex<BTreeMap<usize, f64>>>,
}

impl KnownKl {
    /// Perfect samples behind the bias that is taken off.
    pub const DRAWS: u64 = 16;

    /// Takes the target; `None` if its density is not known, or has no gradient: where it is zero the divergence of any cloud that
    /// strays is infinite, and says no more.
    #[must_use]
    pub fn new(target: &Arc<dyn Target>) -> Option<Self> {
        let nowhere = CloudView::from(&[[0.0; 2]; 0]);
        target.log_density(nowhere)?;
        target.score(nowhere)?;
        Some(Self {
            target: Arc::clone(target),
            biases: Arc::default(),
        })
    }

    /// The estimate before the bias is taken off.
    #[must_use]
    pub fn uncorrected(&self, cloud: CloudView<'_>) -> f64 {
        let n = cloud.nrows();
        let Some(log_density) = self.target.log_density(cloud).filter(|_| n >= 2) else {
            return f64::NAN;
        };
        let k = KnnKl::K.min(n - 1);
        let points: Vec<[f64; 2]> = cloud.rows().into_iter().map(|p| [p[0], p[1]]).collect();
        let map = Whitening::of(&points);
        // Points on a line have no density of their own; in their own units the resolution bounds what is said of them.
        let (places, log_det, spread) = match map.log_det {
            Some(log_det) => (points.iter().map(|&p| map.map(p)).collect(), log_det, 1.0),
            None => (points, 0.0, spread(cloud)),
        };
        let resolution = (1e-9 * spread).max(f64::MIN_POSITIVE);
        let tree = Neighbours::new(&Planar {
            x: places.iter().map(|p| p[0]).collect(),
            y: places.iter().map(|p| p[1]).collect(),
        });
        let near = nearest::<{ KnnKl::K }>(&tree, &tree, true);
        let partial: Vec<f64> = near
            .par_chunks(QUERIES)
            .map(|chunk| {
                let radius = |near: &[f64; KnnKl::K]| near[k - 1].sqrt().max(resolution).ln();
                chunk.iter().map(radius).sum()
            })
            .collect();
        let radii = partial.iter().sum::<f64>() / n as f64;
        // Of the ball of radius one.
        let (dimension, log_volume) = match self.target.dimension() {
            1 => (1.0, 2.0_f64.ln()),
            _ => (2.0, PI.ln()),
        };
        let entropy = harmonic(n - 1) - harmonic(k - 1) + log_volume + dimension * radii - log_det;
        -entropy - log_density.sum() / n as f64
    }

    /// What perfect samples of `n` points give on average.
    fn bias(&self, n: usize) -> f64 {
        let known = |biases: &BTreeMap<usize, f64>| biases.get(&n).copied();
        let lock = || self.biases.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bias) = known(&lock()) {
            return bias;
        }
        // Who comes meanwhile works it out too, and finds the same.
        let stream = Stream::new(0, "bias of kl");
        let draw = |i: u64| self.uncorrected(self.target.sample(n, stream.at(i)).view());
        let bias = (0..Self::DRAWS).map(draw).sum::<f64>() / Self::DRAWS as f64;
        lock().insert(n, bias);
        bias
    }
}

impl Metric for KnownKl {
    fn about(&self) -> &'static About {
        &KL
    }

    fn uses_reference(&self) -> bool {
        false
    }

    fn measure(&self, cloud: CloudView<'_>) -> f64 {
        if cloud.nrows() < 2 {
            return f64::NAN;
        }
        self.uncorrected(cloud) - self.bias(cloud.nrows())
    }
}

/// `1 + 1/2 + … + 1/n`, which is `ψ(n + 1)` up to Euler's constant.
fn harmonic(n: usize) -> f64 {
    (1..=n).rev().map(|i| 1.0 / i as f64).sum()
}

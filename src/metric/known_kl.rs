//! Kullback-Leibler divergence to a target whose density is known: only the cloud's own entropy has to be estimated.

use std::f64::consts::PI;
use std::sync::Arc;

use rayon::prelude::*;

use super::neighbours::Neighbours;
use super::pairs::Planar;
use super::{About, Grain, Ideal, KnnKl, Metric, QUERIES};
use crate::cloud::{CloudView, spread};
use crate::target::Target;

/// What [`KnownKl`] measures.
pub const KL: About = About {
    name: "kl",
    measures: "estimate of KL(q‖p) in nats from the exact density of the target and the cloud's entropy by nearest neighbours",
    sees: "sees every difference that the density makes, far from the target too; a cloud more regular than independent points lies below zero",
    ideal: Ideal::Low,
    grain: Grain::Fine,
};

/// `KL(q‖p) = −H(q) − E_q log p` with the exact `log p` and the entropy by Kozachenko and Leonenko (*Probl. Inf. Transm.* 23, 1987;
/// k-th neighbours as in Kraskov et al., *Phys. Rev. E* 69, 2004): `H = ψ(n) − ψ(k) + log π + (2/n) Σ_i log ρ_k(i)` in the plane, `ψ` the digamma function.
///
/// No reference sample enters, so it has none of its noise, and it is as good far from the target as near it. `k = 5`, lowered for
/// clouds that have fewer points; NaN for fewer than two. Distances below `1e-9` of the cloud's spread count as just that.
#[derive(Clone, Debug)]
pub struct KnownKl {
    target: Arc<dyn Target>,
}

impl KnownKl {
    /// Takes the target; `None` if its density is not known, or has no gradient: where it is zero the divergence of any cloud that
    /// strays is infinite, and says no more.
    #[must_use]
    pub fn new(target: &Arc<dyn Target>) -> Option<Self> {
        let nowhere = CloudView::from(&[[0.0; 2]; 0]);
        target.log_density(nowhere)?;
        target.score(nowhere)?;
        Some(Self {
            target: Arc::clone(target),
        })
    }
}

impl Metric for KnownKl {
    fn about(&self) -> &'static About {
        &KL
    }

    fn measure(&self, cloud: CloudView<'_>) -> f64 {
        let n = cloud.nrows();
        let Some(log_density) = self.target.log_density(cloud).filter(|_| n >= 2) else {
            return f64::NAN;
        };
        let k = KnnKl::K.min(n - 1);
        let resolution = (1e-9 * spread(cloud)).max(f64::MIN_POSITIVE);
        let tree = Neighbours::new(&Planar::new(cloud));
        let points: Vec<([f64; 2], u32)> = tree.points().collect();
        let partial: Vec<f64> = points
            .par_chunks(QUERIES)
            .map(|chunk| {
                let radius = |&(at, place): &([f64; 2], u32)| {
                    let radius = tree.nearest(at, k, Some(place)).radius();
                    radius.max(resolution).ln()
                };
                chunk.iter().map(radius).sum()
            })
            .collect();
        let radii = partial.iter().sum::<f64>() / n as f64;
        let entropy = harmonic(n - 1) - harmonic(k - 1) + PI.ln() + 2.0 * radii;
        -entropy - log_density.sum() / n as f64
    }
}

/// `1 + 1/2 + … + 1/n`, which is `ψ(n + 1)` up to Euler's constant.
fn harmonic(n: usize) -> f64 {
    (1..=n).rev().map(|i| 1.0 / i as f64).sum()
}

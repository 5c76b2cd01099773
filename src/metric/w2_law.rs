//! Wasserstein distance to a law on the line, known exactly.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{About, Effort, Grain, Ideal, Metric, Needs, Scale, Taken};
use crate::cloud::CloudView;
use crate::target::{Portions, Target};

/// What [`W2Law`] measures.
pub const W2_LAW: About = About {
    name: "w2_law",
    words: "W₂ to the law",
    measures: "2-Wasserstein distance to the law of the target on the line itself, exact, in the target's units",
    sees: "sees misplaced mass and error at every scale without the noise of a reference sample; on the line alone",
    ideal: Ideal::Low,
    grain: Grain::Fine,
    axis: Some(Scale::Log),
    taken: Taken::Asked,
    needs: Needs::Law,
    effort: Effort::Quick,
};

/// `W2² = Σ_i ∫ (x₍ᵢ₎ − F⁻¹(u))² du`, the i-th integral over the i-th n-th of `[0, 1]`, for the sorted points of a cloud and the quantiles `F⁻¹` of the target: on the line
/// the best transport keeps order. With the mean `c_i` of the law's own i-th portion it is `mean_i (x₍ᵢ₎ − c_i)²` and what n points cannot reach. Exact, for points with weights too.
#[derive(Clone, Debug)]
pub struct W2Law {
    target: Arc<dyn Target>,
    /// For each number of points that was asked for, the law in as many portions.
    portions: Arc<Mutex<BTreeMap<usize, Arc<Portions>>>>,
}

impl W2Law {
    /// Takes the target; `None` if it is not on the line, or not known exactly.
    #[must_use]
    pub fn new(target: &Arc<dyn Target>) -> Option<Self> {
        target.portions(&[1.0])?;
        Some(Self {
            target: Arc::clone(target),
            portions: Arc::default(),
        })
    }

    /// The law in `n` equal portions.
    fn equal(&self, n: usize) -> Arc<Portions> {
        let lock = || self.portions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(portions) = lock().get(&n) {
            return Arc::clone(portions);
        }
        // Who comes meanwhile works them out too, and finds the same.
        let masses = vec![1.0 / n as f64; n];
        let portions = Arc::new(self.target.portions(&masses).unwrap_or_default());
        lock().insert(n, Arc::clone(&portions));
        portions
    }
}

impl Metric for W2Law {
    fn about(&self) -> &'static About {
        &W2_LAW
    }

    fn measure(&self, cloud: CloudView<'_>) -> f64 {
        let mut line = cloud.column(0).to_vec();
        line.sort_by(f64::total_cmp);
        let law = self.equal(line.len());
        let pairs = line.iter().zip(&law.means);
        let squares = pairs.map(|(x, c)| (x - c) * (x - c));
        (squares.sum::<f64>() / line.len() as f64 + law.rest).sqrt()
    }

    fn weighted(&self, cloud: CloudView<'_>, weights: &[f64]) -> Option<f64> {
        let pairs = cloud.column(0).into_iter().copied().zip(weights);
        let mut line: Vec<(f64, f64)> = pairs
            .map(|(x, w)| (x, *w))
            .filter(|(_, w)| *w > 0.0)
            .collect();
        line.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let masses: Vec<f64> = line.iter().map(|(_, w)| *w).collect();
        let law = self.target.portions(&masses)?;
        let pairs = line.iter().zip(&law.means);
        let squares = pairs.map(|((x, w), c)| w * (x - c) * (x - c));
        Some((squares.sum::<f64>() + law.rest).sqrt())
    }

    fn uses_reference(&self) -> bool {
        false
    }
}

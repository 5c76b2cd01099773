//! How far the score of a cloud is from that of a target whose score is known.

use std::sync::Arc;

use super::{About, Effort, Grain, Ideal, Metric, Needs, Scale, Taken};
use crate::cloud::CloudView;
use crate::kernel::{self, Method, Points, leave_one_out};
use crate::target::Target;

/// What [`ScoreError`] measures.
pub const SCORE_ERROR: About = About {
    name: "score_error",
    words: "error of the score",
    measures: "root mean square over the cloud of ∇log q̂ − ∇log p, with the exact score of the target and a kernel estimate of the cloud's, per unit of length",
    sees: "sees local error of shape: the very speed at which the exact flow would still move the cloud; blind to the masses of separate modes",
    ideal: Ideal::Low,
    grain: Grain::Fine,
    axis: Some(Scale::Log),
    taken: Taken::Asked,
    needs: Needs::Density,
    effort: Effort::Quick,
};

/// `(mean_i ‖∇log q̂_h(x_i) − ∇log p(x_i)‖²)^{1/2}`: the root of the relative Fisher information, whose square integrates along the exact
/// flow to the KL divergence (de Bruijn's identity). `q̂_h` is the kernel density estimate of the cloud with the leave-one-out bandwidth `h` of a reference
/// sample, the same for all clouds; smoothing makes it positive for perfect clouds too, as the floor shows.
#[derive(Clone, Debug)]
pub struct ScoreError {
    target: Arc<dyn Target>,
    bandwidth: f64,
}

impl ScoreError {
    /// Takes the target and a reference sample (`m×2`); `None` if the score is not known or the sample is a single point.
    #[must_use]
    pub fn new(target: &Arc<dyn Target>, reference: CloudView<'_>) -> Option<Self> {
        target.score(CloudView::from(&[[0.0; 2]; 0]))?;
        let bandwidth = leave_one_out(reference);
        (bandwidth > 0.0 && bandwidth.is_finite()).then(|| Self {
            target: Arc::clone(target),
            bandwidth,
        })
    }
}

impl Metric for ScoreError {
    fn about(&self) -> &'static About {
        &SCORE_ERROR
    }

    /// NaN for a cloud that is empty or not finite.
    fn measure(&self, cloud: CloudView<'_>) -> f64 {
        if cloud.nrows() == 0 || cloud.iter().any(|v| !v.is_finite()) {
            return f64::NAN;
        }
        let Some(exact) = self.target.score(cloud) else {
            return f64::NAN;
        };
        let points = Points::new(cloud);
        let sums = kernel::sums(&points, [&points], self.bandwidth, Method::Exact);
        let h2 = self.bandwidth * self.bandwidth;
        let squares: f64 = sums
            .iter()
            .zip(exact.rows())
            .map(|([sum], score)| {
                let error = [0, 1].map(|axis| sum.shift[axis] / h2 - score[axis]);
                error[0] * error[0] + error[1] * error[1]
            })
            .sum();
        (squares / cloud.nrows() as f64).sqrt()
    }
}

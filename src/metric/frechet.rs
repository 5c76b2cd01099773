//! Fréchet distance: what means and covariances alone tell.

use super::{About, Effort, Grain, Ideal, Metric, Needs, Scale, Taken};
use crate::cloud::{CloudView, covariance, mean};

/// What [`Frechet`] measures.
pub const FRECHET: About = About {
    name: "frechet",
    words: "Fréchet distance",
    measures: "2-Wasserstein distance between the Gaussians with the means and covariances of cloud and reference, in the target's units: the root of what FID computes of features",
    sees: "sees a wrong place, width or direction of the whole cloud; blind to everything else, such as modes and holes",
    ideal: Ideal::Low,
    grain: Grain::Fine,
    axis: Some(Scale::Log),
    taken: Taken::Asked,
    needs: Needs::Nothing,
    effort: Effort::Quick,
};

/// `(‖m − m'‖² + tr(S + S' − 2 (S^½ S' S^½)^½))^½` between a cloud and the reference sample it was built on (Dowson and Landau, *J. Multivariate
/// Anal.* 12, 1982). No coupling of the two clouds is cheaper, so that `w2` is never less (Gelbrich, *Math. Nachr.* 147, 1990).
#[derive(Clone, Copy, Debug)]
pub struct Frechet {
    mean: [f64; 2],
    covariance: [[f64; 2]; 2],
}

impl Frechet {
    /// Takes the moments of the reference sample, `m×2`.
    #[must_use]
    pub fn new(reference: CloudView<'_>) -> Self {
        Self {
            mean: mean(reference),
            covariance: covariance(reference),
        }
    }
}

impl Metric for Frechet {
    fn about(&self) -> &'static About {
        &FRECHET
    }

    fn measure(&self, cloud: CloudView<'_>) -> f64 {
        let ([x, y], s, r) = (mean(cloud), covariance(cloud), self.covariance);
        let trace = |m: [[f64; 2]; 2]| m[0][0] + m[1][1];
        let det = |m: [[f64; 2]; 2]| (m[0][0] * m[1][1] - m[0][1] * m[1][0]).max(0.0);
        let product = s[0][0] * r[0][0] + 2.0 * s[0][1] * r[0][1] + s[1][1] * r[1][1];
        // Of two by two numbers, the trace of a root is the root of the trace and twice the root of the determinant.
        let root = (product + 2.0 * det(s).sqrt() * det(r).sqrt()).sqrt();
        let apart = (x - self.mean[0]).powi(2) + (y - self.mean[1]).powi(2);
        (apart + (trace(s) + trace(r) - 2.0 * root).max(0.0)).sqrt()
    }
}

//! What a generator climbs, and the exact ratio of densities where its map is affine.

use std::fmt;

use ndarray::{Array2, Axis, arr2};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::{self, Cloud, CloudView};
use crate::target::Target;

/// What `adversarial` makes small, as a mean over `x = g_θ(z)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// `−E h(D)`.
    #[default]
    H,
    /// `E f(e^D)`, with f the divergence that the map h belongs to. With r held still its samples move along `−r f'(r) ∇log r`, which for every divergence
    /// but the reverse KL changes sign with r; it is a divergence only where all that depends on θ is followed (Yi, Zhu and Liu 2023, section 4.3).
    F,
}

/// How `adversarial` sees the exact ratio `r = p/q_θ`, which an affine generator of a source with a density knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RatioRule {
    /// Held still, as a discriminator is in the generator's turn: the loss depends on θ by its sample alone.
    Detached,
    /// As it is: the loss depends on θ by its sample and by the density `q_θ`.
    Attached,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::H => "\"h\"",
            Self::F => "\"f\"",
        })
    }
}

impl fmt::Display for RatioRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Detached => "\"detached\"",
            Self::Attached => "\"attached\"",
        })
    }
}

/// What the affine map `z ↦ m + S z` makes of a source, beside a target: both know their densities.
pub(super) struct ExactRatio<'a> {
    pub(super) source: &'a dyn Target,
    pub(super) target: &'a dyn Target,
    /// S, row by row.
    pub(super) matrix: [[f64; 2]; 2],
}

impl ExactRatio<'_> {
    /// By what each image `x` of the latent points `z` (both `n×2`) raises the mean of a function of `u = log r` whose slope is `factor(u)`, `n×2`: the gradient of `n` times that mean by θ
    /// is the sum of these times `∂g_θ(z)/∂θ`. `None` where a density is not known.
    ///
    /// As `q_θ` is the law of `m + S z`, `u = log p(x) − log q(z) + log |det S|`. Attached, u moves by `∇log p · dx` and by `S⁻ᵀ : dS`; detached, by `(∇log p − S⁻ᵀ ∇log q(z)) · dx`.
    pub(super) fn climb(
        &self,
        rule: RatioRule,
        factor: impl Fn(f64) -> f64,
        z: CloudView<'_>,
        x: CloudView<'_>,
    ) -> Option<Cloud> {
        let [[a, b], [c, d]] = self.matrix;
        let det = a * d - b * c;
        let inverse = arr2(&[[d / det, -b / det], [-c / det, a / det]]);
        let u = self.target.log_density(x)? - self.source.log_density(z)? + det.abs().ln();
        let slopes = u.mapv(factor).insert_axis(Axis(1));
        let mut pull = self.target.score(x)?;
        match rule {
            RatioRule::Detached => {
                pull -= &self.source.score(z)?.dot(&inverse);
                pull *= &slopes;
            }
            RatioRule::Attached => {
                pull *= &slopes;
                // The trace over S as a sum over the sample: `mean (w_i · dS z_i)` is `S⁻ᵀ : dS` for `w = S⁻ᵀ C⁻¹ (z − z̄)`, whose mean is nothing.
                let mean = slopes.mean()?;
                pull += &(whitened(z).dot(&inverse) * mean);
            }
        }
        Some(pull)
    }
}

/// `C⁻¹ (z − z̄)` with mean and covariance of the points themselves, `n×2`.
fn whitened(z: CloudView<'_>) -> Array2<f64> {
    let centre = cloud::mean(z);
    let [[a, b], [_, d]] = cloud::covariance(z);
    let det = a * d - b * b;
    let inverse = arr2(&[[d / det, -b / det], [-b / det, a / det]]);
    (&z - &ndarray::arr1(&centre)).dot(&inverse)
}

//! Two Gaussians: the fixed target p, and the `q_θ` which an affine generator draws.

use ndarray::Array1;
use ratioflow::cloud::{Cloud, CloudView};
use ratioflow::discriminator::Ratio;
use ratioflow::random::Stream;
use ratioflow::target::{GaussianSpec, Mixture, Target};

/// Covariance `LLᵀ` of the target `p = N(0, LLᵀ)`, `L = [[1, 0], [0.8, 0.5]]`.
const COVARIANCE: [[f64; 2]; 2] = [[1.0, 0.8], [0.8, 0.89]];

/// Where every generator starts: `q = N((1, 1), I)`.
pub(crate) const START: Affine = Affine([1.0, 1.0, 1.0, 0.0, 0.0, 1.0]);

/// The generator `x = m + S z`, z ~ N(0, I), by its parameters θ = `m₁, m₂, S₁₁, S₁₂, S₂₁, S₂₂`. Its samples are those of
/// `q_θ = N(m, SSᵀ)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Affine(pub(crate) [f64; 6]);

impl Affine {
    /// The mean m.
    pub(crate) fn mean(&self) -> [f64; 2] {
        [self.0[0], self.0[1]]
    }

    /// The covariance `SSᵀ`.
    pub(crate) fn covariance(&self) -> [[f64; 2]; 2] {
        let [_, _, a, b, c, d] = self.0;
        let mixed = a * c + b * d;
        [[a * a + b * b, mixed], [mixed, c * c + d * d]]
    }

    /// `det S`.
    pub(crate) fn determinant(&self) -> f64 {
        let [_, _, a, b, c, d] = self.0;
        a * d - b * c
    }

    /// `S⁻ᵀ`, the gradient of `log |det S|` by S.
    pub(crate) fn inverse_transposed(&self) -> [[f64; 2]; 2] {
        let [_, _, a, b, c, d] = self.0;
        let det = self.determinant();
        [[d / det, -c / det], [-b / det, a / det]]
    }

    /// The samples that belong to the latent points `z` (`n×2`), `n×2`.
    pub(crate) fn apply(&self, z: CloudView<'_>) -> Cloud {
        let [m1, m2, a, b, c, d] = self.0;
        let mut x = Cloud::zeros(z.raw_dim());
        for (mut x, z) in x.rows_mut().into_iter().zip(z.rows()) {
            x[0] = m1 + a * z[0] + b * z[1];
            x[1] = m2 + c * z[0] + d * z[1];
        }
        x
    }

    /// `KL(q_θ‖p) = ½ (tr Σ⁻¹C + mᵀΣ⁻¹m − 2 + log det Σ/det C)`, in nats; infinite where `q_θ` has no density.
    pub(crate) fn kl(&self) -> f64 {
        let [[s11, s12], [_, s22]] = COVARIANCE;
        let det = s11 * s22 - s12 * s12;
        let [[c11, c12], [_, c22]] = self.covariance();
        let [m1, m2] = self.mean();
        let trace = (s22 * c11 - 2.0 * s12 * c12 + s11 * c22) / det;
        let distance2 = (s22 * m1 * m1 - 2.0 * s12 * m1 * m2 + s11 * m2 * m2) / det;
        let kl = 0.5 * (trace + distance2 - 2.0 + det.ln()) - self.determinant().abs().ln();
        // Rounding leaves about −1e-16 where q is p.
        if kl.is_nan() {
            f64::INFINITY
        } else {
            kl.max(0.0)
        }
    }
}

/// The target p.
pub(crate) fn target() -> Mixture {
    let spec = GaussianSpec {
        mean: [0.0, 0.0].into(),
        covariance: COVARIANCE.into(),
    };
    spec.build().expect("the covariance is positive definite")
}

/// `count` draws of N(0, I), `count×2`.
pub(crate) fn latents(count: usize, stream: Stream) -> Cloud {
    let standard = GaussianSpec::default().build();
    standard.expect("so is the identity").sample(count, stream)
}

/// `log r(x)` and its gradient by x, with `r = p/q_θ`, at the samples `x` that the generator makes of `z`.
///
/// As `q_θ` is the law of `m + S z`, `log q_θ(x) = log N(z) − log |det S|` and `∇ log q_θ(x) = −S⁻ᵀz`.
pub(crate) fn exact_ratio(target: &Mixture, generator: &Affine, z: CloudView<'_>) -> Ratio {
    let x = generator.apply(z);
    let known = "a Gaussian has a density";
    let log_p = target.log_density(x.view()).expect(known);
    let score = target.score(x.view()).expect(known);
    let norm = (2.0 * std::f64::consts::PI * generator.determinant().abs()).ln();
    let log_q: Array1<f64> = z
        .rows()
        .into_iter()
        .map(|z| -0.5 * z.dot(&z) - norm)
        .collect();
    let inverse = ndarray::arr2(&generator.inverse_transposed());
    Ratio {
        log: log_p - log_q,
        gradient: score + z.dot(&inverse.t()),
    }
}

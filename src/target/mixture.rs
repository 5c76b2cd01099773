//! Mixtures of Gaussians with full covariances: the family in which everything has a closed form.

use std::f64::consts::TAU;

use ndarray::{Array1, Array2};
use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family::Family;
use super::line_mixture::LineMixture;
use super::{BuildError, Covariance, Files, Mean, Portions};
use super::{Component, Target, coordinates, draw, each, each_vector, log_sum_exp, normal};
use crate::cloud::{Cloud, CloudView};
use crate::random::Stream;
use crate::setting::Invalid;

/// A mixture of Gaussians, each with its weight, mean and covariance. The default is two equal ones at
/// (±2, 0) with standard deviation 0.4.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MixtureSpec {
    /// The Gaussians, at least one. Weights need not sum to one; they are normalised.
    pub components: Vec<ComponentSpec>,
}

/// One Gaussian of a mixture as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComponentSpec {
    /// Share of the mass, relative to the other weights; greater than 0.
    #[serde(default = "whole")]
    pub weight: f64,
    /// Centre, in the target's units: `[x, y]`, or `[x]` on the line.
    pub mean: Mean,
    /// Covariance, in squared units: symmetric, positive definite; `[[variance]]` on the line.
    pub covariance: Covariance,
}

fn whole() -> f64 {
    1.0
}

impl ComponentSpec {
    /// The Gaussian in the plane, of which the line is the first axis.
    ///
    /// # Errors
    /// [`Invalid`] for a mean and a covariance of different dimensions, or no variance.
    pub fn build(&self) -> Result<Component, Invalid> {
        let dimension = self.mean.dimension();
        if self.covariance.dimension() != dimension {
            let (here, remedy) = match dimension {
                1 => ("line", "write [[variance]]"),
                _ => (
                    "plane",
                    "write two rows of two, or a mean of one coordinate",
                ),
            };
            let remedy = format!("the mean is one of the {here}: {remedy}");
            let written = match self.covariance {
                Covariance::Line(rows) => format!("{rows:?}"),
                Covariance::Plane(rows) => format!("{rows:?}"),
            };
            return Err(Invalid::new("covariance", written, remedy));
        }
        let [[a, _], [_, c]] = self.covariance.in_plane();
        if dimension == 2 && c == 0.0 || a == 0.0 {
            let remedy = "must have variances greater than 0 (from 1e-200 to 1e200); for a target on the line give the mean one coordinate, and [[variance]]";
            let written = format!("{:?}", self.covariance.in_plane());
            return Err(Invalid::new("covariance", written, remedy));
        }
        Ok(Component {
            weight: self.weight,
            mean: self.mean.in_plane(),
            covariance: self.covariance.in_plane(),
        })
    }
}

impl Default for MixtureSpec {
    fn default() -> Self {
        let at = |x| ComponentSpec {
            weight: 1.0,
            mean: [x, 0.0].into(),
            covariance: [[0.16, 0.0], [0.0, 0.16]].into(),
        };
        Self {
            components: vec![at(-2.0), at(2.0)],
        }
    }
}

impl MixtureSpec {
    /// Checks the components and prepares the mixture.
    ///
    /// # Errors
    /// [`Invalid`] for the first component that is none.
    pub fn build(&self) -> Result<Mixture, Invalid> {
        let built = self.components.iter().enumerate().map(|(k, component)| {
            let built = component.build();
            built.map_err(|invalid| invalid.under(&format!("components[{k}]")))
        });
        Mixture::new(built.collect::<Result<_, _>>()?)
    }
}

impl Family for MixtureSpec {
    fn distribution(&self, _files: &dyn Files) -> Result<Box<dyn Target>, BuildError> {
        Ok(Box::new(self.build()?))
    }
}

impl Component {
    /// A Gaussian as wide in every direction: covariance `sd² I`.
    #[must_use]
    pub fn round(weight: f64, mean: [f64; 2], sd: f64) -> Self {
        Self {
            weight,
            mean,
            covariance: [[sd * sd, 0.0], [0.0, sd * sd]],
        }
    }

    /// Whether it lives on the line: it has no width across it.
    #[must_use]
    pub fn is_on_line(&self) -> bool {
        self.covariance[1] == [0.0; 2] && self.covariance[0][1] == 0.0
    }

    /// The lower triangle of the Cholesky factor `L`, `L Lᵀ = covariance`, as `[l₁₁, l₂₁, l₂₂]`; `l₂₂ = 0` on the line alone.
    pub(super) fn factor(&self) -> Result<[f64; 3], Invalid> {
        coordinates("mean", self.mean)?;
        let [[a, b], [b2, c]] = self.covariance;
        let refuse = |remedy| {
            let value = format!("{:?}", self.covariance);
            Err(Invalid::new("covariance", value, remedy))
        };
        if [a, b, b2, c].iter().any(|v| !v.is_finite()) {
            return refuse("must hold finite numbers");
        }
        if (b - b2).abs() > 1e-12 * b.abs() {
            return refuse("must be symmetric");
        }
        let is_variance = |v: f64| (1e-200..=1e200).contains(&v);
        if !is_variance(a) || !is_variance(c) && !self.is_on_line() {
            return refuse("must have variances greater than 0 (from 1e-200 to 1e200)");
        }
        if self.is_on_line() {
            return Ok([a.sqrt(), 0.0, 0.0]);
        }
        let l11 = a.sqrt();
        let l21 = b / l11;
        let rest = c - l21 * l21;
        if rest <= 1e-12 * c {
            return refuse("must be positive definite: lower the size of the off-diagonal element");
        }
        Ok([l11, l21, rest.sqrt()])
    }
}

/// `p(x) = Σ_k w_k N(x; μ_k, Σ_k)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    components: Vec<Component>,
    gaussians: Vec<Gaussian>,
}

/// What sampling and evaluating one component needs.
#[derive(Clone, Debug, PartialEq)]
struct Gaussian {
    mean: [f64; 2],
    /// Cholesky factor `[l₁₁, l₂₁, l₂₂]`; `l₂₂ = 0` on the line.
    factor: [f64; 3],
    /// `log w − ½ d log 2π − log det L`, of the line's own determinant there.
    log_height: f64,
    /// Weights of the components up to and including this one.
    cumulative: f64,
}

impl Mixture {
    /// A mixture of at least one component. The weights are normalised to sum to one.
    ///
    /// # Errors
    /// [`Invalid`], with keys such as `components[1].covariance`.
    pub fn new(mut components: Vec<Component>) -> Result<Self, Invalid> {
        if components.is_empty() {
            return Err(Invalid::new(
                "components",
                "[]",
                "must name at least one component { weight, mean, covariance }",
            ));
        }
        for (k, component) in components.iter().enumerate() {
            if !(1e-100..=1e100).contains(&component.weight) {
                return Err(Invalid::new(
                    format!("components[{k}].weight"),
                    format!("{:?}", component.weight),
                    "must be greater than 0 (from 1e-100 to 1e100); leave out a component without mass",
                ));
            }
        }
        if let Some(k) = (1..components.len())
            .find(|&k| components[k].is_on_line() != components[0].is_on_line())
        {
            let [this, first] = [k, 0].map(|k| if components[k].is_on_line() { 1 } else { 2 });
            let remedy = format!(
                "has {this} coordinate(s), and components[0].mean has {first}: a mixture lives on the line or in the plane"
            );
            let written = format!("{:?}", &components[k].mean[..this]);
            return Err(Invalid::new(
                format!("components[{k}].mean"),
                written,
                remedy,
            ));
        }
        if let Some(k) = components.iter().position(|c| c.is_on_line() && c.mean[1] != 0.0) {
            return Err(Invalid::new(
                format!("components[{k}].mean"),
                format!("{:?}", components[k].mean),
                "a component without a second variance lives on the line, where the second coordinate is 0",
            ));
        }
        let total: f64 = components.iter().map(|c| c.weight).sum();
        let mut cumulative = 0.0;
        let mut gaussians = Vec::with_capacity(components.len());
        for (k, component) in components.iter_mut().enumerate() {
            let factor = component
                .factor()
                .map_err(|invalid| invalid.under(&format!("components[{k}]")))?;
            component.weight /= total;
            cumulative += component.weight;
            gaussians.push(Gaussian {
                mean: component.mean,
                factor,
                log_height: if component.is_on_line() {
                    component.weight.ln() - 0.5 * TAU.ln() - factor[0].ln()
                } else {
                    component.weight.ln() - TAU.ln() - factor[0].ln() - factor[2].ln()
                },
                cumulative,
            });
        }
        Ok(Self {
            components,
            gaussians,
        })
    }

    /// A mixture on the line, by itself.
    fn line(&self) -> LineMixture {
        let parts = self.components.iter().zip(&self.gaussians);
        LineMixture::new(parts.map(|(c, g)| [c.weight, c.mean[0], g.factor[0]]))
    }

    /// `log Σ_k w_k N(x; μ_k, Σ_k)`, with the components' shares of the density at `x` in `shares`.
    fn log_density_at(&self, x: [f64; 2], shares: &mut [f64]) -> f64 {
        for (share, gaussian) in shares.iter_mut().zip(&self.gaussians) {
            *share = gaussian.log_height - 0.5 * gaussian.distance2(x);
        }
        log_sum_exp(shares)
    }
}

impl Gaussian {
    /// `L⁻¹(x − μ)`.
    fn whiten(&self, x: [f64; 2]) -> [f64; 2] {
        let [l11, l21, l22] = self.factor;
        let u = (x[0] - self.mean[0]) / l11;
        if l22 == 0.0 {
            return [u, 0.0];
        }
        [u, (x[1] - self.mean[1] - l21 * u) / l22]
    }

    /// Squared Mahalanobis distance, bounded so that no density is ever the difference of two infinities.
    fn distance2(&self, x: [f64; 2]) -> f64 {
        let [u, v] = self.whiten(x);
        (u * u + v * v).min(f64::MAX)
    }

    /// `−Σ⁻¹(x − μ) = −L⁻ᵀL⁻¹(x − μ)`.
    fn score(&self, x: [f64; 2]) -> [f64; 2] {
        let [l11, l21, l22] = self.factor;
        let [u, v] = self.whiten(x);
        if l22 == 0.0 {
            return [-u / l11, 0.0];
        }
        let second = v / l22;
        [-(u - l21 * second) / l11, -second]
    }

    /// `μ + Lz`.
    fn place(&self, [u, v]: [f64; 2]) -> [f64; 2] {
        let [l11, l21, l22] = self.factor;
        [self.mean[0] + l11 * u, self.mean[1] + l21 * u + l22 * v]
    }
}

impl Target for Mixture {
    fn sample(&self, count: usize, stream: Stream) -> Cloud {
        let last = self.gaussians.len() - 1;
        draw(count, stream, |rng| {
            let u: f64 = rng.random();
            let k = self.gaussians.partition_point(|g| g.cumulative <= u);
            self.gaussians[k.min(last)].place(normal(rng))
        })
    }

    fn dimension(&self) -> usize {
        if self.components[0].is_on_line() {
            1
        } else {
            2
        }
    }

    fn log_density(&self, at: CloudView<'_>) -> Option<Array1<f64>> {
        let mut shares = vec![0.0; self.gaussians.len()];
        Some(each(at, |x| self.log_density_at(x, &mut shares)))
    }

    fn score(&self, at: CloudView<'_>) -> Option<Array2<f64>> {
        let mut shares = vec![0.0; self.gaussians.len()];
        Some(each_vector(at, |x| {
            self.log_density_at(x, &mut shares);
            let mut sum = [0.0; 2];
            for (share, gaussian) in shares.iter().zip(&self.gaussians) {
                let score = gaussian.score(x);
                sum[0] += share * score[0];
                sum[1] += share * score[1];
            }
            sum
        }))
    }

    fn portions(&self, masses: &[f64]) -> Option<Portions> {
        (self.dimension() == 1).then(|| self.line().portions(masses))
    }

    fn components(&self) -> Option<&[Component]> {
        Some(&self.components)
    }
}

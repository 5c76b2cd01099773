//! The exact density of a target that is a mixture of Gaussians, beside what is known of the cloud's.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::{self, CloudView};
use crate::estimate::recipe::{Recipe, Sizes, gridded};
use crate::estimate::{Discriminator, FitContext, FitError, Kind, Ratio, StepRule};
use crate::kernel::{self, Method, Points};
use crate::setting::{Invalid, WordOr, positive};
use crate::target::{Component, GaussianSpec, Mixture, Target};

/// `D = log p(x) − log q̂(x)`, with the target's own density `p`: what a discriminator could know at best of its side.
///
/// The target must be a Gaussian or a mixture of Gaussians.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OracleSpec {
    /// What q̂ is.
    pub cloud: CloudDensity,
    /// With `cloud = "kde"`: the bandwidth, in the target's units, or `loo`: the one that maximises the leave-one-out
    /// likelihood of the target sample, and so suits the cloud once it has arrived.
    pub bandwidth: WordOr<f64, OracleBandwidth>,
}

/// What stands for the density of the cloud.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CloudDensity {
    /// The Gaussian `N(m, C)` with the cloud's own mean and covariance. Exact for a Gaussian cloud, which a Gaussian target
    /// keeps Gaussian, so that its moments follow the closed form `ṁ = −S⁻¹(m − μ)`, `Ċ = 2I − S⁻¹C − CS⁻¹`.
    #[default]
    Gaussian,
    /// A kernel density estimate. Only the cloud's side is blurred, not the target's, so that the flow rests where the
    /// *blurred* cloud is the target: too narrow by the bandwidth.
    Kde,
    /// Nothing: `D = log p` alone, no log ratio. With `flow.noise = 1` in its place this is Langevin dynamics.
    None,
}

/// The word for a bandwidth that suits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OracleBandwidth {
    /// Leave-one-out likelihood of the target sample.
    #[default]
    Loo,
}

impl Default for WordOr<f64, OracleBandwidth> {
    fn default() -> Self {
        Self::Word(OracleBandwidth::Loo)
    }
}

impl OracleSpec {
    /// Takes the target's components.
    ///
    /// # Errors
    /// [`Invalid`] if the target is no mixture of Gaussians, or the bandwidth is not above 0.
    pub fn build(&self, target: &dyn Target) -> Result<Oracle, Invalid> {
        if let WordOr::Value(bandwidth) = self.bandwidth {
            positive("bandwidth", bandwidth)?;
        }
        let Some(components) = target.components() else {
            return Err(Invalid::new(
                "",
                "chosen for a target that is no mixture of Gaussians",
                "the closed form needs [target.gaussian], [target.mixture], [target.ring] or [target.grid]; use the kde discriminator here",
            ));
        };
        Ok(Oracle {
            spec: *self,
            target: Mixture::new(components.to_vec())?,
            narrowest: components
                .iter()
                .map(smallest_variance)
                .fold(f64::INFINITY, f64::min),
            cloud: Side::Nothing,
        })
    }
}

impl Recipe for OracleSpec {
    fn estimator(&self, target: &dyn Target) -> Result<Box<dyn Discriminator>, Invalid> {
        Ok(Box::new(self.build(target)?))
    }

    fn memory(&self, sizes: Sizes) -> Vec<(&'static str, f64)> {
        gridded(sizes)
    }
}

/// The exact density of the target, and the fitted one of the cloud.
#[derive(Clone, Debug)]
pub struct Oracle {
    spec: OracleSpec,
    target: Mixture,
    /// Explicit Euler is stable for ε below the smallest eigenvalue of the covariance of any component.
    narrowest: f64,
    cloud: Side,
}

/// What is known of the cloud's density.
#[derive(Clone, Debug)]
enum Side {
    Nothing,
    Gaussian(Mixture),
    Kernel { points: Box<Points>, bandwidth: f64 },
}

/// Error of the cloud's score that is allowed, in inverse bandwidths.
const ACCURACY: f64 = 1e-8;

/// The least variance of a component in any direction of its space.
fn smallest_variance(component: &Component) -> f64 {
    if component.is_on_line() {
        component.covariance[0][0]
    } else {
        smallest_eigenvalue(component.covariance)
    }
}

fn smallest_eigenvalue(c: [[f64; 2]; 2]) -> f64 {
    let middle = f64::midpoint(c[0][0], c[1][1]);
    middle - (0.5 * (c[0][0] - c[1][1])).hypot(c[0][1])
}

fn refuse(reason: String) -> FitError {
    FitError {
        discriminator: "oracle",
        reason,
    }
}

/// The Gaussian with the moments of the cloud, in a space of this dimension.
fn matched(cloud: CloudView<'_>, dimension: usize) -> Result<Mixture, FitError> {
    let covariance = cloud::covariance(cloud);
    let gaussian = GaussianSpec::of_moments(cloud::mean(cloud), covariance, dimension);
    gaussian.build().map_err(|_| {
        refuse(format!(
            "the cloud of {} points has collapsed: the smallest eigenvalue of its covariance is {:e}; lower flow.step_size",
            cloud.nrows(),
            smallest_eigenvalue(covariance)
        ))
    })
}

impl Oracle {
    /// The bandwidth of the cloud's side. It depends on the target sample alone, and is found once.
    fn bandwidth(&self, real: CloudView<'_>) -> Result<f64, FitError> {
        let bandwidth = match (&self.cloud, self.spec.bandwidth) {
            (Side::Kernel { bandwidth, .. }, _) => *bandwidth,
            (_, WordOr::Value(bandwidth)) => bandwidth,
            (_, WordOr::Word(OracleBandwidth::Loo)) => kernel::leave_one_out(real),
        };
        if bandwidth.is_finite() && bandwidth > 0.0 {
            return Ok(bandwidth);
        }
        Err(refuse(format!(
            "the {} target samples give the bandwidth {bandwidth}, as if they were one point; set discriminator.oracle.bandwidth to a number",
            real.nrows()
        )))
    }
}

impl Discriminator for Oracle {
    fn fit(
        &mut self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
        _round: FitContext,
    ) -> Result<(), FitError> {
        match self.spec.cloud {
            CloudDensity::Gaussian => {
                self.cloud = Side::Gaussian(matched(fake, self.target.dimension())?);
            }
            CloudDensity::Kde => {
                let bandwidth = self.bandwidth(real)?;
                if !matches!(self.cloud, Side::Kernel { .. }) {
                    self.cloud = Side::Kernel {
                        points: Box::default(),
                        bandwidth,
                    };
                }
                if let Side::Kernel { points, .. } = &mut self.cloud {
                    points.load(fake);
                }
            }
            CloudDensity::None => {}
        }
        Ok(())
    }

    fn evaluate(&self, at: CloudView<'_>, into: &mut Ratio) {
        let mixture = |mixture: &Mixture| mixture.log_density(at).zip(mixture.score(at));
        // A mixture always has both.
        let Some((log, gradient)) = mixture(&self.target) else {
            return;
        };
        *into = Ratio { log, gradient };
        match &self.cloud {
            Side::Nothing => {}
            Side::Gaussian(gaussian) => {
                if let Some((log, gradient)) = mixture(gaussian) {
                    into.log -= &log;
                    into.gradient -= &gradient;
                }
            }
            Side::Kernel { points, bandwidth } => {
                let h = *bandwidth;
                let elsewhere;
                let places = if points.equals(at) {
                    points.as_ref()
                } else {
                    elsewhere = Points::new(at);
                    &elsewhere
                };
                let method = Method::cheapest(places, [points.as_ref()], h, ACCURACY);
                let volume = std::f64::consts::TAU * h * h;
                let norm = match self.target.dimension() {
                    1 => (points.len() as f64 * volume.sqrt()).ln(),
                    _ => (points.len() as f64 * volume).ln(),
                };
                let found = kernel::sums(places, [points.as_ref()], h, method);
                for (i, [q]) in found.iter().enumerate() {
                    into.log[i] -= q.log - norm;
                    for axis in 0..2 {
                        into.gradient[[i, axis]] -= q.shift[axis] / (h * h);
                    }
                }
            }
        }
    }

    fn kind(&self) -> Kind {
        match self.spec.cloud {
            CloudDensity::None => Kind::Gradient,
            _ => Kind::LogRatio,
        }
    }

    fn reaction_rate(&self) -> f64 {
        0.5
    }

    fn step_rule(&self) -> StepRule {
        StepRule {
            step_size: 0.2 * self.narrowest,
            clip: None,
            scale: self.narrowest.sqrt(),
        }
    }
}

//! The witness of the de-regularised maximum mean discrepancy, between that of the MMD and that of the χ² divergence.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::{self, CloudView};
use crate::estimate::centres::condense;
use crate::estimate::recipe::{Recipe, Sizes, centred, given, summed};
use crate::estimate::{
    BandwidthRule, BandwidthSpec, Discriminator, FitContext, FitError, Kernel, Kind, Radial, Ratio,
    Schedule, StepRule, Weighted, fitted_step_rule,
};
use crate::numeric::{Cholesky, Symmetric};
use crate::setting::{Invalid, WordOr, at_least, within};
use crate::target::Target;

/// `D = (1 + λ) (Σ_p + λ)⁻¹ (m_p − m_q)`, m the kernel means and `Σ_p` the covariance operator of the target, kept at `centres`
/// (Chen et al., "(De)-regularized maximum mean discrepancy gradient flow", 2024; half of theirs).
///
/// For large λ it is the witness of the MMD; for small λ it goes to `1 − q/p`, which is `log p/q` near the target only: no log ratio.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DrMmdSpec {
    /// `gaussian`, `matern`, `laplace` or `inverse-multiquadric`.
    pub kernel: Radial,
    /// `anneal` (coarse to fine), `loo` (leave-one-out likelihood), `silverman`, or a number in the target's units.
    pub bandwidth: BandwidthSpec,
    /// Factor on the bandwidth that the rule gives; for `anneal` on the final one.
    pub bandwidth_scale: f64,
    /// Part of the run, in (0, 1], over which `anneal` shrinks the bandwidth; constant afterwards.
    pub anneal_until: f64,
    /// λ, from 1e-9 to 1e6; `adaptive`: the squared MMD between cloud and target with the present kernel, from 1e-4 to 1, so that it falls as they meet.
    pub lambda: WordOr<f64, Adaptive>,
    /// Number of points that the covariance of the target is condensed to; with as many as samples it is exact.
    pub centres: usize,
}

/// The word for a λ that follows the discrepancy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Adaptive {
    /// The squared MMD of the present clouds.
    Adaptive,
}

impl Default for DrMmdSpec {
    fn default() -> Self {
        Self {
            kernel: Radial::Gaussian,
            bandwidth: WordOr::Word(BandwidthRule::Anneal),
            bandwidth_scale: 1.0,
            anneal_until: 0.6,
            lambda: WordOr::Word(Adaptive::Adaptive),
            centres: 400,
        }
    }
}

/// As in a scenario file.
const NAME: &str = "drmmd";

impl DrMmdSpec {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Invalid`] for a number out of range.
    pub fn build(&self) -> Result<DrMmd, Invalid> {
        if let WordOr::Value(lambda) = self.lambda {
            within("lambda", lambda, 1e-9, 1e6)?;
        }
        at_least("centres", self.centres, 1)?;
        let schedule = Schedule::new(
            NAME,
            self.bandwidth,
            self.bandwidth_scale,
            self.anneal_until,
        )?
        .without_cv()?;
        Ok(DrMmd {
            spec: self.clone(),
            schedule,
            kernel: Kernel {
                shape: self.kernel,
                h: 1.0,
            },
            points: Weighted::default(),
        })
    }
}

impl Recipe for DrMmdSpec {
    fn estimator(&self, _target: &dyn Target) -> Result<Box<dyn Discriminator>, Invalid> {
        Ok(Box::new(self.build()?))
    }

    fn memory(&self, sizes: Sizes) -> Vec<(&'static str, f64)> {
        let mut all = summed(sizes);
        all.extend(centred(self.centres, 0, 3, sizes));
        all
    }

    fn anneal_until(&mut self) -> Option<&mut f64> {
        Some(&mut self.anneal_until)
    }

    fn bandwidth(&self) -> Option<f64> {
        given(&self.bandwidth, self.bandwidth_scale)
    }
}

/// The fitted witness as a sum of kernels around the samples of both sides and the centres.
#[derive(Clone, Debug)]
pub struct DrMmd {
    spec: DrMmdSpec,
    schedule: Schedule,
    kernel: Kernel,
    points: Weighted,
}

/// The squared MMD between the two samples, told from at most so many points of each.
fn discrepancy(kernel: Kernel, witness: &Weighted, [real, fake]: [CloudView<'_>; 2]) -> f64 {
    const SEEN: usize = 500;
    let mean = |points: CloudView<'_>| {
        // Every so-many-th of them in an order of their own.
        let order = cloud::in_order(points);
        let stride = order.len().div_ceil(SEEN);
        let some: Vec<usize> = order.into_iter().step_by(stride).collect();
        let values = kernel.sums(cloud::rows(points, &some).view(), witness);
        values.iter().sum::<f64>() / values.len() as f64
    };
    mean(real) - mean(fake)
}

impl Discriminator for DrMmd {
    fn fit(
        &mut self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
        round: FitContext,
    ) -> Result<(), FitError> {
        let kernel = Kernel {
            h: self.schedule.at(real, fake, round.progress)?,
            ..self.kernel
        };
        let witness = Weighted::evenly(real, 1.0).and(Weighted::evenly(fake, -1.0));
        let lambda = match self.spec.lambda {
            WordOr::Value(lambda) => lambda,
            WordOr::Word(Adaptive::Adaptive) => {
                discrepancy(kernel, &witness, [real, fake]).clamp(1e-4, 1.0)
            }
        };
        let (centres, shares) = condense(real, self.spec.centres);
        let roots: Vec<f64> = shares.iter().map(|share| share.sqrt()).collect();
        let around = Weighted::new(centres.view(), vec![0.0; roots.len()]);
        // λ + S K S with S the roots of the shares, which is positive.
        let size = roots.len();
        let mut system = Symmetric::zeros(size);
        system.values = kernel.matrix(centres.view(), &around, 0);
        for (row, values) in system.values.chunks_exact_mut(size).enumerate() {
            for (value, root) in values.iter_mut().zip(&roots) {
                *value *= root * roots[row];
            }
        }
        system.add_to_diagonal(lambda);
        let singular = || FitError {
            discriminator: NAME,
            reason: format!(
                "its {size} equations are singular to rounding; raise lambda ({lambda})"
            ),
        };
        let factor = Cholesky::new(system).ok_or_else(singular)?;
        let values = kernel.sums(centres.view(), &witness);
        let mut weights: Vec<f64> = values
            .iter()
            .zip(&roots)
            .map(|(v, root)| v * root)
            .collect();
        factor.solve(&mut weights);
        let gain = (1.0 + lambda) / lambda;
        let taken = weights.iter().zip(&roots).map(|(w, root)| -w * root);
        let mut points = witness.and(Weighted::new(centres.view(), taken.collect()));
        points.weights.iter_mut().for_each(|weight| *weight *= gain);
        if !points.weights.iter().all(|weight| weight.is_finite()) {
            return Err(singular());
        }
        (self.kernel, self.points) = (kernel, points);
        Ok(())
    }

    fn evaluate(&self, at: CloudView<'_>, into: &mut Ratio) {
        self.kernel.field(at, &self.points, into);
    }

    fn step_rule(&self) -> StepRule {
        fitted_step_rule(self.kernel.h)
    }

    fn kind(&self) -> Kind {
        Kind::Gradient
    }

    fn state(&self) -> Vec<f64> {
        self.schedule.state()
    }

    fn load_state(&mut self, state: &[f64]) -> Result<(), FitError> {
        self.schedule.load_state(state)
    }
}

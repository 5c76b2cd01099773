//! Logistic regression on kernel features: the classifier between target and cloud that has one solution.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::features::{Features, Fourier, Nystrom};
use crate::cloud::{CloudView, mean};
use crate::estimate::recipe::{Recipe, Sizes, given, table};
use crate::estimate::{BandwidthRule, BandwidthSpec, Schedule};
use crate::estimate::{Discriminator, FitContext, FitError, Ratio, StepRule};
use crate::estimate::{Kernel, Radial};
use crate::estimate::{blind_noise, fitted_step_rule};
use crate::numeric::{Cholesky, Symmetric, dot, softplus, times, transposed_times};
use crate::setting::{Invalid, WordOr, at_least, positive};
use crate::target::Target;

/// Most Newton steps of a fit.
const MOST_STEPS: usize = 100;
/// A fit has converged when the next Newton step would lower the loss by less than this.
const CONVERGED: f64 = 1e-10;
/// Longest change of D at any sample in one Newton step.
const LONGEST: f64 = 4.0;
/// D is taken to lie within this in the curvature of the loss, which vanishes beyond.
const FLAT: f64 = 25.0;

/// `D(x) = Σ_l w_l φ_l(x)`, with `w` the minimiser of `−E_p log σ(D) − E_q log(1 − σ(D)) + λ/2 ‖D‖²`, found by damped
/// Newton steps. `‖D‖` is the norm that belongs to the kernel which the features stand for.
///
/// The optimum without penalty is `log p/q`. Swapping the clouds changes the sign and nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogisticSpec {
    /// `fourier`: random waves that the fit begins with from where the last one ended; `nystrom`: bumps centred at points
    /// spread out over both clouds.
    pub features: FeatureKind,
    /// Number of features, at least 2; for `fourier` rounded up to a multiple of 4.
    pub count: usize,
    /// `gaussian`, `matern`, `laplace` or `inverse-multiquadric`.
    pub kernel: Radial,
    /// `anneal` (coarse to fine), `loo` (leave-one-out likelihood), `silverman`, or a number in the target's units.
    pub bandwidth: BandwidthSpec,
    /// Factor on the bandwidth that the rule gives; for `anneal` on the final one.
    pub bandwidth_scale: f64,
    /// Part of the run, in (0, 1], over which `anneal` shrinks the bandwidth; constant afterwards.
    pub anneal_until: f64,
    /// Weight λ > 0 of the penalty. The smaller, the steeper D may be.
    pub lambda: f64,
}

/// Which features stand for the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FeatureKind {
    /// Random Fourier features (Rahimi and Recht 2007).
    Fourier,
    /// The kernel at centres among the samples (Williams and Seeger 2001).
    Nystrom,
}

impl Default for LogisticSpec {
    fn default() -> Self {
        Self {
            features: FeatureKind::Fourier,
            count: 256,
            kernel: Radial::Gaussian,
            bandwidth: WordOr::Word(BandwidthRule::Anneal),
            bandwidth_scale: 2.0,
            anneal_until: 0.6,
            lambda: 1e-4,
        }
    }
}

impl LogisticSpec {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Invalid`] for a number out of range.
    pub fn build(&self) -> Result<Logistic, Invalid> {
        at_least("count", self.count, 2)?;
        positive("lambda", self.lambda)?;
        let schedule = Schedule::new(
            "logistic",
            self.bandwidth,
            self.bandwidth_scale,
            self.anneal_until,
        )?
        .without_cv()?;
        Ok(Logistic {
            spec: self.clone(),
            schedule,
            bandwidth: 1.0,
            features: None,
            weights: Vec::new(),
        })
    }
}

impl Recipe for LogisticSpec {
    fn estimator(&self, _target: &dyn Target) -> Result<Box<dyn Discriminator>, Invalid> {
        Ok(Box::new(self.build()?))
    }

    fn memory(&self, sizes: Sizes) -> Vec<(&'static str, f64)> {
        let points = 2 * (sizes.particles + sizes.samples);
        table(("count", self.count), points, 13, sizes)
    }

    fn anneal_until(&mut self) -> Option<&mut f64> {
        Some(&mut self.anneal_until)
    }

    fn bandwidth(&self) -> Option<f64> {
        given(&self.bandwidth, self.bandwidth_scale)
    }
}

/// The fitted classifier.
#[derive(Clone, Debug)]
pub struct Logistic {
    spec: LogisticSpec,
    schedule: Schedule,
    bandwidth: f64,
    /// Nothing before the first fit.
    features: Option<Features>,
    /// One a feature; kept from fit to fit where the features are.
    weights: Vec<f64>,
}

fn refuse(reason: String) -> FitError {
    FitError {
        discriminator: "logistic",
        reason,
    }
}

/// The samples of both sides as rows of features, target first.
struct Samples {
    rows: Vec<f64>,
    real: usize,
    fake: usize,
}

impl Samples {
    fn count(&self) -> usize {
        self.real + self.fake
    }

    /// The share of sample `i` in its side's mean, with the sign of its side.
    fn side(&self, i: usize) -> f64 {
        if i < self.real {
            1.0 / self.real as f64
        } else {
            -1.0 / self.fake as f64
        }
    }

    /// `−E_p log σ(D) − E_q log(1 − σ(D))`.
    fn loss(&self, d: &[f64]) -> f64 {
        let terms = d.iter().enumerate().map(|(i, &d)| {
            let side = self.side(i);
            side.abs() * softplus(-d * side.signum()).0
        });
        terms.sum()
    }

    /// Slope and curvature of the loss in each D.
    fn derivatives(&self, d: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let each = d.iter().enumerate().map(|(i, &d)| {
            let side = self.side(i);
            let slope = -side * softplus(-d * side.signum()).1;
            let sigma = softplus(d.clamp(-FLAT, FLAT)).1;
            (slope, side.abs() * sigma * (1.0 - sigma))
        });
        each.unzip()
    }
}

impl Logistic {
    /// The weights at which the penalised loss is least, from `weights` on.
    fn minimise(
        &self,
        samples: &Samples,
        features: &Features,
        mut weights: Vec<f64>,
    ) -> Result<Vec<f64>, FitError> {
        let lambda = self.spec.lambda;
        let size = features.len();
        // Weights in the coordinates in which their norm is that of D.
        let white = |weights: &[f64]| {
            let mut white = weights.to_vec();
            if let Some(whitener) = features.whitener() {
                whitener.transposed_times(&mut white);
            }
            white
        };
        let mut d = times(&samples.rows, &weights);
        let mut plain = white(&weights);
        let mut loss = samples.loss(&d) + 0.5 * lambda * dot(&plain, &plain);
        for _ in 0..MOST_STEPS {
            let (slopes, curvatures) = samples.derivatives(&d);
            let mut gradient = transposed_times(&samples.rows, &slopes, size);
            let mut hessian = Symmetric::of_rows(&samples.rows, &curvatures, size);
            if let Some(whitener) = features.whitener() {
                whitener.forward(&mut gradient);
                whitener.whiten(&mut hessian);
            }
            for (g, w) in gradient.iter_mut().zip(&plain) {
                *g += lambda * w;
            }
            hessian.add_to_diagonal(lambda);
            let Some(factor) = Cholesky::new(hessian) else {
                return Err(refuse(format!(
                    "its {size} equations are singular; raise lambda ({lambda:e})"
                )));
            };
            let mut step = gradient.clone();
            factor.solve(&mut step);
            let gain = 0.5 * dot(&gradient, &step);
            if let Some(whitener) = features.whitener() {
                whitener.backward(&mut step);
            }
            let change = times(&samples.rows, &step);
            let furthest = change.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
            let mut length = (LONGEST / furthest).min(1.0);
            if gain < CONVERGED {
                return Ok(moved(&weights, &step, -length));
            }
            // Far from the minimum the quadratic model may promise too much.
            let mut tries = 0;
            loop {
                let next = moved(&weights, &step, -length);
                let next_d = moved(&d, &change, -length);
                let next_plain = white(&next);
                let next_loss =
                    samples.loss(&next_d) + 0.5 * lambda * dot(&next_plain, &next_plain);
                if next_loss < loss - 1e-4 * length * gain || tries == 30 {
                    (weights, d, plain, loss) = (next, next_d, next_plain, next_loss);
                    break;
                }
                length *= 0.5;
                tries += 1;
            }
            if !loss.is_finite() {
                break;
            }
        }
        Err(refuse(format!(
            "not converged after {MOST_STEPS} Newton steps; raise lambda ({lambda:e})"
        )))
    }
}

/// `a + t b`.
fn moved(a: &[f64], b: &[f64], t: f64) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + t * b).collect()
}

impl Discriminator for Logistic {
    fn fit(
        &mut self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
        round: FitContext,
    ) -> Result<(), FitError> {
        let h = self.schedule.at(real, fake, round.progress)?;
        let shape = self.spec.kernel;
        let kernel = Kernel { shape, h };
        let both = ndarray::concatenate![ndarray::Axis(0), real, fake];
        let features = match self.spec.features {
            FeatureKind::Fourier => {
                // The place in the run must not matter: the waves are those of the first fit, at another scale.
                let stream = round.stream.at(0).part("frequencies");
                Features::Fourier(Fourier::new(kernel, self.spec.count, mean(real), stream))
            }
            FeatureKind::Nystrom => {
                let found = Nystrom::new(kernel, self.spec.count - 1, both.view());
                Features::Nystrom(found.ok_or_else(|| {
                    refuse(format!(
                        "the kernel matrix of its centres is singular at the bandwidth {h}"
                    ))
                })?)
            }
        };
        let samples = Samples {
            rows: features.matrix(both.view()),
            real: real.nrows(),
            fake: fake.nrows(),
        };
        debug_assert_eq!(samples.rows.len(), samples.count() * features.len());
        let weights = match self.spec.features {
            FeatureKind::Fourier if !self.weights.is_empty() => self.weights.clone(),
            _ => vec![0.0; features.len()],
        };
        // From here on nothing fails.
        self.weights = self.minimise(&samples, &features, weights)?;
        self.bandwidth = h;
        self.features = Some(features);
        Ok(())
    }

    fn evaluate(&self, at: CloudView<'_>, into: &mut Ratio) {
        match &self.features {
            Some(features) => features.field(&self.weights, at, into),
            None => *into = Ratio::zeros(at.nrows()),
        }
    }

    fn step_rule(&self) -> StepRule {
        fitted_step_rule(self.bandwidth)
    }

    fn particle_noise(&self, progress: f64) -> f64 {
        blind_noise(self.schedule.anneals(), progress)
    }

    fn state(&self) -> Vec<f64> {
        let mut state = self.schedule.state();
        if self.spec.features == FeatureKind::Fourier {
            state.extend(&self.weights);
        }
        state
    }

    fn load_state(&mut self, state: &[f64]) -> Result<(), FitError> {
        let (ends, weights) = state.split_at(state.len().min(2));
        self.schedule.load_state(ends)?;
        let expected = 4 * self.spec.count.div_ceil(4) + 1;
        let fourier = self.spec.features == FeatureKind::Fourier;
        let fits = weights.is_empty() || fourier && weights.len() == expected;
        if !fits {
            return Err(refuse(format!(
                "{} weights were kept, and count = {} has {expected}; resume with the settings of the run",
                weights.len(),
                self.spec.count
            )));
        }
        self.weights = weights.to_vec();
        Ok(())
    }
}

//! KALE: the witness of a Kullback-Leibler divergence that is made smooth by a kernel.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::{Cloud, CloudView};
use crate::estimate::centres::condense;
use crate::estimate::fitted_step_rule;
use crate::estimate::recipe::{Recipe, Sizes, centred, given};
use crate::estimate::{BandwidthRule, BandwidthSpec, Schedule};
use crate::estimate::{Discriminator, FitContext, FitError, Ratio, StepRule};
use crate::estimate::{Kernel, Radial, Weighted};
use crate::numeric::{Cholesky, Symmetric, dot, times};
use crate::setting::{Invalid, WordOr, at_least, positive, within};
use crate::target::Target;

const MOST_STEPS: usize = 200;
/// A fit has converged when the witness at every target point agrees with its weight to this.
const CONVERGED: f64 = 1e-9;
/// A curvature serves until a step along it leaves more than this of the error, beyond what damping leaves: a new one costs as
/// much as some five steps.
const STALE: f64 = 0.02;
/// Longest change of the logarithm of a weight in one step.
const LONGEST: f64 = 4.0;

/// `D = −h`, with h the witness of `KALE(q‖p) = (1+λ) max_h 1 + E_q h − E_p e^h − λ/2 ‖h‖²`, which for λ → 0 is `log q/p`.
///
/// Glaser, Arbel and Gretton, "KALE flow", `NeurIPS` 2021. It is found through the dual, the least over `a > 0` of
/// `Σ_j a_j log(a_j/w_j) − a_j + ‖Σ_j a_j k(x_j, ·) − μ_q‖²/2λ`, with `x_j` the target points, `w_j` their shares and `μ_q` the
/// kernel mean of the cloud; then `h = (μ_q − Σ_j a_j k(x_j, ·))/λ`. Newton's steps are taken in `log a_j`, with a
/// factorisation that is kept as long as it serves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KaleSpec {
    /// Most target points in the dual, at least 1. A larger target sample is condensed to as many centres, each with the share
    /// of the samples nearest to it.
    pub centres: usize,
    /// `gaussian`, `matern`, `laplace` or `inverse-multiquadric`.
    pub kernel: Radial,
    /// `anneal` (coarse to fine), `loo` (leave-one-out likelihood), `silverman`, or a number in the target's units.
    pub bandwidth: BandwidthSpec,
    /// Factor on the bandwidth that the rule gives; for `anneal` on the final one.
    pub bandwidth_scale: f64,
    /// Part of the run, in (0, 1], over which `anneal` shrinks the bandwidth; constant afterwards.
    pub anneal_until: f64,
    /// Weight λ > 0 of the penalty: towards 0 the witness is the log ratio, for large λ that of the MMD.
    pub lambda: f64,
    /// A fit ends where the dual lies this far above its minimum, in nats, as half of Newton's decrement tells; with 0 it goes on
    /// to rounding. A fit begins with the last one's weights, so that a loose one leaves the witness behind the cloud.
    pub tolerance: f64,
    /// Largest share of Newton's step that is taken, in (0, 1].
    ///
    /// The line search of the authors' notebook begins at 0.8, and their tolerance is 1e-6.
    pub damping: f64,
}

impl Default for KaleSpec {
    fn default() -> Self {
        Self {
            centres: 300,
            kernel: Radial::Gaussian,
            bandwidth: WordOr::Word(BandwidthRule::Anneal),
            bandwidth_scale: 1.0,
            anneal_until: 0.6,
            lambda: 1e-3,
            tolerance: 0.0,
            damping: 1.0,
        }
    }
}

impl KaleSpec {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Invalid`] for a number out of range.
    pub fn build(&self) -> Result<Kale, Invalid> {
        at_least("centres", self.centres, 1)?;
        positive("lambda", self.lambda)?;
        within("tolerance", self.tolerance, 0.0, 1.0)?;
        within("damping", self.damping, 0.1, 1.0)?;
        let schedule = Schedule::new(
            "kale",
            self.bandwidth,
            self.bandwidth_scale,
            self.anneal_until,
        )?
        .without_cv()?;
        Ok(Kale {
            spec: self.clone(),
            schedule,
            bandwidth: 1.0,
            target: Condensed::default(),
            logs: Vec::new(),
            heights: Vec::new(),
            anchor: None,
            witness: Weighted::default(),
        })
    }
}

impl Recipe for KaleSpec {
    fn estimator(&self, _target: &dyn Target) -> Result<Box<dyn Discriminator>, Invalid> {
        Ok(Box::new(self.build()?))
    }

    fn memory(&self, sizes: Sizes) -> Vec<(&'static str, f64)> {
        let points = sizes.particles + sizes.samples;
        centred(self.centres, points, 1, sizes)
    }

    fn anneal_until(&mut self) -> Option<&mut f64> {
        Some(&mut self.anneal_until)
    }

    fn bandwidth(&self) -> Option<f64> {
        given(&self.bandwidth, self.bandwidth_scale)
    }
}

/// The fitted witness.
#[derive(Clone, Debug)]
pub struct Kale {
    spec: KaleSpec,
    schedule: Schedule,
    bandwidth: f64,
    target: Condensed,
    /// `log a_j/w_j`, which at the minimum is the witness at the target points. The next fit begins with it.
    logs: Vec<f64>,
    /// The witness at the target points.
    heights: Vec<f64>,
    anchor: Option<Anchor>,
    /// Target points and cloud with their weights in D.
    witness: Weighted,
}

/// The target sample, and what is worked out from it.
#[derive(Clone, Debug, Default)]
struct Condensed {
    sample: Cloud,
    points: Cloud,
    /// Their shares.
    shares: Vec<f64>,
    /// `k(x_i, x_j)` at the bandwidth that stands beside it.
    matrix: (f64, Vec<f64>),
}

/// The curvature that serves until it no longer does, with the bandwidth and the logarithms at which it was worked out.
#[derive(Clone, Debug)]
struct Anchor {
    bandwidth: f64,
    logs: Vec<f64>,
    /// Nothing where the anchor was restored and is not used yet.
    curvature: Option<Curvature>,
}

/// `A^−½ (I + A^½ K A^½/λ) A^−½`, the second derivative of the dual in the weights `A = diag(a)`.
#[derive(Clone, Debug)]
struct Curvature {
    /// `a^½`.
    roots: Vec<f64>,
    /// Of the middle one, whose eigenvalues are at least one.
    factor: Cholesky,
}

fn refuse(reason: String) -> FitError {
    FitError {
        discriminator: "kale",
        reason,
    }
}

impl Condensed {
    fn load(&mut self, sample: CloudView<'_>, centres: usize) {
        if self.sample != sample {
            let (points, shares) = condense(sample, centres);
            *self = Self {
                sample: sample.to_owned(),
                points,
                shares,
                matrix: (f64::NAN, Vec::new()),
            };
        }
    }

    fn scale(&mut self, kernel: Kernel) {
        if self.matrix.0 != kernel.h {
            let points = Weighted::evenly(self.points.view(), 1.0);
            self.matrix = (kernel.h, kernel.matrix(self.points.view(), &points, 0));
        }
    }

    /// `a = w e^{logs}`.
    fn weights(&self, logs: &[f64]) -> Vec<f64> {
        let each = self.shares.iter().zip(logs);
        each.map(|(w, u)| w * u.exp()).collect()
    }

    fn curvature(&self, logs: &[f64], lambda: f64) -> Result<Curvature, FitError> {
        let size = self.shares.len();
        let weights = self.weights(logs);
        let roots: Vec<f64> = weights.iter().map(|a| a.sqrt().max(1e-100)).collect();
        let mut matrix = Symmetric {
            size,
            values: self.matrix.1.clone(),
        };
        for (i, row) in matrix.values.chunks_mut(size).enumerate() {
            for (v, root) in row[..=i].iter_mut().zip(&roots) {
                *v *= roots[i] * root / lambda;
            }
        }
        matrix.add_to_diagonal(1.0);
        let factor = Cholesky::new(matrix).ok_or_else(|| {
            refuse(format!(
                "its {size} equations are singular; raise lambda ({lambda:e})"
            ))
        })?;
        Ok(Curvature { roots, factor })
    }
}

/// The state of the dual at some weights.
struct Dual<'a> {
    target: &'a Condensed,
    lambda: f64,
    /// `μ_q` at the target points.
    mean: &'a [f64],
    logs: Vec<f64>,
    weights: Vec<f64>,
    /// `Σ_j a_j k(x_j, ·)` at the target points.
    sums: Vec<f64>,
    /// Slope of the dual in each `a_j`.
    slopes: Vec<f64>,
}

impl<'a> Dual<'a> {
    fn new(target: &'a Condensed, lambda: f64, mean: &'a [f64], logs: Vec<f64>) -> Self {
        let weights = target.weights(&logs);
        let sums = times(&target.matrix.1, &weights);
        let terms = logs.iter().zip(sums.iter().zip(mean));
        let slopes = terms.map(|(u, (s, m))| u + (s - m) / lambda).collect();
        Self {
            target,
            lambda,
            mean,
            logs,
            weights,
            sums,
            slopes,
        }
    }

    /// The objective, without the constant `‖μ_q‖²/2λ`.
    fn value(&self) -> f64 {
        let entropy: f64 = self
            .weights
            .iter()
            .zip(&self.logs)
            .map(|(a, u)| a * (u - 1.0))
            .sum();
        let square = dot(&self.weights, &self.sums) - 2.0 * dot(&self.weights, self.mean);
        entropy + square / (2.0 * self.lambda)
    }

    /// Largest slope, in which the logarithm has factor one.
    fn error(&self) -> f64 {
        self.slopes.iter().fold(0.0, |most: f64, v| {
            if v.is_nan() {
                f64::NAN
            } else {
                most.max(v.abs())
            }
        })
    }

    /// Newton's change of the logarithms, and half its decrement: how far the objective falls along it if it is quadratic.
    fn newton(&self, Curvature { roots, factor }: &Curvature) -> (Vec<f64>, f64) {
        let slopes = self.slopes.iter().zip(roots);
        let mut step: Vec<f64> = slopes.map(|(s, root)| -s * root).collect();
        factor.forward(&mut step);
        let excess = 0.5 * dot(&step, &step);
        factor.backward(&mut step);
        // From the change of a, which is A^½ times this, to that of log a.
        step.iter_mut().zip(roots).for_each(|(v, root)| *v /= root);
        (step, excess)
    }

    fn moved(&self, direction: &[f64], length: f64) -> Self {
        let logs = self.logs.iter().zip(direction);
        let logs = logs.map(|(u, d)| u + length * d).collect();
        Self::new(self.target, self.lambda, self.mean, logs)
    }
}

impl Kale {
    /// `KALE(q‖p)` as the present witness has it, in nats: the exact one bounds it from above. NaN before the first fit. Every call
    /// sums over all pairs of particles.
    #[must_use]
    pub fn divergence(&self) -> f64 {
        let target = self.heights.len();
        if target == 0 {
            return f64::NAN;
        }
        let lambda = self.spec.lambda;
        let cloud = self.witness.len() - target;
        let places = Cloud::from_shape_fn((cloud, 2), |(i, axis)| {
            self.witness.points.at(target + i)[axis]
        });
        let at_cloud = self.kernel().sums(places.view(), &self.witness);
        let over_cloud = -at_cloud.iter().sum::<f64>() / cloud as f64;
        let square = (over_cloud - dot(&self.target.weights(&self.logs), &self.heights)) / lambda;
        let over_target: f64 = self.target.weights(&self.heights).iter().sum();
        (1.0 + lambda) * (1.0 + over_cloud - over_target - 0.5 * lambda * square)
    }

    fn kernel(&self) -> Kernel {
        Kernel {
            shape: self.spec.kernel,
            h: self.bandwidth,
        }
    }
}

impl Kale {
    /// Finds the witness; where it fails midway, [`fit`](Discriminator::fit) puts back what was there.
    #[expect(
        clippy::too_many_lines,
        reason = "one iteration with its safeguards, which share all their numbers"
    )]
    fn find(
        &mut self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
        round: FitContext,
    ) -> Result<(), FitError> {
        self.bandwidth = self.schedule.at(real, fake, round.progress)?;
        let kernel = self.kernel();
        let lambda = self.spec.lambda;
        self.target.load(real, self.spec.centres);
        self.target.scale(kernel);
        let target = &self.target;
        let mean = kernel.sums(target.points.view(), &Weighted::evenly(fake, 1.0));
        let size = target.shares.len();
        let mut logs = std::mem::take(&mut self.logs);
        if logs.len() != size {
            logs = vec![0.0; size];
        }
        let mut anchor = self.anchor.take();
        if let Some(kept) = &mut anchor {
            if kept.bandwidth != self.bandwidth || kept.logs.len() != size {
                anchor = None;
            } else if kept.curvature.is_none() {
                kept.curvature = Some(target.curvature(&kept.logs, lambda)?);
            }
        }
        let KaleSpec {
            tolerance, damping, ..
        } = self.spec;
        // Rounding alone makes slopes of this size.
        let rounding = CONVERGED.max(1e-14 / lambda);
        let mut dual = Dual::new(target, lambda, &mean, logs);
        let mut near = false;
        let mut steps = 0;
        while dual.error() >= rounding && steps < MOST_STEPS {
            steps += 1;
            if let Some(curvature) = anchor.as_ref().and_then(|it| it.curvature.as_ref()) {
                let (direction, excess) = dual.newton(curvature);
                near = excess < tolerance;
                if near {
                    break;
                }
                let next = dual.moved(&direction, damping);
                let enough = (1.0 - damping + STALE) * dual.error();
                if next.error() < enough.max(rounding) {
                    dual = next;
                    continue;
                }
            }
            let curvature = target.curvature(&dual.logs, lambda)?;
            let (direction, excess) = dual.newton(&curvature);
            anchor = Some(Anchor {
                bandwidth: self.bandwidth,
                logs: dual.logs.clone(),
                curvature: Some(curvature),
            });
            near = excess < tolerance;
            if near {
                break;
            }
            let furthest = direction.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
            let mut length = (LONGEST / furthest).min(damping);
            let value = dual.value();
            let mut next = dual.moved(&direction, length);
            let mut tries = 0;
            while (next.value() > value || next.value().is_nan()) && tries < 30 {
                length *= 0.5;
                tries += 1;
                next = dual.moved(&direction, length);
            }
            dual = next;
        }
        if !(near || dual.error() < rounding) {
            return Err(refuse(format!(
                "its dual is {:e} from its minimum after {steps} steps; raise lambda ({lambda:e}) or the bandwidth ({})",
                dual.error(),
                self.bandwidth
            )));
        }
        let inverse = 1.0 / lambda;
        let weights = dual.weights.iter().map(|a| inverse * a).collect();
        let heights = dual.logs.iter().zip(&dual.slopes).map(|(u, s)| u - s);
        self.heights = heights.collect();
        self.logs = dual.logs;
        self.witness =
            Weighted::new(target.points.view(), weights).and(Weighted::evenly(fake, -inverse));
        self.anchor = anchor;
        Ok(())
    }
}

impl Discriminator for Kale {
    fn fit(
        &mut self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
        round: FitContext,
    ) -> Result<(), FitError> {
        let (bandwidth, logs) = (self.bandwidth, self.logs.clone());
        // Its curvature is found again when it is needed.
        let anchor = self.anchor.as_ref().map(|anchor| Anchor {
            bandwidth: anchor.bandwidth,
            logs: anchor.logs.clone(),
            curvature: None,
        });
        let found = self.find(real, fake, round);
        if found.is_err() {
            (self.bandwidth, self.logs, self.anchor) = (bandwidth, logs, anchor);
        }
        found
    }

    fn evaluate(&self, at: CloudView<'_>, into: &mut Ratio) {
        self.kernel().field(at, &self.witness, into);
    }

    fn step_rule(&self) -> StepRule {
        fitted_step_rule(self.bandwidth)
    }

    fn state(&self) -> Vec<f64> {
        let mut state = self.schedule.state();
        if let Some(anchor) = &self.anchor {
            state.push(anchor.bandwidth);
            state.extend(&anchor.logs);
            state.extend(&self.logs);
        }
        state
    }

    fn load_state(&mut self, state: &[f64]) -> Result<(), FitError> {
        let (ends, kept) = state.split_at(state.len().min(2));
        self.schedule.load_state(ends)?;
        self.anchor = None;
        self.logs = Vec::new();
        self.heights = Vec::new();
        if let Some((&bandwidth, logs)) = kept.split_first() {
            if logs.len() % 2 != 0 {
                return Err(refuse(format!(
                    "expected an even number of carried weights, found {}",
                    logs.len()
                )));
            }
            let (anchor, logs) = logs.split_at(logs.len() / 2);
            self.anchor = Some(Anchor {
                bandwidth,
                logs: anchor.to_vec(),
                curvature: None,
            });
            self.logs = logs.to_vec();
        }
        Ok(())
    }
}

//! Least squares for the ratio p to a mixture of p and q: what `uLSIF` and `RuLSIF` have in common.

use std::ops::Range;

use ndarray::{Array1, ArrayView2, Axis};
use rayon::prelude::*;

use crate::cloud::{Cloud, CloudView};
use crate::estimate::Schedule;
use crate::estimate::centres::{folds, spread_out};
use crate::estimate::fitted_step_rule;
use crate::estimate::{Discriminator, FitContext, FitError, Ratio, StepRule};
use crate::estimate::{Kernel, Radial, Weighted};
use crate::numeric::{Cholesky, Symmetric, times, transposed_times};
use crate::setting::{Invalid, WordOr, at_least, positive, within};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a penalty's weight is written: `cv`, or a number.
pub type Penalty = WordOr<f64, PenaltyRule>;

/// How the penalty's weight is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PenaltyRule {
    /// Anew at each fit by cross-validation.
    Cv,
}

/// The weights that cross-validation chooses from.
const PENALTIES: [f64; 7] = [1.0, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3];
const FOLDS: usize = 5;
/// Samples of either side that are left out, each alone, at least: so many whole folds, or all samples if there are no more. The score's own
/// noise is small against its differences, and each of them costs a product with a matrix for every penalty.
const LEFT_OUT: usize = 500;
/// Samples that are left out by one task.
const CHUNK: usize = 256;
/// The part of its upper bound 1/α from which on a relative ratio is continued by the tangent of its log odds.
const NEARLY_ALL: f64 = 0.95;

/// `r̂_α(x) = Σ_l θ_l k(x, c_l) ≈ p / (α p + (1 − α) q)`, with `θ` the minimiser of
/// `½ E_{αp+(1−α)q} r̂² − E_p r̂ + λ/2 ‖θ‖²` in closed form, negative entries set to zero.
#[derive(Clone, Debug)]
pub struct Relative {
    pub(super) name: &'static str,
    pub(super) alpha: f64,
    pub(super) centres: usize,
    pub(super) lambda: Penalty,
    pub(super) shape: Radial,
    pub(super) schedule: Schedule,
    pub(super) fitted: Fitted,
}

/// The fitted ratio.
#[derive(Clone, Debug)]
pub(super) struct Fitted {
    bandwidth: f64,
    lambda: f64,
    /// Centres with the logarithms of their weights.
    points: Weighted,
}

impl Default for Fitted {
    fn default() -> Self {
        Self {
            bandwidth: 1.0,
            lambda: f64::NAN,
            points: Weighted::default(),
        }
    }
}

/// The quadratic problem at one bandwidth.
struct Problem {
    size: usize,
    alpha: f64,
    real: Side,
    fake: Side,
}

/// The kernel between samples and centres, fold by fold, and for each fold the sums of `φφᵀ` and of `φ`.
struct Side {
    rows: Vec<f64>,
    folds: Vec<Range<usize>>,
    sums: Vec<(Symmetric, Vec<f64>)>,
}

impl Side {
    fn new(rows: Vec<f64>, folds: Vec<Range<usize>>, size: usize) -> Self {
        let sums = folds
            .iter()
            .map(|fold| {
                let rows = &rows[fold.start * size..fold.end * size];
                let ones = vec![1.0; fold.len()];
                (
                    Symmetric::of_rows(rows, &ones, size),
                    transposed_times(rows, &ones, size),
                )
            })
            .collect();
        Self { rows, folds, sums }
    }

    fn part(&self, range: &Range<usize>, size: usize) -> &[f64] {
        &self.rows[range.start * size..range.end * size]
    }

    /// The samples of the first folds that together have [`LEFT_OUT`], or of all.
    fn left_out(&self, size: usize) -> &[f64] {
        let enough = self.folds.iter().find(|fold| fold.end >= LEFT_OUT);
        let end = enough.or(self.folds.last()).map_or(0, |fold| fold.end);
        self.part(&(0..end), size)
    }

    /// Adds `total` times the means of `φφᵀ` and of `φ` to `into`, without the samples of one fold if it is given.
    fn add_means(&self, without: Option<usize>, total: f64, into: &mut (Symmetric, Vec<f64>)) {
        let kept = || (0..self.folds.len()).filter(|&f| Some(f) != without);
        let count: usize = kept().map(|f| self.folds[f].len()).sum();
        let share = total / count as f64;
        for (quadratic, linear) in kept().map(|f| &self.sums[f]) {
            let add = |into: &mut [f64], sum: &[f64]| {
                into.iter_mut().zip(sum).for_each(|(a, b)| *a += share * b);
            };
            add(&mut into.0.values, &quadratic.values);
            add(&mut into.1, linear);
        }
    }
}

/// A cloud in the order of its folds.
struct Folded {
    points: Cloud,
    folds: Vec<Range<usize>>,
}

impl Folded {
    fn new(points: CloudView<'_>, count: usize) -> Self {
        let fold = folds(points, count);
        let mut order: Vec<usize> = (0..fold.len()).collect();
        order.sort_by_key(|&i| fold[i]);
        let mut start = 0;
        let folds = (0..count)
            .map(|f| {
                let end = start + fold.iter().filter(|&&other| other == f).count();
                std::mem::replace(&mut start, end)..end
            })
            .collect();
        Self {
            points: points.select(Axis(0), &order),
            folds,
        }
    }
}

impl Problem {
    /// The mean of `φφᵀ` over the mixture and of `φ` over the target, without the samples of one fold if it is given.
    fn moments(&self, without: Option<usize>) -> (Symmetric, Vec<f64>) {
        let none = || (Symmetric::zeros(self.size), vec![0.0; self.size]);
        let (mut real, mut all) = (none(), none());
        self.real.add_means(without, 1.0, &mut real);
        self.fake.add_means(without, 1.0 - self.alpha, &mut all);
        let pairs = all.0.values.iter_mut().zip(&real.0.values);
        pairs.for_each(|(a, b)| *a += self.alpha * b);
        (all.0, real.1)
    }

    /// Score of a penalty, of which less is better: the objective at samples that were left out, one at a time.
    ///
    /// As in Kanamori, Hido and Sugiyama (2009) the solution without a sample is in closed form, a rank-one change of that with
    /// all, and negative weights are set to zero each time. Here each sample is left out alone, and not together with one of
    /// the other side.
    fn leave_one_out(&self, moments: &(Symmetric, Vec<f64>), lambda: f64) -> f64 {
        let (quadratic, linear) = moments;
        let fakes = (self.fake.rows.len() / self.size) as f64;
        let reals = (self.real.rows.len() / self.size) as f64;
        let mut matrix = quadratic.clone();
        matrix.add_to_diagonal(lambda * (fakes - 1.0) / fakes);
        let Some(factor) = Cholesky::new(matrix) else {
            return f64::INFINITY;
        };
        let mut theta = linear.clone();
        factor.solve(&mut theta);
        let theta = Array1::from(theta);
        // The ratio at each sample, from the weights f (B⁻¹h + g B⁻¹φ) with f and g from s = φᵀB⁻¹φ and t = φᵀB⁻¹h.
        let inverse = factor.inverse();
        let ratios = |rows: &[f64], factors: &(dyn Fn(f64, f64) -> [f64; 2] + Sync)| -> Vec<f64> {
            let chunks: Vec<Vec<f64>> = rows
                .par_chunks(CHUNK * self.size)
                .map(|rows| {
                    let shape = (rows.len() / self.size, self.size);
                    let Ok(rows) = ArrayView2::from_shape(shape, rows) else {
                        return Vec::new();
                    };
                    let mut solved = rows.dot(&inverse);
                    let each = rows.rows().into_iter().zip(solved.rows_mut());
                    each.map(|(row, mut own)| {
                        let [scale, share] = factors(row.dot(&own), row.dot(&theta));
                        own.zip_mut_with(&theta, |own, theta| {
                            *own = (scale * (theta + share * *own)).max(0.0);
                        });
                        row.dot(&own)
                    })
                    .collect()
                })
                .collect();
            chunks.concat()
        };
        let fake = ratios(self.fake.left_out(self.size), &|s, t| {
            [(fakes - 1.0) / fakes, t / (fakes - s)]
        });
        let real = ratios(self.real.left_out(self.size), &|_, _| {
            [reals / (reals - 1.0), -1.0 / reals]
        });
        let square: f64 = fake.iter().map(|r| r * r).sum();
        0.5 * square / fake.len() as f64 - real.iter().sum::<f64>() / real.len() as f64
    }

    /// Scores of all penalties: the objective at samples that were left out, a fold at a time (Yamada et al. 2011).
    fn fold_scores(&self, lambdas: &[f64]) -> Vec<f64> {
        let mut scores = vec![0.0; lambdas.len()];
        for fold in 0..FOLDS {
            let moments = self.moments(Some(fold));
            for (score, &lambda) in scores.iter_mut().zip(lambdas) {
                let Some(theta) = solution(&moments, lambda) else {
                    *score = f64::INFINITY;
                    continue;
                };
                let ratios = |side: &Side| times(side.part(&side.folds[fold], self.size), &theta);
                let (real, fake) = (ratios(&self.real), ratios(&self.fake));
                let mean = |values: &[f64], power: i32| {
                    let sum: f64 = values.iter().map(|v| v.powi(power)).sum();
                    sum / values.len().max(1) as f64
                };
                *score += 0.5 * (self.alpha * mean(&real, 2) + (1.0 - self.alpha) * mean(&fake, 2))
                    - mean(&real, 1);
            }
        }
        scores
    }
}

/// The weights that solve the penalised problem, none negative; `None` where it is singular.
fn solution((quadratic, linear): &(Symmetric, Vec<f64>), lambda: f64) -> Option<Vec<f64>> {
    let mut matrix = quadratic.clone();
    matrix.add_to_diagonal(lambda);
    let mut theta = linear.clone();
    Cholesky::new(matrix)?.solve(&mut theta);
    for v in &mut theta {
        *v = v.max(0.0);
    }
    Some(theta)
}

impl Relative {
    /// Checks what the estimators have in common.
    pub(super) fn check(&self) -> Result<(), Invalid> {
        at_least("centres", self.centres, 1)?;
        if let WordOr::Value(lambda) = self.lambda {
            positive("lambda", lambda)?;
        }
        within("alpha", self.alpha, 0.0, 0.9)
    }

    /// The bandwidth `h` of the present fit, in the target's units.
    #[must_use]
    pub fn bandwidth(&self) -> f64 {
        self.fitted.bandwidth
    }

    /// The penalty λ of the present fit; NaN before the first.
    #[must_use]
    pub fn lambda(&self) -> f64 {
        self.fitted.lambda
    }

    fn error(&self, reason: String) -> FitError {
        FitError {
            discriminator: self.name,
            reason,
        }
    }
}

impl Discriminator for Relative {
    fn fit(
        &mut self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
        round: FitContext,
    ) -> Result<(), FitError> {
        let bandwidths = match self.schedule.candidates(real, fake)? {
            Some(all) => all,
            None => vec![self.schedule.at(real, fake, round.progress)?],
        };
        let lambdas = match self.lambda {
            WordOr::Value(lambda) => vec![lambda],
            WordOr::Word(PenaltyRule::Cv) => PENALTIES.to_vec(),
        };
        let choice = bandwidths.len() * lambdas.len() > 1;
        if choice && real.nrows().min(fake.nrows()) < FOLDS {
            return Err(self.error(format!(
                "cross-validation needs {FOLDS} samples on each side; set bandwidth and lambda to numbers"
            )));
        }
        let centres = Weighted::evenly(spread_out(real, self.centres).view(), 0.0);
        let size = centres.len();
        let real = Folded::new(real, FOLDS);
        let fake = Folded::new(fake, FOLDS);
        let mut best: Option<(f64, Fitted)> = None;
        for bandwidth in bandwidths {
            let kernel = Kernel {
                shape: self.shape,
                h: bandwidth,
            };
            let side = |cloud: &Folded| {
                let rows = kernel.matrix(cloud.points.view(), &centres, 0);
                Side::new(rows, cloud.folds.clone(), size)
            };
            let problem = Problem {
                size,
                alpha: self.alpha,
                real: side(&real),
                fake: side(&fake),
            };
            let moments = problem.moments(None);
            let scores = if !choice {
                vec![0.0]
            } else if self.alpha == 0.0 {
                let score = |&lambda: &f64| problem.leave_one_out(&moments, lambda);
                lambdas.iter().map(score).collect()
            } else {
                problem.fold_scores(&lambdas)
            };
            for (score, &lambda) in scores.into_iter().zip(&lambdas) {
                if best.as_ref().is_some_and(|(least, _)| score >= *least) || !score.is_finite() {
                    continue;
                }
                let Some(theta) = solution(&moments, lambda) else {
                    continue;
                };
                let mut points = centres.clone();
                points.weights = theta.into_iter().map(f64::ln).collect();
                let fitted = Fitted {
                    bandwidth,
                    lambda,
                    points,
                };
                best = Some((score, fitted));
            }
        }
        let Some((_, fitted)) = best else {
            return Err(self.error(format!(
                "its {size} equations are singular; raise lambda ({:e})",
                lambdas[0]
            )));
        };
        if !fitted.points.weights.iter().any(|w| w.is_finite()) {
            return Err(self.error(
                "no centre has a positive weight; raise lambda or the bandwidth".to_owned(),
            ));
        }
        self.fitted = fitted;
        self.fitted.points.retain_finite();
        Ok(())
    }

    fn evaluate(&self, at: CloudView<'_>, into: &mut Ratio) {
        if self.fitted.points.len() == 0 {
            *into = Ratio::zeros(at.nrows());
            return;
        }
        let kernel = Kernel {
            shape: self.shape,
            h: self.fitted.bandwidth,
        };
        kernel.log_field(at, &self.fitted.points, into);
        if self.alpha > 0.0 {
            for (log, mut gradient) in into.log.iter_mut().zip(into.gradient.rows_mut()) {
                let [value, slope] = log_ratio(*log, self.alpha);
                *log = value;
                gradient.mapv_inplace(|g| slope * g);
            }
        }
    }

    fn step_rule(&self) -> StepRule {
        fitted_step_rule(self.fitted.bandwidth)
    }

    fn state(&self) -> Vec<f64> {
        self.schedule.state()
    }

    fn load_state(&mut self, state: &[f64]) -> Result<(), FitError> {
        self.schedule.load_state(state)
    }
}

/// `log p/q = log (1 − α) r_α / (1 − α r_α)` from `log r_α`, and its derivative. An estimate of `r_α` may exceed the bound 1/α;
/// close to it the tangent in `α r_α` takes over.
fn log_ratio(log: f64, alpha: f64) -> [f64; 2] {
    let constant = ((1.0 - alpha) / alpha).ln();
    let share = (log + alpha.ln()).exp();
    if share <= NEARLY_ALL {
        let odds = log + alpha.ln() - (-share).ln_1p();
        return [constant + odds, 1.0 / (1.0 - share)];
    }
    let slope = 1.0 / (NEARLY_ALL * (1.0 - NEARLY_ALL));
    let edge = (NEARLY_ALL / (1.0 - NEARLY_ALL)).ln();
    [
        constant + edge + slope * (share - NEARLY_ALL),
        slope * share,
    ]
}

//! KLIEP: the ratio as a sum of kernels that makes the target sample most likely.

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shares::{MOST_STEPS, Mixture};
use crate::cloud::{Cloud, CloudView};
use crate::estimate::centres::{folds, in_order, spread_out};
use crate::estimate::fitted_step_rule;
use crate::estimate::recipe::{Recipe, Sizes, centred, given};
use crate::estimate::{BandwidthRule, BandwidthSpec, Schedule};
use crate::estimate::{Discriminator, FitContext, FitError, Ratio, StepRule};
use crate::estimate::{Kernel, Radial, Weighted};
use crate::numeric::{grams, times};
use crate::setting::{Invalid, WordOr, at_least};
use crate::target::Target;

const FOLDS: usize = 5;
/// Distance of centres, in bandwidths, within which one of them is enough to begin with.
const ALIKE: f64 = 0.5;

/// `r̂(x) = Σ_l θ_l k(x, c_l)` with the greatest `E_p log r̂` among those with `E_q r̂ = 1` and `θ ≥ 0`; `D = log r̂`.
///
/// Kullback-Leibler importance estimation procedure: Sugiyama et al., NIPS 2007. It has no penalty; its authors choose the
/// bandwidth by the likelihood of target samples left out. Here, samples of the cloud are left out with them, and the score is
/// `E_p log r̂ − log E_q r̂` over both, which no ratio can raise above the divergence (Donsker and Varadhan 1975): the likelihood alone
/// grows without bound as the kernels become too narrow to hold any sample of the cloud. The maximum is found as that of a mixture with the components
/// `k(·, c_l)/E_q k(·, c_l)`, whose shares keep both constraints by themselves; Newton's method comes as near to it as rounding allows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KliepSpec {
    /// Number of kernel centres, at least 1, spread out over the target sample.
    pub centres: usize,
    /// `gaussian`, `matern`, `laplace` or `inverse-multiquadric`.
    pub kernel: Radial,
    /// `anneal` (coarse to fine), `cv` (cross-validation at each fit), `loo` (leave-one-out likelihood), `silverman`, or a
    /// number in the target's units.
    pub bandwidth: BandwidthSpec,
    /// Factor on the bandwidth that the rule gives; for `anneal` on the final one.
    pub bandwidth_scale: f64,
    /// Part of the run, in (0, 1], over which `anneal` shrinks the bandwidth; constant afterwards.
    pub anneal_until: f64,
}

impl Default for KliepSpec {
    fn default() -> Self {
        Self {
            centres: 400,
            kernel: Radial::Gaussian,
            bandwidth: WordOr::Word(BandwidthRule::Anneal),
            bandwidth_scale: 1.0,
            anneal_until: 0.6,
        }
    }
}

impl KliepSpec {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Invalid`] for a number out of range.
    pub fn build(&self) -> Result<Kliep, Invalid> {
        at_least("centres", self.centres, 1)?;
        Ok(Kliep {
            spec: self.clone(),
            schedule: Schedule::new(
                "kliep",
                self.bandwidth,
                self.bandwidth_scale,
                self.anneal_until,
            )?,
            bandwidth: 1.0,
            points: Weighted::default(),
        })
    }
}

impl Recipe for KliepSpec {
    fn estimator(&self, _target: &dyn Target) -> Result<Box<dyn Discriminator>, Invalid> {
        Ok(Box::new(self.build()?))
    }

    fn memory(&self, sizes: Sizes) -> Vec<(&'static str, f64)> {
        // The components at the samples, once more relative to the mixture, and matrices of curvature.
        let squares = grams(sizes.samples) + 4;
        centred(self.centres, 2 * sizes.samples, squares, sizes)
    }

    fn anneal_until(&mut self) -> Option<&mut f64> {
        Some(&mut self.anneal_until)
    }

    fn bandwidth(&self) -> Option<f64> {
        given(&self.bandwidth, self.bandwidth_scale)
    }
}

/// The fitted ratio.
#[derive(Clone, Debug)]
pub struct Kliep {
    spec: KliepSpec,
    schedule: Schedule,
    bandwidth: f64,
    /// Centres with the logarithms of their weights.
    points: Weighted,
}

/// The components at the samples: `e^{level_i} component_{il}` is component `l` at sample `i`.
struct Components {
    rows: Vec<f64>,
    levels: Vec<f64>,
    size: usize,
}

impl Components {
    /// The shares of the components, summing to one, at which the samples are most likely; the components are those of `kernel` at `centres`.
    fn fit(&self, kernel: Kernel, centres: &Weighted) -> Option<Vec<f64>> {
        let alike = |a: usize, b: usize| {
            let [[x, y], [u, v]] = [a, b].map(|l| centres.points.at(l));
            (x - u).hypot(y - v) < ALIKE * kernel.h
        };
        Mixture {
            rows: &self.rows,
            size: self.size,
            alike: &alike,
        }
        .most_likely()
    }

    /// Logarithm of the mean of the ratio at the samples.
    fn log_mean(&self, shares: &[f64]) -> f64 {
        let densities = times(&self.rows, shares);
        let logs: Vec<f64> = densities
            .iter()
            .zip(&self.levels)
            .map(|(density, level)| density.ln() + level)
            .collect();
        let top = logs.iter().fold(f64::NEG_INFINITY, |most, &v| most.max(v));
        let sum: f64 = logs.iter().map(|v| (v - top).exp()).sum();
        top + (sum / logs.len().max(1) as f64).ln()
    }

    /// Mean log likelihood of the samples.
    fn likelihood(&self, shares: &[f64]) -> f64 {
        let densities = times(&self.rows, shares);
        let each = densities.iter().zip(&self.levels);
        let sum: f64 = each
            .map(|(density, level)| density.max(f64::MIN_POSITIVE).ln() + level)
            .sum();
        sum / self.levels.len().max(1) as f64
    }
}

impl Kliep {
    /// The bandwidth `h` of the present fit, in the target's units.
    #[must_use]
    pub fn bandwidth(&self) -> f64 {
        self.bandwidth
    }

    /// `log E_q k(·, c_l)` for each centre.
    fn norms(kernel: Kernel, fake: CloudView<'_>, centres: &Weighted) -> Vec<f64> {
        let places = ndarray::Array2::from_shape_fn((centres.len(), 2), |(l, axis)| {
            centres.points.at(l)[axis]
        });
        let mut at_centres = Ratio::default();
        let mut evenly = Weighted::evenly(fake, 0.0);
        evenly.weights.fill(-(fake.nrows() as f64).ln());
        kernel.log_field(places.view(), &evenly, &mut at_centres);
        at_centres.log.to_vec()
    }

    /// The components at some samples.
    fn components(
        kernel: Kernel,
        at: CloudView<'_>,
        centres: &Weighted,
        norms: &[f64],
    ) -> Components {
        let size = centres.len();
        let mut rows = vec![0.0; at.nrows() * size];
        let levels: Vec<f64> = rows
            .par_chunks_mut(size)
            .enumerate()
            .map(|(i, row)| {
                kernel.logs([at[[i, 0]], at[[i, 1]]], centres, row);
                row.iter_mut().zip(norms).for_each(|(v, norm)| *v -= norm);
                let level = row.iter().fold(f64::NEG_INFINITY, |most, &v| most.max(v));
                for v in row.iter_mut() {
                    *v = (*v - level).exp();
                }
                level
            })
            .collect();
        Components { rows, levels, size }
    }

    /// The widest candidate whose score on samples left out is within one standard error of the greatest (Breiman et al., *Classification and
    /// Regression Trees*, 1984): among those that cannot be told apart, the smoothest. `Err` names one at which the likelihood does not converge.
    fn choose(
        &self,
        candidates: &[f64],
        real: CloudView<'_>,
        fake: CloudView<'_>,
        centres: &Weighted,
    ) -> Result<f64, f64> {
        let folds = [real, fake].map(|points| folds(points, FOLDS));
        // Mean and standard error.
        let mut found: Vec<[f64; 2]> = Vec::with_capacity(candidates.len());
        for &h in candidates {
            let kernel = Kernel {
                shape: self.spec.kernel,
                h,
            };
            let mut scores = [0.0; FOLDS];
            for (f, score) in scores.iter_mut().enumerate() {
                let side = |side: usize, points: CloudView<'_>, left_out: bool| {
                    let rows = (0..points.nrows()).filter(|&i| (folds[side][i] == f) == left_out);
                    points.select(ndarray::Axis(0), &rows.collect::<Vec<_>>())
                };
                let norms = Self::norms(kernel, side(1, fake, false).view(), centres);
                let at = |points: &Cloud| Self::components(kernel, points.view(), centres, &norms);
                let shares = at(&side(0, real, false)).fit(kernel, centres).ok_or(h)?;
                *score = at(&side(0, real, true)).likelihood(&shares)
                    - at(&side(1, fake, true)).log_mean(&shares);
            }
            let count = FOLDS as f64;
            let mean = scores.iter().sum::<f64>() / count;
            let squares: f64 = scores.iter().map(|s| (s - mean).powi(2)).sum();
            found.push([mean, (squares / (count * (count - 1.0))).sqrt()]);
        }
        let greatest = found
            .iter()
            .copied()
            .reduce(|a, b| if b[0] > a[0] { b } else { a });
        let least = greatest.map_or(f64::NEG_INFINITY, |[mean, error]| mean - error);
        let widest = found.iter().position(|[mean, _]| *mean >= least);
        Ok(candidates[widest.unwrap_or(0)])
    }
}

fn refuse(reason: String) -> FitError {
    FitError {
        discriminator: "kliep",
        reason,
    }
}

impl Discriminator for Kliep {
    fn fit(
        &mut self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
        round: FitContext,
    ) -> Result<(), FitError> {
        // Sums in an order that no permutation of the samples changes.
        let (real, fake) = (in_order(real), in_order(fake));
        let (real, fake) = (real.view(), fake.view());
        let centres = Weighted::evenly(spread_out(real, self.spec.centres).view(), 0.0);
        let kernel = |h| Kernel {
            shape: self.spec.kernel,
            h,
        };
        let unfit = |h: f64| {
            refuse(format!(
                "the likelihood did not converge in {MOST_STEPS} steps at the bandwidth {h}; set another"
            ))
        };
        let h = match self.schedule.candidates(real, fake)? {
            None => self.schedule.at(real, fake, round.progress)?,
            Some(candidates) => {
                if real.nrows().min(fake.nrows()) < FOLDS {
                    return Err(refuse(format!(
                        "cross-validation needs {FOLDS} samples of either side; set bandwidth to a number"
                    )));
                }
                self.choose(&candidates, real, fake, &centres)
                    .map_err(unfit)?
            }
        };
        let kernel = kernel(h);
        let norms = Self::norms(kernel, fake, &centres);
        let components = Self::components(kernel, real, &centres, &norms);
        let shares = components.fit(kernel, &centres).ok_or_else(|| unfit(h))?;
        self.points = centres;
        for (weight, (share, norm)) in self
            .points
            .weights
            .iter_mut()
            .zip(shares.iter().zip(&norms))
        {
            *weight = share.ln() - norm;
        }
        self.points.retain_finite();
        self.bandwidth = h;
        Ok(())
    }

    fn evaluate(&self, at: CloudView<'_>, into: &mut Ratio) {
        if self.points.len() == 0 {
            *into = Ratio::zeros(at.nrows());
            return;
        }
        let kernel = Kernel {
            shape: self.spec.kernel,
            h: self.bandwidth,
        };
        kernel.log_field(at, &self.points, into);
    }

    fn step_rule(&self) -> StepRule {
        fitted_step_rule(self.bandwidth)
    }

    fn state(&self) -> Vec<f64> {
        self.schedule.state()
    }

    fn load_state(&mut self, state: &[f64]) -> Result<(), FitError> {
        self.schedule.load_state(state)
    }
}

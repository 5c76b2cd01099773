//! The bandwidth of a kernel estimator over the run: a rule's, a number, or annealed from coarse to fine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::FitError;
use crate::cloud::{self, CloudView};
use crate::kernel;
use crate::setting::{Invalid, WordOr, positive, within};

/// How a bandwidth is written: a rule's name, or a number, which is the bandwidth itself whatever `bandwidth_scale` is.
pub type BandwidthSpec = WordOr<f64, BandwidthRule>;

/// How the bandwidth is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BandwidthRule {
    /// Geometrically from twice the pooled spread of target and source down to the larger of the
    /// leave-one-out bandwidth and the median distance to the 20th neighbour of the target sample.
    Anneal,
    /// The bandwidth that maximises the leave-one-out likelihood of the target sample.
    Loo,
    /// Silverman's normal-reference rule for the target sample.
    Silverman,
    /// Anew at each fit by the cross-validation of the method's authors: for ulsif, rulsif and kliep only.
    Cv,
}

/// The bandwidth as a function of the progress of the run.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    discriminator: &'static str,
    rule: BandwidthSpec,
    scale: f64,
    until: f64,
    /// First and last bandwidth; found at the first fit.
    ends: Option<[f64; 2]>,
}

/// `count` scales in equal ratios from `finest` to `widest`, or all `finest` where that is the wider.
pub(crate) fn ladder(finest: f64, widest: f64, count: usize) -> impl Iterator<Item = f64> {
    let ratio = (widest / finest).max(1.0);
    let last = count.saturating_sub(1).max(1) as f64;
    (0..count).map(move |k| finest * ratio.powf(k as f64 / last))
}

impl Schedule {
    /// Checks the keys `bandwidth`, `bandwidth_scale` and `anneal_until` of `discriminator`.
    pub(crate) fn new(
        discriminator: &'static str,
        rule: BandwidthSpec,
        scale: f64,
        until: f64,
    ) -> Result<Self, Invalid> {
        if let WordOr::Value(h) = rule {
            positive("bandwidth", h)?;
        }
        positive("bandwidth_scale", scale)?;
        within("anneal_until", until, 1e-6, 1.0)?;
        Ok(Self {
            discriminator,
            rule,
            scale,
            until,
            ends: None,
        })
    }

    /// Refuses `bandwidth = "cv"`, for estimators whose authors do not choose it so.
    pub(crate) fn without_cv(self) -> Result<Self, Invalid> {
        if self.rule == WordOr::Word(BandwidthRule::Cv) {
            return Err(Invalid::new(
                "bandwidth",
                "\"cv\"",
                "is for ulsif, rulsif and kliep; here \"loo\" cross-validates the density of the target",
            ));
        }
        Ok(self)
    }

    /// Whether the bandwidth shrinks over the run.
    pub(crate) fn anneals(&self) -> bool {
        self.rule == WordOr::Word(BandwidthRule::Anneal)
    }

    /// The bandwidth when `progress` of the run lies behind.
    pub(crate) fn at(
        &mut self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
        progress: f64,
    ) -> Result<f64, FitError> {
        let [first, last] = match self.ends {
            Some(ends) => ends,
            None => *self.ends.insert(self.plan(real, fake)?),
        };
        let done = (progress / self.until).min(1.0);
        Ok(first * (last / first).powf(done))
    }

    /// The bandwidths to choose from by cross-validation, from coarse to fine; `None` for all other rules.
    pub(crate) fn candidates(
        &self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
    ) -> Result<Option<Vec<f64>>, FitError> {
        const COUNT: i32 = 8;
        if self.rule != WordOr::Word(BandwidthRule::Cv) {
            return Ok(None);
        }
        let both = ndarray::concatenate![ndarray::Axis(0), real, fake];
        let widest = self.checked([2.0 * self.scale * cloud::spread(both.view()); 2], real)?[0];
        let finer = |k| widest * 0.5_f64.powf(0.5 * f64::from(k));
        Ok(Some((0..COUNT).map(finer).collect()))
    }

    /// First and last bandwidth of the run.
    fn plan(&self, real: CloudView<'_>, fake: CloudView<'_>) -> Result<[f64; 2], FitError> {
        let scale = self.scale;
        let plan = match self.rule {
            // A number is what it says.
            WordOr::Value(h) => [h; 2],
            WordOr::Word(BandwidthRule::Loo) => [scale * kernel::leave_one_out(real); 2],
            WordOr::Word(BandwidthRule::Silverman) => [scale * kernel::silverman(real); 2],
            WordOr::Word(BandwidthRule::Anneal | BandwidthRule::Cv) => {
                let both = ndarray::concatenate![ndarray::Axis(0), real, fake];
                let last = kernel::leave_one_out(real).max(kernel::neighbour_distance(real, 20));
                let first = 2.0 * cloud::spread(both.view());
                [first.max(scale * last), scale * last]
            }
        };
        self.checked(plan, real)
    }

    fn checked(&self, plan: [f64; 2], real: CloudView<'_>) -> Result<[f64; 2], FitError> {
        if plan.iter().all(|h| h.is_finite() && *h > 0.0) {
            return Ok(plan);
        }
        let name = self.discriminator;
        Err(FitError {
            discriminator: name,
            reason: format!(
                "the {} target samples give the bandwidth {}, as if they were one point; set discriminator.{name}.bandwidth to a number",
                real.nrows(),
                plan[1],
            ),
        })
    }

    /// First and last bandwidth, once they are known.
    pub(crate) fn state(&self) -> Vec<f64> {
        self.ends.map_or_else(Vec::new, |ends| ends.to_vec())
    }

    /// Takes up what [`state`](Self::state) gave.
    pub(crate) fn load_state(&mut self, state: &[f64]) -> Result<(), FitError> {
        self.ends = match *state {
            [] => None,
            [first, last] => Some([first, last]),
            _ => {
                return Err(FitError {
                    discriminator: self.discriminator,
                    reason: format!("expected 2 carried numbers, found {}", state.len()),
                });
            }
        };
        Ok(())
    }
}

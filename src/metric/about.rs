//! What a measure is: how it is asked, and all that is known about it.

use std::fmt::Debug;

use super::sample::Seen;
use crate::cloud::CloudView;

/// A measure of a cloud against the reference sample it was built on, which it has worked through once.
pub trait Metric: Debug + Send + Sync {
    /// Name, meaning and limits.
    fn about(&self) -> &'static About;

    /// The value for a cloud of `n ≥ 1` finite points, `n×2`; NaN where the measure needs more of them.
    fn measure(&self, cloud: CloudView<'_>) -> f64;

    /// The value for a cloud of which a panel has worked out what several measures need; the same bits as [`measure`](Self::measure) gives, but for draws of a
    /// floor, of which six digits are enough.
    fn value(&self, seen: &Seen<'_, '_>) -> f64 {
        self.measure(seen.points())
    }

    /// The value for a cloud whose points have `weights`, which sum to one; `None` from a measure that takes none, and has to do with a resample.
    fn weighted(&self, _cloud: CloudView<'_>, _weights: &[f64]) -> Option<f64> {
        None
    }

    /// Whether the value depends on the reference sample, and not on the cloud and the target alone.
    fn uses_reference(&self) -> bool {
        true
    }

    /// The value with what is known about it.
    fn read(&self, cloud: CloudView<'_>) -> Reading {
        Reading::of(self.measure(cloud))
    }
}

/// A value, and what a reader should know before using it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The value.
    pub value: f64,
    /// Its standard error, where it is a mean over something drawn.
    pub standard_error: Option<f64>,
    /// A certificate, or that the value is an estimate, or did not converge.
    pub note: Option<String>,
}

impl Reading {
    /// A value that needs no comment.
    #[must_use]
    pub fn of(value: f64) -> Self {
        Self {
            value,
            standard_error: None,
            note: None,
        }
    }
}

/// What a measure is, in words that fit a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Name in tables, files and scenarios.
    pub name: &'static str,
    /// What it is called in pictures and on the page.
    pub words: &'static str,
    /// Definition, with units.
    pub measures: &'static str,
    /// What it can and cannot see.
    pub sees: &'static str,
    /// Which values are good.
    pub ideal: Ideal,
    /// By how much two values differ at least.
    pub grain: Grain,
    /// How its curve is drawn; `None`: it has none.
    pub axis: Option<Scale>,
    /// When runs take it.
    pub taken: Taken,
    /// What it needs beside two clouds.
    pub needs: Needs,
    /// What it costs.
    pub effort: Effort,
}

/// The axis of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Equal differences are equally far apart.
    Linear,
    /// Equal ratios are equally far apart.
    Log,
}

/// When runs take a measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Wherever it applies.
    Always,
    /// Where `metrics.also` or `metrics.only` asks for it.
    Asked,
}

/// What a measure needs beside two clouds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// A target whose density is known.
    Density,
    /// A target on the line whose law is known.
    Law,
    /// A target that is a mixture of Gaussians.
    Mixture,
    /// A run, with its training sample.
    Run,
}

impl Needs {
    /// The same in words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Nothing => "needs nothing but points",
            Self::Density => "needs a target with a known density",
            Self::Law => "needs a target on the line with a known law",
            Self::Mixture => "needs a target that is a mixture of Gaussians",
            Self::Run => "is measured along runs",
        }
    }
}

/// What a measure costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Little beside a step of a flow.
    Quick,
    /// So much that relabellings have to do with fewer points.
    Dear,
}

/// Which values of a measure are good, and so on which side of its floor a cloud can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ideal {
    /// The lower the better; a cloud more regular than independent points may lie below the floor.
    Low,
    /// The higher the better.
    High,
    /// As near as possible to what independent points have.
    Between,
    /// The higher the better up to what independent points have; above it the cloud is purer, or more regular, than they are.
    UpTo,
    /// None is better than another: it describes the flow, and has no floor.
    Open,
}

/// By how much two values of a measure differ at least, for clouds of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// By as little as numbers can.
    Fine,
    /// By one point of the cloud.
    Share,
    /// By one.
    Whole,
}

impl Grain {
    /// The grain for clouds of so many points.
    pub(super) fn least(self, points: usize) -> f64 {
        match self {
            Self::Fine => 0.0,
            Self::Share => 1.0 / points.max(1) as f64,
            Self::Whole => 1.0,
        }
    }
}

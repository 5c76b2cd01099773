//! How a flow ends, or cannot begin.

use serde::{Deserialize, Serialize};

use crate::digits::three;
use crate::discriminator::FitError;
use crate::setting::Invalid;

/// A particle this many times further from the middle than the data reach has run away.
pub(super) const RUN_AWAY: f64 = 1e3;

/// Why a flow ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// All steps were done.
    Complete,
    /// Somebody who watched asked for the end, for this reason.
    Stopped {
        /// Why, in a few words: `at the sampling floor`.
        reason: String,
    },
    /// The step after this one could not be taken; the state is the last good one.
    Diverged {
        /// Number of the step that failed.
        step: usize,
        /// What happened.
        cause: Failure,
    },
}

impl Ending {
    /// A remark for pictures and tables; empty for a flow that ended as planned.
    #[must_use]
    pub fn note(&self) -> String {
        self.facts(0).note()
    }

    /// The same as plain facts, for a flow of which `steps` steps were done.
    #[must_use]
    pub fn facts(&self, steps: usize) -> EndingFacts {
        let facts = |kind, step, reason| EndingFacts {
            kind,
            step,
            particle: None,
            reason,
        };
        match self {
            Self::Complete => facts(EndingKind::Complete, steps, None),
            Self::Stopped { reason } => facts(EndingKind::Stopped, steps, Some(reason.clone())),
            Self::Diverged { step, cause } => EndingFacts {
                particle: cause.particle(),
                ..facts(EndingKind::Diverged, *step, Some(cause.to_string()))
            },
        }
    }
}

/// How a flow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndingKind {
    /// All steps were done.
    Complete,
    /// Somebody who watched asked for the end.
    Stopped,
    /// A step could not be taken.
    Diverged,
}

/// An [`Ending`] as it is written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndingFacts {
    /// How it ended.
    pub kind: EndingKind,
    /// Steps done, or the number of the step that failed.
    pub step: usize,
    /// Row of the particle that the failure began with, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub particle: Option<usize>,
    /// Why it was stopped, or what failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl EndingFacts {
    /// A remark for pictures and tables; empty for a flow that ended as planned.
    #[must_use]
    pub fn note(&self) -> String {
        match self.kind {
            EndingKind::Complete => String::new(),
            EndingKind::Stopped => format!("stopped: {}", self.reason.as_deref().unwrap_or("")),
            EndingKind::Diverged => format!("diverged at step {}", self.step),
        }
    }
}

/// How a flow can fail. Such a run is a finding, not an error.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// A number was NaN or infinite.
    #[error("the {term} of particle {particle} is not a finite number")]
    NotFinite {
        /// Row of the cloud.
        particle: usize,
        /// Which number: `log ratio`, `velocity` or `position`.
        term: &'static str,
    },
    /// A particle left the neighbourhood of the data.
    #[error(
        "particle {particle} ran away to a distance of {far}, more than {RUN_AWAY} times the extent {wide} of target and source; lower flow.step_size or flow.step_ratio",
        far = three(*distance),
        wide = three(*extent)
    )]
    RunAway {
        /// Row of the cloud.
        particle: usize,
        /// Distance from the middle of the data, in the target's units.
        distance: f64,
        /// Half the diagonal of the box around target sample and first cloud.
        extent: f64,
    },
    /// The generator drew a point that is nowhere, or far from the data.
    #[error(
        "the generator has lost the data: it draws point {particle} far away or nowhere; lower generator.{objective}.learning_rate, or take more particles a step (batch)"
    )]
    Lost {
        /// Row of the cloud.
        particle: usize,
        /// The generator's objective: `distill`.
        objective: &'static str,
    },
    /// The ratio could no longer be estimated.
    #[error("{0}")]
    Unfit(#[from] FitError),
}

impl Failure {
    /// Row of the particle that it began with.
    #[must_use]
    pub fn particle(&self) -> Option<usize> {
        match self {
            Self::NotFinite { particle, .. }
            | Self::RunAway { particle, .. }
            | Self::Lost { particle, .. } => Some(*particle),
            Self::Unfit(_) => None,
        }
    }
}

/// The flow cannot begin.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FlowError {
    /// A setting is out of range.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The ratio cannot be estimated even for the first cloud.
    #[error(transparent)]
    Unfit(#[from] FitError),
}

//! Why a sweep cannot go on.

use std::path::PathBuf;

use crate::record::{Interrupted, ResumeError, RunError};
use crate::scenario::{ScenarioError, TooMuch};
use crate::store::ReportError;

/// Why a sweep cannot be planned, run or collected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    /// A key, a value or an axis of the grid cannot be used.
    #[error("{0}")]
    Scenario(Box<ScenarioError>),
    /// A file cannot be read or written, or a folder is in use.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A task would need more than the machine has.
    #[error(transparent)]
    TooMuch(#[from] TooMuch),
    /// The plan cannot be used.
    #[error("{}: {reason}", path.display())]
    Plan {
        /// The folder of the sweep, or a file in it.
        path: PathBuf,
        /// What is wrong, and the remedy.
        reason: String,
    },
    /// Something was asked for that is not there.
    #[error("{0}")]
    Usage(String),
    /// A task was asked to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl From<ScenarioError> for SweepError {
    fn from(error: ScenarioError) -> Self {
        Self::Scenario(Box::new(error))
    }
}

impl From<ResumeError> for SweepError {
    fn from(error: ResumeError) -> Self {
        match error {
            ResumeError::Report(error) => Self::Report(error),
            ResumeError::Scenario(error) => Self::Scenario(error),
        }
    }
}

impl SweepError {
    /// Tells what ends a task from what only ends its run: an `Ok` is the reason why the run failed.
    pub(super) fn of_run(error: RunError) -> Result<String, Self> {
        match error {
            RunError::Report(error) => Err(Self::Report(error)),
            RunError::Interrupted(stop) => Err(Self::Interrupted(stop)),
            other => Ok(other.to_string()),
        }
    }
}

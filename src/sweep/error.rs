//! Why a sweep cannot go on.

use std::io::ErrorKind;
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
    #[error("{}", in_sweep(.0))]
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
    /// No sweep was planned in the folder.
    #[error("{}: {reason}", path.display())]
    NotPlanned {
        /// The folder.
        path: PathBuf,
        /// What is missing, and the remedy.
        reason: String,
    },
    /// Something was asked for that is not there.
    #[error("{0}")]
    Usage(String),
    /// A task was asked to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

/// A fault of files in the words of a sweep, which stays where it was planned: a run could be sent elsewhere.
fn in_sweep(error: &ReportError) -> String {
    use ErrorKind::{
        AlreadyExists, NotADirectory, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem,
        StorageFull,
    };
    match error {
        ReportError::Io {
            action,
            path,
            cause,
        } => {
            let remedy = match cause.kind() {
                PermissionDenied | ReadOnlyFilesystem => {
                    "; make it yours to read and write, or plan the sweep into another folder"
                }
                StorageFull | QuotaExceeded => {
                    "; free some space and go on, or plan the sweep on another disk"
                }
                NotADirectory | AlreadyExists => {
                    "; move away what is there, or plan the sweep into another folder"
                }
                _ => "",
            };
            format!("cannot {action} {}: {cause}{remedy}", path.display())
        }
        ReportError::InUse { path } => format!(
            "{} is in use by another process: try again when that has ended",
            path.display()
        ),
        other => other.to_string(),
    }
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

//! Why a run could not be recorded.

use super::checkpoint_writer::Interrupted;
use crate::observe::{DriveError, ObserveError};
use crate::setting::Invalid;
use crate::store::ReportError;

/// Why a run could not be recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A file could not be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A setting is out of range.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The flow could not begin, or a watcher failed.
    #[error("{0}")]
    Drive(DriveError),
    /// The last cloud was measured, and its distance from the target is no number.
    #[error(
        "the flow has ended, but the energy distance of its last cloud is no finite number, so that there is no result: bring target and source to coordinates of about 1 (divide both by the same factor), or take a smaller flow.step_size"
    )]
    NoResult,
    /// It was asked to stop; a checkpoint was written.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl From<DriveError> for RunError {
    /// What an observer of ours has failed at is told as that.
    fn from(error: DriveError) -> Self {
        match error {
            DriveError::Observer(cause) => match cause.downcast::<Interrupted>() {
                Ok(stop) => Self::Interrupted(*stop),
                Err(cause) => cause.into(),
            },
            other @ DriveError::Flow(_) => Self::Drive(other),
        }
    }
}

impl From<ObserveError> for RunError {
    fn from(cause: ObserveError) -> Self {
        match cause.downcast::<ReportError>() {
            Ok(error) => Self::Report(*error),
            Err(cause) => Self::Drive(DriveError::Observer(cause)),
        }
    }
}

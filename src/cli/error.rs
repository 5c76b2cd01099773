//! What can go wrong, as one message and an exit code.

use std::io;
use std::path::Path;

use super::signal::Signal;
use crate::record::{Interrupted, ResumeError, RunError};
use crate::scenario::{ScenarioError, TooMuch};
use crate::store::ReportError;
use crate::sweep::SweepError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    /// The scenario or an option cannot be used.
    #[error("{0}")]
    Scenario(Box<ScenarioError>),
    /// The command line asks for something that is not there.
    #[error("{0}")]
    Usage(String),
    /// A file or stream cannot be read or written.
    #[error("{what}")]
    Io {
        what: String,
        #[source]
        source: io::Error,
    },
    /// The run directory cannot be used or written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The run would need more than the machine has.
    #[error(transparent)]
    TooMuch(TooMuch),
    /// A signal has stopped the run, after a checkpoint.
    #[error("{stop}; go on with `ratioflow resume{folder}`")]
    Interrupted {
        stop: Interrupted,
        /// A blank and the run directory, where it is known.
        folder: String,
    },
    /// The run has come to nothing that can be measured.
    #[error("{0}")]
    NoResult(String),
    /// The run could not be brought to an end.
    #[error("{0}")]
    Run(String),
    /// A signal has stopped tasks of a sweep.
    #[error("stopped by {by}: {text}")]
    Stopped { by: &'static str, text: String },
    /// A file or folder of a sweep cannot be used; the exit code is that of the same in a run.
    #[error("{text}")]
    Sweep { text: String, code: u8 },
}

impl From<ScenarioError> for CliError {
    fn from(error: ScenarioError) -> Self {
        Self::Scenario(Box::new(error))
    }
}

impl From<RunError> for CliError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Report(error) => Self::Report(error),
            RunError::Interrupted(stop) => Self::Interrupted {
                stop,
                folder: String::new(),
            },
            RunError::NoResult => Self::NoResult(error.to_string()),
            other => Self::Run(other.to_string()),
        }
    }
}

impl From<ResumeError> for CliError {
    fn from(error: ResumeError) -> Self {
        match error {
            ResumeError::Report(error) => Self::Report(error),
            ResumeError::Scenario(error) => Self::Scenario(error),
        }
    }
}

impl From<SweepError> for CliError {
    fn from(error: SweepError) -> Self {
        let text = error.to_string();
        match error {
            SweepError::Scenario(error) => Self::Scenario(error),
            SweepError::Report(error) => Self::Sweep {
                text,
                code: Self::Report(error).code(),
            },
            SweepError::TooMuch(error) => Self::TooMuch(error),
            SweepError::Interrupted(stop) => Self::Interrupted {
                stop,
                folder: String::new(),
            },
            SweepError::Usage(_) => Self::Usage(text),
            SweepError::NotPlanned { .. } => Self::Sweep { text, code: 3 },
            SweepError::Plan { .. } => Self::Run(text),
        }
    }
}

impl CliError {
    pub(super) fn io(what: impl Into<String>, source: io::Error) -> Self {
        Self::Io {
            what: what.into(),
            source,
        }
    }

    /// What has ended the run, or the comparison, in `folder`.
    pub(super) fn of_run(error: RunError, folder: &Path) -> Self {
        match Self::from(error) {
            Self::Interrupted { stop, .. } => Self::Interrupted {
                stop,
                folder: format!(" {}", folder.display()),
            },
            other => other,
        }
    }

    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Scenario(_) | Self::Usage(_) => 2,
            // A folder that cannot be read as what it should be is input, too.
            Self::Io { .. }
            | Self::Report(
                ReportError::Io { .. }
                | ReportError::NotARun { .. }
                | ReportError::NoCheckpoint { .. },
            ) => 3,
            Self::NoResult(_) => 4,
            Self::TooMuch(_) | Self::Report(ReportError::TooMuch(_)) => 5,
            Self::Interrupted { stop, .. } => Signal::named(stop.by).map_or(1, Signal::exit_code),
            Self::Stopped { by, .. } => Signal::named(by).map_or(1, Signal::exit_code),
            Self::Report(ReportError::InUse { .. } | ReportError::Occupied { .. }) => 6,
            Self::Sweep { code, .. } => *code,
            Self::Report(_) | Self::Run(_) => 1,
        }
    }
}

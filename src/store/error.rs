//! Why a file could not be read or written, with its path and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::scenario::TooMuch;

/// Something went wrong with a file or a folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The operating system refused.
    #[error("cannot {action} {}: {cause}{}", path.display(), remedy(cause))]
    Io {
        /// What was being done: `write`, `create`, ….
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// There is not enough memory for what is to be read.
    #[error(transparent)]
    TooMuch(#[from] TooMuch),
    /// Another process is running in the folder.
    #[error("{} is in use by another run: wait until it has ended, or choose another folder", path.display())]
    InUse {
        /// The run directory.
        path: PathBuf,
    },
    /// The folder is not free for a new run.
    #[error("{} {reason}", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
        /// What is in the way, and the remedy.
        reason: String,
    },
    /// The folder was not made by a run, or not completely.
    #[error("{} is no run directory: {reason}", path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// What is missing or cannot be read.
        reason: String,
    },
    /// The run has no trained generator that could be drawn from, or shown.
    #[error("cannot use a generator of {}: {reason}", path.display())]
    NoGenerator {
        /// The run directory.
        path: PathBuf,
        /// What is missing or cannot be used.
        reason: String,
    },
    /// No checkpoint can be used.
    #[error("cannot resume from {}: {reason}", path.display())]
    NoCheckpoint {
        /// The run directory.
        path: PathBuf,
        /// What is wrong with each checkpoint there.
        reason: String,
    },
}

impl ReportError {
    /// Says what was being done to `path` when `cause` came.
    pub(crate) fn io(action: &'static str, path: &Path, cause: io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            cause,
        }
    }
}

fn remedy(cause: &io::Error) -> &'static str {
    use io::ErrorKind;
    #[cfg(unix)]
    if cause.raw_os_error() == Some(libc::EFBIG) {
        return "; raise the limit of the size of a file (ulimit -f)";
    }
    match cause.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "; choose a folder you may write to with `--out DIR`"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "; free some space, or choose another disk with `--out DIR`"
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "; choose another folder with `--out DIR`"
        }
        _ => "",
    }
}

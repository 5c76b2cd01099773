//! How whoever started runs asks them to stop, or to write a checkpoint and go on.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use crate::store::{COMPARISON, Manifest, ReportError, Status, plain};

/// Given to runs when they begin, and kept by whoever may want them to stop. Its clones are one and the same; runs with tokens of their own can be
/// stopped apart.
#[derive(Clone, Debug, Default)]
pub struct StopToken(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Who has asked for the end.
    asked: Mutex<Option<&'static str>>,
    /// How often a checkpoint was asked for.
    checkpoints: AtomicUsize,
    /// Directories of the runs in progress.
    runs: Mutex<Vec<PathBuf>>,
}

/// Runs that are not waited for. As long as it lives, none of them says anything more in its manifest.
#[derive(Debug)]
pub struct Abandoned<'a> {
    /// The directories to go on in: those of the runs, or of the comparisons that they are parts of.
    pub folders: BTreeSet<PathBuf>,
    _last_word: Option<MutexGuard<'a, Vec<PathBuf>>>,
}

impl StopToken {
    /// Asks the runs to stop: each writes a checkpoint at its next step and ends with [`Interrupted`](super::Interrupted). `by` is named as what
    /// has stopped them, such as `Ctrl-C`.
    pub fn ask(&self, by: &'static str) {
        *self.0.asked.lock().unwrap_or_else(PoisonError::into_inner) = Some(by);
    }

    /// Who has asked the runs to stop, if anybody did.
    #[must_use]
    pub fn asked(&self) -> Option<&'static str> {
        *self.0.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks each run for a checkpoint at its next step, with which it goes on.
    pub fn ask_for_checkpoint(&self) {
        self.0.checkpoints.fetch_add(1, Ordering::Relaxed);
    }

    /// How often a checkpoint was asked for.
    pub(super) fn checkpoints(&self) -> usize {
        self.0.checkpoints.load(Ordering::Relaxed)
    }

    /// Gives up the runs in progress before the process ends in the middle of their steps. With `mark` each of their manifests says that `by` has
    /// stopped it; without, none is waited for.
    #[must_use]
    pub fn abandon(&self, by: &str, mark: bool) -> Abandoned<'_> {
        let runs = if mark {
            Some(self.runs())
        } else {
            match self.0.runs.try_lock() {
                Ok(runs) => Some(runs),
                Err(TryLockError::Poisoned(runs)) => Some(runs.into_inner()),
                Err(TryLockError::WouldBlock) => None,
            }
        };
        let mut folders = BTreeSet::new();
        for run in runs.iter().flat_map(|runs| runs.iter()) {
            if mark {
                // There is nobody left to tell that this failed.
                let _ = stopped(run, by);
            }
            folders.insert(comparison_above(run).unwrap_or_else(|| run.clone()));
        }
        Abandoned {
            folders,
            _last_word: runs,
        }
    }

    /// Notes that the run in `folder` is in progress: until [`end`](Self::end) its manifest says `running`, or `interrupted` if it is abandoned.
    pub(super) fn begin(&self, folder: &Path) {
        self.runs().push(folder.to_owned());
    }

    /// Writes the last word on the run in `folder`, and lets nothing come between.
    pub(super) fn end<T>(&self, folder: &Path, last_word: impl FnOnce() -> T) -> T {
        let mut runs = self.runs();
        let said = last_word();
        runs.retain(|run| run != folder);
        said
    }

    fn runs(&self) -> MutexGuard<'_, Vec<PathBuf>> {
        self.0.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes in the manifest of a run that it was stopped.
fn stopped(run: &Path, by: &str) -> Result<(), ReportError> {
    let mut manifest = Manifest::load(run)?;
    manifest.status = Status::Interrupted;
    manifest.ending = Some(format!("stopped by {by}"));
    manifest.save_in(run)
}

/// The comparison that the run in `path` is a part of.
pub(super) fn comparison_above(path: &Path) -> Option<PathBuf> {
    let whole = fs::canonicalize(path).ok()?;
    let above = whole.ancestors().skip(1).take(2);
    let mut comparisons = above.filter(|folder| plain::is_file(folder, COMPARISON));
    comparisons.next().map(Path::to_owned)
}

//! The lock of a run directory: one process writes in it at a time, and others can see that it does.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use super::error::ReportError;
use super::plain;

/// Held locked by whoever writes in the folder, and lists what they have written. It stays when the run has ended: to remove a lock file is to
/// let two in.
pub(super) const LOCK: &str = ".lock";

/// Whether a run is going on in the folder `path`.
#[must_use]
pub fn in_use(path: &Path) -> bool {
    plain::open(path, LOCK, u64::MAX)
        .is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Locks the folder, without waiting.
pub(super) fn lock(path: &Path) -> Result<File, ReportError> {
    /// More often than that, a lock file is not replaced between two instructions.
    const ATTEMPTS: usize = 100;
    let place = path.join(LOCK);
    let io = |e| ReportError::io("lock", path, e);
    let mut attempt = 1;
    loop {
        let file = plain::update(path, LOCK).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(ReportError::InUse {
                    path: path.to_owned(),
                });
            }
            // Without locks, that a folder is made only once still keeps new runs apart.
            Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(e)) => return Err(io(e)),
        }
        // Whoever had it before may have removed it with the folder. (Some file systems number their files
        // anew at each look; there the lock is believed.)
        if is_same_file(&file, &place) || attempt == ATTEMPTS {
            return Ok(file);
        }
        attempt += 1;
    }
}

#[cfg(unix)]
fn is_same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_same_file(_: &File, path: &Path) -> bool {
    path.exists()
}

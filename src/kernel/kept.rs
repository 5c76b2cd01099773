//! What is worked out when it is first asked for, and kept.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What is worked out once. Not under the lock: a thread that waits for this work may be given a task that wants the lock.
pub(super) fn once<T>(kept: &OnceLock<T>, work_out: impl FnOnce() -> T) -> &T {
    if let Some(found) = kept.get() {
        return found;
    }
    let found = work_out();
    kept.get_or_init(|| found)
}

/// What was last worked out for some bandwidth.
#[derive(Debug)]
pub(super) struct Recent<T>(Mutex<Option<(f64, Arc<T>)>>);

impl<T> Recent<T> {
    pub(super) fn get(&self, h: f64, work_out: impl FnOnce() -> T) -> Arc<T> {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, found)) = &*recent
            && *at == h
        {
            return found.clone();
        }
        // Two would take twice the memory.
        *recent = None;
        drop(recent);
        // Not under the lock, as in [`once`].
        let found = Arc::new(work_out());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((h, found.clone()));
        found
    }

    /// Keeps it no longer.
    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(super) fn take(&mut self) {
        *self = Self::default();
    }
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Clone for Recent<T> {
    fn clone(&self) -> Self {
        let recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Self(Mutex::new(recent.clone()))
    }
}

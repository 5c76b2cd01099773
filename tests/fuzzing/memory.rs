//! How much memory a case takes: an allocator that counts.
#![allow(
    unsafe_code,
    reason = "an allocator cannot be had otherwise; this one only counts"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// One piece of memory as large as this is never given: the program would be killed for it.
const NEVER: usize = 1 << 33;

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static BEFORE: AtomicUsize = AtomicUsize::new(0);
static CASE: Mutex<String> = Mutex::new(String::new());

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() > NEVER {
            let case = CASE.lock().unwrap_or_else(PoisonError::into_inner);
            eprintln!("{case} asks for {} bytes at once", layout.size());
            return std::ptr::null_mut();
        }
        let now = NOW.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(now, Relaxed);
        // SAFETY: as asked of us.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as asked of us.
        unsafe { System.dealloc(place, layout) }
    }
}

/// Begins to count for a case.
pub(super) fn begin(about: &str) {
    let mut case = CASE.lock().unwrap_or_else(PoisonError::into_inner);
    about.clone_into(&mut case);
    let now = NOW.load(Relaxed);
    BEFORE.store(now, Relaxed);
    PEAK.store(now, Relaxed);
}

/// Most bytes that were held since, beyond those held before.
pub(super) fn end() -> usize {
    PEAK.load(Relaxed).saturating_sub(BEFORE.load(Relaxed))
}

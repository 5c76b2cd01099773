//! A vector that begins at a cache line, so that no load of sixteen numbers straddles two.

use std::ops::{Deref, DerefMut};

use crate::numeric::Real;

/// Bytes of a cache line on every processor we vectorise for.
const LINE: usize = 64;

/// A slice of fixed length whose first element lies at a cache line.
pub(super) struct Aligned<T> {
    storage: Vec<T>,
    start: usize,
    length: usize,
}

impl<T: Real> Aligned<T> {
    /// `length` zeros.
    pub(super) fn zeros(length: usize) -> Self {
        let slack = LINE / size_of::<T>();
        let storage = vec![T::ZERO; length + slack];
        // `align_offset` is allowed to answer "cannot be done"; then we are merely slower.
        let start = storage.as_ptr().align_offset(LINE);
        let start = if start <= slack { start } else { 0 };
        Self {
            storage,
            start,
            length,
        }
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.storage[self.start..self.start + self.length]
    }
}

impl<T> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.storage[self.start..self.start + self.length]
    }
}

impl<T: Real> Clone for Aligned<T> {
    fn clone(&self) -> Self {
        let mut copy = Self::zeros(self.length);
        copy.copy_from_slice(self);
        copy
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Aligned<T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}

//! The long series of numbers of a page, gathered, and packed together.

use std::io;

use rayon::prelude::*;

use super::pack;

/// What a packed series is made from.
pub(super) enum Raw {
    Wide(Vec<i16>, usize),
    Narrow(Vec<i8>, usize),
    Bytes(Vec<u8>),
}

/// Series waiting to be packed; two that are equal become one.
#[derive(Default)]
pub(super) struct Raws(Vec<Raw>);

impl Raws {
    /// The place of a series among all.
    pub(super) fn add(&mut self, raw: Raw) -> usize {
        let known = self.0.iter().position(|other| match (other, &raw) {
            (Raw::Wide(a, n), Raw::Wide(b, m)) => n == m && a == b,
            (Raw::Narrow(a, n), Raw::Narrow(b, m)) => n == m && a == b,
            (Raw::Bytes(a), Raw::Bytes(b)) => a == b,
            _ => false,
        });
        known.unwrap_or_else(|| {
            self.0.push(raw);
            self.0.len() - 1
        })
    }

    /// All of them as text.
    pub(super) fn pack(self) -> io::Result<Vec<String>> {
        self.0
            .into_par_iter()
            .map(|raw| match raw {
                Raw::Wide(values, stride) => pack::wide(&values, stride),
                Raw::Narrow(values, stride) => pack::narrow(&values, stride),
                Raw::Bytes(bytes) => pack::deflate(&bytes),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_series_are_kept_once() {
        let mut raws = Raws::default();
        let first = raws.add(Raw::Wide(vec![1, 2], 2));
        let other = raws.add(Raw::Wide(vec![1, 3], 2));
        assert_eq!(raws.add(Raw::Wide(vec![1, 2], 2)), first);
        assert_ne!(first, other);
        assert_eq!(raws.pack().unwrap().len(), 2);
    }
}

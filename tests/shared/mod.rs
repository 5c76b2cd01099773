//! What the tests of runs and of measures share.
#![allow(dead_code, reason = "no test needs all of it")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Every file of a run but `timings.json`.
pub(crate) fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().unwrap() != "timings.json" {
                let short = path.strip_prefix(folder).unwrap().to_path_buf();
                all.insert(short, fs::read(&path).unwrap());
            }
        }
    }
    all
}

/// `SplitMix64`: different numbers in each case, the same in each test.
pub(crate) fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Equal to nine digits.
pub(crate) fn assert_equal(what: &str, value: f64, expected: f64) {
    let error = (value / expected - 1.0).abs();
    assert!(
        error < 1e-9,
        "{what}: {value} is not {expected}, relative error {error:e}"
    );
}

//! Points of the plane in the files of other programs: `.npy`, `.npz` and `.csv`.
//!
//! What a file says about itself is held against its true size before any memory is asked for.

mod csv;
mod npy;
mod npz;

use crate::cloud::Cloud;

/// Most points that a file may hold, 20 million (320 MB in memory): a bound for what a small archive can
/// inflate to.
pub const MOST_POINTS: usize = 20_000_000;

/// Why a file does not give points.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot use {file} as points: {reason}")]
pub struct PointFileError {
    /// The file's name as given.
    pub file: String,
    /// What is wrong with it and what would do.
    pub reason: String,
}

/// Reads points, shape `n×2` with `n ≥ 1`, all finite, from the `bytes` of the file `name`.
///
/// The ending of the name says how: `.npy` (n×2, real numbers of any width and byte order), `.npz` (its first
/// array, or the one that `file.npz:name` names) or `.csv` (two columns, optional header).
///
/// # Errors
/// [`PointFileError`] if the file is damaged, lies about its size, holds anything but finite points of the
/// plane, or more than [`MOST_POINTS`] of them.
pub fn read(bytes: &[u8], name: &str) -> Result<Cloud, PointFileError> {
    let (path, array) = path_and_array(name);
    let ending = path.rsplit('.').next().unwrap_or_default();
    let points = match ending.to_ascii_lowercase().as_str() {
        _ if bytes.is_empty() => Err("the file is empty".to_owned()),
        "npy" => npy::read(bytes, bytes.len() as u64),
        "npz" => npz::read(bytes, array),
        "csv" => csv::read(bytes),
        _ => Err("its name must end in .npy, .npz or .csv".to_owned()),
    };
    points.map_err(|reason| PointFileError {
        file: name.to_owned(),
        reason,
    })
}

/// Parts `file.npz:name` into the file's path and the array's name; any other name is all path.
#[must_use]
pub fn path_and_array(name: &str) -> (&str, Option<&str>) {
    const ENDING: &str = ".npz:";
    match name.rfind(ENDING) {
        Some(at) => {
            let (path, array) = name.split_at(at + ENDING.len() - 1);
            (path, Some(&array[1..]))
        }
        None => (name, None),
    }
}

/// Refuses a table without rows or with too many.
fn counted(rows: usize) -> Result<(), String> {
    match rows {
        0 => Err("it holds no points".to_owned()),
        1..=MOST_POINTS => Ok(()),
        _ => Err(format!(
            "it holds {rows} points, more than the {MOST_POINTS} that are read; take a part of them"
        )),
    }
}

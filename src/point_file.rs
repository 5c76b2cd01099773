//! Points of the plane in the files of other programs: `.npy`, `.npz` and `.csv`.
//!
//! What a file says about itself is held against its true size before any memory is asked for, and memory holds the points, not the file.

#[cfg(feature = "record")]
mod csv;
mod npy;
#[cfg(feature = "record")]
mod npz;

use std::ffi::OsStr;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::PathBuf;

use ndarray::Array2;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::Cloud;

/// Most points that a file may hold, 20 million (320 MB in memory): a bound for what a small archive can
/// inflate to.
pub const MOST_POINTS: usize = 20_000_000;

/// Largest coordinate, and least of the largest of a file that is not all zeros: squares, and what becomes of them, are ordinary numbers then.
const RANGE: [f64; 2] = [1e-100, 1e100];

/// Why a file does not give points.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot use {file} as points: {reason}")]
pub struct PointFileError {
    /// The file's name as given.
    pub file: String,
    /// What is wrong with it and what would do.
    pub reason: String,
}

/// Whether the first line of a `.csv` file holds the names of its columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Header {
    /// As it looks; what is not certain is said.
    #[default]
    Auto,
    /// It does, whatever stands there.
    Yes,
    /// It is the first point.
    No,
}

/// How a user says what the first line is, for the remedies that are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// By a key of a scenario.
    Key,
    /// By an option of a command.
    Option,
}

impl Asked {
    /// What to do so that the first line is names, or is none.
    #[cfg(feature = "record")]
    fn remedy(self, names: bool) -> &'static str {
        match (self, names) {
            (Self::Key, true) => "set header = \"yes\"",
            (Self::Key, false) => "set header = \"no\"",
            (Self::Option, true) => "give --header yes",
            (Self::Option, false) => "give --header no",
        }
    }
}

/// What a file gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    /// The points, `n×2`; those of the line have a second coordinate of 0.
    pub points: Cloud,
    /// How many columns there are: 2, or 1 for points of the line.
    pub dimension: usize,
    /// What a user should know of how they were read.
    pub notes: Vec<String>,
}

/// The numbers of a file, `n×2` or `n×1`.
type Table = Array2<f64>;

/// Where the bytes of a file come from.
pub trait Source: Read + Seek {}

impl<T: Read + Seek> Source for T {}

/// Reads points, shape `n×2` with `n ≥ 1`, all finite, from the `bytes` of the file `name`.
///
/// # Errors
/// As [`read_from`].
pub fn read(bytes: &[u8], name: &str) -> Result<Cloud, PointFileError> {
    read_from(Cursor::new(bytes), name, Header::Auto, Asked::Key).map(|sheet| sheet.points)
}

/// Reads points, shape `n×2` with `n ≥ 1`, all finite, from the file `name`, of which no more is held in memory than the points.
///
/// The ending of the name says how: `.npy` (n×2, n×1 or n, real numbers of any width and byte order), `.npz` (its first
/// array, or the one that `file.npz:name` names) or `.csv` (two columns, or one; a `header` is names above them; `asked` is how a user says so).
///
/// # Errors
/// [`PointFileError`] if the file is damaged, lies about its size, holds anything but finite points of the
/// plane, or more than [`MOST_POINTS`] of them.
pub fn read_from(
    source: impl Source,
    name: &str,
    header: Header,
    asked: Asked,
) -> Result<Sheet, PointFileError> {
    let sheet = sheet(
        BufReader::with_capacity(1 << 16, source),
        name,
        header,
        asked,
    );
    sheet.map_err(|reason| PointFileError {
        file: name.to_owned(),
        reason,
    })
}

fn sheet(
    mut source: BufReader<impl Source>,
    name: &str,
    header: Header,
    asked: Asked,
) -> Result<Sheet, String> {
    let trouble = |error: io::Error| format!("it cannot be read ({error})");
    let size = source.seek(SeekFrom::End(0)).map_err(trouble)?;
    source.rewind().map_err(trouble)?;
    let (path, array) = path_and_array(name);
    let (points, notes) = match ending(path).as_str() {
        _ if size == 0 => return Err("the file is empty".to_owned()),
        "npy" => (npy::read(source, size)?, Vec::new()),
        #[cfg(feature = "record")]
        "npz" => (npz::read(source, array)?, Vec::new()),
        #[cfg(feature = "record")]
        "csv" => csv::read(source, header, asked)?,
        #[cfg(not(feature = "record"))]
        "npz" | "csv" => {
            let _ = (array, header, asked);
            return Err("this build, without the feature `record`, reads .npy alone".to_owned());
        }
        _ => return Err("its name must end in .npy, .npz or .csv".to_owned()),
    };
    let dimension = points.ncols();
    let points = if dimension == 1 {
        ndarray::concatenate![ndarray::Axis(1), points, Table::zeros(points.raw_dim())]
    } else {
        points
    };
    let largest = points.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    if largest > 0.0 && largest < RANGE[0] {
        return Err(format!(
            "no coordinate is larger than {largest:?}, and squares of such numbers are 0: multiply all by the same factor, so that the largest is about 1"
        ));
    }
    Ok(Sheet {
        points,
        dimension,
        notes,
    })
}

/// Whether the file `name` can have a header.
#[must_use]
pub fn may_have_header(name: &str) -> bool {
    ending(name) == "csv"
}

/// The ending of a name in small letters, by which files are told.
pub(crate) fn ending(path: &str) -> String {
    let ending = path.rsplit('.').next().unwrap_or_default();
    ending.to_ascii_lowercase()
}

/// Parts `file.npz:name` into the file's path and the array's name; any other name is all path.
#[must_use]
pub fn path_and_array(name: &str) -> (&str, Option<&str>) {
    const ENDING: &str = ".npz:";
    // Capitals have the same places as small letters.
    match name.to_ascii_lowercase().rfind(ENDING) {
        Some(at) => {
            let (path, array) = name.split_at(at + ENDING.len() - 1);
            (path, Some(&array[1..]))
        }
        None => (name, None),
    }
}

/// The file's path in such a name, whatever its bytes.
#[must_use]
pub fn path_of(name: &OsStr) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        // Any byte as one character, so that places are the same.
        let bytes = name.as_bytes();
        let plain: String = bytes
            .iter()
            .map(|&b| if b.is_ascii() { b.into() } else { '?' })
            .collect();
        let path = path_and_array(&plain).0;
        OsStr::from_bytes(&bytes[..path.len()]).into()
    }
    #[cfg(not(unix))]
    {
        let name = name.to_string_lossy();
        path_and_array(&name).0.into()
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

/// Says what is wrong with a coordinate, if it cannot be used.
fn unusable(value: f64, leave_out: &str) -> Option<String> {
    if !value.is_finite() {
        return Some(format!("is {value}: leave such points out{leave_out}"));
    }
    (value.abs() > RANGE[1]).then(|| {
        format!(
            "is {value:?}, and the square of such a number is none: coordinates may be as large as {:?}; leave such points out, or divide all by the same factor",
            RANGE[1]
        )
    })
}

//! Points from a file, resampled.

use ndarray::Axis;
use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::files::{fetch, unusable};
use super::{BuildError, Files, Target};
use crate::cloud::Cloud;
use crate::point_file;
use crate::random::Stream;
use crate::setting::Invalid;

/// Points read from a file, each as likely as any other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PointsSpec {
    /// An `.npy` file (n×2), an `.npz` archive (its first array, or `file.npz:name`) or a `.csv` file (two
    /// columns, optional header). Relative paths are relative to the scenario file.
    pub file: String,
    /// Draw with replacement, so that any number of points can be drawn and some come twice; without it, no
    /// sample can be larger than the file.
    #[serde(default = "with_replacement")]
    pub replace: bool,
}

fn with_replacement() -> bool {
    true
}

impl Default for PointsSpec {
    /// With replacement, from no file: the name is still to be given.
    fn default() -> Self {
        Self {
            file: String::new(),
            replace: true,
        }
    }
}

impl PointsSpec {
    /// Reads the file.
    ///
    /// # Errors
    /// [`BuildError`] if no file is named, it is not there, or does not hold points of the plane.
    pub fn build(&self, files: &dyn Files) -> Result<Points, BuildError> {
        if self.file.is_empty() {
            let remedy = "must name an .npy, .npz or .csv file with two columns";
            return Err(Invalid::new("file", "\"\"", remedy).into());
        }
        let bytes = fetch(files, &self.file, self.path())?;
        let rows = point_file::read(&bytes, &self.file)
            .map_err(|error| unusable(&self.file, error.reason))?;
        Ok(Points {
            rows,
            replace: self.replace,
        })
    }

    /// Reads `path` instead, and the same array in it.
    pub(super) fn rename_file(&mut self, path: &str) {
        self.file = match point_file::path_and_array(&self.file).1 {
            Some(array) => format!("{path}:{array}"),
            None => path.to_owned(),
        };
    }

    /// The file to read: the name without the array that it may ask for.
    #[must_use]
    pub fn path(&self) -> &str {
        point_file::path_and_array(&self.file).0
    }
}

/// The rows of a table, each as likely as any other.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    rows: Cloud,
    replace: bool,
}

impl Target for Points {
    /// Without replacement the draws are distinct rows of the file until it is used up, and then begin
    /// again: see [`Target::capacity`].
    fn sample(&self, count: usize, stream: Stream) -> Cloud {
        let mut rng = stream.rng();
        let rows = self.rows.nrows();
        let mut order: Vec<usize> = (0..rows).collect();
        let chosen: Vec<usize> = (0..count)
            .map(|k| {
                if self.replace {
                    return rng.random_range(0..rows);
                }
                // One step of a Fisher-Yates shuffle: the front of `order` is what was drawn.
                let front = k % rows;
                order.swap(front, rng.random_range(front..rows));
                order[front]
            })
            .collect();
        self.rows.select(Axis(0), &chosen)
    }

    fn capacity(&self) -> Option<usize> {
        (!self.replace).then(|| self.rows.nrows())
    }
}

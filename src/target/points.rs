//! Points from a file: some to learn from, the others to judge by.

use rand::Rng;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family::Family;
use super::files::{fetch, unusable};
use super::{BuildError, Files, Parts, Target};
use crate::cloud::{self, Cloud, CloudView, at, by_place, in_order};
use crate::point_file::{self, Asked, Header, may_have_header};
use crate::random::Stream;
use crate::setting::Invalid;

/// Points read from a file, each as likely as any other.
///
/// As a target, the file is parted once and for all: one half is what the discriminator sees, the other is held out, half of it to measure the
/// run against and half of it for the final numbers. No point is in two parts and none is used twice, so that `cloud.samples` is a bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PointsSpec {
    /// An `.npy` file (n×2, or n×1 for points of the line), an `.npz` archive (its first array, or `file.npz:name`) or a `.csv` file (two
    /// columns, or one). Relative paths are relative to the scenario file.
    pub file: String,
    /// A file of the same kinds with further points of the same distribution, for measures alone: `file` is then not parted, and all of it is learned from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out: Option<String>,
    /// As a source: draw with replacement, so that any number of particles can begin and some of them as twins; without it, there can be no
    /// more particles than the file has points. What a target is learned from and judged by repeats none of its points either way.
    #[serde(default = "with_replacement")]
    pub replace: bool,
    /// As a source: the first particle begins at the first point, the second at the second, none of them twice. A target is parted at random either way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_order: bool,
    /// Whether the first line of a `.csv` file names its columns.
    #[serde(default)]
    pub header: Header,
}

fn with_replacement() -> bool {
    true
}

impl Default for PointsSpec {
    /// With replacement, from no file: the name is still to be given.
    fn default() -> Self {
        Self {
            file: String::new(),
            held_out: None,
            replace: true,
            in_order: false,
            header: Header::Auto,
        }
    }
}

impl PointsSpec {
    /// Reads the files.
    ///
    /// # Errors
    /// [`BuildError`] if no file is named, one is not there, or does not hold points of the plane.
    pub fn build(&self, files: &dyn Files) -> Result<PointSample, BuildError> {
        if self.file.is_empty() {
            let remedy = "must name an .npy, .npz or .csv file with two columns, or one for points of the line";
            return Err(Invalid::new("file", "\"\"", remedy).into());
        }
        if self.header != Header::Auto && !self.paths().into_iter().any(may_have_header) {
            let written = format!("\"{:?}\"", self.header).to_lowercase();
            let remedy = "only a .csv file has a header, and there is none here; leave it out";
            return Err(Invalid::new("header", written, remedy).into());
        }
        let (mut notes, mut dimensions) = (Vec::new(), Vec::new());
        let mut read = |key: &str, name: &str| {
            let path = point_file::path_and_array(name).0;
            let source = fetch(name, files.open(path)).map_err(|error| error.at(key))?;
            let sheet = point_file::read_from(source, name, self.header, Asked::Key);
            let sheet = sheet.map_err(|error| unusable(name, error.reason).at(key))?;
            let said = sheet
                .notes
                .iter()
                .map(|note| format!("points.{key}: {note}"));
            notes.extend(said);
            dimensions.push(sheet.dimension);
            Ok::<_, BuildError>(sheet.points)
        };
        let rows = read("file", &self.file)?;
        let held_out = self.held_out.as_deref();
        let held_out = held_out.map(|name| read("held_out", name)).transpose()?;
        if let [dimension, other] = dimensions[..]
            && other != dimension
        {
            let remedy = format!(
                "has {other} column(s), and file has {dimension}: both must be points of the same distribution"
            );
            let written = format!("{:?}", self.held_out.as_deref().unwrap_or_default());
            return Err(Invalid::new("held_out", written, remedy).into());
        }
        if let Some(few) = held_out.as_ref().filter(|rows| rows.nrows() < 4) {
            let remedy = "must hold at least 4 points: two to measure the run against, and two for the final numbers";
            return Err(Invalid::new("held_out", few.nrows(), remedy).into());
        }
        Ok(PointSample {
            parts: parts(&rows, held_out),
            dimension: dimensions[0],
            rows,
            replace: self.replace && !self.in_order,
            in_order: self.in_order,
            notes,
        })
    }

    /// The same as a target, whose fresh draws are independent: those of a floor would else be one and the same cloud.
    pub(super) fn to_reach(&self) -> Self {
        Self {
            replace: true,
            in_order: false,
            ..self.clone()
        }
    }

    /// The files to read: the names without the arrays that they may ask for.
    fn paths(&self) -> Vec<&str> {
        let names = std::iter::once(&self.file).chain(&self.held_out);
        names
            .map(|name| point_file::path_and_array(name).0)
            .collect()
    }

    /// Reads other files instead of [`paths`](Self::paths), in their order, and the same arrays in them.
    fn read_instead(&mut self, paths: &[String]) {
        let names = std::iter::once(&mut self.file).chain(&mut self.held_out);
        for (name, path) in names.zip(paths) {
            *name = match point_file::path_and_array(name).1 {
                Some(array) => format!("{path}:{array}"),
                None => path.clone(),
            };
        }
    }
}

impl Family for PointsSpec {
    fn distribution(&self, files: &dyn Files) -> Result<Box<dyn Target>, BuildError> {
        Ok(Box::new(self.build(files)?))
    }

    fn files(&self) -> Vec<&str> {
        self.paths()
    }

    fn rename_files(&mut self, paths: &[String]) {
        self.read_instead(paths);
    }
}

/// Fewest points of a file that is parted: each of the four quarters then has fifty, of which one or two in twenty of the mass can be seen.
const PARTED: usize = 200;

/// Parts the rows of a file, by their values and not by their order.
fn parts(rows: &Cloud, held_out: Option<Cloud>) -> Parts {
    let order = shuffled(rows);
    let n = rows.nrows();
    let part = |places: &[usize]| cloud::rows(rows.view(), places);
    let (training, held_out, caveat) = match held_out {
        Some(held_out) => {
            let its = shuffled(&held_out);
            (part(&order), cloud::rows(held_out.view(), &its), None)
        }
        None if n < PARTED => {
            let caveat = format!(
                "the file has {n} points, too few to hold any out (fewer than {PARTED}): the cloud is measured against the points it learned from"
            );
            (part(&order), part(&order), Some(caveat))
        }
        None => {
            let (training, held_out) = order.split_at(n.div_ceil(2));
            (part(training), part(held_out), None)
        }
    };
    drop(order);
    let caveat = caveat.or_else(|| repeated(training.view(), held_out.view()));
    Parts {
        training,
        held_out,
        caveat,
    }
}

/// The places of the rows in a random order that follows from the points alone.
fn shuffled(rows: &Cloud) -> Vec<usize> {
    let mut order = in_order(rows.view());
    order.shuffle(&mut Stream::new(0, "parts of a file").rng());
    order
}

/// Says so if more than one in a hundred of the held-out points stands in the training part as well.
fn repeated(training: CloudView<'_>, held_out: CloudView<'_>) -> Option<String> {
    let [known, unseen] = [training, held_out].map(|points| {
        let mut all: Vec<[f64; 2]> = (0..points.nrows()).map(|i| at(points, i)).collect();
        all.par_sort_unstable_by(|&a, &b| by_place(a, b));
        all
    });
    // Both are gone through once, side by side.
    let mut known = known.into_iter().peekable();
    let is_known = |&place: &[f64; 2]| {
        while known.next_if(|&k| by_place(k, place).is_lt()).is_some() {}
        known.peek().is_some_and(|&k| by_place(k, place).is_eq())
    };
    let twice = unseen.iter().copied().filter(is_known).count();
    let share = 100.0 * twice as f64 / held_out.nrows() as f64;
    (share > 1.0).then(|| {
        format!(
            "{share:.0} % of the held-out points stand in the training part too: the points are repeated, and a copy of them cannot be told from new ones"
        )
    })
}

/// The rows of a table, each as likely as any other.
#[derive(Clone, Debug, PartialEq)]
pub struct PointSample {
    rows: Cloud,
    dimension: usize,
    replace: bool,
    in_order: bool,
    parts: Parts,
    notes: Vec<String>,
}

impl Target for PointSample {
    /// Without replacement the draws are distinct rows of the file until it is used up, and then begin
    /// again: see [`Target::capacity`].
    fn sample(&self, count: usize, stream: Stream) -> Cloud {
        let mut rng = stream.rng();
        let rows = self.rows.nrows();
        if self.in_order {
            let chosen: Vec<usize> = (0..count).map(|k| k % rows).collect();
            return cloud::rows(self.rows.view(), &chosen);
        }
        // The front of it is what was drawn without replacement.
        let mut order: Vec<usize> = Vec::new();
        if !self.replace {
            order.extend(0..rows);
        }
        let chosen: Vec<usize> = (0..count)
            .map(|k| {
                if self.replace {
                    return rng.random_range(0..rows);
                }
                // One step of a Fisher-Yates shuffle.
                let front = k % rows;
                order.swap(front, rng.random_range(front..rows));
                order[front]
            })
            .collect();
        cloud::rows(self.rows.view(), &chosen)
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn parts(&self) -> Option<&Parts> {
        Some(&self.parts)
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }

    fn capacity(&self) -> Option<usize> {
        (!self.replace).then(|| self.rows.nrows())
    }
}

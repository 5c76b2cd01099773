//! The results of runs, in words and numbers as they stand in the page.

use serde::Serialize;

use super::sheet::Sheet;
use crate::film::{all_and, shared};
use crate::metric::{About, Floor, MODES, Verdict};
use crate::observe::flow_columns;
use crate::render::number;
use crate::store::{Manifest, Status};

/// A run in words.
#[derive(Debug, Serialize)]
pub(super) struct Outcome<'a> {
    name: &'a str,
    headline: &'a str,
    /// Where it stands, in a few words.
    brief: String,
    details: &'a [String],
    warnings: &'a [String],
    scenario: &'a str,
    /// `arrived`, `short` or `diverged`.
    state: &'static str,
}

impl<'a> Outcome<'a> {
    pub(super) fn new(name: &'a str, sheet: &Sheet<'a>) -> Self {
        Self {
            name,
            headline: &sheet.summary.headline,
            brief: brief(sheet.manifest),
            details: &sheet.summary.details,
            warnings: &sheet.manifest.warnings,
            scenario: sheet.scenario,
            state: sheet.manifest.state(),
        }
    }
}

/// Where a run ended, in a few words.
fn brief(manifest: &Manifest) -> String {
    let [_, brief, _] = manifest
        .verdict
        .as_ref()
        .map(Verdict::mark)
        .unwrap_or_default()
        .words;
    match manifest.status {
        Status::Diverged => "diverged".to_owned(),
        _ => brief.trim_end_matches(" ✓").to_owned(),
    }
}

/// A metric and what each run got.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    /// Name in files.
    name: &'static str,
    words: &'static str,
    measures: &'static str,
    sees: &'static str,
    median: Option<String>,
    q95: Option<String>,
    cells: Vec<Cell>,
}

/// A metric of one run.
#[derive(Debug, Serialize)]
struct Cell {
    value: String,
    /// Whether it is at the floor; nothing if it has none.
    holds: Option<bool>,
    since: Option<u64>,
    /// Whether it is that of a resample of particles with weights.
    resampled: bool,
}

impl Row {
    /// Each metric that any of the runs has, in the order of the columns.
    pub(super) fn all(sheets: &[Sheet<'_>]) -> Vec<Self> {
        let with_floors = sheets.iter().flat_map(|sheet| sheet.floors.known());
        all_and(with_floors.map(|(about, _)| about))
            .into_iter()
            .filter(|about| {
                let mut sheets = sheets.iter();
                sheets.any(|sheet| sheet.manifest.last.contains_key(about.name))
            })
            .map(|about| Self::new(about, sheets))
            .collect()
    }

    fn new(about: &'static About, sheets: &[Sheet<'_>]) -> Self {
        // By their bits, since what is no number has a floor that is none.
        let lines = |floor: &Floor| [floor.median, floor.q95].map(f64::to_bits);
        let floors = sheets.iter().map(|sheet| sheet.floors.get(about.name));
        let floor = shared(floors.map(|floor| floor.map(lines)));
        let [median, q95] = [0, 1].map(|k| {
            let line = floor.map(|lines| f64::from_bits(lines[k]));
            line.map(|line| written(about.name, line))
        });
        Self {
            name: about.name,
            words: about.words,
            measures: about.measures,
            sees: about.sees,
            median,
            q95,
            cells: sheets
                .iter()
                .map(|sheet| Cell::new(about.name, sheet))
                .collect(),
        }
    }

    /// What describes the flow itself.
    pub(super) fn flow(sheets: &[Sheet<'_>]) -> Vec<Self> {
        let there = |about: &&About| {
            let mut sheets = sheets.iter();
            sheets.any(|sheet| sheet.manifest.last.contains_key(about.name))
        };
        let columns = flow_columns().filter(there);
        columns.map(|about| Self::new(about, sheets)).collect()
    }
}

impl Cell {
    fn new(name: &str, sheet: &Sheet<'_>) -> Self {
        let value = sheet.manifest.last.get(name).copied();
        Self {
            value: value.map_or("–".to_owned(), |value| written(name, value)),
            holds: value.and_then(|value| sheet.floors.holds(name, value)),
            resampled: sheet.manifest.resampled.iter().any(|own| own == name),
            since: sheet.manifest.converged_at.get(name).copied().flatten(),
        }
    }
}

/// The value of the metric `name`; a count of modes has no decimals.
fn written(name: &str, value: f64) -> String {
    if name == MODES.name && value.is_finite() {
        format!("{value:.0}")
    } else {
        number(value)
    }
}

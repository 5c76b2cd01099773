//! The results of runs, in words and numbers as they stand in the page.

use serde::Serialize;

use super::sheet::Sheet;
use crate::film::CHARTS;
use crate::metric::{ALL, About, ENERGY_DISTANCE, MODES, Verdict};
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
    words: String,
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
}

/// What describes the flow itself: column, words, meaning.
const FLOW: [(&str, &str, &str); 5] = [
    (
        "kl_discriminator",
        "−mean D",
        "the discriminator's own estimate of KL(q‖p), biased by its smoothing",
    ),
    (
        "speed",
        "rms speed",
        "of the particles in the last step; 0 at rest",
    ),
    (
        "displacement",
        "rms displacement",
        "of the particles from their start, which bounds W₂(q₀, q) from above",
    ),
    (
        "path_length",
        "path length",
        "sum of the rms displacements of all steps, which bounds the rms displacement from above",
    ),
    (
        "distillation_gap",
        "distillation gap",
        "mean squared distance from the generator's cloud to the moved points that it was to learn, over the mean squared length of those moves: 0 has learnt them, 1 is as good as not moving",
    ),
];

impl Row {
    /// Each metric that any of the runs has, in the order of the columns.
    pub(super) fn all(sheets: &[Sheet<'_>]) -> Vec<Self> {
        ALL.iter()
            .filter(|about| {
                let mut sheets = sheets.iter();
                sheets.any(|sheet| sheet.manifest.last.contains_key(about.name))
            })
            .map(|about| Self::new(about, sheets))
            .collect()
    }

    fn new(about: &'static About, sheets: &[Sheet<'_>]) -> Self {
        let floor = sheets.iter().find_map(|sheet| sheet.floors.get(about.name));
        Self {
            name: about.name,
            words: words(about.name),
            measures: about.measures,
            sees: about.sees,
            median: floor.map(|floor| written(about.name, floor.median)),
            q95: floor.map(|floor| written(about.name, floor.q95)),
            cells: sheets
                .iter()
                .map(|sheet| Cell::new(about.name, sheet))
                .collect(),
        }
    }

    /// What describes the flow itself.
    pub(super) fn flow(sheets: &[Sheet<'_>]) -> Vec<Self> {
        FLOW.iter()
            .filter(|(name, ..)| sheets.iter().any(|s| s.manifest.last.contains_key(*name)))
            .map(|&(name, words, meaning)| Self {
                name,
                words: words.to_owned(),
                measures: "",
                sees: meaning,
                median: None,
                q95: None,
                cells: sheets.iter().map(|sheet| Cell::new(name, sheet)).collect(),
            })
            .collect()
    }
}

impl Cell {
    fn new(name: &str, sheet: &Sheet<'_>) -> Self {
        let value = sheet.manifest.last.get(name).copied();
        Self {
            value: value.map_or("–".to_owned(), |value| written(name, value)),
            holds: value.and_then(|value| sheet.floors.holds(name, value)),
            since: sheet.manifest.converged_at.get(name).copied().flatten(),
        }
    }
}

/// What a metric is called above its curve; the name in files, if it has no curve.
fn words(name: &str) -> String {
    let chart = CHARTS.iter().find(|(known, ..)| *known == name);
    match chart {
        Some((_, words, _)) => (*words).to_owned(),
        None if name == "energy_p" => format!("p-value of the {}", words(ENERGY_DISTANCE.name)),
        None => name.replace('_', " "),
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

//! The manifest of a run, `run.json`: what was run, how it ended, and what was measured.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write as _};
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize};

use super::atomic::AtomicFile;
use super::error::ReportError;
use super::names::MANIFEST;
use super::plain;
use crate::flow::EndingFacts;
use crate::metric::{Standing, Verdict};
use crate::scenario::Checked;
use crate::target::Component;

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is going on, or was killed.
    Running,
    /// It has ended as asked. Written when all other files are.
    Complete,
    /// The flow blew up or collapsed.
    Diverged,
    /// A signal stopped it; it can be resumed.
    Interrupted,
    /// It could not go on.
    Failed,
}

impl fmt::Display for Status {
    /// As it is written in files.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// What `run.json` holds. Metrics are listed by name, in alphabetical order.
///
/// JSON has no NaN and no infinities: such a number is written as `null`, and a warning says what it was. Read
/// back, it is NaN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the program.
    pub version: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Seed of the run.
    pub seed: u64,
    /// The Gaussians that the target is an exact mixture of, if it is one: weights, centres, covariances.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
    /// Where the run stands.
    pub status: Status,
    /// How it ended, in one sentence; `null` while it goes on.
    pub ending: Option<String>,
    /// How the flow ended, as facts; left out while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<EndingFacts>,
    /// Steps taken.
    pub steps: u64,
    /// Each metric of the last cloud.
    #[serde(rename = "final", deserialize_with = "values")]
    pub last: BTreeMap<String, f64>,
    /// The same metric between independent samples of the target: `median`, `q95`, ….
    #[serde(deserialize_with = "nested_values")]
    pub floor: BTreeMap<String, BTreeMap<String, f64>>,
    /// First step from which each metric could not be told from its floor; `null` if there is none. Under `joint`: the first measured step
    /// after the last at which any of them told the cloud from the target.
    pub converged_at: BTreeMap<String, Option<u64>>,
    /// Whether the last cloud can be told from the target; `null` while the run goes on.
    #[serde(default)]
    pub verdict: Option<Verdict>,
    /// The training sample itself against the reference of the last cloud: what no flow can be expected to beat.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub training_sample: BTreeMap<String, Standing>,
    /// `disjoint` if what clouds are measured against was not learned from; otherwise the reason why that does not hold.
    #[serde(default)]
    pub held_out: String,
    /// Points of the target that were learned from, that the run was measured against, and that its end was.
    #[serde(default)]
    pub points: Counts,
    /// What the scenario claims of such a run, and whether it is so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Checked>,
    /// Measures that were taken on a systematic resample of particles with unequal weights; all others take the weights as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resampled: Vec<String>,
    /// What a reader should know before trusting the numbers.
    pub warnings: Vec<String>,
}

/// How many points of the target each purpose has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// What the discriminator sees.
    pub training: usize,
    /// What the curves are measured against.
    pub validation: usize,
    /// What the final numbers are measured against.
    pub reference: usize,
    /// Particles that are measured.
    pub measured: usize,
}

/// The key under which the step stands from which no measure told the cloud from the target.
pub const JOINT: &str = "joint";

impl Manifest {
    /// Name of the file in a run directory.
    pub const FILE: &str = MANIFEST;

    /// The manifest of a run that begins.
    #[must_use]
    pub fn begun(scenario: &str, seed: u64) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: scenario.to_owned(),
            seed,
            components: Vec::new(),
            status: Status::Running,
            ending: None,
            ended: None,
            steps: 0,
            last: BTreeMap::new(),
            floor: BTreeMap::new(),
            converged_at: BTreeMap::new(),
            verdict: None,
            training_sample: BTreeMap::new(),
            held_out: String::new(),
            points: Counts::default(),
            claims: Vec::new(),
            resampled: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Whether the last cloud is at the floor.
    #[must_use]
    pub fn at_floor(&self) -> bool {
        self.verdict
            .as_ref()
            .is_some_and(|verdict| verdict.at_floor)
    }

    /// What mark the run gets: `arrived`, `short` or `diverged`.
    #[must_use]
    pub(crate) fn state(&self) -> &'static str {
        match self.status {
            Status::Diverged => "diverged",
            _ if self.at_floor() => "arrived",
            _ => "short",
        }
    }

    /// The text of `run.json`: indented, one line a number, ending in a newline.
    ///
    /// # Errors
    /// None that is known; those of the JSON writer are passed on.
    pub fn to_json(&self) -> serde_json::Result<String> {
        let mut manifest = self.clone();
        for warning in self.numbers_without_json() {
            if !manifest.warnings.contains(&warning) {
                manifest.warnings.push(warning);
            }
        }
        let mut text = serde_json::to_string_pretty(&manifest)?;
        text.push('\n');
        Ok(text)
    }

    /// Writes `run.json`, as a whole or not at all, in a folder that this process has locked.
    pub(crate) fn save_in(&self, folder: &Path) -> Result<(), ReportError> {
        let path = folder.join(Self::FILE);
        let mut draft = AtomicFile::new(&path)?;
        let written = self.to_json().map_err(io::Error::from);
        let written = written.and_then(|text| draft.write_all(text.as_bytes()));
        written.map_err(|e| ReportError::io("write", &path, e))?;
        draft.commit()
    }

    /// Reads the manifest in the run directory `folder`.
    ///
    /// # Errors
    /// [`ReportError::NotARun`] if there is none or it cannot be understood.
    pub fn load(folder: &Path) -> Result<Self, ReportError> {
        let not_a_run = |reason: String| ReportError::NotARun {
            path: folder.to_owned(),
            reason,
        };
        let text = plain::text(folder, Self::FILE)
            .map_err(|e| not_a_run(format!("`{}` cannot be read: {e}", Self::FILE)))?;
        serde_json::from_str(&text)
            .map_err(|e| not_a_run(format!("`{}` is not one of ours: {e}", Self::FILE)))
    }

    /// One warning for each number that is written as `null`.
    fn numbers_without_json(&self) -> Vec<String> {
        let last = self
            .last
            .iter()
            .map(|(name, &x)| (format!("final.{name}"), x));
        let floors = self.floor.iter().flat_map(|(name, floor)| {
            let each = floor.iter();
            each.map(move |(part, &x)| (format!("floor.{name}.{part}"), x))
        });
        last.chain(floors)
            // A NaN that came from a `null` has its warning already, which may say `inf`.
            .filter(|(key, x)| {
                let told = |warning: &String| warning.starts_with(&format!("`{key}` is "));
                !x.is_finite() && !self.warnings.iter().any(told)
            })
            .map(|(key, x)| format!("`{key}` is {x}, which JSON cannot hold: written as null"))
            .collect()
    }
}

/// A number; `null` is what became of one that JSON cannot hold.
pub(crate) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::NAN))
}

fn values<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, f64>, D::Error> {
    let read = BTreeMap::<String, Option<f64>>::deserialize(from)?;
    Ok(with_nan(read))
}

fn nested_values<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<BTreeMap<String, BTreeMap<String, f64>>, D::Error> {
    let read = BTreeMap::<String, BTreeMap<String, Option<f64>>>::deserialize(from)?;
    Ok(read.into_iter().map(|(k, v)| (k, with_nan(v))).collect())
}

fn with_nan(values: BTreeMap<String, Option<f64>>) -> BTreeMap<String, f64> {
    values
        .into_iter()
        .map(|(name, x)| (name, x.unwrap_or(f64::NAN)))
        .collect()
}

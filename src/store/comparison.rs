//! What a comparison holds: `comparison.json`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::ReportError;
use super::manifest::{Manifest, Status, number};
use super::names::{COMPARISON, SEEDS};
use super::plain;
use crate::scenario::{Checked, Claim};

/// What `comparison.json` holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Comparison {
    /// `complete` is written when all other files are.
    pub status: Status,
    /// The manifest of each variant on the first seed.
    pub variants: BTreeMap<String, Manifest>,
    /// With several seeds: for each variant and metric its mean and standard deviation over the seeds on which the run
    /// did not diverge.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub spread: BTreeMap<String, BTreeMap<String, Spread>>,
    /// With several seeds: the manifest of each variant on each seed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub seeds: BTreeMap<String, Vec<Manifest>>,
    /// The variants in the order in which they were named.
    pub order: Vec<String>,
    /// What the scenario claims of its variants.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claim: Vec<Claim>,
    /// Whether it is so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Checked>,
    /// Wall-clock seconds that a step of each variant took, mean over the seeds. Not written down: equal comparisons are equal files.
    /// Each run's own stands in its `timings.json`.
    #[serde(skip)]
    pub seconds_per_step: BTreeMap<String, f64>,
}

/// A metric over several seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Mean; NaN, written as `null`, where the metric was no number on some seed.
    #[serde(deserialize_with = "number")]
    pub mean: f64,
    /// Standard deviation (divisor: seeds − 1); 0 for one seed.
    #[serde(deserialize_with = "number")]
    pub sd: f64,
    /// Number of seeds that count.
    pub seeds: usize,
}

impl Comparison {
    /// Whether the folder holds a comparison.
    #[must_use]
    pub fn is_in(folder: &Path) -> bool {
        plain::is_file(folder, COMPARISON)
    }

    /// Reads `comparison.json`.
    ///
    /// # Errors
    /// [`ReportError::NotARun`] if it cannot be understood.
    pub fn load(folder: &Path) -> Result<Self, ReportError> {
        let refuse = |reason: String| ReportError::NotARun {
            path: folder.to_owned(),
            reason,
        };
        let text = plain::text(folder, COMPARISON)
            .map_err(|e| refuse(format!("`{COMPARISON}` cannot be read: {e}")))?;
        let comparison: Self = serde_json::from_str(&text)
            .map_err(|e| refuse(format!("`{COMPARISON}` is not one of ours: {e}")))?;
        let is_name = |name: &&String| plain::leads_down(name) && !name.contains('/');
        match comparison.order.iter().find(|name| !is_name(name)) {
            Some(name) => Err(refuse(format!(
                "`{COMPARISON}` names the variant {name:?}, which is no name of a folder in it"
            ))),
            None => Ok(comparison),
        }
    }

    /// The text of `comparison.json`, ending in a newline.
    ///
    /// # Errors
    /// None that is known; those of the JSON writer are passed on.
    pub(crate) fn to_json(&self) -> serde_json::Result<String> {
        let mut json = serde_json::to_string_pretty(self)?;
        json.push('\n');
        Ok(json)
    }

    /// Variant, folder and manifest of each run, in the order of the variants and their seeds.
    pub(crate) fn runs(&self) -> Vec<(&str, String, &Manifest)> {
        let mut runs = Vec::new();
        for variant in &self.order {
            let first = self.variants.get(variant);
            let more = self.seeds.get(variant).into_iter().flatten().skip(1);
            for (place, manifest) in first.into_iter().chain(more).enumerate() {
                let seed = (place > 0).then_some(manifest.seed);
                runs.push((variant.as_str(), folder_of(variant, seed), manifest));
            }
        }
        runs
    }
}

/// The folder of a run; the first seed is the variant's own.
pub(crate) fn folder_of(variant: &str, seed: Option<u64>) -> String {
    match seed {
        None => variant.to_owned(),
        Some(seed) => format!("{SEEDS}/{variant}-{seed}"),
    }
}

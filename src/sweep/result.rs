//! What a task leaves: `result.json`, which is the same whoever ran it, and `timings.json`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::store::{JOINT, Manifest, Status, plain};

/// What came of a task. It is written when all else is, as a whole or not at all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskResult {
    /// Version of the program.
    pub version: String,
    /// Name of the task.
    pub id: String,
    /// `complete`, `diverged` or `failed`.
    pub status: Status,
    /// How the run ended, or why there is none, in a sentence.
    pub ending: String,
    /// Steps taken.
    pub steps: u64,
    /// Whether the last cloud is at the floor.
    pub at_floor: bool,
    /// First step from which no measure could tell the cloud from the target; `null` if there is none.
    pub steps_to_floor: Option<u64>,
    /// Each measure of the last cloud; `null` for what is no finite number.
    pub last: BTreeMap<String, Option<f64>>,
    /// Median and 95 % point of the same between independent samples of the target.
    pub floor: BTreeMap<String, [Option<f64>; 2]>,
}

impl TaskResult {
    pub(super) const FILE: &str = "result.json";

    pub(super) fn new(id: &str, manifest: &Manifest) -> Self {
        let finite = |value: f64| Some(value).filter(|value| value.is_finite());
        let values = manifest.last.iter();
        let floors = manifest.floor.iter().map(|(name, floor)| {
            let part = |key: &str| floor.get(key).copied().and_then(finite);
            (name.clone(), [part("median"), part("q95")])
        });
        Self {
            version: manifest.version.clone(),
            id: id.to_owned(),
            status: manifest.status,
            ending: manifest.ending.clone().unwrap_or_default(),
            steps: manifest.steps,
            at_floor: manifest.at_floor(),
            steps_to_floor: manifest.converged_at.get(JOINT).copied().flatten(),
            last: values
                .map(|(name, value)| (name.clone(), finite(*value)))
                .collect(),
            floor: floors.collect(),
        }
    }

    /// A run that could not be brought to an end, for this reason.
    pub(super) fn failed(id: &str, reason: String) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            id: id.to_owned(),
            status: Status::Failed,
            ending: reason,
            steps: 0,
            at_floor: false,
            steps_to_floor: None,
            last: BTreeMap::new(),
            floor: BTreeMap::new(),
        }
    }

    /// The result of the task `id` in the folder of the sweep; `None` if it is not done. What a power cut has left empty is not done either.
    #[must_use]
    pub fn load(sweep: &Path, id: &str) -> Option<Self> {
        let file = format!("{}/{}", super::Sweep::folder_of(id), Self::FILE);
        let text = plain::text(sweep, &file).ok()?;
        let result: Self = serde_json::from_str(&text).ok()?;
        (result.id == id && result.version == env!("CARGO_PKG_VERSION")).then_some(result)
    }
}

/// How long a task took.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Timing {
    pub(super) seconds: f64,
}

impl Timing {
    pub(super) const FILE: &str = "timings.json";

    pub(super) fn load(sweep: &Path, id: &str) -> Option<Self> {
        let file = format!("{}/{}", super::Sweep::folder_of(id), Self::FILE);
        serde_json::from_str(&plain::text(sweep, &file).ok()?).ok()
    }
}

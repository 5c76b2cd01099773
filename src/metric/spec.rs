//! How a run is measured: its settings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::about::Taken;
use super::catalogue::{ALL, Extra};
use crate::setting::{Invalid, at_least, positive};

/// How a run is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsSpec {
    /// Steps between two measurements, at least 1. The first and the last cloud are measured in any case.
    pub every: u64,
    /// Most particles that are measured, at least 2: of a larger cloud the first so many. Particles begin as independent draws, so that
    /// these stand for all; what is measured then is a cloud of this size, and so is its sampling floor.
    pub particles: usize,
    /// Points in the fresh target sample that clouds are compared with, at least 2. Default: as many as particles measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<usize>,
    /// Random relabellings behind the p-value of the energy distance, at least 19. The smallest p-value is 1/(permutations + 1).
    pub permutations: usize,
    /// Independent target samples that the sampling floor is estimated from, at least 8; fewer than 19 give no p-value below 0.05. Default: 99,
    /// and more of clouds of fewer than 2000 points, 200 000 points in all but no more than 999 samples: there they cost little and settle close calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor_draws: Option<usize>,
    /// Width s of the kernel exp(−‖x−y‖²/2s²) of `mmd2`, in the target's units. Default: the median distance in the reference sample, once
    /// for the whole run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mmd_bandwidth: Option<f64>,
    /// Further measures, which cost more or say less: each becomes a column and has a floor. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Extra>,
    /// The only measures to take, by name, besides the energy distance. Default: all that apply, but
    /// those of `also`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// What ends the run before its last step: `never`, or `floor`, once no measure tells the cloud from the target.
    pub stop: Stop,
}

/// When a run ends before its last step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Stop {
    /// It does not.
    #[default]
    Never,
    /// At the third measurement in a row that no measure tells from the target.
    Floor,
}

impl Default for MetricsSpec {
    fn default() -> Self {
        Self {
            every: 10,
            particles: 10_000,
            reference: None,
            permutations: 199,
            floor_draws: None,
            mmd_bandwidth: None,
            also: Vec::new(),
            only: Vec::new(),
            stop: Stop::Never,
        }
    }
}

impl MetricsSpec {
    /// Refuses settings out of range.
    ///
    /// # Errors
    /// [`Invalid`] naming the first such setting.
    pub fn check(&self) -> Result<(), Invalid> {
        if self.every == 0 {
            return Err(Invalid::new("every", 0, "must be at least 1"));
        }
        at_least("particles", self.particles, 2)?;
        if let Some(count) = self.reference {
            at_least("reference", count, 2)?;
        }
        at_least("permutations", self.permutations, 19)?;
        if let Some(draws) = self.floor_draws {
            at_least("floor_draws", draws, 8)?;
        }
        self.mmd_bandwidth
            .map_or(Ok(()), |s| positive("mmd_bandwidth", s))?;
        let unknown = |name: &&String| ALL.iter().all(|about| about.name != name.as_str());
        match self.only.iter().find(unknown) {
            None => Ok(()),
            Some(name) => {
                let names: Vec<&str> = ALL.iter().map(|about| about.name).collect();
                let names = names.join(", ");
                Err(Invalid::new("only", name, format!("must be among {names}")))
            }
        }
    }

    /// Draws that the floor of clouds of so many points is estimated from.
    #[must_use]
    pub fn draws(&self, points: usize) -> usize {
        let cheap = 200_000 / points.max(1);
        self.floor_draws.unwrap_or(cheap.clamp(99, 999))
    }

    /// Whether the measure `name` is taken along a run, if it applies.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        let is = |extra: &Extra| extra.name() == name;
        let known = ALL.iter().find(|about| about.name == name);
        let asked = known.is_some_and(|about| about.taken == Taken::Asked);
        let usual = !asked && self.only.is_empty();
        usual || self.also.iter().any(is) || self.only.iter().any(|only| only == name)
    }
}

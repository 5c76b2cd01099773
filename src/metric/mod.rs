//! How far a cloud is from a sample of the target: one number per pair of clouds, one file per measure.

use std::fmt::Debug;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::CloudView;
use crate::setting::{Invalid, at_least, positive};

mod arrival;
mod assignment;
mod c2st;
mod energy;
mod floor;
mod knn_kl;
mod memorisation;
mod mmd;
mod modes;
mod neighbours;
mod pairs;
mod panel;
mod prices;
mod sliced;
mod w2;

pub use arrival::Arrival;
pub use c2st::{C2ST, C2st};
pub use energy::{ENERGY_DISTANCE, ENERGY_P, EnergyDistance};
pub use floor::{Floor, Floors};
pub use knn_kl::{KNN_KL, KnnKl};
pub use memorisation::{MEMORISATION, Memorisation};
pub use mmd::{MMD2, Mmd2, median_distance};
pub use modes::{BRIDGES, HIGH_QUALITY, MASS_TV, MODES, ModeMeasure};
pub use panel::{Evidence, Measurement, Panel};
pub use sliced::{SLICED_W2, SlicedW2};
pub use w2::{ExactW2, Transport, TransportError, W2};

/// Nearest-neighbour queries that one task takes.
const QUERIES: usize = 128;

/// A measure of a cloud against the reference sample it was built on, which it has worked through once.
pub trait Metric: Debug + Send + Sync {
    /// Name, meaning and limits.
    fn about(&self) -> &'static About;

    /// The value for a cloud of `n ≥ 1` finite points, `n×2`; NaN where the measure needs more of them.
    fn measure(&self, cloud: CloudView<'_>) -> f64;
}

/// What a measure is, in words that fit a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Name in tables, files and scenarios.
    pub name: &'static str,
    /// Definition, with units.
    pub measures: &'static str,
    /// What it can and cannot see.
    pub sees: &'static str,
    /// Which values are good.
    pub ideal: Ideal,
}

/// Which values of a measure are good, and so on which side of its floor a cloud can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ideal {
    /// The lower the better; a cloud more regular than independent points may lie below the floor.
    Low,
    /// The higher the better.
    High,
    /// As near as possible to what independent points have.
    Between,
}

/// All measures there are, in the order of their columns.
pub const ALL: [&About; 12] = [
    &ENERGY_DISTANCE,
    &ENERGY_P,
    &MMD2,
    &SLICED_W2,
    &W2,
    &KNN_KL,
    &C2ST,
    &MEMORISATION,
    &MODES,
    &HIGH_QUALITY,
    &MASS_TV,
    &BRIDGES,
];

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
    /// Independent target samples that the sampling floor is estimated from, at least 8.
    pub floor_draws: usize,
    /// Width s of the kernel exp(−‖x−y‖²/2s²) of `mmd2`, in the target's units. Default: the median distance in the reference sample, once
    /// for the whole run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mmd_bandwidth: Option<f64>,
}

impl Default for MetricsSpec {
    fn default() -> Self {
        Self {
            every: 10,
            particles: 10_000,
            reference: None,
            permutations: 199,
            floor_draws: 32,
            mmd_bandwidth: None,
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
        at_least("floor_draws", self.floor_draws, 8)?;
        self.mmd_bandwidth
            .map_or(Ok(()), |s| positive("mmd_bandwidth", s))
    }

    /// Builds the panel of all measures that the evidence allows.
    ///
    /// # Errors
    /// [`Invalid`] for a setting out of range, and for a reference sample of fewer than two points or with a coordinate that is not finite.
    pub fn build(&self, evidence: Evidence<'_>) -> Result<Panel, Invalid> {
        Panel::new(self, evidence)
    }
}

//! How far a cloud is from a sample of the target: one number per pair of clouds, one file per measure.

use std::fmt::Debug;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::CloudView;
use crate::setting::{Invalid, at_least, positive};

mod arrival;
mod assignment;
mod blocks;
mod c2st;
mod coupling;
mod coverage;
mod energy;
mod exactly;
mod floor;
mod joint;
mod judge;
mod knn_kl;
mod known_kl;
mod lines;
mod logistic;
mod memorisation;
mod mmd;
mod modes;
mod neighbours;
mod pairs;
mod panel;
mod sample;
mod score;
mod separate;
mod sinkhorn;
mod sliced;
mod stranded;
mod verdict;
mod w2;
mod waves;
mod wasserstein;
mod whiten;

pub use arrival::Arrival;
pub use c2st::{C2ST, C2st};
pub use coverage::{COVERAGE, Coverage, DENSITY, Density};
pub(crate) use energy::TOGETHER;
pub use energy::{ENERGY_DISTANCE, ENERGY_P, EnergyDistance};
pub use floor::{Floor, Floors};
pub use joint::{JointTest, Mark, Side, Standing};
pub use judge::{Judge, Judged, Judgement, Null};
pub use knn_kl::{KNN_KL, KNN_KL_REVERSE, KnnKl};
pub use known_kl::{KL, KnownKl};
pub use logistic::{C2ST_LOGISTIC, LogisticC2st};
pub use memorisation::{MEMORISATION, Memorisation};
pub use mmd::{MMD2, Mmd2, median_distance};
pub use modes::{BRIDGES, HIGH_QUALITY, MASS_TV, MODE_WIDTH, MODES, ModeMeasure};
pub use panel::{Evidence, Measurement, Panel, Trail};
pub use sample::{Sample, Seen};
pub use score::{SCORE_ERROR, ScoreError};
pub use sinkhorn::{SINKHORN, Sinkhorn};
pub use sliced::{SLICED_W2, SlicedW2};
pub use stranded::{STRANDED, Stranded};
pub use verdict::{Circumstances, Verdict, standings};
pub use w2::{ExactW2, Transport, TransportError, W2};
pub use wasserstein::{Coupling, Wasserstein};

/// Nearest-neighbour queries that one task takes.
const QUERIES: usize = 128;

/// A measure of a cloud against the reference sample it was built on, which it has worked through once.
pub trait Metric: Debug + Send + Sync {
    /// Name, meaning and limits.
    fn about(&self) -> &'static About;

    /// The value for a cloud of `n ≥ 1` finite points, `n×2`; NaN where the measure needs more of them.
    fn measure(&self, cloud: CloudView<'_>) -> f64;

    /// The value for a cloud of which a panel has worked out what several measures need; the same bits as [`measure`](Self::measure) gives.
    fn value(&self, seen: &Seen<'_, '_>) -> f64 {
        self.measure(seen.points())
    }

    /// Whether the value depends on the reference sample, and not on the cloud and the target alone.
    fn uses_reference(&self) -> bool {
        true
    }

    /// The value with what is known about it.
    fn read(&self, cloud: CloudView<'_>) -> Reading {
        Reading::of(self.measure(cloud))
    }
}

/// A value, and what a reader should know before using it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The value.
    pub value: f64,
    /// Its standard error, where it is a mean over something drawn.
    pub standard_error: Option<f64>,
    /// A certificate, or that the value is an estimate, or did not converge.
    pub note: Option<String>,
}

impl Reading {
    /// A value that needs no comment.
    #[must_use]
    pub fn of(value: f64) -> Self {
        Self {
            value,
            standard_error: None,
            note: None,
        }
    }
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
    /// By how much two values differ at least.
    pub grain: Grain,
}

impl About {
    /// What the measure needs beside two clouds, for those that it is not given to.
    fn needs(&self) -> &'static str {
        if *self == KL || *self == SCORE_ERROR {
            "needs a target with a known density"
        } else if *self == MEMORISATION || *self == ENERGY_P {
            "is measured along runs"
        } else {
            "needs a target that is a mixture of Gaussians"
        }
    }
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
    /// The higher the better up to what independent points have; above it the cloud is purer, or more regular, than they are.
    UpTo,
}

/// By how much two values of a measure differ at least, for clouds of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// By as little as numbers can.
    Fine,
    /// By one point of the cloud.
    Share,
    /// By one.
    Whole,
}

impl Grain {
    /// The grain for clouds of so many points.
    fn least(self, points: usize) -> f64 {
        match self {
            Self::Fine => 0.0,
            Self::Share => 1.0 / points.max(1) as f64,
            Self::Whole => 1.0,
        }
    }
}

/// All measures there are, in the order of their columns.
pub const ALL: [&About; 21] = [
    &ENERGY_DISTANCE,
    &ENERGY_P,
    &MMD2,
    &SLICED_W2,
    &W2,
    &SINKHORN,
    &KL,
    &KNN_KL,
    &KNN_KL_REVERSE,
    &SCORE_ERROR,
    &C2ST,
    &C2ST_LOGISTIC,
    &DENSITY,
    &COVERAGE,
    &STRANDED,
    &MEMORISATION,
    &MODES,
    &HIGH_QUALITY,
    &MODE_WIDTH,
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
    /// The only measures to take, by name, besides the energy distance, which tells whether a run is at its floor. Default: all that apply, but
    /// those of `also`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// What ends the run before its last step: `never`, or `floor`, once the energy distance is at its sampling floor.
    pub stop: Stop,
}

/// A measure that a run takes only if it is asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Extra {
    /// Exact 2-Wasserstein distance to the target.
    W2,
    /// Exact 2-Wasserstein distance to the first cloud, at every measured step; that of the last cloud is taken in any case. It has no floor.
    W2Moved,
    /// Debiased Sinkhorn divergence.
    Sinkhorn,
    /// `KL(p‖q)` by nearest neighbours.
    KnnKlReverse,
    /// Error of the score, for targets that know their own.
    ScoreError,
    /// Accuracy of a logistic classifier.
    C2stLogistic,
    /// How densely the target lies around the cloud.
    Density,
    /// How much of the target the cloud reaches.
    Coverage,
}

impl Extra {
    /// The measure's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::W2 => W2.name,
            Self::W2Moved => "w2_moved",
            Self::Sinkhorn => SINKHORN.name,
            Self::KnnKlReverse => KNN_KL_REVERSE.name,
            Self::ScoreError => SCORE_ERROR.name,
            Self::C2stLogistic => C2ST_LOGISTIC.name,
            Self::Density => DENSITY.name,
            Self::Coverage => COVERAGE.name,
        }
    }

    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::W2,
        Self::W2Moved,
        Self::Sinkhorn,
        Self::KnnKlReverse,
        Self::ScoreError,
        Self::C2stLogistic,
        Self::Density,
        Self::Coverage,
    ];
}

/// When a run ends before its last step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// It does not.
    #[default]
    Never,
    /// At the third measurement in a row of which the energy distance lies at its sampling floor.
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
                let names = ALL.map(|about| about.name).join(", ");
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
        let usual = !Extra::ALL.iter().any(is) && self.only.is_empty();
        usual || self.also.iter().any(is) || self.only.iter().any(|only| only == name)
    }

    /// Builds the panel of all measures that the evidence allows.
    ///
    /// # Errors
    /// [`Invalid`] for a setting out of range, and for a reference sample of fewer than two points or with a coordinate that is not finite.
    pub fn build(&self, evidence: Evidence<'_>) -> Result<Panel, Invalid> {
        Panel::new(self, evidence)
    }
}

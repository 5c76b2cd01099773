//! What a run will cost: time, memory, disk.

use std::fmt;
use std::time::Instant;

use serde::Serialize;

use super::need::Need;
use super::{Experiment, Scenario};
use crate::observe::Cadence;

/// An estimate of what a run takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// Steps of the flow.
    pub steps: usize,
    /// Seconds on this machine, from a trial of the first two steps; `None` if the trial failed.
    pub seconds: Option<f64>,
    /// Bytes of memory at the peak.
    pub memory_bytes: u64,
    /// Bytes written to the run directory.
    pub disk_bytes: u64,
}

/// Seconds for drawing and encoding a frame at scale 1 on one core, measured.
const FRAME_SECONDS: f64 = 0.03;
/// Places where the field is asked for in a frame.
const FIELD_PLACES: usize = 64 * 64;

impl Cost {
    /// Estimates the cost of running `experiment`, by taking two steps of it in memory.
    #[must_use]
    pub fn of(experiment: &Experiment) -> Self {
        let scenario = &experiment.scenario;
        let need = Need::of(scenario, rayon::current_num_threads());
        Self {
            steps: scenario.flow.steps,
            seconds: trial(experiment, frames_of(scenario) as u64),
            memory_bytes: need.memory() as u64,
            disk_bytes: need.disk() as u64,
        }
    }
}

/// How many frames a run has.
pub(super) fn frames_of(scenario: &Scenario) -> usize {
    let frames = scenario.output.frames;
    frames.min(scenario.flow.steps.saturating_add(1))
}

/// Times the first two steps and one measurement.
fn trial(experiment: &Experiment, frames: u64) -> Option<f64> {
    let scenario = &experiment.scenario;
    let steps = scenario.flow.steps;
    let mut flow = experiment.flow().ok()?;
    let start = Instant::now();
    flow.advance().ok()??;
    let first = start.elapsed().as_secs_f64();
    flow.advance().ok()??;
    let step = start.elapsed().as_secs_f64() - first;

    let start = Instant::now();
    let gauge = experiment.validation_gauge().ok()?;
    let floors = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let _ = gauge.0.measure(experiment.start.view());
    let measurement = start.elapsed().as_secs_f64();

    let per_particle = step / scenario.cloud.particles as f64;
    let frame = per_particle * FIELD_PLACES as f64
        + FRAME_SECONDS * scenario.output.scale * scenario.output.scale
            / rayon::current_num_threads() as f64;
    let measured = Cadence::Every(scenario.metrics.every as usize).count(steps);
    Some(
        first
            + step * steps as f64
            + 2.0 * floors
            + measurement * measured as f64
            + frame * frames as f64,
    )
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cost: {} steps", self.steps)?;
        match self.seconds {
            Some(seconds) if seconds < 120.0 => {
                write!(f, ", about {seconds:.1} s on this machine")?;
            }
            Some(seconds) => write!(f, ", about {:.0} min on this machine", seconds / 60.0)?,
            None => write!(f, ", time unknown: the first steps fail")?,
        }
        write!(
            f,
            ", {:.0} MB of memory, {:.1} MB on disk",
            self.memory_bytes as f64 / 1e6,
            self.disk_bytes as f64 / 1e6
        )
    }
}

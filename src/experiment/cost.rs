//! What a run will cost: time, memory, disk.

use std::cell::RefCell;
use std::fmt;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::Experiment;
use crate::metric::Measurement;
use crate::observe::Cadence;
use crate::random::Stream;
use crate::scenario::{Resources, Scenario};
use crate::target::Files;

/// An estimate of what a run takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// Steps of the flow.
    pub steps: usize,
    /// Seconds on this machine, from a trial of the first two steps; `None` if the trial failed.
    pub seconds: Option<f64>,
    /// Whether the trial took longer than its time, so that the run takes at least so many seconds.
    pub at_least: bool,
    /// Bytes of memory at the peak.
    pub memory_bytes: u64,
    /// Bytes written to the run directory.
    pub disk_bytes: u64,
}

/// Seconds for drawing and encoding a frame at scale 1 on one core, measured.
const FRAME_SECONDS: f64 = 0.03;
/// Places where the field is asked for in a frame.
const FIELD_PLACES: usize = 64 * 64;
/// How long a trial may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Optimiser steps and relabellings that a trial takes, of however many.
const SAMPLE: usize = 100;
/// Draws of the floor that a trial takes.
const DRAWS: usize = 9;

impl Cost {
    /// Estimates the cost of running `experiment`, by taking two steps of it in memory. What a run repeats the trial does less often, and what
    /// takes the trial more than five seconds is left where it is.
    #[must_use]
    pub fn of(experiment: &Experiment, files: &dyn Files) -> Self {
        let scenario = &experiment.scenario;
        let need =
            Resources::of(scenario, rayon::current_num_threads()).with_files(scenario, files);
        let trial = Trial::within(PATIENCE, experiment);
        Self {
            steps: scenario.flow.steps,
            seconds: trial.as_ref().map(|trial| trial.extrapolate(experiment)),
            at_least: trial.is_some_and(|trial| !trial.is_whole),
            memory_bytes: need.memory() as u64,
            disk_bytes: need.disk() as u64,
        }
    }
}

/// Seconds that these runs take one after another, from a trial of two steps of each: about a hundredth of the whole where a run has two hundred.
/// They are measured alike. `None` if a step fails.
#[must_use]
pub fn seconds_of_all(experiments: &[&Experiment]) -> Option<f64> {
    let mut first: Option<Trial> = None;
    let mut sum = 0.0;
    for experiment in experiments {
        let trial = Trial::of_steps(experiment, first.as_ref())?;
        sum += trial.extrapolate(experiment);
        first.get_or_insert(trial);
    }
    Some(sum)
}

/// A time on this machine in words.
#[must_use]
pub fn spoken(seconds: f64) -> String {
    if seconds < 120.0 {
        format!("{seconds:.1} s on this machine")
    } else if seconds < 7200.0 {
        format!("{:.0} min on this machine", seconds / 60.0)
    } else {
        format!("{:.0} h on this machine", seconds / 3600.0)
    }
}

/// Parts of a trial, in their order.
const FIRST: usize = 0;
const STEP: usize = 1;
const FLOORS: usize = 2;
const MEASUREMENT: usize = 3;
const RELABELLINGS: usize = 4;

/// How long the parts of a run took where each was done but a few times.
struct Trial {
    /// Seconds of each part; of one that has not ended, so far.
    seconds: [f64; 5],
    is_whole: bool,
}

impl Trial {
    /// Two steps of `experiment` in this thread, and what the rest takes by `like`, a trial of one that is measured alike. `None` if a step fails.
    fn of_steps(experiment: &Experiment, like: Option<&Self>) -> Option<Self> {
        let mut short = experiment.clone();
        short.scenario.shorten();
        let done = RefCell::new(Vec::new());
        parts(&short, like.is_none(), &|seconds| {
            done.borrow_mut().push(seconds);
        })?;
        let mut seconds = like.map_or([0.0; 5], |like| like.seconds);
        for (place, took) in seconds.iter_mut().zip(done.into_inner()) {
            *place = took;
        }
        Some(Self {
            seconds,
            is_whole: true,
        })
    }

    /// Tries `experiment`, for so long at most. `None` if a step fails.
    fn within(patience: Duration, experiment: &Experiment) -> Option<Self> {
        let mut short = experiment.clone();
        short.scenario.shorten();
        let (tell, told) = mpsc::channel();
        // What takes too long is not waited for, and ends with the process.
        let trial = thread::Builder::new().name("trial".to_owned());
        let work = move || {
            // Nobody listens any more once the time is over.
            let part = |seconds| tell.send(Some(seconds)).unwrap_or_default();
            if parts(&short, true, &part).is_none() {
                let _ = tell.send(None);
            }
        };
        trial.spawn(work).ok()?;
        let begun = Instant::now();
        let (mut seconds, mut done, mut last) = ([0.0; 5], 0, begun);
        while done < seconds.len() {
            match told.recv_timeout(patience.saturating_sub(begun.elapsed())) {
                Ok(Some(part)) => {
                    (seconds[done], last) = (part, Instant::now());
                    done += 1;
                }
                Ok(None) | Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {
                    seconds[done] = last.elapsed().as_secs_f64();
                    break;
                }
            }
        }
        let is_whole = done == seconds.len();
        Some(Self { seconds, is_whole })
    }

    /// Seconds of the whole run.
    fn extrapolate(&self, experiment: &Experiment) -> f64 {
        let scenario = &experiment.scenario;
        let [first, next] = scenario.repeats();
        let mut short = scenario.clone();
        short.shorten();
        let [first, next] = [(first, short.repeats()[0]), (next, short.repeats()[1])]
            .map(|(whole, tried)| whole as f64 / tried as f64);
        let steps = scenario.flow.steps as f64;
        let step = self.seconds[STEP] * next;
        let measured = Cadence::Every(scenario.metrics.every as usize).count(scenario.flow.steps);
        let per_particle = self.seconds[STEP] / scenario.cloud.flowing() as f64;
        let frame = per_particle * FIELD_PLACES as f64
            + FRAME_SECONDS * scenario.output.scale * scenario.output.scale
                / rayon::current_num_threads() as f64;
        let draws = scenario.metrics.draws(experiment.measured) as f64 / DRAWS as f64;
        let relabelled = scenario.metrics.permutations as f64 / SAMPLE as f64;
        self.seconds[FIRST] * first
            + step * (steps - 1.0).max(0.0)
            + self.seconds[FLOORS] * draws
            + self.seconds[MEASUREMENT] * measured as f64
            + self.seconds[RELABELLINGS] * relabelled
            + frame * scenario.drawn_frames() as f64
    }
}

/// Does each part of a run once, its measures too where it `is_measured`, and says how long it took. `None` if a step fails.
fn parts(experiment: &Experiment, is_measured: bool, tell: &dyn Fn(f64)) -> Option<()> {
    let timed = |work: &mut dyn FnMut() -> Option<()>| {
        let start = Instant::now();
        work()?;
        tell(start.elapsed().as_secs_f64());
        Some(())
    };
    let mut flow = experiment.flow().ok()?;
    for _ in 0..2 {
        timed(&mut || flow.advance().ok()?.map(drop))?;
    }
    if !is_measured {
        return Some(());
    }
    let mut gauges = None;
    timed(&mut || {
        gauges = experiment.gauges().ok();
        Some(())
    })?;
    let [(panel, _), _] = gauges?;
    let cloud = experiment.start.view();
    let measured = |measurement: Measurement| measurement.iter().next().map(drop);
    timed(&mut || measured(panel.measure(cloud)))?;
    let stream = Stream::new(experiment.scenario.seed, "trial");
    timed(&mut || measured(panel.measure_with_p(cloud, stream)))
}

impl Scenario {
    /// Optimiser steps of the first step of the flow, and of each that follows; 1 where there are none.
    fn repeats(&self) -> [usize; 2] {
        let [first, next] = self.discriminator.repeats();
        let generator = self.generator.as_ref();
        let generator = generator.map_or(1, |spec| spec.training().inner_steps);
        [first.max(generator).max(1), next.max(generator).max(1)]
    }

    /// Makes the scenario repeat less what it repeats.
    fn shorten(&mut self) {
        self.discriminator.shorten(SAMPLE);
        if let Some(generator) = &mut self.generator {
            let steps = &mut generator.training_mut().inner_steps;
            *steps = SAMPLE.min(*steps);
        }
        self.metrics.permutations = SAMPLE;
        self.metrics.floor_draws = Some(DRAWS);
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cost: {} steps", self.steps)?;
        let about = if self.at_least { "more than" } else { "about" };
        match self.seconds {
            Some(seconds) => write!(f, ", {about} {}", spoken(seconds))?,
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

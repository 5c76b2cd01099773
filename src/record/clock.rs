//! How long the phases of a run took: `timings.json`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::flow::{Flow, Part};

/// How long each part of the steps of a flow took.
#[derive(Clone, Debug)]
pub(super) struct Parts(Arc<Mutex<Spent>>);

#[derive(Debug)]
struct Spent {
    since: Instant,
    now: Option<Part>,
    /// Fit, move, distil.
    all: [Duration; 3],
}

impl Parts {
    /// The same flow, and the watch that it is timed by.
    pub(super) fn of(flow: Flow) -> (Flow, Self) {
        let spent = Arc::new(Mutex::new(Spent {
            since: Instant::now(),
            now: None,
            all: [Duration::ZERO; 3],
        }));
        let watch = Self(Arc::clone(&spent));
        let flow = flow.telling(move |part| {
            let mut spent = spent.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            if let Some(done) = spent.now {
                let since = spent.since;
                spent.all[done as usize] += now - since;
            }
            (spent.since, spent.now) = (now, part);
        });
        (flow, watch)
    }
}

/// The phases of a step, in the order of [`Part`].
const STEP: [&str; 3] = ["fit", "move", "distil"];

/// Wall-clock time of each phase. `timings.json` is the only file that may differ between two equal runs.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    begun: Instant,
    lap: Instant,
    phases: Vec<(&'static str, f64)>,
    /// Steps taken since the clock was started.
    pub(super) steps: usize,
}

impl Clock {
    pub(super) fn start() -> Self {
        let now = Instant::now();
        Self {
            begun: now,
            lap: now,
            phases: Vec::new(),
            steps: 0,
        }
    }

    /// The time since the last lap belongs to `phase`.
    pub(super) fn lap(&mut self, phase: &'static str) {
        let now = Instant::now();
        self.phases.push((phase, (now - self.lap).as_secs_f64()));
        self.lap = now;
    }

    /// Part of the time counted for `from` belongs to `phase`.
    pub(super) fn shift(&mut self, from: &str, phase: &'static str, time: Duration) {
        if let Some((_, seconds)) = self.phases.iter_mut().find(|(name, _)| *name == from) {
            *seconds -= time.as_secs_f64();
        }
        self.phases.push((phase, time.as_secs_f64()));
    }

    /// Takes the parts of the steps out of the phase of the flow, where what is around them stays.
    pub(super) fn part(&mut self, parts: &Parts) {
        let spent = parts.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (phase, time) in STEP.into_iter().zip(spent.all) {
            if !time.is_zero() {
                self.shift("flow", phase, time);
            }
        }
    }

    /// The part of a step in the phases of the flow.
    pub(super) fn seconds_per_step(&self) -> Option<f64> {
        let of_flow = |name: &str| name == "flow" || STEP.contains(&name);
        let flow = self.phases.iter().filter(|(name, _)| of_flow(name));
        let seconds = flow.map(|(_, seconds)| seconds).sum::<f64>();
        (self.steps > 0).then(|| seconds / self.steps as f64)
    }

    pub(super) fn report(&self, steps: usize) -> String {
        let total = self.begun.elapsed().as_secs_f64();
        let phases: serde_json::Map<_, _> = self
            .phases
            .iter()
            .map(|&(name, seconds)| {
                let share = json!({ "seconds": seconds, "share": seconds / total });
                (name.to_owned(), share)
            })
            .collect();
        let object = json!({
            "seconds": total,
            "steps": steps,
            "seconds_per_step": self.seconds_per_step(),
            "phases": phases,
            "threads": rayon::current_num_threads(),
            "os": std::env::consts::OS,
            "arch": std::env::consts::ARCH,
        });
        format!("{object:#}\n")
    }
}

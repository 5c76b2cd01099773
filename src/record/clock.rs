//! How long the phases of a run took: `timings.json`.

use std::time::{Duration, Instant};

use serde_json::json;

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

    /// The part of a step in the phase of the flow.
    pub(super) fn seconds_per_step(&self) -> Option<f64> {
        let flow = self.phases.iter().find(|(name, _)| *name == "flow");
        let (_, seconds) = flow.filter(|_| self.steps > 0)?;
        Some(seconds / self.steps as f64)
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

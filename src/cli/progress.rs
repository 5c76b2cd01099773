//! Where runs stand, for people and for programs: a bar on a terminal, or one line of JSON a measured step.

use std::fmt::Write;
use std::io::IsTerminal;
use std::time::Instant;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use serde::Serialize;

use super::terminal::say;
use crate::metric::Measurement;
use crate::record::Seen;

/// How the progress of runs is shown on standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Shown {
    /// A bar, where that is a terminal
    #[default]
    Bar,
    /// One line of JSON a measured step
    Json,
}

/// What is told of a measured step in JSON.
#[derive(Serialize)]
struct Line<'a> {
    run: &'a str,
    seed: u64,
    step: usize,
    steps: usize,
    /// Σ ε.
    time: f64,
    /// Since the runs began.
    seconds: f64,
    /// Whether all measures together were at the floor when the cloud was last measured.
    arrived: Option<bool>,
    measures: &'a Measurement,
}

pub(super) struct Progress {
    bar: ProgressBar,
    /// When the runs began, where their progress is told in JSON.
    told_since: Option<Instant>,
}

impl Progress {
    /// For `steps` steps, of all runs together.
    pub(super) fn new(steps: usize, shown: Shown, quiet: bool) -> Self {
        let told_since = (shown == Shown::Json).then(Instant::now);
        if told_since.is_some() || quiet || !std::io::stderr().is_terminal() {
            return Self {
                bar: ProgressBar::hidden(),
                told_since,
            };
        }
        let bar = ProgressBar::new(steps as u64);
        let template = "{wide_bar} {pos}/{len} · {rate} · {eta} left · {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            let rate = |state: &ProgressState, out: &mut dyn Write| {
                let rate = state.per_sec();
                let _ = write!(out, "{rate:.*}/s", usize::from(rate < 9.95));
            };
            bar.set_style(style.progress_chars("━╸─").with_key("rate", rate));
        }
        Self { bar, told_since }
    }

    /// Shows where the only run stands.
    pub(super) fn show(&self, name: &str, seed: u64, seen: &Seen<'_, '_>) {
        let step = seen.step;
        self.bar.set_position(step.index as u64);
        self.tell(name, seed, seen);
        if step.index == step.steps {
            self.bar.set_message("measuring, drawing and writing");
            self.bar.tick();
        }
    }

    /// Counts one more step of any of several runs, and shows where that one stands.
    pub(super) fn count(&self, name: &str, seed: u64, seen: &Seen<'_, '_>) {
        if seen.step.index > 0 {
            self.bar.inc(1);
        }
        self.tell(name, seed, seen);
    }

    fn tell(&self, name: &str, seed: u64, seen: &Seen<'_, '_>) {
        if let (Some(mark), false) = (seen.mark, self.bar.is_hidden()) {
            let [_, brief, _] = &mark.words;
            self.bar.set_message(brief.clone());
        }
        if let (Some(row), Some(since)) = (seen.row, self.told_since) {
            let line = Line {
                run: name,
                seed,
                step: row.step,
                steps: seen.step.steps,
                time: row.time,
                seconds: since.elapsed().as_secs_f64(),
                arrived: seen.mark.map(|mark| mark.arrived),
                measures: &row.values,
            };
            if let Ok(line) = serde_json::to_string(&line) {
                say(&line);
            }
        }
    }

    /// Writes something above the bar.
    pub(super) fn say(&self, text: &str) {
        self.bar.suspend(|| say(text));
    }

    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

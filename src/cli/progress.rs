//! The progress bar: step, rate, time left, and the headline metric against its floor. Only on a terminal.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

use crate::flow::Step;
use crate::metric::{ENERGY_DISTANCE, Floors};
use crate::observe::Row;

pub(super) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub(super) fn new(steps: usize, quiet: bool) -> Self {
        if quiet || !std::io::stderr().is_terminal() {
            return Self {
                bar: ProgressBar::hidden(),
            };
        }
        let bar = ProgressBar::new(steps as u64);
        let template = "{bar:32} {pos}/{len} steps, {per_sec}, {eta} left  {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        Self { bar }
    }

    pub(super) fn show(&mut self, step: &Step<'_>, row: Option<&Row>, floors: &Floors) {
        self.bar.set_position(step.index as u64);
        let value = row.and_then(|row| row.values.get(ENERGY_DISTANCE.name));
        if let (Some(value), Some(floor)) = (value, floors.get(ENERGY_DISTANCE.name)) {
            self.bar.set_message(format!(
                "energy distance {value:.2e} (floor {:.2e})",
                floor.median
            ));
        }
    }

    pub(super) fn clear(&mut self) {
        self.bar.finish_and_clear();
    }
}

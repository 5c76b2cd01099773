//! The progress bar: step, rate, time left, and the headline metric against its floor. Only on a terminal.

use std::fmt::Write;
use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::terminal::say;
use crate::flow::Step;
use crate::metric::Mark;

pub(super) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar for `steps` steps, of all runs together.
    pub(super) fn new(steps: usize, quiet: bool) -> Self {
        if quiet || !std::io::stderr().is_terminal() {
            return Self {
                bar: ProgressBar::hidden(),
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
        Self { bar }
    }

    /// Shows where a run stands.
    pub(super) fn show(&self, step: &Step<'_>, mark: Option<&Mark>) {
        self.bar.set_position(step.index as u64);
        self.tell(mark);
        if step.index == step.steps {
            self.bar.set_message("measuring, drawing and writing");
            self.bar.tick();
        }
    }

    /// Counts one more step of any of several runs, and shows where that one stands.
    pub(super) fn count(&self, step: &Step<'_>, mark: Option<&Mark>) {
        if step.index > 0 {
            self.bar.inc(1);
        }
        self.tell(mark);
    }

    fn tell(&self, mark: Option<&Mark>) {
        if let (Some(mark), false) = (mark, self.bar.is_hidden()) {
            let [_, brief, _] = &mark.words;
            self.bar.set_message(brief.clone());
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

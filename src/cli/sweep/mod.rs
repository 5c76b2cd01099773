//! `sweep`: many runs, planned here, run anywhere, collected into one table.

mod collect;
mod plan;
mod run;
mod task;

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;

use super::common::Common;
use super::error::CliError;
use super::signal::Signal;
use super::terminal::{plain, quoted, say};
use crate::record::StopToken;
use crate::store::Status;
use crate::sweep::{SweepError, TaskResult};

#[derive(Clone, Debug, Subcommand)]
pub(super) enum SweepCommand {
    /// Check a grid, and write its tasks into a folder
    Plan(plan::PlanArgs),
    /// Run one task of a plan, or a chunk of them; what is done is skipped
    Task(task::TaskArgs),
    /// Run all tasks of a plan on this machine, or what is left of them
    Run(run::RunArgs),
    /// Write what is done into tables and a page
    Collect(collect::CollectArgs),
}

pub(super) fn sweep(command: &SweepCommand, common: Common) -> Result<ExitCode, CliError> {
    match command {
        SweepCommand::Plan(args) => plan::plan(args, common),
        SweepCommand::Task(args) => task::task(args, common),
        SweepCommand::Run(args) => run::run(args, common),
        SweepCommand::Collect(args) => collect::collect(args, common),
    }
}

/// From now on Ctrl-C, SIGTERM and their like stop tasks at their next step. `again` is what to type in order to go on.
fn listen(again: String) -> Result<StopToken, CliError> {
    let tell = move |_: &str| {
        let text = format!("ended in the middle of a step; go on with `{again}`");
        say(&plain(&text));
    };
    Signal::listen(tell).map_err(|error| CliError::io("cannot listen for signals", error))
}

/// What to type in order to go on.
fn again(folder: &Path) -> String {
    format!("ratioflow sweep run {}", typed(folder))
}

/// A folder as it is typed to a shell, where it is no option.
fn typed(folder: &Path) -> String {
    let name = folder.display().to_string();
    let own = if name.starts_with('-') { "./" } else { "" };
    quoted(&plain(&format!("{own}{name}"))).into_owned()
}

/// That a signal has stopped tasks.
fn stopped(error: SweepError, again: &str) -> CliError {
    match error {
        SweepError::Interrupted(stop) => CliError::Stopped {
            by: stop.by,
            text: format!("go on with `{again}`"),
        },
        other => other.into(),
    }
}

/// What came of tasks.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    complete: u64,
    diverged: u64,
    failed: u64,
    /// Of all these, how many had been run before.
    skipped: u64,
}

impl Tally {
    fn count(&mut self, result: &TaskResult, skipped: bool) {
        match result.status {
            Status::Complete => self.complete += 1,
            Status::Diverged => self.diverged += 1,
            _ => self.failed += 1,
        }
        self.skipped += u64::from(skipped);
    }

    fn done(self) -> u64 {
        self.complete + self.diverged + self.failed
    }

    fn words(self) -> String {
        let Self {
            complete,
            diverged,
            failed,
            skipped,
        } = self;
        let before = match skipped {
            0 => String::new(),
            count => format!("; {count} of them had been run before"),
        };
        format!("{complete} complete, {diverged} diverged, {failed} failed{before}")
    }

    fn json(self) -> serde_json::Value {
        serde_json::json!({
            "complete": self.complete,
            "diverged": self.diverged,
            "failed": self.failed,
            "skipped": self.skipped,
        })
    }
}

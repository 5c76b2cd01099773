//! `sweep task`: one task or a chunk, for whoever starts processes on other machines.

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::super::common::{Common, set_threads};
use super::super::error::CliError;
use super::super::terminal::{plain, print, say};
use super::{Tally, again, listen, stopped};
use crate::store::ReportError;
use crate::sweep::{Sweep, SweepError, Task, TaskEnd, run_task};

#[derive(Clone, Debug, Args)]
pub(crate) struct TaskArgs {
    /// The folder of the sweep
    folder: PathBuf,
    /// The task of this name
    #[arg(long, value_name = "ID", conflicts_with_all = ["index", "chunk"])]
    id: Option<String>,
    /// The task of this number, from 0; with --chunk the chunk of this number [default: what `HQ_ENTRY` or `SLURM_ARRAY_TASK_ID` says]
    #[arg(long, value_name = "N")]
    index: Option<u64>,
    /// Run so many tasks, one after the other
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    chunk: u64,
    /// Number of threads; the result does not depend on it
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,
    /// Draw the floors of each task anew, in place of those that an earlier one has left in the folder of the sweep
    #[arg(long)]
    no_cache: bool,
}

/// What `HyperQueue` gives a task of an array that was submitted with `--from-json`.
const ENTRY: &str = "HQ_ENTRY";
/// What Slurm gives a task of an array.
const ARRAY: &str = "SLURM_ARRAY_TASK_ID";

pub(crate) fn task(args: &TaskArgs, common: Common) -> Result<ExitCode, CliError> {
    set_threads(Some(args.threads))?;
    let stop = listen(again(&args.folder))?;
    let sweep = Sweep::open(&args.folder)?.without_cache(args.no_cache);
    let (mut tally, mut in_use) = (Tally::default(), None);
    for task in args.tasks(&sweep)? {
        let end = match run_task(&sweep, &task, &stop) {
            Ok(end) => end,
            // Of a chunk the others are done first.
            Err(error @ SweepError::Report(ReportError::InUse { .. })) => {
                in_use.get_or_insert(error);
                continue;
            }
            Err(error) => return Err(stopped(error, &again(&args.folder))),
        };
        let (result, skipped) = match &end {
            TaskEnd::Ran(result) => (result, false),
            TaskEnd::Skipped(result) => (result, true),
        };
        tally.count(result, skipped);
        if !common.quiet {
            let before = if skipped { " (run before)" } else { "" };
            say(&plain(&format!(
                "task {} ({}){before}: {}",
                task.index, task.id, result.ending
            )));
        }
    }
    if let Some(error) = in_use {
        return Err(stopped(error, &again(&args.folder)));
    }
    if common.json {
        return print(&format!("{:#}\n", tally.json()));
    }
    if args.chunk > 1 && !common.quiet {
        say(&tally.words());
    }
    Ok(ExitCode::SUCCESS)
}

impl TaskArgs {
    /// What to run.
    fn tasks(&self, sweep: &Sweep) -> Result<Vec<Task>, CliError> {
        if let Some(id) = &self.id {
            return Ok(vec![sweep.named(id)?]);
        }
        let (index, who) = match self.index {
            Some(index) => (index, "--index"),
            // Workers of HyperQueue may themselves be an array of Slurm's, so that its own word comes first.
            None => match env::var(ENTRY) {
                Ok(_) if self.chunk > 1 => {
                    return Err(CliError::Usage(format!(
                        "{ENTRY} names one task, and `--chunk` counts numbers of tasks: take one of them away"
                    )));
                }
                Ok(entry) => return Ok(vec![entered(sweep, &entry)?]),
                Err(_) => (numbered()?, ARRAY),
            },
        };
        let last = sweep.count().saturating_sub(1) / self.chunk;
        if index > last {
            let what = if self.chunk > 1 { "chunk" } else { "task" };
            return Err(CliError::Usage(format!(
                "{who} is {index}, and there is no such {what}: {} has {}s 0 to {last}",
                self.folder.display(),
                what
            )));
        }
        Ok(sweep.chunk(index * self.chunk, self.chunk)?)
    }
}

/// The task that `HyperQueue` names.
fn entered(sweep: &Sweep, entry: &str) -> Result<Task, CliError> {
    let parsed: Option<Value> = serde_json::from_str(entry).ok();
    // Looked up, so that nothing but what was planned is run.
    let index = parsed.as_ref().and_then(|entry| entry["index"].as_u64());
    let id = parsed.as_ref().and_then(|entry| entry["id"].as_str());
    let (Some(index), Some(id)) = (index, id) else {
        return Err(CliError::Usage(format!(
            "{ENTRY} is `{entry}`, which is no task of a sweep: submit with `--from-json DIR/tasks.json`, or name the task with `--id` or `--index`"
        )));
    };
    let found = sweep
        .chunk(index, 1)?
        .into_iter()
        .find(|task| task.id == id);
    found.map_or_else(|| Ok(sweep.named(id)?), Ok)
}

/// The number that Slurm gives.
fn numbered() -> Result<u64, CliError> {
    let Ok(text) = env::var(ARRAY) else {
        return Err(CliError::Usage(format!(
            "which task? Name it with `--id ID` or `--index N`, or start it from HyperQueue or a Slurm array, which set {ENTRY} or {ARRAY}"
        )));
    };
    text.trim().parse().map_err(|_| {
        CliError::Usage(format!(
            "{ARRAY} is `{text}`, which is no number of a task: use `sbatch --array=0-N`"
        ))
    })
}

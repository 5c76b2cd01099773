//! One task: run if it is not done, in a folder of its own.

use std::path::Path;
use std::time::Instant;

use super::error::SweepError;
use super::head::{Sweep, Task};
use super::result::{TaskResult, Timing};
use crate::experiment::Experiment;
use crate::record::{Opened, StopToken, Unfinished, record, rehearse_in};
use crate::scenario::Resources;
use crate::store::{Manifest, ReportError, RunDirectory, available, plain};

/// What became of a task.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskEnd {
    /// It was run.
    Ran(TaskResult),
    /// It had been run before.
    Skipped(TaskResult),
}

/// Folder of the run in that of its task, where runs are recorded.
const RUN: &str = "run";

/// Runs `task` unless it is done, on the threads of the pool that this is called in. A run that fails or diverges is a result. One that was
/// interrupted goes on from its last checkpoint.
///
/// # Errors
/// [`SweepError::Interrupted`] if `stop` says so, [`ReportError::InUse`] if somebody else is at it, [`SweepError::TooMuch`] if the machine has too
/// little memory, and others if files cannot be read or written; the task is not done then.
pub fn run_task(sweep: &Sweep, task: &Task, stop: &StopToken) -> Result<TaskEnd, SweepError> {
    if let Some(done) = TaskResult::load(&sweep.folder, &task.id) {
        return Ok(TaskEnd::Skipped(done));
    }
    let begun = Instant::now();
    let scenario = sweep.scenario(task)?;
    let files = sweep.files();
    let need = Resources::of(&scenario, rayon::current_num_threads()).with_files(&scenario, &files);
    let need = if sweep.head.record {
        need
    } else {
        // Its numbers are a few kilobytes.
        need.without_disk()
    };
    need.fits(available(&sweep.folder))?;
    let name = Sweep::folder_of(&task.id);
    let folder = sweep.folder.join(&name);
    // No link on the way is followed.
    plain::make_folder(&sweep.folder, name.as_ref())
        .map_err(|cause| ReportError::io("create", &folder, cause))?;
    let directory = RunDirectory::take(&folder).map_err(|error| match error {
        ReportError::Occupied { .. } => SweepError::Plan {
            path: folder.clone(),
            reason: "the folder of a task holds files that are not its own, or has lost `.lock`, which lists those that are; remove the folder, and the task is run anew".to_owned(),
        },
        other => other.into(),
    })?;
    // Whoever had it until now may have come to the end.
    if let Some(done) = TaskResult::load(&sweep.folder, &task.id) {
        return Ok(TaskEnd::Skipped(done));
    }
    let experiment = Experiment::new(scenario, &files).map(|mut experiment| {
        if let Some(floors) = &sweep.floors {
            experiment.keep_floors_with(floors.clone());
        }
        experiment
    });
    let result = match experiment {
        Err(error) => Err(error.to_string()),
        Ok(experiment) if sweep.head.record => recorded(sweep, &experiment, &directory, stop)?,
        Ok(experiment) => {
            let done = rehearse_in(&sweep.head.scenario, &experiment, &directory, stop);
            match done {
                Ok(manifest) => Ok(manifest),
                Err(error) => Err(SweepError::of_run(error)?),
            }
        }
    };
    let result = match result {
        Ok(manifest) => TaskResult::new(&task.id, &manifest),
        Err(reason) => TaskResult::failed(&task.id, reason),
    };
    let seconds = begun.elapsed().as_secs_f64();
    put(&directory, Timing::FILE, &Timing { seconds })?;
    put(&directory, TaskResult::FILE, &result)?;
    Ok(TaskEnd::Ran(result))
}

/// Records the run in a folder of the task's, or goes on with it. An `Err` inside is why the run failed.
fn recorded(
    sweep: &Sweep,
    experiment: &Experiment,
    directory: &RunDirectory,
    stop: &StopToken,
) -> Result<Result<Manifest, String>, SweepError> {
    let path = directory.path().join(RUN);
    let done = if plain::is_file(&path, Manifest::FILE) {
        match Unfinished::open(&path)? {
            Opened::Ended(manifest) => return Ok(Ok(manifest)),
            Opened::Unfinished(run) => run.go_on(stop, &mut |_| {}),
        }
    } else {
        let own = directory.part(RUN)?;
        let files = sweep.files();
        record(
            &sweep.head.scenario,
            experiment,
            &files,
            &own,
            stop,
            &mut |_| {},
        )
    };
    match done {
        Ok(record) => Ok(Ok(record.manifest)),
        Err(error) => SweepError::of_run(error).map(Err),
    }
}

/// Writes a file whole or not at all. The disk is not waited for: what a power cut has left empty is run again.
fn put(
    directory: &RunDirectory,
    name: &str,
    value: &impl serde::Serialize,
) -> Result<(), ReportError> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|cause| ReportError::io("write", &directory.path().join(name), cause.into()))?;
    directory.put(name, format!("{text}\n").as_bytes())
}

/// The page of a task's run, below the folder of the sweep, if there is one.
pub(super) fn page_of(sweep: &Path, id: &str) -> Option<String> {
    let page = format!("{}/{RUN}/{}", Sweep::folder_of(id), crate::page::Page::FILE);
    plain::is_file(sweep, &page).then_some(page)
}

//! `run`: simulates one scenario and records it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;

use super::common::{Cache, Common, Threads};
use super::error::CliError;
use super::load::ScenarioArgs;
use super::preview::{self, Preview};
use super::progress::{Progress, Shown};
use super::signal::Signal;
use super::summary;
use super::terminal::{plain, print, print_path, say, warn};
use crate::record::{StopToken, record};
use crate::store::{Manifest, RunDirectory, Status};

#[derive(Clone, Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    scenario: ScenarioArgs,
    /// Write into this folder, new or empty, instead of `output/<scenario>/<NNN>`
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// With --out: replace an earlier run there
    #[arg(long, requires = "out")]
    force: bool,
    /// Draw no frames and no animation
    #[arg(long)]
    no_frames: bool,
    /// Show the last cloud on the terminal
    #[arg(long)]
    preview: bool,
    /// How progress is shown on standard error
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    progress: Shown,
    #[command(flatten)]
    threads: Threads,
    #[command(flatten)]
    cache: Cache,
}

pub(super) fn run(args: &RunArgs, common: Common) -> Result<ExitCode, CliError> {
    args.threads.start()?;
    let stop = listen()?;
    let mut loaded = args
        .scenario
        .load(args.out.as_deref().unwrap_or(Path::new("output")))?;
    if args.no_frames {
        loaded.experiment.scenario.output.animation = false;
    }
    args.cache.serve([&mut loaded.experiment]);
    let experiment = &loaded.experiment;
    let directory = match &args.out {
        Some(path) => RunDirectory::at(path, args.force)?,
        None => RunDirectory::create("output".as_ref(), &loaded.name)?,
    };
    if !common.quiet {
        warn(&experiment.warnings);
    }
    let began = Instant::now();
    let progress = Progress::new(experiment.scenario.flow.steps, args.progress, common.quiet);
    let record = record(
        &loaded.name,
        experiment,
        &*loaded.files,
        &directory,
        &stop,
        &mut |seen| progress.show(&loaded.name, experiment.scenario.seed, seen),
    );
    progress.clear();
    let record = record.map_err(|error| CliError::of_run(error, directory.path()))?;
    if !common.quiet {
        if args.preview {
            preview::show(&[Preview::of("", experiment, &record, true)]);
        }
        let seconds = began.elapsed().as_secs_f64();
        let told = experiment.warnings.len();
        summary::tell(
            &experiment.scenario,
            &record,
            directory.path(),
            (seconds, told),
            &loaded.changed,
        );
    }
    print_run(directory.path(), &record.manifest, common)
}

/// The result on standard output, and the exit code.
pub(super) fn print_run(
    directory: &Path,
    manifest: &Manifest,
    common: Common,
) -> Result<ExitCode, CliError> {
    if common.json {
        let manifest =
            serde_json::to_value(manifest).map_err(|error| CliError::Run(error.to_string()))?;
        let object =
            serde_json::json!({ "directory": directory.to_string_lossy(), "run": manifest });
        print(&format!("{object:#}\n"))?;
    } else {
        print_path(directory)?;
    }
    Ok(match manifest.status {
        Status::Diverged => ExitCode::from(4),
        _ => ExitCode::SUCCESS,
    })
}

/// From now on Ctrl-C, SIGTERM and their like let the runs write a checkpoint first.
pub(super) fn listen() -> Result<StopToken, CliError> {
    Signal::listen(|text| say(&plain(text)))
        .map_err(|error| CliError::io("cannot listen for signals", error))
}

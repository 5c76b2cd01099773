//! `run`: simulates one scenario and records it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;

use super::common::Common;
use super::error::CliError;
use super::load::ScenarioArgs;
use super::preview::{self, Preview};
use super::progress::Progress;
use super::signal::Signal;
use super::summary;
use super::terminal::{plain, print, print_path, say, warn};
use crate::record::{StopToken, record};
use crate::store::{Manifest, RunDirectory, Status, room_for_threads};

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
    /// Number of threads; the result does not depend on it [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

pub(super) fn run(args: &RunArgs, common: Common) -> Result<ExitCode, CliError> {
    set_threads(args.threads)?;
    let stop = listen()?;
    let mut loaded = args
        .scenario
        .load(args.out.as_deref().unwrap_or(Path::new("output")))?;
    if args.no_frames {
        loaded.experiment.scenario.output.frames = 0;
    }
    let experiment = &loaded.experiment;
    let directory = match &args.out {
        Some(path) => RunDirectory::at(path, args.force)?,
        None => RunDirectory::create("output".as_ref(), &loaded.name)?,
    };
    if !common.quiet {
        warn(&experiment.warnings);
    }
    let began = Instant::now();
    let progress = Progress::new(experiment.scenario.flow.steps, common.quiet);
    let record = record(
        &loaded.name,
        experiment,
        &*loaded.files,
        &directory,
        &stop,
        &mut |step, mark| progress.show(step, mark),
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
            seconds,
            told,
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

/// Most threads that can be asked for.
const MOST_THREADS: usize = 1024;

/// Starts the threads that everything uses: so many, or as many as `RAYON_NUM_THREADS` says, or one per core.
///
/// More than one per core must have room in the address space without a doubt.
pub(super) fn set_threads(threads: Option<u16>) -> Result<(), CliError> {
    let wished = std::env::var("RAYON_NUM_THREADS").unwrap_or_default();
    let wished = wished.parse().unwrap_or(0);
    // So many may be had, and then do nothing but look for work.
    if threads.is_none() && wished > MOST_THREADS {
        return Err(CliError::Run(format!(
            "RAYON_NUM_THREADS is {wished}: at most {MOST_THREADS} threads are started; ask for fewer, or with `--threads 1`"
        )));
    }
    let asked = threads.map_or(wished, usize::from);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let room = usize::try_from(room_for_threads()).unwrap_or(usize::MAX);
    if asked > room.max(cores) {
        return Err(CliError::Run(format!(
            "cannot start {asked} threads: the limit of the address space (ulimit -v) has room for {room}; ask for fewer, `--threads 1` for one, or raise it"
        )));
    }
    let count = if asked > 0 { asked } else { cores };
    // Also where none is asked for: later it would be a panic.
    rayon::ThreadPoolBuilder::new()
        .num_threads(count)
        .build_global()
        .map_err(|error| {
            CliError::Run(format!(
                "cannot start {count} threads: {error}; ask for fewer with `--threads 1`, or raise the limit of processes (ulimit -u)"
            ))
        })
}

//! Options that several commands have.

use std::sync::Arc;

use clap::{Args, ValueEnum};
use etcetera::{BaseStrategy as _, choose_base_strategy};

use super::error::CliError;
use crate::experiment::Experiment;
use crate::store::{FloorStore, room_for_threads};

/// Options that every command has.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Common {
    /// Print results and errors only
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// Print one JSON object on standard output instead of text
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(super) color: Color,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

/// How many threads work.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Threads {
    /// Number of threads; the result does not depend on it [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

impl Threads {
    pub(super) fn start(self) -> Result<(), CliError> {
        set_threads(self.threads)
    }
}

/// Where floors are looked for before they are drawn.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Cache {
    /// Draw the floors anew, and do not keep them for the next run of this target, sizes, measures and seed
    #[arg(long)]
    no_cache: bool,
}

impl Cache {
    /// Keeps the floors of experiments of one process, for others too in the user's folder for caches, if there is one.
    pub(super) fn serve<'e>(self, experiments: impl IntoIterator<Item = &'e mut Experiment>) {
        let own = choose_base_strategy().ok().filter(|_| !self.no_cache);
        let store = own.map_or_else(FloorStore::default, |own| {
            FloorStore::at(own.cache_dir().join("ratioflow").join("floors"))
        });
        let store = Arc::new(store);
        for experiment in experiments {
            experiment.keep_floors_with(store.clone());
        }
    }
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

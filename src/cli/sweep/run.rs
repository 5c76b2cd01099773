//! `sweep run`: the tasks of a plan on this machine.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::super::common::{Common, set_threads};
use super::super::error::CliError;
use super::super::terminal::{plain, print, print_path, say, warn};
use super::{Tally, again, listen, stopped, typed};
use crate::record::StopToken;
use crate::store::{ReportError, Status, free_memory};
use crate::sweep::{Sweep, SweepError, Task, TaskEnd, TaskResult, run_task};

#[derive(Clone, Debug, Args)]
pub(crate) struct RunArgs {
    /// The folder of the sweep
    folder: PathBuf,
    /// Run so many tasks at once, one thread each [default: one per core]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Begin no further task when one has failed or diverged
    #[arg(long)]
    fail_fast: bool,
    /// Draw the floors of each task anew, in place of those that an earlier one has left in the folder of the sweep
    #[arg(long)]
    no_cache: bool,
}

/// How long before a task that another process is at is looked at again.
const AGAIN: Duration = Duration::from_millis(500);
/// So many tasks in a row that cannot be done are enough.
const HOPELESS: usize = 20;
/// So many troubles are told one by one.
const TOLD: usize = 10;

/// What the workers share.
struct Shared<'a> {
    sweep: &'a Sweep,
    stop: &'a StopToken,
    fail_fast: bool,
    bar: ProgressBar,
    quiet: bool,
    state: Mutex<State>,
}

struct State {
    /// What is left to do, in its order.
    tasks: Box<dyn Iterator<Item = Task> + Send>,
    tally: Tally,
    /// Tasks that other processes are at, to be looked at again when all others are done.
    elsewhere: Vec<Task>,
    /// Whether it was told that these are waited for.
    told: bool,
    /// Tasks that could not be run or looked at, and why; and how many of them came one after the other.
    troubles: Vec<(Task, SweepError)>,
    in_a_row: usize,
    /// How many runs failed or diverged, by what they said.
    reasons: BTreeMap<String, u64>,
    /// Why nobody begins a task any more.
    end: Option<End>,
}

enum End {
    Error(SweepError),
    Failed(String),
}

pub(crate) fn run(args: &RunArgs, common: Common) -> Result<ExitCode, CliError> {
    set_threads(Some(1))?;
    let stop = listen(again(&args.folder))?;
    let sweep = Sweep::open(&args.folder)?.without_cache(args.no_cache);
    let mut tally = Tally::default();
    let mut left = Vec::new();
    for task in sweep.tasks()? {
        let task = task?;
        match TaskResult::load(sweep.folder(), &task.id) {
            Some(result) => tally.count(&result, true),
            None => left.push(task),
        }
    }
    let jobs = jobs(args.jobs, &sweep, left.len(), common);
    let shared = Shared {
        sweep: &sweep,
        stop: &stop,
        fail_fast: args.fail_fast,
        bar: bar(sweep.count(), tally.done(), common.quiet),
        quiet: common.quiet,
        state: Mutex::new(State {
            tasks: Box::new(left.into_iter()),
            tally,
            elsewhere: Vec::new(),
            told: false,
            troubles: Vec::new(),
            in_a_row: 0,
            reasons: BTreeMap::new(),
            end: None,
        }),
    };
    let panicked = thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(|| shared.work())).collect();
        // Each of them is waited for, whatever became of the others.
        let ended = workers.into_iter().map(thread::ScopedJoinHandle::join);
        ended.filter(Result::is_err).count() > 0
    });
    shared.bar.finish_and_clear();
    let state = shared
        .state
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    finish(state, panicked, args, &sweep, common)
}

/// Says what came of it.
fn finish(
    state: State,
    panicked: bool,
    args: &RunArgs,
    sweep: &Sweep,
    common: Common,
) -> Result<ExitCode, CliError> {
    let again = again(&args.folder);
    if !common.quiet {
        for (reason, count) in &state.reasons {
            say(&plain(&format!("{count} × {reason}")));
        }
        let of = sweep.count();
        say(&format!(
            "{} of {of} tasks are done: {}",
            state.tally.done(),
            state.tally.words()
        ));
    }
    match state.end {
        Some(End::Error(error)) => return Err(stopped(error, &again)),
        Some(End::Failed(what)) => {
            return Err(CliError::Run(format!(
                "{what}; --fail-fast begins no further task; go on with `{again}`"
            )));
        }
        None if panicked => {
            let text = format!(
                "a task has ended by a fault of the program; the others are done, and `{again}` tries it again"
            );
            return Err(CliError::Run(text));
        }
        None => {}
    }
    let count = state.troubles.len();
    let mut troubles = state.troubles.into_iter();
    if let Some((task, error)) = troubles.next() {
        if !common.quiet {
            for (task, error) in troubles.take(TOLD) {
                say(&plain(&format!(
                    "task {} ({}): {error}",
                    task.index, task.id
                )));
            }
            say(&format!(
                "{count} of the tasks could not be done; when what hinders them is gone, `{again}` does them. The first is {} ({}):",
                task.index, task.id
            ));
        }
        return Err(stopped(error, &again));
    }
    if common.json {
        return print(&format!("{:#}\n", state.tally.json()));
    }
    if !common.quiet {
        say(&plain(&format!(
            "collect it with `ratioflow sweep collect {}`",
            typed(&args.folder)
        )));
    }
    print_path(&args.folder)
}

/// How many tasks run at once: as many as are wished, wanted, and have room in the memory.
fn jobs(wished: Option<u16>, sweep: &Sweep, left: usize, common: Common) -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let wished = wished.map_or(cores, usize::from);
    let room = usize::try_from(free_memory() / sweep.memory().max(1))
        .unwrap_or(usize::MAX)
        .max(1);
    if room < wished && !common.quiet {
        let need = sweep.memory() as f64 / 1e6;
        warn(&[format!(
            "{room} tasks run at once and not {wished}: each may need {need:.0} MB of memory"
        )]);
    }
    wished.min(room).min(left)
}

/// Done, failed and diverged, rate and time left; only on a terminal.
fn bar(count: u64, done: u64, quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(count).with_position(done);
    let template = "{wide_bar} {pos}/{len} · {per_sec} · {eta} left · {msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar.reset_eta();
    bar
}

impl Shared<'_> {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one task after the other, on one thread of its own, until none is left.
    fn work(&self) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        let pool = match pool {
            Ok(pool) => pool,
            Err(error) => {
                let text =
                    format!("cannot start a thread: {error}; run fewer tasks at once with `-j`");
                self.state()
                    .end
                    .get_or_insert(End::Error(SweepError::Usage(text)));
                return;
            }
        };
        while let Some(task) = self.next() {
            let done = pool.install(|| run_task(self.sweep, &task, self.stop));
            self.note(&task, done);
        }
    }

    /// The next task, unless there is a reason to begin none.
    fn next(&self) -> Option<Task> {
        let mut state = self.state();
        if state.end.is_some() {
            return None;
        }
        let task = if let Some(task) = state.tasks.next() {
            task
        } else {
            // Whoever is at it may be killed, and then it is ours.
            let task = state.elsewhere.pop()?;
            let count = state.elsewhere.len() + 1;
            let told = std::mem::replace(&mut state.told, true);
            drop(state);
            if !(told || self.quiet) {
                say(&format!(
                    "all other tasks are done: waiting for {count} that other processes are at"
                ));
            }
            self.bar.set_message("waiting for other processes");
            thread::sleep(AGAIN);
            state = self.state();
            task
        };
        if let Some(by) = self.stop.asked() {
            let stop = crate::record::Interrupted { by, step: 0 };
            state
                .end
                .get_or_insert(End::Error(SweepError::Interrupted(stop)));
            return None;
        }
        Some(task)
    }

    fn note(&self, task: &Task, done: Result<TaskEnd, SweepError>) {
        let mut state = self.state();
        let (result, skipped) = match done {
            Ok(TaskEnd::Ran(result)) => (result, false),
            Ok(TaskEnd::Skipped(result)) => (result, true),
            // Somebody else is at it.
            Err(SweepError::Report(ReportError::InUse { .. })) => {
                state.elsewhere.insert(0, task.clone());
                return;
            }
            Err(error @ SweepError::Interrupted(_)) => {
                state.end.get_or_insert(End::Error(error));
                return;
            }
            // What is wrong with one folder is no matter of the others; what is wrong with all ends the run.
            Err(error) => {
                state.in_a_row += 1;
                if state.in_a_row >= HOPELESS {
                    state.end.get_or_insert(End::Error(error));
                } else {
                    state.troubles.push((task.clone(), error));
                }
                return;
            }
        };
        state.in_a_row = 0;
        state.tally.count(&result, skipped);
        if result.status != Status::Complete {
            if self.fail_fast {
                let what = format!("task {} ({}): {}", task.index, task.id, result.ending);
                state.end.get_or_insert(End::Failed(what));
            }
            // Of very many that fail, each in its own words, the first are enough.
            if !self.quiet
                && (state.reasons.len() < 20 || state.reasons.contains_key(&result.ending))
            {
                *state.reasons.entry(result.ending).or_default() += 1;
            }
        }
        self.bar.inc(1);
        let Tally {
            diverged, failed, ..
        } = state.tally;
        self.bar
            .set_message(format!("{failed} failed, {diverged} diverged"));
    }
}

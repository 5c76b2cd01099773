//! Signals that ask this process to stop: noted when they come, obeyed by the runs at their next step.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};
use std::{process, thread};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGXCPU, SIGXFSZ};
use signal_hook::iterator::Signals;

use super::manifest::{Manifest, Status};
use super::resume::comparison_above;

/// Number of the signal that came; 0: none yet.
static ASKED: AtomicUsize = AtomicUsize::new(0);

/// How often a checkpoint was asked for.
static CHECKPOINTS: AtomicUsize = AtomicUsize::new(0);

/// Directories of the runs in progress.
static RUNS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Signals closer together than this are one: `timeout` sends its own twice, to the process and to its group.
const TOGETHER: Duration = Duration::from_millis(100);

/// How long a run may take, from then on, to stop by itself. It looks at every step, and a step can be long.
const PATIENCE: Duration = Duration::from_millis(1300);

/// A signal that asks for an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// What `kill` and batch systems send.
    Terminate,
    /// The terminal is gone.
    HangUp,
    /// The time of the processor that was allowed is used up.
    OutOfTime,
}

impl Signal {
    const ALL: [Self; 4] = [
        Self::Interrupt,
        Self::Terminate,
        Self::HangUp,
        Self::OutOfTime,
    ];

    fn number(self) -> i32 {
        match self {
            Self::Interrupt => SIGINT,
            Self::Terminate => SIGTERM,
            Self::HangUp => SIGHUP,
            Self::OutOfTime => SIGXCPU,
        }
    }

    /// What a process that it ends exits with: 128 and its number, such as 130 or 143.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        128 + self.number() as u8
    }

    /// Its name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "Ctrl-C",
            Self::Terminate => "SIGTERM",
            Self::HangUp => "SIGHUP",
            Self::OutOfTime => "SIGXCPU",
        }
    }

    fn of(number: usize) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|signal| signal.number() as usize == number)
    }

    /// The signal that came, if one did.
    #[must_use]
    pub fn asked() -> Option<Self> {
        Self::of(ASKED.load(Ordering::Relaxed))
    }

    /// How often SIGUSR1 has asked for a checkpoint, with which a run goes on.
    pub(super) fn checkpoints_wished() -> usize {
        CHECKPOINTS.load(Ordering::Relaxed)
    }

    /// Asks the runs of this process to stop, as the signal does: each writes a checkpoint at its next step and ends
    /// with [`Interrupted`](super::Interrupted).
    pub fn ask(self) {
        ASKED.store(self.number() as usize, Ordering::Relaxed);
    }

    /// Forgets what was asked, so that runs can begin again.
    pub fn forget() {
        ASKED.store(0, Ordering::Relaxed);
    }

    /// From now on a signal asks the runs to stop instead of ending the process. A second one ends it at once, and
    /// so does the first if a run takes longer than the user's patience: then its last checkpoint is what is left, and
    /// `tell` is given a line about it. Whoever started the program so that it does not hear of Ctrl-C or a lost terminal
    /// (`nohup`, a job in the background of a script) is obeyed. SIGUSR1 asks for a checkpoint and nothing else.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn listen(tell: impl Fn(&str) + Clone + Send + 'static) -> io::Result<()> {
        let ignored = ignored();
        let heard = Self::ALL.map(Self::number).into_iter();
        let heard = heard.filter(|number| !ignored.contains(number));
        let mut signals = Signals::new(heard.chain([SIGUSR1]))?;
        let mut first: Option<Instant> = None;
        let listener = move || {
            for number in signals.forever() {
                if number == SIGUSR1 {
                    CHECKPOINTS.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                let Some(signal) = Self::of(number as usize) else {
                    continue;
                };
                match first {
                    None => {
                        first = Some(Instant::now());
                        signal.ask();
                        let tell = tell.clone();
                        // If no thread is to be had, the run is waited for without a limit.
                        let _ = named("patience", move || {
                            thread::sleep(TOGETHER + PATIENCE);
                            signal.force(true, &tell);
                        });
                    }
                    // It comes again each second, whatever is done about it.
                    Some(_) if signal == Self::OutOfTime => {}
                    Some(first) if first.elapsed() < TOGETHER => {}
                    Some(_) => signal.force(false, &tell),
                }
            }
        };
        named("signals", listener)
    }

    /// Ends the process: no run has stopped by itself. Its manifest is to `mark` that, unless nobody is to be waited for.
    fn force(self, mark: bool, tell: &impl Fn(&str)) -> ! {
        // Kept to the end, so that no run has another last word.
        let runs = if mark {
            Some(runs())
        } else {
            match RUNS.try_lock() {
                Ok(runs) => Some(runs),
                Err(TryLockError::Poisoned(runs)) => Some(runs.into_inner()),
                Err(TryLockError::WouldBlock) => None,
            }
        };
        let mut folders = BTreeSet::new();
        for run in runs.iter().flat_map(|runs| runs.iter()) {
            if mark {
                // There is nobody left to tell that this failed.
                let _ = self.mark(run);
            }
            folders.insert(comparison_above(run).unwrap_or_else(|| run.clone()));
        }
        let name = self.name();
        if folders.is_empty() {
            tell(&format!("ended by {name}; no run was going on"));
        }
        for folder in folders {
            tell(&format!(
                "ended by {name} in the middle of a step; go on from the last checkpoint with `ratioflow resume {}`",
                folder.display()
            ));
        }
        process::exit(i32::from(self.exit_code()));
    }

    /// Notes in the manifest of a run that it was stopped.
    fn mark(self, run: &Path) -> Result<(), super::ReportError> {
        let mut manifest = Manifest::load(run)?;
        manifest.status = Status::Interrupted;
        manifest.ending = Some(format!("stopped by {}", self.name()));
        manifest.save_in(run)
    }
}

/// A run in progress: until [`end`](Self::end) its manifest says `running`, or `interrupted` if a signal cuts it short.
pub(super) struct InProgress<'a>(&'a Path);

impl<'a> InProgress<'a> {
    pub(super) fn begin(run: &'a Path) -> Self {
        runs().push(run.to_owned());
        Self(run)
    }

    /// Writes the last word on the run, and lets no signal come between.
    pub(super) fn end<T>(self, last_word: impl FnOnce() -> T) -> T {
        let mut runs = runs();
        let said = last_word();
        runs.retain(|run| run != self.0);
        said
    }
}

fn runs() -> MutexGuard<'static, Vec<PathBuf>> {
    RUNS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on a file that grows beyond what the system allows (`ulimit -f`) is an error of writing and not the end of the process.
///
/// # Errors
/// What the operating system says.
pub fn outlive_file_limits() -> io::Result<()> {
    signal_hook::flag::register(SIGXFSZ, Arc::default()).map(drop)
}

fn named(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = thread::Builder::new().name(name.to_owned());
    thread.spawn(work).map(drop)
}

/// Ctrl-C and the loss of the terminal, where whoever started this process has it ignore them. Only Linux tells.
fn ignored() -> Vec<i32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let is_ignored = |number: &i32| mask.unwrap_or(0) >> (number - 1) & 1 == 1;
    [SIGINT, SIGHUP].into_iter().filter(is_ignored).collect()
}

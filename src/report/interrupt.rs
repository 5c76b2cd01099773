//! Signals that ask this process to stop: noted when they come, obeyed by the runs at their next step.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{process, thread};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::manifest::{Manifest, Status};

/// Number of the signal that came; 0: none yet.
static ASKED: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

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
}

impl Signal {
    const ALL: [Self; 2] = [Self::Interrupt, Self::Terminate];

    fn number(self) -> i32 {
        match self {
            Self::Interrupt => SIGINT,
            Self::Terminate => SIGTERM,
        }
    }

    /// What a process that it ends exits with: 130 or 143.
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
        }
    }

    /// The signal that came, if one did.
    #[must_use]
    pub fn asked() -> Option<Self> {
        let number = ASKED.load(Ordering::Relaxed);
        Self::ALL
            .into_iter()
            .find(|signal| signal.number() as usize == number)
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
    /// so does the first if a run takes longer than the user's patience: then its last checkpoint is what is left.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn listen() -> io::Result<()> {
        let again = Arc::new(AtomicBool::new(false));
        for signal in Self::ALL {
            let number = signal.number();
            flag::register_conditional_shutdown(
                number,
                i32::from(signal.exit_code()),
                again.clone(),
            )?;
            flag::register_usize(number, ASKED.clone(), number as usize)?;
        }
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                let signal = loop {
                    if let Some(signal) = Self::asked() {
                        break signal;
                    }
                    thread::sleep(Duration::from_millis(50));
                };
                thread::sleep(TOGETHER);
                again.store(true, Ordering::Relaxed);
                thread::sleep(PATIENCE);
                // Kept to the end, so that no run has another last word.
                let runs = runs();
                for run in runs.iter() {
                    // There is nobody left to tell that this failed.
                    let _ = signal.mark(run);
                }
                process::exit(i32::from(signal.exit_code()));
            })?;
        Ok(())
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

//! Work away from the interpreter: on a thread of its own, while the caller's looks for signals.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// How long a signal, such as Ctrl-C, waits at most.
pub(crate) const PATIENCE: Duration = Duration::from_millis(50);

/// The process that has started the threads of the engine.
static FIRST: OnceLock<u32> = OnceLock::new();
/// Threads for a process that was forked from that one, which has none of its threads.
static FORKED: Mutex<Option<(u32, &'static ThreadPool)>> = Mutex::new(None);

/// Why work gave no result.
pub(crate) enum Failure {
    /// The engine panicked, with this message.
    Panic(String),
    /// Its threads could not be started.
    Threads(String),
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        PyRuntimeError::new_err(match failure {
            Failure::Panic(message) => {
                format!("a bug in ratioflow, please report it: {message}")
            }
            Failure::Threads(error) => format!(
                "cannot start the threads of the engine: {error}; ask for fewer with the environment variable RAYON_NUM_THREADS, or raise the limit of processes (ulimit -u)"
            ),
        })
    }
}

/// Does `work` where the engine finds its threads. A panic of the engine ends here.
pub(crate) fn engage<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, Failure> {
    let guarded = || catch_unwind(AssertUnwindSafe(work)).map_err(told);
    // On a thread of the engine already, as within an estimator of one's own.
    if rayon::current_thread_index().is_some() {
        return guarded();
    }
    let own = process::id();
    let mut started = Ok(());
    let first = *FIRST.get_or_init(|| {
        started = ThreadPoolBuilder::new().build_global();
        own
    });
    if let Err(error) = started {
        // Somebody else in this library may have been first; only a pool that cannot be had is an error.
        if rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .is_err()
        {
            return Err(Failure::Threads(error.to_string()));
        }
    }
    if first == own {
        guarded()
    } else {
        forked(own)?.install(guarded)
    }
}

/// The threads of a forked process.
fn forked(own: u32) -> Result<&'static ThreadPool, Failure> {
    let mut forked = FORKED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((process, pool)) = *forked
        && process == own
    {
        return Ok(pool);
    }
    let pool = ThreadPoolBuilder::new().build();
    let pool = pool.map_err(|error| Failure::Threads(error.to_string()))?;
    // It lives as long as the process does.
    let pool: &'static ThreadPool = Box::leak(Box::new(pool));
    *forked = Some((own, pool));
    Ok(pool)
}

/// What a panic says.
fn told(panic: Box<dyn Any + Send>) -> Failure {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    Failure::Panic(text.unwrap_or("a panic without words").to_owned())
}

/// Does `work` on a thread of its own and waits for it, without the lock of the interpreter. A signal ends the waiting with the exception of its
/// handler, such as `KeyboardInterrupt`; the work is then left to itself.
pub(crate) fn watched<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> T + Send + 'static,
) -> PyResult<T> {
    // A thread of the engine must not wait for another that may need it.
    if rayon::current_thread_index().is_some() {
        return Ok(py.detach(|| engage(work))?);
    }
    let (tell, mut told) = mpsc::channel();
    spawn("ratioflow", move || {
        // Nobody listens any more after a signal.
        let _ = tell.send(engage(work));
    })?;
    loop {
        let waited;
        // Away from the interpreter goes only what threads can hand to each other.
        (told, waited) = py.detach(move || {
            let waited = told.recv_timeout(PATIENCE);
            (told, waited)
        });
        match waited {
            Ok(done) => return Ok(done?),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::Panic("the work ended without a word".to_owned()).into());
            }
        }
    }
}

/// Starts a thread.
pub(crate) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> PyResult<()> {
    let thread = thread::Builder::new().name(name.to_owned()).spawn(work);
    match thread {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::Threads(error.to_string()).into()),
    }
}

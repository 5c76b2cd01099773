//! An estimator written in Python, as the engine sees it.

use std::process;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use numpy::{PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use ratioflow::cloud::CloudView;
use ratioflow::discriminator::{Discriminator, FitContext, FitError, Kind, Ratio, StepRule};
use ratioflow::kernel::silverman;

use crate::error::EstimatorError;

/// The first exception that an estimator of one's own has raised in one flow, and a sentence of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Raised(Arc<Mutex<Option<(PyErr, String)>>>);

impl Raised {
    fn keep(&self, error: PyErr, said: String) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert((error, said));
    }

    /// The exception, with the estimator's own as its cause, if there was one. What is no `Exception`, such as `KeyboardInterrupt`, is raised as it is: nobody who
    /// catches errors shall catch it.
    pub(crate) fn take(&self, py: Python<'_>) -> Option<PyErr> {
        // Not locked while Python may run, which whoever keeps another may wait for.
        let first = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (cause, said) = first?;
        if !cause.is_instance_of::<PyException>(py) {
            return Some(cause);
        }
        let error = EstimatorError::new_err(said);
        error.set_cause(py, Some(cause));
        Some(error)
    }
}

/// How many calls of Python go on, in this process, and whether there may be more.
static CALLS: AtomicUsize = AtomicUsize::new(0);
static PROCESS: AtomicU32 = AtomicU32::new(0);
static ENDING: AtomicBool = AtomicBool::new(false);

/// A call of Python that goes on.
struct Call;

impl Call {
    /// Begins a call; nothing once the interpreter is about to end, which would end threads in the middle of it.
    fn begin() -> Option<Self> {
        let own = process::id();
        // What went on in the process that this one was forked from goes on there.
        if PROCESS.swap(own, Ordering::SeqCst) != own {
            CALLS.store(0, Ordering::SeqCst);
        }
        CALLS.fetch_add(1, Ordering::SeqCst);
        let call = Self;
        (!ENDING.load(Ordering::SeqCst)).then_some(call)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        CALLS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Lets no estimator of one's own be asked any more, and waits so many seconds at most for those that are. To be called when the interpreter is about to end.
#[pyfunction]
pub(crate) fn farewell(py: Python<'_>, seconds: f64) -> PyResult<()> {
    ENDING.store(true, Ordering::SeqCst);
    let begun = Instant::now();
    let patience = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default();
    let here = || PROCESS.load(Ordering::SeqCst) == process::id();
    while here() && CALLS.load(Ordering::SeqCst) > 0 && begun.elapsed() < patience {
        py.detach(|| thread::sleep(Duration::from_millis(1)));
        py.check_signals()?;
    }
    Ok(())
}

/// The adapter of the package around an object with `fit` and `evaluate`, which checks what they return.
#[derive(Debug)]
pub(crate) struct Own {
    adapter: Arc<Py<PyAny>>,
    name: &'static str,
    is_log_ratio: bool,
    raised: Raised,
    rule: StepRule,
    /// The step of the last fit.
    step: u64,
}

/// What makes estimators of one's own, each time that a flow begins.
#[derive(Clone, Debug)]
pub(crate) struct OwnEstimator {
    pub(crate) adapter: Arc<Py<PyAny>>,
    pub(crate) name: &'static str,
    pub(crate) is_log_ratio: bool,
}

impl OwnEstimator {
    pub(crate) fn new(adapter: &Bound<'_, PyAny>) -> PyResult<Self> {
        let name: String = adapter.getattr("name")?.extract()?;
        Ok(Self {
            // Errors of the engine name an estimator by a constant; there are as many as classes of estimators in the program.
            name: named(name),
            is_log_ratio: adapter.getattr("is_log_ratio")?.extract()?,
            adapter: Arc::new(adapter.clone().unbind()),
        })
    }

    /// One that has not been fitted; `raised` is where it leaves the exceptions of its flow.
    pub(crate) fn begin(&self, raised: &Raised) -> Own {
        let none = StepRule {
            step_size: 0.0,
            clip: None,
            scale: 1.0,
        };
        Own {
            adapter: Arc::clone(&self.adapter),
            name: self.name,
            is_log_ratio: self.is_log_ratio,
            raised: raised.clone(),
            rule: none,
            step: 0,
        }
    }
}

/// The name as a constant of the program, the same for the same name.
fn named(name: String) -> &'static str {
    static NAMES: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.iter().find(|known| **known == name) {
        return known;
    }
    let name: &'static str = Box::leak(name.into_boxed_str());
    names.push(name);
    name
}

/// Share of a squared bandwidth that is a step where the estimator knows none: what a fitted sum of kernels of that bandwidth bears.
const SHARE: f64 = 0.15;

impl Own {
    /// Calls a method in Python, which may be about to end.
    fn call<T>(
        &self,
        method: &str,
        work: impl FnOnce(Python<'_>, &Bound<'_, PyAny>) -> PyResult<T>,
    ) -> Result<T, String> {
        let ended = || "the interpreter has ended".to_owned();
        let _call = Call::begin().ok_or_else(ended)?;
        let done = Python::try_attach(|py| {
            let adapter = self.adapter.bind(py);
            work(py, adapter).map_err(|error| {
                let (cause, name, step) = (error.to_string(), self.name, self.step);
                let said = format!("at step {step}, `{name}.{method}` failed: {cause}");
                self.raised.keep(error, said);
                cause
            })
        });
        done.unwrap_or_else(|| Err(ended()))
    }
}

impl Discriminator for Own {
    fn fit(
        &mut self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
        round: FitContext,
    ) -> Result<(), FitError> {
        let h = silverman(real);
        let fallback = StepRule {
            step_size: SHARE * h * h,
            clip: Some(0.5 * h),
            scale: h,
        };
        // The seed of the scenario; `index` tells the fits apart.
        let seed = round.stream.seed();
        self.step = round.index / 2;
        let fitted = self.call("fit", |py, adapter| {
            let [real, fake] = [real, fake].map(|side| PyArray2::from_array(py, &side));
            adapter.call_method1("fit", (real, fake, round.index, round.progress, seed))?;
            let rule = adapter.call_method0("step_rule")?;
            rule.extract::<Option<(f64, Option<f64>, f64)>>()
        });
        match fitted {
            Ok(rule) => {
                self.rule = rule.map_or(fallback, |(step_size, clip, scale)| StepRule {
                    step_size,
                    clip,
                    scale,
                });
                Ok(())
            }
            Err(reason) => Err(FitError {
                discriminator: self.name,
                reason,
            }),
        }
    }

    fn evaluate(&self, at: CloudView<'_>, into: &mut Ratio) {
        into.resize(at.nrows());
        let evaluated = self.call("evaluate", |py, adapter| {
            let found = adapter.call_method1("evaluate", (PyArray2::from_array(py, &at),))?;
            let (log, gradient): (PyReadonlyArray1<'_, f64>, PyReadonlyArray2<'_, f64>) =
                found.extract()?;
            into.log.assign(&log.as_array());
            into.gradient.assign(&gradient.as_array());
            Ok(())
        });
        if evaluated.is_err() {
            // The engine refuses these, and whoever drives it tells the exception.
            into.log.fill(f64::NAN);
            into.gradient.fill(f64::NAN);
        }
    }

    fn step_rule(&self) -> StepRule {
        self.rule
    }

    fn kind(&self) -> Kind {
        if self.is_log_ratio {
            Kind::LogRatio
        } else {
            Kind::Gradient
        }
    }

    fn state(&self) -> Vec<f64> {
        Vec::new()
    }
}

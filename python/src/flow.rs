//! A flow as a problem to be solved: step by step, as bare arrays, or as a whole run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::time::{Duration, Instant};

use numpy::{PyArray1, PyArray2};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ratioflow::cloud::Cloud;
use ratioflow::discriminator::Ratio;
use ratioflow::experiment::{Experiment, OwnParts};
use ratioflow::flow::{Flow as Engine, FlowError};

use crate::arrays::{line, table};
use crate::error::{flowed, invalid};
use crate::given::{Found, Given};
use crate::own::{Own, OwnEstimator, Raised};
use crate::run::{Handle, driven, said};
use crate::work::{engage, watched};

/// What is to flow, with everything checked.
#[pyclass(frozen, module = "ratioflow._engine")]
pub(crate) struct Flow {
    name: String,
    experiment: Arc<Experiment>,
    files: Given,
    own: Option<OwnEstimator>,
}

#[pymethods]
impl Flow {
    /// `scenario` is the name of a shipped one, the path of a file, or a dict of settings; `arrays` (n×2) stand for files of these names; `set` holds further
    /// settings under dotted keys; `own` is the adapter of an estimator of one's own, or None.
    #[new]
    #[pyo3(signature = (scenario, arrays, set, own, allow_outside))]
    fn new(
        py: Python<'_>,
        scenario: &Bound<'_, PyAny>,
        arrays: &Bound<'_, PyDict>,
        set: &Bound<'_, PyDict>,
        own: Option<&Bound<'_, PyAny>>,
        allow_outside: bool,
    ) -> PyResult<Self> {
        let found = Found::new(scenario, arrays, set, allow_outside)?;
        let own = own.map(OwnEstimator::new).transpose()?;
        let mut parts = OwnParts::default();
        if let Some(own) = own.clone() {
            // Each start puts another in its place.
            let raised = Raised::default();
            parts = parts.discriminator(own.name, move || -> Own { own.begin(&raised) });
        }
        let experiment = found.experiment(py, parts)?;
        Ok(Self {
            name: found.name,
            experiment: Arc::new(experiment),
            files: found.files,
            own,
        })
    }

    /// Starts a whole run in the background.
    fn start(&self, py: Python<'_>) -> PyResult<Handle> {
        self.begin(py, false)
    }

    /// Starts the bare flow in the background.
    fn start_bare(&self, py: Python<'_>) -> PyResult<Handle> {
        self.begin(py, true)
    }

    /// The flow at its beginning, to be taken step by step.
    fn steps(&self) -> PyResult<Steps> {
        let raised = Raised::default();
        let flow = match &self.own {
            own @ Some(_) => driven(&self.experiment, own.as_ref(), &raised).flow(),
            None => self.experiment.flow(),
        };
        let flow = flow.map_err(|error| invalid(&error))?;
        Ok(Steps {
            core: Arc::new(Mutex::new(Core { flow, seen: None })),
            raised,
            last: AtomicU64::new(u64::MAX),
        })
    }

    /// The name of the scenario.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// The text of the scenario, every default spelled out.
    fn scenario(&self) -> String {
        self.experiment.scenario.to_toml()
    }

    /// What a user should know although it is allowed.
    fn warnings(&self) -> Vec<String> {
        self.experiment.warnings.clone()
    }

    /// The first cloud (n×2), and the target sample (m×2) that the estimator sees.
    fn samples<'py>(
        &self,
        py: Python<'py>,
    ) -> (Bound<'py, PyArray2<f64>>, Bound<'py, PyArray2<f64>>) {
        let (start, real) = (&self.experiment.start, &self.experiment.training);
        (table(py, start.clone()), table(py, real.clone()))
    }
}

impl Flow {
    fn begin(&self, py: Python<'_>, bare: bool) -> PyResult<Handle> {
        let (name, files) = (self.name.clone(), self.files.clone());
        let experiment = Arc::clone(&self.experiment);
        Handle::start(py, name, experiment, files, self.own.as_ref(), bare)
    }
}

/// A flow in progress, and who has looked at its present cloud.
struct Core {
    flow: Engine,
    seen: Option<Weak<Mutex<Storage>>>,
}

/// The memory that an array of Python shows.
enum Storage {
    /// The cloud of a flow that has not moved on.
    Flow(Arc<Mutex<Core>>),
    /// A cloud that its flow has released.
    Kept(Cloud),
}

/// Keeps the memory of a cloud for the arrays that show it.
#[pyclass(frozen, module = "ratioflow._engine")]
pub(crate) struct CloudBuffer {
    storage: Arc<Mutex<Storage>>,
}

#[pymethods]
impl CloudBuffer {
    /// Whether the flow has moved on from this cloud.
    #[getter]
    fn released(&self) -> bool {
        let storage = self.storage.lock().unwrap_or_else(PoisonError::into_inner);
        match &*storage {
            Storage::Flow(_) => false,
            Storage::Kept(cloud) => !cloud.is_empty(),
        }
    }
}

/// The steps of a flow, one at a time.
#[pyclass(frozen, module = "ratioflow._engine")]
pub(crate) struct Steps {
    core: Arc<Mutex<Core>>,
    raised: Raised,
    /// Microseconds that the last step took.
    last: AtomicU64,
}

/// A step that is expected to take less, in microseconds, is taken on the caller's own thread: signals are then heard behind it, soon enough, and no
/// thread has to be started for it.
const SHORT: u64 = 20_000;

/// What a step shows, but for its cloud.
struct Shown {
    index: usize,
    steps: usize,
    time: f64,
    step_size: f64,
    scale: f64,
    displacement: f64,
    is_log_ratio: bool,
    ratio: Ratio,
    velocity: Cloud,
    shares: Vec<f64>,
}

/// A step, and the memory of its cloud.
type Advanced = (Shown, Arc<Mutex<Storage>>);

impl Core {
    /// Moves the flow on; whoever holds its last step keeps the memory of the cloud. `own` is this very core.
    fn advance(&mut self, own: &Arc<Mutex<Self>>) -> Result<Option<Advanced>, FlowError> {
        if let Some(storage) = self.seen.take().and_then(|seen| seen.upgrade()) {
            let kept = Storage::Kept(self.flow.release_cloud());
            *storage.lock().unwrap_or_else(PoisonError::into_inner) = kept;
        }
        let Some(step) = self.flow.advance()? else {
            return Ok(None);
        };
        let shown = Shown {
            index: step.index,
            steps: step.steps,
            time: step.state.time,
            step_size: step.step_size,
            scale: step.scale,
            displacement: step.displacement,
            is_log_ratio: step.field.is_log_ratio(),
            ratio: step.ratio.clone(),
            velocity: step.velocity.to_owned(),
            shares: step.state.shares().to_vec(),
        };
        // Before anybody else can move the flow on.
        let storage = Arc::new(Mutex::new(Storage::Flow(Arc::clone(own))));
        self.seen = Some(Arc::downgrade(&storage));
        Ok(Some((shown, storage)))
    }
}

/// The core, to which an estimator of one's own must not come back while it is asked.
fn locked(core: &Mutex<Core>) -> Option<MutexGuard<'_, Core>> {
    if rayon::current_thread_index().is_none() {
        return Some(core.lock().unwrap_or_else(PoisonError::into_inner));
    }
    match core.try_lock() {
        Ok(core) => Some(core),
        Err(TryLockError::Poisoned(core)) => Some(core.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// The same for a thread that holds the lock of the interpreter, which a step may need before it gives the core back.
fn grasped<'a>(py: Python<'_>, core: &'a Mutex<Core>) -> PyResult<MutexGuard<'a, Core>> {
    /// How long another thread may go on with its step before it is asked again.
    const PAUSE: Duration = Duration::from_millis(1);
    loop {
        match core.try_lock() {
            Ok(core) => return Ok(core),
            Err(TryLockError::Poisoned(core)) => return Ok(core.into_inner()),
            Err(TryLockError::WouldBlock) if rayon::current_thread_index().is_some() => {
                return Err(busy());
            }
            Err(TryLockError::WouldBlock) => {
                py.detach(|| std::thread::sleep(PAUSE));
                py.check_signals()?;
            }
        }
    }
}

fn busy() -> PyErr {
    PyRuntimeError::new_err(
        "this flow is about to take a step: an estimator cannot ask it for another",
    )
}

#[pymethods]
impl Steps {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Step>> {
        let core = Arc::clone(&self.core);
        let step = move || {
            let begun = Instant::now();
            let advanced = locked(&core).map(|mut own| own.advance(&core));
            (advanced, begun.elapsed())
        };
        let (advanced, taken) = if self.last.load(Ordering::Relaxed) < SHORT {
            py.detach(|| engage(step))?
        } else {
            watched(py, step)?
        };
        let taken = u64::try_from(taken.as_micros()).unwrap_or(u64::MAX);
        self.last.store(taken, Ordering::Relaxed);
        let advanced = advanced.ok_or_else(busy)?;
        if let Some(error) = self.raised.take(py) {
            return Err(error);
        }
        let Some((shown, storage)) = advanced.map_err(|error| flowed(&error))? else {
            return Ok(None);
        };
        let buffer = Py::new(py, CloudBuffer { storage })?;
        Ok(Some(Step { shown, buffer }))
    }

    /// How the flow ended: kind, step, and words; None while it goes on.
    fn ending(&self, py: Python<'_>) -> PyResult<Option<(String, usize, String)>> {
        let core = Arc::clone(&self.core);
        let ending = py.detach(move || {
            let core = locked(&core)?;
            Some((core.flow.ending().cloned(), core.flow.state().step))
        });
        let (ending, step) = ending.ok_or_else(busy)?;
        Ok(ending.map(|ending| {
            let facts = ending.facts(step);
            let kind = format!("{:?}", facts.kind).to_lowercase();
            (kind, facts.step, said(&ending))
        }))
    }

    /// Ends the flow where it stands, for this reason.
    fn stop(&self, py: Python<'_>, reason: String) -> PyResult<()> {
        let core = Arc::clone(&self.core);
        let stopped = py.detach(move || locked(&core).map(|mut core| core.flow.stop(reason)));
        stopped.ok_or_else(busy)
    }
}

/// A step of a flow: the cloud, and what was estimated there.
#[pyclass(frozen, module = "ratioflow._engine")]
pub(crate) struct Step {
    shown: Shown,
    buffer: Py<CloudBuffer>,
}

#[pymethods]
impl Step {
    /// Steps done.
    #[getter]
    fn index(&self) -> usize {
        self.shown.index
    }

    /// Steps of the whole flow.
    #[getter]
    fn steps(&self) -> usize {
        self.shown.steps
    }

    /// Σ ε over the steps done, in squared units of the target.
    #[getter]
    fn time(&self) -> f64 {
        self.shown.time
    }

    /// ε of the step to come, in squared units of the target.
    #[getter]
    fn step_size(&self) -> f64 {
        self.shown.step_size
    }

    /// Length over which the estimate is smooth, in the target's units.
    #[getter]
    fn scale(&self) -> f64 {
        self.shown.scale
    }

    /// Root mean square distance of the particles from where they began, in the target's units.
    #[getter]
    fn displacement(&self) -> f64 {
        self.shown.displacement
    }

    /// Whether `ratio` is a log ratio, and not some other function that the estimator follows.
    #[getter]
    fn is_log_ratio(&self) -> bool {
        self.shown.is_log_ratio
    }

    /// The particles (n×2): the engine's own memory, read only and never copied. It stays as it is when the flow moves on.
    #[getter]
    #[expect(
        unsafe_code,
        reason = "memory of the engine, shown to NumPy without a copy"
    )]
    fn cloud<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let buffer = self.buffer.bind(py);
        let own = &buffer.get().storage;
        let of = {
            let storage = own.lock().unwrap_or_else(PoisonError::into_inner);
            match &*storage {
                Storage::Flow(core) => Some(Arc::clone(core)),
                Storage::Kept(_) => None,
            }
        };
        // While it is held, the flow does not move on.
        let core = of.as_ref().map(|core| grasped(py, core)).transpose()?;
        let storage = own.lock().unwrap_or_else(PoisonError::into_inner);
        let cloud = match (&*storage, &core) {
            (Storage::Kept(cloud), _) => cloud,
            (Storage::Flow(_), Some(core)) => &core.flow.state().cloud,
            (Storage::Flow(_), None) => return Err(busy()),
        };
        // SAFETY: `buffer` is the base of the array and outlives it. Through its storage it keeps the flow that holds the cloud, or the cloud
        // itself: before a flow replaces the cloud of a step that was handed out, it moves it there, which leaves the elements where they are.
        // Nobody writes to them: the engine makes a new cloud at each step, and to Python the array is read only.
        let array = unsafe { PyArray2::borrow_from_array(cloud, buffer.clone().into_any()) };
        array.getattr("flags")?.setattr("writeable", false)?;
        Ok(array.into_any())
    }

    /// `D` at the particles (n): the estimated log ratio.
    #[getter]
    fn ratio<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        line(py, self.shown.ratio.log.clone())
    }

    /// `∇D` at the particles (n×2), in inverse units of the target.
    #[getter]
    fn gradient<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f64>> {
        table(py, self.shown.ratio.gradient.clone())
    }

    /// Velocity of the particles (n×2).
    #[getter]
    fn velocity<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f64>> {
        table(py, self.shown.velocity.clone())
    }

    /// Weights of the particles (n), which sum to one; None where all are equal.
    #[getter]
    fn weights<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArray1<f64>>> {
        let shares = &self.shown.shares;
        let n = shares.len() as f64;
        (!shares.is_empty()).then(|| PyArray1::from_iter(py, shares.iter().map(|share| share / n)))
    }

    fn __repr__(&self) -> String {
        let Shown {
            index, steps, time, ..
        } = &self.shown;
        format!("<Step {index} of {steps}, time {time:.4}>")
    }
}

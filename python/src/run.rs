//! A run that goes on in the background, and what it comes to.

use std::path::PathBuf;
use std::process;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use ndarray::{Array1, Array2, Array3, Array4, Axis};
use numpy::{PyArray1, PyArray2};
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ratioflow::experiment::Experiment;
use ratioflow::film::Snapshot;
use ratioflow::flow::Ending;
use ratioflow::record::{MemoryRun, RunError, run_in_memory};
use ratioflow::render::Gauge;
use ratioflow::store::RunDirectory;

use crate::arrays::{line, stack, table};
use crate::control::Control;
use crate::error::{ran, reported};
use crate::generator::Generator;
use crate::given::Given;
use crate::own::{Own, OwnEstimator, Raised};
use crate::solution::{SolutionData, Solved, solve};
use crate::work::{Failure, engage, spawn, watched};

/// What a job in the background comes to.
enum Outcome {
    Run(Box<Result<MemoryRun, RunError>>),
    Solution(Box<Result<Solved, RunError>>),
}

/// The place where a job puts its outcome.
#[derive(Default)]
struct Post {
    outcome: Mutex<Option<Result<Outcome, Failure>>>,
    come: Condvar,
}

/// A run in the background.
#[pyclass(frozen, module = "ratioflow._engine")]
pub(crate) struct Handle {
    control: Control,
    post: Arc<Post>,
    raised: Raised,
    files: Given,
    experiment: Arc<Experiment>,
    process: u32,
}

impl Handle {
    /// Starts a job: a whole run, or the bare flow with `frames` clouds of it. A thread of the engine, as within an estimator of one's own, does it at once itself:
    /// if it waited for another thread, that might wait for it.
    pub(crate) fn start(
        py: Python<'_>,
        name: String,
        experiment: Arc<Experiment>,
        files: Given,
        own: Option<&OwnEstimator>,
        bare: bool,
    ) -> PyResult<Self> {
        let control = Control::new(experiment.scenario.flow.steps);
        let post = Arc::new(Post::default());
        let raised = Raised::default();
        let job = {
            let (control, post) = (control.clone(), Arc::clone(&post));
            let mut watched = driven(&experiment, own, &raised);
            move || {
                let outcome = engage(move || {
                    if bare {
                        return Outcome::Solution(Box::new(solve(&watched, &control)));
                    }
                    let own = std::mem::take(&mut watched.own);
                    watched.own = own.observer(Arc::new(Mutex::new(control)));
                    let run = run_in_memory(&name, watched, &mut |_| {});
                    Outcome::Run(Box::new(run))
                });
                let mut place = post.outcome.lock().unwrap_or_else(PoisonError::into_inner);
                *place = Some(outcome);
                post.come.notify_all();
            }
        };
        if rayon::current_thread_index().is_some() {
            py.detach(job);
        } else {
            spawn("ratioflow run", job)?;
        }
        Ok(Self {
            control,
            post,
            raised,
            files,
            experiment,
            process: process::id(),
        })
    }

    /// Refuses a handle that came over a fork: the thread that runs did not.
    fn alive(&self) -> PyResult<()> {
        if self.process == process::id() {
            return Ok(());
        }
        Err(PyRuntimeError::new_err(format!(
            "this run goes on in process {}, from which this one was forked: wait for it there",
            self.process
        )))
    }
}

/// The experiment with an estimator of one's own, if there is one, that leaves its exceptions in `raised`.
pub(crate) fn driven(
    experiment: &Experiment,
    own: Option<&OwnEstimator>,
    raised: &Raised,
) -> Experiment {
    let mut driven = experiment.clone();
    if let Some(own) = own.cloned() {
        let (name, raised) = (own.name, raised.clone());
        let parts = std::mem::take(&mut driven.own);
        driven.own = parts.discriminator(name, move || -> Own { own.begin(&raised) });
    }
    driven
}

/// The control is told too late where nobody can be told anything any more.
impl Drop for Handle {
    fn drop(&mut self) {
        self.control.ask("nobody waits for it any more");
    }
}

/// Step, time and cloud.
type Glance<'py> = (usize, f64, Bound<'py, PyArray2<f64>>);

#[pymethods]
impl Handle {
    /// Waits so many seconds at most; whether the run has ended.
    fn join(&self, py: Python<'_>, seconds: f64) -> PyResult<bool> {
        self.alive()?;
        let patience = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default();
        Ok(py.detach(|| {
            let place = self
                .post
                .outcome
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let waited = self
                .post
                .come
                .wait_timeout_while(place, patience, |outcome| outcome.is_none());
            waited.unwrap_or_else(PoisonError::into_inner).0.is_some()
        }))
    }

    /// What the run has come to. To be asked for once, when `join` says that it has ended.
    fn result(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.alive()?;
        let outcome = py.detach(|| {
            let mut place = self
                .post
                .outcome
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            place.take()
        });
        let outcome = outcome.ok_or_else(|| {
            PyRuntimeError::new_err("the result of this run was taken already, or it goes on")
        })??;
        if let Some(error) = self.raised.take(py) {
            return Err(error);
        }
        match outcome {
            Outcome::Run(run) => {
                let data = RunData {
                    run: Arc::new((*run).map_err(|error| ran(&error))?),
                    files: self.files.clone(),
                };
                Ok(Py::new(py, data)?.into_any())
            }
            Outcome::Solution(solved) => {
                let solved = (*solved).map_err(|error| ran(&error))?;
                let data = SolutionData::new(solved, Arc::clone(&self.experiment));
                Ok(Py::new(py, data)?.into_any())
            }
        }
    }

    /// Holds the run at its next step.
    fn pause(&self) -> PyResult<()> {
        self.alive()?;
        self.control.pause(true);
        Ok(())
    }

    /// Lets it go on.
    fn resume(&self) -> PyResult<()> {
        self.alive()?;
        self.control.pause(false);
        Ok(())
    }

    /// Asks it to end at its next step, for this reason.
    fn ask(&self, reason: &str) -> PyResult<()> {
        self.alive()?;
        self.control.ask(reason);
        Ok(())
    }

    /// Whether it is held.
    #[getter]
    fn paused(&self) -> bool {
        self.control.is_paused()
    }

    /// Steps done (None before the first fit) and steps to do.
    fn progress(&self) -> (Option<usize>, usize) {
        let state = self.control.state();
        (state.step, state.steps)
    }

    /// Step, time and a copy of the cloud (n×2); None before the first fit.
    fn inspect<'py>(&self, py: Python<'py>) -> PyResult<Option<Glance<'py>>> {
        self.alive()?;
        let seen = {
            let state = self.control.state();
            let step = state.step.zip(state.cloud.clone());
            step.map(|(step, cloud)| (step, state.time, cloud))
        };
        Ok(seen.map(|(step, time, cloud)| (step, time, table(py, cloud))))
    }
}

/// How a flow ended, in words.
pub(crate) fn said(ending: &Ending) -> String {
    match ending {
        Ending::Complete => "complete".to_owned(),
        Ending::Stopped { reason } => format!("stopped, {reason}"),
        Ending::Diverged { step, cause } => format!("diverged at step {step}: {cause}"),
    }
}

/// What a run has come to.
#[pyclass(frozen, module = "ratioflow._engine")]
pub(crate) struct RunData {
    run: Arc<MemoryRun>,
    files: Given,
}

#[pymethods]
impl RunData {
    /// The text of `run.json`.
    fn manifest(&self) -> PyResult<String> {
        let json = self.run.record.manifest.to_json();
        json.map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// The text of `scenario.toml`; arrays stand in it under the names of files.
    fn scenario(&self) -> String {
        self.run.record.scenario.clone()
    }

    /// How the run ended and the verdict, and further sentences.
    fn summary(&self) -> (String, Vec<String>) {
        let summary = &self.run.record.summary;
        (summary.headline.clone(), summary.details.clone())
    }

    /// The columns of `metrics.csv` by name; NaN where nothing was measured.
    fn columns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let rows = self.run.record.meter.rows();
        let dict = PyDict::new(py);
        let steps = rows.iter().map(|row| row.step.cast_signed() as i64);
        dict.set_item("step", PyArray1::from_iter(py, steps))?;
        let times = rows.iter().map(|row| row.time);
        dict.set_item("time", PyArray1::from_iter(py, times))?;
        for name in self.run.columns() {
            let values = rows
                .iter()
                .map(|row| row.values.get(name).unwrap_or(f64::NAN));
            dict.set_item(name, PyArray1::from_iter(py, values))?;
        }
        Ok(dict)
    }

    /// The arrays of `trajectory.npz`, of all particles. Points of the line, which have one coordinate in the file, have a second one here, 0, as everywhere in
    /// Python.
    fn trajectory<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let run = Arc::clone(&self.run);
        let arrays = watched(py, move || Trajectory::of(&run))?;
        let dict = PyDict::new(py);
        dict.set_item("steps", PyArray1::from_owned_array(py, arrays.steps))?;
        dict.set_item("times", line(py, arrays.times))?;
        dict.set_item("step_sizes", line(py, arrays.step_sizes))?;
        dict.set_item("longest_moves", line(py, arrays.longest_moves))?;
        dict.set_item("scales", line(py, arrays.scales))?;
        dict.set_item("particles", stack(py, arrays.particles))?;
        if let Some(ratios) = arrays.log_ratio {
            dict.set_item("log_ratio", table(py, ratios))?;
        }
        if let Some(parents) = arrays.parents {
            dict.set_item("parents", PyArray2::from_owned_array(py, parents))?;
        }
        if let Some(weights) = arrays.weights {
            dict.set_item("weights", table(py, weights))?;
        }
        let experiment = &self.run.experiment;
        dict.set_item("target", table(py, experiment.training.clone()))?;
        dict.set_item("reference", table(py, experiment.reference.clone()))?;
        let view = self.run.record.recorder.view();
        dict.set_item("view", table(py, ndarray::arr2(&[view.x, view.y])))?;
        let (log, velocity) = (arrays.field_log_ratio, arrays.field_velocity);
        dict.set_item(
            "field_log_ratio",
            numpy::PyArray3::from_owned_array(py, log),
        )?;
        dict.set_item(
            "field_velocity",
            numpy::PyArray4::from_owned_array(py, velocity),
        )?;
        Ok(dict)
    }

    /// Coordinates of a point: 1 on the line.
    fn dimension(&self) -> usize {
        self.run.experiment.target.dimension()
    }

    /// The generator, if the run has one.
    fn generator(&self) -> Option<Generator> {
        Generator::of(&self.run)
    }

    /// The text of its report page.
    fn html(&self, py: Python<'_>) -> PyResult<String> {
        let run = Arc::clone(&self.run);
        let html = watched(py, move || run.html())?;
        html.map_err(|error| PyOSError::new_err(error.to_string()))
    }

    /// Writes the files of the run into the folder, which must be new or empty, or hold an earlier run if `force` is set. Without a folder one is made below
    /// `output`, as the command line does. Returns its path.
    #[pyo3(signature = (folder, force, frames))]
    fn save(
        &self,
        py: Python<'_>,
        folder: Option<PathBuf>,
        force: bool,
        frames: bool,
    ) -> PyResult<PathBuf> {
        let (run, files) = (Arc::clone(&self.run), self.files.clone());
        watched(py, move || {
            let directory = match folder {
                Some(folder) => RunDirectory::at(&folder, force),
                None => RunDirectory::create("output".as_ref(), &run.record.manifest.scenario),
            };
            let directory = directory.map_err(|error| reported(&error))?;
            run.save(&files, &directory, frames)
                .map_err(|error| reported(&error))?;
            Ok(directory.path().to_owned())
        })?
    }
}

/// The snapshots of a run as arrays.
struct Trajectory {
    steps: Array1<i64>,
    times: Array1<f64>,
    step_sizes: Array1<f64>,
    longest_moves: Array1<f64>,
    scales: Array1<f64>,
    particles: Array3<f64>,
    log_ratio: Option<Array2<f64>>,
    parents: Option<Array2<i64>>,
    weights: Option<Array2<f64>>,
    field_log_ratio: Array3<f32>,
    field_velocity: Array4<f32>,
}

impl Trajectory {
    fn of(run: &MemoryRun) -> Self {
        let snapshots = run.record.recorder.snapshots();
        let frames = snapshots.len();
        let particles = run.experiment.start.nrows();
        let number = |row: &Option<usize>| row.map_or(-1, |row| row.cast_signed() as i64);
        let rows = |value: &dyn Fn(&Snapshot) -> Option<Array1<f64>>| {
            let mut table = Array2::zeros((frames, particles));
            for (k, snapshot) in snapshots.iter().enumerate() {
                let row = value(snapshot).filter(|row| row.len() == particles)?;
                table.row_mut(k).assign(&row);
            }
            Some(table)
        };
        let share = |snapshot: &Snapshot| {
            let shares = Array1::from(snapshot.shares.clone());
            Some(shares / particles as f64)
        };
        let gauge = |of: fn(Gauge) -> f64| -> Array1<f64> {
            snapshots.iter().map(|s| of(s.field.gauge())).collect()
        };
        let mut clouds = Array3::zeros((frames, particles, 2));
        let mut parents = Array2::zeros((frames, particles));
        let mut descended = true;
        let (logs, velocities) = run.record.recorder.fields();
        for (k, snapshot) in snapshots.iter().enumerate() {
            clouds.index_axis_mut(Axis(0), k).assign(&snapshot.cloud);
            match &snapshot.parents {
                Some(own) => {
                    let own: Array1<i64> = own.iter().map(number).collect();
                    parents.row_mut(k).assign(&own);
                }
                None => descended = false,
            }
        }
        Self {
            steps: snapshots
                .iter()
                .map(|s| s.step.cast_signed() as i64)
                .collect(),
            times: snapshots.iter().map(|s| s.time).collect(),
            step_sizes: gauge(|gauge| gauge.step_size),
            longest_moves: gauge(|gauge| gauge.longest),
            scales: gauge(|gauge| gauge.scale),
            particles: clouds,
            log_ratio: rows(&|snapshot| Some(snapshot.log_ratio.clone())),
            parents: descended.then_some(parents),
            weights: rows(&share),
            field_log_ratio: logs,
            field_velocity: velocities,
        }
    }
}

//! The bare flow from arrays: clouds at some of its steps, measured only when somebody asks.

use std::sync::{Arc, OnceLock};

use ndarray::{Array1, Array2, Array3, ArrayView2, Axis};
use numpy::{PyArray1, PyArray2, PyArray3, PyReadonlyArray3};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ratioflow::experiment::Experiment;
use ratioflow::flow::Ending;
use ratioflow::metric::{Floors, Measurement, MetricSet};
use ratioflow::observe::{Cadence, DriveError};
use ratioflow::record::RunError;

use crate::arrays::{line, stack, table};
use crate::control::Control;
use crate::error::invalid;
use crate::measure::floor_of;
use crate::run::said;
use crate::work::watched;

/// A flow that has ended.
pub(crate) struct Solved {
    pub(crate) steps: Vec<i64>,
    pub(crate) times: Vec<f64>,
    /// Coordinates of all clouds, one cloud after the other.
    clouds: Vec<f64>,
    /// `D` of all clouds; nothing where it is no log ratio.
    log_ratio: Option<Vec<f64>>,
    /// N times the weights, where particles keep theirs.
    shares: Vec<f64>,
    particles: usize,
    /// Steps done.
    done: usize,
    pub(crate) ending: Ending,
}

/// Runs the flow of `experiment` and keeps as many clouds as it has frames, the first and the last among them.
pub(crate) fn solve(experiment: &Experiment, control: &Control) -> Result<Solved, RunError> {
    let cadence = Cadence::Spread(experiment.scenario.output.frames.max(2));
    let mut flow = experiment.flow()?;
    let particles = experiment.start.nrows();
    let frames = cadence.count(experiment.scenario.flow.steps);
    let mut solved = Solved {
        steps: Vec::with_capacity(frames),
        times: Vec::with_capacity(frames),
        clouds: Vec::with_capacity(2 * particles * frames),
        log_ratio: Some(Vec::with_capacity(particles * frames)),
        shares: Vec::new(),
        particles,
        done: 0,
        ending: Ending::Complete,
    };
    loop {
        let wish = match flow.advance().map_err(DriveError::Flow)? {
            Some(step) => {
                if cadence.is_due(step.index, step.steps) {
                    solved.keep(&step);
                }
                control.look(&step)
            }
            None => break,
        };
        if let std::ops::ControlFlow::Break(reason) = wish {
            flow.stop(reason);
        }
    }
    let last = flow.last();
    solved.done = last.index;
    if solved.steps.last() != Some(&index(&last)) {
        solved.keep(&last);
    }
    if let Some(ending) = flow.ending() {
        solved.ending = ending.clone();
    }
    Ok(solved)
}

fn index(step: &ratioflow::flow::Step<'_>) -> i64 {
    step.index.cast_signed() as i64
}

impl Solved {
    fn keep(&mut self, step: &ratioflow::flow::Step<'_>) {
        self.steps.push(index(step));
        self.times.push(step.state.time);
        self.clouds.extend(step.state.cloud.iter());
        self.shares.extend(step.state.shares());
        if step.field.is_log_ratio() {
            let log = step.ratio.log.iter();
            self.log_ratio
                .iter_mut()
                .for_each(|all| all.extend(log.clone()));
        } else {
            self.log_ratio = None;
        }
    }
}

/// What a flow has come to.
#[pyclass(frozen, module = "ratioflow._engine")]
pub(crate) struct SolutionData {
    taken: std::sync::Mutex<Option<Solved>>,
    ending: Ending,
    /// Steps done.
    step: usize,
    experiment: Arc<Experiment>,
    gauge: Arc<OnceLock<(MetricSet, Floors)>>,
}

/// The arrays of a flow: `steps` (F), `ts` (F), `ys` (F, N, 2), `log_ratio` (F, N) or None, and `weights` (F, N) or None.
type Arrays<'py> = (
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray3<f64>>,
    Option<Bound<'py, PyArray2<f64>>>,
    Option<Bound<'py, PyArray2<f64>>>,
);

impl SolutionData {
    pub(crate) fn new(solved: Solved, experiment: Arc<Experiment>) -> Self {
        Self {
            ending: solved.ending.clone(),
            step: solved.done,
            taken: std::sync::Mutex::new(Some(solved)),
            experiment,
            gauge: Arc::default(),
        }
    }
}

#[pymethods]
impl SolutionData {
    /// Steps, times, clouds, log ratios and weights. Their memory is handed over, so that they can be asked for once.
    fn arrays<'py>(&self, py: Python<'py>) -> PyResult<Arrays<'py>> {
        let mut taken = self
            .taken
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let solved = taken.take().ok_or_else(|| {
            PyValueError::new_err("the arrays of this solution were handed over already")
        })?;
        let (frames, particles) = (solved.steps.len(), solved.particles);
        let shaped = |error: ndarray::ShapeError| PyValueError::new_err(error.to_string());
        let flat = |values: Vec<f64>| Array2::from_shape_vec((frames, particles), values);
        let clouds = Array3::from_shape_vec((frames, particles, 2), solved.clouds);
        let log = solved.log_ratio.map(flat).transpose().map_err(shaped)?;
        let weights = (!solved.shares.is_empty()).then(|| flat(solved.shares));
        let weights = weights.transpose().map_err(shaped)?;
        Ok((
            PyArray1::from_owned_array(py, Array1::from(solved.steps)),
            line(py, Array1::from(solved.times)),
            stack(py, clouds.map_err(shaped)?),
            log.map(|log| table(py, log)),
            weights.map(|shares| table(py, shares / particles as f64)),
        ))
    }

    /// How the flow ended: kind, step, and words.
    fn ending(&self) -> (String, usize, String) {
        let facts = self.ending.facts(self.step);
        let kind = format!("{:?}", facts.kind).to_lowercase();
        (kind, facts.step, said(&self.ending))
    }

    /// What a user should know although it is allowed.
    fn warnings(&self) -> Vec<String> {
        self.experiment.warnings.clone()
    }

    /// Each measure of the clouds (F, N, 2) against the sample that is kept for the last one, their floors, and the verdict on the last cloud as JSON. `weights` (F, N)
    /// where particles have unequal ones.
    fn judge<'py>(
        &self,
        py: Python<'py>,
        steps: Vec<u64>,
        clouds: PyReadonlyArray3<'_, f64>,
        weights: Option<numpy::PyReadonlyArray2<'_, f64>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let clouds = clouds.as_array().to_owned();
        let weights = weights.map(|weights| weights.as_array().to_owned());
        let (experiment, gauge) = (Arc::clone(&self.experiment), Arc::clone(&self.gauge));
        let judged = watched(py, move || {
            if gauge.get().is_none() {
                // Two threads that ask at once work it out twice, and keep one.
                let _ = gauge.set(
                    experiment
                        .reference_gauge()
                        .map_err(|error| invalid(&error))?,
                );
            }
            let Some((panel, floors)) = gauge.get() else {
                return Err(PyValueError::new_err("there are no floors"));
            };
            judged(
                &experiment,
                (panel, floors),
                &steps,
                clouds.view(),
                weights.as_ref(),
            )
        })??;
        let dict = PyDict::new(py);
        let columns = PyDict::new(py);
        if let Some(first) = judged.rows.first() {
            for (name, _) in first.iter() {
                let values = judged
                    .rows
                    .iter()
                    .map(|row| row.get(name).unwrap_or(f64::NAN));
                columns.set_item(name, PyArray1::from_iter(py, values))?;
            }
        }
        dict.set_item("columns", columns)?;
        let floors = PyDict::new(py);
        for (name, floor) in judged.floors.iter() {
            floors.set_item(name, floor_of(py, floor)?)?;
        }
        dict.set_item("floors", floors)?;
        dict.set_item("verdict", judged.verdict)?;
        dict.set_item("training_sample", judged.training)?;
        Ok(dict)
    }
}

struct Judged {
    rows: Vec<Measurement>,
    floors: Floors,
    verdict: String,
    training: String,
}

fn judged(
    experiment: &Experiment,
    (panel, floors): (&MetricSet, &Floors),
    steps: &[u64],
    clouds: ndarray::ArrayView3<'_, f64>,
    weights: Option<&Array2<f64>>,
) -> PyResult<Judged> {
    let shares = |k: usize, cloud: ArrayView2<'_, f64>| -> Vec<f64> {
        let row = weights.map(|weights| weights.row(k).mapv(|w| w * cloud.nrows() as f64));
        row.map_or_else(Vec::new, |row| row.to_vec())
    };
    let mut rows: Vec<Measurement> = clouds
        .axis_iter(Axis(0))
        .enumerate()
        .map(|(k, cloud)| match shares(k, cloud).as_slice() {
            [] => panel.measure(cloud),
            shares => panel.measure_weighted(cloud, shares, None),
        })
        .collect();
    let away = rows
        .iter()
        .rposition(|row| !floors.joint(row).mark().arrived);
    let since = steps.get(away.map_or(0, |k| k + 1)).copied();
    let Some((k, last)) = clouds.axis_iter(Axis(0)).enumerate().last() else {
        return Err(PyValueError::new_err("there is no cloud to judge"));
    };
    let outcome = experiment.judge((panel, floors.clone()), last, &shares(k, last), since);
    let json = |value: serde_json::Result<String>| {
        value.map_err(|error| PyValueError::new_err(error.to_string()))
    };
    if let Some(row) = rows.last_mut() {
        *row = outcome.values;
    }
    Ok(Judged {
        verdict: json(serde_json::to_string(&outcome.verdict))?,
        training: json(serde_json::to_string(&outcome.training_sample))?,
        floors: outcome.floors,
        rows,
    })
}

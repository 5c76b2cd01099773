//! Measures of a cloud against a sample, one at a time or all together with their floors.

use ndarray::{Axis, concatenate};
use numpy::PyReadonlyArray2;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use ratioflow::cloud::{Cloud, in_order, rows};
use ratioflow::metric::{
    ALL, About, C2ST, C2st, COVERAGE, Coupling, Coverage, ENERGY_DISTANCE, EnergyDistance,
    Evaluation, Evaluator, Floor, KNN_KL, KnnKl, MMD2, Metric, MetricResult, Mmd2, Needs, Null,
    Reading, SINKHORN, SLICED_W2, Sinkhorn, SlicedW2, W2, Wasserstein, has_a_scale,
    median_distance,
};
use ratioflow::scenario::{Resources, SHIPPED, headline};

use crate::arrays::cloud;
use crate::error::{fits, invalid};
use crate::given::Found;
use crate::work::watched;

/// Name and headline of each shipped scenario.
#[pyfunction]
pub(crate) fn shipped() -> Vec<(&'static str, String)> {
    let named = |shipped| {
        (
            ratioflow::scenario::Shipped::name(shipped),
            headline(shipped),
        )
    };
    SHIPPED.iter().map(named).collect()
}

/// Name, words, definition and limits of each measure that a cloud can be judged by.
#[pyfunction]
pub(crate) fn measures() -> Vec<(&'static str, &'static str, &'static str, &'static str)> {
    let judged = ALL.iter().filter(|about| about.needs != Needs::Run);
    judged
        .map(|about| (about.name, about.words, about.measures, about.sees))
        .collect()
}

/// One measure of the cloud `fake` (n×2) against the sample `real` (m×2). `width` is that of the kernel of `mmd2`, or the regularisation of `sinkhorn`; None: one that
/// follows from the pooled points.
#[pyfunction]
#[pyo3(signature = (name, fake, real, width=None))]
pub(crate) fn measure(
    py: Python<'_>,
    name: &str,
    fake: PyReadonlyArray2<'_, f64>,
    real: PyReadonlyArray2<'_, f64>,
    width: Option<f64>,
) -> PyResult<f64> {
    let (fake, real) = (cloud("fake", &fake)?, cloud("real", &real)?);
    let about = named(name)?;
    watched(py, move || {
        has_a_scale(concatenate![Axis(0), fake, real].view()).map_err(|error| invalid(&error))?;
        Ok(built(about, &fake, &real, width)?.value)
    })?
}

/// Refuses clouds of so many points as are too many for the exact W2, which the engine only estimates there.
#[pyfunction]
pub(crate) fn exact_w2(fake: usize, real: usize) -> PyResult<()> {
    if Wasserstein::is_exact_for(fake, real) {
        return Ok(());
    }
    Err(PyValueError::new_err(format!(
        "`fake` has {fake} points and `real` {real}: `w2` is exact for up to {} points on each side if they are as many, and for up to {:e} pairs of points if not; take sliced_w2 or sinkhorn_divergence, or fewer points",
        Wasserstein::MOST,
        Coupling::MOST_PAIRS as f64,
    )))
}

/// The measure called `name`.
fn named(name: &str) -> PyResult<&'static About> {
    let judged = || {
        ALL.iter()
            .copied()
            .filter(|about| about.needs != Needs::Run)
    };
    judged().find(|about| about.name == name).ok_or_else(|| {
        let names: Vec<&str> = judged().map(|about| about.name).collect();
        PyValueError::new_err(format!(
            "there is no measure called `{name}`: must be one of {}",
            names.join(", ")
        ))
    })
}

/// What the measure gives. Points are taken in an order that follows from them alone, so that the order of rows changes no bit.
fn built(about: &About, fake: &Cloud, real: &Cloud, width: Option<f64>) -> PyResult<Reading> {
    let [fake, real] = [fake, real].map(|side| rows(side.view(), &in_order(side.view())));
    let pooled = || concatenate![Axis(0), fake, real];
    let on = real.view();
    let metric: Box<dyn Metric> = match about.name {
        name if name == ENERGY_DISTANCE.name => Box::new(EnergyDistance::new(on)),
        name if name == MMD2.name => {
            let width = width.unwrap_or_else(|| {
                let median = median_distance(pooled().view());
                if median > 0.0 { median } else { 1.0 }
            });
            Box::new(Mmd2::new(on, width))
        }
        name if name == SLICED_W2.name => Box::new(SlicedW2::new(on, SlicedW2::DIRECTIONS)),
        name if name == W2.name => {
            let exact = Wasserstein::new(on);
            Box::new(exact.map_err(|error| PyValueError::new_err(error.to_string()))?)
        }
        name if name == SINKHORN.name => {
            let epsilon = width.unwrap_or_else(|| Sinkhorn::epsilon_for(pooled().view()));
            Box::new(Sinkhorn::new(on, epsilon))
        }
        name if name == KNN_KL.name => Box::new(KnnKl::new(on, KnnKl::K)),
        name if name == C2ST.name => Box::new(C2st::new(on)),
        name if name == COVERAGE.name => {
            let coverage = Coverage::new(on);
            Box::new(coverage.ok_or_else(|| few(about, &real))?)
        }
        name => {
            return Err(PyValueError::new_err(format!(
                "`{name}` has no function of its own; take it from measure(fake, real)"
            )));
        }
    };
    let reading = metric.read(fake.view());
    if reading.value.is_nan() {
        return Err(few(about, &fake));
    }
    Ok(reading)
}

fn few(about: &About, side: &Cloud) -> PyErr {
    PyValueError::new_err(format!(
        "{} gives no number for {} points: it needs more of them, not all in one place",
        about.name,
        side.nrows()
    ))
}

/// Bytes of a draw: its values of every measure, and the place that it is drawn from.
const DRAW: f64 = 500.0;

/// How a cloud is judged.
#[derive(FromPyObject)]
struct Manner {
    #[pyo3(item)]
    points: usize,
    #[pyo3(item)]
    draws: usize,
    #[pyo3(item)]
    dear_draws: usize,
    #[pyo3(item)]
    only: Vec<String>,
    #[pyo3(item)]
    seed: u64,
}

/// Every measure of `fake` (n×2) against `real`, a sample (m×2) or a dict with the scenario of a target, each with its floor.
#[pyfunction]
pub(crate) fn judge<'py>(
    py: Python<'py>,
    fake: PyReadonlyArray2<'_, f64>,
    real: &Bound<'py, PyAny>,
    arrays: &Bound<'py, PyDict>,
    manner: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyDict>> {
    let fake = cloud("fake", &fake)?;
    let manner: Manner = manner.extract()?;
    let need = [("draws", manner.draws), ("dear_draws", manner.dear_draws)];
    let need = need.map(|(key, draws)| Resources::of_memory(key, DRAW * draws as f64));
    fits(&Resources::of_all(&need, need.len()))?;
    let only: PyResult<Vec<_>> = manner.only.iter().map(|name| named(name)).collect();
    let evaluator = Evaluator {
        points: manner.points,
        draws: manner.draws,
        dear_draws: manner.dear_draws,
        only: only?,
        dimension: 2,
        seed: manner.seed,
    };
    let refuse = |mut error: ratioflow::setting::Invalid| {
        for (key, name) in [("a", "fake"), ("b", "real")] {
            if error.key == key || error.key.starts_with(&format!("{key}[")) {
                error.key = format!("{name}{}", &error.key[1..]);
            }
        }
        invalid(&error)
    };
    let judged: Evaluation = if let Ok(real) = real.extract::<PyReadonlyArray2<'_, f64>>() {
        let real = cloud("real", &real)?;
        watched(py, move || {
            let judged = evaluator.judge(fake.view(), Null::Sample(real.view()));
            judged.map_err(refuse)
        })??
    } else {
        let found = Found::new(real, arrays, &PyDict::new(py), false)?;
        watched(py, move || {
            let target = found.target()?;
            let judged = evaluator.judge(fake.view(), Null::Target(&target));
            judged.map_err(refuse)
        })??
    };
    told(py, &judged)
}

/// The evaluation as plain objects.
fn told<'py>(py: Python<'py>, judged: &Evaluation) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    let each = judged.judgements.iter().map(|result| one(py, result));
    dict.set_item(
        "metrics",
        PyList::new(py, each.collect::<PyResult<Vec<_>>>()?)?,
    )?;
    let verdict = serde_json::to_string(&judged.verdict)
        .map_err(|error| PyValueError::new_err(error.to_string()))?;
    dict.set_item("verdict", verdict)?;
    let notes: Vec<String> = judged
        .notes
        .iter()
        .map(|note| note.words(["fake", "real"]))
        .collect();
    dict.set_item("notes", notes)?;
    let counts = (judged.cloud.nrows(), judged.reference.nrows());
    dict.set_item("points", counts)?;
    Ok(dict)
}

fn one<'py>(py: Python<'py>, result: &MetricResult) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("name", result.about.name)?;
    dict.set_item("value", result.reading.value)?;
    dict.set_item("standard_error", result.reading.standard_error)?;
    dict.set_item("note", result.reading.note.as_deref())?;
    let floor = result.floor.as_ref().map(|floor| floor_of(py, floor));
    dict.set_item("floor", floor.transpose()?)?;
    dict.set_item("p", result.p)?;
    dict.set_item("z", result.z)?;
    dict.set_item("sentence", result.verdict())?;
    Ok(dict)
}

/// The numbers of a floor.
pub(crate) fn floor_of<'py>(py: Python<'py>, floor: &Floor) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, number) in floor.numbers() {
        dict.set_item(name, number)?;
    }
    dict.set_item("draws", floor.draws().len())?;
    Ok(dict)
}

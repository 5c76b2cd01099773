//! Estimators of the log ratio by themselves, fitted to two samples and evaluated anywhere.

use std::sync::{Arc, PoisonError, RwLock};

use numpy::{PyArray1, PyArray2, PyReadonlyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ratioflow::discriminator::{Discriminator, DiscriminatorSpec, FitContext, Ratio};
use ratioflow::random::Stream;
use ratioflow::scenario::Scenario;

use crate::arrays::{cloud, line, table};
use crate::error::misread;
use crate::given::Found;
use crate::work::watched;

type Fitted = Arc<RwLock<Option<Box<dyn Discriminator>>>>;

/// `D` at some points (n), and its gradient (n×2).
type Evaluated<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray2<f64>>);

/// One of the engine's estimators.
#[pyclass(frozen, module = "ratioflow._engine")]
pub(crate) struct Estimator {
    spec: DiscriminatorSpec,
    found: Found,
    fitted: Fitted,
}

#[pymethods]
impl Estimator {
    /// The estimator that the table `discriminator` of the dict `scenario` asks for.
    #[new]
    fn new(scenario: &Bound<'_, PyDict>) -> PyResult<Self> {
        let py = scenario.py();
        let none = PyDict::new(py);
        let found = Found::new(scenario.as_any(), &none, &none, false)?;
        let read: Scenario = found.document.read().map_err(|error| misread(&error))?;
        Ok(Self {
            spec: read.discriminator,
            found,
            fitted: Fitted::default(),
        })
    }

    /// Fits to a sample of the target (m×2) and one of the cloud (n×2). `progress` in [0, 1] is the part of a run that lies behind, on which annealed
    /// estimators depend.
    fn fit(
        &self,
        py: Python<'_>,
        real: PyReadonlyArray2<'_, f64>,
        fake: PyReadonlyArray2<'_, f64>,
        progress: f64,
        seed: u64,
    ) -> PyResult<()> {
        let (real, fake) = (cloud("real", &real)?, cloud("fake", &fake)?);
        let (spec, found, into) = (
            self.spec.clone(),
            self.found.clone(),
            Arc::clone(&self.fitted),
        );
        watched(py, move || {
            let built = spec.build(&*found.target()?);
            let mut built = built.map_err(|error| {
                let error = error.under("discriminator");
                misread(&found.document.blame(&error))
            })?;
            let round = FitContext {
                index: 0,
                progress,
                stream: Stream::new(seed, "fit").at(0),
            };
            let fitted = built.fit(real.view(), fake.view(), round);
            fitted.map_err(|error| PyValueError::new_err(error.to_string()))?;
            *into.write().unwrap_or_else(PoisonError::into_inner) = Some(built);
            Ok(())
        })?
    }

    /// `D` (n) and its gradient (n×2) at the points `at` (n×2).
    fn evaluate<'py>(
        &self,
        py: Python<'py>,
        at: PyReadonlyArray2<'_, f64>,
    ) -> PyResult<Evaluated<'py>> {
        let at = cloud("x", &at)?;
        let fitted = Arc::clone(&self.fitted);
        let ratio = watched(py, move || {
            let fitted = fitted.read().unwrap_or_else(PoisonError::into_inner);
            let mut ratio = Ratio::zeros(at.nrows());
            fitted.as_ref()?.evaluate(at.view(), &mut ratio);
            Some(ratio)
        })?;
        let ratio = ratio.ok_or_else(unfitted)?;
        Ok((line(py, ratio.log), table(py, ratio.gradient)))
    }

    /// The step, the longest displacement (or None) and the length scale that suit the fit.
    fn step_rule(&self) -> PyResult<(f64, Option<f64>, f64)> {
        let fitted = self.fitted.read().unwrap_or_else(PoisonError::into_inner);
        let rule = fitted.as_ref().ok_or_else(unfitted)?.step_rule();
        Ok((rule.step_size, rule.clip, rule.scale))
    }
}

fn unfitted() -> PyErr {
    PyValueError::new_err("this estimator is not fitted yet: call fit(real, fake) first")
}

/// All estimators: name, and a line about each.
#[pyfunction]
pub(crate) fn estimators() -> Vec<(&'static str, &'static str)> {
    DiscriminatorSpec::CATALOGUE.to_vec()
}

/// The JSON Schema of a scenario, as `ratioflow schema` prints it.
#[pyfunction]
pub(crate) fn schema() -> PyResult<String> {
    let schema = schemars::schema_for!(Scenario);
    serde_json::to_string(&schema).map_err(|error| PyValueError::new_err(error.to_string()))
}

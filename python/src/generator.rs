//! A trained generator: latent points in, samples out, and its parameters as arrays.

use std::path::PathBuf;
use std::sync::Arc;

use numpy::{PyArray0, PyArray1, PyArray2, PyReadonlyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ratioflow::random::Stream;
use ratioflow::record::{MemoryRun, generator};
use ratioflow::scenario::Resources;

use crate::arrays::{columned, line, table};
use crate::error::{fits, reported};
use crate::work::watched;

/// Bytes that a point takes at the peak: its latent point and its image, both in the network's precision too.
const POINT: f64 = 120.0;

/// Where the generator is.
#[derive(Clone)]
enum Held {
    Run(Arc<MemoryRun>),
    Alone(Arc<ratioflow::generator::Generator>),
}

impl Held {
    fn get(&self) -> Option<&ratioflow::generator::Generator> {
        match self {
            Self::Run(run) => run.flow.generator(),
            Self::Alone(generator) => Some(generator),
        }
    }
}

/// A generator at the end of its run.
#[pyclass(frozen, module = "ratioflow._engine")]
pub(crate) struct Generator(Held);

impl Generator {
    /// That of a run, if it has one.
    pub(crate) fn of(run: &Arc<MemoryRun>) -> Option<Self> {
        run.flow.generator()?;
        Some(Self(Held::Run(Arc::clone(run))))
    }

    fn gone() -> PyErr {
        pyo3::exceptions::PyRuntimeError::new_err("this run has no generator")
    }
}

#[pymethods]
impl Generator {
    /// `count` fresh points (count×2); the same seed gives the same points, those of `ratioflow sample`.
    fn sample<'py>(
        &self,
        py: Python<'py>,
        count: usize,
        seed: u64,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        fits(&Resources::of_memory("n", POINT * count as f64))?;
        let held = self.0.clone();
        let points = watched(py, move || {
            let generator = held.get()?;
            Some(generator.sample(count, Stream::new(seed, "sample")))
        })?;
        Ok(table(py, points.ok_or_else(Self::gone)?))
    }

    /// The images (n×2) of latent points (n×2, or n × [`latent_dimension`](Self::latent_dimension)).
    fn apply<'py>(
        &self,
        py: Python<'py>,
        z: PyReadonlyArray2<'_, f64>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let columns = self.latent_dimension()?;
        let z = columned("z", &z, columns)?;
        let held = self.0.clone();
        let points = watched(py, move || Some(held.get()?.apply(z.view())))?;
        Ok(table(py, points.ok_or_else(Self::gone)?))
    }

    /// The arrays of `generator.npz`: `k.weight` (outputs × inputs) and `k.bias` of each layer, `centre`, `input`, `output`, `skip` and `shift`.
    fn state_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let generator = self.0.get().ok_or_else(Self::gone)?;
        let single = generator.is_single();
        let dict = PyDict::new(py);
        for (place, (weights, biases)) in generator.layers().into_iter().enumerate() {
            let [weight, bias] = ["weight", "bias"].map(|what| format!("{place}.{what}"));
            if single {
                let weights = weights.mapv(|v| v as f32);
                dict.set_item(weight, PyArray2::from_owned_array(py, weights))?;
                let biases = biases.mapv(|v| v as f32);
                dict.set_item(bias, PyArray1::from_owned_array(py, biases))?;
            } else {
                dict.set_item(weight, table(py, weights))?;
                dict.set_item(bias, line(py, biases))?;
            }
        }
        let units = generator.units();
        dict.set_item("centre", line(py, generator.centre()))?;
        dict.set_item("shift", PyArray1::from_slice(py, &units.shift))?;
        let numbers = [
            ("input", units.input),
            ("output", units.output),
            ("skip", units.skip),
        ];
        for (name, number) in numbers {
            let scalar = ndarray::arr0(number);
            dict.set_item(name, PyArray0::from_owned_array(py, scalar))?;
        }
        Ok(dict)
    }

    /// The name of its kind in a scenario, such as `distill`.
    #[getter]
    fn kind(&self) -> PyResult<&'static str> {
        Ok(self.0.get().ok_or_else(Self::gone)?.spec().name())
    }

    /// Coordinates of a latent point.
    #[getter]
    fn latent_dimension(&self) -> PyResult<usize> {
        Ok(self.0.get().ok_or_else(Self::gone)?.latent_dimension())
    }

    /// The name of the function between its layers.
    #[getter]
    fn activation(&self) -> PyResult<String> {
        let generator = self.0.get().ok_or_else(Self::gone)?;
        let word = serde_json::to_value(generator.spec().training().activation);
        let word =
            word.map_err(|error| pyo3::exceptions::PyValueError::new_err(error.to_string()))?;
        Ok(word.as_str().unwrap_or_default().to_owned())
    }
}

/// The trained generator of the finished run in `folder`.
#[pyfunction]
pub(crate) fn load_generator(py: Python<'_>, folder: PathBuf) -> PyResult<Generator> {
    let loaded = watched(py, move || generator(&folder, None))?;
    let loaded = loaded.map_err(|error| reported(&error))?;
    Ok(Generator(Held::Alone(Arc::new(loaded))))
}

//! Points of the plane between `NumPy` and the engine.

use ndarray::{Array1, Array2, Array3};
use numpy::{PyArray1, PyArray2, PyArray3, PyReadonlyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use ratioflow::cloud::Cloud;

/// A copy of an `n×2` array: what happens to the array while the engine works must not matter. The package has converted it and refused
/// what is no point of the plane; here it is only made sure of.
pub(crate) fn cloud(name: &str, array: &PyReadonlyArray2<'_, f64>) -> PyResult<Cloud> {
    columned(name, array, 2)
}

/// The same of an array with so many columns.
pub(crate) fn columned(
    name: &str,
    array: &PyReadonlyArray2<'_, f64>,
    columns: usize,
) -> PyResult<Cloud> {
    let view = array.as_array();
    if view.ncols() != columns {
        return Err(PyValueError::new_err(format!(
            "`{name}` has shape {:?}: must be n×{columns}",
            view.shape()
        )));
    }
    // In the order of rows, whatever the strides.
    Ok(view.as_standard_layout().into_owned())
}

/// Hands the memory of an array over to `NumPy`, which copies nothing.
pub(crate) fn line(py: Python<'_>, array: Array1<f64>) -> Bound<'_, PyArray1<f64>> {
    PyArray1::from_owned_array(py, array)
}

/// The same for a table.
pub(crate) fn table(py: Python<'_>, array: Array2<f64>) -> Bound<'_, PyArray2<f64>> {
    PyArray2::from_owned_array(py, array)
}

/// The same for a stack of tables.
pub(crate) fn stack(py: Python<'_>, array: Array3<f64>) -> Bound<'_, PyArray3<f64>> {
    PyArray3::from_owned_array(py, array)
}

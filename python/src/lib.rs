//! The engine of ratioflow for Python: arrays in, arrays out. The package `ratioflow` around it is what people import.
//!
//! Whatever takes time runs on a thread of its own without the lock of the interpreter, while the caller's thread looks for signals.

// No panic may cross the border to Python.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod arrays;
mod error;
mod work;
mod given;
mod written;
mod own;
mod estimator;
mod generator;
mod measure;
mod control;
mod run;
mod solution;
mod flow;
mod compare;

use pyo3::prelude::*;

/// The engine of ratioflow. Import the package `ratioflow`, and not this.
#[pymodule]
mod _engine {
    #[pymodule_export]
    use super::compare::compare;
    #[pymodule_export]
    use super::error::{EstimatorError, ScenarioError};
    #[pymodule_export]
    use super::estimator::{Estimator, estimators, schema};
    #[pymodule_export]
    use super::flow::{CloudBuffer, Flow, Step, Steps};
    #[pymodule_export]
    use super::generator::{Generator, load_generator};
    #[pymodule_export]
    use super::measure::{exact_w2, judge, measure, measures, shipped};
    #[pymodule_export]
    use super::own::farewell;
    #[pymodule_export]
    use super::run::{Handle, RunData};
    #[pymodule_export]
    use super::solution::SolutionData;

    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}

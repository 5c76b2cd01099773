//! Errors of the engine as exceptions: one sentence with place, value and remedy.

use std::path::Path;

use pyo3::create_exception;
use pyo3::exceptions::{PyMemoryError, PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use ratioflow::flow::FlowError;
use ratioflow::record::RunError;
use ratioflow::scenario::{Resources, ScenarioError as Misread, TooMuch};
use ratioflow::setting::Invalid;
use ratioflow::store::{ReportError, available};

create_exception!(
    ratioflow,
    ScenarioError,
    PyValueError,
    "A setting that cannot be used. Its text says what is wrong, where it stands and what would do; `message`, `place` (name, line and column, or None) and `help` (a list of remedies) say so apart."
);

create_exception!(
    ratioflow,
    EstimatorError,
    PyValueError,
    "An estimator of one's own raised an exception, which is the `__cause__` of this one, or returned what cannot be used. Its text names step, class and method. What is no `Exception`, such as `KeyboardInterrupt`, is raised as it is."
);

/// What the engine says in words of the command line, and the same in those of Python.
const WORDS: [(&str, &str); 9] = [
    ("--> command line", "--> set"),
    // As long, so that marks stay below what they mark.
    ("| --set ", "|       "),
    ("write `--set ", "set `"),
    (" with --allow-outside", " with allow_outside=True"),
    (
        " replace that run with `--force`",
        " replace that run with force=True",
    ),
    ("so `--force` leaves", "so force=True leaves"),
    (" with `--out DIR`", ""),
    ("write `--variant \"", "write `\""),
    ("`--variant \"", "`\""),
];

/// The text in words of Python.
pub(crate) fn spoken(text: impl ToString) -> String {
    let text = text.to_string();
    WORDS
        .iter()
        .fold(text, |text, (theirs, ours)| text.replace(theirs, ours))
}

/// The exception for a scenario that cannot be used.
pub(crate) fn misread(error: &Misread) -> PyErr {
    let raised = ScenarioError::new_err(spoken(error));
    let help: Vec<String> = error.remedies().iter().map(spoken).collect();
    Python::attach(|py| {
        let value = raised.value(py);
        let told = value
            .setattr("message", spoken(error.message()))
            .and_then(|()| value.setattr("place", error.place()))
            .and_then(|()| value.setattr("help", help));
        told.map_or_else(|error| error, |()| raised.clone_ref(py))
    })
}

/// The exception for a setting that cannot be used.
pub(crate) fn invalid(error: &Invalid) -> PyErr {
    PyValueError::new_err(error.to_string())
}

fn too_much(error: &TooMuch) -> PyErr {
    PyMemoryError::new_err(error.to_string())
}

/// Refuses what would not fit into memory.
pub(crate) fn fits(need: &Resources) -> PyResult<()> {
    let fits = need.fits(available(Path::new(".")));
    fits.map_err(|error| too_much(&error))
}

pub(crate) fn reported(error: &ReportError) -> PyErr {
    match error {
        ReportError::Io { .. } => PyOSError::new_err(spoken(error)),
        other => PyValueError::new_err(spoken(other)),
    }
}

pub(crate) fn flowed(error: &FlowError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

pub(crate) fn ran(error: &RunError) -> PyErr {
    match error {
        RunError::Report(error) => reported(error),
        RunError::Invalid(error) => invalid(error),
        RunError::NoResult | RunError::Drive(_) => PyValueError::new_err(error.to_string()),
        other => PyRuntimeError::new_err(other.to_string()),
    }
}

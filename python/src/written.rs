//! Settings as Python has them, written as TOML, so that they are checked and explained as a scenario file is.

use pyo3::exceptions::{PyRecursionError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use toml::{Table, Value};

/// Deepest nesting of settings.
const DEEPEST: usize = 64;

/// The value as TOML; `None` where Python has none, which means that the key is left out.
pub(crate) fn value(key: &str, given: &Bound<'_, PyAny>) -> PyResult<Option<Value>> {
    below(key, given, 0)
}

/// The settings of a table.
pub(crate) fn table(given: &Bound<'_, PyDict>) -> PyResult<Table> {
    table_below("", given, 0)
}

/// The value on one line, as `--set` takes it.
pub(crate) fn line(value: &Value) -> String {
    // A string of JSON is one of TOML, which writes one more character otherwise.
    let text = |text: &str| {
        let quoted = serde_json::Value::from(text).to_string();
        quoted.replace('\u{7f}', "\\u007f")
    };
    match value {
        Value::String(value) => text(value),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(line).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Table(table) => {
            let entries = table.iter();
            let entries: Vec<String> = entries
                .map(|(key, value)| format!("{} = {}", text(key), line(value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

fn below(key: &str, given: &Bound<'_, PyAny>, depth: usize) -> PyResult<Option<Value>> {
    if depth > DEEPEST {
        return Err(PyRecursionError::new_err(format!(
            "`{key}` is nested more than {DEEPEST} deep"
        )));
    }
    if given.is_none() {
        return Ok(None);
    }
    // A bool is an int to Python, and not to a scenario.
    if let Ok(flag) = given.cast::<PyBool>() {
        return Ok(Some(Value::Boolean(flag.is_true())));
    }
    if given.is_instance_of::<PyInt>() {
        let number: Result<i64, _> = given.extract();
        return match number {
            Ok(number) => Ok(Some(Value::Integer(number))),
            Err(_) => Err(PyValueError::new_err(format!(
                "`{key}` is {given}: must be a whole number between −2⁶³ and 2⁶³ − 1"
            ))),
        };
    }
    if let Ok(number) = given.cast::<PyFloat>() {
        return Ok(Some(Value::Float(number.value())));
    }
    if let Ok(text) = given.cast::<PyString>() {
        return Ok(Some(Value::String(text.extract()?)));
    }
    if let Ok(dict) = given.cast::<PyDict>() {
        return Ok(Some(Value::Table(table_below(key, dict, depth)?)));
    }
    if given.is_instance_of::<PyList>() || given.is_instance_of::<PyTuple>() {
        let mut list = Vec::new();
        for (place, item) in given.try_iter()?.enumerate() {
            let item = below(&format!("{key}[{place}]"), &item?, depth + 1)?;
            list.extend(item);
        }
        return Ok(Some(Value::Array(list)));
    }
    if key.ends_with(".points.file") && given.hasattr("ndim")? {
        return Err(PyTypeError::new_err(format!(
            "`{key}` is an array: points are given as arrays to flows, runs, comparisons and `measure` alone; here it must be the name of a file"
        )));
    }
    // Scalars and arrays of NumPy, and whatever is like them.
    if let Ok(plain) = given.call_method0("tolist") {
        return below(key, &plain, depth + 1);
    }
    if let Ok(path) = given.call_method0("__fspath__") {
        return below(key, &path, depth + 1);
    }
    let kind = given.get_type().name()?;
    Err(PyTypeError::new_err(format!(
        "`{key}` is a {kind}: must be a number, a text, True or False, a list or a dict of these"
    )))
}

fn table_below(key: &str, given: &Bound<'_, PyDict>, depth: usize) -> PyResult<Table> {
    let mut table = Table::new();
    for (name, item) in given {
        let Ok(name) = name.extract::<String>() else {
            return Err(PyTypeError::new_err(format!(
                "a key of {} is {name}: must be a text",
                if key.is_empty() { "the scenario" } else { key }
            )));
        };
        let full = if key.is_empty() {
            name.clone()
        } else {
            format!("{key}.{name}")
        };
        if let Some(item) = below(&full, &item, depth + 1)? {
            table.insert(name, item);
        }
    }
    Ok(table)
}

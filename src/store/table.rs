//! Tables that grow while a run goes on, one row a measured step: `metrics.csv`.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::error::ReportError;
use super::names::METRICS;
use super::plain;
use crate::metric::Measurement;
use crate::observe::{Row, flow_columns};

/// A CSV file with the columns `step,time,…`, written row by row.
///
/// Numbers have the fewest digits from which the same `f64` is read back; `NaN` and `inf` stand as such (numpy
/// and pandas read them); what was not measured is empty. Each row is handed to the operating system before
/// the next, so a run that is killed leaves a table of whole rows.
#[derive(Debug)]
pub struct Table {
    path: PathBuf,
    columns: usize,
    rows: csv::Writer<File>,
}

impl Table {
    /// Begins the table at `path` with the header `step,time` and the `columns`.
    ///
    /// # Errors
    /// [`ReportError::Io`] naming the file.
    pub fn create(path: &Path, columns: &[&str]) -> Result<Self, ReportError> {
        let file = plain::create(path).map_err(|e| ReportError::io("create", path, e))?;
        let mut table = Self {
            path: path.to_owned(),
            columns: columns.len(),
            rows: csv::Writer::from_writer(file),
        };
        table.record(["step", "time"].iter().chain(columns))?;
        Ok(table)
    }

    /// Adds a row: a step, its time in the flow, and one value a column, `None` where nothing was measured.
    ///
    /// # Errors
    /// [`ReportError::Io`] naming the file; also if the number of values is not that of the columns.
    pub fn row(&mut self, step: u64, time: f64, values: &[Option<f64>]) -> Result<(), ReportError> {
        if values.len() != self.columns {
            let text = format!("{} values for {} columns", values.len(), self.columns);
            let cause = io::Error::new(io::ErrorKind::InvalidInput, text);
            return Err(ReportError::io("write", &self.path, cause));
        }
        let values = values
            .iter()
            .map(|value| value.map_or(String::new(), number));
        self.record([step.to_string(), number(time)].into_iter().chain(values))
    }

    /// Waits until the whole table is on the disk.
    ///
    /// # Errors
    /// [`ReportError::Io`] naming the file.
    pub fn finish(self) -> Result<(), ReportError> {
        let synced = match self.rows.into_inner() {
            Ok(file) => file.sync_all(),
            Err(e) => Err(e.into_error()),
        };
        synced.map_err(|e| ReportError::io("write", &self.path, e))
    }

    fn record(
        &mut self,
        cells: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Result<(), ReportError> {
        let written = self.rows.write_record(cells).map_err(io::Error::from);
        written
            .and_then(|()| self.rows.flush())
            .map_err(|e| ReportError::io("write", &self.path, e))
    }
}

/// Shortest text that reads back as the same number; `1e300` rather than three hundred digits.
pub(crate) fn number(x: f64) -> String {
    format!("{x:?}")
}

/// The rows of `metrics.csv`: the columns of the flow, and those of `measures`. Columns of other versions, which no picture shows, are left out.
pub(crate) fn rows(folder: &Path, measures: &[&'static str]) -> Result<Vec<Row>, String> {
    let wrong = |error: csv::Error| format!("`{METRICS}` cannot be read: {error}");
    let mut table = csv::Reader::from_reader(
        plain::open(folder, METRICS, plain::TEXT).map_err(|e| wrong(e.into()))?,
    );
    let known = || {
        let measured = measures.iter().copied();
        measured.chain(flow_columns().map(|column| column.name))
    };
    let columns: Vec<Option<&'static str>> = table
        .headers()
        .map_err(wrong)?
        .iter()
        .map(|head| known().find(|name| *name == head))
        .collect();
    let mut rows = Vec::new();
    for record in table.records() {
        let record = record.map_err(wrong)?;
        let number = |place: usize| record.get(place).and_then(|cell| cell.parse::<f64>().ok());
        let step = record.get(0).and_then(|cell| cell.parse().ok());
        let (Some(step), Some(time)) = (step, number(1)) else {
            let line = record.position().map_or(0, csv::Position::line);
            return Err(format!("`{METRICS}` has no step and time on line {line}"));
        };
        let mut values = Measurement::default();
        for (place, name) in columns.iter().enumerate() {
            if let (Some(name), Some(value)) = (name, number(place)) {
                values.push(name, value);
            }
        }
        rows.push(Row { step, time, values });
    }
    Ok(rows)
}

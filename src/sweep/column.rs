//! The table of a sweep, column by column, as CSV.

use serde_json::Value;

/// A column of the table, a cell a run.
pub(super) struct Column {
    pub(super) name: String,
    pub(super) cells: Vec<Cell>,
}

/// What stands in the table.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Nothing,
    Truth(bool),
    Whole(u64),
    Number(f64),
    /// A number as it is written in the plan.
    Setting(f64, String),
    Word(String),
}

impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        if value.is_nan() {
            Self::Nothing
        } else {
            Self::Number(value)
        }
    }
}

impl From<Option<&Value>> for Cell {
    fn from(setting: Option<&Value>) -> Self {
        match setting {
            None => Self::Nothing,
            Some(Value::Bool(truth)) => Self::Truth(*truth),
            Some(Value::String(text)) => Self::Word(text.clone()),
            Some(value) => match (value.as_u64(), value.as_f64()) {
                (Some(whole), _) => Self::Whole(whole),
                (None, Some(number)) => Self::Setting(number, value.to_string()),
                (None, None) => Self::Word(value.to_string()),
            },
        }
    }
}

impl Cell {
    /// The cell in words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Truth(truth) => truth.to_string(),
            Self::Whole(whole) => whole.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Word(word) | Self::Setting(_, word) => word.clone(),
        }
    }
}

/// The table as CSV.
pub(super) fn csv(columns: &[Column]) -> csv::Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(columns.iter().map(|column| &column.name))?;
    let rows = columns.first().map_or(0, |column| column.cells.len());
    for row in 0..rows {
        table.write_record(columns.iter().map(|column| column.cells[row].words()))?;
    }
    finished(table)
}

/// The bytes of a table.
pub(super) fn finished(table: csv::Writer<Vec<u8>>) -> csv::Result<Vec<u8>> {
    table
        .into_inner()
        .map_err(|error| error.into_error().into())
}

//! Comma-separated points: two columns, with or without a line of names above them.

use csv::{ReaderBuilder, Trim};

use super::counted;
use crate::cloud::Cloud;

/// Reads two numbers from each line that is not empty. A first line in which neither field is a number is
/// taken for the columns' names.
pub(super) fn read(bytes: &[u8]) -> Result<Cloud, String> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| format!("it is no text (byte {})", error.valid_up_to()))?;
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let mut values = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let record = record.map_err(|error| error.to_string())?;
        let line = record.position().map_or(0, csv::Position::line);
        let fields = match record.len() {
            2 => [&record[0], &record[1]],
            1 if record[0].is_empty() => continue,
            1 => {
                return Err(format!(
                    "line {line} has one column, {:?}: it must have two, separated by a comma",
                    &record[0]
                ));
            }
            n => {
                return Err(format!(
                    "line {line} has {n} columns: it must have two, x and y"
                ));
            }
        };
        let numbers = fields.map(str::parse::<f64>);
        if index == 0 && numbers.iter().all(Result::is_err) {
            continue;
        }
        for (column, (field, number)) in fields.into_iter().zip(numbers).enumerate() {
            let place = format!("line {line}, column {}", column + 1);
            match number {
                Ok(value) if value.is_finite() => values.push(value),
                Ok(value) => return Err(format!("{place} is {value}: leave such points out")),
                Err(_) => return Err(format!("{place}: {field:?} is no number")),
            }
        }
        counted(values.len() / 2)?;
    }
    counted(values.len() / 2)?;
    Cloud::from_shape_vec((values.len() / 2, 2), values).map_err(|error| error.to_string())
}

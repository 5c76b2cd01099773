//! Comma-separated points: two columns, with or without a line of names above them.

use super::counted;
use crate::cloud::Cloud;

/// Reads two numbers from each line. Empty lines and lines that begin with `#` are left out; a first line of which no
/// field is a number is taken for the columns' names.
pub(super) fn read(bytes: &[u8]) -> Result<Cloud, String> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| format!("it is no text (byte {})", error.valid_up_to()))?;
    let mut values = Vec::new();
    let mut names_may_come = true;
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let number = index + 1;
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let fields: Vec<&str> = line.split(',').map(bare).collect();
        let are_names = fields.len() > 1 && fields.iter().all(|f| f.parse::<f64>().is_err());
        if std::mem::take(&mut names_may_come) && are_names {
            continue;
        }
        if fields.len() != 2 {
            return Err(format!(
                "line {number} has {} column(s): it must have two, separated by a comma",
                fields.len()
            ));
        }
        for (column, field) in fields.into_iter().enumerate() {
            let place = format!("line {number}, column {}", column + 1);
            match field.parse::<f64>() {
                Ok(value) if value.is_finite() => values.push(value),
                Ok(value) => return Err(format!("{place} is {value}: leave such points out")),
                Err(_) => return Err(format!("{place}: {field:?} is no number")),
            }
        }
    }
    let rows = values.len() / 2;
    counted(rows)?;
    Cloud::from_shape_vec((rows, 2), values).map_err(|error| error.to_string())
}

/// A field without the spaces and quotation marks around it.
fn bare(field: &str) -> &str {
    let field = field.trim();
    field
        .strip_prefix('"')
        .and_then(|field| field.strip_suffix('"'))
        .map_or(field, str::trim)
}

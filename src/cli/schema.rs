//! `schema`: the JSON Schema of a scenario file.

use std::process::ExitCode;

use super::error::CliError;
use super::print;
use crate::scenario::Scenario;

pub(super) fn schema() -> Result<ExitCode, CliError> {
    print(&text())
}

/// The text of the schema.
pub(super) fn text() -> String {
    format!("{:#}\n", schemars::schema_for!(Scenario).as_value())
}

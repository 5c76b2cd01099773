//! `schema`: the JSON Schema of a scenario file.

use std::process::ExitCode;

use super::error::CliError;
use super::print;
use crate::scenario::Scenario;

pub(super) fn schema() -> Result<ExitCode, CliError> {
    let schema = schemars::schema_for!(Scenario);
    print(&format!("{:#}\n", schema.as_value()))
}

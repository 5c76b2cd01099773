//! `check`: validates a scenario, prints it with every default spelled out, and says what it will cost.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::common::{Common, set_threads};
use super::error::CliError;
use super::load::ScenarioArgs;
use super::terminal::{print, say, warn};
use crate::experiment::Cost;

#[derive(Clone, Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    scenario: ScenarioArgs,
}

pub(super) fn check(args: &CheckArgs, common: Common) -> Result<ExitCode, CliError> {
    set_threads(None)?;
    let loaded = args.scenario.load("output".as_ref())?;
    let experiment = &loaded.experiment;
    let cost = Cost::of(experiment, &*loaded.files);
    if common.json {
        let object = json!({
            "scenario": experiment.scenario,
            "warnings": experiment.warnings,
            "cost": cost,
        });
        return print(&format!("{object:#}\n"));
    }
    warn(&experiment.warnings);
    if !common.quiet {
        say(&cost.to_string());
    }
    print(&experiment.scenario.to_toml())
}

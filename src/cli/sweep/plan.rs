//! `sweep plan`: from a grid, in a file or on the command line, to a list of tasks.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::common::{Common, set_threads};
use super::super::error::CliError;
use super::super::load::{Found, ScenarioArgs};
use super::super::terminal::{plain, print, print_path, say};
use crate::scenario::{Assignment, Axis, Document, find, seeds};
use crate::setting::Invalid;
use crate::sweep::{Estimate, MOST_TASKS, Plan};

#[derive(Clone, Debug, Args)]
pub(crate) struct PlanArgs {
    /// A grid file, or a scenario as for `run`
    #[arg(value_name = "GRID|SCENARIO")]
    grid: OsString,
    /// Let a key take several values: `flow.step_ratio=0.5,1`, `flow.steps=50..200:50`, `flow.step_size=0.01..1*10`; keys with `;` between change
    /// together; repeatable
    #[arg(long = "grid", value_name = "KEY=VALUES")]
    axes: Vec<String>,
    /// Run each cell of the grid on these seeds: `1..20` (both ends count) or `3,8,9` [default: the scenario's own]
    #[arg(long, value_name = "FROM..TO")]
    seeds: Option<String>,
    /// Set one key in all tasks; repeatable
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Record each run in a folder with its page, instead of its numbers alone; an interrupted one then goes on from its last checkpoint
    #[arg(long)]
    record: bool,
    /// The folder of the sweep, new or empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Let the scenario read files outside its own folder
    #[arg(long)]
    allow_outside: bool,
}

/// A grid file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GridFile {
    /// A path, relative to this file, or the name of a shipped scenario.
    scenario: String,
    /// `1..20` or `3,8,9`.
    #[serde(default)]
    seeds: Option<String>,
    /// Whether each run is recorded in a folder.
    #[serde(default)]
    record: bool,
    /// What all tasks share.
    #[serde(default, rename = "set")]
    _set: BTreeMap<String, Value>,
    /// What varies.
    #[serde(default, rename = "grid")]
    _grid: BTreeMap<String, Value>,
    /// What varies together.
    #[serde(default, rename = "zip")]
    _zip: Vec<BTreeMap<String, Value>>,
}

/// What a grid file says.
struct Told {
    found: Found,
    set: Vec<Assignment>,
    axes: Vec<Axis>,
    seeds: Vec<u64>,
    record: bool,
}

pub(crate) fn plan(args: &PlanArgs, common: Common) -> Result<ExitCode, CliError> {
    // Tasks run on one thread each, and so do the trials by which their time is estimated.
    set_threads(Some(1))?;
    let mut told = args.read()?;
    let named = Document::parse(&told.found.label, "")?;
    for text in &args.set {
        told.set.push(named.assignment("--set", text)?);
    }
    for text in &args.axes {
        told.axes.push(named.axis("--grid", text)?);
    }
    if let Some(text) = &args.seeds {
        told.seeds = seeds(text, MOST_TASKS)
            .map_err(|reason| CliError::Usage(format!("--seeds {text}: {reason}")))?;
    }
    let plan = Plan {
        name: told.found.name,
        label: told.found.label,
        text: told.found.text,
        files: &*told.found.files,
        set: told.set,
        axes: told.axes,
        seeds: told.seeds,
        record: told.record || args.record,
    };
    let pool = rayon::ThreadPoolBuilder::new().build().map_err(|error| {
        CliError::Run(format!(
            "cannot start threads: {error}; raise the limit of processes (ulimit -u)"
        ))
    })?;
    let planned = pool.install(|| plan.write(&args.out))?;
    if common.json {
        let object = json!({
            "directory": args.out.to_string_lossy(),
            "estimate": planned.estimate,
            "is_old": planned.is_old,
        });
        return print(&format!("{object:#}\n"));
    }
    if !common.quiet {
        if planned.is_old {
            say("the same sweep was planned here before");
        }
        say(&words(&planned.estimate));
        say(&plain(&format!(
            "run it here with `{}`",
            super::again(&args.out)
        )));
    }
    print_path(&args.out)
}

impl PlanArgs {
    /// Reads the grid file, or finds the scenario.
    fn read(&self) -> Result<Told, CliError> {
        let is_shipped = self.grid.to_str().is_some_and(|name| find(name).is_some());
        let found = ScenarioArgs::text_of(&self.grid, self.allow_outside)?;
        let document = Document::parse(&found.label, &found.text)?;
        if is_shipped || !document.is_grid()? {
            return Ok(Told {
                found,
                set: Vec::new(),
                axes: Vec::new(),
                seeds: Vec::new(),
                record: false,
            });
        }
        // Before the rest of the file, as they know better what is wrong with them.
        let axes = document.axes()?;
        let file: GridFile = document.read()?;
        let listed = file.seeds.map_or(Ok(Vec::new()), |text| {
            seeds(&text, MOST_TASKS).map_err(|reason| {
                let invalid = Invalid::new("seeds", format!("{text:?}"), reason);
                CliError::from(document.blame(&invalid))
            })
        });
        let found = self.scenario(&file.scenario)?;
        if Document::parse(&found.label, &found.text)?.names("scenario") {
            let remedy = "it is a grid itself; name a scenario, such as the one that it names";
            let invalid = Invalid::new("scenario", format!("{:?}", file.scenario), remedy);
            return Err(document.blame(&invalid).into());
        }
        Ok(Told {
            found,
            set: document.settings("set")?,
            axes,
            seeds: listed?,
            record: file.record,
        })
    }

    /// The scenario that a grid file names.
    fn scenario(&self, name: &str) -> Result<Found, CliError> {
        if find(name).is_some() {
            return ScenarioArgs::text_of(name, self.allow_outside);
        }
        let folder = Path::new(&self.grid).parent().unwrap_or(Path::new(""));
        ScenarioArgs::text_of(folder.join(name), self.allow_outside)
    }
}

fn words(estimate: &Estimate) -> String {
    let Estimate {
        tasks,
        core_hours,
        memory_bytes,
        disk_bytes,
    } = estimate;
    let time = match core_hours {
        Some(hours) if *hours < 0.1 => format!("about {:.0} s of one core", hours * 3600.0),
        Some(hours) => format!("about {hours:.1} core hours"),
        None => "time unknown: the first steps fail".to_owned(),
    };
    format!(
        "{tasks} task{}, {time}, {:.0} MB of memory a task, {:.1} MB on disk",
        if *tasks == 1 { "" } else { "s" },
        *memory_bytes as f64 / 1e6,
        *disk_bytes as f64 / 1e6
    )
}

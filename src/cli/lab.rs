//! `lab`: one page with the engine inside, in which everything can be changed while it runs.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::common::Common;
use super::error::CliError;
use super::load::ScenarioArgs;
use super::out_file::OutFile;
use super::terminal::{print, print_path, say};
use crate::experiment::Experiment;
use crate::page::Lab;
use crate::scenario::Document;

#[derive(Clone, Debug, Args)]
pub(super) struct LabArgs {
    /// What the page opens with: a path, the name of a shipped scenario, or `-` for standard input [default: the first that ships]
    scenario: Option<OsString>,
    /// Set one key, such as `flow.steps=50` or `target.ring.sd=0.1`; repeatable
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "scenario")]
    set: Vec<String>,
    /// Let the scenario read files outside its own folder
    #[arg(long, requires = "scenario")]
    allow_outside: bool,
    /// The page
    #[arg(long, value_name = "FILE", default_value = "lab.html")]
    out: PathBuf,
    /// Replace a file of that name
    #[arg(long)]
    force: bool,
}

pub(super) fn lab(args: &LabArgs, common: Common) -> Result<ExitCode, CliError> {
    let out = OutFile {
        option: "--out",
        path: &args.out,
    };
    if out.there()?.is_some() && !args.force {
        return Err(
            out.refusal("it is there already; name another file, or replace it with --force")
        );
    }
    let lab = match &args.scenario {
        Some(name) => opened_with(name, args, common)?,
        None => Lab::default(),
    };
    let html = lab
        .html()
        .map_err(|error| CliError::io("cannot write the page", error))?;
    out.write(&[html.as_bytes()])?;
    if common.json {
        let object = json!({ "page": args.out.to_string_lossy(), "bytes": html.len() });
        print(&format!("{object:#}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    if !common.quiet {
        say("open it in a browser: it needs no network, and no server");
    }
    print_path(&args.out)
}

/// The lab of a scenario, which must be one that runs.
fn opened_with(name: &OsString, args: &LabArgs, common: Common) -> Result<Lab, CliError> {
    let found = ScenarioArgs::text_of(name, args.allow_outside)?;
    let mut document = Document::parse(&found.label, &found.text)?;
    let mut edits = BTreeMap::new();
    for assignment in &args.set {
        document.set(assignment)?;
        if let Some((key, value)) = assignment.split_once('=') {
            edits.insert(key.trim().to_owned(), value.trim().to_owned());
        }
    }
    let experiment = Experiment::read(&document, &*found.files)?;
    let lab = Lab::of(&found.name, &found.text, edits, &experiment);
    for (file, points) in &lab.points {
        if !common.quiet {
            let (role, count) = (file.trim_end_matches(".npy"), points.nrows());
            say(&format!(
                "{role}: the page holds {count} points of it, since it can read no file"
            ));
        }
    }
    Ok(lab)
}

//! `lab`: one page with the engine inside, in which everything can be changed while it runs.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use ndarray::{Axis, concatenate};
use serde_json::json;

use super::common::Common;
use super::error::CliError;
use super::load::ScenarioArgs;
use super::out_file::OutFile;
use super::terminal::{print, print_path, say};
use crate::cloud::Cloud;
use crate::experiment::Experiment;
use crate::page::Lab;
use crate::random::Stream;
use crate::scenario::Document;
use crate::target::{Target, TargetSpec};

/// Points that a picture is known by in a page.
const DRAWN: usize = 6000;
/// Points that a page takes from a file at most.
const MOST: usize = 20_000;

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
    let scenario = &experiment.scenario;
    let mut points = BTreeMap::new();
    for (role, spec, built) in [
        ("target", &scenario.target, &experiment.target),
        ("source", &scenario.source, &experiment.source),
    ] {
        let Some(known) = known_by_points(spec, &**built, scenario.seed) else {
            continue;
        };
        if !common.quiet {
            let count = known.nrows();
            say(&format!(
                "{role}: the page holds {count} points of it, since it can read no file"
            ));
        }
        let file = format!("{role}.npy");
        edits.retain(|key, _| key != role && !key.starts_with(&format!("{role}.")));
        edits.insert(
            role.to_owned(),
            format!("{{ points = {{ file = \"{file}\" }} }}"),
        );
        points.insert(file, known);
    }
    Ok(Lab {
        name: found.name,
        text: found.text,
        edits,
        points,
    })
}

/// The points by which a page knows what is in a file; nothing for what is in none.
fn known_by_points(spec: &TargetSpec, built: &dyn Target, seed: u64) -> Option<Cloud> {
    match spec {
        TargetSpec::Image(_) => Some(built.sample(DRAWN, Stream::new(seed, "lab"))),
        TargetSpec::Points(_) => {
            let parts = built.parts()?;
            let all = if parts.is_parted() {
                concatenate![Axis(0), parts.training, parts.held_out]
            } else {
                parts.training.clone()
            };
            let most = all.nrows().min(MOST);
            Some(all.slice(ndarray::s![..most, ..]).to_owned())
        }
        _ => None,
    }
}

//! `claims`: runs what scenarios claim on several seeds, and says which claims are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

use clap::Args;
use rayon::prelude::*;
use serde_json::json;

use super::common::{Common, Threads};
use super::compare::{contenders, parsed};
use super::error::CliError;
use super::load::ScenarioArgs;
use super::terminal::{plain, print, say};
use crate::experiment::Experiment;
use crate::record::{RunFacts, check_claims, rehearse};
use crate::scenario::{self, Checked, Claim, SHIPPED, Scenario, Variant};
use crate::target::Files;

#[derive(Clone, Debug, Args)]
pub(super) struct ClaimsArgs {
    /// Scenarios, as for `run` [default: all that ship]
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<OsString>,
    /// The seeds: `11..15` (both ends count) or `3,8,9`
    #[arg(long, value_name = "FROM..TO", default_value = UNSEEN, value_parser = seeds)]
    seeds: Seeds,
    /// Print a table in Markdown instead of lines: picture, question and claims of each scenario
    #[arg(long, conflicts_with = "json")]
    table: bool,
    #[command(flatten)]
    threads: Threads,
}

/// Seeds on which no default was chosen and no claim was worded.
const UNSEEN: &str = "201..205";

#[derive(Clone, Debug)]
struct Seeds(Vec<u64>);

/// Most seeds that are taken: more are a slip of the finger.
const MOST: u64 = 1000;

fn seeds(text: &str) -> Result<Seeds, String> {
    scenario::seeds(text, MOST).map(Seeds)
}

pub(super) fn claims(args: &ClaimsArgs, common: Common) -> Result<ExitCode, CliError> {
    args.threads.start()?;
    let names: Vec<OsString> = if args.scenarios.is_empty() {
        SHIPPED.iter().map(|s| s.name().into()).collect()
    } else {
        args.scenarios.clone()
    };
    let mut all: BTreeMap<String, Vec<Checked>> = BTreeMap::new();
    let (mut kept, mut broken) = (0, 0);
    if args.table {
        let seeds: Vec<String> = args.seeds.0.iter().map(u64::to_string).collect();
        let seeds = seeds.join(", ");
        print(&format!(
            "| picture | question | what is claimed, and found on seeds {seeds} |\n|---|---|---|\n"
        ))?;
    }
    for name in &names {
        let (base, checked) = check(name, &args.seeds.0)?;
        let name = &*name.to_string_lossy();
        if checked.is_empty() && !common.quiet {
            say(&format!("{}: claims nothing", plain(name)));
        }
        for claim in &checked {
            let word = if claim.kept { "kept" } else { "BROKEN" };
            kept += usize::from(claim.kept);
            broken += usize::from(!claim.kept);
            if !common.json && !args.table {
                let (says, found) = (plain(&claim.says), plain(&claim.found));
                print(&format!("{word:6}  {}: {says} ({found})\n", plain(name)))?;
            }
        }
        if args.table {
            print(&row(name, &base, &checked))?;
        }
        all.insert(name.to_owned(), checked);
    }
    if common.json {
        let object =
            json!({ "seeds": args.seeds.0, "kept": kept, "broken": broken, "scenarios": all });
        print(&format!("{object:#}\n"))?;
    } else if !common.quiet {
        say(&format!("{kept} kept, {broken} broken"));
    }
    Ok(ExitCode::from(u8::from(broken > 0)))
}

/// A row of the table.
fn row(name: &str, base: &Scenario, checked: &[Checked]) -> String {
    let command = if base.variants.is_empty() {
        "run"
    } else {
        "compare"
    };
    let claims: Vec<String> = checked
        .iter()
        .map(|claim| {
            let mark = match (claim.kept, claim.is_lesson()) {
                (true, true) => "!",
                (true, false) => "✓",
                (false, _) => "✕",
            };
            format!("{mark} {} <small>({})</small>", claim.says, claim.found)
        })
        .collect();
    // What would end a cell stands as itself.
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
    format!(
        "| ![](../output/gallery/{name}.png) | **`{command} {name}`**<br>{} | {} |\n",
        cell(&base.question),
        cell(&claims.join("<br>"))
    )
}

/// The scenario, and its claims checked on these seeds.
fn check(name: &OsStr, seeds: &[u64]) -> Result<(Scenario, Vec<Checked>), CliError> {
    let (found, document) = ScenarioArgs::named(name).document()?;
    let base: Scenario = document.read()?;
    if base.claim.is_empty() {
        return Ok((base, Vec::new()));
    }
    let wanted: BTreeSet<&str> = base.claim.iter().flat_map(Claim::variants).collect();
    let variants = if base.variants.is_empty() {
        Variant::defaults()
    } else {
        parsed(&document, &base.variants)?
    };
    let unknown = |name: &&&str| !name.is_empty() && variants.iter().all(|v| v.name != **name);
    if let Some(name) = wanted.iter().find(unknown) {
        return Err(CliError::Usage(format!(
            "a claim speaks of the variant `{name}`, and there is none of that name"
        )));
    }
    let chosen: Vec<Variant> = variants
        .into_iter()
        .filter(|v| wanted.contains(v.name.as_str()))
        .collect();
    let itself = wanted.contains("") || base.claim.iter().any(Claim::is_of_the_run);
    let mut runs: Vec<(u64, String, Experiment)> = Vec::new();
    for &seed in seeds {
        let mut document = document.clone();
        document.set_by("--seeds", "seed", &seed.to_string())?;
        let base: Scenario = document.read()?;
        let files: &dyn Files = &*found.files;
        for contender in contenders(&document, &base, &chosen, 1, true, files, ".".as_ref())? {
            let own = contender.experiments.into_iter();
            runs.extend(own.map(|experiment| (seed, contender.name.clone(), experiment)));
        }
        if itself {
            runs.push((seed, String::new(), Experiment::read(&document, files)?));
        }
    }
    let done = runs.into_par_iter().map(|(seed, variant, experiment)| {
        rehearse(&found.name, &experiment).map(|facts| (seed, variant, facts))
    });
    let done = done.collect::<Result<Vec<_>, _>>()?;
    let mut by_seed: BTreeMap<u64, BTreeMap<String, RunFacts>> = BTreeMap::new();
    for (seed, variant, facts) in done {
        by_seed.entry(seed).or_default().insert(variant, facts);
    }
    let by_seed: Vec<_> = by_seed.into_values().collect();
    let checked = check_claims(&base.claim, &by_seed);
    Ok((base, checked))
}

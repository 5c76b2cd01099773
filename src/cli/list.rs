//! `list`: what ships, one line each.

use std::fmt::Write;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::common::Common;
use super::error::CliError;
use super::terminal::print;
use crate::discriminator::DiscriminatorSpec;
use crate::scenario::{Embedded, Group, SHIPPED, headline};
use crate::target::{GaussianSpec, TargetSpec};
use crate::{metric, monotone};

#[derive(Clone, Copy, Debug, Args)]
pub(super) struct ListArgs {
    /// What to list
    #[arg(default_value = "scenarios")]
    what: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Scenarios,
    Targets,
    Discriminators,
    Fields,
    Maps,
    Metrics,
}

pub(super) fn list(args: ListArgs, common: Common) -> Result<ExitCode, CliError> {
    let rows: Vec<(String, String)> = match args.what {
        Kind::Scenarios => SHIPPED
            .iter()
            .map(|shipped| (shipped.name().to_owned(), headline(shipped)))
            .collect(),
        Kind::Targets => owned(TargetSpec::catalogue()),
        Kind::Discriminators => owned(DiscriminatorSpec::CATALOGUE),
        Kind::Fields => fields(),
        Kind::Maps => owned(monotone::CATALOGUE),
        Kind::Metrics => metric::ALL
            .iter()
            .map(|about| (about.name.to_owned(), about.measures.to_owned()))
            .collect(),
    };
    if common.json {
        let object: serde_json::Map<_, _> = rows.into_iter().map(|(k, v)| (k, json!(v))).collect();
        return print(&format!("{:#}\n", serde_json::Value::Object(object)));
    }
    if args.what == Kind::Scenarios {
        return print(&in_groups());
    }
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, line) in rows {
        let _ = writeln!(text, "\x1b[1m{name:width$}\x1b[0m  {line}");
    }
    print(&text)
}

/// The scenarios below the headings of what they are about.
fn in_groups() -> String {
    let width = SHIPPED
        .iter()
        .map(|one| one.name().len())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for group in Group::ALL {
        let _ = writeln!(text, "\x1b[4m{}\x1b[0m", group.words());
        for one in SHIPPED.iter().filter(|one| one.group == group) {
            let _ = writeln!(
                text,
                "  \x1b[1m{:width$}\x1b[0m  {}",
                one.name(),
                headline(one)
            );
        }
    }
    text
}

fn owned(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter()
        .map(|(name, line)| ((*name).to_owned(), (*line).to_owned()))
        .collect()
}

/// What each estimator gives with its defaults: a log ratio, another gradient, or a velocity that is none.
fn fields() -> Vec<(String, String)> {
    let names = DiscriminatorSpec::CATALOGUE.iter();
    let target = TargetSpec::Gaussian(GaussianSpec::default()).build(&Embedded);
    let kind = |name: &str| {
        let spec: DiscriminatorSpec = serde_json::from_value(json!({ name: {} })).ok()?;
        let built = spec.build(&**target.as_ref().ok()?).ok()?;
        Some(built.kind().words().to_owned())
    };
    names
        .filter_map(|(name, _)| Some(((*name).to_owned(), kind(name)?)))
        .collect()
}

//! `init`: a commented scenario to start from.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::common::Common;
use super::error::CliError;
use super::schema;
use super::terminal::{plain, print, print_path, quoted, say};

const TEMPLATE: &str = include_str!("template.toml");

#[derive(Clone, Debug, Args)]
pub(super) struct InitArgs {
    /// Name of the scenario: `my-flow` writes `my-flow.toml` in the present folder
    name: String,
}

pub(super) fn init(args: &InitArgs, common: Common) -> Result<ExitCode, CliError> {
    let stem = args.name.strip_suffix(".toml").unwrap_or(&args.name);
    let title = stem.rsplit(['/', '\\']).next().unwrap_or(stem);
    if title.is_empty() || title.chars().any(char::is_control) {
        return Err(CliError::Usage(format!(
            "`{}` cannot be the name of a scenario; use letters, digits and hyphens, such as `my-flow`",
            args.name.escape_debug()
        )));
    }
    let path = PathBuf::from(format!("{stem}.toml"));
    let text = TEMPLATE.replacen(
        "My flow",
        &title.replace('\\', "\\\\").replace('"', "\\\""),
        1,
    );
    let mut file = File::create_new(&path).map_err(|error| {
        let what = if error.kind() == ErrorKind::AlreadyExists {
            format!("{} is there already; choose another name", path.display())
        } else {
            format!("cannot write {}", path.display())
        };
        CliError::io(what, error)
    })?;
    file.write_all(text.as_bytes())
        .map_err(|error| CliError::io(format!("cannot write {}", path.display()), error))?;
    let told = schema_beside(&path)?;
    if !common.quiet {
        if let Some(told) = told {
            say(&plain(&told));
        }
        say(&format!(
            "try: ratioflow run {}",
            quoted(&plain(&path.display().to_string()))
        ));
    }
    if common.json {
        let [file, schema] =
            [path.clone(), schema_of(&path)].map(|path| path.to_string_lossy().into_owned());
        return print(&format!(
            "{:#}\n",
            json!({ "file": file, "schema": schema })
        ));
    }
    print_path(&path)
}

fn schema_of(scenario: &Path) -> PathBuf {
    scenario.with_file_name("ratioflow.schema.json")
}

/// Writes the schema that the first line of a new scenario names, by which editors complete and check it. One that is there already
/// stays, and what is said is that it is another's.
fn schema_beside(scenario: &Path) -> Result<Option<String>, CliError> {
    let path = schema_of(scenario);
    let text = schema::text();
    let failed = |error| CliError::io(format!("cannot write {}", path.display()), error);
    match File::create_new(&path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map_err(failed)?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            if fs::read_to_string(&path).is_ok_and(|there| there != text) {
                return Ok(Some(format!(
                    "{} is of another version and was left as it is; `ratioflow schema` prints this one's",
                    path.display()
                )));
            }
        }
        Err(error) => return Err(failed(error)),
    }
    Ok(None)
}

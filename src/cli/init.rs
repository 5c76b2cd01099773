//! `init`: a commented scenario to start from.

use std::borrow::Cow;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::common::Common;
use super::error::CliError;
use super::terminal::{plain, print_path, say};

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
    if !common.quiet {
        say(&format!(
            "try: ratioflow run {}",
            quoted(&plain(&path.display().to_string()))
        ));
    }
    print_path(&path)
}

/// A name as it is typed to a shell.
fn quoted(name: &str) -> Cow<'_, str> {
    let bare = |c: char| c.is_alphanumeric() || "-_./+:@%,=".contains(c);
    if name.chars().all(bare) && !name.starts_with('-') {
        return Cow::Borrowed(name);
    }
    Cow::Owned(format!("'{}'", name.replace('\'', "'\\''")))
}

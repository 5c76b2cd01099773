//! `sweep collect`: what is done, in tables and on a page.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::super::common::{Common, set_threads};
use super::super::error::CliError;
use super::super::terminal::{plain, print, print_path, say};
use crate::sweep::collect as collect_tables;

#[derive(Clone, Debug, Args)]
pub(crate) struct CollectArgs {
    /// The folder of the sweep
    folder: PathBuf,
}

pub(crate) fn collect(args: &CollectArgs, common: Common) -> Result<ExitCode, CliError> {
    set_threads(None)?;
    let done = collect_tables(&args.folder)?;
    if common.json {
        let object = json!({ "directory": args.folder.to_string_lossy(), "collected": done });
        return print(&format!("{object:#}\n"));
    }
    if !common.quiet {
        let rows = done.complete + done.diverged + done.failed;
        let counts = format!(
            "{} complete, {} diverged, {} failed",
            done.complete, done.diverged, done.failed
        );
        let left = match done.tasks - rows {
            0 => String::new(),
            left => format!("; {left} are not done and no rows yet"),
        };
        say(&format!("{rows} of {} tasks: {counts}{left}", done.tasks));
        let page = args.folder.join("sweep.html");
        say(&plain(&format!("look at it: {}", page.display())));
    }
    print_path(&args.folder.join("sweep.csv"))
}

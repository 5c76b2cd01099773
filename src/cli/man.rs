//! `man`: the manual page of the program, or of one of its commands.

use std::process::ExitCode;

use clap::{Args, CommandFactory};

use super::Cli;
use super::error::CliError;
use super::terminal::print;

#[derive(Clone, Debug, Args)]
pub(super) struct ManArgs {
    /// Of this command, such as `run` or `sweep plan` [default: of the program]
    #[arg(value_name = "COMMAND")]
    words: Vec<String>,
}

pub(super) fn man(args: &ManArgs) -> Result<ExitCode, CliError> {
    let mut command = Cli::command().propagate_version(true);
    // So that options that every command has stand on its page too.
    command.build();
    let mut name = "ratioflow".to_owned();
    for word in &args.words {
        let own = command.find_subcommand(word).cloned();
        command = own.ok_or_else(|| {
            CliError::Usage(format!(
                "`{word}` is no command of `{name}`\n  = help: `{} --help` lists them",
                name.replace('-', " ")
            ))
        })?;
        name = format!("{name}-{word}");
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(|error| CliError::io("cannot write the page", error))?;
    print(&String::from_utf8_lossy(&page))
}

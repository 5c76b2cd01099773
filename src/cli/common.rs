//! Options that every command has.

use clap::{Args, ValueEnum};

/// Options that every command has.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Common {
    /// Print results and errors only
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// Print one JSON object on standard output instead of text
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(super) color: Color,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

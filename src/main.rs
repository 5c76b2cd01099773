//! The command line of ratioflow.

use std::process::ExitCode;

fn main() -> ExitCode {
    ratioflow::cli::main()
}

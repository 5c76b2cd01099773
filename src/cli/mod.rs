//! The command line: what can be typed, and one function per command.

mod calibrate;
mod check;
mod claims;
mod common;
mod compare;
mod error;
mod gallery;
mod init;
mod lab;
mod list;
mod load;
mod man;
mod out_file;
mod measure;
mod plot;
mod preview;
mod progress;
mod reference;
mod render;
mod resume;
mod available;
mod run;
mod sample;
mod schema;
mod signal;
mod summary;
mod sweep;
mod terminal;

use std::error::Error as _;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use serde_json::json;

use common::{Color, Common};
use error::CliError;
use terminal::{plain, print, say};

/// Particle flows along the log density ratio: GANs as ODEs, simulated, drawn and measured in two dimensions.
#[derive(Debug, Parser)]
#[command(
    name = "ratioflow",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Simulate one scenario; prints the run directory
    Run(run::RunArgs),
    /// Run variants of one scenario side by side, from the same cloud and samples
    Compare(compare::CompareArgs),
    /// Go on with a run or a comparison that was stopped or killed, to the same result
    Resume(resume::ResumeArgs),
    /// Run the shipped scenarios and write one page about them all
    Gallery(gallery::GalleryArgs),
    /// Write the lab: one page with the engine inside, in which everything can be changed while it runs
    Lab(lab::LabArgs),
    /// Draw the pictures of a finished run again: other size, colours, layers, or as SVG
    Render(render::RenderArgs),
    /// Draw fresh points of the trained generator of a finished run
    Sample(sample::SampleArgs),
    /// Fit every estimator once where the ratio is known, and compare with the truth
    Calibrate(calibrate::CalibrateArgs),
    /// Measure a cloud from a file against another file or a target: value, floor, p-value and verdict of every measure
    Measure(measure::MeasureArgs),
    /// Solve the exact flow of a scenario's target on a grid, at the times of its run
    Reference(reference::ReferenceArgs),
    /// Run what scenarios claim on seeds that nobody tuned to, and say which claims are kept
    Claims(claims::ClaimsArgs),
    /// Plan many runs, run them here or on any engine, and collect them into one table and one page
    #[command(subcommand)]
    Sweep(sweep::SweepCommand),
    /// Validate a scenario; prints it with every default spelled out, and what it will cost
    Check(check::CheckArgs),
    /// Show what ships: scenarios, targets, discriminators, what these give (fields), maps or metrics
    List(list::ListArgs),
    /// Write a commented scenario to start from
    Init(init::InitArgs),
    /// Print the JSON Schema of a scenario, for editors
    Schema,
    /// Print a completion script for a shell
    Completions {
        /// The shell to complete in
        shell: clap_complete::Shell,
    },
    /// Print the manual page of the program or of a command, for `man`
    Man(man::ManArgs),
}

/// Runs the program; what it returns is the exit code.
#[must_use]
pub fn main() -> ExitCode {
    tell_of_bugs();
    // If it cannot be had, the system ends the process as it ever did.
    let _ = signal::outlive_file_limits();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version go to standard output, errors to standard error.
        Err(error) => {
            let text = error.render().ansi().to_string();
            if error.use_stderr() {
                say(text.trim_end());
                if std::env::args_os().any(|arg| arg == "--json") {
                    let plain = error.render().to_string();
                    // What stands before the line on usage: the argument's name may have one of its own.
                    let lines = plain.lines().take_while(|line| !line.starts_with("Usage:"));
                    let lines = lines.map(str::trim).filter(|line| !line.is_empty());
                    let message = lines.collect::<Vec<_>>().join(" ");
                    tell(message.trim_start_matches("error: "), None, &[], 2);
                }
                return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
            }
            return print(&text).unwrap_or_else(|error| report(&error, false));
        }
    };
    match cli.common.color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    }
    .write_global();
    let common = cli.common;
    let result = match cli.command {
        Command::Run(args) => run::run(&args, common),
        Command::Compare(args) => compare::run(&args, common),
        Command::Resume(args) => resume::resume(&args, common),
        Command::Gallery(args) => gallery::gallery(&args, common),
        Command::Lab(args) => lab::lab(&args, common),
        Command::Render(args) => render::render(&args, common),
        Command::Sample(args) => sample::sample(&args, common),
        Command::Calibrate(args) => calibrate::calibrate(&args, common),
        Command::Measure(args) => measure::measure(&args, common),
        Command::Reference(args) => reference::reference(&args, common),
        Command::Claims(args) => claims::claims(&args, common),
        Command::Sweep(command) => sweep::sweep(&command, common),
        Command::Check(args) => check::check(&args, common),
        Command::List(args) => list::list(args, common),
        Command::Init(args) => init::init(&args, common),
        Command::Schema => schema::schema(),
        Command::Man(args) => man::man(&args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "ratioflow", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
    };
    match result {
        Ok(code) => code,
        Err(error) => report(&error, common.json),
    }
}

/// The object of `--json` for what has failed.
fn tell(message: &str, place: Option<(&str, usize, usize)>, help: &[String], code: u8) {
    let place =
        place.map(|(file, line, column)| json!({ "file": file, "line": line, "column": column }));
    let error = json!({ "message": plain(message), "place": place, "help": help, "code": code });
    // What cannot be written was said on standard error.
    let _ = print(&format!("{:#}\n", json!({ "error": error })));
}

/// Prints the chain of causes on one message, as an object too where that is asked for, and gives the exit code.
fn report(failed: &CliError, json: bool) -> ExitCode {
    let mut text = failed.to_string();
    let mut cause = failed.source();
    while let Some(error) = cause {
        let more = error.to_string();
        // Transparent errors repeat what was said.
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    let text = plain(&text);
    say(&format!("\x1b[1;31merror\x1b[0m: {text}"));
    if json {
        if let CliError::Scenario(error) = failed {
            let (message, place) = (error.message(), error.place());
            tell(message, place, error.remedies(), failed.code());
        } else {
            let mut parts = text.split("\n  = help: ");
            let message = parts.next().unwrap_or_default();
            let help: Vec<String> = parts.map(str::to_owned).collect();
            tell(message, None, &help, failed.code());
        }
    }
    ExitCode::from(failed.code())
}

/// A panic is a fault of the program, and says so.
fn tell_of_bugs() {
    std::panic::set_hook(Box::new(|panic| {
        let version = env!("CARGO_PKG_VERSION");
        let payload = panic.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        let what = text.unwrap_or("no message");
        let place = panic.location().map(ToString::to_string);
        say(&format!(
            "\x1b[1;31mbug\x1b[0m: {what} (at {}, version {version}, {} {})\n  \
             = help: this is a fault of ratioflow, not of your scenario. Please report it where you got ratioflow \
             from, with these lines, the command, and the scenario; what the run has written so far is whole, and \
             `ratioflow resume` can go on from it",
            place.unwrap_or_default(),
            std::env::consts::OS,
            std::env::consts::ARCH,
        ));
    }));
}

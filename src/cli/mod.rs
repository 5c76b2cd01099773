//! The command line: what can be typed, and one function per command.

mod calibrate;
mod check;
mod claims;
mod compare;
mod error;
mod gallery;
mod init;
mod list;
mod load;
mod measure;
mod plot;
mod preview;
mod progress;
mod reference;
mod render;
mod resume;
mod room;
mod run;
mod schema;
mod signal;
mod summary;

use std::borrow::Cow;
use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use error::CliError;

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

/// Options that every command has.
#[derive(Clone, Copy, Debug, Args)]
struct Common {
    /// Print results and errors only
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Print one JSON object on standard output instead of text
    #[arg(long, global = true)]
    json: bool,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
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
    /// Draw the pictures of a finished run again: other size, colours, layers, or as SVG
    Render(render::RenderArgs),
    /// Fit every estimator once where the ratio is known, and compare with the truth
    Calibrate(calibrate::CalibrateArgs),
    /// Measure a cloud from a file against another file or a target: value, floor, p-value and verdict of every measure
    Measure(measure::MeasureArgs),
    /// Solve the exact flow of a scenario's target on a grid, at the times of its run
    Reference(reference::ReferenceArgs),
    /// Run what scenarios claim on seeds that nobody tuned to, and say which claims are kept
    Claims(claims::ClaimsArgs),
    /// Validate a scenario; prints it with every default spelled out, and what it will cost
    Check(check::CheckArgs),
    /// Show what ships: scenarios, targets, discriminators, maps or metrics
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
                return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
            }
            return print(&text).unwrap_or_else(|error| error.report());
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
        Command::Render(args) => render::render(&args, common),
        Command::Calibrate(args) => calibrate::calibrate(&args, common),
        Command::Measure(args) => measure::measure(&args, common),
        Command::Reference(args) => reference::reference(&args, common),
        Command::Claims(args) => claims::claims(&args, common),
        Command::Check(args) => check::check(&args, common),
        Command::List(args) => list::list(args, common),
        Command::Init(args) => init::init(&args, common),
        Command::Schema => schema::schema(),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "ratioflow", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
    };
    match result {
        Ok(code) => code,
        Err(error) => error.report(),
    }
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

/// Writes to standard output. A reader that has gone away, as `head` does, is no error.
fn print(text: &str) -> Result<ExitCode, CliError> {
    let mut out = anstream::stdout().lock();
    let shown = if std::io::stdout().is_terminal() {
        harmless(text)
    } else {
        Cow::Borrowed(text)
    };
    written(out.write_all(shown.as_bytes()).and_then(|()| out.flush()))
}

/// Writes a path to standard output as one line: harmless on a terminal, else just as it is, for programs.
fn print_path(path: &Path) -> Result<ExitCode, CliError> {
    let mut out = std::io::stdout().lock();
    if out.is_terminal() {
        return print(&format!("{}\n", plain(&path.display().to_string())));
    }
    let name = path.as_os_str().as_encoded_bytes();
    written(
        out.write_all(&[name, b"\n"].concat())
            .and_then(|()| out.flush()),
    )
}

fn written(done: std::io::Result<()>) -> Result<ExitCode, CliError> {
    match done {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(CliError::io("cannot write to standard output", error))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// A remark on standard error; nothing can be done if even that fails.
fn say(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{}", harmless(text));
}

/// Warnings on standard error.
fn warn(warnings: &[String]) {
    for warning in warnings {
        say(&format!("\x1b[1;33mwarning\x1b[0m: {}", plain(warning)));
    }
}

/// Text from a scenario as it may be shown on a terminal: control characters, with which it could move the cursor, colour
/// or rename the window, and marks that turn the direction of writing are shown as `�`. Lines stay lines.
fn plain(text: &str) -> Cow<'_, str> {
    let harmful = |c: char| {
        let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        (c.is_control() && c != '\n' && c != '\t') || turns
    };
    if text.contains(harmful) {
        Cow::Owned(text.replace(harmful, "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// As [`plain`], but colours stay: what all text for people goes through, so that nothing worse than a colour can slip in.
fn harmless(text: &str) -> Cow<'_, str> {
    let Some((first, rest)) = text.split_once("\x1b[") else {
        return plain(text);
    };
    let mut shown = plain(first).into_owned();
    for part in rest.split("\x1b[") {
        let end = part.find(|c: char| !c.is_ascii_digit() && c != ';');
        match end.map(|end| part.split_at(end)) {
            Some((codes, after)) if after.starts_with('m') => {
                shown.extend(["\x1b[", codes, &plain(after)]);
            }
            _ => shown.extend(["\u{fffd}[", &plain(part)]),
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_a_file_gives_orders_to_the_terminal() {
        let text = "a\x1b]0;title\x07\u{9b}31m\r\u{202e}b\n\tc";
        assert_eq!(plain(text), "a�]0;title��31m��b\n\tc");
        assert!(matches!(plain("∇ log r ≤ 1"), Cow::Borrowed(_)));
        let coloured = "\x1b[1;31merror\x1b[0m: \x1b[2J\x1b]0;title\x07\x1b[";
        assert_eq!(
            harmless(coloured),
            "\x1b[1;31merror\x1b[0m: �[2J�]0;title��["
        );
    }
}

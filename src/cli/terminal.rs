//! What is written on the terminal, and nothing from a file gives it orders.

use std::borrow::Cow;
use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use super::error::CliError;

/// Writes to standard output. A reader that has gone away, as `head` does, is no error.
pub(super) fn print(text: &str) -> Result<ExitCode, CliError> {
    let mut out = anstream::stdout().lock();
    let shown = if std::io::stdout().is_terminal() {
        harmless(text)
    } else {
        Cow::Borrowed(text)
    };
    written(out.write_all(shown.as_bytes()).and_then(|()| out.flush()))
}

/// Writes a path to standard output as one line: harmless on a terminal, else just as it is, for programs.
pub(super) fn print_path(path: &Path) -> Result<ExitCode, CliError> {
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
pub(super) fn say(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{}", harmless(text));
}

/// Warnings on standard error.
pub(super) fn warn(warnings: &[String]) {
    for warning in warnings {
        say(&format!("\x1b[1;33mwarning\x1b[0m: {}", plain(warning)));
    }
}

/// Text from a scenario as it may be shown on a terminal: control characters, with which it could move the cursor, colour
/// or rename the window, and marks that turn the direction of writing are shown as `�`. Lines stay lines.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
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

/// A name as it is typed to a shell.
pub(super) fn quoted(name: &str) -> Cow<'_, str> {
    let bare = |c: char| c.is_alphanumeric() || "-_./+:@%,=".contains(c);
    if name.chars().all(bare) && !name.starts_with('-') {
        return Cow::Borrowed(name);
    }
    Cow::Owned(format!("'{}'", name.replace('\'', "'\\''")))
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

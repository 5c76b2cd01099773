//! Places in a text, and how they are shown: `file:line:column`, the line, a caret.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

/// Longest part of a line that is shown.
const WINDOW: usize = 100;

/// A text somebody wrote: a scenario file, or an argument of the command line.
#[derive(Debug)]
pub(super) struct Source {
    /// Name of the file; `None` for the command line.
    file: Option<String>,
    text: String,
}

impl Source {
    pub(super) fn file(name: &str, text: &str) -> Arc<Self> {
        Arc::new(Self {
            file: Some(shown(name)),
            text: text.to_owned(),
        })
    }

    pub(super) fn argument(text: String) -> Arc<Self> {
        Arc::new(Self { file: None, text })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// A stretch of a [`Source`].
#[derive(Clone, Debug)]
pub(super) struct Place {
    source: Arc<Source>,
    start: usize,
    end: usize,
}

impl Place {
    /// The stretch `span` (bytes) of `source`, widened to whole characters and cut to the text.
    pub(super) fn new(source: &Arc<Source>, span: Range<usize>) -> Self {
        let text = source.text();
        let boundary = |mut at: usize, step: isize| {
            at = at.min(text.len());
            while !text.is_char_boundary(at) {
                at = at.saturating_add_signed(step);
            }
            at
        };
        let start = boundary(span.start, -1);
        Self {
            source: Arc::clone(source),
            start,
            end: boundary(span.end, 1).max(start),
        }
    }

    /// Where the stretch begins, in bytes: the order in which things were written.
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// The text of the stretch.
    pub(super) fn text(&self) -> &str {
        &self.source.text[self.start..self.end]
    }

    /// The argument this is a part of, if it stands on the command line.
    pub(super) fn argument(&self) -> Option<&str> {
        match self.source.file {
            None => Some(&self.source.text),
            Some(_) => None,
        }
    }

    /// Name of the file, line and column, both from 1; columns count characters.
    pub(super) fn file_line_column(&self) -> Option<(&str, usize, usize)> {
        let name = self.source.file.as_deref()?;
        let (line, column) = self.line_column();
        Some((name, line, column))
    }

    fn line_column(&self) -> (usize, usize) {
        let before = &self.source.text[..self.start];
        let line = 1 + before.bytes().filter(|&b| b == b'\n').count();
        (line, before[self.line_start()..].chars().count() + 1)
    }

    fn line_start(&self) -> usize {
        self.source.text[..self.start]
            .rfind('\n')
            .map_or(0, |at| at + 1)
    }

    /// Digits of the line number, to align several excerpts.
    pub(super) fn gutter(&self) -> usize {
        self.source
            .file
            .as_ref()
            .map_or(1, |_| self.line_column().0.to_string().len())
    }

    /// Writes the place, its line and a caret below it, followed by a `note`.
    pub(super) fn excerpt(&self, gutter: usize, note: &str, out: &mut String) {
        let (line, column) = self.line_column();
        let (place, number) = match &self.source.file {
            Some(name) => (format!("{name}:{line}:{column}"), line.to_string()),
            None => ("command line".to_owned(), String::new()),
        };
        let rest = &self.source.text[self.line_start()..];
        let text: Vec<char> = rest.lines().next().unwrap_or("").chars().collect();
        let marked = self.text().lines().next().unwrap_or("").chars().count();

        // A line too long to show is cut to a window around the caret.
        let caret = column - 1;
        let from = if text.len() > WINDOW {
            caret.saturating_sub(WINDOW / 3)
        } else {
            0
        };
        let to = text.len().min(from + WINDOW);
        let head = if from > 0 { "…" } else { "" };
        let tail = if to < text.len() { "…" } else { "" };
        let window: String = text.get(from..to).unwrap_or_default().iter().collect();
        let pad = " ".repeat(head.chars().count() + caret - from);
        let carets = "^".repeat(marked.min(to.saturating_sub(caret)).max(1));

        let space = " ".repeat(gutter);
        let note = if note.is_empty() {
            String::new()
        } else {
            format!(" {note}")
        };
        let line = format!("{head}{}{tail}", printable(&window));
        // Writing to a `String` cannot fail.
        let _ = write!(
            out,
            "\n{space}--> {place}\n{space} |\n{number:>gutter$} | {line}\n{space} | {pad}{carets}{note}"
        );
    }
}

/// The text as one line that cannot steer a terminal: white space becomes a space, and control characters
/// and those that change the direction of writing become `�`.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            c if c.is_whitespace() => ' ',
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// A key or value as it is quoted in a message: printable, on one line, not too long.
pub(super) fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    let line = printable(text);
    if line.chars().count() <= LONGEST {
        return line;
    }
    line.chars().take(LONGEST).chain(['…']).collect()
}

//! One clear error: what is wrong, where it stands, and what would do.

use std::fmt;

use super::place::Place;

/// Something wrong in a scenario file or in an option that changes it.
///
/// It prints as several lines: the message, `file:line:column` with the line and a caret for each place
/// concerned, and the remedy.
///
/// ```text
/// no `target` is called `rng`
///  --> ring.toml:4:9
///   |
/// 4 | [target.rng]
///   |         ^^^
///   = help: did you mean `ring`?
/// ```
#[derive(Clone, Debug)]
pub struct ScenarioError {
    message: String,
    /// Shown where no place is known.
    name: String,
    marks: Vec<(Place, String)>,
    help: Vec<String>,
    notes: Vec<String>,
}

impl ScenarioError {
    pub(super) fn new(name: &str, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            name: name.to_owned(),
            marks: Vec::new(),
            help: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub(super) fn mark(mut self, place: &Place, note: impl Into<String>) -> Self {
        self.marks.push((place.clone(), note.into()));
        self
    }

    pub(super) fn help(mut self, remedy: impl Into<String>) -> Self {
        self.help.push(remedy.into());
        self
    }

    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// What is wrong, in one line.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What would do, one remedy an item; empty where the message says it all.
    #[must_use]
    pub fn remedies(&self) -> &[String] {
        &self.help
    }

    /// Name of the file, line and column (from 1, in characters); `None` for an option of the command line.
    #[must_use]
    pub fn place(&self) -> Option<(&str, usize, usize)> {
        self.marks.first()?.0.file_line_column()
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gutter = self.marks.iter().map(|(place, _)| place.gutter()).max();
        let gutter = gutter.unwrap_or(1);
        let mut text = self.message.clone();
        for (place, note) in &self.marks {
            place.excerpt(gutter, note, &mut text);
        }
        f.write_str(&text)?;
        let space = " ".repeat(gutter);
        if self.marks.is_empty() {
            write!(f, "\n{space}--> {}", self.name)?;
        }
        for help in &self.help {
            write!(f, "\n{space} = help: {help}")?;
        }
        for note in &self.notes {
            write!(f, "\n{space} = note: {note}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ScenarioError {}

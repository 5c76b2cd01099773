//! Puts faults into words: what is wrong, what was expected, and what was probably meant.

use schemars::JsonSchema;
use serde::de::{DeserializeOwned, value::MapAccessDeserializer};

use super::document::Document;
use super::error::ScenarioError;
use super::fault::{Fault, What};
use super::guide::{Guide, can_be_written};
use super::place::{Place, shown};
use super::read::Entries;
use super::suggest::nearest;
use super::tree::{Node, Path, Step, Value};
use crate::metric::ALL;

/// Most places that are named where a key would belong.
const MOST_HOMES: usize = 3;

impl Document {
    /// Reads the document as a `T`, whose JSON Schema tells what is expected where.
    ///
    /// # Errors
    /// The first key or value that `T` has no use for, with its place and the remedy. Numbers must be finite.
    pub fn read<T: DeserializeOwned + JsonSchema>(&self) -> Result<T, ScenarioError> {
        for entry in &self.root.0 {
            let mut path = Path(vec![Step::Key(entry.key.clone())]);
            if let Some(place) = entry.node.first_non_finite(&mut path) {
                return Err(Explainer::of::<T>(self).non_finite(&path, &place));
            }
        }
        T::deserialize(MapAccessDeserializer::new(Entries::new(&self.root)))
            .map_err(|fault| Explainer::of::<T>(self).explain(fault))
    }
}

/// Holds a document against what it may hold.
struct Explainer<'a> {
    document: &'a Document,
    guide: Guide,
}

impl<'a> Explainer<'a> {
    /// Explains what was found wrong when `document` was read as a `T`.
    fn of<T: JsonSchema>(document: &'a Document) -> Self {
        Self {
            document,
            guide: Guide::to::<T>(),
        }
    }

    pub(super) fn explain(&self, fault: Fault) -> ScenarioError {
        let (what, path, place) = fault.into_parts();
        let place = place.as_ref();
        match what {
            What::UnknownKey { key, expected } => self.unknown_key(&path, &key, &expected, place),
            What::UnknownKind { name, kinds } => self.unknown_kind(&path, &name, &kinds, place),
            What::NoKind { kinds } => self
                .error(format!("`{path}` is empty: it must say which kind"), place)
                .help(one_of(&path, kinds.iter().map(String::as_str))),
            What::TwoKinds { first, second } => {
                let message = format!("`{path}` is given twice: `{}` and `{}`", first.0, second.0);
                let error = ScenarioError::new(self.document.name(), message)
                    .mark(&first.1, "the first")
                    .mark(&second.1, "the second");
                match second.1.argument() {
                    Some(_) => {
                        let kind = &second.0;
                        error.help(format!(
                            "to put one in place of the other, write `--set {path}={{{kind}={{}}}}` first"
                        ))
                    }
                    None => error.help("keep one of them"),
                }
            }
            What::BareKind { name } => {
                let remedy = if place.is_some_and(|place| place.argument().is_some()) {
                    format!("write `--set {path}.{name}={{}}`")
                } else {
                    format!("write it as a table, `[{path}.{name}]`")
                };
                let message =
                    format!("`{path}` is \"{name}\", a kind that has settings of its own");
                self.error(message, place).help(remedy)
            }
            What::NoSettings { name } => {
                let kind = parent(&path);
                self.error(format!("`{path}` has no settings"), place)
                    .help(format!("write `{kind} = \"{name}\"`"))
            }
            What::Missing { key } => self.missing(path, key, place),
            What::Unsuited { expected } => self.unsuited(&path, &expected, place),
            What::Length { found, expected } => {
                let expected = self.expectation(&path, &expected);
                let values = if found == 1 { "value" } else { "values" };
                let message = format!("`{path}` has {found} {values}; expected {expected}");
                self.error(message, place)
            }
            What::Ignored => {
                let key = match path.0.last() {
                    Some(Step::Key(key)) => key.clone(),
                    _ => path.to_string(),
                };
                let table = parent(&path);
                let at = self.key_place(&path);
                self.unknown_key(&table, &key, &[], at.as_ref().or(place))
            }
            What::Other(message) if message.starts_with("data did not match any variant") => {
                self.unsuited(&path, "another value", place)
            }
            What::Other(message) => {
                let message = match self.document.find(&path) {
                    Some(node) => format!("`{path}` is {}: {message}", node.written()),
                    None => message,
                };
                self.error(message, place)
            }
        }
    }

    /// A number that is not finite.
    pub(super) fn non_finite(&self, path: &Path, place: &Place) -> ScenarioError {
        let message = format!(
            "`{path}` is {}: numbers must be finite",
            shown(place.text())
        );
        self.error(message, Some(place))
    }

    fn error(&self, message: String, place: Option<&Place>) -> ScenarioError {
        let error = ScenarioError::new(self.document.name(), message);
        match place {
            Some(place) => error.mark(place, ""),
            None => error,
        }
    }

    fn unknown_key(
        &self,
        table: &Path,
        key: &str,
        expected: &[String],
        place: Option<&Place>,
    ) -> ScenarioError {
        let from_schema;
        let expected = if expected.is_empty() {
            from_schema = self.guide.keys(table);
            &from_schema
        } else {
            expected
        };
        let whole = child(table, key);
        let is_table = self
            .document
            .find(&whole)
            .is_some_and(|node| matches!(node.value, Value::Table(_)));
        let message = match (is_table, table.0.is_empty()) {
            (true, _) => format!("unknown table `[{whole}]`"),
            (false, true) => format!("unknown key `{}`", shown(key)),
            (false, false) => format!("unknown key `{}` in {}", shown(key), bracketed(table)),
        };
        let error = self.error(message, place);
        let error = match self.remedy(table, key, expected, place) {
            Some(remedy) => error.help(remedy),
            None => error,
        };
        let keys = expected.join(", ");
        if table.0.is_empty() {
            // The one document beside scenarios is a grid, which names one.
            let whose = if expected.iter().any(|key| key == "scenario") {
                "a grid"
            } else {
                "a scenario"
            };
            error.note(format!("{whose} has: {keys}"))
        } else if expected.is_empty() {
            error.note(format!("{} has no settings", bracketed(table)))
        } else {
            error.note(format!("{} has: {keys}", bracketed(table)))
        }
    }

    /// What was probably meant by `key`, found in a table that has the keys `expected`: one of these, the
    /// same key of another table, or a misspelt key of another table, in this order.
    fn remedy(
        &self,
        table: &Path,
        key: &str,
        expected: &[String],
        place: Option<&Place>,
    ) -> Option<String> {
        let near = nearest(key, expected.iter().map(String::as_str));
        if let Some(near) = near
            && near.distance <= 1
        {
            return Some(format!("did you mean `{}`?", near.name));
        }
        let on_command_line = place.is_some_and(|place| place.argument().is_some());
        if let Some(belongs) = self.belongs(table, key, on_command_line) {
            return Some(belongs);
        }
        if let Some(near) = near {
            return Some(format!("did you mean `{}`?", near.name));
        }
        let all = self.guide.all_keys();
        let near =
            nearest(key, all.iter().map(String::as_str)).filter(|near| near.distance <= 1)?;
        let belongs = self.belongs(table, near.name, on_command_line)?;
        Some(format!("did you mean `{}`? {belongs}", near.name))
    }

    /// Where `key` would be at home, preferring tables inside this one, then tables that are written in the
    /// document.
    fn belongs(&self, table: &Path, key: &str, on_command_line: bool) -> Option<String> {
        let homes = self.guide.homes(key);
        let likely = |home: &Path| {
            let inside = !table.0.is_empty() && home.0.starts_with(&table.0);
            (inside, self.document.nearest(home).0)
        };
        let most = homes.iter().map(likely).max()?;
        let homes: Vec<&Path> = homes.iter().filter(|home| likely(home) == most).collect();
        let first = homes.first()?;
        if on_command_line {
            let keys = homes.iter().map(|home| format!("`{}`", child(home, key)));
            return Some(format!("the key is {}", alternatives(keys)));
        }
        if first.0.is_empty() {
            return Some(format!(
                "`{key}` belongs at the top of the file, before the first `[table]`"
            ));
        }
        let tables = homes.iter().map(|home| bracketed(home));
        Some(format!("`{key}` belongs in {}", alternatives(tables)))
    }

    fn unknown_kind(
        &self,
        path: &Path,
        name: &str,
        kinds: &[String],
        place: Option<&Place>,
    ) -> ScenarioError {
        let message = format!("no `{path}` is called `{}`", shown(name));
        let error = self.error(message, place);
        let kinds = kinds.iter().map(String::as_str);
        let kinds: Vec<&str> = kinds.filter(|kind| can_be_written(path, kind)).collect();

        // `type = "ring"` is how other programs write `[target.ring]`.
        if let Some(Node {
            value: Value::String(meant),
            ..
        }) = self.document.find(&child(path, name))
            && let Some(near) = nearest(meant, kinds.iter().copied())
            && near.distance <= 1
        {
            return error.help(format!(
                "the kind is the name of a table: write `[{path}.{}]`",
                near.name
            ));
        }
        let expected: Vec<String> = kinds.iter().map(|&kind| kind.to_owned()).collect();
        let is_measure = path.to_string().starts_with("metrics.also[");
        let error = if is_measure && ALL.iter().any(|about| about.name == name) {
            error.help(format!(
                "`{name}` need not be asked for: it is taken of every target that it makes sense for"
            ))
        } else if let Some(remedy) = self.remedy(path, name, &expected, place) {
            error.help(remedy)
        } else {
            error
        };
        // What the option takes besides, and no file.
        let off = path.to_string() == "generator"
            && place.is_some_and(|place| place.argument().is_some());
        let off = if off { "off, " } else { "" };
        error.note(format!("`{path}` is one of: {off}{}", kinds.join(", ")))
    }

    fn missing(&self, path: Path, key: String, place: Option<&Place>) -> ScenarioError {
        let whole = child(&path, &key);
        let error = self.error(format!("`{whole}` is missing"), place);
        let mut kinds = self.guide.kinds(&whole);
        if !kinds.is_empty() {
            // A kind without settings may be written as a table, too.
            kinds.extend(self.guide.words(&whole));
            return error.help(one_of(&whole, kinds));
        }
        match self.guide.expectation(&whole) {
            Some(expected) if expected == "a table" => error.help(format!("add `[{whole}]`")),
            Some(expected) => error.help(format!("add `{key} = …`, {expected}")),
            None => error,
        }
    }

    fn unsuited(&self, path: &Path, expected: &str, place: Option<&Place>) -> ScenarioError {
        let Some(node) = self.document.find(path) else {
            return self.error(format!("expected {expected}"), place);
        };
        // Where several shapes were possible, serde does not say which key of a table it stumbled over.
        if let Value::Table(table) = &node.value {
            let known = self.guide.keys(path);
            let stranger = table.0.iter().find(|entry| !known.contains(&entry.key));
            if let Some(stranger) = stranger
                && !known.is_empty()
            {
                return self.unknown_key(path, &stranger.key, &known, Some(&stranger.at));
            }
        }
        let expected = self.expectation(path, expected);
        let message = format!("`{path}` is {}; expected {expected}", node.written());
        let error = self.error(message, place);
        match self.repair(path, node, &expected) {
            Some(remedy) => error.help(remedy),
            None => error,
        }
    }

    /// How a value that does not suit is put right, where that is plain to see.
    fn repair(&self, path: &Path, node: &Node, expected: &str) -> Option<String> {
        match &node.value {
            Value::String(text) => {
                let words = self.guide.words(path);
                let kinds = self.guide.kinds(path);
                if let Some(near) = nearest(text, words) {
                    return Some(format!("did you mean `\"{}\"`?", near.name));
                }
                if let Some(near) = nearest(text, kinds) {
                    return Some(format!("write `[{path}.{}]`", near.name));
                }
                let bare = text.trim();
                let unquoted = bare.to_ascii_lowercase();
                let number = expected.contains("number") && bare.parse::<f64>().is_ok();
                let truth = expected.contains("true or false")
                    && matches!(unquoted.as_str(), "true" | "false");
                (number || truth).then(|| format!("write `{unquoted}`, without quotes"))
            }
            Value::Float(x)
                if expected.contains("whole number") && x.fract() == 0.0 && x.abs() < 1e15 =>
            {
                Some(format!("write `{x:.0}`"))
            }
            Value::Integer(1..) if expected.contains("whole number") => {
                Some("the number is too large".to_owned())
            }
            Value::Float(x) if expected.contains("whole number") && *x >= 1e15 => {
                Some("the number is too large".to_owned())
            }
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Date
                if expected.contains("text in quotes") =>
            {
                Some(format!("write `\"{}\"`", shown(node.place.text())))
            }
            _ => None,
        }
    }

    /// What a value may be, in the schema's words or else in serde's.
    fn expectation(&self, path: &Path, serde: &str) -> String {
        if let Some(expected) = self.guide.expectation(path) {
            return expected;
        }
        match serde {
            "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more".to_owned(),
            "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".to_owned(),
            "f32" | "f64" => "a number".to_owned(),
            "a boolean" => "true or false".to_owned(),
            "a string" => "a text in quotes".to_owned(),
            other if other.starts_with("struct ") => "a table".to_owned(),
            other => other.to_owned(),
        }
    }

    /// The place of the key at the end of `path`.
    fn key_place(&self, path: &Path) -> Option<Place> {
        let (Step::Key(last), _) = path.0.split_last()? else {
            return None;
        };
        self.document
            .table(&parent(path))?
            .get(last)
            .map(|entry| entry.at.clone())
    }
}

fn parent(path: &Path) -> Path {
    Path(path.0[..path.0.len().saturating_sub(1)].to_vec())
}

fn child(path: &Path, key: &str) -> Path {
    let mut steps = path.0.clone();
    steps.push(Step::Key(key.to_owned()));
    Path(steps)
}

/// A table as it is written in a file: `[flow]`, or `[[components]]` for the items of a list.
fn bracketed(table: &Path) -> String {
    match table.0.last() {
        Some(Step::Index(_)) => format!("`[[{}]]`", parent(table)),
        _ => format!("`[{table}]`"),
    }
}

fn one_of<'a>(path: &Path, kinds: impl IntoIterator<Item = &'a str>) -> String {
    let tables: Vec<String> = kinds
        .into_iter()
        .map(|kind| format!("`[{path}.{kind}]`"))
        .collect();
    format!("add one of {}", tables.join(", "))
}

/// `a`, `b` or `c`; more are left out.
fn alternatives(names: impl Iterator<Item = String>) -> String {
    let mut names: Vec<String> = names.collect();
    names.truncate(MOST_HOMES);
    match names.pop() {
        Some(last) if !names.is_empty() => format!("{} or {last}", names.join(", ")),
        Some(only) => only,
        None => String::new(),
    }
}

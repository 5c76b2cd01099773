//! A TOML document as a tree in which every key and value knows its place.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::place::{Place, Source, shown};

/// A value with the place where it was written. Of a table that is its header.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) place: Place,
}

/// The kinds of TOML values.
#[derive(Clone, Debug)]
pub(super) enum Value {
    String(String),
    Integer(i128),
    Float(f64),
    Boolean(bool),
    Date,
    Array(Vec<Node>),
    Table(Table),
}

/// Entries in the order in which they were written.
#[derive(Clone, Debug, Default)]
pub(super) struct Table(pub(super) Vec<Entry>);

/// A key with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) at: Place,
    pub(super) node: Node,
}

impl Entry {
    /// What to point at when the value is blamed: the value itself, or the name of the table.
    pub(super) fn blamed(&self) -> &Place {
        match self.node.value {
            Value::Table(_) => &self.at,
            _ => &self.node.place,
        }
    }
}

impl Table {
    /// Takes over a parsed table of `source` that begins `shift` bytes into its text.
    pub(super) fn new(table: DeTable<'_>, source: &Arc<Source>, shift: usize) -> Self {
        let mut entries: Vec<Entry> = table
            .into_iter()
            .map(|(key, value)| {
                let at = Place::new(source, moved(key.span(), shift));
                let node = Node::new(value.span(), value.into_inner(), source, shift);
                Entry {
                    key: key.into_inner().into_owned(),
                    at,
                    node,
                }
            })
            .collect();
        entries.sort_by_key(|entry| entry.at.start());
        Self(entries)
    }

    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.key == key)
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.0.iter_mut().find(|entry| entry.key == key)
    }
}

impl Node {
    /// Takes over a parsed value of `source` that begins `shift` bytes into its text.
    pub(super) fn new(
        span: Range<usize>,
        value: DeValue<'_>,
        source: &Arc<Source>,
        shift: usize,
    ) -> Self {
        let value = match value {
            DeValue::String(text) => Value::String(text.into_owned()),
            DeValue::Integer(digits) => i128::from_str_radix(digits.as_str(), digits.radix())
                .map_or_else(
                    |_| Value::Float(digits.as_str().parse().unwrap_or(f64::INFINITY)),
                    Value::Integer,
                ),
            DeValue::Float(digits) => Value::Float(digits.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(truth) => Value::Boolean(truth),
            DeValue::Datetime(_) => Value::Date,
            DeValue::Array(items) => Value::Array(
                items
                    .into_iter()
                    .map(|item| Node::new(item.span(), item.into_inner(), source, shift))
                    .collect(),
            ),
            DeValue::Table(table) => Value::Table(Table::new(table, source, shift)),
        };
        Self {
            value,
            place: Place::new(source, moved(span, shift)),
        }
    }

    /// The first number that is not finite, with the path to it below this node.
    pub(super) fn first_non_finite(&self, path: &mut Path) -> Option<Place> {
        match &self.value {
            Value::Float(x) if !x.is_finite() => Some(self.place.clone()),
            Value::Array(items) => items.iter().enumerate().find_map(|(index, item)| {
                path.0.push(Step::Index(index));
                let found = item.first_non_finite(path);
                if found.is_none() {
                    path.0.pop();
                }
                found
            }),
            Value::Table(table) => table.0.iter().find_map(|entry| {
                path.0.push(Step::Key(entry.key.clone()));
                let found = entry.node.first_non_finite(path);
                if found.is_none() {
                    path.0.pop();
                }
                found
            }),
            _ => None,
        }
    }

    /// The value as it was written, short enough for a message.
    pub(super) fn written(&self) -> String {
        match &self.value {
            Value::Table(_) => "a table".to_owned(),
            // A bare word of the command line has no quotes, and gets them here.
            Value::String(text) if !self.place.text().starts_with(['"', '\'']) => {
                format!("\"{}\"", shown(text))
            }
            _ => shown(self.place.text()),
        }
    }
}

fn moved(span: Range<usize>, shift: usize) -> Range<usize> {
    span.start + shift..span.end + shift
}

/// One step down a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// A way down a document: `target.mixture.components[1].weight`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Path(pub(super) Vec<Step>);

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if place == 0 => write!(f, "{}", shown(key))?,
                Step::Key(key) => write!(f, ".{}", shown(key))?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// A key written with dots could not be understood: where, and what would do.
pub(super) struct BadPath {
    pub(super) span: Range<usize>,
    pub(super) remedy: &'static str,
}

impl Path {
    /// Deepest path that is taken; real ones have less than ten steps.
    const DEEPEST: usize = 40;

    /// Reads `a.b[1].c`, giving each step its span in `text`.
    pub(super) fn parse(text: &str) -> Result<Vec<(Step, Range<usize>)>, BadPath> {
        let mut steps = Vec::new();
        let mut start = 0;
        for part in text.split('.') {
            let end = start + part.len();
            let bad = |remedy| BadPath {
                span: start..end,
                remedy,
            };
            let (name, indices) = part.split_at(part.find('[').unwrap_or(part.len()));
            let lead = name.len() - name.trim_start().len();
            let word = name.trim();
            if word.is_empty() {
                return Err(bad(
                    "a key is made of names with dots between: `flow.steps`",
                ));
            }
            if word.contains(['"', '\'', ']', '\n', '\r']) {
                return Err(bad("write keys without quotes or brackets: `flow.steps`"));
            }
            let at = start + lead;
            steps.push((Step::Key(word.to_owned()), at..at + word.len()));
            let mut at = start + name.len();
            for index in indices.split_inclusive(']') {
                let number = index
                    .trim()
                    .strip_prefix('[')
                    .and_then(|rest| rest.strip_suffix(']'))
                    .and_then(|digits| digits.trim().parse().ok())
                    .ok_or(bad("an item of a list is written `components[0]`"))?;
                steps.push((Step::Index(number), at..at + index.len()));
                at += index.len();
            }
            if steps.len() > Self::DEEPEST {
                return Err(bad("no key lies that deep"));
            }
            start = end + 1;
        }
        Ok(steps)
    }
}

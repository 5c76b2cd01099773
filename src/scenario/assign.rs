//! Changes a document as an option of the command line says.

use std::ops::Range;
use std::sync::Arc;

use toml::de::DeValue;

use super::document::{Document, not_toml};
use super::error::ScenarioError;
use super::place::{Place, Source, shown};
use super::tree::{BadPath, Entry, Node, Path, Step, Table, Value};

impl Document {
    pub(super) fn assign(
        &mut self,
        source: &Arc<Source>,
        key_at: usize,
        key: &str,
        value_at: usize,
        value: &str,
    ) -> Result<(), ScenarioError> {
        let steps = self.steps(source, key_at, key)?;
        let node = self.value(source, value_at, value)?;
        self.insert(&steps, node)
    }

    /// The steps of a dotted key with their places; a key that is not part of the option's text
    /// (`key_at` beyond its end) has the whole option as its place.
    pub(super) fn steps(
        &self,
        source: &Arc<Source>,
        key_at: usize,
        key: &str,
    ) -> Result<Vec<(Step, Place)>, ScenarioError> {
        let place = |span: Range<usize>| {
            if key_at < source.text().len() {
                Place::new(source, span.start + key_at..span.end + key_at)
            } else {
                Place::new(source, 0..usize::MAX)
            }
        };
        match Path::parse(key) {
            Ok(steps) => Ok(steps
                .into_iter()
                .map(|(step, span)| (step, place(span)))
                .collect()),
            Err(BadPath { span, remedy }) => {
                let message = if key.trim().is_empty() {
                    "there is no key before `=`".to_owned()
                } else {
                    format!("`{}` is not a key", shown(key))
                };
                Err(ScenarioError::new(&self.name, message)
                    .mark(&place(span), "")
                    .help(remedy))
            }
        }
    }

    pub(super) fn value(
        &self,
        source: &Arc<Source>,
        at: usize,
        text: &str,
    ) -> Result<Node, ScenarioError> {
        let place = Place::new(source, at..usize::MAX);
        let error = |message: &str| ScenarioError::new(&self.name, message).mark(&place, "");
        if text.contains(['\n', '\r']) {
            return Err(error("a value takes one line"));
        }
        if text.trim().is_empty() {
            return Err(
                error("there is no value after `=`").help("an empty text is written `\"\"`")
            );
        }
        let lead = text.len() - text.trim_start().len();
        let fault = match DeValue::parse(text.trim()) {
            Ok(value) => {
                let span = value.span();
                return Ok(Node::new(span, value.into_inner(), source, at + lead));
            }
            Err(fault) => fault,
        };
        if text.contains(['"', '\'', '[', ']', '{', '}', '=', '#']) {
            return Err(not_toml(&self.name, source, &fault, at + lead));
        }
        Ok(Node {
            value: Value::String(text.trim().to_owned()),
            place,
        })
    }

    /// Puts `node` at the end of `steps`, making tables on the way.
    pub(super) fn insert(
        &mut self,
        steps: &[(Step, Place)],
        node: Node,
    ) -> Result<(), ScenarioError> {
        let Some(((last, last_place), way)) = steps.split_last() else {
            return Ok(());
        };
        let name = &self.name;
        let mut here = Slot::Table(&mut self.root);
        for (depth, (step, place)) in way.iter().enumerate() {
            let found = here.step(step, place, || Value::Table(Table::default()));
            let node = found.map_err(|why| why.told(name, &steps[..=depth], place))?;
            let written = node.written();
            here = match &mut node.value {
                Value::Table(table) => Slot::Table(table),
                Value::Array(items) => Slot::Array(items),
                _ => Slot::Leaf(node.place.clone(), written),
            };
        }
        if let (Slot::Table(table), Step::Key(key)) = (&mut here, last)
            && let Some(entry) = table.get_mut(key)
        {
            entry.at = last_place.clone();
        }
        let slot = here.step(last, last_place, || Value::Boolean(false));
        *slot.map_err(|why| why.told(name, steps, last_place))? = node;
        Ok(())
    }
}

/// Something that an assignment passes through.
enum Slot<'a> {
    Table(&'a mut Table),
    Array(&'a mut Vec<Node>),
    Leaf(Place, String),
}

/// Why an assignment cannot go on.
enum Blocked {
    /// A name or an index was applied to a value of another type; where that stands, and what it is.
    Foreign { what: String, place: Option<Place> },
    /// The list has only so many items.
    Short { length: usize },
}

impl<'a> Slot<'a> {
    /// One step on; a name that is not there yet is made, with the value `fresh`.
    fn step(
        self,
        step: &Step,
        place: &Place,
        fresh: impl FnOnce() -> Value,
    ) -> Result<&'a mut Node, Blocked> {
        match (self, step) {
            (Self::Table(table), Step::Key(key)) => {
                let known = table.0.iter().position(|entry| entry.key == *key);
                let index = known.unwrap_or_else(|| {
                    table.0.push(Entry {
                        key: key.clone(),
                        at: place.clone(),
                        node: Node {
                            value: fresh(),
                            place: place.clone(),
                        },
                    });
                    table.0.len() - 1
                });
                Ok(&mut table.0[index].node)
            }
            (Self::Array(items), Step::Index(index)) => {
                let length = items.len();
                items.get_mut(*index).ok_or(Blocked::Short { length })
            }
            (Self::Table(_), Step::Index(_)) => Err(Blocked::Foreign {
                what: "not a list".to_owned(),
                place: None,
            }),
            (Self::Array(_), Step::Key(_)) => Err(Blocked::Foreign {
                what: "a list: say which item, from `[0]` on".to_owned(),
                place: None,
            }),
            (Self::Leaf(at, written), step) => Err(Blocked::Foreign {
                what: match step {
                    Step::Key(_) => format!("{written}, not a table"),
                    Step::Index(_) => format!("{written}, not a list"),
                },
                place: Some(at),
            }),
        }
    }
}

impl Blocked {
    /// In words: `steps` lead up to the one, at `place`, that could not be taken.
    fn told(self, name: &str, steps: &[(Step, Place)], place: &Place) -> ScenarioError {
        let path = |steps: &[(Step, Place)]| {
            Path(steps.iter().map(|(step, _)| step.clone()).collect()).to_string()
        };
        let whole = path(steps);
        let above = path(&steps[..steps.len() - 1]);
        match self {
            Self::Foreign { what, place: at } => {
                let message = format!("cannot set `{whole}`: `{above}` is {what}");
                let error = ScenarioError::new(name, message).mark(place, "");
                match at {
                    Some(at) => error.mark(&at, "it is set here"),
                    None => error,
                }
            }
            Self::Short { length } => {
                let message = format!("there is no `{whole}`: `{above}` has {length} items");
                ScenarioError::new(name, message)
                    .mark(place, "")
                    .help("items are counted from 0")
            }
        }
    }
}

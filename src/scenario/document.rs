//! A scenario as it was written, file and options together, which can say where everything stands.

use std::sync::Arc;

use toml::de::DeTable;

use super::error::ScenarioError;
use super::place::{Place, Source, shown};
use super::tree::{Entry, Node, Path, Step, Table, Value};
use crate::setting::Invalid;

/// A TOML document, changed by the options of the command line.
///
/// ```
/// # use ratioflow::scenario::Document;
/// # #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
/// # #[serde(deny_unknown_fields)] struct Flow { steps: u64 }
/// # #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
/// # #[serde(deny_unknown_fields)] struct Scenario { flow: Flow }
/// let mut document = Document::parse("a.toml", "[flow]\nsteps = 200\n")?;
/// document.set("flow.steps=50")?;
/// let scenario: Scenario = document.read()?;
/// assert_eq!(scenario.flow.steps, 50);
///
/// document.set("flow.stesp=50")?;
/// let error = document.read::<Scenario>().unwrap_err();
/// assert!(error.to_string().contains("did you mean `steps`?"));
/// # Ok::<(), ratioflow::scenario::ScenarioError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Document {
    pub(super) name: String,
    pub(super) root: Table,
}

impl Document {
    /// Reads the TOML `text`; `name` is what errors call the file.
    ///
    /// # Errors
    /// Where the text is not TOML or a key stands twice. Whether the keys mean anything is asked by
    /// [`read`](Self::read).
    pub fn parse(name: &str, text: &str) -> Result<Self, ScenarioError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let source = Source::file(name, text);
        let name = shown(name);
        match DeTable::parse(source.text()) {
            Ok(table) => Ok(Self {
                root: Table::new(table.into_inner(), &source, 0),
                name,
            }),
            Err(fault) => Err(not_toml(&name, &source, &fault, 0)),
        }
    }

    /// The name given to [`parse`](Self::parse).
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether `key` stands at the top.
    #[must_use]
    pub fn names(&self, key: &str) -> bool {
        self.root.get(key).is_some()
    }

    /// Sets one key, as `--set KEY=VALUE` does: `flow.step_size=0.1`,
    /// `target.mixture.components[1].weight=0.3`, `flow.h=softplus`.
    ///
    /// The value is TOML; a bare word that is no TOML value is a text, since shells take the quotes away.
    /// A table replaces the table that was there.
    ///
    /// # Errors
    /// Where `assignment` is not of this form, or goes through something that is no table.
    pub fn set(&mut self, assignment: &str) -> Result<(), ScenarioError> {
        let Some((key, value)) = assignment.split_once('=') else {
            let whole = format!("--set {assignment}");
            let span = 6..whole.len();
            let place = Place::new(&Source::argument(whole), span);
            return Err(ScenarioError::new(&self.name, "`--set` needs a value")
                .mark(&place, "")
                .help("write `--set KEY=VALUE`, such as `--set flow.steps=50`"));
        };
        let source = Source::argument(format!("--set {assignment}"));
        let value_at = "--set ".len() + key.len() + 1;
        self.assign(&source, "--set ".len(), key, value_at, value)
    }

    /// Sets `key` as another option does: `set_by("--seed", "seed", "7")` stands for `--seed 7`, and errors
    /// about the value point there.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn set_by(&mut self, option: &str, key: &str, value: &str) -> Result<(), ScenarioError> {
        let source = Source::argument(format!("{option} {value}"));
        let value_at = option.len() + 1;
        self.assign(&source, usize::MAX, key, value_at, value)
    }

    /// Makes `kind` the only kind named in the table `key`, as `--discriminator NAME` does: the table becomes
    /// `{ NAME = {} }`, unless it names that kind already and so may hold settings for it.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn replace(&mut self, option: &str, key: &str, kind: &str) -> Result<(), ScenarioError> {
        let source = Source::argument(format!("{option} {kind}"));
        let at = Place::new(&source, option.len() + 1..usize::MAX);
        let steps = self.steps(&source, usize::MAX, key)?;
        self.only(&steps, kind, &at)
    }

    /// Makes `kind` the only kind in the table at `steps`, unless it is that already.
    pub(super) fn only(
        &mut self,
        steps: &[(Step, Place)],
        kind: &str,
        at: &Place,
    ) -> Result<(), ScenarioError> {
        let path = Path(steps.iter().map(|(step, _)| step.clone()).collect());
        if let Some(Value::Table(named)) = self.find(&path).map(|node| &node.value)
            && named.get(kind).is_some()
        {
            return Ok(());
        }
        let table = |entries| Node {
            value: Value::Table(Table(entries)),
            place: at.clone(),
        };
        let named = table(vec![Entry {
            key: kind.to_owned(),
            at: at.clone(),
            node: table(Vec::new()),
        }]);
        self.insert(steps, named)
    }

    /// Takes away `key` and all below it, as `--generator off` does; nothing happens if it is not there.
    pub fn remove(&mut self, key: &str) {
        let mut table = &mut self.root;
        let mut names = key.split('.').peekable();
        while let Some(name) = names.next() {
            if names.peek().is_none() {
                table.0.retain(|entry| entry.key != name);
                return;
            }
            match table.get_mut(name).map(|entry| &mut entry.node.value) {
                Some(Value::Table(next)) => table = next,
                _ => return,
            }
        }
    }

    /// The error for a setting that could be read but not used, at the place where it was written; a default
    /// that was not written is blamed on the nearest table around it.
    #[must_use]
    pub fn blame(&self, invalid: &Invalid) -> ScenarioError {
        let Invalid { key, value, remedy } = invalid;
        let steps = Path::parse(key).unwrap_or_default();
        let path = Path(steps.into_iter().map(|(step, _)| step).collect());
        let (depth, place) = self.nearest(&path);
        let written = depth == path.0.len();
        let message = if written {
            format!("`{key}` is {value}: {remedy}")
        } else {
            format!("`{key}` is {value} by default: {remedy}")
        };
        let error = ScenarioError::new(&self.name, message);
        let error = match place {
            Some(place) if written => error.mark(place, ""),
            Some(place) => error.mark(place, "not written in here"),
            None => error,
        };
        // A whole table that is there by default has no value that would mend it.
        if written || value == "{}" {
            error
        } else {
            error.help(format!("set `{key}`"))
        }
    }

    /// The value at `path`.
    pub(super) fn find(&self, path: &Path) -> Option<&Node> {
        let (Step::Key(first), rest) = path.0.split_first()? else {
            return None;
        };
        let mut node = &self.root.get(first)?.node;
        for step in rest {
            node = match (step, &node.value) {
                (Step::Key(key), Value::Table(table)) => &table.get(key)?.node,
                (Step::Index(index), Value::Array(items)) => items.get(*index)?,
                _ => return None,
            };
        }
        Some(node)
    }

    /// The table at `path`; the whole document for an empty one.
    pub(super) fn table(&self, path: &Path) -> Option<&Table> {
        if path.0.is_empty() {
            return Some(&self.root);
        }
        match &self.find(path)?.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// How many steps of `path` were written, and the place of the last of these.
    pub(super) fn nearest(&self, path: &Path) -> (usize, Option<&Place>) {
        let mut place = None;
        let mut table = Some(&self.root);
        let mut items: &[Node] = &[];
        for (depth, step) in path.0.iter().enumerate() {
            let found = match step {
                Step::Key(key) => table
                    .and_then(|table| table.get(key))
                    .map(|entry| (entry.blamed(), &entry.node)),
                Step::Index(index) => items.get(*index).map(|node| (&node.place, node)),
            };
            let Some((at, node)) = found else {
                return (depth, place);
            };
            place = Some(at);
            (table, items) = match &node.value {
                Value::Table(next) => (Some(next), &[][..]),
                Value::Array(next) => (None, next.as_slice()),
                _ => (None, &[][..]),
            };
        }
        (path.0.len(), place)
    }
}

/// A syntax error of the TOML parser, `shift` bytes into the text of `source`.
pub(super) fn not_toml(
    name: &str,
    source: &Arc<Source>,
    fault: &toml::de::Error,
    shift: usize,
) -> ScenarioError {
    let span = fault.span().unwrap_or(0..0);
    let place = Place::new(source, span.start + shift..span.end + shift);
    let what = fault.message();
    if what == "duplicate key" {
        let message = format!("`{}` is written twice", shown(place.text()));
        return ScenarioError::new(name, message)
            .mark(&place, "the second")
            .help("keep one of them");
    }
    ScenarioError::new(name, format!("not valid TOML: {what}")).mark(&place, "")
}

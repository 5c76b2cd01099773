//! Axes of a grid: keys of a scenario, and the values that they take together. Each value knows where it was written.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use super::document::Document;
use super::error::ScenarioError;
use super::place::{Place, Source};
use super::range::Spread;
use super::split::split;
use super::tree::{Node, Path, Step, Value};

/// A key, and a value that it is given: as `--set` gives it, but for names of kinds. `discriminator=mlp` makes that kind the only one,
/// `discriminator.mlp.hidden=[8]` too; `generator=off` and `flow.reaction=off` take the table away.
#[derive(Clone, Debug)]
pub struct Assignment {
    pub(super) key: Arc<Key>,
    pub(super) node: Node,
}

/// A key, and where it was written.
#[derive(Debug)]
pub(super) struct Key {
    dotted: String,
    pub(super) steps: Vec<(Step, Place)>,
    pub(super) place: Place,
}

/// Keys that change together.
#[derive(Clone, Debug)]
pub struct Axis {
    /// At least one, all of the same length above 0.
    columns: Vec<Column>,
}

/// A key, and the values that it takes. Those of a range are made when they are asked for: of ten million, each would know its place.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) key: Arc<Key>,
    parts: Vec<Part>,
    length: usize,
}

/// Values that were written as one, and how many values of the column there are before them.
#[derive(Clone, Debug)]
struct Part {
    before: usize,
    values: Values,
}

/// What a value of a list stands for.
#[derive(Clone, Debug)]
pub(super) enum Values {
    One(Node),
    Range(Spread, Place),
}

/// Tables in which a bare word names a kind.
const KINDS: [&str; 4] = ["target", "source", "discriminator", "generator"];

impl Document {
    /// Reads `KEY=VALUE` as an assignment; `option` is what errors call it.
    ///
    /// # Errors
    /// Where it is not of this form.
    pub fn assignment(&self, option: &str, text: &str) -> Result<Assignment, ScenarioError> {
        let source = Source::argument(format!("{option} {text}"));
        let at = option.len() + 1;
        let [key, value] = self.halves(&source, at..source.text().len())?;
        let node = self.value(&source, value.start, &source.text()[value])?;
        self.usable(&node)?;
        let key = self.key(&source, key)?;
        Ok(Assignment { key, node })
    }

    /// Reads `KEY=VALUE,VALUE,…` as an axis. Several of them with `;` between change together. A value may be a range: `1..9`, `1..9:2` in
    /// steps of 2, `0.1..10*10` by a factor; the end counts if a step reaches it.
    ///
    /// # Errors
    /// Where it is not of this form, and if the keys of one axis have different numbers of values.
    pub fn axis(&self, option: &str, text: &str) -> Result<Axis, ScenarioError> {
        let source = Source::argument(format!("{option} {text}"));
        let at = option.len() + 1;
        let mut columns = Vec::new();
        for part in split(text, ';') {
            let [key, values] = self.halves(&source, part.start + at..part.end + at)?;
            let mut column = Column::new(self.key(&source, key)?);
            for value in split(&source.text()[values.clone()], ',') {
                let span = values.start + value.start..values.start + value.end;
                column.push(self.values(&source, span)?);
            }
            columns.push(column);
        }
        self.zipped(columns, &Place::new(&source, 0..usize::MAX))
    }

    /// Makes the assignment.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn assign_to(&mut self, assignment: &Assignment) -> Result<(), ScenarioError> {
        let Assignment { key, node } = assignment;
        let (key, steps) = (&key.dotted, &key.steps);
        if let ("generator" | "flow.reaction", Value::String(word)) = (key.as_str(), &node.value)
            && word == "off"
        {
            self.remove(key);
            return Ok(());
        }
        if let ("flow.reaction", Value::String(_)) = (key.as_str(), &node.value) {
            let carrier = (Step::Key("carrier".to_owned()), node.place.clone());
            let steps: Vec<_> = steps.iter().cloned().chain([carrier]).collect();
            return self.insert(&steps, node.clone());
        }
        if let ([(Step::Key(table), _)], Value::String(kind)) = (steps.as_slice(), &node.value)
            && KINDS.contains(&table.as_str())
        {
            return self.only(&steps[..1], kind, &node.place);
        }
        if let [(Step::Key(table), _), (Step::Key(kind), at), ..] = steps.as_slice()
            && ["discriminator", "generator"].contains(&table.as_str())
        {
            self.only(&steps[..1], kind, at)?;
        }
        self.insert(steps, node.clone())
    }

    /// The same with a value that was kept as JSON.
    ///
    /// # Errors
    /// As [`set`](Self::set), and if JSON holds what no key takes.
    pub fn assign_json(
        &mut self,
        key: &str,
        value: &serde_json::Value,
    ) -> Result<(), ScenarioError> {
        let value = toml::Value::try_from(value).map_err(|error| {
            ScenarioError::new(&self.name, format!("`{key}` cannot be {value}: {error}"))
        })?;
        let assignment = self.assignment("set", &format!("{key}={value}"))?;
        self.assign_to(&assignment)
    }

    /// What stands before and behind `=`.
    fn halves(
        &self,
        source: &Arc<Source>,
        span: Range<usize>,
    ) -> Result<[Range<usize>; 2], ScenarioError> {
        let text = &source.text()[span.clone()];
        match text.split_once('=') {
            Some((key, _)) => {
                let middle = span.start + key.len();
                Ok([span.start..middle, middle + 1..span.end])
            }
            None => Err(ScenarioError::new(&self.name, "there is no `=`")
                .mark(&Place::new(source, span), "")
                .help("write `KEY=VALUE`, such as `flow.steps=50`")),
        }
    }

    fn key(&self, source: &Arc<Source>, key: Range<usize>) -> Result<Arc<Key>, ScenarioError> {
        let steps = self.steps(source, key.start, &source.text()[key.clone()])?;
        Ok(Arc::new(Key::new(steps, Place::new(source, key))))
    }

    /// Refuses what JSON could not hold.
    pub(super) fn usable(&self, node: &Node) -> Result<(), ScenarioError> {
        if let Some(place) = node.first_non_finite(&mut Path::default()) {
            let error = ScenarioError::new(&self.name, "a number must be finite");
            return Err(error.mark(&place, ""));
        }
        if plain(node).is_none() {
            let error = ScenarioError::new(&self.name, "no key takes this");
            return Err(error
                .mark(&node.place, "")
                .help("values are numbers, texts, true, false, and lists and tables of them"));
        }
        Ok(())
    }

    /// The values of one item of a list on the command line: itself, or those of a range.
    fn values(&self, source: &Arc<Source>, span: Range<usize>) -> Result<Values, ScenarioError> {
        let text = &source.text()[span.clone()];
        let place = Place::new(source, span.clone());
        let plain_text = text.contains(['"', '\'', '[', '{']);
        let Some((from, rest)) = text.split_once("..").filter(|_| !plain_text) else {
            let node = self.value(source, span.start, text)?;
            self.usable(&node)?;
            return Ok(Values::One(node));
        };
        let by = rest.find([':', '*']);
        let (to, by) = match by {
            Some(at) => (&rest[..at], Some((&rest[at..=at], &rest[at + 1..]))),
            None => (rest, None),
        };
        match Spread::new(from, to, by.unwrap_or((":", "1"))) {
            Ok(spread) => Ok(Values::Range(spread, place)),
            Err(reason) => Err(self.no_range(&place, reason)),
        }
    }

    pub(super) fn no_range(&self, place: &Place, reason: String) -> ScenarioError {
        ScenarioError::new(&self.name, reason)
            .mark(place, "")
            .help("a range is `1..9`, `1..9:2` in steps of 2, or `0.1..10*10` by a factor; in a file `{ from = 1, to = 9, step = 2 }`")
    }

    /// The axis on which these columns change together, which was written at `place`.
    pub(super) fn zipped(
        &self,
        columns: Vec<Column>,
        place: &Place,
    ) -> Result<Axis, ScenarioError> {
        let Some(first) = columns.first() else {
            let error = ScenarioError::new(&self.name, "an axis of the grid has no key");
            return Err(error
                .mark(place, "")
                .help("write a key with its values, such as `flow.steps=50,100`; in a file `flow.steps = [50, 100]`"));
        };
        if let Some(empty) = columns.iter().find(|column| column.length == 0) {
            let error = ScenarioError::new(&self.name, "a key of the grid has no value");
            return Err(error
                .mark(&empty.key.place, "")
                .help("give it values, or take it away"));
        }
        let length = first.length;
        for column in &columns {
            if column.length != length {
                let message = format!(
                    "keys that change together have {length} and {} values",
                    column.length
                );
                return Err(ScenarioError::new(&self.name, message)
                    .mark(&first.key.place, format!("{length}"))
                    .mark(&column.key.place, format!("{}", column.length))
                    .help("give them equally many, or make them axes of their own"));
            }
        }
        Ok(Axis { columns })
    }
}

impl Key {
    /// The key of these steps, called in the one way in which it can be written without blanks.
    pub(super) fn new(steps: Vec<(Step, Place)>, place: Place) -> Self {
        let mut dotted = String::new();
        for (step, _) in &steps {
            match step {
                Step::Key(key) if dotted.is_empty() => dotted.push_str(key),
                // Writing to a `String` cannot fail.
                Step::Key(key) => drop(write!(dotted, ".{key}")),
                Step::Index(index) => drop(write!(dotted, "[{index}]")),
            }
        }
        Self {
            dotted,
            steps,
            place,
        }
    }
}

impl Column {
    pub(super) fn new(key: Arc<Key>) -> Self {
        Self {
            key,
            parts: Vec::new(),
            length: 0,
        }
    }

    pub(super) fn push(&mut self, values: Values) {
        let before = self.length;
        self.length += match &values {
            Values::One(_) => 1,
            Values::Range(spread, _) => spread.len(),
        };
        self.parts.push(Part { before, values });
    }

    /// What the key is set to at a point below the length.
    fn at(&self, point: usize) -> Option<Assignment> {
        let part = self.parts.partition_point(|part| part.before <= point);
        let part = self.parts.get(part.checked_sub(1)?)?;
        let node = match &part.values {
            Values::One(node) => node.clone(),
            Values::Range(spread, place) => Node {
                value: spread.at(point - part.before),
                place: place.clone(),
            },
        };
        Some(Assignment {
            key: Arc::clone(&self.key),
            node,
        })
    }
}

impl Axis {
    /// The dotted keys, in the order in which they were written.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.key.dotted.as_str())
    }

    /// How many points there are, at least one.
    #[must_use]
    pub fn points(&self) -> usize {
        self.columns.first().map_or(0, |column| column.length)
    }

    /// What the keys are set to at one of the points, in their order.
    pub fn at(&self, point: usize) -> impl Iterator<Item = Assignment> {
        self.columns
            .iter()
            .filter_map(move |column| column.at(point))
    }

    /// Where the axis begins in what was written.
    pub(super) fn start(&self) -> usize {
        let first = self.columns.first();
        first.map_or(0, |column| column.key.place.start())
    }

    /// The complaint that `key` of the axis cannot be used, `name` being what errors call the file.
    #[must_use]
    pub fn refuse(&self, name: &str, key: &str, message: &str, remedy: &str) -> ScenarioError {
        let error = ScenarioError::new(name, message);
        let mut columns = self.columns.iter();
        match columns.find(|column| column.key.dotted == key) {
            Some(column) => error.mark(&column.key.place, ""),
            None => error,
        }
        .help(remedy)
    }

    /// The complaint that `key` of the axis is set for all runs as well.
    #[must_use]
    pub fn refuse_beside(&self, name: &str, set: &Assignment) -> ScenarioError {
        let key = set.key();
        let message = format!("`{key}` is set in all runs, and varies in the grid");
        let remedy = "take it away in one of the places";
        self.refuse(name, key, &message, remedy)
            .mark(&set.key.place, "it is set here")
    }
}

impl Assignment {
    /// The dotted key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key.dotted
    }

    /// The complaint that this cannot be set, `name` being what errors call the file.
    #[must_use]
    pub fn refuse(&self, name: &str, message: &str, remedy: &str) -> ScenarioError {
        let error = ScenarioError::new(name, message).mark(&self.key.place, "");
        error.help(remedy)
    }

    /// The value as JSON; null for what [`Document::axis`] and its like have refused.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        plain(&self.node).unwrap_or_default()
    }
}

pub(super) fn path(name: &str) -> Path {
    Path(vec![Step::Key(name.to_owned())])
}

/// The value as JSON; nothing for a date, or a whole number that no key takes.
fn plain(node: &Node) -> Option<serde_json::Value> {
    Some(match &node.value {
        // What takes several lines could not be written as one assignment again.
        Value::String(text) if text.contains(char::is_control) => return None,
        Value::String(text) => text.as_str().into(),
        Value::Integer(number) => i64::try_from(*number).ok()?.into(),
        Value::Float(number) => serde_json::Number::from_f64(*number)?.into(),
        Value::Boolean(truth) => (*truth).into(),
        Value::Date => return None,
        Value::Array(items) => items.iter().map(plain).collect::<Option<Vec<_>>>()?.into(),
        Value::Table(table) => {
            let entries = table.0.iter();
            let entries = entries.map(|entry| Some((entry.key.clone(), plain(&entry.node)?)));
            serde_json::Value::Object(entries.collect::<Option<_>>()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> String {
        let document = Document::parse("a.toml", "").unwrap();
        let axis = document.axis("--grid", &format!("k={text}")).unwrap();
        let points = (0..axis.points()).flat_map(|point| axis.at(point));
        let values = points.map(|one| one.json().to_string());
        values.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn ranges_have_both_ends_and_round_numbers() {
        assert_eq!(numbers("1..3"), "1 2 3");
        assert_eq!(numbers("0.1..0.5:0.1"), "0.1 0.2 0.3 0.4 0.5");
        assert_eq!(numbers("-1..1:0.5, 7"), "-1.0 -0.5 0.0 0.5 1.0 7");
        assert_eq!(numbers("1..100*10"), "1 10 100");
        assert_eq!(numbers("0.01..1*10"), "0.01 0.1 1.0");
        assert_eq!(numbers("mlp,[1,2],'a..b'"), r#""mlp" [1,2] "a..b""#);
    }

    #[test]
    fn what_is_no_range_is_refused() {
        let document = Document::parse("a.toml", "").unwrap();
        for text in [
            "k=3..1",
            "k=1..3:0",
            "k=0..3*2",
            "k=a..3",
            "k=1..3:inf",
            "k",
            "=1",
            "k=",
            "",
        ] {
            assert!(document.axis("--grid", text).is_err(), "{text}");
        }
        let error = document.axis("--grid", "a=1,2; b=1,2,3").unwrap_err();
        assert!(error.to_string().contains("2 and 3 values"), "{error}");
    }

    #[test]
    fn axes_stand_in_the_order_of_the_file() {
        let text = "[grid]\nb.c = [1, 2]\n\"a.d\" = { from = 1, to = 3, step = 1 }\n[[zip]]\ne = ['x', 'y']\nf = [1, 2]\n[set]\ng.h = 1\ni = true\n";
        let document = Document::parse("a.toml", text).unwrap();
        let axes = document.axes().unwrap();
        let keys: Vec<_> = axes
            .iter()
            .map(|axis| axis.keys().collect::<Vec<_>>().join("+"))
            .collect();
        assert_eq!(keys, ["b.c", "a.d", "e+f"]);
        assert_eq!(axes[1].points(), 3);
        let set = document.settings("set").unwrap();
        let set: Vec<_> = set.iter().map(Assignment::key).collect();
        assert_eq!(set, ["g.h", "i"]);
    }

    #[test]
    fn a_kind_that_is_named_is_the_only_one() {
        let mut document =
            Document::parse("a.toml", "[discriminator.kde]\nbandwidth = 1\n").unwrap();
        let set = |document: &mut Document, text: &str| {
            let assignment = document.assignment("--set", text).unwrap();
            document.assign_to(&assignment).unwrap();
        };
        let kinds = |document: &Document| {
            let table = document.table(&path("discriminator")).unwrap();
            table
                .0
                .iter()
                .map(|entry| entry.key.clone())
                .collect::<Vec<_>>()
        };
        set(&mut document, "discriminator.mlp.hidden=[8]");
        assert_eq!(kinds(&document), ["mlp"]);
        set(&mut document, "discriminator=mlp");
        assert!(
            document
                .find(&Path(vec![
                    Step::Key("discriminator".to_owned()),
                    Step::Key("mlp".to_owned()),
                    Step::Key("hidden".to_owned())
                ]))
                .is_some()
        );
        set(&mut document, "discriminator=kde");
        assert_eq!(kinds(&document), ["kde"]);
    }
}

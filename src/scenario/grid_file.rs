//! Axes and settings as a file has them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::document::Document;
use super::error::ScenarioError;
use super::grid::{Assignment, Axis, Column, Key, Values, path};
use super::place::{Place, Source, shown};
use super::range::Spread;
use super::tree::{Node, Table, Value};

impl Document {
    /// The assignments of the table `name`, in the order in which they were written: `flow.steps = 50` in it, or `"flow.steps" = 50`.
    ///
    /// # Errors
    /// Where it is no table of settings.
    pub fn settings(&self, name: &str) -> Result<Vec<Assignment>, ScenarioError> {
        let mut found = Vec::new();
        for leaf in self.leaves(name, self.table(&path(name)), &|_| false)? {
            let (key, at, node) = leaf;
            self.usable(node)?;
            found.push(Assignment {
                key: self.filed(&key, at)?,
                node: node.clone(),
            });
        }
        Ok(found)
    }

    /// The axes of the table `grid`, a list of values or a range under each key, and of the tables `zip`, in each of which all keys change together.
    /// A range is `{ from, to, step }` or `{ from, to, factor }`.
    ///
    /// # Errors
    /// Where they are of another form.
    pub fn axes(&self) -> Result<Vec<Axis>, ScenarioError> {
        let mut axes = Vec::new();
        for (key, at, node) in self.leaves("grid", self.table(&path("grid")), &is_range)? {
            axes.push(self.zipped(vec![self.column(&key, at, node)?], at)?);
        }
        let takes_tables = |place: &Place| {
            let error = ScenarioError::new(&self.name, "`zip` takes a list of tables");
            error.mark(place, "").help(
                "write `[[zip]]`, and below it the keys that change together, such as `flow.steps = [50, 100]`",
            )
        };
        let zips = match self.root.get("zip") {
            None => &[][..],
            Some(entry) => match &entry.node.value {
                Value::Array(zips) => zips,
                _ => return Err(takes_tables(entry.blamed())),
            },
        };
        for zip in zips {
            let Value::Table(table) = &zip.value else {
                return Err(takes_tables(&zip.place));
            };
            let columns = self.leaves("zip", Some(table), &is_range)?.into_iter();
            let columns = columns.map(|(key, at, node)| self.column(&key, at, node));
            axes.push(self.zipped(columns.collect::<Result<_, _>>()?, &zip.place)?);
        }
        axes.sort_by_key(Axis::start);
        Ok(axes)
    }

    /// Whether this is a grid, and no scenario, by the keys that it has at the top. One that names no scenario is refused.
    ///
    /// # Errors
    /// Where it begins to be a grid, if it names no scenario.
    pub fn is_grid(&self) -> Result<bool, ScenarioError> {
        if self.names("scenario") {
            return Ok(true);
        }
        let mut own = ["grid", "zip", "seeds", "set"].into_iter();
        match own.find_map(|key| self.root.get(key)) {
            None => Ok(false),
            Some(entry) => {
                let error = ScenarioError::new(&self.name, "the grid names no scenario");
                Err(error.mark(&entry.at, "this makes the file a grid").help(
                    "write `scenario = \"NAME\"` at its top: a shipped one, or a path relative to this file; what belongs to the scenario stands there, or in `[set]`",
                ))
            }
        }
    }

    /// A key of a file, which stands `at` a place.
    fn filed(&self, key: &str, at: &Place) -> Result<Arc<Key>, ScenarioError> {
        let source = Source::argument(key.to_owned());
        // Its own text is another one than that of the file.
        let steps = self.steps(&source, 0, key).map_err(|_| {
            let error = ScenarioError::new(&self.name, format!("`{}` is not a key", shown(key)));
            error
                .mark(at, "")
                .help("a key is made of names with dots between: `flow.steps`")
        })?;
        let steps = steps.into_iter().map(|(step, _)| (step, at.clone()));
        Ok(Arc::new(Key::new(steps.collect(), at.clone())))
    }

    /// The values of a key of a file.
    fn column(&self, key: &str, at: &Place, node: &Node) -> Result<Column, ScenarioError> {
        let mut column = Column::new(self.filed(key, at)?);
        match &node.value {
            Value::Array(items) => {
                for item in items {
                    self.usable(item)?;
                    column.push(Values::One(item.clone()));
                }
            }
            Value::Table(range) => {
                let text = |key: &str| range.get(key).map(|entry| entry.node.place.text());
                let by = match (text("step"), text("factor")) {
                    (Some(step), None) => Ok((":", step)),
                    (None, Some(factor)) => Ok(("*", factor)),
                    _ => Err("a range has `step` or `factor`".to_owned()),
                };
                let known = ["from", "to", "step", "factor"];
                let strange = range
                    .0
                    .iter()
                    .find(|entry| !known.contains(&entry.key.as_str()));
                if let Some(entry) = strange {
                    let reason = format!("a range has no `{}`", entry.key);
                    return Err(self.no_range(&entry.at, reason));
                }
                let values = by.and_then(|by| {
                    let ends = "a range has `from` and `to`";
                    Spread::new(text("from").ok_or(ends)?, text("to").ok_or(ends)?, by)
                });
                let values = values.map_err(|reason| self.no_range(&node.place, reason))?;
                column.push(Values::Range(values, node.place.clone()));
            }
            _ => {
                let message = format!("`{key}` has one value and no list of them");
                let error = ScenarioError::new(&self.name, message).mark(&node.place, "");
                return Err(error.help(
                    "write a list, such as `[1, 2]`; what all runs share stands in `[set]`",
                ));
            }
        }
        Ok(column)
    }

    /// The settings below `table`: dotted key, where it stands, and value. Tables are gone into, unless they are a value.
    fn leaves<'a>(
        &self,
        name: &str,
        table: Option<&'a Table>,
        is_value: &dyn Fn(&Table) -> bool,
    ) -> Result<Vec<(String, &'a Place, &'a Node)>, ScenarioError> {
        let mut found = Vec::new();
        let mut open: Vec<(String, &Table)> = table
            .map(|table| (String::new(), table))
            .into_iter()
            .collect();
        while let Some((above, table)) = open.pop() {
            for entry in &table.0 {
                let key = match above.as_str() {
                    "" => entry.key.clone(),
                    above => format!("{above}.{}", entry.key),
                };
                match &entry.node.value {
                    Value::Table(below) if !is_value(below) => open.push((key, below)),
                    _ => found.push((key, &entry.at, &entry.node)),
                }
            }
        }
        found.sort_by_key(|(_, at, _)| at.start());
        let mut seen: BTreeMap<&str, &Place> = BTreeMap::new();
        for (key, at, _) in &found {
            if let Some(before) = seen.insert(key, at) {
                return Err(ScenarioError::new(
                    &self.name,
                    format!("`{key}` stands twice in `{name}`"),
                )
                .mark(at, "")
                .mark(before, "and here"));
            }
        }
        Ok(found)
    }
}

/// Whether a table in a grid is a range, and no table of further keys.
fn is_range(table: &Table) -> bool {
    table.get("from").is_some() || table.get("to").is_some()
}

//! Axes and settings as a file has them.

use std::collections::BTreeMap;

use super::document::Document;
use super::error::ScenarioError;
use super::grid::{Assignment, Axis, path};
use super::place::{Place, Source};
use super::range::spread;
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
            found.push(self.written(key, at, node.clone())?);
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
            axes.push(self.zipped(vec![self.column(key, at, node)?])?);
        }
        let zips = self.find(&path("zip")).map(|node| &node.value);
        let zips = match zips {
            Some(Value::Array(zips)) => zips.as_slice(),
            _ => &[],
        };
        for zip in zips {
            let Value::Table(table) = &zip.value else {
                let error = ScenarioError::new(&self.name, "`zip` takes tables");
                return Err(error
                    .mark(&zip.place, "")
                    .help("write `[[zip]]`, and below it `flow.steps = [50, 100]`"));
            };
            let columns = self.leaves("zip", Some(table), &is_range)?.into_iter();
            let columns = columns.map(|(key, at, node)| self.column(key, at, node));
            axes.push(self.zipped(columns.collect::<Result<_, _>>()?)?);
        }
        axes.sort_by_key(|axis| axis.start);
        Ok(axes)
    }

    /// An assignment to a key of a file, which stands `at` a place.
    fn written(&self, key: String, at: &Place, node: Node) -> Result<Assignment, ScenarioError> {
        self.usable(&node)?;
        let source = Source::argument(key.clone());
        let steps = self.steps(&source, 0, &key)?;
        let steps = steps.into_iter().map(|(step, _)| (step, at.clone()));
        Ok(Assignment {
            steps: steps.collect(),
            key,
            node,
        })
    }

    /// The values of a key of a file.
    fn column(
        &self,
        key: String,
        at: &Place,
        node: &Node,
    ) -> Result<(Place, Vec<Assignment>), ScenarioError> {
        let nodes = match &node.value {
            Value::Array(items) => items.clone(),
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
                    spread(text("from").ok_or(ends)?, text("to").ok_or(ends)?, by)
                });
                let values = values.map_err(|reason| self.no_range(&node.place, reason))?;
                let node = |value| Node {
                    value,
                    place: node.place.clone(),
                };
                values.into_iter().map(node).collect()
            }
            _ => {
                let message = format!("`{key}` has one value and no list of them");
                let error = ScenarioError::new(&self.name, message).mark(&node.place, "");
                return Err(error.help(
                    "write a list, such as `[1, 2]`; what all runs share stands in `[set]`",
                ));
            }
        };
        let column = nodes.into_iter();
        let column = column.map(|node| self.written(key.clone(), at, node));
        Ok((at.clone(), column.collect::<Result<_, _>>()?))
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

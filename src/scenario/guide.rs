//! What a document may hold, read off the JSON Schema of the type it is read into.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde_json::Value;

use super::tree::{Path, Step};

/// Longest chain of references and alternatives that is followed.
const DEEPEST: usize = 10;

/// The schema of a document.
pub(super) struct Guide(Value);

impl Guide {
    /// The guide to documents that are read as a `T`.
    pub(super) fn to<T: JsonSchema>() -> Self {
        Self(schemars::schema_for!(T).to_value())
    }

    /// The schemas that a value at `path` may satisfy: several where there are kinds to choose from.
    fn at(&self, path: &[Step]) -> Vec<&Value> {
        let mut here = Vec::new();
        self.resolve(&self.0, DEEPEST, &mut here);
        for step in path {
            let mut next = Vec::new();
            for schema in here {
                let child = match step {
                    Step::Key(key) => &schema["properties"][key.as_str()],
                    Step::Index(index) => match &schema["prefixItems"][*index] {
                        Value::Null => &schema["items"],
                        item => item,
                    },
                };
                self.resolve(child, DEEPEST, &mut next);
            }
            here = next;
        }
        here
    }

    /// Follows references and alternatives down to schemas that say something themselves.
    fn resolve<'a>(&'a self, schema: &'a Value, depth: usize, into: &mut Vec<&'a Value>) {
        if !schema.is_object() || depth == 0 {
            return;
        }
        if let Some(name) = schema["$ref"].as_str() {
            let target = name.strip_prefix('#').and_then(|at| self.0.pointer(at));
            if let Some(target) = target {
                self.resolve(target, depth - 1, into);
            }
        }
        for group in ["oneOf", "anyOf", "allOf"] {
            for part in schema[group].as_array().into_iter().flatten() {
                self.resolve(part, depth - 1, into);
            }
        }
        into.push(schema);
    }

    /// The keys that the table at `path` may have.
    pub(super) fn keys(&self, path: &Path) -> Vec<String> {
        let mut keys = Vec::new();
        for schema in self.at(&path.0) {
            for key in properties(schema) {
                if !keys.contains(key) {
                    keys.push(key.clone());
                }
            }
        }
        keys
    }

    /// The words that the value at `path` may be: `"auto"`, `"full"`.
    pub(super) fn words(&self, path: &Path) -> Vec<&str> {
        self.at(&path.0)
            .into_iter()
            .flat_map(|schema| {
                let listed = schema["enum"].as_array().into_iter().flatten();
                listed.chain([&schema["const"]]).filter_map(Value::as_str)
            })
            .collect()
    }

    /// The kinds that the table at `path` may name: those of `target` are `ring`, `grid`, ….
    /// Empty if the table is no choice of kinds.
    pub(super) fn kinds(&self, path: &Path) -> Vec<&str> {
        let alternatives = self.at(&path.0);
        let named: Vec<&str> = alternatives
            .iter()
            .filter_map(|schema| {
                let mut keys = properties(schema);
                let key = keys.next()?;
                let required = schema["required"].as_array()?;
                let only = keys.next().is_none() && required.len() == 1 && required[0] == **key;
                only.then_some(key.as_str())
            })
            .collect();
        let is_choice = named.len() > 1;
        let can = |name: &&str| is_choice && can_be_written(path, name);
        named.into_iter().filter(can).collect()
    }

    /// In words, what the value at `path` may be: `"auto" or a number`.
    pub(super) fn expectation(&self, path: &Path) -> Option<String> {
        let mut phrases = Vec::new();
        for schema in self.at(&path.0) {
            for phrase in self.describe(schema) {
                if !phrases.contains(&phrase) {
                    phrases.push(phrase);
                }
            }
        }
        let last = phrases.pop()?;
        if phrases.is_empty() {
            return Some(last);
        }
        Some(format!("{} or {last}", phrases.join(", ")))
    }

    fn describe(&self, schema: &Value) -> Vec<String> {
        let listed = schema["enum"].as_array().into_iter().flatten();
        let words: Vec<String> = listed
            .chain([&schema["const"]])
            .filter(|word| word.is_string())
            .map(ToString::to_string)
            .collect();
        if !words.is_empty() {
            return words;
        }
        let types: Vec<&str> = match &schema["type"] {
            Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
            other => other.as_str().into_iter().collect(),
        };
        types
            .into_iter()
            .filter_map(|name| match name {
                "integer" => Some(match schema["minimum"].as_i64() {
                    Some(least) => format!("a whole number, {least} or more"),
                    None => "a whole number".to_owned(),
                }),
                "number" => Some("a number".to_owned()),
                "boolean" => Some("true or false".to_owned()),
                "string" => Some("a text in quotes".to_owned()),
                "array" => Some(self.describe_list(schema)),
                "object" => Some("a table".to_owned()),
                _ => None,
            })
            .collect()
    }

    fn describe_list(&self, schema: &Value) -> String {
        let mut items = Vec::new();
        self.resolve(&schema["items"], DEEPEST, &mut items);
        let of = match items.first().and_then(|item| item["type"].as_str()) {
            Some("number") => " numbers",
            Some("integer") => " whole numbers",
            Some("string") => " texts",
            Some("array") => " lists",
            Some("object") => " tables",
            _ => " values",
        };
        match (schema["minItems"].as_u64(), schema["maxItems"].as_u64()) {
            (Some(least), Some(most)) if least == most => format!("a list of {least}{of}"),
            _ => format!("a list of{of}"),
        }
    }

    /// Every table that has a key called `key`, as the path to that table. Items of lists are index 0.
    pub(super) fn homes(&self, key: &str) -> Vec<Path> {
        let mut homes = Vec::new();
        self.search(&mut |keys, path| {
            let home = Path(path.to_vec());
            if keys.contains(&key) && !homes.contains(&home) {
                homes.push(home);
            }
        });
        homes
    }

    /// Every key of every table.
    pub(super) fn all_keys(&self) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        self.search(&mut |keys, _| all.extend(keys.iter().map(|&key| key.to_owned())));
        all
    }

    /// Shows `visit` each table's keys with the path to it.
    fn search<'a>(&'a self, visit: &mut impl FnMut(&[&'a str], &[Step])) {
        self.descend(&self.0, &mut Vec::new(), &mut Vec::new(), visit);
    }

    /// `above` holds the schemas that lead here: one that contains itself is entered once.
    fn descend<'a>(
        &'a self,
        schema: &'a Value,
        path: &mut Vec<Step>,
        above: &mut Vec<&'a Value>,
        visit: &mut impl FnMut(&[&'a str], &[Step]),
    ) {
        let mut alternatives = Vec::new();
        self.resolve(schema, DEEPEST, &mut alternatives);
        for schema in alternatives {
            if above.iter().any(|&seen| std::ptr::eq(seen, schema)) {
                continue;
            }
            above.push(schema);
            let keys: Vec<&str> = properties(schema).map(String::as_str).collect();
            visit(&keys, path);
            for key in keys {
                path.push(Step::Key(key.to_owned()));
                self.descend(&schema["properties"][key], path, above, visit);
                path.pop();
            }
            path.push(Step::Index(0));
            self.descend(&schema["items"], path, above, visit);
            path.pop();
            above.pop();
        }
    }
}

fn properties(schema: &Value) -> impl Iterator<Item = &String> {
    schema["properties"]
        .as_object()
        .into_iter()
        .flat_map(serde_json::Map::keys)
}

/// Whether a file may name this kind at `path`: what was given in code it cannot, and nothing is known that a target could be fitted to.
pub(super) fn can_be_written(path: &Path, kind: &str) -> bool {
    let is_target = matches!(&path.0[..], [Step::Key(key)] if key == "target");
    kind != "given" && !(is_target && kind == "auto")
}

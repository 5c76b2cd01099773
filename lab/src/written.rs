//! What runs, as one file: the scenario of the first panel, and of several all of them as its variants.

use ratioflow::scenario::{Document, Scenario, Variant};
use serde_json::{Map, Value, to_value};

/// The file, every default spelled out. That its variants are the panels is checked before it is handed out; an error says which is none.
pub(crate) fn together(panels: &[(&str, &Scenario)]) -> Result<String, String> {
    let (_, first) = panels.first().ok_or("nothing runs yet")?;
    let mut whole = alone(first);
    if panels.len() > 1 {
        let base = table(first)?;
        whole.variants = panels
            .iter()
            .map(|(name, own)| {
                let mut settings = Vec::new();
                differ("", &base, &table(own)?, &mut settings);
                if settings.is_empty() {
                    settings.push(format!("seed={}", own.seed));
                }
                Ok(format!("{name}: {}", settings.join(", ")))
            })
            .collect::<Result<_, String>>()?;
    }
    let text = whole.to_toml();
    let failed = |error: ratioflow::scenario::ScenarioError| error.to_string();
    let document = Document::parse("scenario.toml", &text).map_err(failed)?;
    for (variant, (name, own)) in whole.variants.iter().zip(panels) {
        let read = Variant::parse(variant)?.apply(&document).map_err(failed)?;
        if alone(&read.read().map_err(failed)?) != alone(own) {
            return Err(format!("{name} is no variant of the first panel"));
        }
    }
    Ok(text)
}

/// A scenario that is compared with nothing.
fn alone(scenario: &Scenario) -> Scenario {
    Scenario {
        variants: Vec::new(),
        ..scenario.clone()
    }
}

fn table(scenario: &Scenario) -> Result<Map<String, Value>, String> {
    match to_value(alone(scenario)) {
        Ok(Value::Object(table)) => Ok(table),
        Ok(_) => Err("a scenario is no table".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// The keys in which `own` differs from `base`, each with its value, as a variant sets them.
fn differ(at: &str, base: &Map<String, Value>, own: &Map<String, Value>, into: &mut Vec<String>) {
    let path = |key: &str| match at {
        "" => key.to_owned(),
        _ => format!("{at}.{key}"),
    };
    for (key, value) in own {
        match (base.get(key), value) {
            (Some(there), _) if there == value => {}
            (Some(_), Value::Null) => into.push(format!("{}=off", path(key))),
            // Another kind has other keys.
            (Some(Value::Object(there)), Value::Object(value)) if there.keys().eq(value.keys()) => {
                differ(&path(key), there, value, into);
            }
            _ => into.push(format!("{}={}", path(key), in_toml(value))),
        }
    }
    let gone = base.keys().filter(|key| !own.contains_key(*key));
    into.extend(gone.map(|key| format!("{}=off", path(key))));
}

/// A value as TOML has it on one line; what JSON calls null is left out of a table.
fn in_toml(value: &Value) -> String {
    match value {
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(in_toml).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Object(table) => {
            let given = table.iter().filter(|(_, value)| !value.is_null());
            let pairs: Vec<String> = given
                .map(|(key, value)| format!("{key} = {}", in_toml(value)))
                .collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        // Numbers, words and strings are written alike in both.
        other => other.to_string(),
    }
}

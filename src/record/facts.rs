//! What a run gives that claims can be about.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::digits::three;
use crate::numeric::mean_and_deviation;
use crate::observe::Row;
use crate::scenario::{At, Checked, Claim, Facts, Moment, Quantity};
use crate::store::Manifest;

/// The manifest of a run and its rows.
#[derive(Clone, Debug)]
pub struct RunFacts {
    manifest: Value,
    rows: Vec<Row>,
}

impl RunFacts {
    /// What `manifest` and the measured `rows` say.
    #[must_use]
    pub fn new(manifest: &Manifest, rows: &[Row]) -> Self {
        Self {
            manifest: serde_json::to_value(manifest).unwrap_or_default(),
            rows: rows.to_vec(),
        }
    }

    /// A place in `run.json`; a bare name is one of the final numbers first.
    fn found(&self, name: &str) -> Option<Quantity> {
        let place = |path: &str| {
            let mut parts = path.split('.');
            parts.try_fold(&self.manifest, |value, part| value.get(part))
        };
        let value = place(&format!("final.{name}")).or_else(|| place(name))?;
        // What never came, and what was no number, are both written as nothing.
        let nothing = if name.starts_with("converged_at.") || name == "verdict.since" {
            f64::INFINITY
        } else {
            f64::NAN
        };
        match value {
            Value::Null => Some(Quantity::Number(nothing)),
            Value::Bool(flag) => Some(Quantity::Number(f64::from(u8::from(*flag)))),
            Value::Number(number) => number.as_f64().map(Quantity::Number),
            Value::String(word) => Some(Quantity::Word(word.clone())),
            Value::Array(list) => Some(Quantity::Number(list.len() as f64)),
            Value::Object(_) => None,
        }
    }
}

/// Whether the claims are kept by runs on several seeds: for each seed the runs under the names of their variants. A claim is kept if it holds on
/// at least its share of the seeds; the numbers are those of the first seed, and of the first on which it does not hold.
#[must_use]
pub fn check_claims(claims: &[Claim], seeds: &[BTreeMap<String, RunFacts>]) -> Vec<Checked> {
    claims
        .iter()
        .map(|claim| {
            let each: Vec<Checked> = seeds.iter().map(|runs| claim.compare(runs)).collect();
            let kept = each.iter().filter(|checked| checked.kept).count();
            let told = each.iter().find(|checked| !checked.kept).or(each.first());
            let found = told.map_or_else(String::new, |checked| checked.found.clone());
            let values: Vec<f64> = each.iter().filter_map(|checked| checked.value).collect();
            let [mean, sd] = mean_and_deviation(&values);
            let spread = format!("{} {} ± {}", claim.quantity, three(mean), three(sd));
            Checked {
                says: claim.says.clone(),
                kept: kept as f64 >= claim.holds * each.len() as f64 - 1e-9,
                found: match each.len() {
                    0 | 1 => found,
                    all if values.len() == all && sd > 0.0 => {
                        format!("on {kept} of {all} seeds; {spread}; {found}")
                    }
                    all => format!("on {kept} of {all} seeds; {found}"),
                },
                value: mean.is_finite().then_some(mean),
                holds: claim.holds,
            }
        })
        .collect()
}

impl Facts for RunFacts {
    fn quantity(&self, name: &str, at: At) -> Option<Quantity> {
        if at == At::Named(Moment::End) {
            return self.found(name);
        }
        let last = self.rows.last()?.step;
        let value = |row: &Row| row.values.get(name);
        if let At::Step(step) = at {
            let row = self.rows.iter().rfind(|row| row.step as u64 <= step)?;
            return value(row).map(Quantity::Number);
        }
        let from = if at == At::Named(Moment::MedianLastQuarter) {
            last - last / 4
        } else {
            0
        };
        let rows = self.rows.iter().filter(|row| row.step >= from);
        let mut values: Vec<f64> = rows.filter_map(value).collect();
        values.sort_by(f64::total_cmp);
        let (low, high) = (*values.first()?, *values.last()?);
        let n = values.len();
        Some(Quantity::Number(match at {
            At::Named(Moment::Min) => low,
            At::Named(Moment::Max) => high,
            _ => f64::midpoint(values[(n - 1) / 2], values[n / 2]),
        }))
    }
}

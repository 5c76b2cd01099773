//! The tables of a comparison: wide, a row a variant; tidy, a row for each measure of each run.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::run::Record;
use crate::numeric::mean_and_deviation;
use crate::store::{JOINT, Spread, Status};

/// `comparison.csv`: a row a variant; each metric with its mean over the seeds, and its standard deviation if there are several.
pub(super) fn wide(names: &[&str], records: &[Vec<Record>]) -> String {
    let several = records.iter().any(|all| all.len() > 1);
    let spreads: Vec<_> = records.iter().map(|all| spread(all)).collect();
    let mut metrics: Vec<&String> = spreads.iter().flat_map(BTreeMap::keys).collect();
    metrics.sort();
    metrics.dedup();
    let mut text = "variant,status,seeds,diverged,steps,converged_at".to_owned();
    for metric in &metrics {
        let _ = write!(text, ",{metric}");
        if several {
            let _ = write!(text, ",{metric}_sd");
        }
    }
    text.push('\n');
    for ((name, all), spread) in names.iter().zip(records).zip(&spreads) {
        let first = &all[0].manifest;
        let diverged = all
            .iter()
            .filter(|r| r.manifest.status == Status::Diverged)
            .count();
        let converged = first.converged_at.get(JOINT).copied().flatten();
        let converged = converged.map_or(String::new(), |step| step.to_string());
        let _ = write!(
            text,
            "{name},{},{},{diverged},{},{converged}",
            first.status,
            all.len(),
            first.steps
        );
        for metric in &metrics {
            let value = spread.get(*metric).filter(|s| s.mean.is_finite());
            let _ = write!(text, ",{}", written(value.map(|s| s.mean)));
            if several {
                let _ = write!(text, ",{}", written(value.map(|s| s.sd)));
            }
        }
        text.push('\n');
    }
    text
}

/// A number as it is written: nothing for what is none.
fn written(value: Option<f64>) -> String {
    let finite = value.filter(|value| value.is_finite());
    finite.map_or(String::new(), |value| value.to_string())
}

/// `runs.csv`: a row for each measure of the last cloud of each run, with its floor and, where the joint test looks at it, its p.
pub(super) fn tidy(names: &[&str], records: &[Vec<Record>]) -> String {
    let mut text = "variant,seed,status,step,measure,value,floor_median,floor_q95,p\n".to_owned();
    for (name, all) in names.iter().zip(records) {
        for record in all {
            let manifest = &record.manifest;
            for (measure, &value) in &manifest.last {
                let floor = |key| manifest.floor.get(measure)?.get(key).copied();
                let verdict = manifest.verdict.as_ref();
                let tested = verdict.and_then(|v| v.measures.iter().find(|m| m.name == *measure));
                let _ = writeln!(
                    text,
                    "{name},{},{},{},{measure},{},{},{},{}",
                    manifest.seed,
                    manifest.status,
                    manifest.steps,
                    written(Some(value)),
                    written(floor("median")),
                    written(floor("q95")),
                    written(tested.map(|m| m.p)),
                );
            }
        }
    }
    text
}

/// Each metric over the runs that did not diverge; over all, if all did.
pub(super) fn spread(records: &[Record]) -> BTreeMap<String, Spread> {
    let good: Vec<&Record> = records
        .iter()
        .filter(|record| record.manifest.status != Status::Diverged)
        .collect();
    let counted: Vec<&Record> = if good.is_empty() {
        records.iter().collect()
    } else {
        good
    };
    let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for record in counted {
        for (metric, value) in &record.manifest.last {
            values.entry(metric.clone()).or_default().push(*value);
        }
    }
    values
        .into_iter()
        .map(|(metric, values)| {
            let [mean, sd] = mean_and_deviation(&values);
            let seeds = values.len();
            (metric, Spread { mean, sd, seeds })
        })
        .collect()
}

//! Several variants of a scenario side by side: the same first cloud and samples, one animation, one table.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;

use rayon::prelude::*;
use serde::Serialize;

use super::directory::{COMPARISON, RunDirectory};
use super::error::ReportError;
use super::manifest::{Manifest, Status};
use super::page::Sheet;
use super::pictures::{Scene, Take};
use super::recorder::view_of;
use super::run::{Record, RunError, record, save_page, save_pictures};
use crate::flow::Step;
use crate::metric::Floors;
use crate::observe::Row;
use crate::scenario::Experiment;
use crate::target::Files;

/// A variant, ready to run on one seed or several.
#[derive(Debug)]
pub struct Contender {
    /// Name in tables, pictures and folders.
    pub name: String,
    /// The experiment on each seed; the first is recorded in full.
    pub experiments: Vec<Experiment>,
}

/// What `comparison.json` holds.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// The manifest of each variant on the first seed.
    pub variants: BTreeMap<String, Manifest>,
    /// With several seeds: for each variant and metric its mean and standard deviation over the seeds on which the run
    /// did not diverge.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub spread: BTreeMap<String, BTreeMap<String, Spread>>,
    /// With several seeds: the manifest of each variant on each seed.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub seeds: BTreeMap<String, Vec<Manifest>>,
    /// The variants in the order in which they were named.
    pub order: Vec<String>,
}

/// A metric over several seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Standard deviation (divisor: seeds − 1); 0 for one seed.
    pub sd: f64,
    /// Number of seeds that count.
    pub seeds: usize,
}

/// Runs all contenders, in parallel where there are threads for it, and records them in folders of `directory` named after
/// them, with the common pictures and tables above. A contender that diverges does not stop the others. `watcher` is shown
/// each step of any run, `done` each run that has ended.
///
/// # Errors
/// [`RunError`] of the first contender that could not be run or recorded.
pub fn compare(
    name: &str,
    contenders: &[Contender],
    files: &(dyn Files + Sync),
    directory: &RunDirectory,
    watcher: &(dyn Fn(&Step<'_>, Option<&Row>, &Floors) + Sync),
    done: &(dyn Fn(&str, &Experiment, &Record) + Sync),
) -> Result<Comparison, RunError> {
    let runs: Vec<(usize, usize)> = contenders
        .iter()
        .enumerate()
        .flat_map(|(place, contender)| {
            (0..contender.experiments.len()).map(move |seed| (place, seed))
        })
        .collect();
    let records: Vec<Result<Record, RunError>> = runs
        .par_iter()
        .map(|&(place, seed)| {
            let contender = &contenders[place];
            let experiment = &contender.experiments[seed];
            let folder = if seed == 0 {
                contender.name.clone()
            } else {
                format!("seeds/{}-{}", contender.name, experiment.scenario.seed)
            };
            let own = RunDirectory::at(&directory.path().join(folder), false)?;
            let record = record(name, experiment, files, &own, &mut |step, row, floors| {
                watcher(step, row, floors);
            })?;
            done(&contender.name, experiment, &record);
            Ok(record)
        })
        .collect();
    let mut by_contender: Vec<Vec<Record>> = contenders.iter().map(|_| Vec::new()).collect();
    for ((place, _), record) in runs.into_iter().zip(records) {
        by_contender[place].push(record?);
    }

    let comparison = Comparison::new(contenders, &by_contender);
    save_common_pictures(name, contenders, &by_contender, directory)?;
    directory.save("comparison.csv", |file| {
        file.write_all(comparison.table(&by_contender, contenders).as_bytes())
    })?;
    let mut json = serde_json::to_string_pretty(&comparison)
        .map_err(|error| ReportError::io("write", COMPARISON.as_ref(), error.into()))?;
    json.push('\n');
    directory.save(COMPARISON, |file| file.write_all(json.as_bytes()))?;
    Ok(comparison)
}

/// Animation, last picture, curves and page with all variants, on the first seed.
fn save_common_pictures(
    name: &str,
    contenders: &[Contender],
    records: &[Vec<Record>],
    directory: &RunDirectory,
) -> Result<(), ReportError> {
    let Some(first) = contenders
        .first()
        .and_then(|contender| contender.experiments.first())
    else {
        return Ok(());
    };
    let notes: Vec<String> = records.iter().map(|all| all[0].ending.note()).collect();
    let takes: Vec<Take<'_>> = contenders
        .iter()
        .zip(records)
        .zip(&notes)
        .map(|((contender, records), note)| Take {
            name: &contender.name,
            recorder: &records[0].recorder,
            meter: &records[0].meter,
            note,
        })
        .collect();
    let steps = contenders
        .iter()
        .map(|c| c.experiments[0].scenario.flow.steps)
        .max();
    let title = &first.scenario.title;
    let scene = Scene {
        title: if title.is_empty() { name } else { title },
        steps: steps.unwrap_or(0),
        start: first.start.view(),
        target: first.training.view(),
        view: view_of(first.start.view(), first.training.view()),
        takes: &takes,
    };
    save_pictures(&first.scenario, &scene, directory)?;
    let sheets: Vec<Sheet<'_>> = records
        .iter()
        .map(|all| Sheet {
            manifest: &all[0].manifest,
            verdict: &all[0].verdict,
            floors: &all[0].floors,
            scenario: &all[0].scenario,
        })
        .collect();
    let commands: Vec<String> = contenders
        .iter()
        .map(|contender| format!("ratioflow run \"{}/scenario.toml\"", contender.name))
        .collect();
    save_page(&first.scenario, &scene, &sheets, &commands, "", directory)
}

impl Comparison {
    fn new(contenders: &[Contender], records: &[Vec<Record>]) -> Self {
        let several = records.iter().any(|all| all.len() > 1);
        let mut comparison = Self {
            variants: BTreeMap::new(),
            spread: BTreeMap::new(),
            seeds: BTreeMap::new(),
            order: contenders
                .iter()
                .map(|contender| contender.name.clone())
                .collect(),
        };
        for (contender, all) in contenders.iter().zip(records) {
            let name = &contender.name;
            let manifests: Vec<Manifest> =
                all.iter().map(|record| record.manifest.clone()).collect();
            comparison
                .variants
                .insert(name.clone(), manifests[0].clone());
            if several {
                comparison.spread.insert(name.clone(), spread(all));
                comparison.seeds.insert(name.clone(), manifests);
            }
        }
        comparison
    }

    /// `comparison.csv`: a row a variant; each metric with its mean over the seeds, its standard deviation if there are
    /// several, and its floor.
    fn table(&self, records: &[Vec<Record>], contenders: &[Contender]) -> String {
        let several = !self.seeds.is_empty();
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
        for ((contender, all), spread) in contenders.iter().zip(records).zip(&spreads) {
            let first = &all[0].manifest;
            let diverged = all
                .iter()
                .filter(|r| r.manifest.status == Status::Diverged)
                .count();
            let status = if first.status == Status::Diverged {
                "diverged"
            } else {
                "complete"
            };
            let converged = first.converged_at.get("energy_distance").copied().flatten();
            let converged = converged.map_or(String::new(), |step| step.to_string());
            let _ = write!(
                text,
                "{},{status},{},{diverged},{},{converged}",
                contender.name,
                all.len(),
                first.steps
            );
            for metric in &metrics {
                let value = spread.get(*metric).filter(|s| s.mean.is_finite());
                let _ = write!(
                    text,
                    ",{}",
                    value.map_or(String::new(), |s| s.mean.to_string())
                );
                if several {
                    let _ = write!(
                        text,
                        ",{}",
                        value.map_or(String::new(), |s| s.sd.to_string())
                    );
                }
            }
            text.push('\n');
        }
        text
    }
}

/// Each metric over the runs that did not diverge; over all, if all did.
fn spread(records: &[Record]) -> BTreeMap<String, Spread> {
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
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
            let sd = if values.len() > 1 {
                (squares / (n - 1.0)).sqrt()
            } else {
                0.0
            };
            let seeds = values.len();
            (metric, Spread { mean, sd, seeds })
        })
        .collect()
}

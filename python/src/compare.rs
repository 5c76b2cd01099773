//! Variants of a scenario side by side, recorded in a directory as the command line records them.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::exceptions::{PyKeyboardInterrupt, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ratioflow::experiment::Experiment;
use ratioflow::record::{self, Audience, RunError, StopToken, VariantRuns, folders};
use ratioflow::scenario::{Claim, Resources, Scenario, Variant};
use ratioflow::store::{FloorStore, ReportError, RunDirectory};

use crate::error::{fits, misread, ran, reported, spoken};
use crate::given::Found;
use crate::work::watched;

/// Runs variants of a scenario, `NAME: key=value, …` each, on the same samples and first cloud, and records them in `folder`, which must be new or empty.
/// Without variants those of the scenario are run, or else `flow`, `distill` and `adversarial`.
#[pyfunction]
#[pyo3(signature = (scenario, arrays, set, variants, seeds, folder, frames, allow_outside))]
#[expect(clippy::too_many_arguments, reason = "the package has names for them")]
pub(crate) fn compare(
    py: Python<'_>,
    scenario: &Bound<'_, PyAny>,
    arrays: &Bound<'_, PyDict>,
    set: &Bound<'_, PyDict>,
    variants: Vec<String>,
    seeds: u16,
    folder: PathBuf,
    frames: bool,
    allow_outside: bool,
) -> PyResult<()> {
    let found = Found::new(scenario, arrays, set, allow_outside)?;
    let stop = StopToken::default();
    let asked = stop.clone();
    let done = watched(py, move || {
        compared(&found, &variants, seeds.max(1), &folder, frames, &asked)
    });
    if done.is_err() {
        stop.ask("a signal");
    }
    done?
}

fn compared(
    found: &Found,
    variants: &[String],
    seeds: u16,
    folder: &std::path::Path,
    frames: bool,
    stop: &StopToken,
) -> PyResult<()> {
    let base: Scenario = found.document.read().map_err(|error| misread(&error))?;
    let variants = named(&base, variants)?;
    let contenders = contenders(found, &base, &variants, seeds, frames)?;
    let directory = RunDirectory::with_parts(folder, false, &folders(&contenders));
    let directory = directory.map_err(|error| match error {
        // A comparison replaces nothing here.
        ReportError::Occupied { .. } => PyValueError::new_err(
            spoken(error).replace(", or replace that run with force=True", ""),
        ),
        other => reported(&other),
    })?;
    let there = |name: &str| contenders.iter().any(|contender| contender.name == name);
    let whole = |claim: &&Claim| !claim.is_of_the_run() && claim.variants().all(there);
    let claims: Vec<Claim> = base.claim.iter().filter(whole).cloned().collect();
    let audience = Audience {
        stop,
        step: &|_, _, _| {},
        done: &|_, _, _| {},
    };
    let comparison = record::compare(
        &found.name,
        &contenders,
        &found.files,
        &directory,
        &claims,
        audience,
    );
    comparison.map(drop).map_err(|error| match error {
        RunError::Interrupted(_) => PyKeyboardInterrupt::new_err(error.to_string()),
        other => ran(&other),
    })
}

/// The variants that were asked for, of which one without changes is the scenario as it is, those of the scenario, or the three that every comparison can have.
fn named(base: &Scenario, asked: &[String]) -> PyResult<Vec<Variant>> {
    let written = if asked.is_empty() {
        &base.variants
    } else {
        asked
    };
    if written.is_empty() {
        return Ok(Variant::defaults());
    }
    let variants = written.iter().map(|text| match text.split_once(':') {
        // The scenario as it is: a variant sets something, if only the seed that all have.
        Some((name, changes)) if changes.trim().is_empty() => {
            Variant::named(&format!("{name}: seed={}", base.seed))
        }
        _ => Variant::named(text),
    });
    let variants: Result<Vec<Variant>, String> = variants.collect();
    let variants = variants.map_err(|error| PyValueError::new_err(spoken(error)))?;
    Variant::tell_apart(&variants).map_err(|error| PyValueError::new_err(spoken(error)))?;
    Ok(variants)
}

/// The variants, each with its experiments. Everything is checked before anything runs.
fn contenders(
    found: &Found,
    base: &Scenario,
    variants: &[Variant],
    seeds: u16,
    frames: bool,
) -> PyResult<Vec<VariantRuns>> {
    let mut scenarios = Vec::new();
    let mut needs = Vec::new();
    for variant in variants {
        let own = variant.apply(&found.document);
        let own = own.map_err(|error| misread(&error))?;
        let mut scenario: Scenario = own.read().map_err(|error| misread(&error))?;
        variant
            .check(base, &scenario)
            .map_err(|invalid| misread(&own.blame(&invalid)))?;
        let of_it = |claim: &&Claim| {
            !claim.is_of_the_run() && claim.variants().all(|name| name == variant.name)
        };
        let claims = base.claim.iter().filter(of_it).cloned();
        scenario.claim = claims.map(Claim::of_its_variant).collect();
        scenario.output.animation = frames;
        for place in 0..seeds {
            let seeded = scenario.side_by_side(base.seed, place);
            let need = Resources::of(&seeded, rayon::current_num_threads());
            needs.push(need.with_files(&seeded, &found.files));
            scenarios.push((&variant.name, own.clone(), seeded));
        }
    }
    fits(&Resources::of_all(&needs, 1).without_disk())?;
    let floors = Arc::new(FloorStore::default());
    let mut all: Vec<VariantRuns> = Vec::new();
    for (name, own, scenario) in scenarios {
        let experiment = Experiment::new(scenario, &found.files);
        let mut experiment = experiment.map_err(|error| misread(&own.blame(&error.into())))?;
        experiment.keep_floors_with(floors.clone());
        match all.last_mut().filter(|last| last.name == *name) {
            Some(last) => last.experiments.push(experiment),
            None => all.push(VariantRuns {
                name: name.clone(),
                experiments: vec![experiment],
            }),
        }
    }
    record::one_space(&all).map_err(|error| PyValueError::new_err(spoken(error)))?;
    Ok(all)
}

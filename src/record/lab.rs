//! The lab beside a report: written where the scenario asks for it, found where somebody has put it.

use std::collections::BTreeMap;

use crate::experiment::Experiment;
use crate::generator::GeneratorSpec;
#[cfg(feature = "cli")]
use crate::page::Lab;
use crate::page::NearLab;
#[cfg(feature = "cli")]
use crate::store::COMPARISON;
use crate::store::{LAB, ReportError, RunDirectory};

/// Why a run that asks for a lab has none; nothing if it has one, or asks for none.
pub(super) fn missing(experiment: &Experiment) -> Option<String> {
    let why = match &experiment.scenario.generator {
        _ if !experiment.scenario.output.lab => return None,
        _ if !cfg!(feature = "cli") => {
            "this build has none to write; `ratioflow lab` of the program makes one of its scenario.toml"
        }
        _ if experiment.target.dimension() != 2 => "it draws the plane",
        Some(GeneratorSpec::Pairs(_)) => {
            "it moves a generator at each step, and this one is fitted once"
        }
        _ => return None,
    };
    Some(format!("output.lab: the lab is left out: {why}"))
}

/// The lab of a run by itself, from its page: one that lies near it, in a build that has none to write.
#[cfg(not(feature = "cli"))]
#[expect(clippy::unnecessary_wraps, reason = "the other writes a file")]
pub(super) fn of_run(
    _name: &str,
    _text: &str,
    _experiment: &Experiment,
    directory: &RunDirectory,
) -> Result<Option<NearLab>, ReportError> {
    Ok(near(directory))
}

/// The lab of a comparison, likewise.
#[cfg(not(feature = "cli"))]
#[expect(clippy::unnecessary_wraps, reason = "the other writes a file")]
pub(super) fn of_all(
    _name: &str,
    _runs: &[(&str, &Experiment)],
    directory: &RunDirectory,
) -> Result<Option<NearLab>, ReportError> {
    Ok(near(directory))
}

/// The lab of a run by itself, from its page. A variant shares that of its comparison.
#[cfg(feature = "cli")]
pub(super) fn of_run(
    name: &str,
    text: &str,
    experiment: &Experiment,
    directory: &RunDirectory,
) -> Result<Option<NearLab>, ReportError> {
    let is_shared = || {
        let above = directory.path().join("..");
        above.join(COMPARISON).is_file() && above.join(LAB).is_file()
    };
    if !experiment.scenario.output.lab || missing(experiment).is_some() {
        return Ok(near(directory));
    }
    let lab = Lab::of(name, text, BTreeMap::new(), experiment);
    if is_shared() {
        let edits = lab.edits;
        return Ok(near(directory).map(|near| NearLab { edits, ..near }));
    }
    put(&lab, directory).map(Some)
}

/// The lab of a comparison of these runs, from its page.
#[cfg(feature = "cli")]
pub(super) fn of_all(
    name: &str,
    runs: &[(&str, &Experiment)],
    directory: &RunDirectory,
) -> Result<Option<NearLab>, ReportError> {
    let asks = |run: &Experiment| run.scenario.output.lab && missing(run).is_none();
    // The lab draws one target under all panels.
    let alike = |run: &Experiment| runs.iter().all(|(_, other)| other.training == run.training);
    let Some((_, first)) = runs.first().filter(|(_, run)| asks(run) && alike(run)) else {
        return Ok(near(directory));
    };
    let mut lab = Lab::of(name, &first.scenario.to_toml(), BTreeMap::new(), first);
    let reads_the_same = |run: &Experiment| {
        run.scenario.target == first.scenario.target && run.scenario.source == first.scenario.source
    };
    if !runs.iter().all(|(_, run)| reads_the_same(run)) {
        lab.edits.clear();
        lab.points.clear();
    }
    let panels = runs.iter().filter(|(_, run)| missing(run).is_none());
    lab.panels = panels
        .map(|(name, run)| ((*name).to_owned(), run.scenario.to_toml()))
        .collect();
    put(&lab, directory).map(Some)
}

#[cfg(feature = "cli")]
fn put(lab: &Lab, directory: &RunDirectory) -> Result<NearLab, ReportError> {
    let html = lab.html();
    let html = html.map_err(|cause| ReportError::io("write", LAB.as_ref(), cause))?;
    directory.put(LAB, html.as_bytes())?;
    Ok(NearLab {
        address: LAB.to_owned(),
        edits: lab.edits.clone(),
    })
}

/// The lab that lies beside a page, or in one of the two folders above, where a gallery or all runs may share it.
fn near(directory: &RunDirectory) -> Option<NearLab> {
    let near = ["", "../", "../../"].map(|above| format!("{above}{LAB}"));
    let there = |address: &String| directory.path().join(address).is_file();
    near.into_iter().find(there).map(|address| NearLab {
        address,
        edits: BTreeMap::new(),
    })
}

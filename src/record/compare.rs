//! Several variants of a scenario side by side: the same seed, one animation, one table.

use std::collections::BTreeMap;
use std::io::Write as _;

use rayon::prelude::*;

use super::comparison_tables as tables;
use super::draw::{last_mark, save_page, save_pictures};
use super::error::RunError;
use super::facts::{RunFacts, check_claims};
use super::lab;
use super::run::{PreparedRun, Record, retire};
use super::stop::StopToken;
use super::watch::Seen;
use crate::experiment::Experiment;
use crate::film::{DrawnRun, Ground, Recorder, Scene, sight};
use crate::metric::Mark;
use crate::page::{NearLab, Sheet};
use crate::scenario::{Claim, Resources};
use crate::store::{
    COMPARISON, COMPARISON_TABLE, Checkpoint, Comparison, Manifest, RUNS, ReportError,
    RunDirectory, Status, folder_of, free_memory,
};
use crate::target::Files;

/// A variant, ready to run on one seed or several.
#[derive(Debug)]
pub struct VariantRuns {
    /// Name in tables, pictures and folders.
    pub name: String,
    /// The experiment on each seed; the first is recorded in full.
    pub experiments: Vec<Experiment>,
}

/// Those who attend a comparison.
#[derive(Clone, Copy)]
pub struct Audience<'a> {
    /// Asks its runs to stop.
    pub stop: &'a StopToken,
    /// Is shown each step of any run: name of the variant, experiment, and what was seen.
    pub step: &'a (dyn Fn(&str, &Experiment, &Seen<'_, '_>) + Sync),
    /// Is told of each run as it ends: name of the variant, experiment, and what was recorded.
    pub done: &'a (dyn Fn(&str, &Experiment, &Record) + Sync),
}

/// Runs all contenders, in parallel where there are threads and memory for it, and records them in folders of `directory` named after
/// them, with the common pictures and tables above. A contender that diverges does not stop the others.
///
/// # Errors
/// [`RunError`] of the first contender that could not be run or recorded.
pub fn compare(
    name: &str,
    contenders: &[VariantRuns],
    files: &(dyn Files + Sync),
    directory: &RunDirectory,
    claims: &[Claim],
    audience: Audience<'_>,
) -> Result<Comparison, RunError> {
    let experiments = contenders.iter().flat_map(|one| &one.experiments);
    let runs = experiments.zip(folders(contenders));
    let runs = runs.map(|(experiment, folder)| Ok((experiment, directory.part(&folder)?)));
    let runs = runs.collect::<Result<Vec<_>, ReportError>>()?;
    // All of them begin before one goes on, so that a comparison can be taken up wherever it is stopped.
    let courses = runs.iter().map(|(experiment, own)| {
        let course = PreparedRun::begin(name, experiment, files, own)?;
        Ok((course, None))
    });
    let courses = courses.collect::<Result<Vec<_>, ReportError>>()?;
    let mut begun = courses.iter().map(|(course, _)| &course.manifest);
    let manifests = contenders.iter().map(|contender| {
        let own = begun.by_ref().take(contender.experiments.len());
        own.cloned().collect()
    });
    let mut begun = Comparison::new(contenders, manifests.collect(), Status::Running);
    begun.claim = claims.to_vec();
    save(&begun, directory)?;
    play(name, contenders, courses, directory, claims, audience)
}

/// Refuses runs on the line beside runs in the plane, and several targets on the line, whose density is drawn under all.
///
/// # Errors
/// What is wrong, in words.
pub fn one_space(contenders: &[VariantRuns]) -> Result<(), String> {
    let all = contenders
        .iter()
        .filter_map(|one| Some((&one.name, one.experiments.first()?)));
    let all: Vec<_> = all.collect();
    let Some(((first, base), rest)) = all.split_first() else {
        return Ok(());
    };
    let on_line = base.target.dimension() == 1;
    for (name, other) in rest {
        if other.target.dimension() != base.target.dimension() {
            return Err(format!(
                "`{first}` and `{name}` are not in one space: a picture has the line or the plane\n  = help: compare those of either by themselves"
            ));
        }
        if on_line && other.scenario.target != base.scenario.target {
            return Err(format!(
                "`{first}` and `{name}` have other targets on the line, where one density is drawn under all\n  = help: compare them in the plane, or each by itself"
            ));
        }
    }
    Ok(())
}

/// The folders of all runs, in their order.
#[must_use]
pub fn folders(contenders: &[VariantRuns]) -> Vec<String> {
    let mut all = Vec::new();
    for contender in contenders {
        for (place, experiment) in contender.experiments.iter().enumerate() {
            let seed = (place > 0).then_some(experiment.scenario.seed);
            all.push(folder_of(&contender.name, seed));
        }
    }
    all
}

/// Runs every course to its end, each from its checkpoint if it has one, and records what they come to together.
pub(super) fn play(
    name: &str,
    contenders: &[VariantRuns],
    courses: Vec<(PreparedRun<'_>, Option<&Checkpoint>)>,
    directory: &RunDirectory,
    claims: &[Claim],
    audience: Audience<'_>,
) -> Result<Comparison, RunError> {
    // First, so that the reports of the variants find it.
    let lab = lab::of_all(name, &firsts(contenders), directory)?;
    let variants = contenders.iter();
    let variants = variants.flat_map(|one| one.experiments.iter().map(|_| &one.name));
    let threads = rayon::current_num_threads();
    let needs: Vec<Resources> = courses
        .iter()
        .map(|(course, _)| Resources::of(&course.experiment.scenario, threads))
        .collect();
    let mut all = courses.iter().map(|(course, _)| course.experiment);
    all.try_for_each(Experiment::prepare_floors)?;
    // A thread that waits within a run may begin another, so that only a group's size bounds how many are under way.
    let at_once = Resources::at_once(&needs, free_memory());
    let mut runs = variants.zip(courses);
    let mut records: Vec<Result<_, RunError>> = Vec::new();
    loop {
        let group: Vec<_> = runs.by_ref().take(at_once).collect();
        if group.is_empty() {
            break;
        }
        records.par_extend(
            group
                .into_par_iter()
                .map(|(variant, (course, checkpoint))| {
                    let (own, experiment) = (course.directory, course.experiment);
                    let record = course.follow(checkpoint, audience.stop, &mut |seen| {
                        (audience.step)(variant, experiment, seen);
                    })?;
                    (audience.done)(variant, experiment, &record);
                    Ok((own, record))
                }),
        );
    }
    let is_stopped = |record: &Result<_, _>| matches!(record, Err(RunError::Interrupted(_)));
    if records.iter().any(is_stopped) {
        let mut stopped = Comparison::load(directory.path())?;
        stopped.status = Status::Interrupted;
        save(&stopped, directory)?;
    }
    let mut records = records.into_iter();
    let mut by_contender: Vec<Vec<Record>> = Vec::new();
    let mut directories = Vec::new();
    for contender in contenders {
        let own = records.by_ref().take(contender.experiments.len());
        let own = own.collect::<Result<Vec<_>, _>>()?;
        let (folders, own): (Vec<_>, Vec<_>) = own.into_iter().unzip();
        directories.extend(folders);
        by_contender.push(own);
    }

    let manifests = by_contender.iter().map(|all| {
        let all = all.iter().map(|record| record.manifest.clone());
        all.collect()
    });
    let mut comparison = Comparison::new(contenders, manifests.collect(), Status::Complete);
    if !comparison.seeds.is_empty() {
        let spreads = contenders.iter().zip(&by_contender);
        comparison.spread = spreads
            .map(|(contender, all)| (contender.name.clone(), tables::spread(all)))
            .collect();
    }
    claims.clone_into(&mut comparison.claim);
    comparison.claims = check_claims(claims, &facts(contenders, &by_contender));
    for (contender, all) in contenders.iter().zip(&by_contender) {
        let timed: Vec<f64> = all.iter().filter_map(|r| r.seconds_per_step).collect();
        if !timed.is_empty() {
            let mean = timed.iter().sum::<f64>() / timed.len() as f64;
            let name = contender.name.clone();
            comparison.seconds_per_step.insert(name, mean);
        }
    }
    save_common_pictures(name, contenders, &by_contender, lab.as_ref(), directory)?;
    let names: Vec<&str> = contenders.iter().map(|one| one.name.as_str()).collect();
    let wide = tables::wide(&names, &by_contender);
    directory.save(COMPARISON_TABLE, |file| file.write_all(wide.as_bytes()))?;
    let tidy = tables::tidy(&names, &by_contender);
    directory.save(RUNS, |file| file.write_all(tidy.as_bytes()))?;
    save(&comparison, directory)?;
    // Until now a run that has ended may have had to be read again.
    for (own, record) in directories.iter().zip(by_contender.iter().flatten()) {
        retire(own, record.manifest.status)?;
    }
    directory.settle()?;
    Ok(comparison)
}

/// Each variant on the first seed.
fn firsts(contenders: &[VariantRuns]) -> Vec<(&str, &Experiment)> {
    let runs = contenders.iter();
    runs.filter_map(|one| Some((one.name.as_str(), one.experiments.first()?)))
        .collect()
}

fn save(comparison: &Comparison, directory: &RunDirectory) -> Result<(), ReportError> {
    let json = comparison
        .to_json()
        .map_err(|error| ReportError::io("write", COMPARISON.as_ref(), error.into()))?;
    directory.save(COMPARISON, |file| file.write_all(json.as_bytes()))
}

/// For each seed what the variants gave on it, under their names.
fn facts(contenders: &[VariantRuns], records: &[Vec<Record>]) -> Vec<BTreeMap<String, RunFacts>> {
    let seeds = records.iter().map(Vec::len).min().unwrap_or(0);
    let named = |seed: usize| {
        let pairs = contenders.iter().zip(records);
        pairs.map(move |(contender, all)| {
            let facts = RunFacts::new(&all[seed].manifest, all[seed].meter.rows());
            (contender.name.clone(), facts)
        })
    };
    (0..seeds).map(|seed| named(seed).collect()).collect()
}

/// Animation, last picture, curves and page with all variants, on the first seed.
fn save_common_pictures(
    name: &str,
    contenders: &[VariantRuns],
    records: &[Vec<Record>],
    lab: Option<&NearLab>,
    directory: &RunDirectory,
) -> Result<(), ReportError> {
    let Some(first) = contenders
        .first()
        .and_then(|contender| contender.experiments.first())
    else {
        return Ok(());
    };
    let notes: Vec<String> = records.iter().map(|all| all[0].ending.note()).collect();
    let mark = |all: &Vec<Record>| all[0].manifest.verdict.as_ref().map(last_mark);
    let marks: Vec<Option<Mark>> = records.iter().map(mark).collect();
    let takes: Vec<DrawnRun<'_>> = contenders
        .iter()
        .zip(records)
        .zip(notes.iter().zip(&marks))
        .map(|((contender, records), (note, mark))| DrawnRun {
            name: &contender.name,
            scenario: &contender.experiments[0].scenario,
            start: &contender.experiments[0].start,
            recorder: &records[0].recorder,
            meter: &records[0].meter,
            note,
            diverged: records[0].manifest.status == Status::Diverged,
            outcome: mark.as_ref(),
        })
        .collect();
    let steps = contenders
        .iter()
        .map(|c| c.experiments[0].scenario.flow.steps)
        .max();
    let title = &first.scenario.title;
    let recorders: Vec<&Recorder> = takes.iter().map(|take| take.recorder).collect();
    let line = recorders.first().and_then(|one| Ground::of(first, one));
    let line = line.map(|line| line.seeing(recorders.iter().copied()));
    let scene = Scene {
        title: if title.is_empty() { name } else { title },
        steps: steps.unwrap_or(0),
        view: sight(first.scenario.output.view, &recorders),
        line: line.as_ref(),
        takes: &takes,
    };
    save_pictures(&first.scenario, &scene, directory)?;
    let sheets: Vec<Sheet<'_>> = records
        .iter()
        .map(|all| Sheet {
            manifest: &all[0].manifest,
            summary: &all[0].summary,
            floors: &all[0].floors,
            scenario: &all[0].scenario,
        })
        .collect();
    let commands: Vec<String> = contenders
        .iter()
        .map(|contender| format!("ratioflow run \"{}/scenario.toml\"", contender.name))
        .collect();
    save_page(&first.scenario, &scene, &sheets, &commands, lab, directory)
}

impl Comparison {
    /// The comparison of runs with these manifests, a list of them for each contender.
    fn new(contenders: &[VariantRuns], manifests: Vec<Vec<Manifest>>, status: Status) -> Self {
        let several = manifests.iter().any(|all| all.len() > 1);
        let names = || contenders.iter().map(|contender| contender.name.clone());
        let firsts = manifests.iter().filter_map(|all| all.first().cloned());
        Self {
            status,
            variants: names().zip(firsts).collect(),
            spread: BTreeMap::new(),
            order: names().collect(),
            claim: Vec::new(),
            claims: Vec::new(),
            seconds_per_step: BTreeMap::new(),
            seeds: if several {
                names().zip(manifests).collect()
            } else {
                BTreeMap::new()
            },
        }
    }
}

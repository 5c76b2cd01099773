//! `generator.npz` in a run directory, and the files of the same form in `history/`.

use std::path::Path;

use super::redraw;
use crate::experiment::Experiment;
use crate::generator::{Generator, GeneratorSpec, Trained};
use crate::store::{
    Arrays, GENERATOR, HISTORY, Manifest, ReportError, RunDirectory, Status, moment, plain,
};

/// Writes `generator.npz`, or what belongs to a step into `history/`.
pub(super) fn save(
    generator: &Generator,
    step: Option<usize>,
    directory: &RunDirectory,
) -> Result<(), ReportError> {
    directory.save(&named(step), |file| {
        let mut arrays = Arrays::new(file);
        generator.write(&mut arrays)?;
        arrays.finish()
    })
}

/// The name of the file for this step, or for the end.
fn named(step: Option<usize>) -> String {
    step.map_or_else(|| GENERATOR.to_owned(), moment)
}

/// The trained generator of the finished run in `folder`, or what it was after `step` steps, if the run has kept that.
///
/// # Errors
/// [`ReportError::NoGenerator`] if there is none, or what is there cannot be read, with the remedy; [`ReportError::NotARun`] if there is no run that has ended.
pub fn generator(folder: &Path, step: Option<usize>) -> Result<Generator, ReportError> {
    let (manifest, experiment) = redraw::finished(folder)?;
    trained(folder, step, &manifest, &experiment)
}

/// The same of a run that has been read already.
///
/// # Errors
/// As [`generator`].
pub(super) fn trained(
    folder: &Path,
    step: Option<usize>,
    manifest: &Manifest,
    experiment: &Experiment,
) -> Result<Generator, ReportError> {
    let refuse = |reason: String| ReportError::NoGenerator {
        path: folder.to_owned(),
        reason,
    };
    if let Some(GeneratorSpec::Pairs(_)) = experiment.scenario.generator
        && manifest.status == Status::Diverged
    {
        return Err(refuse(
            "the run diverged, and its generator of pairs, which is fitted at the last step, has learned nothing: mend the run, or draw from its last cloud with `ratioflow sample --resample`".to_owned(),
        ));
    }
    if experiment.scenario.generator.is_none() {
        return Err(refuse(
            "its scenario has no generator, and a flow only moves the points that it has: run it with `--generator distill`, or draw from its last cloud with `ratioflow sample --resample`".to_owned(),
        ));
    }
    let name = named(step);
    if !plain::is_file(folder, &name) {
        if let Some(step) = step {
            return Err(refuse(not_kept(folder, step)));
        }
        return Err(refuse(format!(
            "it has no `{GENERATOR}`: an older version wrote it, or the file was removed; run its `scenario.toml` again"
        )));
    }
    let damaged = |reason: String| refuse(format!("`{name}` cannot be used: {reason}"));
    load(experiment, folder, &name).map_err(damaged)
}

/// Which steps there are instead.
fn not_kept(folder: &Path, step: usize) -> String {
    let files = plain::entries(&folder.join(HISTORY)).unwrap_or_default();
    let steps = files.iter().filter_map(|(name, _)| {
        let number = name.strip_suffix(".npz")?;
        number.parse::<usize>().ok()
    });
    let mut steps: Vec<usize> = steps.collect();
    steps.sort_unstable();
    if steps.is_empty() {
        return format!(
            "it has not kept what its generator was at step {step}: run its `scenario.toml` again with `--set output.history=20`"
        );
    }
    let steps: Vec<String> = steps.iter().map(usize::to_string).collect();
    format!(
        "it has not kept what its generator was at step {step}; it has {}",
        steps.join(", ")
    )
}

fn load(experiment: &Experiment, folder: &Path, name: &str) -> Result<Generator, String> {
    let mut generator = experiment
        .generator()
        .map_err(|invalid| invalid.to_string())?
        .ok_or("the scenario has no generator")?;
    let trained = Trained::read(&mut plain::arrays(folder, name)?, generator.dimension())?;
    if trained.units != generator.units() {
        return Err("its units are not those of the scenario beside it".to_owned());
    }
    if !generator.set_layers(&trained.layers) {
        return Err("its layers are not those of the scenario beside it".to_owned());
    }
    Ok(generator)
}

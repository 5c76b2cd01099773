//! `generator.npz` in a run directory.

use std::path::Path;

use super::redraw;
use crate::experiment::Experiment;
use crate::generator::{Generator, GeneratorSpec, Trained};
use crate::store::{Arrays, GENERATOR, Manifest, ReportError, RunDirectory, Status, plain};

/// Writes `generator.npz`.
pub(super) fn save(generator: &Generator, directory: &RunDirectory) -> Result<(), ReportError> {
    directory.save(GENERATOR, |file| {
        let mut arrays = Arrays::new(file);
        generator.write(&mut arrays)?;
        arrays.finish()
    })
}

/// The trained generator of the finished run in `folder`.
///
/// # Errors
/// [`ReportError::NoGenerator`] if there is none, or what is there cannot be read, with the remedy; [`ReportError::NotARun`] if there is no run that has ended.
pub fn generator(folder: &Path) -> Result<Generator, ReportError> {
    let (manifest, experiment) = redraw::finished(folder)?;
    trained(folder, &manifest, &experiment)
}

/// The same of a run that has been read already.
///
/// # Errors
/// As [`generator`].
pub(super) fn trained(
    folder: &Path,
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
            "the run diverged, and its generator of pairs, which is fitted at the last step, has learned nothing: mend the run, or draw from its last cloud with `--resample`".to_owned(),
        ));
    }
    if experiment.scenario.generator.is_none() {
        return Err(refuse(
            "its scenario has no generator, and a flow only moves the points that it has: run it with `--generator distill`, or draw from its last cloud with `--resample`".to_owned(),
        ));
    }
    if !plain::is_file(folder, GENERATOR) {
        return Err(refuse(format!(
            "it has no `{GENERATOR}`: an older version wrote it, or the file was removed; run its `scenario.toml` again"
        )));
    }
    let damaged = |reason: String| refuse(format!("`{GENERATOR}` cannot be used: {reason}"));
    load(experiment, folder).map_err(damaged)
}

fn load(experiment: &Experiment, folder: &Path) -> Result<Generator, String> {
    let mut generator = experiment
        .generator()
        .map_err(|invalid| invalid.to_string())?
        .ok_or("the scenario has no generator")?;
    let trained = Trained::read(
        &mut plain::arrays(folder, GENERATOR)?,
        generator.dimension(),
    )?;
    if trained.units != generator.units() {
        return Err("its units are not those of the scenario beside it".to_owned());
    }
    if !generator.set_layers(&trained.layers) {
        return Err("its layers are not those of the scenario beside it".to_owned());
    }
    Ok(generator)
}

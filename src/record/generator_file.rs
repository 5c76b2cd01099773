//! `generator.npz`: the trained generator of a run that has ended, written and read back.

use std::path::Path;

use ndarray::{Array0, Array1, Array2, arr0, arr1};

use super::redraw;
use crate::experiment::Experiment;
use crate::generator::{Generator, GeneratorSpec, Precision};
use crate::network::Affinity;
use crate::store::{Arrays, GENERATOR, ReportError, RunDirectory, Status, Stored, plain};

/// Writes `generator.npz`.
pub(super) fn save(generator: &Generator, directory: &RunDirectory) -> Result<(), ReportError> {
    let units = generator.units();
    let single = generator.spec().training().precision == Precision::F32;
    directory.save(GENERATOR, |file| {
        let mut arrays = Arrays::new(file);
        for (place, (weights, biases)) in generator.layers().iter().enumerate() {
            let [weight, bias] = ["weight", "bias"].map(|what| format!("{place}.{what}"));
            if single {
                arrays.add(&weight, weights.mapv(|v| v as f32).view())?;
                arrays.add(&bias, biases.mapv(|v| v as f32).view())?;
            } else {
                arrays.add(&weight, weights.view())?;
                arrays.add(&bias, biases.view())?;
            }
        }
        arrays.add("centre", arr1(&units.centre).view())?;
        arrays.add("input", arr0(units.input).view())?;
        arrays.add("output", arr0(units.output).view())?;
        arrays.finish()
    })
}

/// The trained generator of the finished run in `folder`.
///
/// # Errors
/// [`ReportError::NoGenerator`] if there is none, or what is there cannot be read, with the remedy; [`ReportError::NotARun`] if there is no run that has ended.
pub fn generator(folder: &Path) -> Result<Generator, ReportError> {
    let refuse = |reason: String| ReportError::NoGenerator {
        path: folder.to_owned(),
        reason,
    };
    let (manifest, experiment) = redraw::finished(folder)?;
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
    load(&experiment, folder).map_err(damaged)
}

fn load(experiment: &Experiment, folder: &Path) -> Result<Generator, String> {
    let mut generator = experiment
        .generator()
        .map_err(|invalid| invalid.to_string())?
        .ok_or("the scenario has no generator")?;
    let mut arrays = Stored::open(folder, GENERATOR)?;
    let mut layers: Vec<Affinity> = Vec::new();
    let single = generator.spec().training().precision == Precision::F32;
    for place in 0.. {
        let [weight, bias] = ["weight", "bias"].map(|what| format!("{place}.{what}"));
        if !arrays.has(&weight) {
            break;
        }
        layers.push(if single {
            let weights: Array2<f32> = arrays.get(&weight)?;
            let biases: Array1<f32> = arrays.get(&bias)?;
            (weights.mapv(f64::from), biases.mapv(f64::from))
        } else {
            (arrays.get(&weight)?, arrays.get(&bias)?)
        });
    }
    let centre: Array1<f64> = arrays.get("centre")?;
    let input: Array0<f64> = arrays.get("input")?;
    let output: Array0<f64> = arrays.get("output")?;
    let units = generator.units();
    if centre != arr1(&units.centre) || input != arr0(units.input) || output != arr0(units.output) {
        return Err("its units are not those of the scenario beside it".to_owned());
    }
    let mut numbers = layers.iter().flat_map(|(w, b)| w.iter().chain(b));
    if !numbers.all(|v| v.is_finite()) {
        return Err("it holds numbers that are not finite".to_owned());
    }
    if !generator.set_layers(&layers) {
        return Err("its layers are not those of the scenario beside it".to_owned());
    }
    Ok(generator)
}

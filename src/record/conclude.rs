//! What a run comes to: its last cloud measured, and all that its manifest says.

use std::collections::BTreeMap;

use super::error::RunError;
use super::facts::RunFacts;
use super::lab;
use crate::digits::three;
use crate::experiment::{Experiment, Outcome, Summary};
use crate::flow::{Carrier, Ending, Flow, Integrator, Momentum};
use crate::metric::{ENERGY_DISTANCE, Extra, Floors, MASS_TV, MODES, Measurement, MetricSet, Stop};
use crate::observe::{Cadence, MetricRecorder, drive, flow_columns};
use crate::setting::Invalid;
use crate::store::{Counts, JOINT, Manifest, Status};

/// What the end of a run comes to.
pub(super) struct Conclusion {
    pub(super) summary: Summary,
    pub(super) floors: Floors,
}

/// Measures the last cloud and the training sample against the sample that is kept for them, and writes into the manifest what came of the run.
pub(super) fn conclude(
    experiment: &Experiment,
    gauge: Gauge,
    flow: &Flow,
    ending: &Ending,
    meter: &MetricRecorder,
    manifest: &mut Manifest,
) -> Result<Conclusion, RunError> {
    let scenario = &experiment.scenario;
    let weighted = !flow.state().shares().is_empty();
    let names = gauge.0.resampled().filter(|_| weighted);
    let resampled: Vec<String> = names.map(str::to_owned).collect();
    let Outcome {
        values,
        floors,
        verdict,
        training_sample,
    } = {
        let state = flow.state();
        let (panel, floors) = gauge;
        let shares = state.shares();
        experiment.judge((&panel, floors), state.cloud.view(), shares, meter.since())
    };
    // Distances that overflow make it infinite or NaN; of measures that count, some then say that all is well.
    let energy = values
        .iter()
        .find(|(name, _)| *name == ENERGY_DISTANCE.name);
    let numbers = energy.is_none_or(|(_, value)| value.is_finite());
    if !matches!(ending, Ending::Diverged { .. }) && !numbers {
        return Err(RunError::NoResult);
    }
    if !resampled.is_empty() {
        manifest.warnings.push(format!(
            "the particles have unequal weights: {} are measured on a systematic resample of them, along a curve and without jitter; all other measures take the weights as they are",
            resampled.join(", ")
        ));
    }
    manifest.resampled = resampled;
    let summary = Summary::new(ending, &verdict, &values, &floors);
    describe(manifest, &values, meter, &floors, &summary);
    manifest.training_sample = training_sample;
    manifest.verdict = Some(verdict);
    let clipped = meter.clipped();
    if clipped > 0 {
        let moves = flow.state().step * scenario.flowing();
        manifest.warnings.push(format!(
            "the clip shortened {clipped} of {moves} displacements ({:.2} %)",
            100.0 * clipped as f64 / moves as f64
        ));
    }
    let held_back = meter.held_back();
    if held_back > 0 {
        let moves = flow.state().step * scenario.cloud.particles;
        manifest.warnings.push(format!(
            "in {held_back} of {moves} moves ({:.2} %) D was out of the range in which flow.h is taken, from −60 to 8 (neyman: from −8 to 60), and the nearest end of it stood for D",
            100.0 * held_back as f64 / moves.max(1) as f64
        ));
    }
    manifest.warnings.extend(remedy(experiment, flow, manifest));
    manifest.warnings.extend(flow.unasked_noise().map(|step| {
        format!(
            "up to step {step} each particle was given a little noise, because {} does not see what is finer than its own blur, and would draw particles onto curves: until then their paths are no ODE; set flow.noise = 0 for the flow without it",
            scenario.discriminator.name()
        )
    }));
    manifest
        .warnings
        .extend(taken_over(meter, scenario.flowing()));
    manifest.steps = flow.state().step as u64;
    manifest.ended = Some(ending.facts(flow.state().step));
    manifest.status = match ending {
        Ending::Diverged { .. } => Status::Diverged,
        _ => Status::Complete,
    };
    let own = scenario.claim.iter().filter(|claim| claim.is_of_the_run());
    let runs = BTreeMap::from([(String::new(), RunFacts::new(manifest, meter.rows()))]);
    manifest.claims = own.map(|claim| claim.compare(&runs)).collect();
    Ok(Conclusion { summary, floors })
}

/// Says so if few particles were to have nearly all of the mass at a measured step: then the cloud descends from them.
fn taken_over(meter: &MetricRecorder, particles: usize) -> Option<String> {
    /// Share of the particles below which the effective sample size is told.
    const FEW: f64 = 0.05;
    let least = meter.rows().iter().filter_map(|row| {
        let ess = row.values.get("ess")?;
        Some((row.step, ess))
    });
    let (step, ess) = least.min_by(|a, b| a.1.total_cmp(&b.1))?;
    (ess < FEW * particles as f64).then(|| {
        format!(
            "at step {step} the reaction gave so much mass to so few that {particles} particles count as {}: the cloud descends from them; lower flow.reaction.rate or flow.reaction.clamp, or begin nearer to the target",
            three(ess)
        )
    })
}

/// What would mend masses that are off, where it can be had: nothing else in the last lines says what to do about them.
fn remedy(experiment: &Experiment, flow: &Flow, manifest: &Manifest) -> Option<String> {
    let name = MASS_TV.name;
    let spec = &experiment.scenario.flow;
    let verdict = manifest.verdict.as_ref()?;
    let can_react = experiment.scenario.generator.is_none()
        && spec.momentum == Momentum::None
        && spec.integrator == Integrator::Euler;
    if verdict.at_floor || !can_react || !flow.last().field.is_log_ratio() {
        return None;
    }
    // No particle, no birth, unless births are seeded.
    let found = manifest.last.get(MODES.name).copied()?;
    let empty = found < manifest.components.len() as f64;
    let seeds = "--set flow.reaction.seed_uncovered=true";
    let mends = match &spec.reaction {
        None if empty => format!(
            "births and deaths mend that, with --reaction birth-death; where a mode has no particle, {seeds} too"
        ),
        None => "births and deaths mend that, with --reaction birth-death".to_owned(),
        Some(reaction)
            if empty && !reaction.seed_uncovered && reaction.carrier != Carrier::Weights =>
        {
            format!(
                "where a mode has no particle none is born; births at target samples that no particle is near mend that, with {seeds}"
            )
        }
        Some(_) => return None,
    };
    let mass = *manifest.last.get(name)?;
    let floor = manifest.floor.get(name)?.get("q95")?;
    let own = manifest.training_sample.get(name)?.value?;
    (mass > floor.max(own)).then(|| {
        format!(
            "{} % of the mass is in the wrong mode ({} % in the training sample itself): {mends}",
            three(100.0 * mass),
            three(100.0 * own)
        )
    })
}

/// Runs `experiment` without a file or a picture: what its manifest would say, and what was measured on the way.
///
/// # Errors
/// [`RunError`] if the flow cannot begin.
pub fn rehearse(name: &str, experiment: &Experiment) -> Result<RunFacts, RunError> {
    let mut manifest = begun(name, experiment);
    let (mut meter, gauge) = meter_of(experiment)?;
    let mut flow = experiment.flow()?;
    let ending = drive(&mut flow, &mut [&mut meter])?;
    conclude(experiment, gauge, &flow, &ending, &meter, &mut manifest)?;
    Ok(RunFacts::new(&manifest, meter.rows()))
}

/// A panel with its floors.
pub(super) type Gauge = (MetricSet, Floors);

/// The meter of a run, and what its end is measured with.
pub(super) fn meter_of(experiment: &Experiment) -> Result<(MetricRecorder, Gauge), Invalid> {
    let metrics = &experiment.scenario.metrics;
    let [(panel, floors), last] = experiment.gauges()?;
    let meter = MetricRecorder::new(panel, floors, Cadence::Every(metrics.every as usize));
    let meter = meter
        .stopping_at_floor(metrics.stop == Stop::Floor)
        .matching_the_start(metrics.also.contains(&Extra::W2Moved));
    Ok((meter, last))
}

/// The manifest of a run that begins.
pub(super) fn begun(name: &str, experiment: &Experiment) -> Manifest {
    let mut manifest = Manifest::begun(name, experiment.scenario.seed);
    manifest.warnings.clone_from(&experiment.warnings);
    manifest.warnings.extend(lab::missing(experiment));
    manifest.points = Counts {
        training: experiment.training.nrows(),
        validation: experiment.validation.nrows(),
        reference: experiment.reference.nrows(),
        measured: experiment.measured,
    };
    let caveat = experiment.caveat.clone();
    manifest.held_out = caveat.unwrap_or_else(|| "disjoint".to_owned());
    if let Some(components) = experiment.target.components() {
        components.clone_into(&mut manifest.components);
    }
    manifest
}

/// Fills in the numbers of the manifest.
fn describe(
    manifest: &mut Manifest,
    values: &Measurement,
    meter: &MetricRecorder,
    floors: &Floors,
    summary: &Summary,
) {
    let named = |(name, value): (&str, f64)| (name.to_owned(), value);
    manifest.last = values.iter().map(named).collect();
    if let Some(row) = meter.rows().last() {
        let own = row
            .values
            .iter()
            .filter(|(name, _)| flow_columns().any(|column| column.name == *name));
        manifest.last.extend(own.map(named));
    }
    manifest.floor = floors
        .iter()
        .map(|(name, floor)| (name.to_owned(), BTreeMap::from(floor.numbers().map(named))))
        .collect();
    manifest.converged_at = meter
        .arrivals()
        .chain([(JOINT, meter.since())])
        .map(|(name, step)| (name.to_owned(), step))
        .collect();
    manifest.ending = Some(summary.headline.clone());
}

//! One run from its first file to its last: drives the flow, measures, draws, and writes the run directory.

use std::time::Duration;

use super::checkpoint_writer::{CheckpointWriter, Interrupted};
use super::clock::{Clock, Parts};
use super::conclude::{Conclusion, Gauge, begun, conclude, meter_of};
use super::draw::{Alone, pace};
use super::error::RunError;
use super::history::History;
use super::inputs;
use super::stop::StopToken;
use super::watch::{Log, Timed, Watch, Watcher};
use super::{generator_file, trajectory};
use crate::experiment::{Experiment, Summary};
use crate::film::Recorder;
use crate::flow::{Ending, Flow};
use crate::metric::Floors;
use crate::observe::{FLOW_COLUMNS, GENERATOR_COLUMNS, MetricRecorder, REACTION_COLUMNS, drive};
use crate::scenario::Scenario;
use crate::store::{
    Checkpoint, Fingerprint, METRICS, Manifest, ReportError, RunDirectory, SCENARIO, SNAPSHOTS,
    Status, TIMINGS, Table,
};
use crate::target::Files;

/// A recorded run: what its files were made from.
#[derive(Debug)]
pub struct Record {
    /// What was written into `run.json`.
    pub manifest: Manifest,
    /// The same in words.
    pub summary: Summary,
    /// How the flow ended.
    pub ending: Ending,
    /// What was measured during the run, with the floors.
    pub meter: MetricRecorder,
    /// The snapshots.
    pub recorder: Recorder,
    /// The floors of the final numbers.
    pub floors: Floors,
    /// What was written into `scenario.toml`.
    pub scenario: String,
    /// Wall-clock seconds that a step took, without what was measured and drawn; `None` if no step was left to take.
    pub seconds_per_step: Option<f64>,
}

/// Runs `experiment` and records it in `directory`. `files` is where the scenario's own files come from; they are
/// copied, so that the directory repeats the run by itself.
///
/// # Errors
/// [`RunError`]; the manifest then says `failed`, or `interrupted`, and what was written before stays.
pub fn record(
    name: &str,
    experiment: &Experiment,
    files: &dyn Files,
    directory: &RunDirectory,
    stop: &StopToken,
    watcher: &mut Watcher<'_>,
) -> Result<Record, RunError> {
    let course = PreparedRun::begin(name, experiment, files, directory)?;
    let record = course.follow(None, stop, watcher)?;
    retire(directory, record.manifest.status)?;
    Ok(record)
}

/// Removes what only a run that is not complete needs. The last checkpoint stays, if the flow has ended with it.
pub(super) fn retire(directory: &RunDirectory, status: Status) -> Result<(), ReportError> {
    directory.remove(SNAPSHOTS)?;
    Checkpoint::retire(directory, status == Status::Complete)?;
    directory.settle()
}

/// A run whose directory holds what it needs to begin, or to go on.
pub(super) struct PreparedRun<'a> {
    pub(super) experiment: &'a Experiment,
    pub(super) directory: &'a RunDirectory,
    /// As begun.
    pub(super) manifest: Manifest,
    /// The text of `scenario.toml`.
    pub(super) scenario: String,
    pub(super) fingerprint: Fingerprint,
}

impl<'a> PreparedRun<'a> {
    /// Writes `scenario.toml`, the files that it reads, and a manifest that says `running`.
    pub(super) fn begin(
        name: &str,
        experiment: &'a Experiment,
        files: &dyn Files,
        directory: &'a RunDirectory,
    ) -> Result<Self, ReportError> {
        let kept = inputs::keep(&experiment.scenario, files, directory)?;
        let scenario = kept.to_toml();
        directory.save(SCENARIO, |file| {
            std::io::Write::write_all(file, scenario.as_bytes())
        })?;
        let course = Self::new(name, experiment, directory, scenario)?;
        course.manifest.save(directory)?;
        Ok(course)
    }

    /// A course whose files are there. `scenario` is the text of its `scenario.toml`.
    pub(super) fn new(
        name: &str,
        experiment: &'a Experiment,
        directory: &'a RunDirectory,
        scenario: String,
    ) -> Result<Self, ReportError> {
        let manifest = begun(name, experiment);
        Ok(Self {
            fingerprint: Fingerprint::of_run(directory.path(), &scenario)?,
            experiment,
            directory,
            manifest,
            scenario,
        })
    }

    /// Runs to the end, from the beginning or from a checkpoint.
    pub(super) fn follow(
        self,
        from: Option<&Checkpoint>,
        stop: &StopToken,
        watcher: &mut Watcher<'_>,
    ) -> Result<Record, RunError> {
        let Self {
            experiment,
            directory,
            mut manifest,
            scenario,
            fingerprint,
        } = self;
        stop.begin(directory.path());
        let result = simulate(
            experiment,
            (&scenario, fingerprint),
            directory,
            from,
            stop,
            &mut manifest,
            watcher,
        );
        stop.end(directory.path(), || match &result {
            Ok(_) => manifest.save(directory),
            Err(error) => {
                if let RunError::Interrupted(interrupted) = error {
                    manifest.status = Status::Interrupted;
                    manifest.steps = interrupted.step as u64;
                } else {
                    manifest.status = Status::Failed;
                }
                manifest.ending = Some(error.to_string());
                // The first error is the one to tell, even if this fails for the same reason.
                let _ = manifest.save(directory);
                Ok(())
            }
        })?;
        let (summary, ending, meter, recorder, floors, seconds_per_step) = result?;
        Ok(Record {
            manifest,
            summary,
            ending,
            meter,
            recorder,
            floors,
            scenario,
            seconds_per_step,
        })
    }
}

/// All of a [`Record`] but what was known before.
type Simulated = (
    Summary,
    Ending,
    MetricRecorder,
    Recorder,
    Floors,
    Option<f64>,
);

fn simulate(
    experiment: &Experiment,
    (kept, fingerprint): (&str, Fingerprint),
    directory: &RunDirectory,
    from: Option<&Checkpoint>,
    stop: &StopToken,
    manifest: &mut Manifest,
    watcher: &mut Watcher<'_>,
) -> Result<Simulated, RunError> {
    let scenario = &experiment.scenario;
    let mut clock = Clock::start();
    let every = scenario.output.checkpoint_every;
    let keeper = CheckpointWriter::new(directory, stop, fingerprint, every);
    let (flow, ending, meter, recorder, gauge) =
        observe(experiment, directory, keeper, from, watcher, &mut clock)?;
    go_on(&flow, stop)?;

    let Conclusion { summary, floors } =
        conclude(experiment, gauge, &flow, &ending, &meter, manifest)?;
    clock.lap("final metrics");
    go_on(&flow, stop)?;

    trajectory::save(experiment, &recorder, directory)?;
    if let Some(generator) = flow.generator() {
        generator_file::save(generator, None, directory)?;
    }
    clock.lap("trajectory");
    let alone = Alone {
        experiment,
        recorder: &recorder,
        meter: &meter,
        note: &ending.note(),
        manifest,
        summary: &summary,
        floors: &floors,
        kept,
    };
    alone.save_pictures(pace(scenario), directory)?;
    clock.lap("pictures");
    go_on(&flow, stop)?;

    // The page shows the numbers of the manifest, so it comes when they are known.
    alone.save_page(directory)?;
    clock.lap("page");
    directory.put(TIMINGS, clock.report(flow.state().step).as_bytes())?;
    let seconds = clock.seconds_per_step();
    Ok((summary, ending, meter, recorder, floors, seconds))
}

/// Runs the flow to its end, measures it and takes its pictures.
fn observe(
    experiment: &Experiment,
    directory: &RunDirectory,
    mut keeper: CheckpointWriter<'_>,
    from: Option<&Checkpoint>,
    watcher: &mut Watcher<'_>,
    clock: &mut Clock,
) -> Result<(Flow, Ending, MetricRecorder, Recorder, Gauge), RunError> {
    let scenario = &experiment.scenario;
    let (mut meter, gauge) = meter_of(experiment)?;
    let columns = columns(scenario, &meter);
    let mut recorder = Recorder::of(experiment, scenario.output.frames);
    let mut flow = experiment.flow()?;
    if let Some(checkpoint) = from {
        keeper.restore(checkpoint, &columns, &mut flow, &mut meter, &mut recorder)?;
    }
    let table = Table::create(&directory.file(METRICS)?, &columns)?;
    let begun = flow.state().step;
    let (mut flow, parts) = Parts::of(flow);
    clock.lap("floors");

    let mut watch = Watch {
        log: Log {
            meter,
            table,
            columns,
            written: 0,
            watcher,
            spent: Duration::ZERO,
        },
        camera: Timed {
            inner: recorder,
            spent: Duration::ZERO,
        },
        history: History::new(scenario, directory),
        own: experiment.own.observers(),
        keeper,
    };
    watch.log.write()?;
    let ending = drive(&mut flow, &mut [&mut watch])?;
    let Watch {
        log,
        camera,
        keeper,
        ..
    } = watch;
    let (meter, recorder) = (log.meter, camera.inner);
    log.table.finish()?;
    clock.lap("flow");
    clock.shift("flow", "metrics", log.spent);
    clock.shift("flow", "fields", camera.spent);
    clock.shift("flow", "checkpoints", keeper.spent);
    clock.part(&parts);
    clock.steps = flow.state().step - begun;
    Ok((flow, ending, meter, recorder, gauge))
}

/// The columns of `metrics.csv`.
pub(super) fn columns(scenario: &Scenario, meter: &MetricRecorder) -> Vec<&'static str> {
    let reaction = REACTION_COLUMNS
        .into_iter()
        .filter(|_| scenario.flow.reaction.is_some());
    let generator = GENERATOR_COLUMNS
        .into_iter()
        .filter(|_| scenario.generator.is_some());
    meter
        .measures()
        .chain(FLOW_COLUMNS.map(|column| column.name))
        .chain(generator.map(|column| column.name))
        .chain(reaction.map(|column| column.name))
        .collect()
}

/// Stops here if somebody has asked for it; the flow has ended, and its last checkpoint stands.
fn go_on(flow: &Flow, stop: &StopToken) -> Result<(), Interrupted> {
    let step = flow.state().step;
    stop.asked()
        .map_or(Ok(()), |by| Err(Interrupted { by, step }))
}

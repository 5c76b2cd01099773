//! A run in memory: driven, measured and judged as a recorded one is, and written to a directory only if somebody asks for that.

use std::io;
use std::ops::ControlFlow;

use super::checkpoint_writer::CheckpointWriter;
use super::clock::{Clock, Parts};
use super::conclude::{Conclusion, begun, conclude, meter_of};
use super::draw::{Alone, pace};
use super::error::RunError;
use super::run::{PreparedRun, Record, columns, retire};
use super::stop::StopToken;
use super::watch::{Seen, Watcher, show, show_end};
use super::{generator_file, trajectory};
use crate::experiment::Experiment;
use crate::film::Recorder;
use crate::flow::{Ending, Flow, Step};
use crate::observe::{MetricRecorder, ObserveError, Observer, drive};
use crate::store::{METRICS, ReportError, RunDirectory, TIMINGS, Table};
use crate::target::Files;

/// A run that has ended, with all that the files of its directory are made from.
#[derive(Debug)]
pub struct MemoryRun {
    /// What was run.
    pub experiment: Experiment,
    /// What came of it.
    pub record: Record,
    /// The flow at its end.
    pub flow: Flow,
    clock: Clock,
}

/// Runs `experiment` in memory; what comes of it is what [`record`](super::record) writes. A watcher that wants the end asks for it as an
/// [`Observer`] of the experiment's own parts.
///
/// # Errors
/// [`RunError`] if the flow cannot begin, an observer fails, or the last cloud gives no numbers.
pub fn run_in_memory(
    name: &str,
    experiment: Experiment,
    watcher: &mut Watcher<'_>,
) -> Result<MemoryRun, RunError> {
    let mut clock = Clock::start();
    let mut manifest = begun(name, &experiment);
    let (meter, gauge) = meter_of(&experiment)?;
    let frames = experiment.scenario.output.frames;
    let (mut flow, parts) = Parts::of(experiment.flow()?);
    clock.lap("floors");
    let mut watch = Watch {
        meter,
        recorder: Recorder::of(&experiment, frames),
        experiment: &experiment,
        watcher,
    };
    let ending = drive(&mut flow, &mut [&mut watch])?;
    let Watch {
        meter, recorder, ..
    } = watch;
    clock.lap("flow");
    clock.part(&parts);
    clock.steps = flow.state().step;
    let Conclusion { summary, floors } =
        conclude(&experiment, gauge, &flow, &ending, &meter, &mut manifest)?;
    clock.lap("final metrics");
    Ok(MemoryRun {
        record: Record {
            manifest,
            summary,
            ending,
            meter,
            recorder,
            floors,
            scenario: experiment.scenario.to_toml(),
            seconds_per_step: clock.seconds_per_step(),
        },
        experiment,
        flow,
        clock,
    })
}

/// Those who watch a run in memory, in the order in which those of a recorded one do.
struct Watch<'a, 'b> {
    meter: MetricRecorder,
    recorder: Recorder,
    experiment: &'a Experiment,
    watcher: &'a mut Watcher<'b>,
}

impl Observer for Watch<'_, '_> {
    fn observe(&mut self, step: &Step<'_>) -> Result<ControlFlow<String>, ObserveError> {
        let mut wish = self.meter.observe(step)?;
        (self.watcher)(&Seen::of(step, &self.meter));
        let _ = self.recorder.observe(step)?;
        let asked = show(self.experiment.own.observers(), step)?;
        if wish.is_continue() {
            wish = asked;
        }
        Ok(wish)
    }

    fn finish(&mut self, last: &Step<'_>, ending: &Ending) -> Result<(), ObserveError> {
        self.meter.finish(last, ending)?;
        self.recorder.finish(last, ending)?;
        show_end(self.experiment.own.observers(), last, ending)
    }
}

impl MemoryRun {
    /// The text of its report page.
    ///
    /// # Errors
    /// None that is known; those of the compressor, the JSON writer and the template engine are passed on.
    pub fn html(&self) -> io::Result<String> {
        self.alone(&self.record.ending.note()).html(None)
    }

    fn alone<'a>(&'a self, note: &'a str) -> Alone<'a> {
        let record = &self.record;
        Alone {
            experiment: &self.experiment,
            recorder: &record.recorder,
            meter: &record.meter,
            note,
            manifest: &record.manifest,
            summary: &record.summary,
            floors: &record.floors,
            kept: &record.scenario,
        }
    }

    /// The columns of its table `metrics.csv`, without step and time.
    #[must_use]
    pub fn columns(&self) -> Vec<&'static str> {
        columns(&self.experiment.scenario, &self.record.meter)
    }

    /// Writes the files of the run into `directory`, those of [`record`](super::record) to the byte but for `timings.json`; without `frames`, which
    /// take most of the time, neither animation nor frames. `files` is where the scenario's own files come from.
    ///
    /// # Errors
    /// [`ReportError`] if a file cannot be written.
    pub fn save(
        &self,
        files: &dyn Files,
        directory: &RunDirectory,
        frames: bool,
    ) -> Result<(), ReportError> {
        let (experiment, record) = (&self.experiment, &self.record);
        let scenario = &experiment.scenario;
        let begun = PreparedRun::begin(&record.manifest.scenario, experiment, files, directory)?;
        let columns = self.columns();
        let mut table = Table::create(&directory.file(METRICS)?, &columns)?;
        for row in record.meter.rows() {
            let values = columns.iter().map(|name| row.values.get(name));
            table.row(row.step as u64, row.time, &values.collect::<Vec<_>>())?;
        }
        table.finish()?;
        if !matches!(record.ending, Ending::Diverged { .. }) {
            let (stop, every) = (StopToken::default(), scenario.output.checkpoint_every);
            let mut keeper = CheckpointWriter::new(directory, &stop, begun.fingerprint, every);
            keeper.save(&self.flow.last(), &columns, &record.meter, &record.recorder)?;
        }
        trajectory::save(experiment, &record.recorder, directory)?;
        if let Some(generator) = self.flow.generator() {
            generator_file::save(generator, None, directory)?;
        }
        let note = record.ending.note();
        let alone = Alone {
            kept: &begun.scenario,
            ..self.alone(&note)
        };
        alone.save_pictures(pace(scenario).filter(|_| frames), directory)?;
        alone.save_page(directory)?;
        let steps = self.flow.state().step;
        directory.put(TIMINGS, self.clock.report(steps).as_bytes())?;
        record.manifest.save(directory)?;
        retire(directory, record.manifest.status)
    }
}

//! A run of which nothing but the numbers is wanted, and which goes on where it was stopped or killed.

use std::ops::ControlFlow;

use super::checkpoint_writer::{CheckpointWriter, check_frames};
use super::conclude::{begun, conclude, meter_of};
use super::error::RunError;
use super::run::columns;
use super::stop::StopToken;
use crate::experiment::Experiment;
use crate::film::Recorder;
use crate::flow::{Auto, Ending, Step};
use crate::observe::{MetricRecorder, ObserveError, Observer, drive};
use crate::setting::WordOr;
use crate::store::{Checkpoint, Fingerprint, Manifest, RunDirectory};

/// Runs `experiment` as [`rehearse`](super::rehearse) does, from the last checkpoint in `directory` if an earlier call has left one there. Beside checkpoints,
/// which a run of less than a second never writes, nothing is put into the directory; at the end it is as it was.
///
/// # Errors
/// [`RunError`] if the flow cannot begin, its last cloud gives no numbers, a checkpoint cannot be written, or `stop` says so.
pub fn rehearse_in(
    name: &str,
    experiment: &Experiment,
    directory: &RunDirectory,
    stop: &StopToken,
) -> Result<Manifest, RunError> {
    let fingerprint = Fingerprint::of_run(directory.path(), &experiment.scenario.to_toml())?;
    let path = directory.path();
    let fits = |checkpoint: &Checkpoint| check_frames(path, checkpoint);
    // What is damaged is no loss but of time: the run begins again.
    let from = Checkpoint::load_if(path, fingerprint, &fits).unwrap_or(None);
    let mut manifest = begun(name, experiment);
    let (mut meter, gauge) = meter_of(experiment)?;
    let columns = columns(&experiment.scenario, &meter);
    let mut recorder = Recorder::of(experiment, 0);
    let mut flow = experiment.flow()?;
    let mut keeper = CheckpointWriter::new(directory, stop, fingerprint, WordOr::Word(Auto::Auto));
    if let Some(from) = from {
        let from = from.checkpoint;
        keeper.restore(&from, &columns, &mut flow, &mut meter, &mut recorder)?;
    }
    let mut watch = Watch {
        meter,
        recorder,
        columns,
        keeper,
    };
    let ending = drive(&mut flow, &mut [&mut watch])?;
    conclude(
        experiment,
        gauge,
        &flow,
        &ending,
        &watch.meter,
        &mut manifest,
    )?;
    // Nobody goes on from where a run has ended.
    Checkpoint::retire(directory, false)?;
    directory.settle()?;
    Ok(manifest)
}

/// Measures and keeps what it takes to go on.
struct Watch<'a> {
    meter: MetricRecorder,
    /// Records nothing: a checkpoint belongs to a recorder.
    recorder: Recorder,
    columns: Vec<&'static str>,
    keeper: CheckpointWriter<'a>,
}

impl Observer for Watch<'_> {
    fn observe(&mut self, step: &Step<'_>) -> Result<ControlFlow<String>, ObserveError> {
        let wish = self.meter.observe(step)?;
        self.keeper
            .look(step, &self.columns, &self.meter, &self.recorder)?;
        Ok(wish)
    }

    fn finish(&mut self, last: &Step<'_>, ending: &Ending) -> Result<(), ObserveError> {
        self.meter.finish(last, ending)
    }
}

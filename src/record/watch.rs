//! Those who watch a recorded run: what is measured and shown, what is seen, what is kept.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::checkpoint_writer::CheckpointWriter;
use super::history::History;
use crate::film::Recorder;
use crate::flow::{Ending, Step};
use crate::metric::Mark;
use crate::observe::{MetricRecorder, ObserveError, Observer, Row};
use crate::store::Table;

/// What a watcher is shown of a run.
#[derive(Clone, Copy)]
pub struct Seen<'a, 's> {
    /// The step.
    pub step: &'a Step<'s>,
    /// What was measured at this step, if it was.
    pub row: Option<&'a Row>,
    /// Where the cloud stood when it was last measured.
    pub mark: Option<&'a Mark>,
}

impl<'a, 's> Seen<'a, 's> {
    pub(super) fn of(step: &'a Step<'s>, meter: &'a MetricRecorder) -> Self {
        Self {
            step,
            row: meter.rows().last().filter(|row| row.step == step.index),
            mark: meter.marks().last(),
        }
    }
}

/// Is shown each step: a progress bar.
pub type Watcher<'a> = dyn FnMut(&Seen<'_, '_>) + 'a;

/// Meter, table and watcher: measures a step, writes the row at once, and shows it.
pub(super) struct Log<'a, 'b> {
    pub(super) meter: MetricRecorder,
    pub(super) table: Table,
    pub(super) columns: Vec<&'static str>,
    pub(super) written: usize,
    pub(super) watcher: &'a mut Watcher<'b>,
    pub(super) spent: Duration,
}

impl Log<'_, '_> {
    pub(super) fn write(&mut self) -> Result<(), ObserveError> {
        for row in &self.meter.rows()[self.written..] {
            let values: Vec<Option<f64>> = self
                .columns
                .iter()
                .map(|name| row.values.get(name))
                .collect();
            self.table.row(row.step as u64, row.time, &values)?;
            self.written += 1;
        }
        Ok(())
    }
}

impl Observer for Log<'_, '_> {
    fn observe(&mut self, step: &Step<'_>) -> Result<ControlFlow<String>, ObserveError> {
        let start = Instant::now();
        let wish = self.meter.observe(step)?;
        self.write()?;
        (self.watcher)(&Seen::of(step, &self.meter));
        self.spent += start.elapsed();
        Ok(wish)
    }

    fn finish(&mut self, last: &Step<'_>, ending: &Ending) -> Result<(), ObserveError> {
        let start = Instant::now();
        self.meter.finish(last, ending)?;
        self.write()?;
        self.spent += start.elapsed();
        Ok(())
    }
}

/// Anybody's own observers.
type Own = [Arc<Mutex<dyn Observer + Send>>];

/// Shows a step to anybody's own observers; the first who asks for the end is heard.
pub(super) fn show(own: &Own, step: &Step<'_>) -> Result<ControlFlow<String>, ObserveError> {
    let mut wish = ControlFlow::Continue(());
    for observer in own {
        let mut observer = observer.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = observer.observe(step)?;
        if wish.is_continue() {
            wish = asked;
        }
    }
    Ok(wish)
}

/// Shows them the last good step after the flow has ended.
pub(super) fn show_end(own: &Own, last: &Step<'_>, ending: &Ending) -> Result<(), ObserveError> {
    let mut locked = own
        .iter()
        .map(|o| o.lock().unwrap_or_else(PoisonError::into_inner));
    locked.try_for_each(|mut observer| observer.finish(last, ending))
}

/// Log, recorder, history, anybody's own observers, and checkpoints, which are of what the first two have.
pub(super) struct Watch<'a, 'b, 'k> {
    pub(super) log: Log<'a, 'b>,
    pub(super) camera: Timed<Recorder>,
    pub(super) history: History<'k>,
    pub(super) own: &'k Own,
    pub(super) keeper: CheckpointWriter<'k>,
}

impl Observer for Watch<'_, '_, '_> {
    fn observe(&mut self, step: &Step<'_>) -> Result<ControlFlow<String>, ObserveError> {
        let mut wish = self.log.observe(step)?;
        let _ = self.camera.observe(step)?;
        let _ = self.history.observe(step)?;
        let asked = show(self.own, step)?;
        if wish.is_continue() {
            wish = asked;
        }
        let (log, camera) = (&self.log, &self.camera.inner);
        self.keeper.look(step, &log.columns, &log.meter, camera)?;
        Ok(wish)
    }

    fn finish(&mut self, last: &Step<'_>, ending: &Ending) -> Result<(), ObserveError> {
        self.log.finish(last, ending)?;
        self.camera.finish(last, ending)?;
        self.history.finish(last, ending)?;
        show_end(self.own, last, ending)?;
        // What the networks of a flow that diverged have become is not what they were at the last good step.
        if !matches!(ending, Ending::Diverged { .. }) {
            let (log, camera) = (&self.log, &self.camera.inner);
            self.keeper.save(last, &log.columns, &log.meter, camera)?;
        }
        Ok(())
    }
}

/// An observer, and the time it has taken.
pub(super) struct Timed<O> {
    pub(super) inner: O,
    pub(super) spent: Duration,
}

impl<O: Observer> Observer for Timed<O> {
    fn observe(&mut self, step: &Step<'_>) -> Result<ControlFlow<String>, ObserveError> {
        let start = Instant::now();
        let wish = self.inner.observe(step);
        self.spent += start.elapsed();
        wish
    }

    fn finish(&mut self, last: &Step<'_>, ending: &Ending) -> Result<(), ObserveError> {
        let start = Instant::now();
        let done = self.inner.finish(last, ending);
        self.spent += start.elapsed();
        done
    }
}

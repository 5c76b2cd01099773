//! `history/`: the parameters of a generator along a run, a file each.

use std::ops::ControlFlow;

use super::generator_file;
use crate::flow::{Ending, Step};
use crate::observe::{Cadence, ObserveError, Observer};
use crate::scenario::Scenario;
use crate::store::RunDirectory;

/// Writes what the generator is at some steps.
pub(super) struct History<'a> {
    directory: &'a RunDirectory,
    /// `None` where nobody asks for it.
    cadence: Option<Cadence>,
}

impl<'a> History<'a> {
    pub(super) fn new(scenario: &Scenario, directory: &'a RunDirectory) -> Self {
        let count = scenario.output.history;
        Self {
            directory,
            cadence: (count > 0).then_some(Cadence::Spread(count)),
        }
    }

    fn write(&self, step: &Step<'_>) -> Result<(), ObserveError> {
        if let Some(generator) = step.generator() {
            generator_file::save(generator, Some(step.index), self.directory)?;
        }
        Ok(())
    }
}

impl Observer for History<'_> {
    fn observe(&mut self, step: &Step<'_>) -> Result<ControlFlow<String>, ObserveError> {
        if self
            .cadence
            .is_some_and(|cadence| cadence.is_due(step.index, step.steps))
        {
            self.write(step)?;
        }
        Ok(ControlFlow::Continue(()))
    }

    fn finish(&mut self, last: &Step<'_>, _: &Ending) -> Result<(), ObserveError> {
        // A run that ends early ends at a step that was not due.
        let missed = |cadence: Cadence| !cadence.is_due(last.index, last.steps);
        if self.cadence.is_some_and(missed) {
            self.write(last)?;
        }
        Ok(())
    }
}

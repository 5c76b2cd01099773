//! Whoever watches a flow: the trait, how often to look, and the loop that runs a flow under observation.

mod columns;
mod losses;
mod metric_recorder;

use std::error::Error;
use std::ops::ControlFlow;

pub use columns::{FLOW_COLUMNS, GENERATOR_COLUMNS, OFF, REACTION_COLUMNS, W2_MOVED, flow_columns};
pub use losses::Losses;
pub use metric_recorder::{MetricRecorder, Row};

use crate::flow::{Ending, Flow, FlowError, Step};

/// What an observer reports when it cannot do its work, such as a full disk.
pub type ObserveError = Box<dyn Error + Send + Sync>;

/// Sees every step of a flow and changes none.
pub trait Observer {
    /// Looks at a step. [`ControlFlow::Break`] asks for the end of the run and says why.
    ///
    /// # Errors
    /// Whatever keeps the observer from its work; the run ends with it.
    fn observe(&mut self, step: &Step<'_>) -> Result<ControlFlow<String>, ObserveError>;

    /// Looks at the last good step after the flow has ended.
    ///
    /// # Errors
    /// As for [`observe`](Self::observe).
    fn finish(&mut self, _last: &Step<'_>, _ending: &Ending) -> Result<(), ObserveError> {
        Ok(())
    }
}

/// Which steps of a run to look at. The first and the last are always among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cadence {
    /// Every so many steps; never 0.
    Every(usize),
    /// This many steps, evenly spread.
    Spread(usize),
}

impl Cadence {
    /// Whether step `index` of a run of `steps` steps is one to look at.
    #[must_use]
    pub fn is_due(self, index: usize, steps: usize) -> bool {
        if index == 0 || index == steps {
            return true;
        }
        match self {
            Self::Every(period) => index.is_multiple_of(period),
            Self::Spread(count) if count > steps => true,
            Self::Spread(count) if count < 2 => false,
            // The k-th look is at k·steps/(count − 1), rounded down: it falls on `index` exactly if the
            // number of looks up to here grows by one.
            Self::Spread(count) => {
                let looks = |i: usize| ((i + 1) * (count - 1) - 1) / steps;
                looks(index) > looks(index - 1)
            }
        }
    }

    /// How many steps of a run of `steps` steps are looked at.
    #[must_use]
    pub fn count(self, steps: usize) -> usize {
        let looks = match self {
            Self::Every(period) => {
                (steps / period).saturating_add(usize::from(!steps.is_multiple_of(period)))
            }
            Self::Spread(count) => steps.min(count.max(2) - 1),
        };
        looks.saturating_add(1)
    }
}

/// Why a run could not be brought to an end.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// The flow could not begin.
    #[error(transparent)]
    Flow(#[from] FlowError),
    /// An observer failed.
    #[error(transparent)]
    Observer(#[from] ObserveError),
}

/// Runs a flow to its end under the eyes of the observers, each in turn at every step.
///
/// # Errors
/// [`DriveError`] if the flow cannot begin or an observer fails.
pub fn drive(flow: &mut Flow, observers: &mut [&mut dyn Observer]) -> Result<Ending, DriveError> {
    loop {
        let mut wish = None;
        match flow.advance()? {
            Some(step) => {
                for observer in observers.iter_mut() {
                    if let ControlFlow::Break(reason) = observer.observe(&step)? {
                        wish.get_or_insert(reason);
                    }
                }
            }
            None => break,
        }
        if let Some(reason) = wish {
            flow.stop(reason);
        }
    }
    let ending = flow.ending().cloned().unwrap_or(Ending::Complete);
    let last = flow.last();
    for observer in observers.iter_mut() {
        observer.finish(&last, &ending)?;
    }
    Ok(ending)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_has_the_number_of_looks_that_was_asked_for() {
        for steps in [1, 2, 7, 60, 200, 999] {
            for count in 2..=steps + 1 {
                assert_eq!(
                    Cadence::Spread(count).count(steps),
                    count,
                    "{count} of {steps}"
                );
            }
            assert_eq!(Cadence::Spread(5000).count(steps), steps + 1);
        }
    }

    #[test]
    fn looks_are_counted_without_looking() {
        for steps in 0..40 {
            for number in 1..50 {
                for cadence in [Cadence::Every(number), Cadence::Spread(number)] {
                    let due = (0..=steps).filter(|&index| cadence.is_due(index, steps));
                    assert_eq!(cadence.count(steps), due.count(), "{cadence:?} of {steps}");
                }
            }
        }
    }

    #[test]
    fn every_tenth_step_and_the_ends() {
        let seen: Vec<usize> = (0..=25)
            .filter(|&i| Cadence::Every(10).is_due(i, 25))
            .collect();
        assert_eq!(seen, [0, 10, 20, 25]);
    }
}

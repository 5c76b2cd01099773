//! A run in the background, seen from outside: where it stands, and whether it should pause or end.

use std::ops::ControlFlow;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use ratioflow::cloud::Cloud;
use ratioflow::flow::Step;
use ratioflow::observe::{ObserveError, Observer};

/// Shared by a run and whoever looks on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Control(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    changed: Condvar,
}

/// Where a run stands.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Steps done; nothing before the first fit.
    pub(crate) step: Option<usize>,
    /// Steps to do.
    pub(crate) steps: usize,
    /// Σ ε.
    pub(crate) time: f64,
    /// The cloud.
    pub(crate) cloud: Option<Cloud>,
    paused: bool,
    asked: Option<String>,
}

impl Control {
    pub(crate) fn new(steps: usize) -> Self {
        let control = Self::default();
        control.state().steps = steps;
        control
    }

    /// Locks the state for a moment.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds the run at its next step, or lets it go on.
    pub(crate) fn pause(&self, paused: bool) {
        self.state().paused = paused;
        self.0.changed.notify_all();
    }

    /// Whether it is held.
    pub(crate) fn is_paused(&self) -> bool {
        self.state().paused
    }

    /// Asks the run to end at its next step. The first reason counts.
    pub(crate) fn ask(&self, reason: &str) {
        self.state().asked.get_or_insert_with(|| reason.to_owned());
        self.0.changed.notify_all();
    }

    /// Notes where the run stands, waits while it is held, and says whether it should end.
    pub(crate) fn look(&self, step: &Step<'_>) -> ControlFlow<String> {
        let mut state = self.state();
        state.step = Some(step.index);
        state.steps = step.steps;
        state.time = step.state.time;
        match &mut state.cloud {
            Some(cloud) if cloud.dim() == step.state.cloud.dim() => {
                cloud.assign(&step.state.cloud);
            }
            cloud => *cloud = Some(step.state.cloud.clone()),
        }
        while state.paused && state.asked.is_none() {
            let waited = self.0.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        match &state.asked {
            Some(reason) => ControlFlow::Break(reason.clone()),
            None => ControlFlow::Continue(()),
        }
    }
}

impl Observer for Control {
    fn observe(&mut self, step: &Step<'_>) -> Result<ControlFlow<String>, ObserveError> {
        Ok(self.look(step))
    }
}

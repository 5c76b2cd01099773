//! A cloud in a bath: particles that nobody sees flow with those that are measured, drawn and kept.

use super::engine::Flow;
use super::reaction::{Reacted, ReactionSpec};
use super::room::Room;
use super::shown::Shown;
use crate::cloud::{Cloud, CloudView};
use crate::discriminator::Ratio;

impl Flow {
    /// The same flow, not begun, with further particles (`k×2`) that move with the cloud. The discriminator sees them too, and nobody else does. Where all rows
    /// are independent, the last cloud is a random part of a larger one, and lacks the regularity of it.
    #[must_use]
    pub fn with_bath(mut self, bath: CloudView<'_>) -> Self {
        if bath.nrows() == 0 {
            return self;
        }
        let count = self.start.nrows();
        self.start = ndarray::concatenate![ndarray::Axis(0), self.start, bath];
        self.room = Room::around(self.real.view(), self.start.view());
        self.state.cloud.clone_from(&self.start);
        let reaction = self.spec.reaction.as_ref();
        let none = |spec: &ReactionSpec| Reacted::none(&self.start, spec.carrier);
        self.state.reaction = reaction.map(none);
        self.ratio = Ratio::zeros(self.start.nrows());
        self.velocity = Cloud::zeros(self.start.raw_dim());
        let (state, ratio) = (&self.state, &self.ratio);
        let shown = Shown::of(state, &self.start, ratio, &self.velocity, count);
        self.shown = Some(shown);
        self
    }

    /// Gives away the memory of the present cloud (`n×2`), that of its [`state`](Flow::state), and goes on with a copy: who has looked at the cloud can
    /// keep it where it is.
    #[must_use]
    pub fn release_cloud(&mut self) -> Cloud {
        let state = self
            .shown
            .as_mut()
            .map_or(&mut self.state, |shown| &mut shown.state);
        let copy = state.cloud.clone();
        std::mem::replace(&mut state.cloud, copy)
    }

    /// Shows where the particles are now.
    pub(super) fn show(&mut self) {
        if let Some(shown) = &self.shown {
            let (state, ratio, count) = (&self.state, &self.ratio, shown.start.nrows());
            let shown = Shown::of(state, &self.start, ratio, &self.velocity, count);
            self.shown = Some(shown);
        }
    }
}

//! A cloud in a bath: particles that nobody sees flow with those that are measured, drawn and kept.

use ndarray::s;

use super::engine::Flow;
use super::momentum::Memory;
use super::reaction::Reacted;
use super::room::Room;
use super::state::State;
use crate::cloud::{Cloud, CloudView};
use crate::discriminator::Ratio;

/// What is seen of a flow that carries a bath: its first particles. Sums over a step, such as path length and births, are those of all that flow.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) state: State,
    pub(super) start: Cloud,
    pub(super) ratio: Ratio,
    pub(super) velocity: Cloud,
}

impl Shown {
    /// The first `count` particles of `flow`.
    fn of(flow: &Flow, count: usize) -> Self {
        let first = |cloud: &Cloud| cloud.slice(s![..count, ..]).to_owned();
        let state = &flow.state;
        let reaction = state.reaction.as_ref().map(|reacted| Reacted {
            parents: {
                let rows = reacted.parents[..count].iter();
                // Who descends from the bath is new to those who look on.
                rows.map(|parent| parent.filter(|&row| row < count))
                    .collect()
            },
            begun: first(&reacted.begun),
            ..*reacted
        });
        Self {
            state: State {
                cloud: first(&state.cloud),
                reaction,
                memory: Memory::default(),
                ..*state
            },
            start: first(&flow.start),
            ratio: Ratio {
                log: flow.ratio.log.slice(s![..count]).to_owned(),
                gradient: first(&flow.ratio.gradient),
            },
            velocity: first(&flow.velocity),
        }
    }
}

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
        self.state.reaction = reaction.map(|_| Reacted::none(&self.start));
        self.ratio = Ratio::zeros(self.start.nrows());
        self.velocity = Cloud::zeros(self.start.raw_dim());
        self.shown = Some(Shown::of(&self, count));
        self
    }

    /// Shows where the particles are now.
    pub(super) fn show(&mut self) {
        if let Some(shown) = &self.shown {
            self.shown = Some(Shown::of(self, shown.start.nrows()));
        }
    }
}

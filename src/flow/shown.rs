//! What is seen of a cloud that flows in a bath.

use ndarray::s;

use super::momentum::Memory;
use super::reaction::Reacted;
use super::state::State;
use crate::cloud::Cloud;
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
    /// The first `count` particles of all that flow: where they are, where they began, D and velocity.
    pub(super) fn of(
        state: &State,
        start: &Cloud,
        ratio: &Ratio,
        velocity: &Cloud,
        count: usize,
    ) -> Self {
        let first = |cloud: &Cloud| cloud.slice(s![..count, ..]).to_owned();
        let reaction = state.reaction.as_ref().map(|reacted| Reacted {
            parents: {
                let rows = reacted.parents[..count].iter();
                // Who descends from the bath is new to those who look on.
                rows.map(|parent| parent.filter(|&row| row < count))
                    .collect()
            },
            begun: first(&reacted.begun),
            shares: even(&reacted.shares[..count.min(reacted.shares.len())]),
            ..*reacted
        });
        Self {
            state: State {
                cloud: first(&state.cloud),
                reaction,
                memory: Memory::default(),
                ..*state
            },
            start: first(start),
            ratio: Ratio {
                log: ratio.log.slice(s![..count]).to_owned(),
                gradient: first(&ratio.gradient),
            },
            velocity: first(velocity),
        }
    }
}

/// Weights of a part of the cloud, with a mean of one.
fn even(shares: &[f64]) -> Vec<f64> {
    let mean = shares.iter().sum::<f64>() / shares.len().max(1) as f64;
    shares.iter().map(|share| share / mean).collect()
}

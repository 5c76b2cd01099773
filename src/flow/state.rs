//! What a flow is at one moment.

use super::momentum::Memory;
use super::reaction::Reacted;
use crate::cloud::Cloud;

/// All that moves. With the settings, it determines the rest of the run.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Steps done.
    pub step: usize,
    /// Σ ε over the steps done, in squared units of the target.
    pub time: f64,
    /// The particles, `n×2`.
    pub cloud: Cloud,
    /// Σ of the root mean square displacement of each step: an upper bound of `W2(q_0, q_t)` for any pure flow.
    pub path_length: f64,
    /// Σ over the steps of the mean of `⟨x_{t+1} − x_t, ∇D(x_t)⟩`, which is `ε E‖v‖²` for Euler steps with h = identity: what
    /// the moves promise to take off `KL(q‖p)` to first order, in nats.
    pub dissipation: f64,
    /// Particles whose last displacement was shortened by the clip.
    pub clipped: usize,
    /// With a generator: mean ‖g(z) − moved‖² over mean ‖moved − x‖², how far the generator stayed from where the flow would
    /// have moved the cloud, relative to the move. `None` for a pure flow, before the first step, and where nothing moved.
    pub distillation_gap: Option<f64>,
    /// What births and deaths have come to; `None` for a flow without a reaction.
    pub reaction: Option<Reacted>,
    pub(super) memory: Memory,
}

impl State {
    /// N times the weight of each particle, where they keep their weights; empty where all are equal.
    #[must_use]
    pub fn shares(&self) -> &[f64] {
        self.reaction
            .as_ref()
            .map_or(&[], |reacted| &reacted.shares)
    }
}

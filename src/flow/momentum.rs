//! What a particle remembers of its motion: none, heavy ball, Nesterov, an average, or a g-h filter.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::Cloud;

/// How the velocity `v = h'(D) ∇D` becomes the displacement `Δ` of a step of size `ε`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Momentum {
    /// `Δ = ε v`.
    #[default]
    None,
    /// `Δ ← β Δ + ε v` (Polyak 1964).
    HeavyBall,
    /// As heavy ball, with `v` that of the cloud `x + β Δ`, to which the ratio is fitted too (Nesterov 1983).
    Nesterov,
    /// `m ← β m + (1 − β) v`, `Δ = ε m`: a running average, with no acceleration.
    Ema,
    /// A g-h (α-β) filter, the steady state of a Kalman filter for a velocity that changes at a constant
    /// rate: predict `v̂ ← v̂ + a`, then correct by the residual `v − v̂`, with gain `g = 1 − β²` for `v̂` and
    /// `(1 − β)²` for `a` (the critically damped pair); `Δ = ε v̂`.
    GH,
}

/// The memory that belongs to a [`Momentum`]: one or two vectors a particle.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Memory {
    /// Displacement of the last step (heavy ball, Nesterov), or the filtered velocity (ema, g-h); `n×2` or empty.
    pub(super) first: Option<Cloud>,
    /// Rate of change of the filtered velocity a step (g-h).
    pub(super) second: Option<Cloud>,
}

impl Momentum {
    /// Where the velocity is to be taken, relative to the particles; `None`: at the particles.
    pub(super) fn look_ahead(self, beta: f64, memory: &Memory) -> Option<Cloud> {
        match (self, &memory.first) {
            (Self::Nesterov, Some(last)) => Some(last * beta),
            _ => None,
        }
    }

    /// The displacement for velocity `v`; updates the memory.
    pub(super) fn displace(self, v: &Cloud, epsilon: f64, beta: f64, memory: &mut Memory) -> Cloud {
        match self {
            Self::None => v * epsilon,
            Self::HeavyBall | Self::Nesterov => {
                let step = match memory.first.take() {
                    Some(last) => last * beta + &(v * epsilon),
                    None => v * epsilon,
                };
                memory.first.insert(step).clone()
            }
            Self::Ema => {
                let mean = match memory.first.take() {
                    Some(mean) => mean * beta + &(v * (1.0 - beta)),
                    None => v.clone(),
                };
                memory.first.insert(mean).view().mapv(|m| m * epsilon)
            }
            Self::GH => {
                let (gain, rate_gain) = (1.0 - beta * beta, (1.0 - beta) * (1.0 - beta));
                let rate = memory
                    .second
                    .take()
                    .unwrap_or_else(|| Cloud::zeros(v.raw_dim()));
                let predicted = match memory.first.take() {
                    Some(filtered) => filtered + &rate,
                    None => v.clone(),
                };
                let residual = v - &predicted;
                let filtered = predicted + &(&residual * gain);
                memory.second = Some(rate + &(residual * rate_gain));
                memory.first.insert(filtered).view().mapv(|m| m * epsilon)
            }
        }
    }
}

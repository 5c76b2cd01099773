//! What a particle remembers of its motion: none, heavy ball, Nesterov, an average, a g-h filter, or a Kalman filter.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::{self, Cloud};

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
    /// A Kalman filter for a velocity that wanders and is seen with noise: `v̂ ← v̂ + K e` with the innovation `e = v − v̂`, `Δ = ε v̂`. How much of each there is
    /// nobody says; the innovations do. Those of the best gain are uncorrelated in time (Mehra 1970): K, one for all particles, begins at 1, and is raised while
    /// those of two steps go on the same way, and lowered while they take each other back. Correlations are running averages that decay with β.
    Kalman,
}

/// The memory that belongs to a [`Momentum`]: one or two vectors a particle.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Memory {
    /// Displacement of the last step (heavy ball, Nesterov), or the filtered velocity (ema, g-h, kalman); `n×2` or empty.
    pub(super) first: Option<Cloud>,
    /// Rate of change of the filtered velocity a step (g-h), or the last innovation (kalman).
    pub(super) second: Option<Cloud>,
    /// What all particles share (kalman).
    pub(super) gain: Option<Filter>,
}

/// The gain of a Kalman filter, and what it follows from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Filter {
    /// K in [0, 1].
    pub(super) gain: f64,
    /// Running averages of the product of two innovations that follow each other, and of the square of one.
    pub(super) product: f64,
    pub(super) square: f64,
}

impl Filter {
    /// All of what is seen.
    const ALL: Self = Self {
        gain: 1.0,
        product: 0.0,
        square: 0.0,
    };

    /// The gain after an innovation and the one before it.
    fn after(self, now: &Cloud, before: &Cloud, beta: f64) -> Self {
        let mean = |a: &Cloud, b: &Cloud| {
            let all = a.iter().zip(b).map(|(a, b)| a * b);
            all.sum::<f64>() / a.len() as f64
        };
        let follow = |kept: f64, new: f64| beta * kept + (1.0 - beta) * new;
        let product = follow(self.product, mean(now, before));
        let square = follow(self.square, mean(now, now));
        let correlation = if square > 0.0 { product / square } else { 0.0 };
        Self {
            gain: (self.gain + (1.0 - beta) * correlation).clamp(0.0, 1.0),
            product,
            square,
        }
    }
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
            Self::None => cloud::mapped(v.view(), |v| v * epsilon),
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
            Self::Kalman => {
                let filtered = match memory.first.take() {
                    Some(predicted) => {
                        let innovation = v - &predicted;
                        let mut gain = memory.gain.unwrap_or(Filter::ALL);
                        if let Some(before) = &memory.second {
                            gain = gain.after(&innovation, before, beta);
                        }
                        memory.gain = Some(gain);
                        let filtered = predicted + &(&innovation * gain.gain);
                        memory.second = Some(innovation);
                        filtered
                    }
                    None => v.clone(),
                };
                memory.first.insert(filtered).view().mapv(|m| m * epsilon)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::Rng as _;
    use rand_distr::StandardNormal;

    use super::*;
    use crate::random::Stream;

    /// A velocity that wanders with variance Q a step and is seen with noise of variance R has one best gain, `(√(q² + 4q) − q)/2` with `q = Q/R`.
    #[test]
    fn the_gain_comes_to_that_of_the_kalman_filter_that_knows_both_variances() {
        for (q, seed) in [(0.01, 1), (0.1, 2), (1.0, 3)] {
            let mut rng = Stream::new(seed, "signal").rng();
            let mut cloud = |scale: f64| {
                let one = || scale * rng.sample::<f64, _>(StandardNormal);
                Cloud::from_shape_simple_fn((1000, 2), one)
            };
            let mut truth = cloud(1.0);
            let mut memory = Memory::default();
            let mut gains = Vec::new();
            for step in 0..400 {
                truth += &cloud(f64::sqrt(q));
                let seen = &truth + &cloud(1.0);
                Momentum::Kalman.displace(&seen, 1.0, 0.8, &mut memory);
                if step >= 200 {
                    gains.extend(memory.gain.map(|gain| gain.gain));
                }
            }
            let best = 0.5 * (f64::sqrt(q * q + 4.0 * q) - q);
            let mean = gains.iter().sum::<f64>() / gains.len() as f64;
            assert!(
                (mean - best).abs() < 0.05 * best + 0.01,
                "{mean} for {best}"
            );
        }
    }
}

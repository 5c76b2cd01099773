//! Descent on a flat vector of parameters: Adam, and plain gradient steps.

use multiversion::multiversion;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::aligned::Aligned;
use crate::numeric::Real;
use crate::setting::{Invalid, within};

/// How parameters follow their gradient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerKind {
    /// Each parameter by its own smoothed gradient over its own smoothed size (Kingma & Ba 2015).
    #[default]
    Adam,
    /// `θ ← θ − rate · gradient`.
    Sgd,
}

/// Keeps Adam's quotient finite where a gradient has always been zero.
const TINY: f64 = 1e-8;

/// A [`OptimizerKind`] with what it remembers from step to step.
#[derive(Clone, Debug)]
pub struct Optimizer<T: Real> {
    method: OptimizerKind,
    betas: [f64; 2],
    /// Running means of the gradient and of its square; empty for plain steps.
    first: Aligned<T>,
    second: Aligned<T>,
    steps: u64,
}

/// Checks Adam's decay rates, for the specifications that hold them.
///
/// # Errors
/// [`Invalid`] naming the one that lies outside `[0, 0.999999]`.
pub fn check_betas(betas: [f64; 2]) -> Result<(), Invalid> {
    within("betas[0]", betas[0], 0.0, 0.999_999)?;
    within("betas[1]", betas[1], 0.0, 0.999_999)
}

impl<T: Real> Optimizer<T> {
    /// For `count` parameters. `betas` are Adam's decay rates of the two running means, each in `[0, 1)`.
    #[must_use]
    pub fn new(method: OptimizerKind, betas: [f64; 2], count: usize) -> Self {
        let count = match method {
            OptimizerKind::Adam => count,
            OptimizerKind::Sgd => 0,
        };
        Self {
            method,
            betas,
            first: Aligned::zeros(count),
            second: Aligned::zeros(count),
            steps: 0,
        }
    }

    /// One step at learning rate `rate` against `gradient`.
    pub fn step(&mut self, rate: f64, gradient: &[T], parameters: &mut [T]) {
        self.steps += 1;
        match self.method {
            OptimizerKind::Sgd => {
                let rate = T::of(rate);
                for (parameter, &slope) in parameters.iter_mut().zip(gradient) {
                    *parameter -= rate * slope;
                }
            }
            OptimizerKind::Adam => {
                let steps = i32::try_from(self.steps).unwrap_or(i32::MAX);
                let [first, second] = self.betas.map(|beta| 1.0 - beta.powi(steps));
                // Both corrections for the start from zero, put on the rate and on the tiny number.
                let root = second.sqrt();
                let factors = Factors {
                    betas: self.betas.map(T::of),
                    rate: T::of(rate * root / first),
                    tiny: T::of(TINY * root),
                };
                adam(
                    factors,
                    gradient,
                    &mut self.first,
                    &mut self.second,
                    parameters,
                );
            }
        }
    }

    /// All that is remembered, as numbers: the count of steps, then the running means.
    #[must_use]
    pub fn state(&self) -> Vec<f64> {
        let means = self.first.iter().chain(self.second.iter());
        std::iter::once(self.steps as f64)
            .chain(means.map(|m| m.wide()))
            .collect()
    }

    /// How many numbers [`state`](Self::state) gives.
    #[must_use]
    pub fn state_len(&self) -> usize {
        1 + self.first.len() + self.second.len()
    }

    /// Takes up what [`state`](Self::state) gave, which must be [`state_len`](Self::state_len) long.
    pub fn load_state(&mut self, state: &[f64]) {
        self.steps = state[0] as u64;
        let (first, second) = state[1..].split_at(self.first.len());
        for (mean, &value) in self.first.iter_mut().zip(first) {
            *mean = T::of(value);
        }
        for (mean, &value) in self.second.iter_mut().zip(second) {
            *mean = T::of(value);
        }
    }
}

struct Factors<T> {
    betas: [T; 2],
    rate: T,
    tiny: T,
}

#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn adam<T: Real>(
    factors: Factors<T>,
    gradient: &[T],
    first: &mut [T],
    second: &mut [T],
    parameters: &mut [T],
) {
    let Factors { betas, rate, tiny } = factors;
    let [new_first, new_second] = betas.map(|beta| T::ONE - beta);
    // The moments of a unit that has died fade into numbers that are not normal, where they would stay: rounding keeps the smallest of them where they are.
    // What is left out moves no parameter by more than `NEGLIGIBLE / TINY` of the rate.
    let faint = T::NEGLIGIBLE / new_second.sqrt();
    let least = T::NEGLIGIBLE * T::NEGLIGIBLE;
    for (((parameter, &slope), first), second) in
        parameters.iter_mut().zip(gradient).zip(first).zip(second)
    {
        let is_faint = -faint < slope && slope < faint;
        let slope = if is_faint { T::ZERO } else { slope };
        *first = (betas[0] * *first + new_first * slope).flushed();
        let mean = betas[1] * *second + new_second * slope * slope;
        *second = if mean < least + least { T::ZERO } else { mean };
        *parameter -= rate * *first / (second.sqrt() + tiny);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adam as Kingma & Ba write it, with the corrected means as variables of their own.
    #[test]
    fn adam_follows_the_paper() {
        let gradients = [[0.3, -2.0, 0.0], [0.1, 5.0, 0.0], [-0.7, 1.0, 0.0]];
        let (rate, [b1, b2]) = (0.01, [0.5, 0.99]);
        let mut optimizer = Optimizer::<f64>::new(OptimizerKind::Adam, [b1, b2], 3);
        let mut parameters = [1.0, 2.0, 3.0];
        let (mut m, mut v, mut truth) = ([0.0; 3], [0.0; 3], parameters);
        for (t, gradient) in gradients.iter().enumerate() {
            optimizer.step(rate, gradient, &mut parameters);
            let t = i32::try_from(t).unwrap() + 1;
            for i in 0..3 {
                m[i] = b1 * m[i] + (1.0 - b1) * gradient[i];
                v[i] = b2 * v[i] + (1.0 - b2) * gradient[i] * gradient[i];
                let (m, v) = (m[i] / (1.0 - b1.powi(t)), v[i] / (1.0 - b2.powi(t)));
                truth[i] -= rate * m / (v.sqrt() + 1e-8);
                assert!((parameters[i] - truth[i]).abs() < 1e-14);
            }
        }
        assert_eq!(parameters[2], 3.0);
    }

    /// Gradients of all sizes, and then none: what is remembered fades to 0 and is never subnormal.
    #[test]
    fn moments_fade_to_nothing() {
        let betas = [0.9, 0.99];
        let mut optimizer = Optimizer::<f32>::new(OptimizerKind::Adam, betas, 45);
        let gradient: Vec<f32> = (0..45).map(|i| 10_f32.powi(-i)).collect();
        let mut parameters = vec![1.0; 45];
        for step in 0..20_000 {
            let gradient = if step < 100 {
                &gradient[..]
            } else {
                &[0.0; 45]
            };
            optimizer.step(1e-3, gradient, &mut parameters);
            let means = optimizer.first.iter().chain(optimizer.second.iter());
            assert_eq!(means.filter(|mean| mean.is_subnormal()).count(), 0);
        }
        let means = optimizer.first.iter().chain(optimizer.second.iter());
        assert_eq!(means.filter(|mean| **mean != 0.0).count(), 0);
    }

    #[test]
    fn a_restored_optimizer_goes_on_bit_for_bit() {
        for method in [OptimizerKind::Adam, OptimizerKind::Sgd] {
            let mut one = Optimizer::<f32>::new(method, [0.5, 0.99], 2);
            let mut at = [0.5_f32, -1.0];
            one.step(0.1, &[0.3, 0.7], &mut at);
            let mut two = Optimizer::<f32>::new(method, [0.5, 0.99], 2);
            assert_eq!(one.state().len(), two.state_len());
            two.load_state(&one.state());
            let mut there = at;
            one.step(0.1, &[0.1, -0.7], &mut at);
            two.step(0.1, &[0.1, -0.7], &mut there);
            assert_eq!(at, there);
        }
    }
}

//! What a scenario file says of the neural discriminator.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::loss::Loss;
use crate::network::{Activation, OptimizerKind};
use crate::setting::{WordOr, exactly};

/// Settings of the neural discriminator.
///
/// All lengths here are in standardised units: the target sample is shifted to mean 0 and scaled by one
/// factor to pooled standard deviation 1 before the network sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MlpSpec {
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// The function between the layers.
    pub activation: Activation,
    /// What the network minimises.
    pub loss: Loss,
    /// How its parameters follow the gradient.
    pub optimizer: OptimizerKind,
    /// Learning rate, or `auto`: what suits optimizer and loss. Halved while the noise is wider than 0.25.
    pub learning_rate: WordOr<f64, Rate>,
    /// Adam's decay rates. The first is small because the problem moves with the cloud.
    #[serde(deserialize_with = "exactly")]
    pub betas: [f64; 2],
    /// Optimiser steps at each step of the flow.
    pub inner_steps: usize,
    /// Where the weights of a fit begin: with the last fit, or anew.
    pub start: Start,
    /// Optimiser steps of a fit that begins anew, if they are more than `inner_steps`: the first, or each with a cold start.
    pub warm_up: usize,
    /// Samples drawn afresh from each side for every optimiser step.
    pub batch: usize,
    /// Weight γ of the penalty `γ/2 E_p ‖∇D‖²` (R1, Mescheder et al. 2018). It evens the field out and damps
    /// D a little; 0 where D itself, rather than the flow along it, is wanted.
    pub r1: f64,
    /// Weight of the same penalty on the other side, `γ/2 E_q ‖∇D‖²` (R2).
    pub r2: f64,
    /// Gaussian noise on both sides: "off", "anneal" (from wide to narrow over the first 80 % of the run, so
    /// that mass can cross gaps), or its standard deviation.
    pub noise: Noise,
    /// Decay in [0, 1) of a running average of the weights, an optimiser step at a time, which moves the cloud in place of the trained ones. 0: none. A field that lags behind the cloud
    /// pushes it too far: see scenario `towards-the-average`.
    pub average: f64,
    /// How many networks, 1 to 16. Of several each has a noise of its own that stays: geometrically from the leave-one-out bandwidth of the target
    /// sample to its standard deviation σ = 1. The velocity is then the mean of σ²∇D over them, the step ε the mean of σ², and D the mean of theirs weighted by σ². What a generator
    /// follows should be smooth over gaps and sharp in the modes at once.
    pub scales: usize,
    /// The step size ε that suits the fit, when the flow leaves it to the discriminator. With noise σ it is
    /// at least σ²/2.
    pub step_size: f64,
    /// The longest displacement of a particle in one step. With noise σ it is at least σ/2.
    pub clip: f64,
    /// The part of the run at its end over which learning rate and step size fall to a tenth; 0: never.
    pub decay: f64,
}

impl Default for MlpSpec {
    fn default() -> Self {
        Self {
            hidden: vec![64, 64, 64],
            activation: Activation::Silu,
            loss: Loss::Logistic,
            optimizer: OptimizerKind::Adam,
            learning_rate: WordOr::Word(Rate::Auto),
            betas: [0.5, 0.99],
            inner_steps: 20,
            start: Start::Warm,
            warm_up: 200,
            batch: 1024,
            r1: 0.05,
            r2: 0.0,
            noise: WordOr::Word(NoiseRule::Anneal),
            average: 0.0,
            scales: 1,
            step_size: 0.05,
            clip: 0.15,
            decay: 1.0 / 3.0,
        }
    }
}

/// The word for a learning rate that suits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rate {
    /// With Adam 0.004; with plain steps 0.3, or 0.1 for a loss with an exponential.
    Auto,
}

/// Where the weights of a fit begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// Where the last fit ended.
    #[default]
    Warm,
    /// With weights drawn anew: no fit knows of the one before.
    Cold,
}

/// Gaussian noise added to the samples of both sides before the network sees them (instance noise, Sønderby
/// et al. 2017): a rule, or its standard deviation in standardised units.
pub type Noise = WordOr<f64, NoiseRule>;

/// A named rule for the noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NoiseRule {
    /// No noise.
    Off,
    /// From 2 down to 0.03 in equal ratios over the first 80 % of the run, then constant.
    Anneal,
}

/// The standard deviation of the noise when `progress` of the run lies behind.
pub(super) fn deviation(noise: Noise, progress: f64) -> f64 {
    const WIDE: f64 = 2.0;
    const NARROW: f64 = 0.03;
    const UNTIL: f64 = 0.8;
    match noise {
        WordOr::Word(NoiseRule::Off) => 0.0,
        WordOr::Word(NoiseRule::Anneal) => {
            WIDE * (NARROW / WIDE).powf((progress / UNTIL).clamp(0.0, 1.0))
        }
        WordOr::Value(deviation) => deviation,
    }
}

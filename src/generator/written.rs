//! What a file says of a generator's training: a word for a bundle of settings, and whatever it sets beside that.

use serde::{Deserialize, Deserializer};

use super::decay::Decay;
use super::exact::{Loss, RatioRule};
use super::latent::LatentSpec;
use super::spec::{
    AffineWord, BetaRule, FieldRule, Full, Latents, PairsSpec, Precision, Quality, TrainingSpec,
};
use crate::network::{Activation, OptimizerKind};
use crate::setting::{WordOr, exactly};

/// What a file says of a training; a key that it leaves out is as its `quality` has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    quality: Quality,
    inner_steps: Option<usize>,
    optimizer: Option<OptimizerKind>,
    learning_rate: Option<f64>,
    learning_rate_decay: Option<Decay>,
    average: Option<f64>,
    towards_average: Option<f64>,
    loss: Option<Loss>,
    ratio: Option<RatioRule>,
    field: Option<FieldRule>,
    betas: Option<Betas>,
    batch: Option<WordOr<usize, Full>>,
    latents: Option<Latents>,
    latent: Option<LatentSpec>,
    residual: Option<bool>,
    from: Option<String>,
    network: Option<WordOr<Vec<usize>, AffineWord>>,
    activation: Option<Activation>,
    precision: Option<Precision>,
    beta: Option<WordOr<f64, BetaRule>>,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Betas(#[serde(deserialize_with = "exactly")] [f64; 2]);

impl<'de> Deserialize<'de> for TrainingSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        let usual = Self::of(written.quality);
        Ok(Self {
            quality: written.quality,
            inner_steps: written.inner_steps.unwrap_or(usual.inner_steps),
            optimizer: written.optimizer.unwrap_or(usual.optimizer),
            learning_rate: written.learning_rate.unwrap_or(usual.learning_rate),
            learning_rate_decay: written
                .learning_rate_decay
                .unwrap_or(usual.learning_rate_decay),
            average: written.average.unwrap_or(usual.average),
            towards_average: written.towards_average,
            loss: written.loss.unwrap_or(usual.loss),
            ratio: written.ratio,
            field: written.field.unwrap_or(usual.field),
            betas: written.betas.map_or(usual.betas, |Betas(betas)| betas),
            batch: written.batch.unwrap_or(usual.batch),
            latents: written.latents.unwrap_or(usual.latents),
            latent: written.latent,
            residual: written.residual.unwrap_or(usual.residual),
            from: written.from,
            network: written.network.unwrap_or(usual.network),
            activation: written.activation.unwrap_or(usual.activation),
            precision: written.precision.unwrap_or(usual.precision),
            beta: written.beta.unwrap_or(usual.beta),
        })
    }
}

/// The same of pairs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPairs {
    #[serde(default)]
    quality: Quality,
    count: Option<usize>,
    inner_steps: Option<usize>,
    optimizer: Option<OptimizerKind>,
    learning_rate: Option<f64>,
    average: Option<f64>,
    betas: Option<Betas>,
    batch: Option<WordOr<usize, Full>>,
    network: Option<WordOr<Vec<usize>, AffineWord>>,
    activation: Option<Activation>,
    precision: Option<Precision>,
}

impl<'de> Deserialize<'de> for PairsSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = WrittenPairs::deserialize(deserializer)?;
        let usual = Self::of(written.quality);
        Ok(Self {
            quality: written.quality,
            count: written.count.unwrap_or(usual.count),
            inner_steps: written.inner_steps.unwrap_or(usual.inner_steps),
            optimizer: written.optimizer.unwrap_or(usual.optimizer),
            learning_rate: written.learning_rate.unwrap_or(usual.learning_rate),
            average: written.average.unwrap_or(usual.average),
            betas: written.betas.map_or(usual.betas, |Betas(betas)| betas),
            batch: written.batch.unwrap_or(usual.batch),
            network: written.network.unwrap_or(usual.network),
            activation: written.activation.unwrap_or(usual.activation),
            precision: written.precision.unwrap_or(usual.precision),
        })
    }
}

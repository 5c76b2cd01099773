//! The generator stage: the motion of the samples becomes a motion of a generator's parameters.

mod model;
mod units;

use std::sync::Arc;

use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::{self, Cloud, CloudView};
use crate::network::{Activation, OptimizerKind, check_betas, check_widths};
use crate::random::Stream;
use crate::setting::{Invalid, WordOr, at_least, exactly, positive};
use crate::target::Target;
use model::{Affine, Model, Residual};
pub use units::Units;

/// The generator's objective and its settings, one table of a scenario file: `[generator.distill]`.
///
/// With the field `v = h'(D) ∇D` of a frozen discriminator and `x = g_θ(z)`, each step of the flow makes K optimiser steps from
/// the present θ on one of these (Su 2023, equations 8, 11 and 12). For K = 1 all have the same gradient up to a factor.
///
/// The losses are those below, the squared distances in units of s², with `s` the pooled standard deviation of source and target
/// together ([`Units`]), so that learning rates depend neither on the unit nor on the origin of the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum GeneratorSpec {
    /// `E ‖g_θ(z) − (g_θt(z) + ε v(g_θt(z)))‖² / s²`: follow the moved cloud, and stop there.
    Distill(TrainingSpec),
    /// `−E h(D(g_θ(z)))`: climb the frozen discriminator, as a usual GAN does.
    Adversarial(TrainingSpec),
    /// `−E h(D(g_θ(z))) + β E ‖g_θ(z) − g_θt(z)‖²`: climb, but stay near. With β = 1/(2ε) and D linear between
    /// the old place and the new this is `distill` again.
    Inherit(TrainingSpec),
}

/// How a generator is trained at each step of the flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingSpec {
    /// K, optimiser steps at each step of the flow.
    pub inner_steps: usize,
    /// How the parameters follow their gradient; its memory is kept from step to step.
    pub optimizer: OptimizerKind,
    /// Learning rate, in the generator's own units: one plain gradient step of `distill` at rate η is one of `adversarial` at
    /// rate 2εη/s².
    pub learning_rate: f64,
    /// Adam's decay rates.
    #[serde(deserialize_with = "exactly")]
    pub betas: [f64; 2],
    /// Latent points in each optimiser step, or `full`: all of the round's.
    pub batch: WordOr<usize, Full>,
    /// Whether each round trains on latent points of its own, as many as particles, or on those of the drawn cloud.
    pub latents: Latents,
    /// Widths of the hidden layers of `g(z) = z + MLP(z)`, or `affine`: `g(z) = m + S z`. Both see latent points standardised by the
    /// source, and give displacements in units of the pooled standard deviation of source and target.
    pub network: WordOr<Vec<usize>, AffineWord>,
    /// The function between the layers.
    pub activation: Activation,
    /// Precision of the network's arithmetic.
    pub precision: Precision,
    /// β of `inherit`, in inverse squared units of the target; `auto`: 1/(2ε). The other objectives have none.
    pub beta: WordOr<f64, BetaRule>,
}

/// The word for all latent points at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Full {
    /// All latent points of the round.
    Full,
}

/// The word for an affine generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AffineWord {
    /// `g(z) = m + S z`.
    Affine,
}

/// The rule for β.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BetaRule {
    /// 1/(2ε).
    Auto,
}

/// Which latent points a round trains on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Latents {
    /// Fresh draws of the source, as many as there are particles.
    #[default]
    Fresh,
    /// Those of the drawn cloud.
    Fixed,
}

/// Floating-point type of a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// Single precision, fast.
    #[default]
    F32,
    /// Double precision, the reference.
    F64,
}

impl Default for TrainingSpec {
    fn default() -> Self {
        Self {
            inner_steps: 20,
            optimizer: OptimizerKind::Adam,
            learning_rate: 1e-3,
            betas: [0.5, 0.99],
            batch: WordOr::Value(256),
            latents: Latents::Fresh,
            network: WordOr::Value(vec![64, 64, 64]),
            activation: Activation::Silu,
            precision: Precision::F32,
            beta: WordOr::Word(BetaRule::Auto),
        }
    }
}

/// What the generator climbs or follows: the velocity field of a frozen discriminator.
pub trait Drive {
    /// `v = h'(D) ∇D` at the points `at` (`n×2`), `n×2`.
    fn velocity(&self, at: CloudView<'_>) -> Cloud;
}

impl GeneratorSpec {
    /// All objectives: name in a scenario file, and what it is.
    pub const CATALOGUE: &[(&str, &str)] = &[
        ("distill", "K steps of regression onto the moved cloud"),
        (
            "adversarial",
            "K steps up the frozen discriminator, as a usual GAN",
        ),
        (
            "inherit",
            "adversarial with a pull towards the previous generator",
        ),
    ];

    /// Name of the objective, as in a scenario file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Distill(_) => "distill",
            Self::Adversarial(_) => "adversarial",
            Self::Inherit(_) => "inherit",
        }
    }

    /// How it is trained.
    #[must_use]
    pub fn training(&self) -> &TrainingSpec {
        match self {
            Self::Distill(spec) | Self::Adversarial(spec) | Self::Inherit(spec) => spec,
        }
    }

    /// The same, to be changed.
    pub fn training_mut(&mut self) -> &mut TrainingSpec {
        match self {
            Self::Distill(spec) | Self::Adversarial(spec) | Self::Inherit(spec) => spec,
        }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Invalid`] with a key that begins with the objective's name.
    pub fn check(&self) -> Result<(), Invalid> {
        let spec = self.training();
        spec.check()
            .and_then(|()| match (self, &spec.beta) {
                (Self::Distill(_) | Self::Adversarial(_), WordOr::Value(beta)) => {
                    Err(Invalid::new(
                        "beta",
                        beta,
                        "belongs to [generator.inherit]; this objective has no such term",
                    ))
                }
                _ => Ok(()),
            })
            .map_err(|invalid| invalid.under(self.name()))
    }

    /// A generator that gives exactly `latents` (`n×2`) at first, and learns in these `units`. Fresh latent points are drawn from
    /// `source`; the first weights come from `stream`.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn build(
        &self,
        latents: Cloud,
        source: Arc<dyn Target>,
        units: Units,
        stream: Stream,
    ) -> Result<Generator, Invalid> {
        self.check()?;
        let spec = self.training();
        let (method, betas) = (spec.optimizer, spec.betas);
        let model: Box<dyn Model> = match (&spec.network, spec.precision) {
            (WordOr::Word(AffineWord::Affine), _) => Box::new(Affine::new(units, method, betas)),
            (WordOr::Value(hidden), Precision::F32) => Box::new(Residual::<f32>::new(
                hidden,
                units,
                spec.activation,
                (method, betas),
                stream,
            )),
            (WordOr::Value(hidden), Precision::F64) => Box::new(Residual::<f64>::new(
                hidden,
                units,
                spec.activation,
                (method, betas),
                stream,
            )),
        };
        Ok(Generator {
            spec: self.clone(),
            model,
            latents,
            source,
        })
    }
}

impl TrainingSpec {
    fn check(&self) -> Result<(), Invalid> {
        at_least("inner_steps", self.inner_steps, 1)?;
        positive("learning_rate", self.learning_rate)?;
        check_betas(self.betas)?;
        if let WordOr::Value(batch) = self.batch {
            at_least("batch", batch, 1)?;
        }
        if let WordOr::Value(hidden) = &self.network {
            check_widths("network", hidden)?;
        }
        if let WordOr::Value(beta) = self.beta {
            positive("beta", beta)?;
        }
        Ok(())
    }
}

/// A generator in training.
#[derive(Debug)]
pub struct Generator {
    spec: GeneratorSpec,
    model: Box<dyn Model>,
    /// Latent points of the drawn cloud: a particle keeps its own.
    latents: Cloud,
    source: Arc<dyn Target>,
}

impl Generator {
    /// The drawn cloud `g_θ(z)`, `n×2`.
    #[must_use]
    pub fn cloud(&self) -> Cloud {
        self.model.apply(self.latents.view())
    }

    /// `g_θ` at other latent points (`m×2`).
    #[must_use]
    pub fn apply(&self, z: CloudView<'_>) -> Cloud {
        self.model.apply(z)
    }

    /// The parameters θ in one list: the network's own; for the affine generator `m₁, m₂, S₁₁, S₁₂, S₂₁, S₂₂` of `g(z) = m + S z`.
    #[must_use]
    pub fn parameters(&self) -> Vec<f64> {
        self.model.parameters()
    }

    /// One round: K optimiser steps with the field `drive` frozen. `step_size` is ε; `longest` bounds the displacement that
    /// `distill` aims at, as the flow's clip does.
    pub fn train(&mut self, drive: &dyn Drive, step_size: f64, longest: f64, stream: Stream) {
        let spec = self.spec.training().clone();
        let pool = match spec.latents {
            Latents::Fixed => self.latents.clone(),
            Latents::Fresh => self
                .source
                .sample(self.latents.nrows(), stream.part("latent")),
        };
        let before = self.model.apply(pool.view());
        // Distillation asks the field once a round; the others follow it as they move.
        let aim = matches!(self.spec, GeneratorSpec::Distill(_)).then(|| {
            let mut moves = drive.velocity(before.view()) * step_size;
            cloud::shorten(&mut moves, longest);
            &before + &moves
        });
        let pull = match (&self.spec, spec.beta) {
            (GeneratorSpec::Inherit(_), WordOr::Value(beta)) => beta,
            (GeneratorSpec::Inherit(_), WordOr::Word(BetaRule::Auto)) => 0.5 / step_size,
            _ => 0.0,
        };
        let mut rng = stream.part("minibatch").rng();
        let rows = match spec.batch {
            WordOr::Value(count) => count.min(pool.nrows()),
            WordOr::Word(Full::Full) => pool.nrows(),
        };
        let n = rows as f64;
        // Latent points, then what belongs to them: where they should go, or where they were.
        let mut batch = [pool.clone(), aim.clone().unwrap_or_else(|| before.clone())];
        if rows < pool.nrows() {
            batch = [(); 2].map(|()| Cloud::zeros((rows, 2)));
        }
        for _ in 0..spec.inner_steps {
            if rows < pool.nrows() {
                let from = [&pool, aim.as_ref().unwrap_or(&before)];
                for row in 0..rows {
                    let chosen = rng.random_range(0..pool.nrows());
                    for (into, from) in batch.iter_mut().zip(from) {
                        for axis in 0..2 {
                            into[[row, axis]] = from[[chosen, axis]];
                        }
                    }
                }
            }
            let [z, other] = batch.each_ref().map(|all| all.view());
            if aim.is_some() {
                self.model.approach(z, other, spec.learning_rate);
                continue;
            }
            let x = self.model.apply(z);
            let climb = drive.velocity(x.view());
            let slopes = if pull > 0.0 {
                ((x - other) * (2.0 * pull) - climb) / n
            } else {
                climb / -n
            };
            self.model.descend(z, &slopes, spec.learning_rate);
        }
    }

    /// Parameters and optimiser memory, as plain numbers, so that a run can be gone on with.
    #[must_use]
    pub fn state(&self) -> Vec<f64> {
        self.model.state()
    }

    /// Takes up what [`state`](Self::state) gave; `false`, and nothing done, if it is not of this generator's shape.
    #[must_use]
    pub fn load_state(&mut self, state: &[f64]) -> bool {
        self.model.load_state(state)
    }
}

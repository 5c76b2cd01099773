//! What a scenario file says of the generator stage.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decay::Decay;
use super::exact::{Loss, RatioRule};
use super::latent::LatentSpec;
use crate::network::{Activation, OptimizerKind, check_betas, check_widths};
use crate::setting::{Invalid, WordOr, above_zero, at_least, is_default, positive, within};

/// The generator's objective and its settings, one table of a scenario file: `[generator.distill]`.
///
/// With the field `v = h'(D) ∇D` of a frozen discriminator and `x = g_θ(z)`, each step of the flow makes K optimiser steps from
/// the present θ on one of these (Su 2023, equations 8, 11 and 12). For K = 1 all have the same gradient up to a factor.
///
/// The losses are those below, the squared distances in units of s², with `s` the pooled standard deviation of source and target
/// together ([`Units`](super::Units)), so that learning rates depend neither on the unit nor on the origin of the data.
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
    /// `E ‖g_θ(z) − x_T(z)‖² / s²`, once, at the last step: the pure flow runs first, and g is fitted to the pairs of latent points and where they came to.
    Pairs(PairsSpec),
}

/// How much work a generator may be: the word for the settings that are not written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Quality {
    /// Seconds.
    #[default]
    Fast,
    /// A minute or two: several times the optimiser steps, on more points each.
    High,
}

/// How a generator is fitted to pairs.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PairsSpec {
    /// What the keys are that a file leaves out.
    pub quality: Quality,
    /// Pairs, at least 2: particles that flow beside the drawn ones. The generator learns from these alone, so that the drawn cloud is one of latent points
    /// that it has never seen.
    pub count: usize,
    /// Optimiser steps at the last step of the flow.
    pub inner_steps: usize,
    /// How the parameters follow their gradient.
    pub optimizer: OptimizerKind,
    /// Learning rate, in the generator's own units, at the beginning; it falls along a cosine to a hundredth.
    pub learning_rate: f64,
    /// Decay in [0, 1) of the running average of the parameters that is drawn, measured and kept.
    pub average: f64,
    /// Adam's decay rates.
    pub betas: [f64; 2],
    /// Pairs in each optimiser step, or `full`: all.
    pub batch: WordOr<usize, Full>,
    /// Widths of the hidden layers, or `affine`.
    pub network: WordOr<Vec<usize>, AffineWord>,
    /// The function between the layers.
    pub activation: Activation,
    /// Precision of the network's arithmetic.
    pub precision: Precision,
}

impl Default for PairsSpec {
    fn default() -> Self {
        Self::of(Quality::Fast)
    }
}

impl PairsSpec {
    /// The settings that go by this word.
    #[must_use]
    pub fn of(quality: Quality) -> Self {
        let usual = TrainingSpec::default();
        let (count, inner_steps) = match quality {
            Quality::Fast => (16_384, 30_000),
            Quality::High => (32_768, 100_000),
        };
        Self {
            quality,
            count,
            inner_steps,
            optimizer: usual.optimizer,
            learning_rate: 5e-3,
            average: 0.999,
            betas: usual.betas,
            batch: WordOr::Value(512),
            network: usual.network,
            activation: usual.activation,
            precision: usual.precision,
        }
    }

    /// The same as the training of the others.
    fn training(&self) -> TrainingSpec {
        TrainingSpec {
            quality: self.quality,
            inner_steps: self.inner_steps,
            optimizer: self.optimizer,
            learning_rate: self.learning_rate,
            learning_rate_decay: Decay::Cosine,
            average: self.average,
            towards_average: None,
            loss: Loss::H,
            ratio: None,
            field: FieldRule::Cloud,
            betas: self.betas,
            batch: self.batch,
            latents: Latents::Fixed,
            latent: None,
            residual: true,
            from: None,
            network: self.network.clone(),
            activation: self.activation,
            precision: self.precision,
            beta: WordOr::Word(BetaRule::Auto),
        }
    }
}

/// How a generator is trained at each step of the flow.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingSpec {
    /// What the keys are that a file leaves out; what is written stands.
    pub quality: Quality,
    /// K, optimiser steps at each step of the flow.
    pub inner_steps: usize,
    /// How the parameters follow their gradient; its memory is kept from step to step.
    pub optimizer: OptimizerKind,
    /// Learning rate, in the generator's own units: one plain gradient step of `distill` at rate η is one of `adversarial` at
    /// rate 2εη/s².
    pub learning_rate: f64,
    /// What becomes of the learning rate over the run.
    pub learning_rate_decay: Decay,
    /// Decay in [0, 1) of a running average of the parameters, which is the generator that is drawn, measured and kept. 0: none, they
    /// are the trained parameters themselves. Of a constant rate it takes the jitter.
    pub average: f64,
    /// Gain in (0, 1] of `distill` towards the running average of the generator: what is aimed at is `ḡ(z) + gain (x − ḡ(z))` for the moved point x of z, the correction of a g-h filter that predicts
    /// ḡ. None: x itself, as with gain 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub towards_average: Option<f64>,
    /// What `adversarial` makes small.
    #[serde(skip_serializing_if = "is_default")]
    pub loss: Loss,
    /// The exact ratio in place of that of the discriminator, for `adversarial` with an affine generator beside `oracle`, and how it is followed; none: D as it was fitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<RatioRule>,
    /// On which points the discriminator is fitted whose field the generator learns from.
    pub field: FieldRule,
    /// Adam's decay rates.
    pub betas: [f64; 2],
    /// Latent points in each optimiser step, or `full`: all of the round's.
    pub batch: WordOr<usize, Full>,
    /// Whether each round trains on latent points of its own, as many as particles, or on those of the drawn cloud.
    pub latents: Latents,
    /// Latent points that are no points of the source, of any number of coordinates; none: those of the source, so that g begins as the identity and x₀ = z. Otherwise the cloud
    /// begins with what the network gives at first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latent: Option<LatentSpec>,
    /// Whether the network gives a displacement, `g(z) = z + s MLP(z)`, or the place itself, `g(z) = c + s MLP(z)` with the centre c of the source, from weights that are
    /// not silent at first. A displacement of latent points of their own is one of `c + a (z₁, z₂)`, with the spread a of the source.
    pub residual: bool,
    /// `generator.npz` of another run, from whose parameters and units this one goes on; none: from the beginning. Memory of the optimiser is not in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
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

/// On which points the discriminator is fitted that a generator learns from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FieldRule {
    /// On the drawn cloud and the target sample, once a step of the flow: all K optimiser steps follow that one field.
    Cloud,
    /// On fresh points of both sides: every four optimiser steps on `4 × batch` images `g_θ(z′)` of latent points of their own and as many points
    /// of the target. The field is then asked at other fresh latent points, each of which is used once. No image counts in the
    /// density at its own place, and a generator that has seen few points cannot learn them by heart.
    #[default]
    Fresh,
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
        Self::of(Quality::Fast)
    }
}

impl TrainingSpec {
    /// The settings that go by this word.
    #[must_use]
    pub fn of(quality: Quality) -> Self {
        let (inner_steps, batch, learning_rate, average) = match quality {
            Quality::Fast => (8, 256, 2e-3, 0.99),
            Quality::High => (80, 512, 3e-3, 0.999),
        };
        Self {
            quality,
            inner_steps,
            optimizer: OptimizerKind::Adam,
            learning_rate,
            learning_rate_decay: Decay::Cosine,
            average,
            towards_average: None,
            loss: Loss::H,
            ratio: None,
            field: FieldRule::Fresh,
            betas: [0.9, 0.999],
            batch: WordOr::Value(batch),
            latents: Latents::Fresh,
            latent: None,
            residual: true,
            from: None,
            network: WordOr::Value(vec![128, 128, 128]),
            activation: Activation::Relu,
            precision: Precision::F32,
            beta: WordOr::Word(BetaRule::Auto),
        }
    }
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
        (
            "pairs",
            "one regression, after the flow, onto where its latent points came to",
        ),
    ];

    /// Name of the objective, as in a scenario file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Distill(_) => "distill",
            Self::Adversarial(_) => "adversarial",
            Self::Inherit(_) => "inherit",
            Self::Pairs(_) => "pairs",
        }
    }

    /// Whether it learns once, from where the particles of the flow came to, and not at each step.
    #[must_use]
    pub fn is_of_pairs(&self) -> bool {
        matches!(self, Self::Pairs(_))
    }

    /// How it is trained.
    #[must_use]
    pub fn training(&self) -> Cow<'_, TrainingSpec> {
        match self {
            Self::Distill(spec) | Self::Adversarial(spec) | Self::Inherit(spec) => {
                Cow::Borrowed(spec)
            }
            Self::Pairs(spec) => Cow::Owned(spec.training()),
        }
    }

    /// The file with whose parameters it begins, if with any.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::Distill(spec) | Self::Adversarial(spec) | Self::Inherit(spec) => {
                spec.from.as_deref()
            }
            Self::Pairs(_) => None,
        }
    }

    /// Names the copy of that file.
    pub fn rename_file(&mut self, path: String) {
        if let Self::Distill(spec) | Self::Adversarial(spec) | Self::Inherit(spec) = self {
            spec.from = Some(path);
        }
    }

    /// Optimiser steps of a round, to be changed.
    pub fn inner_steps_mut(&mut self) -> &mut usize {
        match self {
            Self::Distill(spec) | Self::Adversarial(spec) | Self::Inherit(spec) => {
                &mut spec.inner_steps
            }
            Self::Pairs(spec) => &mut spec.inner_steps,
        }
    }

    /// Particles that flow beside the drawn ones, for the generator to learn from.
    #[must_use]
    pub fn pairs(&self) -> usize {
        match self {
            Self::Pairs(spec) => spec.count,
            _ => 0,
        }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Invalid`] with a key that begins with the objective's name.
    pub fn check(&self) -> Result<(), Invalid> {
        let spec = self.training();
        spec.check()
            .and_then(|()| match self {
                Self::Pairs(spec) => at_least("count", spec.count, 2),
                _ => Ok(()),
            })
            .and_then(|()| self.check_objective(&spec))
            .and_then(|()| match (self, spec.towards_average) {
                (Self::Adversarial(_) | Self::Inherit(_), Some(gain)) => Err(Invalid::new(
                    "towards_average",
                    gain,
                    "belongs to [generator.distill]; this objective aims at no points",
                )),
                _ => Ok(()),
            })
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
}

impl GeneratorSpec {
    /// Whether what an objective climbs is asked of one that climbs.
    fn check_objective(&self, spec: &TrainingSpec) -> Result<(), Invalid> {
        let other = "belongs to [generator.adversarial]";
        match self {
            Self::Adversarial(_) => {}
            _ if spec.loss != Loss::H => return Err(Invalid::new("loss", spec.loss, other)),
            _ => {
                let given = spec.ratio.map(|rule| Invalid::new("ratio", rule, other));
                return given.map_or(Ok(()), Err);
            }
        }
        match spec.ratio {
            Some(rule) if spec.network != WordOr::Word(AffineWord::Affine) => {
                let remedy = "the density of its images must be known; set network = \"affine\", or take `ratio` away";
                Err(Invalid::new("ratio", rule, remedy))
            }
            _ => Ok(()),
        }
    }
}

impl TrainingSpec {
    /// Minibatches that one fit to fresh points serves.
    pub(super) const SLICES: usize = 4;

    /// Latent points in each optimiser step, where there are `most` to choose from.
    pub(crate) fn rows(&self, most: usize) -> usize {
        match self.batch {
            WordOr::Value(count) => count.min(most),
            WordOr::Word(Full::Full) => most,
        }
    }

    /// Fresh points of either side at a time, beside a cloud of so many.
    pub(crate) fn pool(&self, particles: usize) -> usize {
        match self.field {
            FieldRule::Fresh => self.rows(particles) * Self::SLICES.min(self.inner_steps),
            FieldRule::Cloud => 0,
        }
    }

    fn check(&self) -> Result<(), Invalid> {
        at_least("inner_steps", self.inner_steps, 1)?;
        positive("learning_rate", self.learning_rate)?;
        check_betas(self.betas)?;
        within("average", self.average, 0.0, 0.999_999)?;
        if let Some(gain) = self.towards_average {
            above_zero("towards_average", gain, 1.0)?;
            if self.average <= 0.0 {
                let remedy = "there is no running average to aim at; set `average`, such as 0.95, or take this away";
                return Err(Invalid::new("towards_average", gain, remedy));
            }
        }
        if self.field == FieldRule::Fresh && self.latents == Latents::Fixed {
            return Err(Invalid::new(
                "latents",
                "\"fixed\"",
                "with field = \"fresh\" each latent point is used once; set latents = \"fresh\", or field = \"cloud\"",
            ));
        }
        if let WordOr::Value(batch) = self.batch {
            at_least("batch", batch, 1)?;
        }
        if let Some(latent) = self.latent {
            latent.check()?;
        }
        let affine = self.network == WordOr::Word(AffineWord::Affine);
        if affine && self.latent.is_some() {
            let remedy = "\"affine\" is a map of the plane to itself, which begins as the identity; give widths such as [128, 128, 128], or take `latent` away";
            return Err(Invalid::new("network", "\"affine\"", remedy));
        }
        if affine && !self.residual {
            let remedy = "an affine map is the same either way; set true, or give `network` widths such as [128, 128, 128]";
            return Err(Invalid::new("residual", false, remedy));
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

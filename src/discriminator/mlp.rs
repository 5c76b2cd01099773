//! The neural discriminator: a small network trained to tell target from cloud, warm from step to step.

use rand::Rng;
use rand_distr::StandardNormal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::learner::{self, Deck, Learner, Plan, Standardiser};
use super::loss::Loss;
use super::recipe::{Recipe, Sizes, trained};
use super::fit::blind_noise;
use super::{Discriminator, FitContext, FitError, Ratio, StepRule};
use crate::cloud::CloudView;
use crate::network::{Activation, Objective, OptimizerKind, Workspace, check_betas, check_widths};
use crate::random::Stream;
use crate::setting::{Invalid, WordOr, at_least, exactly, finite, positive, within};
use crate::target::Target;

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
    /// Gaussian noise on both sides: "off", "anneal" (from wide to narrow over the first 80 % of the run, so
    /// that mass can cross gaps), or its standard deviation.
    pub noise: Noise,
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
            noise: WordOr::Word(NoiseRule::Anneal),
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

/// The part of the run over which the noise narrows.
const UNTIL: f64 = 0.8;

/// The standard deviation of the noise when `progress` of the run lies behind.
fn deviation(noise: Noise, progress: f64) -> f64 {
    const WIDE: f64 = 2.0;
    const NARROW: f64 = 0.03;
    match noise {
        WordOr::Word(NoiseRule::Off) => 0.0,
        WordOr::Word(NoiseRule::Anneal) => {
            WIDE * (NARROW / WIDE).powf((progress / UNTIL).clamp(0.0, 1.0))
        }
        WordOr::Value(deviation) => deviation,
    }
}

impl MlpSpec {
    /// Checks the settings once.
    ///
    /// # Errors
    /// [`Invalid`] naming the first setting that cannot be used.
    pub fn build(&self) -> Result<Mlp, Invalid> {
        check_widths("hidden", &self.hidden)?;
        if let WordOr::Value(rate) = self.learning_rate {
            positive("learning_rate", rate)?;
        }
        check_betas(self.betas)?;
        at_least("inner_steps", self.inner_steps, 1)?;
        at_least("batch", self.batch, 1)?;
        within("r1", self.r1, 0.0, 1e6)?;
        if let WordOr::Value(deviation) = self.noise {
            finite("noise", deviation)?;
            within("noise", deviation, 0.0, 1e3)?;
        }
        positive("step_size", self.step_size)?;
        positive("clip", self.clip)?;
        within("decay", self.decay, 0.0, 1.0)?;
        Ok(Mlp {
            spec: self.clone(),
            learner: None,
            progress: 0.0,
            workspace: Workspace::new(),
        })
    }
}

impl Recipe for MlpSpec {
    fn estimator(&self, _target: &dyn Target) -> Result<Box<dyn Discriminator>, Invalid> {
        Ok(Box::new(self.build()?))
    }

    fn memory(&self, _sizes: Sizes) -> Vec<(&'static str, f64)> {
        trained(&self.hidden, 2, self.batch)
    }

    fn repeats(&self) -> [usize; 2] {
        let first = self.warm_up.max(self.inner_steps);
        match self.start {
            Start::Cold => [first; 2],
            Start::Warm => [first, self.inner_steps],
        }
    }

    fn shorten(&mut self, most: usize) {
        self.warm_up = most.min(self.warm_up);
        self.inner_steps = most.min(self.inner_steps);
    }
}

/// `D ≈ log p/q` as a network `ℝ² → ℝ`, trained by minibatches drawn afresh from both sides at every step
/// of its optimiser, from where the last fit ended.
#[derive(Debug)]
pub struct Mlp {
    spec: MlpSpec,
    /// Nothing before the first fit.
    learner: Option<Learner>,
    /// That of the last fit.
    progress: f64,
    workspace: Workspace<f32>,
}

/// While the noise is wider than this, in standardised units, mass is being shared out between the modes, and what counts is
/// how exactly: the learning rate is halved. Later, what counts is how fast the network follows.
const WIDE_NOISE: f32 = 0.25;

/// The two sides of a minibatch: real samples, then as many of the cloud.
struct Sides {
    loss: Loss,
    count: usize,
    r1: f32,
}

impl Objective<f32> for Sides {
    fn seeds(&self, first: usize, outputs: &[f32], seeds: &mut [f32]) -> f32 {
        let share = 1.0 / self.count as f32;
        let reals = self.count.saturating_sub(first).min(outputs.len());
        let (real, fake) = outputs.split_at(reals);
        let (real_seeds, fake_seeds) = seeds.split_at_mut(reals);
        self.loss.over_real(share, real, real_seeds) + self.loss.over_fake(share, fake, fake_seeds)
    }

    fn penalties(&self, first: usize, weights: &mut [f32]) -> bool {
        if self.r1 == 0.0 || first >= self.count {
            return false;
        }
        let weight = 0.5 * self.r1 / self.count as f32;
        let real = weights.len().min(self.count - first);
        weights[..real].fill(weight);
        true
    }
}

impl Mlp {
    /// The factor on learning rate and step size when `progress` of the run lies behind.
    fn fall_at(&self, progress: f64) -> f64 {
        const LAST: f64 = 0.1;
        let left = 1.0 - progress;
        if left >= self.spec.decay {
            1.0
        } else {
            LAST + (1.0 - LAST) * left / self.spec.decay
        }
    }

    /// The learning rate, before it falls.
    fn rate(&self) -> f64 {
        match (self.spec.learning_rate, self.spec.optimizer) {
            (WordOr::Value(rate), _) => rate,
            (WordOr::Word(Rate::Auto), OptimizerKind::Adam) => 4e-3,
            (WordOr::Word(Rate::Auto), OptimizerKind::Sgd) if self.spec.loss.is_exponential() => {
                0.1
            }
            (WordOr::Word(Rate::Auto), OptimizerKind::Sgd) => 0.3,
        }
    }

    /// A network that has learned nothing and says nothing: D = 0. Of another the gradient is mostly its first weights' own, which draws the particles
    /// onto curves while the noise hides them from it.
    fn silent(&self, frame: Standardiser, weights: Stream) -> Learner {
        let mut learner = Learner::new(frame, self.plan(), weights);
        learner.network.silence();
        learner
    }

    fn plan(&self) -> Plan<'_> {
        Plan {
            hidden: &self.spec.hidden,
            activation: self.spec.activation,
            optimizer: self.spec.optimizer,
            betas: self.spec.betas,
        }
    }
}

/// As in a scenario file.
const NAME: &str = "mlp";

impl Discriminator for Mlp {
    fn fit(
        &mut self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
        round: FitContext,
    ) -> Result<(), FitError> {
        let weights = round.stream.part("weights");
        let anew = self.spec.warm_up.max(self.spec.inner_steps);
        let (mut learner, steps) = match (self.learner.clone(), self.spec.start) {
            (Some(learner), Start::Warm) => (learner, self.spec.inner_steps),
            (Some(learner), Start::Cold) => (self.silent(learner.frame, weights), anew),
            (None, _) => (self.silent(Standardiser::of(real, NAME)?, weights), anew),
        };
        let real = learner.frame.standardise(real);
        let fake = learner.frame.standardise(fake);
        let sigma = deviation(self.spec.noise, round.progress) as f32;
        let share = if sigma > WIDE_NOISE { 0.5 } else { 1.0 };
        let rate = share * self.rate() * self.fall_at(round.progress);
        let mut draw = round.stream.part("minibatch").rng();
        let mut shake = round.stream.part("noise").rng();
        let count = self.spec.batch;
        let sides = Sides {
            loss: self.spec.loss,
            count,
            r1: self.spec.r1 as f32,
        };
        let mut batch = vec![0.0; 4 * count];
        let mut gradient = vec![0.0; learner.network.parameters().len()];
        let (mut reals, mut fakes) = (Deck::new(real), Deck::new(fake));
        for _ in 0..steps {
            let (ours, theirs) = batch.split_at_mut(2 * count);
            reals.deal(&mut draw, ours);
            fakes.deal(&mut draw, theirs);
            if sigma > 0.0 {
                for x in &mut batch {
                    let normal: f32 = shake.sample(StandardNormal);
                    *x += sigma * normal;
                }
            }
            learner
                .network
                .train(&batch, &sides, &mut self.workspace, &mut gradient);
            learner.step(self.spec.optimizer, rate, &mut gradient);
        }
        self.learner = Some(learner.checked(NAME, self.rate())?);
        self.progress = round.progress;
        Ok(())
    }

    fn evaluate(&self, at: CloudView<'_>, into: &mut Ratio) {
        match &self.learner {
            Some(learner) => learner.evaluate(at, into, |d| self.spec.loss.log_ratio(d)),
            None => *into = Ratio::zeros(at.nrows()),
        }
    }

    fn step_rule(&self) -> StepRule {
        let scale = self.learner.as_ref().map_or(1.0, |l| l.frame.scale);
        let noise = deviation(self.spec.noise, self.progress);
        StepRule {
            step_size: self.fall_at(self.progress)
                * self.spec.step_size.max(0.5 * noise * noise)
                * scale
                * scale,
            clip: Some(self.spec.clip.max(0.5 * noise) * scale),
            scale: self.spec.clip.max(noise) * scale,
        }
    }

    fn particle_noise(&self, progress: f64) -> f64 {
        let anneals = self.spec.noise == WordOr::Word(NoiseRule::Anneal);
        blind_noise(anneals, progress)
    }

    fn state(&self) -> Vec<f64> {
        learner::state(self.progress, self.learner.as_ref())
    }

    fn load_state(&mut self, state: &[f64]) -> Result<(), FitError> {
        (self.progress, self.learner) = learner::loaded(NAME, self.plan(), state)?;
        Ok(())
    }
}

//! The critic of a Wasserstein GAN with gradient penalty: a comparator, whose `D` is no log ratio.

use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::CloudView;
use crate::estimate::learner::{self, Deck, Learner, Plan, Standardiser};
use crate::estimate::recipe::{Recipe, Sizes, trained};
use crate::estimate::{Discriminator, FitContext, FitError, Kind, Ratio, StepRule};
use crate::network::{Activation, Objective, OptimizerKind, Workspace, check_betas, check_widths};
use crate::setting::{Invalid, at_least, exactly, positive, within};
use crate::target::Target;

/// `D` that maximises `E_p D − E_q D − λ E (‖∇D‖ − 1)²`, the last mean over points drawn evenly on the lines between samples of
/// `p` and of `q` (Gulrajani et al., "Improved training of Wasserstein GANs", 2017).
///
/// At the optimum `D` is the potential of Kantorovich, in the target's units of length: `E_p D − E_q D` is the distance
/// `W1(p, q)`, and `∇D` points along the way that mass has to go, with length one wherever there is any to go. A flow
/// along it moves at constant speed and does not slow down near the target, so its step shrinks with the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WassersteinSpec {
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// The function between the layers.
    pub activation: Activation,
    /// Learning rate of Adam.
    pub learning_rate: f64,
    /// Adam's decay rates.
    #[serde(deserialize_with = "exactly")]
    pub betas: [f64; 2],
    /// Weight λ of the gradient penalty, in standardised units.
    pub penalty: f64,
    /// Optimiser steps at each step of the flow.
    pub inner_steps: usize,
    /// Optimiser steps before the first step of the flow, if they are more than `inner_steps`.
    pub warm_up: usize,
    /// Samples drawn afresh from each side for every optimiser step, and points between them.
    pub batch: usize,
    /// How far a particle at unit speed goes in the first step, in standard deviations of the target. It falls in
    /// proportion to what is left of the run, down to a hundredth.
    pub stride: f64,
}

impl Default for WassersteinSpec {
    fn default() -> Self {
        Self {
            hidden: vec![64, 64, 64],
            activation: Activation::Silu,
            learning_rate: 2e-3,
            betas: [0.5, 0.99],
            penalty: 1.0,
            inner_steps: 20,
            warm_up: 200,
            batch: 512,
            stride: 0.05,
        }
    }
}

impl WassersteinSpec {
    /// Checks the settings once.
    ///
    /// # Errors
    /// [`Invalid`] naming the first setting that cannot be used.
    pub fn build(&self) -> Result<Critic, Invalid> {
        check_widths("hidden", &self.hidden)?;
        positive("learning_rate", self.learning_rate)?;
        check_betas(self.betas)?;
        within("penalty", self.penalty, 1e-6, 1e6)?;
        at_least("inner_steps", self.inner_steps, 1)?;
        at_least("batch", self.batch, 1)?;
        positive("stride", self.stride)?;
        Ok(Critic {
            spec: self.clone(),
            learner: None,
            progress: 0.0,
            workspace: Workspace::new(),
        })
    }
}

impl Recipe for WassersteinSpec {
    fn estimator(&self, _target: &dyn Target) -> Result<Box<dyn Discriminator>, Invalid> {
        Ok(Box::new(self.build()?))
    }

    fn memory(&self, _sizes: Sizes) -> Vec<(&'static str, f64)> {
        // For the penalty there are as many points between the two sides.
        trained(&self.hidden, 3, self.batch)
    }

    fn repeats(&self) -> [usize; 2] {
        [self.warm_up.max(self.inner_steps), self.inner_steps]
    }

    fn shorten(&mut self, most: usize) {
        self.warm_up = most.min(self.warm_up);
        self.inner_steps = most.min(self.inner_steps);
    }
}

/// As in a scenario file.
const NAME: &str = "wasserstein";

/// The fitted critic.
#[derive(Debug)]
pub struct Critic {
    spec: WassersteinSpec,
    /// Nothing before the first fit.
    learner: Option<Learner>,
    /// That of the last fit.
    progress: f64,
    workspace: Workspace<f32>,
}

impl Critic {
    fn plan(&self) -> Plan<'_> {
        Plan {
            hidden: &self.spec.hidden,
            outputs: 1,
            activation: self.spec.activation,
            optimizer: OptimizerKind::Adam,
            betas: self.spec.betas,
            average: 0.0,
        }
    }
}

/// A minibatch: `count` real samples, as many of the cloud, and as many points between them.
struct Thirds {
    count: usize,
    penalty: f32,
}

impl Objective<f32> for Thirds {
    fn seeds(&self, first: usize, outputs: &[f32], seeds: &mut [f32]) -> f32 {
        let share = 1.0 / self.count as f32;
        let mut sum = 0.0;
        for (i, (&d, seed)) in outputs.iter().zip(seeds).enumerate() {
            *seed = match (first + i) / self.count {
                0 => -share,
                1 => share,
                _ => 0.0,
            };
            sum += *seed * d;
        }
        sum
    }

    fn penalties(&self, first: usize, weights: &mut [f32]) -> bool {
        let sides = (2 * self.count).saturating_sub(first).min(weights.len());
        let between = &mut weights[sides..];
        between.fill(self.penalty / self.count as f32);
        !between.is_empty()
    }

    fn slope(&self) -> f32 {
        1.0
    }
}

impl Discriminator for Critic {
    fn fit(
        &mut self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
        round: FitContext,
    ) -> Result<(), FitError> {
        let (mut learner, steps) = if let Some(learner) = self.learner.clone() {
            (learner, self.spec.inner_steps)
        } else {
            let frame = Standardiser::of(real, NAME)?;
            let learner = Learner::new(frame, self.plan(), round.stream.part("weights"));
            (learner, self.spec.warm_up.max(self.spec.inner_steps))
        };
        let count = self.spec.batch;
        let objective = Thirds {
            count,
            penalty: self.spec.penalty as f32,
        };
        let mut reals = Deck::new(learner.frame.standardise(real));
        let mut fakes = Deck::new(learner.frame.standardise(fake));
        let mut draw = round.stream.part("minibatch").rng();
        let mut batch = vec![0.0; 6 * count];
        let mut gradient = vec![0.0; learner.network.parameters().len()];
        for _ in 0..steps {
            let (sides, between) = batch.split_at_mut(4 * count);
            let (ours, theirs) = sides.split_at_mut(2 * count);
            reals.deal(&mut draw, ours);
            fakes.deal(&mut draw, theirs);
            let pairs = ours.chunks_exact(2).zip(theirs.chunks_exact(2));
            for (point, (ours, theirs)) in between.chunks_exact_mut(2).zip(pairs) {
                let part: f32 = draw.random();
                for axis in 0..2 {
                    point[axis] = theirs[axis] + part * (ours[axis] - theirs[axis]);
                }
            }
            learner
                .network
                .train(&batch, &objective, &mut self.workspace, &mut gradient);
            learner.step(OptimizerKind::Adam, self.spec.learning_rate, &mut gradient);
        }
        self.learner = Some(learner.checked(NAME, self.spec.learning_rate)?);
        self.progress = round.progress;
        Ok(())
    }

    fn loss_name(&self) -> Option<&'static str> {
        Some("E_q D − E_p D")
    }

    fn loss(&self, real: &[f64], fake: &[f64]) -> f64 {
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        mean(fake) - mean(real)
    }

    fn evaluate(&self, at: CloudView<'_>, into: &mut Ratio) {
        match &self.learner {
            Some(learner) => {
                let length = learner.frame.scale;
                learner.evaluate(at, into, |d| (length * d, length));
            }
            None => *into = Ratio::zeros(at.nrows()),
        }
    }

    fn kind(&self) -> Kind {
        Kind::Gradient
    }

    fn step_rule(&self) -> StepRule {
        let scale = self.learner.as_ref().map_or(1.0, |l| l.frame.scale);
        let stride = self.spec.stride * (1.0 - self.progress).max(0.01) * scale;
        StepRule {
            step_size: stride,
            clip: Some(2.0 * stride),
            scale: stride,
        }
    }

    fn state(&self) -> Vec<f64> {
        learner::state(&[self.progress], self.learner.as_slice())
    }

    fn load_state(&mut self, state: &[f64]) -> Result<(), FitError> {
        let loaded = learner::loaded(NAME, self.plan(), 1, state)?;
        let ([progress], mut learners) = loaded.unwrap_or(([0.0], Vec::new()));
        (self.progress, self.learner) = (progress, learners.pop());
        Ok(())
    }
}

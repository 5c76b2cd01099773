//! The difference of two scores, each learned by denoising: the bridge to diffusion models.

use rand::Rng;
use rand_distr::StandardNormal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::CloudView;
use crate::estimate::learner::{self, Deck, Learner, Plan, Standardiser};
use crate::estimate::recipe::{Recipe, Sizes, trained};
use crate::estimate::{Discriminator, FitContext, FitError, Kind, Ratio, StepRule};
use crate::network::{Activation, Objective, OptimizerKind, Workspace, check_betas, check_widths};
use crate::random::Stream;
use crate::setting::{Auto, Invalid, WordOr, at_least, exactly, positive, within};
use crate::target::Target;

/// `v = s_p − s_q`, with `s = ∇ log` of either side after Gaussian noise of standard deviation σ, each by a network of its own that is trained to tell
/// the noise from a noisy sample (Vincent 2011): where a classifier learns the log ratio, these learn its gradient, side by side and without each other.
///
/// The difference of two networks need be no gradient, and its D is not known: no log ratio. All lengths here are in standardised units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScoreSpec {
    /// Widths of the hidden layers of either network.
    pub hidden: Vec<usize>,
    /// The function between the layers.
    pub activation: Activation,
    /// Learning rate of Adam.
    pub learning_rate: f64,
    /// Adam's decay rates.
    #[serde(deserialize_with = "exactly")]
    pub betas: [f64; 2],
    /// Optimiser steps of either network at each step of the flow.
    pub inner_steps: usize,
    /// Optimiser steps before the first step of the flow, if they are more than `inner_steps`.
    pub warm_up: usize,
    /// Samples drawn afresh from a side for every optimiser step.
    pub batch: usize,
    /// Standard deviation σ of the noise; `auto`: from 2 down to 0.1 in equal ratios over the first 80 % of the run, then constant.
    pub noise: WordOr<f64, Auto>,
}

impl Default for ScoreSpec {
    fn default() -> Self {
        Self {
            hidden: vec![64, 64, 64],
            activation: Activation::Silu,
            learning_rate: 4e-3,
            betas: [0.5, 0.99],
            inner_steps: 20,
            warm_up: 200,
            batch: 1024,
            noise: WordOr::Word(Auto::Auto),
        }
    }
}

/// As in a scenario file.
const NAME: &str = "score";

impl ScoreSpec {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Invalid`] naming the first setting that cannot be used.
    pub fn build(&self) -> Result<Scores, Invalid> {
        check_widths("hidden", &self.hidden)?;
        positive("learning_rate", self.learning_rate)?;
        check_betas(self.betas)?;
        at_least("inner_steps", self.inner_steps, 1)?;
        at_least("batch", self.batch, 1)?;
        if let WordOr::Value(sigma) = self.noise {
            within("noise", sigma, 1e-3, 1e3)?;
        }
        Ok(Scores {
            spec: self.clone(),
            learners: None,
            workspace: Workspace::new(),
            progress: 0.0,
        })
    }

    fn plan(&self) -> Plan<'_> {
        Plan {
            hidden: &self.hidden,
            outputs: 2,
            activation: self.activation,
            optimizer: OptimizerKind::Adam,
            betas: self.betas,
            average: 0.0,
        }
    }

    /// σ when `progress` of the run lies behind.
    fn sigma(&self, progress: f64) -> f64 {
        const WIDE: f64 = 2.0;
        const NARROW: f64 = 0.1;
        const UNTIL: f64 = 0.8;
        match self.noise {
            WordOr::Value(sigma) => sigma,
            WordOr::Word(Auto::Auto) => {
                WIDE * (NARROW / WIDE).powf((progress / UNTIL).clamp(0.0, 1.0))
            }
        }
    }
}

impl Recipe for ScoreSpec {
    fn estimator(&self, _target: &dyn Target) -> Result<Box<dyn Discriminator>, Invalid> {
        Ok(Box::new(self.build()?))
    }

    fn memory(&self, _sizes: Sizes) -> Vec<(&'static str, f64)> {
        let each = trained(&self.hidden, 2, self.batch).into_iter();
        each.map(|(key, bytes)| (key, 2.0 * bytes)).collect()
    }

    fn repeats(&self) -> [usize; 2] {
        [self.warm_up.max(self.inner_steps), self.inner_steps]
    }

    fn shorten(&mut self, most: usize) {
        self.warm_up = most.min(self.warm_up);
        self.inner_steps = most.min(self.inner_steps);
    }
}

/// The two fitted networks, each of which says what noise is in a point.
#[derive(Debug)]
pub struct Scores {
    spec: ScoreSpec,
    /// That of the target and that of the cloud; nothing before the first fit.
    learners: Option<[Learner; 2]>,
    workspace: Workspace<f32>,
    /// That of the last fit.
    progress: f64,
}

/// `Σ ‖said − noise‖²` over a minibatch, divided by its size.
struct Denoising<'a> {
    noise: &'a [f32],
    share: f32,
}

impl Objective<f32> for Denoising<'_> {
    fn seeds(&self, first: usize, outputs: &[f32], seeds: &mut [f32]) -> f32 {
        let noise = &self.noise[2 * first..];
        let mut sum = 0.0;
        for ((said, noise), seed) in outputs.iter().zip(noise).zip(seeds) {
            let miss = said - noise;
            sum += self.share * miss * miss;
            *seed = 2.0 * self.share * miss;
        }
        sum
    }
}

impl Scores {
    /// Trains a network on the noise in the points of one side.
    fn teach(
        &mut self,
        learner: &mut Learner,
        side: CloudView<'_>,
        (steps, sigma): (usize, f32),
        stream: Stream,
    ) {
        let mut deck = Deck::new(learner.frame.standardise(side));
        let (mut draw, mut shake) = (stream.part("minibatch").rng(), stream.part("noise").rng());
        let count = self.spec.batch;
        let mut batch = vec![0.0; 2 * count];
        let mut noise = vec![0.0_f32; 2 * count];
        let mut gradient = vec![0.0; learner.network.parameters().len()];
        for _ in 0..steps {
            deck.deal(&mut draw, &mut batch);
            for (x, noise) in batch.iter_mut().zip(&mut noise) {
                *noise = shake.sample(StandardNormal);
                *x += sigma * *noise;
            }
            let objective = Denoising {
                noise: &noise,
                share: 1.0 / count as f32,
            };
            learner
                .network
                .train(&batch, &objective, &mut self.workspace, &mut gradient);
            learner.step(OptimizerKind::Adam, self.spec.learning_rate, &mut gradient);
        }
    }
}

impl Discriminator for Scores {
    fn fit(
        &mut self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
        round: FitContext,
    ) -> Result<(), FitError> {
        let (learners, steps) = if let Some(learners) = self.learners.clone() {
            (learners, self.spec.inner_steps)
        } else {
            let frame = Standardiser::of(real, NAME)?;
            // Both begin alike, so that their difference says nothing at first.
            let mut learner = Learner::new(frame, self.spec.plan(), round.stream.part("weights"));
            learner.network.silence();
            let steps = self.spec.warm_up.max(self.spec.inner_steps);
            ([learner.clone(), learner], steps)
        };
        let sigma = self.spec.sigma(round.progress) as f32;
        let [mut ours, mut theirs] = learners;
        let lesson = (steps, sigma);
        self.teach(&mut ours, real, lesson, round.stream.part("target"));
        self.teach(&mut theirs, fake, lesson, round.stream.part("cloud"));
        let rate = self.spec.learning_rate;
        self.learners = Some([ours.checked(NAME, rate)?, theirs.checked(NAME, rate)?]);
        self.progress = round.progress;
        Ok(())
    }

    fn evaluate(&self, at: CloudView<'_>, into: &mut Ratio) {
        *into = Ratio::zeros(at.nrows());
        let Some([ours, theirs]) = &self.learners else {
            return;
        };
        let frame = ours.frame;
        let points = frame.standardise(at);
        let said = [ours, theirs].map(|learner| {
            let mut said = vec![0.0_f32; points.len()];
            learner.network.evaluate(&points, &mut said);
            said
        });
        let unit = 1.0 / (self.spec.sigma(self.progress) * frame.scale);
        let [ours, theirs] = &said;
        // A score is minus the noise over its deviation.
        let values = ours
            .iter()
            .zip(theirs)
            .map(|(p, q)| unit * f64::from(q - p));
        into.gradient
            .iter_mut()
            .zip(values)
            .for_each(|(into, v)| *into = v);
    }

    /// With `ε = σ²` a particle moves by the difference of the two denoised means.
    fn step_rule(&self) -> StepRule {
        let scale = self
            .learners
            .as_ref()
            .map_or(1.0, |[ours, _]| ours.frame.scale);
        let sigma = self.spec.sigma(self.progress) * scale;
        StepRule {
            step_size: sigma * sigma,
            clip: Some(sigma),
            scale: sigma,
        }
    }

    fn kind(&self) -> Kind {
        Kind::Velocity
    }

    fn state(&self) -> Vec<f64> {
        let learners = self.learners.as_ref().map_or(&[][..], |both| &both[..]);
        learner::state(&[self.progress], learners)
    }

    fn load_state(&mut self, state: &[f64]) -> Result<(), FitError> {
        let loaded = learner::loaded(NAME, self.spec.plan(), 2, state)?;
        let ([progress], learners) = loaded.unwrap_or(([0.0], Vec::new()));
        self.progress = progress;
        self.learners = learners.try_into().ok();
        Ok(())
    }
}

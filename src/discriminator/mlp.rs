//! The neural discriminator: a small network trained to tell target from cloud, warm from step to step.

use rand::Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;

use super::mlp_spec::deviation;
pub use super::mlp_spec::{MlpSpec, Noise, NoiseRule, Rate, Start};
use super::sides::Sides;
use crate::cloud::CloudView;
use crate::estimate::blind_noise;
use crate::estimate::ladder;
use crate::estimate::learner::{self, Deck, Learner, Plan, Standardiser};
use crate::estimate::recipe::{Recipe, Sizes, trained};
use crate::estimate::{Discriminator, FitContext, FitError, Kind, Ratio, StepRule};
use crate::kernel;
use crate::network::{OptimizerKind, Workspace, check_betas, check_widths};
use crate::random::Stream;
use crate::setting::{Invalid, WordOr, at_least, finite, positive, within};
use crate::target::Target;

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
        within("r2", self.r2, 0.0, 1e6)?;
        if let WordOr::Value(deviation) = self.noise {
            finite("noise", deviation)?;
            within("noise", deviation, 0.0, 1e3)?;
        }
        within("average", self.average, 0.0, 0.999_999)?;
        within("scales", self.scales as f64, 1.0, 16.0)?;
        if self.scales > 1 && self.noise != WordOr::Word(NoiseRule::Anneal) {
            return Err(Invalid::new(
                "scales",
                self.scales,
                "each of several networks has a noise of its own; leave noise as it is, or set 1",
            ));
        }
        positive("step_size", self.step_size)?;
        positive("clip", self.clip)?;
        within("decay", self.decay, 0.0, 1.0)?;
        Ok(Mlp {
            spec: self.clone(),
            learners: Vec::new(),
            levels: Vec::new(),
            workspaces: (0..self.scales).map(|_| Workspace::new()).collect(),
            progress: 0.0,
            finest: UNKNOWN,
        })
    }
}

impl Recipe for MlpSpec {
    fn estimator(&self, _target: &dyn Target) -> Result<Box<dyn Discriminator>, Invalid> {
        Ok(Box::new(self.build()?))
    }

    fn memory(&self, _sizes: Sizes) -> Vec<(&'static str, f64)> {
        let each = trained(&self.hidden, 2, self.batch).into_iter();
        each.map(|(key, bytes)| (key, bytes * self.scales as f64))
            .collect()
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

/// `D ≈ log p/q` as a network `ℝ² → ℝ`, or as several, trained by minibatches drawn afresh from both sides at every step
/// of its optimiser, from where the last fit ended.
#[derive(Debug)]
pub struct Mlp {
    spec: MlpSpec,
    /// One for each scale, from fine to coarse; none before the first fit.
    learners: Vec<Learner>,
    /// What is taken off what each says, where the loss leaves a constant open.
    levels: Vec<f64>,
    /// Memory for the training of each.
    workspaces: Vec<Workspace<f32>>,
    /// That of the last fit.
    progress: f64,
    /// The finest of several scales, in standardised units.
    finest: f64,
}

/// While the noise is wider than this, in standardised units, mass is being shared out between the modes, and what counts is
/// how exactly: the learning rate is halved. Later, what counts is how fast the network follows.
const WIDE_NOISE: f32 = 0.25;

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
        learner.silence();
        learner
    }

    /// The standard deviation of each network's noise when `progress` of the run lies behind.
    fn deviations(&self, finest: f64, progress: f64) -> Vec<f64> {
        match self.spec.scales {
            1 => vec![deviation(self.spec.noise, progress)],
            count => ladder(finest, 1.0, count).collect(),
        }
    }

    /// The squared scales.
    fn squares(&self) -> impl Iterator<Item = f64> {
        let sigmas = self.deviations(self.finest, self.progress);
        sigmas.into_iter().map(|sigma| sigma * sigma)
    }

    fn mean_square(&self) -> f64 {
        self.squares().sum::<f64>() / self.spec.scales as f64
    }

    fn level(&self, place: usize) -> f64 {
        self.levels.get(place).copied().unwrap_or(0.0)
    }

    fn plan(&self) -> Plan<'_> {
        Plan {
            hidden: &self.spec.hidden,
            outputs: 1,
            activation: self.spec.activation,
            optimizer: self.spec.optimizer,
            betas: self.spec.betas,
            average: self.spec.average,
        }
    }
}

/// The finest scale before the first fit.
const UNKNOWN: f64 = 1.0;

/// As in a scenario file.
const NAME: &str = "mlp";

/// What a fit trains its networks on.
struct Lesson<'a> {
    spec: &'a MlpSpec,
    real: CloudView<'a>,
    fake: CloudView<'a>,
    round: FitContext,
    rate: f64,
}

impl Lesson<'_> {
    /// Trains the network of a `place` among the scales for so many steps, with noise of standard deviation `sigma`.
    fn teach(
        &self,
        (learner, workspace): (&mut Learner, &mut Workspace<f32>),
        place: usize,
        sigma: f32,
        steps: usize,
    ) {
        let stream = |name: &str| self.round.stream.part(&of_scale(name, place)).rng();
        let (mut draw, mut shake) = (stream("minibatch"), stream("noise"));
        let count = self.spec.batch;
        let sides = Sides {
            loss: self.spec.loss,
            count,
            r1: self.spec.r1 as f32,
            r2: self.spec.r2 as f32,
        };
        let mut batch = vec![0.0; 4 * count];
        let mut gradient = vec![0.0; learner.network.parameters().len()];
        let deck = |side| Deck::new(learner.frame.standardise(side));
        let (mut reals, mut fakes) = (deck(self.real), deck(self.fake));
        for _ in 0..steps {
            sides.deal(&mut reals, &mut fakes, &mut draw, &mut batch);
            if sigma > 0.0 {
                for x in &mut batch {
                    let normal: f32 = shake.sample(StandardNormal);
                    *x += sigma * normal;
                }
            }
            learner
                .network
                .train(&batch, &sides, workspace, &mut gradient);
            learner.step(self.spec.optimizer, self.rate, &mut gradient);
        }
    }
}

/// The constant with which `E_q e^D` is one: `log E_q e^{what the network says}` over the cloud.
fn level(learner: &Learner, fake: CloudView<'_>) -> f64 {
    let mut said = Ratio::zeros(0);
    learner.evaluate(fake, &mut said, |d| (d, 0.0));
    let most = said.log.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    most + said
        .log
        .mapv(|d| (d - most).exp())
        .mean()
        .unwrap_or(1.0)
        .ln()
}

/// The name of a stream of the network at this place among the scales.
fn of_scale(name: &str, place: usize) -> String {
    match place {
        0 => name.to_owned(),
        _ => format!("{name} {place}"),
    }
}

impl Discriminator for Mlp {
    fn fit(
        &mut self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
        round: FitContext,
    ) -> Result<(), FitError> {
        let spec = &self.spec;
        let frame = match self.learners.first() {
            Some(learner) => learner.frame,
            None => Standardiser::of(real, NAME)?,
        };
        let finest = match (spec.scales, self.learners.is_empty()) {
            (2.., true) => kernel::leave_one_out(real) / frame.scale,
            _ => self.finest,
        };
        let (mut learners, steps) = if self.learners.is_empty() || spec.start == Start::Cold {
            let weights = |place| round.stream.part(&of_scale("weights", place));
            let silent = (0..spec.scales).map(|place| self.silent(frame, weights(place)));
            (silent.collect(), spec.warm_up.max(spec.inner_steps))
        } else {
            (self.learners.clone(), spec.inner_steps)
        };
        let sigmas = self.deviations(finest, round.progress);
        let share = match sigmas[..] {
            [sigma] if sigma as f32 > WIDE_NOISE => 0.5,
            _ => 1.0,
        };
        let lesson = Lesson {
            spec,
            real,
            fake,
            round,
            rate: share * self.rate() * self.fall_at(round.progress),
        };
        let each = learners.par_iter_mut().zip(&mut self.workspaces);
        each.zip(&sigmas)
            .enumerate()
            .for_each(|(place, (pupil, sigma))| {
                lesson.teach(pupil, place, *sigma as f32, steps);
            });
        let checked = learners.into_iter();
        let checked = checked.map(|learner: Learner| learner.checked(NAME, self.rate()));
        let learners = checked.collect::<Result<Vec<_>, _>>()?;
        let paired = learners.iter().filter(|_| spec.loss.is_paired());
        self.levels = paired.map(|learner| level(learner, fake)).collect();
        self.learners = learners;
        self.progress = round.progress;
        self.finest = finest;
        Ok(())
    }

    fn loss_name(&self) -> Option<&'static str> {
        Some(self.spec.loss.name())
    }

    fn loss(&self, real: &[f64], fake: &[f64]) -> f64 {
        self.spec.loss.of_log_ratios(real, fake)
    }

    fn evaluate(&self, at: CloudView<'_>, into: &mut Ratio) {
        match &self.learners[..] {
            [] => *into = Ratio::zeros(at.nrows()),
            [learner] => {
                let level = self.level(0);
                learner.evaluate(at, into, |d| self.spec.loss.log_ratio(d - level));
            }
            learners => {
                let squares: Vec<f64> = self.squares().collect();
                let total: f64 = squares.iter().sum();
                let each = learners.par_iter().zip(&squares).enumerate();
                let each = each.map(|(place, (learner, square))| {
                    let mut ratio = Ratio::zeros(0);
                    let level = self.level(place);
                    learner.evaluate(at, &mut ratio, |d| {
                        let (value, slope) = self.spec.loss.log_ratio(d - level);
                        (square / total * value, square / total * slope)
                    });
                    ratio
                });
                *into = Ratio::zeros(at.nrows());
                for ratio in each.collect::<Vec<_>>() {
                    into.log += &ratio.log;
                    into.gradient += &ratio.gradient;
                }
            }
        }
    }

    fn kind(&self) -> Kind {
        if self.spec.loss.is_ratio() {
            Kind::LogRatio
        } else {
            Kind::Gradient
        }
    }

    fn step_rule(&self) -> StepRule {
        let scale = self.learners.first().map_or(1.0, |l| l.frame.scale);
        let fall = self.fall_at(self.progress);
        if self.spec.scales > 1 {
            return StepRule {
                step_size: fall * self.mean_square() * scale * scale,
                // No mean shift goes further than some of the widest scale.
                clip: Some(scale),
                scale: self.finest * scale,
            };
        }
        let noise = deviation(self.spec.noise, self.progress);
        StepRule {
            step_size: fall * self.spec.step_size.max(0.5 * noise * noise) * scale * scale,
            clip: Some(self.spec.clip.max(0.5 * noise) * scale),
            scale: self.spec.clip.max(noise) * scale,
        }
    }

    fn particle_noise(&self, progress: f64) -> f64 {
        let anneals = self.spec.noise == WordOr::Word(NoiseRule::Anneal);
        let asked = blind_noise(anneals, progress);
        if self.spec.scales > 1 && asked > 0.0 {
            // Three tenths of the finest scale a step.
            const SHARE: f64 = 0.3;
            return 0.5 * (SHARE * self.finest).powi(2) / self.mean_square();
        }
        asked
    }

    fn state(&self) -> Vec<f64> {
        learner::state(&[self.progress, self.finest], &self.learners)
    }

    fn load_state(&mut self, state: &[f64]) -> Result<(), FitError> {
        let loaded = learner::loaded(NAME, self.plan(), self.spec.scales, state)?;
        let (own, learners) = loaded.unwrap_or(([0.0, UNKNOWN], Vec::new()));
        ([self.progress, self.finest], self.learners) = (own, learners);
        Ok(())
    }
}

//! The engine: a cloud moves along the gradient of the estimated log ratio, which is refit at every step.

mod carry;
mod momentum;
mod noise;

use ndarray::Array2;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use carry::{Carried, CarryError};
pub use momentum::Momentum;

use crate::cloud::{self, Cloud, CloudView};
use crate::digits::three;
use crate::discriminator::{Discriminator, FitError, Pace, Ratio, Round};
use crate::generator::{Drive, Generator};
use crate::monotone::{Map, MapSpec, Monotone};
use crate::random::Stream;
use crate::setting::{Invalid, WordOr, at_least, positive, within};
use carry::Origin;
use momentum::Memory;

/// A particle this many times further from the middle than the data reach has run away.
const RUN_AWAY: f64 = 1e3;

/// How the cloud moves: `x ← x + ε h'(D(x)) ∇D(x)`, with `D` refit on the cloud first.
///
/// Su Jianlin, "GAN as a diffusion ODE" (2023), equation 6; Yi, Zhu and Liu, `MonoFlow`, ICML 2023.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FlowSpec {
    /// Number of steps.
    pub steps: usize,
    /// ε in squared units of the target, or `auto`: the discriminator's own rule divided by `h'(0)`.
    pub step_size: WordOr<f64, Auto>,
    /// Factor c on the automatic step size. For the kde discriminator ε = c h²; it oscillates from c = 2 on.
    pub step_ratio: f64,
    /// `euler` (one fit a step) or `heun` (second order, two fits a step).
    pub integrator: Integrator,
    /// The monotone map h: a name, `{ exp-power = a }`, or `{ table = [[u, slope], …] }`. Exponential maps are taken for u from −60 to 8 (neyman:
    /// −8 to 60), and at the nearest end of that beyond it; a run counts how often.
    pub h: MapSpec,
    /// C in `h(u + C)`.
    pub shift: f64,
    /// Longest displacement of a particle in one step, in the target's units; `auto`: what the
    /// discriminator asks for; `off`: no bound.
    pub clip: WordOr<f64, Clip>,
    /// What a particle remembers of its motion.
    pub momentum: Momentum,
    /// β in [0, 1), the share of its motion that a particle keeps from step to step.
    pub momentum_decay: f64,
    /// γ ≥ 0: each step adds `√(2γε) ξ`, ξ normal and fresh, after the clip. The cloud then diffuses by γ∇²q beside its flow:
    /// with γ = 1 and the exact score of the target in place of the log ratio's gradient
    /// (`discriminator.oracle.cloud = "none"`) it is Langevin dynamics.
    pub noise: f64,
    /// How many steps are made with a fit before the next: 1 fits at every step, 10 follows a D that is up to 9 steps old.
    pub refit_every: usize,
}

impl Default for FlowSpec {
    fn default() -> Self {
        Self {
            steps: 200,
            step_size: WordOr::Word(Auto::Auto),
            step_ratio: 1.0,
            integrator: Integrator::Euler,
            h: WordOr::Word(Map::Identity),
            shift: 0.0,
            clip: WordOr::Word(Clip::Auto),
            momentum: Momentum::None,
            momentum_decay: 0.8,
            noise: 0.0,
            refit_every: 1,
        }
    }
}

/// The word for "choose a number that suits".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Auto {
    /// Choose a number that suits.
    Auto,
}

/// Rules for the longest displacement in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Clip {
    /// What the discriminator asks for; half its length scale if h is not the identity.
    Auto,
    /// No bound.
    Off,
}

/// How the equation of motion is integrated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Integrator {
    /// `x ← x + ε v(x)`; error of order ε.
    #[default]
    Euler,
    /// The mean of the velocities before and after an Euler step, each with its own fit; error of order ε².
    Heun,
}

/// All that moves. With the settings, it determines the rest of the run.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Steps done.
    pub step: usize,
    /// Σ ε over the steps done, in squared units of the target.
    pub time: f64,
    /// The particles, `n×2`.
    pub cloud: Cloud,
    /// Σ of the root mean square displacement of each step: an upper bound of `W2(q_0, q_t)` for any pure flow.
    pub path_length: f64,
    /// Σ over the steps of the mean of `⟨x_{t+1} − x_t, ∇D(x_t)⟩`, which is `ε E‖v‖²` for Euler steps with h = identity: what
    /// the moves promise to take off `KL(q‖p)` to first order, in nats.
    pub dissipation: f64,
    /// Particles whose last displacement was shortened by the clip.
    pub clipped: usize,
    /// With a generator: mean ‖g(z) − moved‖² over mean ‖moved − x‖², how far the generator stayed from where the flow would
    /// have moved the cloud, relative to the move. `None` for a pure flow, before the first step, and where nothing moved.
    pub distillation_gap: Option<f64>,
    memory: Memory,
}

/// Why a flow ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// All steps were done.
    Complete,
    /// Somebody who watched asked for the end, for this reason.
    Stopped {
        /// Why, in a few words: `at the sampling floor`.
        reason: String,
    },
    /// The step after this one could not be taken; the state is the last good one.
    Diverged {
        /// Number of the step that failed.
        step: usize,
        /// What happened.
        cause: Divergence,
    },
}

impl Ending {
    /// A remark for pictures and tables; empty for a flow that ended as planned.
    #[must_use]
    pub fn note(&self) -> String {
        match self {
            Self::Complete => String::new(),
            Self::Stopped { reason } => format!("stopped: {reason}"),
            Self::Diverged { step, .. } => format!("diverged at step {step}"),
        }
    }
}

/// How a flow can fail. Such a run is a finding, not an error.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Divergence {
    /// A number was NaN or infinite.
    #[error("the {term} of particle {particle} is not a finite number")]
    NotFinite {
        /// Row of the cloud.
        particle: usize,
        /// Which number: `log ratio`, `velocity` or `position`.
        term: &'static str,
    },
    /// A particle left the neighbourhood of the data.
    #[error(
        "particle {particle} ran away to a distance of {far}, more than {RUN_AWAY} times the extent {wide} of target and source; lower flow.step_size or flow.step_ratio",
        far = three(*distance),
        wide = three(*extent)
    )]
    RunAway {
        /// Row of the cloud.
        particle: usize,
        /// Distance from the middle of the data, in the target's units.
        distance: f64,
        /// Half the diagonal of the box around target sample and first cloud.
        extent: f64,
    },
    /// The ratio could no longer be estimated.
    #[error("{0}")]
    Unfit(#[from] FitError),
}

/// The flow cannot begin.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FlowError {
    /// A setting is out of range.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The ratio cannot be estimated even for the first cloud.
    #[error(transparent)]
    Unfit(#[from] FitError),
}

/// The fitted ratio together with the map: the velocity field at any place.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    discriminator: &'a dyn Discriminator,
    map: &'a Monotone,
}

impl Field<'_> {
    /// `D` and `∇D` at the points `at` (`n×2`).
    pub fn ratio(&self, at: CloudView<'_>, into: &mut Ratio) {
        self.discriminator.evaluate(at, into);
    }

    /// Whether `D` estimates a log ratio; see [`Discriminator::is_log_ratio`].
    #[must_use]
    pub fn is_log_ratio(&self) -> bool {
        self.discriminator.is_log_ratio()
    }

    /// At how many points the map h takes another number in place of D; see [`Monotone::holds_back`].
    #[must_use]
    pub fn held_back(&self, ratio: &Ratio) -> usize {
        let log = ratio.log.iter();
        log.filter(|&&u| self.map.holds_back(u)).count()
    }

    /// The velocity `h'(D) ∇D` (`n×2`) at points where the ratio is known.
    #[must_use]
    pub fn velocity(&self, ratio: &Ratio) -> Cloud {
        let mut velocity = ratio.gradient.clone();
        if !self.map.is_identity() {
            for (mut row, &u) in velocity.rows_mut().into_iter().zip(&ratio.log) {
                let factor = self.map.slope(u);
                row.mapv_inplace(|v| factor * v);
            }
        }
        velocity
    }
}

impl Drive for Field<'_> {
    fn velocity(&self, at: CloudView<'_>) -> Cloud {
        let mut ratio = Ratio::zeros(at.nrows());
        self.ratio(at, &mut ratio);
        self.velocity(&ratio)
    }
}

/// One look at the flow: the cloud after `index` steps, with the ratio that was fitted to it.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// Steps done so far, from 0 (the first cloud) to the number of steps.
    pub index: usize,
    /// Number of steps that the run is to take.
    pub steps: usize,
    /// The state, with the cloud.
    pub state: &'a State,
    /// The first cloud, `n×2`.
    pub start: CloudView<'a>,
    /// `D` and `∇D` at the particles.
    pub ratio: &'a Ratio,
    /// Velocity of the particles, `n×2`.
    pub velocity: CloudView<'a>,
    /// ε of the step to come, in squared units of the target.
    pub step_size: f64,
    /// Length over which the fitted ratio is smooth, in the target's units.
    pub scale: f64,
    /// Root mean square distance of the particles from where they began.
    pub displacement: f64,
    /// The velocity field at any other place.
    pub field: Field<'a>,
    flow: &'a Flow,
}

/// A flow in progress. `while let Some(step) = flow.advance()? { … }` runs it to its end.
#[derive(Debug)]
pub struct Flow {
    spec: FlowSpec,
    map: Monotone,
    discriminator: Box<dyn Discriminator>,
    generator: Option<Generator>,
    real: Cloud,
    start: Cloud,
    fits: Stream,
    rounds: Stream,
    shocks: Stream,
    middle: [f64; 2],
    extent: f64,
    state: State,
    ratio: Ratio,
    velocity: Cloud,
    pace: Pace,
    origin: Option<Origin>,
    fitted: bool,
    ending: Option<Ending>,
}

impl Flow {
    /// A flow of the cloud `start` (`n×2`) towards the sample `real` (`m×2`), both non-empty and finite.
    ///
    /// # Errors
    /// [`Invalid`] for a setting out of range, under its key in the table `flow`.
    pub fn new(
        spec: FlowSpec,
        discriminator: Box<dyn Discriminator>,
        real: Cloud,
        start: Cloud,
        seed: u64,
    ) -> Result<Self, Invalid> {
        let map = spec.check()?;
        let [x, y] = joint_bounds(real.view(), start.view());
        let middle = [f64::midpoint(x[0], x[1]), f64::midpoint(y[0], y[1])];
        let extent = 0.5 * (x[1] - x[0]).hypot(y[1] - y[0]);
        Ok(Self {
            map,
            discriminator,
            generator: None,
            fits: Stream::new(seed, "fit"),
            rounds: Stream::new(seed, "generator"),
            shocks: Stream::new(seed, "noise"),
            middle,
            extent: extent.max(f64::MIN_POSITIVE),
            state: State {
                step: 0,
                time: 0.0,
                cloud: start.clone(),
                path_length: 0.0,
                dissipation: 0.0,
                clipped: 0,
                distillation_gap: None,
                memory: Memory::default(),
            },
            ratio: Ratio::zeros(start.nrows()),
            velocity: Cloud::zeros((start.nrows(), 2)),
            pace: Pace {
                step_size: 0.0,
                clip: None,
                scale: 0.0,
            },
            origin: None,
            fitted: false,
            ending: None,
            spec,
            real,
            start,
        })
    }

    /// The same flow with a generator stage: instead of the particles themselves, the generator's parameters move. Its drawn
    /// cloud must be the cloud that the flow begins with.
    ///
    /// # Errors
    /// [`Invalid`] if the integrator is not Euler's or there is momentum or noise, which have no meaning for parameters.
    pub fn with_generator(mut self, generator: Generator) -> Result<Self, Invalid> {
        let remedy =
            "a generator follows one velocity a step; set the default or take the generator away";
        if self.spec.integrator != Integrator::Euler {
            return Err(Invalid::new("integrator", "\"heun\"", remedy));
        }
        if self.spec.momentum != Momentum::None {
            return Err(Invalid::new("momentum", "not \"none\"", remedy));
        }
        if self.spec.noise > 0.0 {
            return Err(Invalid::new("noise", self.spec.noise, remedy));
        }
        debug_assert_eq!(generator.cloud(), self.start);
        self.generator = Some(generator);
        Ok(self)
    }

    /// The generator, if there is one.
    #[must_use]
    pub fn generator(&self) -> Option<&Generator> {
        self.generator.as_ref()
    }

    /// Goes on to the next cloud and fits the ratio to it. The first call gives the first cloud, not moved
    /// yet; `None` means that the flow has ended, and [`ending`](Self::ending) says why.
    ///
    /// # Errors
    /// [`FlowError::Unfit`] if the ratio cannot be estimated for the first cloud; later on that is an
    /// [`Ending`].
    pub fn advance(&mut self) -> Result<Option<Step<'_>>, FlowError> {
        if self.ending.is_some() {
            return Ok(None);
        }
        if self.fitted && self.state.step == self.spec.steps {
            self.ending = Some(Ending::Complete);
            return Ok(None);
        }
        let first = !self.fitted && self.state.step == 0;
        // Within the thread pool, which is entered once, not at every parallel loop.
        match rayon::scope(|_| self.go_on()) {
            Ok(()) => Ok(Some(self.last())),
            Err(Divergence::Unfit(error)) if first => Err(error.into()),
            Err(cause) => {
                let step = self.state.step + usize::from(self.fitted);
                self.ending = Some(Ending::Diverged { step, cause });
                Ok(None)
            }
        }
    }

    /// Why the flow ended; `None` while it goes on.
    #[must_use]
    pub fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    /// Ends the flow where it stands.
    pub fn stop(&mut self, reason: impl Into<String>) {
        self.ending.get_or_insert(Ending::Stopped {
            reason: reason.into(),
        });
    }

    /// The present state; after a divergence the last good one.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The target sample that the discriminator sees, `m×2`.
    #[must_use]
    pub fn real(&self) -> CloudView<'_> {
        self.real.view()
    }

    /// The last good step: the present cloud with its fit. Before the first call of
    /// [`advance`](Self::advance) ratio and velocity are zero.
    #[must_use]
    pub fn last(&self) -> Step<'_> {
        Step {
            index: self.state.step,
            steps: self.spec.steps,
            state: &self.state,
            start: self.start.view(),
            ratio: &self.ratio,
            velocity: self.velocity.view(),
            step_size: self.step_size(),
            scale: self.pace.scale,
            displacement: cloud::rms((&self.state.cloud - &self.start).view()),
            field: self.field(),
            flow: self,
        }
    }

    fn field(&self) -> Field<'_> {
        Field {
            discriminator: &*self.discriminator,
            map: &self.map,
        }
    }

    /// ε at the present pace.
    fn step_size(&self) -> f64 {
        match self.spec.step_size {
            WordOr::Value(epsilon) => epsilon,
            WordOr::Word(Auto::Auto) => {
                self.spec.step_ratio * self.pace.step_size / self.map.slope(0.0)
            }
        }
    }

    /// Longest displacement at the present pace.
    fn longest(&self) -> f64 {
        match self.spec.clip {
            WordOr::Value(longest) => longest,
            WordOr::Word(Clip::Off) => f64::INFINITY,
            WordOr::Word(Clip::Auto) => match self.pace.clip {
                Some(longest) => longest,
                None if self.map.is_identity() => f64::INFINITY,
                None => 0.5 * self.pace.scale,
            },
        }
    }

    /// Takes a step, unless there is no fit yet, and fits the ratio. The state changes only if both are good.
    fn go_on(&mut self) -> Result<(), Divergence> {
        if !self.fitted {
            return self.refit();
        }
        let generator = self.generator.as_ref().map(Generator::carry);
        let next = match self.step() {
            Ok(next) => next,
            Err(cause) => {
                self.take_back(generator.as_deref());
                return Err(cause);
            }
        };
        let before = std::mem::replace(&mut self.state, next);
        let refitted = self.refit();
        if refitted.is_err() {
            self.state = before;
            self.take_back(generator.as_deref());
        }
        refitted
    }

    /// Puts discriminator and generator back to where the present state has them, after a step that has failed midway.
    fn take_back(&mut self, generator: Option<&[f64]>) {
        if let (Some(now), Some(before)) = (&mut self.generator, generator) {
            let fits = now.restore(before);
            debug_assert!(fits, "it is what the generator itself gave");
        }
        let Some(origin) = &self.origin else {
            return;
        };
        // A fit that has succeeded does so again; one that cannot be repeated has nothing better to offer.
        let _ = origin.repeat(&mut *self.discriminator, self.real.view());
    }

    /// Fits the ratio to the present cloud, if its turn has come, and evaluates it there.
    fn refit(&mut self) -> Result<(), Divergence> {
        if self.fitted && !self.state.step.is_multiple_of(self.spec.refit_every) {
            (self.ratio, self.velocity) = self.velocity_at(self.state.cloud.view())?;
            return Ok(());
        }
        let round = self.round(self.state.step, 0);
        let origin = Origin::new(&*self.discriminator, &self.state.cloud, round);
        let cloud = std::mem::take(&mut self.state.cloud);
        let found = self.fit_at(cloud.view(), round);
        self.state.cloud = cloud;
        let (ratio, velocity) = found?;
        self.ratio = ratio;
        self.velocity = velocity;
        self.pace = self.discriminator.pace();
        self.origin = Some(origin);
        self.fitted = true;
        Ok(())
    }

    /// The round of the fit at time `step`; the methods of Heun and of Nesterov have two stages.
    fn round(&self, step: usize, stage: u64) -> Round {
        let index = 2 * step as u64 + stage;
        Round {
            index,
            progress: (step as f64 / self.spec.steps.max(1) as f64).min(1.0),
            stream: self.fits.at(index),
        }
    }

    /// Fits the ratio to a cloud; gives it and the velocity there.
    fn fit_at(&mut self, cloud: CloudView<'_>, round: Round) -> Result<(Ratio, Cloud), Divergence> {
        self.discriminator.fit(self.real.view(), cloud, round)?;
        self.velocity_at(cloud)
    }

    /// The velocity of a cloud that is only tried, at the time `step`. The ratio is fitted to it, unless fits are fewer than steps: the field
    /// of the present cloud knows nothing of where that one is.
    fn fit_ahead(&mut self, cloud: &Cloud, step: usize) -> Result<Cloud, Divergence> {
        let (_, velocity) = if self.spec.refit_every == 1 {
            self.fit_at(cloud.view(), self.round(step, 1))?
        } else {
            self.velocity_at(cloud.view())?
        };
        Ok(velocity)
    }

    /// The ratio and the velocity at `at`, both finite.
    fn velocity_at(&self, at: CloudView<'_>) -> Result<(Ratio, Cloud), Divergence> {
        let mut ratio = Ratio::zeros(at.nrows());
        let field = self.field();
        field.ratio(at, &mut ratio);
        let velocity = field.velocity(&ratio);
        if let Some(particle) = ratio.log.iter().position(|u| !u.is_finite()) {
            return Err(Divergence::NotFinite {
                particle,
                term: "log ratio",
            });
        }
        all_finite(&velocity, "velocity")?;
        Ok((ratio, velocity))
    }

    /// The state after one more step.
    fn step(&mut self) -> Result<State, Divergence> {
        let epsilon = self.step_size();
        let longest = self.longest();
        let beta = self.spec.momentum_decay;
        let momentum = self.spec.momentum;
        let mut memory = self.state.memory.clone();

        let mut elsewhere = None;
        if let Some(ahead) = momentum.look_ahead(beta, &memory) {
            let there = &self.state.cloud + &ahead;
            self.check_place(&there)?;
            elsewhere = Some(self.fit_ahead(&there, self.state.step)?);
        }
        if self.spec.integrator == Integrator::Heun {
            let before = elsewhere.unwrap_or_else(|| self.velocity.clone());
            let predicted = &self.state.cloud + &(&before * epsilon);
            self.check_place(&predicted)?;
            let after = self.fit_ahead(&predicted, self.state.step + 1)?;
            elsewhere = Some((before + after) * 0.5);
        }
        let velocity = elsewhere.as_ref().unwrap_or(&self.velocity);
        let mut moves = momentum.displace(velocity, epsilon, beta, &mut memory);
        let clipped = cloud::shorten(&mut moves, longest);
        if self.spec.noise > 0.0 {
            let deviation = (2.0 * self.spec.noise * epsilon).sqrt();
            noise::add(
                &mut moves,
                deviation,
                self.shocks.at(self.state.step as u64),
            );
        }
        let mut moved = &self.state.cloud + &moves;
        self.check_place(&moved)?;
        let mut distillation_gap = None;
        if let Some(mut generator) = self.generator.take() {
            let field = self.field();
            let stream = self.rounds.at(self.state.step as u64);
            generator.train(&field, epsilon, longest, stream);
            let drawn = generator.cloud();
            self.generator = Some(generator);
            let asked = cloud::rms(moves.view());
            let missed = cloud::rms((&drawn - &moved).view());
            distillation_gap = (asked > 0.0).then(|| (missed / asked).powi(2));
            self.check_place(&drawn)?;
            moved = drawn;
        }

        let displaced = &moved - &self.state.cloud;
        let promised = (&displaced * &self.ratio.gradient).sum() / displaced.nrows() as f64;
        Ok(State {
            step: self.state.step + 1,
            time: self.state.time + epsilon,
            path_length: self.state.path_length + cloud::rms(displaced.view()),
            dissipation: self.state.dissipation + promised,
            cloud: moved,
            clipped,
            distillation_gap,
            memory,
        })
    }

    /// Refuses particles that are nowhere or too far away.
    fn check_place(&self, cloud: &Cloud) -> Result<(), Divergence> {
        all_finite(cloud, "position")?;
        let furthest = RUN_AWAY * self.extent;
        for (particle, row) in cloud.rows().into_iter().enumerate() {
            let [x, y] = [0, 1].map(|axis| (row[axis] - self.middle[axis]).abs());
            // The sum bounds the distance, and takes a tenth of the time.
            if x + y > furthest && x.hypot(y) > furthest {
                let distance = x.hypot(y);
                return Err(Divergence::RunAway {
                    particle,
                    distance,
                    extent: self.extent,
                });
            }
        }
        Ok(())
    }
}

impl FlowSpec {
    /// Checks all settings and builds the map h.
    ///
    /// # Errors
    /// [`Invalid`] for a setting out of range.
    pub fn check(&self) -> Result<Monotone, Invalid> {
        if let WordOr::Value(epsilon) = self.step_size {
            positive("step_size", epsilon)?;
        }
        positive("step_ratio", self.step_ratio)?;
        if let WordOr::Value(longest) = self.clip {
            positive("clip", longest)?;
        }
        within("momentum_decay", self.momentum_decay, 0.0, 0.999_999)?;
        within("noise", self.noise, 0.0, 1e6)?;
        at_least("refit_every", self.refit_every, 1)?;
        let map = Monotone::new(&self.h, self.shift)?;
        if self.step_size == WordOr::Word(Auto::Auto) && map.slope(0.0) <= 0.0 {
            return Err(Invalid::new(
                "step_size",
                "\"auto\"",
                "the slope of h at log r = 0 is zero, so no step can be derived from it; give a number",
            ));
        }
        Ok(map)
    }

    /// What a user should be told about settings that are allowed but unwise; `kernel` says whether
    /// the step rule is that of a kernel discriminator.
    #[must_use]
    pub fn warnings(&self, kernel: bool) -> Vec<String> {
        let mut warnings = Vec::new();
        let automatic = self.step_size == WordOr::Word(Auto::Auto);
        if kernel && automatic && self.step_ratio >= 2.0 {
            warnings.push(format!(
                "flow.step_ratio = {} is at or beyond the stability limit of 2: the cloud will not come to rest",
                self.step_ratio
            ));
        }
        if !automatic && self.step_ratio != 1.0 {
            warnings.push(format!(
                "flow.step_ratio = {} has no effect, because flow.step_size is a number",
                self.step_ratio
            ));
        }
        warnings
    }
}

/// The box around both clouds.
fn joint_bounds(a: CloudView<'_>, b: CloudView<'_>) -> [[f64; 2]; 2] {
    let both = ndarray::concatenate![ndarray::Axis(0), a, b];
    cloud::bounds(both.view()).unwrap_or_default()
}

fn all_finite(rows: &Array2<f64>, term: &'static str) -> Result<(), Divergence> {
    let bad = rows
        .rows()
        .into_iter()
        .position(|row| !(row[0].is_finite() && row[1].is_finite()));
    bad.map_or(Ok(()), |particle| {
        Err(Divergence::NotFinite { particle, term })
    })
}

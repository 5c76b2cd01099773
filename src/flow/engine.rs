//! One step after another: fit, move, fit again.

use std::sync::Arc;

use ndarray::s;

use super::ending::Ending;
use super::field::Field;
use super::momentum::{Memory, Momentum};
use super::origin::Origin;
use super::part::Parts;
use super::pending::Pending;
use super::reaction::{Carrier, Reacted, ReactionSpec};
use super::room::Room;
use super::shown::Shown;
use super::spec::{Clip, FlowSpec, Integrator, Updates};
use super::state::State;
use crate::cloud::{self, Cloud, CloudView};
use crate::discriminator::{Discriminator, Ratio, StepRule};
use crate::generator::{FieldRule, Generator};
use crate::monotone::Monotone;
use crate::random::Stream;
use crate::setting::{Invalid, WordOr};
use crate::target::Target;

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
    /// With a generator that learns at every step: where the field moved the points in the step that led here, to which the generator was then fitted,
    /// `n×2`. Nothing before the first step that this flow takes itself, after a resume too.
    pub moved: Option<CloudView<'a>>,
    /// ε of the step to come, in squared units of the target.
    pub step_size: f64,
    /// Longest displacement of a particle in the step to come, in the target's units; infinite where there is no bound.
    pub longest: f64,
    /// Length over which the fitted ratio is smooth, in the target's units.
    pub scale: f64,
    /// Root mean square distance of the particles from where they began.
    pub displacement: f64,
    /// The velocity field at any other place.
    pub field: Field<'a>,
    pub(super) flow: &'a Flow,
}

/// A flow in progress. `while let Some(step) = flow.advance()? { … }` runs it to its end.
#[derive(Debug)]
pub struct Flow {
    pub(super) spec: FlowSpec,
    pub(super) map: Monotone,
    pub(super) discriminator: Box<dyn Discriminator>,
    pub(super) generator: Option<Generator>,
    pub(super) real: Cloud,
    /// What a fresh target sample is drawn from at each fit, if any is.
    pub(super) target: Option<Arc<dyn Target>>,
    pub(super) samples: Stream,
    pub(super) start: Cloud,
    pub(super) fits: Stream,
    pub(super) rounds: Stream,
    pub(super) shocks: Stream,
    pub(super) chance: Stream,
    pub(super) room: Room,
    /// Whether the points are those of the line; see [`within`](Self::within).
    pub(super) on_line: bool,
    pub(super) state: State,
    pub(super) ratio: Ratio,
    pub(super) velocity: Cloud,
    pub(super) step_rule: StepRule,
    pub(super) origin: Option<Origin>,
    pub(super) fitted: bool,
    pub(super) pending: Option<Pending>,
    pub(super) ending: Option<Ending>,
    /// The particles that are shown, where there are others.
    pub(super) shown: Option<Shown>,
    /// See [`Step::moved`].
    pub(super) moved: Option<Cloud>,
    pub(super) parts: Parts,
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
        if let Some(reaction) = &spec.reaction
            && !discriminator.is_log_ratio()
        {
            let remedy = "this discriminator's D is no log ratio, and does not say where mass is missing; choose another, such as kde, or take flow.reaction away";
            return Err(Invalid::new(
                "reaction.carrier",
                format!("{:?}", reaction.name()),
                remedy,
            ));
        }
        Ok(Self {
            map,
            discriminator,
            generator: None,
            target: None,
            samples: Stream::new(seed, "streamed"),
            fits: Stream::new(seed, "fit"),
            rounds: Stream::new(seed, "generator"),
            shocks: Stream::new(seed, "noise"),
            chance: Stream::new(seed, "reaction"),
            room: Room::around(real.view(), start.view()),
            on_line: false,
            state: State {
                step: 0,
                time: 0.0,
                cloud: start.clone(),
                path_length: 0.0,
                dissipation: 0.0,
                clipped: 0,
                distillation_gap: None,
                reaction: {
                    let none = |spec: &ReactionSpec| Reacted::none(&start, spec.carrier);
                    spec.reaction.as_ref().map(none)
                },
                memory: Memory::default(),
            },
            ratio: Ratio::zeros(start.nrows()),
            velocity: Cloud::zeros((start.nrows(), 2)),
            step_rule: StepRule {
                step_size: 0.0,
                clip: None,
                scale: 0.0,
            },
            origin: None,
            fitted: false,
            pending: None,
            ending: None,
            shown: None,
            moved: None,
            parts: Parts::default(),
            spec,
            real,
            start,
        })
    }

    /// The same flow with a generator stage: instead of the particles themselves, the generator's parameters move. Its drawn
    /// cloud must be the cloud that the flow begins with.
    ///
    /// # Errors
    /// [`Invalid`] if that is another cloud, or if the integrator is not Euler's or there is momentum or noise, which have no meaning for parameters, or
    /// a reaction that it cannot follow.
    pub fn with_generator(mut self, generator: Generator) -> Result<Self, Invalid> {
        let pairs = generator.is_of_pairs();
        let remedy = if pairs {
            "a pair is a latent point and where the flow takes it, so that the flow has to be a map; set the default or take the generator away"
        } else {
            "a generator follows one velocity a step; set the default or take the generator away"
        };
        if self.spec.integrator != Integrator::Euler && !pairs {
            return Err(Invalid::new("integrator", "\"heun\"", remedy));
        }
        if self.spec.momentum != Momentum::None && !pairs {
            return Err(Invalid::new("momentum", "not \"none\"", remedy));
        }
        if let WordOr::Value(noise) = self.spec.noise
            && noise > 0.0
        {
            return Err(Invalid::new("noise", noise, remedy));
        }
        if let Some(reaction) = &self.spec.reaction
            && pairs
        {
            let remedy = "who is born elsewhere tears the map from latent points to where they come to; take flow.reaction away, or choose another generator";
            return Err(Invalid::new(
                "reaction.carrier",
                format!("{:?}", reaction.name()),
                remedy,
            ));
        }
        if let Some(reaction) = &self.spec.reaction
            && !(generator.follows_aims() && reaction.carrier != Carrier::Weights)
        {
            let remedy = "a generator cannot be born again elsewhere: births can only move what a point is to come to, which takes generator.distill with field = \"cloud\" and latents = \"fixed\", and the carrier \"birth-death\" or \"poisson\"; set these, or take flow.reaction or the generator away";
            return Err(Invalid::new(
                "reaction.carrier",
                format!("{:?}", reaction.name()),
                remedy,
            ));
        }
        let fresh = generator.spec().training().field == FieldRule::Fresh;
        if fresh && self.spec.refit_every != 1 {
            let remedy = "the discriminator is fitted to fresh points in between (field = \"fresh\"); set 1, or field = \"cloud\"";
            return Err(Invalid::new("refit_every", self.spec.refit_every, remedy));
        }
        if fresh && self.spec.updates != Updates::Alternating {
            let remedy = "the discriminator is fitted to the present generator in between (field = \"fresh\"); set \"alternating\", or field = \"cloud\"";
            return Err(Invalid::new("updates", "\"simultaneous\"", remedy));
        }
        let drawn = s![..generator.cloud().nrows().min(self.start.nrows()), ..];
        if generator.cloud() != self.start.slice(drawn) || (self.shown.is_some() && !pairs) {
            return Err(Invalid::new(
                "generator",
                "another cloud",
                "its drawn cloud must be the one that the flow begins with",
            ));
        }
        self.generator = Some(generator);
        Ok(self)
    }

    /// The generator, if there is one.
    #[must_use]
    pub fn generator(&self) -> Option<&Generator> {
        self.generator.as_ref()
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
        self.shown
            .as_ref()
            .map_or(&self.state, |shown| &shown.state)
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
        let (state, start, ratio, velocity) = match &self.shown {
            Some(shown) => (&shown.state, &shown.start, &shown.ratio, &shown.velocity),
            None => (&self.state, &self.start, &self.ratio, &self.velocity),
        };
        let reaction = state.reaction.as_ref();
        let begun = reaction.map_or(start, |reaction| &reaction.begun);
        Step {
            index: state.step,
            steps: self.spec.steps,
            state,
            start: start.view(),
            ratio,
            velocity: velocity.view(),
            moved: self.moved.as_ref().map(|moved| moved.view()),
            step_size: self.step_size(),
            longest: self.longest(),
            scale: self.step_rule.scale,
            displacement: cloud::rms_between(state.cloud.view(), begun.view()),
            field: self.field(),
            flow: self,
        }
    }

    pub(super) fn field(&self) -> Field<'_> {
        Field {
            discriminator: &*self.discriminator,
            map: &self.map,
            on_line: self.on_line,
            covariance: self.covariance(),
        }
    }

    /// Longest displacement of the present fit.
    pub(super) fn longest(&self) -> f64 {
        match self.spec.clip {
            WordOr::Value(longest) => longest,
            WordOr::Word(Clip::Off) => f64::INFINITY,
            WordOr::Word(Clip::Auto) => match self.step_rule.clip {
                Some(longest) => longest,
                None if self.map.is_identity() => f64::INFINITY,
                None => 0.5 * self.step_rule.scale,
            },
        }
    }
}

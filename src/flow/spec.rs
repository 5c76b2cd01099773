//! The settings of a flow.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::momentum::Momentum;
use super::precondition::Precondition;
use super::reaction::{Carrier, ReactionSpec};
use crate::monotone::{Map, MapSpec, Monotone};
use crate::setting::{Auto, Invalid, WordOr, at_least, is_default, positive, within};

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
    /// `covariance` multiplies the velocity by the covariance of the cloud, and a `step_size` that is a number is then without unit; `none` does not.
    pub precondition: Precondition,
    /// Longest displacement of a particle in one step, in the target's units; `auto`: what the
    /// discriminator asks for; `off`: no bound.
    pub clip: WordOr<f64, Clip>,
    /// What a particle remembers of its motion.
    pub momentum: Momentum,
    /// β in [0, 1), the share of its motion that a particle keeps from step to step.
    pub momentum_decay: f64,
    /// γ ≥ 0: each step adds `√(2γε) ξ`, ξ normal and fresh, after the clip. The cloud then diffuses by γ∇²q beside its flow:
    /// with γ = 1 and the exact score of the target in place of the log ratio's gradient
    /// (`discriminator.oracle.cloud = "none"`) it is Langevin dynamics. `auto`: what the discriminator asks for while it sees less than the
    /// particles' own distances (`mlp`, `logistic`: 0.01); none with a generator, or with Heun's steps.
    pub noise: WordOr<f64, Auto>,
    /// Steps over which the bandwidth shrinks, from 1 to `steps`, in place of the estimator's own `anneal_until`, which is a part of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anneal_steps: Option<usize>,
    /// How many steps are made with a fit before the next: 1 fits at every step, 10 follows a D that is up to 9 steps old.
    pub refit_every: usize,
    /// Whether the discriminator is fitted to the cloud that moves next (`alternating`), or to the one before (`simultaneous`), as where both players of a GAN make their step at once.
    #[serde(skip_serializing_if = "is_default")]
    pub updates: Updates,
    /// Births and deaths beside the motion; none: the particles only move.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reaction: Option<ReactionSpec>,
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
            precondition: Precondition::None,
            clip: WordOr::Word(Clip::Auto),
            momentum: Momentum::None,
            momentum_decay: 0.8,
            noise: WordOr::Word(Auto::Auto),
            anneal_steps: None,
            refit_every: 1,
            updates: Updates::Alternating,
            reaction: None,
        }
    }
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
#[non_exhaustive]
pub enum Integrator {
    /// `x ← x + ε v(x)`; error of order ε.
    #[default]
    Euler,
    /// The mean of the velocities before and after an Euler step, each with its own fit; error of order ε².
    Heun,
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Updates {
    /// The discriminator answers the last move, then the cloud answers it.
    #[default]
    Alternating,
    /// Both answer what the other was before: D is one move late.
    Simultaneous,
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
        if let WordOr::Value(noise) = self.noise {
            within("noise", noise, 0.0, 1e6)?;
        }
        at_least("refit_every", self.refit_every, 1)?;
        if let Some(anneal) = self.anneal_steps
            && !(1..=self.steps).contains(&anneal)
        {
            let remedy = format!("must lie between 1 and flow.steps, {}", self.steps);
            return Err(Invalid::new("anneal_steps", anneal, remedy));
        }
        if let Some(reaction) = &self.reaction {
            reaction
                .check()
                .map_err(|invalid| invalid.under("reaction"))?;
            self.check_motion(reaction)?;
        }
        self.check_updates()?;
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

    /// Refuses motions that fit in between, or not at every step.
    fn check_updates(&self) -> Result<(), Invalid> {
        let other = if self.updates == Updates::Alternating {
            return Ok(());
        } else if self.integrator == Integrator::Heun {
            "flow.integrator = \"heun\", which fits where the cloud will be"
        } else if self.momentum == Momentum::Nesterov {
            "flow.momentum = \"nesterov\", which fits where the cloud will be"
        } else if self.refit_every != 1 {
            "flow.refit_every, which leaves D as it is for several moves"
        } else if self.reaction.is_some() {
            "flow.reaction, whose births are those of the present cloud"
        } else {
            return Ok(());
        };
        let remedy = format!("does not go with {other}; set \"alternating\", or take that away");
        Err(Invalid::new("updates", "\"simultaneous\"", remedy))
    }

    /// Refuses motions for which births and deaths have no meaning.
    fn check_motion(&self, reaction: &ReactionSpec) -> Result<(), Invalid> {
        let with = reaction.name();
        if self.momentum != Momentum::None {
            let remedy = format!(
                "with the reaction {with:?} a particle is born, and has no motion to remember; set \"none\", or take flow.reaction away"
            );
            return Err(Invalid::new("momentum", "not \"none\"", remedy));
        }
        if self.precondition != Precondition::None && reaction.carrier == Carrier::Weights {
            let remedy = format!(
                "the covariance is that of points of equal weights, and the reaction {with:?} keeps unequal ones; set \"none\", or another carrier"
            );
            return Err(Invalid::new("precondition", "\"covariance\"", remedy));
        }
        if self.integrator == Integrator::Heun {
            let remedy = format!(
                "the reaction {with:?} is of first order, and its cloud differs from the one that was tried; set \"euler\", or take flow.reaction away"
            );
            return Err(Invalid::new("integrator", "\"heun\"", remedy));
        }
        Ok(())
    }

    /// What a user should be told about settings that are allowed but unwise; `kernel` says whether
    /// the step rule is that of a kernel discriminator.
    #[must_use]
    pub fn warnings(&self, kernel: bool) -> Vec<String> {
        let mut warnings = self
            .reaction
            .as_ref()
            .map_or_else(Vec::new, ReactionSpec::warnings);
        let automatic = self.step_size == WordOr::Word(Auto::Auto);
        if kernel && automatic && self.step_ratio >= 2.0 {
            warnings.push(format!(
                "flow.step_ratio = {} is at or beyond the stability limit of 2: the cloud may never come to rest",
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

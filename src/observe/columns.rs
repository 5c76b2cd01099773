//! What is known of the flow itself at each measured step, without a look at a reference sample.

use crate::metric::{About, Effort, Grain, Ideal, Needs, Scale, Taken};

/// A column of the flow: it is read off, has no floor, and nothing is better or worse.
const fn column(
    name: &'static str,
    words: &'static str,
    measures: &'static str,
    axis: Option<Scale>,
) -> About {
    About {
        name,
        words,
        measures,
        sees: "",
        ideal: Ideal::Open,
        grain: Grain::Fine,
        axis,
        taken: Taken::Always,
        needs: Needs::Run,
        effort: Effort::Quick,
    }
}

const KL_DISCRIMINATOR: About = column(
    "kl_discriminator",
    "−mean D",
    "the discriminator's own estimate of KL(q‖p), biased by its smoothing; left empty where D is no log ratio",
    Some(Scale::Linear),
);
const SD_DISCRIMINATOR: About = column(
    "sd_discriminator",
    "sd of D",
    "standard deviation of D over the particles: 0 where a log ratio sees no difference, that of log p where an energy has been learned",
    None,
);
const SPEED: About = column(
    "speed",
    "rms speed",
    "of the particles in the last step; 0 at rest",
    Some(Scale::Log),
);
const STEP_SIZE: About = column(
    "step_size",
    "step size",
    "ε of the step to come, in squared units of the target",
    None,
);
const PATH_LENGTH: About = column(
    "path_length",
    "path length",
    "sum of the rms displacements of all steps, which bounds the rms displacement from above",
    None,
);
const DISPLACEMENT: About = column(
    "displacement",
    "rms displacement",
    "of the particles from their start, which bounds W₂(q₀, q) from above",
    None,
);
/// The exact W2 distance to the first cloud.
pub const W2_MOVED: About = column(
    "w2_moved",
    "W₂ from the first cloud",
    "exact W₂(q₀, q): how far the cloud had to move at least",
    None,
);
const DISSIPATION: About = column(
    "dissipation",
    "dissipation",
    "what the moves so far promised to take off KL(q‖p) to first order, in nats; left empty where D is no log ratio",
    None,
);
const KL_LOST: About = column(
    "kl_lost",
    "KL lost",
    "what is gone of KL(q‖p) since the first cloud, as well as it can be measured, in nats",
    None,
);
const CLIPPED: About = column(
    "clipped",
    "clipped moves",
    "displacements that the clip has shortened so far",
    None,
);

/// The columns of every flow, in their order.
pub const FLOW_COLUMNS: [&About; 10] = [
    &KL_DISCRIMINATOR,
    &SD_DISCRIMINATOR,
    &SPEED,
    &STEP_SIZE,
    &PATH_LENGTH,
    &DISPLACEMENT,
    &W2_MOVED,
    &DISSIPATION,
    &KL_LOST,
    &CLIPPED,
];

const DISTILLATION_GAP: About = column(
    "distillation_gap",
    "distillation gap",
    "mean squared distance from the generator's cloud to the moved points that it was to learn, over the mean squared length of those moves: 0 has learnt them, 1 is as good as not moving",
    Some(Scale::Log),
);

const DISTILLATION_ENERGY: About = column(
    "distillation_energy",
    "energy distance to the moved points",
    "from the generator's cloud to the moved points that it was to learn, both as sets: the floor is that of two independent samples of the target",
    Some(Scale::Log),
);
const LOSS_DISCRIMINATOR: About = column(
    "loss_discriminator",
    "loss of D",
    "what the fit of D makes small, at the cloud and the target sample, without noise and penalties: the loss of an mlp, E_q D − E_p D of wasserstein, and of any other log ratio the logistic one, which is 2 log 2 where D sees no difference",
    Some(Scale::Linear),
);
const LOSS_GENERATOR: About = column(
    "loss_generator",
    "−E h(D(g(z)))",
    "what an adversarial generator makes small; where D is refit at every step, that it stays says nothing",
    Some(Scale::Linear),
);
const JS: About = column(
    "js",
    "JS as D sees it",
    "the Jensen–Shannon divergence of cloud and target in nats by the discriminator, log 2 less half its logistic loss: below the true one but for chance, and 0 where D sees no difference",
    Some(Scale::Linear),
);
const KL_FORWARD: About = column(
    "kl_forward",
    "E_p D",
    "the discriminator's own estimate of KL(p‖q), biased by its smoothing; left empty where D is no log ratio",
    Some(Scale::Linear),
);

/// The columns that a flow with a generator has besides.
pub const GENERATOR_COLUMNS: [&About; 6] = [
    &DISTILLATION_GAP,
    &DISTILLATION_ENERGY,
    &LOSS_DISCRIMINATOR,
    &LOSS_GENERATOR,
    &JS,
    &KL_FORWARD,
];

/// What is read off the joint test at each measured step.
pub const OFF: About = column(
    "off",
    "measures off the floor",
    "how many measures tell the cloud from the target, all looked at together: at 0 none does",
    Some(Scale::Linear),
);

const BIRTHS: About = column(
    "births",
    "births",
    "particles born in the last step, where the cloud was too thin",
    Some(Scale::Linear),
);
const DEATHS: About = column(
    "deaths",
    "deaths",
    "particles that died in the last step, where the cloud was too dense",
    None,
);
const ESS: About = column(
    "ess",
    "effective sample size",
    "1/Σw² of the weights that the last step asked for: the number of particles where no mass is missing",
    Some(Scale::Linear),
);
const REACTION_DISSIPATION: About = column(
    "reaction_dissipation",
    "dissipation of the reaction",
    "what births and deaths so far promised to take off KL(q‖p), in nats",
    None,
);

/// The columns that a flow with a reaction has besides.
pub const REACTION_COLUMNS: [&About; 4] = [&BIRTHS, &DEATHS, &ESS, &REACTION_DISSIPATION];

/// The columns of any flow.
pub fn flow_columns() -> impl Iterator<Item = &'static About> {
    FLOW_COLUMNS
        .into_iter()
        .chain(GENERATOR_COLUMNS)
        .chain(REACTION_COLUMNS)
}

//! Training one generator on one loss, and what became of it.

use ratioflow::network::{Optimizer, OptimizerKind};
use ratioflow::random::Stream;
use ratioflow::target::Target;

use super::critic::Critic;
use super::{Affine, Cell, START, exact_ratio, gradient, latents, target};

/// Where log r comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Estimate {
    /// From the two densities.
    Exact,
    /// From a discriminator that makes one step of Adam, at this rate, for each step of the generator.
    Learned(f64),
}

/// How a generator is trained: by Adam with decay rates 0.9 and 0.999, on fresh latent points in each step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Settings {
    /// Where log r comes from.
    pub(crate) ratio: Estimate,
    /// Steps of the generator.
    pub(crate) steps: u64,
    /// Its learning rate.
    pub(crate) rate: f64,
    /// Latent points, and as many real ones, in each step.
    pub(crate) batch: usize,
}

/// How a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// `KL(q‖p)` fell below [`REACHED`](Self::REACHED).
    Reached,
    /// It ended between there and the start.
    Stalls,
    /// It ended above the start, or nowhere.
    Diverges,
}

impl Verdict {
    /// The most that `KL(q‖p)` may be, in nats, for a target that was reached: 1/50 of what it is at the start.
    pub(crate) const REACHED: f64 = 0.05;

    /// The verdict on a trained generator.
    pub(crate) fn of(generator: &Affine) -> Self {
        match generator.kl() {
            kl if kl <= Self::REACHED => Self::Reached,
            kl if kl <= START.kl() => Self::Stalls,
            _ => Self::Diverges,
        }
    }
}

/// Trains a generator from [`START`]. It ends early where a parameter is no finite number any more.
pub(crate) fn train(cell: &Cell, settings: &Settings, seed: u64) -> Affine {
    let target = target();
    let stream = |name| Stream::new(seed, name);
    let mut critic = match settings.ratio {
        Estimate::Exact => None,
        Estimate::Learned(rate) => Some(Critic::new(rate, stream("weights"))),
    };
    let mut optimizer = Optimizer::new(OptimizerKind::Adam, [0.9, 0.999], 6);
    let mut generator = START;
    for step in 0..settings.steps {
        let draw = |name| latents(settings.batch, stream(name).at(step));
        let z = draw("latent");
        let ratio = match &mut critic {
            None => exact_ratio(&target, &generator, z.view()),
            Some(critic) => {
                let real = target.sample(settings.batch, stream("target").at(step));
                critic.learn(real.view(), generator.apply(draw("fake").view()).view());
                critic.ratio(generator.apply(z.view()).view())
            }
        };
        let slopes = gradient(cell, &generator, &ratio, z.view());
        optimizer.step(settings.rate, &slopes, &mut generator.0);
        if generator.0.iter().any(|parameter| !parameter.is_finite()) {
            break;
        }
    }
    generator
}

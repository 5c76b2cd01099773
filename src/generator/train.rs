//! The training of a generator: K optimiser steps at each step of the flow.

use std::sync::Arc;

use super::batches::{Batches, Missed};
use super::exact::{ExactRatio, Loss};
use super::latent::Latent;
use super::model::{Affine, Mlp, Model};
use super::spec::{
    AffineWord, BetaRule, FieldRule, GeneratorSpec, Latents, Precision, TrainingSpec,
};
use super::units::Units;
use crate::cloud::{self, Cloud, CloudView};
use crate::discriminator::FitError;
use crate::network::Affinity;
use crate::random::Stream;
use crate::setting::{Invalid, WordOr};
use crate::target::Target;

/// What the generator climbs or follows: the velocity field of a discriminator.
pub trait Drive {
    /// `v = h'(D) ∇D` at the points `at` (`n×2`), `n×2`.
    fn velocity(&self, at: CloudView<'_>) -> Cloud;

    /// The factor on `∇D` at places where D is `u`, for a loss that is made small: `h'(u)`, or `−r f'(r)` of the divergence that h belongs to. Of a drive that
    /// does not say, h is the identity.
    fn factor(&self, _loss: Loss, _u: f64) -> f64 {
        1.0
    }

    /// `−∇` of the loss at the points `at` (`n×2`), with D held still, `n×2`: the velocity itself for the usual loss.
    fn climb(&self, _loss: Loss, at: CloudView<'_>) -> Cloud {
        self.velocity(at)
    }

    /// Fits the discriminator to points of the target (`real`, `m×2`) and of the cloud (`fake`, `n×2`); `fit` counts the fits of a round. A
    /// field that is frozen stays as it is.
    ///
    /// # Errors
    /// [`FitError`] of the discriminator.
    fn refit(
        &mut self,
        _real: CloudView<'_>,
        _fake: CloudView<'_>,
        _fit: u64,
    ) -> Result<(), FitError> {
        Ok(())
    }
}

/// When and how far a round of training goes.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// ε, in squared units of the target.
    pub step_size: f64,
    /// Bound on the displacement that `distill` aims at, as the flow's clip.
    pub longest: f64,
    /// The part of the run, in [0, 1], that lies behind before and after the round.
    pub progress: [f64; 2],
    /// Randomness for this round alone.
    pub stream: Stream,
}

/// Optimiser steps between two looks at which pairs are missed.
const LOOK: usize = 64;

impl GeneratorSpec {
    /// A generator whose drawn cloud is that of `latents`, or, where it has latent points of its own, of as many of those; its `units` are those between source
    /// and target. At first it gives exactly `latents` (`n×2`), unless it [begins elsewhere](Self::begins_elsewhere). Fresh latent points are drawn from
    /// the source, or their own law, fresh points of the target from the target; the first weights come from `stream`.
    ///
    /// # Errors
    /// As [`check`](Self::check); and if the network can give no displacement of its latent points.
    pub fn build(
        &self,
        latents: Cloud,
        between: [Arc<dyn Target>; 2],
        units: Units,
        stream: Stream,
    ) -> Result<Generator, Invalid> {
        self.build_from(None, latents, between, units, stream)
    }

    /// The same with the parameters and units of one that was `trained`, if there is one, in place of the first weights and `units`.
    ///
    /// # Errors
    /// As [`build`](Self::build); and if its layers have other widths.
    pub fn build_from(
        &self,
        trained: Option<&Trained>,
        latents: Cloud,
        [source, target]: [Arc<dyn Target>; 2],
        units: Units,
        stream: Stream,
    ) -> Result<Generator, Invalid> {
        self.check()?;
        let spec = &*self.training();
        let latent = spec.latent.map_or(Latent::Source(source), Latent::Own);
        let inputs = latent.dimension();
        if spec.residual && inputs < units.dimension {
            let remedy = "a point of fewer coordinates than the space cannot be displaced in it; give 2 or more, or set residual = false";
            let invalid = Invalid::new("latent.dimension", inputs, remedy);
            return Err(invalid.under(self.name()));
        }
        if let (Some(rule), Latent::Source(source)) = (spec.ratio, &latent) {
            let known =
                |side: &dyn Target| side.dimension() == 2 && side.score(latents.view()).is_some();
            if !(known(&**source) && known(&*target)) {
                let remedy = "the densities of source and target must be known in the plane; choose Gaussians or mixtures of them for both, or take `ratio` away";
                return Err(Invalid::new("ratio", rule, remedy).under(self.name()));
            }
        }
        let units = match trained {
            Some(trained) => trained.units,
            None => units.suited(spec.latent.is_some(), spec.residual),
        };
        let mut model: Box<dyn Model> = match (&spec.network, spec.precision) {
            (WordOr::Word(AffineWord::Affine), _) => Box::new(Affine::new(units, spec)),
            (WordOr::Value(hidden), Precision::F32) => {
                Box::new(Mlp::<f32>::new(inputs, hidden, units, spec, stream))
            }
            (WordOr::Value(hidden), Precision::F64) => {
                Box::new(Mlp::<f64>::new(inputs, hidden, units, spec, stream))
            }
        };
        if let Some(trained) = trained
            && !model.set_layers(&trained.layers)
        {
            let from = spec.from.clone().unwrap_or_default();
            let remedy = format!(
                "its layers are {}, and those of this generator {}; give the same `network` and `latent`",
                widths(&trained.layers),
                widths(&model.layers())
            );
            return Err(Invalid::new("from", from, remedy).under(self.name()));
        }
        let latents = match &latent {
            Latent::Source(_) => latents,
            own @ Latent::Own(_) => own.sample(latents.nrows(), stream.part("latents")),
        };
        Ok(Generator {
            spec: self.clone(),
            model,
            latents,
            latent,
            target,
            units,
        })
    }

    /// Whether the first cloud is what the network gives, and not the points of the source.
    #[must_use]
    pub fn begins_elsewhere(&self) -> bool {
        let spec = self.training();
        spec.latent.is_some() || !spec.residual || spec.from.is_some()
    }
}

/// Widths from the input to the output, such as `2-128-2`.
fn widths(layers: &[Affinity]) -> String {
    let inputs = layers.first().map(|(weights, _)| weights.ncols());
    let outputs = layers.iter().map(|(weights, _)| weights.nrows());
    let all: Vec<String> = inputs
        .into_iter()
        .chain(outputs)
        .map(|n| n.to_string())
        .collect();
    all.join("-")
}

/// What a generator has learned: its layers, and the units in which they are to be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// See [`Generator::layers`].
    pub layers: Vec<Affinity>,
    /// See [`Generator::units`].
    pub units: Units,
}

#[cfg(not(feature = "record"))]
impl Trained {
    /// Files of arrays are read by the feature `record`.
    pub(crate) fn parse(_: Vec<u8>, _: usize) -> Result<Self, String> {
        Err("this build reads no files of arrays".to_owned())
    }
}

/// A generator in training.
#[derive(Debug)]
pub struct Generator {
    spec: GeneratorSpec,
    model: Box<dyn Model>,
    /// Latent points of the drawn cloud: a particle keeps its own.
    latents: Cloud,
    latent: Latent,
    target: Arc<dyn Target>,
    units: Units,
}

impl Generator {
    /// How it is trained.
    #[must_use]
    pub fn spec(&self) -> &GeneratorSpec {
        &self.spec
    }

    /// Whether its parameters are numbers of single precision: those of a network may be, those of an affine map never are.
    #[must_use]
    pub fn is_single(&self) -> bool {
        let spec = self.spec.training();
        spec.precision == Precision::F32 && matches!(spec.network, WordOr::Value(_))
    }

    /// The drawn cloud `g_θ(z)`, `n×2`.
    #[must_use]
    pub fn cloud(&self) -> Cloud {
        self.model.apply(self.latents.view())
    }

    /// `g_θ` at other latent points (`m×i`), as many coordinates each as [`latent_dimension`](Self::latent_dimension) says.
    #[must_use]
    pub fn apply(&self, z: CloudView<'_>) -> Cloud {
        self.model.apply(z)
    }

    /// The parameters θ in one list: the network's own; for the affine generator `m₁, m₂, S₁₁, S₁₂, S₂₁, S₂₂` of `g(z) = m + S z`.
    #[must_use]
    pub fn parameters(&self) -> Vec<f64> {
        self.model.parameters()
    }

    /// One round: K optimiser steps with the field of `drive`, which is frozen, or fitted anew as `field` says.
    ///
    /// # Errors
    /// [`FitError`] where a fit to fresh points fails; the generator is then somewhere between.
    pub fn train(&mut self, drive: &mut dyn Drive, round: &Round) -> Result<(), FitError> {
        self.train_towards(None, drive, round)
    }

    /// The same, but that the points of the drawn cloud are to come to `aim`, row by row, where that is given: for `distill` with the field of the cloud and its own
    /// latent points.
    ///
    /// # Errors
    /// As [`train`](Self::train).
    pub fn train_towards(
        &mut self,
        aim: Option<&Cloud>,
        drive: &mut dyn Drive,
        round: &Round,
    ) -> Result<(), FitError> {
        let spec = self.spec.training().into_owned();
        let fresh = spec.field == FieldRule::Fresh;
        let most = if fresh {
            TrainingSpec::SLICES
        } else {
            spec.inner_steps
        };
        let mut done = 0;
        for part in 0.. {
            let steps = most.min(spec.inner_steps - done);
            if steps == 0 {
                break;
            }
            let mut batches = if fresh {
                self.fresh(&spec, steps, drive, round, part)?
            } else {
                self.drawn(&spec, aim, drive, round)
            };
            for step in 0..steps {
                let [from, to] = round.progress;
                let along = (done + step) as f64 / spec.inner_steps as f64;
                let decayed = spec.learning_rate_decay.factor(from + along * (to - from));
                self.step(
                    &spec,
                    drive,
                    round,
                    batches.next(),
                    spec.learning_rate * decayed,
                );
            }
            done += steps;
        }
        Ok(())
    }

    /// Fits the map to pairs of latent points `z` and where these are to come to (`aim`), both `n×2`, the rate falling along half a cosine from the first step
    /// to the last. A minibatch has those pairs more often that are missed most, and counts them less in turn.
    pub fn fit_pairs(&mut self, z: CloudView<'_>, aim: CloudView<'_>, stream: Stream) {
        let spec = self.spec.training().into_owned();
        let mut pairs = Missed::new([z, aim], spec.rows(z.nrows()), stream);
        for step in 0..spec.inner_steps {
            if step % LOOK == 0 {
                pairs.look(&self.model.present(z));
            }
            let along = step as f64 / spec.inner_steps as f64;
            let decayed = spec.learning_rate_decay.factor(f64::midpoint(1.0, along));
            let ([z, aim], weights) = pairs.next();
            self.model
                .approach(z, aim, weights, spec.learning_rate * decayed);
            if spec.average > 0.0 {
                // At first an average of the few steps that there were: not of the identity.
                let young = (step + 1) as f64 / (step + 10) as f64;
                self.model.average(spec.average.min(young));
            }
        }
    }

    /// Whether it learns once, from where the particles of the flow came to, and not at each step.
    #[must_use]
    pub fn is_of_pairs(&self) -> bool {
        self.spec.is_of_pairs()
    }

    /// Minibatches, drawn with replacement, of as many latent points as there are particles, or of theirs.
    fn drawn(
        &self,
        spec: &TrainingSpec,
        aim: Option<&Cloud>,
        drive: &dyn Drive,
        round: &Round,
    ) -> Batches {
        let stream = round.stream;
        let pool = match spec.latents {
            Latents::Fixed => self.latents.clone(),
            Latents::Fresh => self
                .latent
                .sample(self.latents.nrows(), stream.part("latent")),
        };
        let other = match aim {
            Some(aim) => self.aimed(&pool, aim.clone()),
            None => self.other(&pool, drive, round),
        };
        Batches::random(spec, [pool, other], stream)
    }

    /// Slices, one after another, of fresh latent points, after the discriminator was fitted to the images of others.
    fn fresh(
        &self,
        spec: &TrainingSpec,
        steps: usize,
        drive: &mut dyn Drive,
        round: &Round,
        part: u64,
    ) -> Result<Batches, FitError> {
        let rows = spec.rows(self.latents.nrows());
        let stream = |name: &str| round.stream.part(&format!("{name} {part}"));
        let latents = |name: &str| self.latent.sample(rows * steps, stream(name));
        let fake = self.model.present(latents("fake").view());
        let real = self.target.sample(rows * steps, stream("real"));
        drive.refit(real.view(), fake.view(), part)?;
        let pool = latents("latent");
        let other = self.other(&pool, drive, round);
        Ok(Batches::in_turn([pool, other], rows))
    }

    /// What belongs to the latent points `z` (`n×2`): where their images should go, or, for those that climb, where they were.
    fn other(&self, z: &Cloud, drive: &dyn Drive, round: &Round) -> Cloud {
        let before = self.model.present(z.view());
        if !self.distils() {
            return before;
        }
        // Distillation asks the field once; the others follow it as they move.
        let mut moves = drive.velocity(before.view()) * round.step_size;
        cloud::shorten(&mut moves, round.longest);
        self.aimed(z, before + moves)
    }

    /// What the latent points `z` aim at that are to come to `moved`, both a row each: that, or a part of the way to it from the running average.
    fn aimed(&self, z: &Cloud, moved: Cloud) -> Cloud {
        match self.spec.training().towards_average {
            Some(gain) => {
                let mean = self.model.apply(z.view());
                let correction = (moved - &mean) * gain;
                mean + correction
            }
            None => moved,
        }
    }

    /// Whether each point of the drawn cloud can be given an aim of its own: `distill`, with the field of the cloud and the same latent points at each step.
    #[must_use]
    pub fn follows_aims(&self) -> bool {
        let spec = self.spec.training();
        self.distils() && spec.field == FieldRule::Cloud && spec.latents == Latents::Fixed
    }

    fn distils(&self) -> bool {
        matches!(self.spec, GeneratorSpec::Distill(_))
    }

    /// One optimiser step.
    fn step(
        &mut self,
        spec: &TrainingSpec,
        drive: &dyn Drive,
        round: &Round,
        [z, other]: [CloudView<'_>; 2],
        rate: f64,
    ) {
        if self.distils() {
            self.model.approach(z, other, &[], rate);
        } else {
            let pull = match (&self.spec, spec.beta) {
                (GeneratorSpec::Inherit(_), WordOr::Value(beta)) => beta,
                (GeneratorSpec::Inherit(_), WordOr::Word(BetaRule::Auto)) => 0.5 / round.step_size,
                _ => 0.0,
            };
            let n = z.nrows() as f64;
            let x = self.model.present(z);
            let climb = self
                .exact_climb(spec, drive, z, x.view())
                .unwrap_or_else(|| drive.climb(spec.loss, x.view()));
            let slopes = if pull > 0.0 {
                ((x - other) * (2.0 * pull) - climb) / n
            } else {
                climb / -n
            };
            self.model.descend(z, &slopes, rate);
        }
        if spec.average > 0.0 {
            self.model.average(spec.average);
        }
    }

    /// Where the images `x` of `z` (both `n×2`) climb by the exact ratio, if the settings ask for it.
    fn exact_climb(
        &self,
        spec: &TrainingSpec,
        drive: &dyn Drive,
        z: CloudView<'_>,
        x: CloudView<'_>,
    ) -> Option<Cloud> {
        let (rule, Latent::Source(source)) = (spec.ratio?, &self.latent) else {
            return None;
        };
        let ratio = ExactRatio {
            source: &**source,
            target: &*self.target,
            matrix: self.model.matrix()?,
        };
        ratio.climb(rule, |u| drive.factor(spec.loss, u), z, x)
    }

    /// What takes a latent point `z`, standardised as `(z − c)/a`, to `(g(z) − b − k z)/s`, in the generator's units: layers, with the
    /// activation between two of them. An affine generator is a single layer.
    #[must_use]
    pub fn layers(&self) -> Vec<Affinity> {
        self.model.layers()
    }

    /// Takes up what [`layers`](Self::layers) gave; `false`, and nothing done, if they are of other shapes.
    pub fn set_layers(&mut self, layers: &[Affinity]) -> bool {
        self.model.set_layers(layers)
    }

    /// The dimension of the space that its points are in.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.target.dimension()
    }

    /// Coordinates of a latent point: 2 where those are points of the source, also on the line, whose second is nothing.
    #[must_use]
    pub fn latent_dimension(&self) -> usize {
        self.latent.dimension()
    }

    /// The units in which it learns.
    #[must_use]
    pub fn units(&self) -> Units {
        self.units
    }

    /// `count` fresh latent points, a row each.
    #[must_use]
    pub fn latent_sample(&self, count: usize, stream: Stream) -> Cloud {
        self.latent.sample(count, stream)
    }

    /// `g(z)` of `count` fresh latent points: `count×2`.
    #[must_use]
    pub fn sample(&self, count: usize, stream: Stream) -> Cloud {
        self.model.apply(self.latent_sample(count, stream).view())
    }

    /// Parameters and optimiser memory, as plain numbers, so that a run can be gone on with.
    #[must_use]
    pub fn state(&self) -> Vec<f64> {
        self.model.state()
    }

    /// Takes up what [`state`](Self::state) gave; `false`, and nothing done, if it is not of this generator's shape.
    #[must_use]
    pub fn load_state(&mut self, state: &[f64]) -> bool {
        self.model.load_state(state)
    }
}

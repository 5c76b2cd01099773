//! A round of training of the generator at a step of the flow.

use ndarray::s;

use super::ending::Failure;
use super::engine::Flow;
use super::stage::Stage;
use crate::cloud::{self, Cloud};
use crate::discriminator::{FitContext, FitError};
use crate::generator::{Generator, Round};

impl Flow {
    /// A round of training of the generator at the present step, towards `aim` or where the field leads.
    pub(super) fn train(
        &mut self,
        generator: &mut Generator,
        aim: Option<&Cloud>,
        step_size: f64,
        longest: f64,
    ) -> Result<(), FitError> {
        let [now, next] = [0, 1].map(|later| self.round(self.state.step + later, 0));
        let stream = self.rounds.at(self.state.step as u64);
        let covariance = self.covariance();
        let mut stage = Stage {
            discriminator: &mut *self.discriminator,
            map: &self.map,
            on_line: self.on_line,
            covariance,
            round: FitContext {
                index: now.index + 1,
                stream,
                ..now
            },
        };
        let round = Round {
            step_size,
            longest,
            progress: [now.progress, next.progress],
            stream,
        };
        generator.train_towards(aim, &mut stage, &round)
    }

    /// At the last step, fits a generator of pairs to where the particles came from and went to, and puts its images in the place of these (`moved`, `n×2`).
    /// Gives the mean squared distance between the two over that of the way.
    pub(super) fn fit_pairs(&mut self, moved: &mut Cloud) -> Option<f64> {
        if self.state.step + 1 != self.spec.steps {
            return None;
        }
        let generator = self.generator.as_mut()?;
        // The drawn cloud stays one of latent points that are no part of a pair.
        let first = self.shown.as_ref().map_or(0, |shown| shown.start.nrows());
        let beside = s![first.., ..];
        let stream = self.rounds.at(self.state.step as u64);
        generator.fit_pairs(self.start.slice(beside), moved.slice(beside), stream);
        let drawn = generator.apply(self.start.view());
        let asked = cloud::rms((&*moved - &self.start).view());
        let missed = cloud::rms((&drawn - &*moved).view());
        *moved = drawn;
        (asked > 0.0).then(|| (missed / asked).powi(2))
    }

    /// Refuses what the generator has drawn, if it is nowhere or too far away.
    pub(super) fn check_drawn(&self, drawn: &Cloud) -> Result<(), Failure> {
        self.room
            .check(drawn)
            .map_err(|failure| match (failure.particle(), &self.generator) {
                (Some(particle), Some(generator)) => Failure::Lost {
                    particle,
                    objective: generator.spec().name(),
                },
                _ => failure,
            })
    }
}

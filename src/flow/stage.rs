//! The discriminator as a generator in training has it: frozen, or fitted to fresh points.

use std::sync::Arc;

use super::engine::Flow;
use super::field::Field;
use crate::cloud::{Cloud, CloudView};
use crate::discriminator::{Discriminator, FitContext, FitError};
use crate::generator::{Drive, Generator, Round};
use crate::monotone::Monotone;
use crate::target::Target;

/// The discriminator for the length of a round of training.
struct Stage<'a> {
    discriminator: &'a mut dyn Discriminator,
    map: &'a Monotone,
    /// When the round is; its stream gives those of the fits.
    round: FitContext,
}

impl Drive for Stage<'_> {
    fn velocity(&self, at: CloudView<'_>) -> Cloud {
        let field = Field {
            discriminator: self.discriminator,
            map: self.map,
        };
        field.velocity_at(at)
    }

    fn refit(
        &mut self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
        fit: u64,
    ) -> Result<(), FitError> {
        let round = FitContext {
            stream: self.round.stream.part(&format!("fit {fit}")),
            ..self.round
        };
        self.discriminator.fit(real, fake, round)
    }
}

impl Flow {
    /// The same flow with a fresh sample of `target`, as large as the first, at each fit.
    #[must_use]
    pub fn with_stream(mut self, target: Arc<dyn Target>) -> Self {
        self.target = Some(target);
        self
    }

    /// The target sample of a fit.
    pub(super) fn real_at(&self, round: FitContext) -> Cloud {
        match &self.target {
            Some(target) => target.sample(self.real.nrows(), self.samples.at(round.index)),
            None => self.real.clone(),
        }
    }

    /// A round of training of the generator at the present step.
    pub(super) fn train(
        &mut self,
        generator: &mut Generator,
        step_size: f64,
        longest: f64,
    ) -> Result<(), FitError> {
        let [now, next] = [0, 1].map(|later| self.round(self.state.step + later, 0));
        let stream = self.rounds.at(self.state.step as u64);
        let mut stage = Stage {
            discriminator: &mut *self.discriminator,
            map: &self.map,
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
        generator.train(&mut stage, &round)
    }
}

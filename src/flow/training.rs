//! A round of training of the generator at a step of the flow.

use super::engine::Flow;
use super::stage::Stage;
use crate::cloud::Cloud;
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
}

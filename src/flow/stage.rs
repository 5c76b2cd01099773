//! The discriminator as a generator in training has it: frozen, or fitted to fresh points.

use std::sync::Arc;

use super::engine::Flow;
use super::field::Field;
use super::part::{Part, Parts};
use super::precondition::Covariance;
use crate::cloud::{Cloud, CloudView};
use crate::discriminator::{Discriminator, FitContext, FitError, Ratio};
use crate::generator::{Drive, Loss};
use crate::monotone::Monotone;
use crate::target::Target;

/// The discriminator for the length of a round of training.
pub(super) struct Stage<'a> {
    pub(super) discriminator: &'a mut dyn Discriminator,
    pub(super) map: &'a Monotone,
    pub(super) on_line: bool,
    pub(super) covariance: Option<Covariance>,
    /// When the round is; its stream gives those of the fits.
    pub(super) round: FitContext,
}

impl Stage<'_> {
    fn field(&self) -> Field<'_> {
        Field {
            discriminator: self.discriminator,
            map: self.map,
            on_line: self.on_line,
            covariance: self.covariance,
        }
    }
}

impl Drive for Stage<'_> {
    fn velocity(&self, at: CloudView<'_>) -> Cloud {
        self.climb(Loss::H, at)
    }

    fn factor(&self, loss: Loss, u: f64) -> f64 {
        self.field().factor(loss, u)
    }

    fn climb(&self, loss: Loss, at: CloudView<'_>) -> Cloud {
        let (field, mut ratio) = (self.field(), Ratio::zeros(at.nrows()));
        field.ratio(at, &mut ratio);
        field.downhill(loss, &ratio)
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

    /// The same flow, not begun, in a space of this dimension: 2, or 1 for points of the line, whose second coordinate stays what it is.
    #[must_use]
    pub fn within(mut self, dimension: usize) -> Self {
        self.on_line = dimension == 1;
        self
    }

    /// The same flow, which says what part of a step begins, and `None` when the step is done, such as to a clock: the engine has none.
    #[must_use]
    pub fn telling(mut self, told: impl FnMut(Option<Part>) + Send + Sync + 'static) -> Self {
        self.parts = Parts::told(told);
        self
    }

    /// Takes up the target sample of a fit, where each has its own.
    pub(super) fn renew(&mut self, round: FitContext) {
        if let Some(target) = &self.target {
            self.real = target.sample(self.real.nrows(), self.samples.at(round.index));
        }
    }
}

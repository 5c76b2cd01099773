//! What a fit began with.

use crate::cloud::{Cloud, CloudView};
use crate::discriminator::{Discriminator, FitContext, FitError};

/// What the present fit began with. A fit is repeated rather than kept: it follows from this and the samples.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// What the discriminator carried over into the fit.
    pub(super) state: Vec<f64>,
    /// The cloud that it was fitted to, `n×2`.
    pub(super) cloud: Cloud,
    /// When.
    pub(super) round: FitContext,
}

impl Origin {
    pub(super) fn new(discriminator: &dyn Discriminator, cloud: &Cloud, round: FitContext) -> Self {
        Self {
            state: discriminator.state(),
            cloud: cloud.clone(),
            round,
        }
    }

    /// Fits `discriminator` to the target sample `real` again, as it was fitted then.
    pub(super) fn repeat(
        &self,
        discriminator: &mut dyn Discriminator,
        real: CloudView<'_>,
    ) -> Result<(), FitError> {
        discriminator.load_state(&self.state)?;
        discriminator.fit(real, self.cloud.view(), self.round)
    }
}

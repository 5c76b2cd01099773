//! What a fit began with.

use crate::cloud::{self, Cloud, CloudView};
use crate::discriminator::{Discriminator, FitContext, FitError};
use crate::kernel::resample;

/// What the present fit began with. A fit is repeated rather than kept: it follows from this and the samples.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// What the discriminator carried over into the fit.
    pub(super) state: Vec<f64>,
    /// The cloud that it was fitted to, `n×2`.
    pub(super) cloud: Cloud,
    /// N times the weights of its points; empty where they are equal.
    pub(super) shares: Vec<f64>,
    /// When.
    pub(super) round: FitContext,
}

impl Origin {
    /// An estimator that takes no weights sees a resample.
    pub(super) fn new(
        discriminator: &dyn Discriminator,
        cloud: &Cloud,
        shares: &[f64],
        round: FitContext,
    ) -> Self {
        let (cloud, shares) = if shares.is_empty() || discriminator.bears_weights() {
            (cloud::mapped(cloud.view(), |v| v), shares.to_vec())
        } else {
            (resample(cloud.view(), shares), Vec::new())
        };
        Self {
            state: discriminator.state(),
            cloud,
            shares,
            round,
        }
    }

    /// Fits `discriminator`, as it is, to the target sample `real` and to the cloud.
    pub(super) fn fit(
        &self,
        discriminator: &mut dyn Discriminator,
        real: CloudView<'_>,
    ) -> Result<(), FitError> {
        discriminator.fit(real, self.cloud.view(), self.round)?;
        if !self.shares.is_empty() {
            discriminator.weigh(&self.shares);
        }
        Ok(())
    }

    /// Fits `discriminator` to the target sample `real` again, as it was fitted then.
    pub(super) fn repeat(
        &self,
        discriminator: &mut dyn Discriminator,
        real: CloudView<'_>,
    ) -> Result<(), FitError> {
        discriminator.load_state(&self.state)?;
        self.fit(discriminator, real)
    }
}

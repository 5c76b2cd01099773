//! γ, the strength of the particles' noise: what the settings say, or the estimator.

use super::engine::Flow;
use super::spec::Integrator;
use crate::setting::{Auto, WordOr};

impl Flow {
    /// γ of the noise of the step after `step`.
    pub(super) fn noise(&self, step: usize) -> f64 {
        match self.spec.noise {
            WordOr::Value(noise) => noise,
            WordOr::Word(Auto::Auto)
                if self.generator.is_none() && self.spec.integrator == Integrator::Euler =>
            {
                let progress = self.round(step, 0).progress;
                self.discriminator.particle_noise(progress)
            }
            WordOr::Word(Auto::Auto) => 0.0,
        }
    }

    /// The last step up to now that ended with noise which nobody asked for but the discriminator; see [`FlowSpec::noise`](super::FlowSpec::noise).
    #[must_use]
    pub fn unasked_noise(&self) -> Option<usize> {
        if let WordOr::Value(_) = self.spec.noise {
            return None;
        }
        let noisy = |&step: &usize| self.noise(step) > 0.0;
        let last = (0..self.state.step).rev().find(noisy)?;
        Some(last + 1)
    }
}

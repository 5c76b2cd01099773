//! How far a step goes: ε, and γ, the strength of the particles' noise; as the settings say, or the estimator.

use super::engine::Flow;
use super::noise;
use super::precondition::Covariance;
use super::spec::Integrator;
use crate::cloud::Cloud;
use crate::setting::{Auto, WordOr};

impl Flow {
    /// What the velocity of the present cloud is multiplied by, if it is.
    pub(super) fn covariance(&self) -> Option<Covariance> {
        self.spec.precondition.of(self.state.cloud.view())
    }

    /// ε of the present fit. With a preconditioner the estimator's own rule is for one of size one.
    pub(super) fn step_size(&self) -> f64 {
        match self.spec.step_size {
            WordOr::Value(epsilon) => epsilon,
            WordOr::Word(Auto::Auto) => {
                let size = self
                    .covariance()
                    .map_or(1.0, |covariance| covariance.size());
                self.spec.step_ratio * self.step_rule.step_size / (self.map.slope(0.0) * size)
            }
        }
    }

    /// The noise of the present step (`n×2`) with this deviation, or with as many times the root of the preconditioner.
    pub(super) fn shock(&self, deviation: f64) -> Cloud {
        let mut shock = Cloud::zeros(self.state.cloud.raw_dim());
        noise::add(
            &mut shock,
            deviation,
            self.shocks.at(self.state.step as u64),
        );
        if let Some(covariance) = self.covariance() {
            covariance.apply_root(&mut shock);
        }
        if self.on_line {
            shock.column_mut(1).fill(0.0);
        }
        shock
    }

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

//! Fits of the ratio: to the present cloud, to one that is only tried, and again after a step that has failed.

use super::ending::Failure;
use super::engine::Flow;
use super::field::Field;
use super::origin::Origin;
use super::part::Part;
use super::room::all_finite;
use super::state::State;
use crate::cloud::{self, Cloud, CloudView};
use crate::discriminator::{FitContext, Ratio};

impl Flow {
    /// Puts discriminator and generator back to where the present state has them, after a step that has failed midway.
    pub(super) fn take_back(&mut self, generator: Option<&[f64]>) {
        self.moved = None;
        if let (Some(now), Some(before)) = (&mut self.generator, generator) {
            let fits = now.load_state(before);
            debug_assert!(fits, "it is what the generator itself gave");
        }
        let Some(round) = self.origin.as_ref().map(|origin| origin.round) else {
            return;
        };
        self.renew(round);
        let Some(origin) = &self.origin else {
            return;
        };
        // A fit that has succeeded does so again; one that cannot be repeated has nothing better to offer.
        let _ = origin.repeat(&mut *self.discriminator, self.real.view());
    }

    /// Fits the ratio to the present cloud, or to an `earlier` one, if its turn has come, and evaluates it at the present one.
    pub(super) fn refit(&mut self, earlier: Option<&State>) -> Result<(), Failure> {
        self.parts.begins(Some(Part::Fit));
        if self.fitted && !self.state.step.is_multiple_of(self.spec.refit_every) {
            (self.ratio, self.velocity) = self.velocity_at(self.state.cloud.view())?;
            return Ok(());
        }
        let round = self.round(self.state.step, 0);
        let seen = earlier.unwrap_or(&self.state);
        let origin = Origin::new(&*self.discriminator, &seen.cloud, seen.shares(), round);
        self.renew(round);
        origin.fit(&mut *self.discriminator, self.real.view())?;
        let (ratio, velocity) = self.velocity_at(self.state.cloud.view())?;
        self.ratio = ratio;
        self.velocity = velocity;
        self.step_rule = self.discriminator.step_rule();
        self.origin = Some(origin);
        self.fitted = true;
        Ok(())
    }

    /// The round of the fit at time `step`; the methods of Heun and of Nesterov have two stages.
    pub(super) fn round(&self, step: usize, stage: u64) -> FitContext {
        let index = 2 * step as u64 + stage;
        FitContext {
            index,
            progress: (step as f64 / self.spec.steps.max(1) as f64).min(1.0),
            stream: self.fits.at(index),
        }
    }

    /// Fits the ratio to a cloud; gives it and the velocity there.
    fn fit_at(
        &mut self,
        cloud: CloudView<'_>,
        round: FitContext,
    ) -> Result<(Ratio, Cloud), Failure> {
        self.renew(round);
        self.discriminator.fit(self.real.view(), cloud, round)?;
        self.velocity_at(cloud)
    }

    /// The velocity of a cloud that is only tried, at the time `step`. The ratio is fitted to it, unless fits are fewer than steps: the field
    /// of the present cloud knows nothing of where that one is.
    pub(super) fn fit_ahead(&mut self, cloud: &Cloud, step: usize) -> Result<Cloud, Failure> {
        self.parts.begins(Some(Part::Fit));
        let (_, velocity) = if self.spec.refit_every == 1 {
            self.fit_at(cloud.view(), self.round(step, 1))?
        } else {
            self.velocity_at(cloud.view())?
        };
        self.parts.begins(Some(Part::Move));
        Ok(velocity)
    }

    /// The ratio and the velocity at `at`, both finite.
    pub(super) fn velocity_at(&self, at: CloudView<'_>) -> Result<(Ratio, Cloud), Failure> {
        let mut ratio = Ratio::zeros(at.nrows());
        let field = Field {
            covariance: self.spec.precondition.of(at),
            ..self.field()
        };
        field.ratio(at, &mut ratio);
        let velocity = field.velocity(&ratio);
        let log = &ratio.log;
        if let Some(particle) = cloud::first(log.len(), |i| !log[i].is_finite()) {
            return Err(Failure::NotFinite {
                particle,
                term: "log ratio",
            });
        }
        all_finite(&velocity, "velocity")?;
        Ok((ratio, velocity))
    }
}

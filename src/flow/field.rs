//! The velocity field of a fitted ratio.

use super::precondition::Covariance;
use crate::cloud::{self, Cloud, CloudView};
use crate::discriminator::{Discriminator, Kind, Ratio};
use crate::divergence::Divergence;
use crate::generator::Loss;
use crate::monotone::Monotone;

/// The fitted ratio together with the map: the velocity field at any place.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    pub(super) discriminator: &'a dyn Discriminator,
    pub(super) map: &'a Monotone,
    /// Whether all points are on the line: what an estimate says of the slope across it is let go.
    pub(super) on_line: bool,
    /// What the velocity is multiplied by, if it is.
    pub(super) covariance: Option<Covariance>,
}

impl Field<'_> {
    /// `D` and `∇D` at the points `at` (`n×2`).
    pub fn ratio(&self, at: CloudView<'_>, into: &mut Ratio) {
        self.discriminator.evaluate(at, into);
        if self.on_line {
            into.gradient.column_mut(1).fill(0.0);
        }
    }

    /// Whether `D` estimates a log ratio; see [`Discriminator::is_log_ratio`].
    #[must_use]
    pub fn is_log_ratio(&self) -> bool {
        self.discriminator.is_log_ratio()
    }

    /// What `D` and `∇D` are.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.discriminator.kind()
    }

    /// What the fit makes small, in words; see [`Discriminator::loss_name`].
    #[must_use]
    pub fn loss_name(&self) -> Option<&'static str> {
        self.discriminator.loss_name()
    }

    /// That loss, of such `D` at samples of both sides; see [`Discriminator::loss`].
    #[must_use]
    pub fn loss(&self, real: &[f64], fake: &[f64]) -> Option<f64> {
        let _ = self.loss_name()?;
        Some(self.discriminator.loss(real, fake))
    }

    /// The mean of a loss for such `D` at points of the cloud: what a generator makes small that climbs.
    #[must_use]
    pub fn climbed(&self, loss: Loss, fake: &[f64]) -> f64 {
        let divergence = self.divergence();
        let value = |&d: &f64| match (loss, divergence) {
            (Loss::F, Some(f)) => f.value(self.map.argument(d)),
            _ => -self.map.value(d),
        };
        fake.iter().map(value).sum::<f64>() / fake.len() as f64
    }

    /// At how many points the map h takes another number in place of D; see [`Monotone::holds_back`].
    #[must_use]
    pub fn held_back(&self, ratio: &Ratio) -> usize {
        let log = ratio.log.iter();
        log.filter(|&&u| self.map.holds_back(u)).count()
    }

    /// The divergence that h belongs to, if it belongs to one.
    fn divergence(&self) -> Option<Divergence> {
        self.map.named().and_then(Divergence::of)
    }

    /// The factor on `∇D` where D is `u`, down a loss: `h'(u)`, or `−r f'(r)`.
    pub(super) fn factor(&self, loss: Loss, u: f64) -> f64 {
        match (loss, self.divergence()) {
            (Loss::F, Some(divergence)) => -divergence.slope(self.map.argument(u)),
            _ => self.map.slope(u),
        }
    }

    /// The way down a loss with D held still (`n×2`), preconditioned if the flow is, at points where the ratio is known.
    pub(super) fn downhill(&self, loss: Loss, ratio: &Ratio) -> Cloud {
        let mut velocity = cloud::mapped(ratio.gradient.view(), |v| v);
        if loss != Loss::H || !self.map.is_identity() {
            for (mut row, &u) in velocity.rows_mut().into_iter().zip(&ratio.log) {
                let factor = self.factor(loss, u);
                row.mapv_inplace(|v| factor * v);
            }
        }
        if let Some(covariance) = &self.covariance {
            covariance.apply(&mut velocity);
        }
        velocity
    }

    /// The velocity `h'(D) ∇D` (`n×2`), preconditioned if the flow is, at points where the ratio is known.
    #[must_use]
    pub fn velocity(&self, ratio: &Ratio) -> Cloud {
        self.downhill(Loss::H, ratio)
    }
}

//! The discriminator as a generator in training has it: frozen, or fitted to fresh points.

use std::sync::Arc;

use rand::seq::index;

use super::field::Field;
use crate::cloud::{self, Cloud, CloudView};
use crate::discriminator::{Discriminator, FitContext, FitError};
use crate::generator::Drive;
use crate::monotone::Monotone;
use crate::random::Stream;
use crate::target::Target;

/// The discriminator for the length of a round of training.
pub(super) struct Stage<'a> {
    pub(super) discriminator: &'a mut dyn Discriminator,
    pub(super) map: &'a Monotone,
    pub(super) real: Real<'a>,
    /// When the round is; its stream gives those of the fits.
    pub(super) round: FitContext,
}

/// Where fresh points of the target come from.
pub(super) enum Real<'a> {
    /// The target itself.
    Target(&'a Arc<dyn Target>),
    /// The sample that the discriminator sees.
    Sample(CloudView<'a>),
}

impl Real<'_> {
    /// So many points; of a sample at most all, no row twice.
    fn draw(&self, count: usize, stream: Stream) -> Cloud {
        match self {
            Self::Target(target) => target.sample(count, stream),
            Self::Sample(all) => {
                let count = count.min(all.nrows());
                let rows = index::sample(&mut stream.rng(), all.nrows(), count);
                cloud::rows(*all, &rows.into_vec())
            }
        }
    }
}

impl Drive for Stage<'_> {
    fn velocity(&self, at: CloudView<'_>) -> Cloud {
        let field = Field {
            discriminator: self.discriminator,
            map: self.map,
        };
        field.velocity_at(at)
    }

    fn refit(&mut self, fake: CloudView<'_>, fit: u64) -> Result<(), FitError> {
        let stream = self.round.stream.part(&format!("fresh {fit}"));
        let real = self.real.draw(fake.nrows(), stream.part("real"));
        let round = FitContext {
            stream: stream.part("fit"),
            ..self.round
        };
        self.discriminator.fit(real.view(), fake, round)
    }
}

//! What trains a generator in a benchmark without a discriminator, whose time would be measured too.

use ratioflow::cloud::{Cloud, CloudView};
use ratioflow::generator::{Drive, Round};
use ratioflow::random::Stream;

/// A wind from the west: what the round asks of the field costs nothing.
pub(crate) struct Wind;

impl Drive for Wind {
    fn velocity(&self, at: CloudView<'_>) -> Cloud {
        let mut velocity = Cloud::zeros(at.raw_dim());
        velocity.column_mut(0).fill(1.0);
        velocity
    }
}

/// A round with randomness of its own.
pub(crate) fn round(count: u64) -> Round {
    Round {
        step_size: 1e-4,
        longest: f64::INFINITY,
        progress: [0.0; 2],
        stream: Stream::new(1, "round").at(count),
    }
}

//! Latent points of a generator: those of the flow's source, or of a law of their own.

use std::sync::Arc;

use rand::Rng as _;
use rand_distr::StandardNormal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::Cloud;
use crate::random::Stream;
use crate::setting::{Invalid, at_least};
use crate::target::Target;

/// Latent points that are no points of the source, one table of a scenario file: `latent = { dimension = 8 }`. Each coordinate has mean 0 and variance 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LatentSpec {
    /// Coordinates of a latent point, 1 to 128.
    pub dimension: usize,
    /// What each coordinate is drawn from.
    pub distribution: LatentLaw,
}

/// What a coordinate of a latent point is drawn from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LatentLaw {
    /// The normal distribution of variance 1.
    #[default]
    Gaussian,
    /// The uniform distribution of variance 1, from −√3 to √3.
    Uniform,
}

impl Default for LatentSpec {
    fn default() -> Self {
        Self {
            dimension: 2,
            distribution: LatentLaw::Gaussian,
        }
    }
}

impl LatentSpec {
    /// Far beyond what a plane can use, and small enough that fresh points of it fit beside everything else.
    const MOST: usize = 128;

    pub(super) fn check(self) -> Result<(), Invalid> {
        at_least("latent.dimension", self.dimension, 1)?;
        if self.dimension > Self::MOST {
            let remedy = format!(
                "must be at most {}: a plane can use no more, and each latent point takes that much memory",
                Self::MOST
            );
            return Err(Invalid::new("latent.dimension", self.dimension, remedy));
        }
        Ok(())
    }

    fn sample(self, count: usize, stream: Stream) -> Cloud {
        let mut rng = stream.rng();
        let half = 3_f64.sqrt();
        Cloud::from_shape_simple_fn((count, self.dimension), || match self.distribution {
            LatentLaw::Gaussian => rng.sample(StandardNormal),
            LatentLaw::Uniform => rng.random_range(-half..half),
        })
    }
}

/// Where latent points come from.
#[derive(Clone, Debug)]
pub(super) enum Latent {
    /// The source of the flow, which then begins with them.
    Source(Arc<dyn Target>),
    /// A law of their own.
    Own(LatentSpec),
}

impl Latent {
    /// `count` fresh latent points, a row each.
    pub(super) fn sample(&self, count: usize, stream: Stream) -> Cloud {
        match self {
            Self::Source(source) => source.sample(count, stream),
            Self::Own(spec) => spec.sample(count, stream),
        }
    }

    /// Coordinates of a latent point: of a source always two, of which the second is nothing on the line.
    pub(super) fn dimension(&self) -> usize {
        match self {
            Self::Source(_) => 2,
            Self::Own(spec) => spec.dimension,
        }
    }
}

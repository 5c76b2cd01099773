//! The generator stage: the motion of the samples becomes a motion of a generator's parameters.

mod batches;
#[cfg(feature = "record")]
mod file;
mod latent;
mod model;
mod spec;
mod train;
mod units;
mod written;

pub use latent::{LatentLaw, LatentSpec};
pub use spec::{
    AffineWord, BetaRule, Decay, FieldRule, Full, GeneratorSpec, Latents, PairsSpec, Precision,
    Quality, TrainingSpec,
};
pub use train::{Drive, Generator, Round, Trained};
pub use units::Units;

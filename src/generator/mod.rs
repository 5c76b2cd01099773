//! The generator stage: the motion of the samples becomes a motion of a generator's parameters.

#[cfg(feature = "record")]
mod file;
mod latent;
mod model;
mod quality;
mod spec;
mod train;
mod units;

pub use latent::{LatentLaw, LatentSpec};
pub use quality::Quality;
pub use spec::{
    AffineWord, BetaRule, Decay, FieldRule, Full, GeneratorSpec, Latents, PairsSpec, Precision,
    TrainingSpec,
};
pub use train::{Drive, Generator, Round, Trained};
pub use units::Units;

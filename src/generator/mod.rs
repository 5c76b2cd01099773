//! The generator stage: the motion of the samples becomes a motion of a generator's parameters.

mod batches;
mod decay;
mod exact;
#[cfg(feature = "record")]
mod file;
mod latent;
mod model;
mod spec;
mod train;
mod units;
mod written;

pub use decay::Decay;
pub use exact::{Loss, RatioRule};
pub use latent::{LatentLaw, LatentSpec};
pub use spec::{
    AffineWord, BetaRule, FieldRule, Full, GeneratorSpec, Latents, PairsSpec, Precision, Quality,
    TrainingSpec,
};
pub use train::{Drive, Generator, Round, Trained};
pub use units::Units;

//! The generator stage: the motion of the samples becomes a motion of a generator's parameters.

mod model;
mod spec;
mod train;
mod units;

pub use spec::{
    AffineWord, BetaRule, Decay, FieldRule, Full, GeneratorSpec, Latents, Precision, TrainingSpec,
};
pub use train::{Drive, Generator, Round};
pub use units::Units;

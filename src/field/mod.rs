//! Fields that move a cloud towards the target without knowing `log p/q`, one file per field.

mod coupling;
pub mod drift;
pub mod drmmd;
mod duals;
mod line;
pub mod mmd;
pub mod score;
pub mod sinkhorn;
pub mod sliced;
pub mod wasserstein;

pub use coupling::Normalisation;

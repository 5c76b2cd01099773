//! Optimal transport between two clouds, exactly and with a proof: assignments, and couplings of unequal sizes and masses.

mod assignment;
mod blocks;
mod coupling;
mod exactly;
mod masses;
mod separate;
mod w2;

pub(crate) use exactly::power;
pub use masses::Coupling;
pub(crate) use w2::centre;
pub use w2::{ExactW2, Transport, TransportError};

//! Optimal transport between two clouds, exactly and with a proof: assignments, and couplings of unequal sizes and masses.

mod assignment;
mod blocks;
mod coupling;
mod exactly;
mod line;
mod masses;
mod search;
mod separate;
mod w2;
#[cfg(target_arch = "x86_64")]
mod wide;

pub(crate) use line::{w2_squared, weighted_w2_squared};
pub use masses::Coupling;
pub(crate) use w2::centre;
pub use w2::{ExactW2, Transport, TransportError};

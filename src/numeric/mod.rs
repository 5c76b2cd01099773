//! Numbers: the two floating-point types with their elementary functions, and dense linear algebra for some hundred unknowns.
#![allow(
    clippy::inline_always,
    reason = "a call would keep the caller's loop scalar"
)]

mod cholesky;
mod dense;
mod real;
mod statistics;
mod trigonometry;

pub(crate) use cholesky::Cholesky;
pub(crate) use dense::{Symmetric, dot, grams, times, transposed_times};
pub use real::Real;
pub(crate) use real::{sigmoid, softplus};
pub(crate) use statistics::{mean_and_deviation, power};
pub(crate) use trigonometry::sin_cos;

/// Whether the processor has registers of 512 bits and does not slow down where they are used, as the first of them did.
#[cfg(target_arch = "x86_64")]
pub(crate) fn has_wide_registers() -> bool {
    std::is_x86_feature_detected!("avx512f")
        && std::is_x86_feature_detected!("avx512dq")
        && std::is_x86_feature_detected!("avx512vbmi2")
}

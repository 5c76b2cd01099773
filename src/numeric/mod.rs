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

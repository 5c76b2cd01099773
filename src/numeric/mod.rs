//! Dense linear algebra for some hundred unknowns.

mod cholesky;
mod dense;

pub(crate) use cholesky::Cholesky;
pub(crate) use dense::{Symmetric, dot, grams, times, transposed_times};

//! Dense linear algebra for some hundred unknowns.

mod cholesky;
mod dense;

pub(crate) use cholesky::Cholesky;
pub(crate) use dense::{Symmetric, dot, times, transposed_times};

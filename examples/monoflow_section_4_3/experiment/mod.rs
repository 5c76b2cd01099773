//! The experiment of `MonoFlow`, section 4.3: one affine generator, one Gaussian target, many losses.

mod critic;
pub(crate) mod loss;
mod pair;
mod train;

pub(crate) use loss::{Cell, Gradient, gradient};
pub(crate) use pair::{Affine, START, exact_ratio, latents, target};
pub(crate) use train::{Estimate, Settings, Verdict, train};

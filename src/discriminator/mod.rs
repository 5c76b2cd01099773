//! Estimates of the log density ratio `log p/q` and its gradient, one file per estimator.

mod bandwidth;
mod catalogue;
mod centres;
mod features;
mod fit;
pub mod kale;
pub mod kde;
pub mod kliep;
mod learner;
pub mod logistic;
mod loss;
pub mod mlp;
pub mod mmd;
pub mod moments;
pub mod oracle;
mod radial;
mod recipe;
pub mod relative;
pub mod rulsif;
mod shares;
pub mod ulsif;
pub mod wasserstein;

pub use bandwidth::{BandwidthRule, BandwidthSpec};
pub use catalogue::DiscriminatorSpec;
pub use fit::{Discriminator, FitContext, FitError, Ratio, StepRule};
pub use loss::Loss;
pub use radial::Radial;
pub(crate) use recipe::Sizes;

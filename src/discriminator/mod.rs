//! Estimates of the log density ratio `log p/q` and its gradient, one file per estimator.

mod catalogue;
mod features;
pub mod kale;
pub mod kde;
pub mod kliep;
pub mod linear;
pub mod logistic;
mod loss;
pub mod mlp;
mod mlp_spec;
pub mod moments;
pub mod oracle;
pub mod relative;
pub mod rulsif;
mod shares;
mod sides;
pub mod ulsif;

pub(crate) use crate::estimate::Sizes;
pub use crate::estimate::{
    BandwidthRule, BandwidthSpec, Discriminator, FitContext, FitError, Kind, Radial, Ratio,
    StepRule,
};
pub use catalogue::DiscriminatorSpec;
pub use loss::Loss;

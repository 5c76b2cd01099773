//! What an estimator of `log p/q`, or of another field, is: fitted to two samples, and evaluated anywhere; and what several of them share.

mod bandwidth;
pub(crate) mod centres;
mod fit;
pub(crate) mod learner;
mod radial;
pub(crate) mod recipe;
mod soft;

pub use bandwidth::{BandwidthRule, BandwidthSpec};
pub(crate) use bandwidth::{Schedule, ladder};
pub use fit::{Discriminator, FitContext, FitError, Kind, Ratio, StepRule};
pub(crate) use fit::{blind_noise, fitted_step_rule, logistic_loss};
pub use radial::Radial;
pub(crate) use radial::{Kernel, Weighted, rows};
pub(crate) use recipe::Sizes;
pub(crate) use soft::{Lean, Mask, Summed};

//! Particle flows along the log density ratio: GANs as ODEs in two dimensions.
//!
//! A cloud of points moves by `x ← x + ε ∇ log r(x)`, where `r = p/q` compares the target density `p`
//! with the density `q` of the cloud, and `log r` is estimated anew at every step.
//!
//! The modules are listed in the order in which they may use each other: each uses only those above it.

// No panic may be reached from the command line; where one cannot be, it is said why.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

pub mod cloud;
pub mod random;
pub mod setting;
mod digits;
mod npy;
mod vector;
pub mod point_file;
pub mod kernel;
pub mod network;
pub mod target;
pub mod monotone;
pub mod divergence;
pub mod discriminator;
pub mod generator;
pub mod flow;
pub mod metric;
pub mod reference;
pub mod observe;
#[cfg(feature = "render")]
pub mod render;
pub mod scenario;
#[cfg(feature = "record")]
pub mod calibration;
#[cfg(feature = "record")]
pub mod report;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;

/// The code in `docs/library.md` compiles.
#[cfg(doctest)]
#[doc = include_str!("../docs/library.md")]
struct Library;

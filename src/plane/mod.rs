//! Points with their coordinates apart: sums over all pairs, and nearest neighbours.

mod batch;
mod curve;
mod median;
mod neighbours;
mod pairs;
mod planar;
mod together;
mod whiten;
#[cfg(target_arch = "x86_64")]
mod wide;

pub(crate) use curve::{along_curve, along_curve_by_place};
pub use median::median_distance;
pub(crate) use neighbours::{Neighbours, QUERIES};
pub(crate) use pairs::{Single, Term, between, within};
pub(crate) use planar::Planar;
pub(crate) use together::{nearest, nearest_within};
pub(crate) use whiten::Whitening;

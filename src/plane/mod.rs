//! Points with their coordinates apart: sums over all pairs, and nearest neighbours.

mod neighbours;
mod pairs;
mod together;

pub(crate) use neighbours::{MOST, Neighbours, QUERIES};
pub(crate) use pairs::{Planar, Single, Term, between, within};
pub(crate) use together::{nearest, nearest_within};

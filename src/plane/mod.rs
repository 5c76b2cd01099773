//! Points with their coordinates apart: sums over all pairs, and nearest neighbours.

mod neighbours;
mod pairs;

pub(crate) use neighbours::{MOST, Neighbours, QUERIES};
pub(crate) use pairs::{Planar, Single, Term, between, within};

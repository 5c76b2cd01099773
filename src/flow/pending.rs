//! How far a step has come between two fits.

use super::momentum::Memory;
use super::state::State;
use crate::cloud::Cloud;

/// What has happened since the last fit.
#[derive(Debug)]
pub(super) struct Pending {
    /// The generator as it was then, if a step has to be taken back.
    pub(super) generator: Option<Vec<f64>>,
    pub(super) place: Place,
}

#[derive(Debug)]
pub(super) enum Place {
    /// The points have moved, and the generator has not followed.
    Moved(Box<Way>),
    /// All have.
    Arrived(Box<State>),
}

/// Where a step leads, before the generator has followed.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) epsilon: f64,
    pub(super) longest: f64,
    pub(super) moves: Cloud,
    pub(super) moved: Cloud,
    pub(super) clipped: usize,
    pub(super) memory: Memory,
}

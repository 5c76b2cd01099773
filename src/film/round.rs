//! One step of a flow whose generator learns at every step, from a recorded moment to the next.

use ndarray::{Array2, Zip};

use crate::cloud::{Cloud, CloudView};
use crate::flow::Step;

/// Where the step from a moment led: the field first, and the generator behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// Where the field moved each point, less where it was, `n×2`.
    pub moves: Array2<f32>,
    /// Where the generator took it, less where the field had moved it, `n×2`: what the distillation left undone.
    pub misses: Array2<f32>,
}

impl Round {
    /// The step that led from the cloud `from` to `step`, the next.
    pub(super) fn of(from: CloudView<'_>, step: &Step<'_>) -> Option<Self> {
        let moved = step.moved?;
        // As differences they are exact enough far from the origin too.
        let less = |to: CloudView<'_>, from: CloudView<'_>| {
            Zip::from(to)
                .and(from)
                .map_collect(|to, from| (to - from) as f32)
        };
        Some(Self {
            moves: less(moved, from),
            misses: less(step.state.cloud.view(), moved),
        })
    }

    /// Where the field moved the points, which were at `from`.
    #[must_use]
    pub fn moved(&self, from: CloudView<'_>) -> Cloud {
        &from + &self.moves.mapv(f64::from)
    }

    /// Where the generator took them.
    #[must_use]
    pub fn drawn(&self, from: CloudView<'_>) -> Cloud {
        self.moved(from) + self.misses.mapv(f64::from)
    }
}

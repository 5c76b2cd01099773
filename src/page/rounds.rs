//! What each step came to whose generator learns at every step, for the player of the page.

use ndarray::Array2;

use super::pack::Grid;
use super::raws::Raw;
use crate::film::{Round, Snapshot};

/// Steps of the grid that moves of particles are counted in: a thousandth of the view.
pub(super) const COARSE: i16 = 16;

/// How far the step after each frame moved the points that are `kept`, and how far the generator stayed from there.
pub(super) fn parts(grid: Grid, frames: &[&Snapshot], kept: &[usize]) -> [Option<Raw>; 2] {
    let parts: [fn(&Round) -> &Array2<f32>; 2] = [|round| &round.moves, |round| &round.misses];
    parts.map(|of| part(grid, frames, kept, of))
}

/// A part of the step after each frame, of the points that are `kept`, in so many [`COARSE`] steps of the grid; nothing where no frame has one.
fn part(
    grid: Grid,
    frames: &[&Snapshot],
    kept: &[usize],
    part: impl Fn(&Round) -> &Array2<f32>,
) -> Option<Raw> {
    let known = frames.iter().any(|frame| frame.round.is_some());
    let unit = f64::from(COARSE) * grid.step();
    let mut all = Vec::with_capacity(2 * kept.len() * frames.len());
    for frame in frames.iter().filter(|_| known) {
        let parts = frame.round.as_ref().map(&part);
        for axis in 0..2 {
            let count = |&k: &usize| {
                let along = parts.map_or(0.0, |parts| f64::from(parts[(k, axis)]));
                let most = f64::from(i16::MAX / COARSE);
                (along / unit).round().clamp(-most, most) as i16
            };
            all.extend(kept.iter().map(count));
        }
    }
    // From one frame to the next these are not alike.
    let whole = all.len();
    known.then_some(Raw::Wide(all, whole))
}

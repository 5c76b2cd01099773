//! Which shade of the bands a pixel has: values between the places of a lattice, edges between bands, and the edge where they end.

use std::ops::Range;

use multiversion::multiversion;

use super::look::LOOK;
use super::theme::{BANDS, Theme};
use crate::pixels::Colour;

/// Parts of an edge between two bands, as much as it covers of a pixel, and steps in which they fade: few colours make small files.
pub(super) const PARTS: usize = 8;
pub(super) const FADES: usize = 8;
/// Shades from the first band to the last.
pub(super) const ROW: usize = 2 * BANDS * PARTS + 1;

/// The shades from band to band, a row for each step in which they fade into the paper, the faintest first.
pub(super) fn shades(theme: Theme) -> Vec<[u8; 3]> {
    let channels = |c: Colour| [c.r, c.g, c.b].map(f32::from);
    let (bands, paper) = (theme.bands().map(channels), channels(theme.paper()));
    let shade = |veil: usize, place: usize| {
        let base = (place / PARTS).min(2 * BANDS - 1);
        let part = (place - base * PARTS) as f32 / PARTS as f32;
        std::array::from_fn(|c| {
            let band = bands[base][c] + part * (bands[base + 1][c] - bands[base][c]);
            (paper[c] + veil as f32 / FADES as f32 * (band - paper[c]) + 0.5) as u8
        })
    };
    (0..=FADES)
        .flat_map(|veil| (0..ROW).map(move |place| shade(veil, place)))
        .collect()
}

/// For each pixel which of the [`shades`] it has, unfaded: a whole number of [`PARTS`] inside a band, one between where an edge crosses the pixel, as
/// much as it covers. Edges lie at ±1, ±2, ….
#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
pub(super) fn places_among_bands(line: &[f32], below: &[f32], places: &mut [u16]) {
    let neighbours = line[1..].iter().zip(below);
    for ((place, &v), (&right, &down)) in places.iter_mut().zip(line).zip(neighbours) {
        let slope = (right - v).abs().max((down - v).abs()).max(1e-6);
        let size = v.abs();
        let edge = (size + 0.5).floor().clamp(1.0, BANDS as f32);
        let cover = ((size - edge) / slope + 0.5).clamp(0.0, 1.0);
        let along = BANDS as f32 + (edge - 1.0 + cover).copysign(v);
        *place = (FADES * ROW) as u16 + (along * PARTS as f32 + 0.5) as u16;
    }
}

/// Ends the shades of a line of pixels where their weights, which lie between those of two rows of the lattice that are `1/rise` pixels apart, fall below one
/// half: within three pixels, for a band that fades slowly goes through the colours of the bands beside it.
#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
pub(super) fn fade([a, b]: [&[f32]; 2], part: f32, rise: f32, places: &mut [u16]) {
    let next = a[1..].iter().zip(&b[1..]);
    for (place, ((&a, &b), (&c, &d))) in places.iter_mut().zip(a.iter().zip(b).zip(next)) {
        let (here, right) = (a + part * (b - a), c + part * (d - c));
        let slope = (right - here).abs().max((b - a).abs() * rise).max(1e-6);
        let cover = ((here - LOOK.near) / (3.0 * slope) + 0.5).clamp(0.0, 1.0);
        let lost = (1.0 - cover) * FADES as f32 + 0.5;
        *place -= lost as u16 * ROW as u16;
    }
}

/// Whether a place, counted from the first of so many, lies among them.
pub(super) fn inside(at: f64, count: usize) -> bool {
    // Rounding puts an end beside itself.
    at > -1e-6 && at < (count - 1) as f64 + 1e-6
}

/// Which of these places in ascending order lie among so many.
pub(super) fn covered(across: &[f64], count: usize) -> Range<usize> {
    let from = across.partition_point(|&at| at < 0.0 && !inside(at, count));
    from..from + across[from..].partition_point(|&at| inside(at, count))
}

/// Linear interpolation between `count` regularly spaced values, the first and the last beyond them.
pub(super) fn between(at: f64, count: usize, value: impl Fn(usize) -> f32) -> f32 {
    let at = at.clamp(0.0, (count - 1) as f64);
    let base = (at as usize).min(count - 2);
    let part = (at - base as f64) as f32;
    value(base) + part * (value(base + 1) - value(base))
}

/// Cubic interpolation between regularly spaced values (Catmull and Rom): four places and their weights.
pub(super) struct Spline {
    pub(super) places: [usize; 4],
    pub(super) weights: [f32; 4],
}

impl Spline {
    /// At `along` places from the first of `count`; beyond an end the value there.
    pub(super) fn at(along: f64, count: usize) -> Self {
        let along = along.clamp(0.0, (count - 1) as f64);
        let base = (along as usize).min(count - 2);
        let t = (along - base as f64) as f32;
        let (t2, t3) = (t * t, t * t * t);
        Self {
            places: [
                base.saturating_sub(1),
                base,
                base + 1,
                (base + 2).min(count - 1),
            ],
            weights: [
                0.5 * (2.0 * t2 - t - t3),
                0.5 * (3.0 * t3 - 5.0 * t2 + 2.0),
                0.5 * (t + 4.0 * t2 - 3.0 * t3),
                0.5 * (t3 - t2),
            ],
        }
    }

    pub(super) fn of(&self, value: impl Fn(usize) -> f32) -> f32 {
        (0..4)
            .map(|k| self.weights[k] * value(self.places[k]))
            .sum()
    }
}

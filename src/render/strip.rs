//! The phases of a step, side by side above a frame, the present one lit.

use super::Theme;
use crate::canvas::{Anchor, Canvas, Letters, Rect, bold, regular};

/// Height of the strip with the air below it.
pub(super) const HEIGHT: f64 = 52.0;
/// Between the phases, where an arrow stands.
const GAP: f64 = 22.0;
const TALL: f64 = 40.0;

/// The phases of a step in their order, which begin anew after the last.
#[derive(Clone, Copy, Debug)]
pub struct Strip<'a> {
    /// Of each what is done, in a word, and the formula.
    pub phases: &'a [[String; 2]],
    /// The one that the frame shows, if it shows one.
    pub lit: Option<usize>,
}

/// Draws the strip along the upper edge of `room`.
pub(super) fn draw(canvas: &mut Canvas, room: Rect, strip: Strip<'_>, theme: Theme) {
    let count = strip.phases.len().max(1) as f64;
    let width = (room.width - GAP * (count - 1.0)) / count;
    for (k, [word, formula]) in strip.phases.iter().enumerate() {
        let place = Rect {
            x: room.x + k as f64 * (width + GAP),
            y: room.y,
            width,
            height: TALL,
        };
        let is_lit = strip.lit == Some(k);
        if is_lit {
            canvas.fill_box(place, theme.ink());
        }
        canvas.border(place, 1.0, theme.faint());
        let [strong, weak] = match (is_lit, strip.lit) {
            (true, _) => [theme.paper(); 2],
            (false, None) => [theme.ink(); 2],
            (false, Some(_)) => [theme.muted(); 2],
        };
        let inner = width - 14.0;
        let middle = place.x + width / 2.0;
        let sizes = [11.5, 10.5, 9.5].map(regular);
        let fits = |letters: &Letters| letters.width(formula) <= inner;
        let letters = sizes.into_iter().find(fits).unwrap_or(regular(8.5));
        let lines = [
            (word, bold(12.0), 16.0, strong),
            (formula, letters, 32.0, weak),
        ];
        for (text, letters, down, ink) in lines {
            let at = [middle, place.y + down];
            canvas.text(&letters.fit(text, inner), at, Anchor::Centre, letters, ink);
        }
        if k + 1 < strip.phases.len() {
            let at = [place.right() + GAP / 2.0, place.y + TALL / 2.0 + 4.5];
            canvas.text("→", at, Anchor::Centre, regular(14.0), theme.muted());
        }
    }
}

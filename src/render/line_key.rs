//! The key of a cloud on the line: what the fill, the lines and the colours stand for.

use super::field::arrow;
use super::legend::times;
use super::origin;
use super::theme::{Theme, series};
use crate::canvas::{Anchor, Canvas, Disc, Rect, regular};
use crate::pixels::Colour;

/// Colours of the cloud's density, of D, and of the true log ratio.
pub(super) fn inks(theme: Theme) -> [Colour; 3] {
    [theme.ink(), series(1), series(2)]
}

/// The mark where a path begins with a birth.
pub(super) fn birth(ink: Colour) -> Disc {
    Disc {
        radius: 1.6,
        ink: ink.into(),
        rim: None,
    }
}

/// The height of the key, and of a line of it.
pub(super) const LEGEND: f64 = 62.0;
const LINE: f64 = 21.0;
/// The room of the colours of origins.
const RAMP: f64 = 55.0;

/// What a key of the line has to tell: whether there can be births, whether the true log ratio is one in closed form, and whether D is of clouds that are
/// blurred by h.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub(super) births: bool,
    pub(super) closed: bool,
    pub(super) blurred: bool,
}

/// What the fill, the lines and the colours stand for, and how much longer than moves arrows are, if there are any.
pub(super) fn legend(
    canvas: &mut Canvas,
    room: Rect,
    theme: Theme,
    known: Known,
    stretch: Option<f64>,
) {
    let [cloud, learned, truth] = inks(theme);
    let middle = room.y + LINE;
    let letters = regular(11.0);
    let mut x = room.x;
    let square = Rect {
        x,
        y: middle - 6.0,
        width: 18.0,
        height: 12.0,
    };
    canvas.fill_box(square, theme.target().alpha(0.34));
    let ratio = if known.closed {
        "log p/q, closed form"
    } else {
        "log p/q of both"
    };
    let learned_of = if known.blurred {
        "D learned, both blurred by h"
    } else {
        "D learned"
    };
    let marks = [
        ("target p", None, None),
        ("cloud q", Some(cloud), None),
        (learned_of, Some(learned), None),
        ("σ(D), ½ at D = 0", Some(learned), Some([6.0, 4.0])),
        (ratio, Some(truth), Some([2.0, 3.0])),
    ];
    for (words, ink, dashes) in marks {
        if let Some(ink) = ink {
            canvas.stroke(&[[x, middle], [x + 18.0, middle]], 1.8, dashes, ink);
        }
        let place = [x + 23.0, middle + 4.0];
        x += 23.0 + canvas.text(words, place, Anchor::Left, letters, theme.muted()) + 16.0;
    }
    let middle = middle + LINE;
    x = room.x;
    if let Some(stretch) = stretch {
        let shape = arrow([x + 9.0, middle], [1.0, 0.0], 18.0);
        canvas.fill(&shape, theme.ink().alpha(0.7));
        let words = format!("next move, {}", times(stretch));
        let place = [x + 23.0, middle + 4.0];
        x += 23.0 + canvas.text(&words, place, Anchor::Left, letters, theme.muted()) + 16.0;
    }
    if known.births {
        let clip = canvas.clip(room);
        canvas.disc([x + 4.0, middle], &birth(theme.muted()), clip);
        let place = [x + 11.0, middle + 4.0];
        x += 11.0 + canvas.text("birth", place, Anchor::Left, letters, theme.muted()) + 16.0;
    }
    let words = "particles have the colour of where they began";
    if x + RAMP + letters.width(words) <= room.x + room.width {
        // Two and a half standard deviations to either side.
        let parts = 24;
        for k in 0..parts {
            let along = 5.0 * (f64::from(k) + 0.5) / f64::from(parts) - 2.5;
            let part = Rect {
                x: x + f64::from(k) * (RAMP - 7.0) / f64::from(parts),
                y: middle - 5.0,
                width: (RAMP - 7.0) / f64::from(parts),
                height: 10.0,
            };
            canvas.fill_box(part, origin::colour(along, 0.0, theme));
        }
        let place = [x + RAMP, middle + 4.0];
        canvas.text(words, place, Anchor::Left, letters, theme.muted());
    }
}

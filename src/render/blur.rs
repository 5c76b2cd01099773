//! How fine the field of a frame is: the bandwidth as a circle in the plane, and in the words of the key.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use super::Theme;
use super::field::{FieldGrid, Gauge};
use super::frame_parts::Panel;
use super::view::View;
use super::words::number;
use crate::canvas::{Anchor, Canvas, Rect, regular};

/// A whole circle up to this share of the shorter side of the plot, beyond that a quarter of one.
const WHOLE: f64 = 0.28;
/// From the border.
const AIR: f64 = 10.0;

/// Draws a circle of radius h in the lower right corner of the plot, as large as h is in the plane. Of a large one a quarter is seen, about the corner itself.
pub(super) fn circle(canvas: &mut Canvas, plot: Rect, view: &View, gauge: Gauge, theme: Theme) {
    let radius = gauge.scale * plot.width / view.width();
    if !(gauge.blurred && radius > 0.0 && radius.is_finite()) {
        return;
    }
    let [right, bottom] = [plot.right(), plot.bottom()];
    let whole = 2.0 * radius <= WHOLE * plot.width.min(plot.height);
    let (centre, from, turn, beside) = if whole {
        let centre = [right - AIR - radius, bottom - AIR - radius.max(5.0)];
        (centre, 0.0, TAU, [centre[0] - radius - 6.0, bottom - AIR])
    } else {
        ([right, bottom], PI, FRAC_PI_2, [right - AIR, bottom - AIR])
    };
    let corners = (0..=96).map(|k| {
        let (sin, cos) = (from + turn * f64::from(k) / 96.0).sin_cos();
        [centre[0] + radius * cos, centre[1] + radius * sin]
    });
    let seen = corners.filter(|[x, y]| *x >= plot.x && *y >= plot.y);
    let line: Vec<[f64; 2]> = seen.collect();
    if line.len() > 1 {
        canvas.stroke(&line, 1.2, None, theme.ink().alpha(0.6));
    }
    let letters = regular(11.0);
    let text = format!("h = {}", number(gauge.scale));
    let width = letters.width(&text);
    let plate = Rect {
        x: beside[0] - width - 3.0,
        y: beside[1] - 10.5,
        width: width + 6.0,
        height: 14.0,
    };
    canvas.fill_box(plate, theme.paper().alpha(0.7));
    canvas.text(&text, beside, Anchor::Right, letters, theme.ink());
}

/// What the bands of these panels are, in the words of the key.
pub(super) fn words(panels: &[Panel<'_>]) -> String {
    let fields = || panels.iter().filter_map(|panel| panel.field);
    let ratios: Vec<Gauge> = fields()
        .filter(|field| field.is_log_ratio())
        .map(FieldGrid::gauge)
        .collect();
    match ratios[..] {
        [] if fields().next().is_none() => String::new(),
        [] => "no log p/q: a field of moves alone".to_owned(),
        [only] if only.blurred => format!("log p/q, both blurred by h = {}", number(only.scale)),
        [_, ..] if ratios.iter().all(|gauge| gauge.blurred) => {
            "log p/q, both blurred by the circle\u{2019}s h".to_owned()
        }
        _ => "log p/q as estimated".to_owned(),
    }
}

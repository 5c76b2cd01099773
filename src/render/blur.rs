//! How fine the field of a frame is: the bandwidth as a length beside the plot, and in the words of the key.

use super::Theme;
use super::field::{FieldGrid, Gauge};
use super::frame_parts::Panel;
use super::view::View;
use super::words::number;
use crate::canvas::{Canvas, Rect};

/// How thick the mark of a length is.
const THICK: f64 = 3.0;

/// Marks the length h on the upper border of the plot, from its right end: there it hides nothing, and its name has room above it. Of one that is longer
/// than the border all of it is marked.
pub(super) fn bar(canvas: &mut Canvas, plot: Rect, view: &View, gauge: Gauge, theme: Theme) {
    let length = gauge.scale * plot.width / view.width();
    if !(gauge.blurred && length > 0.0 && length.is_finite()) {
        return;
    }
    let width = length.min(plot.width);
    let mark = Rect {
        x: plot.right() - width,
        y: plot.y - THICK,
        width,
        height: THICK,
    };
    canvas.fill_box(mark, theme.ink().alpha(0.75));
}

/// What is written beside that mark; empty where there is none.
pub(super) fn length(panel: &Panel<'_>) -> String {
    let gauge = panel.field.map(FieldGrid::gauge);
    let told = gauge.filter(|gauge| gauge.blurred && gauge.scale > 0.0 && panel.profile.is_none());
    told.map_or_else(String::new, |gauge| format!("h = {}", number(gauge.scale)))
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
            "log p/q, both blurred by h of the panel".to_owned()
        }
        _ => "log p/q as estimated".to_owned(),
    }
}

//! How fine the field of a frame is: the bandwidth as a length beside the plot, and in the words of the key.

use super::Theme;
use super::field::{Arrows, FieldGrid, Gauge};
use super::frame_parts::Panel;
use super::view::View;
use crate::canvas::{Canvas, Rect};
use crate::digits::number;

/// How far below the border of a plot the mark of a length lies, and half the height of its ends.
const DOWN: f64 = 9.0;
const END: f64 = 3.5;

/// Marks the length h below the upper border of the plot, from its right end, as maps do: a thin line between two ends. One that is longer than the plot
/// has no end on the left, but dashes.
pub(super) fn bar(canvas: &mut Canvas, plot: Rect, view: &View, gauge: Gauge, theme: Theme) {
    let length = gauge.scale * plot.width / view.width();
    if !(gauge.blurred && length > 0.0 && length.is_finite()) {
        return;
    }
    let ink = theme.ink().alpha(0.85);
    let (right, y) = (plot.right() - DOWN, plot.y + DOWN);
    let room = plot.width - 2.0 * DOWN;
    let mut end = |x: f64| canvas.stroke(&[[x, y - END], [x, y + END]], 1.3, None, ink);
    end(right);
    if length <= room {
        end(right - length);
        canvas.stroke(&[[right - length, y], [right, y]], 1.3, None, ink);
    } else {
        let open = right - 0.85 * room;
        canvas.stroke(&[[open, y], [right, y]], 1.3, None, ink);
        let dashes = Some([4.0, 4.0]);
        canvas.stroke(&[[right - room, y], [open, y]], 1.3, dashes, ink);
    }
}

/// What is written beside that mark; empty where there is none.
pub(super) fn length(panel: &Panel<'_>) -> String {
    let gauge = panel
        .field
        .filter(|_| !panel.diverged)
        .map(FieldGrid::gauge);
    let told = gauge.filter(|gauge| gauge.blurred && gauge.scale > 0.0);
    told.map_or_else(String::new, |gauge| format!("h = {}", number(gauge.scale)))
}

/// How long the moves of a panel are that are too short for arrows, or for more than a few; of one of several in fewer words.
pub(super) fn moves(field: &FieldGrid, panel: &Panel<'_>, named: bool, arrows: Arrows) -> String {
    /// In parts of h, below which nobody asks how little it is.
    const LEAST: f64 = 0.001;
    let (pace, gauge) = (field.pace(panel.particles), field.gauge());
    let told = if !(gauge.blurred && gauge.scale > 0.0) {
        format!("of {}", number(pace))
    } else if pace < LEAST * gauge.scale {
        format!("below {LEAST} h")
    } else {
        format!("of {} h", number(pace / gauge.scale))
    };
    let why = match (arrows, named) {
        (Arrows::None, false) => ", too short for arrows",
        (Arrows::None, true) => ", no arrows",
        (_, false) => ", most too short for arrows",
        (_, true) => ", few arrows",
    };
    format!("moves {told}{why}")
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
        _ if ratios.iter().any(|gauge| gauge.blurred) => {
            "log p/q as estimated; with h, both blurred".to_owned()
        }
        _ => "log p/q as estimated".to_owned(),
    }
}

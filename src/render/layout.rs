//! Where everything is in a picture of panels side by side.

use super::Style;
use super::axes::{self, Axis};
use super::frame_parts::{Frame, Panel};
use super::legend;
use super::line_key;
use super::look::{LOOK, stretch};
use super::strip;
use super::view::View;
use crate::canvas::Rect;

/// Margins left (at least, to make room for labels), right, and gap between panels.
pub(super) const LEFT: f64 = 46.0;
pub(super) const RIGHT: f64 = 34.0;
pub(super) const GAP: f64 = 22.0;
/// Title, headline of a single panel, and the line of progress.
pub(super) const HEAD: f64 = 100.0;
/// Name and headline of one panel of several.
pub(super) const NAME: f64 = 46.0;
/// Labels below the plots.
pub(super) const TICKS: f64 = 28.0;

pub(super) fn vertical(view: &View, tall: f64) -> Axis {
    Axis::linear(view.y, tall / LOOK.apart[0])
}

/// Where everything is.
pub(super) struct Layout {
    pub(super) view: View,
    pub(super) left: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) columns: usize,
    pub(super) rows: usize,
    pub(super) count: usize,
    pub(super) named: bool,
    /// Whether the panels show clouds on the line.
    pub(super) on_line: bool,
    pub(super) panel: [f64; 2],
    /// Down to the names of the first panels, or to the panel itself.
    pub(super) head: f64,
    pub(super) legend: f64,
    /// How much longer than the moves that they stand for arrows are, where a panel has no scale of its own.
    pub(super) stretch: f64,
}

impl Layout {
    /// How much longer they are in a panel.
    pub(super) fn stretch_in(&self, panel: &Panel<'_>) -> f64 {
        let unit = self.panel[0] / self.view.width();
        panel
            .longest
            .map_or(self.stretch, |longest| stretch(longest * unit))
    }
}

/// Widths of a picture with so many panels side by side.
const WIDTHS: [f64; 5] = [Style::WIDTH, 1080.0, 1400.0, 1720.0, 1900.0];

/// Columns and rows of so many panels: up to three stand in a row, up to ten in two, nine in a square; the rows differ by one panel at most.
fn seats(count: usize) -> [usize; 2] {
    let rows = match count {
        ..=3 => 1,
        4..=8 | 10 => 2,
        more => more.div_ceil(4),
    };
    [count.div_ceil(rows), rows]
}

/// How much larger a picture with so many panels is than one with a single panel, where a panel is about as tall as wide.
#[must_use]
pub fn expanse(panels: usize) -> f64 {
    let area = |count: usize| {
        let [columns, rows] = seats(count);
        let width = WIDTHS[columns - 1];
        width * (HEAD + TICKS + rows as f64 * (width / columns as f64 + NAME))
    };
    area(panels.max(1)) / area(1)
}

impl Layout {
    pub(super) fn of(frame: &Frame<'_, '_>, style: &Style) -> Self {
        let count = frame.panels.len().max(1);
        let [columns, rows] = seats(count);
        let width = style.sane_width(WIDTHS[columns - 1]);
        let view = frame.view.sane();
        let split = |left: f64| {
            ((width - left - RIGHT - GAP * (columns - 1) as f64) / columns as f64).floor()
        };
        let on_line = frame.panels.iter().any(|panel| panel.profile.is_some());
        let tall = if on_line {
            LOOK.line.aspect
        } else {
            view.height() / view.width()
        };
        let labels = vertical(&view, split(LEFT) * tall);
        let left = axes::room(&labels).clamp(LEFT, 150.0).ceil();
        let across = split(left);
        let panel = [across, (across * tall).round()];
        let named = count > 1 || frame.panels.iter().any(|panel| !panel.name.is_empty());
        let row = panel[1] + if named { NAME } else { 0.0 };
        let strip = frame.strip.map_or(0.0, |_| strip::HEIGHT);
        let head = strip + if named { HEAD - 24.0 } else { HEAD };
        let key = if on_line {
            line_key::LEGEND
        } else {
            legend::height(width - left - RIGHT, style)
        };
        let legend = head + row * rows as f64 + 8.0 * (rows - 1) as f64 + TICKS;
        Self {
            stretch: stretch(frame.longest * panel[0] / view.width()),
            view,
            left,
            width,
            height: legend + key,
            on_line,
            columns,
            rows,
            count,
            named,
            panel,
            head,
            legend,
        }
    }

    /// Column and row of a panel, and how many panels stand in that row.
    pub(super) fn seat(&self, place: usize) -> (usize, usize, usize) {
        let (short, longer) = (self.count / self.rows, self.count % self.rows);
        let long = longer * (short + 1);
        if place < long {
            (place % (short + 1), place / (short + 1), short + 1)
        } else {
            let place = place - long;
            (place % short, longer + place / short, short)
        }
    }

    pub(super) fn plot(&self, place: usize) -> Rect {
        let (column, row, abreast) = self.seat(place);
        // A shorter row stands in the middle.
        let aside = (self.columns - abreast) as f64 * (self.panel[0] + GAP) / 2.0;
        let name = if self.named { NAME } else { 0.0 };
        Rect {
            x: self.left + (aside + column as f64 * (self.panel[0] + GAP)).round(),
            y: self.head + name + row as f64 * (self.panel[1] + name + 8.0),
            width: self.panel[0],
            height: self.panel[1],
        }
    }

    /// Whether no panel lies below this one.
    pub(super) fn lowest(&self, place: usize) -> bool {
        self.seat(place).1 + 1 == self.rows
    }
}

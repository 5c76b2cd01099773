//! Estimated against true values: one square panel for each estimator, with the diagonal on which it would be right.

use super::axes::{self, Axis, Line};
use super::chart::colour;
use super::{Style, Theme};
use crate::canvas::{Anchor, Canvas, Disc, Rect, bold, regular};
use crate::pixels::Image;

/// Panels that share their axes.
#[derive(Clone, Copy, Debug)]
pub struct Scatter<'a> {
    /// What stands above the picture.
    pub title: &'a str,
    /// What the horizontal axis of every panel shows.
    pub across: &'a str,
    /// What the vertical axis shows.
    pub up: &'a str,
    /// True values; every panel holds one estimate for each. They span both axes, but for the outermost two hundredths.
    pub truth: &'a [f64],
    /// Where a second group of points begins, which has a colour of its own.
    pub second: usize,
    /// Names of the two groups.
    pub groups: [&'a str; 2],
    /// The panels, four in a row.
    pub panels: &'a [Estimates<'a>],
}

/// One panel.
#[derive(Clone, Copy, Debug)]
pub struct Estimates<'a> {
    /// What estimated.
    pub name: &'a str,
    /// A remark beside the name.
    pub note: &'a str,
    /// The estimates. Those beyond the axis are drawn at its end.
    pub values: &'a [f64],
}

const COLUMNS: usize = 4;
const SIDE: f64 = 208.0;
const GAP: f64 = 46.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 26.0;
const HEAD: f64 = 112.0;
/// From one row of panels to the next, beside the panels.
const ROW: f64 = 66.0;
const FOOT: f64 = 62.0;
/// Points of a group that are drawn: more would be one blot.
const MOST: usize = 600;

/// Draws the panels. The picture is as large as they ask for.
#[must_use]
pub fn scatter(picture: &Scatter<'_>, style: &Style) -> Image {
    let theme = style.theme;
    let count = picture.panels.len().max(1);
    let columns = count.clamp(2, COLUMNS);
    let rows = count.div_ceil(columns);
    let width = LEFT + RIGHT + columns as f64 * (SIDE + GAP) - GAP;
    let height = HEAD + rows as f64 * (SIDE + ROW) - ROW + FOOT;
    let mut canvas = Canvas::new(width, height, style.sane_scale(), theme.paper());

    let room = width - LEFT - RIGHT;
    canvas.title(picture.title, [LEFT - 1.0, 40.0], room, theme.ink());
    key(&mut canvas, picture, theme);
    let axis = Axis::linear(span(picture.truth), 6.0);
    for (place, panel) in picture.panels.iter().enumerate() {
        let plot = Rect {
            x: LEFT + (place % columns) as f64 * (SIDE + GAP),
            y: HEAD + (place / columns) as f64 * (SIDE + ROW),
            width: SIDE,
            height: SIDE,
        };
        draw_panel(&mut canvas, picture, panel, plot, &axis, theme);
        if place + columns >= count {
            let middle = [plot.x + SIDE / 2.0, plot.bottom() + 38.0];
            canvas.text(
                picture.across,
                middle,
                Anchor::Centre,
                regular(11.5),
                theme.muted(),
            );
        }
    }
    canvas.into_image()
}

/// What the colours and the axes mean, on the line below the title.
fn key(canvas: &mut Canvas, picture: &Scatter<'_>, theme: Theme) {
    let letters = regular(13.0);
    let mut x = LEFT;
    for (group, name) in picture.groups.into_iter().enumerate() {
        let clip = canvas.clip(Rect {
            x: 0.0,
            y: 0.0,
            width: 1e5,
            height: HEAD,
        });
        let disc = Disc {
            radius: 4.0,
            ink: colour(group, theme).into(),
            rim: None,
        };
        canvas.disc([x + 4.0, 61.5], &disc, clip);
        x += 14.0 + canvas.text(name, [x + 14.0, 66.0], Anchor::Left, letters, theme.ink()) + 24.0;
    }
    canvas.text(picture.up, [x, 66.0], Anchor::Left, letters, theme.muted());
}

/// From the first to the last hundredth of the finite values, with some air.
fn span(values: &[f64]) -> [f64; 2] {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else {
        return [-1.0, 1.0];
    };
    let [low, high] = [0.01, 0.99].map(|part| sorted[(part * last as f64).round() as usize]);
    let air = (0.08 * (high - low)).max(1e-6 * high.abs()).max(1e-6);
    [low - air, high + air]
}

fn draw_panel(
    canvas: &mut Canvas,
    picture: &Scatter<'_>,
    panel: &Estimates<'_>,
    plot: Rect,
    axis: &Axis,
    theme: Theme,
) {
    let [low, high] = axis.range;
    let part = |v: f64| (v - low) / (high - low);
    let diagonal = Line {
        points: vec![(low, low), (high, high)],
        colour: theme.muted(),
        width: 1.2,
    };
    axes::draw(canvas, plot, [axis, axis], theme, true, &[diagonal]);
    let clip = canvas.clip(plot);
    let groups = [(0, picture.second), (picture.second, picture.truth.len())];
    for (group, (from, to)) in groups.into_iter().enumerate() {
        let disc = Disc {
            radius: 1.4,
            ink: colour(group, theme).alpha(0.55),
            rim: None,
        };
        let stride = to.saturating_sub(from).div_ceil(MOST).max(1);
        for i in (from..to).step_by(stride) {
            let (truth, found) = (picture.truth[i], panel.values[i]);
            if !(low..=high).contains(&truth) || found.is_nan() {
                continue;
            }
            let height = part(found).clamp(0.006, 0.994);
            let place = [plot.x + part(truth) * SIDE, plot.bottom() - height * SIDE];
            canvas.disc(place, &disc, clip);
        }
    }
    let letters = bold(13.0);
    let name = letters.fit(panel.name, SIDE * 0.68);
    let used = canvas.text(
        &name,
        [plot.x, plot.y - 10.0],
        Anchor::Left,
        letters,
        theme.ink(),
    );
    let letters = regular(11.0);
    let note = letters.fit(panel.note, SIDE - used - 8.0);
    let place = [plot.right(), plot.y - 10.0];
    canvas.text(&note, place, Anchor::Right, letters, theme.muted());
}

//! Densities side by side on one colour scale, with or without the particles that should follow them.

use super::axes::{self, Axis};
use super::frame::places;
use super::look::LOOK;
use super::view::View;
use super::{Style, Theme};
use crate::canvas::{Anchor, Canvas, Disc, Rect, regular};
use crate::cloud::CloudView;
use crate::pixels::Colour;
use crate::pixels::Image;

/// A density at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Heat<'a> {
    /// What stands above it.
    pub label: &'a str,
    /// Values at the middles of square cells, row by row from below, each row from the left.
    pub values: &'a [f64],
    /// Cells in a row.
    pub columns: usize,
    /// The part of the plane that the cells cover.
    pub cells: View,
    /// Particles to draw above it, `n×2`.
    pub particles: Option<CloudView<'a>>,
}

const LEFT: f64 = 46.0;
const RIGHT: f64 = 24.0;
const GAP: f64 = 16.0;
const HEAD: f64 = 60.0;
const NAME: f64 = 24.0;
const FOOT: f64 = 34.0;

/// Draws the densities, four in a row, over the same `view`. Colour grows with the square root of the density, up to the largest value of the last one.
#[must_use]
pub fn heats(title: &str, heats: &[Heat<'_>], view: View, style: &Style) -> Image {
    let theme = style.theme;
    let view = view.sane();
    let count = heats.len().max(1);
    let columns = count.min(4);
    let rows = count.div_ceil(columns);
    let width = style.sane_width([480.0, 760.0, 1080.0, 1400.0][columns - 1]);
    let across = ((width - LEFT - RIGHT - GAP * (columns - 1) as f64) / columns as f64).floor();
    let tall = (across * view.height() / view.width()).round();
    let height = HEAD + rows as f64 * (tall + NAME) + FOOT;
    let mut canvas = Canvas::new(width, height, style.sane_scale(), theme.paper());
    let room = width - LEFT - RIGHT;
    canvas.title(title, [LEFT - 1.0, 38.0], room, theme.ink());

    let last = heats.last().map_or(&[][..], |heat| heat.values);
    let most = last.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    for (place, heat) in heats.iter().enumerate() {
        let (column, row) = (place % columns, place / columns);
        let plot = Rect {
            x: LEFT + column as f64 * (across + GAP),
            y: HEAD + NAME + row as f64 * (tall + NAME),
            width: across,
            height: tall,
        };
        paint(&mut canvas, heat, plot, view, most, theme);
        if let Some(cloud) = heat.particles {
            let clip = canvas.clip(plot);
            let size = (plot.width * plot.height).sqrt();
            let disc = Disc {
                radius: (0.1 * size / (cloud.nrows().max(1) as f64).sqrt()).clamp(0.6, 2.5),
                ink: theme.ink().alpha(0.8),
                rim: None,
            };
            for at in places(cloud, &view, plot) {
                canvas.disc(at, &disc, clip);
            }
        }
        canvas.border(plot, 1.0, theme.faint());
        let letters = regular(12.5);
        let label = letters.fit(heat.label, plot.width);
        let above = [plot.x, plot.y - 7.0];
        canvas.text(&label, above, Anchor::Left, letters, theme.ink());
        let x = Axis {
            labelled: place + columns >= count,
            ..Axis::across(view.x, plot.width, LOOK.apart[0])
        };
        let y = Axis {
            labelled: column == 0,
            ..Axis::linear(view.y, plot.height / LOOK.apart[0])
        };
        axes::draw(&mut canvas, plot, [&x, &y], theme, false, &[]);
    }
    canvas.into_image()
}

/// Fills the plot with the density, linear between the middles of the cells.
fn paint(canvas: &mut Canvas, heat: &Heat<'_>, plot: Rect, view: View, most: f64, theme: Theme) {
    let columns = heat.columns.max(1);
    let rows = heat.values.len() / columns;
    if rows == 0 {
        return;
    }
    let clip = canvas.clip(plot);
    let stride = canvas.columns();
    let scale = canvas.scale();
    let scheme: Vec<Colour> = (0..=255)
        .map(|level| tint(f64::from(level) / 255.0, theme))
        .collect();
    // Where a device pixel lies, in cells from the middle of the first.
    let cell =
        |pixel: usize, origin: f64, length: f64, range: [f64; 2], of: [f64; 2], count: usize| {
            let share = ((pixel as f64 + 0.5) / scale - origin) / length;
            let at = range[0] + share * (range[1] - range[0]);
            (at - of[0]) / (of[1] - of[0]) * count as f64 - 0.5
        };
    canvas.set_shaded();
    let pixels = canvas.pixels_mut();
    for pixel_y in clip.y[0]..clip.y[1] {
        let flipped = [view.y[1], view.y[0]];
        let v = cell(pixel_y, plot.y, plot.height, flipped, heat.cells.y, rows);
        for pixel_x in clip.x[0]..clip.x[1] {
            let u = cell(pixel_x, plot.x, plot.width, view.x, heat.cells.x, columns);
            let value = between(heat.values, [columns, rows], [u, v]);
            let level = (value / most).max(0.0).sqrt().min(1.0);
            let colour = scheme[(255.0 * level).round() as usize];
            let pixel = 4 * (pixel_y * stride + pixel_x);
            pixels[pixel..pixel + 3].copy_from_slice(&[colour.r, colour.g, colour.b]);
        }
    }
}

/// The value between the middles of the four nearest cells; zero outside.
fn between(values: &[f64], [columns, rows]: [usize; 2], [u, v]: [f64; 2]) -> f64 {
    let at = |column: f64, row: f64| {
        let inside = column >= 0.0 && row >= 0.0 && column < columns as f64 && row < rows as f64;
        if inside {
            values[row as usize * columns + column as usize]
        } else {
            0.0
        }
    };
    let (column, row) = (u.floor(), v.floor());
    let (s, t) = (u - column, v - row);
    let below = (1.0 - s) * at(column, row) + s * at(column + 1.0, row);
    let above = (1.0 - s) * at(column, row + 1.0) + s * at(column + 1.0, row + 1.0);
    (1.0 - t) * below + t * above
}

/// From the paper by way of a light tone to a deep one.
fn tint(level: f64, theme: Theme) -> Colour {
    let light = Colour::oklch(0.78, 0.11, 4.0);
    let deep = Colour::oklch(0.42, 0.16, 4.6);
    if level < 0.5 {
        theme.paper().mix(light, 2.0 * level)
    } else {
        light.mix(deep, 2.0 * level - 1.0)
    }
}

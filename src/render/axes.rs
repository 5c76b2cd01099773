//! Axes, ticks, labels and curves by plotters, on a canvas that it believes to be sixteen times as large.
//!
//! Plotters counts in whole pixels. Told of a sheet of sixteen times the size, it places everything to a
//! sixteenth of a logical pixel, and the backend divides.

use std::convert::Infallible;
use std::ops::Range;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint};
use plotters::drawing::DrawingAreaErrorKind;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingErrorKind,
};

use super::theme::Theme;
use crate::canvas::{Anchor, Canvas, Ink, Letters, Rect, bold, regular};
use crate::digits::{self, Decimal};
use crate::pixels::Colour;

const FINE: f64 = 16.0;
/// Size of the labels.
const LABEL: f64 = 11.5;

/// One axis: what it spans, and where it is labelled.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Axis {
    pub(crate) range: [f64; 2],
    pub(crate) ticks: Vec<(f64, String)>,
    /// Whether the labels are written beside the ticks.
    pub(crate) labelled: bool,
}

/// A curve in the coordinates of the axes.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) points: Vec<(f64, f64)>,
    pub(crate) colour: Colour,
    pub(crate) width: f64,
}

impl Axis {
    /// Ticks at round numbers, at most about `most` of them, but two at least: one alone gives no scale.
    pub(crate) fn linear(range: [f64; 2], most: f64) -> Self {
        let finer = [1.0, 2.0, 4.0, 8.0].map(|factor| factor * most.max(1.0));
        let mut axes = finer.into_iter().map(|most| Self::at_most(range, most));
        axes.find(|axis| axis.ticks.len() > 1)
            .unwrap_or_else(|| Self::at_most(range, most))
    }

    /// The same along the foot of a plot that is so long, where labels stand beside each other: as many as have room, `apart` from tick to tick at least.
    pub(crate) fn across(range: [f64; 2], length: f64, apart: f64) -> Self {
        /// Between two labels.
        const AIR: f64 = 12.0;
        let mut most = length / apart;
        loop {
            let axis = Self::linear(range, most);
            let widths = axis
                .ticks
                .iter()
                .map(|(_, label)| regular(LABEL).width(label));
            let widest = widths.fold(0.0, f64::max) + AIR;
            let stand = match axis.ticks[..] {
                [(first, _), (second, _), ..] => length * (second - first) / (range[1] - range[0]),
                _ => f64::INFINITY,
            };
            if stand >= widest || axis.ticks.len() < 3 || most < 1.0 {
                return axis;
            }
            most *= 0.7;
        }
    }

    fn at_most(range: [f64; 2], most: f64) -> Self {
        let rough = (range[1] - range[0]) / most.max(1.0);
        let power = rough.log10().floor();
        let steps = [(1, 0), (2, 0), (5, 0), (1, 1)];
        let steps = steps.map(|(factor, more)| Decimal(factor, power as i32 + more));
        let step = steps.into_iter().find(|step| step.value() >= rough * 0.999);
        let step = step.filter(|step| rough.is_finite() && step.value() > 0.0);
        let Some((step, Decimal(factor, power))) = step.map(|step| (step.value(), step)) else {
            return Self {
                range,
                ticks: Vec::new(),
                labelled: true,
            };
        };
        let first = (range[0] / step - 1e-9).ceil() as i128;
        let ticks: Vec<Decimal> = (0..32)
            .map(|k| Decimal((first + k) * factor, power))
            .take_while(|tick| tick.value() <= range[1] + 1e-9 * step)
            .collect();
        let labels = Decimal::labels(&ticks);
        Self {
            range,
            ticks: ticks.iter().map(|tick| tick.value()).zip(labels).collect(),
            labelled: true,
        }
    }

    /// Ticks at powers of ten for a `range` of decimal logarithms; also at 2 and 5 where these are few.
    pub(crate) fn decades(range: [f64; 2], most: f64) -> Self {
        let span = range[1] - range[0];
        let factors: &[f64] = match span {
            s if s < 1.1 => &[1.0, 2.0, 3.0, 5.0],
            s if s < 2.2 => &[1.0, 3.0],
            _ => &[1.0],
        };
        let stride = (span / most.max(1.0)).ceil().max(1.0) as i32;
        let decades = range[0].floor() as i32..=range[1].ceil() as i32;
        let ticks = decades
            .filter(|decade| decade.rem_euclid(stride) == 0)
            .flat_map(|decade| {
                factors.iter().map(move |&factor| {
                    let label = match decade {
                        -3..=3 => {
                            let places = usize::try_from(-decade).unwrap_or(0);
                            format!("{:.places$}", factor * 10.0_f64.powi(decade))
                        }
                        _ if factor == 1.0 => format!("10{}", digits::superscript(decade)),
                        _ => format!("{factor}·10{}", digits::superscript(decade)),
                    };
                    (f64::from(decade) + factor.log10(), label)
                })
            })
            .filter(|(tick, _)| (range[0] - 1e-9..=range[1] + 1e-9).contains(tick))
            .collect();
        Self {
            range,
            ticks,
            labelled: true,
        }
    }
}

/// The room that the labels of a vertical axis take on its left, in logical pixels.
pub(crate) fn room(axis: &Axis) -> f64 {
    let widths = axis
        .ticks
        .iter()
        .map(|(_, label)| regular(LABEL).width(label));
    widths.fold(0.0, f64::max) + 16.0
}

/// Draws ticks, labels, grid lines (if `grid`) and curves into the box `plot`.
pub(crate) fn draw(
    canvas: &mut Canvas,
    plot: Rect,
    [x, y]: [&Axis; 2],
    theme: Theme,
    grid: bool,
    lines: &[Line],
) {
    let drawn = try_draw(canvas, plot, [x, y], theme, grid, lines);
    debug_assert!(drawn.is_ok(), "drawing into memory failed: {drawn:?}");
}

type Drawn<T> = Result<T, DrawingAreaErrorKind<Infallible>>;

fn try_draw(
    canvas: &mut Canvas,
    plot: Rect,
    [x, y]: [&Axis; 2],
    theme: Theme,
    grid: bool,
    lines: &[Line],
) -> Drawn<()> {
    const LABELS: [f64; 2] = [90.0, 28.0];
    let fine = |v: f64| (v * FINE).round() as i32;
    let sheet: DrawingArea<Pen<'_>, Shift> = Pen { canvas }.into_drawing_area();
    let [left, bottom] = LABELS.map(fine);
    let area = sheet.shrink(
        (fine(plot.x) - left, fine(plot.y)),
        (fine(plot.width) + left, fine(plot.height) + bottom),
    );
    let mut chart = ChartBuilder::on(&area)
        .set_label_area_size(LabelAreaPosition::Left, left)
        .set_label_area_size(LabelAreaPosition::Bottom, bottom)
        .build_cartesian_2d(Scale::of(x), Scale::of(y))?;
    let paint = |colour: Colour| RGBColor(colour.r, colour.g, colour.b);
    let line = |colour: Colour, width: f64| ShapeStyle {
        color: paint(colour).to_rgba(),
        filled: false,
        stroke_width: fine(width) as u32,
    };
    let labels = |axis: &Axis| {
        let ticks = axis.ticks.clone();
        let labelled = axis.labelled;
        move |value: &f64| {
            let nearest = ticks
                .iter()
                .min_by(|a, b| (a.0 - value).abs().total_cmp(&(b.0 - value).abs()));
            nearest
                .filter(|_| labelled)
                .map_or_else(String::new, |(_, label)| label.clone())
        }
    };
    let (x_label, y_label) = (labels(x), labels(y));
    let style = ("sans-serif", LABEL * FINE)
        .into_font()
        .color(&paint(theme.muted()));
    let mut mesh = chart.configure_mesh();
    mesh.bold_line_style(line(theme.paper().mix(theme.faint(), 0.6), 1.0))
        .light_line_style(paint(theme.faint()).mix(0.0))
        .axis_style(line(theme.faint(), 1.0))
        .set_all_tick_mark_size(fine(4.0))
        .label_style(style)
        .x_label_formatter(&x_label)
        .y_label_formatter(&y_label);
    if !grid {
        mesh.disable_mesh();
    }
    mesh.draw()?;
    for Line {
        points,
        colour,
        width,
    } in lines
    {
        chart.draw_series(LineSeries::new(
            points.iter().copied(),
            line(*colour, *width),
        ))?;
    }
    Ok(())
}

/// An axis as plotters sees it: linear, with our ticks.
struct Scale {
    range: [f64; 2],
    ticks: Vec<f64>,
}

impl Scale {
    fn of(axis: &Axis) -> Self {
        Self {
            range: axis.range,
            ticks: axis.ticks.iter().map(|tick| tick.0).collect(),
        }
    }
}

impl Ranged for Scale {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let [low, high] = self.range;
        let part = (value - low) / (high - low);
        from + (part * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() {
            Vec::new()
        } else {
            self.ticks.clone()
        }
    }

    fn range(&self) -> Range<f64> {
        self.range[0]..self.range[1]
    }
}

/// The canvas as plotters sees it.
struct Pen<'a> {
    canvas: &'a mut Canvas,
}

fn coarse((x, y): BackendCoord) -> [f64; 2] {
    [f64::from(x) / FINE, f64::from(y) / FINE]
}

fn ink(colour: BackendColor) -> Ink {
    let (r, g, b) = colour.rgb;
    Colour { r, g, b }.alpha(colour.alpha)
}

fn letters(style: &impl BackendTextStyle) -> Letters {
    let size = style.size() / FINE;
    match style.style() {
        FontStyle::Bold => bold(size),
        _ => regular(size),
    }
}

impl DrawingBackend for Pen<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        let [width, height] = self.canvas.size().map(|v| (v * FINE).round() as u32);
        (width, height)
    }

    fn ensure_prepared(&mut self) -> Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn present(&mut self) -> Result<(), DrawingErrorKind<Infallible>> {
        Ok(())
    }

    fn draw_pixel(
        &mut self,
        point: BackendCoord,
        colour: BackendColor,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let [x, y] = coarse(point);
        let size = 1.0 / FINE;
        self.canvas.fill(
            &[[x, y], [x + size, y], [x + size, y + size], [x, y + size]],
            ink(colour),
        );
        Ok(())
    }

    /// Lines along an axis become boxes with sharp edges.
    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        self.draw_path([from, to], style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let ink = ink(style.color());
        if ink.alpha == 0.0 {
            return Ok(());
        }
        let width = f64::from(style.stroke_width()) / FINE;
        let points: Vec<[f64; 2]> = path.into_iter().map(coarse).collect();
        match points[..] {
            [[x0, y0], [x1, y1]] if x0 == x1 || y0 == y1 => {
                let along = |a: f64, b: f64| {
                    if a == b {
                        (a - width / 2.0, width)
                    } else {
                        (a.min(b), (a - b).abs())
                    }
                };
                let ((x, width), (y, height)) = (along(x0, x1), along(y0, y1));
                self.canvas.fill_box(
                    Rect {
                        x,
                        y,
                        width,
                        height,
                    },
                    ink,
                );
            }
            _ => self.canvas.stroke(&points, width, None, ink),
        }
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        bottom_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let ([x, y], [right, bottom]) = (coarse(upper_left), coarse(bottom_right));
        let rect = Rect {
            x,
            y,
            width: right - x,
            height: bottom - y,
        };
        if fill {
            self.canvas.fill_box(rect, ink(style.color()));
        } else {
            let width = f64::from(style.stroke_width()) / FINE;
            self.canvas.border(rect, width, ink(style.color()));
        }
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let corners: Vec<[f64; 2]> = corners.into_iter().map(coarse).collect();
        self.canvas.fill(&corners, ink(style.color()));
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        place: BackendCoord,
    ) -> Result<(), DrawingErrorKind<Infallible>> {
        let letters = letters(style);
        let [x, y] = coarse(place);
        let anchor = match style.anchor().h_pos {
            HPos::Left => Anchor::Left,
            HPos::Center => Anchor::Centre,
            HPos::Right => Anchor::Right,
        };
        let baseline = match style.anchor().v_pos {
            VPos::Top => y + 0.76 * letters.size,
            VPos::Center => y + 0.365 * letters.size,
            VPos::Bottom => y - 0.24 * letters.size,
        };
        self.canvas
            .text(text, [x, baseline], anchor, letters, ink(style.color()));
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let letters = letters(style);
        let fine = |v: f64| (v * FINE).ceil() as u32;
        Ok((fine(letters.width(text)), fine(letters.size)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| tick.1.as_str()).collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(
            labels(&Axis::linear([-3.3, 3.1], 8.0)),
            ["−3", "−2", "−1", "0", "1", "2", "3"]
        );
        assert_eq!(
            labels(&Axis::linear([0.0, 0.11], 4.0)),
            ["0", "0.05", "0.10"]
        );
        assert_eq!(
            labels(&Axis::linear([0.0, 2e6], 3.0)),
            ["0", "1·10⁶", "2·10⁶"]
        );
        assert_eq!(
            labels(&Axis::decades([-5.2, 0.3], 8.0)),
            ["10⁻⁵", "10⁻⁴", "0.001", "0.01", "0.1", "1"]
        );
        assert_eq!(
            labels(&Axis::decades([-2.1, -1.2], 8.0)),
            ["0.01", "0.02", "0.03", "0.05"]
        );
    }

    #[test]
    fn any_range_has_finitely_many_ticks() {
        for range in [
            [1e14, 1e14 + 2.0],
            [f64::NAN, 1.0],
            [0.0, f64::INFINITY],
            [-1e-12, 1e-12],
            [0.0, 1e300],
            [5.0, 5.0],
        ] {
            assert!(Axis::linear(range, 8.0).ticks.len() <= 32, "{range:?}");
        }
        for most in [0.5, 1.0, 2.5, 4.0] {
            for range in [[-3.9, 4.1], [-7.3, 7.7], [0.4, 9.9], [-0.002, 0.9]] {
                assert!(Axis::linear(range, most).ticks.len() >= 2, "{range:?}");
            }
        }
    }
}

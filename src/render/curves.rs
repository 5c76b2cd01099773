//! Convergence: metrics against the step, one panel each, several runs overlaid, with the sampling floors.

use super::axes::{self, Axis, Line};
use super::canvas::{Canvas, Image};
use super::colour::Colour;
use super::frame::title;
use super::shape::{Disc, Rect};
use super::text::{Anchor, Letters, bold, regular};
use super::theme::series;
use super::words::{self, Floor};
use super::{Style, Theme};

/// Metrics of one run, or of several.
#[derive(Clone, Copy, Debug)]
pub struct Figure<'a> {
    /// Title of the scenario. A long one has smaller letters, then a second line, and at last an end `…`.
    pub title: &'a str,
    /// One panel for each metric, up to three in a row.
    pub charts: &'a [Chart<'a>],
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Chart<'a> {
    /// Name of the metric, in words.
    pub name: &'a str,
    /// How to read the curves, beside the name; where there is one curve, its last value stands there.
    pub note: &'a str,
    /// Where two samples of the target stand; for metrics of which less is better.
    pub floor: Option<Floor>,
    /// Whether to draw decimal logarithms. Zero and negative values are then marked at the lower border.
    pub logarithmic: bool,
    /// One curve for each run.
    pub curves: &'a [Curve<'a>],
}

/// One metric of one run.
#[derive(Clone, Copy, Debug)]
pub struct Curve<'a> {
    /// Name of the run; equal names have equal colours in all charts.
    pub label: &'a str,
    /// Steps at which the metric was measured.
    pub steps: &'a [f64],
    /// Its values; the curve has a gap where a value is not finite.
    pub values: &'a [f64],
    /// The step from which on the metric could not be told from its floor.
    pub converged_at: Option<f64>,
    /// Whether it is drawn wide, so that it is seen below a curve that lies on it.
    pub wide: bool,
}

const LEFT: f64 = 66.0;
const RIGHT: f64 = 34.0;
const GAP: f64 = 78.0;
const HEAD: f64 = 84.0;
/// From one row of charts to the next, beside the charts.
const ROW: f64 = 78.0;
const FOOT: f64 = 84.0;
/// From one line of the key to the next.
const LINE: f64 = 21.0;
/// The names in the key.
const NAME: Letters = regular(13.0);

/// Draws a figure. It is as tall as the number of charts asks for.
#[must_use]
pub fn curves(figure: &Figure<'_>, style: &Style) -> Image {
    let layout = Layout::of(figure, style);
    let [width, height] = [layout.width, layout.height];
    let mut canvas = Canvas::new(width, height, style.sane_scale(), style.theme.paper());
    paint(&mut canvas, figure, &layout, style.theme);
    canvas.into_image()
}

/// The same figure as an SVG file.
#[must_use]
pub fn curves_svg(figure: &Figure<'_>, style: &Style) -> String {
    let layout = Layout::of(figure, style);
    let [width, height] = [layout.width, layout.height];
    let mut canvas = Canvas::shapes(width, height, style.sane_scale(), style.theme.paper());
    paint(&mut canvas, figure, &layout, style.theme);
    canvas.into_svg(&format!("{}: convergence", figure.title))
}

/// Where the charts are.
struct Layout {
    width: f64,
    height: f64,
    columns: usize,
    /// Where the charts begin.
    head: f64,
    /// Size of each chart.
    across: f64,
    tall: f64,
}

impl Layout {
    fn of(figure: &Figure<'_>, style: &Style) -> Self {
        let count = figure.charts.len().max(1);
        let columns = match count {
            1 => 1,
            2..=4 => 2,
            _ => 3,
        };
        let rows = count.div_ceil(columns);
        let width = style.sane_width([Style::WIDTH, 1080.0, 1400.0][columns - 1]);
        let lines = key(figure, &labels(figure), width)
            .last()
            .map_or(0, |mark| mark.line);
        let head = HEAD + LINE * lines as f64;
        let across = (width - LEFT - RIGHT - GAP * (columns - 1) as f64) / columns as f64;
        let tall = (across * if columns == 1 { 0.6 } else { 0.5 }).round();
        Self {
            width,
            height: head + rows as f64 * (tall + ROW) - ROW + FOOT + 22.0,
            columns,
            head,
            across,
            tall,
        }
    }
}

fn paint(canvas: &mut Canvas, figure: &Figure<'_>, layout: &Layout, theme: Theme) {
    let &Layout {
        width,
        height,
        columns,
        head,
        across,
        tall,
    } = layout;
    let room = width - LEFT - RIGHT;
    title(canvas, figure.title, [LEFT - 1.0, 40.0], room, theme);
    let labels = labels(figure);
    for mark in key(figure, &labels, width) {
        let y = 66.0 + LINE * mark.line as f64;
        let line = |y: f64| [[mark.x + 1.0, y], [mark.x + 19.0, y]];
        if let Some(place) = mark.place {
            canvas.stroke(&line(y - 4.5), 3.0, None, colour(place, theme));
        } else {
            let [tint, deep] = floor_colours(theme);
            let swatch = Rect {
                x: mark.x + 1.0,
                y: y - 10.0,
                width: 18.0,
                height: 11.0,
            };
            canvas.fill_box(swatch, tint);
            canvas.stroke(&line(y - 4.0), 1.0, Some([4.0, 3.0]), deep.alpha(0.8));
        }
        let place = [mark.x + 27.0, y];
        canvas.text(&mark.text, place, Anchor::Left, NAME, theme.ink());
    }
    let span = span(figure);
    let mut marks = Marks::default();
    for (place, chart) in figure.charts.iter().enumerate() {
        let (column, row) = (place % columns, place / columns);
        let plot = Rect {
            x: LEFT + column as f64 * (across + GAP),
            y: head + 22.0 + row as f64 * (tall + ROW),
            width: across,
            height: tall,
        };
        marks.join(panel(canvas, chart, plot, span, &labels, theme));
        if place + columns >= figure.charts.len() {
            let middle = [plot.x + plot.width / 2.0, plot.bottom() + 40.0];
            canvas.text("step", middle, Anchor::Centre, regular(11.5), theme.muted());
        }
    }
    let words = match (marks.arrived, marks.below) {
        (true, true) => {
            "●  first of three checks in a row at the sampling floor        ▽  zero or negative, below the axis"
        }
        (true, false) => "●  first of three checks in a row at the sampling floor",
        (false, true) => "▽  zero or negative, below the axis",
        (false, false) => "",
    };
    let place = [LEFT, height - 20.0];
    canvas.text(words, place, Anchor::Left, regular(11.0), theme.muted());
}

/// Which marks a figure has to explain.
#[derive(Clone, Copy, Default)]
struct Marks {
    arrived: bool,
    below: bool,
}

impl Marks {
    fn join(&mut self, other: Self) {
        self.arrived |= other.arrived;
        self.below |= other.below;
    }
}

/// The names of all runs, in order of appearance.
fn labels<'a>(figure: &Figure<'a>) -> Vec<&'a str> {
    let mut labels = Vec::new();
    for curve in figure.charts.iter().flat_map(|chart| chart.curves) {
        if !labels.contains(&curve.label) {
            labels.push(curve.label);
        }
    }
    labels
}

/// The steps that every chart spans.
fn span(figure: &Figure<'_>) -> [f64; 2] {
    let steps = figure
        .charts
        .iter()
        .flat_map(|chart| chart.curves)
        .flat_map(|curve| curve.steps);
    let [first, last] = steps
        .filter(|step| step.is_finite())
        .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], &s| {
            [low.min(s), high.max(s)]
        });
    if first < last {
        [first, last]
    } else {
        [0.0, last.max(1.0)]
    }
}

/// The colour of the run at this place among the labels; a second round is darker.
#[must_use]
pub fn colour(place: usize, theme: Theme) -> Colour {
    let own = series(place);
    // On white, orange and sky blue are pale for a line; orange must not come near to vermilion, which some eyes take for it.
    let part = match (theme, place % 7) {
        (Theme::Dark, _) | (_, 5) => 0.2,
        (Theme::Light, 4) => 0.1,
        _ => 0.0,
    };
    let lifted = own.mix(theme.ink(), part);
    if place < 7 {
        lifted
    } else {
        lifted.mix(theme.ink(), 0.5)
    }
}

/// A name in the key below the title: of the run at this place among the labels, or of the sampling floor.
struct Mark {
    place: Option<usize>,
    text: String,
    x: f64,
    line: usize,
}

/// Where the names stand, on as many lines as they need; a run by itself needs no name.
fn key(figure: &Figure<'_>, labels: &[&str], width: f64) -> Vec<Mark> {
    let right = width - RIGHT;
    let (mut x, mut line) = (LEFT, 0);
    let runs = labels.iter().enumerate().filter(|_| labels.len() > 1);
    let floor = figure.charts.iter().any(|chart| chart.floor.is_some());
    let floor = floor.then_some((
        None,
        "sampling floor: 95 % of perfect samples, and their median",
    ));
    runs.map(|(place, label)| (Some(place), *label))
        .chain(floor)
        .map(|(place, name)| {
            let text = NAME.fit(name, right - LEFT - 27.0);
            let across = 27.0 + NAME.width(&text);
            if x > LEFT && x + across > right {
                (x, line) = (LEFT, line + 1);
            }
            let mark = Mark {
                place,
                text,
                x,
                line,
            };
            x += across + 23.0;
            mark
        })
        .collect()
}

/// Draws one chart; tells which marks it contains.
fn panel(
    canvas: &mut Canvas,
    chart: &Chart<'_>,
    plot: Rect,
    span: [f64; 2],
    labels: &[&str],
    theme: Theme,
) -> Marks {
    let place_of = |curve: &Curve<'_>| labels.iter().position(|l| *l == curve.label).unwrap_or(0);
    let points = |curve: &Curve<'_>| -> Vec<(f64, f64)> {
        curve
            .steps
            .iter()
            .copied()
            .zip(curve.values.iter().copied())
            .collect()
    };
    let positive = |v: f64| v.is_finite() && v > 0.0;
    let logarithmic = chart.logarithmic
        && chart
            .curves
            .iter()
            .any(|curve| curve.values.iter().any(|&v| positive(v)));
    // Values as the axis counts them; `None` where there is nothing to draw.
    let height = |v: f64| match logarithmic {
        true if positive(v) => Some(v.log10()),
        true => None,
        false => Some(v).filter(|v| v.is_finite()),
    };
    let y = axis(chart, plot.height, logarithmic, height);
    let x = Axis::linear(span, plot.width / 80.0);
    let across = |s: f64| plot.x + (s - span[0]) / (span[1] - span[0]) * plot.width;
    let up = |v: f64| plot.bottom() - (v - y.range[0]) / (y.range[1] - y.range[0]) * plot.height;

    if let Some(floor) = chart.floor {
        band(canvas, plot, floor, |v| height(v).map(up), theme);
    }
    let (mut lines, mut single) = (Vec::new(), Vec::new());
    for curve in chart.curves {
        let colour = colour(place_of(curve), theme);
        let mut points = points(curve);
        points.retain(|point| point.0.is_finite());
        for run in points.split(|point| height(point.1).is_none()) {
            let run: Vec<(f64, f64)> = run
                .iter()
                .filter_map(|&(s, v)| Some((s, height(v)?)))
                .collect();
            if let [(s, v)] = run[..] {
                single.push(([across(s), up(v)], colour));
            } else if !run.is_empty() {
                lines.push(Line {
                    points: run,
                    colour,
                    width: if curve.wide { 4.2 } else { 1.9 },
                });
            }
        }
    }
    axes::draw(canvas, plot, [&x, &y], theme, true, &lines);
    // A value between two that cannot be drawn, or measured once only. Nothing lies over it.
    for (place, colour) in single {
        let disc = Disc {
            radius: 2.6,
            ink: colour.into(),
            rim: Some((1.0, theme.paper().into())),
        };
        let clip = canvas.clip(Rect {
            x: plot.x - 5.0,
            y: plot.y - 5.0,
            width: plot.width + 10.0,
            height: plot.height + 10.0,
        });
        canvas.disc(place, &disc, clip);
    }
    let mut marks = Marks::default();
    for curve in chart.curves {
        let colour = colour(place_of(curve), theme);
        for (s, v) in points(curve) {
            if logarithmic && v <= 0.0 && s.is_finite() {
                triangle(canvas, [across(s), plot.bottom() - 5.0], colour, theme);
                marks.below = true;
            }
        }
        if let Some(mark) = arrival(curve, height) {
            let clip = canvas.clip(Rect {
                x: 0.0,
                y: 0.0,
                width: 1e5,
                height: 1e5,
            });
            let rim = Some((2.0, theme.paper().into()));
            canvas.disc(
                [across(mark.0), up(mark.1)],
                &Disc {
                    radius: 4.0,
                    ink: colour.into(),
                    rim,
                },
                clip,
            );
            marks.arrived = true;
        }
    }
    heading(canvas, chart, plot, theme);
    marks
}

/// The mark of a value below the axis.
fn triangle(canvas: &mut Canvas, [x, y]: [f64; 2], colour: Colour, theme: Theme) {
    let corners = [
        [x - 3.6, y - 3.2],
        [x + 3.6, y - 3.2],
        [x, y + 3.2],
        [x - 3.6, y - 3.2],
    ];
    canvas.fill(&corners, theme.paper());
    canvas.stroke(&corners, 1.1, None, colour);
}

/// The value of a curve where it reached its floor.
fn arrival(curve: &Curve<'_>, height: impl Fn(f64) -> Option<f64>) -> Option<(f64, f64)> {
    let step = curve.converged_at?;
    let place = curve.steps.iter().position(|&s| s >= step)?;
    Some((curve.steps[place], height(*curve.values.get(place)?)?))
}

/// Name of the metric; with a single run also where it ended.
fn heading(canvas: &mut Canvas, chart: &Chart<'_>, plot: Rect, theme: Theme) {
    let y = plot.y - 11.0;
    let (name, letters) = (bold(13.5), regular(11.5));
    let mut room = plot.width;
    // As much as the name leaves room for: the disc on the curve tells when as well.
    let left = room - name.width(chart.name) - 14.0;
    let fits = |words: &String| letters.width(words) <= left;
    let words = match chart.curves {
        [curve] => {
            let last = words::number(curve.values.last().map_or(f64::NAN, |v| *v));
            let since = curve.converged_at.map(|step| {
                [
                    format!("{last} · reached the floor at step {step}"),
                    format!("{last} · floor at step {step}"),
                ]
            });
            since.into_iter().flatten().find(fits).unwrap_or(last)
        }
        _ => letters.fit(chart.note, left),
    };
    if !words.is_empty() {
        let place = [plot.right(), y];
        room -= 14.0 + canvas.text(&words, place, Anchor::Right, letters, theme.muted());
    }
    let text = name.fit(chart.name, room);
    canvas.text(&text, [plot.x, y], Anchor::Left, name, theme.ink());
}

/// The vertical axis: all values, and the floor, with some air.
fn axis(
    chart: &Chart<'_>,
    tall: f64,
    logarithmic: bool,
    height: impl Fn(f64) -> Option<f64>,
) -> Axis {
    let floor = chart
        .floor
        .iter()
        .flat_map(|floor| [floor.median, floor.q95]);
    let values = chart
        .curves
        .iter()
        .flat_map(|curve| curve.values.iter().copied());
    let reach = |values: &mut dyn Iterator<Item = f64>| {
        values
            .filter_map(&height)
            .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], v| {
                [low.min(v), high.max(v)]
            })
    };
    let [mut low, mut high] = reach(&mut values.chain(floor));
    if low > high {
        [low, high] = [0.0, 1.0];
    }
    if !logarithmic && low > 0.0 && low < 0.5 * high {
        low = 0.0;
    }
    let least = if logarithmic {
        0.5
    } else {
        1e-9 * high.abs().max(low.abs()).max(1e-3)
    };
    if high - low < least {
        let half = if logarithmic {
            0.25
        } else {
            0.5 * high.abs().max(0.1)
        };
        (low, high) = (low - half, high + half);
    }
    let air = 0.07 * (high - low);
    let bottom = if !logarithmic && low == 0.0 {
        0.0
    } else {
        low - air
    };
    let range = [bottom, high + air];
    if logarithmic {
        Axis::decades(range, tall / 26.0)
    } else {
        Axis::linear(range, tall / 38.0)
    }
}

/// The colours of the sampling floor: of its band, and of its line and its name.
#[must_use]
pub fn floor_colours(theme: Theme) -> [Colour; 2] {
    let part = if theme == Theme::Dark { 0.26 } else { 0.13 };
    [
        theme.paper().mix(series(2), part),
        theme.ink().mix(series(2), 0.7),
    ]
}

/// The band of values that two samples of the target reach, with its median.
fn band(
    canvas: &mut Canvas,
    plot: Rect,
    floor: Floor,
    up: impl Fn(f64) -> Option<f64>,
    theme: Theme,
) {
    let Some(top) = up(floor.q95).map(|y| y.clamp(plot.y, plot.bottom())) else {
        return;
    };
    let [tint, deep] = floor_colours(theme);
    canvas.fill_box(
        Rect {
            y: top,
            height: plot.bottom() - top,
            ..plot
        },
        tint,
    );
    let median = up(floor.median).filter(|y| (plot.y..=plot.bottom()).contains(y));
    if let Some(y) = median {
        canvas.stroke(
            &[[plot.x, y], [plot.right(), y]],
            1.0,
            Some([4.0, 3.0]),
            deep.alpha(0.8),
        );
    }
}

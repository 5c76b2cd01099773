//! One chart: its curves, its floor, its axes.

use super::axes;
use super::axes::{Axis, Line};
use super::look::{self, LOOK};
use super::theme::{Theme, series};
use crate::canvas::{Anchor, Canvas, Disc, Rect, bold, regular};
use crate::digits::{count, number};
use crate::pixels::Colour;

/// Where a metric stands between two independent samples of the target: the best that a cloud can do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FloorLine {
    /// Median over pairs of target samples.
    pub median: f64,
    /// 95 % quantile over pairs of target samples.
    pub q95: f64,
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Chart<'a> {
    /// Name of the metric, in words.
    pub name: &'a str,
    /// How to read the curves, beside the name; where there is one curve, its last value stands there.
    pub note: &'a str,
    /// Where two samples of the target stand; for metrics of which less is better.
    pub floor: Option<FloorLine>,
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
    /// What theory says at the same steps; empty where it says nothing.
    pub theory: &'a [f64],
    /// The step from which on the metric could not be told from its floor.
    pub converged_at: Option<f64>,
    /// Whether it is drawn wide, so that it is seen below a curve that lies on it.
    pub wide: bool,
}

/// The dashes of what theory says.
pub(super) const THEORY: Option<[f64; 2]> = Some([5.0, 4.0]);

/// Which marks a figure has to explain.
#[derive(Clone, Copy, Default)]
pub(super) struct Marks {
    pub(super) arrived: bool,
    pub(super) below: bool,
}

impl Marks {
    pub(super) fn join(&mut self, other: Self) {
        self.arrived |= other.arrived;
        self.below |= other.below;
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

/// Draws one chart; tells which marks it contains.
#[expect(
    clippy::too_many_lines,
    reason = "strokes in the order in which they lie upon each other"
)]
pub(super) fn panel(
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
    let height = |v: f64| look::height(v, logarithmic);
    let y = axis(chart, plot.height, logarithmic);
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
    for curve in chart.curves {
        let pairs = curve.steps.iter().zip(curve.theory);
        let points = pairs.filter_map(|(&s, &v)| Some([across(s), up(height(v)?)]));
        let points: Vec<[f64; 2]> = points.collect();
        if points.len() > 1 {
            canvas.stroke(&points, 1.3, THEORY, theme.ink());
        }
    }
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
pub(super) fn triangle(canvas: &mut Canvas, [x, y]: [f64; 2], colour: Colour, theme: Theme) {
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
    // What begins there has not come there.
    let started = |step: &f64| curve.steps.first() == Some(step);
    let step = curve.converged_at.filter(|step| !started(step))?;
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
    let words = if let [curve] = chart.curves {
        let last = curve.values.last().map_or(f64::NAN, |v| *v);
        let last = if counts(chart) {
            count(last as u64)
        } else {
            number(last)
        };
        let since = curve.converged_at.map(|step| {
            // What begins there has not come there.
            if curve.steps.first() == Some(&step) {
                return [
                    format!("{last} · at its floor from the start"),
                    format!("{last} · floor from the start"),
                ];
            }
            [
                format!("{last} · reached the floor at step {step}"),
                format!("{last} · floor at step {step}"),
            ]
        });
        since.into_iter().flatten().find(fits).unwrap_or(last)
    } else {
        // Its first part, where there is no room for all.
        let parts = [Some(chart.note), chart.note.split(", ").next()];
        let parts = parts.into_iter().flatten().map(str::to_owned);
        parts.into_iter().find(fits).unwrap_or_default()
    };
    if !words.is_empty() {
        let place = [plot.right(), y];
        room -= 14.0 + canvas.text(&words, place, Anchor::Right, letters, theme.muted());
    }
    let text = name.fit(chart.name, room);
    canvas.text(&text, [plot.x, y], Anchor::Left, name, theme.ink());
}

/// The vertical axis: all values, and the floor.
fn axis(chart: &Chart<'_>, tall: f64, logarithmic: bool) -> Axis {
    let floor = chart
        .floor
        .iter()
        .flat_map(|floor| [floor.median, floor.q95]);
    let values = chart
        .curves
        .iter()
        .flat_map(|curve| curve.values.iter().chain(curve.theory).copied());
    let range = look::span(values.chain(floor), logarithmic);
    let [_, linear, decades] = LOOK.apart;
    if logarithmic {
        Axis::decades(range, tall / decades)
    } else if counts(chart) {
        let mut axis = Axis::linear(range, tall / linear);
        axis.ticks.retain(|(at, _)| at.fract() == 0.0);
        axis
    } else {
        Axis::linear(range, tall / linear)
    }
}

/// Whether all values are counts.
fn counts(chart: &Chart<'_>) -> bool {
    let mut values = chart.curves.iter().flat_map(|curve| curve.values);
    values.all(|v| v.fract() == 0.0 && *v >= 0.0)
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
pub(super) fn band(
    canvas: &mut Canvas,
    plot: Rect,
    floor: FloorLine,
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

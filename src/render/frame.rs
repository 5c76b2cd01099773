//! One picture of the flow: target, field, velocity and particles, in one panel or several side by side.

use super::axes::{self, Axis};
use super::blur;
use super::field::{Arrows, FieldGrid};
use super::frame_parts::{Frame, Panel};
use super::head::{head, name};
use super::layout::{Layout, RIGHT, vertical};
use super::legend;
use super::line::{self, Ground};
use super::line_key;
use super::look::LOOK;
use super::remarks;
use super::strip;
use super::view::View;
use super::{Style, Theme};
use crate::canvas::{Canvas, Clip, Density, Disc, Rect};
use crate::cloud::CloudView;
use crate::pixels::{Colour, Image};

/// More points than this are drawn as density, not as dots.
pub const DOTS: usize = 20_000;

/// Draws a frame. The picture is as tall as the view asks for; every panel has the same axes.
#[must_use]
pub fn draw(frame: &Frame<'_, '_>, style: &Style) -> Image {
    let layout = Layout::of(frame, style);
    let [width, height] = [layout.width, layout.height];
    let mut canvas = Canvas::new(width, height, style.sane_scale(), style.theme.paper());
    paint(&mut canvas, frame, &layout, style);
    canvas.into_image()
}

/// The same picture as an SVG file. The bands of the field, and clouds so large that they are drawn as density, are
/// pictures within it, three times as sharp as [`Style::scale`] says.
#[must_use]
pub fn draw_svg(frame: &Frame<'_, '_>, style: &Style) -> String {
    let layout = Layout::of(frame, style);
    let [width, height] = [layout.width, layout.height];
    let sharp = 3.0 * style.sane_scale();
    let mut canvas = Canvas::shapes(width, height, sharp, style.theme.paper());
    paint(&mut canvas, frame, &layout, style);
    canvas.into_svg(&format!("{}, step {}", frame.title, frame.step))
}

fn paint(canvas: &mut Canvas, frame: &Frame<'_, '_>, layout: &Layout, style: &Style) {
    let theme = style.theme;
    head(canvas, frame, layout, theme);
    if let Some(strip) = frame.strip {
        let room = Rect {
            x: layout.left,
            y: layout.head - strip::HEIGHT - 4.0,
            width: layout.width - layout.left - RIGHT,
            height: strip::HEIGHT,
        };
        strip::draw(canvas, room, strip, theme);
    }
    let bands = has_bands(frame.panels);
    let mut drawn = false;
    for (place, panel) in frame.panels.iter().enumerate() {
        let plot = layout.plot(place);
        let taken = if layout.named {
            name(canvas, panel, plot, theme)
        } else {
            0.0
        };
        let edge = [layout.lowest(place), layout.seat(place).0 == 0];
        let (mut view, mut arrows) = (layout.view, Arrows::Enough);
        if let Some(profile) = &panel.profile {
            let ground = Ground {
                plot,
                view: &layout.view,
                theme,
            };
            let stretch = layout.stretch_in(panel);
            drawn |= line::paint(canvas, panel, profile, ground, stretch, edge);
            // Across the line there is no outside.
            view.y = [f64::NEG_INFINITY, f64::INFINITY];
        } else if let Some(found) = in_plane(canvas, layout, panel, plot, edge, style) {
            drawn |= found != Arrows::None;
            arrows = found;
        }
        let beside = remarks::Beside {
            plot,
            taken,
            named: layout.named,
            arrows,
            stretch: layout.stretch_in(panel),
            bands,
        };
        remarks::draw(canvas, panel, beside, &view, style);
    }
    key(canvas, frame, layout, style, drawn);
}

/// A panel of the plane; returns what arrows there are, if there should be any.
fn in_plane(
    canvas: &mut Canvas,
    layout: &Layout,
    panel: &Panel<'_>,
    plot: Rect,
    [lowest, leftmost]: [bool; 2],
    style: &Style,
) -> Option<Arrows> {
    let theme = style.theme;
    let clouds = [
        (style.show.target, panel.target),
        (style.show.particles, panel.particles),
    ];
    let mut arrows = None;
    if clouds
        .iter()
        .any(|(shown, cloud)| *shown && cloud.nrows() > DOTS)
    {
        canvas.picture(plot, |canvas, plot| {
            arrows = dense(canvas, layout, panel, plot, style);
        });
    } else {
        arrows = dense(canvas, layout, panel, plot, style);
    }
    canvas.border(plot, 1.0, theme.faint());
    let x = Axis {
        labelled: lowest,
        ..Axis::across(layout.view.x, plot.width, LOOK.apart[0])
    };
    let y = Axis {
        labelled: leftmost,
        ..vertical(&layout.view, plot.height)
    };
    axes::draw(canvas, plot, [&x, &y], theme, false, &[]);
    if let Some(field) = panel.field.filter(|_| style.show.field && !panel.diverged) {
        blur::bar(canvas, plot, &layout.view, field.gauge(), theme);
    }
    if panel.diverged {
        canvas.fill_box(plot, theme.paper().alpha(LOOK.lost));
    }
    arrows
}

/// Whether a field of these has bands.
fn has_bands(panels: &[Panel<'_>]) -> bool {
    let mut fields = panels.iter().filter_map(|panel| panel.field);
    fields.any(FieldGrid::is_log_ratio)
}

/// Whether the bands of all of these are finer than they were recorded.
fn is_too_coarse(panels: &[Panel<'_>]) -> bool {
    let mut fields = panels.iter().filter_map(|panel| panel.field);
    fields.all(|field| !field.is_log_ratio() || field.is_too_coarse())
}

/// What stands below the panels, of which some have `arrows`.
fn key(canvas: &mut Canvas, frame: &Frame<'_, '_>, layout: &Layout, style: &Style, arrows: bool) {
    let theme = style.theme;
    let stretch = arrows.then_some(layout.stretch);
    let room = Rect {
        x: layout.left,
        y: layout.legend,
        width: layout.width - layout.left - RIGHT,
        height: layout.height - layout.legend,
    };
    if layout.on_line {
        let profiles = || frame.panels.iter().filter_map(|panel| panel.profile);
        let known = line_key::Known {
            births: profiles().any(|profile| !profile.births.is_empty()),
            closed: profiles().all(|profile| profile.closed),
            blurred: frame
                .panels
                .iter()
                .any(|panel| !blur::length(panel).is_empty()),
        };
        line_key::legend(canvas, room, theme, known, stretch);
    } else {
        let key = legend::Key {
            stretch,
            ratio: blur::words(frame.panels),
            // Of moves alone there is no place that has no band because nobody is there.
            blank: if has_bands(frame.panels) && !is_too_coarse(frame.panels) {
                "no band: no particle or sample near"
            } else {
                ""
            },
            threads: frame.panels.iter().any(|panel| panel.threads.is_some()),
            births: frame.panels.iter().any(|panel| !panel.births.is_empty()),
            newcomers: frame
                .panels
                .iter()
                .any(|panel| panel.colours.contains(&theme.ink())),
            rings: [
                frame.panels.iter().any(Panel::has_samples_above),
                frame.panels.iter().all(Panel::has_samples_above),
            ],
            weights: frame.panels.iter().any(|panel| !panel.shares.is_empty()),
        };
        legend::draw(canvas, room, &key, style);
    }
}

/// Everything that there are many of: the field, the target, the arrows, the particles; returns as [`in_plane`].
fn dense(
    canvas: &mut Canvas,
    layout: &Layout,
    panel: &Panel<'_>,
    plot: Rect,
    style: &Style,
) -> Option<Arrows> {
    let (theme, view) = (style.theme, &layout.view);
    let field = panel.field.filter(|field| field.meets(view));
    if let Some(field) = field.filter(|field| style.show.field && field.is_log_ratio()) {
        canvas.picture(plot, |canvas, plot| field.paint(canvas, plot, view, theme));
    }
    let above = panel.has_samples_above() && style.show.particles;
    if style.show.target && !above {
        target(canvas, panel, plot, view, theme, above);
    }
    if let Some(field) = field.filter(|field| field.falls_short_of(view)) {
        field.border(canvas, plot, view, theme);
    }
    let arrows = field
        .filter(|_| style.show.arrows)
        .map(|field| field.arrows(canvas, plot, view, layout.stretch_in(panel), theme));
    if style.show.particles {
        particles(canvas, panel, plot, view, style);
    }
    if style.show.target && above {
        target(canvas, panel, plot, view, theme, above);
    }
    if style.show.particles
        && let Some([x, y, _]) = panel.clump(plot, view)
    {
        let [_, radius] = LOOK.clump;
        let ring = Disc {
            radius,
            ink: theme.ink().alpha(0.0),
            rim: Some((1.4, theme.ink().alpha(0.8))),
        };
        canvas.disc([x, y], &ring, canvas.clip(plot));
    }
    arrows
}

/// The target sample; where it lies above the particles, as rings.
fn target(
    canvas: &mut Canvas,
    panel: &Panel<'_>,
    plot: Rect,
    view: &View,
    theme: Theme,
    above: bool,
) {
    let clip = canvas.clip(plot);
    let count = panel.target.nrows();
    let grey = theme.target();
    if count > DOTS {
        shade(canvas, panel.target, |_| grey, view, plot, clip, 0.55);
        return;
    }
    let radius = LOOK.target.radius(side(plot), count);
    let disc = Disc {
        radius,
        ink: grey.alpha(if above { 0.0 } else { LOOK.target.alpha }),
        rim: above.then(|| (1.2, theme.ink().alpha(0.8))),
    };
    for place in places(panel.target, view, plot) {
        canvas.disc(place, &disc, clip);
    }
}

/// The side of a square as large as the plot.
fn side(plot: Rect) -> f64 {
    (plot.width * plot.height).sqrt()
}

/// The particles, with what leads to them.
fn particles(canvas: &mut Canvas, panel: &Panel<'_>, plot: Rect, view: &View, style: &Style) {
    let (theme, clip) = (style.theme, canvas.clip(plot));
    let count = panel.particles.nrows();
    let colour = |k: usize| panel.colours.get(k).copied().unwrap_or(theme.muted());
    if style.show.trails {
        trails(canvas, panel, plot, view, colour);
    }
    if let Some(from) = panel.threads {
        threads(canvas, [from, panel.particles], plot, view, theme);
    }
    if count > DOTS {
        shade(canvas, panel.particles, colour, view, plot, clip, 0.95);
        return;
    }
    let radius = LOOK.particle.radius(side(plot), count);
    let width = LOOK.rim.width(radius);
    let rim = width.map(|width| (width, theme.paper().alpha(LOOK.rim.alpha)));
    for (k, place) in places(panel.particles, view, plot).enumerate() {
        let ink = colour(k).alpha(LOOK.particle.alpha);
        let radius = radius * panel.shares.get(k).map_or(1.0, |share| share.sqrt());
        canvas.disc(place, &Disc { radius, ink, rim }, clip);
    }
    flash(canvas, panel, plot, view, radius, clip, theme.ink());
}

/// Rings around those who are born at this moment.
fn flash(
    canvas: &mut Canvas,
    panel: &Panel<'_>,
    plot: Rect,
    view: &View,
    radius: f64,
    clip: Clip,
    ink: Colour,
) {
    let now = panel.past.len();
    for (place, born) in places(panel.particles, view, plot).zip(panel.births) {
        if now > 0 && *born == now {
            let [inner, width, strength] = LOOK.birth;
            let ring = Disc {
                radius: inner * radius,
                ink: ink.alpha(0.0),
                rim: Some((width * radius, ink.alpha(strength))),
            };
            canvas.disc(place, &ring, clip);
        }
    }
}

/// Where the particles have just been, as lines that fade into the past. Of a large cloud a part of the trails is drawn,
/// since more would hide everything.
fn trails(
    canvas: &mut Canvas,
    panel: &Panel<'_>,
    plot: Rect,
    view: &View,
    colour: impl Fn(usize) -> Colour,
) {
    let moments: Vec<Vec<[f64; 2]>> = panel
        .past
        .iter()
        .chain([&panel.particles])
        .map(|cloud| places(*cloud, view, plot).collect())
        .collect();
    let every = panel.particles.nrows().div_ceil(LOOK.trail.most).max(1);
    let inside = |p: &[f64; 2]| {
        (plot.x..=plot.right()).contains(&p[0]) && (plot.y..=plot.bottom()).contains(&p[1])
    };
    for (age, pair) in moments.windows(2).enumerate() {
        let alpha = LOOK.trail.alpha(age, panel.past.len());
        let ends = pair[0].iter().zip(&pair[1]).enumerate();
        for (k, (from, to)) in ends.step_by(every) {
            let lived = panel.births.get(k).is_none_or(|&born| age >= born);
            if lived && inside(from) && inside(to) && from != to {
                canvas.stroke(&[*from, *to], 1.0, None, colour(k).alpha(alpha));
            }
        }
    }
}

/// Lines to the particles from where their threads begin, which a small dot marks; of a large cloud a part, as of trails.
fn threads(
    canvas: &mut Canvas,
    [from, to]: [CloudView<'_>; 2],
    plot: Rect,
    view: &View,
    theme: Theme,
) {
    let clip = canvas.clip(plot);
    let every = from.nrows().div_ceil(LOOK.trail.most).max(1);
    let inside = |p: &[f64; 2]| {
        (plot.x..=plot.right()).contains(&p[0]) && (plot.y..=plot.bottom()).contains(&p[1])
    };
    let begin = Disc {
        radius: 1.1,
        ink: theme.ink().alpha(0.75),
        rim: None,
    };
    let ends = places(from, view, plot).zip(places(to, view, plot));
    for (from, to) in ends.step_by(every) {
        if inside(&from) && inside(&to) {
            canvas.stroke(&[from, to], 1.0, None, theme.ink().alpha(0.55));
        }
        canvas.disc(from, &begin, clip);
    }
}

/// The places of points in logical pixels.
pub(super) fn places<'a>(
    points: CloudView<'a>,
    view: &View,
    plot: Rect,
) -> impl Iterator<Item = [f64; 2]> + use<'a> {
    let scale = [plot.width / view.width(), plot.height / view.height()];
    let (corner, origin) = ([view.x[0], view.y[0]], [plot.x, plot.bottom()]);
    // Differences first: far from zero products would round the places away.
    (0..points.nrows()).map(move |k| {
        [
            origin[0] + (points[(k, 0)] - corner[0]) * scale[0],
            origin[1] - (points[(k, 1)] - corner[1]) * scale[1],
        ]
    })
}

pub(super) fn shade(
    canvas: &mut Canvas,
    points: CloudView<'_>,
    colour: impl Fn(usize) -> Colour,
    view: &View,
    plot: Rect,
    clip: Clip,
    strongest: f32,
) {
    let scale = canvas.scale();
    let mut density = Density::new(clip);
    for (k, place) in places(points, view, plot).enumerate() {
        density.add(place.map(|v| v * scale), colour(k));
    }
    density.soften(scale.round().max(1.0) as usize);
    density.paint(canvas, strongest);
}

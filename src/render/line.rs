//! A cloud on the line: the densities, the log ratio, where each particle is from, and the paths of all of them.

use super::axes::{self, Axis};
use super::blur;
use super::field::{FieldGrid, arrow};
use super::frame_parts::{Panel, Profile};
use super::line_key::{birth, inks};
use super::look::LOOK;
use super::theme::Theme;
use super::view::View;
use crate::canvas::{Anchor, Canvas, Ink, Rect, regular};
use crate::cloud::CloudView;
use crate::digits::number;

/// What a panel, or a part of it, is drawn upon.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) plot: Rect,
    /// What it shows; of the height nothing is used.
    pub(super) view: &'a View,
    pub(super) theme: Theme,
}

impl Ground<'_> {
    fn part(self, k: usize) -> Self {
        let [from, to] = LOOK.line.parts[k].map(|part| part * self.plot.height);
        Self {
            plot: Rect {
                y: self.plot.y + from,
                height: to - from,
                ..self.plot
            },
            ..self
        }
    }

    /// Where a place along the line is in the picture.
    fn across(self, x: f64) -> f64 {
        self.plot.x + (x - self.view.x[0]) / self.view.width() * self.plot.width
    }

    /// Whether it is in the picture.
    fn shows(self, x: f64) -> bool {
        (self.plot.x..=self.plot.right()).contains(&x)
    }
}

/// Draws a panel of the line; its axes have labels at the foot and on the left where those are wanted. Returns whether there is an arrow.
pub(super) fn paint(
    canvas: &mut Canvas,
    panel: &Panel<'_>,
    profile: &Profile<'_>,
    ground: Ground<'_>,
    stretch: f64,
    [lowest, leftmost]: [bool; 2],
) -> bool {
    let Ground { plot, view, theme } = ground;
    let field = panel.field.filter(|field| field.meets(view));
    let parts = [0, 1, 2, 3].map(|k| ground.part(k));
    densities(canvas, panel, profile, field, parts[0]);
    ratios(canvas, profile, field, parts[1]);
    origins(canvas, panel, profile, parts[2]);
    paths(canvas, panel, profile, parts[3]);
    let moves = field.is_some_and(|field| {
        let room = Rect {
            y: parts[1].plot.bottom(),
            height: parts[2].plot.y - parts[1].plot.bottom(),
            ..plot
        };
        arrows(
            canvas,
            field,
            profile,
            Ground {
                plot: room,
                ..ground
            },
            stretch,
        )
    });
    let steps = profile.steps.max(1) as f64;
    let ranges = [
        [0.0, profile.top],
        [-LOOK.line.reach, LOOK.line.reach],
        [0.0, steps],
    ];
    for (part, range) in [parts[0], parts[1], parts[3]].into_iter().zip(ranges) {
        let last = part.plot.bottom() >= plot.bottom() - 0.5;
        let x = Axis {
            labelled: last && lowest,
            ..Axis::across(view.x, plot.width, LOOK.apart[0])
        };
        let up = Axis::linear(range, part.plot.height / LOOK.apart[0]);
        // Steps count downwards.
        let range = if last { [range[1], range[0]] } else { range };
        let y = Axis {
            range,
            labelled: leftmost,
            ..up
        };
        axes::draw(canvas, part.plot, [&x, &y], theme, false, &[]);
    }
    let mut say = |words: &str, y: f64| {
        let letters = regular(11.0);
        // What lies behind them must not make them unreadable.
        let plate = Rect {
            x: plot.x + 3.0,
            y: y - 10.0,
            width: letters.width(words) + 8.0,
            height: 13.0,
        };
        canvas.fill_box(plate, theme.paper().alpha(0.8));
        let place = [plot.x + 7.0, y];
        canvas.text(words, place, Anchor::Left, letters, theme.muted());
    };
    for (part, words) in parts.into_iter().zip(["density", "log r", "now", "step"]) {
        say(words, part.plot.y + 14.0);
    }
    say("at the start", parts[2].plot.bottom() - 5.0);
    if moves {
        let row = [parts[1].plot.bottom(), parts[2].plot.y];
        say("next move", f64::midpoint(row[0], row[1]) + 4.0);
    }
    if let Some(field) = field {
        // As in the plane, with its name beside it.
        let part = parts[1].plot;
        let place = [part.right() - 9.0, part.y + 25.0];
        let words = blur::length(panel);
        canvas.text(&words, place, Anchor::Right, regular(11.0), theme.muted());
        blur::bar(canvas, part, view, field.gauge(), theme);
    }
    moves
}

/// A curve, in pieces that lie in the box: it leaves through an edge and comes back through it.
fn curve(
    canvas: &mut Canvas,
    plot: Rect,
    points: impl Iterator<Item = [f64; 2]>,
    width: f64,
    dashes: Option<[f64; 2]>,
    ink: impl Into<Ink>,
) {
    let ink = ink.into();
    let mut piece: Vec<[f64; 2]> = Vec::new();
    let mut before: Option<[f64; 2]> = None;
    let inside = |p: [f64; 2]| (plot.y..=plot.bottom()).contains(&p[1]);
    let mut end = |piece: &mut Vec<[f64; 2]>| {
        if piece.len() > 1 {
            canvas.stroke(piece, width, dashes, ink);
        }
        piece.clear();
    };
    for point in points {
        let beside = !(plot.x..=plot.right()).contains(&point[0]);
        if beside || !point[1].is_finite() {
            end(&mut piece);
            before = None;
            continue;
        }
        if let Some(last) = before
            && inside(last) != inside(point)
        {
            let edge = if last[1].min(point[1]) < plot.y {
                plot.y
            } else {
                plot.bottom()
            };
            let part = (edge - last[1]) / (point[1] - last[1]);
            let crossing = [last[0] + part * (point[0] - last[0]), edge];
            piece.push(crossing);
            if inside(last) {
                end(&mut piece);
            }
        }
        if inside(point) {
            piece.push(point);
        }
        before = Some(point);
    }
    end(&mut piece);
}

/// The target filled, the cloud as bars and as a line, and `σ(D)`, dashed, from 0 at the foot to 1 at the top.
fn densities(
    canvas: &mut Canvas,
    panel: &Panel<'_>,
    profile: &Profile<'_>,
    field: Option<&FieldGrid>,
    ground: Ground<'_>,
) {
    let Ground { plot, view, theme } = ground;
    let up = |value: f64| plot.bottom() - value / profile.top * plot.height;
    let [cloud, learned, _] = inks(theme);
    canvas.border(plot, 1.0, theme.faint());
    let capped = |value: f64| up(value).max(plot.y);
    let mut area: Vec<[f64; 2]> = pairs(profile.places, profile.target)
        .map(|[x, value]| [ground.across(x), capped(value)])
        .filter(|[x, _]| ground.shows(*x))
        .collect();
    if let (Some(first), Some(last)) = (area.first().copied(), area.last().copied()) {
        area.push([last[0], plot.bottom()]);
        area.push([first[0], plot.bottom()]);
        canvas.fill(&area, theme.target().alpha(0.34));
    }
    for (place, density) in bars(panel, view).into_iter().enumerate() {
        let width = plot.width / LOOK.line.most[0] as f64;
        let top = capped(density);
        if density > 0.0 {
            let bar = Rect {
                x: plot.x + place as f64 * width,
                y: top,
                width,
                height: plot.bottom() - top,
            };
            canvas.fill_box(bar, cloud.alpha(0.13));
        }
    }
    let points = pairs(profile.places, profile.cloud).map(|[x, v]| [ground.across(x), up(v)]);
    curve(canvas, plot, points, 1.8, None, cloud);
    roof(canvas, profile, ground);
    let Some(field) = field.filter(|field| !field.log_ratio().is_empty()) else {
        return;
    };
    let half = plot.bottom() - 0.5 * plot.height;
    let ends = [[plot.x, half], [plot.right(), half]];
    canvas.stroke(&ends, 1.0, Some([2.0, 4.0]), theme.muted().alpha(0.6));
    for (value, y) in [("1", plot.y), ("½", half), ("0", plot.bottom())] {
        let place = [plot.right() + 6.0, y + 4.0];
        canvas.text(value, place, Anchor::Left, regular(10.5), learned);
    }
    for (massive, ink) in [
        (false, learned.alpha(LOOK.line.faint)),
        (true, learned.into()),
    ] {
        let points = learned_at(field, profile, massive).map(|[x, d]| {
            let share = 1.0 / (1.0 + (-d).exp());
            [ground.across(x), plot.bottom() - plot.height * share]
        });
        curve(canvas, plot, points, 1.5, Some([6.0, 4.0]), ink);
    }
}

/// How high the cloud's density is where it is higher than the picture, at the roof.
fn roof(canvas: &mut Canvas, profile: &Profile<'_>, ground: Ground<'_>) {
    let Ground { plot, theme, .. } = ground;
    let places = pairs(profile.places, profile.cloud).map(|[x, v]| [ground.across(x), v]);
    let highest = places
        .filter(|[x, _]| ground.shows(*x))
        .max_by(|a, b| a[1].total_cmp(&b[1]));
    let Some([x, height]) = highest.filter(|[_, height]| *height > profile.top) else {
        return;
    };
    let (letters, words) = (regular(10.5), format!("↑ {}", number(height)));
    // Beside the curve, where there is room.
    let left = x + 6.0 + letters.width(&words) > plot.right();
    let (x, anchor) = if left {
        (x - 6.0, Anchor::Right)
    } else {
        (x + 6.0, Anchor::Left)
    };
    canvas.text(&words, [x, plot.y + 12.0], anchor, letters, theme.ink());
}

/// D at the places, of which those alone with enough mass where `massive`; elsewhere an estimate of a ratio means little. Where it is exactly 0, far from all
/// points, nothing was asked.
fn learned_at<'a>(
    field: &'a FieldGrid,
    profile: &'a Profile<'_>,
    massive: bool,
) -> impl Iterator<Item = [f64; 2]> + 'a {
    let values = field.log_ratio().into_iter().enumerate();
    values.zip(profile.places).map(move |((k, &d), &x)| {
        let told = d != 0.0 && (!massive || has_mass(profile, k));
        [x, if told { f64::from(d) } else { f64::NAN }]
    })
}

/// Whether there is a part of the target or of the cloud at a place.
fn has_mass(profile: &Profile<'_>, place: usize) -> bool {
    let at = |density: &[f64]| density.get(place).copied().unwrap_or(0.0);
    at(profile.target).max(at(profile.cloud)) > LOOK.line.least * profile.top
}

/// Whether there is a part of the cloud, which alone moves.
fn has_cloud(profile: &Profile<'_>, place: usize) -> bool {
    profile.cloud.get(place).copied().unwrap_or(0.0) > LOOK.line.least * profile.top
}

fn pairs<'a>(places: &'a [f64], values: &'a [f64]) -> impl Iterator<Item = [f64; 2]> + 'a {
    places.iter().zip(values).map(|(&x, &value)| [x, value])
}

/// Density of the particles in each of the bars that part the view evenly.
fn bars(panel: &Panel<'_>, view: &View) -> Vec<f64> {
    let mut mass = vec![0.0; LOOK.line.most[0]];
    let width = view.width() / LOOK.line.most[0] as f64;
    let count = panel.particles.nrows().max(1) as f64;
    for (k, x) in panel.particles.column(0).iter().enumerate() {
        let place = (x - view.x[0]) / width;
        if place >= 0.0 && place < LOOK.line.most[0] as f64 {
            mass[place as usize] += panel.shares.get(k).unwrap_or(&1.0) / (count * width);
        }
    }
    mass
}

/// The log ratio that was learned, and the true one, dashed.
fn ratios(
    canvas: &mut Canvas,
    profile: &Profile<'_>,
    field: Option<&FieldGrid>,
    ground: Ground<'_>,
) {
    let Ground { plot, theme, .. } = ground;
    let [_, learned, truth] = inks(theme);
    canvas.border(plot, 1.0, theme.faint());
    let middle = plot.y + 0.5 * plot.height;
    let ends = [[plot.x, middle], [plot.right(), middle]];
    canvas.stroke(&ends, 1.0, None, theme.faint());
    let place = |[x, d]: [f64; 2]| {
        [
            ground.across(x),
            middle - 0.5 * d / LOOK.line.reach * plot.height,
        ]
    };
    let points = pairs(profile.places, profile.truth).map(place);
    curve(canvas, plot, points, 1.5, Some([2.0, 3.0]), truth);
    let Some(field) = field else { return };
    for (massive, ink) in [
        (false, learned.alpha(LOOK.line.faint)),
        (true, learned.into()),
    ] {
        let points = learned_at(field, profile, massive).map(place);
        curve(canvas, plot, points, 1.8, None, ink);
    }
}

/// Threads from where particles began, below, to where they are, above.
fn origins(canvas: &mut Canvas, panel: &Panel<'_>, profile: &Profile<'_>, ground: Ground<'_>) {
    let Ground { plot, theme, .. } = ground;
    let ink = |k: usize| panel.colours.get(k).copied().unwrap_or(theme.muted());
    for y in [plot.y, plot.bottom()] {
        canvas.stroke(&[[plot.x, y], [plot.right(), y]], 1.0, None, theme.faint());
    }
    let Some((_, first)) = profile.moments.first() else {
        return;
    };
    for k in evenly(*first, LOOK.line.most[1]) {
        let born = profile.births.get(k).is_some_and(|&born| born > 0);
        let [from, to] = [*first, panel.particles].map(|cloud| ground.across(cloud[[k, 0]]));
        let shade = ink(k);
        if ground.shows(to) {
            canvas.stroke(&[[to, plot.y], [to, plot.y + 5.0]], 1.3, None, shade);
        }
        if ground.shows(from) && ground.shows(to) && !born {
            let ends = [[from, plot.bottom()], [to, plot.y + 5.0]];
            canvas.stroke(&ends, 0.9, None, shade.alpha(0.65));
        }
    }
}

/// So many rows at most, at even steps along the line, whatever their order.
fn evenly(cloud: CloudView<'_>, most: usize) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..cloud.nrows()).collect();
    rows.sort_by(|&a, &b| cloud[[a, 0]].total_cmp(&cloud[[b, 0]]).then(a.cmp(&b)));
    let count = rows.len().min(most);
    let middle = |k: usize| rows[(2 * k + 1) * rows.len() / (2 * count)];
    (0..count).map(middle).collect()
}

/// The next move at even steps along the line, in a row of its own; returns whether there is an arrow.
fn arrows(
    canvas: &mut Canvas,
    field: &FieldGrid,
    profile: &Profile<'_>,
    ground: Ground<'_>,
    stretch: f64,
) -> bool {
    let Ground { plot, view, theme } = ground;
    let count = field.lattice().shape()[0];
    let own = field.lattice().view();
    let pitch = own.width() / count.saturating_sub(1).max(1) as f64;
    let unit = plot.width / view.width();
    let stride = ((LOOK.arrow.spacing / (pitch * unit)).round() as usize).max(1);
    let mut shapes = Vec::new();
    for k in (stride / 2..count).step_by(stride) {
        let Some([far, _]) = field.next_move(k).filter(|_| has_cloud(profile, k)) else {
            continue;
        };
        let most = LOOK.arrow.most * LOOK.arrow.spacing;
        let length = (stretch * unit * far.abs()).min(most);
        let at = own.x[0] + k as f64 * pitch;
        if length >= LOOK.arrow.least && ground.shows(ground.across(at)) {
            let place = [ground.across(at), plot.y + 0.5 * plot.height];
            shapes.push(arrow(place, [far.signum(), 0.0], length));
        }
    }
    let ink = theme.ink().alpha(LOOK.arrow.alpha);
    canvas.fill_all(shapes.iter().map(|shape| &shape[..]), ink);
    !shapes.is_empty()
}

/// `x_i` over the steps, downwards: which modes capture whom, who is born, and who stands still.
fn paths(canvas: &mut Canvas, panel: &Panel<'_>, profile: &Profile<'_>, ground: Ground<'_>) {
    let Ground { plot, theme, .. } = ground;
    canvas.border(plot, 1.0, theme.faint());
    let Some((_, first)) = profile.moments.first() else {
        return;
    };
    let down = |step: usize| plot.y + step as f64 / profile.steps.max(1) as f64 * plot.height;
    for k in evenly(*first, LOOK.line.most[2]) {
        let shade = panel.colours.get(k).copied().unwrap_or(theme.muted());
        let lived = profile.births.get(k).copied().unwrap_or(0);
        let ink = shade.alpha(0.6);
        let moments = &profile.moments[lived.min(profile.moments.len())..];
        let points = moments.iter();
        let points = points.map(|(step, cloud)| [ground.across(cloud[[k, 0]]), down(*step)]);
        for piece in in_sight(points, [plot.x, plot.right()]) {
            canvas.stroke(&piece, 0.9, None, ink);
        }
        if lived > 0
            && let Some((step, cloud)) = profile.moments.get(lived)
        {
            let place = [ground.across(cloud[[k, 0]]), down(*step)];
            let clip = canvas.clip(plot);
            canvas.disc(place, &birth(shade), clip);
        }
    }
}

/// The parts of a path between two borders: out to a border and in from it, but from beyond one to beyond the other nobody has gone slowly.
fn in_sight(points: impl Iterator<Item = [f64; 2]>, [left, right]: [f64; 2]) -> Vec<Vec<[f64; 2]>> {
    let shows = |p: [f64; 2]| (left..=right).contains(&p[0]);
    let mut pieces: Vec<Vec<[f64; 2]>> = vec![Vec::new()];
    let mut before: Option<[f64; 2]> = None;
    for point in points {
        if let Some(last) = before
            && shows(last) != shows(point)
            && (last[0] - point[0]).is_finite()
        {
            let beyond = if shows(last) { point } else { last };
            let edge = beyond[0].clamp(left, right);
            let part = (edge - last[0]) / (point[0] - last[0]);
            let crossing = [edge, last[1] + part * (point[1] - last[1])];
            if let Some(piece) = pieces.last_mut() {
                piece.push(crossing);
            }
            if shows(last) {
                pieces.push(Vec::new());
            }
        }
        if let Some(piece) = pieces.last_mut().filter(|_| shows(point)) {
            piece.push(point);
        } else if !shows(point) && pieces.last().is_some_and(|piece| !piece.is_empty()) {
            pieces.push(Vec::new());
        }
        before = Some(point);
    }
    pieces.retain(|piece| piece.len() > 1);
    pieces
}

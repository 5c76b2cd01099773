//! Convergence: metrics against the step, one panel each, several runs overlaid, with the sampling floors.

use super::chart::{Chart, Marks, THEORY, colour, floor_colours, panel};
use super::head::title;
use super::{Style, Theme};
use crate::canvas::{Anchor, Canvas, Letters, Rect, regular};
use crate::pixels::Image;

/// Metrics of one run, or of several.
#[derive(Clone, Copy, Debug)]
pub struct Figure<'a> {
    /// Title of the scenario. A long one has smaller letters, then a second line, and at last an end `…`.
    pub title: &'a str,
    /// What is across: `step`.
    pub across: &'a str,
    /// One panel for each metric, up to three in a row.
    pub charts: &'a [Chart<'a>],
    /// What the values are, below the charts.
    pub note: &'a str,
    /// So many of them, the first, are large; 0: all are alike.
    pub main: usize,
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

/// Rows of charts of one size.
#[derive(Clone, Copy)]
struct Block {
    /// The first chart, and how many there are.
    from: usize,
    count: usize,
    columns: usize,
    /// Where it begins.
    top: f64,
    /// Size of each chart.
    across: f64,
    tall: f64,
}

impl Block {
    fn of(from: usize, count: usize, columns: usize, top: f64, width: f64) -> Self {
        let across = (width - LEFT - RIGHT - GAP * (columns - 1) as f64) / columns as f64;
        let tall = match columns {
            1 => 0.6,
            // Two abreast above others are wide enough to be flat.
            2 if width > WIDE => 0.36,
            _ => 0.5,
        };
        Self {
            from,
            count,
            columns,
            top,
            across,
            tall: (across * tall).round(),
        }
    }

    fn bottom(&self) -> f64 {
        self.top + self.count.div_ceil(self.columns) as f64 * (self.tall + ROW)
    }

    /// The place of a chart, by its number in the block, and whether none stands below it.
    fn plot(&self, place: usize) -> (Rect, bool) {
        let (column, row) = (place % self.columns, place / self.columns);
        let plot = Rect {
            x: LEFT + column as f64 * (self.across + GAP),
            y: self.top + 22.0 + row as f64 * (self.tall + ROW),
            width: self.across,
            height: self.tall,
        };
        (plot, place + self.columns >= self.count)
    }
}

/// Where the charts are.
struct Layout {
    width: f64,
    height: f64,
    /// The large ones, and the others.
    blocks: [Block; 2],
}

/// Widths of pictures with two charts abreast, and with more.
const WIDE: f64 = 1080.0;

impl Layout {
    fn of(figure: &Figure<'_>, style: &Style) -> Self {
        let count = figure.charts.len().max(1);
        // A few are all large.
        let main = if count > 4 { figure.main.min(count) } else { 0 };
        let columns = match count {
            1 => 1,
            2..=4 => 2,
            _ if main > 0 => 4,
            _ => 3,
        };
        let width =
            style.sane_width([Style::WIDTH, WIDE, Style::CURVES, Style::CURVES][columns - 1]);
        let lines = key(figure, &labels(figure), width)
            .last()
            .map_or(0, |mark| mark.line);
        let head = HEAD + LINE * lines as f64;
        let large = Block::of(0, main, 2, head, width);
        let small = Block::of(main, count - main, columns, large.bottom(), width);
        Self {
            width,
            height: small.bottom() - ROW + FOOT + 22.0,
            blocks: [large, small],
        }
    }

    /// Number, place, and whether none of its size stands below, of each chart.
    fn plots(&self) -> impl Iterator<Item = (usize, Rect, bool)> + '_ {
        self.blocks.iter().flat_map(|block| {
            (0..block.count).map(move |place| {
                let (plot, lowest) = block.plot(place);
                (block.from + place, plot, lowest)
            })
        })
    }
}

fn paint(canvas: &mut Canvas, figure: &Figure<'_>, layout: &Layout, theme: Theme) {
    let [width, height] = [layout.width, layout.height];
    let room = width - LEFT - RIGHT;
    title(canvas, figure.title, [LEFT - 1.0, 40.0], room, theme);
    let labels = labels(figure);
    for mark in key(figure, &labels, width) {
        let y = 66.0 + LINE * mark.line as f64;
        let line = |y: f64| [[mark.x + 1.0, y], [mark.x + 19.0, y]];
        match mark.sign {
            Sign::Run(place) => canvas.stroke(&line(y - 4.5), 3.0, None, colour(place, theme)),
            Sign::Theory => canvas.stroke(&line(y - 4.5), 1.3, THEORY, theme.ink()),
            Sign::Floor => {
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
        }
        let place = [mark.x + 27.0, y];
        canvas.text(&mark.text, place, Anchor::Left, NAME, theme.ink());
    }
    let span = span(figure);
    let mut marks = Marks::default();
    for (place, plot, lowest) in layout.plots() {
        let Some(chart) = figure.charts.get(place) else {
            continue;
        };
        marks.join(panel(canvas, chart, plot, span, &labels, theme));
        if lowest {
            let middle = [plot.x + plot.width / 2.0, plot.bottom() + 40.0];
            canvas.text(
                figure.across,
                middle,
                Anchor::Centre,
                regular(11.5),
                theme.muted(),
            );
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
    let letters = regular(11.0);
    let place = [LEFT, height - 20.0];
    canvas.text(words, place, Anchor::Left, letters, theme.muted());
    // Where there is no room beside the marks, below them is none.
    let room = width - RIGHT - LEFT - letters.width(words) - 24.0;
    if letters.width(figure.note) <= room {
        let place = [width - RIGHT, height - 20.0];
        canvas.text(figure.note, place, Anchor::Right, letters, theme.muted());
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

/// What a name in the key below the title stands beside: the run at this place among the labels, or what several charts show.
#[derive(Clone, Copy)]
enum Sign {
    Run(usize),
    Floor,
    Theory,
}

/// A name in the key.
struct Mark {
    sign: Sign,
    text: String,
    x: f64,
    line: usize,
}

/// Where the names stand, on as many lines as they need; a run by itself needs no name.
fn key(figure: &Figure<'_>, labels: &[&str], width: f64) -> Vec<Mark> {
    let right = width - RIGHT;
    let (mut x, mut line) = (LEFT, 0);
    let runs = labels.iter().enumerate().filter(|_| labels.len() > 1);
    // Of a count that chance leaves at 0 the floor is the axis.
    let seen = |floor: super::FloorLine| floor.q95 > 0.0;
    let floor = figure
        .charts
        .iter()
        .any(|chart| chart.floor.is_some_and(seen));
    let floor = floor.then_some((
        Sign::Floor,
        "sampling floor: 95 % of perfect samples, and their median",
    ));
    let mut curves = figure.charts.iter().flat_map(|chart| chart.curves);
    let theory = curves.any(|curve| !curve.theory.is_empty());
    let theory = theory.then_some((Sign::Theory, "closed form, for an exact D"));
    runs.map(|(place, label)| (Sign::Run(place), *label))
        .chain(floor)
        .chain(theory)
        .map(|(sign, name)| {
            let text = NAME.fit(name, right - LEFT - 27.0);
            let across = 27.0 + NAME.width(&text);
            if x > LEFT && x + across > right {
                (x, line) = (LEFT, line + 1);
            }
            let mark = Mark {
                sign,
                text,
                x,
                line,
            };
            x += across + 23.0;
            mark
        })
        .collect()
}

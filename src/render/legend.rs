//! The key below a frame: what the dots, the arrows and the bands stand for, and on what scale.

use super::Style;
use super::field;
use super::look::LOOK;
use super::origin;
use super::theme::{BANDS, EDGES};
use crate::canvas::{Anchor, Canvas, Disc, Rect, regular};
use crate::digits;

/// A line of the key, and the air below the last.
const LINE: f64 = 46.0;
const AIR: f64 = 30.0;
const BAND: f64 = 26.0;
const BAR: f64 = BAND * (2 * BANDS + 1) as f64;
/// The room of what is said of births and weights.
const BORN: f64 = 95.0;
/// The room that everything else but the colour bar needs.
const MARKS: f64 = 398.0;

/// What the key says of a frame.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent remarks, each named"
)]
pub(super) struct Key {
    /// How much longer than moves arrows are, if there are any.
    pub(super) stretch: Option<f64>,
    /// What the bands are.
    pub(super) ratio: String,
    /// What it means where there are none.
    pub(super) blank: &'static str,
    /// Whether threads lead to the particles.
    pub(super) threads: bool,
    /// Whether particles are born.
    pub(super) births: bool,
    /// Whether some began at samples, and have no colour of an origin.
    pub(super) newcomers: bool,
    /// Whether samples are rings in some panel, and in all.
    pub(super) rings: [bool; 2],
    /// Whether particles have areas like their weights.
    pub(super) weights: bool,
}

/// Height of the key in this width.
pub(crate) fn height(width: f64, style: &Style) -> f64 {
    let both = style.show.field && width < MARKS + BAR;
    AIR + if both { 2.0 * LINE } else { LINE }
}

/// Draws the key: marks on the left, the colour bar on the right, or below where there is no room.
#[expect(
    clippy::too_many_lines,
    reason = "strokes in the order in which they lie upon each other"
)]
pub(super) fn draw(canvas: &mut Canvas, room: Rect, key: &Key, style: &Style) {
    let theme = style.theme;
    let letters = regular(11.0);
    let middle = room.y + LINE / 2.0;
    let mut x = room.x;
    let say = |canvas: &mut Canvas, x: f64, lines: [&str; 2]| {
        let mut width = 0.0_f64;
        let rows = if lines[1].is_empty() {
            [4.0, 0.0]
        } else {
            [-3.0, 11.0]
        };
        for (line, dy) in lines.into_iter().zip(rows) {
            let place = [x, middle + dy];
            width = width.max(canvas.text(line, place, Anchor::Left, letters, theme.muted()));
        }
        width
    };
    let everywhere = |canvas: &Canvas| {
        canvas.clip(Rect {
            x: 0.0,
            y: 0.0,
            width: 1e5,
            height: 1e5,
        })
    };
    if style.show.particles {
        // A sunflower of dots: the plane of starting points, two and a half standard deviations wide.
        const DOTS: u32 = 90;
        let clip = everywhere(canvas);
        for k in 0..DOTS {
            let radius = (f64::from(k) + 0.5).sqrt() / f64::from(DOTS).sqrt();
            let (sin, cos) = (f64::from(k) * 2.399_963_229_728_653).sin_cos();
            let place = [x + 16.0 + 15.0 * radius * cos, middle - 15.0 * radius * sin];
            let ink = origin::colour(2.5 * radius * cos, 2.5 * radius * sin, theme).into();
            canvas.disc(
                place,
                &Disc {
                    radius: 1.55,
                    ink,
                    rim: None,
                },
                clip,
            );
        }
        x += 41.0;
        x += say(canvas, x, ["particles, coloured", "by where they started"]) + 22.0;
    }
    if style.show.target {
        let clip = everywhere(canvas);
        let places = [
            [3.0, -4.5],
            [11.0, -6.0],
            [6.5, 2.0],
            [14.0, 1.5],
            [2.5, 7.5],
            [10.5, 8.0],
        ];
        let [some, all] = key.rings;
        for (k, [dx, dy]) in places.into_iter().enumerate() {
            let hollow = all || some && k % 2 == 1;
            let disc = Disc {
                radius: 2.0,
                ink: theme.target().alpha(if hollow { 0.0 } else { 0.6 }),
                rim: hollow.then(|| (1.2, theme.ink().alpha(0.8))),
            };
            canvas.disc([x + dx, middle + dy], &disc, clip);
        }
        x += 23.0;
        x += say(canvas, x, ["target", "sample"]) + 22.0;
    }
    if let Some(stretch) = key.stretch {
        canvas.fill(
            &field::arrow([x + 12.0, middle], [1.0, 0.0], 24.0),
            theme.ink().alpha(0.7),
        );
        x += 31.0;
        x += say(canvas, x, ["next move", &times(stretch)]) + 22.0;
    } else if key.threads {
        let line = [[x, middle], [x + 24.0, middle]];
        canvas.stroke(&line, 1.0, None, theme.ink().alpha(0.55));
        let dot = Disc {
            radius: 1.6,
            ink: theme.ink().alpha(0.75),
            rim: None,
        };
        let clip = everywhere(canvas);
        canvas.disc(line[0], &dot, clip);
        x += 53.0 + say(canvas, x + 31.0, ["from here to", "where it is now"]);
    }
    let below = room.width < MARKS + BAR;
    let beside = style.show.field && !below;
    let free = room.x + room.width - if beside { BAR } else { 0.0 };
    if style.show.particles && (key.births || key.weights) && x + BORN < free {
        let ink = theme.ink();
        let [inner, width, strength] = LOOK.birth;
        let disc = if key.births {
            Disc {
                radius: 3.6 * inner,
                ink: ink.alpha(0.0),
                rim: Some((3.6 * width, ink.alpha(strength))),
            }
        } else {
            Disc {
                radius: 4.5,
                ink: theme.muted().alpha(0.8),
                rim: None,
            }
        };
        let clip = everywhere(canvas);
        canvas.disc([x + 6.0, middle], &disc, clip);
        let lines = match (key.births, key.weights) {
            (true, true) => ["born now;", "area: weight"],
            (true, false) if key.newcomers => ["born now;", "● at a sample"],
            (true, false) => ["born", "just now"],
            (false, _) => ["area:", "weight"],
        };
        say(canvas, x + 17.0, lines);
    }
    if style.show.field {
        let left = if below {
            room.x
        } else {
            room.x + room.width - BAR
        };
        let y = middle - 5.0 + if below { LINE } else { 0.0 };
        bar(canvas, [left, y], &key.ratio, key.blank, style);
    }
}

/// How much longer than a move its arrow is, in words.
pub(super) fn times(stretch: f64) -> String {
    let whole = |v: f64| digits::count(v.round() as u64);
    match stretch {
        1.0 => "at its length".to_owned(),
        s if (1.0..1e6).contains(&s) => format!("drawn × {}", whole(s)),
        s if (1e-6..1.0).contains(&s) => format!("drawn × 1/{}", whole(1.0 / s)),
        s => format!("drawn × {}", digits::number(s)),
    }
}

/// The bands with what they mean above, the factors at their edges and what they are the ratio of below.
fn bar(canvas: &mut Canvas, [left, y]: [f64; 2], ratio: &str, blank: &str, style: &Style) {
    const HEIGHT: f64 = 11.0;
    let theme = style.theme;
    for (k, colour) in theme.bands().into_iter().enumerate() {
        let x = left + k as f64 * BAND;
        canvas.fill_box(
            Rect {
                x,
                y,
                width: BAND,
                height: HEIGHT,
            },
            colour,
        );
    }
    canvas.border(
        Rect {
            x: left,
            y,
            width: BAR,
            height: HEIGHT,
        },
        1.0,
        theme.faint(),
    );
    let letters = regular(11.0);
    let above = y - 6.0;
    canvas.text(
        "× more cloud",
        [left, above],
        Anchor::Left,
        letters,
        theme.muted(),
    );
    canvas.text(
        "× more target",
        [left + BAR, above],
        Anchor::Right,
        letters,
        theme.muted(),
    );
    for edge in 0..2 * BANDS {
        let factor = if edge < BANDS {
            EDGES[BANDS - 1 - edge]
        } else {
            EDGES[edge - BANDS]
        };
        let x = left + (edge + 1) as f64 * BAND;
        canvas.text(
            &factor.to_string(),
            [x, y + HEIGHT + 13.5],
            Anchor::Centre,
            regular(9.0),
            theme.muted(),
        );
    }
    for (line, below) in [(ratio, 28.0), (blank, 41.0)] {
        let place = [left + BAR, y + HEIGHT + below];
        let text = letters.fit(line, BAR + 20.0);
        canvas.text(&text, place, Anchor::Right, letters, theme.muted());
    }
}

//! The palette of the pictures, as the page needs it: custom properties for its style sheet, colour ramps for its canvas.

use std::fmt::Write as _;

use serde::Serialize;

use crate::render::{BANDS, Colour, Theme, curve_colour, floor_colours, origin};

/// Colours of a ramp, for a quantity that a particle is coloured by.
const RAMP: usize = 65;
/// Dots of the key that shows which colour means which start.
const WHEEL: u32 = 90;
/// Colours of curves, before they repeat.
const SERIES: usize = 14;

/// What the canvas needs that the style sheet does not say, for one theme.
#[derive(Debug, Serialize)]
pub(super) struct Ramps {
    /// Particles by log ratio, from far too many to far too few.
    ratio: Vec<String>,
    /// Particles by speed, from rest.
    speed: Vec<String>,
    /// The colours of starting points along the line, two and a half standard deviations to either side.
    along: Vec<String>,
    /// A sunflower of starting points, from the middle outwards, `[x, y]` in the unit disc and its colour.
    wheel: Vec<(f64, f64, String)>,
}

impl Ramps {
    pub(super) fn of(theme: Theme) -> Self {
        Self {
            ratio: ramp(|t| ratio(2.0 * t - 1.0, theme)),
            speed: ramp(|t| speed(t, theme)),
            along: ramp(|t| origin::colour(5.0 * t - 2.5, 0.0, theme)),
            wheel: (0..WHEEL)
                .map(|k| {
                    let radius = ((f64::from(k) + 0.5) / f64::from(WHEEL)).sqrt();
                    let (sin, cos) = (f64::from(k) * 2.399_963_229_728_653).sin_cos();
                    let [x, y] = [radius * cos, radius * sin];
                    let places = |v: f64| (v * 1e3).round() / 1e3;
                    let colour = origin::colour(2.5 * x, 2.5 * y, theme);
                    (places(x), places(y), hex(colour))
                })
                .collect(),
        }
    }
}

/// The colour of a particle whose log ratio lies at `t` in [−1, 1] among the bands: the hues of the field, strong enough
/// for a dot.
fn ratio(t: f64, theme: Theme) -> Colour {
    const ORANGE: f64 = 0.95;
    const BLUE: f64 = 4.55;
    let hue = if t < 0.0 { ORANGE } else { BLUE };
    let depth = t.abs();
    match theme {
        Theme::Light => Colour::oklch(0.6 - 0.06 * depth, 0.012 + 0.18 * depth.sqrt(), hue),
        Theme::Dark => Colour::oklch(0.56 + 0.2 * depth, 0.012 + 0.15 * depth.sqrt(), hue),
    }
}

/// The colour of a particle at the part `t` in [0, 1] of the scale of speed: what moves stands out from the paper.
fn speed(t: f64, theme: Theme) -> Colour {
    match theme {
        Theme::Light => Colour::oklch(0.8 - 0.4 * t, 0.05 + 0.16 * t, 4.3 + 2.3 * t),
        Theme::Dark => Colour::oklch(0.42 + 0.48 * t, 0.1 + 0.07 * t, 5.2 + 2.7 * t),
    }
}

fn ramp(colour: impl Fn(f64) -> Colour) -> Vec<String> {
    (0..RAMP)
        .map(|k| hex(colour(k as f64 / (RAMP - 1) as f64)))
        .collect()
}

/// The custom properties of both themes: light, dark by the reader's settings or by the switch of the page.
pub(super) fn css() -> String {
    let [light, dark] = [Theme::Light, Theme::Dark].map(properties);
    let classes: String = [("band", 2 * BANDS + 1), ("series", SERIES)]
        .into_iter()
        .flat_map(|(name, count)| {
            (0..count).map(move |k| format!(".{name}-{k}{{background:var(--{name}-{k})}}\n"))
        })
        .collect();
    format!(
        ":root{{color-scheme:light;{light}}}\n\
         @media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{color-scheme:dark;{dark}}}}}\n\
         :root[data-theme=dark]{{color-scheme:dark;{dark}}}\n\
         @media print{{:root:root{{color-scheme:light;{light}}}}}\n{classes}"
    )
}

fn properties(theme: Theme) -> String {
    let [tint, deep] = floor_colours(theme);
    let single = [
        ("paper", theme.paper()),
        ("ink", theme.ink()),
        ("muted", theme.muted()),
        ("faint", theme.faint()),
        ("target", theme.target()),
        ("grid", theme.paper().mix(theme.faint(), 0.6)),
        ("floor", tint),
        ("floor-ink", deep),
    ];
    let mut text = String::new();
    for (name, colour) in single {
        let _ = write!(text, "--{name}:{};", hex(colour));
    }
    for (place, colour) in theme.bands().into_iter().enumerate() {
        let _ = write!(text, "--band-{place}:{};", hex(colour));
    }
    for place in 0..SERIES {
        let _ = write!(
            text,
            "--series-{place}:{};",
            hex(curve_colour(place, theme))
        );
    }
    text
}

/// `#rrggbb`.
pub(super) fn hex(colour: Colour) -> String {
    format!("#{:02x}{:02x}{:02x}", colour.r, colour.g, colour.b)
}

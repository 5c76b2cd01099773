//! Pictures of a flow and of its convergence: pixels and encoded bytes in memory, no files.
//!
//! A picture is described by plain values ([`Frame`], [`Figure`]) and a [`Style`], and drawn by a function
//! of these alone: the same values give the same bytes, on any number of threads. Lengths are in logical
//! pixels, which [`Style::scale`] turns into device pixels, so that twice the scale is the same picture,
//! twice as sharp.
//!
//! ```
//! use ratioflow::render::{Frame, Panel, Style, Theme, View, draw, origin};
//!
//! let start = ndarray::array![[0.0, 0.0], [0.5, 0.2], [-0.3, 0.4]];
//! let target = ndarray::array![[2.0, 0.0], [-2.0, 0.0]];
//! let colours = origin::colours(start.view(), Theme::Light);
//! let panel = Panel {
//!     name: "",
//!     particles: start.view(),
//!     past: &[],
//!     threads: None,
//!     births: &[],
//!     shares: &[],
//!     colours: &colours,
//!     target: target.view(),
//!     field: None,
//!     profile: None,
//!     headline: None,
//!     note: "",
//!     diverged: false,
//!     longest: None,
//! };
//! let frame = Frame {
//!     title: "Three particles",
//!     step: 0,
//!     steps: 100,
//!     time: 0.0,
//!     view: View::around(&[start.view(), target.view()]),
//!     longest: 0.0,
//!     strip: None,
//!     panels: &[panel],
//! };
//! let image = draw(&frame, &Style::default());
//! assert_eq!(image.width(), 720);
//! assert!(image.png().starts_with(b"\x89PNG"));
//! ```

mod axes;
mod bands;
mod blur;
mod chart;
mod curves;
mod field;
mod frame;
mod frame_parts;
mod head;
mod heat;
mod lattice;
mod layout;
mod legend;
mod line;
mod line_key;
pub mod look;
pub mod origin;
mod overlay;
mod preview;
mod remarks;
mod scatter;
mod strip;
mod theme;
mod view;

#[cfg(feature = "cli")]
pub(crate) use crate::digits::counted;
pub use chart::{Chart, Curve, FloorLine, colour as curve_colour, floor_colours};
pub use curves::{Figure, curves, curves_svg};
pub use field::{FieldGrid, Gauge, depth, unlimited};
pub use frame::{DOTS, draw, draw_svg};
pub use frame_parts::{Frame, Headline, Panel, Profile};
pub use heat::{Heat, heats};
pub use lattice::Lattice;
pub use layout::expanse;
pub use overlay::overlay;
pub use preview::preview;
pub use scatter::{Estimates, Scatter, scatter};
pub use strip::Strip;
pub use theme::{BANDS, EDGES, Theme, series};
pub use view::View;

pub use crate::digits::number;
pub use crate::pixels::{Animation, Colour, Film, Image, Indexed, Pace, Palette, film};

/// How pictures look and what they show; the same for every picture of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Style {
    /// Light for paper and bright rooms, dark for dark rooms.
    pub theme: Theme,
    /// Device pixels per logical pixel, kept within `[0.25, 8]`: 2 is sharp on a dense screen.
    pub scale: f64,
    /// Width of the whole picture in logical pixels, kept within `[480, 8000]`; `None`: what suits the
    /// number of panels (720 for one).
    pub width: Option<f64>,
    /// What a frame shows.
    pub show: Show,
}

/// The layers of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches, each named"
)]
pub struct Show {
    /// The target sample, grey.
    pub target: bool,
    /// The particles, coloured by origin.
    pub particles: bool,
    /// The contour bands of the log density ratio.
    pub field: bool,
    /// The arrows of the next move.
    pub arrows: bool,
    /// Where the particles have just been, in their colours; shown with the particles.
    pub trails: bool,
    /// The formulas of a step, with their present numbers, above the panels.
    pub formula: bool,
    /// The phases of each step one after the other, a picture each, under those formulas with the present one lit.
    pub phases: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            theme: Theme::Light,
            scale: 1.0,
            width: None,
            show: Show::default(),
        }
    }
}

impl Default for Show {
    fn default() -> Self {
        Self {
            target: true,
            particles: true,
            field: true,
            arrows: true,
            trails: false,
            formula: false,
            phases: false,
        }
    }
}

impl Style {
    /// Width of a picture of one panel in logical pixels, if no other is asked for.
    pub const WIDTH: f64 = 720.0;
    /// The same of curves.
    pub const CURVES: f64 = 1400.0;

    /// The scale, within its range.
    fn sane_scale(&self) -> f64 {
        if self.scale.is_finite() {
            self.scale.clamp(0.25, 8.0)
        } else {
            1.0
        }
    }

    /// The width of the picture, within its range.
    fn sane_width(&self, default: f64) -> f64 {
        self.width
            .filter(|width| width.is_finite())
            .unwrap_or(default)
            .clamp(480.0, 8000.0)
    }
}

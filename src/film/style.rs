//! How the pictures of a scenario look, and how fast its film is.

use crate::render::{Pace, Show, Style, Theme};
use crate::scenario::{OutputSpec, ThemeSpec};

impl Style {
    /// How the pictures of a scenario look.
    pub(crate) fn of(output: &OutputSpec) -> Self {
        Self {
            theme: match output.theme {
                ThemeSpec::Light => Theme::Light,
                ThemeSpec::Dark => Theme::Dark,
            },
            scale: output.scale,
            show: Show {
                trails: output.trails,
                ..Show::default()
            },
            ..Self::default()
        }
    }
}

impl Pace {
    /// So many frames a second.
    pub(crate) fn of(fps: f64) -> Self {
        Self {
            frame: (1000.0 / fps).round() as u16,
            ..Self::default()
        }
    }
}

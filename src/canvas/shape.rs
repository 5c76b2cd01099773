//! What is drawn: boxes, discs, and the ink they are drawn with.

use crate::pixels::Colour;

/// A box in logical pixels, y downwards.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rect {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Rect {
    pub(crate) fn right(&self) -> f64 {
        self.x + self.width
    }

    pub(crate) fn bottom(&self) -> f64 {
        self.y + self.height
    }
}

/// A box of whole device pixels: columns and rows from, to (excluded).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clip {
    pub(crate) x: [usize; 2],
    pub(crate) y: [usize; 2],
}

/// A colour and how much of it covers what lies below.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ink {
    pub(crate) colour: Colour,
    pub(crate) alpha: f64,
}

impl From<Colour> for Ink {
    fn from(colour: Colour) -> Self {
        Self { colour, alpha: 1.0 }
    }
}

impl Colour {
    /// This colour, letting `1 − alpha` of what lies below shine through.
    pub(crate) fn alpha(self, alpha: f64) -> Ink {
        Ink {
            colour: self,
            alpha,
        }
    }
}

/// What a dot looks like, in logical pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Disc {
    pub(crate) radius: f64,
    pub(crate) ink: Ink,
    /// Width and ink of a ring around it.
    pub(crate) rim: Option<(f64, Ink)>,
}

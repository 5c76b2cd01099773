//! What pictures are drawn upon, as pixels or as shapes of an SVG file: boxes, discs, lines and text at sub-pixel positions.

mod density;
mod shape;
mod stamp;
mod surface;
mod text;
mod vector;

pub(crate) use density::Density;
pub(crate) use shape::{Clip, Disc, Ink, Rect};
pub(crate) use surface::Canvas;
pub(crate) use text::{Anchor, Letters, bold, regular};

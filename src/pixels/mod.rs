//! Pictures as pixels: colours, and PNG, still and animated, in memory.

mod animation;
mod colour;
mod image;
mod indexed;

pub use animation::{Animation, Film, Pace, film};
pub use colour::Colour;
pub use image::Image;
pub use indexed::{Indexed, Palette};

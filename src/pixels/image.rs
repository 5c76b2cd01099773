//! A finished picture.

use super::colour::Colour;

/// A finished picture, in device pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    width: u32,
    height: u32,
    /// Four bytes a pixel: red, green, blue, 255.
    pixels: Vec<u8>,
    shaded: bool,
}

impl Image {
    /// A picture so wide and high; four bytes a pixel, row by row from the top, whose fourth is 255.
    pub(crate) fn new([width, height]: [u32; 2], pixels: Vec<u8>, shaded: bool) -> Self {
        Self {
            width,
            height,
            pixels,
            shaded,
        }
    }

    /// Width in device pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in device pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Row by row from the top, four bytes a pixel: red, green, blue, and 255.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Whether there are smooth slopes of colour in it, as opposed to areas and edges.
    pub(crate) fn is_shaded(&self) -> bool {
        self.shaded
    }

    /// The colour at column `x`, row `y` from the top left.
    ///
    /// # Panics
    /// If the place is outside the picture.
    #[must_use]
    pub fn at(&self, x: u32, y: u32) -> Colour {
        let place = 4 * (y as usize * self.width as usize + x as usize);
        Colour {
            r: self.pixels[place],
            g: self.pixels[place + 1],
            b: self.pixels[place + 2],
        }
    }
}

//! A drawing read as a density: flow to a figure or a logo.

use std::io::Cursor;

use ndarray::Array1;
use png::{BitDepth, Decoder, DecodingError, Limits, Transformations};
use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::files::{fetch, unusable};
use super::{BuildError, Files, Target, draw, each, length};
use crate::cloud::{Cloud, CloudView};
use crate::random::Stream;
use crate::setting::Invalid;

/// A PNG picture whose ink is the density, uniform inside each pixel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageSpec {
    /// A PNG file, grey, coloured or transparent. Relative paths are relative to the scenario file.
    pub file: String,
    /// Which pixels carry the mass.
    #[serde(default)]
    pub ink: Ink,
    /// Width of the whole picture, in the target's units; its height keeps the proportions, its middle is the
    /// origin.
    #[serde(default = "six")]
    pub width: f64,
}

/// Which pixels carry the mass of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ink {
    /// Black carries all, white none: a drawing on paper.
    #[default]
    Dark,
    /// White carries all, black none: lights in the night.
    Light,
}

fn six() -> f64 {
    6.0
}

impl Default for ImageSpec {
    /// Dark ink, 6 units wide, from no file: the name is still to be given.
    fn default() -> Self {
        Self {
            file: String::new(),
            ink: Ink::default(),
            width: six(),
        }
    }
}

impl ImageSpec {
    /// Reads the picture.
    ///
    /// # Errors
    /// [`BuildError`] if no file is named, it is not there, is no PNG, is too large, or has no ink.
    pub fn build(&self, files: &dyn Files) -> Result<Image, BuildError> {
        if self.file.is_empty() {
            return Err(Invalid::new("file", "\"\"", "must name a PNG file").into());
        }
        length("width", self.width)?;
        let bytes = fetch(&self.file, files.read(&self.file))?;
        let (columns, rows, ink) =
            decode(&bytes, self.ink).map_err(|reason| unusable(&self.file, reason))?;
        Image::new(columns, rows, ink, self.width / columns as f64).ok_or_else(|| {
            let (have, other) = match self.ink {
                Ink::Dark => ("white or transparent", "light"),
                Ink::Light => ("black or transparent", "dark"),
            };
            unusable(
                &self.file,
                format!(
                    "it has no ink: every one of its {columns}×{rows} pixels is {have}; set ink = \"{other}\" or draw something"
                ),
            )
        })
    }
}

/// A density that is constant on each of `columns × rows` square pixels, proportional to the pixel's ink.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    columns: usize,
    rows: usize,
    /// Side of a pixel.
    pixel: f64,
    /// Ink of each pixel, row by row from the top left.
    ink: Vec<f64>,
    /// Ink up to and including each pixel.
    cumulative: Vec<f64>,
}

impl Image {
    /// `None` if there is no ink.
    fn new(columns: usize, rows: usize, ink: Vec<f64>, pixel: f64) -> Option<Self> {
        let mut total = 0.0;
        let cumulative = ink
            .iter()
            .map(|ink| {
                total += ink;
                total
            })
            .collect();
        (total > 0.0).then_some(Self {
            columns,
            rows,
            pixel,
            ink,
            cumulative,
        })
    }

    fn total(&self) -> f64 {
        self.cumulative.last().copied().unwrap_or_default()
    }
}

impl Target for Image {
    fn sample(&self, count: usize, stream: Stream) -> Cloud {
        let total = self.total();
        draw(count, stream, |rng| {
            let mark = rng.random_range(0.0..total);
            // The first pixel with more ink up to it than the mark has ink of its own.
            let k = self.cumulative.partition_point(|&ink| ink <= mark);
            let right = (k % self.columns) as f64 + rng.random::<f64>();
            let down = (k / self.columns) as f64 + rng.random::<f64>();
            [
                self.pixel * (right - 0.5 * self.columns as f64),
                self.pixel * (0.5 * self.rows as f64 - down),
            ]
        })
    }

    /// Constant on each pixel; −∞ where there is no ink and outside the picture.
    fn log_density(&self, at: CloudView<'_>) -> Option<Array1<f64>> {
        let (columns, rows) = (self.columns as f64, self.rows as f64);
        let scale = self.total().ln() + 2.0 * self.pixel.ln();
        Some(each(at, |[x, y]| {
            let right = (x / self.pixel + 0.5 * columns).floor();
            let down = (0.5 * rows - y / self.pixel).floor();
            if (0.0..columns).contains(&right) && (0.0..rows).contains(&down) {
                let k = down as usize * self.columns + right as usize;
                self.ink[k].ln() - scale
            } else {
                f64::NEG_INFINITY
            }
        }))
    }
}

/// Most pixels that a picture may have: 4096 × 4096.
const MOST: u64 = 1 << 24;

/// Reads a PNG as `(columns, rows, ink)`, the ink row by row from the top left, in whole numbers so that pure
/// paper has exactly none. Grey values are taken as they are stored, colours by their luma (Rec. 709);
/// transparency thins the ink.
fn decode(bytes: &[u8], ink: Ink) -> Result<(usize, usize, Vec<f64>), String> {
    let too_large = || {
        format!("it has more than {MOST} pixels; scale it down, a few hundred across are plenty")
    };
    let no_png = |error| match error {
        DecodingError::LimitsExceeded => too_large(),
        error => format!("it cannot be read as a PNG picture ({error}); export it as PNG"),
    };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: 1 << 28 });
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(no_png)?;
    let (width, height) = reader.info().size();
    if u64::from(width) * u64::from(height) > MOST {
        return Err(too_large());
    }
    let mut buffer = vec![0; reader.output_buffer_size().ok_or_else(too_large)?];
    let frame = reader.next_frame(&mut buffer).map_err(no_png)?;
    let depth = if frame.bit_depth == BitDepth::Sixteen {
        2
    } else {
        1
    };
    let full: u64 = if depth == 2 { 0xffff } else { 0xff };
    let samples: Vec<u64> = buffer[..frame.buffer_size()]
        .chunks_exact(depth)
        .map(|bytes| {
            bytes
                .iter()
                .fold(0, |value, &byte| value << 8 | u64::from(byte))
        })
        .collect();
    let pixels = samples
        .chunks_exact(frame.color_type.samples())
        .map(|pixel| {
            let (luma, alpha) = match *pixel {
                [grey] => (10_000 * grey, full),
                [grey, alpha] => (10_000 * grey, alpha),
                [r, g, b] => (2126 * r + 7152 * g + 722 * b, full),
                [r, g, b, alpha] => (2126 * r + 7152 * g + 722 * b, alpha),
                _ => (0, 0),
            };
            let amount = match ink {
                Ink::Dark => 10_000 * full - luma,
                Ink::Light => luma,
            };
            (amount * alpha) as f64
        })
        .collect();
    Ok((frame.width as usize, frame.height as usize, pixels))
}

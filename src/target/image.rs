//! A drawing read as a density: flow to a figure or a logo.

use ndarray::Array1;
use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family::Family;
use super::files::{fetch, unusable};
use super::picture::{Ink, Picture, decode};
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
    pub fn build(&self, files: &dyn Files) -> Result<PictureDensity, BuildError> {
        if self.file.is_empty() {
            return Err(Invalid::new("file", "\"\"", "must name a PNG file").into());
        }
        length("width", self.width)?;
        let bytes = fetch(&self.file, files.read(&self.file))?;
        let picture = decode(&bytes, self.ink).map_err(|reason| unusable(&self.file, reason))?;
        let Picture { columns, rows, .. } = picture;
        let clear = picture.clear;
        PictureDensity::new(picture, self.width).ok_or_else(|| {
            let (have, other) = match self.ink {
                Ink::Dark => ("white or transparent", "light"),
                Ink::Light => ("black or transparent", "dark"),
            };
            let what = if clear {
                "is wholly transparent, whatever its colour; take the transparency away, or draw something".to_owned()
            } else {
                format!("is {have}; set ink = \"{other}\" or draw something")
            };
            unusable(
                &self.file,
                format!("it has no ink: every one of its {columns}×{rows} pixels {what}"),
            )
        })
    }
}

impl Family for ImageSpec {
    fn distribution(&self, files: &dyn Files) -> Result<Box<dyn Target>, BuildError> {
        Ok(Box::new(self.build(files)?))
    }

    fn files(&self) -> Vec<&str> {
        vec![&self.file]
    }

    fn rename_files(&mut self, paths: &[String]) {
        if let [path, ..] = paths {
            path.clone_into(&mut self.file);
        }
    }
}

/// A density that is constant on each of `columns × rows` square pixels, proportional to the pixel's ink.
#[derive(Clone, Debug, PartialEq)]
pub struct PictureDensity {
    columns: usize,
    rows: usize,
    /// Side of a pixel.
    pixel: f64,
    /// Ink of each pixel, row by row from the top left.
    ink: Vec<f64>,
    /// Ink up to and including each pixel.
    cumulative: Vec<f64>,
    notes: Vec<String>,
}

impl PictureDensity {
    /// The picture, `width` wide; `None` if there is no ink.
    fn new(picture: Picture, width: f64) -> Option<Self> {
        let Picture {
            columns,
            rows,
            ink,
            orientation,
            ..
        } = picture;
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
            pixel: width / columns as f64,
            ink,
            cumulative,
            notes: (orientation != 1)
                .then(|| {
                    format!(
                        "image.file: the picture is turned or mirrored as its EXIF data say (orientation {orientation}), as viewers do"
                    )
                })
                .into_iter()
                .collect(),
        })
    }

    fn total(&self) -> f64 {
        self.cumulative.last().copied().unwrap_or_default()
    }
}

impl Target for PictureDensity {
    fn notes(&self) -> &[String] {
        &self.notes
    }

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

//! The black squares of a chessboard, uniformly filled.

use ndarray::Array1;
use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family::Family;
use super::{BuildError, Files};
use super::{Target, count, draw, each, length};
use crate::cloud::{Cloud, CloudView};
use crate::random::Stream;
use crate::setting::Invalid;

/// A uniform density on every other square of a square board centred on the origin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CheckerboardSpec {
    /// Squares along a side of the board, filled and empty ones together, 1 to 1000.
    pub squares: usize,
    /// Side of the whole board, in the target's units.
    pub width: f64,
}

impl Default for CheckerboardSpec {
    fn default() -> Self {
        Self {
            squares: 4,
            width: 6.0,
        }
    }
}

impl CheckerboardSpec {
    /// Lists the filled squares.
    ///
    /// # Errors
    /// [`Invalid`] for a parameter out of range.
    pub fn build(&self) -> Result<Checkerboard, Invalid> {
        count("squares", self.squares, 1000)?;
        length("width", self.width)?;
        let filled = (0..self.squares * self.squares)
            .map(|k| [k % self.squares, k / self.squares])
            .filter(|[i, j]| (i + j) % 2 == 0)
            .collect();
        Ok(Checkerboard {
            squares: self.squares,
            width: self.width,
            filled,
        })
    }
}

impl Family for CheckerboardSpec {
    fn distribution(&self, _files: &dyn Files) -> Result<Box<dyn Target>, BuildError> {
        Ok(Box::new(self.build()?))
    }
}

/// The squares `(i, j)` with `i + j` even, counted from the lower left, uniformly filled.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkerboard {
    squares: usize,
    width: f64,
    filled: Vec<[usize; 2]>,
}

impl Checkerboard {
    fn side(&self) -> f64 {
        self.width / self.squares as f64
    }
}

impl Target for Checkerboard {
    fn sample(&self, count: usize, stream: Stream) -> Cloud {
        let side = self.side();
        draw(count, stream, |rng| {
            let [i, j] = self.filled[rng.random_range(0..self.filled.len())];
            let mut place = |k: usize| side * (k as f64 + rng.random::<f64>()) - 0.5 * self.width;
            [place(i), place(j)]
        })
    }

    /// Constant on the filled squares, −∞ elsewhere.
    fn log_density(&self, at: CloudView<'_>) -> Option<Array1<f64>> {
        let side = self.side();
        let inside = -(self.filled.len() as f64).ln() - 2.0 * side.ln();
        let square = |x: f64| ((x + 0.5 * self.width) / side).floor();
        let board = 0.0..self.squares as f64;
        Some(each(at, |[x, y]| {
            let (i, j) = (square(x), square(y));
            if board.contains(&i) && board.contains(&j) && (i + j) % 2.0 == 0.0 {
                inside
            } else {
                f64::NEG_INFINITY
            }
        }))
    }
}

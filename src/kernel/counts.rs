//! How many points there may be around a cell.

use rayon::prelude::*;

use super::cells::Cells;

/// Cells along one side of the boxes in which points are counted.
const BOX: usize = 8;

/// How many points lie in any rectangle of boxes of cells.
#[derive(Debug)]
pub(super) struct Counts {
    /// Boxes in a row, and one.
    columns: usize,
    rows: usize,
    /// Points in all boxes before a column and a row (a summed-area table, Crow 1984).
    before: Vec<u32>,
}

impl Counts {
    pub(super) fn new(cells: &Cells, first: [i32; 2], size: [usize; 2]) -> Self {
        let [columns, rows] = size.map(|cells| cells.div_ceil(BOX) + 1);
        let counted: Vec<Vec<u32>> = cells
            .parts
            .par_iter()
            .map(|part| {
                let mut boxes = vec![0; columns * rows];
                for i in 0..part.len() {
                    let [column, row] =
                        [0, 1].map(|axis| (part.cell(i)[axis] - first[axis]) as usize / BOX);
                    boxes[(row + 1) * columns + column + 1] += 1;
                }
                boxes
            })
            .collect();
        let mut before = vec![0; columns * rows];
        for boxes in counted {
            for (before, count) in before.iter_mut().zip(boxes) {
                *before += count;
            }
        }
        for row in 1..rows {
            let mut along = 0;
            for column in 1..columns {
                along += before[row * columns + column];
                before[row * columns + column] = before[(row - 1) * columns + column] + along;
            }
        }
        Self {
            columns,
            rows,
            before,
        }
    }

    pub(super) fn all(&self) -> f64 {
        self.before.last().map_or(0.0, |&all| f64::from(all))
    }

    /// Points that may be no more than `reach` columns and rows away from a cell, counted from the first.
    pub(super) fn around(&self, [column, row]: [i32; 2], reach: i32) -> f64 {
        let span = |at: i32, boxes: usize| {
            let from = (at - reach - 1).max(0) as usize / BOX;
            let to = (at + reach + 1) as usize / BOX + 1;
            [from.min(boxes - 1), to.min(boxes - 1)]
        };
        let ([left, right], [low, high]) = (span(column, self.columns), span(row, self.rows));
        let at = |column: usize, row: usize| i64::from(self.before[row * self.columns + column]);
        (at(right, high) - at(left, high) - at(right, low) + at(left, low)) as f64
    }
}

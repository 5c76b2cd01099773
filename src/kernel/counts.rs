//! How many points there may be around a cell.

use std::ops::Range;

use rayon::prelude::*;

use super::cells::Cells;
use super::stripes::{Stripes, find};

/// Cells along one side of the boxes in which points are counted.
const BOX: usize = 8;

/// How many points lie in each box of cells, tile by tile.
#[derive(Debug)]
pub(super) struct Counts {
    /// Boxes along each side of a tile.
    side: usize,
    /// The points in the boxes of each tile, row by row.
    boxes: Vec<u32>,
    /// Where all tiles of a rectangle are kept, the points in all boxes before a column and a row (a summed-area table, Crow 1984), and the length of a
    /// row: many places ask.
    before: Option<(Vec<u32>, usize)>,
    all: f64,
}

impl Counts {
    pub(super) fn new(cells: &Cells, stripes: &Stripes) -> Self {
        let side = stripes.side() / BOX;
        let tiles = stripes.tiles();
        let mut boxes = vec![0; tiles.len() * side * side];
        let mut rest = boxes.as_mut_slice();
        let mut rows = Vec::new();
        for tiles in tiles.chunk_by(|a, b| a[0] == b[0]) {
            let (own, others) = rest.split_at_mut(tiles.len() * side * side);
            rows.push((tiles, own));
            rest = others;
        }
        rows.into_par_iter().for_each(|(tiles, boxes)| {
            let stripe = tiles[0][0];
            for part in &cells.parts {
                for i in part.rows(stripes.rows(stripe)) {
                    let [column, row] = stripes.counted(part.cell(i));
                    let [column, row] = [column, row].map(|at| at as usize / BOX);
                    let Some(tile) = find(tiles, (column / side) as u32, |tile| tile[1]) else {
                        continue;
                    };
                    boxes[(tile * side + row % side) * side + column % side] += 1;
                }
            }
        });
        let all = cells.parts.iter().map(|part| part.len() as f64).sum();
        let before = stripes
            .rectangle_of_tiles()
            .map(|size| before(&boxes, tiles, side, size));
        Self {
            side,
            boxes,
            before,
            all,
        }
    }

    pub(super) fn all(&self) -> f64 {
        self.all
    }

    /// Points that may be no more columns and rows away from a cell than a tile has.
    pub(super) fn around(&self, stripes: &Stripes, cell: [i32; 2]) -> f64 {
        let (side, reach) = (self.side, stripes.side().cast_signed() as i32);
        let [columns, rows] = stripes.counted(cell).map(|at| {
            let from = (at - reach - 1).max(0) as usize / BOX;
            from..(at + reach + 1) as usize / BOX + 1
        });
        if let Some((before, width)) = &self.before {
            let height = before.len() / width;
            let [left, right] = [columns.start, columns.end].map(|at| at.min(width - 1));
            let [low, high] = [rows.start, rows.end].map(|at| at.min(height - 1));
            let at = |column: usize, row: usize| i64::from(before[row * width + column]);
            return (at(right, high) - at(left, high) - at(right, low) + at(left, low)) as f64;
        }
        let mut count = 0;
        let part = |range: &Range<usize>, tile: u32| {
            let start = tile as usize * side;
            let at = |at: usize| at.saturating_sub(start).min(side);
            at(range.start)..at(range.end)
        };
        let tiles = stripes.tiles();
        let met = [columns.start, columns.end - 1].map(|column| (column / side) as u32);
        for row in rows.start / side..=(rows.end - 1) / side {
            let [from, to] = met.map(|column| [row as u32, column]);
            let first = tiles.partition_point(|&tile| tile < from);
            let here = (first..).zip(&tiles[first..]);
            for (tile, at) in here.take_while(|(_, tile)| **tile <= to) {
                let columns = part(&columns, at[1]);
                for row in part(&rows, at[0]) {
                    let boxes = &self.boxes[(tile * side + row) * side..];
                    count += boxes[columns.clone()].iter().sum::<u32>();
                }
            }
        }
        f64::from(count)
    }
}

/// The points in all boxes before a column and a row, row by row, and the length of a row, for a rectangle of so many tiles.
fn before(
    boxes: &[u32],
    tiles: &[[u32; 2]],
    side: usize,
    [columns, rows]: [usize; 2],
) -> (Vec<u32>, usize) {
    let [width, height] = [columns, rows].map(|tiles| tiles * side + 1);
    let mut before = vec![0; width * height];
    for (boxes, tile) in boxes.chunks_exact(side * side).zip(tiles) {
        let [row, column] = tile.map(|at| at as usize * side + 1);
        for (above, boxes) in boxes.chunks_exact(side).enumerate() {
            before[(row + above) * width + column..][..side].copy_from_slice(boxes);
        }
    }
    for row in 1..height {
        let mut along = 0;
        for column in 1..width {
            along += before[row * width + column];
            before[row * width + column] = before[(row - 1) * width + column] + along;
        }
    }
    (before, width)
}

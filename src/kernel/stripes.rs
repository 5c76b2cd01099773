//! Where the nodes of a grid are kept: those near points, and no others.
//!
//! The plane is cut into tiles of as many nodes along each side as there are around a point. A point in one tile of cells reaches nodes of that
//! tile, of the next one and of those above both. So a point far from all others takes a few tiles, wherever it is.

use std::ops::Range;

use rayon::prelude::*;

use super::cells::{Cells, Part};

/// Columns of nodes without a gap, in one stripe.
#[derive(Debug)]
struct Run {
    from: usize,
    until: usize,
    /// Where its first node is kept.
    start: usize,
}

/// One row of tiles.
#[derive(Debug)]
struct Stripe {
    index: u32,
    /// The first of its runs, and the first of the next stripe's.
    runs: [usize; 2],
    /// Where its nodes begin and end.
    nodes: [usize; 2],
    /// Whether there are points among its cells.
    points: bool,
}

/// The tiles in which points are, and the nodes that they reach.
#[derive(Debug)]
pub(super) struct Stripes {
    /// Nodes along each side of a tile.
    side: usize,
    /// The cell around which the first node is the first.
    first: [i32; 2],
    /// Cells, in each direction, at which sums can be gathered.
    size: [usize; 2],
    /// Row and column of each tile of cells with points in it, in this order.
    tiles: Vec<[u32; 2]>,
    all: Vec<Stripe>,
    runs: Vec<Run>,
    nodes: usize,
    /// Nodes in a row where all tiles of a rectangle are kept.
    columns: Option<usize>,
}

/// A rectangle with so many nodes, or so many times as many as are needed, is kept as a whole: that takes less time than to look for parts of it.
pub(super) const FEW: f64 = 1_048_576.0;
const SPARE: f64 = 4.0;

/// Where the nodes around a cell are kept: the rows in one stripe, and those in the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    /// Rows in the first stripe.
    split: usize,
    at: [usize; 2],
    step: [usize; 2],
}

impl Spot {
    /// The first node in each of `side` rows of as many nodes.
    pub(super) fn square(side: usize) -> Self {
        Self {
            split: side,
            at: [0; 2],
            step: [side; 2],
        }
    }

    /// Where the first node of a row is kept.
    #[inline]
    pub(super) fn row(&self, row: usize) -> usize {
        let above = usize::from(row >= self.split);
        self.at[above] + (row - above * self.split) * self.step[above]
    }

    /// Where the node in a row and a column is kept, and how far it is from there to the next row, if some rows are all at one distance.
    #[inline]
    pub(super) fn plain(&self, [row, column]: [usize; 2], rows: usize) -> Option<[usize; 2]> {
        let above = usize::from(row >= self.split);
        let alike = above == 1 || row + rows <= self.split;
        alike.then(|| [self.row(row) + column, self.step[above]])
    }

    /// The same where the nodes before `start` are not at hand.
    pub(super) fn after(self, start: usize) -> Self {
        Self {
            at: self.at.map(|at| at.wrapping_sub(start)),
            ..self
        }
    }
}

impl Stripes {
    /// Room for the nodes around cells with points, `side` of them along each side.
    pub(super) fn new(cells: &Cells, side: usize) -> Self {
        let [low, high] = cells.extent();
        // Sums can be gathered as far outside as points reach.
        let margin = (side / 2).cast_signed() as i32;
        let first = low.map(|c| c - margin);
        let size = [0, 1].map(|axis| (high[axis] - first[axis] + margin + 1) as usize);
        let in_parts: Vec<Vec<[u32; 2]>> = cells
            .parts
            .par_iter()
            .map(|part| tiles(part, first, side))
            .collect();
        let mut tiles = in_parts.concat();
        tiles.sort_unstable();
        tiles.dedup();
        // A window that begins one tile further left or right may still meet nodes that the points of a tile reach.
        let mut reached: Vec<[u32; 3]> = Vec::with_capacity(2 * tiles.len());
        for &[row, column] in &tiles {
            let columns = [column.saturating_sub(1), column + 3];
            reached.extend([row, row + 1].map(|row| [row, columns[0], columns[1]]));
        }
        reached.sort_unstable();
        let mut stripes = Self {
            side,
            first,
            size,
            tiles,
            all: Vec::new(),
            runs: Vec::new(),
            nodes: 0,
            columns: None,
        };
        stripes.keep(&reached);
        if stripes.rectangle() <= FEW.max(SPARE * stripes.nodes as f64) {
            let [columns, rows] = size.map(|cells| (cells.div_ceil(side) + 1) as u32);
            let all: Vec<[u32; 3]> = (0..rows).map(|row| [row, 0, columns]).collect();
            stripes.keep(&all);
            stripes.columns = Some(columns as usize * side);
        }
        stripes
    }

    /// Makes room for tiles, each with its row and the columns from one to another, in order.
    fn keep(&mut self, reached: &[[u32; 3]]) {
        self.all.clear();
        self.runs.clear();
        self.nodes = 0;
        for stripe in reached.chunk_by(|a, b| a[0] == b[0]) {
            self.push(stripe);
        }
    }

    /// Adds a row of tiles, each reached from one column to another, in their order.
    fn push(&mut self, reached: &[[u32; 3]]) {
        let index = reached[0][0];
        let (first, start) = (self.runs.len(), self.nodes);
        for &[_, from, until] in reached {
            let [from, until] = [from, until].map(|tile| tile as usize * self.side);
            match self.runs[first..].last_mut() {
                Some(run) if from <= run.until => run.until = run.until.max(until),
                _ => self.runs.push(Run {
                    from,
                    until,
                    start: 0,
                }),
            }
        }
        for run in &mut self.runs[first..] {
            run.start = self.nodes;
            self.nodes += self.side * (run.until - run.from);
        }
        let place = self.tiles.partition_point(|&[row, _]| row < index);
        self.all.push(Stripe {
            index,
            runs: [first, self.runs.len()],
            nodes: [start, self.nodes],
            points: self.tiles.get(place).is_some_and(|&[row, _]| row == index),
        });
    }

    /// Number of nodes. So many numbers, and [`side`](Self::side) zeros after them, are what a [`Spot`] speaks of.
    pub(super) fn nodes(&self) -> usize {
        self.nodes
    }

    /// Number of nodes of a rectangle around all.
    pub(super) fn rectangle(&self) -> f64 {
        let rows = (self.size[1].div_ceil(self.side) + 1) * self.side;
        rows as f64 * (self.size[0] + self.side - 1) as f64
    }

    /// Columns and rows of tiles, where all in a rectangle are kept.
    pub(super) fn rectangle_of_tiles(&self) -> Option<[usize; 2]> {
        let columns = self.columns? / self.side;
        Some([columns, self.all.len()])
    }

    /// Rows of cells in one row of tiles.
    pub(super) fn rows(&self, stripe: u32) -> Range<i32> {
        let side = self.side.cast_signed() as i32;
        let first = self.first[1] + stripe.cast_signed() * side;
        first..first + side
    }

    /// Column and row of a cell, counted from the first.
    pub(super) fn counted(&self, cell: [i32; 2]) -> [i32; 2] {
        [0, 1].map(|axis| cell[axis].wrapping_sub(self.first[axis]))
    }

    /// Nodes along each side of a tile.
    pub(super) fn side(&self) -> usize {
        self.side
    }

    /// Row and column of each tile of cells with points in it, in this order.
    pub(super) fn tiles(&self) -> &[[u32; 2]] {
        &self.tiles
    }

    /// The rows of cells with points, a tile high each: the index of every other one, and where the nodes are kept that its points reach.
    pub(super) fn every_other(&self, odd: u32) -> impl Iterator<Item = (u32, [usize; 2])> {
        let pairs = self.all.windows(2);
        pairs
            .filter(move |pair| pair[0].points && pair[0].index % 2 == odd)
            .map(|pair| (pair[0].index, [pair[0].nodes[0], pair[1].nodes[1]]))
    }

    /// Where the nodes around a cell are kept; nothing if points reach none of them.
    pub(super) fn spot(&self, cell: [i32; 2]) -> Option<Spot> {
        let [column, row] = self.counted(cell).map(|c| usize::try_from(c).ok());
        let (column, row) = (column?, row?);
        if column >= self.size[0] || row >= self.size[1] {
            return None;
        }
        if let Some(columns) = self.columns {
            return Some(Spot {
                split: self.side,
                at: [row * columns + column, self.nodes],
                step: [columns, 0],
            });
        }
        let (stripe, above) = (row / self.side, row % self.side);
        let missing = (self.nodes, 0);
        let [lower, upper] = [(stripe, above), (stripe + 1, 0)].map(|(stripe, above)| {
            let index = find(&self.all, stripe as u32, |stripe| stripe.index)?;
            let [from, until] = self.all[index].runs;
            let runs = &self.runs[from..until];
            let next = runs.partition_point(|run| run.from <= column);
            let run = runs.get(next.checked_sub(1)?)?;
            let width = run.until - run.from;
            (column + self.side <= run.until)
                .then(|| (run.start + above * width + column - run.from, width))
        });
        if lower.is_none() && upper.is_none() {
            return None;
        }
        let [lower, upper] = [lower, upper].map(|part| part.unwrap_or(missing));
        Some(Spot {
            split: self.side - above,
            at: [lower.0, upper.0],
            step: [lower.1, upper.1],
        })
    }
}

/// The tiles with points of `part` in them, in no order, some of them more than once.
fn tiles(part: &Part, first: [i32; 2], side: usize) -> Vec<[u32; 2]> {
    let mut found: Vec<[u32; 2]> = Vec::new();
    let side = side as u32;
    // The first column and row of the last tile: most points are in that of the one before.
    let mut corner = [0; 2];
    for i in 0..part.len() {
        let cell = [0, 1].map(|axis| (part.cell(i)[axis] - first[axis]) as u32);
        let is_here = |axis: usize| cell[axis].wrapping_sub(corner[axis]) < side;
        if found.is_empty() || !(is_here(0) && is_here(1)) {
            let [column, row] = cell.map(|at| at / side);
            corner = [column * side, row * side];
            found.push([row, column]);
        }
    }
    found
}

/// Where the item with this key stands among some in the order of their keys, most often without a gap.
pub(super) fn find<T>(all: &[T], key: u32, key_of: impl Fn(&T) -> u32) -> Option<usize> {
    let guess = key.checked_sub(key_of(all.first()?))? as usize;
    if all.get(guess).is_some_and(|item| key_of(item) == key) {
        return Some(guess);
    }
    all.binary_search_by_key(&key, key_of).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// Two groups of points and one alone: each node is kept in one place, whichever cell asks, and what is kept nowhere is a zero.
    #[test]
    fn every_cell_finds_the_same_node_in_the_same_place() {
        let side = 24;
        let [x, y]: [Vec<f64>; 2] = [7.3, 11.9].map(|rate| {
            let group = |i: i32| [0.0, 900.0][usize::from(i % 3 == 0)];
            let at = (0..60).map(|i| group(i) + (f64::from(i) * rate) % 40.0);
            at.chain([-3000.5]).collect()
        });
        let cells = Cells::new([&x, &y], 1.0, false);
        let stripes = Stripes::new(&cells, side);
        // Groups are at most three tiles wide and high, and four rows of six tiles hold what these reach.
        assert!(stripes.nodes() <= (24 + 24 + 8) * side * side);
        let (mut kept, mut nothing) = (HashMap::new(), 0);
        for [column, row] in [[-3001, -3001], [0, 0], [900, 900]] {
            for (left, low) in (-60..100).step_by(7).zip((-61..99).step_by(5).cycle()) {
                let cell = [column + left, row + low];
                let Some(spot) = stripes.spot(cell) else {
                    nothing += 1;
                    continue;
                };
                for above in 0..side {
                    for along in 0..side {
                        let place = spot.row(above) + along;
                        if place < stripes.nodes() {
                            let [column, row] = [along, above].map(|v| v.cast_signed() as i32);
                            let node = [cell[0] + column, cell[1] + row];
                            assert_eq!(*kept.entry(node).or_insert(place), place);
                        }
                        assert!(place < stripes.nodes() + side);
                    }
                }
            }
        }
        let places: std::collections::HashSet<usize> = kept.values().copied().collect();
        assert!(places.len() == kept.len() && nothing > 0);
        for part in &cells.parts {
            assert!((0..part.len()).all(|i| stripes.spot(part.cell(i)).is_some()));
        }
    }
}

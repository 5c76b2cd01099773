//! Which column of a row has the least `cost − price`, found without looking at them all: columns in blocks that are boxes in the plane.

use multiversion::multiversion;

use super::neighbours::Neighbours;
use super::pairs::Planar;

/// Columns in a block.
const BLOCK: usize = 16;

/// Columns in the order of a k-d tree, a block of them in a small box. The cost of a column is at least the squared distance to its box, so
/// a row looks only into the blocks that are near, or dear: in the plane these are few.
#[derive(Clone, Debug)]
pub(super) struct Blocks {
    x: Vec<f64>,
    y: Vec<f64>,
    /// Least and greatest x, least and greatest y of each block.
    sides: [Vec<f64>; 4],
    /// Place of each column in the cloud it came from.
    pub(super) index: Vec<u32>,
}

/// A number for each column, and the greatest of each block; −∞ takes a column out.
#[derive(Clone, Debug)]
pub(super) struct Prices {
    each: Vec<f64>,
    top: Vec<f64>,
}

/// The best column for a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Best {
    pub(super) column: usize,
    /// Its `cost − price`; ∞ if there is no column.
    pub(super) value: f64,
    /// The second best column, and its `cost − price`.
    pub(super) other: usize,
    pub(super) second: f64,
}

impl Blocks {
    pub(super) fn new(columns: &Planar) -> Self {
        let tree = Neighbours::new(columns);
        let (places, index): (Vec<[f64; 2]>, Vec<u32>) = tree.points().unzip();
        let filled = places.len().next_multiple_of(BLOCK);
        let along = |axis: usize| -> Vec<f64> {
            // The last block is filled with copies, which have no price.
            let last = places.last().map_or(0.0, |place| place[axis]);
            let mut side: Vec<f64> = places.iter().map(|place| place[axis]).collect();
            side.resize(filled, last);
            side
        };
        let (x, y) = (along(0), along(1));
        let least = |side: &[f64]| -> Vec<f64> {
            let low = |block: &[f64]| block.iter().copied().fold(f64::INFINITY, f64::min);
            side.chunks(BLOCK).map(low).collect()
        };
        let sides = [least(&x), tops(&x), least(&y), tops(&y)];
        Self { x, y, sides, index }
    }

    pub(super) fn at(&self, column: usize) -> [f64; 2] {
        [self.x[column], self.y[column]]
    }

    /// The prices of the columns, given in the order of the cloud.
    pub(super) fn prices(&self, price: &[f64]) -> Prices {
        let mut each: Vec<f64> = self.index.iter().map(|&j| price[j as usize]).collect();
        each.resize(self.x.len(), f64::NEG_INFINITY);
        let top = tops(&each);
        Prices { each, top }
    }

    /// The two best columns for a row at `at`. `room` is for scratch.
    pub(super) fn best(&self, prices: &Prices, at: [f64; 2], room: &mut Vec<f64>) -> Best {
        best(self, prices, at, room)
    }

    /// Puts the columns with `cost − price < limit` into `found`, each with this value.
    pub(super) fn below(
        &self,
        prices: &Prices,
        at: [f64; 2],
        limit: f64,
        room: &mut Vec<f64>,
        found: &mut Vec<(f64, u32)>,
    ) {
        found.clear();
        below(self, prices, at, limit, room, found);
    }
}

impl Prices {
    pub(super) fn of(&self, column: usize) -> f64 {
        self.each[column]
    }

    pub(super) fn set(&mut self, column: usize, price: f64) {
        self.each[column] = price;
        let start = column - column % BLOCK;
        self.top[column / BLOCK] = top(&self.each[start..start + BLOCK]);
    }

    /// The same without the columns for which `keep` is false.
    pub(super) fn filtered(&self, keep: impl Fn(usize) -> bool) -> Self {
        let price = |(j, &price)| if keep(j) { price } else { f64::NEG_INFINITY };
        let each: Vec<f64> = self.each.iter().enumerate().map(price).collect();
        let top = tops(&each);
        Self { each, top }
    }
}

fn top(block: &[f64]) -> f64 {
    let greater = |high: f64, &v: &f64| if v > high { v } else { high };
    block.iter().fold(f64::NEG_INFINITY, greater)
}

fn tops(values: &[f64]) -> Vec<f64> {
    values.chunks(BLOCK).map(top).collect()
}

/// A lower bound of `cost − price` in each block. Rounding keeps the order, so that it is one in floating point too.
#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "it must be compiled for the caller's instruction set"
)]
fn bound(blocks: &Blocks, prices: &Prices, at: [f64; 2], room: &mut Vec<f64>) {
    let n = prices.top.len();
    room.resize(n, 0.0);
    let room = &mut room[..n];
    let [left, right, bottom, above] = blocks.sides.each_ref().map(|side| &side[..n]);
    let top = &prices.top[..n];
    let beyond = |low: f64, high: f64| {
        let d = if low > high { low } else { high };
        if d > 0.0 { d } else { 0.0 }
    };
    for b in 0..n {
        let dx = beyond(left[b] - at[0], at[0] - right[b]);
        let dy = beyond(bottom[b] - at[1], at[1] - above[b]);
        room[b] = dx * dx + dy * dy - top[b];
    }
}

/// `cost − price` in one block, and the least of them.
#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "it must be compiled for the caller's instruction set"
)]
fn values(blocks: &Blocks, prices: &Prices, at: [f64; 2], block: usize) -> ([f64; BLOCK], f64) {
    let range = block * BLOCK..(block + 1) * BLOCK;
    let (x, y) = (&blocks.x[range.clone()], &blocks.y[range.clone()]);
    let price = &prices.each[range];
    let mut values = [0.0; BLOCK];
    for j in 0..BLOCK {
        let (dx, dy) = (x[j] - at[0], y[j] - at[1]);
        values[j] = dx * dx + dy * dy - price[j];
    }
    let mut low = values;
    for half in [8, 4, 2, 1] {
        for j in 0..half {
            low[j] = if low[j + half] < low[j] {
                low[j + half]
            } else {
                low[j]
            };
        }
    }
    (values, low[0])
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn best(blocks: &Blocks, prices: &Prices, at: [f64; 2], room: &mut Vec<f64>) -> Best {
    bound(blocks, prices, at, room);
    let mut best = Best {
        column: 0,
        value: f64::INFINITY,
        other: 0,
        second: f64::INFINITY,
    };
    let look = |block: usize, best: &mut Best| {
        let (values, low) = values(blocks, prices, at, block);
        if low >= best.second {
            return;
        }
        for (value, column) in values.into_iter().zip(block * BLOCK..) {
            if value < best.value {
                (best.other, best.second) = (best.column, best.value);
                (best.column, best.value) = (column, value);
            } else if value < best.second {
                (best.other, best.second) = (column, value);
            }
        }
    };
    let mut nearest = (f64::INFINITY, 0);
    for (block, &low) in room.iter().enumerate() {
        if low < nearest.0 {
            nearest = (low, block);
        }
    }
    look(nearest.1, &mut best);
    for (block, &low) in room.iter().enumerate() {
        if low < best.second && block != nearest.1 {
            look(block, &mut best);
        }
    }
    best
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn below(
    blocks: &Blocks,
    prices: &Prices,
    at: [f64; 2],
    limit: f64,
    room: &mut Vec<f64>,
    found: &mut Vec<(f64, u32)>,
) {
    bound(blocks, prices, at, room);
    for (block, &low) in room.iter().enumerate() {
        if low >= limit {
            continue;
        }
        let (values, low) = values(blocks, prices, at, block);
        if low >= limit {
            continue;
        }
        for (value, column) in values.into_iter().zip(block as u32 * BLOCK as u32..) {
            if value < limit {
                found.push((value, column));
            }
        }
    }
}

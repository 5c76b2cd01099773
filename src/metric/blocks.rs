//! Which column of a row has the least `cost − price`, found without looking at them all: columns in blocks that are boxes in the plane.

use multiversion::multiversion;

use super::neighbours::Neighbours;
use super::pairs::Planar;

/// Columns in a block.
const BLOCK: usize = 16;
/// Blocks that are looked at together. There is a multiple of it; the last ones may be empty.
const LANES: usize = 8;

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
        let filled = places.len().next_multiple_of(BLOCK * LANES);
        let along = |axis: usize| -> Vec<f64> {
            // The last blocks are filled with copies, which have no price.
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

    /// The two best columns for a row at `at`, found the sooner the better the column `near` is.
    pub(super) fn best(&self, prices: &Prices, at: [f64; 2], near: usize) -> Best {
        best(self, prices, at, near)
    }

    /// Puts the columns with `cost − price < limit` into `found`, each with this value.
    pub(super) fn below(
        &self,
        prices: &Prices,
        at: [f64; 2],
        limit: f64,
        found: &mut Vec<(f64, u32)>,
    ) {
        found.clear();
        below(self, prices, at, limit, found);
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

/// The places among `values` of those below `limit`, as bits.
#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "it must be compiled for the caller's instruction set"
)]
fn below_limit<const N: usize>(values: &[f64; N], limit: f64) -> u64 {
    let mut bits = [0; N];
    for j in 0..N {
        bits[j] = if values[j] < limit { 1_u64 << j } else { 0 };
    }
    bits.iter().fold(0, |all, bit| all | bit)
}

/// Calls `visit` with the places of the set bits, from low to high.
#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "it must be compiled for the caller's instruction set"
)]
fn each_bit(mut bits: u64, mut visit: impl FnMut(usize)) {
    while bits != 0 {
        visit(bits.trailing_zeros() as usize);
        bits &= bits - 1;
    }
}

/// Lower bounds of `cost − price` in the blocks from `start`. Rounding keeps the order, so that they are bounds in floating point too.
#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "it must be compiled for the caller's instruction set"
)]
fn bounds(blocks: &Blocks, prices: &Prices, at: [f64; 2], start: usize) -> [f64; LANES] {
    let end = start + LANES;
    let [left, right, bottom, above] = blocks.sides.each_ref().map(|side| &side[start..end]);
    let top = &prices.top[start..end];
    let beyond = |low: f64, high: f64| {
        let d = if low > high { low } else { high };
        if d > 0.0 { d } else { 0.0 }
    };
    let mut bounds = [0.0; LANES];
    for b in 0..LANES {
        let dx = beyond(left[b] - at[0], at[0] - right[b]);
        let dy = beyond(bottom[b] - at[1], at[1] - above[b]);
        bounds[b] = dx * dx + dy * dy - top[b];
    }
    bounds
}

/// `cost − price` in one block.
#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "it must be compiled for the caller's instruction set"
)]
fn values(blocks: &Blocks, prices: &Prices, at: [f64; 2], block: usize) -> [f64; BLOCK] {
    let range = block * BLOCK..(block + 1) * BLOCK;
    let (x, y) = (&blocks.x[range.clone()], &blocks.y[range.clone()]);
    let price = &prices.each[range];
    let mut values = [0.0; BLOCK];
    for j in 0..BLOCK {
        let (dx, dy) = (x[j] - at[0], y[j] - at[1]);
        values[j] = dx * dx + dy * dy - price[j];
    }
    values
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn best(blocks: &Blocks, prices: &Prices, at: [f64; 2], near: usize) -> Best {
    let mut best = Best {
        column: 0,
        value: f64::INFINITY,
        other: 0,
        second: f64::INFINITY,
    };
    let look = |block: usize, best: &mut Best| {
        let values = values(blocks, prices, at, block);
        each_bit(below_limit(&values, best.second), |j| {
            let (value, column) = (values[j], block * BLOCK + j);
            if value < best.value {
                (best.other, best.second) = (best.column, best.value);
                (best.column, best.value) = (column, value);
            } else if value < best.second {
                (best.other, best.second) = (column, value);
            }
        });
    };
    let first = near / BLOCK;
    look(first, &mut best);
    for start in (0..prices.top.len()).step_by(LANES) {
        let bounds = bounds(blocks, prices, at, start);
        each_bit(below_limit(&bounds, best.second), |b| {
            if bounds[b] < best.second && start + b != first {
                look(start + b, &mut best);
            }
        });
    }
    best
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn below(blocks: &Blocks, prices: &Prices, at: [f64; 2], limit: f64, found: &mut Vec<(f64, u32)>) {
    for start in (0..prices.top.len()).step_by(LANES) {
        let bounds = bounds(blocks, prices, at, start);
        each_bit(below_limit(&bounds, limit), |b| {
            let values = values(blocks, prices, at, start + b);
            each_bit(below_limit(&values, limit), |j| {
                found.push((values[j], ((start + b) * BLOCK + j) as u32));
            });
        });
    }
}

//! Which column of a row has the least `cost − price`, found without looking at them all: columns in blocks that are boxes in the plane.

use multiversion::multiversion;

use super::neighbours::Neighbours;
use super::pairs::Planar;

/// Columns in a block.
const BLOCK: usize = 16;
/// Blocks in a group, and groups that are looked at together. There are multiples of both; the last ones may be empty.
const LANES: usize = 8;

/// Columns in the order of a k-d tree, a block of them in a small box, a group of blocks in a larger one. The cost of a column is at
/// least the squared distance to its box, so a row looks only into the boxes that are near, or dear: in the plane these are few.
#[derive(Clone, Debug)]
pub(super) struct Blocks {
    x: Vec<f64>,
    y: Vec<f64>,
    /// Around each block, and around each group.
    small: Boxes,
    large: Boxes,
    /// Place of each column in the cloud it came from.
    pub(super) index: Vec<u32>,
}

/// Least and greatest x, least and greatest y of some boxes.
#[derive(Clone, Debug)]
struct Boxes([Vec<f64>; 4]);

/// A number for each column, and the greatest of each block and of each group; −∞ takes a column out.
#[derive(Clone, Debug)]
pub(super) struct Prices {
    each: Vec<f64>,
    top: Vec<f64>,
    peak: Vec<f64>,
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
        let filled = places.len().next_multiple_of(BLOCK * LANES * LANES);
        let along = |axis: usize| -> Vec<f64> {
            // The last blocks are filled with copies, which have no price.
            let last = places.last().map_or(0.0, |place| place[axis]);
            let mut side: Vec<f64> = places.iter().map(|place| place[axis]).collect();
            side.resize(filled, last);
            side
        };
        let (x, y) = (along(0), along(1));
        let small = Boxes([
            lows(&x, BLOCK),
            tops(&x, BLOCK),
            lows(&y, BLOCK),
            tops(&y, BLOCK),
        ]);
        let [left, right, bottom, above] = &small.0;
        let large = Boxes([
            lows(left, LANES),
            tops(right, LANES),
            lows(bottom, LANES),
            tops(above, LANES),
        ]);
        Self {
            x,
            y,
            small,
            large,
            index,
        }
    }

    pub(super) fn at(&self, column: usize) -> [f64; 2] {
        [self.x[column], self.y[column]]
    }

    /// The prices of the columns, given in the order of the cloud.
    pub(super) fn prices(&self, price: &[f64]) -> Prices {
        let mut each: Vec<f64> = self.index.iter().map(|&j| price[j as usize]).collect();
        each.resize(self.x.len(), f64::NEG_INFINITY);
        Prices::new(each)
    }

    /// The two best columns for a row at `at`, found the sooner the better the two columns `near` are, which must differ if the second
    /// best is wanted.
    pub(super) fn best(&self, prices: &Prices, at: [f64; 2], near: [u32; 2]) -> Best {
        best(self, prices, at, near.map(|column| column as usize))
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
    fn new(each: Vec<f64>) -> Self {
        let top = tops(&each, BLOCK);
        let peak = tops(&top, LANES);
        Self { each, top, peak }
    }

    pub(super) fn of(&self, column: usize) -> f64 {
        self.each[column]
    }

    pub(super) fn set(&mut self, column: usize, price: f64) {
        self.each[column] = price;
        let (block, group) = (column / BLOCK, column / (BLOCK * LANES));
        self.top[block] = top(&self.each[block * BLOCK..(block + 1) * BLOCK]);
        self.peak[group] = top(&self.top[group * LANES..(group + 1) * LANES]);
    }

    /// The same without the columns for which `keep` is false.
    pub(super) fn filtered(&self, keep: impl Fn(usize) -> bool) -> Self {
        let price = |(j, &price)| if keep(j) { price } else { f64::NEG_INFINITY };
        Self::new(self.each.iter().enumerate().map(price).collect())
    }
}

fn top(values: &[f64]) -> f64 {
    let greater = |high: f64, &v: &f64| if v > high { v } else { high };
    values.iter().fold(f64::NEG_INFINITY, greater)
}

/// The greatest of each `few` values.
fn tops(values: &[f64], few: usize) -> Vec<f64> {
    values.chunks(few).map(top).collect()
}

fn lows(values: &[f64], few: usize) -> Vec<f64> {
    let low = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
    values.chunks(few).map(low).collect()
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

/// Lower bounds of `cost − price` in the boxes from `start`, whose greatest prices are `top`. Rounding keeps the order, so that they are
/// bounds in floating point too.
#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "it must be compiled for the caller's instruction set"
)]
fn bounds(boxes: &Boxes, top: &[f64], at: [f64; 2], start: usize) -> [f64; LANES] {
    let end = start + LANES;
    let [left, right, bottom, above] = boxes.0.each_ref().map(|side| &side[start..end]);
    let top = &top[start..end];
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
fn best(blocks: &Blocks, prices: &Prices, at: [f64; 2], near: [usize; 2]) -> Best {
    let value = |column: usize| {
        let (dx, dy) = (blocks.x[column] - at[0], blocks.y[column] - at[1]);
        dx * dx + dy * dy - prices.each[column]
    };
    let [one, two] = near.map(value);
    let [column, other] = if two < one { [near[1], near[0]] } else { near };
    let mut best = Best {
        column,
        value: if two < one { two } else { one },
        other,
        second: if two < one { one } else { two },
    };
    let look = |block: usize, best: &mut Best| {
        let values = values(blocks, prices, at, block);
        each_bit(below_limit(&values, best.second), |j| {
            let (value, column) = (values[j], block * BLOCK + j);
            if column == best.column {
                return;
            }
            if value < best.value {
                (best.other, best.second) = (best.column, best.value);
                (best.column, best.value) = (column, value);
            } else if value < best.second {
                (best.other, best.second) = (column, value);
            }
        });
    };
    for start in (0..prices.peak.len()).step_by(LANES) {
        let groups = bounds(&blocks.large, &prices.peak, at, start);
        each_bit(below_limit(&groups, best.second), |group| {
            if groups[group] >= best.second {
                return;
            }
            let start = (start + group) * LANES;
            let bounds = bounds(&blocks.small, &prices.top, at, start);
            each_bit(below_limit(&bounds, best.second), |b| {
                if bounds[b] < best.second {
                    look(start + b, &mut best);
                }
            });
        });
    }
    best
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn below(blocks: &Blocks, prices: &Prices, at: [f64; 2], limit: f64, found: &mut Vec<(f64, u32)>) {
    for start in (0..prices.peak.len()).step_by(LANES) {
        let groups = bounds(&blocks.large, &prices.peak, at, start);
        each_bit(below_limit(&groups, limit), |group| {
            let start = (start + group) * LANES;
            let bounds = bounds(&blocks.small, &prices.top, at, start);
            each_bit(below_limit(&bounds, limit), |b| {
                let values = values(blocks, prices, at, start + b);
                each_bit(below_limit(&values, limit), |j| {
                    found.push((values[j], ((start + b) * BLOCK + j) as u32));
                });
            });
        });
    }
}

//! Which column of a row has the least `cost − price`, found without looking at them all: columns in blocks that are boxes in the plane.

use multiversion::multiversion;

#[cfg(target_arch = "x86_64")]
use super::wide;
use crate::plane::Planar;

/// Columns in a block.
pub(super) const BLOCK: usize = 16;
/// Blocks in a group, and groups that are looked at together. There are multiples of both; the last ones may be empty.
pub(super) const LANES: usize = 8;

/// Columns in blocks, each in a small box, and groups of blocks, each in a larger one. The cost of a column is at least the squared
/// distance to its box, so a row looks only into the boxes that are near, or dear: in the plane these are few.
#[derive(Clone, Debug)]
pub(crate) struct Blocks {
    pub(super) columns: Planar,
    /// Around each block, and around each group.
    pub(super) small: Boxes,
    pub(super) large: Boxes,
}

/// Least and greatest x, least and greatest y of some boxes.
#[derive(Clone, Debug)]
pub(super) struct Boxes(pub(super) [Vec<f64>; 4]);

/// A number for each column, and numbers for each block and each group that none of theirs exceeds.
#[derive(Clone, Debug)]
pub(crate) struct Prices {
    pub(super) each: Vec<f64>,
    pub(super) top: Vec<f64>,
    pub(super) peak: Vec<f64>,
}

/// An order of points in which each block of them is near each other in the plane: halved by rank across the longer side of their
/// bounding box, again and again. Its boxes are tighter than those of blocks along a curve, with which a warm start takes half as long again.
pub(crate) fn order(points: &Planar) -> Vec<usize> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    halve(points, &mut order);
    order
}

fn halve(points: &Planar, order: &mut [usize]) {
    if order.len() <= 2 {
        return;
    }
    let extent = |side: &[f64]| {
        let values = order.iter().map(|&i| side[i]);
        let range = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
            (low.min(v), high.max(v))
        });
        range.1 - range.0
    };
    let side = if extent(&points.x) < extent(&points.y) {
        &points.y
    } else {
        &points.x
    };
    // Whole groups if there are some, or whole blocks; within a block, pairs.
    let units = [BLOCK * LANES, BLOCK, 2];
    let unit = units.into_iter().find(|&unit| order.len() > unit);
    let unit = unit.unwrap_or(1);
    let middle = (order.len() / 2).next_multiple_of(unit);
    order.select_nth_unstable_by(middle, |&a, &b| {
        let by_value = side[a].total_cmp(&side[b]);
        by_value.then(a.cmp(&b))
    });
    let (left, right) = order.split_at_mut(middle);
    halve(points, left);
    halve(points, right);
}

impl Blocks {
    /// Of columns in an [`order`].
    pub(crate) fn new(columns: &Planar) -> Self {
        let filled = columns.len().next_multiple_of(BLOCK * LANES * LANES);
        let along = |side: &[f64]| -> Vec<f64> {
            // The last blocks are filled with copies, which have no price.
            let mut side = side.to_vec();
            side.resize(filled, side.last().copied().unwrap_or(0.0));
            side
        };
        let columns = columns.map(along);
        let [x, y] = columns.sides();
        let small = Boxes([
            lows(x, BLOCK),
            tops(x, BLOCK),
            lows(y, BLOCK),
            tops(y, BLOCK),
        ]);
        let [left, right, bottom, above] = &small.0;
        let large = Boxes([
            lows(left, LANES),
            tops(right, LANES),
            lows(bottom, LANES),
            tops(above, LANES),
        ]);
        Self {
            columns,
            small,
            large,
        }
    }

    pub(crate) fn at(&self, column: u32) -> [f64; 2] {
        self.columns.at(column as usize)
    }

    pub(crate) fn prices(&self, mut each: Vec<f64>) -> Prices {
        each.resize(self.columns.len(), f64::NEG_INFINITY);
        let (top, peak) = (Vec::new(), Vec::new());
        let mut prices = Prices { each, top, peak };
        prices.settle();
        prices
    }

    /// The column with the least `cost − price` for a row at `at` and this value, if it is less than `limit`.
    pub(crate) fn best(&self, prices: &Prices, at: [f64; 2], limit: f64) -> Option<(u32, f64)> {
        #[cfg(target_arch = "x86_64")]
        let found = wide::best(self, prices, at, limit);
        #[cfg(not(target_arch = "x86_64"))]
        let found = None;
        let (column, value) = found.unwrap_or_else(|| best(self, prices, at, limit));
        (value < limit).then_some((column as u32, value))
    }
}

impl Prices {
    pub(crate) fn of(&self, column: u32) -> f64 {
        self.each[column as usize]
    }

    /// Changes the price of a column without anything else: what blocks and groups have may be too little until they
    /// [`settle`](Self::settle).
    pub(crate) fn set(&mut self, column: u32, price: f64) {
        self.each[column as usize] = price;
    }

    /// Adds to the price of a column. If it falls, what its block and its group have stays as it is, and is more than need be.
    pub(crate) fn add(&mut self, column: u32, rise: f64) {
        let column = column as usize;
        let price = self.each[column] + rise;
        self.each[column] = price;
        for bound in [
            &mut self.top[column / BLOCK],
            &mut self.peak[column / (BLOCK * LANES)],
        ] {
            *bound = if price > *bound { price } else { *bound };
        }
    }

    /// Finds the greatest price of each block and each group.
    pub(crate) fn settle(&mut self) {
        self.top = tops(&self.each, BLOCK);
        self.peak = tops(&self.top, LANES);
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
    let [x, y] = blocks.columns.range(range.clone());
    let price = &prices.each[range];
    let mut values = [0.0; BLOCK];
    for j in 0..BLOCK {
        let (dx, dy) = (x[j] - at[0], y[j] - at[1]);
        values[j] = dx * dx + dy * dy - price[j];
    }
    values
}

#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn best(blocks: &Blocks, prices: &Prices, at: [f64; 2], limit: f64) -> (usize, f64) {
    let mut best = (0, limit);
    for start in (0..prices.peak.len()).step_by(LANES) {
        let groups = bounds(&blocks.large, &prices.peak, at, start);
        each_bit(below_limit(&groups, best.1), |group| {
            if groups[group] >= best.1 {
                return;
            }
            let start = (start + group) * LANES;
            let bounds = bounds(&blocks.small, &prices.top, at, start);
            each_bit(below_limit(&bounds, best.1), |b| {
                if bounds[b] >= best.1 {
                    return;
                }
                let values = values(blocks, prices, at, start + b);
                each_bit(below_limit(&values, best.1), |j| {
                    if values[j] < best.1 {
                        best = ((start + b) * BLOCK + j, values[j]);
                    }
                });
            });
        });
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number in (−1, 1) for each index, without a pattern.
    fn scattered(i: usize, which: f64) -> f64 {
        (1e4 * (i as f64 * which).sin()).fract()
    }

    #[test]
    fn the_least_is_found_by_wide_registers_and_without() {
        for n in [1, 15, 16, 17, 130, 1500] {
            let side = |which: f64| (0..n).map(|i| scattered(i, which)).collect::<Vec<f64>>();
            let (x, y) = (side(1.1), side(2.3));
            let columns = Planar { x, y };
            let columns = columns.pick(&order(&columns));
            let blocks = Blocks::new(&columns);
            let prices = blocks.prices((0..n).map(|i| 0.1 * scattered(i, 3.7)).collect());
            for row in 0..200 {
                let at = [2.0 * scattered(row, 0.3), 2.0 * scattered(row, 0.7)];
                let value = |j: usize| {
                    let (dx, dy) = (columns.x[j] - at[0], columns.y[j] - at[1]);
                    dx * dx + dy * dy - prices.of(j as u32)
                };
                let least = (0..n)
                    .min_by(|&a, &b| value(a).total_cmp(&value(b)))
                    .unwrap();
                let truth = (least, value(least));
                assert_eq!(best(&blocks, &prices, at, f64::INFINITY), truth, "{n}");
                let found = blocks.best(&prices, at, f64::INFINITY);
                assert_eq!(found, Some((least as u32, truth.1)), "{n}");
                assert_eq!(blocks.best(&prices, at, truth.1), None, "{n}");
            }
        }
    }
}

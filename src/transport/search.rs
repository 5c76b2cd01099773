//! Which column of a row has the least `cost − price`, found without looking at them all.

use multiversion::multiversion;

use super::blocks::{BLOCK, Blocks, Boxes, LANES, Prices};
#[cfg(target_arch = "x86_64")]
use super::wide;

impl Blocks {
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
    use super::super::blocks::order;
    use super::*;
    use crate::plane::Planar;

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

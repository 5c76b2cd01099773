//! Columns in blocks that are boxes in the plane, with bounds of their prices.

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

//! Kernel sums in a time proportional to the number of points: spread on a grid, gathered from the grid.
//!
//! A Gaussian is the convolution of two narrower ones: with `g(z) = exp(−‖z‖²/h²)` and nodes `z` a distance `δ = h/2.1` apart,
//!
//! ```text
//! k_h(x, y) = (2/π) (δ/h)² Σ_z g(x − z) g(z − y),
//! ```
//!
//! because the product `g(x − z) g(z − y)` is `k_h(x, y)` times a Gaussian around the midpoint of x and y, and the trapezoidal
//! rule sums a Gaussian almost exactly: its error, `2 exp(−½ (π h/δ)²) = 7e-10` for each axis, is relative to the pair. The
//! midpoint lies half-way to where the pair pulls, which gives the shift. (Greengard and Lee 2004 spread in this way for their
//! Fourier transforms.)
//!
//! Only the 24×24 nodes around a point are visited. What a pair loses by that is below `exp(−32)` at any distance: nothing
//! where points are near, all where none is. Places at which the sum is too small for that bound are told apart.

#![allow(clippy::inline_always, reason = "a call would keep the loops scalar")]

use std::f64::consts::PI;
use std::ops::Range;
use std::sync::LazyLock;

use multiversion::multiversion;
use multiversion::target::target_cfg_f;
use rayon::prelude::*;

use super::KernelSum;
use super::cells::{Cells, Part};
use super::lane::Lane;
use crate::vector;

/// Spacings of the grid in a bandwidth.
pub(super) const FINENESS: f64 = 2.1;
/// Nodes along one side of the window around a point, in the format of cells and in that of indices.
const SIDE: i32 = 24;
const WINDOW: usize = SIDE as usize;
/// Nodes of the window to the left of a point; those to the right are one more.
const LEFT: usize = WINDOW / 2 - 1;
/// What the window can leave out of a pair: `exp(−(12/FINENESS)²)`.
const LEFT_OUT: f64 = 6.7e-15;
/// How far, in bandwidths, what is left out can be from the place that misses it.
const REACH: f64 = 24.0 / FINENESS;
/// Largest error of a shift, in bandwidths, that the window may cause.
const TOLERATED: f64 = 1e-8;
/// Nodes that a grid may have: 256 MiB.
pub(super) const MOST_NODES: f64 = 33_554_432.0;
/// Cells around the points in which sums can be gathered too.
const MARGIN: i32 = SIDE / 2;
/// Cells along one side of the boxes in which points are counted.
const BOX: usize = 8;
/// Points whose windows are worked out together; they stay in the first-level cache.
const BATCH: usize = 16;
/// Points in one cell that are added up by one task.
const TASK: usize = 1024;

type Window = [f64; WINDOW];

/// The spread points: `Σ_j g(z − y_j)` at the nodes `z`.
#[derive(Debug)]
pub(super) struct Grid {
    /// The cell whose window begins at the first node.
    first: [i32; 2],
    /// Nodes in a row.
    columns: usize,
    /// Cells, in each direction, at which sums can be gathered.
    size: [usize; 2],
    values: Vec<f64>,
    counts: Counts,
}

impl Grid {
    /// Number of nodes of the grid for points in `cells` columns and rows.
    pub(super) fn nodes(cells: [f64; 2]) -> f64 {
        let around = f64::from(2 * MARGIN) + 2.0 * WINDOW as f64;
        (cells[0] + around) * (cells[1] + around)
    }

    /// Spreads the points.
    pub(super) fn new(cells: &Cells) -> Self {
        let [low, high] = cells.extent();
        let first = low.map(|c| c - MARGIN);
        let size = [0, 1].map(|axis| (high[axis] - first[axis] + MARGIN + 1) as usize);
        let columns = size[0] + WINDOW - 1;
        // A stripe of as many rows of cells as a window has rows of nodes touches two stripes of nodes.
        let stripes = size[1].div_ceil(WINDOW) + 1;
        let mut values = vec![0.0; stripes * WINDOW * columns];
        for odd in [0, 1] {
            values[odd * WINDOW * columns..]
                .par_chunks_mut(2 * WINDOW * columns)
                .enumerate()
                .for_each(|(pair, nodes)| {
                    let row = first[1] + SIDE * (2 * pair + odd).cast_signed() as i32;
                    for part in &cells.parts {
                        spread(part, [first[0], row], columns, nodes);
                    }
                });
        }
        Self {
            first,
            columns,
            size,
            values,
            counts: Counts::new(cells, first, size),
        }
    }

    /// Index of the first node of the window of a cell.
    fn window(&self, cell: [i32; 2]) -> Option<usize> {
        let [column, row] = [0, 1].map(|axis| cell[axis].wrapping_sub(self.first[axis]));
        let inside = |c: i32, axis: usize| c >= 0 && (c as usize) < self.size[axis];
        (inside(column, 0) && inside(row, 1)).then(|| row as usize * self.columns + column as usize)
    }

    /// The sum from what was gathered in the window of a cell.
    fn sum(&self, cell: [i32; 2], [w, x, y]: [f64; 3], h: f64) -> KernelSum {
        let sum = w * (2.0 / PI) / (FINENESS * FINENESS);
        let enough = |near: f64| sum * TOLERATED > near * LEFT_OUT * REACH;
        let around = || {
            self.counts
                .around([0, 1].map(|axis| cell[axis] - self.first[axis]))
        };
        if enough(self.counts.all()) || sum > 0.0 && enough(around()) {
            KernelSum {
                log: sum.ln(),
                shift: [x, y].map(|v| v / w * (2.0 * h / FINENESS)),
            }
        } else {
            KernelSum {
                log: f64::NAN,
                shift: [0.0; 2],
            }
        }
    }
}

/// Gathers the sums of all `grids` at places of `part`, from `first` on. Where a grid does not suffice, because no point is
/// near enough, the logarithm is NaN.
pub(super) fn gather<const K: usize>(
    part: &Part,
    first: usize,
    grids: [&Grid; K],
    h: f64,
    into: &mut [[KernelSum; K]],
) {
    let mut windows = Windows::default();
    let mut starts = [None; BATCH];
    let mut raw = [[0.0; 3]; BATCH];
    for (batch, into) in into.chunks_mut(BATCH).enumerate() {
        let range = first + batch * BATCH..first + batch * BATCH + into.len();
        windows.fill(&part.x[range.clone()], &part.y[range.clone()]);
        for (k, grid) in grids.iter().enumerate() {
            for (start, i) in starts.iter_mut().zip(range.clone()) {
                *start = grid.window(part.cell(i));
            }
            gather_windows(&windows, &starts[..into.len()], grid, &mut raw);
            for ((into, raw), i) in into.iter_mut().zip(&raw).zip(range.clone()) {
                into[k] = grid.sum(part.cell(i), *raw, h);
            }
        }
    }
}

/// Values of `g` around a few points, and the same times the distance from the point, in spacings.
struct Windows {
    x: [Window; BATCH],
    y: [Window; BATCH],
    moment_x: [Window; BATCH],
    moment_y: [Window; BATCH],
}

impl Default for Windows {
    fn default() -> Self {
        let zero = [[0.0; WINDOW]; BATCH];
        Self {
            x: zero,
            y: zero,
            moment_x: zero,
            moment_y: zero,
        }
    }
}

impl Windows {
    /// Works out the windows of points at `x` and `y` from the corner of their cells.
    fn fill(&mut self, x: &[f64], y: &[f64]) {
        fill_windows(x, &mut self.x, &mut self.moment_x);
        fill_windows(y, &mut self.y, &mut self.moment_y);
    }
}

/// `g` at the nodes of a window, for a point in the corner of its cell.
static CORNER: LazyLock<Window> = LazyLock::new(|| {
    std::array::from_fn(|k| {
        let t = (k as f64 - LEFT as f64) / FINENESS;
        (-t * t).exp()
    })
});

/// With `k` counted from the left of the window, `t = k − LEFT − f` is the distance from a point at `f`, and
/// `g = exp(−(t/FINENESS)²)` is what it is for `f = 0`, times `b^k` and a factor that belong to the point.
#[multiversion(targets(
    "x86_64+avx512f+avx512dq+avx512vl+avx512bw+fma",
    "x86_64+avx2+fma",
    "aarch64+neon"
))]
fn fill_windows(at: &[f64], values: &mut [Window; BATCH], moments: &mut [Window; BATCH]) {
    const RATE: f64 = 1.0 / (FINENESS * FINENESS);
    let corner = &*CORNER;
    let mut offset = [0.0; BATCH];
    offset[..at.len()].copy_from_slice(at);
    let mut base = [0.0; BATCH];
    let mut factor = [0.0; BATCH];
    for i in 0..BATCH {
        let f = offset[i];
        base[i] = vector::exp(2.0 * RATE * f);
        factor[i] = vector::exp(-RATE * f * (f + 2.0 * LEFT as f64));
    }
    for (i, f) in at.iter().enumerate() {
        let b1 = base[i];
        let b2 = b1 * b1;
        let b4 = b2 * b2;
        let b8 = b4 * b4;
        let b16 = b8 * b8;
        for k in 0..WINDOW {
            let power = |bit: usize, b: f64| if k & bit == 0 { 1.0 } else { b };
            let low = power(1, b1) * power(2, b2) * power(4, b4);
            let high = factor[i] * power(8, b8) * power(16, b16);
            let value = low * high * corner[k];
            values[i][k] = value;
            moments[i][k] = value * (k as f64 - LEFT as f64 - f);
        }
    }
}

/// Adds the points of a stripe, whose first cell is `first`, to its nodes.
fn spread(part: &Part, first: [i32; 2], columns: usize, nodes: &mut [f64]) {
    let range = part.rows(first[1]..first[1] + SIDE);
    let mut windows = Windows::default();
    let mut filled = range.start..range.start;
    let mut start = range.start;
    while start < range.end {
        let [column, row] = [0, 1].map(|axis| (part.cell(start)[axis] - first[axis]) as usize);
        let window = &mut nodes[row * columns + column..];
        let run = part.run(start, range.end);
        if run.len() > TASK {
            spread_crowd(part, run.clone(), window, columns);
            start = run.end;
        }
        while start < run.end {
            if !filled.contains(&start) {
                filled = start..(start + BATCH).min(range.end);
                windows.fill(&part.x[filled.clone()], &part.y[filled.clone()]);
            }
            let until = run.end.min(filled.end);
            let these = start - filled.start..until - filled.start;
            add_windows(
                &windows.x[these.clone()],
                &windows.y[these],
                window,
                columns,
            );
            start = until;
        }
    }
}

/// Adds very many points of one cell to the nodes of its window. Where this happens there are few cells: here is the work
/// that can be shared out.
fn spread_crowd(part: &Part, range: Range<usize>, window: &mut [f64], columns: usize) {
    let tiles: Vec<Vec<f64>> = range
        .clone()
        .into_par_iter()
        .step_by(TASK)
        .map(|first| {
            let mut tile = vec![0.0; WINDOW * WINDOW];
            let mut windows = Windows::default();
            let task = first..(first + TASK).min(range.end);
            for start in task.clone().step_by(BATCH) {
                let batch = start..(start + BATCH).min(task.end);
                windows.fill(&part.x[batch.clone()], &part.y[batch.clone()]);
                let count = batch.len();
                add_windows(&windows.x[..count], &windows.y[..count], &mut tile, WINDOW);
            }
            tile
        })
        .collect();
    for tile in tiles {
        for (nodes, sums) in window.chunks_mut(columns).zip(tile.chunks_exact(WINDOW)) {
            for (node, sum) in nodes.iter_mut().zip(sums) {
                *node += sum;
            }
        }
    }
}

#[multiversion(targets(
    "x86_64+avx512f+avx512dq+avx512vl+avx512bw+fma",
    "x86_64+avx2+fma",
    "aarch64+neon"
))]
fn add_windows(x: &[Window], y: &[Window], nodes: &mut [f64], columns: usize) {
    if target_cfg_f!(any(target_feature = "fma", target_feature = "neon")) {
        add_products::<true>(x, y, nodes, columns);
    } else {
        add_products::<false>(x, y, nodes, columns);
    }
}

/// Adds the products `g(x) g(y)`, four rows of nodes at a time, which fit into the registers.
#[inline(always)]
fn add_products<const FUSED: bool>(x: &[Window], y: &[Window], nodes: &mut [f64], columns: usize) {
    const ROWS: usize = 4;
    for first in (0..WINDOW).step_by(ROWS) {
        let mut sums = [[0.0; WINDOW]; ROWS];
        for (x, y) in x.iter().zip(y) {
            for (row, sums) in sums.iter_mut().enumerate() {
                for k in 0..WINDOW {
                    sums[k] = x[k].fused::<FUSED>(y[first + row], sums[k]);
                }
            }
        }
        for (row, sums) in sums.iter().enumerate() {
            let start = (first + row) * columns;
            for (node, sum) in nodes[start..start + WINDOW].iter_mut().zip(sums) {
                *node += sum;
            }
        }
    }
}

#[multiversion(targets(
    "x86_64+avx512f+avx512dq+avx512vl+avx512bw+fma",
    "x86_64+avx2+fma",
    "aarch64+neon"
))]
fn gather_windows(
    windows: &Windows,
    starts: &[Option<usize>],
    grid: &Grid,
    into: &mut [[f64; 3]; BATCH],
) {
    if target_cfg_f!(any(target_feature = "fma", target_feature = "neon")) {
        gather_products::<true>(windows, starts, grid, into);
    } else {
        gather_products::<false>(windows, starts, grid, into);
    }
}

/// `Σ_z g(x − z) S(z)`, and the same with the distance `z − x`, in spacings, as a factor. Places in the same cell are
/// served together, which saves reading the nodes again.
#[inline(always)]
fn gather_products<const FUSED: bool>(
    windows: &Windows,
    starts: &[Option<usize>],
    grid: &Grid,
    into: &mut [[f64; 3]; BATCH],
) {
    let mut folded = [[[0.0; 8]; 3]; BATCH];
    let mut i = 0;
    while i < starts.len() {
        let Some(start) = starts[i] else {
            i += 1;
            continue;
        };
        let together = starts[i..]
            .iter()
            .take_while(|s| **s == Some(start))
            .count();
        let nodes = &grid.values[start..];
        let columns = grid.columns;
        i += match together {
            1 => gather_few::<1, FUSED>(windows, i, nodes, columns, &mut folded),
            _ => gather_few::<2, FUSED>(windows, i, nodes, columns, &mut folded),
        };
    }
    for (into, folded) in into.iter_mut().zip(&folded) {
        *into = folded.map(|[a, b, c, d, e, f, g, h]| ((a + e) + (b + f)) + ((c + g) + (d + h)));
    }
}

#[inline(always)]
fn gather_few<const PLACES: usize, const FUSED: bool>(
    windows: &Windows,
    first: usize,
    nodes: &[f64],
    columns: usize,
    into: &mut [[[f64; 8]; 3]; BATCH],
) -> usize {
    let mut plain = [[0.0; WINDOW]; PLACES];
    let mut moved = [[0.0; WINDOW]; PLACES];
    let y = &windows.y[first..first + PLACES];
    let moment_y = &windows.moment_y[first..first + PLACES];
    for row in 0..WINDOW {
        let nodes = &nodes[row * columns..][..WINDOW];
        for place in 0..PLACES {
            for k in 0..WINDOW {
                plain[place][k] = nodes[k].fused::<FUSED>(y[place][row], plain[place][k]);
                moved[place][k] = nodes[k].fused::<FUSED>(moment_y[place][row], moved[place][k]);
            }
        }
    }
    for place in 0..PLACES {
        let (x, moment_x) = (&windows.x[first + place], &windows.moment_x[first + place]);
        into[first + place] = [
            fold(&plain[place], x),
            fold(&plain[place], moment_x),
            fold(&moved[place], x),
        ];
    }
    PLACES
}

/// The products of two windows, added up until eight are left.
#[inline(always)]
fn fold(a: &Window, b: &Window) -> [f64; 8] {
    let mut products = [0.0; WINDOW];
    for k in 0..WINDOW {
        products[k] = a[k] * b[k];
    }
    let mut sums = [0.0; 8];
    for k in 0..8 {
        sums[k] = products[k] + products[k + 8] + products[k + 16];
    }
    sums
}

/// How many points lie in any rectangle of boxes of cells.
#[derive(Debug)]
struct Counts {
    /// Boxes in a row, and one.
    columns: usize,
    rows: usize,
    /// Points in all boxes before a column and a row (a summed-area table, Crow 1984).
    before: Vec<u32>,
}

impl Counts {
    fn new(cells: &Cells, first: [i32; 2], size: [usize; 2]) -> Self {
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

    fn all(&self) -> f64 {
        self.before.last().map_or(0.0, |&all| f64::from(all))
    }

    /// Points that may be no further than two windows from a cell, counted from the first.
    fn around(&self, [column, row]: [i32; 2]) -> f64 {
        let span = |at: i32, boxes: usize| {
            let from = (at - SIDE - 1).max(0) as usize / BOX;
            let to = (at as usize + WINDOW + 1) / BOX + 1;
            [from.min(boxes - 1), to.min(boxes - 1)]
        };
        let ([left, right], [low, high]) = (span(column, self.columns), span(row, self.rows));
        let at = |column: usize, row: usize| i64::from(self.before[row * self.columns + column]);
        (at(right, high) - at(left, high) - at(right, low) + at(left, low)) as f64
    }
}

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
//! where points are near, all where none is. At places where the sum is too small for that bound it is taken again from a grid
//! on which points reach twice as far, then three times, and at last pair by pair.

#![allow(clippy::inline_always, reason = "a call would keep the loops scalar")]

use std::f64::consts::PI;
use std::ops::Range;
use std::sync::Arc;

use multiversion::multiversion;
use multiversion::target::target_cfg_f;
use rayon::prelude::*;

use super::cells::{Cells, Part};
use super::counts::Counts;
use super::stripes::{Spot, Stripes};
use super::sum::KernelSum;
use crate::numeric::Real;

/// Spacings of the grid in a bandwidth.
pub(super) const FINENESS: f64 = 2.1;
/// The longest reach of points on a grid: beyond it numbers would be too small to be normal.
pub(super) const LONGEST: usize = 3;
/// Nodes that a grid may have: 256 MiB.
pub(super) const MOST_NODES: f64 = 33_554_432.0;
/// Nodes along one side of a window, in the format of cells and in that of indices. The nodes around a point are as many
/// windows along each side as its reach says.
pub(super) const SIDE: i32 = 24;
const WINDOW: usize = SIDE as usize;
/// Largest error of a shift, in bandwidths, that may come from nodes not visited.
const TOLERATED: f64 = 1e-8;
/// Points whose windows are worked out together; they stay in the first-level cache.
const BATCH: usize = 16;
/// Grids on which points that outnumber the nodes are spread.
const GRIDS: usize = 4;
/// Points in one cell that are added up by one task.
const TASK: usize = 1024;
/// Nodes of several grids that are added up by one task.
const PIECE: usize = 65_536;
type Window = [f64; WINDOW];

/// The spread points: `Σ_j g(z − y_j)` at the nodes `z`.
#[derive(Debug)]
pub(super) struct Grid {
    stripes: Arc<Stripes>,
    /// The nodes, and as many zeros after them as a point reaches along a row.
    values: Vec<f64>,
    counts: Counts,
    /// How much one point may move a sum, or its moment in bandwidths, by the nodes that are not visited.
    lost: f64,
}

impl Grid {
    /// Spreads the points.
    pub(super) fn new(cells: &Cells, stripes: Arc<Stripes>) -> Self {
        let side = stripes.side();
        // Stripes in the middle have the most points, and few stripes are too few to share out. Where points outnumber the nodes there are
        // several grids, that are added up; elsewhere these would cost more memory than they save time.
        let points: usize = cells.parts.iter().map(Part::len).sum();
        let grids = if stripes.rectangle() <= points as f64 {
            GRIDS
        } else {
            1
        };
        let nodes = stripes.nodes() + side;
        let mut values = vec![0.0; grids * nodes];
        // The points of every other row of tiles reach nodes that those of no other reach.
        for odd in [0, 1] {
            let mut tasks = Vec::new();
            for (g, grid) in values.chunks_exact_mut(nodes).enumerate() {
                let (mut rest, mut passed) = (grid, 0);
                for (stripe, [from, until]) in stripes.every_other(odd) {
                    let (_, others) = rest.split_at_mut(from - passed);
                    let (own, others) = others.split_at_mut(until - from);
                    tasks.push((g, stripe, from, own));
                    (rest, passed) = (others, until);
                }
            }
            tasks.into_par_iter().for_each(|(g, stripe, from, nodes)| {
                for part in cells.parts.iter().skip(g).step_by(grids) {
                    spread(part, &stripes, stripe, from, nodes);
                }
            });
        }
        let (sum, others) = values.split_at_mut(nodes);
        for other in others.chunks_exact(nodes) {
            let pieces = sum.par_chunks_mut(PIECE).zip(other.par_chunks(PIECE));
            pieces.for_each(|(sum, other)| {
                for (sum, value) in sum.iter_mut().zip(other) {
                    *sum += value;
                }
            });
        }
        values.truncate(nodes);
        let radius = side as f64 / (2.0 * FINENESS);
        Self {
            values,
            counts: Counts::new(cells, &stripes),
            // A point loses less than exp(−radius²), and is at most two radii away from where it is missed.
            lost: 2.0 * radius * (-radius * radius).exp(),
            stripes,
        }
    }

    /// The sum from what was gathered around a cell.
    fn sum(&self, cell: [i32; 2], [w, x, y]: [f64; 3], h: f64) -> KernelSum {
        let sum = w * (2.0 / PI) / (FINENESS * FINENESS);
        let enough = |near: f64| sum * TOLERATED > near * self.lost;
        let around = || self.counts.around(&self.stripes, cell);
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

/// Gathers the sums of all `grids`, which have the same reach, at places of `part`, from `first` on.
pub(super) fn gather<const K: usize>(
    part: &Part,
    first: usize,
    grids: [&Grid; K],
    h: f64,
    into: &mut [[KernelSum; K]],
) {
    let side = grids.first().map_or(WINDOW, |grid| grid.stripes.side());
    let mut windows = Windows::new(side / WINDOW);
    let mut spots = [None; BATCH];
    for (batch, into) in into.chunks_mut(BATCH).enumerate() {
        let range = first + batch * BATCH..first + batch * BATCH + into.len();
        windows.fill(&part.x[range.clone()], &part.y[range.clone()], true);
        for (k, grid) in grids.iter().enumerate() {
            for (spot, i) in spots.iter_mut().zip(range.clone()) {
                *spot = grid.stripes.spot(part.cell(i));
            }
            let mut raw = [[0.0; 3]; BATCH];
            for (row, column) in windows.pairs() {
                let [x, y] = [&windows.x[column], &windows.y[row]];
                let corner = [row, column].map(|window| window * WINDOW);
                gather_windows(x, y, &spots[..into.len()], corner, &grid.values, &mut raw);
            }
            for ((into, raw), i) in into.iter_mut().zip(&raw).zip(range.clone()) {
                into[k] = grid.sum(part.cell(i), *raw, h);
            }
        }
    }
}

/// Values of `g` at the nodes around a few points, window by window.
struct Windows {
    x: Vec<Along>,
    y: Vec<Along>,
}

/// Values along one axis in one window, and the same times the distance from the point, in spacings.
struct Along {
    /// Nodes between the first one and the corner of the point's cell.
    left: f64,
    /// The values for a point in the corner of its cell.
    corner: Window,
    values: [Window; BATCH],
    moments: [Window; BATCH],
}

impl Windows {
    fn new(reach: usize) -> Self {
        let along = || -> Vec<Along> {
            let first = (WINDOW * reach / 2 - 1) as f64;
            (0..reach)
                .map(|window| Along::new(first - (WINDOW * window) as f64))
                .collect()
        };
        Self {
            x: along(),
            y: along(),
        }
    }

    /// Works out the windows of points at `x` and `y` from the corner of their cells, and the moments if they are asked for.
    fn fill(&mut self, x: &[f64], y: &[f64], moments: bool) {
        for (at, along) in [(x, &mut self.x), (y, &mut self.y)] {
            for along in along {
                along.fill(at, moments);
            }
        }
    }

    /// Row and column of each window.
    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let reach = self.x.len();
        (0..reach * reach).map(move |i| (i / reach, i % reach))
    }
}

impl Along {
    fn new(left: f64) -> Self {
        Self {
            left,
            corner: std::array::from_fn(|k| {
                let t = (k as f64 - left) / FINENESS;
                (-t * t).exp()
            }),
            values: [[0.0; WINDOW]; BATCH],
            moments: [[0.0; WINDOW]; BATCH],
        }
    }

    fn fill(&mut self, at: &[f64], moments: bool) {
        fill_windows(self, at);
        if moments {
            fill_moments(self, at);
        }
    }
}

/// With `k` counted from the left of the window, `t = k − left − f` is the distance from a point at `f`, and
/// `g = exp(−(t/FINENESS)²)` is what it is for `f = 0`, times `b^k` and a factor that belong to the point.
#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn fill_windows(along: &mut Along, at: &[f64]) {
    const RATE: f64 = 1.0 / (FINENESS * FINENESS);
    let Along {
        left,
        corner,
        values,
        ..
    } = along;
    let mut offset = [0.0; BATCH];
    offset[..at.len()].copy_from_slice(at);
    let mut base = [0.0; BATCH];
    let mut factor = [0.0; BATCH];
    for i in 0..BATCH {
        let f = offset[i];
        base[i] = Real::exp(2.0 * RATE * f);
        factor[i] = Real::exp(-RATE * f * (f + 2.0 * *left));
    }
    for i in 0..at.len() {
        let b1 = base[i];
        let b2 = b1 * b1;
        let b4 = b2 * b2;
        let b8 = b4 * b4;
        let b16 = b8 * b8;
        for k in 0..WINDOW {
            let power = |bit: usize, b: f64| if k & bit == 0 { 1.0 } else { b };
            let low = power(1, b1) * power(2, b2) * power(4, b4);
            let high = factor[i] * power(8, b8) * power(16, b16);
            values[i][k] = low * high * corner[k];
        }
    }
}

#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn fill_moments(along: &mut Along, at: &[f64]) {
    let windows = along.moments.iter_mut().zip(&along.values);
    for ((moments, values), f) in windows.zip(at) {
        for k in 0..WINDOW {
            moments[k] = values[k] * (k as f64 - along.left - f);
        }
    }
}

/// Adds the points of a row of tiles to the nodes that they reach, of which the first is kept at `from` among all.
fn spread(part: &Part, stripes: &Stripes, stripe: u32, from: usize, nodes: &mut [f64]) {
    let range = part.rows(stripes.rows(stripe));
    let mut windows = Windows::new(stripes.side() / WINDOW);
    let mut filled = range.start..range.start;
    let mut start = range.start;
    while start < range.end {
        let run = part.run(start, range.end);
        let Some(spot) = stripes.spot(part.cell(start)) else {
            start = run.end;
            continue;
        };
        let spot = spot.after(from);
        if run.len() > TASK {
            spread_crowd(part, run.clone(), stripes.side(), spot, nodes);
            start = run.end;
        }
        while start < run.end {
            if !filled.contains(&start) {
                filled = start..(start + BATCH).min(range.end);
                windows.fill(&part.x[filled.clone()], &part.y[filled.clone()], false);
            }
            let until = run.end.min(filled.end);
            windows.add(start - filled.start..until - filled.start, spot, nodes);
            start = until;
        }
    }
}

/// Adds very many points of one cell to the nodes around it. Where this happens there are few cells: here is the work that
/// can be shared out.
fn spread_crowd(part: &Part, range: Range<usize>, side: usize, spot: Spot, nodes: &mut [f64]) {
    let tiles: Vec<Vec<f64>> = range
        .clone()
        .into_par_iter()
        .step_by(TASK)
        .map(|first| {
            let mut tile = vec![0.0; side * side];
            let mut windows = Windows::new(side / WINDOW);
            let task = first..(first + TASK).min(range.end);
            for start in task.clone().step_by(BATCH) {
                let batch = start..(start + BATCH).min(task.end);
                windows.fill(&part.x[batch.clone()], &part.y[batch.clone()], false);
                windows.add(0..batch.len(), Spot::square(side), &mut tile);
            }
            tile
        })
        .collect();
    for tile in tiles {
        for (row, sums) in tile.chunks_exact(side).enumerate() {
            let start = spot.row(row);
            for (node, sum) in nodes[start..start + side].iter_mut().zip(sums) {
                *node += sum;
            }
        }
    }
}

impl Windows {
    /// Adds some of the points, all in one cell, to the nodes around it.
    fn add(&self, points: Range<usize>, spot: Spot, nodes: &mut [f64]) {
        for (row, column) in self.pairs() {
            let [x, y] = [&self.x[column], &self.y[row]].map(|all| &all.values[points.clone()]);
            let corner = [row, column].map(|at| at * WINDOW);
            if let Some([start, columns]) = spot.plain(corner, WINDOW) {
                add_windows(x, y, &mut nodes[start..], columns);
                continue;
            }
            let mut copy = window(nodes, spot, corner);
            add_windows(x, y, copy.as_flattened_mut(), WINDOW);
            for (row, values) in copy.iter().enumerate() {
                let start = spot.row(corner[0] + row) + corner[1];
                nodes[start..start + WINDOW].copy_from_slice(values);
            }
        }
    }
}

/// A copy of the nodes in one window.
fn window(nodes: &[f64], spot: Spot, [row, column]: [usize; 2]) -> [Window; WINDOW] {
    let mut copy = [[0.0; WINDOW]; WINDOW];
    for (above, values) in copy.iter_mut().enumerate() {
        let start = spot.row(row + above) + column;
        values.copy_from_slice(&nodes[start..start + WINDOW]);
    }
    copy
}

#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
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

#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn gather_windows(
    x: &Along,
    y: &Along,
    spots: &[Option<Spot>],
    corner: [usize; 2],
    nodes: &[f64],
    into: &mut [[f64; 3]; BATCH],
) {
    if target_cfg_f!(any(target_feature = "fma", target_feature = "neon")) {
        gather_products::<true>(x, y, spots, corner, nodes, into);
    } else {
        gather_products::<false>(x, y, spots, corner, nodes, into);
    }
}

/// Adds `Σ_z g(x − z) S(z)` over one window, and the same with the distance `z − x`, in spacings, as a factor. Places in
/// the same cell are served together, which saves reading the nodes again.
#[inline(always)]
fn gather_products<const FUSED: bool>(
    x: &Along,
    y: &Along,
    spots: &[Option<Spot>],
    corner: [usize; 2],
    nodes: &[f64],
    into: &mut [[f64; 3]; BATCH],
) {
    let mut folded = [[[0.0; 8]; 3]; BATCH];
    let mut i = 0;
    while i < spots.len() {
        let Some(spot) = spots[i] else {
            i += 1;
            continue;
        };
        let copy;
        let (nodes, columns) = if let Some([start, columns]) = spot.plain(corner, WINDOW) {
            (&nodes[start..], columns)
        } else {
            copy = window(nodes, spot, corner);
            (copy.as_flattened(), WINDOW)
        };
        i += if spots.get(i + 1) == Some(&Some(spot)) {
            gather_few::<2, FUSED>(x, y, i, nodes, columns, &mut folded)
        } else {
            gather_few::<1, FUSED>(x, y, i, nodes, columns, &mut folded)
        };
    }
    for (into, folded) in into.iter_mut().zip(&folded) {
        for (into, [a, b, c, d, e, f, g, h]) in into.iter_mut().zip(folded) {
            *into += ((a + e) + (b + f)) + ((c + g) + (d + h));
        }
    }
}

#[inline(always)]
fn gather_few<const PLACES: usize, const FUSED: bool>(
    x: &Along,
    y: &Along,
    first: usize,
    nodes: &[f64],
    columns: usize,
    into: &mut [[[f64; 8]; 3]; BATCH],
) -> usize {
    let mut plain = [[0.0; WINDOW]; PLACES];
    let mut moved = [[0.0; WINDOW]; PLACES];
    let values = &y.values[first..first + PLACES];
    let moments = &y.moments[first..first + PLACES];
    for row in 0..WINDOW {
        let nodes = &nodes[row * columns..][..WINDOW];
        for place in 0..PLACES {
            for k in 0..WINDOW {
                plain[place][k] = nodes[k].fused::<FUSED>(values[place][row], plain[place][k]);
                moved[place][k] = nodes[k].fused::<FUSED>(moments[place][row], moved[place][k]);
            }
        }
    }
    for place in 0..PLACES {
        let (values, moments) = (&x.values[first + place], &x.moments[first + place]);
        into[first + place] = [
            fold(&plain[place], values),
            fold(&plain[place], moments),
            fold(&moved[place], values),
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

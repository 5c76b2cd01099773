//! Kernel sums by way of grids: near places from a fine one, far places from longer reaches, and the last pair by pair.

use std::sync::Arc;

use rayon::prelude::*;

use super::cells::Part;
use super::direct;
use super::grid::{FINENESS, Grid, LONGEST, MOST_NODES, SIDE, gather};
use super::points::Points;
use super::stripes::FEW;
use super::sum::KernelSum;

/// Nanoseconds of one core for a pair in double precision, and for a point spread on a grid or gathered from it; a node takes
/// one. Measured, but written down: two runs must not differ by what a clock said.
pub(super) const PAIR: f64 = 0.3;
pub(super) const POINT: f64 = 50.0;

/// Tiles' worth of area from which pairs add to the digits of a sum. It is told only of very many points: a few places may well be as far from all of
/// them, and then a guess that is wrong costs more than it saves.
const AROUND: f64 = 4.0;
const MANY: usize = 1 << 19;
/// Places whose sums are put in their place by one task.
const STRETCH: usize = 16_384;
/// Places that one task gathers sums at.
const CHUNK: usize = 512;

/// Nodes that the grid of so many points may have. What has more is summed pair by pair, of which few see each other then.
fn most_nodes(points: usize) -> f64 {
    /// Nodes for each point, and those of all where they are many, and where they are very many.
    const EACH: f64 = 64.0;
    const ALL: f64 = 4.0 * FEW;
    const LEAST: f64 = 4.0;
    let points = points as f64;
    let all = (LEAST * points).clamp(ALL, MOST_NODES);
    (FEW + EACH * points).min(all)
}

/// Bytes that the grids of so many points are expected to take: a part of what they may, since most take next to nothing.
pub(crate) fn grid_bytes(points: usize) -> f64 {
    const SHARE: f64 = 0.3;
    SHARE * most_nodes(points) * size_of::<f64>() as f64
}

/// Number of nodes of the grid for some points, at most; nothing where these are more than it may have.
pub(super) fn affordable(points: &Points, h: f64, reach: usize) -> Option<f64> {
    let share = if reach == 1 { 1.0 } else { 0.5 };
    let nodes = nodes(points, h, reach);
    (nodes <= share * most_nodes(points.len())).then_some(nodes)
}

/// What is spread on a grid, and what is summed pair by pair beside it.
pub(super) enum Spread<'a> {
    /// All points.
    All(&'a Points),
    /// Those that have others around them, and the rest.
    Thinned(Arc<Option<[Points; 2]>>),
}

impl<'a> Spread<'a> {
    /// The points as they are if a grid of them is affordable, or else without those that have next to none around them; nothing if a grid of the others
    /// is not, either.
    pub(super) fn new(points: &'a Points, h: f64) -> Option<Self> {
        if affordable(points, h, 1).is_some() {
            return Some(Self::All(points));
        }
        let spread = Self::Thinned(points.thinned(h));
        spread.nodes(h).is_some().then_some(spread)
    }

    /// The points on the grid; none where there is no grid.
    pub(super) fn dense(&self) -> Option<&Points> {
        match self {
            Self::All(points) => Some(points),
            Self::Thinned(parts) => parts.as_ref().as_ref().map(|[dense, _]| dense),
        }
    }

    /// The points beside it.
    pub(super) fn thin(&self) -> Option<&Points> {
        match self {
            Self::All(_) => None,
            Self::Thinned(parts) => parts.as_ref().as_ref().map(|[_, thin]| thin),
        }
    }

    /// Nodes of the grid, at most.
    pub(super) fn nodes(&self, h: f64) -> Option<f64> {
        affordable(self.dense()?, h, 1)
    }
}

/// Number of nodes of the grid for some points, at most; infinite where their cells could not be counted.
pub(super) fn nodes(points: &Points, h: f64, reach: usize) -> f64 {
    const COUNTABLE: f64 = 1e9;
    let side = h / FINENESS;
    match points.bounds() {
        Some(bounds) if bounds.furthest() < COUNTABLE * side => {
            let around = f64::from(4 * SIDE) * LONGEST as f64;
            let [width, height] = bounds.sides().map(|length| length / side + around);
            let rectangle = width * height;
            if rectangle <= FEW {
                rectangle
            } else {
                rectangle.min(points.stripes(h, reach).nodes() as f64)
            }
        }
        Some(_) => f64::INFINITY,
        None => 0.0,
    }
}

/// Sums of each of the clouds `of` at all places `at`, one for each in `found`.
pub(super) fn sums<const K: usize>(
    found: &mut [[KernelSum; K]],
    at: &Points,
    of: [&Points; K],
    h: f64,
) {
    let missing = sums_within(found, at, of, h, 1);
    for (k, points) in of.into_iter().enumerate() {
        if !missing[k] {
            continue;
        }
        let is_missing = |found: &[[KernelSum; K]], i: usize| found[i][k].log.is_nan();
        let all = (0..found.len()).into_par_iter();
        let mut far: Vec<usize> = all.filter(|&i| is_missing(found, i)).collect();
        for reach in 2..=LONGEST + 1 {
            if far.is_empty() {
                break;
            }
            let places = at.some(&far);
            let (at, all) = (places.len() as f64, points.len() as f64);
            let nodes = affordable(points, h, reach.min(LONGEST)).unwrap_or(f64::INFINITY);
            let time = POINT * (reach * reach) as f64 * (at + all) + nodes;
            // One by one they would be told of what lies around them.
            let around = if points.len() > MANY {
                (AROUND / points.stripes(h, 1).tiles().len() as f64).min(1.0) * all
            } else {
                all
            };
            let mut sums = vec![[KernelSum::default()]; far.len()];
            if reach > LONGEST || PAIR * at * around < time {
                direct::sums::<f64, 1>(&mut sums, places.blocks(), [points], h);
            } else {
                sums_within(&mut sums, &places, [points], h, reach);
            }
            // The far places are in order: each stretch of `found` has its own.
            let stretches = found.par_chunks_mut(STRETCH).enumerate();
            stretches.for_each(|(stretch, found)| {
                let start = stretch * STRETCH;
                let [from, to] =
                    [start, start + STRETCH].map(|end| far.partition_point(|&i| i < end));
                for (&i, [sum]) in far[from..to].iter().zip(&sums[from..to]) {
                    found[i - start][k] = *sum;
                }
            });
            far = far
                .into_par_iter()
                .filter(|&i| is_missing(found, i))
                .collect();
        }
    }
}

/// Sums gathered from grids on which points have some reach; the logarithm is NaN where that is not enough. Returns for which of the
/// clouds there are such places.
fn sums_within<const K: usize>(
    found: &mut [[KernelSum; K]],
    at: &Points,
    of: [&Points; K],
    h: f64,
    reach: usize,
) -> [bool; K] {
    // Side by side: much of what a small cloud takes is in no loop.
    let grids: Vec<Arc<Grid>> = of.par_iter().map(|points| points.grid(h, reach)).collect();
    let grids: [&Grid; K] = std::array::from_fn(|k| &*grids[k]);
    let cells = at.cells(h);
    let mut sorted = Vec::new();
    if cells.along_curve {
        sorted = at.take_room::<K>();
    }
    let mut rest = if cells.along_curve {
        sorted.as_chunks_mut().0
    } else {
        &mut *found
    };
    let mut slices = Vec::with_capacity(cells.parts.len());
    for part in &cells.parts {
        let (slice, others) = rest.split_at_mut(part.len());
        slices.push((part, slice));
        rest = others;
    }
    let gather_part = |(part, into): (&Part, &mut [[KernelSum; K]])| {
        let mut gathered = vec![[KernelSum::default(); K]; part.len()];
        gathered
            .par_chunks_mut(CHUNK)
            .enumerate()
            .for_each(|(chunk, into)| gather(part, chunk * CHUNK, grids, h, into));
        let mut missing = [false; K];
        for (into, &place) in into.iter_mut().zip(&part.rank) {
            *into = gathered[place as usize];
            for (missing, sum) in missing.iter_mut().zip(into) {
                *missing |= sum.log.is_nan();
            }
        }
        missing
    };
    let either = |a: [bool; K], b: [bool; K]| std::array::from_fn(|k| a[k] | b[k]);
    let missing = slices
        .into_par_iter()
        .map(gather_part)
        .reduce(|| [false; K], either);
    if cells.along_curve {
        let ranks = at.blocks().ranks();
        let (sums, _) = sorted.as_chunks();
        let all = found.par_iter_mut().zip(ranks);
        all.for_each(|(into, &rank)| *into = sums[rank as usize]);
        at.give_room(sorted);
    }
    missing
}

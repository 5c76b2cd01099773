//! Kernel sums taken pair by pair: blocks of points that cannot matter are passed over, the rest are summed at 32 places
//! side by side.
//!
//! Lengths are measured from the middle of the places, in units in which `k_h = 2^{−d²}`. The subtraction is done in double
//! precision, so that single precision afterwards spoils neither a small `h` nor a cloud far from the origin.

#![allow(clippy::inline_always, reason = "a call would keep the loops scalar")]

use std::f64::consts::{LN_2, LOG2_E};
use std::ops::Range;

use multiversion::multiversion;
use multiversion::target::target_cfg_f;
use rayon::prelude::*;

use super::blocks::{BLOCK, Blocks, Distances, GROUP, Rectangle};
use super::lane::Lane;
use super::points::Points;
use super::sum::KernelSum;
use crate::numeric::Real;

/// More than the rounding of squares of distances that are found in two ways, as a share of them.
const ROUNDING: f64 = 1e-14;

/// Points summed in the precision of the lanes before the sum goes on in double precision.
const BATCH: usize = 32 * BLOCK;

/// Sums of each of the clouds `of` at all places `at`, in the arithmetic of `T`.
pub(super) fn sums<T: Arithmetic, const K: usize>(
    into: &mut [[KernelSum; K]],
    at: &Blocks,
    of: [&Points; K],
    h: f64,
) {
    let scale = (0.5 * LOG2_E).sqrt() / h;
    // Before there are tasks that would all make them.
    let all = of.map(|points| points.blocks().rectangle());
    let all = all.iter().fold(at.rectangle(), Rectangle::with_all);
    if all.sides().iter().any(|side| side * scale > T::FURTHEST) {
        return sums::<f64, K>(into, at, of, h);
    }
    let groups = at.groups(T::RADIUS * h);
    let found: Vec<[[KernelSum; GROUP]; K]> = groups
        .par_iter()
        .map_init(Distances::default, |room, range| {
            let group = Group::new(at, range.clone(), scale);
            of.map(|points| group.sum::<T>(points, room))
        })
        .collect();
    for (range, sums) in groups.into_iter().zip(&found) {
        for (lane, &i) in at.order[range].iter().enumerate() {
            into[i as usize] = sums.each_ref().map(|lanes| lanes[lane]);
        }
    }
}

/// Up to 32 neighbouring places; unused lanes repeat the first.
struct Group {
    count: usize,
    rectangle: Rectangle,
    middle: [f64; 2],
    scale: f64,
    x: [f64; GROUP],
    y: [f64; GROUP],
    /// Squares of the distances from the middle.
    square: [f64; GROUP],
}

/// `Σ_j w_j`, `Σ_j w_j x_j`, `Σ_j w_j y_j` at each place, in the units of the group.
type Raw = [[f64; GROUP]; 3];

impl Group {
    fn new(at: &Blocks, range: Range<usize>, scale: f64) -> Self {
        let [x, y] = at.points.range(range);
        let rectangle = Rectangle::around([x, y]);
        let middle = rectangle.middle();
        let local = |from: &[f64], axis: usize| -> [f64; GROUP] {
            let place = |lane| from.get(lane).copied().unwrap_or(from[0]);
            std::array::from_fn(|lane| (place(lane) - middle[axis]) * scale)
        };
        let (count, x, y) = (x.len(), local(x, 0), local(y, 1));
        Self {
            count,
            rectangle,
            middle,
            scale,
            x,
            y,
            square: std::array::from_fn(|lane| x[lane] * x[lane] + y[lane] * y[lane]),
        }
    }

    /// The sums of `points`.
    fn sum<T: Arithmetic>(&self, points: &Points, room: &mut Distances) -> [KernelSum; GROUP] {
        let blocks = points.blocks();
        let (best, reach) = blocks.look(&self.rectangle, room, |near, reach| near <= reach);
        let unit = self.scale * self.scale;
        let gap = room.gap() * unit;
        let mut task = Task {
            points,
            best,
            narrowness: points.narrowness_range(),
            room,
        };
        let [wide, narrow] = task.narrowness;

        // What all places have in common is taken out of the exponents, and in single precision the square of the
        // place's own distance from the middle too.
        let common = wide * gap;
        if common <= T::LARGEST_SQUARE {
            let offset = self.square.map(|square| common + square);
            let raw = self.collect::<T>(&mut task, &offset);
            if self.smallest(&raw[0]) > T::FAINT.exp2() {
                return self.finish(&raw, &offset);
            }
        }
        // One term of the best block is visible to all.
        let mut offset = [common; GROUP];
        let far = f64::LARGEST_SQUARE;
        if common > far || wide.log2() - narrow * unit * reach + common < f64::FAINT {
            offset = self.least_exponents(&mut task);
            if offset.iter().any(|&least| least > far) {
                return self.sum_afar(&mut task, &offset);
            }
        }
        let raw = self.collect::<f64>(&mut task, &offset);
        self.finish(&raw, &offset)
    }

    /// Sums of `2^offset k_h` over all blocks that matter: those passed over would add less than
    /// `2^−HIDDEN_BITS` of the sum at any place.
    fn collect<T: Arithmetic>(&self, task: &mut Task<'_>, offset: &[f64; GROUP]) -> Raw {
        let places = Places {
            count: self.count,
            middle: self.middle,
            scale: self.scale,
            x: self.x.map(T::of),
            y: self.y.map(T::of),
            offset: std::array::from_fn(|lane| T::of(offset[lane] - self.square[lane])),
        };
        let mut raw = [[0.0; GROUP]; 3];
        T::weigh(&places, task.points, &[task.best], &mut raw);
        let lanes = offset.iter().zip(&raw[0]).take(self.count);
        let faintest = lanes
            .map(|(offset, w)| offset - w.log2())
            .fold(f64::NEG_INFINITY, f64::max);
        let (points, chosen) = (task.points, self.visible(task, faintest + T::HIDDEN_BITS));
        T::weigh(&places, points, chosen, &mut raw);
        raw
    }

    /// The blocks, without the best one, of which a sum shows something that shows terms of `2^−bits`: all others together add less, as if all
    /// were as near as the nearest of them.
    fn visible<'a>(&self, task: &'a mut Task<'_>, bits: f64) -> &'a [usize] {
        let [wide, narrow] = task.narrowness;
        let bound = (bits + (narrow * task.points.len() as f64).log2()) / wide;
        let bound = bound + ROUNDING * bound.abs();
        self.look(task, |near| near <= bound)
    }

    /// As [`collect`](Self::collect) and [`finish`](Self::finish), from differences of coordinates: a few places and points, of which the `least`
    /// exponents are known.
    fn sum_afar(&self, task: &mut Task<'_>, least: &[f64; GROUP]) -> [KernelSum; GROUP] {
        let (points, best) = (task.points, task.best);
        let faintest = least.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let others = self.visible(task, faintest + f64::HIDDEN_BITS);
        let mut sums = [[0.0; 3]; GROUP];
        for &index in std::iter::once(&best).chain(others) {
            let (count, [px, py, a, log]) = self.local(points, index);
            for (lane, sums) in sums.iter_mut().enumerate().take(self.count) {
                for j in 0..count {
                    let (dx, dy) = (px[j] - self.x[lane], py[j] - self.y[lane]);
                    let exponent = a[j] * (dx * dx + dy * dy) - log[j];
                    let w = Real::exp2::<false>(least[lane] - exponent);
                    for (sum, factor) in sums.iter_mut().zip([1.0, a[j] * dx, a[j] * dy]) {
                        *sum += w * factor;
                    }
                }
            }
        }
        std::array::from_fn(|lane| {
            let [w, x, y] = sums[lane];
            KernelSum {
                log: w.ln() - least[lane] * LN_2,
                shift: [x, y].map(|sum| sum / w / self.scale),
            }
        })
    }

    /// The number of points in a block, and their `[x, y, narrowness, log₂ narrowness]` in the units of the group.
    fn local(&self, points: &Points, index: usize) -> (usize, [[f64; BLOCK]; 4]) {
        let blocks = points.blocks();
        let mut local = [[0.0; BLOCK]; 4];
        let range = blocks.range(index);
        for (k, j) in range.clone().enumerate() {
            let a = points
                .narrowness()
                .map_or(1.0, |a| a[blocks.order[j] as usize]);
            let at = blocks.points.at(j);
            let [x, y] = [0, 1].map(|axis| (at[axis] - self.middle[axis]) * self.scale);
            for (local, value) in local.iter_mut().zip([x, y, a, a.log2()]) {
                local[k] = value;
            }
        }
        (range.len(), local)
    }

    /// For each place the smallest `−log₂` of a term, found among the blocks that can hold it.
    fn least_exponents(&self, task: &mut Task<'_>) -> [f64; GROUP] {
        let points = task.points;
        let [wide, narrow] = task.narrowness;
        let mut least = [f64::INFINITY; GROUP];
        let mut lower_to = |index: usize| {
            let (count, local) = self.local(points, index);
            let block = local.each_ref().map(|all| &all[..count]);
            lower([&self.x, &self.y], self.count, block, &mut least);
            let own = least[..self.count].iter().copied();
            own.fold(f64::NEG_INFINITY, f64::max)
        };
        let worst = lower_to(task.best);
        let worst = worst + ROUNDING * worst.abs();
        let others = self.look(task, |near| wide * near - narrow.log2() <= worst);
        for &index in others {
            lower_to(index);
        }
        // Lanes without a place of their own repeat the first.
        let first = least[0];
        least[self.count..].fill(first);
        least
    }

    /// The blocks that are to be kept by the squares of their distances, in the units of the group, without the best one.
    fn look<'a>(&self, task: &'a mut Task<'_>, keep: impl Fn(f64) -> bool) -> &'a [usize] {
        let unit = self.scale * self.scale;
        let Task {
            points, best, room, ..
        } = task;
        let blocks = points.blocks();
        blocks.look_again(&self.rectangle, room, |near| keep(near * unit));
        if let Ok(at) = room.kept.binary_search(best) {
            room.kept.remove(at);
        }
        &room.kept
    }

    fn smallest(&self, w: &[f64; GROUP]) -> f64 {
        w[..self.count]
            .iter()
            .copied()
            .fold(f64::INFINITY, f64::min)
    }

    fn finish(&self, [w, x, y]: &Raw, offset: &[f64; GROUP]) -> [KernelSum; GROUP] {
        std::array::from_fn(|lane| KernelSum {
            log: w[lane].ln() - offset[lane] * LN_2,
            shift: [
                (x[lane] / w[lane] - self.x[lane]) / self.scale,
                (y[lane] / w[lane] - self.y[lane]) / self.scale,
            ],
        })
    }
}

/// Lowers what is least at each of the first `count` places to the exponents of some points, given by `[x, y, narrowness, log₂ narrowness]`.
/// A place alone, as places far from one another are, does not pay for a whole group.
#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn lower(
    [x, y]: [&[f64; GROUP]; 2],
    count: usize,
    [px, py, a, log]: [&[f64]; 4],
    least: &mut [f64; GROUP],
) {
    const LANES: usize = 8;
    let places = x.chunks_exact(LANES).zip(y.chunks_exact(LANES));
    let some = least.chunks_exact_mut(LANES).zip(places);
    for (least, (x, y)) in some.take(count.div_ceil(LANES)) {
        let mut lowest = [f64::INFINITY; LANES];
        lowest.copy_from_slice(least);
        for j in 0..px.len() {
            for lane in 0..LANES {
                let (dx, dy) = (px[j] - x[lane], py[j] - y[lane]);
                let exponent = a[j] * (dx * dx + dy * dy) - log[j];
                lowest[lane] = if exponent < lowest[lane] {
                    exponent
                } else {
                    lowest[lane]
                };
            }
        }
        least.copy_from_slice(&lowest);
    }
}

/// The points that a group of places is to be told about.
struct Task<'a> {
    points: &'a Points,
    /// The block that is certainly near.
    best: usize,
    /// The smallest and the largest narrowness.
    narrowness: [f64; 2],
    room: &'a mut Distances,
}

/// The places of a group, in its units.
pub(super) struct Places<T> {
    count: usize,
    middle: [f64; 2],
    scale: f64,
    x: [T; GROUP],
    y: [T; GROUP],
    /// What is added to the exponents, beyond the square of the place's distance from the middle.
    offset: [T; GROUP],
}

/// A number format in which blocks are summed, with the widest registers that the machine has.
pub(super) trait Arithmetic: Lane {
    /// Adds the points of some blocks to the sums, weighed with `a_j 2^{offset + x² + y² − a_j d_j²}`.
    fn weigh(places: &Places<Self>, points: &Points, blocks: &[usize], raw: &mut Raw);
}

impl Arithmetic for f32 {
    fn weigh(places: &Places<Self>, points: &Points, blocks: &[usize], raw: &mut Raw) {
        weigh_single(places, points, blocks, raw);
    }
}

impl Arithmetic for f64 {
    fn weigh(places: &Places<Self>, points: &Points, blocks: &[usize], raw: &mut Raw) {
        weigh_double(places, points, blocks, raw);
    }
}

#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn weigh_single(places: &Places<f32>, points: &Points, blocks: &[usize], raw: &mut Raw) {
    // Two registers side by side hide how long an operation takes; more would not leave room for the rest. A small group fills one.
    let wide = target_cfg_f!(target_feature = "avx512f");
    let fused = target_cfg_f!(any(target_feature = "fma", target_feature = "neon"));
    match (wide && places.count > GROUP / 2, fused) {
        (true, _) => weigh::<f32, GROUP, true>(places, points, blocks, raw),
        (false, true) => weigh::<f32, { GROUP / 2 }, true>(places, points, blocks, raw),
        (false, false) => weigh::<f32, { GROUP / 2 }, false>(places, points, blocks, raw),
    }
}

#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn weigh_double(places: &Places<f64>, points: &Points, blocks: &[usize], raw: &mut Raw) {
    let wide = target_cfg_f!(target_feature = "avx512f");
    let fused = target_cfg_f!(any(target_feature = "fma", target_feature = "neon"));
    match (wide, fused) {
        (true, _) => weigh::<f64, { GROUP / 2 }, true>(places, points, blocks, raw),
        (false, true) => weigh::<f64, { GROUP / 4 }, true>(places, points, blocks, raw),
        (false, false) => weigh::<f64, { GROUP / 4 }, false>(places, points, blocks, raw),
    }
}

/// As [`Arithmetic::weigh`], `LANES` places at a time.
#[inline(always)]
fn weigh<T: Lane, const LANES: usize, const FUSED: bool>(
    places: &Places<T>,
    points: &Points,
    chosen: &[usize],
    raw: &mut Raw,
) {
    let blocks = points.blocks();
    let common = if T::LIFTED { T::ZERO } else { places.offset[0] };
    let mut batch = [[T::ZERO; BATCH]; 3];
    for chosen in chosen.chunks(BATCH / BLOCK) {
        let mut count = 0;
        for &index in chosen {
            let range = blocks.range(index);
            let [x, y, third] = &mut batch;
            let [from_x, from_y] = blocks.points.range(range.clone());
            let from = from_x.iter().zip(from_y);
            let into = x[count..]
                .iter_mut()
                .zip(&mut y[count..])
                .zip(&mut third[count..]);
            for (((x, y), third), (px, py)) in into.zip(from) {
                *x = T::of((px - places.middle[0]) * places.scale);
                *y = T::of((py - places.middle[1]) * places.scale);
                *third = common - (*x * *x + *y * *y);
            }
            if let Some(narrowness) = points.narrowness() {
                for (third, &i) in third[count..].iter_mut().zip(&blocks.order[range.clone()]) {
                    *third = T::of(narrowness[i as usize]);
                }
            }
            count += range.len();
        }
        let batch = batch.each_ref().map(|all| &all[..count]);
        for first in (0..places.count).step_by(LANES) {
            let mut part = [[T::ZERO; LANES]; 3];
            for (part, all) in part.iter_mut().zip([&places.x, &places.y, &places.offset]) {
                part.copy_from_slice(&all[first..first + LANES]);
            }
            let alike = points.narrowness().is_none();
            let wide = if alike {
                T::wide_sums(&part, batch)
            } else {
                None
            };
            // A closure that is not inlined would be compiled for any processor.
            let sums = match wide {
                Some(sums) => sums,
                None if alike => equal_sums::<T, LANES, FUSED>(&part, batch),
                None => adapted_sums::<T, LANES, FUSED>(&part, batch),
            };
            for (into, from) in raw.iter_mut().zip(&sums) {
                for (into, from) in into[first..first + LANES].iter_mut().zip(from) {
                    *into += from.wide();
                }
            }
        }
    }
}

/// All points alike, each given with its `−(x_j² + y_j²)`, to which the offset is added where all places have the same. With
/// `−d_j² = 2 x x_j + 2 y y_j − (x_j² + y_j²) − (x² + y²)` an exponent takes two fused multiplications.
#[inline(always)]
fn equal_sums<T: Lane, const LANES: usize, const FUSED: bool>(
    [x, y, offset]: &[[T; LANES]; 3],
    [px, py, own]: [&[T]; 3],
) -> [[T; LANES]; 3] {
    let [x2, y2] = [x, y].map(|all| all.map(|v| v + v));
    let mut w_sum = [T::ZERO; LANES];
    let mut x_sum = [T::ZERO; LANES];
    let mut y_sum = [T::ZERO; LANES];
    for ((&px, &py), &own) in px.iter().zip(py).zip(own) {
        for lane in 0..LANES {
            let own = if T::LIFTED { own + offset[lane] } else { own };
            let exponent = px.fused::<FUSED>(x2[lane], py.fused::<FUSED>(y2[lane], own));
            let w = exponent.exp2::<FUSED>();
            w_sum[lane] += w;
            x_sum[lane] = w.fused::<FUSED>(px, x_sum[lane]);
            y_sum[lane] = w.fused::<FUSED>(py, y_sum[lane]);
        }
    }
    [w_sum, x_sum, y_sum]
}

/// Points with widths of their own, each given with its narrowness; they pull with the weight `a_j` once more.
#[inline(always)]
fn adapted_sums<T: Lane, const LANES: usize, const FUSED: bool>(
    [x, y, offset]: &[[T; LANES]; 3],
    [px, py, narrowness]: [&[T]; 3],
) -> [[T; LANES]; 3] {
    let mut w_sum = [T::ZERO; LANES];
    let mut x_sum = [T::ZERO; LANES];
    let mut y_sum = [T::ZERO; LANES];
    for ((&px, &py), &a) in px.iter().zip(py).zip(narrowness) {
        for lane in 0..LANES {
            let (dx, dy) = (px - x[lane], py - y[lane]);
            let square = dx.fused::<FUSED>(dx, dy * dy);
            let own = x[lane].fused::<FUSED>(x[lane], y[lane] * y[lane]);
            let exponent = offset[lane] + own - a * square;
            let w = a * exponent.exp2::<FUSED>();
            w_sum[lane] += w;
            // Once more than its share in the weights, the narrowness belongs to the pull, not to the place.
            x_sum[lane] = w.fused::<FUSED>(dx.fused::<FUSED>(a, x[lane]), x_sum[lane]);
            y_sum[lane] = w.fused::<FUSED>(dy.fused::<FUSED>(a, y[lane]), y_sum[lane]);
        }
    }
    [w_sum, x_sum, y_sum]
}

//! Points in the order of a curve that fills the plane, cut into blocks that are small in extent.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use multiversion::multiversion;
use rayon::prelude::*;

use super::kept::once;
use crate::plane::{Planar, along_curve};

/// Points in a block. The fewer, the more of the plane can be passed over.
pub(super) const BLOCK: usize = 16;
/// Rectangles of one level in one of the next.
const FAN: usize = 32;
/// So few blocks are looked at one by one.
const FEW: usize = 1024;
/// Points that one task puts in order at least.
const TASK: usize = 4096;
/// Places that are summed at side by side.
pub(super) const GROUP: usize = 32;

/// The least and the greatest of some values, eight at a time.
fn extremes(values: &[f64]) -> [f64; 2] {
    let (mut least, mut most) = ([f64::INFINITY; 8], [f64::NEG_INFINITY; 8]);
    for chunk in values.chunks(8) {
        for ((least, most), &v) in least.iter_mut().zip(&mut most).zip(chunk) {
            *least = if v < *least { v } else { *least };
            *most = if v > *most { v } else { *most };
        }
    }
    [
        least.into_iter().fold(f64::INFINITY, f64::min),
        most.into_iter().fold(f64::NEG_INFINITY, f64::max),
    ]
}

/// A rectangle with sides along the axes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rectangle {
    low: [f64; 2],
    high: [f64; 2],
}

impl Rectangle {
    const NOTHING: Self = Self {
        low: [f64::INFINITY; 2],
        high: [f64::NEG_INFINITY; 2],
    };

    /// The smallest rectangle around points with these coordinates.
    pub(super) fn around(sides: [&[f64]; 2]) -> Self {
        let [[left, right], [low, high]] = sides.map(extremes);
        Self {
            low: [left, low],
            high: [right, high],
        }
    }

    /// The smallest rectangle around both.
    pub(super) fn with_all(self, other: &Self) -> Self {
        self.with(other.low).with(other.high)
    }

    fn with(self, place: [f64; 2]) -> Self {
        Self {
            low: [0, 1].map(|axis| self.low[axis].min(place[axis])),
            high: [0, 1].map(|axis| self.high[axis].max(place[axis])),
        }
    }

    /// Lowest and highest coordinate along each axis.
    pub(super) fn corners(&self) -> [[f64; 2]; 2] {
        [0, 1].map(|axis| [self.low[axis], self.high[axis]])
    }

    /// Width and height.
    pub(super) fn sides(&self) -> [f64; 2] {
        [0, 1].map(|axis| self.high[axis] - self.low[axis])
    }

    /// Largest coordinate, whatever its sign.
    pub(super) fn furthest(&self) -> f64 {
        let all = self.low.iter().chain(&self.high);
        all.fold(0.0, |furthest, v| v.abs().max(furthest))
    }

    pub(super) fn middle(&self) -> [f64; 2] {
        [0, 1].map(|axis| f64::midpoint(self.low[axis], self.high[axis]))
    }

    /// Whether no point of it is further than `radius` from the middle.
    fn is_within(&self, radius: f64) -> bool {
        let [width, height] = self.sides();
        width * width + height * height <= 4.0 * radius * radius
    }
}

/// Points along a Hilbert curve: neighbours in the list are neighbours in the plane.
#[derive(Clone, Debug)]
pub(super) struct Blocks {
    /// Where each point stood before.
    pub(super) order: Vec<u32>,
    /// Where each point came to stand, once somebody has asked.
    ranks: OnceLock<Vec<u32>>,
    pub(super) points: Planar,
    /// The rectangles of the blocks, then those around some neighbouring ones each, and so on up to a few.
    levels: Vec<Level>,
}

/// Rectangles by their lower and upper corners, `[x, y]`.
#[derive(Clone, Debug)]
struct Level {
    low: [Vec<f64>; 2],
    high: [Vec<f64>; 2],
}

impl Level {
    fn new(rectangles: &[Rectangle]) -> Self {
        let [low, high] = [|r: &Rectangle| r.low, |r: &Rectangle| r.high]
            .map(|corner| [0, 1].map(|axis| rectangles.iter().map(|r| corner(r)[axis]).collect()));
        Self { low, high }
    }

    fn len(&self) -> usize {
        self.low[0].len()
    }

    fn rectangle(&self) -> Rectangle {
        let least = |side: &Vec<f64>| extremes(side)[0];
        let greatest = |side: &Vec<f64>| extremes(side)[1];
        Rectangle {
            low: self.low.each_ref().map(least),
            high: self.high.each_ref().map(greatest),
        }
    }

    /// Squares of the smallest and of the largest distance between a point of `place` and one of some of the rectangles.
    fn distances(&self, range: Range<usize>, place: &Rectangle, into: [&mut [f64]; 2]) {
        let [[x0, y0], [x1, y1]] = [&self.low, &self.high]
            .map(|corner| corner.each_ref().map(|side| &side[range.clone()]));
        square_distances(place, [x0, y0, x1, y1], into);
    }
}

/// How far a rectangle is from the blocks that were looked at, which are few of many: squares of distances.
#[derive(Debug, Default)]
pub(super) struct Distances {
    /// The blocks that were looked at, in their order.
    blocks: Vec<usize>,
    /// The smallest possible distance of each.
    near: Vec<f64>,
    /// The largest possible one of each.
    far: Vec<f64>,
    /// The blocks that were kept, in their order.
    pub(super) kept: Vec<usize>,
}

impl Distances {
    /// Keeps some of the blocks that were looked at, by the square of the smallest possible distance.
    fn keep(&mut self, keep: impl Fn(f64) -> bool) {
        self.kept.clear();
        for (&index, &near) in self.blocks.iter().zip(&self.near) {
            if keep(near) {
                self.kept.push(index);
            }
        }
    }

    /// The square of the smallest possible distance to any of the blocks.
    pub(super) fn gap(&self) -> f64 {
        let [least, _] = extremes(&self.near);
        least
    }
}

impl Blocks {
    /// Points in the order of a curve through `around`; those outside are as if on its edge.
    pub(super) fn new(points: &Planar, around: &Rectangle) -> Self {
        let order = along_curve(points, around.corners());
        let places = || order.par_iter().with_min_len(TASK);
        let points = points.map(|side| places().map(|&i| side[i as usize]).collect());
        let mut rectangles: Vec<Rectangle> = points
            .x
            .par_chunks(BLOCK)
            .zip(points.y.par_chunks(BLOCK))
            .with_min_len(TASK / BLOCK)
            .map(|(x, y)| Rectangle::around([x, y]))
            .collect();
        let mut levels = vec![Level::new(&rectangles)];
        let most = if rectangles.len() > FEW { FAN } else { FEW };
        while rectangles.len() > most {
            let around =
                |some: &[Rectangle]| some.iter().fold(Rectangle::NOTHING, Rectangle::with_all);
            rectangles = rectangles.chunks(FAN).map(around).collect();
            levels.push(Level::new(&rectangles));
        }
        Self {
            order,
            ranks: OnceLock::new(),
            points,
            levels,
        }
    }

    /// Where each point came to stand.
    pub(super) fn ranks(&self) -> &[u32] {
        let ranks: &Vec<u32> = once(&self.ranks, || {
            // Every number is written once: threads share the list, and cannot meet.
            let ranks: Vec<AtomicU32> = self.order.iter().map(|_| AtomicU32::new(0)).collect();
            self.order
                .par_iter()
                .zip(0..self.order.len() as u32)
                .for_each(|(&i, rank)| ranks[i as usize].store(rank, Ordering::Relaxed));
            ranks.into_iter().map(AtomicU32::into_inner).collect()
        });
        ranks
    }

    /// Looks at blocks near `place`, from large rectangles to the small ones in those that are to be kept. Told are the square of the smallest possible
    /// distance, and the least of the largest ones so far. Returns the block that ends nearest, and this largest distance of it.
    pub(super) fn look(
        &self,
        place: &Rectangle,
        into: &mut Distances,
        keep: impl Fn(f64, f64) -> bool,
    ) -> (usize, f64) {
        let fan = self.fan();
        let mut best = (0, f64::INFINITY);
        into.kept.clear();
        into.kept.push(0);
        for (depth, level) in self.levels.iter().enumerate().rev() {
            let Distances {
                blocks,
                near,
                far,
                kept,
            } = &mut *into;
            let inside = |parent: usize| parent * fan..((parent + 1) * fan).min(level.len());
            blocks.clear();
            for &parent in &*kept {
                blocks.extend(inside(parent));
            }
            near.resize(blocks.len(), 0.0);
            far.resize(blocks.len(), 0.0);
            let mut start = 0;
            for range in kept.iter().map(|&parent| inside(parent)) {
                let end = start + range.len();
                level.distances(range, place, [&mut near[start..end], &mut far[start..end]]);
                start = end;
            }
            best = (0, f64::INFINITY);
            for (&index, &far) in blocks.iter().zip(&*far) {
                if far < best.1 {
                    best = (index, far);
                }
            }
            if depth > 0 {
                into.keep(|near| keep(near, best.1));
            }
        }
        best
    }

    /// Looks at blocks near a place that was looked around before, `into` this: where all were looked at one by one, their distances are there. Keeps
    /// some by the square of the smallest possible distance.
    pub(super) fn look_again(
        &self,
        place: &Rectangle,
        into: &mut Distances,
        keep: impl Fn(f64) -> bool,
    ) {
        if self.levels.len() > 1 {
            self.look(place, into, |near, _| keep(near));
        }
        into.keep(keep);
    }

    /// Rectangles of one level in one of the next.
    fn fan(&self) -> usize {
        if self.levels.len() > 1 { FAN } else { FEW }
    }

    /// The smallest rectangle around all.
    pub(super) fn rectangle(&self) -> Rectangle {
        let top = self.levels.last();
        top.map_or(Rectangle::NOTHING, Level::rectangle)
    }

    /// The points of block `index`.
    pub(super) fn range(&self, index: usize) -> Range<usize> {
        index * BLOCK..((index + 1) * BLOCK).min(self.points.len())
    }

    /// Cuts the list into groups of at most [`GROUP`] points, none further than `radius` from the middle of its
    /// group's rectangle.
    pub(super) fn groups(&self, radius: f64) -> Vec<Range<usize>> {
        let mut groups = Vec::with_capacity(self.points.len() / GROUP + 1);
        let mut start = 0;
        let mut all = Rectangle::NOTHING;
        for i in 0..self.points.len() {
            let more = all.with(self.points.at(i));
            if i > start && (i - start == GROUP || !more.is_within(radius)) {
                groups.push(start..i);
                start = i;
                all = Rectangle::NOTHING.with(self.points.at(i));
            } else {
                all = more;
            }
        }
        if start < self.points.len() {
            groups.push(start..self.points.len());
        }
        groups
    }
}

/// Squares of the smallest and of the largest distance between a point of `place` and a point of each rectangle
/// (x low, y low, x high, y high).
#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn square_distances(
    place: &Rectangle,
    [x0, y0, x1, y1]: [&[f64]; 4],
    [near, far]: [&mut [f64]; 2],
) {
    let count = near.len();
    let (x0, y0, x1, y1) = (&x0[..count], &y0[..count], &x1[..count], &y1[..count]);
    let far = &mut far[..count];
    let larger = |a: f64, b: f64| if a > b { a } else { b };
    let along = |low: f64, high: f64, axis: usize| {
        let (from, to) = (low - place.high[axis], place.low[axis] - high);
        let gap = larger(larger(from, to), 0.0);
        let reach = larger(high - place.low[axis], place.high[axis] - low);
        [gap * gap, reach * reach]
    };
    for i in 0..count {
        let [gap_x, reach_x] = along(x0[i], x1[i], 0);
        let [gap_y, reach_y] = along(y0[i], y1[i], 1);
        near[i] = gap_x + gap_y;
        far[i] = reach_x + reach_y;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points that meet the lattice of these two sides in no order.
    fn scattered(count: i32, [width, height]: [i32; 2]) -> Planar {
        Planar {
            x: (0..count).map(|i| f64::from(i * i % width)).collect(),
            y: (0..count).map(|i| f64::from(i * 31 % height)).collect(),
        }
    }

    fn blocks(points: &Planar) -> Blocks {
        Blocks::new(points, &Rectangle::around(points.sides()))
    }

    #[test]
    fn groups_hold_every_point_once_and_keep_to_their_radius() {
        let blocks = blocks(&scattered(1000, [997, 1009]));
        let mut seen = vec![false; 1000];
        for &i in &blocks.order {
            assert!(!std::mem::replace(&mut seen[i as usize], true));
        }
        let groups = blocks.groups(60.0);
        assert!(groups.len() > 1000 / GROUP + 10 && groups.len() < 500);
        let mut next = 0;
        for range in groups {
            assert_eq!(range.start, next);
            next = range.end;
            let around = Rectangle::around(blocks.points.range(range.clone()));
            assert!(range.len() <= GROUP && around.is_within(60.0));
        }
        assert_eq!(next, 1000);
    }

    /// What is looked for is found among a few blocks and in a tree.
    #[test]
    fn distances_bound_those_of_all_points() {
        for count in [300, 4000, 20_000, 40_000] {
            let points = blocks(&scattered(count, [97, 89]));
            let place = Rectangle::around([&[20.0, 60.0], &[-9.0, 4.0]]);
            let mut room = Distances::default();
            points.look(&place, &mut room, |_, _| true);
            room.keep(|_| true);
            let all = points.points.len().div_ceil(BLOCK);
            assert!(room.blocks.len() == all && room.kept.len() == all);
            for index in 0..all {
                let mut near = f64::INFINITY;
                for i in points.range(index) {
                    let [x, y] = points.points.at(i);
                    let dx = (x - x.clamp(20.0, 60.0)).abs();
                    let dy = (y - y.clamp(-9.0, 4.0)).abs();
                    near = near.min(dx * dx + dy * dy);
                    let dx = (x - 20.0).abs().max((x - 60.0).abs());
                    let dy = (y + 9.0).abs().max((y - 4.0).abs());
                    assert!(dx * dx + dy * dy <= room.far[index]);
                }
                assert!(room.near[index] <= near);
            }
            let least = |v: &[f64]| v.iter().copied().fold(f64::INFINITY, f64::min);
            let bounds = [least(&room.near), least(&room.far)];
            let within = |room: &Distances| -> Vec<usize> {
                let near = |index: &usize| room.near[*index] <= 100.0;
                room.blocks.iter().copied().filter(near).collect()
            };
            let some = within(&room);
            let (best, reach) = points.look(&place, &mut room, |near, reach| near <= reach);
            assert_eq!([room.gap(), reach], bounds);
            assert!(points.range(best).all(|i| {
                let [x, y] = points.points.at(i);
                let [dx, dy] = [
                    (x - 20.0).abs().max((x - 60.0).abs()),
                    (y + 9.0).abs().max((y - 4.0).abs()),
                ];
                dx * dx + dy * dy <= reach
            }));
            points.look_again(&place, &mut room, |near| near <= 100.0);
            assert_eq!(room.kept, some);
        }
        // One point alone: both distances are exact.
        let point = blocks(&Planar {
            x: vec![4.0],
            y: vec![2.0],
        });
        let place = Rectangle::around([&[0.0, 1.0], &[0.0, 1.0]]);
        let mut room = Distances::default();
        point.look(&place, &mut room, |_, _| true);
        assert_eq!((room.near[0], room.far[0]), (10.0, 20.0));
    }
}

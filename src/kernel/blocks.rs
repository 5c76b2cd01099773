//! Points in the order of a curve that fills the plane, cut into blocks that are small in extent.

use std::ops::Range;

use multiversion::multiversion;

use crate::plane::{Planar, along_curve};

/// Points in a block. The fewer, the more of the plane can be passed over.
pub(super) const BLOCK: usize = 16;
/// Places that are summed at side by side.
pub(super) const GROUP: usize = 32;

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
        let [[left, right], [low, high]] = sides.map(|all| {
            let (mut least, mut most) = ([f64::INFINITY; 8], [f64::NEG_INFINITY; 8]);
            for chunk in all.chunks(8) {
                for ((least, most), &v) in least.iter_mut().zip(&mut most).zip(chunk) {
                    *least = if v < *least { v } else { *least };
                    *most = if v > *most { v } else { *most };
                }
            }
            [
                least.into_iter().fold(f64::INFINITY, f64::min),
                most.into_iter().fold(f64::NEG_INFINITY, f64::max),
            ]
        });
        Self {
            low: [left, low],
            high: [right, high],
        }
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
    pub(super) points: Planar,
    /// Lower and upper corners of the rectangle of each block: `[x, y]`.
    low: [Vec<f64>; 2],
    high: [Vec<f64>; 2],
}

/// How far a place or a rectangle is from each of the blocks: squares of distances.
#[derive(Debug, Default)]
pub(super) struct Distances {
    /// The smallest possible one, block by block.
    pub(super) near: Vec<f64>,
    /// The largest possible one, block by block.
    pub(super) far: Vec<f64>,
}

impl Blocks {
    /// Points in the order of a curve through `around`; those outside are as if on its edge.
    pub(super) fn new(points: &Planar, around: &Rectangle) -> Self {
        let order = along_curve(points, around.corners());
        let points = points.map(|side| order.iter().map(|&i| side[i as usize]).collect());
        let rectangles: Vec<Rectangle> = points
            .x
            .chunks(BLOCK)
            .zip(points.y.chunks(BLOCK))
            .map(|(x, y)| Rectangle::around([x, y]))
            .collect();
        let [low, high] = [|r: &Rectangle| r.low, |r: &Rectangle| r.high]
            .map(|corner| [0, 1].map(|axis| rectangles.iter().map(|r| corner(r)[axis]).collect()));
        Self {
            order,
            points,
            low,
            high,
        }
    }

    /// Number of blocks.
    pub(super) fn len(&self) -> usize {
        self.low[0].len()
    }

    /// Distances between `place` and the blocks.
    pub(super) fn distances(&self, place: &Rectangle, into: &mut Distances) {
        into.near.resize(self.len(), 0.0);
        into.far.resize(self.len(), 0.0);
        let [x0, y0] = self.low.each_ref().map(Vec::as_slice);
        let [x1, y1] = self.high.each_ref().map(Vec::as_slice);
        square_distances(place, [x0, y0, x1, y1], &mut into.near, &mut into.far);
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
    near: &mut [f64],
    far: &mut [f64],
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

    #[test]
    fn distances_bound_those_of_all_points() {
        let points = blocks(&scattered(300, [97, 89]));
        let place = Rectangle::around([&[20.0, 60.0], &[-9.0, 4.0]]);
        let mut squares = Distances::default();
        points.distances(&place, &mut squares);
        for index in 0..points.len() {
            let mut near = f64::INFINITY;
            for i in points.range(index) {
                let [x, y] = points.points.at(i);
                let dx = (x - x.clamp(20.0, 60.0)).abs();
                let dy = (y - y.clamp(-9.0, 4.0)).abs();
                near = near.min(dx * dx + dy * dy);
                let dx = (x - 20.0).abs().max((x - 60.0).abs());
                let dy = (y + 9.0).abs().max((y - 4.0).abs());
                assert!(dx * dx + dy * dy <= squares.far[index]);
            }
            assert!(squares.near[index] <= near);
        }
        // One point alone: both distances are exact.
        let point = blocks(&Planar {
            x: vec![4.0],
            y: vec![2.0],
        });
        point.distances(&Rectangle::around([&[0.0, 1.0], &[0.0, 1.0]]), &mut squares);
        assert_eq!((squares.near[0], squares.far[0]), (10.0, 20.0));
    }
}

//! Points in the order of a curve that fills the plane, cut into blocks that are small in extent.

use std::ops::Range;

use multiversion::multiversion;

use super::curve::along_curve;

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
    pub(super) fn around(x: &[f64], y: &[f64]) -> Self {
        let [[left, right], [low, high]] = [x, y].map(|all| {
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
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
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
    pub(super) fn new(x: &[f64], y: &[f64], around: &Rectangle) -> Self {
        let order = along_curve(x, y, around.corners());
        let [x, y] = [x, y].map(|v| order.iter().map(|&i| v[i as usize]).collect::<Vec<f64>>());
        let rectangles: Vec<Rectangle> = x
            .chunks(BLOCK)
            .zip(y.chunks(BLOCK))
            .map(|(x, y)| Rectangle::around(x, y))
            .collect();
        let [low, high] = [|r: &Rectangle| r.low, |r: &Rectangle| r.high]
            .map(|corner| [0, 1].map(|axis| rectangles.iter().map(|r| corner(r)[axis]).collect()));
        Self {
            order,
            x,
            y,
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
        index * BLOCK..((index + 1) * BLOCK).min(self.x.len())
    }

    /// Distance from `place` to the point that has `k < n` points nearer to it.
    pub(super) fn nearest(&self, [x, y]: [f64; 2], k: usize) -> f64 {
        let mut squares = Distances::default();
        self.distances(&Rectangle::around(&[x], &[y]), &mut squares);
        let Distances { near, mut far } = squares;
        // The blocks that lie wholly within some distance bound it as soon as they hold more than k points.
        let wanted = (k / BLOCK + 1).min(self.len() - 1);
        let bound = *far.select_nth_unstable_by(wanted, f64::total_cmp).1;
        let mut found: Vec<f64> = (0..self.len())
            .filter(|&block| near[block] <= bound)
            .flat_map(|block| self.range(block))
            .map(|i| (self.x[i] - x).powi(2) + (self.y[i] - y).powi(2))
            .collect();
        found.select_nth_unstable_by(k, f64::total_cmp).1.sqrt()
    }

    /// Cuts the list into groups of at most [`GROUP`] points, none further than `radius` from the middle of its
    /// group's rectangle.
    pub(super) fn groups(&self, radius: f64) -> Vec<Range<usize>> {
        let mut groups = Vec::with_capacity(self.x.len() / GROUP + 1);
        let mut start = 0;
        let mut all = Rectangle::NOTHING;
        for i in 0..self.x.len() {
            let more = all.with([self.x[i], self.y[i]]);
            if i > start && (i - start == GROUP || !more.is_within(radius)) {
                groups.push(start..i);
                start = i;
                all = Rectangle::NOTHING.with([self.x[i], self.y[i]]);
            } else {
                all = more;
            }
        }
        if start < self.x.len() {
            groups.push(start..self.x.len());
        }
        groups
    }
}

/// Squares of the smallest and of the largest distance between a point of `place` and a point of each rectangle
/// (x low, y low, x high, y high).
#[multiversion(targets = "simd")]
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

    #[test]
    fn groups_hold_every_point_once_and_keep_to_their_radius() {
        let x: Vec<f64> = (0..1000).map(|i| f64::from(i * i % 997)).collect();
        let y: Vec<f64> = (0..1000).map(|i| f64::from(i * 31 % 1009)).collect();
        let blocks = Blocks::new(&x, &y, &Rectangle::around(&x, &y));
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
            let around = Rectangle::around(&blocks.x[range.clone()], &blocks.y[range.clone()]);
            assert!(range.len() <= GROUP && around.is_within(60.0));
        }
        assert_eq!(next, 1000);
    }

    #[test]
    fn distances_bound_those_of_all_points() {
        let x: Vec<f64> = (0..300).map(|i| f64::from(i * i % 97)).collect();
        let y: Vec<f64> = (0..300).map(|i| f64::from(i * 31 % 89)).collect();
        let blocks = Blocks::new(&x, &y, &Rectangle::around(&x, &y));
        let place = Rectangle::around(&[20.0, 60.0], &[-9.0, 4.0]);
        let mut squares = Distances::default();
        blocks.distances(&place, &mut squares);
        for index in 0..blocks.len() {
            let mut near = f64::INFINITY;
            for i in blocks.range(index) {
                let dx = (blocks.x[i] - blocks.x[i].clamp(20.0, 60.0)).abs();
                let dy = (blocks.y[i] - blocks.y[i].clamp(-9.0, 4.0)).abs();
                near = near.min(dx * dx + dy * dy);
                let dx = (blocks.x[i] - 20.0).abs().max((blocks.x[i] - 60.0).abs());
                let dy = (blocks.y[i] + 9.0).abs().max((blocks.y[i] - 4.0).abs());
                assert!(dx * dx + dy * dy <= squares.far[index]);
            }
            assert!(squares.near[index] <= near);
        }
        // One point alone: both distances are exact.
        let point = Blocks::new(&[4.0], &[2.0], &Rectangle::around(&[4.0], &[2.0]));
        point.distances(&Rectangle::around(&[0.0, 1.0], &[0.0, 1.0]), &mut squares);
        assert_eq!((squares.near[0], squares.far[0]), (10.0, 20.0));
    }

    #[test]
    fn nearest_points_by_rank() {
        let x: Vec<f64> = (0..500).map(|i| f64::from(i * i % 499)).collect();
        let y: Vec<f64> = (0..500).map(|i| f64::from(i * 31 % 503)).collect();
        let blocks = Blocks::new(&x, &y, &Rectangle::around(&x, &y));
        for place in [[100.0, 100.0], [-300.0, 900.0]] {
            let mut all: Vec<f64> = x
                .iter()
                .zip(&y)
                .map(|(x, y)| (x - place[0]).hypot(y - place[1]))
                .collect();
            all.sort_unstable_by(f64::total_cmp);
            for k in [0, 1, 31, 32, 200, 499] {
                assert!((blocks.nearest(place, k) - all[k]).abs() < 1e-9);
            }
        }
    }
}

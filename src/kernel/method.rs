//! The ways to take kernel sums, and the choice among them.

use rayon::prelude::*;

use super::direct;
use super::gridded::{self, PAIR, POINT, Spread};
use super::points::Points;
use super::sum::KernelSum;

/// How kernel sums are taken. All give the same bits for any number of threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Pair by pair in double precision: the reference for the others.
    Exact,
    /// Pair by pair in single precision.
    Direct,
    /// By way of a grid, in a time proportional to the number of points.
    Grid,
}

impl Method {
    /// Error of a shift, root mean square over many places, in units of `h` or of the shifts' own root mean square, whichever
    /// is larger.
    #[must_use]
    pub fn accuracy(self) -> f64 {
        match self {
            Self::Exact => 1e-12,
            Self::Direct => 2e-6,
            Self::Grid => 1e-8,
        }
    }

    /// The method that takes the least time, as far as it can be told beforehand, for sums over the clouds `of` at the points
    /// of `at`, among those at least as good as `accuracy`; [`Method::Exact`] if none is.
    #[must_use]
    pub fn cheapest<const K: usize>(at: &Points, of: [&Points; K], h: f64, accuracy: f64) -> Self {
        let places = at.len() as f64;
        let points: f64 = of.iter().map(|points| points.len() as f64).sum();
        let time = |method: Self| match method {
            Self::Exact => PAIR * places * points,
            Self::Direct => PAIR / 3.0 * places * points,
            Self::Grid => {
                let beside = |points: &Points| {
                    let spread = Spread::new(crowd(points), h)?;
                    let pairs = places * spread.thin().map_or(0, Points::len) as f64;
                    Some(PAIR * pairs + spread.nodes(h)?)
                };
                let beside: Option<f64> = of.into_iter().map(beside).sum();
                let spread = POINT * (points + places * (K + 1) as f64);
                beside.map_or(f64::INFINITY, |beside| spread + beside)
            }
        };
        [Self::Direct, Self::Grid]
            .into_iter()
            .filter(|method| method.accuracy() <= accuracy)
            .fold(Self::Exact, |best, method| {
                if time(method) < time(best) {
                    method
                } else {
                    best
                }
            })
    }
}

/// Kernel sums of each of the clouds `of`, none empty, at every point of `at`, in its order.
///
/// Points with widths of their own, and points so far apart that a grid has no room for them, are summed in double
/// precision whatever the method.
#[must_use]
pub fn sums<const K: usize>(
    at: &Points,
    of: [&Points; K],
    h: f64,
    method: Method,
) -> Vec<[KernelSum; K]> {
    let mut into = Vec::new();
    sums_into(&mut into, at, of, h, method);
    into
}

/// The same in memory that is used again: for a million points the system takes longer to hand out new memory than the grid to fill it.
pub fn sums_into<const K: usize>(
    into: &mut Vec<[KernelSum; K]>,
    at: &Points,
    of: [&Points; K],
    h: f64,
    method: Method,
) {
    let plain = of.iter().all(|points| points.narrowness().is_none());
    into.resize(at.len(), [KernelSum::default(); K]);
    match method {
        Method::Direct if plain => direct::sums::<f32, K>(into, at.blocks(), of, h),
        Method::Grid if plain && by_grid(into, at, of, h) => {}
        _ => direct::sums::<f64, K>(into, at.blocks(), of, h),
    }
}

/// The sums by way of grids; `false`, and nothing done, where these would take too much memory.
fn by_grid<const K: usize>(
    into: &mut [[KernelSum; K]],
    at: &Points,
    of: [&Points; K],
    h: f64,
) -> bool {
    let spread = of.map(|points| Spread::new(crowd(points), h));
    let dense = spread.each_ref().map(|spread| spread.as_ref()?.dense());
    if dense.iter().any(Option::is_none) {
        return false;
    }
    let dense = std::array::from_fn(|k| dense[k].unwrap_or(of[k]));
    gridded::sums(into, at, dense, h);
    for (k, points) in of.into_iter().enumerate() {
        if let Some(thin) = spread[k].as_ref().and_then(Spread::thin) {
            let mut sums = vec![[KernelSum::default()]; at.len()];
            direct::sums::<f64, 1>(&mut sums, at.blocks(), [thin], h);
            let all = into.par_iter_mut().zip(&sums);
            all.for_each(|(into, [sum])| into[k] = into[k].and(*sum));
        }
        if let Some([_, far]) = points.parted() {
            add(into, k, at, far, h);
        }
    }
    true
}

/// The points without those far from all others, which are few.
fn crowd(points: &Points) -> &Points {
    points.parted().map_or(points, |[crowd, _]| crowd)
}

/// Adds the terms of a few points far from all others to the sums of cloud `k`, each by itself: the digits of a sum around them would not reach from
/// here to there.
fn add<const K: usize>(into: &mut [[KernelSum; K]], k: usize, at: &Points, far: &Points, h: f64) {
    /// Logarithm of what is lost in the last digit of a sum.
    const LOST: f64 = -40.0;
    into.par_iter_mut().enumerate().for_each(|(i, sums)| {
        let place = at.at(i);
        for j in 0..far.len() {
            let [dx, dy] = [0, 1].map(|axis| far.at(j)[axis] - place[axis]);
            let log = -0.5 * ((dx / h).powi(2) + (dy / h).powi(2));
            if log > sums[k].log + LOST {
                let shift = [dx, dy];
                sums[k] = sums[k].and(KernelSum { log, shift });
            }
        }
    });
}

impl Points {
    /// Gives each point a width of its own, `h_j = h (f(y_j)/g)^{−1/2}`, where `f` is the kernel density of the
    /// points with the common bandwidth `h` and `g` the geometric mean of its values (Abramson 1982).
    /// It holds until the next [`load`](Self::load).
    pub fn adapt(&mut self, h: f64) {
        self.set_narrowness(Vec::new());
        let pilot = sums(self, [self], h, Method::Exact);
        let mean_log = pilot.iter().map(|[f]| f.log).sum::<f64>() / self.len().max(1) as f64;
        let narrow = pilot.iter().map(|[f]| (f.log - mean_log).exp());
        self.set_narrowness(narrow.collect());
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::super::grid::SIDE;
    use super::*;

    /// A spiral that fills a disk of radius 3, and a last point at `(far, 0)`.
    fn disk(count: usize, far: f64) -> Points {
        let cloud = Array2::from_shape_fn((count, 2), |(i, axis)| {
            let t = i as f64;
            let radius = 3.0 * (t / count as f64).sqrt();
            let at = [radius * (2.4 * t).cos(), radius * (2.4 * t).sin()][axis];
            if i + 1 == count { [far, 0.0][axis] } else { at }
        });
        Points::new(cloud.view())
    }

    /// A point far off costs no nodes of the grid and no order of the others, and what it adds to the sums is not lost.
    #[test]
    fn a_point_far_from_all_others_costs_no_more_than_itself() {
        let h = 0.1;
        let near = disk(5000, 3.0);
        assert!(near.parted().is_none());
        for far in [100.0, 1e4, 1e9, -1e100] {
            let points = disk(5000, far);
            let [crowd, strays] = points.parted().unwrap();
            assert_eq!([crowd.len(), strays.len()], [4999, 1], "{far}");
            assert!(gridded::nodes(crowd, h, 1) <= gridded::nodes(&near, h, 1));
            let method = |points: &Points| Method::cheapest(points, [points], h, 1e-8);
            assert_eq!(method(&points), method(&near), "{far}");
            let groups = |points: &Points| points.blocks().groups(h).len();
            assert!(groups(&points) <= groups(&near) + 2, "{far}");
            let found = sums(&points, [&points], h, Method::Grid);
            let exact = sums(&points, [&points], h, Method::Exact);
            for ([found], [exact]) in found.iter().zip(&exact) {
                assert!((found.log - exact.log).abs() < 1e-7, "{far}");
                for axis in 0..2 {
                    let error = (found.shift[axis] - exact.shift[axis]).abs();
                    assert!(error < 1e-7 * h, "{far}: {error:e}");
                }
            }
        }
        // Two clouds are no cloud with strays.
        let halves = Array2::from_shape_fn((5000, 2), |(i, _)| (i % 2 * 1_000_000 + i % 71) as f64);
        assert!(Points::new(halves.view()).parted().is_none());
    }

    /// Groups far apart and points scattered over the plane cost the nodes around them, not those between.
    #[test]
    fn a_grid_has_nodes_where_there_are_points() {
        let (count, h) = (5000, 0.1);
        let near = disk(count, 3.0);
        let nodes = |points: &Points| {
            let parted = points
                .parted()
                .map(|parts| parts.each_ref().map(Points::len));
            assert_eq!(parted, None);
            gridded::nodes(points, h, 1)
        };
        let alone = nodes(&near);
        // Each scattered point may meet two rows of four tiles.
        let tile = f64::from(SIDE * SIDE);
        let scattered = |i: usize, axis: usize| {
            let (t, far) = (i as f64, 30.0 * 1.1f64.powi((i as f64 / 100.0) as i32));
            match [(2.4 * t).cos(), (2.4 * t).sin()] {
                away if i.is_multiple_of(100) => far * away[axis],
                _ => near.at(i)[axis],
            }
        };
        let strays = Array2::from_shape_fn((count, 2), |(i, axis)| scattered(i, axis));
        let halves = Array2::from_shape_fn((count, 2), |(i, axis)| {
            near.at(i)[axis] + [1e6, -3e5][axis] * (i % 2) as f64
        });
        for (cloud, most) in [(strays, alone + 8.0 * 50.0 * tile), (halves, 2.2 * alone)] {
            let points = Points::new(cloud.view());
            assert!(nodes(&points) <= most, "{} {most}", nodes(&points));
            assert!(matches!(Spread::new(&points, h), Some(Spread::All(_))));
            let method = Method::cheapest(&points, [&points], h, 1e-8);
            assert_eq!(method, Method::Grid);
            let found = sums(&points, [&points], h, Method::Grid);
            let exact = sums(&points, [&points], h, Method::Exact);
            for ([found], [exact]) in found.iter().zip(&exact) {
                assert!((found.log - exact.log).abs() < 1e-7);
                for axis in 0..2 {
                    let error = (found.shift[axis] - exact.shift[axis]).abs();
                    assert!(error < 1e-7 * h, "{error:e}");
                }
            }
        }
    }

    /// Where scattered points would take most of the nodes they are summed pair by pair, and the others by way of their grid. Where all are scattered there
    /// is no grid at all.
    #[test]
    fn scattered_points_take_no_more_nodes_than_they_may() {
        let (count, h) = (6000, 0.1);
        let near = disk(count, 3.0);
        let scattered = |every: usize| {
            let cloud = Array2::from_shape_fn((count, 2), |(i, axis)| {
                let (t, far) = (i as f64, 30.0 + i as f64);
                match [(2.4 * t).cos(), (2.4 * t).sin()] {
                    away if i.is_multiple_of(every) => far * away[axis],
                    _ => near.at(i)[axis],
                }
            });
            Points::new(cloud.view())
        };
        for (every, method) in [(10, Method::Grid), (1, Method::Exact)] {
            let points = scattered(every);
            assert!(gridded::affordable(&points, h, 1).is_none());
            assert_eq!(Method::cheapest(&points, [&points], h, 1e-8), method);
            let found = sums(&points, [&points, &near], h, Method::Grid);
            let exact = sums(&points, [&points, &near], h, Method::Exact);
            for (found, exact) in found.iter().flatten().zip(exact.iter().flatten()) {
                assert!((found.log - exact.log).abs() < 1e-7);
                for axis in 0..2 {
                    let error = (found.shift[axis] - exact.shift[axis]).abs();
                    assert!(error < 1e-7 * h, "{error:e}");
                }
            }
        }
    }
}

//! The Gaussian kernel `k_h(x, y) = exp(−‖x − y‖² / 2h²)`: sums over a cloud, and rules for the bandwidth `h`.

mod bandwidth;
mod blocks;
mod cells;
mod direct;
mod grid;
mod lane;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

pub use bandwidth::{leave_one_out, neighbour_distance, silverman};

use crate::cloud::CloudView;
use blocks::{Blocks, Rectangle};
use cells::Cells;
use grid::Grid;
use rayon::prelude::*;

/// A cloud made ready to be summed over, or to be summed at.
///
/// What the sums need is prepared when it is first used and kept until the points or the bandwidth change: a cloud that
/// does not move is prepared once.
#[derive(Clone, Debug, Default)]
pub struct Points {
    x: Vec<f64>,
    y: Vec<f64>,
    /// `(h/h_j)²` for each point where widths differ; empty where all are `h`.
    narrowness: Vec<f64>,
    bounds: Option<Rectangle>,
    blocks: OnceLock<Blocks>,
    cells: Recent<Cells>,
    grid: Recent<Grid>,
}

impl Points {
    /// The points of `cloud` (`n×2`), each with the width that the sums are asked for.
    #[must_use]
    pub fn new(cloud: CloudView<'_>) -> Self {
        let mut points = Self::default();
        points.load(cloud);
        points
    }

    /// Copies `cloud` (`n×2`), reusing the memory of an earlier copy. Nothing is to be done if it has not changed.
    pub fn load(&mut self, cloud: CloudView<'_>) {
        self.narrowness.clear();
        if self.equals(cloud) {
            return;
        }
        self.blocks.take();
        self.cells.take();
        self.grid.take();
        for (axis, column) in [&mut self.x, &mut self.y].into_iter().enumerate() {
            column.clear();
            column.extend(cloud.column(axis));
        }
        self.bounds = (!self.is_empty()).then(|| Rectangle::around(&self.x, &self.y));
    }

    /// Whether these are the points of `cloud`, in the same order.
    #[must_use]
    pub fn equals(&self, cloud: CloudView<'_>) -> bool {
        self.len() == cloud.nrows()
            && cloud
                .rows()
                .into_iter()
                .zip(self.x.iter().zip(&self.y))
                .all(|(row, (x, y))| row[0] == *x && row[1] == *y)
    }

    /// Gives each point a width of its own, `h_j = h (f(y_j)/g)^{−1/2}`, where `f` is the kernel density of the
    /// points with the common bandwidth `h` and `g` the geometric mean of its values (Abramson 1982).
    /// It holds until the next [`load`](Self::load).
    pub fn adapt(&mut self, h: f64) {
        self.narrowness.clear();
        let pilot = sums(self, [self], h, Method::Exact);
        let mean_log = pilot.iter().map(|[f]| f.log).sum::<f64>() / self.len().max(1) as f64;
        self.narrowness
            .extend(pilot.iter().map(|[f]| (f.log - mean_log).exp()));
    }

    /// Number of points.
    #[must_use]
    pub fn len(&self) -> usize {
        self.x.len()
    }

    /// Whether there is no point at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.x.is_empty()
    }

    /// Whether point `index` lies exactly at `place`.
    #[must_use]
    pub fn is_at(&self, index: usize, place: [f64; 2]) -> bool {
        index < self.len() && [self.x[index], self.y[index]] == place
    }

    fn blocks(&self) -> &Blocks {
        self.blocks.get_or_init(|| Blocks::new(&self.x, &self.y))
    }

    fn cells(&self, h: f64) -> Arc<Cells> {
        self.cells
            .get(h, || Cells::new(&self.x, &self.y, h / grid::FINENESS))
    }

    fn grid(&self, h: f64) -> Arc<Grid> {
        self.grid.get(h, || Grid::new(&self.cells(h)))
    }

    /// Nodes of the grid for the bandwidth `h`; infinitely many where cells could not be counted.
    fn nodes(&self, h: f64) -> f64 {
        const COUNTABLE: f64 = 1e9;
        let side = h / grid::FINENESS;
        match &self.bounds {
            Some(bounds) if bounds.furthest() < COUNTABLE * side => {
                Grid::nodes(bounds.sides().map(|length| length / side))
            }
            Some(_) => f64::INFINITY,
            None => 0.0,
        }
    }

    fn narrowness(&self) -> Option<&[f64]> {
        (!self.narrowness.is_empty()).then_some(&self.narrowness)
    }

    /// The smallest and the largest narrowness.
    fn narrowness_range(&self) -> [f64; 2] {
        self.narrowness().map_or([1.0; 2], |all| {
            let around = all.iter().copied();
            [
                around.clone().fold(f64::INFINITY, f64::min),
                around.fold(0.0, f64::max),
            ]
        })
    }
}

/// What was last worked out for some bandwidth.
#[derive(Debug)]
struct Recent<T>(Mutex<Option<(f64, Arc<T>)>>);

impl<T> Recent<T> {
    fn get(&self, h: f64, work_out: impl FnOnce() -> T) -> Arc<T> {
        if let Some((at, found)) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner)
            && *at == h
        {
            return found.clone();
        }
        // Not under the lock: a thread that waits for this work may be given a task that wants the lock.
        let found = Arc::new(work_out());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((h, found.clone()));
        found
    }

    fn take(&mut self) {
        *self = Self::default();
    }
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Clone for Recent<T> {
    fn clone(&self) -> Self {
        let recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Self(Mutex::new(recent.clone()))
    }
}

/// The kernel sum at one place, and where it pulls.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct KernelSum {
    /// `log Σ_j k_h(x, y_j)`; finite however far away the points are.
    pub log: f64,
    /// Mean shift `m(x) − x`, with `m(x) = Σ_j k_h(x, y_j) y_j / Σ_j k_h(x, y_j)`. It equals
    /// `h² ∇ log Σ_j k_h(x, y_j)` (Fukunaga and Hostetler, 1975).
    pub shift: [f64; 2],
}

impl KernelSum {
    /// The sum without the term of a point that lies at `x` itself, which adds one to the weights and
    /// nothing to the pull. A point with no other in reach keeps the smallest positive weight.
    #[must_use]
    pub fn without_self(self) -> Self {
        let all = self.log.exp();
        let rest = (all - 1.0).max(f64::EPSILON);
        Self {
            log: rest.ln(),
            shift: self.shift.map(|s| s * all / rest),
        }
    }
}

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
        // Nanoseconds of one core for a pair, for a point spread or gathered, and for a node of a grid; measured, but
        // written down, lest two runs differ by what a clock said.
        let time = |method: Self| match method {
            Self::Exact => 0.35 * places * points,
            Self::Direct => 0.12 * places * points,
            Self::Grid => {
                let nodes = of.iter().map(|points| points.nodes(h));
                if nodes.clone().any(|nodes| nodes > grid::MOST_NODES) {
                    return f64::INFINITY;
                }
                50.0 * (points + places * (K + 1) as f64) + nodes.sum::<f64>()
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
    let plain = of.iter().all(|points| points.narrowness.is_empty());
    match method {
        Method::Direct if plain => direct::sums::<f32, K>(at.blocks(), of, h),
        Method::Grid if plain && of.iter().all(|points| points.nodes(h) <= grid::MOST_NODES) => {
            grid_sums(at, of, h)
        }
        _ => direct::sums::<f64, K>(at.blocks(), of, h),
    }
}

/// Places that one task of the thread pool handles; fixed, although the result does not depend on it.
const CHUNK: usize = 512;

/// Sums gathered from grids, and taken pair by pair at the places where the grid does not suffice.
fn grid_sums<const K: usize>(at: &Points, of: [&Points; K], h: f64) -> Vec<[KernelSum; K]> {
    let cells = at.cells(h);
    let grids = of.map(|points| points.grid(h));
    let mut found = vec![[KernelSum::default(); K]; at.len()];
    let mut rest = found.as_mut_slice();
    let mut slices = Vec::with_capacity(cells.parts.len());
    for part in &cells.parts {
        let (slice, others) = rest.split_at_mut(part.len());
        slices.push((part, slice));
        rest = others;
    }
    slices.into_par_iter().for_each(|(part, into)| {
        let grids = grids.each_ref().map(|grid| &**grid);
        let mut gathered = vec![[KernelSum::default(); K]; part.len()];
        gathered
            .par_chunks_mut(CHUNK)
            .enumerate()
            .for_each(|(chunk, into)| grid::gather(part, chunk * CHUNK, grids, h, into));
        for (into, &place) in into.iter_mut().zip(&part.rank) {
            *into = gathered[place as usize];
        }
    });
    for (k, points) in of.into_iter().enumerate() {
        let far: Vec<usize> = (0..found.len())
            .filter(|&i| found[i][k].log.is_nan())
            .collect();
        if far.is_empty() {
            continue;
        }
        let places = [&at.x, &at.y].map(|v| far.iter().map(|&i| v[i]).collect::<Vec<f64>>());
        let sums = direct::sums::<f64, 1>(&Blocks::new(&places[0], &places[1]), [points], h);
        for (i, [sum]) in far.into_iter().zip(sums) {
            found[i][k] = sum;
        }
    }
    found
}

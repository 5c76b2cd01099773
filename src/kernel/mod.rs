//! The Gaussian kernel `k_h(x, y) = exp(−‖x − y‖² / 2h²)`: sums over a cloud, and rules for the bandwidth `h`.

mod bandwidth;
mod blocks;
mod direct;
mod lane;

use std::sync::OnceLock;

pub use bandwidth::{leave_one_out, neighbour_distance, silverman};

use crate::cloud::CloudView;
use blocks::Blocks;

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
    blocks: OnceLock<Blocks>,
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
        for (axis, column) in [&mut self.x, &mut self.y].into_iter().enumerate() {
            column.clear();
            column.extend(cloud.column(axis));
        }
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
    /// Pair by pair in single precision: shifts err by some 1e-6 of `h`, or of their own length where that is larger.
    Direct,
}

/// Kernel sums of each of the clouds `of`, none empty, at every point of `at`, in its order.
///
/// Points with widths of their own are summed in double precision whatever the method.
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
        _ => direct::sums::<f64, K>(at.blocks(), of, h),
    }
}

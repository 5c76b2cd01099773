//! The Gaussian kernel `k_h(x, y) = exp(−‖x − y‖² / 2h²)`: sums over a cloud, and rules for the bandwidth `h`.

mod bandwidth;
mod blocks;
mod cells;
mod direct;
mod grid;
mod lane;
mod points;

pub use bandwidth::{leave_one_out, neighbour_distance, silverman};
pub(crate) use lane::Lane;
pub use points::Points;

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

/// Nanoseconds of one core for a pair in double precision, and for a point spread on a grid or gathered from it; a node takes
/// one. Measured, but written down: two runs must not differ by what a clock said.
const PAIR: f64 = 0.3;
const POINT: f64 = 50.0;

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
                let nodes = of.iter().map(|points| grid::nodes(points, h));
                if nodes.clone().any(|nodes| nodes > grid::MOST_NODES) {
                    return f64::INFINITY;
                }
                POINT * (points + places * (K + 1) as f64) + nodes.sum::<f64>()
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
        Method::Grid
            if plain
                && of
                    .iter()
                    .all(|points| grid::nodes(points, h) <= grid::MOST_NODES) =>
        {
            grid::sums(into, at, of, h);
        }
        _ => direct::sums::<f64, K>(into, at.blocks(), of, h),
    }
}

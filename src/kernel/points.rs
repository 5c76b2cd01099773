//! A cloud made ready for kernel sums.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ndarray::ArrayViewMut1;
use rayon::prelude::*;

use super::blocks::{Blocks, Rectangle};
use super::cells::Cells;
use super::grid::{self, Grid};
use super::kept::{Recent, once};
use super::stripes::{self, Stripes};
use super::sum::KernelSum;
use crate::cloud::{self, CloudView};
use crate::plane::Planar;

/// A cloud made ready to be summed over, or to be summed at.
///
/// What the sums need is prepared when it is first used and kept until the points or the bandwidth change: a cloud that
/// does not move is prepared once.
#[derive(Clone, Debug, Default)]
pub struct Points {
    planar: Planar,
    /// `(h/h_j)²` for each point where widths differ; empty where all are `h`.
    narrowness: Vec<f64>,
    bounds: Option<Rectangle>,
    parted: OnceLock<Option<Arc<[Points; 2]>>>,
    thinned: Recent<Option<[Points; 2]>>,
    blocks: OnceLock<Blocks>,
    cells: Recent<Cells>,
    stripes: [Recent<Stripes>; grid::LONGEST],
    grids: [Recent<Grid>; grid::LONGEST],
    room: Room,
}

/// Memory for sums at all points, in the order of the curve.
#[derive(Debug, Default)]
struct Room(Mutex<Vec<KernelSum>>);

impl Clone for Room {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Points {
    /// The points of `cloud` (`n×2`), each with the width that the sums are asked for.
    #[must_use]
    pub fn new(cloud: CloudView<'_>) -> Self {
        let mut points = Self::default();
        points.load(cloud);
        points
    }

    /// The points with these indices.
    pub(super) fn some(&self, indices: &[usize]) -> Self {
        let pick = |v: &[f64]| -> Vec<f64> { indices.par_iter().map(|&i| v[i]).collect() };
        let planar = self.planar.map(pick);
        Self {
            bounds: (!indices.is_empty()).then(|| Rectangle::around(planar.sides())),
            planar,
            ..Self::default()
        }
    }

    /// Copies `cloud` (`n×2`), reusing the memory of an earlier copy. Nothing is to be done if it has not changed.
    pub fn load(&mut self, cloud: CloudView<'_>) {
        self.narrowness.clear();
        if self.equals(cloud) {
            return;
        }
        self.parted.take();
        self.thinned.take();
        self.blocks.take();
        self.cells.take();
        self.stripes.iter_mut().for_each(Recent::take);
        self.grids.iter_mut().for_each(Recent::take);
        let copy = |axis: usize, column: &mut Vec<f64>| {
            column.resize(cloud.nrows(), 0.0);
            ArrayViewMut1::from(column).assign(&cloud.column(axis));
        };
        let Planar { x, y } = &mut self.planar;
        rayon::join(|| copy(0, x), || copy(1, y));
        let [x, y] = self
            .planar
            .sides()
            .map(|side| side.par_chunks(cloud::PIECE));
        let pieces = x.zip(y).map(|(x, y)| Rectangle::around([x, y]));
        self.bounds = pieces.reduce_with(|a, b| a.with_all(&b));
    }

    /// Whether these are the points of `cloud`, in the same order.
    #[must_use]
    pub fn equals(&self, cloud: CloudView<'_>) -> bool {
        let differs = |i: usize| self.at(i) != cloud::at(cloud, i);
        self.len() == cloud.nrows() && cloud::first(self.len(), differs).is_none()
    }

    /// Number of points.
    #[must_use]
    pub fn len(&self) -> usize {
        self.planar.len()
    }

    /// Whether there is no point at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.planar.is_empty()
    }

    /// Point `index`.
    pub(super) fn at(&self, index: usize) -> [f64; 2] {
        self.planar.at(index)
    }

    /// Whether point `index` lies exactly at `place`.
    #[must_use]
    pub fn is_at(&self, index: usize, place: [f64; 2]) -> bool {
        index < self.len() && self.at(index) == place
    }

    pub(super) fn blocks(&self) -> &Blocks {
        once(&self.blocks, || {
            let crowd = self.parted().map_or(self, |[crowd, _]| crowd);
            let around = crowd
                .bounds
                .unwrap_or(Rectangle::around(self.planar.sides()));
            Blocks::new(&self.planar, &around)
        })
    }

    /// The crowd, and the few points that are so far from it that a rectangle around all would be almost empty; `None` if there are none such.
    pub(super) fn parted(&self) -> Option<&[Self; 2]> {
        let parted = once(&self.parted, || {
            let far = strays(self.planar.sides(), &self.bounds?)?;
            let is_far = |i: &usize| far.binary_search(i).is_ok();
            let crowd: Vec<usize> = (0..self.len()).filter(|i| !is_far(i)).collect();
            Some(Arc::new([self.some(&crowd), self.some(&far)]))
        });
        parted.as_deref()
    }

    /// The points that have others around them, and those that have next to none: a grid would have hundreds of nodes for each of these. `None` if there
    /// are none such, or too many to be summed pair by pair.
    pub(super) fn thinned(&self, h: f64) -> Arc<Option<[Self; 2]>> {
        self.thinned.get(h, || {
            let side = f64::from(grid::SIDE) * h / grid::FINENESS;
            let is_thin = thin(self.planar.sides(), self.bounds?.corners(), side)?;
            let part = |thin: bool| {
                let all = 0..self.len();
                self.some(&all.filter(|&i| is_thin[i] == thin).collect::<Vec<_>>())
            };
            Some([part(false), part(true)])
        })
    }

    pub(super) fn cells(&self, h: f64) -> Arc<Cells> {
        self.cells.get(h, || {
            let side = h / grid::FINENESS;
            let crowd = self.parted().map_or(self, |[crowd, _]| crowd);
            let nodes = crowd.bounds.map_or(0.0, |bounds| {
                let [width, height] = bounds.sides();
                (width / side) * (height / side)
            });
            let along_curve = Cells::pays_to_curve(self.len(), nodes);
            let points = if along_curve {
                &self.blocks().points
            } else {
                &self.planar
            };
            Cells::new(points.sides(), side, along_curve)
        })
    }

    pub(super) fn grid(&self, h: f64, reach: usize) -> Arc<Grid> {
        let stripes = self.stripes(h, reach);
        let large = stripes.nodes() as f64 > stripes::FEW;
        let grid = self.grids[reach - 1].get(h, || Grid::new(&self.cells(h), stripes));
        // The few far places that ask for a longer reach do not pay for keeping it.
        if reach > 1 && large {
            self.grids[reach - 1].forget();
        }
        grid
    }

    pub(super) fn stripes(&self, h: f64, reach: usize) -> Arc<Stripes> {
        let side = reach * grid::SIDE as usize;
        self.stripes[reach - 1].get(h, || Stripes::new(&self.cells(h), side))
    }

    /// Memory that sums at the points are worked out in, `K` at each; it is to be given back.
    pub(super) fn take_room<const K: usize>(&self) -> Vec<KernelSum> {
        let mut kept = self.room.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut room = std::mem::take(&mut *kept);
        room.resize(K * self.len(), KernelSum::default());
        room
    }

    pub(super) fn give_room(&self, room: Vec<KernelSum>) {
        *self.room.0.lock().unwrap_or_else(PoisonError::into_inner) = room;
    }

    /// The smallest rectangle around the points.
    pub(super) fn bounds(&self) -> Option<&Rectangle> {
        self.bounds.as_ref()
    }

    /// Gives each point its narrowness, as it is until the next [`load`](Self::load).
    pub(super) fn set_narrowness(&mut self, narrowness: Vec<f64>) {
        self.narrowness = narrowness;
    }

    pub(super) fn narrowness(&self) -> Option<&[f64]> {
        (!self.narrowness.is_empty()).then_some(&self.narrowness)
    }

    /// The smallest and the largest narrowness.
    pub(super) fn narrowness_range(&self) -> [f64; 2] {
        self.narrowness().map_or([1.0; 2], |all| {
            let around = all.iter().copied();
            [
                around.clone().fold(f64::INFINITY, f64::min),
                around.fold(0.0, f64::max),
            ]
        })
    }
}

/// The points far from all others, in their order: at most one in a thousand, and further off than the others spread ten times over. Clouds without such
/// points are left as they are.
fn strays([x, y]: [&[f64]; 2], all: &Rectangle) -> Option<Vec<usize>> {
    /// Points that the spread is told from, and those of them left out at either end.
    const PROBES: usize = 1000;
    const OUTER: usize = PROBES / 100;
    /// Spreads from the others within which a point is one of them.
    const NEAR: f64 = 10.0;
    const RARE: usize = 1000;
    let count = x.len();
    if count < PROBES {
        return None;
    }
    let inner = [x, y].map(|v| {
        let mut some: Vec<f64> = (0..PROBES).map(|k| v[k * count / PROBES]).collect();
        some.sort_unstable_by(f64::total_cmp);
        [some[OUTER], some[PROBES - 1 - OUTER]]
    });
    let spread = inner.iter().fold(0.0, |most: f64, [a, b]| most.max(b - a));
    let reach = NEAR * spread;
    let is_far = |v: f64, [low, high]: [f64; 2]| v < low - reach || v > high + reach;
    // Most often there are none, which the rectangle tells.
    let corners = all.corners();
    if spread <= 0.0 || !(0..2).any(|k| corners[k].iter().any(|&v| is_far(v, inner[k]))) {
        return None;
    }
    let far = (0..count).filter(|&i| is_far(x[i], inner[0]) || is_far(y[i], inner[1]));
    let far: Vec<usize> = far.take(count / RARE + 1).collect();
    (far.len() <= count / RARE).then_some(far)
}

/// Which points share a square of this side with few others, squares beginning at the corner of all; nothing if that is none of them, or more than one in
/// eight.
fn thin([x, y]: [&[f64]; 2], [[left, _], [low, _]]: [[f64; 2]; 2], side: f64) -> Option<Vec<bool>> {
    /// Points in a square, so many at most.
    const FEW: usize = 16;
    const RARE: usize = 8;
    let square = |i: usize| [y[i] - low, x[i] - left].map(|v| (v / side).floor() as i64);
    let mut order: Vec<([i64; 2], usize)> = (0..x.len())
        .into_par_iter()
        .map(|i| (square(i), i))
        .collect();
    order.par_sort_unstable();
    let mut is_thin = vec![false; x.len()];
    let mut count = 0;
    for together in order.chunk_by(|(a, _), (b, _)| a == b) {
        if together.len() <= FEW {
            count += together.len();
            for &(_, i) in together {
                is_thin[i] = true;
            }
        }
    }
    (count > 0 && count <= x.len() / RARE).then_some(is_thin)
}

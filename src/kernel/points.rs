//! A cloud made ready for kernel sums.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ndarray::ArrayViewMut1;
use rayon::prelude::*;

use super::blocks::{Blocks, Rectangle};
use super::cells::Cells;
use super::grid::{self, Grid};
use super::stripes::Stripes;
use crate::cloud::CloudView;
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
    blocks: OnceLock<Blocks>,
    cells: Recent<Cells>,
    stripes: [Recent<Stripes>; grid::LONGEST],
    grids: [Recent<Grid>; grid::LONGEST],
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
        self.bounds = (!self.is_empty()).then(|| Rectangle::around(self.planar.sides()));
    }

    /// Whether these are the points of `cloud`, in the same order.
    #[must_use]
    pub fn equals(&self, cloud: CloudView<'_>) -> bool {
        self.len() == cloud.nrows()
            && cloud
                .rows()
                .into_iter()
                .enumerate()
                .all(|(i, row)| self.at(i) == [row[0], row[1]])
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
        self.blocks.get_or_init(|| {
            let crowd = self.parted().map_or(self, |[crowd, _]| crowd);
            let around = crowd
                .bounds
                .unwrap_or(Rectangle::around(self.planar.sides()));
            Blocks::new(&self.planar, &around)
        })
    }

    /// The crowd, and the few points that are so far from it that a rectangle around all would be almost empty; `None` if there are none such.
    pub(super) fn parted(&self) -> Option<&[Self; 2]> {
        let parted = self.parted.get_or_init(|| {
            let far = strays(self.planar.sides(), &self.bounds?)?;
            let is_far = |i: &usize| far.binary_search(i).is_ok();
            let crowd: Vec<usize> = (0..self.len()).filter(|i| !is_far(i)).collect();
            Some(Arc::new([self.some(&crowd), self.some(&far)]))
        });
        parted.as_deref()
    }

    pub(super) fn cells(&self, h: f64) -> Arc<Cells> {
        self.cells
            .get(h, || Cells::new(self.planar.sides(), h / grid::FINENESS))
    }

    pub(super) fn grid(&self, h: f64, reach: usize) -> Arc<Grid> {
        self.grids[reach - 1].get(h, || Grid::new(&self.cells(h), self.stripes(h, reach)))
    }

    pub(super) fn stripes(&self, h: f64, reach: usize) -> Arc<Stripes> {
        let side = reach * grid::SIDE as usize;
        self.stripes[reach - 1].get(h, || Stripes::new(&self.cells(h), side))
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

//! A cloud that is being measured, with what several measures need of it worked out once.

use std::sync::Arc;

use rayon::prelude::*;

use super::QUERIES;
use super::neighbours::{Nearest, Neighbours};
use super::pairs::{Planar, Single, Term, within};
use super::sliced::{SlicedW2, projections};
use crate::cloud::CloudView;

/// Neighbours that are looked for at once: as many as the classifier needs of either side, and more than the divergence does.
pub(super) const NEAR: usize = 8;

/// Squares of the distances to the nearest points, ascending; infinite where there are no more.
pub(super) type Near = [f64; NEAR];

/// Points with a tree over them, and for each, in the tree's order, how far its nearest others are.
#[derive(Debug)]
pub(super) struct Neighbourhood {
    pub(super) tree: Neighbours,
    pub(super) own: Vec<Near>,
}

impl Neighbourhood {
    pub(super) fn new(points: &Planar) -> Self {
        let tree = Neighbours::new(points);
        let own = nearest(&tree, &tree, true);
        Self { tree, own }
    }

    pub(super) fn len(&self) -> usize {
        self.own.len()
    }
}

/// For each point of `from`, in its tree's order, how far the nearest points of `to` are; the point itself left out, where both are one.
fn nearest(from: &Neighbours, to: &Neighbours, same: bool) -> Vec<Near> {
    let points: Vec<([f64; 2], u32)> = from.points().collect();
    let mut all = vec![[f64::INFINITY; NEAR]; points.len()];
    let parts = all.par_chunks_mut(QUERIES);
    parts
        .zip(points.par_chunks(QUERIES))
        .for_each(|(all, points)| {
            let mut bound = f64::INFINITY;
            for (i, &(at, place)) in points.iter().enumerate() {
                let found = to.nearest_below(bound, at, NEAR, same.then_some(place));
                all[i].copy_from_slice(&found.squares()[..NEAR]);
                let next = points.get(i + 1).map(|&(next, _)| beyond(&found, at, next));
                // A point that is nowhere says nothing of the next.
                bound = next.filter(|b| !b.is_nan()).unwrap_or(f64::INFINITY);
            }
        });
    all
}

/// A square of a distance from `next` within which there are as many points as were `found` around `at`: no farther than by way of `at`. If `next` is
/// itself one of them, and left out there, `at` takes its place.
fn beyond(found: &Nearest, at: [f64; 2], next: [f64; 2]) -> f64 {
    let (dx, dy) = (next[0] - at[0], next[1] - at[1]);
    let reach = (dx * dx + dy * dy).sqrt() + found.radius();
    // Wider by more than the rounding of all of this, so that the farthest of them is still nearer.
    reach * reach * (1.0 + 1e-12) + f64::MIN_POSITIVE
}

/// The points that a panel compares clouds with, worked through once for all of its measures.
pub(super) type Reference = Arc<Neighbourhood>;

/// What is asked for of a cloud.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Needs {
    pub(super) lines: bool,
    pub(super) neighbours: bool,
    pub(super) is_draw: bool,
}

/// A cloud, and what measures have in common: it gives them the same bits as they get by themselves, but for draws of a floor.
#[derive(Debug)]
pub struct Sample<'a> {
    pub(super) points: CloudView<'a>,
    pub(super) planar: Planar,
    /// Mean distance over all pairs of its points, each with itself too.
    pub(super) within: f64,
    /// The points on each of the directions of the sliced distance, sorted.
    pub(super) lines: Option<Vec<Vec<f64>>>,
    pub(super) neighbourhood: Option<Neighbourhood>,
    /// Whether it is a draw of a floor, of which six digits are enough: the floor is a spread, and no more.
    pub(super) is_draw: bool,
}

impl<'a> Sample<'a> {
    /// Works out what is needed of `points`.
    pub(super) fn new(points: CloudView<'a>, needs: Needs) -> Self {
        let Needs {
            lines,
            neighbours,
            is_draw,
        } = needs;
        let planar = Planar::new(points);
        let n = planar.len() as f64;
        let roughly = || {
            let single = Single::new(&planar);
            let mean = 2.0 * single.distances() / (n * n);
            single.suits(mean).then_some(mean)
        };
        let within = is_draw.then(roughly).flatten();
        Self {
            within: within.unwrap_or_else(|| mean_within(&planar)),
            lines: lines.then(|| projections(&planar, SlicedW2::DIRECTIONS, is_draw)),
            neighbourhood: neighbours.then(|| Neighbourhood::new(&planar)),
            points,
            planar,
            is_draw,
        }
    }
}

/// A sample beside the reference of a panel.
#[derive(Debug)]
pub struct Seen<'s, 'p> {
    pub(super) sample: &'s Sample<'p>,
    reference: Option<&'s Reference>,
    /// For each point of the sample, in its tree's order, how far the nearest points of the reference are.
    cross: Vec<Near>,
}

/// Both sides of a comparison of neighbours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Neighbouring<'a> {
    pub(super) cloud: &'a Neighbourhood,
    pub(super) cross: &'a [Near],
}

impl<'s, 'p> Seen<'s, 'p> {
    pub(super) fn new(sample: &'s Sample<'p>, reference: Option<&'s Reference>) -> Self {
        let both = sample.neighbourhood.as_ref().zip(reference);
        let cross = both.map(|(cloud, reference)| nearest(&cloud.tree, &reference.tree, false));
        Self {
            sample,
            reference,
            cross: cross.unwrap_or_default(),
        }
    }

    /// The points that are measured.
    #[must_use]
    pub fn points(&self) -> CloudView<'p> {
        self.sample.points
    }

    /// The neighbours, if they were looked for in this very reference.
    pub(super) fn neighbouring(&self, reference: &Reference) -> Option<Neighbouring<'_>> {
        let own = self.reference.filter(|own| Arc::ptr_eq(own, reference));
        Some(Neighbouring {
            cloud: own.and(self.sample.neighbourhood.as_ref())?,
            cross: &self.cross,
        })
    }
}

/// Mean distance over all ordered pairs, a point with itself too.
pub(super) fn mean_within(points: &Planar) -> f64 {
    let n = points.len() as f64;
    2.0 * within(points, Term::Distance) / (n * n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_neighbours_of_a_point_do_not_depend_on_those_of_the_one_before() {
        let mut points: Vec<[f64; 2]> = (0..700)
            .map(|i| {
                let t = f64::from(i);
                // Copies, ties on a lattice, one far away, and one that is nowhere.
                match i % 7 {
                    0 => [0.25, -0.5],
                    1 => [f64::from(i % 5), f64::from(i % 3)],
                    _ => [(1.3 * t).sin(), (0.7 * t * t).cos()],
                }
            })
            .collect();
        points[100] = [1e9, -1e9];
        points[350] = [f64::NAN, 0.0];
        let tree = Neighbours::new(&Planar::new(CloudView::from(&points[..])));
        for same in [false, true] {
            let found = nearest(&tree, &tree, same);
            for (near, (at, place)) in found.iter().zip(tree.points()) {
                let alone = tree.nearest(at, NEAR, same.then_some(place));
                assert_eq!(near[..], *alone.squares(), "{at:?}");
            }
        }
        let few = Neighbours::new(&Planar::new(CloudView::from(&points[..3])));
        assert!(
            nearest(&few, &few, true)
                .iter()
                .all(|near| near[1].is_finite() && near[2].is_infinite())
        );
    }
}

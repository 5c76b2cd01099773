//! A cloud that is being measured, with what several measures need of it worked out once.

use std::sync::Arc;

use super::lines::{DIRECTIONS, projections};
use crate::cloud::CloudView;
use crate::plane::{Neighbours, Planar, Single, Term, nearest, within};

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
        let own = nearest::<NEAR>(&tree, &tree, true);
        Self { tree, own }
    }

    pub(super) fn len(&self) -> usize {
        self.own.len()
    }
}

/// The points that a panel compares clouds with, worked through once for all of its measures.
pub(super) type Reference = Arc<Neighbourhood>;

/// What is asked for of a cloud.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Preparation {
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
    pub(super) fn new(points: CloudView<'a>, needs: Preparation) -> Self {
        let Preparation {
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
        let pairs = || {
            let within = is_draw.then(roughly).flatten();
            let within = within.unwrap_or_else(|| mean_within(&planar));
            (
                within,
                lines.then(|| projections(&planar, DIRECTIONS, is_draw)),
            )
        };
        // A tree grows on one thread; the other has something to do meanwhile.
        let neighbourhood = || neighbours.then(|| Neighbourhood::new(&planar));
        let (neighbourhood, (within, lines)) = rayon::join(neighbourhood, pairs);
        Self {
            within,
            lines,
            neighbourhood,
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
        let cross =
            both.map(|(cloud, reference)| nearest::<NEAR>(&cloud.tree, &reference.tree, false));
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

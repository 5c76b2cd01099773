//! How much of a cloud was left behind where the target has no points.

use std::sync::Arc;

use rayon::prelude::*;

use super::sample::{Neighbourhood, Reference, Seen};
use super::{About, Effort, Grain, Ideal, Metric, Needs, Scale, Taken};
use crate::cloud::CloudView;
use crate::plane::{Planar, QUERIES};

/// What [`Stranded`] measures.
pub const STRANDED: About = About {
    name: "stranded",
    words: "stranded points",
    measures: "fraction of points further from the reference than one in a thousand of its own points is from the others; about 0.001 for equal distributions",
    sees: "sees the few points that were left where the target has none, whatever the target; blind to where all others are",
    ideal: Ideal::Low,
    grain: Grain::Share,
    axis: Some(Scale::Linear),
    taken: Taken::Always,
    needs: Needs::Nothing,
    effort: Effort::Quick,
};

/// The fraction of cloud points `x_i` with `min_j ‖x_i − y_j‖ > r`, where `r` is the `⌈m/1000⌉`-th largest of the distances
/// `min_{k≠j} ‖y_j − y_k‖` from each of the `m` reference points to its nearest neighbour. The target so sets its own scale, and nothing need be
/// known of it: by symmetry a fresh draw lies beyond `r` with probability `⌈m/1000⌉/(m + 1)`, but for the one point more that it is compared with.
/// Every reference point excuses a ball of the same radius, so that an outlier, whose neighbours are far, excuses no more than others. Neighbours at the
/// very same place do not count: of repeated points and of grids, `r` is a distance between places.
#[derive(Clone, Debug)]
pub struct Stranded {
    reference: Reference,
    reach: f64,
}

impl Stranded {
    /// One in so many of the target's own points lies out of reach.
    pub const ONE_IN: usize = 1000;

    /// Takes the reference sample, `m×2`; `None` if it has fewer than two points.
    #[must_use]
    pub fn new(reference: CloudView<'_>) -> Option<Self> {
        if reference.nrows() < 2 {
            return None;
        }
        Self::on(Arc::new(Neighbourhood::new(&Planar::new(reference))))
    }

    /// The same, on a reference that is worked through already.
    pub(super) fn on(reference: Reference) -> Option<Self> {
        if reference.len() < 2 {
            return None;
        }
        let points: Vec<([f64; 2], u32)> = reference.tree.points().collect();
        let mut gaps: Vec<f64> = points
            .par_iter()
            .zip(&reference.own)
            .with_min_len(QUERIES)
            .map(|(&(at, _), near)| {
                if near[0] > 0.0 {
                    near[0]
                } else {
                    reference.tree.elsewhere(at).unwrap_or(0.0)
                }
            })
            .collect();
        gaps.sort_unstable_by(|a, b| b.total_cmp(a));
        Some(Self {
            reach: gaps[(gaps.len() - 1) / Self::ONE_IN].sqrt(),
            reference,
        })
    }

    /// The distance `r` from the nearest reference point beyond which a point is stranded, in the target's units.
    #[must_use]
    pub fn reach(&self) -> f64 {
        self.reach
    }
}

impl Metric for Stranded {
    fn about(&self) -> &'static About {
        &STRANDED
    }

    fn measure(&self, cloud: CloudView<'_>) -> f64 {
        let n = cloud.nrows();
        let points = Planar::new(cloud);
        let beyond = (0..n)
            .into_par_iter()
            .with_min_len(QUERIES)
            .filter(|&i| {
                let tree = &self.reference.tree;
                let nearest = tree.nearest([points.x[i], points.y[i]], 1, None);
                nearest.radius() > self.reach
            })
            .count();
        beyond as f64 / n as f64
    }

    fn value(&self, seen: &Seen<'_, '_>) -> f64 {
        let Some(near) = seen.neighbouring(&self.reference) else {
            return self.measure(seen.points());
        };
        let beyond = near.cross.iter().filter(|near| near[0].sqrt() > self.reach);
        beyond.count() as f64 / near.cross.len() as f64
    }
}

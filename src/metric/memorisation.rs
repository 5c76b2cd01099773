//! Memorisation: does the cloud sit on the very points it was trained on?

use rayon::prelude::*;

use super::sample::Seen;
use super::{About, Effort, Grain, Ideal, Metric, Needs, Taken};
use crate::cloud::CloudView;
use crate::plane::{Neighbours, Planar, QUERIES};

/// What [`Memorisation`] measures.
pub const MEMORISATION: About = About {
    name: "memorisation",
    words: "memorisation",
    measures: "median distance from the cloud to its nearest training points, divided by that of a fresh sample; 1 is ideal, 0 a copy",
    sees: "sees clouds that copy the training sample; says nothing about fit, and a cloud off target has a ratio above 1",
    ideal: Ideal::High,
    grain: Grain::Fine,
    axis: None,
    taken: Taken::Always,
    needs: Needs::Run,
    effort: Effort::Quick,
};

/// How near the cloud lies to the training sample `T`, by the measure of fresh points `y` of the target:
/// `median_i min_t ‖x_i − t‖ / median_j min_t ‖y_j − t‖`. Around 1 for an honest sampler, 0 if more than half of the cloud are copies.
/// The comparison with held-out points is that of Meehan, Chaudhuri and Dasgupta (AISTATS 2020), who compare ranks; medians keep it a ratio.
#[derive(Clone, Debug)]
pub struct Memorisation {
    training: Neighbours,
    fresh: f64,
}

impl Memorisation {
    /// Takes a fresh sample of the target (`m×2`) and the training sample (`k×2`). `None` if more than half of the fresh points coincide with training
    /// points: the target is discrete, and being a copy means nothing. `None` too if either is empty.
    #[must_use]
    pub fn new(fresh: CloudView<'_>, training: CloudView<'_>) -> Option<Self> {
        if training.nrows() == 0 {
            return None;
        }
        let training = Neighbours::new(&Planar::new(training));
        let fresh = median_distance_to(&training, fresh);
        (fresh > 0.0).then_some(Self { training, fresh })
    }
}

impl Metric for Memorisation {
    fn about(&self) -> &'static About {
        &MEMORISATION
    }

    fn measure(&self, cloud: CloudView<'_>) -> f64 {
        median_distance_to(&self.training, cloud) / self.fresh
    }

    fn value(&self, seen: &Seen<'_, '_>) -> f64 {
        match &seen.sample.neighbourhood {
            Some(cloud) => median_distance(&self.training, &cloud.tree) / self.fresh,
            None => self.measure(seen.points()),
        }
    }
}

fn median_distance_to(training: &Neighbours, cloud: CloudView<'_>) -> f64 {
    median_distance(training, &Neighbours::new(&Planar::new(cloud)))
}

/// The tree over the cloud gives the order in which neighbours are asked for.
fn median_distance(training: &Neighbours, cloud: &Neighbours) -> f64 {
    let points: Vec<([f64; 2], u32)> = cloud.points().collect();
    if points.is_empty() {
        return f64::NAN;
    }
    let mut distances: Vec<f64> = points
        .par_iter()
        .with_min_len(QUERIES)
        .map(|&(at, _)| training.nearest(at, 1, None).radius())
        .collect();
    distances.sort_unstable_by(f64::total_cmp);
    let n = distances.len();
    f64::midpoint(distances[(n - 1) / 2], distances[n / 2])
}

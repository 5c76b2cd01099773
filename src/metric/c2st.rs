//! Classifier two-sample test: how often the neighbours of a point betray the sample it comes from.

use rayon::prelude::*;

use super::neighbours::Neighbours;
use super::pairs::Planar;
use super::{About, Grain, Ideal, Metric, QUERIES, Reading};
use crate::cloud::CloudView;

/// What [`C2st`] measures.
pub const C2ST: About = About {
    name: "c2st",
    measures: "leave-one-out accuracy of a 15-nearest-neighbour classifier that tells cloud from target, balanced; 1/2 if it cannot",
    sees: "sees local error: clumps, holes, blur, collapse, shifts; blind to small changes of the masses of separate modes",
    ideal: Ideal::Low,
    grain: Grain::Share,
};

/// The two-sample test by a 15-nearest-neighbour classifier (Lopez-Paz & Oquab, ICLR 2017): each point of cloud and
/// reference is classified by its 15 nearest among all others, and the value is the mean of the two classes' accuracies.
/// 1/2 for one distribution, 1 for clouds that do not overlap, 0 for a cloud that sits on the reference's own points.
///
/// A class's votes count relative to how many of it could vote, so that unequal sizes do not tilt the result; an exact tie is half
/// a success. Both clouds take turns in the list that breaks ties of distance, so that neither gains by them.
///
/// It does not see all repeated points: of a cloud in which each point stands d times a point has d − 1 copies of itself among its 15 neighbours,
/// and the others come in packs of d, cut off where 15 are full. Three copies raise the accuracy; 2, 4 or 8 leave it, or lower it. A reading of
/// such a cloud says so; [`KnnKl`](super::KnnKl) sees them all.
#[derive(Clone, Debug)]
pub struct C2st {
    reference: Planar,
    /// Points of the reference that are copies of others.
    repeated: usize,
}

impl C2st {
    /// Neighbours that vote.
    pub const K: usize = 15;

    /// Takes the reference sample, `m×2`.
    #[must_use]
    pub fn new(reference: CloudView<'_>) -> Self {
        let reference = Planar::new(reference);
        Self {
            repeated: repeated(&reference),
            reference,
        }
    }
}

/// How many points are copies of others.
fn repeated(points: &Planar) -> usize {
    let at = |i: &usize| (points.x[*i], points.y[*i]);
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_unstable_by(|a, b| {
        let ((ax, ay), (bx, by)) = (at(a), at(b));
        ax.total_cmp(&bx).then(ay.total_cmp(&by))
    });
    order
        .windows(2)
        .filter(|two| at(&two[0]) == at(&two[1]))
        .count()
}

impl Metric for C2st {
    fn about(&self) -> &'static About {
        &C2ST
    }

    /// The value, with a word if points of the cloud are repeated that the reference does not repeat.
    fn read(&self, cloud: CloudView<'_>) -> Reading {
        let repeated = repeated(&Planar::new(cloud));
        let usual = repeated * self.reference.len() <= 2 * self.repeated * cloud.nrows();
        Reading {
            note: (!usual).then(|| {
                format!(
                    "{repeated} of {} points of the cloud are copies of others, which this measure need not see; knn_kl sees them",
                    cloud.nrows()
                )
            }),
            ..Reading::of(self.measure(cloud))
        }
    }

    /// NaN if either sample has fewer than two points.
    fn measure(&self, cloud: CloudView<'_>) -> f64 {
        let cloud = Planar::new(cloud);
        let sizes = [cloud.len(), self.reference.len()];
        if sizes[0] < 2 || sizes[1] < 2 {
            return f64::NAN;
        }
        let (pooled, class) = interleave([&cloud, &self.reference]);
        let tree = Neighbours::new(&pooled);
        let k = Self::K.min(pooled.len() - 1);
        let points: Vec<([f64; 2], u32)> = tree.points().collect();
        // Successes are counted in halves: whole numbers add up to the same whatever the order.
        let halves = points
            .par_chunks(QUERIES)
            .map(|chunk| {
                let mut halves = [0_u64; 2];
                for &(at, place) in chunk {
                    let own = usize::from(class[place as usize]);
                    let neighbours = tree.nearest(at, k, Some(place));
                    // A place out of range stands for a neighbour not found: the point itself is not finite.
                    let is_alike = |i: u32| class.get(i as usize) == Some(&(own == 1));
                    let alike = neighbours.index().iter().filter(|&&i| is_alike(i)).count();
                    let for_own = alike * sizes[1 - own];
                    let against = (k - alike) * (sizes[own] - 1);
                    halves[own] += u64::from(for_own > against) + u64::from(for_own >= against);
                }
                halves
            })
            .reduce(|| [0; 2], |a, b| [a[0] + b[0], a[1] + b[1]]);
        let accuracy = |own: usize| halves[own] as f64 / (2 * sizes[own]) as f64;
        f64::midpoint(accuracy(0), accuracy(1))
    }
}

/// Both clouds in one list, taking turns in proportion to their sizes, and for each point whether it comes from the second.
fn interleave(clouds: [&Planar; 2]) -> (Planar, Vec<bool>) {
    let sizes = clouds.map(Planar::len);
    let total = sizes[0] + sizes[1];
    let mut pooled = Planar {
        x: Vec::with_capacity(total),
        y: Vec::with_capacity(total),
    };
    let mut class = Vec::with_capacity(total);
    let mut taken = [0, 0];
    for _ in 0..total {
        let from = usize::from(taken[0] * sizes[1] > taken[1] * sizes[0] || taken[0] == sizes[0]);
        pooled.x.push(clouds[from].x[taken[from]]);
        pooled.y.push(clouds[from].y[taken[from]]);
        class.push(from == 1);
        taken[from] += 1;
    }
    (pooled, class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interleaving_keeps_every_point_and_spreads_the_classes() {
        for (n, m) in [(2, 2), (5, 2), (2, 9), (40, 41)] {
            let line = |from: usize, count: usize| Planar {
                x: (from..from + count).map(|i| i as f64).collect(),
                y: vec![0.0; count],
            };
            let (pooled, class) = interleave([&line(0, n), &line(1000, m)]);
            let firsts = class.iter().filter(|&&second| !second).count();
            assert_eq!((firsts, class.len()), (n, n + m));
            assert!(
                pooled
                    .x
                    .iter()
                    .zip(&class)
                    .all(|(&x, &c)| (x >= 1000.0) == c)
            );
            let half = class[..usize::midpoint(n, m)]
                .iter()
                .filter(|&&second| !second)
                .count();
            assert!(half.abs_diff(n / 2) <= 1);
        }
    }
}

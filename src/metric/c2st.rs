//! Classifier two-sample test: how often the neighbours of a point betray the sample it comes from.

use std::cmp::Ordering;
use std::sync::Arc;

use rayon::prelude::*;

use super::sample::{NEAR, Neighbourhood, Preparation, Reference, Sample, Seen};
use super::{About, Effort, Grain, Ideal, Metric, Needs, Reading, Scale, Taken};
use crate::cloud::{CloudView, by_place};
use crate::plane::{Planar, QUERIES, nearest_within};

/// What [`C2st`] measures.
pub const C2ST: About = About {
    name: "c2st",
    words: "15-NN accuracy (C2ST)",
    measures: "leave-one-out accuracy of a 15-nearest-neighbour classifier that tells cloud from target, balanced; 1/2 if it cannot",
    sees: "sees local error: clumps, holes, blur, collapse, shifts; blind to small changes of the masses of separate modes",
    ideal: Ideal::Low,
    grain: Grain::Share,
    axis: Some(Scale::Linear),
    taken: Taken::Always,
    needs: Needs::Nothing,
    effort: Effort::Quick,
};

/// The two-sample test by a 15-nearest-neighbour classifier (Lopez-Paz & Oquab, ICLR 2017): each point of cloud and
/// reference is classified by its 15 nearest among all others, and the value is the mean of the two classes' accuracies.
/// 1/2 for one distribution, 1 for clouds that do not overlap, 0 for a cloud that sits on the reference's own points.
///
/// A class's votes count relative to how many of it could vote, so that unequal sizes do not tilt the result; a tie of votes, and
/// one of the distances that decide, is half a success. Votes are tied where it is the point itself, which is one more or less of either class, that
/// decides: each would be taken for its own. It is read off the distances to the 8th neighbours in either class, where both are of one size.
///
/// It does not see all repeated points: of a cloud in which each point stands d times a point has d − 1 copies of itself among its 15 neighbours,
/// and the others come in packs of d, cut off where 15 are full. Three copies raise the accuracy; 2, 4 or 8 leave it, or lower it. A reading of
/// such a cloud says so; [`KnnKl`](super::KnnKl) sees them all.
#[derive(Clone, Debug)]
pub struct C2st {
    reference: Reference,
}

impl C2st {
    /// Neighbours that vote.
    pub const K: usize = 15;

    /// Takes the reference sample, `m×2`.
    #[must_use]
    pub fn new(reference: CloudView<'_>) -> Self {
        let reference = Planar::new(reference);
        Self::on(Arc::new(Neighbourhood::new(&reference)))
    }

    /// The same, on a reference that is worked through already.
    pub(super) fn on(reference: Reference) -> Self {
        Self { reference }
    }
}

/// How many points are copies of others.
fn repeated(points: impl Iterator<Item = [f64; 2]>) -> usize {
    let mut points: Vec<[f64; 2]> = points.collect();
    points.sort_unstable_by(|&a, &b| by_place(a, b));
    points.windows(2).filter(|two| two[0] == two[1]).count()
}

impl Metric for C2st {
    fn about(&self) -> &'static About {
        &C2ST
    }

    /// The value, with a word if points of the cloud are repeated that the reference does not repeat.
    fn read(&self, cloud: CloudView<'_>) -> Reading {
        let of_reference = repeated(self.reference.tree.points().map(|(at, _)| at));
        let repeated = repeated(cloud.rows().into_iter().map(|row| [row[0], row[1]]));
        let usual = repeated * self.reference.len() <= 2 * of_reference * cloud.nrows();
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
        let sample = Sample::new(
            cloud,
            Preparation {
                neighbours: true,
                ..Preparation::default()
            },
        );
        self.value(&Seen::new(&sample, Some(&self.reference)))
    }

    fn value(&self, seen: &Seen<'_, '_>) -> f64 {
        let Some(near) = seen.neighbouring(&self.reference) else {
            return self.measure(seen.points());
        };
        let (cloud, reference) = (near.cloud, &*self.reference);
        let sizes = [cloud.len(), reference.len()];
        if sizes[0] < 2 || sizes[1] < 2 {
            return f64::NAN;
        }
        // Which neighbours of either class decide, for a point of the cloud and for one of the reference.
        let votes = [Vote::new(sizes), Vote::new([sizes[1], sizes[0]])];
        let accuracy = |class: usize| {
            let (own, other) = if class == 0 {
                (cloud, reference)
            } else {
                (reference, cloud)
            };
            let cross = (class == 0).then_some(near.cross);
            let bounded = votes[class].one_rank().filter(|_| class == 1);
            let bounded = bounded.map(|[needed, rank]| {
                let bounds: Vec<f64> = own.own.iter().map(|near| near[needed - 1]).collect();
                nearest_within::<NEAR>(&own.tree, &other.tree, rank, &bounds)
            });
            let points: Vec<([f64; 2], u32)> = own.tree.points().collect();
            // Successes are counted in quarters: whole numbers add up to the same whatever the order.
            let quarters: u64 = points
                .par_iter()
                .enumerate()
                .with_min_len(QUERIES)
                .map(|(i, &(at, place))| {
                    let of_own = |rank: usize| match own.own[i].get(rank - 1) {
                        Some(&squared) => squared,
                        None => own.tree.nearest(at, rank, Some(place)).bound(),
                    };
                    let of_other = |rank: usize, bound: f64| match cross
                        .and_then(|near| near[i].get(rank - 1))
                    {
                        Some(&squared) => squared,
                        None => match &bounded {
                            Some(bounded) => bounded[i],
                            None => other.tree.within(at, rank, bound),
                        },
                    };
                    votes[class].quarters(of_own, of_other)
                })
                .sum();
            quarters as f64 / (4 * sizes[class]) as f64
        };
        f64::midpoint(accuracy(0), accuracy(1))
    }
}

/// When a point is taken for one of its own class. Votes count relative to how many could vote, so that of the `k` nearest at least `sure` of its own
/// class are needed, and `even` for a draw: that is so if the neighbour of that rank in its own class is nearer than the one of rank
/// `k + 1 − sure` in the other.
#[derive(Clone, Copy, Debug)]
struct Vote {
    k: usize,
    sure: usize,
    even: usize,
    others: usize,
}

impl Vote {
    /// For a point of a class of `own` points beside another of `others`.
    fn new([own, others]: [usize; 2]) -> Self {
        let k = C2st::K.min(own + others - 1);
        // As both classes see it, with one voter less in either: what is sure for one is not even for the other.
        let sure = (0..=k).find(|&alike| alike * (others - 1) > (k - alike) * own);
        let even = (0..=k).find(|&alike| alike * others >= (k - alike) * (own - 1));
        Self {
            k,
            sure: sure.unwrap_or(k),
            even: even.unwrap_or(k),
            others,
        }
    }

    /// The rank that decides in its own class, and that in the other, if there are one of each, and those neighbours are known.
    fn one_rank(&self) -> Option<[usize; 2]> {
        let rank = (self.k + 1).checked_sub(self.sure)?;
        let one = self.sure == self.even && (1..=NEAR).contains(&self.sure);
        (one && rank <= self.others.min(NEAR)).then_some([self.sure, rank])
    }

    /// Success in quarters: two for being sure and two for being even, and one of the two where both neighbours are equally far.
    fn quarters(self, own: impl Fn(usize) -> f64, other: impl Fn(usize, f64) -> f64) -> u64 {
        let half = |needed: usize| {
            let rank = self.k + 1 - needed;
            if needed == 0 || rank > self.others {
                return 2;
            }
            let near = own(needed);
            match near.partial_cmp(&other(rank, near)) {
                Some(Ordering::Less) => 2,
                Some(Ordering::Equal) if near.is_finite() => 1,
                _ => 0,
            }
        };
        let sure = half(self.sure);
        sure + if self.even == self.sure {
            sure
        } else {
            half(self.even)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By sorting all distances: the classifier in so many words, for points without ties.
    fn obvious(cloud: &[[f64; 2]], reference: &[[f64; 2]]) -> f64 {
        let sides = [cloud, reference];
        let accuracy = |class: usize| {
            let (own, other) = (sides[class], sides[1 - class]);
            let mut halves = 0;
            for (i, at) in own.iter().enumerate() {
                let far = |to: &[f64; 2]| (to[0] - at[0]).hypot(to[1] - at[1]);
                let alike = own.iter().enumerate().filter(|&(j, _)| j != i);
                let mut all: Vec<(f64, bool)> = alike.map(|(_, to)| (far(to), true)).collect();
                all.extend(other.iter().map(|to| (far(to), false)));
                all.sort_by(|a, b| a.0.total_cmp(&b.0));
                let k = C2st::K.min(all.len());
                let alike = all[..k].iter().filter(|(_, own)| *own).count();
                let [ours, theirs] = [alike, k - alike];
                halves += u32::from(ours * (other.len() - 1) > theirs * own.len());
                halves += u32::from(ours * other.len() >= theirs * (own.len() - 1));
            }
            f64::from(halves) / (2 * own.len()) as f64
        };
        f64::midpoint(accuracy(0), accuracy(1))
    }

    #[test]
    fn it_is_the_vote_of_fifteen_neighbours_for_any_sizes() {
        let points = |count: usize, phase: f64| -> Vec<[f64; 2]> {
            let at = |i: usize| {
                let t = i as f64 + phase;
                [(1.3 * t).sin() + 0.1 * phase, (0.7 * t * t).cos()]
            };
            (0..count).map(at).collect()
        };
        for (n, m) in [
            (2, 2),
            (3, 9),
            (40, 41),
            (200, 200),
            (200, 60),
            (60, 900),
            (20, 400),
        ] {
            let (a, b) = (points(n, 0.0), points(m, 0.37));
            let value = C2st::new(CloudView::from(&b[..])).measure(CloudView::from(&a[..]));
            assert!(
                (value - obvious(&a, &b)).abs() < 1e-12,
                "{n} against {m}: {value}"
            );
        }
    }

    /// 400 against 600 share fifteen votes as six to nine, which no rule may give to either.
    #[test]
    fn it_is_a_half_for_one_distribution_at_any_ratio_of_sizes() {
        use crate::random::Stream;
        use crate::target::{GaussianSpec, Target as _};
        let plane = GaussianSpec::default().build().unwrap();
        for [n, m] in [
            [400, 600],
            [401, 600],
            [400, 601],
            [300, 600],
            [200, 800],
            [500, 500],
        ] {
            let draws = 24;
            let mean = (0..draws).map(|draw| {
                let stream = Stream::new(draw, "c2st");
                let [a, b] =
                    [(n, "a"), (m, "b")].map(|(k, name)| plane.sample(k, stream.part(name)));
                C2st::new(b.view()).measure(a.view())
            });
            let mean = mean.sum::<f64>() / draws as f64;
            assert!((mean - 0.5).abs() < 0.015, "{n} against {m}: {mean}");
        }
    }
}

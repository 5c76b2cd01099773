//! The joint test: many measures of one cloud, and one p-value for all of them together.

use serde::{Deserialize, Serialize};

use super::{ALL, About, Ideal};
use crate::digits::three;
use crate::numeric::mean_and_deviation;

/// A measure within a joint test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// Name of the measure.
    pub name: String,
    /// Its value; nothing where it is no number.
    pub value: Option<f64>,
    /// Mean over perfect clouds.
    pub mean: f64,
    /// Standard deviations of the value above that mean, each at least the grain of the measure; nothing where the value is no number.
    pub z: Option<f64>,
    /// Probability that any measure of a perfect cloud stands out as much as this one does: it counts how many were looked at.
    pub p: f64,
}

/// Where a cloud stands in a few words, for pictures, pages and progress bars.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Mark {
    /// Whether it is at the floor.
    pub arrived: bool,
    /// The same said at length, in brief, and in a word or two.
    pub words: [String; 3],
    /// Measures that are off their floors, all of them looked at together.
    pub off: usize,
}

/// On which side of its floor a cloud is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Where clouds are that do not fit the target.
    Worse,
    /// Where clouds are that are more regular than independent points.
    Regular,
}

/// One measure with what it gives for the cloud and for perfect clouds.
#[derive(Clone, Debug)]
pub(super) struct Column<'a> {
    pub(super) about: &'static About,
    pub(super) value: f64,
    /// The values of the draws, the same draw at the same place in every column.
    pub(super) draws: &'a [f64],
}

/// What the joint test of a cloud gave.
#[derive(Clone, Debug, PartialEq)]
pub struct JointTest {
    /// Probability that a perfect cloud looks at least as bad in its worst measure, each in standard deviations: `(1 + #{T_b ≥ T})/(1 + B)`
    /// for `B` draws. Uniform, in steps of `1/(B + 1)`, if the cloud is itself an independent sample of the target. NaN without a measure.
    pub p: f64,
    /// `T`: the largest badness among the measures, in standard deviations of cloud and draws together.
    pub statistic: f64,
    /// Draws that it was compared with.
    pub draws: usize,
    /// The measures, the most striking first.
    pub measures: Vec<Standing>,
}

impl JointTest {
    /// The level of the test: one perfect cloud in twenty is let down.
    pub const LEVEL: f64 = 0.05;

    /// Compares a cloud with perfect ones.
    ///
    /// Each measure is brought to a common scale by the mean and standard deviation of the cloud's own value and those of the draws together, so that
    /// cloud and draws are treated alike; the statistic is the largest deviation to the bad side (the "max-T" of Westfall and Young, *Resampling-Based
    /// Multiple Testing*, 1993, with single-step adjusted p-values for each measure). Under the null hypothesis the rows are exchangeable, hence its
    /// size is exact whatever the measures and their dependence.
    pub(super) fn new(columns: &[Column<'_>], side: Side, points: usize) -> Self {
        let usable: Vec<&Column<'_>> = columns
            .iter()
            .filter(|column| {
                let numbers = column.draws.iter().all(|v| v.is_finite());
                numbers && !column.draws.is_empty() && sign(column.about.ideal, side).is_some()
            })
            .collect();
        let draws = usable.first().map_or(0, |column| column.draws.len());
        let scaled: Vec<Scaled> = usable
            .iter()
            .map(|column| Scaled::new(column, side, points))
            .collect();
        let worst = |draw: usize| {
            let all = scaled.iter().map(|s| s.draws[draw]);
            all.fold(f64::NEG_INFINITY, f64::max)
        };
        let perfect: Vec<f64> = (0..draws).map(worst).collect();
        let share = |badness: f64| {
            let slack = 1e-9 * badness.abs().max(1.0);
            let beyond = perfect.iter().filter(|&&t| t >= badness - slack).count();
            (1 + beyond) as f64 / (1 + draws) as f64
        };
        let statistic = scaled
            .iter()
            .map(|s| s.badness)
            .fold(f64::NEG_INFINITY, f64::max);
        let mut order: Vec<usize> = (0..scaled.len()).collect();
        order.sort_by(|&a, &b| scaled[b].distance.total_cmp(&scaled[a].distance));
        let finite = |v: f64| v.is_finite().then_some(v);
        let measures = order.into_iter().map(|k| Standing {
            name: usable[k].about.name.to_owned(),
            value: finite(usable[k].value),
            mean: scaled[k].mean,
            z: finite(scaled[k].z),
            p: share(scaled[k].badness),
        });
        Self {
            measures: measures.collect(),
            p: if scaled.is_empty() {
                f64::NAN
            } else {
                share(statistic)
            },
            statistic,
            draws,
        }
    }

    /// Whether nothing stands out: p above the [`LEVEL`](Self::LEVEL), or above what so few draws can reach.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.p > self.level()
    }

    /// Whether something stands out beyond what one perfect cloud in a hundred shows, or all of fewer draws: what is said in passing, beside
    /// the verdict, must not be heard too often by chance.
    #[must_use]
    pub fn strikes(&self) -> bool {
        self.p <= 0.01_f64.max(1.0 / (1 + self.draws) as f64)
    }

    /// The measures that stand out by themselves.
    pub fn off(&self) -> impl Iterator<Item = &Standing> {
        let level = self.level();
        self.measures.iter().filter(move |m| m.p <= level)
    }

    /// Where the cloud stands in a few words.
    #[must_use]
    pub fn mark(&self) -> Mark {
        let (count, off) = (self.measures.len(), self.off().count());
        if count == 0 {
            return Mark::default();
        }
        let p = format!("p = {:.2}", self.p);
        let mut numbers = self
            .measures
            .iter()
            .filter_map(|one| Some((one, one.value?)));
        let worst = numbers.next().map_or(String::new(), |(worst, value)| {
            let known = ALL.iter().find(|about| about.name == worst.name);
            let words = known.map_or(worst.name.as_str(), |about| about.words);
            format!(", worst {words} {}", three(value))
        });
        let words = if self.passes() {
            [
                format!("indistinguishable by {count} measures, {p} ✓"),
                format!("at the floor, {p} ✓"),
                "at the floor ✓".to_owned(),
            ]
        } else {
            [
                format!("{off} of {count} measures off the floor{worst}"),
                format!("{off} of {count} measures off the floor"),
                format!("{off} of {count} off"),
            ]
        };
        Mark {
            arrived: self.passes(),
            words,
            off,
        }
    }

    /// The level, or the smallest p that the draws allow if that is larger.
    fn level(&self) -> f64 {
        // The same quotient as that of p, so that the two are equal bit by bit where they are equal.
        Self::LEVEL.max(1.0 / (1 + self.draws) as f64)
    }
}

/// Which deviations count on a side: `1` for values above the floor, `-1` for those below, `0` for both.
fn sign(ideal: Ideal, side: Side) -> Option<f64> {
    match (ideal, side) {
        (Ideal::Low, Side::Worse) | (Ideal::UpTo, Side::Regular) => Some(1.0),
        (Ideal::High | Ideal::UpTo, Side::Worse) | (Ideal::Low, Side::Regular) => Some(-1.0),
        (Ideal::Between, Side::Worse) => Some(0.0),
        (Ideal::High | Ideal::Between, Side::Regular) | (Ideal::Open, _) => None,
    }
}

/// The standard deviation that differences are held against: what is a count cannot differ by less than its grain, and what is a sum of many terms is not
/// known better than to nine digits of its size.
pub(super) fn resolved(sd: f64, grain: f64, size: f64) -> f64 {
    sd.max(grain).max(1e-9 * size)
}

/// A measure on the common scale.
struct Scaled {
    /// Badness of the cloud and of each draw, in standard deviations of all of them.
    badness: f64,
    draws: Vec<f64>,
    /// Mean of the draws.
    mean: f64,
    /// The value in standard deviations of the draws alone, which a bad cloud does not widen, and the same to the bad side.
    z: f64,
    distance: f64,
}

impl Scaled {
    fn new(column: &Column<'_>, side: Side, points: usize) -> Self {
        let sign = sign(column.about.ideal, side).unwrap_or(0.0);
        let oriented = |z: f64| if sign == 0.0 { z.abs() } else { sign * z };
        let all = || std::iter::once(column.value).chain(column.draws.iter().copied());
        let size = all()
            .filter(|v| v.is_finite())
            .fold(0.0_f64, |most, v| most.max(v.abs()));
        let grain = column.about.grain.least(points);
        let scale = |values: &[f64]| {
            let [mean, sd] = mean_and_deviation(values);
            let sd = resolved(sd, grain, size);
            move |v: f64| if v == mean { 0.0 } else { (v - mean) / sd }
        };
        let alone = scale(column.draws);
        let z = alone(column.value);
        let mean = column.draws.iter().sum::<f64>() / column.draws.len() as f64;
        let beyond = |v: f64| if v.is_finite() { v } else { f64::INFINITY };
        if !column.value.is_finite() {
            // A value that is no number where perfect clouds have one is as bad as can be, and shows no order.
            let badness = match side {
                Side::Worse => f64::INFINITY,
                Side::Regular => f64::NEG_INFINITY,
            };
            return Self {
                badness,
                draws: column.draws.iter().map(|&v| oriented(alone(v))).collect(),
                mean,
                z,
                distance: badness,
            };
        }
        let together = scale(&all().collect::<Vec<f64>>());
        Self {
            badness: beyond(oriented(together(column.value))),
            draws: column
                .draws
                .iter()
                .map(|&v| oriented(together(v)))
                .collect(),
            mean,
            z,
            distance: beyond(oriented(z)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{ENERGY_DISTANCE, HIGH_QUALITY, STRANDED};

    /// Numbers that look random: the fractional parts of multiples of an irrational number.
    fn draws(count: usize, step: f64) -> Vec<f64> {
        (1..=count).map(|i| (i as f64 * step).fract()).collect()
    }

    fn column<'a>(about: &'static About, value: f64, draws: &'a [f64]) -> Column<'a> {
        Column {
            about,
            value,
            draws,
        }
    }

    #[test]
    fn the_p_value_counts_the_draws_whose_worst_measure_is_as_bad() {
        let (a, b) = (draws(99, 0.618_034), draws(99, 0.414_214));
        let test = |x, y| {
            let columns = [column(&ENERGY_DISTANCE, x, &a), column(&STRANDED, y, &b)];
            JointTest::new(&columns, Side::Worse, 1000)
        };
        assert_eq!(test(9.0, 0.5).p, 0.01);
        assert!(!test(9.0, 0.5).passes() && test(0.5, 0.5).passes());
        let worst = &test(0.5, 9.0).measures[0];
        assert_eq!((worst.name.as_str(), worst.p), ("stranded", 0.01));
        // A value that is no number is as bad as can be.
        assert_eq!(test(f64::NAN, 0.5).p, 0.01);
        // What is better than all draws is not held against the cloud here, but on the other side.
        assert!(test(-9.0, 0.5).passes());
        let columns = [column(&ENERGY_DISTANCE, -9.0, &a)];
        assert_eq!(JointTest::new(&columns, Side::Regular, 1000).p, 0.01);
    }

    #[test]
    fn any_draw_put_in_the_place_of_the_cloud_gets_its_rank() {
        let (a, b) = (draws(40, 0.618_034), draws(40, 0.732_051));
        let mut ps: Vec<f64> = (0..40)
            .map(|k| {
                let without = |all: &[f64]| -> Vec<f64> {
                    let mut rest = all.to_vec();
                    rest.remove(k);
                    rest
                };
                let (rest_a, rest_b) = (without(&a), without(&b));
                let columns = [
                    column(&ENERGY_DISTANCE, a[k], &rest_a),
                    column(&STRANDED, b[k], &rest_b),
                ];
                JointTest::new(&columns, Side::Worse, 1000).p
            })
            .collect();
        ps.sort_by(f64::total_cmp);
        let expected: Vec<f64> = (1..=40).map(|rank| f64::from(rank) / 40.0).collect();
        assert_eq!(ps, expected);
    }

    #[test]
    fn one_stray_point_among_draws_that_have_none_is_one_grain() {
        let none = vec![0.0; 99];
        let columns = [column(&STRANDED, 0.001, &none)];
        let test = JointTest::new(&columns, Side::Worse, 1000);
        assert_eq!(test.measures[0].z, Some(1.0));
        let columns = [column(&STRANDED, 0.0, &none)];
        assert_eq!(JointTest::new(&columns, Side::Worse, 1000).p, 1.0);
    }

    #[test]
    fn too_pure_is_regular_and_not_bad() {
        let floor: Vec<f64> = draws(99, 0.618_034)
            .iter()
            .map(|v| 0.98 + 0.01 * v)
            .collect();
        let columns = [column(&HIGH_QUALITY, 1.0, &floor)];
        assert!(JointTest::new(&columns, Side::Worse, 1000).passes());
        assert!(!JointTest::new(&columns, Side::Regular, 1000).passes());
    }

    #[test]
    fn few_draws_have_a_level_that_they_can_reach() {
        let few = draws(8, 0.618_034);
        let columns = [column(&ENERGY_DISTANCE, 9.0, &few)];
        let test = JointTest::new(&columns, Side::Worse, 1000);
        assert!(test.p > 0.11 && !test.passes());
    }
}

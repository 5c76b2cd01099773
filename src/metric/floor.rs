//! The sampling floor: what a measure gives for independent draws of the target itself.

use ndarray::Axis;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use serde::Serialize;

use super::joint::{Column, resolved};
use super::{About, Ideal, JointTest, MEMORISATION, Measurement, MetricSet, Side};
use crate::cloud::{Cloud, CloudView};
use crate::numeric::mean_and_deviation;
use crate::random::Stream;
use crate::setting::Invalid;
use crate::target::Target;

/// The distribution of one measure over independent target samples of the cloud's size, against the same reference. A perfect
/// cloud is still only points, so this is where its values lie.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Floor {
    /// Mean over the draws.
    pub mean: f64,
    /// Standard deviation over the draws (divisor: draws − 1).
    pub sd: f64,
    /// Median over the draws.
    pub median: f64,
    /// 90 % quantile: what a curve must fall below to have arrived.
    pub q90: f64,
    /// 95 % quantile: what a cloud at the floor exceeds one time in twenty.
    pub q95: f64,
    /// The values themselves, ascending.
    #[serde(skip)]
    draws: Vec<f64>,
}

impl Floor {
    /// Summarises the values of independent draws. Those that are not finite are left out; `None` if fewer than two are.
    #[must_use]
    pub fn new(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut draws: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).collect();
        if draws.len() < 2 {
            return None;
        }
        draws.sort_unstable_by(f64::total_cmp);
        let [mean, sd] = mean_and_deviation(&draws);
        Some(Self {
            mean,
            sd,
            median: quantile(&draws, 0.5),
            q90: quantile(&draws, 0.9),
            q95: quantile(&draws, 0.95),
            draws,
        })
    }

    /// What is written down of it, each number with its name.
    #[must_use]
    pub fn numbers(&self) -> [(&'static str, f64); 5] {
        [
            ("mean", self.mean),
            ("sd", self.sd),
            ("median", self.median),
            ("q90", self.q90),
            ("q95", self.q95),
        ]
    }

    /// The values of the draws, ascending.
    #[must_use]
    pub fn draws(&self) -> &[f64] {
        &self.draws
    }

    /// The level that another independent draw stays below with probability `level`: the order statistic of rank
    /// `level · (draws + 1)`, interpolated, and the extreme draw beyond the ends.
    #[must_use]
    pub fn quantile(&self, level: f64) -> f64 {
        quantile(&self.draws, level)
    }

    /// How many standard deviations `value` lies above the mean of the floor, each at least what nine digits can tell.
    #[must_use]
    pub fn z(&self, value: f64) -> f64 {
        self.deviations(value, 0.0)
    }

    /// The same, each at least the `grain` of the measure: as the joint test has it.
    pub(super) fn deviations(&self, value: f64, grain: f64) -> f64 {
        if value == self.mean {
            return 0.0;
        }
        let all = [
            value,
            quantile(&self.draws, 0.0),
            quantile(&self.draws, 1.0),
        ];
        let sizes = all.into_iter().filter(|v| v.is_finite()).map(f64::abs);
        (value - self.mean) / resolved(self.sd, grain, sizes.fold(0.0, f64::max))
    }

    /// The values, from low to high, that cannot be told from the floor where one in `1/(1−level)` perfect clouds is let
    /// down: bounded above if low values are ideal, below if high ones are, and on both sides, with half the risk each, if neither is.
    #[must_use]
    pub fn range(&self, ideal: Ideal, level: f64) -> [f64; 2] {
        match ideal {
            Ideal::Low => [f64::NEG_INFINITY, self.quantile(level)],
            Ideal::High => [self.quantile(1.0 - level), f64::INFINITY],
            Ideal::Open => [f64::NEG_INFINITY, f64::INFINITY],
            Ideal::Between | Ideal::UpTo => {
                let tail = 0.5 * (1.0 - level);
                [self.quantile(tail), self.quantile(1.0 - tail)]
            }
        }
    }

    /// Whether `value` is at the floor: within the [`range`](Self::range) of level 0.95. Never true of NaN.
    #[must_use]
    pub fn holds(&self, value: f64, ideal: Ideal) -> bool {
        let [low, high] = self.range(ideal, 0.95);
        (low..=high).contains(&value)
    }
}

fn quantile(ascending: &[f64], level: f64) -> f64 {
    let n = ascending.len();
    let rank = (level * (n + 1) as f64).clamp(1.0, n as f64);
    let below = rank.floor();
    let low = ascending[below as usize - 1];
    let high = ascending[n.min(below as usize + 1) - 1];
    low + (rank - below) * (high - low)
}

/// The floors of all measures of a [`MetricSet`], in its order.
#[derive(Clone, Debug, PartialEq)]
pub struct Floors {
    floors: Vec<Entry>,
    points: usize,
}

/// The floor of one measure.
#[derive(Clone, Debug, PartialEq)]
struct Entry {
    about: &'static About,
    floor: Floor,
    /// The values in the order of the draws, which is the same for all measures.
    draws: Vec<f64>,
}

impl Floors {
    /// Measures `draws` independent samples of `count` points of `target`, or of as many as `panel` measures, with `panel`. Draw `i` comes from `stream.at(i)`.
    #[must_use]
    pub fn estimate(
        panel: &MetricSet,
        target: &dyn Target,
        count: usize,
        draws: usize,
        stream: Stream,
    ) -> Self {
        let count = count.min(panel.most());
        let measured: Vec<Measurement> = (0..draws as u64)
            .into_par_iter()
            .map(|draw| panel.measure_draw(target.sample(count, stream.at(draw)).view()))
            .collect();
        Self::of(panel, &measured, count)
    }

    /// The floors of two panels that differ in their references alone, from the same draws: what [`estimate`](Self::estimate) gives for each.
    #[must_use]
    pub fn estimate_both(
        panels: [&MetricSet; 2],
        target: &dyn Target,
        count: usize,
        draws: usize,
        stream: Stream,
    ) -> [Self; 2] {
        let count = count.min(panels[0].most());
        let measured: Vec<[Measurement; 2]> = (0..draws as u64)
            .into_par_iter()
            .map(|draw| {
                let sample = target.sample(count, stream.at(draw));
                MetricSet::measure_draw_by_both(panels, sample.view())
            })
            .collect();
        let (first, second): (Vec<_>, Vec<_>) = measured.into_iter().map(<[_; 2]>::into).unzip();
        [(panels[0], first), (panels[1], second)].map(|(panel, all)| Self::of(panel, &all, count))
    }

    /// The same where all that is known of the target are points that no flow has seen: each draw parts them at random into `sizes[0]`
    /// points that stand for a perfect cloud and `sizes[1]` others that stand for the reference, for which `build` makes a panel.
    ///
    /// # Errors
    /// Those of `build`.
    pub fn held_out(
        held_out: CloudView<'_>,
        sizes: [usize; 2],
        draws: usize,
        stream: Stream,
        build: &(dyn Fn(&Cloud) -> Result<MetricSet, Invalid> + Sync),
    ) -> Result<Self, Invalid> {
        let part = |draw: u64| {
            let mut order: Vec<usize> = (0..held_out.nrows()).collect();
            order.shuffle(&mut stream.at(draw).rng());
            let (cloud, rest) = order.split_at(sizes[0].min(order.len()));
            let reference = &rest[..sizes[1].min(rest.len())];
            let pick = |places: &[usize]| held_out.select(Axis(0), places);
            (pick(cloud), pick(reference))
        };
        let measured = (0..draws as u64).into_par_iter().map(|draw| {
            let (cloud, reference) = part(draw);
            Ok(build(&reference)?.measure_draw(cloud.view()))
        });
        let measured = measured.collect::<Result<Vec<_>, Invalid>>()?;
        let panel = build(&part(0).1)?;
        Ok(Self::of(&panel, &measured, sizes[0]))
    }

    /// The floors of what `panel` measures, from the measurements of perfect clouds of `points` points.
    pub(crate) fn of(panel: &MetricSet, measured: &[Measurement], points: usize) -> Self {
        let floors = panel.about().filter_map(|about| {
            let values = measured.iter().filter_map(|m| m.get(about.name));
            let draws: Vec<f64> = values.collect();
            Some(Entry {
                about,
                floor: Floor::new(draws.iter().copied())?,
                draws,
            })
        });
        Self {
            floors: floors.collect(),
            points,
        }
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        self.floors.iter().find(|entry| entry.about.name == name)
    }

    /// The floor of the measure called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Floor> {
        self.entry(name).map(|entry| &entry.floor)
    }

    /// Name and floor of each measure, in the panel's order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Floor)> {
        self.known().map(|(about, floor)| (about.name, floor))
    }

    /// Each measure with its floor.
    pub fn known(&self) -> impl Iterator<Item = (&'static About, &Floor)> {
        self.floors.iter().map(|entry| (entry.about, &entry.floor))
    }

    /// Name and values of each measure, in the order of the draws.
    pub(crate) fn draws(&self) -> impl Iterator<Item = (&'static str, &[f64])> {
        let all = self.floors.iter();
        all.map(|entry| (entry.about.name, &entry.draws[..]))
    }

    /// Points of the perfect clouds.
    #[must_use]
    pub fn points(&self) -> usize {
        self.points
    }

    /// Whether the `value` of measure `name` is at its floor; `None` if it has no floor.
    #[must_use]
    pub fn holds(&self, name: &str, value: f64) -> Option<bool> {
        let entry = self.entry(name)?;
        Some(entry.floor.holds(value, entry.about.ideal))
    }

    /// The joint test of all measures of fit: whether any of them tells the cloud from perfect ones.
    #[must_use]
    pub fn joint(&self, values: &Measurement) -> JointTest {
        self.test(values, Side::Worse)
    }

    /// The joint test on the other side: whether any of them shows the cloud to be more regular than independent points are.
    #[must_use]
    pub fn regularity(&self, values: &Measurement) -> JointTest {
        self.test(values, Side::Regular)
    }

    /// What leans on the training sample is no worse a fit for that, and is told apart: memorisation is not among the measures of fit.
    fn test(&self, values: &Measurement, side: Side) -> JointTest {
        let of_fit = |entry: &&Entry| *entry.about != MEMORISATION;
        let columns = self.floors.iter().filter(of_fit).filter_map(|entry| {
            Some(Column {
                about: entry.about,
                value: values.get(entry.about.name)?,
                draws: &entry.draws,
            })
        });
        let columns: Vec<Column<'_>> = columns.collect();
        JointTest::new(&columns, side, self.points)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_values_make_no_floor() {
        assert_eq!(Floor::new([1.0, f64::NAN]), None);
        let flat = Floor::new([8.0, 8.0, 8.0]).unwrap();
        assert!(flat.holds(8.0, Ideal::High) && !flat.holds(7.0, Ideal::High));
        // One in nine digits of eight, and one of a count.
        assert!((flat.z(7.0) + 1.25e8).abs() < 1.0 && flat.z(8.0) == 0.0);
        assert_eq!(flat.deviations(7.0, 1.0), -1.0);
    }
}

//! The sampling floor: what a measure gives for independent draws of the target itself.

use rayon::prelude::*;
use serde::Serialize;

use super::{Ideal, Measurement, Panel};
use crate::random::Stream;
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
        let n = draws.len() as f64;
        let mean = draws.iter().sum::<f64>() / n;
        let squares: f64 = draws.iter().map(|v| (v - mean) * (v - mean)).sum();
        Some(Self {
            mean,
            sd: (squares / (n - 1.0)).sqrt(),
            median: quantile(&draws, 0.5),
            q90: quantile(&draws, 0.9),
            q95: quantile(&draws, 0.95),
            draws,
        })
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

    /// How many standard deviations `value` lies above the mean of the floor; NaN where all draws are equal.
    #[must_use]
    pub fn z(&self, value: f64) -> f64 {
        if self.sd > 0.0 {
            (value - self.mean) / self.sd
        } else {
            f64::NAN
        }
    }

    /// The values, from low to high, that cannot be told from the floor where one in `1/(1−level)` perfect clouds is let
    /// down: bounded above if low values are ideal, below if high ones are, and on both sides, with half the risk each, if neither is.
    #[must_use]
    pub fn range(&self, ideal: Ideal, level: f64) -> [f64; 2] {
        match ideal {
            Ideal::Low => [f64::NEG_INFINITY, self.quantile(level)],
            Ideal::High => [self.quantile(1.0 - level), f64::INFINITY],
            Ideal::Between => {
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

/// The floors of all measures of a [`Panel`], in its order.
#[derive(Clone, Debug, PartialEq)]
pub struct Floors {
    floors: Vec<(&'static str, Ideal, Floor)>,
}

impl Floors {
    /// Measures `draws` independent samples of `count` points of `target`, or of as many as `panel` measures, with `panel`. Draw `i` comes from `stream.at(i)`.
    #[must_use]
    pub fn estimate(
        panel: &Panel,
        target: &dyn Target,
        count: usize,
        draws: usize,
        stream: Stream,
    ) -> Self {
        let count = count.min(panel.most());
        let measured: Vec<Measurement> = (0..draws as u64)
            .into_par_iter()
            .map(|draw| panel.measure(target.sample(count, stream.at(draw)).view()))
            .collect();
        let floors = panel.about().filter_map(|about| {
            let values = measured.iter().filter_map(|m| m.get(about.name));
            Some((about.name, about.ideal, Floor::new(values)?))
        });
        Self {
            floors: floors.collect(),
        }
    }

    /// The floor of the measure called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Floor> {
        let mut floors = self.floors.iter();
        floors.find(|(n, ..)| *n == name).map(|(.., floor)| floor)
    }

    /// Name and floor of each measure, in the panel's order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Floor)> {
        self.floors.iter().map(|(name, _, floor)| (*name, floor))
    }

    /// Whether the `value` of measure `name` is at its floor; `None` if it has no floor.
    #[must_use]
    pub fn holds(&self, name: &str, value: f64) -> Option<bool> {
        let mut floors = self.floors.iter();
        let (_, ideal, floor) = floors.find(|(n, ..)| *n == name)?;
        Some(floor.holds(value, *ideal))
    }

    /// One [`Arrival`](super::Arrival) per measure, to be fed along a run.
    pub fn arrivals(&self) -> impl Iterator<Item = (&'static str, super::Arrival)> {
        let arrival = |(name, ideal, floor): &(&'static str, Ideal, Floor)| {
            (*name, super::Arrival::new(floor, *ideal))
        };
        self.floors.iter().map(arrival)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_order_statistics() {
        let floor = Floor::new((1..=19).map(f64::from)).unwrap();
        assert_eq!(floor.quantile(0.5), 10.0);
        assert_eq!((floor.q90, floor.q95), (18.0, 19.0));
        assert_eq!((floor.quantile(0.0), floor.quantile(1.0)), (1.0, 19.0));
        assert!((floor.quantile(0.525) - 10.5).abs() < 1e-12);
        assert!((floor.sd - (570.0_f64 / 18.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn the_side_that_matters_depends_on_the_ideal() {
        let floor = Floor::new((1..=99).map(f64::from)).unwrap();
        assert!(floor.holds(-5.0, Ideal::Low) && !floor.holds(96.0, Ideal::Low));
        assert!(floor.holds(500.0, Ideal::High) && !floor.holds(4.0, Ideal::High));
        assert!(!floor.holds(2.0, Ideal::Between) && !floor.holds(98.0, Ideal::Between));
        assert!(floor.holds(4.0, Ideal::Between));
        assert!(!floor.holds(f64::NAN, Ideal::Low));
    }

    #[test]
    fn too_few_values_make_no_floor() {
        assert_eq!(Floor::new([1.0, f64::NAN]), None);
        let flat = Floor::new([8.0, 8.0, 8.0]).unwrap();
        assert!(flat.holds(8.0, Ideal::High) && !flat.holds(7.0, Ideal::High));
        assert!(flat.z(7.0).is_nan());
    }
}

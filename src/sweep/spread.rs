//! Measures over several runs: mean, standard deviation, and an interval for the mean.

use std::collections::BTreeMap;

use distrs::StudentsT;

use crate::numeric::mean_and_deviation;

/// A measure over runs that belong together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    /// Runs in which it was a number.
    pub(super) runs: usize,
    pub(super) mean: f64,
    /// Standard deviation (divisor: runs − 1); NaN for one run.
    pub(super) sd: f64,
    /// The 95 % confidence interval of the mean, by Student's t; NaN for one run.
    pub(super) interval: [f64; 2],
    /// Mean of the floors: of their medians and of their 95 % points; NaN without floors.
    pub(super) floor: [f64; 2],
}

impl Spread {
    /// Of values, each with the median and the 95 % point of its floor; NaN stands for none.
    pub(super) fn of(values: &[[f64; 3]]) -> Option<Self> {
        let own = column(values, 0);
        let runs = own.len();
        if runs == 0 {
            return None;
        }
        let [mean, sd] = mean_and_deviation(&own);
        let sd = if runs > 1 { sd } else { f64::NAN };
        let half = StudentsT::ppf(0.975, (runs.max(2) - 1) as f64) * sd / (runs as f64).sqrt();
        let [_, median, q95] = means(values);
        let floor = [median, q95];
        Some(Self {
            runs,
            mean,
            sd,
            interval: [mean - half, mean + half],
            floor,
        })
    }
}

/// The mean of each part over the runs in which it is a number.
pub(super) fn means(values: &[[f64; 3]]) -> [f64; 3] {
    [0, 1, 2].map(|part| mean_and_deviation(&column(values, part))[0])
}

/// A part of the values, where it is a number.
fn column(values: &[[f64; 3]], part: usize) -> Vec<f64> {
    let all = values.iter().map(|value| value[part]);
    all.filter(|value| !value.is_nan()).collect()
}

/// Runs that belong together.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    /// How many completed, diverged and failed.
    pub(super) counts: [usize; 3],
    /// How many ended at the floor.
    pub(super) at_floor: usize,
    /// Under each measure its values in the runs that completed, with their floors.
    pub(super) values: BTreeMap<usize, Vec<[f64; 3]>>,
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn the_interval_is_that_of_student() {
        // Student's t with 4 degrees of freedom: 2.776445 at 97.5 %.
        let values = [1.0, 2.0, 3.0, 4.0, 5.0].map(|v| [v, 0.5, f64::NAN]);
        let spread = Spread::of(&values).unwrap();
        assert_eq!((spread.runs, spread.mean), (5, 3.0));
        let half = 2.776_445_105 * 2.5_f64.sqrt() / 5.0_f64.sqrt();
        assert!((spread.interval[1] - 3.0 - half).abs() < 1e-6, "{spread:?}");
        assert!((spread.interval[0] - 3.0 + half).abs() < 1e-6, "{spread:?}");
        assert_eq!(spread.floor[0], 0.5);
        assert!(spread.floor[1].is_nan());
    }

    #[test]
    fn one_run_has_no_spread_and_none_has_nothing() {
        let one = Spread::of(&[[2.0, 1.0, 1.0], [f64::NAN; 3]]).unwrap();
        assert_eq!((one.runs, one.mean), (1, 2.0));
        assert!(one.sd.is_nan() && one.interval[0].is_nan());
        assert_eq!(Spread::of(&[[f64::NAN, 1.0, 1.0]]), None);
    }
}

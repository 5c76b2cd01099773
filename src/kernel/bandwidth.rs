//! Rules that find a bandwidth from the sample.

use rayon::prelude::*;

use super::{Method, Points, sums};
use crate::cloud::{self, Cloud, CloudView};
use crate::plane::{Neighbours, Planar};

/// Places that a rule looks at; it always compares them with every sample.
const PROBES: usize = 1000;

/// Silverman's normal-reference rule `h = σ (4/(d+2))^{1/(d+4)} n^{−1/(d+4)}`, σ the pooled standard deviation and d the
/// [dimension](cloud::dimension) of the sample (Silverman 1986, section 4.3.2): in the plane `σ n^{−1/6}`.
#[must_use]
pub fn silverman(sample: CloudView<'_>) -> f64 {
    let n = sample.nrows() as f64;
    cloud::spread(sample)
        * match cloud::dimension(sample) {
            1 => (4.0 / (3.0 * n)).powf(0.2),
            _ => n.powf(-1.0 / 6.0),
        }
}

/// The bandwidth that maximises the leave-one-out log likelihood of the sample,
/// `Σ_i log (1/(n−1)) Σ_{j≠i} k_h(x_i − x_j)/(2πh²)^{d/2}`, d its [dimension](cloud::dimension) (Habbema, Hermans and van den Broek, 1974).
///
/// Looks at no more than 1000 evenly spaced points `i`, each against the whole sample, between a
/// hundredth of and twice [`silverman`]'s rule; exact to 2 %.
#[must_use]
pub fn leave_one_out(sample: CloudView<'_>) -> f64 {
    let points = Points::new(sample);
    let probes = Points::new(probes(sample).view());
    let dimension = cloud::dimension(sample) as f64;
    let mut likelihood = |log_h: f64| {
        // The point itself contributes exactly one to its own sum. What is left of a lonely point is
        // at least the smallest number, so that it speaks against a small h with a finite voice.
        let mean: f64 = sums(&probes, [&points], log_h.exp(), Method::Exact)
            .iter()
            .map(|[s]| (s.log.exp() - 1.0).max(f64::MIN_POSITIVE).ln())
            .sum::<f64>()
            / probes.len() as f64;
        mean - dimension * log_h
    };
    let top = silverman(sample).ln();
    golden_section(&mut likelihood, top - 100f64.ln(), top + 2f64.ln()).exp()
}

/// Median distance to the `k`-th nearest other point, over at most 1000 evenly spaced points; NaN without points.
#[must_use]
pub fn neighbour_distance(sample: CloudView<'_>, k: usize) -> f64 {
    if sample.is_empty() {
        return f64::NAN;
    }
    let points = Neighbours::new(&Planar::new(sample));
    let probes = Planar::new(probes(sample).view());
    let k = k.min(sample.nrows().saturating_sub(1));
    let mut distances: Vec<f64> = (0..probes.len())
        .into_par_iter()
        // The point itself is the nearest, at distance 0.
        .map(|i| points.nearest(probes.at(i), k + 1, None).radius())
        .collect();
    let middle = distances.len() / 2;
    *distances.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// Every `⌈n/1000⌉`-th point of the sample.
fn probes(sample: CloudView<'_>) -> Cloud {
    let stride = sample.nrows().div_ceil(PROBES).max(1);
    sample
        .slice(ndarray::s![..;stride.cast_signed(), ..])
        .as_standard_layout()
        .into_owned()
}

/// The maximum of a function with one peak on `[low, high]`, to an interval of 0.02.
fn golden_section(value: &mut impl FnMut(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    let (mut left, mut right) = (high - ratio * (high - low), low + ratio * (high - low));
    let (mut at_left, mut at_right) = (value(left), value(right));
    while high - low > 0.02 {
        if at_left > at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - ratio * (high - low);
            at_left = value(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + ratio * (high - low);
            at_right = value(right);
        }
    }
    f64::midpoint(low, high)
}

//! Sinkhorn divergence: optimal transport made smooth by entropy, with the bias of the smoothing taken off.

use multiversion::multiversion;
use rayon::prelude::*;

use super::pairs::Planar;
use super::{About, Ideal, Metric, Reading};
use crate::cloud::{CloudView, spread};
use crate::vector::exp;

/// What [`Sinkhorn`] measures.
pub const SINKHORN: About = About {
    name: "sinkhorn",
    measures: "debiased entropic transport cost between cloud and target, squared distances, ε half the variance of a coordinate, in squared units",
    sees: "sees misplaced mass and large-scale error, as W2 does; blind to everything finer than √ε, and to a few per cent of outliers",
    ideal: Ideal::Low,
};

/// Rows that one task takes.
const ROWS: usize = 32;
/// Rounds after which a solution is given as it is, and called unconverged.
const ROUNDS: usize = 500;
/// Total variation of the marginals at which a plan is taken for one: it enters the value squared.
const TOLERANCE: f64 = 3e-4;
/// Factor between the regularisations of successive rounds on the way down to ε.
const ANNEALING: f64 = 0.5;

/// The Sinkhorn divergence `OT_ε(x, y) − ½ OT_ε(x, x) − ½ OT_ε(y, y)` (Feydy et al., AISTATS 2019), where
/// `OT_ε = min_π ⟨π, ‖x−y‖²⟩ + ε KL(π‖α⊗β)`, solved in the log domain, so that no ε underflows. Never negative, zero only for equal clouds; it goes
/// to `W2²` for `ε → 0` and to the squared distance of the means for `ε → ∞`.
#[derive(Clone, Debug)]
pub struct Sinkhorn {
    reference: Planar,
    epsilon: f64,
    own: Solution,
}

/// The value of an entropic problem, and how well it is solved.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Solution {
    value: f64,
    /// Total variation by which the plan misses its marginal.
    error: f64,
    rounds: usize,
}

impl Sinkhorn {
    /// ε as a share of the mean variance of a coordinate of the reference.
    pub const SHARE: f64 = 0.5;

    /// Takes the reference sample (`m×2`, not empty, finite) and ε, a squared length greater than 0.
    #[must_use]
    pub fn new(reference: CloudView<'_>, epsilon: f64) -> Self {
        let reference = Planar::new(reference);
        let own = symmetric(&reference, epsilon);
        Self {
            reference,
            epsilon,
            own,
        }
    }

    /// The ε that suits a sample: [`SHARE`](Self::SHARE) of its variance; 1 for a sample without any.
    #[must_use]
    pub fn epsilon_for(sample: CloudView<'_>) -> f64 {
        let variance = spread(sample).powi(2);
        if variance > 0.0 {
            Self::SHARE * variance
        } else {
            1.0
        }
    }
}

impl Metric for Sinkhorn {
    fn about(&self) -> &'static About {
        &SINKHORN
    }

    fn measure(&self, cloud: CloudView<'_>) -> f64 {
        self.read(cloud).value
    }

    fn read(&self, cloud: CloudView<'_>) -> Reading {
        if cloud.nrows() == 0 || !cloud.iter().all(|v| v.abs() < 1e150) {
            return Reading::of(f64::NAN);
        }
        let cloud = Planar::new(cloud);
        let both = between(&cloud, &self.reference, self.epsilon);
        let cloud = symmetric(&cloud, self.epsilon);
        let all = [both, cloud, self.own];
        let worst = all.iter().map(|s| s.error).fold(0.0, f64::max);
        let rounds = all.iter().map(|s| s.rounds).max().unwrap_or(0);
        let note = (worst > TOLERANCE).then(|| {
            format!(
                "not converged after {rounds} rounds: the plan misses its marginals by {worst:.1e}; take a larger ε"
            )
        });
        Reading {
            note,
            ..Reading::of(both.value - 0.5 * (cloud.value + self.own.value))
        }
    }
}

/// `OT_ε` between two clouds with equal weights, by Sinkhorn's alternating updates of the potentials.
fn between(a: &Planar, b: &Planar, epsilon: f64) -> Solution {
    let mut f = vec![0.0; a.len()];
    let mut g = vec![0.0; b.len()];
    let mut next = vec![0.0; a.len()];
    for current in schedule(a, b, epsilon) {
        soften(a, b, &g, current, &mut f);
        soften(b, a, &f, current, &mut g);
    }
    let (mut error, mut rounds) = (f64::INFINITY, 0);
    while rounds < ROUNDS && error > TOLERANCE {
        rounds += 1;
        soften(a, b, &g, epsilon, &mut next);
        error = excess(&f, &next, epsilon);
        std::mem::swap(&mut f, &mut next);
        soften(b, a, &f, epsilon, &mut g);
    }
    Solution {
        value: average(&f) + average(&g),
        error,
        rounds,
    }
}

/// `OT_ε` of a cloud with itself: one potential, and averaged updates, which converge in a few rounds.
fn symmetric(a: &Planar, epsilon: f64) -> Solution {
    let mut f = vec![0.0; a.len()];
    let mut next = vec![0.0; a.len()];
    let mut update = |f: &mut [f64], epsilon: f64| {
        soften(a, a, f, epsilon, &mut next);
        let error = excess(f, &next, epsilon);
        for (old, new) in f.iter_mut().zip(&next) {
            *old = f64::midpoint(*old, *new);
        }
        error
    };
    for current in schedule(a, a, epsilon) {
        update(&mut f, current);
    }
    let (mut error, mut rounds) = (f64::INFINITY, 0);
    while rounds < ROUNDS && error > TOLERANCE {
        rounds += 1;
        error = update(&mut f, epsilon);
    }
    Solution {
        value: 2.0 * average(&f),
        error,
        rounds,
    }
}

/// Regularisations from the squared extent of the clouds down to ε.
fn schedule(a: &Planar, b: &Planar, epsilon: f64) -> impl Iterator<Item = f64> {
    let extent = |side: fn(&Planar) -> &[f64]| {
        let all = side(a).iter().chain(side(b));
        let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &v| {
            (low.min(v), high.max(v))
        });
        high - low
    };
    let first = extent(|p| &p.x).powi(2) + extent(|p| &p.y).powi(2);
    std::iter::successors(Some(first), |current| Some(current * ANNEALING))
        .take_while(move |&current| current > epsilon)
}

/// How far the plan of the old potential is from its marginal, given the potential that would meet it.
fn excess(old: &[f64], new: &[f64], epsilon: f64) -> f64 {
    let gap = |(old, new): (&f64, &f64)| (((old - new) / epsilon).min(700.0).exp() - 1.0).abs();
    0.5 * old.iter().zip(new).map(gap).sum::<f64>() / old.len() as f64
}

fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// `f_i = −ε log (1/m) Σ_j exp((g_j − ‖a_i − b_j‖²)/ε)`.
fn soften(a: &Planar, b: &Planar, g: &[f64], epsilon: f64, f: &mut [f64]) {
    let log_count = (b.len() as f64).ln();
    let rate = 1.0 / epsilon;
    f.par_chunks_mut(ROWS).enumerate().for_each(|(task, f)| {
        let mut exponents = vec![0.0; b.len()];
        for (i, value) in (task * ROWS..).zip(f) {
            let log_sum = log_sum([a.x[i], a.y[i]], [&b.x, &b.y, g], rate, &mut exponents);
            *value = -epsilon * (log_sum - log_count);
        }
    });
}

/// `log Σ_j exp(rate (g_j − ‖at − b_j‖²))`.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn log_sum(at: [f64; 2], columns: [&[f64]; 3], rate: f64, exponents: &mut [f64]) -> f64 {
    const LANES: usize = 16;
    let m = exponents.len();
    let [x, y, g] = columns.map(|column| &column[..m]);
    for j in 0..m {
        let (dx, dy) = (x[j] - at[0], y[j] - at[1]);
        exponents[j] = rate * (g[j] - (dx * dx + dy * dy));
    }
    let (whole, rest) = exponents.as_chunks::<LANES>();
    let mut tops = [f64::NEG_INFINITY; LANES];
    for chunk in whole {
        for (top, &value) in tops.iter_mut().zip(chunk) {
            *top = if value > *top { value } else { *top };
        }
    }
    let top = tops
        .into_iter()
        .chain(rest.iter().copied())
        .fold(f64::NEG_INFINITY, f64::max);
    let mut sums = [0.0; LANES];
    for chunk in whole {
        for (sum, &value) in sums.iter_mut().zip(chunk) {
            *sum += exp(value - top);
        }
    }
    let rest: f64 = rest.iter().map(|value| exp(value - top)).sum();
    top + (sums.iter().sum::<f64>() + rest).ln()
}

//! Sinkhorn divergence: optimal transport made smooth by entropy, with the bias of the smoothing taken off.

use std::f64::consts::{LN_2, LOG2_E};

use multiversion::multiversion;
use rayon::prelude::*;

use super::pairs::Planar;
use super::w2::centre;
use super::{About, Ideal, Metric, Reading};
use crate::cloud::{CloudView, spread};
use crate::vector::exp2;

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
/// Total variation beyond which a start is none, and the solution comes down from a larger regularisation.
const FAR: f64 = 0.5;
/// Total variation below which updates may be over-relaxed: the problem is then almost linear.
const NEAR: f64 = 0.1;
/// Most over-relaxation.
const MOST_RELAXATION: f64 = 1.5;
/// Factor between the regularisations of successive rounds on the way down to ε.
const ANNEALING: f64 = 0.5;

/// The Sinkhorn divergence `OT_ε(x, y) − ½ OT_ε(x, x) − ½ OT_ε(y, y)` (Feydy et al., AISTATS 2019), where
/// `OT_ε = min_π ⟨π, ‖x−y‖²⟩ + ε KL(π‖α⊗β)`, solved in the log domain, so that no ε underflows. Never negative, zero only for equal clouds; it goes
/// to `W2²` for `ε → 0` and to the squared distance of the means for `ε → ∞`.
#[derive(Clone, Debug)]
pub struct Sinkhorn {
    /// The reference around its own centre.
    reference: Planar,
    middle: [f64; 2],
    epsilon: f64,
    relaxation: f64,
    /// Potential of the reference against itself: where the problems of clouds like it start.
    potential: Vec<f64>,
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
        let (reference, middle) = centre(&Planar::new(reference));
        let mut potential = vec![0.0; reference.len()];
        for current in schedule(&reference, &reference, epsilon) {
            average_update(&reference, current, &mut potential);
        }
        let own = symmetric(&reference, epsilon, &mut potential);
        Self {
            relaxation: relaxation(&reference, epsilon),
            reference,
            middle,
            epsilon,
            potential,
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
        // The plan does not depend on a shift, and its cost does by the square.
        let (cloud, middle) = centre(&Planar::new(cloud));
        let shift = [0, 1].map(|axis| middle[axis] - self.middle[axis]);
        let mut extended = vec![0.0; cloud.len()];
        soften(
            &cloud,
            &self.reference,
            &self.potential,
            self.epsilon,
            &mut extended,
        );
        let both = self.coupled(&cloud, extended.clone());
        let cloud = symmetric(&cloud, self.epsilon, &mut extended);
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
            ..Reading::of(
                both.value - 0.5 * (cloud.value + self.own.value)
                    + (shift[0] * shift[0] + shift[1] * shift[1]),
            )
        }
    }
}

impl Sinkhorn {
    /// `OT_ε` between a centred cloud and the reference, by Sinkhorn's alternating updates of the potentials, over-relaxed near the solution
    /// (Thibault et al., *Algorithms* 14, 2021). Starts at the potential `f` of the cloud that belongs to the reference's own.
    fn coupled(&self, cloud: &Planar, mut f: Vec<f64>) -> Solution {
        let (a, b, epsilon) = (cloud, &self.reference, self.epsilon);
        let mut g = self.potential.clone();
        let mut next = [vec![0.0; a.len()], vec![0.0; b.len()]];
        let (mut last, mut error, mut rounds) = (f64::INFINITY, f64::INFINITY, 0);
        let mut relaxation = self.relaxation;
        while rounds < ROUNDS && error > TOLERANCE {
            // A step too far makes the error grow: then plain updates, which never do.
            if error > 2.0 * last {
                relaxation = 1.0;
            }
            last = error;
            let factor = if error < NEAR { relaxation } else { 1.0 };
            rounds += 1;
            soften(b, a, &f, epsilon, &mut next[1]);
            let miss = excess(&g, &next[1], epsilon);
            relax(&mut g, &next[1], factor);
            soften(a, b, &g, epsilon, &mut next[0]);
            error = miss.max(excess(&f, &next[0], epsilon));
            relax(&mut f, &next[0], factor);
            if rounds == 2 && error > FAR {
                for current in schedule(a, b, epsilon) {
                    soften(a, b, &g, current, &mut f);
                    soften(b, a, &f, current, &mut g);
                }
            }
        }
        // The value of a plan wants one marginal met.
        soften(a, b, &g, epsilon, &mut f);
        soften(b, a, &f, epsilon, &mut g);
        Solution {
            value: average(&f) + average(&g),
            error,
            rounds,
        }
    }
}

/// The best over-relaxation between two Gaussians with the variance of the sample: their plan has the correlation `ρ = √(1+s²) − s`,
/// `s = ε/4v`, a plain round shrinks errors by `ρ²`, and the best one by `ω − 1` with `ω = 2/(1 + √(1−ρ²))`.
fn relaxation(sample: &Planar, epsilon: f64) -> f64 {
    let squares: f64 = sample.x.iter().chain(&sample.y).map(|v| v * v).sum();
    let variance = 0.5 * squares / sample.len() as f64;
    let s = 0.25 * epsilon / variance;
    let rho = s.hypot(1.0) - s;
    let best = 2.0 / (1.0 + (1.0 - rho * rho).max(0.0).sqrt());
    // Without variance there is nothing to relax.
    if best.is_finite() {
        best.clamp(1.0, MOST_RELAXATION)
    } else {
        1.0
    }
}

fn relax(old: &mut [f64], new: &[f64], factor: f64) {
    for (old, new) in old.iter_mut().zip(new) {
        *old += factor * (new - *old);
    }
}

/// `OT_ε` of a cloud with itself: one potential, and averaged updates, which converge in a few rounds.
fn symmetric(a: &Planar, epsilon: f64, f: &mut [f64]) -> Solution {
    let (mut error, mut rounds) = (f64::INFINITY, 0);
    while rounds < ROUNDS && error > TOLERANCE {
        rounds += 1;
        error = average_update(a, epsilon, f);
    }
    Solution {
        value: 2.0 * average(f),
        error,
        rounds,
    }
}

/// One averaged update; how far the potential was from meeting the marginal.
fn average_update(a: &Planar, epsilon: f64, f: &mut [f64]) -> f64 {
    let mut next = vec![0.0; f.len()];
    soften(a, a, f, epsilon, &mut next);
    let error = excess(f, &next, epsilon);
    relax(f, &next, 0.5);
    error
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
    // In base 2, as the machine counts.
    let rate = LOG2_E / epsilon;
    f.par_chunks_mut(ROWS).enumerate().for_each(|(task, f)| {
        let mut exponents = vec![0.0; b.len()];
        for (i, value) in (task * ROWS..).zip(f) {
            let log_sum = log_sum([a.x[i], a.y[i]], [&b.x, &b.y, g], rate, &mut exponents);
            *value = -epsilon * (LN_2 * log_sum - log_count);
        }
    });
}

/// `log₂ Σ_j 2^(rate (g_j − ‖at − b_j‖²))`.
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
            *sum += exp2(value - top);
        }
    }
    let rest: f64 = rest.iter().map(|value| exp2(value - top)).sum();
    top + (sums.iter().sum::<f64>() + rest).log2()
}

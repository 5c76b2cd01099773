//! Sinkhorn divergence: optimal transport made smooth by entropy, with the bias of the smoothing taken off.

use std::f64::consts::{LN_2, LOG2_E};

use multiversion::multiversion;
use rayon::prelude::*;

use super::{About, Effort, Grain, Ideal, Metric, Needs, Reading, Scale, Taken};
use crate::cloud::{CloudView, spread};
use crate::numeric::Real;
use crate::plane::Planar;
use crate::transport::centre;

/// What [`Sinkhorn`] measures.
pub const SINKHORN: About = About {
    name: "sinkhorn",
    words: "Sinkhorn divergence",
    measures: "debiased entropic transport cost between cloud and target, squared distances, ε half the variance of a coordinate of the reference (of both samples pooled in `measure`), in squared units",
    sees: "sees misplaced mass and large-scale error, as W2 does; blind to everything finer than √ε, and to a few per cent of outliers",
    ideal: Ideal::Low,
    grain: Grain::Fine,
    axis: Some(Scale::Log),
    taken: Taken::Asked,
    needs: Needs::Nothing,
    effort: Effort::Dear,
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
/// `OT_ε = min_π ⟨π, ‖x−y‖²⟩ + ε KL(π‖α⊗β)`, solved in the log domain, so that no ε underflows. Never negative, zero only for equal clouds, once it has converged: a reading that has not says so; it goes
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
        let correlation = correlation(&reference, epsilon);
        // The potential of a Gaussian.
        let square = |(x, y): (&f64, &f64)| (1.0 - correlation) * (x * x + y * y);
        let mut potential: Vec<f64> = reference.x.iter().zip(&reference.y).map(square).collect();
        let own = symmetric(&reference, epsilon, &mut potential);
        Self {
            relaxation: relaxation(correlation),
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
        Softening::new(&cloud, &self.reference, self.epsilon).quick(&self.potential, &mut extended);
        let both = self.coupled(&cloud, extended.clone());
        let cloud = symmetric(&cloud, self.epsilon, &mut extended);
        let all = [both, cloud, self.own];
        let worst = all.iter().map(|s| s.error).fold(0.0, f64::max);
        let rounds = all.iter().map(|s| s.rounds).max().unwrap_or(0);
        let value = both.value - 0.5 * (cloud.value + self.own.value)
            + (shift[0] * shift[0] + shift[1] * shift[1]);
        // What is left of terms of this size.
        let rounding = 1e-6 * (both.value.abs() + cloud.value.abs() + self.own.value.abs());
        let note = if worst > TOLERANCE {
            Some(format!(
                "not converged after {rounds} rounds: the plan misses its marginals by {worst:.1e}; take a larger ε"
            ))
        } else if value < -rounding {
            Some(
                "not converged: the divergence is never negative, but mass crosses between parts far from each other too slowly at this ε; take a larger one"
                    .to_owned(),
            )
        } else {
            None
        };
        Reading {
            note,
            ..Reading::of(value)
        }
    }
}

impl Sinkhorn {
    /// `OT_ε` between a centred cloud and the reference, by Sinkhorn's alternating updates of the potentials, over-relaxed near the solution
    /// (Thibault et al., *Algorithms* 14, 2021). Starts at the potential `f` of the cloud that belongs to the reference's own.
    fn coupled(&self, cloud: &Planar, mut f: Vec<f64>) -> Solution {
        let (a, b, epsilon) = (cloud, &self.reference, self.epsilon);
        let [to_a, to_b] = [Softening::new(a, b, epsilon), Softening::new(b, a, epsilon)];
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
            to_b.quick(&f, &mut next[1]);
            let miss = excess(&g, &next[1], epsilon);
            relax(&mut g, &next[1], factor);
            to_a.quick(&g, &mut next[0]);
            error = miss.max(excess(&f, &next[0], epsilon));
            relax(&mut f, &next[0], factor);
            if rounds == 2 && error > FAR {
                for current in schedule(a, b, epsilon) {
                    Softening::new(a, b, current).quick(&g, &mut f);
                    Softening::new(b, a, current).quick(&f, &mut g);
                }
            }
        }
        // The value of a plan wants one marginal met, and exactly.
        to_b.exact(&f, &mut g);
        Solution {
            value: average(&f) + average(&g),
            error,
            rounds,
        }
    }
}

/// The correlation `ρ = √(1+s²) − s`, `s = ε/4v`, of the plan of a Gaussian with the variance of the sample; its potential is `(1−ρ)‖x‖²`.
fn correlation(sample: &Planar, epsilon: f64) -> f64 {
    let squares: f64 = sample.x.iter().chain(&sample.y).map(|v| v * v).sum();
    let variance = 0.5 * squares / sample.len() as f64;
    let s = 0.25 * epsilon / variance;
    let rho = s.hypot(1.0) - s;
    // Without variance all points are one.
    if rho.is_finite() { rho } else { 0.0 }
}

/// The best over-relaxation between two Gaussians: a plain round shrinks errors by `ρ²`, and the best one by `ω − 1` with
/// `ω = 2/(1 + √(1−ρ²))`.
fn relaxation(rho: f64) -> f64 {
    let best = 2.0 / (1.0 + (1.0 - rho * rho).max(0.0).sqrt());
    best.clamp(1.0, MOST_RELAXATION)
}

fn relax(old: &mut [f64], new: &[f64], factor: f64) {
    for (old, new) in old.iter_mut().zip(new) {
        *old += factor * (new - *old);
    }
}

/// `OT_ε` of a cloud with itself: one potential, and averaged updates, which converge in a few rounds.
fn symmetric(a: &Planar, epsilon: f64, f: &mut [f64]) -> Solution {
    let softening = Softening::new(a, a, epsilon);
    let mut next = vec![0.0; f.len()];
    let (mut error, mut rounds) = (f64::INFINITY, 0);
    while rounds < ROUNDS && error > TOLERANCE {
        rounds += 1;
        error = average_update(&softening, f, &mut next);
        if rounds == 1 && error > FAR {
            for current in schedule(a, a, epsilon) {
                average_update(&Softening::new(a, a, current), f, &mut next);
            }
        }
    }
    softening.exact(f, &mut next);
    Solution {
        value: average(f) + average(&next),
        error,
        rounds,
    }
}

/// One averaged update; how far the potential was from meeting the marginal. Near the solution the plain update has slopes between −1 and 0, so
/// that two thirds of it leave at most a third of any error.
fn average_update(softening: &Softening<'_>, f: &mut [f64], next: &mut [f64]) -> f64 {
    softening.quick(f, next);
    let error = excess(f, next, softening.epsilon);
    relax(f, next, 2.0 / 3.0);
    error
}

/// Regularisations from the squared extent of the clouds down to ε.
fn schedule(a: &Planar, b: &Planar, epsilon: f64) -> impl Iterator<Item = f64> {
    std::iter::successors(Some(extent(a, b)), |current| Some(current * ANNEALING))
        .take_while(move |&current| current > epsilon)
}

/// A squared length that no distance in and between the clouds exceeds.
fn extent(a: &Planar, b: &Planar) -> f64 {
    let extent = |side: fn(&Planar) -> &[f64]| {
        let all = side(a).iter().chain(side(b));
        let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &v| {
            (low.min(v), high.max(v))
        });
        high - low
    };
    extent(|p| &p.x).powi(2) + extent(|p| &p.y).powi(2)
}

/// How far the plan of the old potential is from its marginal, given the potential that would meet it.
fn excess(old: &[f64], new: &[f64], epsilon: f64) -> f64 {
    let gap = |(old, new): (&f64, &f64)| (((old - new) / epsilon).min(700.0).exp() - 1.0).abs();
    0.5 * old.iter().zip(new).map(gap).sum::<f64>() / old.len() as f64
}

fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The update `f_i = −ε log (1/m) Σ_j exp((g_j − ‖a_i − b_j‖²)/ε)` between two centred clouds.
struct Softening<'a> {
    a: &'a Planar,
    b: &'a Planar,
    epsilon: f64,
    /// Whether single precision is good enough on the way: its exponents are wrong by less than a tenth of what is tolerated.
    single: bool,
}

impl<'a> Softening<'a> {
    /// Largest exponent, in bits, that single precision is trusted with.
    const MOST_BITS: f64 = 256.0;

    fn new(a: &'a Planar, b: &'a Planar, epsilon: f64) -> Self {
        let single = LOG2_E / epsilon * extent(a, b) <= Self::MOST_BITS;
        Self {
            a,
            b,
            epsilon,
            single,
        }
    }

    fn quick(&self, g: &[f64], f: &mut [f64]) {
        if self.single {
            self.update(g, f, log_sum_single);
        } else {
            self.exact(g, f);
        }
    }

    fn exact(&self, g: &[f64], f: &mut [f64]) {
        self.update(g, f, log_sum_double);
    }

    fn update<T: Real>(&self, g: &[f64], f: &mut [f64], log_sum: LogSum<T>) {
        // In base 2, as the machine counts, and in units in which distances are exponents.
        let rate = LOG2_E / self.epsilon;
        let scaled =
            |values: &[f64], by: f64| -> Vec<T> { values.iter().map(|v| T::of(by * v)).collect() };
        let [x, y] = [&self.b.x, &self.b.y].map(|side| scaled(side, rate.sqrt()));
        let [at_x, at_y] = [&self.a.x, &self.a.y].map(|side| scaled(side, rate.sqrt()));
        let g = scaled(g, rate);
        let log_count = (g.len() as f64).log2();
        f.par_chunks_mut(ROWS).enumerate().for_each(|(task, f)| {
            let mut exponents = vec![T::ZERO; g.len()];
            for (i, value) in (task * ROWS..).zip(f) {
                let log_sum = log_sum([at_x[i], at_y[i]], [&x, &y, &g], &mut exponents);
                *value = -self.epsilon * LN_2 * (log_sum - log_count);
            }
        });
    }
}

/// `log₂ Σ_j 2^(g_j − ‖at − b_j‖²)`, from a place, the columns `x`, `y`, `g`, and room for as many exponents.
type LogSum<T> = fn([T; 2], [&[T]; 3], &mut [T]) -> f64;

#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn log_sum_single(at: [f32; 2], columns: [&[f32]; 3], exponents: &mut [f32]) -> f64 {
    log_sum::<f32, 32>(at, columns, exponents)
}

#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn log_sum_double(at: [f64; 2], columns: [&[f64]; 3], exponents: &mut [f64]) -> f64 {
    log_sum::<f64, 16>(at, columns, exponents)
}

#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "it must be compiled for the caller's instruction set"
)]
fn log_sum<T: Real, const LANES: usize>(
    at: [T; 2],
    columns: [&[T]; 3],
    exponents: &mut [T],
) -> f64 {
    let m = exponents.len();
    let [x, y, g] = columns.map(|column| &column[..m]);
    for j in 0..m {
        let (dx, dy) = (x[j] - at[0], y[j] - at[1]);
        exponents[j] = g[j] - (dx * dx + dy * dy);
    }
    let (whole, rest) = exponents.as_chunks::<LANES>();
    let mut tops = [T::of(f64::NEG_INFINITY); LANES];
    for chunk in whole {
        for (top, &value) in tops.iter_mut().zip(chunk) {
            *top = if value > *top { value } else { *top };
        }
    }
    let top = tops
        .iter()
        .chain(rest)
        .map(|value| value.wide())
        .fold(f64::NEG_INFINITY, f64::max);
    let common = T::of(top);
    let mut sums = [T::ZERO; LANES];
    for chunk in whole {
        for (sum, &value) in sums.iter_mut().zip(chunk) {
            *sum += (value - common).exp2::<false>();
        }
    }
    let rest = rest
        .iter()
        .map(|value| (*value - common).exp2::<false>().wide());
    let whole: f64 = sums.iter().map(|sum| sum.wide()).sum();
    top + (whole + rest.sum::<f64>()).log2()
}

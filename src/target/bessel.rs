//! The modified Bessel functions `I₀` and `I₁`, as far as Gaussian noise around a circle needs them.
//!
//! Below 30 the power series is summed, whose terms are all positive; from there on the asymptotic one,
//! whose smallest term is then far below rounding. Both are right to about 1e-15. Source: Abramowitz and
//! Stegun, *Handbook of Mathematical Functions*, 9.6.10 and 9.7.1.

use std::f64::consts::PI;

const PARTING: f64 = 30.0;

/// `log(e^{−x} I₀(x))` for `x ≥ 0`.
pub(super) fn log_scaled_i0(x: f64) -> f64 {
    if x < PARTING {
        power_series(x, 0.0).ln() - x
    } else {
        asymptotic_series(x, 0.0).ln() - 0.5 * ((2.0 * PI).ln() + x.ln())
    }
}

/// `I₁(x) / I₀(x)` for `x ≥ 0`: 0 at 0, rising to 1.
pub(super) fn i1_over_i0(x: f64) -> f64 {
    if x < PARTING {
        0.5 * x * power_series(x, 1.0) / power_series(x, 0.0)
    } else {
        asymptotic_series(x, 1.0) / asymptotic_series(x, 0.0)
    }
}

/// `Σ_k (x²/4)^k ν! / (k! (k+ν)!)`, which is `I_ν(x)` without its factor `(x/2)^ν / ν!`.
fn power_series(x: f64, order: f64) -> f64 {
    let quarter = 0.25 * x * x;
    let (mut term, mut sum, mut k) = (1.0, 1.0, 1.0);
    while term > f64::EPSILON * 0.1 * sum {
        term *= quarter / (k * (k + order));
        sum += term;
        k += 1.0;
    }
    sum
}

/// `1 − (μ−1)/(8x) + (μ−1)(μ−9)/(2! (8x)²) − …`, `μ = 4ν²`, which is `I_ν(x)` without its factor `e^x/√(2πx)`.
fn asymptotic_series(x: f64, order: f64) -> f64 {
    let mu = 4.0 * order * order;
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..25 {
        let k = f64::from(k);
        let odd = 2.0 * k - 1.0;
        term *= -(mu - odd * odd) / (8.0 * k * x);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(x, log(e^{−x} I₀(x)), I₁(x)/I₀(x))`, computed with mpmath 1.3 at 30 digits.
    const KNOWN: [(f64, f64, f64); 12] = [
        (0.0, 0.0, 0.0),
        (
            0.001,
            -0.000_999_750_000_015_625,
            0.000_499_999_937_500_010_5,
        ),
        (0.5, -0.438_450_280_814_518_7, 0.242_499_612_580_801_95),
        (1.0, -0.764_085_641_492_821_4, 0.446_389_965_896_534_5),
        (5.0, -1.695_318_224_177_466_6, 0.893_383_137_044_085_2),
        (12.5, -2.171_364_485_382_878, 0.959_126_297_076_218_1),
        (29.9, -2.613_614_689_444_904_3, 0.983_132_833_265_805_7),
        (30.1, -2.616_976_791_048_818, 0.983_245_897_153_711),
        (100.0, -3.220_267_310_057_416_5, 0.994_987_373_005_168_8),
        (700.0, -4.194_300_001_556_551, 0.999_285_458_818_426_1),
        (1e4, -5.524_096_218_567_699, 0.999_949_998_749_875),
        (1e8, -10.129_278_903_930_855, 0.999_999_995),
    ];

    #[test]
    fn agree_with_known_values() {
        for (x, log_i0, ratio) in KNOWN {
            let off = (log_scaled_i0(x) - log_i0).abs();
            assert!(off <= 1e-14, "log I0({x}) is off by {off:e}");
            let off = (i1_over_i0(x) - ratio).abs();
            assert!(off <= 2e-15 * ratio, "I1/I0({x}) is off by {off:e}");
        }
    }

    #[test]
    fn stay_finite_at_any_distance() {
        for x in [1e150, f64::MAX] {
            assert!(log_scaled_i0(x).is_finite());
            assert_eq!(i1_over_i0(x), 1.0);
        }
    }
}

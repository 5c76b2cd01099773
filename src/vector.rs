//! Elementary functions in plain arithmetic, so that loops over slices become vector instructions.

use std::f64::consts::LOG2_E;

/// `e^x` for `x ≤ 700`, without branches or table, relative error below 1e-14; below −700 it stays at `e^−700`,
/// which any sum takes for zero. Only additions, multiplications and shifts of bits: every machine gives the same bits.
///
/// `x = k ln 2 + r` with integer `k` and `|r| ≤ ½ ln 2`; then `e^x = 2^k e^r` and `e^r` is its Taylor polynomial of degree 11.
#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "a call would keep the caller's loop scalar"
)]
pub(crate) fn exp(x: f64) -> f64 {
    // Adding 1.5·2^52 rounds to an integer and leaves it in the low bits of the sum.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    // ln 2 in two parts; the first has 21 trailing zero bits, so that its product with k is exact.
    const LN2_HIGH: f64 = 0.693_147_180_369_123_8;
    const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    const TAYLOR: [f64; 12] = taylor();

    let x = if x < -700.0 { -700.0 } else { x };
    let shifted = x * LOG2_E + ROUND;
    let k = shifted - ROUND;
    let r = (x - k * LN2_HIGH) - k * LN2_LOW;
    let mut sum = TAYLOR[11];
    let mut power = 11;
    while power > 0 {
        power -= 1;
        sum = sum * r + TAYLOR[power];
    }
    let two_to_k = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    sum * two_to_k
}

const fn taylor() -> [f64; 12] {
    let mut factors = [1.0; 12];
    let mut factorial = 1.0;
    let mut power = 1;
    while power < 12 {
        factorial *= power as f64;
        factors[power] = 1.0 / factorial;
        power += 1;
    }
    factors
}

#[cfg(test)]
mod tests {
    use super::exp;

    #[test]
    fn exp_agrees_with_the_standard_library() {
        for i in -70_000..=7_000 {
            let x = f64::from(i) * 0.009_87;
            assert!(
                (exp(x) / x.exp() - 1.0).abs() < 1e-14,
                "e^{x}: {} against {}",
                exp(x),
                x.exp()
            );
        }
    }

    #[test]
    fn exp_far_below_zero_is_tiny_and_normal() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-1e300), exp(-700.0));
        assert!(exp(-1e300).is_normal() && exp(-1e300) < 1e-303);
    }
}

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

/// `2^x` for `x ≤ 1000`, without branches or table, relative error below 4e-14; below −1000 it stays at `2^−1000`, which any sum takes
/// for zero. A quarter cheaper than [`exp`], for sums over pairs. Only additions, multiplications and shifts of bits: every machine gives
/// the same bits.
///
/// `x = k + r` with integer `k` and `|r| ≤ ½`; `2^r` is the polynomial of degree 9 that meets it at the zeros of Chebyshev's,
/// but for its constant, which is made 1 so that `2^0` is.
#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "a call would keep the caller's loop scalar"
)]
pub(crate) fn exp2(x: f64) -> f64 {
    const ROUND: f64 = 6_755_399_441_055_744.0;
    const FACTORS: [f64; 10] = [
        1.0,
        0.693_147_180_559_946_2,
        0.240_226_506_956_403_4,
        0.055_504_108_664_651_65,
        0.009_618_129_193_934_283,
        0.001_333_355_820_079_693_4,
        0.000_154_034_337_512_755_56,
        1.525_267_292_370_369_4e-5,
        1.325_964_523_958_612_9e-6,
        1.020_590_561_236_160_5e-7,
    ];

    let x = if x < -1000.0 { -1000.0 } else { x };
    let shifted = x + ROUND;
    let r = x - (shifted - ROUND);
    let mut sum = FACTORS[9];
    let mut power = 9;
    while power > 0 {
        power -= 1;
        sum = sum * r + FACTORS[power];
    }
    // k is added to the exponent.
    f64::from_bits(sum.to_bits().wrapping_add(shifted.to_bits() << 52))
}

/// `[sin x, cos x]` to 1e-15 for `|x| ≤ 1e5`, absolute error growing in proportion beyond, without branches or table; further out
/// than 1e9 it stays at its value there. Only additions and multiplications: every machine gives the same bits.
///
/// `x = k π/2 + r` with integer `k` and `|r| ≤ π/4`; then both are Taylor polynomials of r, exchanged and signed by `k`.
#[inline(always)]
#[allow(
    clippy::inline_always,
    reason = "a call would keep the caller's loop scalar"
)]
pub(crate) fn sin_cos(x: f64) -> [f64; 2] {
    const ROUND: f64 = 6_755_399_441_055_744.0;
    const FAR: f64 = 1e9;
    // π/2 in three parts of 33 bits, so that the products of the first two with k are exact up to k = 2²⁰.
    const HIGH: f64 = 1.570_796_326_734_125_6;
    const MIDDLE: f64 = 6.077_100_506_303_966e-11;
    const LOW: f64 = 2.022_266_248_795_950_6e-21;
    const SINE: [f64; 9] = alternating(1);
    const COSINE: [f64; 9] = alternating(0);

    let x = if x < -FAR { -FAR } else { x };
    let x = if x > FAR { FAR } else { x };
    let shifted = x * std::f64::consts::FRAC_2_PI + ROUND;
    let k = shifted - ROUND;
    let r = ((x - k * HIGH) - k * MIDDLE) - k * LOW;
    let square = r * r;
    let (mut s, mut c) = (SINE[8], COSINE[8]);
    let mut power = 8;
    while power > 0 {
        power -= 1;
        s = s * square + SINE[power];
        c = c * square + COSINE[power];
    }
    let s = s * r;
    let quarter = shifted.to_bits();
    let odd = quarter & 1 == 1;
    let (sin, cos) = if odd { (c, s) } else { (s, c) };
    // The second bit of k turns the sine's sign, and that of k + 1 the cosine's.
    let sin_sign = (quarter & 2) << 62;
    let cos_sign = (quarter.wrapping_add(1) & 2) << 62;
    [
        f64::from_bits(sin.to_bits() ^ sin_sign),
        f64::from_bits(cos.to_bits() ^ cos_sign),
    ]
}

/// `(−1)ⁱ / (2i + first)!`.
const fn alternating(first: usize) -> [f64; 9] {
    let mut factors = [1.0; 9];
    let mut i = 1;
    while i < 9 {
        let n = 2 * i + first;
        factors[i] = -factors[i - 1] / (n * (n - 1)) as f64;
        i += 1;
    }
    factors
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
    use super::{exp, exp2, sin_cos};

    #[test]
    fn sine_and_cosine_agree_with_the_standard_library() {
        for i in -100_000..=100_000 {
            let x = f64::from(i) * 0.737;
            let [sin, cos] = sin_cos(x);
            let (s, c) = x.sin_cos();
            assert!((sin - s).abs() < 1e-15 && (cos - c).abs() < 1e-15, "{x}");
        }
        for x in [1e300, -1e300, 3e12] {
            assert!(sin_cos(x).iter().all(|v| v.abs() < 1.5), "{x}");
        }
    }

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
    fn exp2_agrees_with_the_standard_library() {
        for i in -100_000..=10_000 {
            let x = f64::from(i) * 0.009_87;
            assert!((exp2(x) / x.exp2() - 1.0).abs() < 4e-14, "2^{x}");
        }
        assert_eq!(exp2(-1e300), exp2(-1000.0));
        assert!(exp2(-1e300).is_normal() && exp2(f64::NAN).is_nan());
    }

    #[test]
    fn exp_far_below_zero_is_tiny_and_normal() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-1e300), exp(-700.0));
        assert!(exp(-1e300).is_normal() && exp(-1e300) < 1e-303);
    }
}

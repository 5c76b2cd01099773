//! Sine and cosine in plain arithmetic, so that loops over slices become vector instructions.

/// `[sin x, cos x]` to 1e-15 for `|x| ≤ 1e5`, absolute error growing in proportion beyond, without branches or table; further out
/// than 1e9 it stays at its value there. Only additions and multiplications: every machine gives the same bits.
///
/// `x = k π/2 + r` with integer `k` and `|r| ≤ π/4`; then both are Taylor polynomials of r, exchanged and signed by `k`.
#[inline(always)]
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

#[cfg(test)]
mod tests {
    use super::sin_cos;

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
}

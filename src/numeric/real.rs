//! The two floating-point types, with elementary functions in plain arithmetic: loops over slices become vector instructions, and every
//! machine gives the same bits.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

/// `f32` or `f64`.
pub trait Real:
    Copy
    + Debug
    + Default
    + PartialEq
    + PartialOrd
    + Send
    + Sync
    + Neg<Output = Self>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + 'static
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// The square root of the least normal number, a power of two.
    const NEGLIGIBLE: Self;
    /// `log₂` of [`NEGLIGIBLE`](Self::NEGLIGIBLE).
    const NEGLIGIBLE_EXPONENT: Self;

    /// The nearest number of this type.
    fn of(value: f64) -> Self;
    /// The same number in double precision; exact.
    fn wide(self) -> f64;
    /// `self · factor + addend`, rounded once if `FUSED`, which says that the machine does it in one instruction.
    #[must_use]
    fn fused<const FUSED: bool>(self, factor: Self, addend: Self) -> Self;
    /// √x.
    #[must_use]
    fn sqrt(self) -> Self;
    /// eˣ to about two units in the last place, by a polynomial: the same bits on every machine. Saturates
    /// where eˣ or its inverse would leave the normal range; NaN stays NaN.
    #[must_use]
    fn exp(self) -> Self;
    /// `2ˣ` for exponents below 100, and a tiny normal number, `2⁻¹⁰⁰` or less, where the exponent is below that, which any sum takes for
    /// zero: a subnormal one would cost some fifty times as much. Relative error below 7.5e-8 in single precision, 2.1e-16 in double.
    #[must_use]
    fn exp2<const FUSED: bool>(self) -> Self;
    /// `log(1 + x)` for `0 ≤ x ≤ 1`, by a series: the same bits on every machine.
    #[must_use]
    fn log1p(self) -> Self;
    /// The number, or 0 where it is below [`NEGLIGIBLE`](Self::NEGLIGIBLE).
    ///
    /// Products of two such numbers are normal or 0. Some machines take a hundred times as long for subnormal ones.
    #[must_use]
    fn flushed(self) -> Self;
    /// Whether the number is neither infinite nor NaN.
    fn is_finite(self) -> bool;
}

/// Implements [`Real`] for a type; the two differ only in constants. All is inlined, because a call would
/// end the vectorisation of the loop around it.
///
/// `eˣ = 2ⁿ eʳ` with `n = round(x log₂ e)` and `|r| ≤ ½ log 2`. Adding 1.5·2^(mantissa bits) rounds to an
/// integer and leaves it in the low bits of the sum, from where a shift carries it into the exponent.
macro_rules! real {
    ($type:ident, $bits:ident, $negligible:literal, $mantissa:literal, $limit:literal, $log2_high:literal, $log2_low:literal,
     $inverse_factorials:expr, $terms:literal, $least_exponent:literal, $powers:expr) => {
        impl Real for $type {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const NEGLIGIBLE: Self = Self::from_bits(1 << ($bits::BITS - 3));
            const NEGLIGIBLE_EXPONENT: Self = $negligible;

            #[inline(always)]
            fn of(value: f64) -> Self {
                value as Self
            }

            #[inline(always)]
            fn wide(self) -> f64 {
                f64::from(self)
            }

            #[inline(always)]
            fn fused<const FUSED: bool>(self, factor: Self, addend: Self) -> Self {
                if FUSED {
                    self.mul_add(factor, addend)
                } else {
                    self * factor + addend
                }
            }

            #[inline(always)]
            fn sqrt(self) -> Self {
                self.sqrt()
            }

            #[inline(always)]
            fn exp(self) -> Self {
                const ROUND: $type = 1.5 * (1_u64 << $mantissa) as $type;
                // Written so that NaN falls through both comparisons.
                let x = if self < -$limit { -$limit } else { self };
                let x = if x > $limit { $limit } else { x };
                let shifted = x * std::$type::consts::LOG2_E + ROUND;
                let n = shifted - ROUND;
                let r = x - n * $log2_high - n * $log2_low;
                let [mut sum, rest @ ..] = $inverse_factorials;
                for factor in rest {
                    sum = sum * r + factor;
                }
                $type::from_bits(sum.to_bits().wrapping_add(shifted.to_bits() << $mantissa))
            }

            // `2ˣ = 2ⁿ 2ʳ` with integer n and |r| ≤ ½; `2ʳ` is the polynomial of least relative error (found with the exchange
            // algorithm of Remez in 40 digits).
            #[inline(always)]
            fn exp2<const FUSED: bool>(self) -> Self {
                const ROUND: $type = 1.5 * (1_u64 << $mantissa) as $type;
                let x = if self < $least_exponent {
                    $least_exponent
                } else {
                    self
                };
                let shifted = x + ROUND;
                let r = x - (shifted - ROUND);
                let [mut power, rest @ ..] = $powers;
                for factor in rest {
                    power = power.fused::<FUSED>(r, factor);
                }
                Self::from_bits(power.to_bits().wrapping_add(shifted.to_bits() << $mantissa))
            }

            #[inline(always)]
            fn log1p(self) -> Self {
                // log(1 + x) = 2 artanh y with y = x / (2 + x) ≤ 1/3.
                let y = self / (2.0 + self);
                let square = y * y;
                let mut sum = 0.0;
                for k in (0..$terms).rev() {
                    sum = sum * square + 1.0 / (2.0 * $type::from(k) + 1.0);
                }
                2.0 * y * sum
            }

            #[inline(always)]
            fn flushed(self) -> Self {
                // The two highest bits of the exponent, one of which is set from `NEGLIGIBLE` on: one test of a register, where a comparison of sizes has
                // to take the sign away first.
                const HIGHEST: $bits = 3 << ($bits::BITS - 3);
                if self.to_bits() & HIGHEST == 0 {
                    0.0
                } else {
                    self
                }
            }

            #[inline(always)]
            fn is_finite(self) -> bool {
                $type::is_finite(self)
            }
        }
    };
}

// The high part of log 2 has so few bits that its product with n is exact.
real!(
    f32,
    u32,
    -63.0,
    23,
    87.0,
    0.693_359_4,
    -2.121_944_4e-4,
    [
        1.0 / 5040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0
    ],
    8_u8,
    -100.0,
    [
        0.001_327_647_2,
        0.009_675_541,
        0.055_507_13,
        0.240_221_2,
        0.693_146_94,
        1.000_000_1,
    ]
);
real!(
    f64,
    u64,
    -511.0,
    52,
    708.0,
    6.931_471_803_691_238e-1,
    1.908_214_929_270_587_7e-10,
    [
        1.0 / 6_227_020_800.0,
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0
    ],
    18_u8,
    -1000.0,
    [
        7.037_278_846_726_901e-9,
        1.020_853_792_965_741e-7,
        1.321_566_283_595_924e-6,
        1.525_265_811_640_985_4e-5,
        1.540_352_996_112_707_6e-4,
        0.001_333_355_822_856_176_7,
        0.009_618_129_108_034_596,
        0.055_504_108_664_458_83,
        0.240_226_506_959_087_68,
        0.693_147_180_559_949_7,
        1.0,
    ]
);

/// σ(x) = 1/(1 + e⁻ˣ).
#[inline(always)]
pub(crate) fn sigmoid<T: Real>(x: T) -> T {
    T::ONE / (T::ONE + (-x).exp())
}

/// log(1 + eˣ) without overflow, and its derivative σ(x).
#[inline(always)]
pub(crate) fn softplus<T: Real>(x: T) -> (T, T) {
    let negative = x < T::ZERO;
    let [positive, size] = if negative { [T::ZERO, -x] } else { [x, x] };
    let rest = (-size).exp();
    let sigma = (if negative { rest } else { T::ONE }) / (T::ONE + rest);
    // Flushed, since the series halves it.
    (positive + rest.flushed().log1p(), sigma)
}

#[cfg(test)]
mod tests {
    use super::Real;

    /// The standard library's correctly rounded functions are the truth here.
    #[test]
    fn the_exponential_is_right_to_two_units_in_the_last_place() {
        for i in -80_000..80_000 {
            let x = f64::from(i) * 1e-3;
            let single = Real::exp(x as f32).wide() / f64::from(x as f32).exp() - 1.0;
            assert!(
                single.abs() < 2.0 * f64::from(f32::EPSILON),
                "{x}: {single}"
            );
            let double = Real::exp(x * 8.0) / (x * 8.0).exp() - 1.0;
            assert!(double.abs() < 2.0 * f64::EPSILON, "{x}: {double}");
        }
    }

    #[test]
    fn the_exponential_saturates_and_keeps_nan() {
        assert_eq!(Real::exp(1e30_f32), Real::exp(87.0_f32));
        assert_eq!(Real::exp(f64::NEG_INFINITY), Real::exp(-708.0_f64));
        assert!(Real::exp(-1e30_f32) >= f32::MIN_POSITIVE);
        assert!(Real::exp(f32::NAN).is_nan());
        assert!(Real::exp(f64::NAN).is_nan());
    }

    #[test]
    fn what_is_negligible_is_flushed() {
        fn check<T: Real>(least: T, below: T) {
            assert_eq!(T::NEGLIGIBLE, T::of(T::NEGLIGIBLE_EXPONENT.wide().exp2()));
            assert_eq!(T::NEGLIGIBLE * T::NEGLIGIBLE, least);
            for sign in [T::ONE, -T::ONE] {
                assert_eq!((sign * T::NEGLIGIBLE).flushed(), sign * T::NEGLIGIBLE);
                assert_eq!((sign * below).flushed(), T::ZERO);
                assert_eq!((sign * least).flushed(), T::ZERO);
                assert_eq!(sign.flushed(), sign);
            }
            assert!(!T::of(f64::NAN).flushed().is_finite());
            assert!(!T::of(f64::INFINITY).flushed().is_finite());
        }
        check(f32::MIN_POSITIVE, f32::NEGLIGIBLE.next_down());
        check(f64::MIN_POSITIVE, f64::NEGLIGIBLE.next_down());
    }

    #[test]
    fn the_logarithm_is_right() {
        for i in 0..=1000 {
            let x = f64::from(i) * 1e-3;
            assert!((x.log1p() - x.ln_1p()).abs() <= 2.0 * f64::EPSILON * x.ln_1p());
            let (single, truth) = ((x as f32).log1p().wide(), f64::from(x as f32).ln_1p());
            assert!((single - truth).abs() <= 2.0 * f64::from(f32::EPSILON) * truth);
        }
    }

    #[test]
    fn powers_of_two_agree_with_the_standard_library() {
        for i in -100_000..=20_000 {
            let e = f64::from(i) * 0.000_987;
            let single = Real::exp2::<false>(e as f32);
            let truth = f64::exp2(f64::from(e as f32));
            assert!((f64::from(single) / truth - 1.0).abs() < 2.5e-7, "2^{e}");
            let e = 9.9 * e;
            let [plain, fused] = [Real::exp2::<false>(e), Real::exp2::<true>(e)];
            assert!((plain / e.exp2() - 1.0).abs() < 1e-15, "2^{e}");
            assert!((fused / e.exp2() - 1.0).abs() < 1e-15, "2^{e}");
        }
    }

    #[test]
    fn tiny_powers_are_normal_numbers() {
        let single: f32 = Real::exp2::<false>(-1e30);
        let double: f64 = Real::exp2::<false>(-1e300);
        assert!(single.is_normal() && single < 1e-30);
        assert!(double.is_normal() && double < 1e-300);
    }
}

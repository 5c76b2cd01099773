//! The two number formats of sums over pairs, each with its own power of two.

#![allow(
    clippy::inline_always,
    reason = "a call would keep the caller's loop scalar"
)]

/// A number that vector registers hold side by side.
///
/// `FUSED` says that the machine multiplies and adds in one instruction; elsewhere `mul_add` would be a slow call.
pub(crate) trait Lane: Copy + PartialOrd + Send + Sync + 'static {
    /// Zero.
    const ZERO: Self;
    /// Terms whose exponent is more than this many bits below the sum are left out unseen.
    const HIDDEN_BITS: f64;
    /// A sum below `2^FAINT` may have lost terms to the smallest weight that [`exp2`](Self::exp2) gives.
    const FAINT: f64;
    /// A group of places should reach no further from its middle than this, in units of `h`. A small group meets fewer points,
    /// a full one keeps the lanes busy, and in single precision long coordinates have few digits behind the point.
    const RADIUS: f64;
    /// Squares of distances up to this, in units in which `k_h = 2^{−d²}`, are exact enough.
    const LARGEST_SQUARE: f64;
    /// Whether each place may have an offset of its own in the exponent.
    const LIFTED: bool;

    /// The nearest number of this format.
    fn of(value: f64) -> Self;
    /// The same number in double precision.
    fn wide(self) -> f64;
    /// `self + other`.
    fn plus(self, other: Self) -> Self;
    /// `self − other`.
    fn minus(self, other: Self) -> Self;
    /// `self · other`.
    fn times(self, other: Self) -> Self;
    /// `self · factor + addend`.
    fn fused<const FUSED: bool>(self, factor: Self, addend: Self) -> Self;
    /// `2^self` for exponents below 100, and a tiny normal number, 2^−100 or less, where the exponent is below that: a
    /// denormal would cost some fifty times as much.
    fn exp2<const FUSED: bool>(self) -> Self;
}

/// `$number`'s arithmetic, and `2^e = 2^k 2^r` with integer `k` and `|r| ≤ ½`; `2^r` is the polynomial of least
/// relative error (found with the exchange algorithm of Remez in 40 digits).
macro_rules! lane {
    ($number:ident, hidden $hidden:expr, faint $faint:expr, radius $radius:expr, square $square:expr, lifted $lifted:expr, lowest $lowest:expr, round $round:expr, mantissa $mantissa:expr, polynomial $first:expr, $others:expr) => {
        impl Lane for $number {
            const ZERO: Self = 0.0;
            const HIDDEN_BITS: f64 = $hidden;
            const FAINT: f64 = $faint;
            const RADIUS: f64 = $radius;
            const LARGEST_SQUARE: f64 = $square;
            const LIFTED: bool = $lifted;

            #[inline(always)]
            fn of(value: f64) -> Self {
                value as Self
            }

            #[inline(always)]
            fn wide(self) -> f64 {
                f64::from(self)
            }

            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                self + other
            }

            #[inline(always)]
            fn minus(self, other: Self) -> Self {
                self - other
            }

            #[inline(always)]
            fn times(self, other: Self) -> Self {
                self * other
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
            fn exp2<const FUSED: bool>(self) -> Self {
                // Adding 1.5·2^mantissa rounds to an integer and leaves it in the low bits of the sum.
                const ROUND: $number = $round;
                let e = if self < $lowest { $lowest } else { self };
                let shifted = e + ROUND;
                let r = e - (shifted - ROUND);
                let mut power = $first;
                for factor in $others {
                    power = power.fused::<FUSED>(r, factor);
                }
                Self::from_bits(power.to_bits().wrapping_add(shifted.to_bits() << $mantissa))
            }
        }
    };
}

lane!(f32, hidden 22.0, faint -60.0, radius 2.5, square 64.0, lifted false, lowest -100.0, round 12_582_912.0, mantissa 23,
    // Largest relative error 7.5e-8.
    polynomial 0.001_327_647_2, [
    0.009_675_541,
    0.055_507_13,
    0.240_221_2,
    0.693_146_94,
    1.000_000_1,
]);

lane!(f64, hidden 64.0, faint -900.0, radius 8.0, square f64::INFINITY, lifted true, lowest -1000.0, round 6_755_399_441_055_744.0, mantissa 52,
    // Largest relative error 2.1e-16.
    polynomial 7.037_278_846_726_901e-9, [
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
]);

#[cfg(test)]
mod tests {
    use super::Lane;

    #[test]
    fn powers_of_two_agree_with_the_standard_library() {
        for i in -100_000..=20_000 {
            let e = f64::from(i) * 0.000_987;
            let single = Lane::exp2::<false>(e as f32);
            let truth = f64::exp2(f64::from(e as f32));
            assert!((f64::from(single) / truth - 1.0).abs() < 2.5e-7, "2^{e}");
            let e = 9.9 * e;
            let [plain, fused] = [Lane::exp2::<false>(e), Lane::exp2::<true>(e)];
            assert!((plain / e.exp2() - 1.0).abs() < 1e-15, "2^{e}");
            assert!((fused / e.exp2() - 1.0).abs() < 1e-15, "2^{e}");
        }
    }

    #[test]
    fn tiny_powers_are_normal_numbers() {
        let (single, double): (f32, f64) =
            (Lane::exp2::<false>(-1e30), Lane::exp2::<false>(-1e300));
        assert!(single.is_normal() && single < 1e-30);
        assert!(double.is_normal() && double < 1e-300);
    }
}

//! The inner loop of the direct sums for processors with AVX-512, whose registers hold the powers of two that a shorter polynomial needs.
//!
//! `2ᵉ = 2ⁿ 2^{k/32} 2ʳ` with integers n and `0 ≤ k < 32`, and `|r| ≤ 1/64`: two registers hold all `2^{k/32}`, and `2ʳ` is a polynomial of
//! degree 2. That takes thirteen operations for sixteen pairs, where the plain loop takes seventeen; but only an intrinsic says that a number
//! is looked up in a register.

#![allow(
    unsafe_code,
    reason = "an intrinsic may be called where the processor has it, which is asked first; sixteen numbers are loaded and stored by their address"
)]

use std::arch::x86_64::{
    __m512, _CMP_NGE_UQ, _mm512_add_epi32, _mm512_add_ps, _mm512_castps_si512, _mm512_castsi512_ps,
    _mm512_cmp_ps_mask, _mm512_fmadd_ps, _mm512_fnmadd_ps, _mm512_loadu_ps, _mm512_max_ps,
    _mm512_mul_ps, _mm512_permutex2var_ps, _mm512_reduce_max_ps, _mm512_reduce_ps, _mm512_set1_ps,
    _mm512_setzero_ps, _mm512_slli_epi32, _mm512_sqrt_ps, _mm512_storeu_ps, _mm512_sub_ps,
};

/// Numbers in a register.
const LANES: usize = 16;
/// Powers from 1 to 2 that are looked up.
const POWERS: usize = 32;
/// Binary digits of an exponent behind the point that choose a power.
const DIGITS: u32 = POWERS.ilog2();
/// Adding it rounds to a multiple of `1/POWERS`, and leaves the multiple in the low bits of the sum.
const ROUND: f32 = 1.5 * (1_u32 << (23 - DIGITS)) as f32;
/// Exponents below it are taken for it, as [`Real::exp2`](crate::numeric::Real::exp2) takes them.
const LEAST: f32 = -100.0;
/// Where no exponent can be below it, all powers are normal numbers, and none need be raised to [`LEAST`].
const NORMAL: f32 = -120.0;

/// The bits of `2^{k/32}`, less those that the shift of `32 n + k` into the exponent adds beside it.
static TABLE: [[f32; LANES]; 2] = {
    let mut table = [[0.0; LANES]; 2];
    let (mut power, mut k) = (1.0_f64, 0);
    while k < POWERS {
        let bits = (power as f32).to_bits() - ((k as u32) << (23 - DIGITS));
        table[k / LANES][k % LANES] = f32::from_bits(bits);
        power *= 1.021_897_148_654_116_7;
        k += 1;
    }
    table
};

/// As the plain sums of points alike, in [`direct`](super::direct): all places have the same offset, and it is in `own` already. `None` where
/// the processor cannot do it, or does not hold so many places.
pub(super) fn sums<const N: usize>(
    places: &[[f32; N]; 3],
    points: [&[f32]; 3],
) -> Option<[[f32; N]; 3]> {
    if !crate::numeric::has_wide_registers() {
        return None;
    }
    let mut sums = [[0.0; N]; 3];
    let into = sums.each_mut().map(|all| all.as_chunks_mut().0);
    let [x, y, offset] = places;
    let places = [x.as_chunks().0, y.as_chunks().0];
    // SAFETY: the processor has what is needed, as was just found.
    unsafe {
        match N / LANES {
            1 => add::<1>(places, offset[0], points, into),
            2 => add::<2>(places, offset[0], points, into),
            _ => return None,
        }
    }
    Some(sums)
}

/// Doubles of the places' coordinates, and what has been summed there.
struct Registers<const V: usize> {
    places: [[__m512; V]; 2],
    sums: [[__m512; V]; 3],
    table: [__m512; 2],
}

#[target_feature(enable = "avx512f,avx512dq")]
fn add<const V: usize>(
    [x, y]: [&[[f32; LANES]]; 2],
    offset: f32,
    [px, py, own]: [&[f32]; 3],
    into: [&mut [[f32; LANES]]; 3],
) {
    let nothing = _mm512_setzero_ps();
    let mut registers = Registers {
        places: [[nothing; V]; 2],
        sums: [[nothing; V]; 3],
        table: [load(&TABLE[0]), load(&TABLE[1])],
    };
    let mut furthest = nothing;
    for v in 0..V {
        let [x2, y2] = [load(&x[v]), load(&y[v])].map(|v| _mm512_add_ps(v, v));
        let square = _mm512_fmadd_ps(x2, x2, _mm512_mul_ps(y2, y2));
        furthest = _mm512_max_ps(furthest, square);
        (registers.places[0][v], registers.places[1][v]) = (x2, y2);
    }
    let furthest = _mm512_set1_ps(_mm512_reduce_max_ps(furthest).sqrt());
    let [offset, normal] = [offset, NORMAL].map(|value| _mm512_set1_ps(value));
    let parts = [px, py, own].map(<[f32]>::as_chunks::<LANES>);
    let [all_x, all_y, all_own] = parts.map(|(whole, _)| whole);
    for ((px, py), own) in all_x.iter().zip(all_y).zip(all_own) {
        // The product of a place and a point is at most that of their lengths.
        let length = _mm512_sqrt_ps(_mm512_sub_ps(offset, load(own)));
        let least = _mm512_fnmadd_ps(furthest, length, load(own));
        if _mm512_cmp_ps_mask::<_CMP_NGE_UQ>(least, normal) == 0 {
            registers.meet::<false>([px, py, own]);
        } else {
            registers.meet::<true>([px, py, own]);
        }
    }
    registers.meet::<true>(parts.map(|(_, rest)| rest));
    for (into, from) in into.into_iter().zip(registers.sums) {
        for (into, from) in into.iter_mut().zip(from) {
            // SAFETY: the address is that of sixteen numbers.
            unsafe { _mm512_storeu_ps(into.as_mut_ptr(), from) };
        }
    }
}

impl<const V: usize> Registers<V> {
    /// `DEEP` says that exponents may be below [`LEAST`].
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    fn meet<const DEEP: bool>(&mut self, [px, py, own]: [&[f32]; 3]) {
        let Self {
            places: [x2, y2],
            sums: [w_sum, x_sum, y_sum],
            table,
        } = self;
        for ((&px, &py), &own) in px.iter().zip(py).zip(own) {
            let [px, py, own] = [px, py, own].map(|value| _mm512_set1_ps(value));
            for v in 0..V {
                let mut exponent = _mm512_fmadd_ps(px, x2[v], _mm512_fmadd_ps(py, y2[v], own));
                if DEEP {
                    exponent = _mm512_max_ps(exponent, _mm512_set1_ps(LEAST));
                }
                let w = exp2(exponent, *table);
                w_sum[v] = _mm512_add_ps(w_sum[v], w);
                x_sum[v] = _mm512_fmadd_ps(w, px, x_sum[v]);
                y_sum[v] = _mm512_fmadd_ps(w, py, y_sum[v]);
            }
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn exp2(exponent: __m512, [low, high]: [__m512; 2]) -> __m512 {
    // `1 + r (a + b r)` of least relative error, 5.4e-8 (a linear program on 4001 places).
    let [a, b] = [0.693_157_3, 0.240_226_49].map(|value| _mm512_set1_ps(value));
    let round = _mm512_set1_ps(ROUND);
    let shifted = _mm512_add_ps(exponent, round);
    let r = _mm512_reduce_ps::<{ DIGITS.cast_signed() << 4 }>(exponent);
    let bits = _mm512_castps_si512(shifted);
    let looked_up = _mm512_castps_si512(_mm512_permutex2var_ps(low, bits, high));
    let power = _mm512_add_epi32(looked_up, _mm512_slli_epi32::<{ 23 - DIGITS }>(bits));
    let power = _mm512_castsi512_ps(power);
    _mm512_fmadd_ps(_mm512_mul_ps(r, power), _mm512_fmadd_ps(r, b, a), power)
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn load(from: &[f32; LANES]) -> __m512 {
    // SAFETY: the address is that of sixteen numbers.
    unsafe { _mm512_loadu_ps(from.as_ptr()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the same sums in double precision: near places and far ones, with exponents down to where powers are raised to the least.
    fn agree<const N: usize>(count: usize, radius: f64, away: f64) {
        let at = |i: usize, speed: f64, radius: f64| (radius * (i as f64 * speed).sin()) as f32;
        // The nearest point has about the exponent 0, as in a group.
        let offset = (away - 4.0).max(0.0).powi(2) as f32;
        let x: [f32; N] = std::array::from_fn(|i| at(i, 0.7, radius));
        let y: [f32; N] = std::array::from_fn(|i| at(i, 1.3, radius));
        let px: Vec<f32> = (0..count).map(|j| away as f32 + at(j, 2.1, 4.0)).collect();
        let py: Vec<f32> = (0..count).map(|j| at(j, 0.9, 4.0)).collect();
        let own = px.iter().zip(&py).map(|(x, y)| offset - (x * x + y * y));
        let own: Vec<f32> = own.collect();
        let Some(found) = sums(&[x, y, [offset; N]], [&px, &py, &own]) else {
            eprintln!("SKIPPED: this processor has no such registers");
            return;
        };
        for lane in 0..N {
            let mut truth = [0.0; 3];
            for ((&px, &py), &own) in px.iter().zip(&py).zip(&own) {
                let product =
                    f64::from(x[lane]) * f64::from(px) + f64::from(y[lane]) * f64::from(py);
                let w = (2.0 * product + f64::from(own))
                    .max(f64::from(LEAST))
                    .exp2();
                for (truth, factor) in truth.iter_mut().zip([1.0, px.into(), py.into()]) {
                    *truth += w * factor;
                }
            }
            for (found, truth_here) in found.iter().zip(truth) {
                let error = (f64::from(found[lane]) - truth_here).abs() / truth[0];
                assert!(error < 4e-5, "{N} {count} {radius} {away}: {error:e}");
            }
        }
    }

    #[test]
    fn sums_are_those_of_plain_arithmetic() {
        for count in [1, 15, 16, 17, 200] {
            for (radius, away) in [(0.5, 0.0), (2.0, 3.0), (2.5, 7.9), (0.0, 20.0)] {
                agree::<16>(count, radius, away);
                agree::<32>(count, radius, away);
            }
        }
    }

    #[test]
    fn powers_are_right_to_single_precision() {
        if !crate::numeric::has_wide_registers() {
            eprintln!("SKIPPED: this processor has no such registers");
            return;
        }
        for i in -12_000..12_000 {
            let exponent = i as f32 * 0.009_87;
            // SAFETY: the processor has what is needed, as was just found.
            let power = unsafe { first_power(exponent) };
            let truth = f64::from(exponent).exp2();
            assert!(
                (f64::from(power) / truth - 1.0).abs() < 3e-7,
                "2^{exponent}"
            );
        }
    }

    #[target_feature(enable = "avx512f,avx512dq")]
    fn first_power(exponent: f32) -> f32 {
        let table = [load(&TABLE[0]), load(&TABLE[1])];
        std::arch::x86_64::_mm512_cvtss_f32(exp2(_mm512_set1_ps(exponent), table))
    }
}

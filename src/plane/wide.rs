//! The search of [`together`](super::together) for processors with AVX-512: a leaf of points is two registers, and so are the squares of their
//! distances; those found so far are one.

#![allow(
    unsafe_code,
    reason = "an intrinsic may be called where the processor has it, which is asked first; some numbers are loaded and stored by their address"
)]

use std::arch::x86_64::{
    __m512d, _CMP_LT_OQ, _mm512_add_pd, _mm512_cmp_pd_mask, _mm512_loadu_pd, _mm512_mask_loadu_pd,
    _mm512_mask_permutexvar_pd, _mm512_mask_storeu_pd, _mm512_max_pd, _mm512_min_pd, _mm512_mul_pd,
    _mm512_permutexvar_pd, _mm512_set1_epi64, _mm512_set1_pd, _mm512_setr_epi64, _mm512_sub_pd,
};

use super::batch::Batch;
use super::neighbours::{LEAF, Leaf, distance};

/// Numbers in a register.
const LANES: usize = 8;

/// As the plain search, to the last bit. False, with nothing done, where the processor cannot do it or more neighbours are looked for than
/// a register holds.
pub(super) fn scan<const N: usize>(
    leaf: &Leaf,
    edges: [f64; 4],
    batch: &mut Batch<N>,
    own: bool,
) -> bool {
    let can = N <= LANES && crate::numeric::has_wide_registers();
    if can {
        // SAFETY: the processor has what is needed, as was just found.
        unsafe { search(leaf, edges, batch, own) };
    }
    can
}

#[target_feature(enable = "avx512f")]
fn search<const N: usize>(leaf: &Leaf, edges: [f64; 4], batch: &mut Batch<N>, own: bool) {
    let [x, y] = [&leaf.x, &leaf.y].map(|side| registers(side));
    // Behind the first place of the register nothing comes before it.
    let before = _mm512_setr_epi64(0, 0, 1, 2, 3, 4, 5, 6);
    let nothing = _mm512_set1_pd(f64::NEG_INFINITY);
    let all = u8::MAX >> (LANES - N);
    for i in 0..batch.leaf.count {
        let at = [batch.leaf.x[i], batch.leaf.y[i]];
        let bound = batch.near[i][batch.wanted - 1];
        if bound < batch.enough[i] || distance(at, edges) >= bound {
            continue;
        }
        let [at_x, at_y, limit] = [at[0], at[1], bound].map(|value| _mm512_set1_pd(value));
        let near = &mut batch.near[i];
        // SAFETY: of the places at this address as many are loaded as there are.
        let mut found =
            unsafe { _mm512_mask_loadu_pd(_mm512_set1_pd(f64::INFINITY), all, near.as_ptr()) };
        let mut any = 0;
        for (half, (&x, &y)) in x.iter().zip(&y).enumerate() {
            let (dx, dy) = (_mm512_sub_pd(x, at_x), _mm512_sub_pd(y, at_y));
            let squares = _mm512_add_pd(_mm512_mul_pd(dx, dx), _mm512_mul_pd(dy, dy));
            let mut nearer = _mm512_cmp_pd_mask::<_CMP_LT_OQ>(squares, limit);
            if own && i / LANES == half {
                nearer &= !(1 << (i % LANES));
            }
            any |= nearer;
            while nearer != 0 {
                let lane = _mm512_set1_epi64(i64::from(nearer.trailing_zeros()));
                nearer &= nearer - 1;
                let squared = _mm512_permutexvar_pd(lane, squares);
                // Each place keeps its own, or takes the new one, or what the place before it had.
                let pushed = _mm512_mask_permutexvar_pd(nothing, !1, before, found);
                found = _mm512_min_pd(_mm512_max_pd(squared, pushed), found);
            }
        }
        if any != 0 {
            // SAFETY: as where they were loaded.
            unsafe { _mm512_mask_storeu_pd(near.as_mut_ptr(), all, found) };
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn registers(side: &[f64; LEAF]) -> [__m512d; LEAF / LANES] {
    let (parts, _) = side.as_chunks::<LANES>();
    // SAFETY: the address is that of eight numbers.
    [0, 1].map(|half| unsafe { _mm512_loadu_pd(parts[half].as_ptr()) })
}

//! The [`search`](super::search) for processors with AVX-512: eight boxes, or eight columns, in one register.
//!
//! The compiler takes the two axes of one box together instead, which takes two and a half times as long.

#![allow(
    unsafe_code,
    reason = "an intrinsic may be called where the processor has it, which is asked first; eight numbers are loaded by their address"
)]

use std::arch::x86_64::{
    __m512d, _CMP_EQ_OQ, _CMP_LT_OQ, _mm512_add_pd, _mm512_cmp_pd_mask, _mm512_loadu_pd,
    _mm512_max_pd, _mm512_mul_pd, _mm512_reduce_min_pd, _mm512_set1_pd, _mm512_setzero_pd,
    _mm512_sub_pd,
};

use super::blocks::{BLOCK, Blocks, Boxes, LANES, Prices};

/// As the plain search, to the last bit. `None` where the processor cannot do it.
pub(super) fn best(
    blocks: &Blocks,
    prices: &Prices,
    at: [f64; 2],
    limit: f64,
) -> Option<(usize, f64)> {
    // SAFETY: the processor has what is needed, as was just found.
    crate::numeric::has_wide_registers().then(|| unsafe { search(blocks, prices, at, limit) })
}

#[target_feature(enable = "avx512f")]
fn search(blocks: &Blocks, prices: &Prices, at: [f64; 2], limit: f64) -> (usize, f64) {
    let places = at.map(|value| _mm512_set1_pd(value));
    let (mut column, mut least) = (0, limit);
    for start in (0..prices.peak.len()).step_by(LANES) {
        let mut groups = below(bounds(&blocks.large, &prices.peak, places, start), least);
        while let Some(group) = next(&mut groups) {
            let start = (start + group) * LANES;
            let mut inside = below(bounds(&blocks.small, &prices.top, places, start), least);
            while let Some(block) = next(&mut inside) {
                let start = (start + block) * BLOCK;
                for start in (start..start + BLOCK).step_by(LANES) {
                    let values = values(blocks, prices, places, start);
                    if below(values, least) != 0 {
                        least = _mm512_reduce_min_pd(values);
                        let which = _mm512_cmp_pd_mask::<_CMP_EQ_OQ>(values, _mm512_set1_pd(least));
                        column = start + which.trailing_zeros() as usize;
                    }
                }
            }
        }
    }
    (column, least)
}

/// Takes the lowest set bit.
fn next(bits: &mut u8) -> Option<usize> {
    let lowest = (*bits != 0).then(|| bits.trailing_zeros() as usize);
    *bits &= bits.wrapping_sub(1);
    lowest
}

#[inline]
#[target_feature(enable = "avx512f")]
fn below(values: __m512d, limit: f64) -> u8 {
    _mm512_cmp_pd_mask::<_CMP_LT_OQ>(values, _mm512_set1_pd(limit))
}

/// Lower bounds of `cost − price` in the boxes from `start`.
#[inline]
#[target_feature(enable = "avx512f")]
fn bounds(boxes: &Boxes, top: &[f64], [x, y]: [__m512d; 2], start: usize) -> __m512d {
    let [left, right, bottom, above] = &boxes.0;
    let dx = beyond(load(left, start), load(right, start), x);
    let dy = beyond(load(bottom, start), load(above, start), y);
    reduced(dx, dy, load(top, start))
}

/// How far a place is from each interval.
#[inline]
#[target_feature(enable = "avx512f")]
fn beyond(low: __m512d, high: __m512d, at: __m512d) -> __m512d {
    let outside = _mm512_max_pd(_mm512_sub_pd(low, at), _mm512_sub_pd(at, high));
    _mm512_max_pd(outside, _mm512_setzero_pd())
}

/// `cost − price` of the columns from `start`.
#[inline]
#[target_feature(enable = "avx512f")]
fn values(blocks: &Blocks, prices: &Prices, [x, y]: [__m512d; 2], start: usize) -> __m512d {
    let dx = _mm512_sub_pd(load(&blocks.columns.x, start), x);
    let dy = _mm512_sub_pd(load(&blocks.columns.y, start), y);
    reduced(dx, dy, load(&prices.each, start))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn reduced(dx: __m512d, dy: __m512d, price: __m512d) -> __m512d {
    let cost = _mm512_add_pd(_mm512_mul_pd(dx, dx), _mm512_mul_pd(dy, dy));
    _mm512_sub_pd(cost, price)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(from: &[f64], start: usize) -> __m512d {
    let from = &from[start..][..LANES];
    // SAFETY: the address is that of eight numbers.
    unsafe { _mm512_loadu_pd(from.as_ptr()) }
}

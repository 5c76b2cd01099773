//! The three matrix products of a network on one tile of samples, blocked for vector registers.

#![expect(
    clippy::inline_always,
    reason = "the products must be compiled with the instruction set of the pass around them"
)]

use crate::numeric::Real;

/// Samples that pass through the network together: few enough for their activations to stay in the first
/// cache, enough to use each weight many times once it is loaded.
pub(super) const TILE: usize = 32;

/// Numbers that are worked on side by side. Rows of matrices are filled up to a multiple of it.
pub(super) const LANES: usize = 16;

/// The length of a stored row that holds `width` numbers.
pub(super) fn padded(width: usize) -> usize {
    width.next_multiple_of(LANES)
}

/// Where the factors of `M` neighbouring rows of a product come from. A trait, because a closure cannot be
/// forced into the loop that calls it.
trait Factors<T, const M: usize>: Copy {
    /// The factors that meet row `k` of the other matrix.
    fn load(self, k: usize) -> [T; M];
}

/// `M` rows of `A`, for `A B`.
#[derive(Clone, Copy)]
struct Rows<'a, T, const M: usize>([&'a [T]; M]);

impl<T: Real, const M: usize> Factors<T, M> for Rows<'_, T, M> {
    #[inline(always)]
    fn load(self, k: usize) -> [T; M] {
        let mut factors = [T::ZERO; M];
        for (factor, row) in factors.iter_mut().zip(self.0) {
            *factor = row[k];
        }
        factors
    }
}

/// `M` columns of `A`, which begins at the first of them, for `Aᵀ B`.
#[derive(Clone, Copy)]
struct Columns<'a, T> {
    a: &'a [T],
    stride: usize,
}

impl<T: Real, const M: usize> Factors<T, M> for Columns<'_, T> {
    #[inline(always)]
    fn load(self, k: usize) -> [T; M] {
        let mut factors = [T::ZERO; M];
        factors.copy_from_slice(&self.a[k * self.stride..][..M]);
        factors
    }
}

/// What a product is added to.
#[derive(Clone, Copy)]
pub(super) enum Start<'a, T> {
    /// Nothing: the product replaces what was there.
    Zero,
    /// The same numbers in each row, whatever was there.
    Row(&'a [T]),
    /// What is there.
    There,
}

/// `C = start + A B` for a tile: `A` is `TILE×depth` in rows of length `stride`, `B` is `depth×row`, `C` is
/// `TILE×row`. `M` samples are worked on at a time, by as many registers as the processor has.
#[inline(always)]
pub(super) fn times<T: Real, const M: usize, const FUSED: bool>(
    a: &[T],
    stride: usize,
    depth: usize,
    b: &[T],
    row: usize,
    start: Start<'_, T>,
    c: &mut [T],
) {
    for first in (0..TILE).step_by(M) {
        let mut rows = Rows([a; M]);
        for (m, line) in rows.0.iter_mut().enumerate() {
            *line = &a[(first + m) * stride..][..depth];
        }
        across::<T, M, FUSED, _>(rows, depth, b, row, start, &mut c[first * row..]);
    }
}

/// `C += Aᵀ B` for a tile: `A` is `TILE×width` in rows of length `stride`, `B` is `TILE×row`, `C` is
/// `width×row`.
#[inline(always)]
pub(super) fn transposed_times<T: Real, const M: usize, const FUSED: bool>(
    a: &[T],
    stride: usize,
    width: usize,
    b: &[T],
    row: usize,
    c: &mut [T],
) {
    let whole = width - width % M;
    for first in (0..whole).step_by(M) {
        let a = &a[first..];
        let columns = Columns { a, stride };
        across::<T, M, FUSED, _>(columns, TILE, b, row, Start::There, &mut c[first * row..]);
    }
    // One or two rows keep too few sums going unless they are wide: additions wait for one another.
    let pairs = width - (width - whole) % 2;
    for first in (whole..pairs).step_by(2) {
        let a = &a[first..];
        let columns = Columns { a, stride };
        far_across::<T, 2, FUSED, _>(columns, TILE, b, row, Start::There, &mut c[first * row..]);
    }
    for first in pairs..width {
        let a = &a[first..];
        let columns = Columns { a, stride };
        far_across::<T, 1, FUSED, _>(columns, TILE, b, row, Start::There, &mut c[first * row..]);
    }
}

/// `M` rows of a product, four registers' width of columns at a time where there are so many.
#[inline(always)]
fn far_across<T: Real, const M: usize, const FUSED: bool, A: Factors<T, M>>(
    a: A,
    depth: usize,
    b: &[T],
    row: usize,
    start: Start<'_, T>,
    c: &mut [T],
) {
    let mut column = 0;
    while column + 4 * LANES <= row {
        block::<T, M, { 4 * LANES }, FUSED, A>(a, depth, b, row, column, start, c);
        column += 4 * LANES;
    }
    across_from::<T, M, FUSED, A>(a, depth, b, row, column, start, c);
}

/// `M` rows of a product, two registers' width of columns at a time.
#[inline(always)]
fn across<T: Real, const M: usize, const FUSED: bool, A: Factors<T, M>>(
    a: A,
    depth: usize,
    b: &[T],
    row: usize,
    start: Start<'_, T>,
    c: &mut [T],
) {
    across_from::<T, M, FUSED, A>(a, depth, b, row, 0, start, c);
}

/// The same from some column on.
#[inline(always)]
fn across_from<T: Real, const M: usize, const FUSED: bool, A: Factors<T, M>>(
    a: A,
    depth: usize,
    b: &[T],
    row: usize,
    mut column: usize,
    start: Start<'_, T>,
    c: &mut [T],
) {
    while column + 2 * LANES <= row {
        block::<T, M, { 2 * LANES }, FUSED, A>(a, depth, b, row, column, start, c);
        column += 2 * LANES;
    }
    if column < row {
        block::<T, M, LANES, FUSED, A>(a, depth, b, row, column, start, c);
    }
}

/// `M×N` numbers of a product, which stay in registers while `k` runs.
#[inline(always)]
fn block<T: Real, const M: usize, const N: usize, const FUSED: bool, A: Factors<T, M>>(
    a: A,
    depth: usize,
    b: &[T],
    row: usize,
    column: usize,
    start: Start<'_, T>,
    c: &mut [T],
) {
    let mut sums = [[T::ZERO; N]; M];
    for (m, sum) in sums.iter_mut().enumerate() {
        match start {
            Start::Zero => {}
            Start::Row(start) => sum.copy_from_slice(&start[column..][..N]),
            Start::There => sum.copy_from_slice(&c[m * row + column..][..N]),
        }
    }
    // Counted, so that the compiler sees that no `k` lies beyond the rows of `A`.
    for k in 0..depth {
        let mut values = [T::ZERO; N];
        values.copy_from_slice(&b[k * row + column..][..N]);
        let factors = a.load(k);
        // Written out, because a compiler that unrolls the inner loop first then makes vectors of this one, by gathering
        // numbers from eight rows, which is forty times slower.
        macro_rules! each {
            ($($m:literal)*) => {
                $(if $m < M {
                    for n in 0..N {
                        sums[$m][n] = factors[$m].fused::<FUSED>(values[n], sums[$m][n]);
                    }
                })*
            };
        }
        const { assert!(M <= 8, "as many rows as are written out below") };
        each!(0 1 2 3 4 5 6 7);
    }
    for (m, sum) in sums.iter().enumerate() {
        c[m * row + column..][..N].copy_from_slice(sum);
    }
}

/// `A Bᵀ` where `B` has few rows: `out[s][j] = start[j] + Σᵢ A[s][i] B[j][i]` with `A` of `TILE` rows, and
/// all rows of length `row`. Sixteen partial sums, added by halves.
#[inline(always)]
pub(super) fn dots<T: Real, const FUSED: bool>(
    a: &[T],
    b: &[T],
    row: usize,
    start: &[T],
    out: &mut [T],
) {
    let few = start.len();
    for (j, (b, &start)) in b.chunks_exact(row).zip(start).enumerate() {
        // A pass of its own: a compiler that sees how the partial sums are added keeps them in small registers.
        let mut partial = [[T::ZERO; LANES]; TILE];
        for (a, partial) in a.chunks_exact(row).zip(&mut partial) {
            let mut sums = [T::ZERO; LANES];
            for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
                for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
                    *sum = a.fused::<FUSED>(b, *sum);
                }
            }
            *partial = sums;
        }
        for (out, &partial) in out.chunks_exact_mut(few).zip(&partial) {
            out[j] = start + by_halves(partial);
        }
    }
}

/// The sum of sixteen numbers as a tree, the way a vector register is folded.
#[inline(always)]
fn by_halves<T: Real>(sums: [T; LANES]) -> T {
    let mut eight = [T::ZERO; 8];
    for (i, sum) in eight.iter_mut().enumerate() {
        *sum = sums[i] + sums[i + 8];
    }
    let mut four = [T::ZERO; 4];
    for (i, sum) in four.iter_mut().enumerate() {
        *sum = eight[i] + eight[i + 4];
    }
    (four[0] + four[2]) + (four[1] + four[3])
}

/// Adds each column of `a` (rows of length `row`) to `sums`.
#[inline(always)]
pub(super) fn add_columns<T: Real>(a: &[T], row: usize, sums: &mut [T]) {
    let mut column = 0;
    while column + 4 * LANES <= row {
        add_few_columns::<T, { 4 * LANES }>(a, row, column, sums);
        column += 4 * LANES;
    }
    while column + LANES <= row {
        add_few_columns::<T, LANES>(a, row, column, sums);
        column += LANES;
    }
    while column < row {
        add_few_columns::<T, 1>(a, row, column, sums);
        column += 1;
    }
}

/// Adds `N` columns, whose sums stay in registers.
#[inline(always)]
fn add_few_columns<T: Real, const N: usize>(a: &[T], row: usize, column: usize, sums: &mut [T]) {
    let mut few = [T::ZERO; N];
    few.copy_from_slice(&sums[column..column + N]);
    for line in a.chunks_exact(row) {
        for (sum, &value) in few.iter_mut().zip(&line[column..column + N]) {
            *sum += value;
        }
    }
    sums[column..column + N].copy_from_slice(&few);
}

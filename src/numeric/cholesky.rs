//! Cholesky's factorisation of a symmetric matrix of some hundred rows.

use multiversion::multiversion;
use ndarray::Array2;
use rayon::prelude::*;

use super::dense::{LANES, Symmetric};

const HALF: usize = LANES / 2;

/// Eight rows and eight columns of a matrix: first the rows of the first column, which are one vector of the processor.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Block([[f64; LANES]; LANES]);

impl Block {
    const ZERO: Self = Self([[0.0; LANES]; LANES]);

    /// `X ← X L⁻ᵀ` with the triangle `L`.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "a call would keep the loops scalar")]
    fn divide(&mut self, triangle: &Self) {
        for c in 0..LANES {
            let mut column = self.0[c];
            for k in 0..c {
                for (v, w) in column.iter_mut().zip(&self.0[k]) {
                    *v -= w * triangle.0[k][c];
                }
            }
            self.0[c] = column.map(|v| v / triangle.0[c][c]);
        }
    }

    /// The factor of this block on the diagonal, with zeros above it; whether all pivots are above `least`.
    fn factorise(&mut self, least: f64) -> bool {
        for c in 0..LANES {
            let mut column = self.0[c];
            for k in 0..c {
                for (v, w) in column.iter_mut().zip(&self.0[k]) {
                    *v -= w * self.0[k][c];
                }
            }
            let pivot = column[c];
            if !(pivot.is_finite() && pivot > least) {
                return false;
            }
            let root = pivot.sqrt();
            for (r, v) in column.iter_mut().enumerate() {
                *v = if r < c { 0.0 } else { *v / root };
            }
            self.0[c] = column;
        }
        true
    }
}

/// Place of the first block in a row of blocks: the rows are those of a triangle.
const fn start(row: usize) -> usize {
    row * (row + 1) / 2
}

/// The factor `L` of `A = L Lᵀ`.
///
/// It lies in blocks, row by row: so the sums over earlier columns run straight through memory, eight rows at a time. Where the
/// last blocks are larger than the matrix they go on with a diagonal matrix, which touches nothing else.
#[derive(Clone, Debug)]
pub(crate) struct Cholesky {
    size: usize,
    blocks: Vec<Block>,
}

impl Cholesky {
    /// The factor of a positive definite matrix; `None` if it is not, as far as rounding lets one tell.
    pub(crate) fn new(matrix: Symmetric) -> Option<Self> {
        let Symmetric { size, values } = matrix;
        let diagonal = values.iter().step_by(size + 1);
        let largest = diagonal.fold(0.0, |a: f64, &b| a.max(b));
        let rows = size.div_ceil(LANES);
        let mut blocks = vec![Block::ZERO; start(rows)];
        for row in 0..rows {
            for (column, block) in blocks[start(row)..][..=row].iter_mut().enumerate() {
                for r in 0..LANES {
                    let i = row * LANES + r;
                    for c in 0..LANES {
                        let j = column * LANES + c;
                        if j <= i && i < size {
                            block.0[c][r] = values[i * size + j];
                        } else if i == j {
                            block.0[c][r] = largest;
                        }
                    }
                }
            }
        }
        let least = 1e-15 * largest * size as f64;
        factorise(&mut blocks, rows, least).then_some(Self { size, blocks })
    }

    /// `b`, filled up with zeros.
    fn load(&self, b: &[f64]) -> Vec<[f64; LANES]> {
        let mut x = vec![[0.0; LANES]; self.size.div_ceil(LANES)];
        x.as_flattened_mut()[..self.size].copy_from_slice(b);
        x
    }

    /// `b ← Lᵀ b`.
    pub(crate) fn transposed_times(&self, b: &mut [f64]) {
        let x = self.load(b);
        for (column, b) in b.chunks_mut(LANES).enumerate() {
            let sum = transposed_sum(&self.blocks, &x, column, column);
            b.copy_from_slice(&sum[..b.len()]);
        }
    }

    /// `b ← L⁻¹ b`.
    pub(crate) fn forward(&self, b: &mut [f64]) {
        let mut x = self.load(b);
        forward(&self.blocks, &mut x);
        b.copy_from_slice(&x.as_flattened()[..self.size]);
    }

    /// `b ← L⁻ᵀ b`.
    pub(crate) fn backward(&self, b: &mut [f64]) {
        let mut x = self.load(b);
        for column in (0..x.len()).rev() {
            let sum = transposed_sum(&self.blocks, &x, column + 1, column);
            let Block(triangle) = &self.blocks[start(column) + column];
            for c in (0..LANES).rev() {
                let mut v = x[column][c] - sum[c];
                for r in c + 1..LANES {
                    v -= triangle[c][r] * x[column][r];
                }
                x[column][c] = v / triangle[c][c];
            }
        }
        b.copy_from_slice(&x.as_flattened()[..self.size]);
    }

    /// `b ← A⁻¹ b`.
    pub(crate) fn solve(&self, b: &mut [f64]) {
        self.forward(b);
        self.backward(b);
    }

    /// `A⁻¹`, for many products with it.
    pub(crate) fn inverse(&self) -> Array2<f64> {
        let size = self.size;
        let mut inverse = Array2::eye(size);
        let rows = inverse.outer_iter_mut().into_par_iter();
        rows.for_each(|mut row| {
            if let Some(row) = row.as_slice_mut() {
                self.solve(row);
            }
        });
        inverse
    }

    /// `M ← L⁻¹ M L⁻ᵀ`.
    pub(crate) fn whiten(&self, m: &mut Symmetric) {
        let size = m.size;
        for i in 0..size {
            for j in i + 1..size {
                m.values[i * size + j] = m.values[j * size + i];
            }
        }
        // Rows of L⁻¹M are columns of M L⁻ᵀ, so the same sweep over rows is done twice with a transposition between.
        for _ in 0..2 {
            m.values
                .par_chunks_mut(size)
                .for_each(|row| self.forward(row));
            for i in 0..size {
                for j in 0..i {
                    m.values.swap(i * size + j, j * size + i);
                }
            }
        }
    }
}

/// The factor in place of the matrix; whether all pivots are above `least`.
#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn factorise(blocks: &mut [Block], rows: usize, least: f64) -> bool {
    for row in 0..rows {
        let (above, rest) = blocks.split_at_mut(start(row));
        let line = &mut rest[..=row];
        for column in 0..=row {
            let (done, rest) = line.split_at_mut(column);
            let block = &mut rest[0];
            let other = if column < row {
                &above[start(column)..][..column]
            } else {
                &*done
            };
            // Half of the columns at a time, for which the registers suffice.
            for half in 0..2 {
                let mut sums = [[0.0; LANES]; HALF];
                for (left, right) in done.iter().zip(other) {
                    for (left, right) in left.0.iter().zip(&right.0) {
                        let right: &[f64] = &right[half * HALF..][..HALF];
                        for (sum, &r) in sums.iter_mut().zip(right) {
                            for (sum, &l) in sum.iter_mut().zip(left) {
                                *sum += l * r;
                            }
                        }
                    }
                }
                for (column, sum) in block.0[half * HALF..].iter_mut().zip(&sums) {
                    column.iter_mut().zip(sum).for_each(|(v, s)| *v -= s);
                }
            }
            if column < row {
                block.divide(&above[start(column) + column]);
            } else if !block.factorise(least) {
                return false;
            }
        }
    }
    true
}

/// `x ← L⁻¹ x`.
#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn forward(blocks: &[Block], x: &mut [[f64; LANES]]) {
    for row in 0..x.len() {
        let (done, rest) = x.split_at_mut(row);
        let line = &blocks[start(row)..][..=row];
        // A sum for each column of the blocks, so that none waits for another.
        let mut sums = [[0.0; LANES]; HALF];
        for (block, x) in line.iter().zip(done) {
            for (columns, x) in block.0.chunks_exact(HALF).zip(x.chunks_exact(HALF)) {
                for ((sum, column), &x) in sums.iter_mut().zip(columns).zip(x) {
                    for (sum, &v) in sum.iter_mut().zip(column) {
                        *sum += v * x;
                    }
                }
            }
        }
        let mut v = rest[0];
        for sum in &sums {
            v.iter_mut().zip(sum).for_each(|(v, s)| *v -= s);
        }
        let Block(triangle) = &line[row];
        for c in 0..LANES {
            v[c] /= triangle[c][c];
            for r in c + 1..LANES {
                v[r] -= triangle[c][r] * v[c];
            }
        }
        rest[0] = v;
    }
}

/// The sum of `Bᵀ x` over the blocks `B` of a column of blocks, from the row `first` on.
#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn transposed_sum(
    blocks: &[Block],
    x: &[[f64; LANES]],
    first: usize,
    column: usize,
) -> [f64; LANES] {
    let mut all = [0.0; LANES];
    for half in 0..2 {
        let mut sums = [[0.0; LANES]; HALF];
        for (row, x) in x.iter().enumerate().skip(first) {
            let columns = &blocks[start(row) + column].0[half * HALF..][..HALF];
            for (sum, column) in sums.iter_mut().zip(columns) {
                for lane in 0..LANES {
                    sum[lane] += column[lane] * x[lane];
                }
            }
        }
        for (all, sum) in all[half * HALF..].iter_mut().zip(sums) {
            *all = sum.iter().sum();
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::dense::times;
    use super::*;

    fn some(rows: usize, columns: usize) -> Vec<f64> {
        (0..rows * columns)
            .map(|i| (i as f64 * 0.7).sin() + if i % (columns + 1) == 0 { 2.0 } else { 0.0 })
            .collect()
    }

    #[test]
    fn outer_products_agree_with_plain_sums() {
        let (rows, size) = (1301, 37);
        let matrix = some(rows, size);
        let weights: Vec<f64> = (0..rows).map(|i| (i as f64).cos()).collect();
        let found = Symmetric::of_rows(&matrix, &weights, size);
        for i in 0..size {
            for j in 0..=i {
                let sum: f64 = (0..rows)
                    .map(|k| weights[k] * matrix[k * size + i] * matrix[k * size + j])
                    .sum();
                assert!((found.values[i * size + j] - sum).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn a_gram_matrix_leaves_out_what_is_negligible() {
        for (rows, size) in [(1, 3), (64, 8), (9001, 11)] {
            // Each row is zero but around one place, and somewhere there is a trace.
            let value = |i: usize, j: usize| match (i / 70 % size).abs_diff(j) {
                far if far > 2 => 1e-8,
                near => 1.0 + (i as f64).sin() / (1 + near) as f64,
            };
            let place = |at: usize| (at / size, at % size);
            let matrix = (0..rows * size).map(place).map(|(i, j)| value(i, j));
            let found = Symmetric::gram(&matrix.collect::<Vec<_>>(), size, 1e-6);
            for i in 0..size {
                for j in 0..=i {
                    let sum: f64 = (0..rows).map(|k| value(k, i) * value(k, j)).sum();
                    let mean = sum / rows as f64;
                    assert!((found.values[i * size + j] - mean).abs() < 1e-7, "{i} {j}");
                }
            }
        }
    }

    #[test]
    fn products_with_rows_are_plain_sums() {
        for (rows, size) in [(1, 3), (6, 8), (1301, 37)] {
            let matrix = some(rows, size);
            let v: Vec<f64> = (0..size).map(|i| (i as f64).cos()).collect();
            let found = times(&matrix, &v);
            assert_eq!(found.len(), rows);
            for (found, row) in found.iter().zip(matrix.chunks(size)) {
                let sum: f64 = row.iter().zip(&v).map(|(a, b)| a * b).sum();
                assert!((found - sum).abs() < 1e-12, "{found} {sum}");
            }
        }
    }

    #[test]
    fn the_factor_solves_and_whitens() {
        for size in [1, 7, 8, 17, 43] {
            let a = Symmetric::of_rows(&some(90, size), &[1.0; 90], size);
            let cholesky = Cholesky::new(a.clone()).unwrap();
            let full = |i: usize, j: usize| a.values[i.max(j) * size + i.min(j)];
            let product = |x: &[f64]| -> Vec<f64> {
                let row = |i: usize| (0..size).map(|j| full(i, j) * x[j]).sum();
                (0..size).map(row).collect()
            };
            let x: Vec<f64> = (0..size).map(|i| i as f64 - 20.0).collect();
            let mut b = product(&x);
            cholesky.solve(&mut b);
            for (b, x) in b.iter().zip(&x) {
                assert!((b - x).abs() < 1e-8, "{size}: {b} {x}");
            }
            // A x = L (Lᵀ x).
            let mut half = x.clone();
            cholesky.transposed_times(&mut half);
            let mut other = product(&x);
            cholesky.forward(&mut other);
            for (a, b) in half.iter().zip(&other) {
                assert!((a - b).abs() < 1e-8, "{size}: {a} {b}");
            }
            let mut white = a.clone();
            cholesky.whiten(&mut white);
            for i in 0..size {
                for j in 0..size {
                    let one = if i == j { 1.0 } else { 0.0 };
                    assert!((white.values[i * size + j] - one).abs() < 1e-9);
                }
            }
        }
    }

    #[test]
    fn a_singular_matrix_has_no_factor() {
        assert!(Cholesky::new(Symmetric::of_rows(&[1.0, 2.0, 3.0], &[1.0], 3)).is_none());
        assert!(Cholesky::new(Symmetric::of_rows(&[f64::NAN; 2], &[1.0], 2)).is_none());
    }
}

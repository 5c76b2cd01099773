//! Dense linear algebra for some hundred unknowns: sums of outer products, and Cholesky's factorisation.

use multiversion::multiversion;
use ndarray::Array2;
use rayon::prelude::*;

/// Samples whose outer products are added up by one task.
const CHUNK: usize = 512;
/// Samples that stay in the cache while all pairs of features pass over them.
const TILE: usize = 64;
const ROWS: usize = 4;
const COLUMNS: usize = 8;
const LANES: usize = 8;

/// `a · b`, in a fixed order.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2", "aarch64+neon"))]
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b[..a.len()].chunks_exact(LANES));
    let rest: f64 = a_chunks
        .remainder()
        .iter()
        .zip(b_chunks.remainder())
        .map(|(a, b)| a * b)
        .sum();
    for (a, b) in a_chunks.zip(b_chunks) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    lanes.iter().sum::<f64>() + rest
}

/// `M v` for a matrix with `v.len()` columns, row by row.
pub(super) fn times(rows: &[f64], v: &[f64]) -> Vec<f64> {
    let mut into = vec![0.0; rows.len() / v.len().max(1)];
    into.par_chunks_mut(CHUNK)
        .zip(rows.par_chunks(CHUNK * v.len()))
        .for_each(|(into, rows)| {
            for (into, row) in into.iter_mut().zip(rows.chunks(v.len())) {
                *into = dot(row, v);
            }
        });
    into
}

/// `Mᵀ v` for a matrix with `size` columns, row by row.
pub(super) fn transposed_times(rows: &[f64], v: &[f64], size: usize) -> Vec<f64> {
    let parts: Vec<Vec<f64>> = rows
        .par_chunks(CHUNK * size)
        .zip(v.par_chunks(CHUNK))
        .map(|(rows, v)| {
            let mut sum = vec![0.0; size];
            add_rows(rows, v, &mut sum);
            sum
        })
        .collect();
    let mut all = vec![0.0; size];
    for part in parts {
        all.iter_mut().zip(part).for_each(|(a, b)| *a += b);
    }
    all
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn add_rows(rows: &[f64], v: &[f64], sum: &mut [f64]) {
    for (row, &v) in rows.chunks_exact(sum.len()).zip(v) {
        for (sum, &value) in sum.iter_mut().zip(row) {
            *sum += v * value;
        }
    }
}

/// A symmetric matrix, row by row; only what is on and below the diagonal counts.
#[derive(Clone, Debug)]
pub(super) struct Symmetric {
    pub(super) size: usize,
    pub(super) values: Vec<f64>,
}

impl Symmetric {
    pub(super) fn zeros(size: usize) -> Self {
        Self {
            size,
            values: vec![0.0; size * size],
        }
    }

    /// `Σ_i w_i φ_i φ_iᵀ` over the rows `φ_i` of a matrix with `size` columns.
    pub(super) fn of_rows(rows: &[f64], weights: &[f64], size: usize) -> Self {
        let width = size.next_multiple_of(COLUMNS);
        let parts: Vec<Vec<f64>> = rows
            .par_chunks(CHUNK * size)
            .zip(weights.par_chunks(CHUNK))
            .map(|(rows, weights)| {
                let mut sum = vec![0.0; width * width];
                let mut plain = vec![0.0; TILE * width];
                let mut weighted = vec![0.0; TILE * width];
                for (rows, weights) in rows.chunks(TILE * size).zip(weights.chunks(TILE)) {
                    for (i, (row, w)) in rows.chunks(size).zip(weights).enumerate() {
                        let into = &mut plain[i * width..][..size];
                        into.copy_from_slice(row);
                        let into = &mut weighted[i * width..][..size];
                        into.iter_mut().zip(row).for_each(|(a, b)| *a = w * b);
                    }
                    add_products(&plain, &weighted, weights.len(), width, &mut sum);
                }
                sum
            })
            .collect();
        let mut all = Self::zeros(size);
        for part in parts {
            for (into, row) in all.values.chunks_mut(size).zip(part.chunks(width)) {
                into.iter_mut().zip(row).for_each(|(a, b)| *a += b);
            }
        }
        all
    }

    pub(super) fn add_to_diagonal(&mut self, value: f64) {
        for place in self.values.iter_mut().step_by(self.size + 1) {
            *place += value;
        }
    }
}

/// `sum += AᵀB` on and below the diagonal, `A` and `B` of `count` rows of length `width`, a multiple of [`COLUMNS`].
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn add_products(a: &[f64], b: &[f64], count: usize, width: usize, sum: &mut [f64]) {
    for i in (0..width).step_by(ROWS) {
        for j in (0..=i).step_by(COLUMNS) {
            let mut block = [[0.0; COLUMNS]; ROWS];
            for k in 0..count {
                let left: &[f64] = &a[k * width + i..][..ROWS];
                let right: &[f64] = &b[k * width + j..][..COLUMNS];
                for (line, &l) in block.iter_mut().zip(left) {
                    for (value, &r) in line.iter_mut().zip(right) {
                        *value += l * r;
                    }
                }
            }
            for (m, line) in block.iter().enumerate() {
                let into = &mut sum[(i + m) * width + j..][..COLUMNS];
                into.iter_mut().zip(line).for_each(|(a, b)| *a += b);
            }
        }
    }
}

/// The factor `L` of `A = L Lᵀ`.
#[derive(Clone, Debug)]
pub(super) struct Cholesky {
    factor: Symmetric,
}

impl Cholesky {
    /// The factor of a positive definite matrix; `None` if it is not, as far as rounding lets one tell.
    pub(super) fn new(matrix: Symmetric) -> Option<Self> {
        let Symmetric { size, mut values } = matrix;
        let largest = values
            .iter()
            .step_by(size + 1)
            .fold(0.0, |a: f64, &b| a.max(b));
        let least = 1e-15 * largest * size as f64;
        for i in 0..size {
            let (above, row) = values.split_at_mut(i * size);
            for j in 0..i {
                let other = &above[j * size..][..=j];
                row[j] = (row[j] - dot(&row[..j], other)) / other[j];
            }
            let pivot = row[i] - dot(&row[..i], &row[..i]);
            if !(pivot.is_finite() && pivot > least) {
                return None;
            }
            row[i] = pivot.sqrt();
        }
        Some(Self {
            factor: Symmetric { size, values },
        })
    }

    fn row(&self, i: usize) -> &[f64] {
        &self.factor.values[i * self.factor.size..][..=i]
    }

    /// `b ← Lᵀ b`.
    pub(super) fn transposed_times(&self, b: &mut [f64]) {
        for i in 0..self.factor.size {
            let x = b[i];
            b[i] = 0.0;
            for (b, l) in b.iter_mut().zip(self.row(i)) {
                *b += x * l;
            }
        }
    }

    /// `b ← L⁻¹ b`.
    pub(super) fn forward(&self, b: &mut [f64]) {
        for i in 0..self.factor.size {
            let row = self.row(i);
            b[i] = (b[i] - dot(&row[..i], &b[..i])) / row[i];
        }
    }

    /// `b ← L⁻ᵀ b`.
    pub(super) fn backward(&self, b: &mut [f64]) {
        for i in (0..self.factor.size).rev() {
            let row = self.row(i);
            let x = b[i] / row[i];
            for (b, l) in b[..i].iter_mut().zip(row) {
                *b -= x * l;
            }
            b[i] = x;
        }
    }

    /// `b ← A⁻¹ b`.
    pub(super) fn solve(&self, b: &mut [f64]) {
        self.forward(b);
        self.backward(b);
    }

    /// `A⁻¹`, for many products with it.
    pub(super) fn inverse(&self) -> Array2<f64> {
        let size = self.factor.size;
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
    pub(super) fn whiten(&self, m: &mut Symmetric) {
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

#[cfg(test)]
mod tests {
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
    fn the_factor_solves_and_whitens() {
        let size = 43;
        let a = Symmetric::of_rows(&some(90, size), &[1.0; 90], size);
        let cholesky = Cholesky::new(a.clone()).unwrap();
        let full = |i: usize, j: usize| a.values[i.max(j) * size + i.min(j)];
        let x: Vec<f64> = (0..size).map(|i| i as f64 - 20.0).collect();
        let mut b: Vec<f64> = (0..size)
            .map(|i| (0..size).map(|j| full(i, j) * x[j]).sum())
            .collect();
        cholesky.solve(&mut b);
        for (b, x) in b.iter().zip(&x) {
            assert!((b - x).abs() < 1e-8, "{b} {x}");
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

    #[test]
    fn a_singular_matrix_has_no_factor() {
        assert!(Cholesky::new(Symmetric::of_rows(&[1.0, 2.0, 3.0], &[1.0], 3)).is_none());
        assert!(Cholesky::new(Symmetric::of_rows(&[f64::NAN; 2], &[1.0], 2)).is_none());
    }
}

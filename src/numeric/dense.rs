//! Dense linear algebra for some hundred unknowns: sums of outer products, and Cholesky's factorisation.

use multiversion::multiversion;
use rayon::prelude::*;

/// Samples whose outer products are added up by one task.
const CHUNK: usize = 512;
/// Matrices at most whose sum is [`Symmetric::gram`].
const GRAMS: usize = 16;
/// Samples that stay in the cache while all pairs of features pass over them.
const TILE: usize = 64;
const ROWS: usize = 4;
const COLUMNS: usize = 8;
pub(super) const LANES: usize = 8;

/// `a · b`, in a fixed order.
#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
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
pub(crate) fn times(rows: &[f64], v: &[f64]) -> Vec<f64> {
    let mut into = vec![0.0; rows.len() / v.len().max(1)];
    if into.len() <= CHUNK {
        // Waking another thread would take longer.
        dots(rows, v, &mut into);
    } else {
        into.par_chunks_mut(CHUNK)
            .zip(rows.par_chunks(CHUNK * v.len()))
            .for_each(|(into, rows)| dots(rows, v, into));
    }
    into
}

/// The [`dot`] product of each row with `v`.
#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn dots(rows: &[f64], v: &[f64], into: &mut [f64]) {
    let width = v.len();
    let (v_chunks, v_rest) = v.as_chunks::<LANES>();
    for (into, rows) in into.chunks_mut(ROWS).zip(rows.chunks(ROWS * width)) {
        // Several rows at once, since each sum waits for its last addition. The last row stands in for those that are missing.
        let row = |i: usize| &rows[i.min(into.len() - 1) * width..][..width];
        let row: [&[f64]; ROWS] = std::array::from_fn(row);
        let [a, b, c, d] = row.map(|row| row.as_chunks::<LANES>().0);
        let mut lanes = [[0.0; LANES]; ROWS];
        for ((((v, a), b), c), d) in v_chunks.iter().zip(a).zip(b).zip(c).zip(d) {
            for (lanes, row) in lanes.iter_mut().zip([a, b, c, d]) {
                for lane in 0..LANES {
                    lanes[lane] += row[lane] * v[lane];
                }
            }
        }
        for ((into, lanes), row) in into.iter_mut().zip(lanes).zip(row) {
            let rest = row[width - v_rest.len()..].iter().zip(v_rest);
            let rest: f64 = rest.map(|(a, b)| a * b).sum();
            *into = lanes.iter().sum::<f64>() + rest;
        }
    }
}

/// `Mᵀ v` for a matrix with `size` columns, row by row.
pub(crate) fn transposed_times(rows: &[f64], v: &[f64], size: usize) -> Vec<f64> {
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

#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn add_rows(rows: &[f64], v: &[f64], sum: &mut [f64]) {
    for (row, &v) in rows.chunks_exact(sum.len()).zip(v) {
        for (sum, &value) in sum.iter_mut().zip(row) {
            *sum += v * value;
        }
    }
}

/// Matrices whose sum [`Symmetric::gram`] is for so many rows.
pub(crate) fn grams(count: usize) -> usize {
    count.div_ceil(CHUNK).min(GRAMS)
}

/// A symmetric matrix, row by row; only what is on and below the diagonal counts.
#[derive(Clone, Debug)]
pub(crate) struct Symmetric {
    pub(crate) size: usize,
    pub(crate) values: Vec<f64>,
}

impl Symmetric {
    pub(crate) fn zeros(size: usize) -> Self {
        Self {
            size,
            values: vec![0.0; size * size],
        }
    }

    /// `Σ_i w_i φ_i φ_iᵀ` over the rows `φ_i` of a matrix with `size` columns.
    pub(crate) fn of_rows(rows: &[f64], weights: &[f64], size: usize) -> Self {
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

    /// The mean of `φ_i φ_iᵀ` over the rows `φ_i` of a matrix of `size` columns without negative values. In each tile of rows the columns count for nothing
    /// that are nowhere above `negligible`, which saves most of the work where neighbouring rows are zero in the same places.
    pub(crate) fn gram(rows: &[f64], size: usize, negligible: f64) -> Self {
        let count = rows.len() / size;
        let chunk = count.div_ceil(grams(count).max(1)).max(1);
        let parts: Vec<Vec<f64>> = rows
            .par_chunks(chunk * size)
            .map(|rows| {
                let mut sum = vec![0.0; size * size];
                for rows in rows.chunks(TILE * size) {
                    add_gram(rows, size, negligible, &mut sum);
                }
                sum
            })
            .collect();
        let mut all = Self::zeros(size);
        for part in parts {
            all.values.iter_mut().zip(part).for_each(|(a, b)| *a += b);
        }
        all.values.iter_mut().for_each(|v| *v /= count as f64);
        all
    }

    pub(crate) fn add_to_diagonal(&mut self, value: f64) {
        for place in self.values.iter_mut().step_by(self.size + 1) {
            *place += value;
        }
    }
}

/// `sum += AᵀA` on and below the diagonal, for the columns of the `rows` that are somewhere above `negligible`.
fn add_gram(rows: &[f64], size: usize, negligible: f64, sum: &mut [f64]) {
    let mut most = vec![0.0_f64; size];
    for row in rows.chunks(size) {
        most.iter_mut().zip(row).for_each(|(m, &v)| *m = m.max(v));
    }
    let taken: Vec<usize> = (0..size).filter(|&j| most[j] > negligible).collect();
    let width = taken.len().next_multiple_of(COLUMNS);
    let count = rows.len() / size;
    let mut dense = vec![0.0; count * width];
    for (row, dense) in rows.chunks(size).zip(dense.chunks_mut(width)) {
        for (to, &j) in dense.iter_mut().zip(&taken) {
            *to = row[j];
        }
    }
    let mut products = vec![0.0; width * width];
    add_products(&dense, &dense, count, width, &mut products);
    for (a, &i) in taken.iter().enumerate() {
        for (product, &j) in products[a * width..][..=a].iter().zip(&taken) {
            sum[i * size + j] += product;
        }
    }
}

/// `sum += AᵀB` on and below the diagonal, `A` and `B` of `count` rows of length `width`, a multiple of [`COLUMNS`].
#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
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

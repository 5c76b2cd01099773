//! A kernel matrix of a cloud against target and cloud, normalised by rows and columns, and the drift that it makes. The matrix itself is never held:
//! sums over its columns take one pass, and sums over its rows another.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::{self, CloudView, by_place};
use crate::estimate::{Kernel, Lean, Mask, Summed};
use crate::kernel::KernelSum;
use crate::plane::Planar;

/// What a kernel matrix is divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Normalisation {
    /// Nothing, and the drift has no factor P Q: the difference of two means.
    None,
    /// The sums of the rows.
    Row,
    /// The roots of the sums of rows and of columns.
    #[default]
    Bi,
    /// The same again and again.
    Sinkhorn,
}

/// The two blocks of columns, of which the second has the rows too.
#[derive(Clone, Debug, Default)]
pub(super) struct Clouds {
    positives: Planar,
    negatives: Planar,
    /// The points whose rows the sums over columns are of.
    rows: Planar,
    mask: bool,
    /// The second block in an order by place, to find a particle in it.
    order: Vec<usize>,
}

impl Clouds {
    pub(super) fn new(real: CloudView<'_>, fake: CloudView<'_>, mask: bool) -> Self {
        Self {
            positives: Planar::new(real),
            negatives: Planar::new(fake),
            rows: Planar::new(fake),
            mask,
            order: if mask {
                cloud::in_order(fake)
            } else {
                Vec::new()
            },
        }
    }

    /// Which point of the second block is left out at each place: one that lies there exactly.
    fn hidden(&self, at: &Planar) -> Vec<usize> {
        let find = |i: usize| {
            let place = at.at(i);
            let compare = |&j: &usize| by_place(self.negatives.at(j), place);
            let found = self.order.binary_search_by(compare);
            found.map_or(usize::MAX, |k| self.order[k])
        };
        if self.order.is_empty() {
            return Vec::new();
        }
        (0..at.len()).map(find).collect()
    }

    /// The same at the rows of the matrix.
    fn own(&self) -> Mask<'_> {
        if self.mask {
            Mask::Itself
        } else {
            Mask::Nobody
        }
    }

    /// The columns of a block, and whom they leave out where `mask` is for the second.
    fn block<'a>(&'a self, k: usize, mask: Mask<'a>) -> (&'a Planar, Mask<'a>) {
        match k {
            0 => (&self.positives, Mask::Nobody),
            _ => (&self.negatives, mask),
        }
    }

    /// Numbers of columns.
    fn counts(&self) -> [usize; 2] {
        [self.positives.len(), self.negatives.len()]
    }
}

/// Logarithms of what the columns of both blocks are divided by, before each iteration and after the last.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    how: Normalisation,
    levels: Vec<[Vec<f64>; 2]>,
}

impl Columns {
    /// The columns for the rows of the cloud; `sinkhorn` takes the `iterations`.
    pub(super) fn new(
        kernel: Kernel,
        clouds: &Clouds,
        how: Normalisation,
        iterations: usize,
    ) -> Self {
        let zeros = clouds.counts().map(|count| vec![0.0; count]);
        let mut levels = vec![zeros];
        if matches!(how, Normalisation::Bi | Normalisation::Sinkhorn) {
            let mut rows = vec![0.0; clouds.rows.len()];
            for left in (0..iterations).rev() {
                let last = &levels[levels.len() - 1];
                let next = next_columns(kernel, clouds, &rows, last);
                if left > 0 {
                    rows = next_rows(kernel, clouds, (&clouds.rows, clouds.own()), &rows, last);
                }
                levels.push(next);
            }
        }
        Self { how, levels }
    }

    /// V at the places `at`, from each.
    pub(super) fn drift(&self, kernel: Kernel, clouds: &Clouds, at: &Planar) -> Vec<[f64; 2]> {
        let mut rows = vec![0.0; at.len()];
        let Some((last, before)) = self.levels.split_last() else {
            return vec![[0.0; 2]; at.len()];
        };
        let hidden = clouds.hidden(at);
        let places = (at, Mask::Listed(&hidden));
        for level in before {
            rows = next_rows(kernel, clouds, places, &rows, level);
        }
        let full = clouds.counts().map(|count| (count as f64).ln());
        let sums = block_sums(kernel, clouds, places, last);
        let [pulls, pushes] = &sums;
        let drift = |((p, q), row): ((&KernelSum, &KernelSum), &f64)| {
            let factor = match self.how {
                Normalisation::None => 1.0,
                Normalisation::Row => {
                    let all = log_of_both(p.log, q.log);
                    (p.log - all).exp() * (q.log - all).exp()
                }
                // No entry exceeds one in the matrix itself. At a place that is none of its rows one may, and the row then counts for all ones.
                _ => {
                    let share = |sum: f64, full: f64| (sum - row).min(full);
                    (share(p.log, full[0]) + share(q.log, full[1])).exp()
                }
            };
            [0, 1].map(|axis| {
                let apart = p.shift[axis] - q.shift[axis];
                if factor > 0.0 { factor * apart } else { 0.0 }
            })
        };
        pulls.iter().zip(pushes).zip(&rows).map(drift).collect()
    }
}

/// Sums of both blocks at the places, the columns divided by what `levels` says.
fn block_sums(
    kernel: Kernel,
    clouds: &Clouds,
    (at, mask): (&Planar, Mask<'_>),
    levels: &[Vec<f64>; 2],
) -> [Vec<KernelSum>; 2] {
    [0, 1].map(|k| {
        let (points, mask) = clouds.block(k, mask);
        let logs: Vec<f64> = levels[k].iter().map(|level| -level).collect();
        let logs = &logs[..];
        kernel.soft(at, Summed { points, logs }, Lean::Mean, mask)
    })
}

fn log_of_both(a: f64, b: f64) -> f64 {
    let most = a.max(b);
    if most == f64::NEG_INFINITY {
        return most;
    }
    most + ((a - most).exp() + (b - most).exp()).ln()
}

/// What a row or a column is divided by after half of its present logarithm has been taken off; one without entries stays.
fn halved(level: f64, log_sum: f64) -> f64 {
    if log_sum == f64::NEG_INFINITY {
        level
    } else {
        0.5 * (level + log_sum)
    }
}

/// `u ← u + ½ log Σ_j A_ij` with `A_ij = K_ij e^{−u_i − v_j}`, at the rows of the places.
fn next_rows(
    kernel: Kernel,
    clouds: &Clouds,
    at: (&Planar, Mask<'_>),
    rows: &[f64],
    levels: &[Vec<f64>; 2],
) -> Vec<f64> {
    let [p, q] = block_sums(kernel, clouds, at, levels);
    let both = p.iter().zip(&q).map(|(p, q)| log_of_both(p.log, q.log));
    rows.iter()
        .zip(both)
        .map(|(&row, sum)| halved(row, sum))
        .collect()
}

/// `v ← v + ½ log Σ_i A_ij`.
fn next_columns(
    kernel: Kernel,
    clouds: &Clouds,
    rows: &[f64],
    levels: &[Vec<f64>; 2],
) -> [Vec<f64>; 2] {
    let logs: Vec<f64> = rows.iter().map(|row| -row).collect();
    [0, 1].map(|k| {
        let (points, mask) = clouds.block(k, clouds.own());
        let summed = Summed {
            points: &clouds.rows,
            logs: &logs,
        };
        let sums = kernel.soft(points, summed, Lean::Mean, mask);
        let each = levels[k].iter().zip(sums);
        each.map(|(&level, sum)| halved(level, sum.log)).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Cloud;
    use crate::estimate::Radial;
    use crate::random::Stream;

    fn pair(n: usize, m: usize) -> (Cloud, Cloud) {
        let real = Stream::new(1, "real").normals(m) * 0.7 + 0.5;
        (real, Stream::new(2, "fake").normals(n))
    }

    /// Algorithm 2 with the whole matrix.
    fn dense(real: &Cloud, fake: &Cloud, tau: f64, mask: bool) -> Vec<[f64; 2]> {
        let (n, m) = (fake.nrows(), real.nrows());
        let distance = |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
        let at = |cloud: &Cloud, i: usize| [cloud[[i, 0]], cloud[[i, 1]]];
        let entry = |i: usize, j: usize| {
            if j < m {
                (-distance(at(fake, i), at(real, j)) / tau).exp()
            } else if mask && j - m == i {
                0.0
            } else {
                (-distance(at(fake, i), at(fake, j - m)) / tau).exp()
            }
        };
        let k: Vec<Vec<f64>> = (0..n)
            .map(|i| (0..n + m).map(|j| entry(i, j)).collect())
            .collect();
        let column: Vec<f64> = (0..n + m)
            .map(|j| k.iter().map(|row| row[j]).sum())
            .collect();
        let drift = |i: usize| {
            let all: f64 = k[i].iter().sum();
            let a: Vec<f64> = (0..n + m)
                .map(|j| (k[i][j] / all * (k[i][j] / column[j])).sqrt())
                .collect();
            let p: f64 = a[..m].iter().sum();
            let q: f64 = a[m..].iter().sum();
            [0, 1].map(|axis| {
                let pull: f64 = (0..m).map(|j| q * a[j] * real[[j, axis]]).sum();
                let push: f64 = (0..n).map(|j| p * a[m + j] * fake[[j, axis]]).sum();
                pull - push
            })
        };
        (0..n).map(drift).collect()
    }

    fn drift(clouds: &Clouds, how: Normalisation, iterations: usize, tau: f64) -> Vec<[f64; 2]> {
        let kernel = Kernel {
            shape: Radial::Laplace,
            h: tau,
        };
        let columns = Columns::new(kernel, clouds, how, iterations);
        columns.drift(kernel, clouds, &clouds.rows)
    }

    fn apart(a: &[[f64; 2]], b: &[[f64; 2]]) -> f64 {
        let each = a
            .iter()
            .zip(b)
            .map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1]));
        each.fold(0.0, f64::max)
    }

    #[test]
    fn bi_is_the_published_algorithm_and_one_iteration_of_sinkhorn() {
        let (real, fake) = pair(40, 55);
        for mask in [true, false] {
            let clouds = Clouds::new(real.view(), fake.view(), mask);
            let bi = drift(&clouds, Normalisation::Bi, 1, 0.3);
            let one = drift(&clouds, Normalisation::Sinkhorn, 1, 0.3);
            assert!(apart(&bi, &one) < 1e-12);
            let dense = dense(&real, &fake, 0.3, mask);
            assert!(apart(&bi, &dense) < 1e-12, "{}", apart(&bi, &dense));
            let more = drift(&clouds, Normalisation::Sinkhorn, 5, 0.3);
            assert!(apart(&bi, &more) > 1e-3);
        }
    }

    /// Swapping the blocks turns the sign, whatever the matrix is divided by; equal blocks give nothing.
    #[test]
    fn the_drift_is_antisymmetric_and_zero_between_equal_clouds() {
        let (real, fake) = pair(40, 55);
        let ways = [
            Normalisation::None,
            Normalisation::Row,
            Normalisation::Bi,
            Normalisation::Sinkhorn,
        ];
        for how in ways {
            let there = Clouds::new(real.view(), fake.view(), false);
            let back = Clouds {
                positives: there.negatives.clone(),
                negatives: there.positives.clone(),
                ..there.clone()
            };
            let [there, back] = [there, back].map(|clouds| drift(&clouds, how, 4, 0.3));
            let turned: Vec<[f64; 2]> = back.iter().map(|v| v.map(|x| -x)).collect();
            assert!(apart(&there, &turned) < 1e-12, "{how:?}");
            assert!(there.iter().any(|v| v[0].abs() > 0.01), "{how:?}");
            let equal = Clouds::new(fake.view(), fake.view(), false);
            let none = drift(&equal, how, 4, 0.3);
            assert!(none.iter().flatten().all(|v| *v == 0.0), "{how:?}");
        }
    }

    /// Far from the data the row's factor underflows, and the field with it, to zero and not to NaN.
    #[test]
    fn far_away_and_alone_it_is_finite() {
        let (real, fake) = pair(20, 30);
        let far = Planar {
            x: vec![1e6, 0.1],
            y: vec![-1e9, 0.0],
        };
        let kernel = Kernel {
            shape: Radial::Laplace,
            h: 0.05,
        };
        for how in [
            Normalisation::None,
            Normalisation::Row,
            Normalisation::Bi,
            Normalisation::Sinkhorn,
        ] {
            let clouds = Clouds::new(real.view(), fake.view(), true);
            let columns = Columns::new(kernel, &clouds, how, 3);
            let found = columns.drift(kernel, &clouds, &far);
            assert!(found.iter().flatten().all(|v| v.is_finite()), "{how:?}");
            let lonely = fake.slice(ndarray::s![..1, ..]);
            let clouds = Clouds::new(real.view(), lonely, true);
            let columns = Columns::new(kernel, &clouds, how, 3);
            let found = columns.drift(kernel, &clouds, &clouds.rows);
            assert!(found.iter().flatten().all(|v| v.is_finite()), "{how:?}");
        }
    }
}

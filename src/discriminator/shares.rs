//! The shares of a mixture's components at which samples are most likely.

use crate::numeric::{Cholesky, Symmetric, times, transposed_times};

/// Bound on what any shares could still add to the mean log likelihood, in nats, below which the maximum is reached.
const GAP: f64 = 1e-12;
/// The same where rounding lets no step come nearer.
const ENOUGH: f64 = 1e-7;
/// Newton steps at most; some ten are usual.
pub(super) const MOST_STEPS: usize = 200;
/// Part of its own curvature that each component gets more: components that are alike can then be told apart in every step, and the maximum stays
/// where it is.
const RIDGE: f64 = 1e-9;
/// Where a component is so much less than the mixture, it counts for nothing in the curvature. The slopes, which say where the maximum is, know it.
const NEGLIGIBLE: f64 = 1e-6;
/// No sample gets less likely by a larger factor in one step: beyond it the quadratic model knows nothing.
const FURTHEST: f64 = 0.8;
/// Rounding of a mean log likelihood.
const ROUNDING: f64 = 1e-13;

/// A mixture with values at samples, each up to a factor of its own.
pub(super) struct Mixture<'a> {
    /// A row for each sample, with a value for each component.
    pub(super) rows: &'a [f64],
    pub(super) size: usize,
    /// Whether two components are so near that one of them is enough to begin with.
    pub(super) alike: &'a (dyn Fn(usize, usize) -> bool + Sync),
}

/// Shares of some components, and last that of all together in equal parts, which a search begins with.
struct Shares {
    columns: Vec<usize>,
    values: Vec<f64>,
}

impl Mixture<'_> {
    /// The shares, summing to one, that make the samples most likely; `None` where that many steps do not find them.
    ///
    /// Newton's method with constraints, on few components at a time: those that would make the samples likelier come in, those that come to zero go
    /// (Wang, *J. R. Statist. Soc. B* 69, 2007; Kim, Carbonetto, Stephens and Anitescu, *J. Comp. Graph. Stat.* 29, 2020).
    pub(super) fn most_likely(&self) -> Option<Vec<f64>> {
        let samples = self.rows.len() / self.size;
        let all = times(self.rows, &vec![1.0 / self.size as f64; self.size]);
        let mut densities = all.clone();
        let mut shares = Shares {
            columns: Vec::new(),
            values: vec![1.0],
        };
        let mut before = f64::INFINITY;
        for _ in 0..MOST_STEPS {
            let inverse: Vec<f64> = densities
                .iter()
                .map(|d| 1.0 / (samples as f64 * d))
                .collect();
            let slopes = transposed_times(self.rows, &inverse, self.size);
            // The likelihood is concave: its slope towards the best component bounds what is left to gain.
            let gap = slopes.iter().fold(0.0_f64, |most, &s| most.max(s)) - 1.0;
            if !gap.is_finite() {
                return None;
            }
            if gap < GAP || (gap < ENOUGH && gap >= before) {
                return Some(shares.of_all(self.size));
            }
            before = gap;
            shares.admit(self.newcomers(&slopes));
            let relative = self.relative(&shares.columns, &all, &densities);
            let width = shares.values.len();
            let equal = slopes.iter().sum::<f64>() / self.size as f64;
            let uphill = shares.columns.iter().map(|&c| slopes[c] - 1.0);
            let uphill: Vec<f64> = uphill.chain([equal - 1.0]).collect();
            let model = Model::new(
                Symmetric::gram(&relative, width, NEGLIGIBLE),
                &uphill,
                &shares.values,
            );
            let next = model.least()?;
            let ahead = times(&relative, &next);
            let (part, factors) = stride(&ahead, shares.values.iter().sum(), next.iter().sum())?;
            shares
                .values
                .iter_mut()
                .zip(next)
                .for_each(|(share, next)| *share += part * (next - *share));
            let total: f64 = shares.values.iter().sum();
            shares.values.iter_mut().for_each(|share| *share /= total);
            densities
                .iter_mut()
                .zip(factors)
                .for_each(|(d, factor)| *d *= factor / total);
            shares.dismiss();
        }
        None
    }

    /// Components that would make the samples likelier, of those alike the best.
    fn newcomers(&self, slopes: &[f64]) -> Vec<usize> {
        let mut better: Vec<usize> = (0..self.size).filter(|&j| slopes[j] > 1.0).collect();
        better.sort_by(|&i, &j| slopes[j].total_cmp(&slopes[i]));
        let mut found: Vec<usize> = Vec::new();
        for j in better {
            if found.iter().all(|&i| !(self.alike)(i, j)) {
                found.push(j);
            }
        }
        found
    }

    /// The components that take part, and all in equal parts, relative to the mixture, at each sample.
    fn relative(&self, columns: &[usize], all: &[f64], densities: &[f64]) -> Vec<f64> {
        let mut found = Vec::with_capacity(densities.len() * (columns.len() + 1));
        for ((row, all), density) in self.rows.chunks(self.size).zip(all).zip(densities) {
            found.extend(columns.iter().map(|&column| row[column] / density));
            found.push(all / density);
        }
        found
    }
}

impl Shares {
    /// The share of each component.
    fn of_all(&self, size: usize) -> Vec<f64> {
        let (few, equal) = self.values.split_at(self.columns.len());
        let mut found = vec![equal.iter().sum::<f64>() / size as f64; size];
        for (&column, share) in self.columns.iter().zip(few) {
            found[column] += share;
        }
        found
    }

    /// Takes in components without a share.
    fn admit(&mut self, newcomers: Vec<usize>) {
        let last = self.columns.len();
        let new: Vec<usize> = newcomers
            .into_iter()
            .filter(|c| !self.columns.contains(c))
            .collect();
        self.values.splice(last..last, vec![0.0; new.len()]);
        self.columns.extend(new);
    }

    /// Leaves out the components without a share.
    fn dismiss(&mut self) {
        let last = self.values.pop();
        let mut values = self.values.iter();
        self.columns
            .retain(|_| values.next().is_some_and(|&share| share > 0.0));
        self.values.retain(|&share| share > 0.0);
        self.values.extend(last);
    }
}

/// The quadratic `½ xᵀHx − bᵀx` of shares `x ≥ 0`, which is the negative likelihood plus `Σx` near a start, but for a constant.
struct Model<'a> {
    curvature: Symmetric,
    linear: Vec<f64>,
    uphill: &'a [f64],
    start: &'a [f64],
}

impl<'a> Model<'a> {
    /// The quadratic around `start` with the curvature `H`, the ridge not yet in it, and the slope `uphill`.
    fn new(mut curvature: Symmetric, uphill: &'a [f64], start: &'a [f64]) -> Self {
        let size = curvature.size;
        curvature
            .values
            .iter_mut()
            .step_by(size + 1)
            .for_each(|v| *v *= 1.0 + RIDGE);
        let mut linear = uphill.to_vec();
        for i in 0..size {
            for j in 0..=i {
                let entry = curvature.values[i * size + j];
                linear[i] += entry * start[j];
                if j < i {
                    linear[j] += entry * start[i];
                }
            }
        }
        Self {
            curvature,
            linear,
            uphill,
            start,
        }
    }

    fn entry(&self, i: usize, j: usize) -> f64 {
        self.curvature.values[i.max(j) * self.curvature.size + i.min(j)]
    }

    fn value(&self, x: &[f64]) -> f64 {
        let size = self.curvature.size;
        let each = (0..size).filter(|&i| x[i] > 0.0).map(|i| {
            let row = &self.curvature.values[i * size..][..=i];
            let before: f64 = row[..i].iter().zip(x).map(|(h, x)| h * x).sum();
            x[i] * (before + 0.5 * row[i] * x[i] - self.linear[i])
        });
        each.sum()
    }

    /// Where it is least, among the shares that stay above zero on the way there.
    fn least(&self) -> Option<Vec<f64>> {
        let mut x = self.start.to_vec();
        let mut free: Vec<usize> = (0..x.len())
            .filter(|&i| (x[i] > 0.0 || self.uphill[i] > 0.0) && self.entry(i, i) > 0.0)
            .collect();
        let mut now = self.value(&x);
        while !free.is_empty() {
            let there = self.free_least(&free)?;
            // All that would fall below zero leave at once; should that lead upwards, those that get there first.
            let mut leaves: Vec<bool> = there.iter().map(|&v| v < 0.0).collect();
            let mut cut = x.clone();
            free.iter()
                .zip(&there)
                .for_each(|(&i, v)| cut[i] = v.max(0.0));
            let mut value = self.value(&cut);
            if value > now {
                let reach = |i: usize, v: f64| if v < 0.0 { x[i] / (x[i] - v) } else { 1.0 };
                let most = free.iter().zip(&there).map(|(&i, &v)| reach(i, v));
                let most = most.fold(1.0, f64::min);
                for ((&i, &v), leaves) in free.iter().zip(&there).zip(&mut leaves) {
                    *leaves = v < 0.0 && reach(i, v) <= most;
                    cut[i] = if *leaves {
                        0.0
                    } else {
                        (x[i] + most * (v - x[i])).max(0.0)
                    };
                }
                value = self.value(&cut);
            }
            (x, now) = (cut, value);
            if !leaves.contains(&true) {
                break;
            }
            let mut leaves = leaves.into_iter();
            free.retain(|_| leaves.next() == Some(false));
        }
        Some(x)
    }

    /// Where it is least with the free shares alone, of whatever sign.
    fn free_least(&self, free: &[usize]) -> Option<Vec<f64>> {
        let size = free.len();
        let roots: Vec<f64> = free.iter().map(|&i| self.entry(i, i).sqrt()).collect();
        let mut matrix = Symmetric::zeros(size);
        for (a, &i) in free.iter().enumerate() {
            for (b, &j) in free[..=a].iter().enumerate() {
                matrix.values[a * size + b] = self.entry(i, j) / (roots[a] * roots[b]);
            }
        }
        let side = free.iter().zip(&roots);
        let mut x: Vec<f64> = side.map(|(&i, root)| self.linear[i] / root).collect();
        Cholesky::new(matrix)?.solve(&mut x);
        x.iter_mut().zip(&roots).for_each(|(x, root)| *x /= root);
        Some(x)
    }
}

/// How much of a step is taken that multiplies the densities by `ahead`, and by what it multiplies them then; the sums of the shares before and
/// after it count against it.
fn stride(ahead: &[f64], before: f64, after: f64) -> Option<(f64, Vec<f64>)> {
    let least = ahead.iter().fold(1.0, |least: f64, &a| least.min(a));
    let mut part = (FURTHEST / (1.0 - least)).min(1.0);
    while part > 1e-6 {
        let factors: Vec<f64> = ahead.iter().map(|a| 1.0 + part * (a - 1.0)).collect();
        let gained = factors.iter().map(|f| f.ln()).sum::<f64>() / factors.len() as f64;
        if gained - part * (after - before) > -ROUNDING {
            return Some((part, factors));
        }
        part *= 0.5;
    }
    None
}

//! Energy distance to a reference sample, and the permutation test that goes with it.

use multiversion::multiversion;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, Axis, Slice};
use rand::seq::SliceRandom;
use rayon::prelude::*;

use super::sample::{Sample, Seen, mean_within};
use super::{About, Effort, Grain, Ideal, Metric, Needs, Scale, Taken};
use crate::cloud::CloudView;
use crate::plane::{Planar, Single, Term, between};
use crate::random::Stream;

/// What [`EnergyDistance`] measures.
pub const ENERGY_DISTANCE: About = About {
    name: "energy_distance",
    words: "energy distance",
    measures: "2E‖x−y‖ − E‖x−x′‖ − E‖y−y′‖ over all pairs, in the target's units",
    sees: "sees misplaced mass and large-scale error; blind to blur, duplicates, bridges and a few per cent of outliers",
    ideal: Ideal::Low,
    grain: Grain::Fine,
    axis: Some(Scale::Log),
    taken: Taken::Always,
    needs: Needs::Nothing,
    effort: Effort::Quick,
};

/// Relabellings that are worked out at a time.
pub(crate) const TOGETHER: usize = 1000;

/// What [`EnergyDistance::p_value`] says.
pub const ENERGY_P: About = About {
    name: "energy_p",
    words: "p-value of the energy distance",
    measures: "share of random relabellings of the pooled points with at least the observed energy distance",
    sees: "near 0: the clouds differ, in what the energy distance sees; near 1: the cloud is more regular than an independent sample",
    ideal: Ideal::High,
    grain: Grain::Fine,
    axis: None,
    taken: Taken::Always,
    needs: Needs::Run,
    effort: Effort::Quick,
};

/// The energy distance `2E‖x−y‖ − E‖x−x′‖ − E‖y−y′‖` between a cloud and the reference sample it was built on
/// (Székely & Rizzo, *J. Stat. Plan. Inference* 143, 2013). All pairs count, also a point with itself
/// (V-statistic): zero only for equal clouds, and otherwise positive but for rounding, which is some 1e-15 of the distances and may
/// leave less than nothing of equal clouds in another order.
#[derive(Clone, Debug)]
pub struct EnergyDistance {
    reference: Planar,
    /// For draws of the floor.
    single: Option<Single>,
    own: f64,
}

impl EnergyDistance {
    /// Takes the reference sample, `m×2`, and sums its own pairs once.
    #[must_use]
    pub fn new(reference: CloudView<'_>) -> Self {
        let reference = Planar::new(reference);
        let own = mean_within(&reference);
        Self {
            single: Some(Single::new(&reference)).filter(|single| single.suits(own)),
            reference,
            own,
        }
    }

    /// The permutation p-value `(1 + #{ED_b ≥ ED}) / (1 + B)` over `permutations` relabellings of the pooled points:
    /// exact in level at any size, uniform if both samples come from one distribution.
    ///
    /// With signed weights `c_i = 1/n` on the cloud and `−1/m` on the reference, `ED = −cᵀ D c` for the pooled
    /// distance matrix `D`; all relabellings share each tile of `D`, and no more than a tile is held.
    #[must_use]
    pub fn p_value(&self, cloud: CloudView<'_>, permutations: usize, stream: Stream) -> f64 {
        let (n, m) = (cloud.nrows(), self.reference.len());
        let pooled = self.pooled(cloud);

        let mut weights = vec![1.0 / n as f64; n];
        weights.resize(n + m, -1.0 / m as f64);
        let mut rng = stream.rng();
        let mut all = Vec::with_capacity(permutations + 1);
        // So many at a time as share the tiles well, and no more, whatever their number.
        while all.len() <= permutations {
            let count = TOGETHER.min(permutations + 1 - all.len());
            let mut labels = Array2::zeros((n + m, count));
            for mut column in labels.columns_mut() {
                column.iter_mut().zip(&weights).for_each(|(to, w)| *to = *w);
                weights.shuffle(&mut rng);
            }
            all.extend(energies(&pooled, &labels));
        }
        // Relabellings that give the same split as the observed one must count, whatever the rounding.
        let slack = 1e-12 * all.iter().fold(0.0, |high: f64, e| high.max(e.abs()));
        let beyond = all[1..].iter().filter(|&&e| e >= all[0] - slack).count();
        (1 + beyond) as f64 / (1 + permutations) as f64
    }
}

impl Metric for EnergyDistance {
    fn about(&self) -> &'static About {
        &ENERGY_DISTANCE
    }

    fn measure(&self, cloud: CloudView<'_>) -> f64 {
        let cloud = Planar::new(cloud);
        self.against(&cloud, mean_within(&cloud))
    }

    fn weighted(&self, cloud: CloudView<'_>, weights: &[f64]) -> Option<f64> {
        let (pooled, m) = (self.pooled(cloud), self.reference.len());
        let signed = weights.iter().copied();
        let signed = signed.chain(std::iter::repeat_n(-1.0 / m as f64, m));
        let signed = Array2::from_shape_vec((pooled.len(), 1), signed.collect()).ok()?;
        energies(&pooled, &signed).first().copied()
    }

    fn value(&self, seen: &Seen<'_, '_>) -> f64 {
        let Sample { planar, within, .. } = seen.sample;
        match self.single.as_ref().filter(|_| seen.sample.is_draw) {
            Some(single) => {
                let pairs = (planar.len() * self.reference.len()) as f64;
                2.0 * single.distances_to(planar) / pairs - within - self.own
            }
            None => self.against(planar, *within),
        }
    }
}

impl EnergyDistance {
    /// The points of a cloud, and behind them those of the reference.
    fn pooled(&self, cloud: CloudView<'_>) -> Planar {
        let mut pooled = Planar::new(cloud);
        pooled.x.extend_from_slice(&self.reference.x);
        pooled.y.extend_from_slice(&self.reference.y);
        pooled
    }

    /// The value for a cloud whose points are `within` of one another in the mean.
    fn against(&self, cloud: &Planar, within: f64) -> f64 {
        let pairs = (cloud.len() * self.reference.len()) as f64;
        let cross = between(cloud, &self.reference, Term::Distance) / pairs;
        2.0 * cross - within - self.own
    }
}

/// `−cᵀ D c` for each column `c` of `labels`.
fn energies(points: &Planar, labels: &Array2<f64>) -> Vec<f64> {
    const TILE: usize = 128;
    let n = points.len();
    let block = |row: usize| {
        let rows = row * TILE..n.min((row + 1) * TILE);
        let own = labels.slice_axis(Axis(0), Slice::from(rows.clone()));
        let mut product = Array2::zeros(own.raw_dim());
        let mut tile = Array2::zeros((rows.len(), TILE));
        for start in (rows.start..n).step_by(TILE) {
            let columns = start..n.min(start + TILE);
            for (mut distances, i) in tile.rows_mut().into_iter().zip(rows.clone()) {
                let at = [points.x[i], points.y[i]];
                let others = [&points.x[columns.clone()], &points.y[columns.clone()]];
                if let Some(into) = distances.as_slice_mut() {
                    distances_from(at, others, into);
                }
            }
            // Tiles right of the diagonal stand for their mirror images too.
            let twice = if start == rows.start { 1.0 } else { 2.0 };
            let distances = tile.slice_axis(Axis(1), Slice::from(..columns.len()));
            general_mat_mul(
                twice,
                &distances,
                &labels.slice_axis(Axis(0), Slice::from(columns)),
                1.0,
                &mut product,
            );
        }
        let mut sums = vec![0.0; labels.ncols()];
        for (label, value) in own.rows().into_iter().zip(product.rows()) {
            for ((sum, c), v) in sums.iter_mut().zip(label).zip(value) {
                *sum -= c * v;
            }
        }
        sums
    };
    let blocks: Vec<Vec<f64>> = (0..n.div_ceil(TILE)).into_par_iter().map(block).collect();
    let mut total = vec![0.0; labels.ncols()];
    for block in blocks {
        total.iter_mut().zip(block).for_each(|(t, b)| *t += b);
    }
    total
}

#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn distances_from(at: [f64; 2], others: [&[f64]; 2], into: &mut [f64]) {
    for ((to, x), y) in into.iter_mut().zip(others[0]).zip(others[1]) {
        let (dx, dy) = (x - at[0], y - at[1]);
        *to = (dx * dx + dy * dy).sqrt();
    }
}

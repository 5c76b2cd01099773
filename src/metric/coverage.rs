//! Density and coverage: are the points of the cloud where the target's are, and are all of the target's reached?

use multiversion::multiversion;
use rayon::prelude::*;

use super::{About, Effort, Grain, Ideal, KnnKl, Metric, Needs, Scale, Taken};
use crate::cloud::CloudView;
use crate::plane::{Neighbours, Planar, QUERIES};

/// What [`Density`] measures.
pub const DENSITY: About = About {
    name: "density",
    words: "density",
    measures: "mean number of reference points among whose 5 nearest neighbours a cloud point would be, over 5; 1 for equal distributions",
    sees: "sees points where the target has none (below 1) and piles where it is densest (above 1); blind to regions left empty",
    ideal: Ideal::Between,
    grain: Grain::Share,
    axis: Some(Scale::Linear),
    taken: Taken::Asked,
    needs: Needs::Nothing,
    effort: Effort::Quick,
};

/// What [`Coverage`] measures.
pub const COVERAGE: About = About {
    name: "coverage",
    words: "coverage",
    measures: "fraction of reference points with a cloud point nearer than their 5th neighbour; about 0.97 for equal distributions",
    sees: "sees regions and modes of the target that stay empty; blind to points where the target has none",
    ideal: Ideal::High,
    grain: Grain::Share,
    axis: Some(Scale::Linear),
    taken: Taken::Asked,
    needs: Needs::Nothing,
    effort: Effort::Quick,
};

/// The density of Naeem et al. (*Reliable fidelity and diversity metrics for generative models*, ICML 2020, eq. 4):
/// `(1/kn) Σ_i #{j : ‖x_i − y_j‖ ≤ ρ_k(j)}`, with `ρ_k(j)` the distance from reference point `j` to its k-th neighbour in the reference, `k = 5`.
/// Their answer to the precision of Kynkäänniemi et al. (2019), which one outlier of the reference with its wide ball can raise.
#[derive(Clone, Debug)]
pub struct Density {
    reference: Planar,
    /// Squared.
    radii: Vec<f64>,
    k: usize,
}

impl Density {
    /// Takes the reference sample, `m×2`; `None` if it has fewer than two points.
    #[must_use]
    pub fn new(reference: CloudView<'_>) -> Option<Self> {
        let reference = Planar::new(reference);
        let k = KnnKl::K.min(reference.len().checked_sub(1)?);
        Some(Self {
            radii: radii(&reference, k)?,
            reference,
            k,
        })
    }
}

impl Metric for Density {
    fn about(&self) -> &'static About {
        &DENSITY
    }

    fn measure(&self, cloud: CloudView<'_>) -> f64 {
        let n = cloud.nrows();
        let points = Planar::new(cloud);
        let inside: u64 = (0..n)
            .into_par_iter()
            .with_min_len(QUERIES)
            .map(|i| {
                let at = [points.x[i], points.y[i]];
                reached(at, [&self.reference.x, &self.reference.y, &self.radii])
            })
            .sum();
        inside as f64 / (self.k * n) as f64
    }
}

/// The coverage of Naeem et al. (eq. 5): the fraction of reference points `j` with `min_i ‖x_i − y_j‖ ≤ ρ_k(j)`. Between equal
/// distributions of equal sizes its mean is `1 − Π_{i=1}^{k} (n−i)/(2n−i)`, about `1 − 2⁻ᵏ` (their Lemma 2).
#[derive(Clone, Debug)]
pub struct Coverage {
    reference: Planar,
    /// Squared.
    radii: Vec<f64>,
}

impl Coverage {
    /// Takes the reference sample, `m×2`; `None` if it has fewer than two points.
    #[must_use]
    pub fn new(reference: CloudView<'_>) -> Option<Self> {
        let reference = Planar::new(reference);
        let k = KnnKl::K.min(reference.len().checked_sub(1)?);
        Some(Self {
            radii: radii(&reference, k)?,
            reference,
        })
    }
}

impl Metric for Coverage {
    fn about(&self) -> &'static About {
        &COVERAGE
    }

    fn measure(&self, cloud: CloudView<'_>) -> f64 {
        if cloud.nrows() == 0 {
            return f64::NAN;
        }
        let tree = Neighbours::new(&Planar::new(cloud));
        let m = self.reference.len();
        let covered = (0..m)
            .into_par_iter()
            .with_min_len(QUERIES)
            .filter(|&j| {
                let at = [self.reference.x[j], self.reference.y[j]];
                tree.nearest(at, 1, None).bound() <= self.radii[j]
            })
            .count();
        covered as f64 / m as f64
    }
}

/// The square of the distance from each point to its `k`-th neighbour among the others, or, where that one is at the same place, to the nearest
/// at another: a ball without extent, such as repeated points and grids have, would be missed by all that is not exactly there. `None` without
/// neighbours.
fn radii(points: &Planar, k: usize) -> Option<Vec<f64>> {
    if k == 0 {
        return None;
    }
    let tree = Neighbours::new(points);
    let radius = |i: usize| {
        let at = [points.x[i], points.y[i]];
        let found = tree.nearest(at, k, Some(i as u32)).bound();
        if found > 0.0 {
            found
        } else {
            tree.elsewhere(at).unwrap_or(0.0)
        }
    };
    let all = (0..points.len()).into_par_iter().with_min_len(QUERIES);
    Some(all.map(radius).collect())
}

/// How many points, given by coordinates and squared radii, have `at` within their radius.
#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn reached(at: [f64; 2], balls: [&[f64]; 3]) -> u64 {
    let m = balls[2].len();
    let [x, y, squared] = balls.map(|side| &side[..m]);
    let mut count = 0;
    for j in 0..m {
        let (dx, dy) = (x[j] - at[0], y[j] - at[1]);
        count += u64::from(dx * dx + dy * dy <= squared[j]);
    }
    count
}

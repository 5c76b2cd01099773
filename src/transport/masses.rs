//! A cheapest coupling of two clouds of any sizes and masses.

use super::coupling::{Plan, cheapest};
use super::exactly::{Total, total};
use super::separate::{self, Part};
use super::w2::{Pair, Transport, TransportError, checked};
use crate::cloud::CloudView;
use crate::plane::Planar;

/// An optimal plan between two weighted clouds, and the proof that it is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Coupling {
    /// The distance, in the target's units.
    pub value: f64,
    /// Duality gap of the squared distance, with all that rounding can hide: the true `W2²` lies between `value² − gap` and `value²`.
    pub gap: f64,
    /// The gap as a share of the squared distance; 0 for a distance of 0. Above [`Transport::PROVEN`] nothing is proven.
    pub doubt: f64,
    /// Where mass goes: cloud point, reference point, share of the whole. At most `n + m − 1` entries.
    pub plan: Vec<(usize, usize, f64)>,
}

impl Coupling {
    /// Most pairs of points that a plan is sought among: 10 000 against 10 000, some ten seconds.
    pub const MOST_PAIRS: usize = 100_000_000;

    /// Solves between a cloud (`n×2`) and a reference (`m×2`), each with its points' weights, which need not sum to one, or with equal ones
    /// for `None`: the transportation problem, by a network simplex in linear memory.
    ///
    /// # Errors
    /// [`TransportError`] for clouds that are empty, not finite or of more than [`MOST_PAIRS`](Self::MOST_PAIRS) pairs, and for weights that are
    /// not one a point, negative, or all zero.
    pub fn new(
        cloud: CloudView<'_>,
        cloud_weights: Option<&[f64]>,
        reference: CloudView<'_>,
        reference_weights: Option<&[f64]>,
    ) -> Result<Self, TransportError> {
        let (n, m) = (cloud.nrows(), reference.nrows());
        let (all_rows, all_columns) = (checked(cloud)?, checked(reference)?);
        if n.saturating_mul(m) > Self::MOST_PAIRS {
            return Err(TransportError::Large {
                cloud: n,
                reference: m,
                most: Self::MOST_PAIRS.isqrt(),
            });
        }
        // Equal masses as whole numbers: then all sums and differences of them are exact.
        let supply = Masses::new(cloud_weights, n, m)?;
        let demand = Masses::new(reference_weights, m, n)?;
        let (mut supply_masses, mut demand_masses) = (supply.masses, demand.masses);
        let whole = if cloud_weights.is_none() && reference_weights.is_none() {
            n as f64 * m as f64
        } else {
            normalise(&mut supply_masses);
            normalise(&mut demand_masses);
            1.0
        };
        let (rows, columns) = (
            all_rows.pick(&supply.places),
            all_columns.pick(&demand.places),
        );
        let masses = [&supply_masses[..], &demand_masses[..]];
        let solve = |part: &Part| Carried::solve([&rows, &columns], masses, whole, part);
        let mut parts = vec![Part {
            rows: (0..rows.len()).collect(),
            columns: (0..columns.len()).collect(),
        }];
        let mut solved: Vec<Carried> = parts.iter().map(solve).collect();
        let equal = cloud_weights.is_none() && reference_weights.is_none();
        if equal && solved[0].gap.share_of(solved[0].cost) > Transport::PROVEN {
            // The digits do not suffice for all at once. Whole masses can be told apart by parts; weights add up to within rounding only.
            parts = separate::parts(&rows, &columns);
            solved = parts.iter().map(solve).collect();
        }
        let plan = parts.iter().zip(&solved).flat_map(|(part, carried)| {
            carried.arcs.iter().map(|&(i, j, mass)| {
                let (i, j) = (part.rows[i as usize], part.columns[j as usize]);
                (supply.places[i], demand.places[j], mass / whole)
            })
        });
        let cost = Total::sum(solved.iter().map(|carried| carried.cost));
        let gap = Total::sum(solved.iter().map(|carried| carried.gap));
        Ok(Self {
            value: cost.root_of_mean(1),
            gap: gap.value(),
            doubt: gap.share_of(cost),
            plan: plan.collect(),
        })
    }
}

/// A part with its plan, and shares of the whole cost.
struct Carried {
    arcs: Vec<(u32, u32, f64)>,
    cost: Total,
    gap: Total,
}

impl Carried {
    fn solve(
        [rows, columns]: [&Planar; 2],
        [supply, demand]: [&[f64]; 2],
        whole: f64,
        part: &Part,
    ) -> Self {
        let pair = Pair::new(rows.pick(&part.rows), columns.pick(&part.columns));
        let of = |masses: &[f64], places: &[usize]| -> Vec<f64> {
            places.iter().map(|&i| masses[i]).collect()
        };
        let supply = of(supply, &part.rows);
        let demand = of(demand, &part.columns);
        let Plan { arcs, gap } = cheapest(&pair.rows, &pair.laid, &supply, &demand);
        let mut costs: Vec<f64> = arcs
            .iter()
            .map(|&(i, j, mass)| mass / whole * pair.cost(i as usize, j as usize))
            .collect();
        costs.sort_unstable_by(f64::total_cmp);
        let cost = total(&costs);
        let gap = if cost > 0.0 {
            gap / whole + pair.lost
        } else {
            0.0
        };
        Self {
            arcs,
            cost: Total::new(cost, pair.exponent),
            gap: Total::new(gap, pair.exponent),
        }
    }
}

/// The points of a cloud that have mass.
struct Masses {
    places: Vec<usize>,
    masses: Vec<f64>,
}

impl Masses {
    fn new(weights: Option<&[f64]>, count: usize, equal: usize) -> Result<Self, TransportError> {
        let Some(weights) = weights else {
            return Ok(Self {
                places: (0..count).collect(),
                masses: vec![equal as f64; count],
            });
        };
        let bad = weights.iter().position(|w| !(0.0..1e150).contains(w));
        if weights.len() != count || bad.is_some() || weights.iter().all(|&w| w == 0.0) {
            return Err(TransportError::Weights {
                weights: weights.len(),
                points: count,
                bad,
            });
        }
        let places: Vec<usize> = (0..count).filter(|&i| weights[i] > 0.0).collect();
        let masses = places.iter().map(|&i| weights[i]).collect();
        Ok(Self { places, masses })
    }
}

fn normalise(masses: &mut [f64]) {
    let sum: f64 = masses.iter().sum();
    for mass in masses {
        *mass /= sum;
    }
}

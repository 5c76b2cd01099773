//! 2-Wasserstein distance between clouds of any sizes and weights: exact up to a stated size, beyond it an estimate that says so.

use ndarray::Axis;
use rand::seq::SliceRandom;
use rayon::prelude::*;

use super::{About, Effort, Grain, Ideal, Metric, Needs, Reading, Scale, Taken};
use crate::cloud::{Cloud, CloudView};
use crate::random::Stream;
use crate::transport::{Coupling, ExactW2, Transport, TransportError};

/// What [`ExactW2`] measures.
pub const W2: About = About {
    name: "w2",
    words: "W₂, exact",
    measures: "2-Wasserstein distance, the root mean square length of the best matching with the reference, in the target's units; exact",
    sees: "sees misplaced mass and error at every scale in one number of the target's units; 5 % outliers, blur and duplicates drown in its floor",
    ideal: Ideal::Low,
    grain: Grain::Fine,
    axis: Some(Scale::Log),
    taken: Taken::Asked,
    needs: Needs::Nothing,
    effort: Effort::Dear,
};

impl Metric for ExactW2 {
    fn about(&self) -> &'static About {
        &W2
    }

    /// NaN where [`solve`](Self::solve) has an error.
    fn measure(&self, cloud: CloudView<'_>) -> f64 {
        self.solve(cloud, None)
            .map_or(f64::NAN, |transport| transport.value)
    }
}

/// The 2-Wasserstein distance to a reference sample, for clouds of any size: [`ExactW2`] for equal sizes, [`Coupling`] for unequal
/// ones, and beyond [`MOST`](Self::MOST) points, or [`Coupling::MOST_PAIRS`], an estimate that is labelled as one.
#[derive(Clone, Debug)]
pub struct Wasserstein {
    exact: ExactW2,
    reference: Cloud,
}

impl Wasserstein {
    /// Most points of clouds of one size that are matched exactly: some seconds and a few megabytes.
    pub const MOST: usize = 20_000;
    /// Pairs of subsamples behind an estimate, and their size.
    const PAIRS: u64 = 4;
    const SIZE: usize = 2000;

    /// Takes the reference sample, `m×2`.
    ///
    /// # Errors
    /// [`TransportError`] if it is empty or not finite.
    pub fn new(reference: CloudView<'_>) -> Result<Self, TransportError> {
        Ok(Self {
            exact: ExactW2::new(reference)?,
            reference: reference.to_owned(),
        })
    }

    /// Whether the distance between clouds of so many points is exact, and no estimate.
    #[must_use]
    pub fn is_exact_for(n: usize, m: usize) -> bool {
        if n == m {
            n <= Self::MOST
        } else {
            n.saturating_mul(m) <= Coupling::MOST_PAIRS
        }
    }

    /// The matching of equal sizes, for runs that go from one solution to the next.
    #[must_use]
    pub fn exact(&self) -> &ExactW2 {
        &self.exact
    }

    /// The mean over pairs of disjoint subsamples, with its standard error.
    fn estimate(&self, cloud: CloudView<'_>) -> Reading {
        let (n, m) = (cloud.nrows(), self.reference.nrows());
        let size = Self::SIZE.min(n).min(m);
        let values: Vec<f64> = (0..Self::PAIRS)
            .into_par_iter()
            .map(|pair| {
                let part = |cloud: CloudView<'_>, role: &str| {
                    // The same shuffle for all pairs: they do not overlap as long as there are points.
                    let mut order: Vec<usize> = (0..cloud.nrows()).collect();
                    order.shuffle(&mut Stream::new(0, "w2 subsamples").part(role).rng());
                    order.rotate_left(pair as usize * size % cloud.nrows());
                    cloud.select(Axis(0), &order[..size])
                };
                let (a, b) = (
                    part(cloud, "cloud"),
                    part(self.reference.view(), "reference"),
                );
                ExactW2::new(b.view()).map_or(f64::NAN, |exact| exact.measure(a.view()))
            })
            .collect();
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
        Reading {
            value: mean,
            standard_error: Some((squares / (count * (count - 1.0))).sqrt()),
            note: Some(format!(
                "an estimate, above the distance of the whole clouds: the mean over {} pairs of subsamples of {size} points; exact up to {} points in each of two clouds of one size, or {} in each of two others",
                Self::PAIRS,
                Self::MOST,
                Coupling::MOST_PAIRS.isqrt(),
            )),
        }
    }
}

impl Metric for Wasserstein {
    fn about(&self) -> &'static About {
        &W2
    }

    fn measure(&self, cloud: CloudView<'_>) -> f64 {
        self.read(cloud).value
    }

    /// NaN where the distance has an error that is not one of size.
    fn read(&self, cloud: CloudView<'_>) -> Reading {
        let (n, m) = (cloud.nrows(), self.reference.nrows());
        let certified = |value: f64, gap: f64, doubt: f64| Reading {
            note: Some(if doubt <= Transport::PROVEN {
                format!("exact: the squared distance is proven to {gap:.0e}")
            } else {
                format!(
                    "not proven: the squared distance may be less by {gap:.0e}, {doubt:.0e} of it, beyond the digits of the machine"
                )
            }),
            ..Reading::of(value)
        };
        let refused = |error: TransportError| Reading {
            note: Some(error.to_string()),
            ..Reading::of(f64::NAN)
        };
        if n == m && n <= Self::MOST {
            let solved = self.exact.solve(cloud, None);
            return solved.map_or_else(refused, |t| certified(t.value, t.gap, t.doubt));
        }
        match Coupling::new(cloud, None, self.reference.view(), None) {
            Ok(coupling) => certified(coupling.value, coupling.gap, coupling.doubt),
            Err(TransportError::Large { .. }) => self.estimate(cloud),
            Err(error) => refused(error),
        }
    }
}

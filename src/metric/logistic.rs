//! Classifier two-sample test with a smooth boundary: logistic regression on the second moments.

use std::cmp::Ordering;
use std::f64::consts::SQRT_2;

use rand::seq::SliceRandom;

use super::{About, Effort, Grain, Ideal, Metric, Needs, Reading, Scale, Taken};
use crate::cloud::CloudView;
use crate::plane::Whitening;
use crate::random::Stream;

/// What [`LogisticC2st`] measures.
pub const C2ST_LOGISTIC: About = About {
    name: "c2st_logistic",
    words: "logistic accuracy",
    measures: "held-out accuracy of a logistic classifier on 1, x, y, x², xy, y² that tells cloud from target, balanced; 1/2 if it cannot",
    sees: "sees differences of mean and covariance, small ones too; blind to everything that leaves those alone, such as missing details",
    ideal: Ideal::Low,
    grain: Grain::Share,
    axis: Some(Scale::Linear),
    taken: Taken::Asked,
    needs: Needs::Nothing,
    effort: Effort::Quick,
};

/// Number of terms of a polynomial of degree 2 in the plane.
const TERMS: usize = 6;
/// Penalty on squared weights, per point: it only keeps them finite where the classes are separable.
const RIDGE: f64 = 1e-4;

/// The two-sample test by a logistic classifier (Lopez-Paz & Oquab, ICLR 2017), the smooth companion of [`C2st`](super::C2st). Its log
/// odds are a quadratic polynomial, the exact `log p/q` of two Gaussians, in coordinates whitened by the pooled sample, so that the units of the
/// axes, the origin and a turn of the plane do not matter. Each class is dealt into two halves in a fixed random order, which depends on the points
/// and not on the order of their rows; the halves take turns as training and as test data. Each class counts for one half, so that unequal
/// sizes do not tilt the accuracy.
#[derive(Clone, Debug)]
pub struct LogisticC2st {
    /// In ascending order.
    reference: Vec<[f64; 2]>,
}

impl LogisticC2st {
    /// Takes the reference sample, `m×2`.
    #[must_use]
    pub fn new(reference: CloudView<'_>) -> Self {
        Self {
            reference: ascending(reference),
        }
    }
}

/// The points in an order that no permutation of the rows changes.
fn ascending(points: CloudView<'_>) -> Vec<[f64; 2]> {
    let mut points: Vec<[f64; 2]> = points.rows().into_iter().map(|p| [p[0], p[1]]).collect();
    points.sort_unstable_by(compare);
    points
}

fn compare(a: &[f64; 2], b: &[f64; 2]) -> Ordering {
    a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1]))
}

/// The terms of the points, dealt into two halves. Before they are shuffled they lie in the order of their distances from the middle, which a
/// turn of the plane leaves as it is.
fn halves(points: &[[f64; 2]], map: &Whitening, class: &str) -> [Vec<[f64; TERMS]>; 2] {
    let mut white: Vec<[f64; 2]> = points.iter().map(|&p| map.map(p)).collect();
    white.sort_by(|a, b| {
        let square = |p: &[f64; 2]| p[0] * p[0] + p[1] * p[1];
        square(a).total_cmp(&square(b))
    });
    white.shuffle(&mut Stream::new(0, "c2st_logistic halves").part(class).rng());
    // With this factor the penalty on the weights knows no directions.
    let terms = |&[x, y]: &[f64; 2]| [1.0, x, y, x * x, SQRT_2 * x * y, y * y];
    [0, 1].map(|odd| white.iter().skip(odd).step_by(2).map(terms).collect())
}

impl Metric for LogisticC2st {
    fn about(&self) -> &'static About {
        &C2ST_LOGISTIC
    }

    fn measure(&self, cloud: CloudView<'_>) -> f64 {
        self.read(cloud).value
    }

    /// NaN if either sample has fewer than two points, or points that are not finite.
    fn read(&self, cloud: CloudView<'_>) -> Reading {
        let refused = |reason: &str| Reading {
            note: Some(reason.to_owned()),
            ..Reading::of(f64::NAN)
        };
        if cloud.nrows() < 2 || self.reference.len() < 2 {
            return refused("needs at least two points on either side");
        }
        let all = cloud.iter().chain(self.reference.iter().flatten());
        if !all.into_iter().all(|v| v.abs() < 1e300) {
            return refused("needs coordinates below 1e300");
        }
        let cloud = ascending(cloud);
        let mut pooled = [&cloud[..], &self.reference[..]].concat();
        pooled.sort_by(compare);
        let map = Whitening::of(&pooled);
        // Class by class and half by half.
        let [cloud, reference] = [
            halves(&cloud, &map, "cloud"),
            halves(&self.reference, &map, "reference"),
        ];
        let [even_cloud, odd_cloud] = cloud;
        let [even_reference, odd_reference] = reference;
        let terms = [[even_cloud, even_reference], [odd_cloud, odd_reference]];
        let accuracy = |odd: usize| {
            let weights = fit(&terms[1 - odd]);
            let share = |class: usize| {
                let points = &terms[odd][class];
                let right: f64 = points
                    .iter()
                    .map(|point| {
                        let odds = dot(&weights, point) * if class == 0 { 1.0 } else { -1.0 };
                        0.5 * (f64::from(u8::from(odds > 0.0)) + f64::from(u8::from(odds >= 0.0)))
                    })
                    .sum();
                right / points.len() as f64
            };
            f64::midpoint(share(0), share(1))
        };
        Reading::of(f64::midpoint(accuracy(0), accuracy(1)))
    }
}

fn dot(a: &[f64; TERMS], b: &[f64; TERMS]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The weights of least penalised logistic loss, both classes with equal total weight, by Newton's method. Steps are halved until
/// the loss falls.
fn fit(classes: &[Vec<[f64; TERMS]>; 2]) -> [f64; TERMS] {
    const ROUNDS: usize = 30;
    let loss = |weights: &[f64; TERMS]| {
        let mut sum = 0.5 * RIDGE * dot(weights, weights);
        for (class, sign) in classes.iter().zip([-1.0, 1.0]) {
            let all: f64 = class
                .iter()
                .map(|point| {
                    let against = sign * dot(weights, point);
                    against.max(0.0) + (-against.abs()).exp().ln_1p()
                })
                .sum();
            sum += all / class.len() as f64;
        }
        sum
    };
    let mut weights = [0.0; TERMS];
    let mut now = loss(&weights);
    for _ in 0..ROUNDS {
        let mut gradient = weights.map(|w| RIDGE * w);
        let mut hessian = [[0.0; TERMS]; TERMS];
        for (i, row) in hessian.iter_mut().enumerate() {
            row[i] = RIDGE;
        }
        for (class, target) in classes.iter().zip([1.0, 0.0]) {
            let each = 1.0 / class.len() as f64;
            for point in class {
                let chance = 1.0 / (1.0 + (-dot(&weights, point)).exp());
                let curvature = each * chance * (1.0 - chance);
                for i in 0..TERMS {
                    gradient[i] += each * (chance - target) * point[i];
                    for j in 0..=i {
                        hessian[i][j] += curvature * point[i] * point[j];
                    }
                }
            }
        }
        let step = solve(hessian, gradient);
        let mut length = 1.0;
        let improved = loop {
            let tried = std::array::from_fn(|i| weights[i] - length * step[i]);
            let after = loss(&tried);
            if after < now {
                break Some((tried, after));
            }
            length *= 0.5;
            if length < 1e-6 {
                break None;
            }
        };
        let Some((tried, after)) = improved else {
            break;
        };
        let settled = now - after < 1e-10;
        (weights, now) = (tried, after);
        if settled {
            break;
        }
    }
    weights
}

/// Solves `A x = b` for a positive definite `A`, given by its lower triangle, by Cholesky's method.
fn solve(mut a: [[f64; TERMS]; TERMS], mut b: [f64; TERMS]) -> [f64; TERMS] {
    for i in 0..TERMS {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| a[i][k] * a[j][k]).sum();
            a[i][j] = if i == j {
                (a[i][i] - sum).sqrt()
            } else {
                (a[i][j] - sum) / a[j][j]
            };
        }
        let sum: f64 = (0..i).map(|k| a[i][k] * b[k]).sum();
        b[i] = (b[i] - sum) / a[i][i];
    }
    for i in (0..TERMS).rev() {
        let sum: f64 = (i + 1..TERMS).map(|k| a[k][i] * b[k]).sum();
        b[i] = (b[i] - sum) / a[i][i];
    }
    b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cholesky_solves() {
        let mut a = [[0.0; TERMS]; TERMS];
        let x: [f64; TERMS] = std::array::from_fn(|i| i as f64 - 2.5);
        let mut b = [0.0; TERMS];
        for i in 0..TERMS {
            for j in 0..TERMS {
                let entry = if i == j {
                    8.0
                } else {
                    1.0 / (1 + i + j) as f64
                };
                a[i][j] = entry;
                b[i] += entry * x[j];
            }
        }
        for (found, expected) in solve(a, b).into_iter().zip(x) {
            assert!((found - expected).abs() < 1e-13);
        }
    }
}

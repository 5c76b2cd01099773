//! Classifier two-sample test with a smooth boundary: logistic regression on the second moments.

use super::{About, Grain, Ideal, Metric};
use crate::cloud::{Cloud, CloudView, mean, spread};

/// What [`LogisticC2st`] measures.
pub const C2ST_LOGISTIC: About = About {
    name: "c2st_logistic",
    measures: "held-out accuracy of a logistic classifier on 1, x, y, x², xy, y² that tells cloud from target, balanced; 1/2 if it cannot",
    sees: "sees differences of mean and covariance, small ones too; blind to everything that leaves those alone, such as missing details",
    ideal: Ideal::Low,
    grain: Grain::Share,
};

/// Number of terms of a polynomial of degree 2 in the plane.
const TERMS: usize = 6;
/// Penalty on squared weights, per point: it only keeps them finite where the classes are separable.
const RIDGE: f64 = 1e-4;

/// The two-sample test by a logistic classifier (Lopez-Paz & Oquab, ICLR 2017), the smooth companion of [`C2st`](super::C2st). Its log
/// odds are a quadratic polynomial, the exact `log p/q` of two Gaussians. Points of even and of odd places in their lists take turns as training and as
/// test data, and each class counts for one half, so that unequal sizes do not tilt the accuracy.
#[derive(Clone, Debug)]
pub struct LogisticC2st {
    reference: Cloud,
    centre: [f64; 2],
    width: f64,
}

impl LogisticC2st {
    /// Takes the reference sample, `m×2`.
    #[must_use]
    pub fn new(reference: CloudView<'_>) -> Self {
        let width = spread(reference);
        Self {
            reference: reference.to_owned(),
            centre: mean(reference),
            width: if width > 0.0 { width } else { 1.0 },
        }
    }

    /// Terms of the points of one half.
    fn half(&self, points: CloudView<'_>, odd: usize) -> Vec<[f64; TERMS]> {
        let half = points.rows().into_iter().skip(odd).step_by(2);
        half.map(|row| {
            let x = (row[0] - self.centre[0]) / self.width;
            let y = (row[1] - self.centre[1]) / self.width;
            [1.0, x, y, x * x, x * y, y * y]
        })
        .collect()
    }
}

impl Metric for LogisticC2st {
    fn about(&self) -> &'static About {
        &C2ST_LOGISTIC
    }

    /// NaN if either sample has fewer than two points, or points that are not finite.
    fn measure(&self, cloud: CloudView<'_>) -> f64 {
        let wild = cloud.iter().any(|v| !v.is_finite());
        if cloud.nrows() < 2 || self.reference.nrows() < 2 || wild {
            return f64::NAN;
        }
        // Class by class and half by half.
        let terms =
            [0, 1].map(|odd| [self.half(cloud, odd), self.half(self.reference.view(), odd)]);
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
        f64::midpoint(accuracy(0), accuracy(1))
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

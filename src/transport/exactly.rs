//! Sums that lose no digits on the way, and that no scale of the data makes too large or too small.

/// The sum, as if it were taken in twice the digits and rounded once (Ogita, Rump and Oishi, *SIAM J. Sci. Comput.* 26, 2005).
pub(crate) fn total(values: &[f64]) -> f64 {
    let (mut sum, mut lost) = (0.0, 0.0);
    for &value in values {
        let next: f64 = sum + value;
        let back = next - sum;
        lost += (sum - (next - back)) + (value - back);
        sum = next;
    }
    sum + lost
}

/// `a − b`, and what rounding has left out of it (Knuth, *TAOCP* 2, 4.2.2).
pub(crate) fn difference(a: f64, b: f64) -> (f64, f64) {
    let near = a - b;
    let back = near - a;
    (near, (a - (near - back)) - (b + back))
}

/// A sum of squared lengths, each in units of `2^exponent`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Total {
    sum: f64,
    exponent: i32,
}

impl Total {
    pub(crate) fn new(sum: f64, exponent: i32) -> Self {
        Self { sum, exponent }
    }

    /// In the largest unit of those that are not zero.
    pub(crate) fn sum(all: impl Iterator<Item = Self> + Clone) -> Self {
        let present = all.filter(|total| total.sum > 0.0);
        let exponent = present
            .clone()
            .map(|total| total.exponent)
            .max()
            .unwrap_or(0);
        let scaled: Vec<f64> = present.map(|total| total.at(exponent)).collect();
        Self::new(total(&scaled), exponent)
    }

    fn at(self, exponent: i32) -> f64 {
        let factor = 2.0_f64.powi(self.exponent - exponent);
        self.sum * factor * factor
    }

    /// In the squared units of the data; 0 or infinite where it is too small or too large for them.
    pub(crate) fn value(self) -> f64 {
        self.at(0)
    }

    /// The root of the mean over `count`, in the units of the data.
    pub(crate) fn root_of_mean(self, count: usize) -> f64 {
        (self.sum / count as f64).sqrt() * 2.0_f64.powi(self.exponent)
    }

    /// The quotient; 0 if the other is.
    pub(crate) fn share_of(self, other: Self) -> f64 {
        if other.sum > 0.0 {
            self.at(other.exponent) / other.sum
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_and_what_is_left_are_exact() {
        assert_eq!(difference(1e16, 1.0 / 3.0), (1e16, -1.0 / 3.0));
        assert_eq!(difference(0.75, 0.5), (0.25, 0.0));
    }

    #[test]
    fn small_terms_are_not_lost_beside_large_ones() {
        assert_eq!(total(&[1e16, 1.0, 1.0, -1e16]), 2.0);
        let parts = [
            Total::new(0.5, -500),
            Total::new(2.0, 400),
            Total::new(0.0, 900),
        ];
        let sum = Total::sum(parts.into_iter());
        assert_eq!(sum.root_of_mean(2), 2.0_f64.powi(400));
        assert_eq!(Total::new(2.0, -600).root_of_mean(2), 2.0_f64.powi(-600));
        assert_eq!(Total::new(1.0, 3).share_of(Total::new(4.0, 2)), 1.0);
        assert_eq!(
            Total::sum([Total::new(0.0, 3)].into_iter()).share_of(sum),
            0.0
        );
    }
}

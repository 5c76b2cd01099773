//! Two samples on a line, sorted: the optimal map between them, and mean distances.

/// The optimal map from one sample to the other, less the identity, and the potential of it: linear between the points of the first, constant beyond.
#[derive(Clone, Debug)]
pub(super) struct Transport {
    /// Places of the first sample, each once.
    knots: Vec<f64>,
    /// How far the map goes from each.
    gaps: Vec<f64>,
    /// The integral of that from the first place to each.
    potential: Vec<f64>,
}

impl Transport {
    /// Between two sorted samples, neither empty. A point of the first goes to the mean of the part of the second that is its share, and points at one
    /// place go together.
    pub(super) fn new(from: &[f64], to: &[f64]) -> Self {
        let (n, m) = (from.len(), to.len());
        let mut before = Vec::with_capacity(m + 1);
        before.push(0.0);
        // Around one of its points, so that no digits are lost far from the origin.
        let middle = to[m / 2];
        let mut sum = 0.0;
        for v in to {
            sum += v - middle;
            before.push(sum);
        }
        // The integral of the quantile function up to i/n, times m.
        let up_to = |i: usize| {
            let (whole, rest) = (i * m / n, i * m % n);
            let part = if rest == 0 {
                0.0
            } else {
                (to[whole] - middle) * rest as f64 / n as f64
            };
            before[whole] + part
        };
        let (mut knots, mut gaps, mut potential) = (Vec::new(), Vec::new(), Vec::new());
        let mut start = 0;
        while start < n {
            let place = from[start];
            let tied = from[start..].iter().take_while(|&&t| t == place).count();
            let share = (tied * m) as f64 / n as f64;
            let mean = middle + (up_to(start + tied) - up_to(start)) / share;
            let gap = mean - place;
            let reached = match (knots.last(), gaps.last(), potential.last()) {
                (Some(t), Some(g), Some(p)) => p + 0.5 * (place - t) * (g + gap),
                _ => 0.0,
            };
            knots.push(place);
            gaps.push(gap);
            potential.push(reached);
            start += tied;
        }
        Self {
            knots,
            gaps,
            potential,
        }
    }

    /// The potential at a place, and its slope, which is how far the map goes from there.
    pub(super) fn at(&self, t: f64) -> [f64; 2] {
        let right = self.knots.partition_point(|&knot| knot <= t);
        let last = self.knots.len() - 1;
        if right == 0 || right > last {
            let end = right.min(last);
            let (knot, gap) = (self.knots[end], self.gaps[end]);
            return [self.potential[end] + gap * (t - knot), gap];
        }
        let left = right - 1;
        let width = self.knots[right] - self.knots[left];
        let part = t - self.knots[left];
        let slope = (self.gaps[right] - self.gaps[left]) / width;
        let gap = self.gaps[left] + slope * part;
        [
            self.potential[left] + 0.5 * part * (self.gaps[left] + gap),
            gap,
        ]
    }
}

/// Mean distances to a sorted sample.
#[derive(Clone, Debug)]
pub(super) struct Gaps {
    points: Vec<f64>,
    middle: f64,
    /// Sums of the first points, from the middle.
    before: Vec<f64>,
}

impl Gaps {
    pub(super) fn new(points: Vec<f64>) -> Self {
        let middle = points[points.len() / 2];
        let mut sum = 0.0;
        let sums = points.iter().map(|v| {
            sum += v - middle;
            sum
        });
        let before = std::iter::once(0.0).chain(sums).collect();
        Self {
            points,
            middle,
            before,
        }
    }

    /// `E|t − x|`, and its slope: at a point itself, the mean of those at either side.
    pub(super) fn at(&self, t: f64) -> [f64; 2] {
        let n = self.points.len();
        let below = self.points.partition_point(|&x| x < t);
        let up_to = self.points.partition_point(|&x| x <= t);
        let (count, all) = (n as f64, self.before[n]);
        let side = t - self.middle;
        let distance = side * (2.0 * up_to as f64 - count) + all - 2.0 * self.before[up_to];
        [distance / count, (below + up_to) as f64 / count - 1.0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_is_the_one_of_sorted_samples() {
        let map = Transport::new(&[0.0, 1.0, 3.0], &[5.0, 7.0, 8.0]);
        for (t, gap) in [
            (0.0, 5.0),
            (1.0, 6.0),
            (3.0, 5.0),
            (-9.0, 5.0),
            (9.0, 5.0),
            (2.0, 5.5),
        ] {
            assert!((map.at(t)[1] - gap).abs() < 1e-14, "{t}");
        }
        // Of two for three each takes one and a half; points at one place go together.
        let map = Transport::new(&[0.0, 1.0], &[0.0, 3.0, 6.0]);
        assert!((map.at(0.0)[1] - 1.0).abs() < 1e-14 && (map.at(1.0)[1] - 4.0).abs() < 1e-14);
        let map = Transport::new(&[2.0, 2.0], &[0.0, 3.0, 6.0]);
        assert!((map.at(2.0)[1] - 1.0).abs() < 1e-14);
        assert!((map.at(1e9)[1] - 1.0).abs() < 1e-14);
    }

    #[test]
    fn slopes_are_derivatives() {
        let sample = |seed: f64| {
            let mut all: Vec<f64> = (0..40).map(|i| (seed * f64::from(i)).sin() * 3.0).collect();
            all.sort_unstable_by(f64::total_cmp);
            all
        };
        let (map, gaps) = (
            Transport::new(&sample(1.3), &sample(0.7)),
            Gaps::new(sample(0.9)),
        );
        for i in 0..200 {
            let t = 0.0471 * f64::from(i) - 4.7;
            for at in [&|t| map.at(t) as [f64; 2], &|t| gaps.at(t)] as [&dyn Fn(f64) -> [f64; 2]; 2]
            {
                let quotient = (at(t + 1e-6)[0] - at(t - 1e-6)[0]) / 2e-6;
                assert!((quotient - at(t)[1]).abs() < 1e-4, "{t}");
            }
            let plain = sample(0.9).iter().map(|x| (t - x).abs()).sum::<f64>() / 40.0;
            assert!((gaps.at(t)[0] - plain).abs() < 1e-13);
        }
        assert_eq!(Gaps::new(vec![1.0, 2.0, 2.0, 5.0]).at(2.0)[1], 0.0);
    }
}

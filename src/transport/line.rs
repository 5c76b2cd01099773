//! Optimal transport on a line, where sorting solves it.

/// `W2²` between two sorted samples on a line: `∫₀¹ (F⁻¹(u) − G⁻¹(u))² du`.
pub(crate) fn w2_squared(a: &[f64], b: &[f64]) -> f64 {
    let (n, m) = (a.len(), b.len());
    if n == m {
        return a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>() / n as f64;
    }
    // Quantile levels are counted in units of 1/nm, where both staircases jump at whole numbers.
    let (mut i, mut j, mut level, mut sum) = (0, 0, 0, 0.0);
    while i < n && j < m {
        let next = ((i + 1) * m).min((j + 1) * n);
        let gap = a[i] - b[j];
        sum += (next - level) as f64 * gap * gap;
        level = next;
        i += usize::from(next == (i + 1) * m);
        j += usize::from(next == (j + 1) * n);
    }
    sum / (n as f64 * m as f64)
}

/// The same between places with weights, sorted, which sum to one, and a sorted sample.
pub(crate) fn weighted_w2_squared(a: &[(f64, f64)], b: &[f64]) -> f64 {
    let (mut i, mut j, mut level, mut sum) = (0, 0, 0.0, 0.0);
    let mut end = a.first().map_or(0.0, |first| first.1);
    while i < a.len() && j < b.len() {
        let step = (j + 1) as f64 / b.len() as f64;
        let next = end.min(step);
        let gap = a[i].0 - b[j];
        sum += (next - level).max(0.0) * gap * gap;
        level = next;
        // Both end at one, but for rounding.
        if end <= step && i + 1 < a.len() {
            i += 1;
            end += a[i].1;
        } else {
            j += 1;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::{w2_squared, weighted_w2_squared};

    #[test]
    fn weights_are_points_many_times_over() {
        let a = [(0.1, 0.25), (0.5, 0.5), (2.0, 0.25)];
        let repeated = [0.1, 0.5, 0.5, 2.0];
        for b in [&[0.3][..], &[0.0, 1.0, 2.5], &[-1.0, 0.0, 0.2, 0.3, 4.0]] {
            let expected = w2_squared(&repeated, b);
            assert!((weighted_w2_squared(&a, b) - expected).abs() < 1e-14);
        }
    }

    #[test]
    fn unequal_sizes_integrate_the_quantile_functions() {
        // {0} against {0, 1}: half of the mass moves by 1.
        assert_eq!(w2_squared(&[0.0], &[0.0, 1.0]), 0.5);
        // {0, 3} against {0, 1, 2}: the staircases jump at 2, 3, 4 and 6 sixths, with gaps 0, 1, 2 and 1 between.
        let by_hand = (2.0 * 0.0 + 1.0 * 1.0 + 1.0 * 4.0 + 2.0 * 1.0) / 6.0;
        assert!((w2_squared(&[0.0, 3.0], &[0.0, 1.0, 2.0]) - by_hand).abs() < 1e-15);
        // Each point written twice is the same distribution.
        let a = [0.1, 0.5, 2.0];
        let twice = [0.1, 0.1, 0.5, 0.5, 2.0, 2.0];
        assert_eq!(w2_squared(&a, &twice), 0.0);
    }
}

//! What is said of several values.

/// Mean and sample standard deviation, with n − 1 in the denominator; 0 for a single value. The mean of none is NaN.
pub(crate) fn mean_and_deviation(values: &[f64]) -> [f64; 2] {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    [mean, (squares / (n - 1.0).max(1.0)).sqrt()]
}

/// The power of two, as its exponent, that a length is about as large as; 0 for a length of 0.
pub(crate) fn power(length: f64) -> i32 {
    if length > 0.0 {
        (length.log2().ceil() as i32).clamp(-1000, 1000)
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::mean_and_deviation;

    #[test]
    fn of_few_values() {
        assert_eq!(mean_and_deviation(&[1.0, 2.0, 3.0]), [2.0, 1.0]);
        assert_eq!(mean_and_deviation(&[4.0]), [4.0, 0.0]);
        assert!(mean_and_deviation(&[])[0].is_nan());
    }
}

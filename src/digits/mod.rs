//! Numbers as messages and tables have them, and as pictures do.

#[cfg(feature = "render")]
mod decimal;
#[cfg(feature = "render")]
mod words;

#[cfg(feature = "render")]
pub(crate) use decimal::Decimal;
#[cfg(feature = "render")]
pub use words::number;
#[cfg(feature = "render")]
pub(crate) use words::{count, counted, superscript};

/// A number to three significant digits; small ones as they are written in tables.
pub(crate) fn three(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if !(1e-4..1e5).contains(&size) {
        format!("{value:.2e}")
    } else {
        let digits = (2 - size.log10().floor() as i32).max(0) as usize;
        format!("{value:.digits$}")
    }
}

#[cfg(test)]
mod tests {
    use super::three;

    #[test]
    fn numbers_have_three_significant_digits() {
        for (value, text) in [
            (0.0031, "0.00310"),
            (12.345, "12.3"),
            (1234.5, "1234"),
            (-0.5, "-0.500"),
            (1.5e-7, "1.50e-7"),
            (0.0, "0"),
        ] {
            assert_eq!(three(value), text);
        }
        assert_eq!(three(f64::NAN), "NaN");
    }
}

//! Numbers in words, as they stand in a picture.

/// A number to three significant digits: `0.0310`, `12.3`, `1.23 × 10⁻¹²`.
#[must_use]
pub fn number(value: f64) -> String {
    if value.is_nan() {
        return "not a number".to_owned();
    }
    let sign = if value < 0.0 { "−" } else { "" };
    let size = value.abs();
    if size.is_infinite() {
        return format!("{sign}∞");
    }
    if size == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{size:.2e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-3..5).contains(&exponent) {
        let places = usize::try_from(2 - exponent).unwrap_or(0);
        format!("{sign}{size:.places$}")
    } else {
        format!("{sign}{digits} × 10{}", superscript(exponent))
    }
}

/// `⁻¹²` for −12.
pub(crate) fn superscript(exponent: i32) -> String {
    exponent
        .to_string()
        .chars()
        .map(|c| match c {
            '-' => '⁻',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            '0' => '⁰',
            digit => char::from_u32(0x2070 + u32::from(digit) - u32::from('0')).unwrap_or(digit),
        })
        .collect()
}

/// A whole number with thin spaces between the thousands: `100 000`.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut words = String::with_capacity(digits.len() * 2);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && digits.len() > 4 && (digits.len() - place).is_multiple_of(3) {
            words.push('\u{202f}');
        }
        words.push(digit);
    }
    words
}

/// So many of something: `1 particle`, `2000 particles`.
pub(crate) fn counted(number: usize, what: &str) -> String {
    let more = if number == 1 { "" } else { "s" };
    format!("{} {what}{more}", count(number as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        for (value, words) in [
            (0.0310, "0.0310"),
            (12.34, "12.3"),
            (99999.0, "1.00 × 10⁵"),
            (1234.0, "1234"),
            (-2.5, "−2.50"),
            (1.23e-12, "1.23 × 10⁻¹²"),
            (0.0, "0"),
            (f64::NAN, "not a number"),
            (f64::NEG_INFINITY, "−∞"),
        ] {
            assert_eq!(number(value), words);
        }
    }

    #[test]
    fn counts_are_grouped_from_five_digits() {
        assert_eq!(count(1000), "1000");
        assert_eq!(count(1_000_000), "1\u{202f}000\u{202f}000");
    }
}

//! Numbers that are whole multiples of a power of ten, and how those of an axis are written: all of their digits, so that no two look alike.

use super::words::superscript;

/// So many times ten to this power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal(pub(crate) i128, pub(crate) i32);

impl Decimal {
    /// The nearest number.
    pub(crate) fn value(self) -> f64 {
        let Self(digits, power) = self;
        // Powers of ten above one are exact up to 10²².
        if (-300..0).contains(&power) {
            digits as f64 / 10.0_f64.powi(-power)
        } else {
            digits as f64 * 10.0_f64.powi(power)
        }
    }

    /// The labels of an axis with these ticks: plain where that is short, else with a power of ten, unless that takes many digits.
    pub(crate) fn labels(ticks: &[Self]) -> Vec<String> {
        /// Digits behind the point, of a mantissa that is easily read, and in all.
        const PLACES: i32 = 6;
        const MANTISSA: usize = 3;
        const DIGITS: i32 = 17;
        let most = ticks
            .iter()
            .map(|tick| tick.value().abs())
            .fold(0.0, f64::max);
        let power = ticks.iter().map(|tick| tick.1).min().unwrap_or(0);
        let mantissa = ticks
            .iter()
            .map(|tick| tick.trimmed().0.unsigned_abs().to_string().len());
        let whole = if most >= 1.0 {
            most.log10() as i32 + 1
        } else {
            1
        };
        let short = (1e-3..1e6).contains(&most) && -power <= PLACES;
        let is_plain = short
            || (mantissa.max().unwrap_or(0) > MANTISSA
                && most >= 1.0
                && whole + (-power).max(0) <= DIGITS);
        let write = |tick: &Self| {
            if is_plain {
                tick.plain()
            } else {
                tick.scientific()
            }
        };
        ticks.iter().map(write).collect()
    }

    /// Without zeros at the end.
    fn trimmed(self) -> Self {
        let Self(mut digits, mut power) = self;
        while digits != 0 && digits % 10 == 0 {
            (digits, power) = (digits / 10, power + 1);
        }
        Self(digits, power)
    }

    fn sign(self) -> &'static str {
        if self.0 < 0 { "−" } else { "" }
    }

    fn plain(self) -> String {
        let Self(digits, power) = self;
        let text = digits.unsigned_abs().to_string();
        if digits == 0 {
            return text;
        }
        if power >= 0 {
            return format!(
                "{}{text}{}",
                self.sign(),
                "0".repeat(power.unsigned_abs() as usize)
            );
        }
        let places = power.unsigned_abs() as usize;
        let text = format!("{text:0>0$}", places + 1);
        let (whole, rest) = text.split_at(text.len() - places);
        format!("{}{whole}.{rest}", self.sign())
    }

    fn scientific(self) -> String {
        let Self(digits, power) = self.trimmed();
        if digits == 0 {
            return "0".to_owned();
        }
        let text = digits.unsigned_abs().to_string();
        let (first, rest) = text.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        let exponent = superscript(rest.chars().fold(power, |power, _| power + 1));
        format!("{}{first}{point}{rest}·10{exponent}", self.sign())
    }
}

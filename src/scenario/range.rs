//! Numbers that a range stands for.

use super::tree::Value;

/// Most values of one range.
const MOST: i32 = 10_000_000;

/// The numbers from `from` to `to`, both ends counted, in steps (`:`) or by a factor (`*`). Whole numbers stay whole. Others are rounded to twelve
/// digits, so that 0.1 and two steps of 0.1 are 0.3.
pub(super) fn spread(from: &str, to: &str, (kind, by): (&str, &str)) -> Result<Vec<Value>, String> {
    let number = |text: &str| {
        let text = text.trim().replace('_', "");
        let value = text.parse::<f64>().ok().filter(|value| value.is_finite());
        value.ok_or_else(|| format!("`{text}` is no number, as a range asks for"))
    };
    let whole = [from, to, by]
        .iter()
        .all(|text| text.trim().parse::<i64>().is_ok());
    let (low, high, by) = (number(from)?, number(to)?, number(by)?);
    let upward = if kind == "*" {
        low > 0.0 && by > 1.0
    } else {
        by > 0.0
    };
    if high < low || !upward {
        return Err("a range goes upwards: its end is at least its beginning, its step above 0, its factor above 1 and its beginning then above 0".to_owned());
    }
    let mut values = Vec::new();
    for k in 0..=MOST {
        let value = if kind == "*" {
            low * by.powi(k)
        } else {
            low + f64::from(k) * by
        };
        let value: f64 = format!("{value:.11e}").parse().unwrap_or(value);
        if value > high * (1.0 + 1e-11 * high.signum()) {
            return Ok(values);
        }
        values.push(if whole && value.fract() == 0.0 && value.abs() < 9e15 {
            Value::Integer(value as i128)
        } else {
            Value::Float(value)
        });
    }
    Err(format!("a range has at most {MOST} values"))
}

//! Numbers that a range stands for, none of which is made before it is asked for.

use super::tree::Value;

/// Most values of one range.
const MOST: i32 = 10_000_000;

/// The numbers from one to another, both ends counted, in steps or by a factor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread {
    low: f64,
    by: f64,
    is_factor: bool,
    is_whole: bool,
    count: i32,
}

impl Spread {
    /// From `from` to `to`, in steps (`:`) or by a factor (`*`). Whole numbers stay whole. Others are rounded to twelve digits, so that 0.1 and two
    /// steps of 0.1 are 0.3.
    pub(super) fn new(from: &str, to: &str, (kind, by): (&str, &str)) -> Result<Self, String> {
        let number = |text: &str| {
            let text = text.trim().replace('_', "");
            let value = text.parse::<f64>().ok().filter(|value| value.is_finite());
            value.ok_or_else(|| match text.as_str() {
                "" => "a range has a number at either end".to_owned(),
                text => format!("`{text}` is no number, as a range asks for"),
            })
        };
        let is_whole = |text: &str| text.trim().replace('_', "").parse::<i64>().is_ok();
        let mut spread = Self {
            low: number(from)?,
            by: number(by)?,
            is_factor: kind == "*",
            is_whole: [from, to, by].into_iter().all(is_whole),
            count: MOST,
        };
        let high = number(to)?;
        let upward = if spread.is_factor {
            spread.low > 0.0 && spread.by > 1.0
        } else {
            spread.by > 0.0
        };
        if high < spread.low || !upward {
            return Err("a range goes upwards: its end is at least its beginning, its step above 0, its factor above 1 and its beginning then above 0".to_owned());
        }
        let last = high * (1.0 + 1e-11 * high.signum());
        let is_in = |k: i32| spread.number(k) <= last;
        if is_in(MOST) {
            return Err(format!(
                "a range has at most {MOST} values: take larger steps, or fewer"
            ));
        }
        // The numbers go up, so that halving finds the first that is too large.
        let (mut inside, mut outside) = (0, MOST);
        while outside - inside > 1 {
            let middle = i32::midpoint(inside, outside);
            if is_in(middle) {
                inside = middle;
            } else {
                outside = middle;
            }
        }
        spread.count = outside;
        Ok(spread)
    }

    /// How many numbers there are.
    pub(super) fn len(&self) -> usize {
        usize::try_from(self.count).unwrap_or_default()
    }

    /// The number at place `k`, below [`len`](Self::len).
    pub(super) fn at(&self, k: usize) -> Value {
        let value = self.number(i32::try_from(k).unwrap_or(MOST));
        if self.is_whole && value.fract() == 0.0 && value.abs() < 9e15 {
            Value::Integer(value as i128)
        } else {
            Value::Float(value)
        }
    }

    fn number(&self, k: i32) -> f64 {
        let value = if self.is_factor {
            self.low * self.by.powi(k)
        } else {
            self.low + f64::from(k) * self.by
        };
        format!("{value:.11e}").parse().unwrap_or(value)
    }
}

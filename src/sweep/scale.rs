//! The axes of a panel: where values stand, and which of them are written.

use std::collections::BTreeMap;

use super::spread::Spread;
use crate::digits::three;

/// A panel in pixels, and what is left free at its sides for numbers.
pub(super) const SIZE: [f64; 2] = [300.0, 210.0];
pub(super) const MARGIN: [f64; 4] = [46.0, 26.0, 8.0, 34.0];

/// Where each value of a key stands, from 0 to 1: as numbers where all are, by their logarithm if they span more than a factor of 20.
pub(super) fn places(values: &[String]) -> BTreeMap<&str, f64> {
    let numbers: Option<Vec<f64>> = values.iter().map(|value| value.parse().ok()).collect();
    let numbers = numbers.unwrap_or_else(|| (0..values.len()).map(|place| place as f64).collect());
    let ends = |numbers: &[f64]| {
        let low = numbers.iter().copied().fold(f64::INFINITY, f64::min);
        (
            low,
            numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        )
    };
    let (low, high) = ends(&numbers);
    let numbers: Vec<f64> = if low > 0.0 && high > 20.0 * low {
        numbers.iter().map(|value| value.ln()).collect()
    } else {
        numbers
    };
    let (low, high) = ends(&numbers);
    let span = if high > low { high - low } else { 1.0 };
    // A little room at both sides.
    let place = |number: f64| 0.06 + 0.88 * (number - low) / span;
    values
        .iter()
        .zip(numbers)
        .map(|(value, number)| (value.as_str(), place(number)))
        .collect()
}

/// From values to pixels.
pub(super) struct Scale {
    /// Ends of the axis, as logarithms of an axis of these.
    low: f64,
    high: f64,
    is_log: bool,
}

impl Scale {
    /// An axis for means with their deviations, and for floors, that does not go below `bottom`.
    pub(super) fn of(
        spreads: &[(&Vec<String>, Spread)],
        floors: &[(f64, [f64; 2])],
        bottom: f64,
    ) -> Option<Self> {
        let sds = |spread: &Spread| {
            if spread.sd.is_nan() {
                0.0
            } else {
                2.0 * spread.sd
            }
        };
        let means = spreads.iter().map(|(_, spread)| spread.mean);
        let floors = floors.iter().flat_map(|(_, floor)| *floor);
        let middles: Vec<f64> = means.chain(floors).filter(|v| v.is_finite()).collect();
        let least = middles.iter().copied().fold(f64::INFINITY, f64::min);
        let most = middles.iter().copied().fold(0.0, f64::max);
        // Distances of very different sizes: ratios are what is seen of them.
        let is_log = least > 0.0 && most > 20.0 * least;
        let ends = spreads
            .iter()
            .flat_map(|(_, spread)| [spread.mean - sds(spread), spread.mean + sds(spread)]);
        let all = middles.iter().copied().chain(ends);
        let all = all.filter(|value| value.is_finite());
        let all = all.map(|value| {
            if is_log {
                value.max(0.3 * least).ln()
            } else {
                value
            }
        });
        let (low, high) = all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let room = if high > low {
            0.05 * (high - low)
        } else {
            0.5 * high.abs().max(1.0)
        };
        (low <= high).then_some(Self {
            low: (low - room).max(if is_log { f64::NEG_INFINITY } else { bottom }),
            high: high + room,
            is_log,
        })
    }

    /// Where a value is on the axis, in its units.
    fn at(&self, value: f64) -> f64 {
        match (self.is_log, value > 0.0) {
            (true, true) => value.ln(),
            (true, false) => self.low,
            (false, _) => value,
        }
    }

    pub(super) fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&self.at(value))
    }

    /// Heights with their values: both ends, and the middle.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let room = 0.04 * (self.high - self.low);
        let places = [
            self.low + room,
            f64::midpoint(self.low, self.high),
            self.high - room,
        ];
        let value = |at: f64| if self.is_log { at.exp() } else { at };
        places
            .map(|at| (self.y(value(at)), three(value(at))))
            .to_vec()
    }

    pub(super) fn x(place: f64) -> f64 {
        MARGIN[0] + place * (SIZE[0] - MARGIN[0] - MARGIN[2])
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        let part = (self.at(value).max(self.low) - self.low) / (self.high - self.low);
        SIZE[1] - MARGIN[3] - part * (SIZE[1] - MARGIN[1] - MARGIN[3])
    }

    /// The floors from their median to their 95 % point, as a polygon over the whole width.
    pub(super) fn band(&self, mut floors: Vec<(f64, [f64; 2])>) -> String {
        floors.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (Some(first), Some(last)) = (floors.first().copied(), floors.last().copied()) else {
            return String::new();
        };
        let whole: Vec<_> = [(0.0, first.1)]
            .into_iter()
            .chain(floors)
            .chain([(1.0, last.1)])
            .collect();
        let corner = |(x, y): (f64, f64)| format!("{:.1},{:.1}", Self::x(x), self.y(y));
        let there = whole.iter().map(|(x, floor)| corner((*x, floor[0])));
        let back = whole.iter().rev().map(|(x, floor)| corner((*x, floor[1])));
        there.chain(back).collect::<Vec<_>>().join(" ")
    }
}

/// The values below a panel, but for those that would be written over their neighbours.
pub(super) fn labels(values: &[String], places: &BTreeMap<&str, f64>) -> Vec<(f64, String)> {
    /// Pixels of a letter, and between two words.
    const LETTER: f64 = 6.0;
    const APART: f64 = 5.0;
    let words = values.iter();
    let mut words: Vec<(f64, String)> = words
        .map(|value| (Scale::x(places[value.as_str()]), short(value)))
        .collect();
    words.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = |word: &str| LETTER * word.chars().count() as f64 / 2.0;
    let meet = |a: &(f64, String), b: &(f64, String)| b.0 - a.0 < half(&a.1) + half(&b.1) + APART;
    let Some(last) = words.pop() else {
        return words;
    };
    let mut kept: Vec<(f64, String)> = Vec::new();
    for word in words {
        // Both ends of the axis are told before what is between.
        let before = kept.last().is_some_and(|before| meet(before, &word));
        if !before && (kept.is_empty() || !meet(&word, &last)) {
            kept.push(word);
        }
    }
    if kept.last().is_none_or(|before| !meet(before, &last)) {
        kept.push(last);
    }
    kept
}

/// As much of a value as stands below a panel.
pub(super) fn short(value: &str) -> String {
    const LONGEST: usize = 10;
    if value.chars().count() <= LONGEST {
        return value.to_owned();
    }
    value.chars().take(LONGEST - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_label_is_written_over_another() {
        let values = ["0.05", "0.1", "0.2", "1e+200"].map(str::to_owned);
        let told = labels(&values, &places(&values));
        let told: Vec<&str> = told.iter().map(|(_, word)| word.as_str()).collect();
        assert_eq!(told, ["0.05", "1e+200"]);
        let values = ["kde", "mlp", "mmd"].map(str::to_owned);
        assert_eq!(labels(&values, &places(&values)).len(), 3);
        let values = (0..200).map(|k| k.to_string()).collect::<Vec<_>>();
        let told = labels(&values, &places(&values));
        assert!(told.len() < 20 && told[told.len() - 1].1 == "199");
    }
}

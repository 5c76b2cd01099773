//! Steps to floor: when along a run a measure came down to its sampling floor.

use super::{Floor, Floors, Ideal};

/// Finds the step at which a measure arrived at its floor: the first of three consecutive checks that lie within the floor's
/// range of level 0.9 (at most its `q90`, where low values are ideal). One check alone would take a lucky draw for arrival.
///
/// It has no memory but what it was fed; feeding the recorded `(step, value)` rows of a run again restores it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FloorCrossing {
    range: [f64; 2],
    streak: u32,
    began: u64,
    arrived: Option<u64>,
}

impl FloorCrossing {
    /// Consecutive checks that make an arrival.
    pub const CHECKS: u32 = 3;

    /// Watches for the given floor.
    #[must_use]
    pub fn new(floor: &Floor, ideal: Ideal) -> Self {
        Self {
            range: floor.range(ideal, 0.9),
            streak: 0,
            began: 0,
            arrived: None,
        }
    }

    /// Takes note of the next measured step. NaN breaks a streak.
    pub fn check(&mut self, step: u64, value: f64) {
        if self.arrived.is_some() {
            return;
        }
        let [low, high] = self.range;
        if !(low..=high).contains(&value) {
            self.streak = 0;
            return;
        }
        if self.streak == 0 {
            self.began = step;
        }
        self.streak += 1;
        if self.streak == Self::CHECKS {
            self.arrived = Some(self.began);
        }
    }

    /// The step of arrival, once it is certain.
    #[must_use]
    pub fn step(&self) -> Option<u64> {
        self.arrived
    }
}

impl Floors {
    /// One [`FloorCrossing`] per measure, to be fed along a run.
    pub fn arrivals(&self) -> impl Iterator<Item = (&'static str, FloorCrossing)> {
        self.known()
            .map(|(about, floor)| (about.name, FloorCrossing::new(floor, about.ideal)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(values: &[f64]) -> Option<u64> {
        let floor = Floor::new((1..=9).map(f64::from)).unwrap();
        let mut arrival = FloorCrossing::new(&floor, Ideal::Low);
        for (check, &value) in values.iter().enumerate() {
            arrival.check(10 * check as u64, value);
        }
        arrival.step()
    }

    #[test]
    fn three_checks_in_a_row_make_an_arrival_at_the_first() {
        assert_eq!(fed(&[20.0, 9.0, 3.0, 8.0, 30.0]), Some(10));
        assert_eq!(fed(&[20.0, 9.0, 3.0]), None);
        assert_eq!(
            fed(&[1.0, 1.0, 9.5, 1.0, f64::NAN, 2.0, 2.0, 2.0]),
            Some(50)
        );
    }
}

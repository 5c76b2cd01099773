//! The part of the plane that a picture shows, the same throughout a run.

use crate::cloud::CloudView;

/// A box in the plane, in the target's units. One unit is the same length along both axes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Left and right border.
    pub x: [f64; 2],
    /// Lower and upper border.
    pub y: [f64; 2],
}

/// Height over width that a panel may have.
const ASPECT: [f64; 2] = [0.5, 0.9];

impl View {
    /// A box that shows all these clouds with air around them, but for the outermost thousandth of the
    /// points on each side, lest a stray point make the rest tiny. Points that are not finite do not count;
    /// without any point it is the unit square around the origin, doubled.
    #[must_use]
    pub fn around(clouds: &[CloudView<'_>]) -> Self {
        let side = |axis: usize| {
            let mut reach = [f64::INFINITY, f64::NEG_INFINITY];
            for cloud in clouds {
                let mut values: Vec<f64> = cloud
                    .column(axis)
                    .iter()
                    .copied()
                    .filter(|v| v.is_finite())
                    .collect();
                if values.is_empty() {
                    continue;
                }
                values.sort_unstable_by(f64::total_cmp);
                let trim = values.len() / 1000;
                reach[0] = reach[0].min(values[trim]);
                reach[1] = reach[1].max(values[values.len() - 1 - trim]);
            }
            reach
        };
        Self {
            x: side(0),
            y: side(1),
        }
        .padded()
        .sane()
    }

    /// Width in the target's units.
    #[must_use]
    pub fn width(&self) -> f64 {
        self.x[1] - self.x[0]
    }

    /// Height in the target's units.
    #[must_use]
    pub fn height(&self) -> f64 {
        self.y[1] - self.y[0]
    }

    /// Whether the point lies in the box.
    #[must_use]
    pub fn contains(&self, x: f64, y: f64) -> bool {
        (self.x[0]..=self.x[1]).contains(&x) && (self.y[0]..=self.y[1]).contains(&y)
    }

    fn padded(self) -> Self {
        let air = 0.09 * self.width().max(self.height());
        Self {
            x: [self.x[0] - air, self.x[1] + air],
            y: [self.y[0] - air, self.y[1] + air],
        }
    }

    /// The view as it is drawn: finite, not empty, and neither too wide nor too tall for a panel, for
    /// which the shorter side is widened evenly.
    #[must_use]
    pub fn sane(self) -> Self {
        let usable = |side: [f64; 2]| {
            let fits = side.iter().all(|v| v.is_finite() && v.abs() < 1e15);
            if fits && side[1] - side[0] > 1e-9 * side[0].abs().max(side[1].abs()).max(1e-3) {
                side
            } else if fits && side[0] <= side[1] {
                let middle = f64::midpoint(side[0], side[1]);
                [middle - 1.0, middle + 1.0]
            } else {
                [-1.0, 1.0]
            }
        };
        let (x, y) = (usable(self.x), usable(self.y));
        let (width, height) = (x[1] - x[0], y[1] - y[0]);
        let widen = |side: [f64; 2], length: f64| {
            let middle = f64::midpoint(side[0], side[1]);
            [middle - length / 2.0, middle + length / 2.0]
        };
        Self {
            x: widen(x, width.max(height / ASPECT[1])),
            y: widen(y, height.max(width * ASPECT[0])),
        }
    }
}

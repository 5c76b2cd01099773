//! The part of the plane that a picture shows, the same throughout a run.

use super::look::LOOK;
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

/// How many points of a cloud a picture does not show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) outside: usize,
    /// Of these, as many as are further away than the picture is wide, or tall.
    pub(crate) far: usize,
    /// Those that are not finite.
    pub(crate) nowhere: usize,
}

impl Missing {
    /// Whether those outside are worth a word, of so many points: a stray or two at the border are none, but one far away is.
    pub(crate) fn is_news(&self, all: usize) -> bool {
        self.far > 0 || self.outside * LOOK.news > all
    }
}

impl View {
    /// What of a cloud is not in the box.
    pub(crate) fn missing(&self, cloud: CloudView<'_>) -> Missing {
        let mut found = Missing {
            outside: 0,
            far: 0,
            nowhere: 0,
        };
        let wide = self.grown(1.0);
        for row in cloud.rows() {
            if !(row[0].is_finite() && row[1].is_finite()) {
                found.nowhere += 1;
            } else if !self.contains(row[0], row[1]) {
                found.outside += 1;
                found.far += usize::from(!wide.contains(row[0], row[1]));
            }
        }
        found
    }

    /// The middle of a cloud and the length of a square around most of it, all but the outermost fortieth on each side; nothing of a handful of points.
    pub(crate) fn core(cloud: CloudView<'_>) -> Option<[f64; 3]> {
        /// Fewer are no cloud.
        const LEAST: usize = 20;
        let side = |axis: usize| {
            let values = cloud.column(axis).into_iter().copied();
            let mut values: Vec<f64> = values.filter(|v| v.is_finite()).collect();
            let last = values
                .len()
                .checked_sub(1)
                .filter(|_| values.len() >= LEAST)?;
            let trim = values.len() / 40;
            let mut at = |k: usize| *values.select_nth_unstable_by(k, f64::total_cmp).1;
            Some([at(trim), at(last / 2), at(last - trim)])
        };
        let [x, y] = [side(0)?, side(1)?];
        Some([x[1], y[1], (x[2] - x[0]).max(y[2] - y[0])])
    }

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

    /// A box for a flow from `start` to `target`: around both, but where the cloud begins around the target, only as much of it as leaves the target half of
    /// the longer side. A cloud that begins beside the target is seen whole along that axis.
    #[must_use]
    pub fn of_flow(start: CloudView<'_>, target: CloudView<'_>) -> Self {
        /// The longer side, in those of a box around the target with its air.
        const ROOM: f64 = 1.7;
        /// How many times more of it are cut on one side than on the other where it is beside the target, and the part of it that has to be.
        const SIDES: usize = 3;
        const BESIDE: usize = 50;
        let (all, near) = (Self::around(&[start, target]), Self::around(&[target]));
        let air = 0.5 * (ROOM - 1.0) * near.width().max(near.height());
        let grown = |[low, high]: [f64; 2]| [low - air, high + air];
        let near = Self {
            x: grown(near.x),
            y: grown(near.y),
        };
        let middle = |axis: usize| {
            let values = start.column(axis).into_iter().copied();
            let mut values: Vec<f64> = values.filter(|v| v.is_finite()).collect();
            values.sort_unstable_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
        };
        if !near.contains(middle(0), middle(1)) {
            return all;
        }
        let within = |axis: usize, a: [f64; 2], b: [f64; 2]| {
            let column = start.column(axis);
            let below = column.iter().filter(|v| **v < b[0]).count();
            let above = column.iter().filter(|v| **v > b[1]).count();
            let is_beside = SIDES * below.min(above) < below.max(above);
            let few = BESIDE * below.max(above) < start.nrows();
            if is_beside && !few {
                a
            } else {
                [a[0].max(b[0]), a[1].min(b[1])]
            }
        };
        Self {
            x: within(0, all.x, near.x),
            y: within(1, all.y, near.y),
        }
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

    /// The box with `part` of its width more on the left and on the right, and of its height below and above.
    pub(crate) fn grown(&self, part: f64) -> Self {
        let grown = |[low, high]: [f64; 2]| {
            let air = part * (high - low);
            [low - air, high + air]
        };
        Self {
            x: grown(self.x),
            y: grown(self.y),
        }
    }

    fn padded(self) -> Self {
        let air = 0.09 * self.width().max(self.height());
        Self {
            x: [self.x[0] - air, self.x[1] + air],
            y: [self.y[0] - air, self.y[1] + air],
        }
    }

    /// The view as it is drawn: finite, not empty, wide enough for two numbers in it to differ, and neither too wide nor too tall for a panel, for
    /// which the shorter side is widened evenly.
    #[must_use]
    pub fn sane(self) -> Self {
        /// The least width, as a part of the numbers themselves, of which doubles tell 450 apart in it.
        const LEAST: f64 = 1e-13;
        /// The largest numbers.
        const MOST: f64 = 1e300;
        let usable = |side: [f64; 2]| {
            let fits = side.iter().all(|v| v.abs() <= MOST) && side[0] <= side[1];
            if fits { side } else { [0.0, 0.0] }
        };
        let [x, y] = [usable(self.x), usable(self.y)];
        let least = |side: [f64; 2]| LEAST * side[0].abs().max(side[1].abs());
        let (width, height) = ((x[1] - x[0]).max(least(x)), (y[1] - y[0]).max(least(y)));
        let width = width.max(height / ASPECT[1]);
        let height = height.max(width * ASPECT[0]);
        // A point without any extent.
        let (width, height) = if [x, y].iter().all(|side| side[0] == side[1]) {
            (width.max(2.0), height.max(2.0 * ASPECT[1]))
        } else {
            (width, height)
        };
        let widen = |side: [f64; 2], length: f64| {
            if length <= side[1] - side[0] {
                return side;
            }
            let middle = f64::midpoint(side[0], side[1]);
            [middle - length / 2.0, middle + length / 2.0]
        };
        let wide = Self {
            x: widen(x, width.max(f64::MIN_POSITIVE)),
            y: widen(y, height.max(f64::MIN_POSITIVE)),
        };
        // Rounding may leave less than was asked for.
        if wide.x[0] < wide.x[1] && wide.y[0] < wide.y[1] {
            wide
        } else {
            Self {
                x: [-1.0, 1.0],
                y: [-1.0, 1.0],
            }
        }
    }
}

//! The neighbourhood of the data, which no particle may leave.

use ndarray::Array2;

use super::ending::{Failure, RUN_AWAY};
use crate::cloud::{self, Cloud, CloudView};

/// Where target and first cloud lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    middle: [f64; 2],
    /// Half the diagonal of the box around both.
    extent: f64,
}

impl Room {
    /// The room around both clouds.
    pub(super) fn around(real: CloudView<'_>, start: CloudView<'_>) -> Self {
        let both = ndarray::concatenate![ndarray::Axis(0), real, start];
        let [x, y] = cloud::bounds(both.view()).unwrap_or_default();
        let extent = 0.5 * (x[1] - x[0]).hypot(y[1] - y[0]);
        Self {
            middle: [f64::midpoint(x[0], x[1]), f64::midpoint(y[0], y[1])],
            extent: extent.max(f64::MIN_POSITIVE),
        }
    }

    /// Refuses particles that are nowhere or too far away.
    pub(super) fn check(&self, cloud: &Cloud) -> Result<(), Failure> {
        all_finite(cloud, "position")?;
        let furthest = RUN_AWAY * self.extent;
        let away = |particle: usize| {
            [0, 1].map(|axis| (cloud[[particle, axis]] - self.middle[axis]).abs())
        };
        let lost = cloud::first(cloud.nrows(), |particle| {
            let [x, y] = away(particle);
            // The sum bounds the distance, and takes a tenth of the time.
            x + y > furthest && x.hypot(y) > furthest
        });
        lost.map_or(Ok(()), |particle| {
            let [x, y] = away(particle);
            Err(Failure::RunAway {
                particle,
                distance: x.hypot(y),
                extent: self.extent,
            })
        })
    }
}

/// Refuses rows that hold anything but finite numbers; `term` says what they are.
pub(super) fn all_finite(rows: &Array2<f64>, term: &'static str) -> Result<(), Failure> {
    let bad = cloud::first(rows.nrows(), |i| {
        !(rows[[i, 0]].is_finite() && rows[[i, 1]].is_finite())
    });
    bad.map_or(Ok(()), |particle| {
        Err(Failure::NotFinite { particle, term })
    })
}

//! Where a field is asked for, and how near to all points that is.

use ndarray::{Array1, Array2};

use super::view::View;
use crate::cloud::{Cloud, CloudView};

/// Regularly spaced places that cover a view: where a discriminator is asked, so as to draw its field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lattice {
    pub(super) view: View,
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl Lattice {
    /// About `across` places along the longer side of `view`, its borders included; 64 draws smooth bands.
    #[must_use]
    pub fn new(view: View, across: usize) -> Self {
        let view = view.sane();
        let across = across.clamp(4, 1024);
        let pitch = view.width().max(view.height()) / (across - 1) as f64;
        let places = |length: f64| ((length / pitch).round() as usize + 1).max(4);
        Self {
            view,
            columns: places(view.width()),
            rows: places(view.height()),
        }
    }

    /// So many places along the first axis, over the width of `view`, its borders included: for points of the line.
    #[must_use]
    pub fn on_line(view: View, places: usize) -> Self {
        Self {
            view: view.sane(),
            columns: places.clamp(4, 4096),
            rows: 1,
        }
    }

    /// Whether it lies on the line.
    #[must_use]
    pub fn is_on_line(&self) -> bool {
        self.rows == 1
    }

    /// The places, `(rows·columns)×2`, row by row from the bottom left.
    #[must_use]
    pub fn points(&self) -> Cloud {
        Array2::from_shape_fn((self.rows * self.columns, 2), |(place, axis)| {
            let [column, row] = [place % self.columns, place / self.columns];
            let along = |side: [f64; 2], k: usize, n: usize| {
                side[0] + (side[1] - side[0]) * k as f64 / (n - 1) as f64
            };
            if axis == 0 {
                along(self.view.x, column, self.columns)
            } else if self.is_on_line() {
                0.0
            } else {
                along(self.view.y, row, self.rows)
            }
        })
    }

    /// What it covers.
    #[must_use]
    pub fn view(&self) -> View {
        self.view
    }

    /// Columns and rows.
    #[must_use]
    pub fn shape(&self) -> [usize; 2] {
        [self.columns, self.rows]
    }

    /// Distance from each place (`rows·columns`) to the nearest point of any of the clouds, exact to the pitch of
    /// the lattice; `far` or more, infinity too, where none is nearer than that. Points that are not finite, or lie outside, do not count.
    #[must_use]
    pub fn distances(&self, clouds: &[CloudView<'_>], far: f64) -> Array1<f64> {
        let (rows, columns) = (self.rows, self.columns);
        let mut beside = vec![f64::INFINITY; rows * columns];
        for point in clouds.iter().flat_map(|cloud| cloud.rows()) {
            if let Some(place) = self.nearest([point[0], point[1]]) {
                beside[place] = 0.0;
            }
        }
        // Along each row first, from either end, in places; then the nearest over all rows, by Pythagoras.
        for row in beside.chunks_exact_mut(columns) {
            for k in 1..columns {
                row[k] = row[k].min(row[k - 1] + 1.0);
            }
            for k in (1..columns).rev() {
                row[k - 1] = row[k - 1].min(row[k] + 1.0);
            }
            for far in row {
                *far *= *far;
            }
        }
        let pitch = self.pitch();
        let most = (far / pitch).min(rows as f64) as usize;
        let mut squares = vec![f64::INFINITY; rows * columns];
        for (row, nearest) in squares.chunks_exact_mut(columns).enumerate() {
            for other in row.saturating_sub(most)..rows.min(row + most + 1) {
                let apart = other.abs_diff(row).pow(2) as f64;
                let beside = &beside[other * columns..][..columns];
                for (nearest, beside) in nearest.iter_mut().zip(beside) {
                    *nearest = nearest.min(apart + beside);
                }
            }
        }
        squares.iter().map(|square| pitch * square.sqrt()).collect()
    }

    /// Distance between neighbouring places.
    #[must_use]
    pub fn pitch(&self) -> f64 {
        self.view.width() / (self.columns - 1) as f64
    }

    /// How far an estimate that is smooth over `reach` counts at each place (`rows·columns`), from 0 to 1, for it means nothing where nobody is: in full
    /// within `reach` of a point and not at all from twice that on, and in full where four points are within reach and not at all where one is. Of a cloud
    /// whose points have fewer neighbours so many count as its points have in the median.
    #[must_use]
    pub fn presence(&self, cloud: CloudView<'_>, reach: f64) -> Vec<f32> {
        /// Points that make a crowd, and how many times fewer make none.
        const CROWD: f64 = 4.0;
        const NONE: f64 = 4.0;
        let reach = reach.max(self.pitch());
        let counts = self.counts(cloud, reach);
        let places = cloud.rows().into_iter();
        let places = places.filter_map(|point| self.nearest([point[0], point[1]]));
        let mut own: Vec<f64> = places.map(|place| counts[place]).collect();
        own.sort_unstable_by(f64::total_cmp);
        let full = own.get(own.len() / 2).map_or(0.0, |own| own.min(CROWD));
        let none = full / NONE;
        let near = self.distances(&[cloud], 2.0 * reach).into_iter();
        let all = counts.into_iter().zip(near).map(|(count, distance)| {
            let near = (2.0 - distance / reach).clamp(0.0, 1.0);
            let crowd = ((count - none) / (full - none).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
            (crowd * near) as f32
        });
        all.collect()
    }

    /// How many points are within reach of each place, each as the wave exp(−d²/2·reach²) of its distance d says.
    fn counts(&self, cloud: CloudView<'_>, reach: f64) -> Vec<f64> {
        let (columns, rows) = (self.columns, self.rows);
        let mut mass = vec![0.0; rows * columns];
        for point in cloud.rows() {
            if let Some(place) = self.nearest([point[0], point[1]]) {
                mass[place] += 1.0;
            }
        }
        let wave = |side: [f64; 2], count: usize| -> Vec<f64> {
            let pitch = (side[1] - side[0]) / (count - 1).max(1) as f64;
            let wave = |k: usize| (-0.5 * (k as f64 * pitch / reach).powi(2)).exp();
            (0..count).map(wave).collect()
        };
        let (across, up) = (wave(self.view.x, columns), wave(self.view.y, rows));
        let mut beside = vec![0.0; rows * columns];
        for (from, to) in mass
            .chunks_exact(columns)
            .zip(beside.chunks_exact_mut(columns))
        {
            for (k, count) in from.iter().enumerate().filter(|(_, count)| **count > 0.0) {
                for (at, sum) in to.iter_mut().enumerate() {
                    *sum += count * across[at.abs_diff(k)];
                }
            }
        }
        let mut sums = vec![0.0; rows * columns];
        for (row, to) in sums.chunks_exact_mut(columns).enumerate() {
            for (other, from) in beside.chunks_exact(columns).enumerate() {
                let wave = up[other.abs_diff(row)];
                if wave < 1e-6 {
                    continue;
                }
                for (sum, count) in to.iter_mut().zip(from) {
                    *sum += wave * count;
                }
            }
        }
        sums
    }

    /// The place that is nearest to a point; none outside, or if it is not finite.
    pub(super) fn nearest(&self, [x, y]: [f64; 2]) -> Option<usize> {
        let along = |side: [f64; 2], v: f64, n: usize| {
            let k = (v - side[0]) / (side[1] - side[0]) * (n - 1) as f64;
            (k > -0.5 && k < n as f64 - 0.5).then(|| k.round() as usize)
        };
        let (column, row) = (
            along(self.view.x, x, self.columns)?,
            along(self.view.y, y, self.rows)?,
        );
        Some(row * self.columns + column)
    }
}

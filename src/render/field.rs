//! The field of the log density ratio: contour bands, and arrows of the velocity.

use multiversion::multiversion;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use super::canvas::Canvas;
use super::look::LOOK;
use super::shape::Rect;
use super::theme::{BANDS, EDGES, Theme};
use super::view::View;
use crate::cloud::{Cloud, CloudView, lengths};

/// Regularly spaced places that cover a view: where a discriminator is asked, so as to draw its field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lattice {
    view: View,
    columns: usize,
    rows: usize,
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
}

impl Lattice {
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
    /// the lattice; infinite without a point. Points that are not finite, or lie outside, do not count.
    #[must_use]
    pub fn distances(&self, clouds: &[CloudView<'_>]) -> Array1<f64> {
        let along = |side: [f64; 2], v: f64, n: usize| {
            let k = (v - side[0]) / (side[1] - side[0]) * (n - 1) as f64;
            (k > -0.5 && k < n as f64 - 0.5).then(|| k.round() as usize)
        };
        let (rows, columns) = (self.rows, self.columns);
        let mut taken = Array2::from_elem((rows, columns), false);
        for point in clouds.iter().flat_map(|cloud| cloud.rows()) {
            let column = along(self.view.x, point[0], columns);
            let row = along(self.view.y, point[1], rows);
            if let (Some(row), Some(column)) = (row, column) {
                taken[[row, column]] = true;
            }
        }
        // Along each row first; then the nearest over all rows, by Pythagoras.
        let beside = Array2::from_shape_fn((rows, columns), |(row, column)| {
            (0..columns)
                .filter(|&other| taken[[row, other]])
                .map(|other| other.abs_diff(column).pow(2) as f64)
                .fold(f64::INFINITY, f64::min)
        });
        let pitch = self.pitch();
        Array1::from_shape_fn(rows * columns, |place| {
            let (row, column) = (place / columns, place % columns);
            let nearest = (0..rows)
                .map(|other| other.abs_diff(row).pow(2) as f64 + beside[[other, column]])
                .fold(f64::INFINITY, f64::min);
            pitch * nearest.sqrt()
        })
    }

    /// Distance between neighbouring places.
    #[must_use]
    pub fn pitch(&self) -> f64 {
        self.view.width() / (self.columns - 1) as f64
    }
}

/// What a discriminator says at the places of a [`Lattice`].
#[derive(Clone, Debug, PartialEq)]
pub struct FieldGrid {
    lattice: Lattice,
    log_ratio: Array1<f32>,
    /// Where `log r` lies among the bands at each place, see [`depth`].
    depths: Vec<f32>,
    velocity: Array2<f32>,
}

/// `log r` on a scale on which the edges of the bands are ±1, ±2, …: linear between two edges, and limited
/// beyond the last, where the colour no longer changes.
#[must_use]
pub fn depth(log_ratio: f64) -> f32 {
    let size = log_ratio.abs();
    let mut inner = 0.0;
    for (passed, edge) in EDGES.iter().enumerate() {
        let outer = edge.ln();
        if size < outer {
            let depth = passed as f64 + (size - inner) / (outer - inner);
            return depth.copysign(log_ratio) as f32;
        }
        inner = outer;
    }
    (BANDS as f64 + (size - inner).min(2.0)).copysign(log_ratio) as f32
}

impl FieldGrid {
    /// A field from `log r` (`n`, natural) and the velocity (`n×2`) at the [`points`](Lattice::points) of
    /// `lattice`. What is not finite is drawn as neutral, and as no arrow. Missing values count as such. Both are kept in
    /// single precision, in which they are also written: a field that was read back is the same picture.
    #[must_use]
    pub fn new(lattice: Lattice, log_ratio: &Array1<f64>, velocity: Cloud) -> Self {
        Self::single(
            lattice,
            log_ratio.mapv(|v| v as f32),
            velocity.mapv(|v| v as f32),
        )
    }

    /// The same from numbers of single precision.
    pub(crate) fn single(lattice: Lattice, log_ratio: Array1<f32>, velocity: Array2<f32>) -> Self {
        let depths = (0..lattice.rows * lattice.columns)
            .map(|place| match log_ratio.get(place) {
                Some(v) if !v.is_nan() => depth(f64::from(*v)),
                _ => 0.0,
            })
            .collect();
        Self {
            lattice,
            log_ratio,
            depths,
            velocity,
        }
    }

    /// `log r` at each place, `rows·columns`.
    #[must_use]
    pub fn log_ratio(&self) -> ArrayView1<'_, f32> {
        self.log_ratio.view()
    }

    /// Where it was asked for.
    #[must_use]
    pub fn lattice(&self) -> Lattice {
        self.lattice
    }

    /// Where `log r` lies among the bands at each place, see [`depth`].
    #[must_use]
    pub fn depths(&self) -> &[f32] {
        &self.depths
    }

    /// The velocity at each place, `(rows·columns)×2`.
    #[must_use]
    pub fn velocity(&self) -> ArrayView2<'_, f32> {
        self.velocity.view()
    }

    /// The speed that nine in ten places stay below: what [`Frame::speed`](super::Frame::speed) may be
    /// set to, once for a whole run. Zero where nothing moves.
    #[must_use]
    pub fn typical_speed(&self) -> f64 {
        let mut speeds = lengths(self.velocity.mapv(f64::from).view()).to_vec();
        speeds.retain(|speed| speed.is_finite());
        speeds.sort_unstable_by(f64::total_cmp);
        speeds
            .get(speeds.len().saturating_sub(1) * 9 / 10)
            .copied()
            .unwrap_or(0.0)
    }

    /// Whether the field was asked for in this view.
    pub(crate) fn covers(&self, view: &View) -> bool {
        let own = &self.lattice.view;
        let [width, height] = [view.width(), view.height()];
        (0..2).all(|end| {
            (own.x[end] - view.x[end]).abs() < 1e-6 * width
                && (own.y[end] - view.y[end]).abs() < 1e-6 * height
        })
    }

    /// Fills the box with contour bands.
    pub(crate) fn paint(&self, canvas: &mut Canvas, plot: Rect, theme: Theme) {
        let clip = canvas.clip(plot);
        let bands = theme.bands().map(|c| [c.r, c.g, c.b].map(f32::from));
        let [width, height] = [clip.x[1] - clip.x[0], clip.y[1] - clip.y[0]];
        if width == 0 || height == 0 {
            return;
        }
        let Lattice { columns, rows, .. } = self.lattice;
        // Every lattice row, interpolated to one value a pixel, and one more pixel for the slope.
        let across: Vec<_> = (0..=width).map(|k| Spline::at(k, width, columns)).collect();
        let mut stretched = vec![0.0_f32; rows * (width + 1)];
        for (row, line) in stretched.chunks_exact_mut(width + 1).enumerate() {
            let values = &self.depths[row * columns..][..columns];
            for (out, spline) in line.iter_mut().zip(&across) {
                *out = spline.of(|k| values[k]);
            }
        }
        let fill = |line: &mut Vec<f32>, k: usize| {
            // Rows count from the bottom of the plane, pixels from the top of the picture.
            let spline = Spline::at(height - k.min(height), height, rows);
            line.clear();
            let [a, b, c, d] = spline
                .places
                .map(|row| &stretched[row * (width + 1)..][..=width]);
            let [wa, wb, wc, wd] = spline.weights;
            line.extend((0..=width).map(|x| wa * a[x] + wb * b[x] + wc * c[x] + wd * d[x]));
        };
        let (mut line, mut below) = (Vec::new(), Vec::new());
        let mut places = vec![0.0_f32; width];
        fill(&mut line, 0);
        let stride = canvas.columns();
        let pixels = canvas.pixels_mut();
        for k in 0..height {
            fill(&mut below, k + 1);
            places_among_bands(&line, &below, &mut places);
            let start = 4 * ((clip.y[0] + k) * stride + clip.x[0]);
            let row = pixels[start..][..4 * width].chunks_exact_mut(4);
            for (pixel, &place) in row.zip(&places) {
                let base = (place as usize).min(2 * BANDS - 1);
                let part = place - base as f32;
                let (a, b) = (bands[base], bands[base + 1]);
                for c in 0..3 {
                    pixel[c] = (a[c] + part * (b[c] - a[c]) + 0.5) as u8;
                }
            }
            std::mem::swap(&mut line, &mut below);
        }
    }

    /// Arrows at about every `spacing` logical pixels. The length is `v/(v + speed)` of the spacing, so
    /// that an arrow of half length always is the same speed and the fastest still fit.
    pub(crate) fn arrows(&self, canvas: &mut Canvas, plot: Rect, speed: f64, theme: Theme) {
        let Lattice { columns, rows, .. } = self.lattice;
        let pitch = [
            plot.width / (columns - 1) as f64,
            plot.height / (rows - 1) as f64,
        ];
        let stride = pitch.map(|p| ((LOOK.arrow.spacing / p).round() as usize).max(1));
        let longest =
            (stride[0] as f64 * pitch[0]).min(stride[1] as f64 * pitch[1]) * LOOK.arrow.longest;
        // Centred: as much of the last row is left over as is skipped before the first.
        let first = |n: usize, stride: usize| (n - 1 - (n - 1) / stride * stride) / 2;
        let mut shapes = Vec::new();
        for row in (first(rows, stride[1])..rows).step_by(stride[1]) {
            for column in (first(columns, stride[0])..columns).step_by(stride[0]) {
                let place = row * columns + column;
                let (Some(&vx), Some(&vy)) =
                    (self.velocity.get((place, 0)), self.velocity.get((place, 1)))
                else {
                    continue;
                };
                let (vx, vy) = (f64::from(vx), f64::from(vy));
                let v = vx.hypot(vy);
                if !v.is_finite() || v == 0.0 {
                    continue;
                }
                let length = longest * v / (v + speed.max(f64::MIN_POSITIVE));
                if length < LOOK.arrow.least {
                    continue;
                }
                let x = plot.x + column as f64 * pitch[0];
                let y = plot.bottom() - row as f64 * pitch[1];
                let shape = arrow([x, y], [vx / v, -vy / v], length);
                let inside = |p: &[f64; 2]| {
                    (plot.x..=plot.right()).contains(&p[0])
                        && (plot.y..=plot.bottom()).contains(&p[1])
                };
                if shape.iter().all(inside) {
                    shapes.push(shape);
                }
            }
        }
        canvas.fill_all(
            shapes.iter().map(|shape| &shape[..]),
            theme.ink().alpha(LOOK.arrow.alpha),
        );
    }
}

/// The outline of an arrow of this length, its middle at `place`, along the unit vector `[dx, dy]`.
pub(crate) fn arrow(place: [f64; 2], [dx, dy]: [f64; 2], length: f64) -> [[f64; 2]; 7] {
    let [share, least, most] = LOOK.arrow.head;
    let head = (share * length).clamp(least, most);
    let [thin, thick] = LOOK.arrow.shaft;
    let (shaft, wing) = (thick.min(thin * length), LOOK.arrow.wing * head);
    let point = |along: f64, aside: f64| {
        [
            place[0] + (along - length / 2.0) * dx - aside * dy,
            place[1] + (along - length / 2.0) * dy + aside * dx,
        ]
    };
    [
        point(0.0, shaft),
        point(length - head, shaft),
        point(length - head, wing),
        point(length, 0.0),
        point(length - head, -wing),
        point(length - head, -shaft),
        point(0.0, -shaft),
    ]
}

/// For each pixel its place among the bands, from 0 to `2·BANDS`: a whole number inside a band, a fraction
/// where an edge crosses the pixel, as much as it covers. Edges lie at ±1, ±2, ….
#[multiversion(targets = "simd")]
fn places_among_bands(line: &[f32], below: &[f32], places: &mut [f32]) {
    let neighbours = line[1..].iter().zip(below);
    for ((place, &v), (&right, &down)) in places.iter_mut().zip(line).zip(neighbours) {
        let slope = (right - v).abs().max((down - v).abs()).max(1e-6);
        let size = v.abs();
        let edge = (size + 0.5).floor().clamp(1.0, BANDS as f32);
        let cover = ((size - edge) / slope + 0.5).clamp(0.0, 1.0);
        *place = BANDS as f32 + (edge - 1.0 + cover).copysign(v);
    }
}

/// Cubic interpolation between regularly spaced values (Catmull and Rom): four places and their weights.
struct Spline {
    places: [usize; 4],
    weights: [f32; 4],
}

impl Spline {
    /// At `k` of `n` equal parts of a line that `count` places are spread over.
    fn at(k: usize, n: usize, count: usize) -> Self {
        let along = k as f64 / n as f64 * (count - 1) as f64;
        let base = (along.floor() as usize).min(count - 2);
        let t = (along - base as f64) as f32;
        let (t2, t3) = (t * t, t * t * t);
        Self {
            places: [
                base.saturating_sub(1),
                base,
                base + 1,
                (base + 2).min(count - 1),
            ],
            weights: [
                0.5 * (2.0 * t2 - t - t3),
                0.5 * (3.0 * t3 - 5.0 * t2 + 2.0),
                0.5 * (t + 4.0 * t2 - 3.0 * t3),
                0.5 * (t3 - t2),
            ],
        }
    }

    fn of(&self, value: impl Fn(usize) -> f32) -> f32 {
        (0..4)
            .map(|k| self.weights[k] * value(self.places[k]))
            .sum()
    }
}

//! The field of the log density ratio: contour bands, and arrows of the next move, where there is anybody to move.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use super::bands::{Spline, between, covered, fade, inside, places_among_bands, shades};
use super::lattice::Lattice;
use super::look::LOOK;
use super::theme::{BANDS, EDGES, Theme};
use super::view::View;
use crate::canvas::{Canvas, Rect};
use crate::cloud::{Cloud, CloudView};

/// What a discriminator says at the places of a [`Lattice`].
#[derive(Clone, Debug, PartialEq)]
pub struct FieldGrid {
    lattice: Lattice,
    log_ratio: Array1<f32>,
    /// Where `log r` lies among the bands at each place, see [`depth`].
    depths: Vec<f32>,
    velocity: Array2<f32>,
    gauge: Gauge,
    /// How far each place counts, from 0 to 1; empty where all do.
    weights: Vec<f32>,
    /// The same of the arrows.
    movers: Vec<f32>,
}

/// What turns a field into moves, and how fine it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gauge {
    /// ε of the next step.
    pub step_size: f64,
    /// Longest displacement in that step; infinite where there is no bound.
    pub longest: f64,
    /// Length over which the field is smooth; not a number where that is not known.
    pub scale: f64,
    /// Whether it is the bandwidth h that blurs both densities, of whose ratio the field is the logarithm.
    pub blurred: bool,
}

impl Gauge {
    /// A field whose velocity is the next move, and of which nothing else is known.
    pub const PLAIN: Self = Self {
        step_size: 1.0,
        longest: f64::INFINITY,
        scale: f64::NAN,
        blurred: false,
    };
}

/// `log r` on a scale on which the edges of the bands are ±1, ±2, …: linear between two edges, and limited
/// beyond the last, where the colour no longer changes.
#[must_use]
pub fn depth(log_ratio: f64) -> f32 {
    let most = BANDS as f32 + 2.0;
    unlimited(log_ratio).clamp(-most, most)
}

/// The same without a limit.
#[must_use]
pub fn unlimited(log_ratio: f64) -> f32 {
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
    (BANDS as f64 + (size - inner)).copysign(log_ratio) as f32
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
            gauge: Gauge::PLAIN,
            weights: Vec::new(),
            movers: Vec::new(),
        }
    }

    /// The same field with its `gauge`: bands fade where few points of `target` and of `cloud` are, arrows where few of `cloud` are, see
    /// [`Lattice::presence`]. Where the scale is not known
    /// all bands are drawn, and arrows beside particles, as those of a field of moves alone are; where the lattice is coarser than what there is to see, nothing is.
    #[must_use]
    pub fn gauged(self, gauge: Gauge, [target, cloud]: [CloudView<'_>; 2]) -> Self {
        let mut field = self.with(gauge);
        let there = field.reach().map(|r| field.lattice.presence(target, r));
        field.fade(there.as_deref(), cloud);
        field
    }

    /// The same field with its `gauge`, before it [fades](Self::fade).
    #[must_use]
    pub(crate) fn with(self, gauge: Gauge) -> Self {
        Self { gauge, ..self }
    }

    /// The length over which the estimate is smooth, if bands fade with it.
    pub(crate) fn reach(&self) -> Option<f64> {
        self.scale().filter(|_| !self.is_too_coarse())
    }

    fn scale(&self) -> Option<f64> {
        let told = self.is_log_ratio() && !self.lattice.is_on_line();
        Some(self.gauge.scale).filter(|&scale| told && scale > 0.0)
    }

    /// Finds where bands and arrows count, once the gauge is known: with the [`presence`](Lattice::presence) of the target within the [reach](Self::reach).
    pub(crate) fn fade(&mut self, target: Option<&[f32]>, cloud: CloudView<'_>) {
        if self.is_too_coarse() {
            self.weights = vec![0.0; self.depths.len()];
            self.movers.clone_from(&self.weights);
        } else if !self.lattice.is_on_line() {
            let reach = self.reach().unwrap_or(2.0 * self.lattice.pitch());
            self.movers = self.lattice.presence(cloud, reach);
            if let Some(target) = target {
                let all = target.iter().zip(&self.movers);
                self.weights = all.map(|(weight, mover)| weight.max(*mover)).collect();
            }
        }
    }

    /// Whether it is finer than the lattice on which it was asked for, so that nothing of it can be drawn.
    pub(crate) fn is_too_coarse(&self) -> bool {
        self.scale()
            .is_some_and(|scale| self.lattice.pitch() > LOOK.finest * scale)
    }

    /// How far the arrow at each place counts, from 0 to 1: as much as there are particles that move; empty where all do.
    #[must_use]
    pub fn movers(&self) -> &[f32] {
        &self.movers
    }

    /// What turns it into moves.
    #[must_use]
    pub fn gauge(&self) -> Gauge {
        self.gauge
    }

    /// How far each place counts, from 0 to 1; empty where all do.
    #[must_use]
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Whether it is a log ratio, and has bands.
    pub(crate) fn is_log_ratio(&self) -> bool {
        !self.log_ratio.is_empty()
    }

    /// The next move of a particle at this place of the lattice: ε times the velocity, shortened to the longest displacement. None where it is not finite.
    #[must_use]
    pub fn next_move(&self, place: usize) -> Option<[f64; 2]> {
        let velocity = |axis: usize| self.velocity.get((place, axis)).copied().map(f64::from);
        let mut along = [velocity(0)?, velocity(1)?].map(|v| self.gauge.step_size * v);
        let length = along[0].hypot(along[1]);
        if length > self.gauge.longest {
            along = along.map(|v| v * self.gauge.longest / length);
        }
        length.is_finite().then_some(along)
    }

    /// The length that 49 in 50 next moves of the points `of` stay below: what [`Frame::longest`](super::Frame::longest) is the largest of, in a whole film.
    /// Zero where nothing moves.
    #[must_use]
    pub fn longest_move(&self, of: CloudView<'_>) -> f64 {
        let mut lengths: Vec<f64> = self.moves(of).collect();
        if lengths.is_empty() {
            return 0.0;
        }
        let place = (lengths.len() - 1) * 49 / 50;
        *lengths.select_nth_unstable_by(place, f64::total_cmp).1
    }

    /// Root mean square of the next moves of the points `of`; zero where nothing moves.
    #[must_use]
    pub fn pace(&self, of: CloudView<'_>) -> f64 {
        let (count, sum) = self.moves(of).fold((0.0_f64, 0.0), |(count, sum), length| {
            (count + 1.0, sum + length * length)
        });
        (sum / count.max(1.0)).sqrt()
    }

    /// The lengths of the next moves at the places of the lattice next to these points.
    fn moves<'a>(&'a self, of: CloudView<'a>) -> impl Iterator<Item = f64> + 'a {
        let place = move |k: usize| self.lattice.nearest([of[[k, 0]], of[[k, 1]]]);
        let moves = (0..of.nrows()).filter_map(move |k| self.next_move(place(k)?));
        moves.map(|[x, y]| x.hypot(y))
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

    /// Whether the field was asked for in a part of this view.
    pub(crate) fn meets(&self, view: &View) -> bool {
        let own = &self.lattice.view;
        let meet = |a: [f64; 2], b: [f64; 2]| a[0] < b[1] && b[0] < a[1];
        meet(own.x, view.x) && (meet(own.y, view.y) || self.lattice.is_on_line())
    }

    /// Whether this view goes so far beyond the one in which the field was asked for that a reader has to know.
    pub(crate) fn falls_short_of(&self, view: &View) -> bool {
        let own = &self.lattice.view;
        let part = |a: [f64; 2], b: [f64; 2]| (a[1].min(b[1]) - a[0].max(b[0])) / (b[1] - b[0]);
        let known = part(own.x, view.x) * part(own.y, view.y);
        !self.lattice.is_on_line() && known < 1.0 - LOOK.unknown
    }

    /// Dashes around where it was asked for.
    pub(crate) fn border(&self, canvas: &mut Canvas, plot: Rect, view: &View, theme: Theme) {
        let own = &self.lattice.view;
        let unit = plot.width / view.width();
        let clamped = |[x, y]: [f64; 2]| {
            [
                (plot.x + (x - view.x[0]) * unit).clamp(plot.x, plot.right()),
                (plot.bottom() - (y - view.y[0]) * unit).clamp(plot.y, plot.bottom()),
            ]
        };
        let [left, bottom] = clamped([own.x[0], own.y[0]]);
        let [right, top] = clamped([own.x[1], own.y[1]]);
        let [a, b, c, d] = [[left, top], [right, top], [right, bottom], [left, bottom]];
        let line = [a, b, c, d, a];
        canvas.stroke(&line, 1.0, Some([5.0, 4.0]), theme.muted().alpha(0.8));
    }

    /// Fills the part of the box `plot`, which shows `view`, that the field covers with contour bands.
    pub(crate) fn paint(&self, canvas: &mut Canvas, plot: Rect, view: &View, theme: Theme) {
        let clip = canvas.clip(plot);
        let [width, height] = [clip.x[1] - clip.x[0], clip.y[1] - clip.y[0]];
        if width == 0 || height == 0 {
            return;
        }
        let (own, [columns, rows]) = (self.lattice.view, self.lattice.shape());
        // Where a pixel lies on the lattice, in places from the first.
        let along = |k: f64, n: usize, shown: [f64; 2], own: [f64; 2], count: usize| {
            let at = shown[0] - own[0] + k / n as f64 * (shown[1] - shown[0]);
            at / (own[1] - own[0]) * (count - 1) as f64
        };
        // Every lattice row, interpolated to one value a pixel, and one more pixel for the slope.
        let across: Vec<f64> = (0..=width)
            .map(|k| along(k as f64, width, view.x, own.x, columns))
            .collect();
        let splines: Vec<_> = across.iter().map(|&at| Spline::at(at, columns)).collect();
        let mut stretched = vec![0.0_f32; rows * (width + 1)];
        for (row, line) in stretched.chunks_exact_mut(width + 1).enumerate() {
            let values = &self.depths[row * columns..][..columns];
            for (out, spline) in line.iter_mut().zip(&splines) {
                *out = spline.of(|k| values[k]);
            }
        }
        let veils = self.veils(&across);
        let rise = (rows - 1) as f32 / height as f32 * (view.height() / own.height()) as f32;
        // Rows count from the bottom of the plane, pixels from the top of the picture.
        let upwards =
            |k: usize| along((height - k.min(height)) as f64, height, view.y, own.y, rows);
        let fill = |line: &mut Vec<f32>, k: usize| {
            let spline = Spline::at(upwards(k), rows);
            line.clear();
            let [a, b, c, d] = spline
                .places
                .map(|row| &stretched[row * (width + 1)..][..=width]);
            let [wa, wb, wc, wd] = spline.weights;
            line.extend((0..=width).map(|x| wa * a[x] + wb * b[x] + wc * c[x] + wd * d[x]));
        };
        let covered = covered(&across[..width], columns);
        let shades = shades(theme);
        let (mut line, mut below) = (Vec::new(), Vec::new());
        let mut places = vec![0_u16; width];
        fill(&mut line, 0);
        let stride = canvas.columns();
        let pixels = canvas.pixels_mut();
        for k in 0..height {
            fill(&mut below, k + 1);
            let at = upwards(k);
            if inside(at, rows) {
                places_among_bands(&line, &below, &mut places);
                if !veils.is_empty() {
                    let row = (at.max(0.0) as usize).min(rows - 2);
                    let [a, b] = [row, row + 1].map(|row| &veils[row * (width + 1)..][..=width]);
                    fade([a, b], at as f32 - row as f32, rise, &mut places);
                }
                let start = 4 * ((clip.y[0] + k) * stride + clip.x[0]);
                let all = pixels[start..][..4 * width].chunks_exact_mut(4);
                let all = all.zip(&places).take(covered.end);
                for (pixel, &place) in all.skip(covered.start) {
                    pixel[..3].copy_from_slice(&shades[usize::from(place)]);
                }
            }
            std::mem::swap(&mut line, &mut below);
        }
    }

    /// The weights of each row of the lattice, interpolated to places `across`; none where all count.
    fn veils(&self, across: &[f64]) -> Vec<f32> {
        let columns = self.lattice.columns;
        let rows = self.weights.chunks_exact(columns);
        let line = |row: &[f32]| -> Vec<f32> {
            let values = across.iter().map(|&at| between(at, columns, |k| row[k]));
            values.collect()
        };
        rows.flat_map(line).collect()
    }

    /// Arrows of the next move at about every [`spacing`](super::look::Arrow::spacing) logical pixels of the box `plot`, which shows `view`, `stretch` times
    /// as long as the move itself; returns how many of those that there is room for are long enough to be seen.
    pub(crate) fn arrows(
        &self,
        canvas: &mut Canvas,
        plot: Rect,
        view: &View,
        stretch: f64,
        theme: Theme,
    ) -> Arrows {
        /// Strengths of arrows where the field fades.
        const FADES: usize = 3;
        let Lattice {
            view: own,
            columns,
            rows,
        } = self.lattice;
        let unit = plot.width / view.width();
        let pitch = [
            own.width() / (columns - 1) as f64,
            own.height() / (rows - 1) as f64,
        ];
        let stride = pitch.map(|p| ((LOOK.arrow.spacing / (p * unit)).round() as usize).max(1));
        let most = LOOK.arrow.most * LOOK.arrow.spacing;
        // Centred: as much of the last row is left over as is skipped before the first.
        let first = |n: usize, stride: usize| (n - 1 - (n - 1) / stride * stride) / 2;
        let mut shapes: [Vec<_>; FADES] = Default::default();
        let mut places = 0;
        for row in (first(rows, stride[1])..rows).step_by(stride[1]) {
            for column in (first(columns, stride[0])..columns).step_by(stride[0]) {
                let place = row * columns + column;
                let weight = self.movers.get(place).copied().unwrap_or(1.0);
                let Some([dx, dy]) = self.next_move(place).filter(|_| weight >= LOOK.near) else {
                    continue;
                };
                places += 1;
                let far = dx.hypot(dy);
                let length = (stretch * unit * far).min(most);
                if length < LOOK.arrow.least {
                    continue;
                }
                let x = plot.x + (own.x[0] - view.x[0] + column as f64 * pitch[0]) * unit;
                let y = plot.bottom() - (own.y[0] - view.y[0] + row as f64 * pitch[1]) * unit;
                let shape = arrow([x, y], [dx / far, -dy / far], length);
                let inside = |p: &[f64; 2]| {
                    (plot.x..=plot.right()).contains(&p[0])
                        && (plot.y..=plot.bottom()).contains(&p[1])
                };
                if shape.iter().all(inside) {
                    let strength = (weight * FADES as f32).ceil() as usize;
                    shapes[strength.clamp(1, FADES) - 1].push(shape);
                }
            }
        }
        for (k, shapes) in shapes.iter().enumerate() {
            let strength = (k + 1) as f64 / FADES as f64;
            let ink = theme.ink().alpha(LOOK.arrow.alpha * strength);
            canvas.fill_all(shapes.iter().map(|shape| &shape[..]), ink);
        }
        match shapes.iter().map(Vec::len).sum::<usize>() {
            0 => Arrows::None,
            drawn if drawn as f64 > LOOK.arrow.rest * f64::from(places) => Arrows::Enough,
            _ => Arrows::Few,
        }
    }
}

/// How many arrows there are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrows {
    None,
    Few,
    /// So many that they tell where all go.
    Enough,
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

//! Clouds too large for dots, as shaded density: how many points a pixel holds, on a logarithmic scale.

use super::{Canvas, Clip};
use crate::pixels::Colour;

/// Counts of points over the pixels of a clip, with the sum of their colours.
pub(crate) struct Density {
    clip: Clip,
    /// Weight, then red, green and blue times weight, of each pixel.
    sums: Vec<[f32; 4]>,
}

impl Density {
    pub(crate) fn new(clip: Clip) -> Self {
        let [width, height] = [clip.x[1] - clip.x[0], clip.y[1] - clip.y[0]];
        Self {
            clip,
            sums: vec![[0.0; 4]; width * height],
        }
    }

    fn width(&self) -> usize {
        self.clip.x[1] - self.clip.x[0]
    }

    /// Adds a point at `[x, y]` device pixels, shared among the four nearest pixels.
    pub(crate) fn add(&mut self, [x, y]: [f64; 2], colour: Colour) {
        let [x, y] = [
            x - 0.5 - self.clip.x[0] as f64,
            y - 0.5 - self.clip.y[0] as f64,
        ];
        let (width, height) = (self.width(), self.clip.y[1] - self.clip.y[0]);
        // Also false for what is not a number.
        if !(x >= 0.0 && y >= 0.0 && x < width as f64 - 1.0 && y < height as f64 - 1.0) {
            return;
        }
        let (column, row) = (x as usize, y as usize);
        let (s, t) = ((x - column as f64) as f32, (y - row as f64) as f32);
        let paint = [
            1.0,
            f32::from(colour.r),
            f32::from(colour.g),
            f32::from(colour.b),
        ];
        for (place, weight) in [
            (row * width + column, (1.0 - s) * (1.0 - t)),
            (row * width + column + 1, s * (1.0 - t)),
            ((row + 1) * width + column, (1.0 - s) * t),
            ((row + 1) * width + column + 1, s * t),
        ] {
            for (sum, part) in self.sums[place].iter_mut().zip(paint) {
                *sum += weight * part;
            }
        }
    }

    /// Blends over `reach` pixels to each side, with weights that fall off like a bell.
    pub(crate) fn soften(&mut self, reach: usize) {
        let (width, height) = (self.width(), self.clip.y[1] - self.clip.y[0]);
        for _ in 0..2 {
            for (step, count, starts, jump) in
                [(1, width, height, width), (width, height, width, 1)]
            {
                let mut line = vec![[0.0_f32; 4]; count];
                for start in 0..starts {
                    for (k, out) in line.iter_mut().enumerate() {
                        let (from, to) = (k.saturating_sub(reach), (k + reach).min(count - 1));
                        let mut sum = [0.0; 4];
                        for place in from..=to {
                            let value = self.sums[start * jump + place * step];
                            for (s, v) in sum.iter_mut().zip(value) {
                                *s += v;
                            }
                        }
                        *out = sum.map(|s| s / (2 * reach + 1) as f32);
                    }
                    for (k, value) in line.iter().enumerate() {
                        self.sums[start * jump + k * step] = *value;
                    }
                }
            }
        }
    }

    /// Lays the density over the canvas: each pixel in the mean colour of its points, opaque by
    /// `log(1 + count/half) / log(1 + most/half)` up to `strongest`.
    pub(crate) fn paint(&self, canvas: &mut Canvas, strongest: f32) {
        let mut counts: Vec<f32> = self
            .sums
            .iter()
            .map(|s| s[0])
            .filter(|&c| c > 1e-4)
            .collect();
        if counts.is_empty() {
            return;
        }
        // The fullest pixels but a few set the scale, lest one heap hide the rest.
        let place = counts.len() * 99 / 100;
        let (_, &mut most, _) = counts.select_nth_unstable_by(place, f32::total_cmp);
        let half = most / 24.0;
        let top = (1.0 + most / half).ln();
        canvas.set_shaded();
        let stride = canvas.columns();
        let width = self.width();
        let Clip { x, y } = self.clip;
        let pixels = canvas.pixels_mut();
        for (place, sum) in self.sums.iter().enumerate() {
            if sum[0] <= 1e-4 {
                continue;
            }
            let alpha = strongest * ((1.0 + sum[0] / half).ln() / top).min(1.0);
            let pixel = 4 * ((y[0] + place / width) * stride + x[0] + place % width);
            for (channel, part) in pixels[pixel..][..3].iter_mut().zip(&sum[1..]) {
                let under = f32::from(*channel);
                *channel = (under + alpha * (part / sum[0] - under) + 0.5) as u8;
            }
        }
    }
}

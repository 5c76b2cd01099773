//! The buffer that everything is drawn into: shapes at sub-pixel positions, given in logical pixels.

use tiny_skia::{
    FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Stroke, StrokeDash, Transform,
};

use super::shape::{Clip, Disc, Ink, Rect};
use super::vector::Sheet;
use crate::pixels::{Colour, Image};

/// A drawing surface: opaque pixels, or a list of shapes.
pub(crate) struct Canvas {
    surface: Surface,
    scale: f64,
    shaded: bool,
}

enum Surface {
    Pixels(Pixmap),
    Shapes(Sheet),
}

impl Canvas {
    /// A sheet of `paper`, in logical pixels; sizes are rounded up to whole, even numbers of device pixels,
    /// which video encoders ask for. A picture of more than 2²⁷ pixels gets a smaller scale instead.
    pub(crate) fn new(width: f64, height: f64, scale: f64, paper: Colour) -> Self {
        let area = (f64::from(1 << 27) / (width * height)).sqrt();
        let scale = scale.min(area).min(32_000.0 / width.max(height));
        let even = |length: f64| 2 * ((length * scale / 2.0).ceil() as u32).max(1);
        #[expect(clippy::expect_used, reason = "the sides are bounded above")]
        let mut pixmap = Pixmap::new(even(width), even(height))
            .expect("a picture has between 2 and 32 000 pixels a side");
        pixmap.fill(tiny_skia::Color::from_rgba8(paper.r, paper.g, paper.b, 255));
        Self {
            surface: Surface::Pixels(pixmap),
            scale,
            shaded: false,
        }
    }

    /// A sheet on which everything stays a shape; what has to be a picture has `resolution` pixels per logical pixel.
    pub(crate) fn shapes(width: f64, height: f64, resolution: f64, paper: Colour) -> Self {
        Self {
            surface: Surface::Shapes(Sheet::new([width, height], paper, resolution)),
            scale: 1.0,
            shaded: false,
        }
    }

    pub(crate) fn scale(&self) -> f64 {
        self.scale
    }

    /// Width in device pixels.
    pub(crate) fn columns(&self) -> usize {
        match &self.surface {
            Surface::Pixels(pixmap) => pixmap.width() as usize,
            Surface::Shapes(sheet) => sheet.size()[0].ceil() as usize,
        }
    }

    /// Height in device pixels.
    pub(crate) fn rows(&self) -> usize {
        match &self.surface {
            Surface::Pixels(pixmap) => pixmap.height() as usize,
            Surface::Shapes(sheet) => sheet.size()[1].ceil() as usize,
        }
    }

    /// Size in logical pixels.
    pub(crate) fn size(&self) -> [f64; 2] {
        [
            self.columns() as f64 / self.scale,
            self.rows() as f64 / self.scale,
        ]
    }

    /// Says that smooth slopes of colour are drawn, which need more care than areas in few colours.
    pub(crate) fn set_shaded(&mut self) {
        self.shaded = true;
    }

    /// Four bytes a pixel; the fourth is 255 and stays so. Shapes have no pixels: draw within a
    /// [`picture`](Self::picture).
    pub(crate) fn pixels_mut(&mut self) -> &mut [u8] {
        match &mut self.surface {
            Surface::Pixels(pixmap) => pixmap.data_mut(),
            Surface::Shapes(_) => &mut [],
        }
    }

    /// Draws into the box what has to be pixels: `draw` is given a canvas that has some, and the box there.
    pub(crate) fn picture(&mut self, rect: Rect, draw: impl FnOnce(&mut Self, Rect)) {
        let Surface::Shapes(sheet) = &mut self.surface else {
            return draw(self, rect);
        };
        let [width, height] = [rect.width, rect.height];
        let mut canvas = Self::new(width, height, sheet.resolution, sheet.paper);
        let [width, height] = canvas.size();
        let whole = Rect {
            x: 0.0,
            y: 0.0,
            width,
            height,
        };
        draw(&mut canvas, whole);
        sheet.picture(rect, &canvas.into_image().png());
    }

    /// The pixels; none of a sheet of shapes.
    pub(crate) fn into_image(self) -> Image {
        let (width, height, pixels) = match self.surface {
            Surface::Pixels(pixmap) => (pixmap.width(), pixmap.height(), pixmap.take()),
            Surface::Shapes(_) => (0, 0, Vec::new()),
        };
        Image::new([width, height], pixels, self.shaded)
    }

    /// The whole device pixels of a box.
    pub(crate) fn clip(&self, rect: Rect) -> Clip {
        let within = |from: f64, to: f64, end: usize| {
            [from, to].map(|v| ((v * self.scale).round().max(0.0) as usize).min(end))
        };
        Clip {
            x: within(rect.x, rect.right(), self.columns()),
            y: within(rect.y, rect.bottom(), self.rows()),
        }
    }

    /// The picture as SVG; `title` is what a reader who cannot see it is told.
    pub(crate) fn into_svg(self, title: &str) -> String {
        match self.surface {
            Surface::Shapes(sheet) => sheet.finish(title),
            Surface::Pixels(_) => String::new(),
        }
    }

    /// A device-pixel border for a logical coordinate, so that boxes have sharp edges; shapes stay where they are.
    fn snap(&self, v: f64) -> f64 {
        match self.surface {
            Surface::Pixels(_) => (v * self.scale).round() / self.scale,
            Surface::Shapes(_) => v,
        }
    }

    /// A filled box with sharp edges, at least one device pixel thin.
    pub(crate) fn fill_box(&mut self, rect: Rect, ink: impl Into<Ink>) {
        let least = 1.0 / self.scale;
        let (x, y) = (self.snap(rect.x), self.snap(rect.y));
        let (right, bottom) = (
            self.snap(rect.right()).max(x + least),
            self.snap(rect.bottom()).max(y + least),
        );
        self.fill(&[[x, y], [right, y], [right, bottom], [x, bottom]], ink);
    }

    /// The border of a box, drawn outside it, `width` thick, with sharp edges.
    pub(crate) fn border(&mut self, rect: Rect, width: f64, ink: impl Into<Ink>) {
        let ink = ink.into();
        let w = (width * self.scale).round().max(1.0) / self.scale;
        let (x, y) = (self.snap(rect.x), self.snap(rect.y));
        let (right, bottom) = (self.snap(rect.right()), self.snap(rect.bottom()));
        for (x, y, width, height) in [
            (x - w, y - w, right - x + 2.0 * w, w),
            (x - w, bottom, right - x + 2.0 * w, w),
            (x - w, y, w, bottom - y),
            (right, y, w, bottom - y),
        ] {
            self.fill_box(
                Rect {
                    x,
                    y,
                    width,
                    height,
                },
                ink,
            );
        }
    }

    /// A filled polygon.
    pub(crate) fn fill(&mut self, corners: &[[f64; 2]], ink: impl Into<Ink>) {
        self.fill_all(std::iter::once(corners), ink);
    }

    /// Filled polygons, as one shape: where they overlap, they do not add up.
    pub(crate) fn fill_all<'a>(
        &mut self,
        polygons: impl IntoIterator<Item = &'a [[f64; 2]]>,
        ink: impl Into<Ink>,
    ) {
        let mut path = PathBuilder::new();
        for corners in polygons {
            self.trace(&mut path, corners);
            path.close();
        }
        self.fill_path(path.finish(), ink.into());
    }

    /// A path in device pixels.
    pub(crate) fn fill_path(&mut self, path: Option<Path>, ink: Ink) {
        let Some(path) = path else { return };
        match &mut self.surface {
            Surface::Shapes(sheet) => sheet.fill(&path, ink),
            Surface::Pixels(pixmap) => pixmap.fill_path(
                &path,
                &paint(ink),
                FillRule::Winding,
                Transform::identity(),
                None,
            ),
        }
    }

    /// A line through the points, `width` thick; `dashes` are lengths on and off.
    pub(crate) fn stroke(
        &mut self,
        points: &[[f64; 2]],
        width: f64,
        dashes: Option<[f64; 2]>,
        ink: impl Into<Ink>,
    ) {
        let mut path = PathBuilder::new();
        self.trace(&mut path, points);
        let Some(path) = path.finish() else { return };
        let ink = ink.into();
        let pixmap = match &mut self.surface {
            Surface::Shapes(sheet) => return sheet.stroke(&path, width, dashes, ink),
            Surface::Pixels(pixmap) => pixmap,
        };
        let stroke = Stroke {
            width: (width * self.scale) as f32,
            line_cap: if dashes.is_some() {
                LineCap::Butt
            } else {
                LineCap::Round
            },
            line_join: LineJoin::Round,
            dash: dashes
                .and_then(|d| StrokeDash::new(d.map(|v| (v * self.scale) as f32).to_vec(), 0.0)),
            ..Stroke::default()
        };
        pixmap.stroke_path(&path, &paint(ink), &stroke, Transform::identity(), None);
    }

    fn trace(&self, path: &mut PathBuilder, points: &[[f64; 2]]) {
        for (place, point) in points.iter().enumerate() {
            let [x, y] = point.map(|v| (v * self.scale) as f32);
            if place == 0 {
                path.move_to(x, y);
            } else {
                path.line_to(x, y);
            }
        }
    }

    /// A disc at `[x, y]` inside `clip`, with a `rim` of another ink around it. Coverage falls off over one
    /// device pixel at each edge, so that a disc moves smoothly by fractions of a pixel.
    pub(crate) fn disc(&mut self, centre: [f64; 2], disc: &Disc, clip: Clip) {
        let (s, stride) = (self.scale, self.columns());
        let pixmap = match &mut self.surface {
            Surface::Shapes(sheet) => return sheet.disc(centre, disc, clip),
            Surface::Pixels(pixmap) => pixmap,
        };
        let [x, y] = centre.map(|v| (v * s) as f32);
        if !(x.is_finite() && y.is_finite()) {
            return;
        }
        // A disc smaller than a pixel keeps its size and is as much fainter as it is smaller.
        let (radius, faint) = {
            let r = (disc.radius * s) as f32;
            (r.max(0.5), (r / 0.5).min(1.0).powi(2))
        };
        let outer = radius + (disc.rim.map_or(0.0, |(width, _)| width) * s) as f32;
        let beyond = (outer + 0.5).powi(2);
        let range = |v: f32, [from, to]: [usize; 2]| {
            let low = (v - outer - 0.5).floor().max(from as f32) as usize;
            let high = (v + outer + 1.5).ceil().clamp(0.0, to as f32) as usize;
            low..high
        };
        let body = disc.ink.colour;
        let body = [body.r, body.g, body.b].map(f32::from);
        let body_alpha = disc.ink.alpha as f32 * faint;
        let (rim, rim_alpha) = disc.rim.map_or((body, 0.0), |(_, ink)| {
            (
                [ink.colour.r, ink.colour.g, ink.colour.b].map(f32::from),
                ink.alpha as f32,
            )
        });
        let data = pixmap.data_mut();
        for row in range(y, clip.y) {
            let dy = row as f32 + 0.5 - y;
            for column in range(x, clip.x) {
                let dx = column as f32 + 0.5 - x;
                let square = dx * dx + dy * dy;
                if square >= beyond {
                    continue;
                }
                let distance = square.sqrt();
                let covered = (radius + 0.5 - distance).clamp(0.0, 1.0);
                let inside = body_alpha * covered;
                let around = rim_alpha * (1.0 - covered) * (outer + 0.5 - distance).clamp(0.0, 1.0);
                let pixel = &mut data[4 * (row * stride + column)..][..3];
                for ((channel, rim), body) in pixel.iter_mut().zip(rim).zip(body) {
                    let v = f32::from(*channel);
                    let v = v + around * (rim - v) + inside * (body - v);
                    *channel = (v + 0.5) as u8;
                }
            }
        }
    }
}

fn paint(ink: Ink) -> Paint<'static> {
    let mut paint = Paint::default();
    let Colour { r, g, b } = ink.colour;
    paint.set_color_rgba8(r, g, b, (ink.alpha.clamp(0.0, 1.0) * 255.0).round() as u8);
    paint
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAPER: Colour = Colour::hex(0xff_ffff);

    /// The centre of what is dark, in logical pixels.
    fn centroid(canvas: &mut Canvas) -> [f64; 2] {
        let (columns, scale) = (canvas.columns(), canvas.scale());
        let (mut sum, mut weight) = ([0.0; 2], 0.0);
        for (place, pixel) in canvas.pixels_mut().chunks_exact(4).enumerate() {
            let ink = 255.0 - f64::from(pixel[0]);
            sum[0] += ink * ((place % columns) as f64 + 0.5);
            sum[1] += ink * ((place / columns) as f64 + 0.5);
            weight += ink;
        }
        sum.map(|s| s / weight / scale)
    }

    #[test]
    fn a_disc_is_where_it_is_put_to_a_fraction_of_a_pixel() {
        for (scale, radius) in [(1.0, 2.6), (1.0, 0.4), (2.0, 1.3)] {
            for step in 0..8 {
                let place = [10.0 + f64::from(step) / 8.0, 9.3];
                let mut canvas = Canvas::new(20.0, 20.0, scale, PAPER);
                let clip = Clip {
                    x: [0, 40],
                    y: [0, 40],
                };
                let clip = Clip {
                    x: [0, clip.x[1].min(canvas.columns())],
                    y: [0, clip.y[1].min(canvas.rows())],
                };
                let disc = Disc {
                    radius,
                    ink: Colour::default().into(),
                    rim: None,
                };
                canvas.disc(place, &disc, clip);
                let found = centroid(&mut canvas);
                for axis in 0..2 {
                    let error = (found[axis] - place[axis]).abs();
                    assert!(error < 0.12 / scale, "{place:?} drawn at {found:?}");
                }
            }
        }
    }

    #[test]
    fn discs_outside_or_without_a_place_leave_no_trace() {
        let mut canvas = Canvas::new(20.0, 20.0, 1.0, PAPER);
        let clip = Clip {
            x: [5, 15],
            y: [5, 15],
        };
        let disc = Disc {
            radius: 2.0,
            ink: Colour::default().into(),
            rim: None,
        };
        for place in [
            [f64::NAN, 3.0],
            [3.0, f64::INFINITY],
            [1e300, 1.0],
            [-1e9, 10.0],
            [2.0, 2.0],
        ] {
            canvas.disc(place, &disc, clip);
        }
        assert!(canvas.pixels_mut().iter().all(|&byte| byte == 255));
    }

    #[test]
    fn a_box_has_sharp_edges_at_any_scale() {
        for scale in [1.0, 1.5, 2.0] {
            let mut canvas = Canvas::new(20.0, 20.0, scale, PAPER);
            let rect = Rect {
                x: 3.3,
                y: 4.1,
                width: 7.2,
                height: 0.2,
            };
            canvas.fill_box(rect, Colour::default());
            assert!(
                canvas
                    .pixels_mut()
                    .chunks_exact(4)
                    .all(|p| p[0] == 0 || p[0] == 255)
            );
            assert!(canvas.pixels_mut().contains(&0));
        }
    }
}

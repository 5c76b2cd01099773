//! Pictures of at most 255 colours: a third of the bytes, and the colours are chosen so that no eye sees it.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use multiversion::multiversion;

use super::colour::Colour;
use super::image::Image;

/// Index of the colour that shows what lies below; never used in a still.
pub(crate) const TRANSPARENT: u8 = 0;
const COLOURS: usize = 255;
/// Distance in Oklab at which small areas are seen as different.
const ALIKE: f32 = 0.02;
/// Bits a channel at which colours are looked up: cells of two levels, which no eye tells apart.
const BITS: usize = 7;

/// The colours of an animation, and the nearest of them to any colour.
#[derive(Debug)]
pub struct Palette {
    colours: Vec<Colour>,
    labs: Labs,
    /// The index for each cell of colours, or 0 while it has not been asked for. Whoever asks first writes
    /// what anyone else would have written.
    nearest: Vec<AtomicU8>,
    /// How far colours are scattered before they are looked up, in levels of a channel: none for dots,
    /// whose edges hide a step between two colours, some for the smooth slopes of a density.
    grain: f32,
}

impl Palette {
    /// At most 255 colours that represent `samples`: those that fill areas exactly, the rest by k-means in
    /// Oklab, weighted by the square root of how often they occur.
    #[must_use]
    pub fn of(samples: &[&Image]) -> Self {
        let mut counts: HashMap<Colour, u32> = HashMap::new();
        let mut total = 0_usize;
        for image in samples {
            let mut pixels = image.pixels().chunks_exact(4).peekable();
            while let Some(pixel) = pixels.next() {
                let mut run = 1;
                while pixels.next_if(|next| *next == pixel).is_some() {
                    run += 1;
                }
                let colour = Colour {
                    r: pixel[0],
                    g: pixel[1],
                    b: pixel[2],
                };
                *counts.entry(colour).or_default() += run;
            }
            total += image.pixels().len() / 4;
        }
        // In an order that is always the same.
        let counts: BTreeMap<Colour, u32> = counts.into_iter().collect();
        // What covers an eight-thousandth of the pixels is an area, and kept as it is.
        let mut areas: Vec<(u32, Colour)> = counts
            .iter()
            .filter(|&(_, &count)| count as usize > total / 8000)
            .map(|(&colour, &count)| (count, colour))
            .collect();
        areas.sort_unstable_by(|a, b| b.cmp(a));
        let mut colours: Vec<Colour> = Vec::new();
        let mut labs = Labs::default();
        for (count, colour) in areas {
            if colours.len() >= COLOURS / 2 {
                break;
            }
            // Small areas that look the same share a colour: fewer colours compress better.
            let large = count as usize > total / 200;
            let lab = lab(colour);
            if large || labs.closest(lab).0 >= ALIKE * ALIKE {
                colours.push(colour);
                labs.push(lab);
            }
        }
        let grain = if samples.iter().any(|image| image.is_shaded()) {
            16.0
        } else {
            0.0
        };
        if counts.len() <= COLOURS {
            colours = counts.keys().copied().collect();
        } else {
            let cells = cells(&counts, &colours);
            colours.extend(cluster(&cells, labs, COLOURS - colours.len()));
        }
        if colours.is_empty() {
            colours.push(Colour::default());
        }
        let palette = Self {
            labs: Labs::of(colours.iter().map(|c| lab(*c))),
            colours,
            nearest: (0..1 << (3 * BITS))
                .map(|_| AtomicU8::new(TRANSPARENT))
                .collect(),
            grain,
        };
        // A colour of the palette stands for itself, even if another is nearer to the middle of its cell.
        for (place, colour) in palette.colours.iter().enumerate().rev() {
            palette.nearest[cell(*colour)].store(place as u8 + 1, Ordering::Relaxed);
        }
        palette
    }

    /// The picture in these colours.
    #[must_use]
    pub fn apply(self: &Arc<Self>, image: &Image) -> Indexed {
        let width = image.width() as usize;
        let mut indices = Vec::with_capacity(image.pixels().len() / 4);
        let mut last = ([0; 3], self.index(Colour::default()));
        for (place, pixel) in image.pixels().chunks_exact(4).enumerate() {
            if pixel[..3] != last.0 {
                let [r, g, b] = [pixel[0], pixel[1], pixel[2]];
                last = ([r, g, b], self.index(Colour { r, g, b }));
            }
            indices.push(if self.grain > 0.0 {
                self.scatter(last, place % width, place / width)
            } else {
                last.1
            });
        }
        Indexed {
            palette: Arc::clone(self),
            width: image.width(),
            height: image.height(),
            indices,
        }
    }

    /// The index for a pixel whose colour is not quite the one `found`: sometimes that, sometimes another
    /// near one, so that the mean over neighbours is right. Depends on the place alone, lest it flicker.
    fn scatter(&self, (rgb, found): ([u8; 3], u8), x: usize, y: usize) -> u8 {
        let Colour { r, g, b } = self.colours[usize::from(found) - 1];
        if rgb
            .iter()
            .zip([r, g, b])
            .all(|(have, want)| have.abs_diff(want) <= 1)
        {
            return found;
        }
        // Interleaved gradient noise (Jimenez, "Next generation post processing in Call of Duty", 2014).
        let noise =
            (52.982_918 * (0.067_110_56 * x as f32 + 0.005_837_15 * y as f32).fract()).fract();
        let [r, g, b] = [0.0, 1.0 / 3.0, 2.0 / 3.0].map(|turn| (noise + turn).fract() - 0.5);
        let move_by = |channel: u8, part: f32| {
            (f32::from(channel) + self.grain * part + 0.5).clamp(0.0, 255.0) as u8
        };
        self.index(Colour {
            r: move_by(rgb[0], r),
            g: move_by(rgb[1], g),
            b: move_by(rgb[2], b),
        })
    }

    /// The colours in order of their indices, from 1.
    #[must_use]
    pub fn colours(&self) -> &[Colour] {
        &self.colours
    }

    fn index(&self, colour: Colour) -> u8 {
        let cell = &self.nearest[cell(colour)];
        match cell.load(Ordering::Relaxed) {
            TRANSPARENT => {
                // The cell decides, not the colour in it: the answer must not depend on who asks first.
                let all = |channel: u8| (channel >> (8 - BITS) << (8 - BITS)) | (channel >> BITS);
                let Colour { r, g, b } = colour;
                let middle = lab(Colour {
                    r: all(r),
                    g: all(g),
                    b: all(b),
                });
                let index = self.labs.closest(middle).1 as u8 + 1;
                cell.store(index, Ordering::Relaxed);
                index
            }
            index => index,
        }
    }

    /// The `PLTE` chunk, with index 0 in front.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let rgb = self.colours.iter().flat_map(|c| [c.r, c.g, c.b]);
        [0; 3].into_iter().chain(rgb).collect()
    }
}

/// Which cell of colours this one belongs to.
fn cell(colour: Colour) -> usize {
    let cut = |channel: u8| usize::from(channel) >> (8 - BITS);
    (cut(colour.r) << (2 * BITS)) | (cut(colour.g) << BITS) | cut(colour.b)
}

fn lab(colour: Colour) -> [f32; 3] {
    colour.to_oklab().map(|v| v as f32)
}

fn gap(a: [f32; 3], b: [f32; 3]) -> f32 {
    let [x, y, z] = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
    x * x + y * y + z * z
}

/// Colours in Oklab, a coordinate beside the other, the last block filled up with what is near to nothing.
#[derive(Clone, Debug, Default)]
struct Labs {
    blocks: Vec<[[f32; LANES]; 3]>,
    count: usize,
}

/// Colours that are compared at once.
const LANES: usize = 16;

impl Labs {
    fn of(labs: impl Iterator<Item = [f32; 3]>) -> Self {
        let mut all = Self::default();
        labs.for_each(|lab| all.push(lab));
        all
    }

    fn push(&mut self, lab: [f32; 3]) {
        if self.count.is_multiple_of(LANES) {
            self.blocks.push([[f32::INFINITY; LANES]; 3]);
        }
        self.count += 1;
        self.set(self.count - 1, lab);
    }

    fn set(&mut self, place: usize, lab: [f32; 3]) {
        for (axis, v) in lab.into_iter().enumerate() {
            self.blocks[place / LANES][axis][place % LANES] = v;
        }
    }

    fn get(&self, place: usize) -> [f32; 3] {
        self.blocks[place / LANES].map(|axis| axis[place % LANES])
    }

    /// The square of the distance to the nearest colour, and the first that is so near.
    fn closest(&self, to: [f32; 3]) -> (f32, usize) {
        closest(&self.blocks, to)
    }
}

#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn closest(blocks: &[[[f32; LANES]; 3]], to: [f32; 3]) -> (f32, usize) {
    let (mut best, mut of) = ([f32::INFINITY; LANES], [0_u32; LANES]);
    for (block, [x, y, z]) in blocks.iter().enumerate() {
        for lane in 0..LANES {
            let gap = gap([x[lane], y[lane], z[lane]], to);
            if gap < best[lane] {
                (best[lane], of[lane]) = (gap, block as u32);
            }
        }
    }
    let places = (0..LANES).map(|lane| (best[lane], of[lane] as usize * LANES + lane));
    places.fold((f32::INFINITY, 0), |least, next| {
        if next.0 < least.0 || next.0 == least.0 && next.1 < least.1 {
            next
        } else {
            least
        }
    })
}

/// Colours that are not areas, gathered in cells of eight levels a channel: mean place and weight.
fn cells(counts: &BTreeMap<Colour, u32>, areas: &[Colour]) -> Vec<([f32; 3], f32)> {
    let mut sums: BTreeMap<[u8; 3], [f64; 4]> = BTreeMap::new();
    for (colour, &count) in counts {
        if areas.contains(colour) {
            continue;
        }
        let [l, a, b] = colour.to_oklab();
        let sum = sums
            .entry([colour.r >> 3, colour.g >> 3, colour.b >> 3])
            .or_default();
        let weight = f64::from(count);
        for (s, v) in sum.iter_mut().zip([1.0, l, a, b]) {
            *s += weight * v;
        }
    }
    sums.into_values()
        .map(|[n, l, a, b]| ([l / n, a / n, b / n].map(|v| v as f32), n.sqrt() as f32))
        .collect()
}

/// `count` colours that represent `cells` together with those that are fixed: each new one starts at the cell
/// that is worst represented so far, then all move to the middle of what they stand for.
fn cluster(cells: &[([f32; 3], f32)], mut labs: Labs, count: usize) -> Vec<Colour> {
    let fixed = labs.count;
    let mut worst: Vec<f32> = cells
        .iter()
        .map(|(cell, _)| labs.closest(*cell).0)
        .collect();
    for _ in 0..count.min(cells.len()) {
        let error = |k: usize| worst[k] * cells[k].1;
        let Some(far) = (0..cells.len()).max_by(|&a, &b| error(a).total_cmp(&error(b))) else {
            break;
        };
        let lab = cells[far].0;
        labs.push(lab);
        for (worst, (cell, _)) in worst.iter_mut().zip(cells) {
            *worst = worst.min(gap(*cell, lab));
        }
    }
    for _ in 0..6 {
        let mut sums = vec![[0.0_f64; 4]; labs.count];
        for (cell, weight) in cells {
            let sum = &mut sums[labs.closest(*cell).1];
            for (s, v) in sum.iter_mut().zip([1.0, cell[0], cell[1], cell[2]]) {
                *s += f64::from(*weight) * f64::from(v);
            }
        }
        for (place, [n, l, a, b]) in sums.into_iter().enumerate().skip(fixed) {
            if n > 0.0 {
                labs.set(place, [l / n, a / n, b / n].map(|v| v as f32));
            }
        }
    }
    let found = (fixed..labs.count).map(|place| labs.get(place).map(f64::from));
    found.map(|[l, a, b]| Colour::oklab(l, a, b)).collect()
}

/// A picture in the colours of a [`Palette`].
#[derive(Clone, Debug)]
pub struct Indexed {
    pub(crate) palette: Arc<Palette>,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// One byte a pixel, row by row: 1 is the first colour.
    pub(crate) indices: Vec<u8>,
}

impl Indexed {
    /// The bytes of a PNG file.
    #[must_use]
    pub fn png(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let encoder = encoder(&mut bytes, self.width, self.height, &self.palette);
        let data = deflate(
            self.width as usize,
            self.indices.chunks_exact(self.width as usize),
        );
        in_memory(encoder.write_header().and_then(|mut writer| {
            writer.write_chunk(png::chunk::IDAT, &data)?;
            writer.finish()
        }));
        bytes
    }
}

impl Image {
    /// The bytes of a PNG file, with at most 255 colours. For frames of one run, share a [`Palette`].
    #[must_use]
    pub fn png(&self) -> Vec<u8> {
        Arc::new(Palette::of(&[self])).apply(self).png()
    }
}

/// The header of a PNG with this palette.
pub(crate) fn encoder<'a>(
    bytes: &'a mut Vec<u8>,
    width: u32,
    height: u32,
    palette: &Palette,
) -> png::Encoder<'a, &'a mut Vec<u8>> {
    let mut encoder = png::Encoder::new(bytes, width, height);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(Cow::Owned(palette.bytes()));
    encoder
}

/// A little less than half of the time of the usual level, for a fourteenth more bytes.
const LEVEL: Compression = Compression::new(2);

/// Rows of indices as a zlib stream, without prediction, which does nothing for indices.
pub(crate) fn deflate<'a>(width: usize, rows: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::with_capacity(width * 64), LEVEL);
    for row in rows {
        in_memory(
            encoder
                .write_all(&[0])
                .and_then(|()| encoder.write_all(row)),
        );
    }
    in_memory(encoder.finish())
}

/// Writing into memory does not fail.
#[expect(clippy::expect_used, reason = "a `Vec` takes all bytes")]
pub(crate) fn in_memory<T, E: std::fmt::Debug>(result: Result<T, E>) -> T {
    result.expect("memory takes what is written to it")
}

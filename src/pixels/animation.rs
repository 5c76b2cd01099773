//! Animated PNG: plays in every browser, with exact colours and without an external program.

use std::sync::Arc;

use png::chunk::ChunkType;
use rayon::prelude::*;

use super::image::Image;
use super::indexed::{Indexed, Palette, TRANSPARENT, deflate, encoder, in_memory};

/// How long frames stay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Each frame but the last, in milliseconds.
    pub frame: u16,
    /// The last frame, before all starts again, in milliseconds.
    pub last: u16,
}

impl Default for Pace {
    /// 15 frames a second, and a second and a half at the end.
    fn default() -> Self {
        Self {
            frame: 67,
            last: 1500,
        }
    }
}

/// Frames one after the other, each kept as what changed since the one before.
#[derive(Debug)]
pub struct Animation {
    palette: Arc<Palette>,
    size: [u32; 2],
    last: Option<Indexed>,
    patches: Vec<Patch>,
}

/// The part of a frame that differs from the frame before.
#[derive(Debug)]
struct Patch {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
    data: Vec<u8>,
}

impl Animation {
    /// An animation without frames, in the colours of `palette`.
    #[must_use]
    pub fn new(palette: &Arc<Palette>) -> Self {
        Self {
            palette: Arc::clone(palette),
            size: [0, 0],
            last: None,
            patches: Vec::new(),
        }
    }

    /// Adds frames, compressed in parallel.
    ///
    /// # Panics
    /// If the frames differ in size, or have another palette than the animation.
    pub fn extend(&mut self, mut frames: Vec<Indexed>) {
        if let (None, Some(first)) = (&self.last, frames.first()) {
            self.size = [first.width, first.height];
        }
        for frame in &frames {
            assert_eq!(
                [frame.width, frame.height],
                self.size,
                "frames differ in size"
            );
            assert!(
                Arc::ptr_eq(&frame.palette, &self.palette),
                "frames differ in palette"
            );
        }
        let patches: Vec<Patch> = (0..frames.len())
            .into_par_iter()
            .map(|k| {
                let before = if k == 0 {
                    self.last.as_ref()
                } else {
                    frames.get(k - 1)
                };
                Patch::between(before, &frames[k])
            })
            .collect();
        self.patches.extend(patches);
        if let Some(last) = frames.pop() {
            self.last = Some(last);
        }
    }

    /// The bytes of the file; it plays for ever. Empty without frames.
    #[must_use]
    pub fn finish(&self, pace: Pace) -> Vec<u8> {
        if self.patches.is_empty() {
            return Vec::new();
        }
        let mut bytes = Vec::new();
        let mut encoder = encoder(&mut bytes, self.size[0], self.size[1], &self.palette);
        // Index 0 lets the frame before shine through.
        encoder.set_trns(vec![0]);
        in_memory(encoder.write_header().and_then(|mut writer| {
            let count = u32::try_from(self.patches.len()).unwrap_or(u32::MAX);
            let control = [count.to_be_bytes(), 0_u32.to_be_bytes()].concat();
            writer.write_chunk(ChunkType(*b"acTL"), &control)?;
            let mut sequence = 0_u32;
            for (k, patch) in self.patches.iter().enumerate() {
                let delay = if k + 1 == self.patches.len() {
                    pace.last
                } else {
                    pace.frame
                };
                writer.write_chunk(ChunkType(*b"fcTL"), &patch.control(sequence, delay))?;
                sequence += 1;
                if k == 0 {
                    writer.write_chunk(png::chunk::IDAT, &patch.data)?;
                } else {
                    let data = [&sequence.to_be_bytes()[..], &patch.data].concat();
                    writer.write_chunk(ChunkType(*b"fdAT"), &data)?;
                    sequence += 1;
                }
            }
            writer.finish()
        }));
        bytes
    }
}

impl Patch {
    fn between(before: Option<&Indexed>, now: &Indexed) -> Self {
        let width = now.width as usize;
        let Some(before) = before else {
            return Self {
                x: 0,
                y: 0,
                width: now.width,
                height: now.height,
                data: deflate(width, now.indices.chunks_exact(width)),
            };
        };
        let pairs = || {
            before
                .indices
                .chunks_exact(width)
                .zip(now.indices.chunks_exact(width))
        };
        // The smallest box around all changes; one pixel where there are none.
        let (mut columns, mut rows) = ([width, 0], [usize::MAX, 0]);
        for (row, (old, new)) in pairs().enumerate() {
            let Some(first) = old.iter().zip(new).position(|(a, b)| a != b) else {
                continue;
            };
            let last = old
                .iter()
                .zip(new)
                .rposition(|(a, b)| a != b)
                .unwrap_or(first);
            columns = [columns[0].min(first), columns[1].max(last + 1)];
            rows = [rows[0].min(row), row + 1];
        }
        if rows[1] == 0 {
            (columns, rows) = ([0, 1], [0, 1]);
        }
        let across = columns[1] - columns[0];
        let mut changed = Vec::with_capacity(across * (rows[1] - rows[0]));
        for (old, new) in pairs().skip(rows[0]).take(rows[1] - rows[0]) {
            let side = columns[0]..columns[1];
            let pairs = old[side.clone()].iter().zip(&new[side]);
            changed.extend(pairs.map(|(old, new)| if old == new { TRANSPARENT } else { *new }));
        }
        Self {
            x: columns[0] as u32,
            y: rows[0] as u32,
            width: across as u32,
            height: (rows[1] - rows[0]) as u32,
            data: deflate(across, changed.chunks_exact(across)),
        }
    }

    /// The frame control chunk: place, delay in milliseconds, left standing afterwards, laid over.
    fn control(&self, sequence: u32, delay: u16) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(26);
        for word in [sequence, self.width, self.height, self.x, self.y] {
            bytes.extend(word.to_be_bytes());
        }
        bytes.extend(delay.to_be_bytes());
        bytes.extend(1000_u16.to_be_bytes());
        bytes.extend([0, 1]);
        bytes
    }
}

/// A run as pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Film {
    /// The bytes of an animated PNG.
    pub animation: Vec<u8>,
    /// The bytes of each frame as a PNG; empty if no stills were asked for.
    pub stills: Vec<Vec<u8>>,
}

/// Draws `count` frames with `draw`, in parallel, and encodes them in one set of colours, learnt from a few
/// of them. Memory holds a few frames at a time. The result does not depend on the number of threads.
#[must_use]
pub fn film(count: usize, draw: impl Fn(usize) -> Image + Sync, pace: Pace, stills: bool) -> Film {
    const SAMPLES: usize = 7;
    const BATCH: usize = 16;
    let mut chosen: Vec<usize> = (0..SAMPLES)
        .map(|k| k * count.saturating_sub(1) / (SAMPLES - 1))
        .collect();
    chosen.dedup();
    chosen.retain(|&k| k < count);
    let samples: Vec<Image> = chosen.par_iter().map(|&k| draw(k)).collect();
    let palette = Arc::new(Palette::of(&samples.iter().collect::<Vec<_>>()));
    let samples: Vec<Indexed> = samples
        .into_par_iter()
        .map(|image| palette.apply(&image))
        .collect();
    let frame = |k: usize| match chosen.binary_search(&k) {
        Ok(drawn) => samples[drawn].clone(),
        Err(_) => palette.apply(&draw(k)),
    };
    let mut animation = Animation::new(&palette);
    let mut files = Vec::new();
    for start in (0..count).step_by(BATCH) {
        let places = start..(start + BATCH).min(count);
        let frames: Vec<Indexed> = places.into_par_iter().map(frame).collect();
        if stills {
            files.par_extend(frames.par_iter().map(Indexed::png));
        }
        animation.extend(frames);
    }
    Film {
        animation: animation.finish(pace),
        stills: files,
    }
}

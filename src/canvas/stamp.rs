//! Lines of text as coverage, kept: a film says the same at the same place a hundred times.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use tiny_skia::{FillRule, Mask, Path, Transform};

use super::shape::Ink;

/// How much of each pixel of a box a line of text covers.
pub(super) struct Stamp {
    /// The first column and the first row, counted from where the text starts.
    corner: [isize; 2],
    columns: usize,
    /// 0 to 255, row by row; nothing where there is nothing to see.
    coverage: Vec<u8>,
}

/// What a stamp depends on: the text, its face, the bits of its size, and those of the part of a pixel at which it starts.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) text: String,
    pub(super) face: u8,
    pub(super) unit: u64,
    pub(super) part: u64,
}

/// Bytes of stamps above which all are let go.
const MOST: usize = 1 << 24;

#[derive(Default)]
struct Kept {
    stamps: HashMap<Key, Arc<Stamp>>,
    bytes: usize,
}

static KEPT: LazyLock<Mutex<Kept>> = LazyLock::new(Mutex::default);

/// The stamp of a text; `outline` is asked where it is not yet known.
pub(super) fn stamp(key: Key, outline: impl FnOnce() -> Option<Path>) -> Arc<Stamp> {
    let kept = || KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(stamp) = kept().stamps.get(&key) {
        return Arc::clone(stamp);
    }
    let stamp = Arc::new(Stamp::of(outline()));
    let mut kept = kept();
    if kept.bytes > MOST {
        *kept = Kept::default();
    }
    kept.bytes += stamp.coverage.len() + key.text.len();
    kept.stamps.insert(key, Arc::clone(&stamp));
    stamp
}

impl Stamp {
    fn of(path: Option<Path>) -> Self {
        let covered = path.and_then(|path| {
            let bounds = path.bounds();
            let [x, y] = [bounds.left(), bounds.top()].map(|v| v.floor() - 1.0);
            let size = [bounds.right() - x, bounds.bottom() - y].map(|v| v.ceil() as u32 + 1);
            let mut mask = Mask::new(size[0], size[1])?;
            let aside = Transform::from_translate(-x, -y);
            mask.fill_path(&path, FillRule::Winding, true, aside);
            Some(Self {
                corner: [x as isize, y as isize],
                columns: size[0] as usize,
                coverage: mask.take(),
            })
        });
        covered.unwrap_or(Self {
            corner: [0, 0],
            columns: 1,
            coverage: Vec::new(),
        })
    }

    /// Puts the text where it starts at this pixel: into opaque `pixels`, four bytes each, of which a row has so many.
    pub(super) fn put(&self, pixels: &mut [u8], columns: usize, start: [isize; 2], ink: Ink) {
        let alpha = (ink.alpha.clamp(0.0, 1.0) * 255.0).round() as u32;
        let colour = [ink.colour.r, ink.colour.g, ink.colour.b].map(u32::from);
        let [left, top] = [0, 1].map(|axis| start[axis] + self.corner[axis]);
        let width = self.columns.cast_signed();
        let from = (-left).clamp(0, width);
        let to = (columns.cast_signed() - left).clamp(from, width);
        if from == to {
            return;
        }
        let (first, seen) = ((left + from) as usize, from as usize..to as usize);
        for (row, covered) in (top..).zip(self.coverage.chunks_exact(self.columns)) {
            let Ok(row) = usize::try_from(row) else {
                continue;
            };
            let first = 4 * (row * columns + first);
            let Some(line) = pixels.get_mut(first..first + 4 * seen.len()) else {
                break;
            };
            for (pixel, &covered) in line.chunks_exact_mut(4).zip(&covered[seen.clone()]) {
                let over = (u32::from(covered) * alpha + 127) / 255;
                if over > 0 {
                    for (channel, ink) in pixel.iter_mut().zip(colour) {
                        let mixed = ink * over + u32::from(*channel) * (255 - over);
                        *channel = ((mixed + 127) / 255) as u8;
                    }
                }
            }
        }
    }
}

//! Numbers that change little from frame to frame, made small: quantised, differenced, deflated, written as text.
//!
//! A series is a list of frames, each of `stride` whole numbers. From each number the one at the same place of the frame
//! before is taken away (modulo 2⁸ or 2¹⁶; the first frame counts from zero), the difference is folded to a number without
//! sign (0, −1, 1, −2, … become 0, 1, 2, 3, …), and of 16-bit numbers all low bytes come first, then all high bytes. The
//! bytes are compressed (zlib, RFC 1950) and written in base 64. `page.js` undoes this in the reader's browser.

use std::io::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use flate2::Compression;
use flate2::write::{DeflateEncoder, ZlibEncoder};

use crate::render::View;

/// Steps that a place is counted in across the longer side of the view: 14 bits, a sixteenth of a pixel on a canvas of
/// a thousand.
pub(super) const STEPS: f64 = 16_383.0;
/// Stands for a coordinate that is not finite.
pub(super) const NOWHERE: i16 = i16::MIN;

/// Counts places in steps from the middle of the view. What lies more than two views away is held there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    middle: [f64; 2],
    step: f64,
}

impl Grid {
    pub(super) fn over(view: View) -> Self {
        Self {
            middle: [view.x, view.y].map(|[low, high]| f64::midpoint(low, high)),
            step: view.width().max(view.height()) / STEPS,
        }
    }

    /// Length of a step, in the target's units.
    pub(super) fn step(&self) -> f64 {
        self.step
    }

    /// The middle of the view.
    pub(super) fn middle(&self) -> [f64; 2] {
        self.middle
    }

    /// The coordinate `value` along `axis` in steps.
    pub(super) fn count(&self, axis: usize, value: f64) -> i16 {
        if value.is_finite() {
            let steps = ((value - self.middle[axis]) / self.step).round();
            steps.clamp(-f64::from(i16::MAX), f64::from(i16::MAX)) as i16
        } else {
            NOWHERE
        }
    }
}

/// A series of 16-bit numbers as text.
pub(super) fn wide(values: &[i16], stride: usize) -> io::Result<String> {
    let folded: Vec<u16> = (0..values.len())
        .map(|k| {
            let before = if k < stride { 0 } else { values[k - stride] };
            let change = values[k].wrapping_sub(before);
            ((change << 1) ^ (change >> 15)).cast_unsigned()
        })
        .collect();
    let low = folded.iter().map(|v| *v as u8);
    let high = folded.iter().map(|v| (v >> 8) as u8);
    deflate(&low.chain(high).collect::<Vec<u8>>())
}

/// A series of 8-bit numbers as text.
pub(super) fn narrow(values: &[i8], stride: usize) -> io::Result<String> {
    let folded: Vec<u8> = (0..values.len())
        .map(|k| {
            let before = if k < stride { 0 } else { values[k - stride] };
            let change = values[k].wrapping_sub(before);
            ((change << 1) ^ (change >> 7)).cast_unsigned()
        })
        .collect();
    deflate(&folded)
}

/// Bytes as they are, as text.
pub(super) fn deflate(bytes: &[u8]) -> io::Result<String> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(bytes)?;
    Ok(STANDARD.encode(encoder.finish()?))
}

/// Bytes that are compressed already, as small as a text inside an element `script` can be: seven bits a character, the first the highest, the last filled up with zeros. In the place of the three
/// that HTML would not leave alone, NUL, CR and `<`, stands the one 256 places further, which has the same low bits.
#[cfg(feature = "cli")]
pub(super) fn dense(packed: &[u8]) -> String {
    let mut text = String::with_capacity(packed.len() * 6 / 5);
    let mut put = |bits: u32| {
        let further = if matches!(bits, 0 | 13 | 60) { 256 } else { 0 };
        text.extend(char::from_u32(bits + further));
    };
    let (mut held, mut count) = (0_u32, 0);
    for &byte in packed {
        (held, count) = (held << 8 | u32::from(byte), count + 8);
        while count >= 7 {
            count -= 7;
            put(held >> count & 127);
        }
        held &= (1 << count) - 1;
    }
    if count > 0 {
        put(held << (7 - count) & 127);
    }
    text
}

/// A text as letters that an address may hold: compressed (deflate, RFC 1951), in the base 64 of addresses.
pub(super) fn letters(text: &str) -> io::Result<String> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(8));
    encoder.write_all(text.as_bytes())?;
    Ok(URL_SAFE_NO_PAD.encode(encoder.finish()?))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::ZlibDecoder;
    use rand::Rng as _;

    use super::*;
    use crate::random::Stream;

    #[cfg(feature = "cli")]
    #[test]
    fn dense_letters_are_read_back() {
        let bytes: Vec<u8> = (0..=255).chain(0..=255).rev().collect();
        for count in [0, 1, 6, 7, 8, 512] {
            let text = dense(&bytes[..count]);
            assert!(!text.contains(['\0', '\r', '<']));
            let (mut held, mut bits, mut packed) = (0_u32, 0, Vec::new());
            for c in text.chars() {
                (held, bits) = (held << 7 | u32::from(c) & 127, bits + 7);
                if bits >= 8 {
                    bits -= 8;
                    packed.push((held >> bits & 255) as u8);
                }
            }
            assert_eq!(packed, bytes[..count]);
        }
    }

    fn inflate(text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        ZlibDecoder::new(&STANDARD.decode(text).unwrap()[..])
            .read_to_end(&mut bytes)
            .unwrap();
        bytes
    }

    #[test]
    fn differences_are_folded_small_to_small() {
        let bytes = inflate(&narrow(&[0, 5, -1, 5, -2, 3, 127, -128], 2).unwrap());
        assert_eq!(bytes, [0, 10, 1, 0, 1, 3, 253, 250]);
        let bytes = inflate(&wide(&[0, -1, 300, i16::MIN], 1).unwrap());
        assert_eq!(bytes, [0, 1, 90, 168, 0, 0, 2, 253]);
    }

    #[test]
    fn the_worst_cloud_stays_small() {
        // Two hundred thousand positions that have nothing to do with each other.
        let mut rng = Stream::new(1, "test").rng();
        let reach = (STEPS / 2.0) as i16;
        let values: Vec<i16> = (0..400_000)
            .map(|_| rng.random_range(-reach..=reach))
            .collect();
        let size = wide(&values, 4000).unwrap().len();
        assert!(size < 1_100_000, "{size} bytes");
    }

    #[test]
    fn far_and_missing_places_are_held() {
        let grid = Grid::over(View {
            x: [0.0, 8.0],
            y: [-1.0, 3.0],
        });
        assert_eq!(grid.count(0, 4.0), 0);
        assert_eq!(grid.count(1, 1.0), 0);
        assert_eq!(grid.count(0, 8.0), 8192);
        assert_eq!(grid.count(0, 1e9), i16::MAX);
        assert_eq!(grid.count(1, -1e9), -i16::MAX);
        assert_eq!(grid.count(0, f64::NAN), NOWHERE);
    }
}

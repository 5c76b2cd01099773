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
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(8));
    encoder.write_all(bytes)?;
    Ok(STANDARD.encode(encoder.finish()?))
}

/// Digits of the numbers to the base 85: what can be written, but for what JSON or HTML would have to escape.
#[cfg(feature = "cli")]
pub(super) const DIGITS: &[u8; 85] =
    b"#$()*+,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_abcdefghijklmnopqrstuvwxyz{|}~";

/// Bytes that are compressed already, as small as letters can be: each four as a number of five [`DIGITS`], the last filled up with zeros.
#[cfg(feature = "cli")]
pub(super) fn dense(packed: &[u8]) -> String {
    let mut text = String::with_capacity(packed.len() * 5 / 4 + 5);
    for part in packed.chunks(4) {
        let mut word = [0; 4];
        word[..part.len()].copy_from_slice(part);
        let number = u32::from_be_bytes(word);
        let digit = |place: u32| DIGITS[(number / 85_u32.pow(place) % 85) as usize];
        text.extend((0..5).rev().map(|place| char::from(digit(place))));
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
        let bytes = Stream::new(3, "bytes").rng().random::<[u8; 32]>();
        for count in [0, 1, 4, 5, 31] {
            let text = dense(&bytes[..count]);
            let value = |c: u8| DIGITS.iter().position(|&d| d == c).unwrap() as u64;
            let words = text.as_bytes().chunks_exact(5);
            let number = |word: &[u8]| word.iter().fold(0, |n, &c| 85 * n + value(c)) as u32;
            let mut packed: Vec<u8> = words.flat_map(|w| number(w).to_be_bytes()).collect();
            packed.truncate(count);
            assert_eq!(packed, bytes[..count]);
        }
        assert!(!DIGITS.iter().any(|c| b"<>&\"'\\`".contains(c)));
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

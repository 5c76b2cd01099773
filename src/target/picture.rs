//! The ink of a picture.

#[cfg(feature = "record")]
use std::io::Cursor;

#[cfg(feature = "record")]
use png::{BitDepth, Decoder, DecodingError, Limits, Transformations};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which pixels carry the mass of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ink {
    /// Black carries all, white none: a drawing on paper.
    #[default]
    Dark,
    /// White carries all, black none: lights in the night.
    Light,
}

/// Most pixels that a picture may have: 4096 × 4096.
pub(crate) const MOST_PIXELS: u64 = 1 << 24;

/// What a file shows.
pub(super) struct Picture {
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// Row by row from the top left, in whole numbers so that pure paper has exactly none.
    pub(super) ink: Vec<f64>,
    /// Whether all of it is wholly transparent.
    pub(super) clear: bool,
    /// How its EXIF data say that it is to be held, 1 to 8; it is held so already.
    pub(super) orientation: u16,
}

#[cfg(feature = "record")]
/// Reads a PNG. Grey values are taken as they are stored, colours by their luma (Rec. 709);
/// transparency thins the ink.
pub(super) fn decode(bytes: &[u8], ink: Ink) -> Result<Picture, String> {
    check_palette(bytes)?;
    let too_large = || {
        format!(
            "it has more than {MOST_PIXELS} pixels; scale it down, a few hundred across are plenty"
        )
    };
    let no_png = |error| match error {
        DecodingError::LimitsExceeded => too_large(),
        error => format!("it cannot be read as a PNG picture ({error}); export it as PNG"),
    };
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: 1 << 28 });
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(no_png)?;
    let (width, height) = reader.info().size();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(too_large());
    }
    let mut buffer = vec![0; reader.output_buffer_size().ok_or_else(too_large)?];
    let frame = reader.next_frame(&mut buffer).map_err(no_png)?;
    let depth = if frame.bit_depth == BitDepth::Sixteen {
        2
    } else {
        1
    };
    let full: u64 = if depth == 2 { 0xffff } else { 0xff };
    let channels = frame.color_type.samples();
    let mut clear = true;
    let pixels: Vec<f64> = buffer[..frame.buffer_size()]
        .chunks_exact(channels * depth)
        .map(|pixel| {
            let sample = |channel: usize| {
                let bytes = &pixel[channel * depth..][..depth];
                bytes
                    .iter()
                    .fold(0, |value, &byte| value << 8 | u64::from(byte))
            };
            let luma = match channels {
                1 | 2 => 10_000 * sample(0),
                _ => 2126 * sample(0) + 7152 * sample(1) + 722 * sample(2),
            };
            let alpha = match channels {
                2 | 4 => sample(channels - 1),
                _ => full,
            };
            let amount = match ink {
                Ink::Dark => 10_000 * full - luma,
                Ink::Light => luma,
            };
            clear &= alpha == 0;
            (amount * alpha) as f64
        })
        .collect();
    drop(buffer);
    // They may stand behind the pixels; what is wrong there does not matter any more.
    let _ = reader.finish();
    let exif = reader.info().exif_metadata.as_deref();
    let orientation = exif.and_then(orientation).unwrap_or(1);
    let (columns, rows) = (frame.width as usize, frame.height as usize);
    let (columns, rows, ink) = turned(columns, rows, pixels, orientation);
    Ok(Picture {
        columns,
        rows,
        ink,
        clear,
        orientation,
    })
}

#[cfg(feature = "record")]
/// Refuses a palette of broken colours, on which the decoder panics.
fn check_palette(bytes: &[u8]) -> Result<(), String> {
    /// Length and name before the content of a chunk, and the checksum behind it.
    const AROUND: usize = 12;
    let mut rest = bytes.get(8..).unwrap_or_default();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        if after.starts_with(b"PLTE") && !length.is_multiple_of(3) {
            return Err(format!(
                "its palette has {length} bytes, which is no whole number of colours: the file is damaged; export it again as PNG"
            ));
        }
        let next = length.checked_add(AROUND);
        rest = next.and_then(|next| rest.get(next..)).unwrap_or_default();
    }
    Ok(())
}

#[cfg(feature = "record")]
/// The orientation that EXIF data name, 1 to 8.
///
/// Source: CIPA DC-008, Exif 2.3, 4.6.2 (the structure) and 4.6.4 (the tag)
fn orientation(exif: &[u8]) -> Option<u16> {
    const TAG: u16 = 0x0112;
    let little = match exif.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes = *exif.get(at..)?.first_chunk()?;
        Some(if little {
            u16::from_le_bytes(bytes)
        } else {
            u16::from_be_bytes(bytes)
        })
    };
    let long = *exif.get(4..)?.first_chunk()?;
    let table = if little {
        u32::from_le_bytes(long)
    } else {
        u32::from_be_bytes(long)
    } as usize;
    let entries = usize::from(short(table)?);
    let mut places = (0..entries).map_while(|k| table.checked_add(2 + 12 * k));
    let entry = places.find(|&at| short(at) == Some(TAG))?;
    short(entry + 8).filter(|orientation| (1..=8).contains(orientation))
}

#[cfg(feature = "record")]
/// The pixels of a picture held as `orientation` says, with the columns and rows that there are then.
fn turned(
    columns: usize,
    rows: usize,
    pixels: Vec<f64>,
    orientation: u16,
) -> (usize, usize, Vec<f64>) {
    if orientation == 1 {
        return (columns, rows, pixels);
    }
    // From 5 on what is a row in the file is a column to the eye.
    let across = orientation >= 5;
    let (wide, high) = if across {
        (rows, columns)
    } else {
        (columns, rows)
    };
    let mut seen = Vec::with_capacity(pixels.len());
    for y in 0..high {
        for x in 0..wide {
            let (from_right, from_below) = (wide - 1 - x, high - 1 - y);
            let (column, row) = match orientation {
                2 => (from_right, y),
                3 => (from_right, from_below),
                4 => (x, from_below),
                5 => (y, x),
                6 => (y, from_right),
                7 => (from_below, from_right),
                8 => (from_below, x),
                _ => (x, y),
            };
            seen.push(pixels[row * columns + column]);
        }
    }
    (wide, high, seen)
}

/// Refuses every picture: what reads them is not built in.
#[cfg(not(feature = "record"))]
pub(super) fn decode(_bytes: &[u8], _ink: Ink) -> Result<Picture, String> {
    Err("this build, without the feature `record`, reads no pictures".to_owned())
}

//! `NumPy`'s `.npy` format, versions 1 to 3, as far as it holds real numbers.
//!
//! Source: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>

use std::io::Read;

use super::counted;
use crate::cloud::Cloud;

/// Longest header that is read, in bytes; `NumPy` writes 118 for an array of points.
const LONGEST_HEADER: usize = 1 << 16;

/// Reads an array from `source`, which holds `size` bytes. Memory is asked for only when `size` is what the
/// header promises, and then only as fast as the bytes arrive, since `size` may be a claim itself.
pub(super) fn read(mut source: impl Read, size: u64) -> Result<Cloud, String> {
    let short = |error: std::io::Error| format!("it breaks off in its header ({error})");
    let mut start = [0; 8];
    source.read_exact(&mut start).map_err(short)?;
    let [magic @ .., version, _] = start;
    if &magic != b"\x93NUMPY" {
        return Err("it is no NumPy array: write it with np.save".to_owned());
    }
    let (width, header_length) = if version == 1 {
        let mut length = [0; 2];
        source.read_exact(&mut length).map_err(short)?;
        (2, usize::from(u16::from_le_bytes(length)))
    } else {
        let mut length = [0; 4];
        source.read_exact(&mut length).map_err(short)?;
        (4, u32::from_le_bytes(length) as usize)
    };
    if header_length > LONGEST_HEADER {
        return Err(format!(
            "its header claims {header_length} bytes, more than {LONGEST_HEADER}: it is damaged"
        ));
    }
    let mut text = vec![0; header_length];
    source.read_exact(&mut text).map_err(short)?;
    let header = Header::parse(&String::from_utf8_lossy(&text))?;

    let promised = header.bytes();
    let present = size.saturating_sub((start.len() + width + header_length) as u64);
    if promised != u128::from(present) {
        return Err(format!(
            "its header promises {} × 2 numbers of {} bytes, {promised} bytes in all, but {present} follow: it is damaged; save it again",
            header.rows, header.width
        ));
    }
    counted(header.rows)?;
    let mut data = Vec::new();
    source
        .take(present + 1)
        .read_to_end(&mut data)
        .map_err(|error| format!("its data cannot be read ({error})"))?;
    if data.len() as u64 != present {
        return Err(format!(
            "its data should be {present} bytes but are {}: it is damaged; save it again",
            data.len()
        ));
    }
    header.points(&data)
}

/// Reads the number in eight bytes, the least significant first.
type Number = fn([u8; 8]) -> f64;

/// What the header says about the array.
struct Header {
    rows: usize,
    fortran_order: bool,
    big_endian: bool,
    /// Bytes of one number.
    width: usize,
    number: Number,
}

impl Header {
    /// Parses `{'descr': '<f8', 'fortran_order': False, 'shape': (100, 2), }`.
    fn parse(text: &str) -> Result<Self, String> {
        let entry = |key| entry(text, key).ok_or(format!("its header has no {key}: it is damaged"));
        let dtype = entry("descr")?;
        let shape = entry("shape")?;
        let dtype = quoted(dtype).ok_or(
            "it is a structured array: save plain columns, np.save(file, np.column_stack([x, y]))",
        )?;
        let (order, kind) = dtype.split_at_checked(1).unwrap_or_default();
        let (width, number) = match kind.split_at_checked(1) {
            Some(("O", _)) => {
                return Err(
                    "it holds pickled Python objects, which are never loaded: save numbers, np.save(file, points.astype(float))"
                        .to_owned(),
                );
            }
            _ => number(kind).ok_or_else(|| {
                format!(
                    "its dtype {dtype:?} is no real number that is read: save points.astype(float)"
                )
            })?,
        };
        Ok(Self {
            rows: rows(shape)?,
            fortran_order: entry("fortran_order")?.starts_with("True"),
            big_endian: order == ">",
            width,
            number,
        })
    }

    /// Bytes that the data must have; cannot overflow.
    fn bytes(&self) -> u128 {
        2 * self.rows as u128 * self.width as u128
    }

    /// The points in `data`, whose length has been checked.
    fn points(&self, data: &[u8]) -> Result<Cloud, String> {
        let mut points = Cloud::zeros((self.rows, 2));
        for ((row, column), value) in points.indexed_iter_mut() {
            let place = if self.fortran_order {
                column * self.rows + row
            } else {
                2 * row + column
            };
            let mut word = [0; 8];
            let bytes = &mut word[..self.width];
            bytes.copy_from_slice(&data[place * self.width..][..self.width]);
            if self.big_endian {
                bytes.reverse();
            }
            *value = (self.number)(word);
            if !value.is_finite() {
                return Err(format!(
                    "element [{row}, {column}] is {value}: leave such points out, points[np.isfinite(points).all(axis=1)]"
                ));
            }
        }
        Ok(points)
    }
}

/// What follows `'key':` in the text of a dictionary.
fn entry<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    ['\'', '"'].into_iter().find_map(|quote| {
        let (_, rest) = text.split_once(&format!("{quote}{key}{quote}"))?;
        Some(rest.trim_start().strip_prefix(':')?.trim_start())
    })
}

/// The text between the quotes that `text` begins with.
fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| "'\"".contains(*c))?;
    text[1..].split_once(quote).map(|(inside, _)| inside)
}

/// The rows of a shape `(rows, 2)`.
fn rows(text: &str) -> Result<usize, String> {
    let inside = text
        .strip_prefix('(')
        .and_then(|text| text.split_once(')'))
        .map(|(inside, _)| inside.trim())
        .ok_or("its header's shape is no tuple: it is damaged")?;
    let sides: Vec<&str> = inside
        .split(',')
        .map(str::trim)
        .filter(|side| !side.is_empty())
        .collect();
    let remedy = match sides[..] {
        [rows, "2"] => {
            return rows
                .parse()
                .map_err(|_| format!("its header's shape ({inside}) is no count of points"));
        }
        ["2", _] => "transpose it, points.T",
        [_] => "it must have two columns, np.column_stack([x, y])",
        [_, _] => "choose two columns, points[:, :2]",
        [_, _, "2"] => "choose one cloud of the series, points[-1]",
        _ => "it must have one row for each point and two columns",
    };
    Err(format!("its shape is ({inside}): {remedy}"))
}

/// Width in bytes and meaning of a dtype without its byte order.
fn number(kind: &str) -> Option<(usize, Number)> {
    Some(match kind {
        "f4" => (4, |w| {
            f64::from(f32::from_le_bytes([w[0], w[1], w[2], w[3]]))
        }),
        "f8" => (8, f64::from_le_bytes),
        "i1" => (1, |w| f64::from(i8::from_le_bytes([w[0]]))),
        "i2" => (2, |w| f64::from(i16::from_le_bytes([w[0], w[1]]))),
        "i4" => (4, |w| {
            f64::from(i32::from_le_bytes([w[0], w[1], w[2], w[3]]))
        }),
        "i8" => (8, |w| i64::from_le_bytes(w) as f64),
        "u1" | "u2" | "u4" | "u8" => (usize::from(kind.as_bytes()[1] - b'0'), |w| {
            u64::from_le_bytes(w) as f64
        }),
        _ => return None,
    })
}

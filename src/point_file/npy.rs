//! Points in `NumPy`'s `.npy` format, as far as it holds real numbers.

use std::io::Read;

use ndarray::ShapeBuilder as _;

use super::{Table, counted, unusable};
use crate::npy::{Header, Preamble};

/// Reads an array from `source`, which holds `size` bytes. Memory is asked for only when `size` is what the
/// header promises, and then only as fast as the bytes arrive, since `size` may be a claim itself.
pub(super) fn read(mut source: impl Read, size: u64) -> Result<Table, String> {
    let Preamble { header, length } = Header::read(&mut source)?;
    let [rows, columns] = rows(&header)?;
    let (width, number) = number(&header)?;
    // Cannot overflow.
    let promised = columns as u128 * rows as u128 * width as u128;
    let present = size.saturating_sub(length);
    if promised != u128::from(present) {
        if promised < u128::from(present) && another_follows(source, promised as u64) {
            return Err(format!(
                "a second array follows the first, of {rows} × {columns} numbers: two np.save have written into one file; save each into a file of its own, or both with np.savez"
            ));
        }
        return Err(format!(
            "its header promises {rows} × {columns} numbers of {width} bytes, {promised} bytes in all, but {present} follow: it is damaged; save it again"
        ));
    }
    counted(rows)?;
    let mut values = Vec::new();
    for place in 0..columns * rows {
        let mut word = [0; 8];
        let bytes = &mut word[..width];
        source.read_exact(bytes).map_err(|error| {
            format!(
                "its data should be {present} bytes but end after {} ({error}): it is damaged; save it again",
                place * width
            )
        })?;
        if header.big_endian {
            bytes.reverse();
        }
        let value = number(word);
        if let Some(fault) = unusable(value, ", points[np.isfinite(points).all(axis=1)]") {
            let [row, column] = if header.fortran_order {
                [place % rows, place / rows]
            } else {
                [place / columns, place % columns]
            };
            return Err(format!("element [{row}, {column}] {fault}"));
        }
        values.push(value);
    }
    if !matches!(source.read(&mut [0]), Ok(0)) {
        return Err(format!(
            "its data should be {present} bytes but are more: it is damaged; save it again"
        ));
    }
    let points = Table::from_shape_vec((rows, columns).set_f(header.fortran_order), values);
    let points = points.map_err(|error| error.to_string())?;
    Ok(if header.fortran_order {
        points.as_standard_layout().into_owned()
    } else {
        points
    })
}

/// Whether another file begins after `length` bytes.
fn another_follows(source: impl Read, length: u64) -> bool {
    let mut source = source.take(length + Header::MAGIC.len() as u64);
    let skipped = std::io::copy(&mut source.by_ref().take(length), &mut std::io::sink());
    let mut start = Vec::new();
    skipped.is_ok() && source.read_to_end(&mut start).is_ok() && start == Header::MAGIC
}

/// Reads the number in eight bytes, the least significant first.
type Number = fn([u8; 8]) -> f64;

/// Rows and columns of a shape `(rows, 2)`, or `(rows, 1)` or `(rows,)` for points of the line.
fn rows(header: &Header) -> Result<[usize; 2], String> {
    let complex = header.kind.starts_with('c');
    let remedy = match header.shape[..] {
        [rows, columns @ (1 | 2)] if !complex => return Ok([rows, columns]),
        // One number each; records of several have names for their columns.
        [rows] if !complex && number(header).is_ok() => return Ok([rows, 1]),
        [_, 2] => {
            return Err(
                "it holds complex numbers in two columns, where points have real ones: save points.real".to_owned(),
            );
        }
        [_] | [_, 1] if complex => {
            "a complex number is one point: save two columns, np.column_stack([z.real.ravel(), z.imag.ravel()])"
        }
        [_] => "it must have two columns, np.column_stack([x, y])",
        [2, _] => "transpose it, points.T",
        [1, _] => {
            "there is one row; if it holds the points one after the other, points.reshape(-1, 2)"
        }
        [_, _] => "choose two columns, points[:, :2]",
        [_, _, 2] => "choose one cloud of the series, points[-1]",
        _ => "it must have one row for each point and two columns",
    };
    Err(format!("its shape is ({}): {remedy}", header.shown))
}

/// Width in bytes and meaning of the numbers.
fn number(header: &Header) -> Result<(usize, Number), String> {
    Ok(match header.kind.as_str() {
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
        "u1" | "u2" | "u4" | "u8" => (usize::from(header.kind.as_bytes()[1] - b'0'), |w| {
            u64::from_le_bytes(w) as f64
        }),
        other => {
            return Err(format!(
                "its dtype {other:?} is no real number that is read: save points.astype(float)"
            ));
        }
    })
}

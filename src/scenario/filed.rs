//! What the files of a scenario become in memory, told from their beginnings and lengths.

use std::io::{Read as _, SeekFrom};

use super::spec::Scenario;
use crate::npy::Header;
use crate::point_file::{MOST_POINTS, ending, path_and_array};
use crate::target::{Files, MOST_PIXELS, TargetSpec};

/// Bytes, and the key that they grow with.
pub(super) type Part = (String, f64);

/// Bytes of a file that are looked at.
const HEAD: u64 = 1 << 16;
/// Bytes a point of a file at the peak: as read, in parts, and either part in order. Measured at nineteen million.
const POINT: f64 = 56.0;
/// Bytes of a pixel at the peak: its ink, twice. Measured at 4096 × 4096.
const PIXEL: f64 = 16.0;

/// What is held of the files of `scenario`. One that cannot be looked at needs nothing: it will be refused when it is read.
pub(super) fn held(scenario: &Scenario, files: &dyn Files) -> Vec<Part> {
    let specs = [("target", &scenario.target), ("source", &scenario.source)];
    let each = specs.into_iter().flat_map(|(key, spec)| {
        let names = spec.files().into_iter();
        names.map(move |name| {
            let bytes = match spec {
                TargetSpec::Image(_) => picture(name, files),
                _ => points(name, files),
            };
            let key = format!("{key}.{}.file (a smaller one)", spec.name());
            (key, bytes.unwrap_or(0.0))
        })
    });
    each.collect()
}

/// Bytes that the points of a file take at the peak; `None` if it cannot be looked at.
pub(super) fn points(name: &str, files: &dyn Files) -> Option<f64> {
    let (path, _) = path_and_array(name);
    let (head, length) = look(path, files)?;
    let rows = match ending(path).as_str() {
        "csv" => {
            let lines = head.split(|&byte| byte == b'\n').count() - 1;
            length * lines.max(1) as f64 / head.len().max(1) as f64
        }
        "npy" => *Header::read(&mut &head[..]).ok()?.header.shape.first()? as f64,
        // Two numbers of eight bytes.
        _ => length / 16.0,
    };
    Some(POINT * rows.min(MOST_POINTS as f64))
}

/// Bytes that a picture takes at the peak: its width and height stand at the beginning of a PNG.
fn picture(name: &str, files: &dyn Files) -> Option<f64> {
    let (head, length) = look(name, files)?;
    let side = |at: usize| {
        let bytes = head.get(at..)?.first_chunk::<4>()?;
        Some(f64::from(u32::from_be_bytes(*bytes)))
    };
    Some(length + PIXEL * (side(16)? * side(20)?).min(MOST_PIXELS as f64))
}

/// The beginning of a file, and its length in bytes.
fn look(name: &str, files: &dyn Files) -> Option<(Vec<u8>, f64)> {
    let mut source = files.open(name).ok()?;
    let length = source.seek(SeekFrom::End(0)).ok()?;
    source.seek(SeekFrom::Start(0)).ok()?;
    let mut head = Vec::new();
    source.take(HEAD).read_to_end(&mut head).ok()?;
    Some((head, length as f64))
}

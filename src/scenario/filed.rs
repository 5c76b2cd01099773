//! What the files of a scenario become in memory, told from their beginnings and lengths.

use std::io::{Read as _, SeekFrom};

use super::need::Part;
use super::spec::Scenario;
use crate::point_file::{MOST_POINTS, path_and_array};
use crate::target::{Files, TargetSpec};

/// Bytes of a file that are looked at.
const HEAD: u64 = 1 << 16;
/// Bytes a point of a file at the peak: as read, in order, and in parts. Measured at five million.
const POINT: f64 = 72.0;
/// Bytes of a pixel at the peak: its ink, twice. Measured at 4096 × 4096.
const PIXEL: f64 = 16.0;
/// Most pixels that a picture may have.
const MOST_PIXELS: f64 = 16_777_216.0;

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
    let ending = path.rsplit('.').next().unwrap_or_default();
    let row = match ending.to_ascii_lowercase().as_str() {
        "csv" => {
            let lines = head.split(|&byte| byte == b'\n').count().saturating_sub(1);
            head.len() as f64 / lines.max(1) as f64
        }
        // Two numbers of so many bytes: the last digits of `'descr': '<f8'`.
        "npy" => {
            let text = String::from_utf8_lossy(&head[..head.len().min(256)]);
            let kind = text
                .split("'descr':")
                .nth(1)
                .and_then(|rest| rest.split('\'').nth(1));
            let digits = kind.map(|kind| kind.trim_start_matches(|c: char| !c.is_ascii_digit()));
            2.0 * digits.and_then(|digits| digits.parse().ok()).unwrap_or(8.0)
        }
        _ => 16.0,
    };
    Some(POINT * (length / row.max(1.0)).min(MOST_POINTS as f64))
}

/// Bytes that a picture takes at the peak: its width and height stand at the beginning of a PNG.
fn picture(name: &str, files: &dyn Files) -> Option<f64> {
    let (head, length) = look(name, files)?;
    let side = |at: usize| {
        let bytes = head.get(at..)?.first_chunk::<4>()?;
        Some(f64::from(u32::from_be_bytes(*bytes)))
    };
    Some(length + PIXEL * (side(16)? * side(20)?).min(MOST_PIXELS))
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

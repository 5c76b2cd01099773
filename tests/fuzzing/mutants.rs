//! Changes to files, of which those that know the format mend its lengths and checksums, so that they reach what lies behind.

use std::io::{Cursor, Read as _, Write as _};

use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::{Format, Seed};
use crate::shared::draw;

/// Numbers that follow from one.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn any(&mut self) -> u64 {
        draw(&mut self.0)
    }

    /// A number below `n`, or 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.any() % n.max(1) as u64) as usize
    }

    /// Whether a die of so many faces shows its first.
    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// Texts that have fooled parsers before: ends of numbers, of texts and of brackets.
const SPICE: [&str; 27] = [
    "9223372036854775808",
    "-1",
    "1e999",
    "nan",
    "inf",
    "0x",
    "\"\"\"",
    "'''",
    "[[",
    "]]",
    "{",
    "}",
    "=",
    ".",
    ",",
    "\n",
    "\r\n",
    "\u{0}",
    "\u{feff}",
    "ß\u{202e}",
    "1_",
    "__",
    "true",
    "99999999999999999999999999999",
    "#",
    "\\u0000",
    "[a.b.c.d.e.f.g.h]\n",
];

/// Numbers at which something changes.
const AWKWARD: [&str; 26] = [
    "0",
    "1",
    "2",
    "3",
    "-1",
    "-0.0",
    "1e-320",
    "1e-160",
    "1e-30",
    "1e-9",
    "0.5",
    "1.0",
    "1e9",
    "1e30",
    "1e150",
    "1e308",
    "-1e308",
    "255",
    "65536",
    "1000000",
    "4294967295",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "18446744073709551615",
    "nan",
];

const WORDS: [u64; 7] = [
    0,
    u64::MAX,
    1 << 63,
    u32::MAX as u64,
    0x7fff_ffff,
    0x7ff8_0000_0000_0000,
    0x7ff0_0000_0000_0000,
];

/// A file of the format, changed in a few places; unchanged now and then.
pub(crate) fn mutated(format: Format, seeds: &[Seed], dice: &mut Dice) -> Seed {
    let (name, mut bytes) = dice.pick(seeds).clone();
    if dice.one_in(16) {
        let (_, other) = dice.pick(seeds);
        let (at, from) = (dice.below(bytes.len()), dice.below(other.len()));
        bytes.splice(at.., other[from..].iter().copied());
    }
    for _ in 0..dice.below(6) {
        mutate(format, &mut bytes, dice);
    }
    (name, bytes)
}

/// One change, deep in the format more often than not.
pub(crate) fn mutate(format: Format, bytes: &mut Vec<u8>, dice: &mut Dice) {
    if dice.one_in(3) {
        return scratch(bytes, dice);
    }
    match format {
        Format::Csv | Format::Scenario => text(bytes, dice),
        Format::Npy => npy(bytes, dice),
        Format::Npz => npz(bytes, dice),
        Format::Png => png(bytes, dice),
        Format::Checkpoint => {
            scratch(bytes, dice);
            seal(bytes);
        }
        Format::Run => unreachable!("a run is a folder"),
    }
}

/// Changes bytes wherever they are.
pub(crate) fn scratch(bytes: &mut Vec<u8>, dice: &mut Dice) {
    if bytes.is_empty() {
        return;
    }
    let length = bytes.len();
    let at = dice.below(length);
    match dice.below(8) {
        0 => bytes[at] ^= 1 << dice.below(8),
        1 => bytes[at] = dice.any() as u8,
        2 => bytes.truncate(at),
        3 => {
            let end = length.min(at + 1 + dice.below(32));
            bytes.drain(at..end);
        }
        4 => {
            let spice = dice.pick(&SPICE).bytes();
            bytes.splice(at..at, spice);
        }
        5 => {
            let word = dice.pick(&WORDS).to_le_bytes();
            for (byte, new) in bytes[at..].iter_mut().zip(word) {
                *byte = new;
            }
        }
        6 => {
            let some: Vec<u8> = (0..=dice.below(8)).map(|_| dice.any() as u8).collect();
            bytes.splice(at..at, some);
        }
        _ => {
            let end = length.min(at + 1 + dice.below(64));
            let part = bytes[at..end].to_vec();
            bytes.splice(at..at, part);
        }
    }
}

/// Changes a text of lines: numbers, whole lines, values behind `=` or `:`.
pub(crate) fn text(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let Ok(old) = String::from_utf8(bytes.clone()) else {
        return scratch(bytes, dice);
    };
    let mut lines: Vec<String> = old.split_inclusive('\n').map(str::to_owned).collect();
    if lines.is_empty() {
        return;
    }
    let (at, other) = (dice.below(lines.len()), dice.below(lines.len()));
    match dice.below(8) {
        0..=3 => lines[at] = with_number(&lines[at], dice),
        4 => lines.swap(at, other),
        5 => {
            let again = lines[other].clone();
            lines.insert(at, again);
        }
        6 => {
            lines.remove(at);
        }
        _ => {
            let sign = if lines[at].contains('=') { '=' } else { ':' };
            let value = lines[other].split_once(sign).map(|(_, value)| value);
            let value = value.unwrap_or("[[0.0, 1.0], [1.0, 0.0]]\n").to_owned();
            if let Some((key, _)) = lines[at].split_once(sign) {
                lines[at] = format!("{key}{sign}{value}");
            }
        }
    }
    *bytes = lines.concat().into_bytes();
}

/// The line with one of its numbers replaced.
fn with_number(line: &str, dice: &mut Dice) -> String {
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e');
    let mut spans = Vec::new();
    let mut start = None;
    for (at, c) in line.char_indices().chain([(line.len(), ' ')]) {
        match (start, is_part(c)) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                if line[from..at].contains(|c: char| c.is_ascii_digit()) {
                    spans.push(from..at);
                }
                start = None;
            }
            _ => {}
        }
    }
    if spans.is_empty() {
        return line.to_owned();
    }
    let mut line = line.to_owned();
    let (span, number) = (dice.pick(&spans).clone(), *dice.pick(&AWKWARD));
    line.replace_range(span, number);
    line
}

/// Changes header or numbers of a `NumPy` array, and says its header's length anew.
fn npy(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let [Some(&low), Some(&high)] = [8, 9].map(|at| bytes.get(at)) else {
        return;
    };
    let end = (10 + usize::from(u16::from_le_bytes([low, high]))).min(bytes.len());
    let mut header = bytes[10..end].to_vec();
    let mut data = bytes[end..].to_vec();
    match dice.below(4) {
        0 => scratch(&mut data, dice),
        1 => scratch(&mut header, dice),
        _ => {
            let changed = with_number(&String::from_utf8_lossy(&header), dice);
            header = changed.into_bytes();
        }
    }
    header.truncate(60_000);
    let length = (header.len() as u16).to_le_bytes();
    *bytes = [&bytes[..8], &length, &header, &data].concat();
}

/// Changes the arrays of an archive, and packs them anew.
fn npz(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let Some(mut entries) = unpack(bytes) else {
        return;
    };
    if entries.is_empty() {
        return;
    }
    let at = dice.below(entries.len());
    match dice.below(8) {
        0 => entries.push(("__MACOSX/._a.npy".to_owned(), vec![1])),
        1 => {
            entries.remove(at);
        }
        2 => entries.swap(0, at),
        _ => npy(&mut entries[at].1, dice),
    }
    *bytes = pack(&entries);
}

/// The entries of a zip archive; `None` if it cannot be read.
pub(crate) fn unpack(bytes: &[u8]) -> Option<Vec<Seed>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
    (0..archive.len().min(40))
        .map(|k| {
            let mut entry = archive.by_index(k).ok()?;
            let name = entry.name().to_owned();
            let mut all = Vec::new();
            entry.by_ref().take(1 << 20).read_to_end(&mut all).ok()?;
            Some((name, all))
        })
        .collect()
}

/// A zip archive with these entries.
pub(crate) fn pack(entries: &[Seed]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, bytes) in entries {
        if archive.start_file(name.as_str(), options).is_ok() {
            archive.write_all(bytes).unwrap();
        }
    }
    archive.finish().unwrap().into_inner()
}

/// Changes the chunks of a picture: what they hold, their order, their number. Pixels are changed before they are packed.
fn png(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let mut rest = bytes.get(8..).unwrap_or_default();
    let mut chunks: Vec<([u8; 4], Vec<u8>)> = Vec::new();
    while let Some((head, more)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, kind @ ..] = *head;
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let Some((data, after)) = more.split_at_checked(length.min(more.len())) else {
            break;
        };
        chunks.push((kind, data.to_vec()));
        rest = after.get(4..).unwrap_or_default();
    }
    if chunks.is_empty() {
        return;
    }
    let (at, other) = (dice.below(chunks.len()), dice.below(chunks.len()));
    match dice.below(8) {
        0 => chunks.swap(at, other),
        1 => {
            chunks.remove(at);
        }
        2 => {
            let again = chunks[other].clone();
            chunks.insert(at, again);
        }
        3 => {
            let kind = *dice.pick(&[
                b"tRNS", b"PLTE", b"gAMA", b"eXIf", b"acTL", b"fcTL", b"iCCP",
            ]);
            let data = (0..dice.below(40)).map(|_| dice.any() as u8).collect();
            chunks.insert(1.min(chunks.len()), (*kind, data));
        }
        _ => {
            let (kind, data) = &mut chunks[at];
            if kind == b"IDAT" {
                let mut pixels = Vec::new();
                let _ = ZlibDecoder::new(&data[..])
                    .take(1 << 20)
                    .read_to_end(&mut pixels);
                scratch(&mut pixels, dice);
                let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
                packed.write_all(&pixels).unwrap();
                *data = packed.finish().unwrap();
            } else if kind == b"IHDR" && data.len() == 13 {
                // Kinds of pixels and small sides more often than bytes of sides that no picture has.
                let place = *dice.pick(&[3, 7, 8, 9, 12, 2, 6]);
                data[place] = *dice.pick(&[0, 1, 2, 3, 4, 6, 8, 16]);
            } else {
                scratch(data, dice);
            }
        }
    }
    bytes.truncate(8);
    for (kind, data) in chunks {
        bytes.extend((data.len() as u32).to_be_bytes());
        bytes.extend(kind);
        bytes.extend(&data);
        let mut crc = Crc::new();
        crc.update(&kind);
        crc.update(&data);
        bytes.extend(crc.sum().to_be_bytes());
    }
}

/// Bytes of a checkpoint before its fingerprint, and of a checksum.
const BEFORE: usize = 20;
const SUM: usize = 32;

/// Sets the checksum of a checkpoint right.
pub(crate) fn seal(bytes: &mut [u8]) {
    if let Some(body) = bytes.len().checked_sub(SUM) {
        let sum = Sha256::digest(&bytes[..body]);
        bytes[body..].copy_from_slice(&sum);
    }
}

/// Makes a checkpoint one of the scenario with this fingerprint.
pub(crate) fn adopt(bytes: &mut [u8], fingerprint: &[u8]) {
    if bytes.len() >= BEFORE + 2 * SUM {
        bytes[BEFORE..BEFORE + SUM].copy_from_slice(fingerprint);
        seal(bytes);
    }
}

//! The header of `NumPy`'s `.npy` files, versions 1 to 3: read and written.
//!
//! Source: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>

use std::io::Read;

use crate::cloud::CloudView;

/// A number that arrays of ours hold.
#[cfg_attr(
    not(feature = "record"),
    allow(
        dead_code,
        unreachable_pub,
        reason = "only `record` writes arrays of all kinds and reads them back"
    )
)]
pub trait Element: Copy {
    /// Its dtype: `<f8`.
    const DTYPE: &str;
    /// Bytes of one.
    const WIDTH: usize;

    /// Adds its bytes, the least significant first.
    fn put(self, to: &mut Vec<u8>);

    /// Reads its bytes; `None` if they are not [`WIDTH`](Self::WIDTH).
    fn get(bytes: &[u8]) -> Option<Self>;
}

macro_rules! element {
    ($($number:ty: $dtype:literal),*) => {$(
        impl Element for $number {
            const DTYPE: &str = $dtype;
            const WIDTH: usize = size_of::<$number>();

            fn put(self, to: &mut Vec<u8>) {
                to.extend(self.to_le_bytes());
            }

            fn get(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self::from_le_bytes)
            }
        }
    )*};
}

element!(f64: "<f8", f32: "<f4", i64: "<i8", u32: "<u4");

/// Longest header that is read, in bytes; `NumPy` writes 118 for an array of points.
const LONGEST: usize = 1 << 16;

/// Most sides of an array.
const SIDES: usize = 32;

/// What a header says about the array behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The dtype without its byte order: `f8`.
    pub(crate) kind: String,
    pub(crate) big_endian: bool,
    pub(crate) fortran_order: bool,
    pub(crate) shape: Vec<usize>,
    /// The shape as it is written, without its brackets.
    pub(crate) shown: String,
}

/// A header and its length in bytes, all that comes before the numbers.
pub(crate) struct Preamble {
    pub(crate) header: Header,
    pub(crate) length: u64,
}

impl Header {
    /// What a file begins with.
    pub(crate) const MAGIC: &[u8; 6] = b"\x93NUMPY";

    /// Reads what comes before the numbers.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(crate) fn read(source: &mut impl Read) -> Result<Preamble, String> {
        let short = |error: std::io::Error| format!("it breaks off in its header ({error})");
        let mut start = [0; 8];
        source.read_exact(&mut start).map_err(short)?;
        let [magic @ .., version, _] = start;
        if magic != *Self::MAGIC {
            return Err("it is no NumPy array: write it with np.save".to_owned());
        }
        let mut word = [0; 4];
        let width = if version == 1 { 2 } else { 4 };
        source.read_exact(&mut word[..width]).map_err(short)?;
        let length = u32::from_le_bytes(word) as usize;
        if length > LONGEST {
            return Err(format!(
                "its header claims {length} bytes, more than {LONGEST}: it is damaged"
            ));
        }
        let mut text = vec![0; length];
        source.read_exact(&mut text).map_err(short)?;
        Ok(Preamble {
            header: Self::parse(&String::from_utf8_lossy(&text))?,
            length: (start.len() + width + length) as u64,
        })
    }

    /// Parses `{'descr': '<f8', 'fortran_order': False, 'shape': (100, 2), }`.
    fn parse(text: &str) -> Result<Self, String> {
        let entry = |key| entry(text, key).ok_or(format!("its header has no {key}: it is damaged"));
        let dtype = entry("descr")?;
        let shape = entry("shape")?;
        let dtype = quoted(dtype).ok_or(
            "it is a structured array: save plain columns, np.save(file, np.column_stack([x, y]))",
        )?;
        let mut letters = dtype.chars();
        let order = letters.next();
        let kind = letters.as_str().to_owned();
        if kind.starts_with('O') {
            return Err(
                "it holds pickled Python objects, which are never loaded: save numbers, np.save(file, points.astype(float))"
                    .to_owned(),
            );
        }
        let shown = shape
            .strip_prefix('(')
            .and_then(|text| text.split_once(')'))
            .map(|(inside, _)| inside.trim().to_owned())
            .ok_or("its header's shape is no tuple: it is damaged")?;
        let sides = shown
            .split(',')
            .map(str::trim)
            .filter(|side| !side.is_empty());
        // Python 2 wrote whole numbers as `12L`.
        let sides = sides.map(|side| side.strip_suffix('L').unwrap_or(side).parse());
        let shape: Result<Vec<usize>, _> = sides.take(SIDES + 1).collect();
        let shape = shape
            .ok()
            .filter(|shape| shape.len() <= SIDES)
            .ok_or_else(|| format!("its header's shape ({shown}) is no count of points"))?;
        Ok(Self {
            kind,
            big_endian: order == Some('>'),
            fortran_order: entry("fortran_order")?.starts_with("True"),
            shape,
            shown,
        })
    }

    /// What comes before the numbers of an array of `kind`, such as `<f8`, in C order.
    pub(crate) fn write(kind: &str, shape: &[usize]) -> Vec<u8> {
        /// What the numbers begin at a multiple of.
        const ALIGNED: usize = 64;
        let sides: Vec<String> = shape.iter().map(usize::to_string).collect();
        let comma = if shape.len() == 1 { "," } else { "" };
        let shape = format!("({}{comma})", sides.join(", "));
        let mut text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}}}");
        let before = Self::MAGIC.len() + 4;
        let length = (before + text.len() + 1).next_multiple_of(ALIGNED) - before;
        text.extend(std::iter::repeat_n(' ', length - 1 - text.len()));
        text.push('\n');
        // Arrays of ours have few sides, so that the text is far below 64 KiB.
        let length = (text.len() as u16).to_le_bytes();
        [Self::MAGIC, &[1, 0][..], &length, text.as_bytes()].concat()
    }
}

/// The `.npy` file of points, `n×2`.
pub(crate) fn of_points(points: CloudView<'_>) -> Vec<u8> {
    let mut bytes = Header::write(f64::DTYPE, points.shape());
    points.iter().for_each(|&x| x.put(&mut bytes));
    bytes
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

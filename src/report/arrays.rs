//! Named arrays in one `.npz` file that numpy opens without pickle; the same arrays give the same bytes.

use std::io::{self, Seek, Write};

use ndarray::{ArrayView, Dimension};
use ndarray_npy::{NpzWriter, WritableElement, WriteNpyError, WriteNpzError};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime};

/// A `.npz` file being written.
///
/// Arrays are stored, not deflated: coordinates are noise below their first digits, and shrink by 4 % at eighty
/// times the time. They carry the date 1980-01-01, so that time does not show in the bytes.
pub struct Arrays<W: Write + Seek>(NpzWriter<W>);

impl<W: Write + Seek> Arrays<W> {
    /// Begins a file in `writer`, such as a [`Draft`](super::Draft).
    pub fn new(writer: W) -> Self {
        Self(NpzWriter::new(writer))
    }

    /// Adds an array of `f64`, `f32` or integers under a `name` without `.npy`, in C order.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn add<A, D>(&mut self, name: &str, array: ArrayView<'_, A, D>) -> io::Result<()>
    where
        A: WritableElement + Clone,
        D: Dimension,
    {
        let bytes = array.len().saturating_mul(size_of::<A>());
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default())
            // Sizes from 4 GiB on need the 64-bit form; the header of an array is far below 64 KiB.
            .large_file(bytes >= (u32::MAX as usize) - (1 << 16));
        self.0
            .add_array_with_options(name, &array.as_standard_layout(), options)
            .map_err(plain)
    }

    /// Writes the directory of the file.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(self) -> io::Result<()> {
        self.0.finish().map(drop).map_err(plain)
    }
}

/// The writer's own error, if it was that.
fn plain(error: WriteNpzError) -> io::Error {
    match error {
        WriteNpzError::Zip(ZipError::Io(e)) | WriteNpzError::Npy(WriteNpyError::Io(e)) => e,
        other => io::Error::other(other),
    }
}

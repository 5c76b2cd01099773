//! Named arrays in one `.npz` file that numpy opens without pickle; the same arrays give the same bytes.

use std::io::{self, Seek, SeekFrom, Write};
use std::mem::ManuallyDrop;

use ndarray::{ArrayView, Dimension};
use ndarray_npy::{NpzWriter, WritableElement, WriteNpyError, WriteNpzError};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime};

/// A `.npz` file being written.
///
/// Arrays are stored, not deflated: coordinates are noise below their first digits, and shrink by 4 % at eighty
/// times the time. They carry the date 1980-01-01, so that time does not show in the bytes.
///
/// One that is not finished is not dropped either: the archive would then try to write on, and print to the terminal that
/// it cannot. So a writer that must be dropped is to be lent.
pub struct Arrays<W: Write + Seek>(ManuallyDrop<NpzWriter<Fragile<W>>>);

impl<W: Write + Seek> Arrays<W> {
    /// Begins a file in `writer`, such as a [`Draft`](super::Draft).
    pub fn new(writer: W) -> Self {
        Self(ManuallyDrop::new(NpzWriter::new(Fragile::new(writer))))
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
        let archive = ManuallyDrop::into_inner(self.0);
        let Fragile { broken, .. } = archive.finish().map_err(plain)?;
        if broken {
            return Err(io::Error::other("an array before could not be written"));
        }
        Ok(())
    }
}

/// A writer that fails once and from then on pretends: an archive that fails while it is finished writes on, and would
/// print to the terminal that it cannot.
struct Fragile<W> {
    writer: W,
    broken: bool,
    /// Where the writer stands, or would.
    position: u64,
    length: u64,
}

impl<W> Fragile<W> {
    fn new(writer: W) -> Self {
        Self {
            writer,
            broken: false,
            position: 0,
            length: 0,
        }
    }

    fn attempt<T>(
        &mut self,
        pretended: T,
        action: impl FnOnce(&mut W) -> io::Result<T>,
    ) -> io::Result<T> {
        if self.broken {
            return Ok(pretended);
        }
        let outcome = action(&mut self.writer);
        self.broken = matches!(&outcome, Err(e) if e.kind() != io::ErrorKind::Interrupted);
        outcome
    }
}

impl<W: Write> Write for Fragile<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.attempt(bytes.len(), |writer| writer.write(bytes))?;
        self.position += written as u64;
        self.length = self.length.max(self.position);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.attempt((), Write::flush)
    }
}

impl<W: Seek> Seek for Fragile<W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (from, by) = match to {
            SeekFrom::Start(place) => (place, 0),
            SeekFrom::Current(by) => (self.position, by),
            SeekFrom::End(by) => (self.length, by),
        };
        let place = from.saturating_add_signed(by);
        self.position = self.attempt(place, |writer| writer.seek(to))?;
        Ok(self.position)
    }
}

/// The writer's own error, if it was that.
fn plain(error: WriteNpzError) -> io::Error {
    match error {
        WriteNpzError::Zip(ZipError::Io(e)) | WriteNpzError::Npy(WriteNpyError::Io(e)) => e,
        other => io::Error::other(other),
    }
}

//! Named arrays in one `.npz` file that numpy opens without pickle; the same arrays give the same bytes.

use std::cell::RefCell;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::rc::Rc;

use ndarray::{ArrayD, ArrayView, Dimension};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use crate::npy::{Element, Header, Preamble};

/// Numbers that are handed to the archive at once.
const BLOCK: usize = 1 << 13;

/// A `.npz` file being written.
///
/// Arrays are stored, not deflated: coordinates are noise below their first digits, and shrink by 4 % at eighty
/// times the time. They carry the date 1980-01-01, so that time does not show in the bytes.
pub struct Arrays<W: Write + Seek> {
    archive: ZipWriter<Calm<W>>,
    fault: Rc<Fault>,
}

impl<W: Write + Seek> Arrays<W> {
    /// Begins a file in `writer`, such as an [`AtomicFile`](crate::store::AtomicFile).
    pub fn new(writer: W) -> Self {
        let fault = Rc::default();
        let writer = Calm {
            writer,
            fault: Rc::clone(&fault),
            position: 0,
            length: 0,
        };
        Self {
            archive: ZipWriter::new(writer),
            fault,
        }
    }

    /// Adds an array of `f64`, `f32` or integers under a `name` without `.npy`, in C order.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn add<A, D>(&mut self, name: &str, array: ArrayView<'_, A, D>) -> io::Result<()>
    where
        A: Element,
        D: Dimension,
    {
        let bytes = array.len().saturating_mul(A::WIDTH);
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default())
            // Sizes from 4 GiB on need the 64-bit form; the header of an array is far below 64 KiB.
            .large_file(bytes >= (u32::MAX as usize) - (1 << 16));
        let started = self.archive.start_file(format!("{name}.npy"), options);
        started.map_err(own)?;
        self.archive
            .write_all(&Header::write(A::DTYPE, array.shape()))?;
        let mut block = Vec::with_capacity(BLOCK * A::WIDTH);
        for &number in array {
            number.put(&mut block);
            if block.len() == block.capacity() {
                self.archive.write_all(&block)?;
                block.clear();
            }
        }
        self.archive.write_all(&block)?;
        self.fault.report()
    }

    /// Writes the directory of the file.
    ///
    /// # Errors
    /// Those of the writer, also where one was returned before.
    pub fn finish(self) -> io::Result<()> {
        self.archive.finish().map_err(own)?;
        self.fault.report()
    }
}

/// What the writer below an archive has failed with.
#[derive(Default)]
struct Fault(RefCell<Option<io::Error>>);

impl Fault {
    /// The failure, as often as it is asked for: the first time as it was, then by its kind.
    fn report(&self) -> io::Result<()> {
        let mut fault = self.0.borrow_mut();
        match fault.take() {
            None => Ok(()),
            Some(error) => {
                *fault = Some(error.kind().into());
                Err(error)
            }
        }
    }
}

/// A writer that notes its first failure and from then on pretends. An archive that hears of one writes on while it is
/// dropped, and prints to the terminal that it cannot.
struct Calm<W> {
    writer: W,
    fault: Rc<Fault>,
    /// Where the writer stands, or would.
    position: u64,
    length: u64,
}

impl<W> Calm<W> {
    fn attempt<T>(
        &mut self,
        pretended: T,
        action: impl FnOnce(&mut W) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut fault = self.fault.0.borrow_mut();
        if fault.is_some() {
            return Ok(pretended);
        }
        action(&mut self.writer).or_else(|error| {
            // To be tried again, which is no failure.
            if error.kind() == io::ErrorKind::Interrupted {
                return Err(error);
            }
            *fault = Some(error);
            Ok(pretended)
        })
    }
}

impl<W: Write> Write for Calm<W> {
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

impl<W: Seek> Seek for Calm<W> {
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
fn own(error: ZipError) -> io::Error {
    match error {
        ZipError::Io(e) => e,
        other => io::Error::other(other),
    }
}

/// Arrays as [`Arrays`] writes them: stored, so that a small file cannot promise large ones.
pub(crate) struct Stored<R>(ZipArchive<R>);

impl<R: Read + Seek> Stored<R> {
    pub(crate) fn read(from: R) -> Result<Self, String> {
        Ok(Self(ZipArchive::new(from).map_err(|e| e.to_string())?))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.index_for_name(&format!("{name}.npy")).is_some()
    }

    /// An array that not every run has.
    pub(crate) fn find<A, D>(&mut self, name: &str) -> Result<Option<ndarray::Array<A, D>>, String>
    where
        A: Element,
        D: Dimension,
    {
        let there = self.has(name);
        there.then(|| self.get(name)).transpose()
    }

    pub(crate) fn get<A, D>(&mut self, name: &str) -> Result<ndarray::Array<A, D>, String>
    where
        A: Element,
        D: Dimension,
    {
        let wrong = |what: String| format!("`{name}`: {what}");
        let mut entry = self
            .0
            .by_name(&format!("{name}.npy"))
            .map_err(|_| format!("it has no array `{name}`: another version has written it"))?;
        if entry.compression() != CompressionMethod::Stored {
            return Err(format!("its array `{name}` is packed, which ours are not"));
        }
        let Preamble { header, .. } = Header::read(&mut entry).map_err(wrong)?;
        if A::DTYPE[1..] != header.kind || header.big_endian || header.fortran_order {
            return Err(wrong("another program has written it".to_owned()));
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(|e| e.to_string())?;
        // One that promises more than is there fails below.
        let numbers = bytes.chunks(A::WIDTH).map_while(A::get).collect();
        let array = ArrayD::from_shape_vec(header.shape, numbers)
            .map_err(|error| wrong(error.to_string()))?;
        array
            .into_dimensionality()
            .map_err(|error| wrong(error.to_string()))
    }
}

//! Files that are either there as a whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::error::ReportError;
use super::plain;

/// A file being written beside its place, into which it is put by [`commit`](Self::commit).
///
/// Until then the file of that name, if there is one, stays as it was. A draft that is dropped leaves nothing.
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    temporary: PathBuf,
    /// `None` once the file has been put in its place.
    file: Option<BufWriter<File>>,
}

impl AtomicFile {
    /// What the name of an unfinished file ends in; it begins with a dot.
    const SUFFIX: &str = ".tmp";

    /// Begins the file that is to stand at `path`, in a folder that exists. Two drafts of one file must not be
    /// open at once; the lock of the run directory sees to it.
    ///
    /// # Errors
    /// [`ReportError::Io`] if the folder cannot be written to.
    pub fn new(path: &Path) -> Result<Self, ReportError> {
        let Some(name) = path.file_name() else {
            let cause = io::Error::new(io::ErrorKind::InvalidInput, "it has no file name");
            return Err(ReportError::io("write", path, cause));
        };
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(Self::SUFFIX);
        let temporary = path.with_file_name(hidden);
        let file = plain::create(&temporary).map_err(|e| ReportError::io("write", path, e))?;
        Ok(Self {
            path: path.to_owned(),
            temporary,
            file: Some(BufWriter::new(file)),
        })
    }

    /// Waits until the bytes are on the disk, so that what follows may rely on them.
    ///
    /// # Errors
    /// [`ReportError::Io`] if not all could be written.
    pub fn sync(&mut self) -> Result<(), ReportError> {
        let synced = self.writer().and_then(|file| {
            file.flush()?;
            file.get_ref().sync_all()
        });
        synced.map_err(|e| ReportError::io("write", &self.path, e))
    }

    /// Puts the file in its place: on the disk first, then under its name, then the folder on the disk too.
    ///
    /// # Errors
    /// [`ReportError::Io`] if not all could be written. Unless it is the folder that could not be, nothing has
    /// changed then; the draft is gone.
    pub fn commit(mut self) -> Result<(), ReportError> {
        self.sync()?;
        let path = self.path.clone();
        self.place()?;
        let folder = path.parent().unwrap_or(Path::new(""));
        sync_folder(folder).map_err(|e| ReportError::io("write", &path, e))
    }

    /// Puts the file in its place without waiting for the disk: it is whole if the process is killed, but may
    /// be empty after a power cut.
    ///
    /// # Errors
    /// [`ReportError::Io`] if not all could be written; nothing has changed then, and the draft is gone.
    pub fn place(mut self) -> Result<(), ReportError> {
        let placed = self.writer().and_then(Write::flush).and_then(|()| {
            // Closed before it is renamed, which some systems insist on.
            self.file = None;
            fs::rename(&self.temporary, &self.path)
        });
        placed.map_err(|e| {
            let _ = fs::remove_file(&self.temporary);
            ReportError::io("write", &self.path, e)
        })
    }

    fn writer(&mut self) -> io::Result<&mut BufWriter<File>> {
        self.file
            .as_mut()
            .ok_or_else(|| io::Error::other("the file is finished"))
    }

    /// What the draft of this name, which was never finished, was to be called.
    pub(crate) fn finished(name: &str) -> Option<&str> {
        name.strip_prefix('.')?.strip_suffix(Self::SUFFIX)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer()?.flush()
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.writer()?.seek(to)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            // What is still buffered is of no use; the parts are closed without flushing.
            drop(file.into_parts());
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Makes names that were given or taken in `folder` last through a power cut.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    if !cfg!(unix) {
        // Elsewhere a folder cannot be opened as a file, and renaming is journalled.
        return Ok(());
    }
    match File::open(folder)?.sync_all() {
        // Some network file systems do not know how.
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        other => other,
    }
}

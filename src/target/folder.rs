//! Files on disk, of plain files alone and of a bounded length.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use super::Files;
use crate::point_file::Source;

/// A folder on disk, out of which no name leads: neither an absolute one, nor `..`, nor a link. An absolute name of a file in it is one of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder(pub PathBuf);

/// The whole disk; relative names are relative to this folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anywhere(pub PathBuf);

/// Longest file that is read: 1 GiB.
const LONGEST: u64 = 1 << 30;

impl Folder {
    /// The path of the file called `name`, which lies in here.
    fn path(&self, name: &str) -> io::Result<PathBuf> {
        let refuse = || {
            io::Error::new(
                io::ErrorKind::PermissionDenied,
                "it lies outside the scenario's folder; put it in there, or allow that with --allow-outside",
            )
        };
        let root = self.0.join(".").canonicalize()?;
        let named = Path::new(name);
        let inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        let path = if named.is_absolute() {
            let below = std::path::absolute(&self.0)
                .ok()
                .and_then(|folder| named.strip_prefix(folder).ok())
                .or_else(|| named.strip_prefix(&root).ok());
            match below.filter(|below| below.components().all(inside)) {
                Some(below) => root.join(below).canonicalize()?,
                // Nothing there and something outside are one answer, so that it cannot be used to ask what there is elsewhere.
                None => named.canonicalize().map_err(|_| refuse())?,
            }
        } else if named.components().all(inside) && !name.contains('\\') {
            root.join(name).canonicalize()?
        } else {
            return Err(refuse());
        };
        if !path.starts_with(&root) {
            return Err(refuse());
        }
        Ok(path)
    }
}

impl Files for Folder {
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        read_file(&self.path(name)?)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Source>> {
        Ok(Box::new(open_file(&self.path(name)?)?))
    }
}

impl Files for Anywhere {
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        read_file(&self.0.join(name))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Source>> {
        Ok(Box::new(open_file(&self.0.join(name))?))
    }
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open_file(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens a plain file: a pipe or a device has no end.
///
/// # Errors
/// What the operating system says, and [`io::ErrorKind::FileTooLarge`] for more than 1 GiB.
pub fn open_file(path: &Path) -> io::Result<File> {
    let refuse = |about: &fs::Metadata| {
        if !about.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
        }
        if about.len() > LONGEST {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "longer than 1 GiB; give a part of it",
            ));
        }
        Ok(())
    };
    // Opening a pipe waits for its other end.
    refuse(&path.metadata()?)?;
    let file = File::open(path)?;
    refuse(&file.metadata()?)?;
    Ok(file)
}

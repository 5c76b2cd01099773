//! Where a target's files come from, and why a target cannot be built.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use crate::point_file::Source;
use crate::setting::Invalid;

/// A place in which a specification's files are found by name: a folder, or what is inside the binary.
pub trait Files {
    /// The bytes of the file called `name`.
    ///
    /// # Errors
    /// Whatever the place says, such as [`io::ErrorKind::NotFound`].
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;

    /// The file called `name`, to be read part by part.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn open(&self, name: &str) -> io::Result<Box<dyn Source>> {
        Ok(Box::new(io::Cursor::new(self.read(name)?)))
    }
}

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

/// Why a target cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A parameter is out of its range.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// A file cannot be read, or does not hold what it should.
    #[error("`{key}`: cannot use {file}: {reason}")]
    File {
        /// Dotted key that names the file, as written in a scenario file.
        key: String,
        /// The file's name as given.
        file: String,
        /// What is wrong with it and what would do.
        reason: String,
    },
}

impl BuildError {
    /// The same complaint about the file that `key` names.
    #[must_use]
    pub(super) fn at(self, key: &str) -> Self {
        match self {
            Self::File { file, reason, .. } => Self::File {
                key: key.to_owned(),
                file,
                reason,
            },
            other @ Self::Invalid(_) => other,
        }
    }

    /// The same complaint seen from one level up: `file` under `target.image` is `target.image.file`.
    #[must_use]
    pub fn under(self, parent: &str) -> Self {
        match self {
            Self::Invalid(invalid) => Self::Invalid(invalid.under(parent)),
            Self::File { key, file, reason } => Self::File {
                key: format!("{parent}.{key}"),
                file,
                reason,
            },
        }
    }
}

/// Gets the file that the key `file` names. `named` is the value as given.
pub(super) fn fetch<T>(named: &str, got: io::Result<T>) -> Result<T, BuildError> {
    got.map_err(|error| {
        let hint = if error.kind() == io::ErrorKind::NotFound {
            "; relative paths are relative to the scenario file"
        } else {
            ""
        };
        unusable(named, format!("{error}{hint}"))
    })
}

/// The complaint that the file which the key `file` names cannot be used.
pub(super) fn unusable(named: &str, reason: String) -> BuildError {
    BuildError::File {
        key: "file".to_owned(),
        file: named.to_owned(),
        reason,
    }
}

impl From<BuildError> for Invalid {
    /// A file that cannot be used is a key with an unusable value.
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Invalid(invalid) => invalid,
            BuildError::File { key, file, reason } => Self::new(key, format!("{file:?}"), reason),
        }
    }
}

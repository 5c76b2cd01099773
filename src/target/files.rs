//! Where a target's files come from, and why a target cannot be built.

use std::io;

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
            "; relative paths are relative to the scenario file, or to the current folder where the scenario ships with the program"
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

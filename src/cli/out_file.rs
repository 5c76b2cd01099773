//! Single files that a command writes where it is told to.

use std::fs::{self, Metadata};
use std::io::{self, Write as _};
use std::path::Path;

use super::error::CliError;
use crate::store::AtomicFile;

/// What a command is told to write.
pub(super) struct OutFile<'a> {
    /// The option that names it: `--plot`.
    pub(super) option: &'static str,
    pub(super) path: &'a Path,
}

impl OutFile<'_> {
    /// What is at its place already; refuses what is no file.
    ///
    /// # Errors
    /// [`CliError`] that names the option, the path and the remedy.
    pub(super) fn there(&self) -> Result<Option<Metadata>, CliError> {
        match fs::symlink_metadata(self.path) {
            Ok(about) if about.is_file() => Ok(Some(about)),
            Ok(_) => {
                Err(self
                    .refusal("it is a folder, a link, a pipe or a device; name a file of its own"))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(self.failure(e)),
        }
    }

    /// That it cannot be written, and why.
    pub(super) fn refusal(&self, reason: &str) -> CliError {
        CliError::Usage(format!("{} {}: {reason}", self.option, self.path.display()))
    }

    /// Writes the `parts`, one after another, as a whole or not at all.
    ///
    /// # Errors
    /// [`CliError`] naming the file.
    pub(super) fn write(&self, parts: &[&[u8]]) -> Result<(), CliError> {
        let mut draft = AtomicFile::new(self.path)?;
        let mut parts = parts.iter();
        parts
            .try_for_each(|part| draft.write_all(part))
            .map_err(|error| self.failure(error))?;
        Ok(draft.commit()?)
    }

    fn failure(&self, cause: io::Error) -> CliError {
        CliError::io(format!("cannot write {}", self.path.display()), cause)
    }
}

//! What the catalogue asks of the parameters of a distribution.

use super::Target;
use super::files::{BuildError, Files};
use crate::setting::Given;

/// The parameters of a distribution.
pub(super) trait Family {
    /// The distribution; `files` is where its files are found.
    ///
    /// # Errors
    /// [`BuildError`] for a parameter out of range, or a file that cannot be used.
    fn distribution(&self, files: &dyn Files) -> Result<Box<dyn Target>, BuildError>;

    /// Names of the files that are read.
    fn files(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Makes the parameters name other files, in their order.
    fn rename_files(&mut self, _paths: &[String]) {}
}

impl Family for Given {
    fn distribution(&self, _files: &dyn Files) -> Result<Box<dyn Target>, BuildError> {
        Err(self.refusal().into())
    }
}

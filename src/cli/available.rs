//! Whether the machine has what a run needs, asked before anything is allocated.

use std::path::Path;

use super::error::CliError;
use crate::scenario::Resources;
use crate::store::available;

/// Refuses a run that would not fit, writing below `folder`.
pub(super) fn check(need: &Resources, folder: &Path) -> Result<(), CliError> {
    need.fits(available(folder)).map_err(CliError::TooMuch)
}

//! Whether the machine has what a run needs, asked before anything is allocated.

use std::path::Path;

use super::error::CliError;
use crate::scenario::Need;
use crate::store::room;

/// Refuses a run that would not fit, writing below `folder`.
pub(super) fn check(need: &Need, folder: &Path) -> Result<(), CliError> {
    need.fits(room(folder)).map_err(CliError::TooMuch)
}

//! `NumPy`'s `.npz` archives: a zip file of `.npy` arrays.

use std::io::Cursor;

use zip::ZipArchive;

use super::npy;
use crate::cloud::Cloud;

/// Reads the array called `name`, or the first one.
pub(super) fn read(bytes: &[u8], name: Option<&str>) -> Result<Cloud, String> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| format!("it is no NumPy archive ({error}): write it with np.savez"))?;
    let index = (0..archive.len())
        .find(|&k| {
            let entry = archive.name_for_index(k).unwrap_or_default();
            name.is_none_or(|name| entry == name || array_name(entry) == name)
        })
        .ok_or_else(|| missing(&archive, name))?;
    let entry = archive
        .by_index(index)
        .map_err(|error| format!("its array {} cannot be read ({error})", index + 1))?;
    let array = array_name(entry.name()).to_owned();
    let size = entry.size();
    npy::read(entry, size).map_err(|reason| format!("array {array}: {reason}"))
}

/// The name under which `NumPy` shows an entry.
fn array_name(entry: &str) -> &str {
    entry.strip_suffix(".npy").unwrap_or(entry)
}

/// Says what there is instead of what was asked for.
fn missing(archive: &ZipArchive<Cursor<&[u8]>>, name: Option<&str>) -> String {
    let Some(name) = name else {
        return "it holds no array".to_owned();
    };
    let mut names: Vec<&str> = archive.file_names().take(20).map(array_name).collect();
    names.sort_unstable();
    format!("it has no array {name:?}; it has {}", names.join(", "))
}

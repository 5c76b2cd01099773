//! `NumPy`'s `.npz` archives: a zip file of `.npy` arrays.

use std::io::{Read, Seek};

use zip::ZipArchive;

use super::{Table, npy};

/// Reads the array called `name`, or the first one. What programs that pack folders add is passed over.
pub(super) fn read(source: impl Read + Seek, name: Option<&str>) -> Result<Table, String> {
    let mut archive = ZipArchive::new(source)
        .map_err(|error| format!("it is no NumPy archive ({error}): write it with np.savez"))?;
    let index = (0..archive.len())
        .find(|&k| {
            let entry = archive.name_for_index(k).unwrap_or_default();
            match name {
                Some(name) => entry == name || array_name(entry) == Some(name),
                None => array_name(entry).is_some(),
            }
        })
        .ok_or_else(|| missing(&archive, name))?;
    let entry = archive
        .by_index(index)
        .map_err(|error| format!("its array {} cannot be read ({error})", index + 1))?;
    let array = array_name(entry.name()).unwrap_or(entry.name()).to_owned();
    let size = entry.size();
    npy::read(entry, size).map_err(|reason| format!("array {array}: {reason}"))
}

/// The name under which `NumPy` shows an entry; `None` for a folder, a text, or what macOS puts beside each file.
fn array_name(entry: &str) -> Option<&str> {
    let file = entry.rsplit('/').next().unwrap_or(entry);
    if entry.starts_with("__MACOSX/") || file.starts_with("._") {
        return None;
    }
    let (name, ending) = entry.split_at_checked(entry.len().checked_sub(4)?)?;
    ending.eq_ignore_ascii_case(".npy").then_some(name)
}

/// Says what there is instead of what was asked for.
fn missing<R: Read + Seek>(archive: &ZipArchive<R>, name: Option<&str>) -> String {
    let arrays = archive.file_names().filter_map(array_name).take(20);
    let mut names: Vec<&str> = arrays.collect();
    names.sort_unstable();
    match name {
        Some(name) if !names.is_empty() => {
            format!("it has no array {name:?}; it has {}", names.join(", "))
        }
        _ if archive.is_empty() => "it holds no array".to_owned(),
        _ => {
            let first = archive.file_names().next().unwrap_or_default();
            format!("it holds no array, only other files such as {first:?}: write it with np.savez")
        }
    }
}

//! Whether a folder is free for a run, and what lies in it that is ours or somebody else's.

use std::fs;
use std::path::Path;

use super::atomic::AtomicFile;
use super::comparison::Comparison;
use super::error::ReportError;
use super::inventory::Inventory;
use super::lock::LOCK;
use super::manifest::Manifest;
use super::names::{self, COMPARISON};
use super::plain::{self, entries};

/// `false`: the folder is free; `true`: it holds an earlier run, which may be replaced.
pub(super) fn free_or_earlier_run(path: &Path, force: bool) -> Result<bool, ReportError> {
    let occupied = |reason: &str| ReportError::Occupied {
        path: path.to_owned(),
        reason: reason.to_owned(),
    };
    let whole = fs::canonicalize(path).map_err(|e| ReportError::io("open", path, e))?;
    let home = std::env::home_dir().and_then(|home| fs::canonicalize(home).ok());
    if whole.parent().is_none() || home == Some(whole) {
        return Err(occupied(
            "is no place for a run: choose a folder inside it with `--out DIR`",
        ));
    }
    let found = entries(path)?;
    let locked = found.iter().any(|(name, _)| name == LOCK);
    let noted = Inventory::of(path).filter(|noted| !noted.is_empty());
    let is_draft = |name: &str| {
        let ours = |name: &str| noted.as_ref().is_none_or(|noted| noted.contains(name));
        AtomicFile::finished(name).is_some_and(ours)
    };
    if found
        .iter()
        .all(|(name, _)| name == LOCK || locked && is_draft(name))
    {
        return Ok(false);
    }
    let earlier = noted.is_some()
        || Manifest::load(path).is_ok()
        || plain::is_file(path, COMPARISON)
        || locked && found.iter().all(|(name, path)| is_beginning(name, path));
    if noted.is_some() && force {
        no_strangers(path)?;
    }
    match (earlier, force) {
        (true, true) => Ok(true),
        (true, false) => Err(occupied(
            "holds an earlier run: choose another folder, or replace that run with `--force`",
        )),
        (false, true) => Err(occupied(
            "is not empty and holds no earlier run (no `run.json` of ours), so `--force` leaves it alone: \
             choose another folder",
        )),
        (false, false) => Err(occupied("is not empty: choose a new or empty folder")),
    }
}

/// Refuses a folder in which files that are called as ours are not noted as ours.
pub(super) fn no_strangers(path: &Path) -> Result<(), ReportError> {
    let noted = Inventory::of(path).unwrap_or_default();
    let there = present(path)?;
    match there.iter().find(|name| !noted.contains(*name)) {
        None => Ok(()),
        Some(name) => Err(ReportError::Occupied {
            path: path.join(name),
            reason: "is in the way and not of the earlier run: move it elsewhere".to_owned(),
        }),
    }
}

/// The same for the folders of the runs in it: those of the earlier comparison, and those that are to come.
pub(super) fn no_strangers_in_parts(path: &Path, parts: &[String]) -> Result<(), ReportError> {
    let noted = Inventory::of(path).unwrap_or_default();
    let earlier = noted.iter().filter_map(|name| name.strip_suffix('/'));
    // Of an older version, or killed over its beginning, a part has no list.
    let listed = earlier.filter(|part| Inventory::of(&path.join(part)).is_some());
    let coming = parts.iter().map(String::as_str);
    let coming = coming.filter(|part| !noted.contains(&format!("{part}/")));
    let mut all = listed
        .chain(coming)
        .filter(|part| plain::is_folder(path, part));
    all.try_for_each(|part| no_strangers(&path.join(part)))
}

/// Whether a run writes this before its manifest.
pub(super) fn is_beginning(name: &str, path: &Path) -> bool {
    let whole = |path: &Path| fs::symlink_metadata(path).ok();
    match name {
        names::INPUTS => {
            whole(path).is_some_and(|about| about.is_dir())
                && entries(path).is_ok_and(|all| {
                    all.iter().all(|(name, _)| {
                        names::is_input(name) || AtomicFile::finished(name).is_some()
                    })
                })
        }
        LOCK | "scenario.toml" => whole(path).is_some_and(|about| about.is_file()),
        _ => AtomicFile::finished(name).is_some(),
    }
}

/// What lies in a run directory under names that runs give: files, and, with `/` at the end, the runs of a comparison.
pub(super) fn present(folder: &Path) -> Result<Vec<String>, ReportError> {
    let there = |name: &&str| matches!(plain::about(folder, name), Ok(Some(_)));
    let found = names::FILES.into_iter().filter(there);
    let mut names: Vec<String> = found.map(str::to_owned).collect();
    for (below, is_ours) in names::FOLDERS {
        // A link is left alone: what it points to may be anybody's.
        if !plain::is_folder(folder, below) {
            continue;
        }
        let found = entries(&folder.join(below))?.into_iter();
        let ours = found.filter(|(name, _)| is_ours(name));
        names.extend(ours.map(|(name, _)| format!("{below}/{name}")));
    }
    if let Ok(comparison) = Comparison::load(folder) {
        let parts = comparison.runs().into_iter().map(|(_, part, _)| part);
        let runs = parts.filter(|part| plain::is_folder(folder, part));
        names.extend(runs.map(|part| format!("{part}/")));
    }
    Ok(names)
}

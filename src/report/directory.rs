//! The folder of one run: made for it alone, locked while it goes on, gone again if nothing was written.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::atomic::{Draft, sync_folder};
use super::error::ReportError;
use super::keeper::FRAMES as FRAMES_KEPT;
use super::lock::{LOCK, lock};
use super::manifest::Manifest;

/// The files a run may leave, besides `frames/NNNN.png`. The manifest, by which a run directory is known,
/// comes last, so that a removal that is interrupted can be repeated.
const FILES: [&str; 16] = [
    "animation.png",
    "checkpoint",
    FRAMES_KEPT,
    "checkpoint.previous",
    "comparison.csv",
    COMPARISON,
    "convergence.png",
    "convergence.svg",
    "final.png",
    "final.svg",
    "metrics.csv",
    "report.html",
    "scenario.toml",
    "timings.json",
    "trajectory.npz",
    Manifest::FILE,
];

/// By this file the folder of a comparison is known.
pub(super) const COMPARISON: &str = "comparison.json";

/// Folder of the single pictures.
const FRAMES: &str = "frames";
/// Folder of the copies of the files that the scenario reads.
pub(super) const INPUTS: &str = "inputs";

/// A run directory that this process, and no other, may write to.
///
/// Dropped before anything was written, it takes itself and the folders made for it away again.
#[derive(Debug)]
pub struct RunDirectory {
    path: PathBuf,
    /// Folders made for this run, the outermost first.
    made: Vec<PathBuf>,
    /// Keeps the lock; closing it lets go.
    _lock: File,
}

impl RunDirectory {
    /// Makes `<root>/<scenario>/<NNN>/` with the next free number. Any number of processes may do so at once.
    ///
    /// Characters of `scenario` that are trouble in a file name become `-`.
    ///
    /// # Errors
    /// [`ReportError::Io`] if a folder cannot be made.
    pub fn create(root: &Path, scenario: &str) -> Result<Self, ReportError> {
        Self::numbered(root, scenario, "")
    }

    /// As [`create`](Self::create), for a comparison: `<root>/<scenario>/compare-<NNN>/`.
    ///
    /// # Errors
    /// As there.
    pub fn create_comparison(root: &Path, scenario: &str) -> Result<Self, ReportError> {
        Self::numbered(root, scenario, "compare-")
    }

    /// As [`create`](Self::create), for a reference: `<root>/<scenario>/reference-<NNN>/`.
    ///
    /// # Errors
    /// As there.
    pub fn create_reference(root: &Path, scenario: &str) -> Result<Self, ReportError> {
        Self::numbered(root, scenario, "reference-")
    }

    /// As [`create`](Self::create), for a calibration: `<root>/<scenario>/calibrate-<NNN>/`.
    ///
    /// # Errors
    /// As there.
    pub fn create_calibration(root: &Path, scenario: &str) -> Result<Self, ReportError> {
        Self::numbered(root, scenario, "calibrate-")
    }

    fn numbered(root: &Path, scenario: &str, prefix: &str) -> Result<Self, ReportError> {
        let parent = root.join(folder_name(scenario));
        let mut made = make_folders(&parent)?;
        let mut number = next_number(&parent, prefix)?;
        loop {
            let path = parent.join(format!("{prefix}{number:03}"));
            match fs::create_dir(&path) {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                    number += 1;
                    continue;
                }
                // Another run has just ended with nothing written, and taken the folder away.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    made.extend(make_folders(&parent)?);
                    continue;
                }
                Err(e) => return Err(ReportError::io("create", &path, e)),
            }
            match lock(&path) {
                Ok(lock) => {
                    // Of runs that begin together, the last to go takes the common folder away.
                    if !made.contains(&parent) {
                        made.push(parent);
                    }
                    made.push(path.clone());
                    return Ok(Self {
                        path,
                        made,
                        _lock: lock,
                    });
                }
                // Somebody named this very folder with `--out` in the meantime: it is theirs.
                Err(ReportError::InUse { .. }) => number += 1,
                Err(e) => return Err(e),
            }
        }
    }

    /// Takes the folder `path`, which must be new or empty.
    ///
    /// With `force` an earlier run there is replaced: the files that runs write are removed, any other file
    /// stays. A folder without a manifest of ours is never touched, but for one that holds only our lock and what a run
    /// writes before its manifest: such a run was killed over its beginning.
    ///
    /// # Errors
    /// [`ReportError::Occupied`] if the folder is not free, [`ReportError::InUse`] if a run is going on in it,
    /// [`ReportError::Io`] if it cannot be made.
    pub fn at(path: &Path, force: bool) -> Result<Self, ReportError> {
        let made = make_folders(path)?;
        // Nothing is written, not even the lock, before the folder is known to be free.
        let earlier = free_or_earlier_run(path, force)?;
        let lock = lock(path)?;
        let directory = Self {
            path: path.to_owned(),
            made,
            _lock: lock,
        };
        // Somebody may have been quicker; now nobody can be.
        if free_or_earlier_run(path, force)? || earlier {
            directory.clear()?;
        }
        sweep(path)?;
        Ok(directory)
    }

    /// Takes the directory of a run or a comparison that was begun before, to go on with it, and removes files it
    /// was killed over.
    ///
    /// # Errors
    /// [`ReportError::NotARun`] if it has no manifest, [`ReportError::InUse`] if the run is still going on.
    pub fn open(path: &Path) -> Result<Self, ReportError> {
        if !path.join(COMPARISON).is_file() {
            Manifest::load(path)?;
        }
        let directory = Self {
            path: path.to_owned(),
            made: Vec::new(),
            _lock: lock(path)?,
        };
        sweep(path)?;
        for folder in [FRAMES, INPUTS] {
            let folder = path.join(folder);
            if folder.is_dir() {
                sweep(&folder)?;
            }
        }
        Ok(directory)
    }

    /// Where the directory is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of the file `name` in the directory; `name` may begin with a folder, which is made.
    ///
    /// # Errors
    /// [`ReportError::Io`] if the folder cannot be made.
    pub fn file(&self, name: &str) -> Result<PathBuf, ReportError> {
        let path = self.path.join(name);
        if let Some(folder) = path.parent()
            && folder != self.path
        {
            fs::create_dir_all(folder).map_err(|e| ReportError::io("create", folder, e))?;
        }
        Ok(path)
    }

    /// Writes the file `name` as a whole or not at all, and waits until it is on the disk; `fill` is given the
    /// open file.
    ///
    /// # Errors
    /// [`ReportError::Io`] naming the file. A file of that name that was there before is untouched then.
    pub fn save(
        &self,
        name: &str,
        fill: impl FnOnce(&mut Draft) -> io::Result<()>,
    ) -> Result<(), ReportError> {
        self.draft(name, fill)?.commit()
    }

    /// Writes `bytes` as the file `name`, as a whole or not at all, without waiting for the disk: for pictures,
    /// which are many and can be drawn again after a power cut.
    ///
    /// # Errors
    /// As [`save`](Self::save).
    pub fn put(&self, name: &str, bytes: &[u8]) -> Result<(), ReportError> {
        self.draft(name, |file| file.write_all(bytes))?.place()
    }

    fn draft(
        &self,
        name: &str,
        fill: impl FnOnce(&mut Draft) -> io::Result<()>,
    ) -> Result<Draft, ReportError> {
        let path = self.file(name)?;
        let mut draft = Draft::new(&path)?;
        fill(&mut draft).map_err(|e| ReportError::io("write", &path, e))?;
        Ok(draft)
    }

    /// Removes the file `name`, if it is there.
    pub(super) fn remove(&self, name: &str) -> Result<(), ReportError> {
        remove(&self.path.join(name))
    }

    /// Removes what an earlier run has left.
    fn clear(&self) -> Result<(), ReportError> {
        for (folder, is_ours) in [(FRAMES, is_frame as fn(&str) -> bool), (INPUTS, is_input)] {
            let folder = self.path.join(folder);
            // A link is left alone: what it points to may be anybody's.
            if !fs::symlink_metadata(&folder).is_ok_and(|about| about.is_dir()) {
                continue;
            }
            for (name, path) in entries(&folder)? {
                if is_ours(&name) || Draft::is_unfinished(&name) {
                    remove(&path)?;
                }
            }
            // It stays if something of the user's is in it.
            let _ = fs::remove_dir(&folder);
        }
        // The variants of an earlier comparison are runs.
        if self.path.join(COMPARISON).is_file() {
            for (_, path) in entries(&self.path)? {
                if Manifest::load(&path).is_ok() {
                    drop(Self::at(&path, true)?);
                    let _ = fs::remove_dir(&path);
                }
            }
        }
        sweep(&self.path)?;
        for name in FILES {
            remove(&self.path.join(name))?;
        }
        sync_folder(&self.path).map_err(|e| ReportError::io("clear", &self.path, e))
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        // A folder with nothing but the lock in it was taken and not used.
        if entries(&self.path).is_ok_and(|all| all.iter().all(|(name, _)| name == LOCK)) {
            let _ = fs::remove_file(self.path.join(LOCK));
            for folder in self.made.iter().rev() {
                // Fails, as it should, for a folder in which others have put something.
                let _ = fs::remove_dir(folder);
            }
        }
    }
}

/// `false`: the folder is free; `true`: it holds an earlier run, which may be replaced.
fn free_or_earlier_run(path: &Path, force: bool) -> Result<bool, ReportError> {
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
    if found
        .iter()
        .all(|(name, _)| name == LOCK || locked && Draft::is_unfinished(name))
    {
        return Ok(false);
    }
    let earlier = Manifest::load(path).is_ok()
        || path.join(COMPARISON).is_file()
        || locked && found.iter().all(|(name, path)| is_beginning(name, path));
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

/// Whether a run writes this before its manifest.
fn is_beginning(name: &str, path: &Path) -> bool {
    let whole = |path: &Path| fs::symlink_metadata(path).ok();
    match name {
        INPUTS => {
            whole(path).is_some_and(|about| about.is_dir())
                && entries(path).is_ok_and(|all| {
                    all.iter()
                        .all(|(name, _)| is_input(name) || Draft::is_unfinished(name))
                })
        }
        LOCK | "scenario.toml" => whole(path).is_some_and(|about| about.is_file()),
        _ => Draft::is_unfinished(name),
    }
}

/// Makes `path` with all folders above it; returns those that were not there before, the outermost first.
fn make_folders(path: &Path) -> Result<Vec<PathBuf>, ReportError> {
    /// More often than that, a folder is not taken away at the very moment.
    const ATTEMPTS: usize = 100;
    let mut attempt = 1;
    loop {
        let missing = path
            .ancestors()
            .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
        let mut missing: Vec<PathBuf> = missing.map(Path::to_owned).collect();
        missing.reverse();
        match fs::create_dir_all(path) {
            Ok(()) => return Ok(missing),
            // A run that was not used has taken away a folder above this one, or this one just found.
            Err(e)
                if attempt < ATTEMPTS
                    && (e.kind() == io::ErrorKind::NotFound
                        || e.kind() == io::ErrorKind::AlreadyExists && !path.is_file()) =>
            {
                attempt += 1;
            }
            Err(e) => return Err(ReportError::io("create", path, e)),
        }
    }
}

/// One more than the highest number of a folder in `parent`.
fn next_number(parent: &Path, prefix: &str) -> Result<u32, ReportError> {
    let numbers = match entries(parent) {
        Err(ReportError::Io { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => Vec::new(),
        other => other?,
    };
    let highest = numbers
        .iter()
        .filter_map(|(name, _)| name.strip_prefix(prefix))
        .filter_map(|name| is_number(name).then(|| name.parse::<u32>().ok())?)
        // A folder that somebody called 4294967295 must not end the count.
        .filter(|&number| number < u32::MAX / 2)
        .max();
    Ok(highest.map_or(1, |number| number + 1))
}

fn is_number(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit())
}

/// What lies in a folder, by name.
fn is_frame(name: &str) -> bool {
    name.strip_suffix(".png").is_some_and(is_number)
}

fn is_input(name: &str) -> bool {
    name.starts_with("target-") || name.starts_with("source-")
}

fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, ReportError> {
    let read = || -> io::Result<Vec<(String, PathBuf)>> {
        fs::read_dir(folder)?
            .map(|entry| {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                Ok((name, entry.path()))
            })
            .collect()
    };
    read().map_err(|e| ReportError::io("read", folder, e))
}

/// Removes files that were being written when a run was killed.
fn sweep(folder: &Path) -> Result<(), ReportError> {
    for (name, path) in entries(folder)? {
        if Draft::is_unfinished(&name) {
            remove(&path)?;
        }
    }
    Ok(())
}

/// Removes a file, if it is there.
fn remove(path: &Path) -> Result<(), ReportError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(ReportError::io("remove", path, e)),
        _ => Ok(()),
    }
}

/// A scenario's name as the name of a folder, on any system.
fn folder_name(scenario: &str) -> String {
    const LONGEST: usize = 60;
    let mut name = String::new();
    for c in scenario.chars().take(LONGEST) {
        if c.is_alphanumeric() || matches!(c, '_' | '.') {
            name.push(c);
        } else if !name.ends_with('-') {
            name.push('-');
        }
    }
    let name = name.trim_matches(['-', '.']);
    // Names that some systems keep for devices, whatever follows a dot.
    let stem = name.split('.').next().unwrap_or("").to_ascii_lowercase();
    let is_port = |port| {
        stem.strip_prefix(port)
            .is_some_and(|n| n.len() == 1 && is_number(n))
    };
    let is_device = matches!(stem.as_str(), "con" | "prn" | "aux" | "nul");
    if is_device || is_port("com") || is_port("lpt") {
        return format!("_{name}");
    }
    if name.is_empty() {
        return "scenario".to_owned();
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::folder_name;

    #[test]
    fn names_of_scenarios_become_names_of_folders() {
        for (scenario, folder) in [
            ("eight-gaussians", "eight-gaussians"),
            ("04 ring, σ=0.2", "04-ring-σ-0.2"),
            ("../../etc/passwd", "etc-passwd"),
            ("/", "scenario"),
            ("..", "scenario"),
            ("", "scenario"),
            (".hidden", "hidden"),
            ("-rf", "rf"),
            ("a\0b\nc", "a-b-c"),
            ("CON", "_CON"),
            ("com1.toml", "_com1.toml"),
            ("comet", "comet"),
        ] {
            assert_eq!(folder_name(scenario), folder);
        }
        assert!(folder_name(&"ü".repeat(500)).len() < 255);
    }
}

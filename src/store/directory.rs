//! The folder of one run: made for it alone, locked while it goes on, gone again if nothing was written.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::atomic::{AtomicFile, sync_folder};
use super::error::ReportError;
use super::inventory::Inventory;
use super::lock::{LOCK, lock};
use super::manifest::Manifest;
use super::names::{self, COMPARISON, folder_name, is_number};
use super::occupied::{free_or_earlier_run, no_strangers, no_strangers_in_parts, present};
use super::plain::{self, entries};

/// A run directory that this process, and no other, may write to.
///
/// Dropped before anything was written, it takes itself and the folders made for it away again.
#[derive(Debug)]
pub struct RunDirectory {
    path: PathBuf,
    /// Folders made for this run, the outermost first.
    made: Vec<PathBuf>,
    /// What is ours in it. Keeps the lock.
    inventory: Inventory,
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
                    return Self::locked(path, made, lock);
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
        Self::with_parts(path, force, &[])
    }

    /// As [`at`](Self::at), for what will have these `parts`: folders in it, in which nothing of the user's may be in the way either.
    ///
    /// # Errors
    /// As there.
    pub fn with_parts(path: &Path, force: bool, parts: &[String]) -> Result<Self, ReportError> {
        let made = make_folders(path)?;
        let check = || {
            let earlier = free_or_earlier_run(path, force)?;
            if earlier {
                no_strangers_in_parts(path, parts)?;
            }
            Ok::<_, ReportError>(earlier)
        };
        // Nothing is written, not even the lock, before the folder is known to be free.
        let earlier = check()?;
        let directory = Self::locked(path.to_owned(), made, lock(path)?)?;
        // Somebody may have been quicker; now nobody can be.
        if check()? || earlier {
            directory.clear()?;
        }
        directory.sweep()?;
        Ok(directory)
    }

    /// Takes the folder `path`, new or taken like this before, with what it holds: a sweep, or one task of it.
    ///
    /// # Errors
    /// [`ReportError::Occupied`] if something lies there that was not noted as ours, and as for [`at`](Self::at).
    pub(crate) fn take(path: &Path) -> Result<Self, ReportError> {
        /// More often than that, a folder is not taken away at the very moment.
        const ATTEMPTS: usize = 100;
        let mut attempt = 1;
        let mut made = Vec::new();
        loop {
            made.extend(make_folders(path)?);
            // Nothing is written, not even the lock, before the folder is known to be free.
            match ours_or_free(path).and_then(|()| lock(path)) {
                Ok(lock) => {
                    let directory = Self::locked(path.to_owned(), made, lock)?;
                    directory.sweep()?;
                    return Ok(directory);
                }
                // Whoever had it before has not used it, and has taken it away.
                Err(ReportError::Io { cause, .. })
                    if attempt < ATTEMPTS && cause.kind() == io::ErrorKind::NotFound =>
                {
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The folder `name` in this one, new, for a run that is a part of this one.
    ///
    /// # Errors
    /// [`ReportError::Occupied`] if files of a run lie there that are not noted as ours, and as for [`at`](Self::at).
    pub fn part(&self, name: &str) -> Result<Self, ReportError> {
        let path = self.path.join(name);
        self.note(&format!("{name}/"))?;
        let made = plain::make_folder(&self.path, name.as_ref())
            .map_err(|e| ReportError::io("create", &path, e))?;
        let lock = lock(&path)?;
        no_strangers(&path)?;
        Self::locked(path, made, lock)
    }

    /// Takes up the run `name`, which is a part of this one.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_part(&self, name: &str) -> Result<Self, ReportError> {
        let path = self.path.join(name);
        if !plain::is_folder(&self.path, name) {
            let reason = "it is no folder of this comparison, or a link to one".to_owned();
            return Err(ReportError::NotARun { path, reason });
        }
        Self::open(&path)
    }

    fn locked(path: PathBuf, made: Vec<PathBuf>, lock: File) -> Result<Self, ReportError> {
        let inventory = Inventory::new(lock).map_err(|e| ReportError::io("lock", &path, e))?;
        Ok(Self {
            path,
            made,
            inventory,
        })
    }

    /// Takes the directory of a run or a comparison that was begun before, to go on with it, and removes files it
    /// was killed over.
    ///
    /// # Errors
    /// [`ReportError::NotARun`] if it has no manifest, [`ReportError::InUse`] if the run is still going on.
    pub fn open(path: &Path) -> Result<Self, ReportError> {
        if !plain::is_file(path, COMPARISON) {
            Manifest::load(path)?;
        }
        let directory = Self::locked(path.to_owned(), Vec::new(), lock(path)?)?;
        // Of an older version, or copied here without its list.
        for name in present(path)? {
            directory.note(&name)?;
        }
        directory.sweep()?;
        Ok(directory)
    }

    /// Where the directory is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of the file `name` in the directory, noted as ours; `name` may begin with a folder, which is made.
    ///
    /// # Errors
    /// [`ReportError::Io`] if the folder cannot be made, [`ReportError::Occupied`] if somebody else's file is there.
    pub fn file(&self, name: &str) -> Result<PathBuf, ReportError> {
        let path = self.path.join(name);
        let found =
            plain::about(&self.path, name).map_err(|e| ReportError::io("write", &path, e))?;
        if found.is_some() && !self.inventory.holds(name) {
            let reason = "is in the way and not of this run: move it elsewhere".to_owned();
            return Err(ReportError::Occupied { path, reason });
        }
        self.note(name)?;
        if let Some(folder) = Path::new(name).parent() {
            plain::make_folder(&self.path, folder)
                .map_err(|e| ReportError::io("create", &self.path.join(folder), e))?;
        }
        Ok(path)
    }

    /// Notes that `name` is ours, before it is made.
    fn note(&self, name: &str) -> Result<(), ReportError> {
        let noted = self.inventory.note(name);
        noted.map_err(|e| ReportError::io("write", &self.path.join(LOCK), e))
    }

    /// Writes the file `name` as a whole or not at all, and waits until it is on the disk; `fill` is given the
    /// open file.
    ///
    /// # Errors
    /// [`ReportError::Io`] naming the file. A file of that name that was there before is untouched then.
    pub fn save(
        &self,
        name: &str,
        fill: impl FnOnce(&mut AtomicFile) -> io::Result<()>,
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

    /// As [`put`](Self::put), with what `source` gives.
    pub(crate) fn put_from(
        &self,
        name: &str,
        mut source: impl io::Read,
    ) -> Result<(), ReportError> {
        let copy = |file: &mut AtomicFile| io::copy(&mut source, file).map(drop);
        self.draft(name, copy)?.place()
    }

    fn draft(
        &self,
        name: &str,
        fill: impl FnOnce(&mut AtomicFile) -> io::Result<()>,
    ) -> Result<AtomicFile, ReportError> {
        let path = self.file(name)?;
        let mut draft = AtomicFile::new(&path)?;
        fill(&mut draft).map_err(|e| ReportError::io("write", &path, e))?;
        Ok(draft)
    }

    /// Removes the file `name`, if it is there.
    pub(crate) fn remove(&self, name: &str) -> Result<(), ReportError> {
        remove(&self.path.join(name))
    }

    /// Removes the file `name` if it is one of ours and there, and says whether it was.
    pub(crate) fn discard(&self, name: &str) -> Result<bool, ReportError> {
        let is_ours = plain::is_file(&self.path, name) && self.inventory.holds(name);
        if is_ours {
            self.remove(name)?;
        }
        Ok(is_ours)
    }

    /// Removes what an earlier run has left: what it has noted, or, of an older version, what runs write.
    fn clear(&self) -> Result<(), ReportError> {
        if Inventory::of(&self.path).is_none() {
            for name in present(&self.path)? {
                self.note(&name)?;
            }
        }
        let names = self.inventory.names();
        let (parts, files): (Vec<_>, Vec<_>) = names.iter().partition(|name| name.ends_with('/'));
        let parts = parts.iter().map(|name| name.trim_end_matches('/'));
        let parts = parts.filter(|name| plain::is_folder(&self.path, name));
        // All of them are held before one is touched.
        let held = parts.clone().map(|name| {
            let path = self.path.join(name);
            Self::locked(path.clone(), vec![path.clone()], lock(&path)?)
        });
        for part in held.collect::<Result<Vec<_>, _>>()? {
            part.clear()?;
        }
        self.sweep()?;
        // The manifest, by which older run directories are known, comes last.
        let (last, first): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|name| *name == Manifest::FILE);
        for name in first.into_iter().chain(last) {
            // Not through links.
            if matches!(plain::about(&self.path, name), Ok(Some(_))) {
                remove(&self.path.join(name))?;
            }
        }
        let above = names.iter().filter_map(|name| Path::new(name).parent());
        let folders: BTreeSet<&Path> = above.filter(|p| !p.as_os_str().is_empty()).collect();
        for folder in folders.iter().rev() {
            // It stays if something of the user's is in it.
            let _ = fs::remove_dir(self.path.join(folder));
        }
        self.settle()?;
        sync_folder(&self.path).map_err(|e| ReportError::io("clear", &self.path, e))
    }

    /// Brings the list of what is ours in order.
    pub(crate) fn settle(&self) -> Result<(), ReportError> {
        let settled = self.inventory.settle(&self.path);
        settled.map_err(|e| ReportError::io("write", &self.path.join(LOCK), e))
    }

    /// Removes files that were being written when a run was killed.
    fn sweep(&self) -> Result<(), ReportError> {
        let below = names::FOLDERS.map(|(folder, _)| folder);
        for folder in [""].into_iter().chain(below) {
            if !folder.is_empty() && !plain::is_folder(&self.path, folder) {
                continue;
            }
            for (name, path) in entries(&self.path.join(folder))? {
                let ours = |name: &str| {
                    let name = if folder.is_empty() {
                        name.to_owned()
                    } else {
                        format!("{folder}/{name}")
                    };
                    self.inventory.holds(&name) || names::is_known(&name)
                };
                if AtomicFile::finished(&name).is_some_and(ours) {
                    remove(&path)?;
                }
            }
        }
        Ok(())
    }
}

impl Manifest {
    /// Writes `run.json`, as a whole or not at all.
    ///
    /// # Errors
    /// [`ReportError::Io`] naming the file.
    pub fn save(&self, directory: &RunDirectory) -> Result<(), ReportError> {
        directory.file(Self::FILE)?;
        self.save_in(directory.path())
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        // What cannot be put in order stays as it is noted, which is enough.
        let _ = self.inventory.settle(&self.path);
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

/// Refuses a folder that is neither empty nor holds a list of what is ours in it.
fn ours_or_free(path: &Path) -> Result<(), ReportError> {
    let empty = entries(path)?.iter().all(|(name, _)| name == LOCK);
    if empty || Inventory::of(path).is_some_and(|noted| !noted.is_empty()) {
        return Ok(());
    }
    let reason = "is not empty, and holds no sweep: choose a new or empty folder";
    Err(ReportError::Occupied {
        path: path.to_owned(),
        reason: reason.to_owned(),
    })
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

/// Removes a file, if it is there.
fn remove(path: &Path) -> Result<(), ReportError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(ReportError::io("remove", path, e)),
        _ => Ok(()),
    }
}

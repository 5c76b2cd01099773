//! Plain files below a run directory: no link leads out of it, no pipe keeps a reader waiting, no file is longer than it can be.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use super::error::ReportError;
use crate::npz::Stored;

/// Longest text that a run directory holds, in bytes: tables of a million rows are a third of it.
pub(crate) const TEXT: u64 = 1 << 30;

/// Longest checkpoint, in bytes; the disk is asked for room beforehand, so that none of ours comes near.
pub(crate) const STATE: u64 = 1 << 40;

/// Whether `name` is a path of plain names, which leads nowhere but down.
pub(crate) fn leads_down(name: &str) -> bool {
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    !name.is_empty() && !name.contains(['\\', '\0']) && Path::new(name).components().all(plain)
}

/// What `name` below `root` is, links not followed; `None` for nothing.
///
/// # Errors
/// What the operating system says, and [`io::ErrorKind::InvalidInput`] if a link is on the way, or `name` leads elsewhere.
pub(crate) fn about(root: &Path, name: &str) -> io::Result<Option<Metadata>> {
    let refuse = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
    if !leads_down(name) {
        return Err(refuse("its name leads out of the run directory"));
    }
    let mut path = root.to_owned();
    let mut found = None;
    for part in Path::new(name).components() {
        if found
            .as_ref()
            .is_some_and(|above: &Metadata| !above.is_dir())
        {
            return Err(refuse("what it lies in is a link or no folder"));
        }
        path.push(part);
        found = match fs::symlink_metadata(&path) {
            Ok(about) => Some(about),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        };
    }
    Ok(found)
}

/// Whether `name` below `root` is a folder, and no link to one.
pub(crate) fn is_folder(root: &Path, name: &str) -> bool {
    matches!(about(root, name), Ok(Some(about)) if about.is_dir())
}

/// Whether `name` below `root` is a plain file.
pub(crate) fn is_file(root: &Path, name: &str) -> bool {
    matches!(about(root, name), Ok(Some(about)) if about.is_file())
}

/// Opens the plain file `name` below `root` for reading.
///
/// # Errors
/// What the operating system says; [`io::ErrorKind::InvalidInput`] for a link, a pipe, a device or a folder;
/// [`io::ErrorKind::FileTooLarge`] for more than `most` bytes.
pub(crate) fn open(root: &Path, name: &str, most: u64) -> io::Result<File> {
    let missing = || io::Error::from(io::ErrorKind::NotFound);
    check(&about(root, name)?.ok_or_else(missing)?)?;
    let file = careful(OpenOptions::new().read(true)).open(root.join(name))?;
    // It may have been replaced in between.
    let found = file.metadata()?;
    check(&found)?;
    if found.len() > most {
        let reason = format!("it has {} bytes; ours have at most {most}", found.len());
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, reason));
    }
    Ok(file)
}

/// The bytes of the plain file `name` below `root`.
///
/// # Errors
/// The arrays of a `.npz` file; what is wrong with it in words.
pub(crate) fn arrays(root: &Path, name: &str) -> Result<Stored<File>, String> {
    Stored::read(open(root, name, STATE).map_err(|error| error.to_string())?)
}

/// As [`open`].
pub(crate) fn read(root: &Path, name: &str, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(root, name, most)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text of the plain file `name` below `root`.
///
/// # Errors
/// As [`open`]; [`io::ErrorKind::InvalidData`] if it is no UTF-8.
pub(crate) fn text(root: &Path, name: &str) -> io::Result<String> {
    String::from_utf8(read(root, name, TEXT)?)
        .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}

/// Opens the plain file `name` below `root` for reading and writing, and makes it if it is not there; what it holds stays.
///
/// # Errors
/// As [`open`]; [`io::ErrorKind::InvalidInput`] also for a file that has a second name, where writing would change that one too.
pub(crate) fn update(root: &Path, name: &str) -> io::Result<File> {
    if let Some(found) = about(root, name)? {
        check(&found)?;
        alone(&found)?;
    }
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    let file = careful(&mut options).open(root.join(name))?;
    let found = file.metadata()?;
    check(&found)?;
    alone(&found)?;
    Ok(file)
}

/// Begins the plain file at `path` anew, under no other name.
///
/// # Errors
/// As [`update`], but for second names, which keep what they have.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    match fs::symlink_metadata(path) {
        Ok(found) => {
            check(&found)?;
            fs::remove_file(path)?;
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => return Err(e),
    }
    File::create_new(path)
}

/// Makes the folders of `name` below `root`, and gives those that were not there, the outermost first.
///
/// # Errors
/// As [`about`].
pub(crate) fn make_folder(root: &Path, name: &Path) -> io::Result<Vec<PathBuf>> {
    let mut path = root.to_owned();
    let mut made = Vec::new();
    for part in name.components() {
        path.push(part);
        match fs::create_dir(&path) {
            Ok(()) => made.push(path.clone()),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                if !fs::symlink_metadata(&path)?.is_dir() {
                    let reason = "a link or a file is in the way of a folder";
                    return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
                }
            }
            Err(e) => return Err(e),
        }
    }
    Ok(made)
}

fn check(found: &Metadata) -> io::Result<()> {
    let kind = found.file_type();
    if kind.is_file() {
        return Ok(());
    }
    let what = if kind.is_symlink() {
        "it is a link, which is not followed: a run directory holds plain files"
    } else if kind.is_dir() {
        "it is a folder"
    } else {
        "it is no plain file but a pipe or a device"
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, what))
}

#[cfg(unix)]
fn alone(found: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    if found.nlink() <= 1 {
        return Ok(());
    }
    let what = "it has a second name (a hard link), which would be changed too: copy the folder without links";
    Err(io::Error::new(io::ErrorKind::InvalidInput, what))
}

#[cfg(not(unix))]
fn alone(_: &Metadata) -> io::Result<()> {
    Ok(())
}

/// Opening follows no link and waits for nobody.
#[cfg(unix)]
fn careful(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
}

#[cfg(not(unix))]
fn careful(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// What lies in a folder, by name.
pub(crate) fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, ReportError> {
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

//! The picture of `measure --plot`: it takes the place of nothing but an earlier one.

use std::ffi::OsString;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use super::error::CliError;
use super::out_file::OutFile;
use crate::point_file;

/// What says that a PNG file is a plot of ours, as a chunk of text.
const MARK: &[u8] = b"tEXtSoftware\0ratioflow measure";

/// Signature and header, which come first in every PNG file.
const HEAD: usize = 33;

/// Refuses a place for the plot where something is that is not ours: before anything is measured.
///
/// # Errors
/// [`CliError`] that names the file and the remedy.
pub(super) fn check<'a>(
    path: &Path,
    inputs: impl Iterator<Item = &'a OsString>,
    force: bool,
) -> Result<(), CliError> {
    let file = out_file(path);
    let refuse = |reason| Err(file.refusal(reason));
    if file.there()?.is_none() {
        return Ok(());
    }
    for input in inputs {
        let named = point_file::path_of(input);
        if same(path, Path::new(input)) || same(path, &named) {
            return refuse("it is the file to be measured; name another");
        }
    }
    if force || is_plot(path) {
        return Ok(());
    }
    refuse("it is there already and no earlier plot; name another file, or replace it with --force")
}

/// Whether two paths lead to one file, by whatever names.
fn same(a: &Path, b: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let id = |path: &Path| {
            fs::metadata(path)
                .map(|about| (about.dev(), about.ino()))
                .ok()
        };
        id(a).is_some() && id(a) == id(b)
    }
    #[cfg(not(unix))]
    {
        let whole = |path: &Path| fs::canonicalize(path).ok();
        whole(a).is_some() && whole(a) == whole(b)
    }
}

fn is_plot(path: &Path) -> bool {
    let mut start = vec![0; HEAD + 4 + MARK.len()];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start.ends_with(MARK)
}

/// Writes the PNG file `bytes`, marked as a plot, as a whole or not at all.
///
/// # Errors
/// [`CliError`] naming the file.
pub(super) fn save(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let (head, rest) = bytes.split_at(HEAD.min(bytes.len()));
    let mut sum = flate2::Crc::new();
    sum.update(MARK);
    // The length is that of the text, without the name of the chunk.
    let length = (MARK.len() - 4) as u32;
    let (length, sum) = (length.to_be_bytes(), sum.sum().to_be_bytes());
    out_file(path).write(&[head, &length, MARK, &sum, rest])
}

fn out_file(path: &Path) -> OutFile<'_> {
    OutFile {
        option: "--plot",
        path,
    }
}

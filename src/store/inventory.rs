//! What of a run directory is ours: every path is noted in the lock file before it is made, and only what is noted is removed.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _, Seek, SeekFrom, Write as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::lock::LOCK;
use super::plain;

/// First line of a lock file that holds the list; one without is of an older version.
const HEAD: &str = "ratioflow files 1\n";

/// Longest list that is read, in bytes.
const LONGEST: u64 = 16 << 20;

/// The list of a directory that is locked. A line each, as JSON strings; those that end in `/` are run directories themselves.
#[derive(Debug)]
pub(super) struct Inventory(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    /// Held locked; closing it lets go.
    lock: File,
    names: BTreeSet<String>,
    /// Whether the file holds just these, in their order.
    in_order: bool,
}

impl Inventory {
    /// The list in the file `lock`, which this process holds.
    pub(super) fn new(mut lock: File) -> io::Result<Self> {
        let names = parse(&mut lock)?.unwrap_or_default();
        Ok(Self(Mutex::new(Inner {
            lock,
            names,
            in_order: false,
        })))
    }

    /// The list in `folder`, whoever holds it; `None` if there is none.
    pub(super) fn of(folder: &Path) -> Option<BTreeSet<String>> {
        let mut lock = plain::open(folder, LOCK, LONGEST).ok()?;
        parse(&mut lock).ok()?
    }

    /// What is noted.
    pub(super) fn names(&self) -> BTreeSet<String> {
        self.inner().names.clone()
    }

    /// Whether `name` is noted.
    pub(super) fn holds(&self, name: &str) -> bool {
        self.inner().names.contains(name)
    }

    /// Notes that `name` is ours, before it is made.
    pub(super) fn note(&self, name: &str) -> io::Result<()> {
        let mut inner = self.inner();
        if inner.names.contains(name) {
            return Ok(());
        }
        let mut line = String::new();
        if inner.names.is_empty() {
            // Also over what an older version has left.
            inner.lock.set_len(0)?;
            line.push_str(HEAD);
        }
        line.push_str(&quoted(name));
        inner.lock.seek(SeekFrom::End(0))?;
        inner.lock.write_all(line.as_bytes())?;
        inner.names.insert(name.to_owned());
        inner.in_order = false;
        Ok(())
    }

    /// Brings the list in order and takes out what is not there any more, so that equal directories have equal lists.
    pub(super) fn settle(&self, folder: &Path) -> io::Result<()> {
        let mut inner = self.inner();
        let there = |name: &String| {
            let bare = name.strip_suffix('/').unwrap_or(name);
            !matches!(plain::about(folder, bare), Ok(None))
        };
        let count = inner.names.len();
        inner.names.retain(there);
        if inner.in_order && inner.names.len() == count {
            return Ok(());
        }
        let mut text = String::new();
        if !inner.names.is_empty() {
            text.push_str(HEAD);
        }
        text.extend(inner.names.iter().map(|name| quoted(name)));
        let (length, before) = (text.len() as u64, inner.lock.metadata()?.len());
        // Empty lines over the rest: whoever is killed before the end is cut off leaves no half names.
        text.extend((length..before).map(|_| '\n'));
        inner.lock.rewind()?;
        inner.lock.write_all(text.as_bytes())?;
        inner.lock.set_len(length)?;
        inner.in_order = true;
        Ok(())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn quoted(name: &str) -> String {
    format!("{}\n", serde_json::Value::from(name))
}

/// The names in a lock file. A line that was cut off names nothing that was made.
fn parse(lock: &mut File) -> io::Result<Option<BTreeSet<String>>> {
    let mut bytes = Vec::new();
    lock.rewind()?;
    lock.take(LONGEST).read_to_end(&mut bytes)?;
    let Some(list) = bytes.strip_prefix(HEAD.as_bytes()) else {
        return Ok(None);
    };
    let lines = list.split_inclusive(|&byte| byte == b'\n');
    let whole = lines.filter(|line| line.ends_with(b"\n"));
    let names = whole.filter_map(|line| serde_json::from_slice::<String>(line).ok());
    Ok(Some(names.filter(|name| plain::leads_down(name)).collect()))
}

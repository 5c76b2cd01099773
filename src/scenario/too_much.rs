//! What there is of memory, disk and files, and what is said where a run would need more.

use std::fmt;

/// What there is to spare, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Available {
    /// Memory.
    pub memory: u64,
    /// Space on the disk of the run directory.
    pub disk: u64,
    /// Files that can be open at once: a number, and no bytes.
    pub files: u64,
}

/// What there can be too little of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Memory.
    Memory,
    /// Space on the disk.
    Disk,
    /// Open files.
    Files,
}

/// A run would need more than there is.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("this needs about {} of {resource}, and {} are free: {} {key}", Amount(*needed, *resource), Amount(*free, *resource), way(key))]
pub struct TooMuch {
    /// Of what.
    pub resource: Resource,
    /// How much is needed: bytes, or a number of files.
    pub needed: f64,
    /// How much there is.
    pub free: f64,
    /// The key that most of them come from.
    pub key: String,
}

/// Which way a key goes that asks for less: rows become fewer where they are further apart.
fn way(key: &str) -> &'static str {
    if key.ends_with("every") {
        "raise"
    } else {
        "lower"
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Disk => "disk space",
            Self::Files => "files that may be open at once",
        })
    }
}

/// How much of something, for people.
struct Amount(f64, Resource);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.1 == Resource::Files {
            return write!(f, "{:.0}", self.0);
        }
        let units = [(1e18, "EB"), (1e15, "PB"), (1e12, "TB"), (1e9, "GB")];
        let unit = units.into_iter().find(|(size, _)| self.0 >= *size);
        let (size, name) = unit.unwrap_or((1e6, "MB"));
        let amount = self.0 / size;
        write!(f, "{amount:.*} {name}", usize::from(amount < 10.0))
    }
}

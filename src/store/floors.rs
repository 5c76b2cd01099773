//! Floors that were drawn before: in memory for the runs of one process, and in a folder for those of others.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use ndarray::Array1;
use sha2::{Digest, Sha256};

use super::checkpoint::{Checkpoint, Fingerprint};
use super::names::hex;
use super::plain;
use crate::experiment::{Draws, FloorKeeper, FloorKey};

/// Files that a folder holds at most, of about 20 kB each, and their bytes together: the oldest make room.
const MOST: usize = 512;
const MOST_BYTES: u64 = 1 << 26;
const SUFFIX: &str = ".floors";
/// The longest file that is read, and so the longest that is written.
const LONGEST: u64 = 1 << 24;
/// What a file has beside its values, at most.
const HEAD: u64 = 1 << 14;

/// How many files this process has begun.
static DRAFTS: AtomicU64 = AtomicU64::new(0);

/// Keeps floors under a hash of all that they depend on: target, measures, sizes, seed and samples, and this very program on this kind of processor. A
/// file that cannot be read, is damaged, or is of something else, is as good as none.
#[derive(Debug, Default)]
pub struct FloorStore {
    folder: Option<PathBuf>,
    known: Mutex<HashMap<[u8; 32], [Draws; 2]>>,
}

impl FloorStore {
    /// Keeps them in `folder` too, which need not exist.
    #[must_use]
    pub fn at(folder: PathBuf) -> Self {
        Self {
            folder: Some(folder),
            ..Self::default()
        }
    }

    /// The file of a hash.
    fn name(hash: &[u8; 32]) -> String {
        hex(hash) + SUFFIX
    }

    fn read(&self, hash: [u8; 32]) -> Option<[Draws; 2]> {
        let bytes = plain::read(self.folder.as_ref()?, &Self::name(&hash), LONGEST).ok()?;
        let checkpoint = Checkpoint::decode(&bytes).ok()?;
        (checkpoint.scenario == Fingerprint::from_hash(hash)).then_some(())?;
        let gauge = |which: usize| {
            let points = *checkpoint.numbers.get(&which.to_string())? as usize;
            let own = checkpoint.arrays.iter().filter_map(|(name, values)| {
                let (gauge, name) = name.split_once(' ')?;
                let values = || values.iter().copied().collect();
                (gauge == which.to_string()).then(|| (name.to_owned(), values()))
            });
            let measures = own.collect();
            Some(Draws { points, measures })
        };
        Some([gauge(0)?, gauge(1)?])
    }

    /// Writes the file beside its place first: other threads and processes may be at it too.
    fn write(folder: &Path, hash: [u8; 32], draws: &[Draws; 2]) -> io::Result<()> {
        let values = draws.iter().flat_map(|gauge| gauge.measures.values());
        if values.map(|values| 8 * values.len() as u64).sum::<u64>() + HEAD > LONGEST {
            return Ok(());
        }
        let mut checkpoint = Checkpoint::new(Fingerprint::from_hash(hash));
        for (which, gauge) in draws.iter().enumerate() {
            let points = gauge.points as u64;
            checkpoint.numbers.insert(which.to_string(), points);
            for (name, values) in &gauge.measures {
                let values = Array1::from(values.clone()).into_dyn();
                checkpoint.arrays.insert(format!("{which} {name}"), values);
            }
        }
        fs::create_dir_all(folder)?;
        if fs::symlink_metadata(folder)?.is_symlink() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let name = Self::name(&hash);
        let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
        let draft = folder.join(format!("{}-{number}-{name}", std::process::id()));
        let written = plain::create(&draft)
            .and_then(|mut file| file.write_all(&checkpoint.encode()))
            .and_then(|()| fs::rename(&draft, folder.join(name)));
        if written.is_err() {
            let _ = fs::remove_file(&draft);
        }
        written.and_then(|()| Self::make_room(folder))
    }

    /// Removes the oldest of our files where there are too many or too long ones, drafts of killed processes among them.
    fn make_room(folder: &Path) -> io::Result<()> {
        let mut ours: Vec<(SystemTime, PathBuf, u64)> = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let about = entry.metadata()?;
            if about.is_file() && entry.file_name().to_string_lossy().ends_with(SUFFIX) {
                ours.push((about.modified()?, entry.path(), about.len()));
            }
        }
        ours.sort();
        let mut bytes: u64 = ours.iter().map(|(_, _, length)| length).sum();
        for (place, (_, path, length)) in ours.iter().enumerate() {
            if ours.len() - place <= MOST && bytes <= MOST_BYTES {
                break;
            }
            fs::remove_file(path)?;
            bytes -= length;
        }
        Ok(())
    }
}

/// The hash of all that floors depend on.
fn hash(key: &FloorKey<'_>) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(program());
    hash.update(&key.settings);
    for sample in &key.samples {
        hash.update((sample.nrows() as u64).to_le_bytes());
        for value in sample {
            hash.update(value.to_le_bytes());
        }
    }
    hash.finalize().into()
}

/// Version and build of the program, and the kind of processor: last digits differ between them.
fn program() -> String {
    let built = std::env::current_exe().and_then(fs::metadata);
    let built = built.and_then(|about| Ok((about.len(), about.modified()?)));
    #[cfg(target_arch = "x86_64")]
    let vectors = [
        std::is_x86_feature_detected!("avx512f"),
        std::is_x86_feature_detected!("avx2"),
        std::is_x86_feature_detected!("fma"),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let vectors = [false; 3];
    format!(
        "{} {} {vectors:?} {:?}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH,
        built.ok()
    )
}

impl FloorKeeper for FloorStore {
    fn find(&self, of: &FloorKey<'_>) -> Option<[Draws; 2]> {
        let hash = hash(of);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(&hash).cloned();
        drop(known);
        found.or_else(|| self.read(hash))
    }

    fn keep(&self, of: &FloorKey<'_>, draws: &[Draws; 2]) {
        let hash = hash(of);
        if let Some(folder) = &self.folder {
            // A cache that cannot be written costs time, and nothing else.
            let _ = Self::write(folder, hash, draws);
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(hash, draws.clone());
    }
}

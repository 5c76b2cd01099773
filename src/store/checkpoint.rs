//! What a run needs to go on after an interruption, in a file that knows when it is damaged.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use ndarray::{ArrayD, IxDyn};
use sha2::{Digest, Sha256};

use super::atomic::AtomicFile;
use super::directory::RunDirectory;
use super::error::ReportError;
use super::names::{CHECKPOINT, INPUTS, OLDER_CHECKPOINT};
use super::plain::{self, entries};

/// First bytes of the file.
const MAGIC: &[u8; 16] = b"ratioflow state\n";

/// Version of the layout.
const VERSION: u32 = 2;

/// The SHA-256 of the scenario as it is run; a checkpoint fits no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of the resolved scenario's text.
    #[must_use]
    pub fn of(scenario: &str) -> Self {
        Self(Sha256::digest(scenario.as_bytes()).into())
    }

    /// That of something else than a scenario, by its SHA-256.
    pub(crate) fn from_hash(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// The same with the copies of the files that it reads, in the run directory `folder`.
    ///
    /// # Errors
    /// [`ReportError::Io`] if one cannot be read.
    pub(crate) fn of_run(folder: &Path, scenario: &str) -> Result<Self, ReportError> {
        let mut hash = Sha256::new_with_prefix(scenario.as_bytes());
        for path in inputs(folder)? {
            let bytes = plain::read(folder, &path, plain::TEXT)
                .map_err(|e| ReportError::io("read", &folder.join(&path), e))?;
            hash.update(Sha256::digest(bytes));
        }
        Ok(Self(hash.finalize().into()))
    }
}

/// The state of a run, as named numbers and arrays.
///
/// The file: `ratioflow state\n`, version (`u32`), the scenario's [`Fingerprint`], then the numbers (how many;
/// each: length of its name, name, number), the arrays (how many; each: length of its name, name, number of
/// axes, their lengths, values as `f64`), and the SHA-256 of all that. Whole numbers are `u64`; everything is
/// little-endian, in order of name.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// What it is a state of.
    pub scenario: Fingerprint,
    /// Counters.
    pub numbers: BTreeMap<String, u64>,
    /// Values of any shape, kept bit by bit.
    pub arrays: BTreeMap<String, ArrayD<f64>>,
}

/// Why bytes are no checkpoint that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It does not begin as ours do.
    #[error("it is no checkpoint of ratioflow")]
    Foreign,
    /// It has another layout.
    #[error("it has version {0} of the layout, and this program reads version {VERSION}")]
    Version(u32),
    /// It was cut short or changed.
    #[error("it is damaged: its checksum does not agree")]
    Checksum,
    /// It carries a right checksum over what makes no sense.
    #[error("it is malformed")]
    Malformed,
    /// It belongs to a run of something else.
    #[error("it belongs to another scenario than the `scenario.toml` and `inputs` beside it")]
    OtherScenario,
}

/// A checkpoint that was read back.
#[derive(Debug)]
pub struct Restored {
    /// The newest one that could be used.
    pub checkpoint: Checkpoint,
    /// Said if that was not the newest one written.
    pub warning: Option<String>,
}

impl Checkpoint {
    /// A checkpoint with nothing in it yet.
    #[must_use]
    pub fn new(scenario: Fingerprint) -> Self {
        Self {
            scenario,
            numbers: BTreeMap::new(),
            arrays: BTreeMap::new(),
        }
    }

    /// The bytes of the file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let values: usize = self.arrays.values().map(|array| 8 * array.len()).sum();
        let mut out = Vec::with_capacity(values + 1024);
        out.extend(MAGIC);
        out.extend(VERSION.to_le_bytes());
        out.extend(self.scenario.0);
        out.extend((self.numbers.len() as u64).to_le_bytes());
        for (name, number) in &self.numbers {
            put_name(name, &mut out);
            out.extend(number.to_le_bytes());
        }
        out.extend((self.arrays.len() as u64).to_le_bytes());
        for (name, array) in &self.arrays {
            put_name(name, &mut out);
            out.extend((array.ndim() as u64).to_le_bytes());
            for &length in array.shape() {
                out.extend((length as u64).to_le_bytes());
            }
            for value in array {
                out.extend(value.to_le_bytes());
            }
        }
        let checksum = Sha256::digest(&out);
        out.extend(checksum);
        out
    }

    /// Reads the bytes of a file back. Takes no more memory than they do, whatever they say.
    ///
    /// # Errors
    /// [`Damage`], for anything but what [`encode`](Self::encode) gave.
    pub fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        if !bytes.starts_with(MAGIC) {
            return Err(Damage::Foreign);
        }
        let (body, checksum) = bytes.split_last_chunk::<32>().ok_or(Damage::Checksum)?;
        let mut rest = Rest(body.get(MAGIC.len()..).ok_or(Damage::Checksum)?);
        let version = u32::from_le_bytes(rest.take().map_err(|_| Damage::Checksum)?);
        if version != VERSION {
            return Err(Damage::Version(version));
        }
        if <[u8; 32]>::from(Sha256::digest(body)) != *checksum {
            return Err(Damage::Checksum);
        }
        let mut checkpoint = Self::new(Fingerprint(rest.take()?));
        for _ in 0..rest.u64()? {
            let name = rest.name()?;
            let number = rest.u64()?;
            if checkpoint.numbers.insert(name, number).is_some() {
                return Err(Damage::Malformed);
            }
        }
        for _ in 0..rest.u64()? {
            let name = rest.name()?;
            let array = rest.array()?;
            if checkpoint.arrays.insert(name, array).is_some() {
                return Err(Damage::Malformed);
            }
        }
        if rest.0.is_empty() {
            Ok(checkpoint)
        } else {
            Err(Damage::Malformed)
        }
    }

    /// Writes the checkpoint of a run and keeps the one before. At every instant one of the two is whole.
    ///
    /// # Errors
    /// [`ReportError::Io`] naming the file.
    pub fn save(&self, directory: &RunDirectory) -> Result<(), ReportError> {
        let newer = directory.file(CHECKPOINT)?;
        let mut draft = AtomicFile::new(&newer)?;
        let written = draft.write_all(&self.encode());
        written.map_err(|e| ReportError::io("write", &newer, e))?;
        // On the disk before the older one is given up.
        draft.sync()?;
        match fs::rename(&newer, directory.file(OLDER_CHECKPOINT)?) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(ReportError::io("replace", &newer, e));
            }
            _ => {}
        }
        draft.commit()
    }

    /// Removes the checkpoints of a run that has ended, all but the last if that is to stay.
    pub(crate) fn retire(directory: &RunDirectory, keep_last: bool) -> Result<(), ReportError> {
        directory.remove(OLDER_CHECKPOINT)?;
        if keep_last {
            return Ok(());
        }
        directory.remove(CHECKPOINT)
    }

    /// As [`load`](Self::load), for a checkpoint that `accept` has nothing against; `None` if none was written yet.
    pub(crate) fn load_if(
        folder: &Path,
        scenario: Fingerprint,
        accept: &dyn Fn(&Self) -> Result<(), String>,
    ) -> Result<Option<Restored>, ReportError> {
        let written =
            [CHECKPOINT, OLDER_CHECKPOINT].map(|name| folder.join(name).symlink_metadata().is_ok());
        if written == [false; 2] {
            return Ok(None);
        }
        Self::newest(folder, scenario, accept).map(Some)
    }

    /// Reads the newest checkpoint in the run directory `folder` that is whole and belongs to `scenario`.
    ///
    /// # Errors
    /// [`ReportError::NoCheckpoint`] if there is none, saying what is wrong with each.
    pub fn load(folder: &Path, scenario: Fingerprint) -> Result<Restored, ReportError> {
        Self::newest(folder, scenario, &|_| Ok(()))
    }

    fn newest(
        folder: &Path,
        scenario: Fingerprint,
        accept: &dyn Fn(&Self) -> Result<(), String>,
    ) -> Result<Restored, ReportError> {
        let mut troubles = Vec::new();
        for name in [CHECKPOINT, OLDER_CHECKPOINT] {
            let read = read(folder, name, scenario);
            match read.and_then(|checkpoint| accept(&checkpoint).map(|()| checkpoint)) {
                Ok(checkpoint) => {
                    let warning = troubles.pop().map(|trouble| {
                        format!("{trouble}; going on from the one before, `{name}`")
                    });
                    return Ok(Restored {
                        checkpoint,
                        warning,
                    });
                }
                Err(trouble) => troubles.push(format!("`{name}` cannot be used: {trouble}")),
            }
        }
        Err(ReportError::NoCheckpoint {
            path: folder.to_owned(),
            reason: troubles.join("; "),
        })
    }
}

fn read(folder: &Path, name: &str, scenario: Fingerprint) -> Result<Checkpoint, String> {
    let bytes = plain::read(folder, name, plain::STATE).map_err(|e| e.to_string())?;
    let checkpoint = Checkpoint::decode(&bytes).map_err(|e| e.to_string())?;
    if checkpoint.scenario != scenario {
        return Err(Damage::OtherScenario.to_string());
    }
    Ok(checkpoint)
}

/// The plain files in the folder `inputs` of a run, by name.
fn inputs(folder: &Path) -> Result<Vec<String>, ReportError> {
    if !plain::is_folder(folder, INPUTS) {
        return Ok(Vec::new());
    }
    let found = entries(&folder.join(INPUTS))?.into_iter();
    let mut names: Vec<String> = found.map(|(name, _)| format!("{INPUTS}/{name}")).collect();
    names.retain(|name| plain::is_file(folder, name));
    names.sort();
    Ok(names)
}

fn put_name(name: &str, out: &mut Vec<u8>) {
    out.extend((name.len() as u64).to_le_bytes());
    out.extend(name.as_bytes());
}

/// Bytes not read yet. Every length is held against them before anything is allocated.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let (first, rest) = self.0.split_first_chunk().ok_or(Damage::Malformed)?;
        self.0 = rest;
        Ok(*first)
    }

    fn u64(&mut self) -> Result<u64, Damage> {
        self.take().map(u64::from_le_bytes)
    }

    fn bytes(&mut self, count: usize) -> Result<&'a [u8], Damage> {
        let (first, rest) = self.0.split_at_checked(count).ok_or(Damage::Malformed)?;
        self.0 = rest;
        Ok(first)
    }

    fn length(&mut self) -> Result<usize, Damage> {
        usize::try_from(self.u64()?).map_err(|_| Damage::Malformed)
    }

    fn name(&mut self) -> Result<String, Damage> {
        let length = self.length()?;
        let name = std::str::from_utf8(self.bytes(length)?).map_err(|_| Damage::Malformed)?;
        Ok(name.to_owned())
    }

    fn array(&mut self) -> Result<ArrayD<f64>, Damage> {
        let axes = self.length()?;
        if axes > self.0.len() / 8 {
            return Err(Damage::Malformed);
        }
        let shape = (0..axes)
            .map(|_| self.length())
            .collect::<Result<Vec<_>, _>>()?;
        let size = shape
            .iter()
            .try_fold(8_usize, |size, &length| size.checked_mul(length))
            .ok_or(Damage::Malformed)?;
        let (words, _) = self.bytes(size)?.as_chunks::<8>();
        let values = words.iter().map(|&word| f64::from_le_bytes(word)).collect();
        ArrayD::from_shape_vec(IxDyn(&shape), values).map_err(|_| Damage::Malformed)
    }
}

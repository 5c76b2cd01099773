//! What a plan holds: `sweep.json`, what all tasks share, and `tasks.json`, a line a task.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::error::SweepError;
use crate::generator::GeneratorSpec;
use crate::scenario::{Document, Scenario, ScenarioError};
use crate::store::{FloorStore, ReportError, RunDirectory, hex, plain};
use crate::target::{Files, Folder};

pub(super) const HEAD: &str = "sweep.json";
pub(super) const TASKS: &str = "tasks.json";
/// Folder of the files that scenarios read.
pub(super) const INPUTS: &str = "inputs";
/// Folder of the floors that tasks share.
const FLOORS: &str = "floors";
/// Version of the form of both files.
pub(super) const FORM: u32 = 1;
/// Hexadecimal digits of the name of a task: 80 bits, of which ten million do not meet.
const DIGITS: usize = 20;

/// What all tasks share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) form: u32,
    pub(super) version: String,
    pub(super) scenario: String,
    /// What errors call the file of the scenario.
    pub(super) label: String,
    pub(super) text: String,
    pub(super) set: Vec<(String, Value)>,
    /// The keys that vary, in the order of the columns.
    pub(super) keys: Vec<String>,
    pub(super) record: bool,
    pub(super) tasks: u64,
    /// Bytes of memory of the largest task.
    pub(super) memory: u64,
    /// The files that scenarios read, each with its copy in [`INPUTS`].
    pub(super) inputs: BTreeMap<String, String>,
    pub(super) sha256: String,
}

/// One run of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its place in the plan, from 0.
    pub index: u64,
    /// Hash of the resolved scenario and of the files that it reads: the same run has the same name in any sweep.
    pub id: String,
    /// Its seed.
    pub seed: u64,
    /// The keys that vary, and what they are set to.
    pub settings: BTreeMap<String, Value>,
}

/// A planned sweep.
#[derive(Clone, Debug)]
pub struct Sweep {
    pub(super) folder: PathBuf,
    pub(super) head: Head,
    /// The scenario with what all tasks share.
    base: Document,
    /// Tasks of one target and seed share their floors.
    pub(super) floors: Option<Arc<FloorStore>>,
}

impl Sweep {
    /// Opens the sweep in `folder`. Nothing is locked: any number of processes may work on one.
    ///
    /// # Errors
    /// [`SweepError::NotPlanned`] if none was planned there, [`SweepError::Plan`] if one was by another version.
    pub fn open(folder: &Path) -> Result<Self, SweepError> {
        let refuse = |reason: String| SweepError::Plan {
            path: folder.to_owned(),
            reason,
        };
        let text = plain::text(folder, HEAD).map_err(|cause| SweepError::NotPlanned {
            path: folder.to_owned(),
            reason: format!(
                "no sweep was planned here: `{HEAD}` cannot be read: {cause}; plan one with `ratioflow sweep plan`"
            ),
        })?;
        // Asked first: another version may have another form.
        let any: Value = serde_json::from_str(&text)
            .map_err(|cause| refuse(format!("`{HEAD}` is not one of ours: {cause}")))?;
        if let Some(reason) = other_version(&any) {
            return Err(refuse(reason));
        }
        let head: Head = serde_json::from_value(any)
            .map_err(|cause| refuse(format!("`{HEAD}` is not one of ours: {cause}")))?;
        let mut base = begin(&head.label, &head.text)?;
        for (key, value) in &head.set {
            base.assign_json(key, value)?;
        }
        Ok(Self {
            floors: Some(Arc::new(FloorStore::at(folder.join(FLOORS)))),
            folder: folder.to_owned(),
            head,
            base,
        })
    }

    /// The same sweep, with each task drawing its own floors.
    #[must_use]
    pub fn without_cache(mut self, wanted: bool) -> Self {
        if wanted {
            self.floors = None;
        }
        self
    }

    /// Name of the scenario.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.head.scenario
    }

    /// Where it was planned.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Number of tasks.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.head.tasks
    }

    /// Bytes of memory that the largest task needs.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.head.memory
    }

    /// All tasks, in their order, without holding more than one of them.
    ///
    /// # Errors
    /// [`SweepError`] if `tasks.json` cannot be read; each item, if its line is no task.
    pub fn tasks(&self) -> Result<impl Iterator<Item = Result<Task, SweepError>> + '_, SweepError> {
        let lines = BufReader::new(self.list()?).lines();
        // What is missing at the end is a line that is no task.
        let lines = lines.skip(1).chain(std::iter::once(Ok(String::new())));
        let lines = (0..self.head.tasks).zip(lines);
        let tasks = lines
            .map(|(index, line)| self.task(&line.map_err(|cause| self.io(cause))?, Some(index)));
        // Behind the last, so that a line that is no task is named first.
        let changed = std::iter::once_with(|| self.unchanged().err()).flatten();
        Ok(tasks.chain(changed.map(Err)))
    }

    /// Whether the list and what all tasks share are those that were planned: what is done already is not worked out again, and would stand beside other
    /// settings.
    fn unchanged(&self) -> Result<(), SweepError> {
        let mut hash = Hashing(Sha256::new());
        io::copy(&mut self.list()?, &mut hash).map_err(|cause| self.io(cause))?;
        if hex(&hash.0.finalize()) != self.head.sha256 {
            return Err(SweepError::Plan {
                path: self.folder.join(TASKS),
                reason: "it was changed: plan the same sweep into this folder again, which puts it right".to_owned(),
            });
        }
        let first = self.chunk(0, 1)?;
        match first.iter().try_for_each(|task| self.scenario(task).map(drop)) {
            // Results can be collected where the files that scenarios read are gone.
            Err(SweepError::Report(_)) => Ok(()),
            found => found,
        }
    }

    /// The tasks from number `first` on, `count` of them or as many as there are.
    ///
    /// # Errors
    /// [`SweepError::Usage`] if there is no task `first`; [`SweepError`] as for [`tasks`](Self::tasks).
    pub fn chunk(&self, first: u64, count: u64) -> Result<Vec<Task>, SweepError> {
        let all = self.head.tasks;
        if first >= all {
            return Err(SweepError::Usage(format!(
                "there is no task {first}: {} has {all} tasks, counted from 0; with `--chunk N` the index counts chunks",
                self.folder.display()
            )));
        }
        // Only the lines that are wanted are taken apart.
        let mut list = BufReader::new(self.list()?);
        for _ in 0..=first {
            list.skip_until(b'\n').map_err(|cause| self.io(cause))?;
        }
        let count = count.min(all - first);
        let mut tasks = Vec::new();
        let lines = list.lines().chain(std::iter::once(Ok(String::new())));
        for (index, line) in (first..first + count).zip(lines) {
            tasks.push(self.task(&line.map_err(|cause| self.io(cause))?, Some(index))?);
        }
        Ok(tasks)
    }

    /// The task called `id`.
    ///
    /// # Errors
    /// [`SweepError::Usage`] if there is none; [`SweepError`] as for [`tasks`](Self::tasks).
    pub fn named(&self, id: &str) -> Result<Task, SweepError> {
        let part = format!("\"id\":{}", Value::from(id));
        for line in BufReader::new(self.list()?).lines() {
            let line = line.map_err(|cause| self.io(cause))?;
            if line.contains(&part) {
                return self.task(&line, None);
            }
        }
        Err(SweepError::Usage(format!(
            "there is no task called `{id}` in {}: `{TASKS}` there lists them all",
            self.folder.display()
        )))
    }

    fn list(&self) -> Result<File, SweepError> {
        let mut file =
            plain::open(&self.folder, TASKS, u64::MAX).map_err(|cause| self.io(cause))?;
        file.rewind().map_err(|cause| self.io(cause))?;
        Ok(file)
    }

    fn io(&self, cause: io::Error) -> SweepError {
        ReportError::io("read", &self.folder.join(TASKS), cause).into()
    }

    /// The task of a line, which is that with the number `index` if one is expected.
    fn task(&self, line: &str, index: Option<u64>) -> Result<Task, SweepError> {
        let place = index.map_or("a line".to_owned(), |index| format!("line {}", index + 2));
        let refuse = |what: String| SweepError::Plan {
            path: self.folder.join(TASKS),
            reason: format!(
                "{place} {what}; it was changed: plan the same sweep into this folder again, which puts it right"
            ),
        };
        let task: Task = serde_json::from_str(line.trim_end_matches(','))
            .map_err(|cause| refuse(format!("is no task ({cause})")))?;
        match index.filter(|index| *index != task.index) {
            Some(index) => Err(refuse(format!(
                "holds task {}, and not {index}",
                task.index
            ))),
            None => Ok(task),
        }
    }

    /// The scenario of a task.
    ///
    /// # Errors
    /// [`SweepError::Plan`] if it is not what was planned.
    pub(super) fn scenario(&self, task: &Task) -> Result<Scenario, SweepError> {
        let mut own = self.base.clone();
        for (key, value) in &task.settings {
            own.assign_json(key, value)?;
        }
        let mut scenario: Scenario = own.read()?;
        let digest = digest_of(&scenario);
        scenario.seed = task.seed;
        let files = self.files();
        let inputs = fingerprints(&scenario, &Prints::new(&files)).map_err(|(name, cause)| {
            let copy = self.head.inputs.get(&name).unwrap_or(&name);
            ReportError::io("read", &self.folder.join(INPUTS).join(copy), cause)
        })?;
        if id_of(&digest, task.seed, &inputs) == task.id {
            return Ok(scenario);
        }
        Err(SweepError::Plan {
            path: self.folder.clone(),
            reason: format!(
                "task {} is called {}, and its settings come to another run: `{TASKS}`, `{HEAD}`, `{INPUTS}` or the task itself was changed; plan the sweep anew into another folder",
                task.index, task.id
            ),
        })
    }

    /// Where the files of the scenarios are.
    pub(super) fn files(&self) -> Kept {
        Kept {
            folder: Folder(self.folder.join(INPUTS)),
            names: self.head.inputs.clone(),
        }
    }

    /// The folder of a task, below that of the sweep.
    pub(super) fn folder_of(id: &str) -> String {
        let short = id.get(..2).unwrap_or(id);
        format!("runs/{short}/{id}")
    }
}

/// Why a plan cannot be used by this version, if another one made it.
pub(super) fn other_version(head: &Value) -> Option<String> {
    let (version, own) = (head["version"].as_str(), env!("CARGO_PKG_VERSION"));
    let is_ours = version == Some(own) && head["form"] == FORM;
    (!is_ours).then(|| {
        format!(
            "version {} planned this sweep, and this is {own}, whose results may differ in the last digits: go on with that version, or plan anew into another folder",
            version.unwrap_or("?")
        )
    })
}

/// Locks the folder of a sweep, new or old.
pub(super) fn take(folder: &Path) -> Result<RunDirectory, SweepError> {
    RunDirectory::take(folder).map_err(|error| match error {
        ReportError::Occupied { .. } if plain::is_file(folder, HEAD) => SweepError::Plan {
            path: folder.to_owned(),
            reason: "a sweep lies here, and its `.lock`, which lists the files that may be replaced, was lost: copy the folder again with its hidden files, or plan the same sweep into a new folder and move `runs` there, which keeps what is done".to_owned(),
        },
        other => other.into(),
    })
}

/// The scenario as it is before anything is set. Its variants and claims are no matter of a sweep, and pictures are drawn only if they are asked for.
pub(super) fn begin(label: &str, text: &str) -> Result<Document, ScenarioError> {
    let mut document = Document::parse(label, text)?;
    document.remove("variants");
    document.remove("claim");
    document.set("output.frames=0")?;
    Ok(document)
}

/// The copies of files that a plan holds.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    folder: Folder,
    names: BTreeMap<String, String>,
}

impl Files for Kept {
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let copy = self.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        self.folder.read(copy)
    }
}

/// Hash of a resolved scenario but for its seed.
pub(super) fn digest_of(scenario: &Scenario) -> [u8; 32] {
    let mut hash = Hashing(Sha256::new());
    let mut scenario = scenario.clone();
    scenario.seed = 0;
    // A scenario consists of tables, numbers and texts, and the hash takes all.
    let _ = serde_json::to_writer(&mut hash, &scenario);
    hash.0.finalize().into()
}

/// The names of the files that a scenario reads.
pub(super) fn files_of(scenario: &Scenario) -> impl Iterator<Item = &str> {
    let specs = [&scenario.target, &scenario.source].into_iter();
    let generator = scenario.generator.iter().filter_map(GeneratorSpec::file);
    specs.flat_map(|spec| spec.files()).chain(generator)
}

/// Hashes of files, each of which is read once.
pub(super) struct Prints<'a> {
    files: &'a (dyn Files + Sync),
    known: Mutex<BTreeMap<String, [u8; 32]>>,
}

impl<'a> Prints<'a> {
    pub(super) fn new(files: &'a (dyn Files + Sync)) -> Self {
        Self {
            files,
            known: Mutex::default(),
        }
    }

    fn of(&self, name: &str) -> io::Result<[u8; 32]> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(print) = known.get(name) {
            return Ok(*print);
        }
        let print = Sha256::digest(self.files.read(name)?).into();
        known.insert(name.to_owned(), print);
        Ok(print)
    }
}

/// Hashes of the files that a scenario reads; an error names the file.
pub(super) fn fingerprints(
    scenario: &Scenario,
    prints: &Prints<'_>,
) -> Result<Vec<[u8; 32]>, (String, io::Error)> {
    let each = files_of(scenario);
    each.map(|name| prints.of(name).map_err(|cause| (name.to_owned(), cause)))
        .collect()
}

/// The name of a task.
pub(super) fn id_of(digest: &[u8; 32], seed: u64, inputs: &[[u8; 32]]) -> String {
    let mut hash = Sha256::new();
    hash.update(digest);
    hash.update(seed.to_le_bytes());
    for input in inputs {
        hash.update(input);
    }
    let mut id = hex(&hash.finalize());
    id.truncate(DIGITS);
    id
}

/// A hash that is written to.
pub(super) struct Hashing(pub(super) Sha256);

impl io::Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

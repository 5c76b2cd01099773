//! From a grid to a list of tasks: every cell is read, and the values of every axis are tried, before anything is written.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::error::SweepError;
use super::head::{
    FORM, HEAD, Hashing, Head, INPUTS, Prints, TASKS, begin, digest_of, files_of, fingerprints,
    id_of, other_version, take,
};
use crate::experiment::{Cost, Experiment};
use crate::scenario::{Assignment, Axis, Document, Resources, Scenario};
use crate::store::{ReportError, RunDirectory, free_memory, hex, plain};
use crate::target::Files;

/// Most tasks of a sweep.
pub const MOST_TASKS: u64 = 10_000_000;

/// Values of an axis that are tried, half of them from each end.
const TRIED: usize = 64;
/// Cells whose time is estimated, evenly spread, and how long that may take.
const TIMED: usize = 12;
const PATIENCE: Duration = Duration::from_secs(6);
/// Cells that are worked out together: enough for all cores, few enough for the memory.
const TOGETHER: usize = 4096;
/// Bytes on disk of a task that is not recorded: two small files, the list of what is ours, and the folder, each in a block of its own.
const SMALL: f64 = 4.0 * 4096.0;

/// What is to be planned.
pub struct Plan<'a> {
    /// Name of the scenario.
    pub name: String,
    /// What errors call its file.
    pub label: String,
    /// Its text.
    pub text: String,
    /// Where its files come from.
    pub files: &'a (dyn Files + Sync),
    /// What is set in all tasks.
    pub set: Vec<Assignment>,
    /// What varies; the first axis slowest.
    pub axes: Vec<Axis>,
    /// The seeds of each cell; none: the scenario's own.
    pub seeds: Vec<u64>,
    /// Whether each run is recorded in a folder, with its page.
    pub record: bool,
}

/// What a sweep will take.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Number of tasks.
    pub tasks: u64,
    /// Hours of one core for all of them; `None` if the trial of a run failed.
    pub core_hours: Option<f64>,
    /// Bytes of memory of the largest task on one thread.
    pub memory_bytes: u64,
    /// Bytes on disk of all tasks.
    pub disk_bytes: u64,
}

/// A plan that was written.
#[derive(Clone, Copy, Debug)]
pub struct Planned {
    /// What the sweep will take.
    pub estimate: Estimate,
    /// Whether the same plan stood there before.
    pub is_old: bool,
}

/// A cell, read and named.
struct Cell {
    digest: [u8; 32],
    /// Hashes of the files that it reads.
    inputs: Vec<[u8; 32]>,
    files: Vec<String>,
    settings: BTreeMap<String, Value>,
    memory: f64,
    disk: f64,
}

impl Plan<'_> {
    /// Checks everything and writes the plan into `folder`, new or empty; the same plan may be written again.
    ///
    /// # Errors
    /// [`SweepError::Scenario`] for the first key or value that cannot be used, with its place; [`ReportError::Occupied`] if another plan lies in
    /// `folder`; others if it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<Planned, SweepError> {
        let mut base = begin(&self.label, &self.text)?;
        for assignment in &self.set {
            base.assign_to(assignment)?;
        }
        self.check()?;
        let cells = self.cells()?;
        let own: Scenario = self.at(&base, 0)?.read()?;
        let seeds = if self.seeds.is_empty() {
            vec![own.seed]
        } else {
            self.seeds.clone()
        };
        let too_many = cells.checked_mul(seeds.len() as u64);
        let Some(tasks) = too_many.filter(|&tasks| tasks <= MOST_TASKS) else {
            let count = cells as f64 * seeds.len() as f64;
            return Err(SweepError::Usage(format!(
                "the grid has {cells} cells on {} seed{}, {count:.0} tasks: at most {MOST_TASKS} are planned; take fewer values, zip keys that belong together, or plan several sweeps",
                seeds.len(),
                if seeds.len() == 1 { "" } else { "s" }
            )));
        };
        self.try_values(&base)?;
        let directory = take(folder)?;
        let needs = self.write_tasks(&base, cells, &seeds, &directory)?;
        let core_hours = self
            .seconds(&base, cells)
            .map(|seconds| seconds * tasks as f64 / 3600.0);
        let head = Head {
            form: FORM,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            scenario: self.name.clone(),
            label: self.label.clone(),
            text: self.text.clone(),
            set: self
                .set
                .iter()
                .map(|one| (one.key().to_owned(), one.json()))
                .collect(),
            keys: self
                .axes
                .iter()
                .flat_map(Axis::keys)
                .map(str::to_owned)
                .collect(),
            record: self.record,
            tasks,
            memory: needs.memory as u64,
            inputs: needs.inputs,
            sha256: needs.sha256,
        };
        let is_old = settle(folder, &head)?;
        // Of the same plan, what was lost or changed since is put right.
        self.keep_inputs(&head.inputs, &directory)?;
        needs.draft.commit()?;
        if !is_old {
            let text = serde_json::to_string_pretty(&head)
                .map_err(|cause| ReportError::io("write", &folder.join(HEAD), cause.into()))?;
            directory.save(HEAD, |file| writeln!(file, "{text}"))?;
        }
        let estimate = Estimate {
            tasks,
            core_hours,
            memory_bytes: needs.memory as u64,
            disk_bytes: (needs.disk * seeds.len() as f64) as u64,
        };
        Ok(Planned { estimate, is_old })
    }

    /// Refuses keys that stand twice, and a seed among them.
    fn check(&self) -> Result<(), SweepError> {
        let seed = self.set.iter().find(|set| set.key() == "seed");
        if let Some(set) = seed.filter(|_| !self.seeds.is_empty()) {
            return Err(set
                .refuse(
                    &self.label,
                    "a seed is set in all runs, and the sweep has seeds of its own",
                    "take it away, or leave the list of seeds out",
                )
                .into());
        }
        let mut seen = Vec::new();
        for axis in &self.axes {
            for key in axis.keys() {
                let refuse = |message: &str, remedy| {
                    Err(axis.refuse(&self.label, key, message, remedy).into())
                };
                if key == "seed" {
                    return refuse(
                        "the seed is no key of a grid",
                        "seeds stand apart from the grid: `--seeds 1..20`, or `seeds = \"1..20\"` in the file",
                    );
                }
                if seen.contains(&key) {
                    return refuse(
                        &format!("`{key}` varies in two axes of the grid"),
                        "take it away in one of the places, or zip what belongs together",
                    );
                }
                if let Some(set) = self.set.iter().find(|set| set.key() == key) {
                    return Err(axis.refuse_beside(&self.label, set).into());
                }
                seen.push(key);
            }
        }
        Ok(())
    }

    fn cells(&self) -> Result<u64, SweepError> {
        let mut cells = 1_u64;
        for axis in &self.axes {
            cells = cells.checked_mul(axis.points() as u64).ok_or_else(|| {
                SweepError::Usage(format!(
                    "the grid has more cells than can be counted: at most {MOST_TASKS} tasks are planned; take fewer values"
                ))
            })?;
        }
        Ok(cells)
    }

    /// The assignments of a cell in the order of their keys, in which tasks make them too.
    fn assignments(&self, cell: u64) -> Vec<Assignment> {
        let mut rest = cell;
        let mut all = Vec::new();
        for axis in self.axes.iter().rev() {
            let length = axis.points() as u64;
            all.extend(axis.at((rest % length) as usize));
            rest /= length;
        }
        all.sort_by(|a, b| a.key().cmp(b.key()));
        all
    }

    /// The scenario of a cell, as it is written.
    fn at(&self, base: &Document, cell: u64) -> Result<Document, SweepError> {
        let mut own = base.clone();
        for assignment in self.assignments(cell) {
            own.assign_to(&assignment)?;
        }
        Ok(own)
    }

    /// Builds what each axis leads to, the others at their beginning: finds values that can be read and not used.
    fn try_values(&self, base: &Document) -> Result<(), SweepError> {
        let mut wanted = vec![0];
        let mut stride = 1_u64;
        for axis in self.axes.iter().rev() {
            let length = axis.points();
            let ends = (1..length).filter(|&at| at < TRIED / 2 || length - at <= TRIED / 2);
            wanted.extend(ends.map(|at| at as u64 * stride));
            stride = stride.saturating_mul(length as u64);
        }
        let tried = wanted.into_par_iter().map(|cell| {
            let own = self.at(base, cell)?;
            if self.fits_here(&own) {
                Experiment::read(&own, self.files)?;
            }
            Ok(())
        });
        // The first in the order of the axes, whoever comes to it first.
        let tried: Vec<Result<(), SweepError>> = tried.collect();
        tried.into_iter().collect()
    }

    /// Whether this machine can build what a cell runs; where it is run, more may be there.
    fn fits_here(&self, own: &Document) -> bool {
        let Ok(scenario) = own.read() else {
            return true;
        };
        let need = Resources::of(&scenario, 1).with_files(&scenario, self.files);
        need.memory() < free_memory() as f64
    }

    fn cell(&self, base: &Document, cell: u64, prints: &Prints<'_>) -> Result<Cell, SweepError> {
        let own = self.at(base, cell)?;
        let scenario: Scenario = own.read()?;
        scenario.check().map_err(|invalid| own.blame(&invalid))?;
        let assignments = self.assignments(cell);
        self.check_kinds(&assignments, &scenario)?;
        let need = Resources::of(&scenario, 1);
        let settings = assignments.into_iter();
        Ok(Cell {
            digest: digest_of(&scenario),
            inputs: fingerprints(&scenario, prints)
                .map_err(|(name, cause)| ReportError::io("read", Path::new(&name), cause))?,
            files: files_of(&scenario).map(str::to_owned).collect(),
            settings: settings
                .map(|one| (one.key().to_owned(), one.json()))
                .collect(),
            memory: need.memory(),
            disk: if self.record {
                need.disk() + SMALL
            } else {
                SMALL
            },
        })
    }

    /// Refuses a kind in whose place another key puts another: rows would carry the name of what did not run.
    fn check_kinds(&self, cell: &[Assignment], scenario: &Scenario) -> Result<(), SweepError> {
        let reaction = scenario.flow.reaction.as_ref();
        for one in self.set.iter().chain(cell) {
            let is = match one.key() {
                "target" => scenario.target.name(),
                "source" => scenario.source.name(),
                "discriminator" => scenario.discriminator.name(),
                "generator" => scenario
                    .generator
                    .as_ref()
                    .map_or("off", |spec| spec.name()),
                "flow.reaction" => reaction.map_or("off", |spec| spec.name()),
                _ => continue,
            };
            let json = one.json();
            let asked = match (&json, one.key()) {
                (Value::String(word), _) => word,
                (_, "flow.reaction") => continue,
                (value, _) => match value.as_object().and_then(|table| table.keys().next()) {
                    Some(kind) => kind,
                    None => continue,
                },
            };
            if is != asked {
                return Err(one
                    .refuse(
                        &self.label,
                        &format!(
                            "`{}` is to be {asked}, and another key of the same run makes it {is}",
                            one.key()
                        ),
                        "write a kind and its settings as one value, such as `discriminator={mmd={}},{kde={bandwidth=0.1}}`",
                    )
                    .into());
            }
        }
        Ok(())
    }

    /// Copies the files that the scenarios read.
    fn keep_inputs(
        &self,
        copies: &BTreeMap<String, String>,
        directory: &RunDirectory,
    ) -> Result<(), SweepError> {
        for (name, copy) in copies {
            let source = self.files.open(name);
            let source = source.map_err(|cause| ReportError::io("read", Path::new(name), cause))?;
            directory.put_from(&format!("{INPUTS}/{copy}"), source)?;
        }
        Ok(())
    }

    /// Writes the list of tasks, a line each, and adds up what they need.
    fn write_tasks(
        &self,
        base: &Document,
        cells: u64,
        seeds: &[u64],
        directory: &RunDirectory,
    ) -> Result<Needs, SweepError> {
        let path = directory.file(TASKS)?;
        let io = |cause: io::Error| ReportError::io("write", &path, cause);
        let mut needs = Needs {
            draft: crate::store::AtomicFile::new(&path)?,
            sha256: String::new(),
            memory: 0.0,
            disk: 0.0,
            inputs: BTreeMap::new(),
        };
        let prints = Prints::new(self.files);
        let mut hash = Hashing(Sha256::new());
        let mut names: Vec<(u128, u64)> = Vec::new();
        let mut put = |text: &str, draft: &mut crate::store::AtomicFile| {
            draft
                .write_all(text.as_bytes())
                .and_then(|()| hash.write_all(text.as_bytes()))
        };
        put("[", &mut needs.draft).map_err(io)?;
        for begin in (0..cells).step_by(TOGETHER) {
            let group = begin..cells.min(begin + TOGETHER as u64);
            let group: Vec<_> = group
                .into_par_iter()
                .map(|cell| self.cell(base, cell, &prints))
                .collect();
            let mut text = String::new();
            for (cell, number) in group.into_iter().zip(begin..) {
                let cell = cell?;
                needs.memory = needs.memory.max(cell.memory);
                needs.disk += cell.disk;
                needs.keep(cell.files);
                let mut name = Sha256::new();
                name.update(cell.digest);
                name.update(cell.inputs.concat());
                let mut short = [0; 16];
                short.copy_from_slice(&name.finalize()[..16]);
                names.push((u128::from_le_bytes(short), number));
                let settings =
                    serde_json::to_string(&cell.settings).map_err(|cause| io(cause.into()))?;
                for (place, &seed) in seeds.iter().enumerate() {
                    let index = number * seeds.len() as u64 + place as u64;
                    let id = id_of(&cell.digest, seed, &cell.inputs);
                    let comma = if index == 0 { "" } else { "," };
                    // Writing to a `String` cannot fail.
                    let _ = write!(
                        text,
                        "{comma}\n{{\"index\":{index},\"id\":\"{id}\",\"seed\":{seed},\"settings\":{settings}}}"
                    );
                }
            }
            put(&text, &mut needs.draft).map_err(io)?;
        }
        put("\n]\n", &mut needs.draft).map_err(io)?;
        needs.sha256 = hex(&hash.0.finalize());
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            None => Ok(needs),
            Some(twins) => Err(SweepError::Usage(self.twins(twins[0].1, twins[1].1))),
        }
    }

    /// The complaint that two cells are one and the same run.
    fn twins(&self, first: u64, second: u64) -> String {
        let words = |cell: u64| {
            let each = self.assignments(cell).into_iter();
            let each = each.map(|one| format!("{} = {}", one.key(), one.json()));
            each.collect::<Vec<_>>().join(", ")
        };
        format!(
            "two cells of the grid are the same run: `{}` and `{}`; take one of the values away",
            words(first),
            words(second)
        )
    }

    /// Seconds of a task on one core, the mean over some cells. `None` if no trial succeeds.
    fn seconds(&self, base: &Document, cells: u64) -> Option<f64> {
        let begun = Instant::now();
        let count = cells.min(TIMED as u64);
        let mut seconds = Vec::new();
        for k in 0..count {
            if !seconds.is_empty() && begun.elapsed() > PATIENCE {
                break;
            }
            // From both ends towards the middle, so that a trial that is cut short has seen both.
            let k = if k % 2 == 0 { k / 2 } else { count - 1 - k / 2 };
            let cell = k * (cells - 1) / (count - 1).max(1);
            let experiment = self.at(base, cell).ok();
            let experiment = experiment.filter(|own| self.fits_here(own));
            let experiment = experiment.and_then(|own| Experiment::read(&own, self.files).ok());
            seconds.extend(experiment.and_then(|own| Cost::of(&own, self.files).seconds));
        }
        (!seconds.is_empty()).then(|| seconds.iter().sum::<f64>() / seconds.len() as f64)
    }
}

/// The list of tasks, written and not in its place yet, and what the tasks need.
struct Needs {
    draft: crate::store::AtomicFile,
    sha256: String,
    /// Bytes of the largest.
    memory: f64,
    /// Bytes of all cells on one seed.
    disk: f64,
    /// The files that the scenarios read, and the names of their copies.
    inputs: BTreeMap<String, String>,
}

impl Needs {
    fn keep(&mut self, files: Vec<String>) {
        for file in files {
            let number = self.inputs.len() + 1;
            self.inputs.entry(file).or_insert_with_key(|file| {
                let base = Path::new(file).file_name();
                let base = base.map_or_else(|| "input".into(), |base| base.to_string_lossy());
                format!("{number}-{base}")
            });
        }
    }
}

/// Whether the same plan stands in `folder`; another one is refused.
fn settle(folder: &Path, head: &Head) -> Result<bool, SweepError> {
    if !plain::is_file(folder, HEAD) {
        return Ok(false);
    }
    let old = plain::text(folder, HEAD)
        .map_err(|cause| ReportError::io("read", &folder.join(HEAD), cause))?;
    let any: Value = serde_json::from_str(&old).unwrap_or_default();
    let other = other_version(&any);
    if serde_json::from_value::<Head>(any).is_ok_and(|old| old == *head) {
        return Ok(true);
    }
    let path = folder.to_owned();
    Err(match other {
        Some(reason) => SweepError::Plan { path, reason },
        None => ReportError::Occupied {
            path,
            reason: "is not free: another sweep was planned here, and its results stay what they are; choose another folder with `--out DIR`".to_owned(),
        }
        .into(),
    })
}

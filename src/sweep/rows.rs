//! All runs of a sweep that are done, as rows of tables.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde_json::Value;

use super::column::{Cell, Column, finished};
use super::error::SweepError;
use super::head::{Sweep, Task};
use super::result::{TaskResult, Timing};
use super::spread::{Group, Spread, means};
use crate::store::Status;

/// Tasks whose files are read together.
const TOGETHER: usize = 4096;

/// The number of steps to the floor, which is a column of its own and a measure among the others.
const TO_FLOOR: &str = "steps_to_floor";

/// A run in the table. A measure is kept under its number.
pub(super) struct Row {
    pub(super) task: Task,
    pub(super) status: Status,
    pub(super) ending: String,
    pub(super) steps: u64,
    pub(super) at_floor: bool,
    pub(super) steps_to_floor: Option<u64>,
    /// Value, median and 95 % point of the floor; NaN for none.
    pub(super) values: BTreeMap<usize, [f64; 3]>,
    pub(super) seconds: Option<f64>,
}

/// All runs that are done.
pub(super) struct Rows {
    pub(super) keys: Vec<String>,
    /// The measures in the order of their numbers.
    pub(super) measures: Vec<String>,
    pub(super) runs: Vec<Row>,
}

impl Rows {
    pub(super) fn read(sweep: &Sweep) -> Result<Self, SweepError> {
        let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
        let mut rows = Vec::new();
        let mut tasks = sweep.tasks()?;
        loop {
            let group: Vec<Task> = tasks.by_ref().take(TOGETHER).collect::<Result<_, _>>()?;
            if group.is_empty() {
                break;
            }
            let read = group.into_par_iter().filter_map(|task| {
                let result = TaskResult::load(&sweep.folder, &task.id)?;
                let timing = Timing::load(&sweep.folder, &task.id);
                Some((task, result, timing))
            });
            for (task, result, timing) in read.collect::<Vec<_>>() {
                let number = |value: &Option<f64>| value.unwrap_or(f64::NAN);
                let steps = result.steps_to_floor.map(|steps| steps as f64);
                let steps = [(TO_FLOOR.to_owned(), steps)];
                let steps = steps.into_iter().filter(|(_, steps)| steps.is_some());
                let all = result.last.clone().into_iter().chain(steps);
                let values = all.map(|(name, value)| {
                    let next = numbers.len();
                    let floor = result.floor.get(&name).unwrap_or(&[None; 2]);
                    let place = *numbers.entry(name).or_insert(next);
                    (
                        place,
                        [number(&value), number(&floor[0]), number(&floor[1])],
                    )
                });
                rows.push(Row {
                    values: values.collect(),
                    task,
                    status: result.status,
                    ending: result.ending,
                    steps: result.steps,
                    at_floor: result.at_floor,
                    steps_to_floor: result.steps_to_floor,
                    seconds: timing.map(|timing| timing.seconds),
                });
            }
        }
        let mut measures = vec![String::new(); numbers.len()];
        for (name, number) in numbers {
            measures[number] = name;
        }
        Ok(Self {
            keys: sweep.head.keys.clone(),
            measures,
            runs: rows,
        })
    }

    /// The measures by name, each with its number and whether it has floors.
    pub(super) fn named(&self) -> Vec<(&str, usize, bool)> {
        let floored: BTreeSet<usize> = self
            .runs
            .iter()
            .flat_map(|row| row.values.iter())
            .filter(|(_, value)| !value[1].is_nan())
            .map(|(number, _)| *number)
            .collect();
        let each = self.measures.iter().enumerate();
        let mut named: Vec<_> = each
            .map(|(number, name)| (name.as_str(), number, floored.contains(&number)))
            .collect();
        named.sort_unstable();
        named
    }

    /// The table of runs, column by column.
    pub(super) fn columns(&self) -> Vec<Column> {
        let mut columns = vec![
            self.column("index", |row| Cell::Whole(row.task.index)),
            self.column("id", |row| Cell::Word(row.task.id.clone())),
        ];
        for key in &self.keys {
            columns.push(self.column(key, |row| row.task.settings.get(key).into()));
        }
        columns.extend([
            self.column("seed", |row| Cell::Whole(row.task.seed)),
            self.column("status", |row| Cell::Word(row.status.to_string())),
            self.column("steps", |row| Cell::Whole(row.steps)),
            self.column("at_floor", |row| Cell::Truth(row.at_floor)),
            self.column(TO_FLOOR, |row| {
                row.steps_to_floor.map_or(Cell::Nothing, Cell::Whole)
            }),
        ]);
        let measures = self.named().into_iter();
        for (name, place, floored) in measures.filter(|(name, ..)| *name != TO_FLOOR) {
            let parts = ["", "_floor", "_floor_q95"];
            let parts = if floored { &parts[..] } else { &parts[..1] };
            for (k, part) in parts.iter().enumerate() {
                let value = |row: &Row| row.values.get(&place).map_or(f64::NAN, |all| all[k]);
                columns.push(self.column(&format!("{name}{part}"), |row| value(row).into()));
            }
        }
        columns.push(self.column("ending", |row| Cell::Word(row.ending.clone())));
        columns
    }

    fn column(&self, name: &str, cell: impl Fn(&Row) -> Cell) -> Column {
        Column {
            name: name.to_owned(),
            cells: self.runs.iter().map(cell).collect(),
        }
    }

    /// A line for each cell and measure.
    pub(super) fn cells(&self) -> csv::Result<Vec<u8>> {
        let groups = self.groups(&|row| self.keys.iter().map(|key| row.setting(key)).collect());
        self.lines(&self.keys, &groups)
    }

    /// A line for each value of each key, over all else, and measure; its values are the seeds' means.
    pub(super) fn by_key(&self) -> csv::Result<Vec<u8>> {
        let mut all = Vec::new();
        for key in &self.keys {
            let mut groups = self.groups(&|row| vec![key.clone(), row.setting(key)]);
            let places: BTreeMap<String, usize> = groups
                .iter()
                .enumerate()
                .map(|(place, (words, _))| (words[1].clone(), place))
                .collect();
            for (_, group) in &mut groups {
                group.values.clear();
            }
            // Runs on one seed are no independent ones: each seed counts once, by its mean over all else.
            for (words, one) in
                self.groups(&|row| vec![row.setting(key), row.task.seed.to_string()])
            {
                let group = &mut groups[places[&words[0]]].1;
                for (measure, values) in one.values {
                    group
                        .values
                        .entry(measure)
                        .or_default()
                        .push(means(&values));
                }
            }
            all.extend(groups);
        }
        self.lines(&["key".to_owned(), "value".to_owned()], &all)
    }

    /// Runs that have the same words, in the order in which those come first.
    pub(super) fn groups(&self, words: &dyn Fn(&Row) -> Vec<String>) -> Vec<(Vec<String>, Group)> {
        let mut places: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        let mut groups: Vec<(Vec<String>, Group)> = Vec::new();
        for row in &self.runs {
            let words = words(row);
            let place = *places.entry(words).or_insert_with_key(|words| {
                groups.push((words.clone(), Group::default()));
                groups.len() - 1
            });
            let group = &mut groups[place].1;
            group.at_floor += usize::from(row.at_floor);
            match row.status {
                Status::Complete => {
                    group.counts[0] += 1;
                    for (measure, value) in &row.values {
                        group.values.entry(*measure).or_default().push(*value);
                    }
                }
                Status::Diverged => group.counts[1] += 1,
                _ => group.counts[2] += 1,
            }
        }
        groups
    }

    fn lines(&self, head: &[String], groups: &[(Vec<String>, Group)]) -> csv::Result<Vec<u8>> {
        let mut table = csv::Writer::from_writer(Vec::new());
        let fixed = [
            "complete",
            "diverged",
            "failed",
            "at_floor",
            "measure",
            "runs",
            "mean",
            "sd",
            "low",
            "high",
            "floor",
            "floor_q95",
        ];
        table.write_record(head.iter().map(String::as_str).chain(fixed))?;
        for (words, group) in groups {
            let counts = group.counts.iter().chain([&group.at_floor]);
            let counts: Vec<String> = counts.map(usize::to_string).collect();
            let start = || words.iter().chain(&counts).cloned();
            let mut lines = 0;
            for (name, place, _) in self.named() {
                let values = group.values.get(&place);
                let Some(spread) = values.and_then(|values| Spread::of(values)) else {
                    continue;
                };
                let [low, high] = spread.interval;
                let [floor, q95] = spread.floor;
                let numbers = [spread.mean, spread.sd, low, high, floor, q95]
                    .map(|value| Cell::from(value).words());
                let named = [name.to_owned(), spread.runs.to_string()];
                table.write_record(start().chain(named).chain(numbers))?;
                lines += 1;
            }
            // Where nothing completed, that is what there is to tell.
            if lines == 0 {
                let empty = (0..fixed.len() - counts.len()).map(|_| String::new());
                table.write_record(start().chain(empty))?;
            }
        }
        finished(table)
    }

    pub(super) fn timings(&self) -> csv::Result<Vec<u8>> {
        let mut table = csv::Writer::from_writer(Vec::new());
        table.write_record(["index", "id", "seconds"])?;
        for row in &self.runs {
            let seconds = row
                .seconds
                .map_or_else(String::new, |seconds| seconds.to_string());
            table.write_record([&row.task.index.to_string(), &row.task.id, &seconds])?;
        }
        finished(table)
    }
}

impl Row {
    /// What a key is set to, in words.
    pub(super) fn setting(&self, key: &str) -> String {
        match self.task.settings.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        }
    }
}

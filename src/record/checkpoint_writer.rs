//! Keeps what a run has come to, so that it can be gone on with: the flow, what was measured, what was seen.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read as _, Seek, SeekFrom, Write as _};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use ndarray::{Array1, Array2, ArrayD, Ix2};

use super::filed_snapshot::{NUMBER, add_round, numbers_of, pack, parents_of, take_round, unpack};
use super::stop::StopToken;
use crate::film::{Recorder, Snapshot};
use crate::flow::{Auto, Flow, Step};
use crate::metric::Measurement;
use crate::observe::{MetricRecorder, ObserveError, Row};
use crate::setting::WordOr;
use crate::store::{Checkpoint, Fingerprint, ReportError, RunDirectory, SNAPSHOTS, plain};

/// The part of the time that automatic checkpoints may take is one in so many.
const SHARE: u32 = 50;
/// Shortest time between two automatic checkpoints.
const PAUSE: Duration = Duration::from_secs(1);

/// Prefix of what the flow carries.
const FLOW: &str = "flow/";
/// Measured rows: step, time, values in the order of the columns; NaN where there is none.
const ROWS: &str = "rows";
/// 1 where there is a value, which may be NaN itself.
const MEASURED: &str = "measured";
const CLIPPED: &str = "clipped";
const HELD_BACK: &str = "held_back";
/// How many snapshots had been taken, and the length of one on file.
const SEEN: &str = "frames";
/// Descent of the present cloud from the one of the last snapshot.
const DESCENT: &str = "descent";
/// Where frames are spread over the change of the cloud: how far they are apart at least, and the numbers of those that are kept.
const KEPT: &str = "kept";
const SEEN_BYTES: &str = "bytes of a frame";

/// The run was asked to stop, at this step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped by {by} after step {step}")]
pub struct Interrupted {
    /// Who asked.
    pub by: &'static str,
    /// Steps done, to which the checkpoint belongs.
    pub step: usize,
}

/// Writes checkpoints of one run, when they are due and when somebody asks for one or for the end.
#[derive(Debug)]
pub(super) struct CheckpointWriter<'a> {
    directory: &'a RunDirectory,
    stop: &'a StopToken,
    scenario: Fingerprint,
    every: WordOr<u64, Auto>,
    frames: Option<File>,
    /// The number of the next snapshot to be filed, the length of one on file, and that of the file.
    next: usize,
    size: u64,
    bytes: u64,
    last: Instant,
    cost: Duration,
    /// Checkpoints that were asked for, as far as they were written.
    granted: usize,
    /// Time that all checkpoints have taken.
    pub(super) spent: Duration,
}

impl<'a> CheckpointWriter<'a> {
    pub(super) fn new(
        directory: &'a RunDirectory,
        stop: &'a StopToken,
        scenario: Fingerprint,
        every: WordOr<u64, Auto>,
    ) -> Self {
        Self {
            directory,
            stop,
            scenario,
            every,
            frames: None,
            next: 0,
            size: 0,
            bytes: 0,
            last: Instant::now(),
            cost: Duration::ZERO,
            granted: stop.checkpoints(),
            spent: Duration::ZERO,
        }
    }

    /// To be called after all others have seen the step.
    pub(super) fn look(
        &mut self,
        step: &Step<'_>,
        columns: &[&str],
        meter: &MetricRecorder,
        recorder: &Recorder,
    ) -> Result<(), ObserveError> {
        let asked = self.stop.asked();
        let due = match self.every {
            WordOr::Value(every) => step.index > 0 && (step.index as u64).is_multiple_of(every),
            WordOr::Word(Auto::Auto) => self.last.elapsed() >= PAUSE.max(SHARE * self.cost),
        };
        let wished = self.stop.checkpoints();
        if due || asked.is_some() || wished != self.granted {
            self.save(step, columns, meter, recorder)?;
            self.granted = wished;
        }
        match asked {
            Some(by) => {
                let step = step.index;
                Err(Interrupted { by, step }.into())
            }
            None => Ok(()),
        }
    }

    /// Writes a checkpoint.
    pub(super) fn save(
        &mut self,
        step: &Step<'_>,
        columns: &[&str],
        meter: &MetricRecorder,
        recorder: &Recorder,
    ) -> Result<(), ReportError> {
        let begun = Instant::now();
        self.keep_frames(recorder)?;
        let mut checkpoint = Checkpoint::new(self.scenario);
        let numbers = [
            (CLIPPED, meter.clipped() as u64),
            (HELD_BACK, meter.held_back() as u64),
            (SEEN, self.next as u64),
            (SEEN_BYTES, self.size),
        ];
        checkpoint
            .numbers
            .extend(numbers.map(|(name, number)| (name.to_owned(), number)));
        let [rows, measured] = tabulate(meter.rows(), columns);
        checkpoint.arrays.insert(ROWS.to_owned(), rows);
        checkpoint.arrays.insert(MEASURED.to_owned(), measured);
        if let Some(descent) = recorder.descent() {
            let rows = numbers_of(descent);
            checkpoint.arrays.insert(DESCENT.to_owned(), rows);
        }
        if let Some((apart, kept)) = recorder.kept() {
            let numbers: Array1<f64> = [apart].into_iter().chain(kept.map(|k| k as f64)).collect();
            checkpoint
                .arrays
                .insert(KEPT.to_owned(), numbers.into_dyn());
        }
        if recorder.has_rounds() {
            let last = recorder.snapshots().last();
            add_round(last, step.state.cloud.raw_dim(), &mut checkpoint);
        }
        let carried = step.state_dict().into_iter();
        checkpoint
            .arrays
            .extend(carried.map(|(name, array)| (format!("{FLOW}{name}"), array)));
        checkpoint.save(self.directory)?;
        self.last = Instant::now();
        self.cost = begun.elapsed();
        self.spent += self.cost;
        Ok(())
    }

    /// Adds the snapshots that are not on file yet.
    fn keep_frames(&mut self, recorder: &Recorder) -> Result<(), ReportError> {
        if recorder.snapshots().is_empty() {
            return Ok(());
        }
        let path = self.directory.file(SNAPSHOTS)?;
        let io = |e| ReportError::io("write", &path, e);
        if self.frames.is_none() {
            let mut file = plain::update(self.directory.path(), SNAPSHOTS).map_err(io)?;
            // What a run that was killed has added after its last checkpoint.
            file.set_len(self.bytes).map_err(io)?;
            file.seek(SeekFrom::End(0)).map_err(io)?;
            self.frames = Some(file);
        }
        let Some(file) = &mut self.frames else {
            return Ok(());
        };
        let (next, snapshots) = (self.next, recorder.snapshots());
        // What has been let go since it was filed stays on file, and what was let go before that never comes there.
        for snapshot in snapshots.iter().filter(|snapshot| snapshot.number >= next) {
            self.next = snapshot.number + 1;
            let mut filed = pack(snapshot, self.scenario);
            // A snapshot is filed before the step after it is known, which is filed with the next.
            if recorder.has_rounds() {
                let mut before = snapshots.iter();
                let before = before.rfind(|other| other.number < snapshot.number);
                add_round(before, snapshot.cloud.raw_dim(), &mut filed);
            }
            let bytes = filed.encode();
            file.write_all(&bytes).map_err(io)?;
            self.size = bytes.len() as u64;
            self.bytes += self.size;
        }
        if self.next == next {
            return Ok(());
        }
        file.sync_data().map_err(io)
    }

    /// Puts the run back to where `checkpoint` was written. Meter, recorder and flow must be at their beginning.
    ///
    /// # Errors
    /// [`ReportError::NoCheckpoint`] if it does not fit, or the snapshots that belong to it are damaged.
    pub(super) fn restore(
        &mut self,
        checkpoint: &Checkpoint,
        columns: &[&'static str],
        flow: &mut Flow,
        meter: &mut MetricRecorder,
        recorder: &mut Recorder,
    ) -> Result<(), ReportError> {
        let refuse = |reason: String| ReportError::NoCheckpoint {
            path: self.directory.path().to_owned(),
            reason,
        };
        let number = |name: &str| {
            let number = checkpoint.numbers.get(name).copied();
            number.ok_or_else(|| refuse(format!("its checkpoint holds no `{name}`")))
        };
        let mut snapshots: Vec<Snapshot> = Vec::new();
        read_frames(self.directory.path(), checkpoint, &mut |frame| {
            let snapshot = unpack(&frame, recorder).ok_or("it is malformed")?;
            take_round(&frame, &mut snapshots);
            snapshots.push(snapshot);
            Ok(())
        })
        .map_err(&refuse)?;
        take_round(checkpoint, &mut snapshots);
        let rows = checkpoint
            .arrays
            .get(ROWS)
            .zip(checkpoint.arrays.get(MEASURED))
            .and_then(|(rows, measured)| rows_of(rows, measured, columns))
            .ok_or_else(|| {
                refuse("its checkpoint holds no measurements of these columns".to_owned())
            })?;
        let step = step_of(checkpoint);
        if rows.iter().any(|row| row.step > step) {
            return Err(refuse(
                "its checkpoint holds measurements of later steps".to_owned(),
            ));
        }
        let carried = checkpoint.arrays.iter().filter_map(|(name, array)| {
            let name = name.strip_prefix(FLOW)?;
            Some((name.to_owned(), array.clone()))
        });
        flow.load_state_dict(&carried.collect())
            .map_err(|error| refuse(format!("its checkpoint cannot be used: {error}")))?;
        meter.restore(rows, number(CLIPPED)? as usize);
        meter.restore_held_back(number(HELD_BACK)? as usize);
        self.size = number(SEEN_BYTES)?;
        self.bytes = snapshots.len() as u64 * self.size;
        self.next = snapshots.last().map_or(0, |last| last.number + 1);
        if let Some(kept) = checkpoint.arrays.get(KEPT) {
            let mut kept = kept.iter();
            recorder.set_apart(kept.next().copied().unwrap_or(0.0));
            let numbers: BTreeSet<usize> = kept.map(|&number| number as usize).collect();
            snapshots.retain(|snapshot: &Snapshot| numbers.contains(&snapshot.number));
        }
        let descent = checkpoint.arrays.get(DESCENT).map(|rows| {
            let fits = parents_of(rows, flow.state().cloud.nrows());
            fits.ok_or_else(|| refuse(format!("its `{DESCENT}` does not fit this run")))
        });
        recorder.restore(snapshots, descent.transpose()?);
        if let ControlFlow::Break(reason) = meter.wish() {
            flow.stop(reason);
        }
        Ok(())
    }
}

/// The step that `checkpoint` was written at.
pub(super) fn step_of(checkpoint: &Checkpoint) -> usize {
    let state = checkpoint.arrays.get(&format!("{FLOW}state"));
    state
        .and_then(|state| state.first())
        .map_or(0, |&step| step as usize)
}

/// Says what is wrong with the snapshots that belong to `checkpoint`.
pub(super) fn check_frames(folder: &Path, checkpoint: &Checkpoint) -> Result<(), String> {
    read_frames(folder, checkpoint, &mut |_| Ok(()))
}

/// Reads the snapshots that belong to `checkpoint`, one at a time, and hands each to `take`.
fn read_frames(
    folder: &Path,
    checkpoint: &Checkpoint,
    take: &mut dyn FnMut(Checkpoint) -> Result<(), String>,
) -> Result<(), String> {
    let number = |name: &str| {
        let number = checkpoint.numbers.get(name).copied();
        number.ok_or_else(|| format!("it holds no `{name}`"))
    };
    let (taken, size) = (number(SEEN)?, number(SEEN_BYTES)?);
    if taken == 0 {
        return Ok(());
    }
    let trouble =
        |what: &dyn std::fmt::Display| format!("of `{SNAPSHOTS}`, which belongs to it: {what}");
    let mut file = plain::open(folder, SNAPSHOTS, plain::STATE).map_err(|e| trouble(&e))?;
    let there = file.metadata().map_err(|e| trouble(&e))?.len();
    // All snapshots of a run have one size.
    if size == 0 || there < size {
        return Err(trouble(&"it is malformed"));
    }
    let mut bytes = vec![0; size as usize];
    // What a run that was killed has added after this checkpoint lies behind the last of them.
    for _ in 0..there / size {
        file.read_exact(&mut bytes).map_err(|e| trouble(&e))?;
        let snapshot = Checkpoint::decode(&bytes).map_err(|damage| trouble(&damage))?;
        if snapshot.scenario != checkpoint.scenario {
            return Err(trouble(&"it belongs to another run"));
        }
        let place = snapshot.numbers.get(NUMBER).copied();
        take(snapshot).map_err(|what| trouble(&what))?;
        if place == Some(taken - 1) {
            return Ok(());
        }
    }
    Err(trouble(&format!("it ends before snapshot {}", taken - 1)))
}

fn tabulate(rows: &[Row], columns: &[&str]) -> [ArrayD<f64>; 2] {
    let shape = (rows.len(), 2 + columns.len());
    let mut values = Array2::from_elem(shape, f64::NAN);
    let mut measured = Array2::zeros(shape);
    for (i, row) in rows.iter().enumerate() {
        let head = [Some(row.step as f64), Some(row.time)];
        let cells = columns.iter().map(|name| row.values.get(name));
        for (j, cell) in head.into_iter().chain(cells).enumerate() {
            if let Some(value) = cell {
                values[[i, j]] = value;
                measured[[i, j]] = 1.0;
            }
        }
    }
    [values.into_dyn(), measured.into_dyn()]
}

fn rows_of(
    values: &ArrayD<f64>,
    measured: &ArrayD<f64>,
    columns: &[&'static str],
) -> Option<Vec<Row>> {
    let values = values.view().into_dimensionality::<Ix2>().ok()?;
    let measured = measured.view().into_dimensionality::<Ix2>().ok()?;
    if values.ncols() != 2 + columns.len() || values.dim() != measured.dim() {
        return None;
    }
    let row = |(row, there): (ndarray::ArrayView1<'_, f64>, ndarray::ArrayView1<'_, f64>)| {
        let mut values = Measurement::default();
        for (j, &name) in columns.iter().enumerate() {
            if there[2 + j] == 1.0 {
                values.push(name, row[2 + j]);
            }
        }
        Row {
            step: row[0] as usize,
            time: row[1],
            values,
        }
    };
    Some(
        values
            .rows()
            .into_iter()
            .zip(measured.rows())
            .map(row)
            .collect(),
    )
}

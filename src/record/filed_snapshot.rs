//! A snapshot as it is filed beside the checkpoints of a run.

use ndarray::{Array1, ArrayD, Ix1, Ix2, arr0};

use crate::cloud::Cloud;
use crate::film::{Parents, Recorder, Round, Snapshot};
use crate::render::FieldGrid;
use crate::store::{Checkpoint, Fingerprint};

/// Its place among all that were taken.
pub(super) const NUMBER: &str = "number";
/// The round of the snapshot with this number, the one before or, in the checkpoint itself, the last: where the field moved the points, and where the
/// generator stayed from there.
const OF: &str = "round of";
const MOVES: &str = "moves";
const MISSES: &str = "misses";

pub(super) fn pack(snapshot: &Snapshot, scenario: Fingerprint) -> Checkpoint {
    let field = &snapshot.field;
    let gauge = field.gauge();
    let gauge = [gauge.step_size, gauge.longest, gauge.scale];
    let arrays = [
        ("time", arr0(snapshot.time).into_dyn()),
        ("path", arr0(snapshot.path_length).into_dyn()),
        ("cloud", snapshot.cloud.clone().into_dyn()),
        ("log ratio", snapshot.log_ratio.clone().into_dyn()),
        ("field", field.log_ratio().mapv(f64::from).into_dyn()),
        ("velocity", field.velocity().mapv(f64::from).into_dyn()),
        ("gauge", ndarray::arr1(&gauge).into_dyn()),
    ];
    let mut checkpoint = Checkpoint::new(scenario);
    let numbers = [("step", snapshot.step), (NUMBER, snapshot.number)];
    let numbers = numbers.map(|(name, number)| (name.to_owned(), number as u64));
    checkpoint.numbers.extend(numbers);
    let parents = snapshot
        .parents
        .as_ref()
        .map(|rows| ("parents", numbers_of(rows)));
    let weighted = !snapshot.shares.is_empty();
    let shares = weighted.then(|| ("shares", ndarray::arr1(&snapshot.shares).into_dyn()));
    checkpoint.arrays.extend(
        arrays
            .into_iter()
            .chain(parents)
            .chain(shares)
            .map(|(name, array)| (name.to_owned(), array)),
    );
    checkpoint
}

/// Adds the round of a snapshot of so many points; numbers that are none where there is no such round, so that what is filed has one size.
pub(super) fn add_round(snapshot: Option<&Snapshot>, points: Ix2, checkpoint: &mut Checkpoint) {
    let round = snapshot.and_then(|snapshot| snapshot.round.as_ref());
    let parts = [
        (MOVES, round.map(|round| &round.moves)),
        (MISSES, round.map(|round| &round.misses)),
    ];
    let number = snapshot.map_or(0, |snapshot| snapshot.number);
    checkpoint.numbers.insert(OF.to_owned(), number as u64);
    for (name, part) in parts {
        let none = || Cloud::from_elem(points, f64::NAN);
        let part = part.map_or_else(none, |part| part.mapv(f64::from));
        checkpoint.arrays.insert(name.to_owned(), part.into_dyn());
    }
}

/// Gives the snapshot that it belongs to the round that was added, if there was one.
pub(super) fn take_round(checkpoint: &Checkpoint, snapshots: &mut [Snapshot]) {
    let number = checkpoint.numbers.get(OF).map(|&number| number as usize);
    let mut snapshots = snapshots.iter_mut();
    let Some(snapshot) = snapshots.find(|snapshot| Some(snapshot.number) == number) else {
        return;
    };
    let points = snapshot.cloud.dim();
    let part = |name: &str| {
        let all = checkpoint.arrays.get(name)?;
        let all = all.clone().into_dimensionality::<Ix2>().ok()?;
        let known = all.dim() == points && all.iter().all(|part| part.is_finite());
        known.then(|| all.mapv(|part| part as f32))
    };
    if let (Some(moves), Some(misses)) = (part(MOVES), part(MISSES)) {
        snapshot.round = Some(Round { moves, misses });
    }
}

/// Rows of parents as numbers, −1 where there is none.
pub(super) fn numbers_of(parents: &Parents) -> ArrayD<f64> {
    let rows = parents.iter();
    let rows: Array1<f64> = rows.map(|row| row.map_or(-1.0, |row| row as f64)).collect();
    rows.into_dyn()
}

/// The rows of parents in a cloud of `count` that such numbers stand for.
pub(super) fn parents_of(rows: &ArrayD<f64>, count: usize) -> Option<Parents> {
    let fits = |row: &f64| row.fract() == 0.0 && (-1.0..count as f64).contains(row);
    let parents = rows.iter().map(|&row| (row >= 0.0).then_some(row as usize));
    (rows.shape() == [count] && rows.iter().all(fits)).then(|| parents.collect())
}

pub(super) fn unpack(checkpoint: &Checkpoint, recorder: &Recorder) -> Option<Snapshot> {
    let array = |name: &str| checkpoint.arrays.get(name);
    let flat = |name: &str| array(name)?.clone().into_dimensionality::<Ix1>().ok();
    let plane = |name: &str| array(name)?.clone().into_dimensionality::<Ix2>().ok();
    let narrow = |v: f64| v as f32;
    let (log_ratio, velocity) = (flat("field")?, plane("velocity")?);
    let gauge: [f64; 3] = flat("gauge")?.to_vec().try_into().ok()?;
    let cloud = plane("cloud")?;
    let field = FieldGrid::single(
        recorder.lattice(),
        log_ratio.mapv(narrow),
        velocity.mapv(narrow),
    );
    Some(Snapshot {
        step: *checkpoint.numbers.get("step")? as usize,
        number: *checkpoint.numbers.get(NUMBER)? as usize,
        time: array("time")?.first().copied()?,
        path_length: array("path")?.first().copied()?,
        log_ratio: flat("log ratio")?,
        field: recorder.gauged(field, gauge),
        cloud,
        parents: match array("parents") {
            Some(rows) => Some(parents_of(rows, rows.len())?),
            None => None,
        },
        // It comes with the next.
        round: None,
        shares: flat("shares").map_or_else(Vec::new, |shares| shares.to_vec()),
    })
}

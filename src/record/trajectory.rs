//! `trajectory.npz`: the snapshots of a run that has ended, written and read back.

use std::fs::File;
use std::path::Path;

use ndarray::{Array1, Array2, Array3, ArrayD, Axis, Ix2, concatenate};

use crate::experiment::Experiment;
use crate::film::{Recorder, Round, Snapshot};
use crate::npz::Stored;
use crate::render::{FieldGrid, Gauge, View};
use crate::store::{Arrays, ReportError, RunDirectory, TRAJECTORY, plain};

/// Writes `trajectory.npz`.
pub(super) fn save(
    experiment: &Experiment,
    recorder: &Recorder,
    directory: &RunDirectory,
) -> Result<(), ReportError> {
    let snapshots = recorder.snapshots();
    let most = experiment.scenario.output.particles;
    let (frames, particles) = (snapshots.len(), experiment.start.nrows().min(most));
    let dimension = experiment.target.dimension();
    let kept = ndarray::s![..particles, ..dimension];
    let steps: Array1<i64> = snapshots
        .iter()
        .map(|s| s.step.cast_signed() as i64)
        .collect();
    let times: Array1<f64> = snapshots.iter().map(|s| s.time).collect();
    let mut clouds = Array3::zeros((frames, particles, dimension));
    let known = snapshots.iter().all(|s| s.log_ratio.len() >= particles);
    let mut ratios = Array2::zeros((if known { frames } else { 0 }, particles));
    for (k, snapshot) in snapshots.iter().enumerate() {
        clouds
            .index_axis_mut(Axis(0), k)
            .assign(&snapshot.cloud.slice(kept));
    }
    for (mut row, snapshot) in ratios.rows_mut().into_iter().zip(snapshots) {
        row.assign(&snapshot.log_ratio.slice(ndarray::s![..particles]));
    }
    let (fields, velocities) = recorder.fields();
    let number = |row: &Option<usize>| row.map_or(-1, |row| row.cast_signed() as i64);
    let descended = snapshots.iter().all(|s| s.parents.is_some());
    let rows = snapshots.iter().filter_map(|s| s.parents.as_ref());
    let rows = rows.flat_map(|parents| parents.iter().take(particles).map(number));
    let parents = Array1::from_iter(rows);
    // Weights as they sum to one over all particles.
    let weighted = snapshots.iter().all(|s| s.shares.len() >= particles);
    let rows = snapshots.iter().filter(|_| weighted);
    let rows = rows.flat_map(|s| {
        let all = s.shares.len() as f64;
        s.shares
            .iter()
            .take(particles)
            .map(move |share| share / all)
    });
    let shares = Array1::from_iter(rows);
    let view = recorder.view();
    let gauge = |of: fn(Gauge) -> f64| -> Array1<f64> {
        let fields = snapshots.iter().map(|snapshot| &snapshot.field);
        fields.map(|field| of(field.gauge())).collect()
    };
    directory.save(TRAJECTORY, |file| {
        let mut arrays = Arrays::new(file);
        arrays.add("steps", steps.view())?;
        arrays.add("times", times.view())?;
        arrays.add("step_sizes", gauge(|gauge| gauge.step_size).view())?;
        arrays.add("longest_moves", gauge(|gauge| gauge.longest).view())?;
        arrays.add("scales", gauge(|gauge| gauge.scale).view())?;
        arrays.add("particles", clouds.view())?;
        if known {
            arrays.add("log_ratio", ratios.view())?;
        }
        if descended {
            let table = parents.to_shape((frames, particles));
            arrays.add("parents", table.map_err(std::io::Error::other)?.view())?;
        }
        if weighted {
            let table = shares.to_shape((frames, particles));
            arrays.add("weights", table.map_err(std::io::Error::other)?.view())?;
        }
        for (name, part) in rounds_of(recorder, [particles, dimension]) {
            arrays.add(name, part.view())?;
        }
        let own = ndarray::s![.., ..dimension];
        arrays.add("target", experiment.training.slice(own))?;
        arrays.add("reference", experiment.reference.slice(own))?;
        arrays.add("view", ndarray::arr2(&[view.x, view.y]).view())?;
        arrays.add("field_log_ratio", fields.view())?;
        let own = ndarray::s![.., .., .., ..dimension];
        arrays.add("field_velocity", velocities.slice(own))?;
        arrays.finish()
    })
}

/// A part of a round.
type Part = fn(&Round) -> &Array2<f32>;

/// The rounds of so many points in so many dimensions, if there are rounds, frames×n×d each; numbers that are none where there was no round.
fn rounds_of(
    recorder: &Recorder,
    [points, dimension]: [usize; 2],
) -> Vec<(&'static str, Array3<f32>)> {
    let snapshots = recorder.snapshots();
    let parts: [(_, Part); 2] = [
        ("moves", |round| &round.moves),
        ("misses", |round| &round.misses),
    ];
    let parts = parts.into_iter().filter(|_| recorder.has_rounds());
    parts
        .map(|(name, part)| {
            let mut all = Array3::from_elem((snapshots.len(), points, dimension), f32::NAN);
            for (mut to, snapshot) in all.axis_iter_mut(Axis(0)).zip(snapshots) {
                if let Some(round) = &snapshot.round {
                    to.assign(&part(round).slice(ndarray::s![..points, ..dimension]));
                }
            }
            (name, all)
        })
        .collect()
}

/// The snapshots of `trajectory.npz`.
pub(super) fn load(experiment: &Experiment, folder: &Path) -> Result<Recorder, String> {
    let mut arrays = plain::arrays(folder, TRAJECTORY)?;
    let steps: Array1<i64> = arrays.get("steps")?;
    let times: Array1<f64> = arrays.get("times")?;
    let clouds: Array3<f64> = arrays.get("particles")?;
    // Fields that are no log ratios leave none behind.
    let ratios: Option<Array2<f64>> = arrays.find("log_ratio")?;
    let parents: Option<Array2<i64>> = arrays.find("parents")?;
    let weights: Option<Array2<f64>> = arrays.find("weights")?;
    let [moves, misses] = [arrays.find("moves")?, arrays.find("misses")?];
    let rounds: Option<(Array3<f32>, Array3<f32>)> = moves.zip(misses);
    let fields: Array3<f32> = arrays.get("field_log_ratio")?;
    let velocities: ArrayD<f32> = arrays.get("field_velocity")?;
    let dimension = experiment.target.dimension();
    let mut recorder = empty(experiment, &mut arrays)?;
    let [columns, rows] = recorder.lattice().shape();
    let (frames, particles) = (steps.len(), experiment.start.nrows());
    let most = experiment.scenario.output.particles;
    if most < particles {
        return Err(format!(
            "it holds the first {most} of {particles} particles, and pictures show all; run the scenario again with a larger output.particles"
        ));
    }
    let fits = frames > 0
        && times.len() == frames
        && clouds.dim() == (frames, particles, dimension)
        && ratios
            .as_ref()
            .is_none_or(|ratios| ratios.dim() == (frames, particles))
        && parents
            .as_ref()
            .is_none_or(|parents| are_parents(parents, (frames, particles)))
        && weights
            .as_ref()
            .is_none_or(|weights| are_weights(weights, (frames, particles)))
        && rounds.as_ref().is_none_or(|(moves, misses)| {
            [moves, misses].map(Array3::dim) == [(frames, particles, dimension); 2]
        })
        && fields.dim() == (frames, rows, columns)
        && velocities.shape() == [frames, rows, columns, dimension];
    if !fits {
        return Err(format!(
            "its arrays do not have the sizes of a run of {particles} particles"
        ));
    }
    let velocities = velocities
        .into_shape_with_order((frames, rows * columns, dimension))
        .map_err(|error| error.to_string())?;
    let (clouds, velocities) = (in_plane(clouds), in_plane(velocities));
    let rounds = rounds.map(|(moves, misses)| [in_plane(moves), in_plane(misses)]);
    let fields = fields
        .into_shape_with_order((frames, rows * columns))
        .map_err(|error| error.to_string())?;
    let gauges = gauges(&mut arrays, &steps, &times)?;
    let mut snapshots = Vec::with_capacity(frames);
    for k in 0..frames {
        let (log_ratio, field) = match &ratios {
            Some(ratios) => (ratios.row(k).to_owned(), fields.row(k).to_owned()),
            None => (Array1::default(0), Array1::default(0)),
        };
        let cloud = clouds.index_axis(Axis(0), k).to_owned();
        let velocity = velocities.index_axis(Axis(0), k).to_owned();
        let field = FieldGrid::single(recorder.lattice(), field, velocity);
        snapshots.push(Snapshot {
            step: usize::try_from(steps[k]).map_err(|error| error.to_string())?,
            time: times[k],
            path_length: f64::NAN,
            number: k,
            field: recorder.gauged(field, gauges[k]),
            cloud,
            log_ratio,
            round: rounds.as_ref().and_then(|rounds| round(rounds, k)),
            parents: parents
                .as_ref()
                .map(|all| all.row(k).mapv(|row| usize::try_from(row).ok()).to_vec()),
            shares: weights.as_ref().map_or_else(Vec::new, |weights| {
                (&weights.row(k) * particles as f64).to_vec()
            }),
        });
    }
    recorder.restore(snapshots, None);
    Ok(recorder)
}

/// Whether these are rows of so many particles, or none, in so many frames.
fn are_parents(parents: &Array2<i64>, (frames, particles): (usize, usize)) -> bool {
    let known = |&row: &i64| row == -1 || usize::try_from(row).is_ok_and(|row| row < particles);
    parents.dim() == (frames, particles) && parents.iter().all(known)
}

/// Whether these are weights of so many particles in so many frames.
fn are_weights(weights: &Array2<f64>, size: (usize, usize)) -> bool {
    weights.dim() == size && weights.iter().all(|w| (0.0..=1.0).contains(w))
}

/// The round of frame `k`, if there was one.
fn round(rounds: &[Array3<f32>; 2], k: usize) -> Option<Round> {
    let [moves, misses] = rounds.each_ref().map(|all| all.index_axis(Axis(0), k));
    let known = moves.iter().chain(&misses).all(|part| part.is_finite());
    known.then(|| Round {
        moves: moves.to_owned(),
        misses: misses.to_owned(),
    })
}

/// A recorder over the view in which the fields on file were asked for.
fn empty(experiment: &Experiment, arrays: &mut Stored<File>) -> Result<Recorder, String> {
    let recorder = Recorder::of(experiment, 0);
    let Some(view) = arrays.find::<f64, Ix2>("view")? else {
        return Ok(recorder);
    };
    if view.dim() != (2, 2) {
        return Err("`view` does not hold two ranges".to_owned());
    }
    Ok(recorder.over(View {
        x: [view[[0, 0]], view[[0, 1]]],
        y: [view[[1, 0]], view[[1, 1]]],
    }))
}

/// The gauge of each frame. A run of an earlier version has kept none: its step sizes are then the mean ones up to the next frame, and of the last frame
/// from the one before; its fields have faded where nobody is.
fn gauges(
    arrays: &mut Stored<File>,
    steps: &Array1<i64>,
    times: &Array1<f64>,
) -> Result<Vec<[f64; 3]>, String> {
    let frames = steps.len();
    let mut find = |name: &str| -> Result<Option<Array1<f64>>, String> {
        let found: Option<Array1<f64>> = arrays.find(name)?;
        match found {
            Some(values) if values.len() != frames => Err(format!(
                "`{name}` does not have one number for each of {frames} frames"
            )),
            found => Ok(found),
        }
    };
    let mean = |k: usize| {
        let from = k.min(frames.saturating_sub(2));
        let until = (from + 1).min(frames - 1);
        let passed = (steps[until] - steps[from]) as f64;
        (times[until] - times[from]) / passed.max(1.0)
    };
    let [step_sizes, longest, scales] =
        [find("step_sizes")?, find("longest_moves")?, find("scales")?];
    let or = |values: &Option<Array1<f64>>, k: usize, other: f64| {
        values.as_ref().map_or(other, |values| values[k])
    };
    let gauge = |k| {
        [
            or(&step_sizes, k, mean(k)),
            or(&longest, k, f64::INFINITY),
            or(&scales, k, f64::NAN),
        ]
    };
    Ok((0..frames).map(gauge).collect())
}

/// Points of the line as those of the plane, whose second coordinate is 0.
fn in_plane<A: Clone + Default>(points: Array3<A>) -> Array3<A> {
    if points.dim().2 == 2 {
        return points;
    }
    concatenate![Axis(2), points, Array3::default(points.raw_dim())]
}

//! The files of a reference: the exact flow of a scenario's target on a grid, beside the particles of its run.

use ndarray::{Array1, Array3, Axis};

use crate::cloud::{Cloud, CloudView};
use crate::reference::Reference;
use crate::render::{
    Chart, Curve, Figure, FloorLine, Frame, Heat, Image, Panel, Profile, Style, View, curves, draw,
    heats, number, origin,
};
use crate::store::{Arrays, ReportError, RunDirectory, table};

/// A moment of the flow at which it is written down.
#[derive(Clone, Debug)]
pub struct Moment {
    /// Step of the run; `None` where no run gave the times.
    pub step: Option<usize>,
    /// Time of the flow.
    pub time: f64,
    /// The particles of the run at that step, `n×2`.
    pub cloud: Option<Cloud>,
    /// Their `KL(q‖p)` as it can be estimated.
    pub kl_particles: Option<f64>,
}

/// What `reference.csv` holds of a moment.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct ReferenceRow {
    /// Step of the run, or the place of the moment in the list.
    pub step: usize,
    /// Time of the flow.
    pub time: f64,
    /// `KL(q_t‖p)` of the exact flow, in nats.
    pub kl: f64,
    /// Mass on the grid.
    pub mass: f64,
    /// The estimate for the particles.
    pub kl_particles: Option<f64>,
}

/// Pictures and densities kept at most.
const PICTURES: usize = 8;

/// Solves from moment to moment, in order of time, and writes `reference.csv`, `reference.npz` (`times`, `x`, `y`, `density`, `target`),
/// `reference.png` and `kl.png` into `directory`. Densities and pictures are those of at most eight moments, evenly spread over the list;
/// `kl.png` has the divergence at all of them, with `floor`, what the particles' estimate is of as many perfect samples.
///
/// # Errors
/// [`ReportError`] naming the file that could not be written.
pub fn record_reference(
    title: &str,
    reference: &mut Reference,
    moments: &[Moment],
    floor: Option<FloorLine>,
    view: View,
    style: &Style,
    directory: &RunDirectory,
) -> Result<Vec<ReferenceRow>, ReportError> {
    let grid = *reference.grid();
    let area = grid.area();
    let shown = PICTURES.min(moments.len());
    let mut rows = Vec::new();
    let mut kept: Vec<Kept<'_>> = Vec::new();
    for (place, moment) in moments.iter().enumerate() {
        reference.advance_to(moment.time);
        let row = ReferenceRow {
            step: moment.step.unwrap_or(place),
            time: moment.time,
            kl: reference.kl(),
            mass: reference.total(),
            kl_particles: moment.kl_particles,
        };
        let due = (0..shown).any(|k| place == k * (moments.len() - 1) / (shown - 1).max(1));
        if due {
            let density = reference.mass().iter().map(|m| m / area).collect();
            let label = format!("time {} · KL {}", number(row.time), number(row.kl));
            kept.push((moment, label, density));
        }
        rows.push(row);
    }

    let cells = View {
        x: [
            grid.corner[0],
            grid.corner[0] + grid.pitch * grid.columns as f64,
        ],
        y: [
            grid.corner[1],
            grid.corner[1] + grid.pitch * grid.rows as f64,
        ],
    };
    let panels: Vec<Heat<'_>> = kept
        .iter()
        .map(|(moment, label, density)| Heat {
            label,
            values: density,
            columns: grid.columns,
            cells,
            particles: moment.cloud.as_ref().map(|cloud| cloud.view()),
        })
        .collect();
    let target: Vec<f64> = reference.target_mass().map(|mass| mass / area).collect();
    let picture = if grid.rows == 1 {
        on_line(title, moments, &kept, &grid.axes()[0], &target, view, style)
    } else {
        heats(title, &panels, view, style)
    };
    directory.put("reference.png", &picture.png())?;
    directory.put("kl.png", &divergence(title, &rows, floor, style).png())?;

    let times: Array1<f64> = kept.iter().map(|(moment, ..)| moment.time).collect();
    let mut densities = Array3::zeros((kept.len(), grid.rows, grid.columns));
    for (k, (.., density)) in kept.iter().enumerate() {
        let mut slice = densities.index_axis_mut(Axis(0), k);
        slice
            .iter_mut()
            .zip(density)
            .for_each(|(to, &value)| *to = value);
    }
    let target = ndarray::ArrayView2::from_shape((grid.rows, grid.columns), &target)
        .map_err(|error| {
            ReportError::io(
                "write",
                "reference.npz".as_ref(),
                std::io::Error::other(error),
            )
        })?
        .to_owned();
    let [x, y] = grid.axes().map(Array1::from);
    directory.save("reference.npz", |file| {
        let mut arrays = Arrays::new(file);
        arrays.add("times", times.view())?;
        arrays.add("x", x.view())?;
        arrays.add("y", y.view())?;
        arrays.add("density", densities.view())?;
        arrays.add("target", target.view())?;
        arrays.finish()
    })?;
    // The last, so that where it is all others are.
    save_rows(&rows, directory)?;
    Ok(rows)
}

/// The divergence against time: of the exact flow, and of the particles as it can be estimated of so many.
fn divergence(
    title: &str,
    rows: &[ReferenceRow],
    floor: Option<FloorLine>,
    style: &Style,
) -> Image {
    let times: Vec<f64> = rows.iter().map(|row| row.time).collect();
    let exact: Vec<f64> = rows.iter().map(|row| row.kl).collect();
    let estimated = rows.iter().map(|row| row.kl_particles.unwrap_or(f64::NAN));
    let estimated: Vec<f64> = estimated.collect();
    let curve = |label, values, wide| Curve {
        label,
        steps: &times,
        values,
        theory: &[],
        converged_at: None,
        wide,
    };
    let mut both = vec![curve("exact, on the grid", &exact[..], true)];
    if estimated.iter().any(|value| value.is_finite()) {
        both.push(curve("estimated of the particles", &estimated, false));
    }
    let chart = Chart {
        name: "KL(q‖p), nats",
        note: "",
        floor,
        logarithmic: true,
        curves: &both,
    };
    let figure = Figure {
        title,
        across: "time, the sum of the step sizes",
        main: 0,
        note: "",
        charts: &[chart],
    };
    curves(&figure, style)
}

/// The moments that are kept, side by side: the exact densities of the line with the particles' own histograms and paths.
fn on_line(
    title: &str,
    moments: &[Moment],
    kept: &[Kept<'_>],
    places: &[f64],
    target: &[f64],
    view: View,
    style: &Style,
) -> Image {
    let clouds: Vec<(usize, CloudView<'_>)> = moments
        .iter()
        .filter_map(|moment| Some((moment.step?, moment.cloud.as_ref()?.view())))
        .collect();
    let start = clouds.first().map(|(_, cloud)| *cloud);
    let colours = start.map_or_else(Vec::new, |start| origin::colours(start, style.theme));
    let nothing = Cloud::zeros((0, 2));
    let steps = clouds.last().map_or(0, |(step, _)| *step);
    let top = Profile::top_of(target);
    let ratio = |density: &[f64]| {
        target
            .iter()
            .zip(density)
            .map(|(p, q)| (p / q).ln())
            .collect()
    };
    let truths: Vec<Vec<f64>> = kept.iter().map(|(.., density)| ratio(density)).collect();
    let panels: Vec<Panel<'_>> = kept
        .iter()
        .zip(&truths)
        .map(|((moment, label, density), truth)| {
            let until =
                clouds.partition_point(|(step, _)| moment.step.is_some_and(|now| *step <= now));
            let cloud = moment.cloud.as_ref().unwrap_or(&nothing);
            Panel {
                name: label,
                particles: cloud.view(),
                past: &[],
                threads: None,
                births: &[],
                shares: &[],
                colours: &colours,
                target: nothing.view(),
                field: None,
                profile: Some(Profile {
                    places,
                    target,
                    cloud: density,
                    truth,
                    closed: false,
                    top,
                    moments: &clouds[..until],
                    births: &[],
                    steps,
                }),
                headline: None,
                note: "",
                diverged: false,
                longest: None,
            }
        })
        .collect();
    let last = kept.last().map(|(moment, ..)| moment);
    let frame = Frame {
        title,
        step: last.and_then(|moment| moment.step).unwrap_or(0) as u64,
        steps: steps as u64,
        time: last.map_or(0.0, |moment| moment.time),
        view,
        longest: 0.0,
        strip: None,
        panels: &panels,
    };
    draw(&frame, style)
}

/// A moment that is kept, what stands above it, and its density.
type Kept<'a> = (&'a Moment, String, Vec<f64>);

/// Writes `reference.csv`.
fn save_rows(rows: &[ReferenceRow], directory: &RunDirectory) -> Result<(), ReportError> {
    directory.save("reference.csv", |file| {
        let mut table = csv::Writer::from_writer(file);
        table.write_record(["step", "time", "kl", "mass", "kl_particles"])?;
        for row in rows {
            let particles = row.kl_particles.map_or(String::new(), table::number);
            let numbers = [row.time, row.kl, row.mass].map(table::number);
            let cells = std::iter::once(row.step.to_string()).chain(numbers);
            table.write_record(cells.chain([particles]))?;
        }
        table.flush()
    })
}

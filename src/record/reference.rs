//! The files of a reference: the exact flow of a scenario's target on a grid, beside the particles of its run.

use ndarray::{Array1, Array3, Axis};

use crate::cloud::Cloud;
use crate::reference::Reference;
use crate::render::{Heat, Style, View, heats, number};
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

/// Solves from moment to moment, in order of time, and writes `reference.csv`, `reference.npz` (`times`, `x`, `y`, `density`, `target`) and
/// `reference.png` into `directory`. Densities and pictures are those of at most eight moments, evenly spread over the list.
///
/// # Errors
/// [`ReportError`] naming the file that could not be written.
pub fn record_reference(
    title: &str,
    reference: &mut Reference,
    moments: &[Moment],
    view: View,
    style: &Style,
    directory: &RunDirectory,
) -> Result<Vec<ReferenceRow>, ReportError> {
    let grid = *reference.grid();
    let area = grid.area();
    let shown = PICTURES.min(moments.len());
    let mut rows = Vec::new();
    let mut kept: Vec<(&Moment, String, Vec<f64>)> = Vec::new();
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
    directory.put("reference.png", &heats(title, &panels, view, style).png())?;

    let times: Array1<f64> = kept.iter().map(|(moment, ..)| moment.time).collect();
    let mut densities = Array3::zeros((kept.len(), grid.rows, grid.columns));
    for (k, (.., density)) in kept.iter().enumerate() {
        let mut slice = densities.index_axis_mut(Axis(0), k);
        slice
            .iter_mut()
            .zip(density)
            .for_each(|(to, &value)| *to = value);
    }
    let target: Vec<f64> = reference.target_mass().map(|mass| mass / area).collect();
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

//! What a trained generator does to latent points that no run has shown: a grid of them, wider than the source, and the ways from one to another.

use std::path::Path;

use ndarray::{Array2, Axis, concatenate, s};

use super::generator_file::trained;
use super::redraw::{Format, Redraw, finished, snapshots_of};
use crate::cloud::Cloud;
use crate::experiment::Experiment;
use crate::film::sight;
use crate::generator::Generator;
use crate::random::Stream;
use crate::render::{Frame, Panel, View, draw, draw_svg, origin};
use crate::store::{ReportError, RunDirectory};

/// The grid reaches so many standard deviations of a latent coordinate each way: of a Gaussian one point in three hundred and seventy is beyond.
const REACH: f64 = 3.0;

/// Lines of the grid each way, and points on each: dots that touch.
const LINES: usize = 17;
const DOTS_A_LINE: usize = 450;

/// What stands above the latent points themselves.
const LATENT: &str = "z";

/// Ways from one latent point to another.
const WAYS: usize = 12;

/// Draws `latent.png` or `latent.svg` for the finished run in `folder`, and gives its name: a grid of latent points, its image under the trained generator, and the images
/// of straight ways between pairs of fresh latent points; `at` a step, if the run has kept what the generator was there. Of latent points with more than two coordinates the grid has the first two, and 0 for the others.
///
/// # Errors
/// As [`redraw`](super::redraw::redraw), and as [`generator`](super::generator_file::generator) of a run without one.
pub fn latent(
    folder: &Path,
    at: Option<usize>,
    wish: &Redraw,
) -> Result<&'static str, ReportError> {
    let (manifest, experiment) = finished(folder)?;
    let generator = trained(folder, at, &manifest, &experiment)?;
    plane(&experiment, folder)?;
    let directory = RunDirectory::open(folder)?;
    let scenario = &experiment.scenario;
    let mut style = wish.style(scenario);
    // What the particles are told by D is no matter of latent points.
    (style.show.field, style.show.arrows) = (false, false);
    let (grid, ways) = (
        grid(&generator),
        ways(&generator, Stream::new(scenario.seed, "ways")),
    );
    let lattice = before(&generator, &grid);
    // One colour for one place of z in all panels.
    let places = concatenate![Axis(0), lattice, before(&generator, &ways)];
    let colours = origin::colours(places.view(), style.theme);
    let (of_grid, of_ways) = colours.split_at(grid.nrows());
    let panels = [
        (LATENT, lattice, of_grid),
        ("g(z)", generator.apply(grid.view()), of_grid),
        (
            "g along straight ways between pairs of z",
            generator.apply(ways.view()),
            of_ways,
        ),
    ];
    let target = experiment.training.view();
    let drawn: Vec<Panel<'_>> = panels
        .iter()
        .map(|(name, particles, colours)| Panel {
            name,
            particles: particles.view(),
            past: &[],
            threads: None,
            births: &[],
            shares: &[],
            colours,
            // Latent points are no attempt at it.
            target: if *name == LATENT {
                target.slice(s![..0, ..])
            } else {
                target
            },
            field: None,
            profile: None,
            headline: None,
            note: "",
            diverged: false,
            longest: None,
        })
        .collect();
    let recorder = snapshots_of(&experiment, folder)?;
    let step = at.map_or(manifest.steps, |at| at as u64);
    let shots = recorder.snapshots();
    let last = shots.iter().rfind(|shot| shot.step as u64 <= step);
    let view = match wish.view {
        Some(asked) => sight(asked, &[&recorder]),
        None => View::around(&[target, panels[0].1.view(), panels[1].1.view()]),
    };
    let title = if scenario.title.is_empty() {
        &manifest.scenario
    } else {
        &scenario.title
    };
    let frame = Frame {
        title,
        step,
        steps: scenario.flow.steps as u64,
        time: last.map_or(0.0, |last| last.time),
        view,
        longest: 0.0,
        strip: None,
        panels: &drawn,
    };
    let (name, bytes) = match wish.format {
        Format::Png => ("latent.png", draw(&frame, &style).png()),
        Format::Svg => ("latent.svg", draw_svg(&frame, &style).into_bytes()),
    };
    directory.put(name, &bytes)?;
    Ok(name)
}

/// Refuses a run on the line.
fn plane(experiment: &Experiment, folder: &Path) -> Result<(), ReportError> {
    if experiment.target.dimension() == 2 {
        return Ok(());
    }
    Err(ReportError::NoGenerator {
        path: folder.to_owned(),
        reason: "a grid of latent points needs a plane to be drawn in, and this run is on the line, whose frames and `final.png` have threads from z to g(z)".to_owned(),
    })
}

/// Points on the lines of a grid of latent points, `n×i`.
fn grid(generator: &Generator) -> Array2<f64> {
    let units = generator.units();
    let centre = generator.centre();
    let at = |k: usize, all: usize| REACH * (2.0 * k as f64 / (all - 1) as f64 - 1.0);
    let axes = generator.latent_dimension().min(2);
    let lines = if axes > 1 { LINES } else { 1 };
    Array2::from_shape_fn(
        (axes * lines * DOTS_A_LINE, generator.latent_dimension()),
        |(row, axis)| {
            let (line, dot) = (row / DOTS_A_LINE, row % DOTS_A_LINE);
            let along = line / lines;
            let place = if axis == along {
                at(dot, DOTS_A_LINE)
            } else if axis < axes {
                at(line % lines, lines)
            } else {
                0.0
            };
            centre[axis] + units.input * place
        },
    )
}

/// Points on the straight ways between pairs of fresh latent points, `n×i`.
fn ways(generator: &Generator, stream: Stream) -> Array2<f64> {
    let ends = generator.latent_sample(2 * WAYS, stream);
    Array2::from_shape_fn((WAYS * DOTS_A_LINE, ends.ncols()), |(row, axis)| {
        let (way, dot) = (row / DOTS_A_LINE, row % DOTS_A_LINE);
        let part = dot as f64 / (DOTS_A_LINE - 1) as f64;
        (1.0 - part) * ends[[2 * way, axis]] + part * ends[[2 * way + 1, axis]]
    })
}

/// Where latent points stand in the plane of the cloud: those of the source themselves, of others the first two coordinates, as wide as the source and about its mean.
fn before(generator: &Generator, z: &Array2<f64>) -> Cloud {
    let units = generator.units();
    if generator.spec().training().latent.is_none() {
        return z.clone();
    }
    // A map to places has no k, and its latent points some width in the picture all the same.
    let wide = if units.skip > 0.0 {
        units.skip
    } else {
        units.output
    };
    Array2::from_shape_fn((z.nrows(), 2), |(row, axis)| {
        let place = z.get((row, axis)).copied().unwrap_or_default();
        units.shift[axis] + wide * place
    })
}

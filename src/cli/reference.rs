//! `reference`: the exact flow of a scenario's target, solved on a grid, at the times of its run.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::common::{Common, Threads};
use super::error::CliError;
use super::load::ScenarioArgs;
use super::terminal::{print, print_path, say};
use crate::cloud::CloudView;
use crate::experiment::Experiment;
use crate::film::view_of;
use crate::metric::{Floor, KnownKl, Metric};
use crate::monotone::Map;
use crate::observe::Cadence;
use crate::random::Stream;
use crate::record::{Moment, ReferenceRow, record_reference};
use crate::reference::{Grid, Reference};
use crate::render::{FloorLine, Style, number};
use crate::scenario::Resources;
use crate::setting::{WordOr, spelled};
use crate::store::RunDirectory;

#[derive(Clone, Debug, Args)]
pub(super) struct ReferenceArgs {
    #[command(flatten)]
    scenario: ScenarioArgs,
    /// Cells along the longer side of the grid
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u16).range(8..=4096))]
    cells: u16,
    /// Times to solve for, such as `0,0.1,0.5`, instead of those at which a run of the scenario is measured
    #[arg(long, value_name = "T,…", value_delimiter = ',', value_parser = time)]
    times: Vec<f64>,
    /// Error in total variation that a step may add
    #[arg(long, value_name = "X", default_value_t = Reference::TOLERANCE)]
    tolerance: f64,
    /// Write into this folder, new or empty, instead of `output/<scenario>/reference-<NNN>`
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// With --out: replace an earlier reference there
    #[arg(long, requires = "out")]
    force: bool,
    #[command(flatten)]
    threads: Threads,
}

/// Bytes a cell at the peak: densities, rates, factors, and the eight moments that are kept. Measured.
const CELL: f64 = 300.0;
/// Points of all perfect samples together that the floor is found of: a second or two.
const MOST_POINTS: usize = 400_000;

fn time(text: &str) -> Result<f64, String> {
    match text.trim().parse() {
        Ok(time) if (0.0..1e12).contains(&time) => Ok(time),
        _ => Err("must be a number that is not negative".to_owned()),
    }
}

pub(super) fn reference(args: &ReferenceArgs, common: Common) -> Result<ExitCode, CliError> {
    args.threads.start()?;
    if !(1e-12..=1e-2).contains(&args.tolerance) {
        let text = format!(
            "--tolerance is {}: must lie between 1e-12 and 1e-2",
            spelled(args.tolerance)
        );
        return Err(CliError::Usage(text));
    }
    let folder = args.out.as_deref().unwrap_or("output".as_ref());
    let mut loaded = args.scenario.load_for(folder, |scenario| {
        // As if it were square: how long its other side is depends on the clouds.
        let cells = Resources::of_memory("--cells", CELL * f64::from(args.cells).powi(2));
        let parts = Resources::of_parts(scenario);
        Resources::of_all(&[cells, parts], 2)
    })?;
    // A generator follows at the same times.
    if loaded.experiment.scenario.generator.take().is_some() && !common.quiet {
        say(
            "\x1b[1;33mnote\x1b[0m: the scenario's generator is left out: the particles here are those of the flow",
        );
    }
    let experiment = &loaded.experiment;
    let spread = [experiment.start.view(), experiment.training.view()];
    let dimension = experiment.target.dimension();
    let grid = Grid::around(&spread, usize::from(args.cells)).within(dimension);
    // Says what cannot be solved before anything runs.
    let refused = |error: crate::reference::ReferenceError| CliError::Usage(error.to_string());
    let mut reference = Reference::new(
        &*experiment.source,
        &*experiment.target,
        grid,
        args.tolerance,
    )
    .map_err(refused)?;
    if experiment.scenario.flow.h != WordOr::Word(Map::Identity) && !common.quiet {
        say(
            "\x1b[1;33mnote\x1b[0m: the reference is the flow with flow.h = \"identity\"; the scenario has another map",
        );
    }
    let moments = if args.times.is_empty() {
        run(experiment)?
    } else {
        without_particles(&args.times)
    };
    let directory = match &args.out {
        Some(path) => RunDirectory::at(path, args.force)?,
        None => RunDirectory::create_reference("output".as_ref(), &loaded.name)?,
    };
    let floor = moments
        .iter()
        .any(|moment| moment.kl_particles.is_some())
        .then(|| floor(experiment))
        .flatten();
    let title = match experiment.scenario.title.as_str() {
        "" => &loaded.name,
        title => title,
    };
    let title = format!("{title}: the exact flow");
    let view = view_of(spread[0], spread[1]);
    let rows = record_reference(
        &title,
        &mut reference,
        &moments,
        floor,
        view,
        &Style::of(&experiment.scenario.output),
        &directory,
    )?;
    if !common.quiet {
        say(&table(&rows));
        say(&format!(
            "{} × {} cells of side {}, {} steps",
            grid.columns,
            grid.rows,
            number(grid.pitch),
            reference.steps()
        ));
    }
    if common.json {
        let object = json!({ "directory": directory.path().to_string_lossy(), "rows": rows });
        return print(&format!("{object:#}\n"));
    }
    print_path(directory.path())
}

/// These times in order, at which no particles are known.
fn without_particles(times: &[f64]) -> Vec<Moment> {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    let moment = |time| Moment {
        step: None,
        time,
        cloud: None,
        kl_particles: None,
    };
    times.into_iter().map(moment).collect()
}

/// Runs the flow in memory for its times and its particles.
fn run(experiment: &Experiment) -> Result<Vec<Moment>, CliError> {
    let cadence = Cadence::Every(experiment.scenario.metrics.every as usize);
    let known = KnownKl::new(&experiment.target);
    let kl = |cloud: CloudView<'_>| known.as_ref().map(|known| known.measure(cloud));
    let mut flow = experiment
        .flow()
        .map_err(|invalid| CliError::Run(invalid.to_string()))?;
    let mut moments = Vec::new();
    while let Some(step) = flow
        .advance()
        .map_err(|error| CliError::Run(error.to_string()))?
    {
        if cadence.is_due(step.index, step.steps) {
            let cloud = &step.state.cloud;
            moments.push(Moment {
                step: Some(step.index),
                time: step.state.time,
                kl_particles: kl(cloud.view()),
                cloud: Some(cloud.clone()),
            });
        }
    }
    Ok(moments)
}

/// What the estimate of the particles' divergence is where they are perfect samples.
fn floor(experiment: &Experiment) -> Option<FloorLine> {
    let known = KnownKl::new(&experiment.target)?;
    let particles = experiment.start.nrows();
    let draws = (MOST_POINTS / particles).clamp(19, 99);
    let stream = Stream::new(experiment.scenario.seed, "reference floor");
    let values = (0..draws).map(|draw| {
        let perfect = experiment.target.sample(particles, stream.at(draw as u64));
        known.measure(perfect.view())
    });
    let Floor { median, q95, .. } = Floor::new(values)?;
    Some(FloorLine { median, q95 })
}

/// The table for people.
fn table(rows: &[ReferenceRow]) -> String {
    let mut lines = vec![format!(
        "{:>6} {:>12} {:>14} {:>14}",
        "step", "time", "KL exact", "KL particles"
    )];
    for row in rows {
        let particles = row.kl_particles.map_or("–".to_owned(), number);
        lines.push(format!(
            "{:>6} {:>12} {:>14} {particles:>14}",
            row.step,
            number(row.time),
            number(row.kl)
        ));
    }
    lines.join("\n")
}

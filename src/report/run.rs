//! One run from its first file to its last: drives the flow, measures, draws, and writes the run directory.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use ndarray::{Array1, Array2, Array3, Array4, Axis};
use serde_json::json;

use super::arrays::Arrays;
use super::checkpoint::{Checkpoint, Fingerprint};
use super::directory::RunDirectory;
use super::error::ReportError;
use super::facts::RunFacts;
use super::interrupt::{InProgress, Signal};
use super::keeper::{FRAMES, Interrupted, Keeper};
use super::manifest::{Counts, JOINT, Manifest, Status};
use super::page::{self, Page, Sheet};
use super::pictures::{Scene, Take};
use super::plain;
use super::recorder::{Recorder, Snapshot, view_of};
use super::table::Table;
use super::verdict::Summary;
use crate::flow::{Ending, Flow, Step};
use crate::metric::{
    Circumstances, ENERGY_P, Extra, Floors, Mark, Measurement, Panel, Stop, Verdict, standings,
};
use crate::observe::{
    Cadence, DISTILLATION_GAP, DriveError, FLOW_COLUMNS, Meter, ObserveError, Observer, drive,
};
use crate::random::Stream;
use crate::render::{Pace, Style};
use crate::scenario::{Experiment, Scenario};
use crate::setting::Invalid;
use crate::target::Files;

/// A recorded run: what its files were made from.
#[derive(Debug)]
pub struct Record {
    /// What was written into `run.json`.
    pub manifest: Manifest,
    /// The same in words.
    pub summary: Summary,
    /// How the flow ended.
    pub ending: Ending,
    /// What was measured during the run, with the floors.
    pub meter: Meter,
    /// The snapshots.
    pub recorder: Recorder,
    /// The floors of the final numbers.
    pub floors: Floors,
    /// What was written into `scenario.toml`.
    pub scenario: String,
    /// Wall-clock seconds that a step took, without what was measured and drawn; `None` if no step was left to take.
    pub seconds_per_step: Option<f64>,
}

/// Why a run could not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A file could not be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A setting is out of range.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The flow could not begin, or a watcher failed.
    #[error("{0}")]
    Drive(DriveError),
    /// The last cloud was measured, and none of its values is a number.
    #[error(
        "the flow has ended, but no measure of its last cloud is a finite number, so that there is no result: bring target and source to coordinates of about 1 (divide both by the same factor), or take a smaller flow.step_size"
    )]
    NoResult,
    /// A signal came; a checkpoint was written.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl From<DriveError> for RunError {
    /// What an observer of ours has failed at is told as that.
    fn from(error: DriveError) -> Self {
        match error {
            DriveError::Observer(cause) => match cause.downcast::<Interrupted>() {
                Ok(stop) => Self::Interrupted(*stop),
                Err(cause) => cause.into(),
            },
            other @ DriveError::Flow(_) => Self::Drive(other),
        }
    }
}

impl From<ObserveError> for RunError {
    fn from(cause: ObserveError) -> Self {
        match cause.downcast::<ReportError>() {
            Ok(error) => Self::Report(*error),
            Err(cause) => Self::Drive(DriveError::Observer(cause)),
        }
    }
}

/// Is shown each step, and where the cloud stood when it was last measured: a progress bar.
pub type Watcher<'a> = dyn FnMut(&Step<'_>, Option<&Mark>) + 'a;

/// Runs `experiment` and records it in `directory`. `files` is where the scenario's own files come from; they are
/// copied, so that the directory repeats the run by itself.
///
/// # Errors
/// [`RunError`]; the manifest then says `failed`, or `interrupted`, and what was written before stays.
pub fn record(
    name: &str,
    experiment: &Experiment,
    files: &dyn Files,
    directory: &RunDirectory,
    watcher: &mut Watcher<'_>,
) -> Result<Record, RunError> {
    let course = Course::begin(name, experiment, files, directory)?;
    let record = course.follow(None, watcher)?;
    retire(directory, record.manifest.status)?;
    Ok(record)
}

/// Removes what only a run that is not complete needs. The last checkpoint stays, if the flow has ended with it.
pub(super) fn retire(directory: &RunDirectory, status: Status) -> Result<(), ReportError> {
    directory.remove(FRAMES)?;
    Checkpoint::retire(directory, status == Status::Complete)?;
    directory.settle()
}

/// A run whose directory holds what it needs to begin, or to go on.
pub(super) struct Course<'a> {
    pub(super) experiment: &'a Experiment,
    pub(super) directory: &'a RunDirectory,
    /// As begun.
    pub(super) manifest: Manifest,
    /// The text of `scenario.toml`.
    pub(super) scenario: String,
    pub(super) fingerprint: Fingerprint,
}

impl<'a> Course<'a> {
    /// Writes `scenario.toml`, the files that it reads, and a manifest that says `running`.
    pub(super) fn begin(
        name: &str,
        experiment: &'a Experiment,
        files: &dyn Files,
        directory: &'a RunDirectory,
    ) -> Result<Self, ReportError> {
        let kept = keep_inputs(&experiment.scenario, files, directory)?;
        let scenario = kept.to_toml();
        directory.save("scenario.toml", |file| {
            std::io::Write::write_all(file, scenario.as_bytes())
        })?;
        let course = Self::new(name, experiment, directory, scenario)?;
        course.manifest.save(directory)?;
        Ok(course)
    }

    /// A course whose files are there. `scenario` is the text of its `scenario.toml`.
    pub(super) fn new(
        name: &str,
        experiment: &'a Experiment,
        directory: &'a RunDirectory,
        scenario: String,
    ) -> Result<Self, ReportError> {
        let manifest = begun(name, experiment);
        Ok(Self {
            fingerprint: Fingerprint::of_run(directory.path(), &scenario)?,
            experiment,
            directory,
            manifest,
            scenario,
        })
    }

    /// Runs to the end, from the beginning or from a checkpoint.
    pub(super) fn follow(
        self,
        from: Option<&Checkpoint>,
        watcher: &mut Watcher<'_>,
    ) -> Result<Record, RunError> {
        let Self {
            experiment,
            directory,
            mut manifest,
            scenario,
            fingerprint,
        } = self;
        let progress = InProgress::begin(directory.path());
        let result = simulate(
            experiment,
            (&scenario, fingerprint),
            directory,
            from,
            &mut manifest,
            watcher,
        );
        progress.end(|| match &result {
            Ok(_) => manifest.save(directory),
            Err(error) => {
                if let RunError::Interrupted(stop) = error {
                    manifest.status = Status::Interrupted;
                    manifest.steps = stop.step as u64;
                } else {
                    manifest.status = Status::Failed;
                }
                manifest.ending = Some(error.to_string());
                // The first error is the one to tell, even if this fails for the same reason.
                let _ = manifest.save(directory);
                Ok(())
            }
        })?;
        let (summary, ending, meter, recorder, floors, seconds_per_step) = result?;
        Ok(Record {
            manifest,
            summary,
            ending,
            meter,
            recorder,
            floors,
            scenario,
            seconds_per_step,
        })
    }
}

/// All of a [`Record`] but what was known before.
type Simulated = (Summary, Ending, Meter, Recorder, Floors, Option<f64>);

fn simulate(
    experiment: &Experiment,
    (kept, fingerprint): (&str, Fingerprint),
    directory: &RunDirectory,
    from: Option<&Checkpoint>,
    manifest: &mut Manifest,
    watcher: &mut Watcher<'_>,
) -> Result<Simulated, RunError> {
    let scenario = &experiment.scenario;
    let mut clock = Clock::start();
    let every = scenario.output.checkpoint_every;
    let keeper = Keeper::new(directory, fingerprint, every);
    let (flow, ending, meter, recorder, gauge) =
        observe(experiment, directory, keeper, from, watcher, &mut clock)?;
    go_on(&flow)?;

    let Conclusion { summary, floors } =
        conclude(experiment, gauge, &flow, &ending, &meter, manifest)?;
    let mark = manifest.verdict.as_ref().map(Verdict::mark);
    clock.lap("final metrics");
    go_on(&flow)?;

    save_trajectory(experiment, &recorder, directory)?;
    clock.lap("trajectory");
    let name = manifest.scenario.clone();
    let view = view_of(experiment.start.view(), experiment.training.view());
    let scene = Scene {
        title: if scenario.title.is_empty() {
            &name
        } else {
            &scenario.title
        },
        steps: scenario.flow.steps,
        start: experiment.start.view(),
        target: experiment.training.view(),
        view,
        takes: &[Take {
            name: "",
            recorder: &recorder,
            meter: &meter,
            note: &ending.note(),
            outcome: mark.as_ref(),
        }],
    };
    save_pictures(scenario, &scene, directory)?;
    clock.lap("pictures");
    go_on(&flow)?;

    // The page shows the numbers of the manifest, so it comes when they are known.
    let sheet = Sheet {
        manifest,
        summary: &summary,
        floors: &floors,
        scenario: kept,
    };
    save_page(
        scenario,
        &scene,
        &[sheet],
        &["ratioflow run scenario.toml".to_owned()],
        &page::short_command(&name, scenario).unwrap_or_default(),
        directory,
    )?;
    clock.lap("page");
    directory.put("timings.json", clock.report(flow.state().step).as_bytes())?;
    let pace = clock.seconds_per_step();
    Ok((summary, ending, meter, recorder, floors, pace))
}

/// Runs the flow to its end, measures it and takes its pictures.
fn observe(
    experiment: &Experiment,
    directory: &RunDirectory,
    mut keeper: Keeper<'_>,
    from: Option<&Checkpoint>,
    watcher: &mut Watcher<'_>,
    clock: &mut Clock,
) -> Result<(Flow, Ending, Meter, Recorder, Gauge), RunError> {
    let scenario = &experiment.scenario;
    let (mut meter, gauge) = meter_of(experiment)?;
    let columns: Vec<&'static str> = meter
        .measures()
        .chain(FLOW_COLUMNS)
        .chain(scenario.generator.as_ref().map(|_| DISTILLATION_GAP))
        .collect();
    let view = view_of(experiment.start.view(), experiment.training.view());
    let mut recorder = Recorder::new(scenario.output.frames, view, experiment.training.view());
    let mut flow = experiment.flow()?;
    if let Some(checkpoint) = from {
        keeper.restore(checkpoint, &columns, &mut flow, &mut meter, &mut recorder)?;
    }
    let table = Table::create(&directory.file("metrics.csv")?, &columns)?;
    let begun = flow.state().step;
    clock.lap("floors");

    let mut watch = Watch {
        log: Log {
            meter,
            table,
            columns,
            written: 0,
            watcher,
            spent: Duration::ZERO,
        },
        camera: Timed {
            inner: recorder,
            spent: Duration::ZERO,
        },
        keeper,
    };
    watch.log.write()?;
    let ending = drive(&mut flow, &mut [&mut watch])?;
    let Watch {
        log,
        camera,
        keeper,
    } = watch;
    let (meter, recorder) = (log.meter, camera.inner);
    log.table.finish()?;
    clock.lap("flow");
    clock.shift("flow", "metrics", log.spent);
    clock.shift("flow", "fields", camera.spent);
    clock.shift("flow", "checkpoints", keeper.spent);
    clock.steps = flow.state().step - begun;
    Ok((flow, ending, meter, recorder, gauge))
}

/// Stops here if a signal has asked for it; the flow has ended, and its last checkpoint stands.
fn go_on(flow: &Flow) -> Result<(), Interrupted> {
    let step = flow.state().step;
    Signal::asked().map_or(Ok(()), |signal| Err(Interrupted { signal, step }))
}

/// What the end of a run comes to.
struct Conclusion {
    summary: Summary,
    floors: Floors,
}

/// Measures the last cloud and the training sample against the sample that is kept for them, and writes into the manifest what came of the run.
fn conclude(
    experiment: &Experiment,
    (panel, floors): Gauge,
    flow: &Flow,
    ending: &Ending,
    meter: &Meter,
    manifest: &mut Manifest,
) -> Result<Conclusion, RunError> {
    let scenario = &experiment.scenario;
    let cloud = flow.state().cloud.view();
    let values = panel.measure_with_p(cloud, Stream::new(scenario.seed, "permutations"));
    let mut measured = values.iter().filter(|(name, _)| *name != ENERGY_P.name);
    if !matches!(ending, Ending::Diverged { .. }) && !measured.any(|(_, v)| v.is_finite()) {
        return Err(RunError::NoResult);
    }
    let training = floors.joint(&panel.measure(experiment.training.view()));
    let verdict = Verdict::new(
        &values,
        &floors,
        Circumstances {
            since: meter.since(),
            references: experiment.reference.nrows(),
            caveat: experiment.caveat.as_deref(),
            training: Some(&training),
            copies_reference: false,
        },
    );
    let summary = Summary::new(ending, &verdict, &values, &floors);
    describe(manifest, &values, meter, &floors, &summary);
    manifest.training_sample = standings(&training);
    manifest.verdict = Some(verdict);
    let clipped = meter.clipped();
    if clipped > 0 {
        let moves = flow.state().step * scenario.cloud.particles;
        manifest.warnings.push(format!(
            "the clip shortened {clipped} of {moves} displacements ({:.2} %)",
            100.0 * clipped as f64 / moves as f64
        ));
    }
    let held_back = meter.held_back();
    if held_back > 0 {
        let moves = flow.state().step * scenario.cloud.particles;
        manifest.warnings.push(format!(
            "in {held_back} of {moves} moves ({:.2} %) D was out of the range in which flow.h is taken, from −60 to 8 (neyman: from −8 to 60), and the nearest end of it stood for D",
            100.0 * held_back as f64 / moves.max(1) as f64
        ));
    }
    manifest.steps = flow.state().step as u64;
    manifest.status = match ending {
        Ending::Diverged { .. } => Status::Diverged,
        _ => Status::Complete,
    };
    let own = scenario.claim.iter().filter(|claim| claim.is_of_the_run());
    let runs = BTreeMap::from([(String::new(), RunFacts::new(manifest, meter.rows()))]);
    manifest.claims = own.map(|claim| claim.compare(&runs)).collect();
    Ok(Conclusion { summary, floors })
}

/// Runs `experiment` without a file or a picture: what its manifest would say, and what was measured on the way.
///
/// # Errors
/// [`RunError`] if the flow cannot begin.
pub fn rehearse(name: &str, experiment: &Experiment) -> Result<RunFacts, RunError> {
    let mut manifest = begun(name, experiment);
    let (mut meter, gauge) = meter_of(experiment)?;
    let mut flow = experiment.flow()?;
    let ending = drive(&mut flow, &mut [&mut meter])?;
    conclude(experiment, gauge, &flow, &ending, &meter, &mut manifest)?;
    Ok(RunFacts::new(&manifest, meter.rows()))
}

/// A panel with its floors.
type Gauge = (Panel, Floors);

/// The meter of a run, and what its end is measured with.
fn meter_of(experiment: &Experiment) -> Result<(Meter, Gauge), Invalid> {
    let metrics = &experiment.scenario.metrics;
    let [(panel, floors), last] = experiment.gauges()?;
    let meter = Meter::new(panel, floors, Cadence::Every(metrics.every as usize));
    let meter = meter
        .stopping_at_floor(metrics.stop == Stop::Floor)
        .matching_the_start(metrics.also.contains(&Extra::W2Moved));
    Ok((meter, last))
}

/// The manifest of a run that begins.
fn begun(name: &str, experiment: &Experiment) -> Manifest {
    let mut manifest = Manifest::begun(name, experiment.scenario.seed);
    manifest.warnings.clone_from(&experiment.warnings);
    manifest.points = Counts {
        training: experiment.training.nrows(),
        validation: experiment.validation.nrows(),
        reference: experiment.reference.nrows(),
        measured: experiment.measured,
    };
    let caveat = experiment.caveat.clone();
    manifest.held_out = caveat.unwrap_or_else(|| "disjoint".to_owned());
    if let Some(components) = experiment.target.components() {
        components.clone_into(&mut manifest.components);
    }
    manifest
}

/// Fills in the numbers of the manifest.
fn describe(
    manifest: &mut Manifest,
    values: &Measurement,
    meter: &Meter,
    floors: &Floors,
    summary: &Summary,
) {
    let named = |(name, value): (&str, f64)| (name.to_owned(), value);
    manifest.last = values.iter().map(named).collect();
    if let Some(row) = meter.rows().last() {
        let own = row
            .values
            .iter()
            .filter(|(name, _)| FLOW_COLUMNS.contains(name) || *name == DISTILLATION_GAP);
        manifest.last.extend(own.map(named));
    }
    manifest.floor = floors
        .iter()
        .map(|(name, floor)| {
            let numbers = [
                ("mean", floor.mean),
                ("sd", floor.sd),
                ("median", floor.median),
                ("q90", floor.q90),
                ("q95", floor.q95),
            ];
            (name.to_owned(), BTreeMap::from(numbers.map(named)))
        })
        .collect();
    manifest.converged_at = meter
        .arrivals()
        .chain([(JOINT, meter.since())])
        .map(|(name, step)| (name.to_owned(), step))
        .collect();
    manifest.ending = Some(summary.headline.clone());
}

/// Copies the files that the scenario reads into the folder `inputs` and names the copies instead.
fn keep_inputs(
    scenario: &Scenario,
    files: &dyn Files,
    directory: &RunDirectory,
) -> Result<Scenario, ReportError> {
    let mut kept = scenario.clone();
    for (role, spec) in [("target", &mut kept.target), ("source", &mut kept.source)] {
        let names: Vec<String> = spec.files().iter().map(|&name| name.to_owned()).collect();
        let mut copies: Vec<String> = Vec::new();
        for name in &names {
            let base = Path::new(name)
                .file_name()
                .map_or_else(|| "input".into(), |base| base.to_string_lossy());
            // A run that is repeated from its own directory keeps the names it has.
            let mut copy = if is_copy(name) {
                name.clone()
            } else {
                format!("inputs/{role}-{base}")
            };
            // Two files of one name from two folders.
            let same = |copies: &[String]| copies.iter().position(|other| *other == copy);
            if same(&copies).is_some_and(|k| names[k] != *name) {
                copy = format!("inputs/{role}-held-out-{base}");
            }
            let file = files.open(name);
            let file = file.map_err(|error| ReportError::io("read", Path::new(name), error))?;
            directory.put_from(&copy, file)?;
            copies.push(copy);
        }
        spec.rename_files(&copies);
    }
    Ok(kept)
}

/// Whether `name` is that of a file in the folder of copies itself.
fn is_copy(name: &str) -> bool {
    let below = name.strip_prefix("inputs/");
    below.is_some_and(|base| plain::leads_down(base) && !base.contains('/'))
}

fn save_trajectory(
    experiment: &Experiment,
    recorder: &Recorder,
    directory: &RunDirectory,
) -> Result<(), ReportError> {
    let snapshots = recorder.snapshots();
    let most = experiment.scenario.output.particles;
    let (frames, particles) = (snapshots.len(), experiment.start.nrows().min(most));
    let kept = ndarray::s![..particles, ..];
    let steps: Array1<i64> = snapshots
        .iter()
        .map(|s| s.step.cast_signed() as i64)
        .collect();
    let times: Array1<f64> = snapshots.iter().map(|s| s.time).collect();
    let mut clouds = Array3::zeros((frames, particles, 2));
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
    let [columns, rows] = recorder.lattice().shape();
    let mut fields: Array3<f32> = Array3::zeros((frames, rows, columns));
    let mut velocities: Array4<f32> = Array4::zeros((frames, rows, columns, 2));
    for (k, Snapshot { field, .. }) in snapshots.iter().enumerate() {
        let places = fields.index_axis_mut(Axis(0), k);
        places
            .into_iter()
            .zip(field.log_ratio())
            .for_each(|(to, from)| *to = *from);
        let places = velocities.index_axis_mut(Axis(0), k);
        places
            .into_iter()
            .zip(field.velocity())
            .for_each(|(to, from)| *to = *from);
    }
    let view = view_of(experiment.start.view(), experiment.training.view()).sane();
    directory.save("trajectory.npz", |file| {
        let mut arrays = Arrays::new(file);
        arrays.add("steps", steps.view())?;
        arrays.add("times", times.view())?;
        arrays.add("particles", clouds.view())?;
        if known {
            arrays.add("log_ratio", ratios.view())?;
        }
        arrays.add("target", experiment.training.view())?;
        arrays.add("reference", experiment.reference.view())?;
        arrays.add("view", ndarray::arr2(&[view.x, view.y]).view())?;
        arrays.add("field_log_ratio", fields.view())?;
        arrays.add("field_velocity", velocities.view())?;
        arrays.finish()
    })
}

/// Writes animation, frames, last picture and curves.
pub(super) fn save_pictures(
    scenario: &Scenario,
    scene: &Scene<'_>,
    directory: &RunDirectory,
) -> Result<(), ReportError> {
    let style = Style::of(&scenario.output);
    if scenario.output.frames > 0 {
        let film = scene.film(&style, Pace::of(scenario.output.fps), true);
        for (k, png) in film.stills.iter().enumerate() {
            directory.put(&format!("frames/{k:04}.png"), png)?;
        }
        directory.put("animation.png", &film.animation)?;
    }
    directory.put("final.png", &scene.last(&style))?;
    directory.put("convergence.png", &scene.convergence(&style))
}

/// Writes the report page; its readers without JavaScript see the animation, or the last picture if there is none.
pub(super) fn save_page<'a>(
    scenario: &'a Scenario,
    scene: &'a Scene<'a>,
    sheets: &'a [Sheet<'a>],
    commands: &'a [String],
    anywhere: &'a str,
    directory: &RunDirectory,
) -> Result<(), ReportError> {
    let page = Page {
        scene,
        sheets,
        question: &scenario.question,
        expect: &scenario.expect,
        fps: scenario.output.fps,
        picture: if scenario.output.frames > 0 {
            "animation.png"
        } else {
            "final.png"
        },
        commands,
        anywhere,
    };
    let html = page
        .html()
        .map_err(|cause| ReportError::io("write", Page::FILE.as_ref(), cause))?;
    directory.put(Page::FILE, html.as_bytes())
}

/// Meter, table and watcher: measures a step, writes the row at once, and shows it.
struct Log<'a, 'b> {
    meter: Meter,
    table: Table,
    columns: Vec<&'static str>,
    written: usize,
    watcher: &'a mut Watcher<'b>,
    spent: Duration,
}

impl Log<'_, '_> {
    fn write(&mut self) -> Result<(), ObserveError> {
        for row in &self.meter.rows()[self.written..] {
            let values: Vec<Option<f64>> = self
                .columns
                .iter()
                .map(|name| row.values.get(name))
                .collect();
            self.table.row(row.step as u64, row.time, &values)?;
            self.written += 1;
        }
        Ok(())
    }
}

impl Observer for Log<'_, '_> {
    fn observe(&mut self, step: &Step<'_>) -> Result<ControlFlow<String>, ObserveError> {
        let start = Instant::now();
        let wish = self.meter.observe(step)?;
        self.write()?;
        (self.watcher)(step, self.meter.marks().last());
        self.spent += start.elapsed();
        Ok(wish)
    }

    fn finish(&mut self, last: &Step<'_>, ending: &Ending) -> Result<(), ObserveError> {
        let start = Instant::now();
        self.meter.finish(last, ending)?;
        self.write()?;
        self.spent += start.elapsed();
        Ok(())
    }
}

/// Log, recorder and checkpoints, which are of what the other two have.
struct Watch<'a, 'b, 'k> {
    log: Log<'a, 'b>,
    camera: Timed<Recorder>,
    keeper: Keeper<'k>,
}

impl Observer for Watch<'_, '_, '_> {
    fn observe(&mut self, step: &Step<'_>) -> Result<ControlFlow<String>, ObserveError> {
        let wish = self.log.observe(step)?;
        let _ = self.camera.observe(step)?;
        let (log, camera) = (&self.log, &self.camera.inner);
        self.keeper.look(step, &log.columns, &log.meter, camera)?;
        Ok(wish)
    }

    fn finish(&mut self, last: &Step<'_>, ending: &Ending) -> Result<(), ObserveError> {
        self.log.finish(last, ending)?;
        self.camera.finish(last, ending)?;
        // What the networks of a flow that diverged have become is not what they were at the last good step.
        if !matches!(ending, Ending::Diverged { .. }) {
            let (log, camera) = (&self.log, &self.camera.inner);
            self.keeper.save(last, &log.columns, &log.meter, camera)?;
        }
        Ok(())
    }
}

/// An observer, and the time it has taken.
struct Timed<O> {
    inner: O,
    spent: Duration,
}

impl<O: Observer> Observer for Timed<O> {
    fn observe(&mut self, step: &Step<'_>) -> Result<ControlFlow<String>, ObserveError> {
        let start = Instant::now();
        let wish = self.inner.observe(step);
        self.spent += start.elapsed();
        wish
    }

    fn finish(&mut self, last: &Step<'_>, ending: &Ending) -> Result<(), ObserveError> {
        let start = Instant::now();
        let done = self.inner.finish(last, ending);
        self.spent += start.elapsed();
        done
    }
}

/// Wall-clock time of each phase. `timings.json` is the only file that may differ between two equal runs.
struct Clock {
    begun: Instant,
    lap: Instant,
    phases: Vec<(&'static str, f64)>,
    /// Steps taken since the clock was started.
    steps: usize,
}

impl Clock {
    fn start() -> Self {
        let now = Instant::now();
        Self {
            begun: now,
            lap: now,
            phases: Vec::new(),
            steps: 0,
        }
    }

    /// The time since the last lap belongs to `phase`.
    fn lap(&mut self, phase: &'static str) {
        let now = Instant::now();
        self.phases.push((phase, (now - self.lap).as_secs_f64()));
        self.lap = now;
    }

    /// Part of the time counted for `from` belongs to `phase`.
    fn shift(&mut self, from: &str, phase: &'static str, time: Duration) {
        if let Some((_, seconds)) = self.phases.iter_mut().find(|(name, _)| *name == from) {
            *seconds -= time.as_secs_f64();
        }
        self.phases.push((phase, time.as_secs_f64()));
    }

    /// The part of a step in the phase of the flow.
    fn seconds_per_step(&self) -> Option<f64> {
        let flow = self.phases.iter().find(|(name, _)| *name == "flow");
        let (_, seconds) = flow.filter(|_| self.steps > 0)?;
        Some(seconds / self.steps as f64)
    }

    fn report(&self, steps: usize) -> String {
        let total = self.begun.elapsed().as_secs_f64();
        let phases: serde_json::Map<_, _> = self
            .phases
            .iter()
            .map(|&(name, seconds)| {
                let share = json!({ "seconds": seconds, "share": seconds / total });
                (name.to_owned(), share)
            })
            .collect();
        let object = json!({
            "seconds": total,
            "steps": steps,
            "seconds_per_step": self.seconds_per_step(),
            "phases": phases,
            "threads": rayon::current_num_threads(),
            "os": std::env::consts::OS,
            "arch": std::env::consts::ARCH,
        });
        format!("{object:#}\n")
    }
}

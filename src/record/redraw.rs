//! Finished runs read back from their directories, so that their pictures can be drawn again, otherwise.

use std::path::Path;

use super::{draw, trajectory};
use crate::cloud::Cloud;
use crate::experiment::{Experiment, OwnParts};
use crate::film::{DrawnRun, Ground, Recorder, Scene, sight};
use crate::flow::EndingFacts;
use crate::metric::Mark;
use crate::observe::{Cadence, MetricRecorder};
use crate::render::{Pace, Show, Style, Theme};
use crate::scenario::{Document, Resources, Scenario, ViewSpec};
use crate::store::{
    COMPARISON, Comparison, Manifest, ReportError, RunDirectory, SCENARIO, Status, available,
    plain, table,
};
use crate::target::Folder;

/// Frames a second where each is a phase of a step, slow enough to be read.
const PHASES: f64 = 1.5;

/// How the pictures of a finished run are drawn; what is `None` is as the scenario says.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Redraw {
    /// Width of a picture in logical pixels.
    pub width: Option<f64>,
    /// Device pixels per logical pixel of frames and animation; `final` and `convergence` have twice as many.
    pub scale: Option<f64>,
    /// Frames a second of the animation.
    pub fps: Option<f64>,
    /// Dark or light.
    pub theme: Option<Theme>,
    /// What a frame shows.
    pub show: Show,
    /// Which part of the plane.
    pub view: Option<ViewSpec>,
    /// Shapes instead of pixels.
    pub format: Format,
}

/// Kinds of pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Animation, frames, last cloud and curves as pixels.
    #[default]
    Png,
    /// Last cloud and curves as shapes, for papers.
    Svg,
}

/// Draws the pictures of the finished run, or comparison, in `folder` again and writes them there. Returns the names of
/// the files, the frames' folder as one.
///
/// # Errors
/// [`ReportError::NotARun`] if the folder holds no finished run that can be read, [`ReportError::InUse`] if it still goes
/// on, [`ReportError::Io`] if a picture cannot be written.
pub fn redraw(folder: &Path, wish: &Redraw) -> Result<Vec<String>, ReportError> {
    redraw_with(folder, wish, &OwnParts::default())
}

/// The same for a run with parts of one's own, which its directory cannot hold: the same ones.
///
/// # Errors
/// As [`redraw`].
pub fn redraw_with(
    folder: &Path,
    wish: &Redraw,
    own: &OwnParts,
) -> Result<Vec<String>, ReportError> {
    enough(folder, wish)?;
    visit(folder, wish.view, own, |scene, scenario, directory| {
        draw_again(scene, scenario, wish, directory)
    })
}

/// Draws the finished run in `folder` at some of its `steps`, side by side as on a page of a paper, and writes that
/// picture there: `snapshots.png` or `snapshots.svg`, whose name is returned, with those of the steps that were not recorded. Of each step the nearest frame is
/// shown, once.
///
/// # Errors
/// As [`redraw`]; a comparison is refused too.
pub fn snapshots(
    folder: &Path,
    wish: &Redraw,
    steps: &[usize],
) -> Result<(String, Vec<usize>), ReportError> {
    enough(folder, wish)?;
    visit(
        folder,
        wish.view,
        &OwnParts::default(),
        |scene, scenario, directory| {
            if scene.takes.len() > 1 {
                let reason = "snapshots show one run, and this compares several; name the folder of one of them";
                return Err(not_a_run(folder, reason.to_owned()));
            }
            let style = wish.style(scenario);
            let (name, bytes) = match wish.format {
                Format::Png => ("snapshots.png", scene.snapshots(&style, steps)),
                Format::Svg => (
                    "snapshots.svg",
                    scene.snapshots_svg(&style, steps).into_bytes(),
                ),
            };
            directory.put(name, &bytes)?;
            let recorded = scene
                .takes
                .iter()
                .flat_map(|take| take.recorder.snapshots());
            let recorded: Vec<usize> = recorded.map(|snapshot| snapshot.step).collect();
            let missing = steps.iter().filter(|step| !recorded.contains(step));
            Ok((name.to_owned(), missing.copied().collect()))
        },
    )
}

/// The last cloud of the finished run in `folder`, `n×2`, and the dimension of the space that it is in.
///
/// # Errors
/// As [`redraw`].
pub fn last_cloud(folder: &Path) -> Result<(Cloud, usize), ReportError> {
    let (_, experiment) = finished(folder)?;
    let recorder = snapshots_of(&experiment, folder)?;
    let last = recorder.snapshots().last();
    let cloud = last.map(|snapshot| snapshot.cloud.clone());
    let cloud = cloud.ok_or_else(|| not_a_run(folder, "it holds no cloud".to_owned()))?;
    Ok((cloud, experiment.target.dimension()))
}

/// Draws the last cloud, and the animation if there is one, of the finished run or comparison in `folder` also on dark paper,
/// as `final-dark.png` and `animation-dark.png`. Returns whether it did: what is dark already stays as it is.
///
/// # Errors
/// As [`redraw`].
pub fn redraw_dark(folder: &Path) -> Result<bool, ReportError> {
    visit(
        folder,
        None,
        &OwnParts::default(),
        |scene, scenario, directory| {
            let style = Style::of(&scenario.output);
            if style.theme == Theme::Dark {
                return Ok(false);
            }
            let theme = Theme::Dark;
            let style = Style { theme, ..style };
            directory.put("final-dark.png", &scene.last(&style))?;
            if scenario.drawn_frames() > 0 {
                let film = scene.film(&style, Pace::of(scenario.output.fps), false);
                directory.put("animation-dark.png", &film.animation)?;
            }
            Ok(true)
        },
    )
}

/// Reads the run or comparison in `folder` and shows `visitor` what there is to draw.
fn visit<T>(
    folder: &Path,
    view: Option<ViewSpec>,
    own: &OwnParts,
    visitor: impl FnOnce(&Scene<'_>, &Scenario, &RunDirectory) -> Result<T, ReportError>,
) -> Result<T, ReportError> {
    let directory = RunDirectory::open(folder)?;
    let names = contents(folder)?;
    let archives: Vec<Archive> = names
        .iter()
        .map(|name| Archive::load(&folder.join(name), own))
        .collect::<Result<_, _>>()?;
    let Some(first) = archives.first() else {
        return Err(not_a_run(folder, "it compares nothing".to_owned()));
    };
    let takes: Vec<DrawnRun<'_>> = names
        .iter()
        .zip(&archives)
        .map(|(name, archive)| DrawnRun {
            name,
            scenario: &archive.experiment.scenario,
            start: &archive.experiment.start,
            recorder: &archive.recorder,
            meter: &archive.meter,
            note: &archive.note,
            diverged: archive.manifest.status == Status::Diverged,
            outcome: archive.mark.as_ref(),
        })
        .collect();
    let scenario = &first.experiment.scenario;
    let recorders: Vec<&Recorder> = archives.iter().map(|archive| &archive.recorder).collect();
    let line = Ground::of(&first.experiment, &first.recorder);
    let line = line.map(|line| line.seeing(recorders.iter().copied()));
    let steps = archives.iter().map(|a| a.experiment.scenario.flow.steps);
    let scene = Scene {
        title: if scenario.title.is_empty() {
            &first.manifest.scenario
        } else {
            &scenario.title
        },
        steps: steps.max().unwrap_or(0),
        view: sight(view.unwrap_or(scenario.output.view), &recorders),
        line: line.as_ref(),
        takes: &takes,
    };
    visitor(&scene, scenario, &directory)
}

/// The runs in `folder`: the variants of a comparison, or the one that it is itself.
fn contents(folder: &Path) -> Result<Vec<String>, ReportError> {
    if plain::is_file(folder, COMPARISON) {
        variants(folder)
    } else {
        Ok(vec![String::new()])
    }
}

impl Redraw {
    /// What is asked for, and the scenario's own style where nothing is.
    pub(super) fn style(&self, scenario: &Scenario) -> Style {
        let own = Style::of(&scenario.output);
        Style {
            theme: self.theme.unwrap_or(own.theme),
            scale: self.scale.unwrap_or(own.scale),
            width: self.width,
            show: Show {
                trails: self.show.trails || self.show == Show::default() && own.show.trails,
                ..self.show
            },
        }
    }
}

fn draw_again(
    scene: &Scene<'_>,
    scenario: &Scenario,
    wish: &Redraw,
    directory: &RunDirectory,
) -> Result<Vec<String>, ReportError> {
    let style = wish.style(scenario);
    let written: &[&str] = match wish.format {
        Format::Svg => {
            directory.put("final.svg", scene.last_svg(&style).as_bytes())?;
            directory.put("convergence.svg", scene.convergence_svg(&style).as_bytes())?;
            &["final.svg", "convergence.svg"]
        }
        Format::Png => {
            let frames = scenario.output.frames > 0;
            let fps = if wish.show.phases {
                PHASES
            } else {
                scenario.output.fps
            };
            let pace = frames.then(|| Pace::of(wish.fps.unwrap_or(fps)));
            draw::draw(scene, &style, pace, directory)?;
            let all = &["final.png", "convergence.png", "animation.png", "frames"];
            &all[..if frames { 4 } else { 2 }]
        }
    };
    Ok(written.iter().map(|&name| name.to_owned()).collect())
}

/// The names of the variants that were compared, in their order.
fn variants(folder: &Path) -> Result<Vec<String>, ReportError> {
    let names = Comparison::load(folder)?.order;
    match names.iter().find(|name| !plain::is_folder(folder, name)) {
        Some(name) => Err(not_a_run(
            &folder.join(name),
            "it is no folder of this comparison, or a link to one".to_owned(),
        )),
        None => Ok(names),
    }
}

fn not_a_run(folder: &Path, reason: String) -> ReportError {
    ReportError::NotARun {
        path: folder.to_owned(),
        reason,
    }
}

/// A finished run.
struct Archive {
    manifest: Manifest,
    experiment: Experiment,
    meter: MetricRecorder,
    recorder: Recorder,
    note: String,
    mark: Option<Mark>,
}

impl Archive {
    fn load(folder: &Path, own: &OwnParts) -> Result<Self, ReportError> {
        let damaged = |reason| not_a_run(folder, reason);
        let (manifest, experiment) = finished_with(folder, own)?;
        let (panel, floors) = experiment
            .validation_gauge()
            .map_err(|invalid| damaged(invalid.to_string()))?;
        let cadence = Cadence::Every(experiment.scenario.metrics.every as usize);
        let mut meter = MetricRecorder::new(panel, floors, cadence);
        let measures: Vec<&str> = meter.measures().collect();
        let rows = table::rows(folder, &measures).map_err(damaged)?;
        let clipped = rows.last().and_then(|row| row.values.get("clipped"));
        meter.restore(rows, clipped.map_or(0, |count| count as usize));
        let recorder = snapshots_of(&experiment, folder)?;
        Ok(Self {
            note: manifest
                .ended
                .as_ref()
                .map_or_else(String::new, EndingFacts::note),
            mark: manifest.verdict.as_ref().map(draw::last_mark),
            meter,
            manifest,
            experiment,
            recorder,
        })
    }
}

/// What a run that has come to its end was, and what it came to.
pub(super) fn finished(folder: &Path) -> Result<(Manifest, Experiment), ReportError> {
    finished_with(folder, &OwnParts::default())
}

fn finished_with(folder: &Path, own: &OwnParts) -> Result<(Manifest, Experiment), ReportError> {
    let manifest = Manifest::load(folder)?;
    if let Status::Running | Status::Interrupted | Status::Failed = manifest.status {
        let reason = "the run has not come to its end, so there is nothing to draw yet; `ratioflow resume` goes on with it";
        return Err(not_a_run(folder, reason.to_owned()));
    }
    let scenario = scenario(folder).map_err(|reason| not_a_run(folder, reason))?;
    let experiment = Experiment::with(scenario, own.clone(), &Folder(folder.to_owned()))
        .map_err(|error| not_a_run(folder, error.to_string()))?;
    Ok((manifest, experiment))
}

pub(super) fn snapshots_of(
    experiment: &Experiment,
    folder: &Path,
) -> Result<Recorder, ReportError> {
    let loaded = trajectory::load(experiment, folder).map(|mut recorder| {
        recorder.complete();
        recorder
    });
    loaded.map_err(|reason| {
        let reason = format!("`trajectory.npz` cannot be used: {reason}");
        not_a_run(folder, reason)
    })
}

fn scenario(folder: &Path) -> Result<Scenario, String> {
    let text = plain::text(folder, SCENARIO)
        .map_err(|error| format!("`{SCENARIO}` cannot be read: {error}"))?;
    let document = Document::parse(SCENARIO, &text).map_err(|error| error.to_string())?;
    document.read().map_err(|error| error.to_string())
}

/// Asks for the memory that the pictures take, before anything is read.
fn enough(folder: &Path, wish: &Redraw) -> Result<(), ReportError> {
    let names = contents(folder)?;
    let threads = rayon::current_num_threads();
    let (mut needs, mut first) = (Vec::new(), None);
    for name in &names {
        let own = folder.join(name);
        // What cannot be read is refused below, with its reason.
        let Ok(mut scenario) = scenario(&own) else {
            continue;
        };
        let wider = wish.width.map_or(1.0, |width| width / Style::WIDTH);
        let scale = wish.scale.unwrap_or(scenario.output.scale);
        scenario.output.scale = scale * Resources::widening(&scenario, wider);
        // Here they are drawn, whether the run has drawn them or not.
        scenario.output.animation = true;
        let charts = wish
            .width
            .map_or(1.0, |width| (width / Style::CURVES).max(1.0));
        let need = Resources::of_redrawn(&scenario, (scale * charts).powi(2), threads);
        needs.push(need.with_files(&scenario, &Folder(own)));
        first.get_or_insert(scenario);
    }
    let mut need = Resources::of_all(&needs, 1);
    if let Some(scenario) = first.filter(|_| names.len() > 1) {
        let common = Resources::of_pictures(&scenario, names.len(), threads);
        need = need.then(common.without_disk());
    }
    need.fits(available(folder))?;
    Ok(())
}

//! Anybody's own target, estimator, measure and observer get what shipped ones get: floors, verdict, record, page, resume.

mod shared;

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use ndarray::Axis;
use ratioflow::cloud::{Cloud, CloudView, covariance, mean};
use ratioflow::discriminator::{Discriminator, FitContext, FitError, Ratio, StepRule};
use ratioflow::experiment::{Experiment, OwnParts};
use ratioflow::flow::{EndingKind, Step};
use ratioflow::metric::{About, Effort, Grain, Ideal, Metric, Needs, Scale, Taken};
use ratioflow::observe::{ObserveError, Observer};
use ratioflow::random::Stream;
use ratioflow::record::{
    Opened, Redraw, RunError, Seen, StopToken, Unfinished, record, redraw, redraw_with,
    run_in_memory,
};
use ratioflow::scenario::{Document, Embedded};
use ratioflow::store::{Manifest, RunDirectory, Status};
use ratioflow::target::{Memory, Target};
use shared::{contents, recorded};

/// Normal points, twice as wide as high.
#[derive(Debug)]
struct Wide;

impl Target for Wide {
    fn sample(&self, count: usize, stream: Stream) -> Cloud {
        let mut points = stream.normals(count);
        points.column_mut(0).mapv_inplace(|x| 2.0 * x);
        points
    }
}

/// The log ratio of two Gaussians with the axes' own variances, remembering how often it was fitted.
#[derive(Debug, Default)]
struct Axes {
    moments: [[f64; 4]; 2],
    fits: f64,
}

impl Discriminator for Axes {
    fn fit(
        &mut self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
        _: FitContext,
    ) -> Result<(), FitError> {
        self.moments = [real, fake].map(|side| {
            let ([x, y], c) = (mean(side), covariance(side));
            [x, y, c[0][0], c[1][1]]
        });
        self.fits += 1.0;
        Ok(())
    }

    fn evaluate(&self, at: CloudView<'_>, into: &mut Ratio) {
        into.resize(at.nrows());
        into.log.fill(0.0);
        for (i, point) in at.rows().into_iter().enumerate() {
            for axis in 0..2 {
                let [p, q] = self.moments.map(|m| {
                    let away = point[axis] - m[axis];
                    [
                        away * away / m[2 + axis] + m[2 + axis].ln(),
                        away / m[2 + axis],
                    ]
                });
                into.log[i] += 0.5 * (q[0] - p[0]);
                into.gradient[[i, axis]] = q[1] - p[1];
            }
        }
    }

    fn step_rule(&self) -> StepRule {
        StepRule {
            step_size: 0.1 + 1e-4 * (self.fits % 7.0),
            clip: None,
            scale: 1.0,
        }
    }

    fn state(&self) -> Vec<f64> {
        vec![self.fits]
    }

    fn load_state(&mut self, state: &[f64]) -> Result<(), FitError> {
        self.fits = state[0];
        Ok(())
    }
}

const WIDTH: About = About {
    name: "width_error",
    words: "error of the width",
    measures: "difference of the standard deviations along x",
    sees: "sees a wrong width; blind to all else",
    ideal: Ideal::Low,
    grain: Grain::Fine,
    axis: Some(Scale::Linear),
    taken: Taken::Always,
    needs: Needs::Nothing,
    effort: Effort::Quick,
};

#[derive(Debug)]
struct Width(f64);

impl Metric for Width {
    fn about(&self) -> &'static About {
        &WIDTH
    }

    fn measure(&self, cloud: CloudView<'_>) -> f64 {
        (cloud.var_axis(Axis(0), 0.0)[0].sqrt() - self.0).abs()
    }
}

/// Counts the steps, and ends the run at one.
struct Watch {
    steps: usize,
    last: usize,
}

impl Observer for Watch {
    fn observe(&mut self, step: &Step<'_>) -> Result<ControlFlow<String>, ObserveError> {
        self.steps += 1;
        Ok(if step.index == self.last {
            ControlFlow::Break("seen enough".to_owned())
        } else {
            ControlFlow::Continue(())
        })
    }
}

const SCENARIO: &str = "flow.steps = 80
source.gaussian.mean = [3.0, 1.0]
target.ring = {}
[cloud]
particles = 200
samples = 300
[output]
frames = 3
scale = 0.25";

fn own() -> OwnParts {
    OwnParts::default()
        .target("wide", Wide)
        .discriminator("axes", Axes::default)
        .metric(|on| Some(Width(on.reference.var_axis(Axis(0), 0.0)[0].sqrt())))
}

fn experiment(own: &OwnParts) -> Experiment {
    let document = Document::parse("s", SCENARIO).unwrap();
    Experiment::read_with(&document, own, &Embedded).unwrap()
}

#[test]
fn a_run_with_own_parts_has_all_that_a_shipped_one_has() {
    let place = tempfile::tempdir().unwrap();
    let directory = RunDirectory::at(&place.path().join("r"), false).unwrap();
    let own = own();
    let experiment = experiment(&own);
    let run = recorded("s", &experiment, &directory).unwrap();
    let manifest = Manifest::load(directory.path()).unwrap();
    assert_eq!(manifest.status, Status::Complete);
    assert!(manifest.at_floor(), "{:?}", manifest.ending);
    // The measure has a value, a floor, a place in the verdict, a curve and a row on the page.
    assert!(manifest.last["width_error"] < 0.3);
    assert!(manifest.floor["width_error"]["q95"] > 0.0);
    let verdict = manifest.verdict.as_ref().unwrap();
    assert!(verdict.measures.iter().any(|m| m.name == "width_error"));
    let read = |name: &str| std::fs::read_to_string(directory.path().join(name)).unwrap();
    assert!(
        read("metrics.csv")
            .lines()
            .next()
            .unwrap()
            .contains(",width_error")
    );
    assert!(read("report.html").contains("error of the width"));
    // The file says what it cannot repeat.
    let text = read("scenario.toml");
    assert!(text.contains("[target.given]\nname = \"wide\""), "{text}");
    assert!(
        text.contains("[discriminator.given]\nname = \"axes\""),
        "{text}"
    );
    assert!(
        manifest
            .warnings
            .iter()
            .any(|w| w.contains("given in code"))
    );
    let alone = Experiment::read(&Document::parse("s", &text).unwrap(), &Embedded);
    let told = alone.unwrap_err().to_string();
    assert!(
        told.contains("given in code") && told.contains("wide"),
        "{told}"
    );
    // What the run says of its last cloud is what a cloud by itself is told.
    let outcome = experiment
        .evaluate(run.recorder.snapshots().last().unwrap().cloud.view())
        .unwrap();
    for (name, value) in outcome.values.iter() {
        assert_eq!(manifest.last[name], value, "{name}");
    }
    assert_eq!(outcome.verdict.p, verdict.p);
    assert_eq!(outcome.training_sample, manifest.training_sample);
}

#[test]
fn a_run_with_own_parts_is_drawn_again_with_them() {
    let place = tempfile::tempdir().unwrap();
    let directory = RunDirectory::at(&place.path().join("r"), false).unwrap();
    let own = own();
    recorded("s", &experiment(&own), &directory).unwrap();
    let path = directory.path().to_owned();
    let read =
        || ["final.png", "convergence.png"].map(|name| std::fs::read(path.join(name)).unwrap());
    let drawn = read();
    drop(directory);
    let told = redraw(&path, &Redraw::default()).unwrap_err().to_string();
    assert!(told.contains("given in code"), "{told}");
    redraw_with(&path, &Redraw::default(), &own).unwrap();
    assert!(read() == drawn);
}

#[test]
fn a_run_with_own_parts_goes_on_to_the_same_bytes() {
    let place = tempfile::tempdir().unwrap();
    let own = own();
    let at = |name: &str| RunDirectory::at(&place.path().join(name), false).unwrap();
    let whole = at("whole");
    let never = StopToken::default();
    recorded("s", &experiment(&own), &whole).unwrap();
    let stop = StopToken::default();
    let cut = at("cut");
    let ended = record(
        "s",
        &experiment(&own),
        &Embedded,
        &cut,
        &stop,
        &mut |seen| {
            if seen.step.index == 11 {
                stop.ask("the test");
            }
        },
    );
    assert!(matches!(ended, Err(RunError::Interrupted(at)) if at.step == 11));
    drop(cut);
    let path = place.path().join("cut");
    assert!(
        Unfinished::open(&path).is_err(),
        "without the parts it cannot go on"
    );
    let Opened::Unfinished(run) = Unfinished::open_with(&path, &own).unwrap() else {
        panic!("it has not ended");
    };
    assert_eq!(run.step(), 11);
    run.go_on(&never, &mut |_| {}).unwrap();
    assert!(contents(whole.path()) == contents(&path));
}

#[test]
fn an_observer_sees_each_step_and_may_end_the_run() {
    let watch = Arc::new(Mutex::new(Watch { steps: 0, last: 7 }));
    let own = own().observer(watch.clone());
    let place = tempfile::tempdir().unwrap();
    let directory = RunDirectory::at(&place.path().join("r"), false).unwrap();
    let run = recorded("s", &experiment(&own), &directory).unwrap();
    assert_eq!(watch.lock().unwrap().steps, 8);
    let ended = run.manifest.ended.unwrap();
    assert_eq!((ended.kind, ended.step), (EndingKind::Stopped, 7));
    assert_eq!(ended.reason.as_deref(), Some("seen enough"));
}

/// Two runs with tokens of their own are stopped apart.
#[test]
fn one_of_two_runs_can_be_stopped() {
    let place = tempfile::tempdir().unwrap();
    let own = own();
    let tokens = [StopToken::default(), StopToken::default()];
    let ended = std::thread::scope(|scope| {
        let runs = [0, 1].map(|i| {
            let (own, tokens, place) = (&own, &tokens, &place);
            scope.spawn(move || {
                let path = place.path().join(i.to_string());
                let directory = RunDirectory::at(&path, false).unwrap();
                let first = &tokens[0];
                let watcher = &mut |seen: &Seen<'_, '_>| {
                    if seen.step.index == 5 {
                        first.ask("the test");
                    }
                };
                record(
                    "s",
                    &experiment(own),
                    &Embedded,
                    &directory,
                    &tokens[i],
                    watcher,
                )
                .is_ok()
            })
        });
        runs.map(|run| run.join().unwrap())
    });
    assert_eq!(ended, [false, true]);
}

#[test]
fn points_in_memory_are_a_target_that_the_directory_repeats() {
    let place = tempfile::tempdir().unwrap();
    let points = Wide.sample(600, Stream::new(3, "points"));
    let files = Memory::default().with_points("mine.npy", points.view());
    let text = SCENARIO.replace("target.ring = {}", "target.points.file = \"mine.npy\"");
    let document = Document::parse("s", &text).unwrap();
    let experiment = Experiment::read(&document, &files).unwrap();
    assert_eq!(
        [experiment.training.nrows(), experiment.reference.nrows()],
        [300, 150]
    );
    let directory = RunDirectory::at(&place.path().join("r"), false).unwrap();
    let never = StopToken::default();
    record("s", &experiment, &files, &directory, &never, &mut |_| {}).unwrap();
    let again = ratioflow::target::Folder(directory.path().to_owned());
    let text = std::fs::read_to_string(directory.path().join("scenario.toml")).unwrap();
    let repeated = Experiment::read(&Document::parse("s", &text).unwrap(), &again).unwrap();
    assert_eq!(repeated.training, experiment.training);
    assert_eq!(repeated.reference, experiment.reference);
}

/// Normal points so far out that no squared distance between them is a number.
#[derive(Debug)]
struct Beyond;

impl Target for Beyond {
    fn sample(&self, count: usize, stream: Stream) -> Cloud {
        stream.normals(count) * 1e200
    }
}

/// Sees no difference anywhere.
#[derive(Debug, Default)]
struct Blind;

impl Discriminator for Blind {
    fn fit(&mut self, _: CloudView<'_>, _: CloudView<'_>, _: FitContext) -> Result<(), FitError> {
        Ok(())
    }

    fn evaluate(&self, at: CloudView<'_>, into: &mut Ratio) {
        into.resize(at.nrows());
        into.log.fill(0.0);
        into.gradient.fill(0.0);
    }

    fn step_rule(&self) -> StepRule {
        Axes::default().step_rule()
    }

    fn state(&self) -> Vec<f64> {
        Vec::new()
    }

    fn load_state(&mut self, _: &[f64]) -> Result<(), FitError> {
        Ok(())
    }
}

#[test]
fn a_cloud_that_no_measure_has_a_number_for_is_no_result() {
    let own = OwnParts::default()
        .target("beyond", Beyond)
        .source("beyond", Beyond)
        .discriminator("blind", Blind::default);
    let place = tempfile::tempdir().unwrap();
    let directory = RunDirectory::at(&place.path().join("r"), false).unwrap();
    let text = SCENARIO.replace("frames = 3", "frames = 0");
    let document = Document::parse(
        "s",
        &text.replace("source.gaussian.mean = [3.0, 1.0]\n", ""),
    )
    .unwrap();
    let experiment = Experiment::read_with(&document, &own, &Embedded).unwrap();
    let ended = recorded("s", &experiment, &directory);
    assert!(
        matches!(ended, Err(RunError::NoResult)),
        "{:?}",
        ended.err()
    );
}

#[test]
fn a_run_in_memory_leaves_the_files_of_a_recorded_one() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("plain", "[target.ring]"),
        (
            "generated",
            "target.ring = {}\ngenerator.distill = { network = [8], inner_steps = 5 }",
        ),
        (
            "reacting",
            "target.ring = {}\nflow.reaction.carrier = 'weights'",
        ),
        (
            "diverging",
            "target.ring = {}\nflow.step_size = 1e9\nflow.clip = 'off'",
        ),
    ] {
        let short =
            "cloud.particles = 60\nmetrics.floor_draws = 19\noutput.frames = 3\nflow.steps = 4\n";
        let document = Document::parse(name, &format!("{short}{text}")).unwrap();
        let experiment = Experiment::read(&document, &Embedded).unwrap();
        let recorded_in = RunDirectory::at(&folder.path().join(name).join("a"), false).unwrap();
        recorded(name, &experiment, &recorded_in).unwrap();
        let saved_in = RunDirectory::at(&folder.path().join(name).join("b"), false).unwrap();
        let mut seen = 0;
        let run = run_in_memory(name, experiment, &mut |_| seen += 1).unwrap();
        assert_eq!(seen, run.flow.state().step + 1, "{name}");
        run.save(&Embedded, &saved_in, true).unwrap();
        assert_eq!(
            contents(recorded_in.path()),
            contents(saved_in.path()),
            "{name}"
        );
        let page = std::fs::read_to_string(saved_in.path().join("report.html")).unwrap();
        assert_eq!(page, run.html().unwrap(), "{name}");
    }
}

#[test]
fn a_cloud_that_was_released_stays_where_it_was_seen() {
    let text = "target.ring = {}\ncloud.particles = 50\nflow.steps = 3";
    for text in [text.to_owned(), format!("{text}\ncloud.final = 'sample'")] {
        let document = Document::parse("released", &text).unwrap();
        let experiment = Experiment::read(&document, &Embedded).unwrap();
        let mut undisturbed = experiment.flow().unwrap();
        while undisturbed.advance().unwrap().is_some() {}
        let mut flow = experiment.flow().unwrap();
        let _ = flow.advance().unwrap();
        while flow.ending().is_none() {
            let seen = flow.state().cloud.as_ptr();
            let values = flow.state().cloud.clone();
            let kept = flow.release_cloud();
            assert_eq!((kept.as_ptr(), &kept), (seen, &values));
            assert_eq!(flow.state().cloud, values);
            let _ = flow.advance().unwrap();
        }
        assert_eq!(flow.state(), undisturbed.state());
    }
}

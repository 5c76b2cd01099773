//! The pictures and the page of a run or a comparison, written into its directory.

use std::io;

use super::lab;
use crate::experiment::{Experiment, Summary};
use crate::film::{DrawnRun, Ground, Recorder, Scene, sight};
use crate::metric::{Floors, Mark, Verdict};
use crate::observe::MetricRecorder;
use crate::page::{NearLab, Page, Sheet, short_command};
use crate::render::{Pace, Style};
use crate::scenario::Scenario;
use crate::store::{Manifest, ReportError, RunDirectory, Status};

/// Writes animation, frames, last picture and curves.
pub(super) fn save_pictures(
    scenario: &Scenario,
    scene: &Scene<'_>,
    directory: &RunDirectory,
) -> Result<(), ReportError> {
    draw(
        scene,
        &Style::of(&scenario.output),
        pace(scenario),
        directory,
    )
}

/// How fast the animation is, if there is one.
pub(super) fn pace(scenario: &Scenario) -> Option<Pace> {
    (scenario.drawn_frames() > 0).then(|| Pace::of(scenario.output.fps))
}

/// The same in any style; animation and frames only at a `pace`.
pub(super) fn draw(
    scene: &Scene<'_>,
    style: &Style,
    pace: Option<Pace>,
    directory: &RunDirectory,
) -> Result<(), ReportError> {
    // A still has no parts to share out; beside the frames it costs no time of its own.
    let (film, (last, convergence)) = rayon::join(
        || pace.map(|pace| scene.film(style, pace, true)),
        || rayon::join(|| scene.last(style), || scene.convergence(style)),
    );
    if let Some(film) = film {
        for (k, png) in film.stills.iter().enumerate() {
            directory.put(&format!("frames/{k:04}.png"), png)?;
        }
        // Another film may have had more.
        let mut beyond = film.stills.len()..;
        while let Some(k) = beyond.next()
            && directory.discard(&format!("frames/{k:04}.png"))?
        {}
        directory.put("animation.png", &film.animation)?;
    }
    directory.put("final.png", &last)?;
    directory.put("convergence.png", &convergence)
}

/// A run by itself, with all that its pictures and its page are made from.
#[derive(Clone, Copy)]
pub(super) struct Alone<'a> {
    pub(super) experiment: &'a Experiment,
    pub(super) recorder: &'a Recorder,
    pub(super) meter: &'a MetricRecorder,
    /// A remark on how it ended.
    pub(super) note: &'a str,
    pub(super) manifest: &'a Manifest,
    pub(super) summary: &'a Summary,
    pub(super) floors: &'a Floors,
    /// The text of `scenario.toml`.
    pub(super) kept: &'a str,
}

impl Alone<'_> {
    fn mark(&self) -> Option<Mark> {
        self.manifest.verdict.as_ref().map(last_mark)
    }

    fn take<'a>(&'a self, mark: Option<&'a Mark>) -> DrawnRun<'a> {
        DrawnRun {
            name: "",
            scenario: &self.experiment.scenario,
            start: &self.experiment.start,
            recorder: self.recorder,
            meter: self.meter,
            note: self.note,
            diverged: self.manifest.status == Status::Diverged,
            outcome: mark,
        }
    }

    /// The target, if it is one on the line.
    fn line(&self) -> Option<Ground> {
        let own = std::iter::once(self.recorder);
        Some(Ground::of(self.experiment, self.recorder)?.seeing(own))
    }

    fn scene<'a>(&'a self, takes: &'a [DrawnRun<'a>], line: Option<&'a Ground>) -> Scene<'a> {
        let scenario = &self.experiment.scenario;
        Scene {
            title: if scenario.title.is_empty() {
                &self.manifest.scenario
            } else {
                &scenario.title
            },
            steps: scenario.flow.steps,
            view: sight(scenario.output.view, &[self.recorder]),
            line,
            takes,
        }
    }

    /// Writes its pictures; animation and frames only at a `pace`.
    pub(super) fn save_pictures(
        &self,
        pace: Option<Pace>,
        directory: &RunDirectory,
    ) -> Result<(), ReportError> {
        let mark = self.mark();
        let takes = [self.take(mark.as_ref())];
        let style = Style::of(&self.experiment.scenario.output);
        let line = self.line();
        draw(&self.scene(&takes, line.as_ref()), &style, pace, directory)
    }

    /// The text of its page, with a lab near it or none.
    pub(super) fn html(&self, lab: Option<&NearLab>) -> io::Result<String> {
        let mark = self.mark();
        let takes = [self.take(mark.as_ref())];
        let sheet = Sheet {
            manifest: self.manifest,
            summary: self.summary,
            floors: self.floors,
            scenario: self.kept,
        };
        let scenario = &self.experiment.scenario;
        let again = ["ratioflow run scenario.toml".to_owned()];
        let anywhere = short_command(&self.manifest.scenario, scenario).unwrap_or_default();
        let line = self.line();
        let scene = self.scene(&takes, line.as_ref());
        let sheets = [sheet];
        Page {
            lab,
            ..page(scenario, &scene, &sheets, &again, &anywhere)
        }
        .html()
    }

    /// Writes its page.
    pub(super) fn save_page(&self, directory: &RunDirectory) -> Result<(), ReportError> {
        let name = &self.manifest.scenario;
        let lab = lab::of_run(name, self.kept, self.experiment, directory)?;
        put_page(self.html(lab.as_ref()), directory)
    }
}

/// Writes the report page; its readers without JavaScript see the animation, or the last picture if there is none.
pub(super) fn save_page<'a>(
    scenario: &'a Scenario,
    scene: &'a Scene<'a>,
    sheets: &'a [Sheet<'a>],
    commands: &'a [String],
    lab: Option<&'a NearLab>,
    directory: &RunDirectory,
) -> Result<(), ReportError> {
    let page = Page {
        lab,
        ..page(scenario, scene, sheets, commands, "")
    };
    put_page(page.html(), directory)
}

fn page<'a>(
    scenario: &'a Scenario,
    scene: &'a Scene<'a>,
    sheets: &'a [Sheet<'a>],
    commands: &'a [String],
    anywhere: &'a str,
) -> Page<'a> {
    Page {
        scene,
        sheets,
        question: &scenario.question,
        expect: &scenario.expect,
        fps: scenario.output.fps,
        picture: if scenario.drawn_frames() > 0 {
            "animation.png"
        } else {
            "final.png"
        },
        commands,
        anywhere,
        lab: None,
    }
}

fn put_page(html: io::Result<String>, directory: &RunDirectory) -> Result<(), ReportError> {
    let html = html.map_err(|cause| ReportError::io("write", Page::FILE.as_ref(), cause))?;
    directory.put(Page::FILE, html.as_bytes())
}

/// Where the last cloud stands in a few words, and against what: curves, and the pictures before, are against a second sample.
pub(super) fn last_mark(verdict: &Verdict) -> Mark {
    let mut mark = verdict.mark();
    for words in &mut mark.words[..2] {
        words.insert_str(0, "third sample: ");
    }
    if verdict.at_floor && verdict.too_regular {
        let p = verdict.p.unwrap_or(f64::NAN);
        mark.words[0] = format!(
            "third sample: indistinguishable, p = {p:.2} ✓, but more regular than a sample"
        );
    }
    mark
}

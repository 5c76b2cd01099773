//! The pictures and the page of a run or a comparison, written into its directory.

use crate::film::Scene;
use crate::page::{Page, Sheet};
use crate::render::{Pace, Style};
use crate::scenario::Scenario;
use crate::store::{ReportError, RunDirectory};

/// Writes animation, frames, last picture and curves.
pub(super) fn save_pictures(
    scenario: &Scenario,
    scene: &Scene<'_>,
    directory: &RunDirectory,
) -> Result<(), ReportError> {
    let pace = (scenario.output.frames > 0).then(|| Pace::of(scenario.output.fps));
    draw(scene, &Style::of(&scenario.output), pace, directory)
}

/// The same in any style; animation and frames only at a `pace`.
pub(super) fn draw(
    scene: &Scene<'_>,
    style: &Style,
    pace: Option<Pace>,
    directory: &RunDirectory,
) -> Result<(), ReportError> {
    if let Some(pace) = pace {
        let film = scene.film(style, pace, true);
        for (k, png) in film.stills.iter().enumerate() {
            directory.put(&format!("frames/{k:04}.png"), png)?;
        }
        directory.put("animation.png", &film.animation)?;
    }
    directory.put("final.png", &scene.last(style))?;
    directory.put("convergence.png", &scene.convergence(style))
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

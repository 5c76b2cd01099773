//! The pictures of a run: animation, frames, last cloud, convergence.

use super::recorder::{Recorder, Snapshot};
use crate::cloud::CloudView;
use crate::metric::{ENERGY_DISTANCE, Floors, Ideal};
use crate::observe::Row;
use crate::render::{
    Chart, Colour, Curve, Figure, Film, Floor, Frame, Headline, Pace, Panel, Style, View, curves,
    draw, film, origin,
};

/// What a run's pictures have in common.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// Title of the scenario.
    pub title: &'a str,
    /// Steps of the whole run.
    pub steps: usize,
    /// The first cloud, which gives particles their colours.
    pub start: CloudView<'a>,
    /// The target sample to draw.
    pub target: CloudView<'a>,
    /// What every picture shows.
    pub view: View,
    /// What was measured during the run.
    pub rows: &'a [Row],
    /// The floors of these measures.
    pub floors: &'a Floors,
    /// How the run ended, if not as planned; written into the last frames.
    pub note: &'a str,
}

impl Scene<'_> {
    /// Animation and frames.
    #[must_use]
    pub fn film(&self, recorder: &Recorder, style: &Style, pace: Pace) -> Film {
        let colours = origin::colours(self.start, style.theme);
        let snapshots = recorder.snapshots();
        let picture = |k: usize| {
            let note = if k + 1 == snapshots.len() {
                self.note
            } else {
                ""
            };
            self.frame(&snapshots[k], recorder.speed(), &colours, note, style)
        };
        film(snapshots.len(), picture, pace, true)
    }

    /// The bytes of `final.png`, at twice the scale.
    #[must_use]
    pub fn last(&self, recorder: &Recorder, style: &Style) -> Option<Vec<u8>> {
        let sharp = Style {
            scale: 2.0 * style.scale,
            ..*style
        };
        let colours = origin::colours(self.start, style.theme);
        let snapshot = recorder.snapshots().last()?;
        let image = self.frame(snapshot, recorder.speed(), &colours, self.note, &sharp);
        Some(image.png())
    }

    fn frame(
        &self,
        snapshot: &Snapshot,
        speed: f64,
        colours: &[Colour],
        note: &str,
        style: &Style,
    ) -> crate::render::Image {
        let panel = Panel {
            name: "",
            particles: snapshot.cloud.view(),
            colours,
            target: self.target,
            field: Some(&snapshot.field),
            headline: self.headline(snapshot.step),
            note,
        };
        draw(
            &Frame {
                title: self.title,
                step: snapshot.step as u64,
                steps: self.steps as u64,
                time: snapshot.time,
                view: self.view,
                speed,
                panels: &[panel],
            },
            style,
        )
    }

    /// The energy distance as it was last measured, at `step` or before.
    fn headline(&self, step: usize) -> Option<Headline<'static>> {
        let row = self.rows.iter().rfind(|row| row.step <= step)?;
        Some(Headline {
            name: "energy distance",
            value: row.values.get(ENERGY_DISTANCE.name)?,
            floor: floor_of(self.floors, ENERGY_DISTANCE.name),
        })
    }

    /// The bytes of `convergence.png`, at twice the scale.
    #[must_use]
    pub fn convergence(&self, converged_at: &[(&str, Option<u64>)], style: &Style) -> Vec<u8> {
        let steps: Vec<f64> = self.rows.iter().map(|row| row.step as f64).collect();
        let kept: Vec<_> = CHARTS
            .iter()
            .filter_map(|&(name, words, logarithmic)| {
                let values: Vec<f64> = self
                    .rows
                    .iter()
                    .map(|row| row.values.get(name).unwrap_or(f64::NAN))
                    .collect();
                let at = converged_at
                    .iter()
                    .find(|(n, _)| *n == name)
                    .and_then(|(_, at)| *at);
                values.iter().any(|v| v.is_finite()).then_some((
                    name,
                    words,
                    logarithmic,
                    values,
                    at,
                ))
            })
            .collect();
        let own: Vec<[Curve<'_>; 1]> = kept
            .iter()
            .map(|(_, _, _, values, at)| {
                [Curve {
                    label: "flow",
                    steps: &steps,
                    values,
                    converged_at: at.map(|step| step as f64),
                }]
            })
            .collect();
        let charts: Vec<Chart<'_>> = kept
            .iter()
            .zip(&own)
            .map(|((name, words, logarithmic, ..), curves)| Chart {
                name: words,
                floor: floor_of(self.floors, name),
                logarithmic: *logarithmic,
                curves,
            })
            .collect();
        let sharp = Style {
            scale: 2.0 * style.scale,
            ..*style
        };
        curves(
            &Figure {
                title: self.title,
                charts: &charts,
            },
            &sharp,
        )
        .png()
    }
}

/// The charts of `convergence.png`: column, what it is called, and whether its axis is logarithmic.
const CHARTS: [(&str, &str, bool); 10] = [
    ("energy_distance", "energy distance", true),
    ("sliced_w2", "sliced W₂", true),
    ("mmd2", "MMD²", true),
    ("knn_kl", "kNN estimate of KL(q‖p)", false),
    ("c2st", "15-NN classifier accuracy (½: cannot tell)", false),
    (
        "kl_discriminator",
        "KL by the discriminator, −mean D",
        false,
    ),
    (
        "mass_tv",
        "error of the modes' masses (total variation)",
        false,
    ),
    ("high_quality", "high-quality points", false),
    ("bridges", "points on bridges", false),
    ("speed", "rms speed", true),
];

/// The floor of a measure of which less is better.
fn floor_of(floors: &Floors, name: &str) -> Option<Floor> {
    let ideal = crate::metric::ALL
        .iter()
        .find(|about| about.name == name)?
        .ideal;
    let floor = floors.get(name)?;
    (ideal == Ideal::Low).then_some(Floor {
        median: floor.median,
        q95: floor.q95,
    })
}

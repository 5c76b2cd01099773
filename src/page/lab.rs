//! The lab: one page with the engine inside, in which everything can be changed while it runs.
//!
//! `lab/lab.html` says what stands where. It shares look, stage, charts and palette with the report page; its engine is
//! `lab/engine.wasm.zlib`, which `lab/build.sh` at the root builds from the crate there. Two workers are made from text inside the page, so that nothing is fetched.

use std::collections::BTreeMap;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::context;
use ndarray::{Axis, concatenate};
use serde::Serialize;

use super::html::{filled, harmless, hash};
use super::palette::Ramps;
use super::{PANELS, STYLE, pack, palette};
use crate::cloud::Cloud;
use crate::experiment::Experiment;
use crate::random::Stream;
use crate::render::look::{LOOK, Look};
use crate::render::{BANDS, EDGES, Theme, origin};
use crate::scenario::{Document, Embedded, SHIPPED, Scenario};
use crate::store::LAB;
use crate::target::{Target, TargetSpec};

const TEMPLATE: &str = include_str!("lab/lab.html");
const LAB_STYLE: &str = include_str!("lab/lab.css");
/// What both workers run.
const WORKER: [&str; 2] = [include_str!("lab/engine.js"), include_str!("lab/worker.js")];
/// The parts of the script, each one idea, in the order in which they use each other; the first five are those of the report page.
const SCRIPT: [&str; 15] = [
    include_str!("watch.js"),
    include_str!("film.js"),
    include_str!("stage.js"),
    include_str!("charts.js"),
    include_str!("view.js"),
    include_str!("lab/servant.js"),
    include_str!("lab/plan.js"),
    include_str!("lab/settings.js"),
    include_str!("lab/reel.js"),
    include_str!("lab/levels.js"),
    include_str!("lab/referee.js"),
    include_str!("lab/draw.js"),
    include_str!("lab/keep.js"),
    include_str!("lab/lessons.js"),
    include_str!("lab/lab.js"),
];
/// The engine for a page, compressed (zlib, RFC 1950).
const ENGINE: &[u8] = include_bytes!("lab/engine.wasm.zlib");
/// Colours of particles by where they start: so many along each axis, so many standard deviations either way.
const SHADES: usize = 65;
const REACH: f64 = 3.0;
/// Points by which a page knows a shipped picture.
const DRAWN: usize = 3000;
/// Points by which a page knows a picture of the reader's own, or what is given in code.
const OWN_DRAWN: usize = 6000;
/// Particles beyond which a page is no place for a scenario, and points that it takes from a file at most.
const MOST: usize = 20_000;

/// What a lab opens with.
#[derive(Clone, Debug, Default)]
pub struct Lab {
    /// Name of the scenario; empty for the first that ships.
    pub name: String,
    /// The scenario, in TOML.
    pub text: String,
    /// Keys that are changed in it, with their values in TOML.
    pub edits: BTreeMap<String, String>,
    /// Points (`n×2`) that its keys name as files.
    pub points: BTreeMap<String, Cloud>,
    /// Scenarios that stand side by side in place of it, each with a name; none if it is shown as it is.
    pub panels: Vec<(String, String)>,
}

/// What the stage and the charts read, as on the report page; places and depths are numbers as they are.
#[derive(Debug, Serialize)]
struct Film {
    view: [[f64; 2]; 2],
    steps: usize,
    grid: Grid,
    fine: f64,
    finer: f64,
    bands: usize,
    edges: [f64; BANDS],
    veils: f64,
    look: Look,
    reach: f64,
    light: Colours,
    dark: Colours,
    charts: [(); 0],
    runs: [(); 0],
}

#[derive(Debug, Serialize)]
struct Grid {
    middle: [f64; 2],
    step: f64,
}

#[derive(Debug, Serialize)]
struct Colours {
    #[serde(flatten)]
    ramps: Ramps,
    /// Red, green and blue, row by row from the lower left.
    origins: String,
}

impl Colours {
    fn of(theme: Theme) -> Self {
        let along = |k: usize| REACH * (2.0 * k as f64 / (SHADES - 1) as f64 - 1.0);
        let shades = (0..SHADES * SHADES).flat_map(|k| {
            let colour = origin::colour(along(k % SHADES), along(k / SHADES), theme);
            [colour.r, colour.g, colour.b]
        });
        Self {
            ramps: Ramps::of(theme),
            origins: STANDARD.encode(shades.collect::<Vec<u8>>()),
        }
    }
}

#[derive(Debug, Serialize)]
struct Packed<'a> {
    /// Bytes of the engine.
    length: usize,
    /// Points of the shipped pictures, by scenario: pairs of 32-bit numbers, the lowest byte first.
    pictures: BTreeMap<&'static str, String>,
    plan: Plan<'a>,
}

#[derive(Debug, Serialize)]
struct Plan<'a> {
    name: &'a str,
    text: &'a str,
    edits: &'a BTreeMap<String, String>,
    points: BTreeMap<&'a str, Vec<f64>>,
    panels: Vec<&'a str>,
    texts: BTreeMap<&'a str, &'a str>,
}

/// A script without indents and the lines that are remarks alone: these are read where it is written, and the page has to be small.
fn bare(parts: &[&str]) -> String {
    let lines = parts.iter().flat_map(|part| part.split_inclusive('\n'));
    lines
        .map(|line| line.trim_start_matches(' '))
        .filter(|line| !line.starts_with("//"))
        .collect()
}

impl Lab {
    /// Name of the file, beside a report or at the top of a site.
    pub const FILE: &'static str = LAB;

    /// The lab of a scenario as it is written, with these changes, which the experiment is made from. What it reads from files goes along as points: a picture as
    /// some that are drawn from it.
    #[must_use]
    pub fn of(
        name: &str,
        text: &str,
        mut edits: BTreeMap<String, String>,
        experiment: &Experiment,
    ) -> Self {
        let scenario = &experiment.scenario;
        let mut points = BTreeMap::new();
        for (role, spec, built) in [
            ("target", &scenario.target, &experiment.target),
            ("source", &scenario.source, &experiment.source),
        ] {
            if let Some(known) = known_by_points(spec, &**built, scenario.seed) {
                edits.retain(|key, _| key != role && !key.starts_with(&format!("{role}.")));
                let file = format!("{role}.npy");
                let read = format!("{{ points = {{ file = \"{file}\" }} }}");
                edits.insert(role.to_owned(), read);
                points.insert(file, known);
            }
        }
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
            edits,
            points,
            panels: Vec::new(),
        }
    }

    /// The text of the page. The same lab gives the same bytes.
    ///
    /// # Errors
    /// None that is known; those of the compressor, the JSON writer and the template engine are passed on.
    pub fn html(&self) -> io::Result<String> {
        let style = format!("{}{STYLE}{LAB_STYLE}", palette::css());
        let script = bare(&SCRIPT);
        let film = Film {
            view: [[-1.0, 1.0]; 2],
            steps: 1,
            grid: Grid {
                middle: [0.0; 2],
                step: 1.0,
            },
            fine: 1.0,
            finer: 1.0,
            bands: BANDS,
            edges: EDGES,
            veils: 8.0,
            look: LOOK,
            reach: REACH,
            light: Colours::of(Theme::Light),
            dark: Colours::of(Theme::Dark),
            charts: [],
            runs: [],
        };
        let points = self.points.iter();
        let panels = || self.panels.iter().take(PANELS);
        let packed = Packed {
            length: ENGINE.len(),
            pictures: pictures(),
            plan: Plan {
                name: &self.name,
                text: &self.text,
                edits: &self.edits,
                points: points
                    .map(|(name, points)| (name.as_str(), points.iter().copied().collect()))
                    .collect(),
                panels: panels().map(|(name, _)| name.as_str()).collect(),
                texts: panels()
                    .map(|(name, text)| (name.as_str(), text.as_str()))
                    .collect(),
            },
        };
        let page = context! {
            version => env!("CARGO_PKG_VERSION"),
            name => self.name.as_str(),
            bands => 2 * BANDS + 1,
            edges => EDGES,
            film => harmless(&film)?,
            engine => harmless(&packed)?,
            wasm => pack::dense(ENGINE),
            worker => harmless(&bare(&WORKER))?,
            style_hash => hash(&style),
            script_hash => hash(&script),
            style,
            script,
        };
        filled("lab.html", TEMPLATE, page)
    }
}

/// The points by which a page knows what is in a file, or in code alone; nothing for what its text says.
fn known_by_points(spec: &TargetSpec, built: &dyn Target, seed: u64) -> Option<Cloud> {
    match spec {
        TargetSpec::Image(_) | TargetSpec::Given(_) => {
            Some(built.sample(OWN_DRAWN, Stream::new(seed, "lab")))
        }
        TargetSpec::Points(_) => {
            let parts = built.parts()?;
            let all = if parts.is_parted() {
                concatenate![Axis(0), parts.training, parts.held_out]
            } else {
                parts.training.clone()
            };
            let most = all.nrows().min(MOST);
            Some(all.slice(ndarray::s![..most, ..]).to_owned())
        }
        _ => None,
    }
}

/// The shipped targets that are pictures, as points: a page reads no files.
fn pictures() -> BTreeMap<&'static str, String> {
    let drawn = SHIPPED.iter().filter_map(|shipped| {
        let document = Document::parse(shipped.name(), shipped.text).ok()?;
        let scenario: Scenario = document.read().ok()?;
        let is_drawn = matches!(scenario.target, TargetSpec::Image(_));
        if !is_drawn || scenario.flowing() > MOST {
            return None;
        }
        let target = scenario.target.build(&Embedded).ok()?;
        let points = target.sample(DRAWN, Stream::new(scenario.seed, "lab"));
        let bytes = points.iter().flat_map(|&v| (v as f32).to_le_bytes());
        Some((shipped.name(), STANDARD.encode(bytes.collect::<Vec<u8>>())))
    });
    drawn.collect()
}

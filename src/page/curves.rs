//! The curves of the page: measures along the runs, with their floors, and what each chart spans.

use serde::Serialize;

use crate::film::{DrawnRun, floor_by, gloss, is_main, shared};
use crate::metric::{About, Floors, Scale};
use crate::observe::OFF;
use crate::render::look;

/// A measure along a run, in the order of the charts.
#[derive(Debug, Serialize)]
pub(super) struct Series {
    /// Empty if this run was not measured so.
    values: Vec<Option<f64>>,
    /// What theory says at the same steps; nothing where it says nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    theory: Vec<f64>,
    /// Where perfect samples stand: median, and the values between which 95 % of them lie.
    floor: Option<Floor>,
    /// Step at which it reached the floor.
    since: Option<u64>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Floor {
    median: f64,
    low: Option<f64>,
    high: Option<f64>,
}

impl Floor {
    /// Of a perfect cloud no measure is off, all looked at together.
    const NONE_OFF: Self = Self {
        median: 0.0,
        low: None,
        high: Some(0.0),
    };
}

#[derive(Debug, Serialize)]
pub(super) struct Chart {
    pub(super) name: &'static str,
    words: &'static str,
    /// What it is, and what is good.
    measures: &'static str,
    gloss: &'static str,
    /// Whether it is a large one.
    main: bool,
    /// Whether it shows decimal logarithms, and from where to where it goes, in its own units.
    logarithmic: bool,
    span: [f64; 2],
}

impl Chart {
    pub(super) fn of(about: &'static About, scale: Scale, takes: &[DrawnRun<'_>]) -> Self {
        let all: Vec<Series> = takes.iter().map(|take| series(take, about.name)).collect();
        let values = || {
            all.iter()
                .flat_map(|one| one.values.iter().flatten().chain(&one.theory).copied())
        };
        let floor = shared(all.iter().map(|one| one.floor.as_ref()));
        let edges = floor.map(|floor| [Some(floor.median), floor.low, floor.high]);
        let logarithmic = scale == Scale::Log && values().any(|v| v > 0.0);
        let shown = values().chain(edges.into_iter().flatten().flatten());
        Self {
            name: about.name,
            words: about.words,
            measures: about.measures,
            gloss: gloss(about),
            main: is_main(about),
            logarithmic,
            span: look::span(shown, logarithmic).map(short),
        }
    }
}

/// Whether the measure `name` has a value anywhere along the run.
pub(super) fn has(take: &DrawnRun<'_>, name: &str) -> bool {
    take.values(name).into_iter().any(f64::is_finite)
}

pub(super) fn series(take: &DrawnRun<'_>, name: &str) -> Series {
    let values = if has(take, name) {
        let all = take.values(name).into_iter();
        all.map(|v| v.is_finite().then(|| short(v))).collect()
    } else {
        Vec::new()
    };
    let mut arrivals = take.meter.arrivals();
    Series {
        values,
        theory: take.theory(name).into_iter().map(short).collect(),
        floor: if name == OFF.name {
            Some(Floor::NONE_OFF)
        } else {
            floor(take.meter.floors(), name)
        },
        since: arrivals
            .find(|(n, _)| *n == name)
            .and_then(|(_, step)| step),
    }
}

fn floor(floors: &Floors, name: &str) -> Option<Floor> {
    let (about, floor) = floor_by(floors, name)?;
    let [low, high] = floor
        .range(about.ideal, 0.95)
        .map(|edge| Some(edge).filter(|v| v.is_finite()));
    Some(Floor {
        median: short(floor.median),
        low: low.map(short),
        high: high.map(short),
    })
}

/// Six significant digits, which is more than anyone sees in a chart.
pub(super) fn short(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

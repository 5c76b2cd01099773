//! What the player of the page shows, as JSON: the runs with their clouds, fields and curves, each long series packed.

use std::io;

use serde::Serialize;

use super::curves::{Chart, Series, has, series, short};
use super::descent::Descent;
use super::frames::{
    ARROWS, FINE, FINER, VEILS, arrows, colours, cores, fields, laws, most_of, ratios, scales,
    veils, widths,
};
use super::html::harmless;
use super::pack::Grid;
use super::palette::Ramps;
use super::raws::{Raw, Raws};
use super::rounds::{self, COARSE};
use crate::cloud::CloudView;
use crate::film::{DrawnRun, Ground, Scene, Snapshot, charts, phases};
use crate::metric::Mark;
use crate::render::look::{LOOK, Look};
use crate::render::{BANDS, EDGES, Theme};

/// Positions that a page holds, all runs together; of more particles an even part is shown.
const POSITIONS: usize = 1_600_000;
/// Frames of a run that a page holds; of more an even part is shown.
const FRAMES: usize = 400;
/// Points of the target sample that are shown.
const TARGETS: usize = 6000;

/// Everything that moves.
#[derive(Debug, Serialize)]
pub(super) struct Film<'a> {
    view: [[f64; 2]; 2],
    /// What the field covers.
    field_view: [[f64; 2]; 2],
    /// Steps of the longest run.
    steps: usize,
    fps: f64,
    /// Packed series, which the runs refer to by their place.
    blobs: Vec<String>,
    grid: Places,
    /// Steps of the grid that moves are counted in.
    coarse: i16,
    /// Parts of a band that log ratios and fields are counted in, and the bands on either side.
    fine: f32,
    finer: f32,
    bands: usize,
    /// The ratios at the edges of the bands.
    edges: [f64; BANDS],
    /// The longest of the moves that arrows stand for, and the longest part of any along an axis, in runs that have no others.
    longest: f64,
    most: f64,
    /// Whether trails are shown until a reader chooses.
    trails: bool,
    /// Steps in which the field fades.
    veils: f32,
    look: Look,
    light: Ramps,
    dark: Ramps,
    /// The target, if it is one on the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<Line>,
    runs: Vec<Run<'a>>,
    charts: Vec<Chart>,
}

/// A target on the line, at the places of the field.
#[derive(Debug, Serialize)]
struct Line {
    target: Vec<f64>,
    /// Whether that is its own density.
    exact: bool,
    /// Bandwidth of the cloud's density.
    blur: f64,
    top: f64,
}

impl Line {
    fn of(ground: &Ground) -> Self {
        Self {
            target: ground.density().iter().copied().map(short).collect(),
            exact: ground.is_exact(),
            blur: ground.blur(),
            top: short(ground.top()),
        }
    }
}

/// What the numbers of a cloud stand for.
#[derive(Debug, Serialize)]
struct Places {
    middle: [f64; 2],
    step: f64,
}

#[derive(Debug, Serialize)]
struct Run<'a> {
    name: &'a str,
    note: &'a str,
    diverged: bool,
    /// Particles and target samples in the run, and particles in the page.
    particles: usize,
    targets: usize,
    shown: usize,
    /// Step and time of each frame.
    steps: Vec<usize>,
    times: Vec<f64>,
    /// Each frame: all x, then all y.
    cloud: usize,
    /// Each frame: the place of each particle's log ratio among the bands.
    ratio: usize,
    /// Lattice of the field, `[columns, rows]`.
    lattice: [usize; 2],
    /// Each frame: the place of the log ratio among the bands, row by row from the bottom left.
    field: usize,
    /// Lattice of the arrows, and how many steps of the field's lattice apart they are.
    arrow_lattice: [usize; 2],
    arrow_pitch: usize,
    /// Each frame: all x, then all y, of the next moves: in 127ths of the root of the longest part, with the sign of the part.
    arrows: usize,
    /// The same two of this run alone, where its arrows have a scale of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    longest: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    most: Option<f64>,
    /// Each frame: the root mean square of the next moves, and the middle of the cloud with how wide it is, where that is little beside the picture.
    paces: Vec<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cores: Option<Vec<Option<[f64; 3]>>>,
    /// Each frame: how far the field counts at each place, in steps; nothing where it counts everywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    veils: Option<usize>,
    /// The phases of a step: word, formula, and the number beside it: `h`, `ε`, or itself.
    phases: Vec<[String; 3]>,
    /// ε of the step after each frame.
    step_sizes: Vec<f64>,
    /// How far the step after each frame moved the points, and how far the generator stayed from there: all x, then all y, in `coarse` steps; nothing where
    /// no generator learns at every step.
    #[serde(skip_serializing_if = "Option::is_none")]
    moves: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    misses: Option<usize>,
    /// Of which frames these two are known.
    rounds: Vec<bool>,
    /// Whether the field has bands.
    is_log_ratio: bool,
    /// Length over which the field of each frame is smooth; empty where it is not known. Whether it is a bandwidth that blurs both densities.
    scales: Vec<f64>,
    blurred: bool,
    target: usize,
    /// Colours of the particles by origin, red, green and blue of each.
    light: usize,
    dark: usize,
    /// Each frame: 32 times how much wider each particle is drawn; nothing where all have one weight.
    #[serde(skip_serializing_if = "Option::is_none")]
    widths: Option<usize>,
    #[serde(flatten)]
    descent: Descent,
    /// Each frame: mean and variance of target and cloud on the line, where they are known by a closed form of the flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    laws: Option<Vec<[[f64; 2]; 2]>>,
    /// Steps at which the run was measured.
    measured: Vec<usize>,
    series: Vec<Series>,
    /// Where the cloud stood at each of these steps, by all measures together.
    marks: &'a [Mark],
    /// The same of the last cloud, against the sample that is kept for it.
    outcome: Option<&'a Mark>,
}

impl<'a> Film<'a> {
    pub(super) fn new(scene: &Scene<'a>, fps: f64) -> io::Result<Self> {
        let view = scene.view.sane();
        let grid = Grid::over(view);
        let field_view = scene
            .takes
            .first()
            .map_or(view, |take| take.recorder.view());
        let mut raws = Raws::default();
        let longest = scene.longest_move();
        let stage = Stage {
            grid,
            runs: scene.takes.len(),
            most: most_of(longest),
        };
        let charts: Vec<Chart> = charts(scene.takes)
            .into_iter()
            .filter(|(about, _)| scene.takes.iter().any(|take| has(take, about.name)))
            .map(|(about, scale)| Chart::of(about, scale, scene.takes))
            .collect();
        let runs = scene
            .takes
            .iter()
            .map(|take| stage.run(scene, take, &charts, &mut raws))
            .collect();
        Ok(Self {
            view: [view.x, view.y],
            field_view: [field_view.x, field_view.y],
            steps: scene.steps,
            fps,
            blobs: raws.pack()?,
            grid: Places {
                middle: grid.middle(),
                step: grid.step(),
            },
            coarse: COARSE,
            fine: FINE,
            finer: FINER,
            bands: BANDS,
            edges: EDGES,
            longest: short(longest),
            most: short(stage.most),
            trails: scene.takes.iter().any(|take| take.scenario.output.trails),
            veils: VEILS,
            look: LOOK,
            light: Ramps::of(Theme::Light),
            dark: Ramps::of(Theme::Dark),
            line: scene.line.map(Line::of),
            runs,
            charts,
        })
    }

    /// The film as JSON that may stand inside an HTML page: no character of it begins or ends a tag.
    pub(super) fn json(&self) -> io::Result<String> {
        harmless(self)
    }
}

/// What all runs of a page share.
struct Stage {
    grid: Grid,
    runs: usize,
    /// The longest part of a move along an axis that is kept.
    most: f64,
}

impl Stage {
    fn run<'a>(
        &self,
        scene: &Scene<'a>,
        take: &DrawnRun<'a>,
        charts: &[Chart],
        raws: &mut Raws,
    ) -> Run<'a> {
        let all = take.recorder.snapshots();
        let chosen: Vec<usize> = spread(all.len(), FRAMES).collect();
        let frames: Vec<&Snapshot> = chosen.iter().map(|&k| &all[k]).collect();
        let particles = take.start.nrows();
        let most = (POSITIONS / self.runs.max(1) / frames.len().max(1)).max(250);
        let kept: Vec<usize> = spread(particles, most).collect();
        let [columns, rows] = all
            .first()
            .map_or([0, 0], |snapshot| snapshot.field.lattice().shape());
        let [across, up] = [columns, rows].map(|n| n.div_ceil(ARROWS));
        let descent = Descent::of(all, &chosen, &kept, particles, raws);
        let coloured = descent.origins.is_none().then_some(&kept[..]);
        let colours = |theme| colours(take.start.view(), coloured, theme);
        let target = take.recorder.target();
        let targets: Vec<usize> = spread(target.nrows(), TARGETS).collect();
        let rows_measured = take.meter.rows();
        let [moves, misses] = rounds::parts(self.grid, &frames, &kept);
        let each = |number: fn(&Snapshot) -> f64| -> Vec<f64> {
            frames.iter().map(|frame| short(number(frame))).collect()
        };
        let longest = scene.own_longest(take);
        let most = longest.map(most_of);
        Run {
            name: take.name,
            note: take.note,
            diverged: take.diverged,
            particles,
            targets: target.nrows(),
            shown: kept.len(),
            steps: frames.iter().map(|frame| frame.step).collect(),
            times: each(|frame| frame.time),
            cloud: raws.add(Raw::Wide(
                frames
                    .iter()
                    .flat_map(|frame| self.places(frame.cloud.view(), &kept))
                    .collect(),
                2 * kept.len(),
            )),
            ratio: raws.add(ratios(&frames, &kept)),
            lattice: [columns, rows],
            field: raws.add(fields(&frames, scene.line.is_some())),
            arrow_lattice: [across, up],
            arrow_pitch: ARROWS,
            arrows: raws.add(arrows(&frames, most.unwrap_or(self.most))),
            longest: longest.map(short),
            most: most.map(short),
            paces: each(|frame| frame.field.pace(frame.cloud.view())),
            cores: cores(&frames, scene.view.sane()),
            veils: veils(&frames).map(|raw| raws.add(raw)),
            phases: phases(
                take.scenario,
                frames.iter().any(|frame| frame.field.is_log_ratio()),
            ),
            step_sizes: each(|frame| frame.field.gauge().step_size),
            moves: moves.map(|raw| raws.add(raw)),
            misses: misses.map(|raw| raws.add(raw)),
            rounds: frames.iter().map(|frame| frame.round.is_some()).collect(),
            is_log_ratio: frames.iter().any(|frame| frame.field.is_log_ratio()),
            scales: scales(&frames),
            blurred: frames.iter().all(|frame| frame.field.gauge().blurred),
            target: raws.add(Raw::Wide(
                self.places(target, &targets).collect(),
                2 * targets.len(),
            )),
            light: raws.add(colours(Theme::Light)),
            dark: raws.add(colours(Theme::Dark)),
            widths: widths(&frames, &kept).map(|raw| raws.add(raw)),
            descent,
            laws: laws(take, &frames),
            measured: rows_measured.iter().map(|row| row.step).collect(),
            series: charts
                .iter()
                .map(|chart| series(take, chart.name))
                .collect(),
            marks: take.meter.marks(),
            outcome: take.outcome,
        }
    }

    /// The points with the given indices: all x, then all y.
    fn places<'a>(
        &self,
        cloud: CloudView<'a>,
        kept: &'a [usize],
    ) -> impl Iterator<Item = i16> + use<'a> {
        let grid = self.grid;
        (0..2).flat_map(move |axis| {
            kept.iter()
                .map(move |&k| grid.count(axis, cloud[(k, axis)]))
        })
    }
}

/// At most `most` of the numbers `0..count`, evenly spread, the first and the last among them.
fn spread(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let kept = count.min(most);
    (0..kept).map(move |k| {
        if kept < 2 {
            k
        } else {
            k * (count - 1) / (kept - 1)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_keeps_both_ends() {
        assert_eq!(spread(5, 10).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        assert_eq!(spread(9, 3).collect::<Vec<_>>(), [0, 4, 8]);
        assert_eq!(spread(0, 3).count(), 0);
        let many: Vec<_> = spread(100_003, 401).collect();
        assert_eq!((many.len(), many[0], many[400]), (401, 0, 100_002));
        assert!(many.windows(2).all(|pair| pair[0] < pair[1]));
    }
}

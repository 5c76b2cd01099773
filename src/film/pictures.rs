//! The pictures of a run, or of several side by side: animation, frames, last cloud, convergence.

use super::lineage::Lives;
use super::profile::{Ground, Past};
use super::recorder::{Recorder, Snapshot};
use crate::cloud::CloudView;
use crate::metric::{ALL, About, Floors, Ideal, Mark, Scale};
use crate::observe::{MetricRecorder, W2_MOVED, flow_columns};
use crate::render::look::LOOK;
use crate::render::{
    Chart, Colour, Curve, Figure, Film, FloorLine, Frame, Headline, Pace, Panel, Style, Theme,
    View, curves, curves_svg, draw, draw_svg, film, number, origin,
};
use crate::scenario::{OutputSpec, ThemeSpec};

/// What the pictures of one run are made from.
#[derive(Clone, Copy, Debug)]
pub struct DrawnRun<'a> {
    /// Name of the variant; empty for a run by itself.
    pub name: &'a str,
    /// The snapshots, at least one.
    pub recorder: &'a Recorder,
    /// What was measured.
    pub meter: &'a MetricRecorder,
    /// How the run ended, if not as planned; written into the last frames.
    pub note: &'a str,
    /// Where the last cloud stands, against the sample that is kept for it; it stands above that cloud. Until then the meter's own marks do.
    pub outcome: Option<&'a Mark>,
}

/// Runs that begin with the same cloud and have the same target, to be drawn together.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// Title of the scenario.
    pub title: &'a str,
    /// Steps of the longest run.
    pub steps: usize,
    /// The first cloud, which gives particles their colours.
    pub start: CloudView<'a>,
    /// The target sample to draw.
    pub target: CloudView<'a>,
    /// What every picture shows.
    pub view: View,
    /// The target, if it is one on the line.
    pub line: Option<&'a Ground>,
    /// The runs, at least one.
    pub takes: &'a [DrawnRun<'a>],
}

impl Scene<'_> {
    /// Animation and frames, at the steps of the run that has most of them. A run that ended earlier stays as it was.
    #[must_use]
    pub fn film(&self, style: &Style, pace: Pace, stills: bool) -> Film {
        let colours = origin::colours(self.start, style.theme);
        let steps = self.frame_steps();
        film(
            steps.len(),
            |k| self.frame(steps[k], &colours, style, draw),
            pace,
            stills,
        )
    }

    /// The bytes of `final.png`, at twice the scale.
    #[must_use]
    pub fn last(&self, style: &Style) -> Vec<u8> {
        let colours = origin::colours(self.start, style.theme);
        let last = self.frame_steps().last().copied().unwrap_or(0);
        self.frame(last, &colours, &sharp(style), draw).png()
    }

    /// The text of `final.svg`.
    #[must_use]
    pub fn last_svg(&self, style: &Style) -> String {
        let colours = origin::colours(self.start, style.theme);
        let last = self.frame_steps().last().copied().unwrap_or(0);
        self.frame(last, &colours, style, draw_svg)
    }

    /// The bytes of `snapshots.png`, at twice the scale: the first run at these steps, side by side.
    #[must_use]
    pub fn snapshots(&self, style: &Style, steps: &[usize]) -> Vec<u8> {
        self.moments(steps, &sharp(style), draw).png()
    }

    /// The text of `snapshots.svg`.
    #[must_use]
    pub fn snapshots_svg(&self, style: &Style, steps: &[usize]) -> String {
        self.moments(steps, style, draw_svg)
    }

    /// Draws the frames of the first run that are nearest to these steps with `draw`.
    fn moments<T>(
        &self,
        steps: &[usize],
        style: &Style,
        draw: impl Fn(&Frame<'_, '_>, &Style) -> T,
    ) -> T {
        let colours = origin::colours(self.start, style.theme);
        let take = &self.takes[..1];
        let all = take.iter().flat_map(|take| take.recorder.snapshots());
        let nearest = |step: &usize| all.clone().min_by_key(|s| s.step.abs_diff(*step));
        let mut chosen: Vec<&Snapshot> = steps.iter().filter_map(nearest).collect();
        // Two steps may have the same frame.
        chosen.dedup_by_key(|snapshot| snapshot.step);
        let names: Vec<String> = chosen
            .iter()
            .map(|s| format!("step {}, time {}", s.step, number(s.time)))
            .collect();
        let takes: Vec<DrawnRun<'_>> = take.repeat(chosen.len());
        let lives: Vec<_> = takes
            .iter()
            .zip(&chosen)
            .map(|(t, s)| self.past(t, s.step, &colours, style))
            .collect();
        let panels: Vec<Panel<'_>> = (0..chosen.len())
            .map(|k| Panel {
                name: &names[k],
                ..self.panel(&takes[k], chosen[k], &lives[k])
            })
            .collect();
        let last = chosen.iter().map(|s| s.step).max().unwrap_or(0);
        self.draw(last, &panels, style, draw)
    }

    /// The steps of the snapshots of the run that has most of them, and of those the one that came furthest.
    fn frame_steps(&self) -> Vec<usize> {
        let all = self.takes.iter().map(|take| take.recorder.snapshots());
        let most = all.max_by_key(|all| (all.len(), all.last().map(|last| last.step)));
        most.unwrap_or_default().iter().map(|s| s.step).collect()
    }

    /// Draws the moment `step` with `draw`.
    fn frame<T>(
        &self,
        step: usize,
        colours: &[Colour],
        style: &Style,
        draw: impl Fn(&Frame<'_, '_>, &Style) -> T,
    ) -> T {
        let lives = self.takes.iter();
        let lives: Vec<Past<'_>> = lives
            .map(|take| self.past(take, step, colours, style))
            .collect();
        let panels: Vec<Panel<'_>> = self
            .takes
            .iter()
            .zip(&lives)
            .filter_map(|(take, lives)| Some(self.panel(take, take.at(step)?, lives)))
            .collect();
        self.draw(step, &panels, style, draw)
    }

    /// What lies behind a run's particles at `step`.
    fn past<'p>(
        &self,
        take: &DrawnRun<'p>,
        step: usize,
        colours: &[Colour],
        style: &Style,
    ) -> Past<'p> {
        let all = take.recorder.snapshots();
        let now = all.partition_point(|s| s.step < step);
        Past {
            lives: Lives::up_to(all, now, LOOK.trail.frames, colours, style.theme.muted()),
            along: self.line.map(|line| line.along(all, now)),
        }
    }

    /// A run at one moment.
    fn panel<'p>(
        &'p self,
        take: &DrawnRun<'p>,
        snapshot: &'p Snapshot,
        Past { lives, along }: &'p Past<'p>,
    ) -> Panel<'p> {
        let last = take.recorder.snapshots().last();
        let over = last.is_some_and(|last| last.step == snapshot.step);
        Panel {
            name: take.name,
            particles: snapshot.cloud.view(),
            past: &lives.past,
            births: &lives.births,
            shares: &snapshot.shares,
            colours: &lives.colours,
            target: self.target,
            field: Some(&snapshot.field),
            profile: self
                .line
                .zip(along.as_ref())
                .map(|(line, along)| line.profile(along, self.steps)),
            headline: if over {
                take.outcome.map(headline)
            } else {
                None
            }
            .or_else(|| take.headline(snapshot.step)),
            note: if over { take.note } else { "" },
        }
    }

    /// Draws panels under the head of the moment `step` with `draw`.
    fn draw<T>(
        &self,
        step: usize,
        panels: &[Panel<'_>],
        style: &Style,
        draw: impl Fn(&Frame<'_, '_>, &Style) -> T,
    ) -> T {
        let time = self.takes.first().and_then(|take| take.at(step));
        let longest = self.takes.iter().map(|take| take.recorder.longest_move());
        draw(
            &Frame {
                title: self.title,
                step: step as u64,
                steps: self.steps as u64,
                time: time.map_or(f64::NAN, |snapshot| snapshot.time),
                view: self.view,
                longest: longest.fold(0.0, f64::max),
                panels,
            },
            style,
        )
    }

    /// The bytes of `convergence.png`, at twice the scale: one chart for each measure that any of the runs has.
    #[must_use]
    pub fn convergence(&self, style: &Style) -> Vec<u8> {
        self.figure(&sharp(style), curves).png()
    }

    /// The text of `convergence.svg`.
    #[must_use]
    pub fn convergence_svg(&self, style: &Style) -> String {
        self.figure(style, curves_svg)
    }

    /// Draws the curves with `draw`.
    fn figure<T>(&self, style: &Style, draw: impl Fn(&Figure<'_>, &Style) -> T) -> T {
        let known = charts(self.takes);
        let series: Vec<Vec<Series<'_>>> = known
            .iter()
            .map(|(about, _)| {
                self.takes
                    .iter()
                    .filter_map(|take| take.series(about.name, self.label(take)))
                    .collect()
            })
            .collect();
        let curved: Vec<Vec<Curve<'_>>> = series
            .iter()
            .map(|all| all.iter().map(Series::curve).collect())
            .collect();
        let mut charts: Vec<Chart<'_>> = known
            .iter()
            .zip(&curved)
            .filter(|(_, curves)| !curves.is_empty())
            .map(|((about, scale), curves)| Chart {
                name: about.words,
                note: "",
                floor: self
                    .takes
                    .iter()
                    .find_map(|take| floor_of(take.meter.floors(), about.name)),
                logarithmic: *scale == Scale::Log,
                curves,
            })
            .collect();
        let balance = self.balance();
        let balanced: Vec<Vec<Curve<'_>>> = balance
            .iter()
            .map(|balance| balance.series.iter().map(Series::curve).collect())
            .collect();
        for (balance, curves) in balance.iter().zip(&balanced) {
            charts.push(Chart {
                name: balance.name,
                note: balance.note,
                floor: None,
                logarithmic: balance.logarithmic,
                curves,
            });
        }
        let figure = Figure {
            across: "step",
            title: self.title,
            charts: &charts,
        };
        draw(&figure, style)
    }
}

impl<'a> Scene<'a> {
    /// What the curves of a run are called; a run by itself is told from what is drawn beside it.
    fn label(&self, take: &DrawnRun<'a>) -> &'a str {
        if self.takes.len() == 1 {
            "measured"
        } else {
            take.name
        }
    }

    /// Charts that hold runs to the theory. A run by itself: the KL lost against what the moves promise to take off it, and W2 from the
    /// first cloud against its two upper bounds. Several: which part of the loss was promised.
    fn balance(&self) -> Vec<Balance<'a>> {
        let [take] = self.takes else {
            let shares = self.takes.iter().filter_map(DrawnRun::promised_share);
            return vec![Balance {
                name: "share of the lost KL that D promised",
                note: "1 if D is exact",
                logarithmic: true,
                series: shares.collect(),
            }]
            .into_iter()
            .filter(|balance| !balance.series.is_empty())
            .collect();
        };
        let chart = |name, note, columns: &[(&str, &'static str)]| {
            let measured = |&(column, label): &(&str, &'static str)| take.series(column, label);
            let mut series: Vec<Series<'_>> = columns.iter().filter_map(measured).collect();
            // The first is what the last may lie on.
            if let [first, _, ..] = &mut series[..] {
                first.wide = true;
            }
            let last = |series: &Series<'_>| series.values.last().copied().unwrap_or(f64::NAN);
            let far = matches!(&series[..], [a, b] if last(a) > 0.0 && !(0.1..10.0).contains(&(last(b) / last(a))));
            Balance {
                name,
                note,
                logarithmic: far,
                series,
            }
        };
        let all = [
            chart(
                "KL(q‖p) lost",
                "equal if D is exact, less if it smooths",
                &[
                    ("dissipation", "promised by D, Σ ε E‖v‖²"),
                    ("reaction_dissipation", "promised to births and deaths"),
                    ("kl_lost", "measured"),
                ],
            ),
            chart(
                "W₂(q₀, q) and its bounds",
                "never above them",
                &[
                    ("displacement", "rms displacement"),
                    ("path_length", "path length"),
                    (W2_MOVED.name, "measured"),
                ],
            ),
        ];
        let drawn = |balance: &Balance<'_>| balance.series.len() > 1;
        // Masses that change are no coupling of the clouds, and bound no distance.
        let bounds = take.series("births", "").is_none();
        let kept = all.into_iter().take(if bounds { 2 } else { 1 });
        kept.filter(drawn).collect()
    }
}

/// A chart that sets measured curves against what theory says of them.
struct Balance<'a> {
    name: &'static str,
    note: &'static str,
    logarithmic: bool,
    series: Vec<Series<'a>>,
}

/// One measure of one run.
struct Series<'a> {
    label: &'a str,
    steps: Vec<f64>,
    values: Vec<f64>,
    converged_at: Option<f64>,
    wide: bool,
}

impl Series<'_> {
    fn curve(&self) -> Curve<'_> {
        Curve {
            label: self.label,
            steps: &self.steps,
            values: &self.values,
            converged_at: self.converged_at,
            wide: self.wide,
        }
    }
}

impl<'a> DrawnRun<'a> {
    /// The last snapshot at `step` or before; the first one if there is none.
    fn at(&self, step: usize) -> Option<&'a Snapshot> {
        let all = self.recorder.snapshots();
        all.iter().rfind(|s| s.step <= step).or(all.first())
    }

    /// Where the cloud stood when it was last measured, at `step` or before.
    fn headline(&self, step: usize) -> Option<Headline<'a>> {
        let rows = self.meter.rows();
        let row = rows.iter().rposition(|row| row.step <= step)?;
        self.meter.marks().get(row).map(headline)
    }

    /// All values of the measure `name`; `None` if it was never measured.
    fn series(&self, name: &str, label: &'a str) -> Option<Series<'a>> {
        let rows = self.meter.rows();
        let value = |row: &crate::observe::Row| row.values.get(name).unwrap_or(f64::NAN);
        let values: Vec<f64> = rows.iter().map(value).collect();
        values.iter().any(|v| v.is_finite()).then(|| Series {
            label,
            steps: rows.iter().map(|row| row.step as f64).collect(),
            values,
            converged_at: self
                .meter
                .arrivals()
                .find(|(n, _)| *n == name)
                .and_then(|(_, step)| step.map(|step| step as f64)),
            wide: false,
        })
    }

    /// What D promised to take off the KL divergence, as a share of what is gone; a gap where nothing is.
    fn promised_share(&self) -> Option<Series<'a>> {
        let [promised, lost] =
            ["dissipation", "kl_lost"].map(|column| self.series(column, self.name));
        let (mut series, lost) = promised.zip(lost)?;
        for (value, lost) in series.values.iter_mut().zip(lost.values) {
            *value = if lost > 0.0 { *value / lost } else { f64::NAN };
        }
        Some(series)
    }
}

/// All measures in the order of their columns, and behind them those of `more` that are not in the catalogue, each once.
pub(crate) fn all_and(more: impl Iterator<Item = &'static About>) -> Vec<&'static About> {
    let mut all = ALL.to_vec();
    for about in more {
        if all.iter().all(|known| known.name != about.name) {
            all.push(about);
        }
    }
    all
}

/// What has a curve in `convergence.png` and on the page: the measures in the order of their columns, then what describes the flow.
pub(crate) fn charts(takes: &[DrawnRun<'_>]) -> Vec<(&'static About, Scale)> {
    let measured = all_and(takes.iter().flat_map(|take| take.meter.about()));
    let all = measured.into_iter().chain(flow_columns());
    all.filter_map(|about| Some((about, about.axis?))).collect()
}

impl Style {
    /// How the pictures of a scenario look.
    pub(crate) fn of(output: &OutputSpec) -> Self {
        Self {
            theme: match output.theme {
                ThemeSpec::Light => Theme::Light,
                ThemeSpec::Dark => Theme::Dark,
            },
            scale: output.scale,
            ..Self::default()
        }
    }
}

impl Pace {
    /// So many frames a second.
    pub(crate) fn of(fps: f64) -> Self {
        Self {
            frame: (1000.0 / fps).round() as u16,
            ..Self::default()
        }
    }
}

/// Twice as sharp, for pictures to be printed.
fn sharp(style: &Style) -> Style {
    Style {
        scale: 2.0 * style.scale,
        ..*style
    }
}

/// A mark as it stands above a picture.
fn headline(mark: &Mark) -> Headline<'_> {
    let [long, brief, short] = &mark.words;
    Headline {
        words: [long, brief, short],
        arrived: mark.arrived,
    }
}

/// The floor of a measure of which less is better.
fn floor_of(floors: &Floors, name: &str) -> Option<FloorLine> {
    let (about, floor) = floors.known().find(|(about, _)| about.name == name)?;
    (about.ideal == Ideal::Low).then_some(FloorLine {
        median: floor.median,
        q95: floor.q95,
    })
}

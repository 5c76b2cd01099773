//! The pictures of a run, or of several side by side: animation, frames, last cloud, convergence.

use super::lineage::Lives;
use super::phases::{Moment, Phase, learner, strip};
use super::profile::{Ground, Past, Places};
use super::recorder::{Recorder, Snapshot};
use super::theory::Law;
use crate::cloud::Cloud;
use crate::metric::Mark;
use crate::observe::MetricRecorder;
use crate::render::look::LOOK;
use crate::render::{
    Colour, Film, Frame, Headline, Pace, Panel, Show, Strip, Style, View, draw, draw_svg, film,
    number, origin,
};
use crate::scenario::Scenario;

/// What the pictures of one run are made from.
#[derive(Clone, Copy, Debug)]
pub struct DrawnRun<'a> {
    /// Name of the variant; empty for a run by itself.
    pub name: &'a str,
    /// How it was run.
    pub scenario: &'a Scenario,
    /// The first cloud, `n×2`, which gives particles their colours.
    pub start: &'a Cloud,
    /// The snapshots, at least one.
    pub recorder: &'a Recorder,
    /// What was measured.
    pub meter: &'a MetricRecorder,
    /// How the run ended, if not as planned; written into the last frames.
    pub note: &'a str,
    /// Whether it failed.
    pub diverged: bool,
    /// Where the last cloud stands, against the sample that is kept for it; it stands above that cloud. Until then the meter's own marks do.
    pub outcome: Option<&'a Mark>,
}

/// Runs that are drawn together.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// Title of the scenario.
    pub title: &'a str,
    /// Steps of the longest run.
    pub steps: usize,
    /// What every picture shows.
    pub view: View,
    /// The target, if it is one on the line.
    pub line: Option<&'a Ground>,
    /// The runs, at least one.
    pub takes: &'a [DrawnRun<'a>],
}

impl DrawnRun<'_> {
    /// The colour of each particle.
    fn colours(&self, style: &Style) -> Vec<Colour> {
        origin::colours(self.start.view(), style.theme)
    }
}

impl Scene<'_> {
    /// Of each run the colours of its particles.
    fn colours(&self, style: &Style) -> Vec<Vec<Colour>> {
        self.takes.iter().map(|take| take.colours(style)).collect()
    }

    /// Animation and frames, at the steps of the run that has most of them. A run that ended earlier stays as it was.
    #[must_use]
    pub fn film(&self, style: &Style, pace: Pace, stills: bool) -> Film {
        let colours = self.colours(style);
        let moments = self.film_moments(style);
        film(
            moments.len(),
            |k| self.frame(moments[k], &colours, style, draw),
            pace,
            stills,
        )
    }

    /// The bytes of `final.png`, at twice the scale.
    #[must_use]
    pub fn last(&self, style: &Style) -> Vec<u8> {
        let colours = self.colours(style);
        self.frame(self.last_moment(), &colours, &sharp(style), draw)
            .png()
    }

    /// The text of `final.svg`.
    #[must_use]
    pub fn last_svg(&self, style: &Style) -> String {
        let colours = self.colours(style);
        self.frame(self.last_moment(), &colours, style, draw_svg)
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
        let take = &self.takes[..1];
        let colours = take[0].colours(style);
        let all = take.iter().flat_map(|take| take.recorder.snapshots());
        let nearest = |step: &usize| all.clone().min_by_key(|s| s.step.abs_diff(*step));
        let mut chosen: Vec<&Snapshot> = steps.iter().filter_map(nearest).collect();
        // Two steps may have the same frame.
        chosen.dedup_by_key(|snapshot| snapshot.step);
        let shown: Vec<(&Snapshot, Option<Phase>)> = chosen
            .iter()
            .flat_map(|snapshot| {
                let phases = phases(&take[0], snapshot);
                let all = || phases.iter().copied().map(Some).collect();
                let phases = if style.show.phases { all() } else { vec![None] };
                phases.into_iter().map(|phase| (*snapshot, phase))
            })
            .collect();
        let names: Vec<String> = shown
            .iter()
            .map(|(s, phase)| match phase {
                Some(phase) => format!("step {}: {}", s.step, phase.word(take[0].scenario)),
                None => format!("step {}, time {}", s.step, number(s.time)),
            })
            .collect();
        let pasts: Vec<_> = shown
            .iter()
            .map(|(s, phase)| {
                self.past(
                    &take[0],
                    Moment {
                        step: s.step,
                        phase: *phase,
                    },
                    &colours,
                    style,
                )
            })
            .collect();
        let panels: Vec<Panel<'_>> = shown
            .iter()
            .zip(&pasts)
            .zip(&names)
            .map(|(((snapshot, phase), past), name)| Panel {
                name,
                ..self.panel(&take[0], snapshot, *phase, past)
            })
            .collect();
        let last = chosen.iter().map(|s| s.step).max().unwrap_or(0);
        let threads = pasts.iter().any(|past| past.phase.threads.is_some());
        let show = Show {
            arrows: style.show.arrows && !threads,
            ..style.show
        };
        let style = &Style { show, ..*style };
        // Each panel has a step and a time of its own.
        let head = Head {
            step: last,
            steps: 0,
            time: f64::NAN,
        };
        self.draw(head, None, &panels, style, draw)
    }

    /// The longest of the moves that arrows stand for, in all runs; those that failed beside others do not count, whose last move may be beyond all measure.
    pub(crate) fn longest_move(&self) -> f64 {
        let all = || self.takes.iter();
        let failed = all().all(|take| take.diverged);
        let counted = all().filter(|take| failed || !take.diverged);
        let moves = counted.map(|take| take.recorder.longest_move());
        moves.fold(0.0, f64::max)
    }

    /// The longest of a run's own moves, where its arrows would be too short beside those of the others.
    pub(crate) fn own_longest(&self, take: &DrawnRun<'_>) -> Option<f64> {
        let own = take.recorder.longest_move();
        let is_short = own > 0.0 && LOOK.own * own < self.longest_move();
        is_short.then_some(own)
    }

    /// The time at a step, if all runs have that one.
    fn time(&self, step: usize) -> f64 {
        let mut times = self.takes.iter().map(|take| take.at(step).map(|s| s.time));
        let first = times.next().flatten().unwrap_or(f64::NAN);
        let same = times.all(|time| time == Some(first));
        if same { first } else { f64::NAN }
    }

    /// The steps of the snapshots of the run that has most of them, and of those the one that came furthest.
    fn frame_steps(&self) -> Vec<usize> {
        let all = self.takes.iter().map(|take| take.recorder.snapshots());
        let most = all.max_by_key(|all| (all.len(), all.last().map(|last| last.step)));
        most.unwrap_or_default().iter().map(|s| s.step).collect()
    }

    /// What the last picture shows.
    fn last_moment(&self) -> Moment {
        let step = self.frame_steps().last().copied().unwrap_or(0);
        Moment { step, phase: None }
    }

    /// What the frames of the film show. With their phases fewer moments are shown, so that the film has about as many frames.
    fn film_moments(&self, style: &Style) -> Vec<Moment> {
        /// So many moments at least, if there are as many.
        const LEAST: usize = 8;
        let steps = self.frame_steps();
        if !style.show.phases {
            return steps
                .into_iter()
                .map(|step| Moment { step, phase: None })
                .collect();
        }
        let (all, last) = (steps.len(), steps.len().saturating_sub(1));
        let count = (all / Phase::ALL.len()).max(LEAST).min(all);
        let chosen = (0..count).map(|k| steps[k * last / (count - 1).max(1)]);
        chosen
            .flat_map(|step| {
                let at = |take: &DrawnRun<'_>| Some(phases(take, take.at(step)?));
                let phases = self.takes.iter().filter_map(at);
                let phases = phases.max_by_key(Vec::len).unwrap_or_default();
                phases.into_iter().map(move |phase| Moment {
                    step,
                    phase: Some(phase),
                })
            })
            .collect()
    }

    /// Draws a moment with `draw`.
    fn frame<T>(
        &self,
        moment: Moment,
        colours: &[Vec<Colour>],
        style: &Style,
        draw: impl Fn(&Frame<'_, '_>, &Style) -> T,
    ) -> T {
        let lives = self.takes.iter().zip(colours);
        let lives: Vec<Past<'_>> = lives
            .map(|(take, colours)| self.past(take, moment, colours, style))
            .collect();
        let panels: Vec<Panel<'_>> = self
            .takes
            .iter()
            .zip(&lives)
            .filter_map(|(take, lives)| {
                let snapshot = take.at(moment.step)?;
                let panel = self.panel(take, snapshot, moment.phase, lives);
                // What is of an earlier step, because the run has ended, says of which.
                let late = |headline: Headline<'_>| {
                    headline.since.is_none() && moment.step > snapshot.step
                };
                let since = panel.headline.filter(|headline| late(*headline));
                let headline = since.map(|headline| Headline {
                    since: Some(snapshot.step),
                    ..headline
                });
                Some(Panel {
                    headline: headline.or(panel.headline),
                    ..panel
                })
            })
            .collect();
        let head = Head {
            step: moment.step,
            steps: self.steps,
            time: self.time(moment.step),
        };
        self.draw(head, moment.phase, &panels, style, draw)
    }

    /// Where a run's particles are at a moment, and what lies behind them.
    fn past<'p>(
        &self,
        take: &DrawnRun<'p>,
        Moment { step, phase }: Moment,
        colours: &[Colour],
        style: &Style,
    ) -> Past<'p> {
        let all = take.recorder.snapshots();
        let now = all.partition_point(|s| s.step < step);
        let snapshot = take.at(step);
        let places = phase.zip(snapshot);
        let places =
            places.map_or_else(Places::default, |(phase, snapshot)| phase.places(snapshot));
        let points = places.points.as_ref().map(|points| points.view());
        // Within a step there is no time, and only on the line is it drawn.
        let law = snapshot.filter(|_| points.is_none() && self.line.is_some());
        let law = law.and_then(|snapshot| Law::of(take.scenario, snapshot));
        let points = points.or(snapshot.map(|snapshot| snapshot.cloud.view()));
        Past {
            lives: Lives::up_to(all, now, LOOK.trail.frames, colours, style.theme.ink()),
            along: self
                .line
                .zip(points)
                .map(|(line, points)| line.along(all, now, points, law)),
            phase: places,
            note: self.note(take, step),
        }
    }

    /// Where a run has come to its end while others go on, and in the last picture: how it ended.
    fn note(&self, take: &DrawnRun<'_>, step: usize) -> String {
        let last = take.recorder.snapshots().last().map_or(0, |last| last.step);
        let is_end = step >= self.last_moment().step;
        if step > last && take.note.is_empty() {
            format!("ended at step {last}")
        } else if step > last || is_end {
            take.note.to_owned()
        } else {
            String::new()
        }
    }

    /// A run at one moment.
    fn panel<'p>(
        &'p self,
        take: &DrawnRun<'p>,
        snapshot: &'p Snapshot,
        phase: Option<Phase>,
        past: &'p Past<'p>,
    ) -> Panel<'p> {
        let Past {
            note,
            phase: places,
            lives,
            along,
        } = past;
        let points = places.points.as_ref().unwrap_or(&snapshot.cloud);
        let last = take.recorder.snapshots().last();
        let over = last.is_some_and(|last| last.step == snapshot.step);
        Panel {
            name: take.name,
            particles: points.view(),
            threads: places.threads.as_ref().map(|threads| threads.view()),
            // Within a step there is no path but its threads.
            past: if phase.is_none_or(|phase| phase == Phase::Points) {
                &lives.past
            } else {
                &[]
            },
            births: &lives.births,
            shares: &snapshot.shares,
            colours: &lives.colours,
            target: take.recorder.target(),
            field: phase
                .is_none_or(Phase::has_field)
                .then_some(&snapshot.field),
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
            note,
            diverged: take.diverged && self.takes.len() > 1 && !note.is_empty(),
            longest: self.own_longest(take),
        }
    }

    /// Draws panels under a head with `draw`.
    fn draw<T>(
        &self,
        head: Head,
        phase: Option<Phase>,
        panels: &[Panel<'_>],
        style: &Style,
        draw: impl Fn(&Frame<'_, '_>, &Style) -> T,
    ) -> T {
        let has_strip = style.show.formula || style.show.phases;
        let phases = has_strip.then(|| self.strip(head.step));
        let threads = panels.iter().any(|panel| panel.threads.is_some());
        let show = phase.map_or(style.show, |phase| phase.dress(style.show, threads));
        draw(
            &Frame {
                title: self.title,
                step: head.step as u64,
                steps: head.steps as u64,
                time: head.time,
                view: self.view,
                longest: self.longest_move(),
                strip: phases.as_ref().map(|phases| Strip {
                    phases,
                    lit: phase.map(|phase| phase as usize),
                }),
                panels,
            },
            &Style { show, ..*style },
        )
    }

    /// The phases of a step: those of the first run whose generator learns at each, or of the first; with numbers where there is one run.
    fn strip(&self, step: usize) -> Vec<[String; 2]> {
        let learns = |take: &&DrawnRun<'_>| learner(take.scenario).is_some();
        let Some(take) = self.takes.iter().find(learns).or(self.takes.first()) else {
            return Vec::new();
        };
        let now = take.at(step);
        let is_ratio = now.is_some_and(|now| now.field.is_log_ratio());
        let gauge = now.map(|now| now.field.gauge());
        strip(
            take.scenario,
            is_ratio,
            gauge.filter(|_| self.takes.len() == 1),
        )
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
        let since = Some(rows[row].step).filter(|measured| *measured < step);
        let mark = self.meter.marks().get(row)?;
        Some(Headline {
            since,
            ..headline(mark)
        })
    }
}

/// What stands above the panels beside the title.
#[derive(Clone, Copy)]
struct Head {
    step: usize,
    /// Of so many; 0 where it is not said.
    steps: usize,
    time: f64,
}

/// The phases of the step after this snapshot; at the end the move is not made any more.
fn phases(take: &DrawnRun<'_>, snapshot: &Snapshot) -> Vec<Phase> {
    let last = take.recorder.snapshots().last();
    let is_last = last.is_some_and(|last| last.step == snapshot.step);
    let count = match (&snapshot.round, is_last) {
        (Some(_), _) => 4,
        (None, false) if learner(take.scenario).is_none() => 3,
        (None, _) => 2,
    };
    Phase::ALL[..count].to_vec()
}

/// Twice as sharp, for pictures to be printed.
pub(super) fn sharp(style: &Style) -> Style {
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
        since: None,
    }
}

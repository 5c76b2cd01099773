//! Keeps what the pictures and the trajectory of a run are made of.

use std::ops::ControlFlow;

use ndarray::{Array1, Array3, Array4, Axis};
use rayon::prelude::*;

use super::round::Round;
use super::spread::{Moment, Spread};
use crate::cloud::{Cloud, CloudView};
use crate::discriminator::Ratio;
use crate::experiment::Experiment;
use crate::flow::{Ending, Step};
use crate::observe::{Cadence, ObserveError, Observer};
use crate::render::{FieldGrid, Gauge, Lattice, View};
use crate::scenario::{Corners, Sight, SpreadSpec, ViewSpec};
use crate::setting::WordOr;

/// Places along the longer side of the view where the field is asked for, and along the line.
const ACROSS: usize = 64;
const ALONG: usize = 400;

/// The field is asked for within this many length scales of the discriminator from the nearest sample or particle, along the line and in the plane, where
/// it is not drawn further than two away: the rest is the dearest to ask for, as sums far from all points.
const REACH: [f64; 2] = [4.5, 2.0];
/// And so many places of the lattice further, for distances are counted in these, and what is drawn is smooth over some.
const MARGIN: f64 = 3.0;

/// The flow at one step.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Steps done.
    pub step: usize,
    /// Σ ε.
    pub time: f64,
    /// The particles, `n×2`.
    pub cloud: Cloud,
    /// `D` at the particles, `n`; empty where it is no log ratio.
    pub log_ratio: Array1<f64>,
    /// `D` and the velocity all over the view.
    pub field: FieldGrid,
    /// For each particle the row, in the snapshot before, of itself or of the one that it descends from; `None` for one whose line began since then at a
    /// target sample. Nothing for a flow without a reaction.
    pub parents: Option<Parents>,
    /// N times the weight of each particle; empty where all are equal.
    pub shares: Vec<f64>,
    /// Σ of the root mean square displacement of each step up to here; not a number where it was not kept.
    pub path_length: f64,
    /// The step from here to the next, of a flow whose generator learns at every step; nothing at the end.
    pub round: Option<Round>,
    /// How many were taken before, those among them that were let go again.
    pub(crate) number: usize,
}

/// Rows of parents.
pub type Parents = Vec<Option<usize>>;

/// An [`Observer`] that takes a [`Snapshot`] at each due step, and of the last good one.
#[derive(Debug)]
pub struct Recorder {
    cadence: Option<Cadence>,
    /// In place of the cadence: which are taken, and which of them stay.
    spread: Option<Spread>,
    lattice: Lattice,
    places: Cloud,
    target: Cloud,
    snapshots: Vec<Snapshot>,
    longest_move: f64,
    /// Whether the generator of the flow learns at every step.
    rounds: bool,
    /// Whether the scale of the discriminator is a bandwidth that blurs both densities.
    blurred: bool,
    /// Descent of the present cloud from the one of the last snapshot.
    descent: Option<Parents>,
}

impl Recorder {
    /// A recorder of `frames` snapshots (0: only the last one) over `view`, for a flow towards `target`.
    #[must_use]
    pub fn new(frames: usize, view: View, target: CloudView<'_>) -> Self {
        let lattice = Lattice::new(view, ACROSS);
        Self {
            cadence: (frames > 0).then_some(Cadence::Spread(frames)),
            spread: None,
            places: lattice.points(),
            lattice,
            target: target.to_owned(),
            snapshots: Vec::new(),
            longest_move: 0.0,
            rounds: false,
            blurred: false,
            descent: None,
        }
    }

    /// A recorder of `frames` snapshots for the flow of `experiment`, over the view of all of its pictures.
    #[must_use]
    pub fn of(experiment: &Experiment, frames: usize) -> Self {
        let [start, target] = [&experiment.start, &experiment.training].map(|cloud| cloud.view());
        // Who is born of whom is told from one to the next, of which none may be let go.
        let output = &experiment.scenario.output;
        let by_change = output.spread == SpreadSpec::Change
            && frames > 1
            && experiment.scenario.flow.reaction.is_none();
        Self {
            spread: by_change.then(|| Spread::over(frames)),
            rounds: {
                let generator = experiment.scenario.generator.as_ref();
                generator.is_some_and(|spec| !spec.is_of_pairs())
            },
            blurred: experiment.scenario.discriminator.blurs_both(),
            ..Self::new(
                frames,
                lattice_view(experiment.scenario.output.view, start, target),
                target,
            )
        }
        .within(experiment.target.dimension())
    }

    /// The same recorder, with nothing recorded, for points in a space of this dimension: the field of the line is asked for along it.
    #[must_use]
    pub fn within(mut self, dimension: usize) -> Self {
        if dimension == 1 {
            self.lattice = Lattice::on_line(self.lattice.view(), ALONG);
            self.places = self.lattice.points();
        }
        self
    }

    /// The same recorder, with nothing recorded, where the field is asked for in another view.
    #[must_use]
    pub(crate) fn over(mut self, view: View) -> Self {
        let dimension = if self.lattice.is_on_line() { 1 } else { 2 };
        self.lattice = Lattice::new(view, ACROSS);
        self.places = self.lattice.points();
        self.within(dimension)
    }

    /// The target sample.
    pub(crate) fn target(&self) -> CloudView<'_> {
        self.target.view()
    }

    /// The view in which the field is asked for.
    #[must_use]
    pub fn view(&self) -> View {
        self.lattice.view()
    }

    /// The snapshots in order of the steps; after the run the last one is the last good step.
    #[must_use]
    pub fn snapshots(&self) -> &[Snapshot] {
        &self.snapshots
    }

    /// The longest of the moves that arrows stand for, over all snapshots; known when the flow has ended.
    #[must_use]
    pub fn longest_move(&self) -> f64 {
        self.longest_move
    }

    /// The same field with its gauge: ε of the next step, the longest displacement, the discriminator's scale.
    pub(crate) fn gauged(&self, field: FieldGrid, gauge: [f64; 3]) -> FieldGrid {
        let [step_size, longest, scale] = gauge;
        field.with(Gauge {
            step_size,
            longest,
            scale,
            blurred: self.blurred && scale.is_finite(),
        })
    }

    /// Finds what pictures need of the snapshots, and the flow does not: late, since many are let go again, and all at once on all threads.
    pub(crate) fn complete(&mut self) {
        let reaches = self.snapshots.iter().filter_map(|s| s.field.reach());
        let mut reaches: Vec<f64> = reaches.collect();
        reaches.sort_unstable_by(f64::total_cmp);
        reaches.dedup();
        // Most estimators keep their scale, and the target stays where it is.
        let there = |&reach: &f64| self.lattice.presence(self.target.view(), reach);
        let there: Vec<Vec<f32>> = reaches.par_iter().map(there).collect();
        let all = self.snapshots.par_iter_mut();
        let longest = all.map(|Snapshot { field, cloud, .. }| {
            let reach = field.reach();
            let place = reach.and_then(|r| reaches.iter().position(|known| *known == r));
            field.fade(place.map(|place| &there[place][..]), cloud.view());
            field.longest_move(cloud.view())
        });
        self.longest_move = longest.reduce(|| 0.0, f64::max);
    }

    /// The fields of all snapshots as arrays: log ratios (frames×rows×columns), and velocities (frames×rows×columns×2), in the target's units.
    #[must_use]
    pub fn fields(&self) -> (Array3<f32>, Array4<f32>) {
        let ([columns, rows], frames) = (self.lattice.shape(), self.snapshots.len());
        let mut ratios = Array3::zeros((frames, rows, columns));
        let mut velocities = Array4::zeros((frames, rows, columns, 2));
        for (k, Snapshot { field, .. }) in self.snapshots.iter().enumerate() {
            let places = ratios.index_axis_mut(Axis(0), k);
            places
                .into_iter()
                .zip(field.log_ratio())
                .for_each(|(to, from)| *to = *from);
            let places = velocities.index_axis_mut(Axis(0), k);
            places
                .into_iter()
                .zip(field.velocity())
                .for_each(|(to, from)| *to = *from);
        }
        (ratios, velocities)
    }

    /// Whether its snapshots have rounds, all but the last.
    pub(crate) fn has_rounds(&self) -> bool {
        self.rounds
    }

    /// Where the field is asked for.
    pub(crate) fn lattice(&self) -> Lattice {
        self.lattice
    }

    /// The least length of path between two moments that are taken at present, and the numbers of those that are kept; nothing where they are spread
    /// over the steps.
    pub(crate) fn kept(&self) -> Option<(f64, impl Iterator<Item = usize>)> {
        let spread = self.spread?;
        Some((
            spread.apart,
            self.snapshots.iter().map(|snapshot| snapshot.number),
        ))
    }

    /// Takes up that least length of path.
    pub(crate) fn set_apart(&mut self, apart: f64) {
        if let Some(spread) = &mut self.spread {
            spread.apart = apart;
        }
    }

    /// Descent of the present cloud from the one of the last snapshot, where there is a reaction.
    pub(crate) fn descent(&self) -> Option<&Parents> {
        self.descent.as_ref()
    }

    /// Takes up the snapshots of an earlier part of the run, and the descent since the last of them.
    pub(crate) fn restore(&mut self, snapshots: Vec<Snapshot>, descent: Option<Parents>) {
        self.descent = descent;
        self.snapshots = snapshots;
    }

    /// Adds a step to the descent.
    fn follow(&mut self, step: &Step<'_>) {
        let Some(reaction) = &step.state.reaction else {
            return;
        };
        let parents = reaction.parents.iter();
        self.descent = Some(match &self.descent {
            Some(descent) => parents.map(|row| descent[(*row)?]).collect(),
            None => (0..reaction.parents.len()).map(Some).collect(),
        });
    }

    /// Completes the last snapshot by the step that came after it.
    fn go_round(&mut self, step: &Step<'_>) {
        let last = self.snapshots.last_mut();
        if let Some(last) = last.filter(|last| last.step + 1 == step.index) {
            last.round = Round::of(last.cloud.view(), step);
        }
    }

    fn take(&mut self, step: &Step<'_>) {
        let cloud = step.state.cloud.view();
        let pitch = self.lattice.pitch();
        let [line, plane] = REACH.map(|reach| reach * step.scale.max(pitch));
        let far = if self.lattice.is_on_line() {
            line
        } else {
            plane + MARGIN * pitch
        };
        let clouds = [self.target.view(), cloud];
        let distances = self.lattice.distances(&clouds, far);
        let near: Vec<usize> = (0..distances.len())
            .filter(|&i| distances[i] < far)
            .collect();
        let mut ratio = Ratio::zeros(distances.len());
        let mut velocity = Cloud::zeros(self.places.raw_dim());
        if !near.is_empty() {
            let mut found = Ratio::zeros(near.len());
            let places = self.places.select(Axis(0), &near);
            step.field.ratio(places.view(), &mut found);
            let velocities = step.field.velocity(&found);
            for (k, &i) in near.iter().enumerate() {
                ratio.log[i] = found.log[k];
                velocity.row_mut(i).assign(&velocities.row(k));
            }
        }
        let mut log_ratio = step.ratio.log.clone();
        if !step.field.is_log_ratio() {
            log_ratio = Array1::default(0);
            ratio.log = Array1::default(0);
        }
        let field = FieldGrid::new(self.lattice, &ratio.log, velocity);
        let field = self.gauged(field, [step.step_size, step.longest, step.scale]);
        self.snapshots.push(Snapshot {
            step: step.index,
            time: step.state.time,
            cloud: step.state.cloud.clone(),
            log_ratio,
            field,
            parents: self.descent.clone(),
            shares: step.state.shares().to_vec(),
            path_length: step.state.path_length,
            round: None,
            number: self.snapshots.last().map_or(0, |last| last.number + 1),
        });
        if let Some(descent) = &mut self.descent {
            *descent = (0..descent.len()).map(Some).collect();
        }
    }
}

/// How many times longer than the way from one cloud to the other the path between them is where a cloud shakes, and the least length of a step there, in
/// widths of the picture.
const SHAKES: f64 = 2.0;
const SEEN: f64 = 0.001;

impl Snapshot {
    fn moment(&self) -> Moment {
        Moment {
            step: self.step,
            path: self.path_length,
            beside: false,
        }
    }

    /// Whether the cloud has shaken since the snapshot before, and is about where it was.
    fn shakes_since(&self, before: &Self) -> bool {
        let (steps, path) = (
            self.step - before.step,
            self.path_length - before.path_length,
        );
        let least = SEEN * self.field.lattice().view().width() * steps as f64;
        let known = path > least && self.cloud.dim() == before.cloud.dim();
        if steps < 2 || !known {
            return false;
        }
        let pairs = self.cloud.iter().zip(&before.cloud);
        let squares: f64 = pairs.map(|(a, b)| (a - b).powi(2)).sum();
        let way = (squares / self.cloud.nrows().max(1) as f64).sqrt();
        path > SHAKES * way
    }
}

fn moments(snapshots: &[Snapshot]) -> Vec<Moment> {
    let mut all: Vec<Moment> = snapshots.iter().map(Snapshot::moment).collect();
    for (k, three) in snapshots.windows(3).enumerate() {
        let [before, first, second] = three else {
            continue;
        };
        let next = second.step == first.step + 1;
        all[k + 2].beside = next && second.shakes_since(before);
    }
    all
}

impl Recorder {
    /// Keeps these of the snapshots, named in ascending order.
    fn keep(&mut self, kept: &[usize]) {
        let mut place = 0;
        self.snapshots.retain(|_| {
            place += 1;
            kept.binary_search(&(place - 1)).is_ok()
        });
    }

    fn is_full(&self) -> bool {
        let taken = self.snapshots.len();
        self.spread.is_some_and(|spread| spread.is_full(taken))
    }

    fn thin(&mut self) {
        let full = self.is_full();
        if let Some(spread) = self.spread.as_mut().filter(|_| full) {
            let kept = spread.thin(&moments(&self.snapshots));
            self.keep(&kept);
        }
    }

    fn is_due(&self, step: &Step<'_>) -> bool {
        let path = step.state.path_length;
        match (&self.spread, self.snapshots.last()) {
            (Some(spread), Some(last)) if step.index < step.steps => {
                let now = Moment {
                    step: step.index,
                    path,
                    beside: false,
                };
                let shakes = || match &self.snapshots[..] {
                    [.., before, last] => last.shakes_since(before),
                    _ => false,
                };
                spread.takes(last.moment(), now, step.steps)
                    || last.step + 1 == step.index && shakes()
            }
            _ => self
                .cadence
                .is_some_and(|cadence| cadence.is_due(step.index, step.steps)),
        }
    }
}

impl Observer for Recorder {
    fn observe(&mut self, step: &Step<'_>) -> Result<ControlFlow<String>, ObserveError> {
        self.go_round(step);
        self.thin();
        self.follow(step);
        if self.is_due(step) {
            // Within the thread pool, which is entered once, not at every parallel loop.
            rayon::scope(|_| self.take(step));
        }
        Ok(ControlFlow::Continue(()))
    }

    fn finish(&mut self, last: &Step<'_>, _: &Ending) -> Result<(), ObserveError> {
        let taken = self.snapshots.last();
        if taken.is_none_or(|snapshot| snapshot.step != last.index) {
            self.take(last);
        }
        if let Some(spread) = &self.spread {
            let kept = spread.choose(&moments(&self.snapshots));
            self.keep(&kept);
        }
        self.complete();
        Ok(())
    }
}

/// The view of a run from `start` to `target` where nobody says another.
#[must_use]
pub fn view_of(start: CloudView<'_>, target: CloudView<'_>) -> View {
    View::of_flow(start, target)
}

/// The view in which the field of a run is asked for, before it is known where the cloud will come.
fn lattice_view(spec: ViewSpec, start: CloudView<'_>, target: CloudView<'_>) -> View {
    match spec.0 {
        WordOr::Value(corners) => view(corners),
        WordOr::Word(Sight::Target) => View::around(&[target]),
        WordOr::Word(Sight::Auto) => view_of(start, target),
        WordOr::Word(Sight::Cloud) => View::around(&[start, target]),
    }
}

/// The view between these corners.
pub(super) fn view(Corners([left, right, bottom, top]): Corners) -> View {
    View {
        x: [left, right],
        y: [bottom, top],
    }
}

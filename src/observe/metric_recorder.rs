//! Measures the cloud along a run and notes when each measure arrives at its sampling floor.

use std::ops::ControlFlow;

use ndarray::{Array1, s};

use super::columns::{FLOW_COLUMNS, GENERATOR_COLUMNS, REACTION_COLUMNS, W2_MOVED};
use super::losses::Losses;
use super::{Cadence, ObserveError, Observer};
use crate::cloud::{self, CloudView};
use crate::discriminator::Kind;
use crate::flow::Step;
use crate::metric::{
    About, EnergyDistance, ExactW2, FloorCrossing, Floors, KL, KNN_KL, Mark, Measurement,
    Metric as _, MetricSet, Trail, Transport,
};

/// A measured step.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Steps done.
    pub step: usize,
    /// Time of the flow, Σ ε.
    pub time: f64,
    /// What was measured.
    pub values: Measurement,
}

/// Most particles of which the last cloud is matched with the first unasked: a fraction of a second.
const MATCHED: usize = 5000;

/// An [`Observer`] that measures at a [`Cadence`] and keeps what it saw.
#[derive(Debug)]
pub struct MetricRecorder {
    panel: MetricSet,
    floors: Floors,
    cadence: Cadence,
    rows: Vec<Row>,
    arrivals: Vec<(&'static str, FloorCrossing)>,
    /// Where the cloud stood at each row by all measures together.
    marks: Vec<Mark>,
    clipped: usize,
    held_back: usize,
    stop_at_floor: bool,
    match_start: bool,
    trail: Trail,
    /// The first cloud, and its last matching with the present one.
    moved: Option<(ExactW2, Option<Transport>)>,
}

impl MetricRecorder {
    /// A meter that reads `panel` at each due step and compares with `floors`.
    #[must_use]
    pub fn new(panel: MetricSet, floors: Floors, cadence: Cadence) -> Self {
        let arrivals = floors.arrivals().collect();
        Self {
            panel,
            floors,
            cadence,
            rows: Vec::new(),
            arrivals,
            marks: Vec::new(),
            clipped: 0,
            held_back: 0,
            stop_at_floor: false,
            match_start: false,
            trail: Trail::default(),
            moved: None,
        }
    }

    /// Makes the meter ask for the end of the run at the third row together of which no measure tells the cloud from the target.
    #[must_use]
    pub fn stopping_at_floor(self, stop: bool) -> Self {
        Self {
            stop_at_floor: stop,
            ..self
        }
    }

    /// Makes the meter match each measured cloud with the first one, and not the last alone.
    #[must_use]
    pub fn matching_the_start(self, always: bool) -> Self {
        Self {
            match_start: always,
            ..self
        }
    }

    /// What was measured so far, in order of the steps.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Names of the measures that are taken, in the order of their columns.
    pub fn measures(&self) -> impl Iterator<Item = &'static str> {
        self.panel.about().map(|about| about.name)
    }

    /// What is measured, in the order of the columns.
    pub fn about(&self) -> impl Iterator<Item = &'static About> {
        self.panel.about()
    }

    /// The sampling floors that the values are compared with.
    #[must_use]
    pub fn floors(&self) -> &Floors {
        &self.floors
    }

    /// Each measure, with the step at which it arrived at its floor.
    pub fn arrivals(&self) -> impl Iterator<Item = (&'static str, Option<u64>)> {
        self.arrivals.iter().map(|(name, a)| (*name, a.step()))
    }

    /// Where the cloud stood at each of the [`rows`](Self::rows), by the joint test of all measures.
    #[must_use]
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// The first row after the last at which some measure told the cloud from the target; nothing if that was the last row.
    #[must_use]
    pub fn since(&self) -> Option<u64> {
        let away = self.marks.iter().rposition(|mark| !mark.arrived);
        let row = self.rows.get(away.map_or(0, |row| row + 1))?;
        Some(row.step as u64)
    }

    /// How many displacements the clip has shortened so far.
    #[must_use]
    pub fn clipped(&self) -> usize {
        self.clipped
    }

    /// For how many moves so far the map h has taken another number in place of D, which was out of its range.
    #[must_use]
    pub fn held_back(&self) -> usize {
        self.held_back
    }

    /// Takes up how many moves an earlier part of the run had with a D out of the range of h.
    pub fn restore_held_back(&mut self, held_back: usize) {
        self.held_back = held_back;
    }

    /// Whether the run should end: [`ControlFlow::Break`] says why.
    pub fn wish(&self) -> ControlFlow<String> {
        let checks = self.marks.iter().rev().take_while(|mark| mark.arrived);
        match self.since() {
            Some(step)
                if self.stop_at_floor && checks.count() >= FloorCrossing::CHECKS as usize =>
            {
                ControlFlow::Break(format!(
                    "no measure tells the cloud from the target since step {step}"
                ))
            }
            _ => ControlFlow::Continue(()),
        }
    }

    /// Takes up what an earlier part of the run has measured: the rows, and how many displacements were clipped.
    pub fn restore(&mut self, rows: Vec<Row>, clipped: usize) {
        self.marks.clear();
        for row in &rows {
            self.arrive(row.step, &row.values);
        }
        self.rows = rows;
        self.clipped = clipped;
    }

    fn arrive(&mut self, step: usize, values: &Measurement) {
        self.marks.push(self.floors.joint(values).mark());
        for (name, arrival) in &mut self.arrivals {
            if let Some(value) = values.get(name) {
                arrival.check(step as u64, value);
            }
        }
    }

    fn measure(&mut self, step: &Step<'_>) {
        let cloud = step.state.cloud.view();
        let shares = step.state.shares();
        let mut values = if shares.is_empty() {
            self.panel.measure_along(cloud, &mut self.trail)
        } else {
            self.panel.measure_weighted(cloud, shares, None)
        };
        self.arrive(step.index, &values);
        let wanted = self.match_start || step.index == step.steps || self.wish().is_break();
        let moved = wanted.then(|| self.w2_moved(step)).flatten();
        // The divergence as well as it can be measured: with the target's own density, if it has one.
        let kl = |values: &Measurement| values.get(KL.name).or_else(|| values.get(KNN_KL.name));
        let first = self.rows.first().map_or(&values, |row| &row.values);
        let lost = kl(first).zip(kl(&values)).map(|(then, now)| then - now);
        let is_ratio = step.field.is_log_ratio();
        let has_level = step.field.kind() != Kind::Velocity;
        let described = [
            // Without a log ratio there is no −mean D that could be a divergence.
            is_ratio.then(|| -weighted_mean(&step.ratio.log, shares)),
            has_level.then(|| deviation(&step.ratio.log, shares)),
            Some(cloud::rms(step.velocity)),
            Some(step.step_size),
            Some(step.state.path_length),
            Some(step.displacement),
            moved,
            is_ratio.then_some(step.state.dissipation),
            lost,
            Some(self.clipped as f64),
        ];
        for (column, value) in FLOW_COLUMNS.iter().zip(described) {
            if let Some(value) = value {
                values.push(column.name, value);
            }
        }
        if let Some(generator) = step.generator() {
            let losses = Losses::of(step, self.panel.most());
            // Pairs are no game: their particles move by themselves.
            let loss = losses.generator.filter(|_| !generator.is_of_pairs());
            let described = [
                step.state.distillation_gap,
                self.distillation_energy(step),
                losses.discriminator,
                loss,
                losses.js,
                losses.kl_forward,
            ];
            for (column, value) in GENERATOR_COLUMNS.iter().zip(described) {
                if let Some(value) = value {
                    values.push(column.name, value);
                }
            }
        }
        if let Some(reaction) = &step.state.reaction {
            let counts = [reaction.births, reaction.deaths].map(|count| count as f64);
            let read = counts
                .into_iter()
                .chain([reaction.ess, reaction.dissipation]);
            for (column, value) in REACTION_COLUMNS.iter().zip(read) {
                values.push(column.name, value);
            }
        }
        self.rows.push(Row {
            step: step.index,
            time: step.state.time,
            values,
        });
    }

    /// The energy distance between the generator's cloud and where the field had moved its points, of as many as are measured.
    fn distillation_energy(&self, step: &Step<'_>) -> Option<f64> {
        let most = self.panel.most();
        let first = |of: CloudView<'_>| of.slice(s![..of.nrows().min(most), ..]).to_owned();
        let moved = first(step.moved?);
        let drawn = first(step.state.cloud.view());
        Some(EnergyDistance::new(moved.view()).measure(drawn.view()))
    }

    /// The exact W2 distance between the first cloud and the present one; `None` for clouds that are too large to be matched unasked.
    fn w2_moved(&mut self, step: &Step<'_>) -> Option<f64> {
        if step.start.nrows() > MATCHED && !self.match_start {
            return None;
        }
        if self.moved.is_none() {
            self.moved = Some((ExactW2::new(step.start).ok()?, None));
        }
        let (exact, last) = self.moved.as_mut()?;
        *last = exact.solve(step.state.cloud.view(), last.as_ref()).ok();
        last.as_ref().map(|transport| transport.value)
    }
}

/// The mean of `values`, each with N times its weight; none: equal ones.
fn weighted_mean(values: &Array1<f64>, shares: &[f64]) -> f64 {
    if shares.is_empty() {
        return values.mean().unwrap_or(f64::NAN);
    }
    let all = values.iter().zip(shares);
    all.map(|(v, share)| share * v).sum::<f64>() / values.len() as f64
}

/// The standard deviation of `values`, weighted in the same way.
fn deviation(values: &Array1<f64>, shares: &[f64]) -> f64 {
    let mean = weighted_mean(values, shares);
    weighted_mean(&values.mapv(|v| (v - mean).powi(2)), shares).sqrt()
}

impl Observer for MetricRecorder {
    fn observe(&mut self, step: &Step<'_>) -> Result<ControlFlow<String>, ObserveError> {
        self.clipped += step.state.clipped;
        // With the ratio of the last cloud nothing moves any more.
        if step.index < step.steps {
            self.held_back += step.field.held_back(step.ratio);
        }
        if self.cadence.is_due(step.index, step.steps) {
            self.measure(step);
        }
        Ok(self.wish())
    }

    /// The last good step is measured whatever the cadence.
    fn finish(&mut self, last: &Step<'_>, _: &crate::flow::Ending) -> Result<(), ObserveError> {
        if self.rows.last().is_none_or(|row| row.step != last.index) {
            self.measure(last);
            // A run that ended before its time did not know its last step when it came. A row that was measured then is
            // written already, and stays as it is.
            let moved = self.w2_moved(last);
            if let (Some(moved), Some(row)) = (moved, self.rows.last_mut())
                && row.values.get(W2_MOVED.name).is_none()
            {
                row.values.push(W2_MOVED.name, moved);
            }
        }
        Ok(())
    }
}

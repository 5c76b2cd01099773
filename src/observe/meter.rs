//! Measures the cloud along a run and notes when each measure arrives at its sampling floor.

use std::ops::ControlFlow;

use super::{Cadence, ObserveError, Observer};
use crate::cloud;
use crate::flow::Step;
use crate::metric::{Arrival, Floors, Measurement, Panel};

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

/// Names of the columns that describe the flow itself and need no reference sample. The first is left empty where the
/// discriminator estimates no log ratio.
pub const FLOW_COLUMNS: [&str; 6] = [
    "kl_discriminator",
    "speed",
    "step_size",
    "path_length",
    "displacement",
    "clipped",
];

/// Name of the column that a flow with a generator has beside [`FLOW_COLUMNS`].
pub const DISTILLATION_GAP: &str = "distillation_gap";

/// An [`Observer`] that measures at a [`Cadence`] and keeps what it saw.
#[derive(Debug)]
pub struct Meter {
    panel: Panel,
    floors: Floors,
    cadence: Cadence,
    rows: Vec<Row>,
    arrivals: Vec<(&'static str, Arrival)>,
    clipped: usize,
    stop_at_floor: bool,
}

impl Meter {
    /// A meter that reads `panel` at each due step and compares with `floors`.
    #[must_use]
    pub fn new(panel: Panel, floors: Floors, cadence: Cadence) -> Self {
        let arrivals = floors.arrivals().collect();
        Self {
            panel,
            floors,
            cadence,
            rows: Vec::new(),
            arrivals,
            clipped: 0,
            stop_at_floor: false,
        }
    }

    /// Makes the meter ask for the end of the run once the energy distance has arrived at its floor.
    #[must_use]
    pub fn stopping_at_floor(self, stop: bool) -> Self {
        Self {
            stop_at_floor: stop,
            ..self
        }
    }

    /// What was measured so far, in order of the steps.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
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

    /// How many displacements the clip has shortened so far.
    #[must_use]
    pub fn clipped(&self) -> usize {
        self.clipped
    }

    /// Whether the run should end: [`ControlFlow::Break`] says why.
    pub fn wish(&self) -> ControlFlow<String> {
        let arrived = self.arrivals.first().and_then(|(_, a)| a.step());
        match arrived {
            Some(at) if self.stop_at_floor => {
                ControlFlow::Break(format!("at the sampling floor since step {at}"))
            }
            _ => ControlFlow::Continue(()),
        }
    }

    /// Takes up what an earlier part of the run has measured: the rows, and how many displacements were clipped.
    pub fn restore(&mut self, rows: Vec<Row>, clipped: usize) {
        for row in &rows {
            self.arrive(row.step, &row.values);
        }
        self.rows = rows;
        self.clipped = clipped;
    }

    fn arrive(&mut self, step: usize, values: &Measurement) {
        for (name, arrival) in &mut self.arrivals {
            if let Some(value) = values.get(name) {
                arrival.check(step as u64, value);
            }
        }
    }

    fn measure(&mut self, step: &Step<'_>) {
        let mut values = self.panel.measure(step.state.cloud.view());
        self.arrive(step.index, &values);
        let described = [
            -step.ratio.log.mean().unwrap_or(f64::NAN),
            cloud::rms(step.velocity),
            step.step_size,
            step.state.path_length,
            step.displacement,
            self.clipped as f64,
        ];
        // Without a log ratio there is no −mean D that could be a divergence.
        let first = usize::from(!step.field.is_log_ratio());
        for (name, value) in FLOW_COLUMNS.into_iter().zip(described).skip(first) {
            values.push(name, value);
        }
        if let Some(gap) = step.state.distillation_gap {
            values.push(DISTILLATION_GAP, gap);
        }
        self.rows.push(Row {
            step: step.index,
            time: step.state.time,
            values,
        });
    }
}

impl Observer for Meter {
    fn observe(&mut self, step: &Step<'_>) -> Result<ControlFlow<String>, ObserveError> {
        self.clipped += step.state.clipped;
        if self.cadence.is_due(step.index, step.steps) {
            self.measure(step);
        }
        Ok(self.wish())
    }

    /// The last good step is measured whatever the cadence.
    fn finish(&mut self, last: &Step<'_>, _: &crate::flow::Ending) -> Result<(), ObserveError> {
        if self.rows.last().is_none_or(|row| row.step != last.index) {
            self.measure(last);
        }
        Ok(())
    }
}

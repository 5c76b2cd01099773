//! Floors from one run to the next: what they depend on, and who keeps them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::Experiment;
use crate::cloud::CloudView;
use crate::metric::{Floors, Measurement, MetricSet};
use crate::setting::Invalid;

/// The floors of one gauge: how many points the perfect clouds have, and each measure's values in the order of the draws.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draws {
    /// Points of the perfect clouds.
    pub points: usize,
    /// The values of each measure, by its name.
    pub measures: BTreeMap<String, Vec<f64>>,
}

/// All that the floors of an experiment depend on, but for the program and the machine.
#[derive(Clone, Debug)]
pub struct FloorKey<'a> {
    /// Target, measures, sizes and seed, as text.
    pub settings: String,
    /// The samples that the measures are built on.
    pub samples: [CloudView<'a>; 4],
}

/// Keeps the draws of floors, which take longer than many a flow, for the next run of the same target, sizes, measures and seed.
pub trait FloorKeeper: fmt::Debug + Send + Sync {
    /// What was kept for both gauges, that of the curves first.
    fn find(&self, of: &FloorKey<'_>) -> Option<[Draws; 2]>;

    /// Keeps it. What cannot be kept is lost, and will be drawn again.
    fn keep(&self, of: &FloorKey<'_>, draws: &[Draws; 2]);
}

impl Draws {
    fn of(floors: &Floors) -> Self {
        let named = |(name, values): (&str, &[f64])| (name.to_owned(), values.to_vec());
        Self {
            points: floors.points(),
            measures: floors.draws().map(named).collect(),
        }
    }

    /// The floors that they are of `panel`; nothing if they are of another.
    fn floors(&self, panel: &MetricSet) -> Option<Floors> {
        let names: Vec<&'static str> = panel.about().map(|about| about.name).collect();
        let count = self.measures.values().next()?.len();
        let mut measured = vec![Measurement::default(); count];
        for (name, values) in &self.measures {
            let name = names.iter().find(|known| *known == name)?;
            if values.len() != count {
                return None;
            }
            for (measurement, value) in measured.iter_mut().zip(values) {
                measurement.push(name, *value);
            }
        }
        Some(Floors::of(panel, &measured, self.points))
    }
}

impl Experiment {
    /// Looks for its floors with `keeper` before it draws them, and leaves them there.
    pub fn keep_floors_with(&mut self, keeper: Arc<dyn FloorKeeper>) {
        self.keeper = Some(keeper);
    }

    /// Draws its floors for whoever keeps them, if they are not there: before runs that would all draw the same at once.
    ///
    /// # Errors
    /// As [`gauges`](Self::gauges).
    pub fn prepare_floors(&self) -> Result<(), Invalid> {
        if let Some((keeper, key)) = self.keeper.as_ref().zip(self.floor_key())
            && keeper.find(&key).is_none()
        {
            self.gauges()?;
        }
        Ok(())
    }

    /// What its floors depend on; nothing where that is more than can be told from outside: parts in code, and files.
    fn floor_key(&self) -> Option<FloorKey<'_>> {
        let parts = self.parts();
        if self.own.tells_the_floors()
            || parts.is_none() && !self.scenario.target.files().is_empty()
        {
            return None;
        }
        let settings = serde_json::json!({
            "target": self.scenario.target,
            "metrics": self.scenario.metrics,
            "seed": self.scenario.seed,
            "measured": self.measured,
            "draws": self.draws(),
        });
        let held_out = parts.map_or(self.reference.view(), |parts| parts.held_out.view());
        Some(FloorKey {
            settings: settings.to_string(),
            samples: [
                self.training.view(),
                self.validation.view(),
                self.reference.view(),
                held_out,
            ],
        })
    }

    /// Both gauges at once, that of the curves first, for less than each by itself. They use the same independent draws for their floors, so that
    /// they differ by the sample alone.
    ///
    /// # Errors
    /// [`Invalid`] for a setting out of range; [`new`](Self::new) has said so before.
    pub fn gauges(&self) -> Result<[(MetricSet, Floors); 2], Invalid> {
        let Some((keeper, key)) = self.keeper.as_ref().zip(self.floor_key()) else {
            return self.drawn_gauges();
        };
        if let Some([curves, last]) = keeper.find(&key) {
            let [validation, reference] = self.panels()?;
            let known = curves.floors(&validation).zip(last.floors(&reference));
            if let Some((curves, last)) = known {
                return Ok([(validation, curves), (reference, last)]);
            }
        }
        let drawn = self.drawn_gauges()?;
        keeper.keep(&key, &drawn.each_ref().map(|(_, floors)| Draws::of(floors)));
        Ok(drawn)
    }
}

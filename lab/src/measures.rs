//! The measures of a cloud with their floors, as the page shows them.

use ndarray::ArrayView2;
use ratioflow::experiment::Experiment;
use ratioflow::metric::{Floors, Ideal, MetricSet, Scale};
use serde_json::{Value, json};

/// Draws behind the floors of the measures that are taken along the way: enough for the 95 % range.
const DRAWS: usize = 39;
/// What is taken along the way, where it applies: one that sees the whole, one that sees detail, and what is known of modes.
const LIVE: [&str; 5] = [
    "energy_distance",
    "knn_kl",
    "modes",
    "mass_tv",
    "high_quality",
];

/// Measures against one sample, with their floors.
pub(crate) struct Gauge {
    experiment: Experiment,
    panel: MetricSet,
    floors: Floors,
    live: bool,
}

impl Gauge {
    /// Those that cost little, against the sample of the curves; or all, against the sample that is kept for the last cloud.
    pub(crate) fn new(experiment: &Experiment, live: bool) -> Result<Self, String> {
        let mut experiment = experiment.clone();
        if live {
            experiment.scenario.metrics.only = LIVE.map(str::to_owned).to_vec();
            experiment.scenario.metrics.floor_draws = Some(DRAWS);
        }
        let gauge = if live {
            experiment.validation_gauge()
        } else {
            experiment.reference_gauge()
        };
        let (panel, floors) = gauge.map_err(|error| error.to_string())?;
        Ok(Self {
            experiment,
            panel,
            floors,
            live,
        })
    }

    /// What is measured, and where perfect samples stand.
    pub(crate) fn about(&self) -> Value {
        let rows = self.floors.known().map(|(about, floor)| {
            let [low, high] = floor.range(about.ideal, 0.95);
            let edge = |value: f64| value.is_finite().then_some(value);
            json!({
                "name": about.name,
                "words": about.words,
                "measures": about.measures,
                "sees": about.sees,
                "low_is_good": about.ideal == Ideal::Low,
                "logarithmic": about.axis == Some(Scale::Log),
                "has_curve": about.axis.is_some(),
                "median": floor.median,
                "low": edge(low),
                "high": edge(high),
            })
        });
        json!({ "measures": rows.collect::<Vec<_>>(), "points": self.floors.points() })
    }

    /// The values of the cloud (`n×2`), and the verdict on it. `shares` are N times its weights, or nothing.
    pub(crate) fn measure(&self, cloud: ArrayView2<'_, f64>, shares: &[f64]) -> Value {
        if self.live {
            let values = if shares.is_empty() {
                self.panel.measure(cloud)
            } else {
                self.panel.measure_weighted(cloud, shares, None)
            };
            let rows = values.iter().map(|(name, value)| {
                json!({ "name": name, "value": value, "holds": self.floors.holds(name, value) })
            });
            let joint = self.floors.joint(&values);
            return json!({ "values": rows.collect::<Vec<_>>(), "passes": joint.passes(), "words": joint.mark().words });
        }
        let known = (&self.panel, self.floors.clone());
        let outcome = self.experiment.judge(known, cloud, shares, None);
        let rows = outcome.values.iter().map(|(name, value)| {
            json!({ "name": name, "value": value, "holds": outcome.floors.holds(name, value) })
        });
        json!({
            "values": rows.collect::<Vec<_>>(),
            "arrived": outcome.verdict.at_floor,
            "sentence": outcome.verdict.sentence,
            "words": outcome.verdict.mark().words,
        })
    }
}

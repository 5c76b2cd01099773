//! What a cloud comes to: measured, held against the floors, judged.

use std::collections::BTreeMap;

use super::Experiment;
use crate::cloud::CloudView;
use crate::metric::{Circumstances, Floors, Measurement, MetricSet, Standing, Verdict, standings};
use crate::random::Stream;
use crate::scenario::LastCloud;
use crate::setting::Invalid;

/// A cloud measured against the sample that is kept for the last one.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Each measure of the cloud.
    pub values: Measurement,
    /// The same between independent samples of the target.
    pub floors: Floors,
    /// Whether the cloud can be told from the target.
    pub verdict: Verdict,
    /// The training sample itself against the same reference: what no flow can be expected to beat.
    pub training_sample: BTreeMap<String, Standing>,
}

impl Experiment {
    /// Measures a cloud (`n×2`) as the last cloud of a run is measured, with floors and verdict.
    ///
    /// # Errors
    /// [`Invalid`] for a setting out of range; [`new`](Self::new) has said so before.
    pub fn evaluate(&self, cloud: CloudView<'_>) -> Result<Outcome, Invalid> {
        let (panel, floors) = self.reference_gauge()?;
        Ok(self.judge((&panel, floors), cloud, &[], None))
    }

    /// The same with measures and floors that are there already, of particles with N times their weights in `shares`, which is empty where they are equal. `since` is the first step of a run from which no measure told its clouds from the
    /// target.
    #[must_use]
    pub fn judge(
        &self,
        (panel, floors): (&MetricSet, Floors),
        cloud: CloudView<'_>,
        shares: &[f64],
        since: Option<u64>,
    ) -> Outcome {
        let relabellings = Stream::new(self.scenario.seed, "permutations");
        let values = if shares.is_empty() {
            panel.measure_with_p(cloud, relabellings)
        } else {
            panel.measure_weighted(cloud, shares, Some(relabellings))
        };
        let training = floors.joint(&panel.measure(self.training.view()));
        let known = Circumstances {
            since,
            references: self.reference.nrows(),
            caveat: self.caveat.as_deref(),
            training: Some(&training),
            copies_reference: false,
            sample_of: (self.scenario.cloud.r#final == LastCloud::Sample)
                .then(|| self.scenario.flowing()),
        };
        Outcome {
            verdict: Verdict::new(&values, &floors, known),
            training_sample: standings(&training),
            values,
            floors,
        }
    }
}

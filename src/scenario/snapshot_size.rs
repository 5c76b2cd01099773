//! What a snapshot keeps of each particle, and what there are so many for.

use super::spec::{LastCloud, Scenario};
use crate::flow::Carrier;
use crate::generator::GeneratorSpec;

/// Bytes a particle in any snapshot: two coordinates and log r.
const SEEN: f64 = 24.0;
/// For its parent, where particles are born.
const DESCENT: f64 = 16.0;
/// For its weight, where particles keep theirs.
const WEIGHT: f64 = 8.0;
/// For where a generator that learns at every step was led and went.
const ROUND: f64 = 16.0;

/// Bytes a particle in a snapshot of a run of `scenario`.
pub(super) fn seen(scenario: &Scenario) -> f64 {
    let (reaction, generator) = (&scenario.flow.reaction, &scenario.generator);
    let weights = matches!(reaction, Some(spec) if spec.carrier == Carrier::Weights);
    let rounds = matches!(generator, Some(spec) if !spec.is_of_pairs());
    let more = [
        (reaction.is_some(), DESCENT),
        (weights, WEIGHT),
        (rounds, ROUND),
    ];
    let bytes = more.iter().filter(|(has, _)| *has).map(|(_, bytes)| bytes);
    SEEN + bytes.sum::<f64>()
}

impl Scenario {
    /// The key that makes the cloud that flows small.
    pub(super) fn flowing_key(&self) -> &'static str {
        match (&self.generator, self.cloud.r#final) {
            (Some(GeneratorSpec::Pairs(_)), _) => "generator.pairs.count",
            (_, LastCloud::Regular) => "cloud.particles",
            (_, LastCloud::Sample) => "cloud.bath",
        }
    }
}

//! The panel: every measure that applies to a target, read off together.

use std::sync::Arc;

use rayon::prelude::*;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::about::{About, Metric};
use super::c2st::C2ST;
use super::catalogue::BUILDERS;
use super::energy::{ENERGY_DISTANCE, ENERGY_P, EnergyDistance};
use super::evidence::{Evidence, Grounds, Rulers};
use super::knn_kl::KNN_KL;
use super::modes::ModeMeasure;
use super::sample::{Neighbourhood, Preparation, Reference, Sample, Seen};
use super::sliced::SLICED_W2;
use super::spec::MetricsSpec;
use super::stranded::STRANDED;
use super::wasserstein::{W2, Wasserstein};
use crate::cloud::{Cloud, CloudView};
use crate::kernel::resample;
use crate::plane::Planar;
use crate::random::Stream;
use crate::setting::{Invalid, at_least};
use crate::transport::{ExactW2, Transport};

impl MetricsSpec {
    /// Builds the panel of all measures that the evidence allows.
    ///
    /// # Errors
    /// [`Invalid`] for a setting out of range, and for a reference sample of fewer than two points or with a coordinate that is not finite.
    pub fn build(&self, evidence: Evidence<'_>) -> Result<MetricSet, Invalid> {
        MetricSet::new(self, evidence)
    }
}

/// Measures, and the reference worked through for those of them that ask for neighbours.
#[derive(Debug)]
pub(super) struct Measures {
    pub(super) list: Vec<Box<dyn Metric>>,
    reference: Option<Reference>,
}

impl Measures {
    /// Works out what these measures need of a cloud in common.
    pub(super) fn sample<'a>(&self, cloud: CloudView<'a>, is_draw: bool) -> Sample<'a> {
        let needs = Preparation {
            lines: self.list.iter().any(|m| *m.about() == SLICED_W2),
            neighbours: self.reference.is_some(),
            is_draw,
        };
        Sample::new(cloud, needs)
    }

    /// A sample beside the reference.
    pub(super) fn see<'s, 'p>(&'s self, sample: &'s Sample<'p>) -> Seen<'s, 'p> {
        Seen::new(sample, self.reference.as_ref())
    }
}

/// The measures called for by `wanted` that the evidence allows, each built on the reference.
pub(super) fn metrics(
    evidence: Evidence<'_>,
    rulers: Rulers,
    wanted: impl Fn(&str) -> bool,
) -> Measures {
    let neighbourly = [KNN_KL, C2ST, STRANDED];
    let mut neighbourly = neighbourly.iter().map(|about| about.name);
    let shared = neighbourly.any(&wanted);
    let shared = shared.then(|| Arc::new(Neighbourhood::new(&Planar::new(evidence.reference))));
    let grounds = Grounds {
        evidence,
        rulers,
        near: shared.clone(),
        modes: ModeMeasure::all(evidence.components.unwrap_or_default()),
    };
    // Each is built only if it is wanted: some have to work for it.
    let wished = BUILDERS.iter().filter(|(about, _)| wanted(about.name));
    let list = wished.filter_map(|(_, build)| build(&grounds)).collect();
    Measures {
        list,
        reference: shared,
    }
}

/// Every measure that applies, each built once on the same reference sample. Measuring uses all threads and gives the same bits
/// with any number of them.
#[derive(Debug)]
pub struct MetricSet {
    /// For the permutation p-value.
    energy: EnergyDistance,
    measures: Measures,
    /// Exact matching and its place among the measures, if W2 is measured and the reference is not too large for it.
    matching: Option<(usize, ExactW2)>,
    permutations: usize,
    most: usize,
}

/// What one measurement leaves to the next of a similar cloud, such as the next step of a run: it saves time, and changes no value
/// beyond rounding.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    transport: Option<Transport>,
}

impl MetricSet {
    pub(super) fn new(spec: &MetricsSpec, evidence: Evidence<'_>) -> Result<Self, Invalid> {
        spec.check()?;
        let reference = evidence.reference;
        at_least("reference", reference.nrows(), 2)?;
        if let Some(at) = reference.iter().position(|v| !v.is_finite()) {
            let value = reference[[at / 2, at % 2]];
            return Err(Invalid::new(
                format!("reference[{}]", at / 2),
                value,
                "must have finite coordinates",
            ));
        }
        let mut rulers = Rulers::of(reference);
        rulers.bandwidth = spec.mmd_bandwidth.unwrap_or(rulers.bandwidth);
        let always = ENERGY_DISTANCE.name;
        let measures = metrics(evidence, rulers, |name| name == always || spec.wants(name));
        let place = measures
            .list
            .iter()
            .position(|metric| metric.about() == &W2);
        let exact = ExactW2::new(reference).ok();
        Ok(Self {
            energy: EnergyDistance::new(reference),
            matching: place
                .zip(exact)
                .filter(|_| reference.nrows() <= Wasserstein::MOST),
            measures,
            permutations: spec.permutations,
            most: spec.particles,
        })
    }

    /// The same panel with further measures, which must be built on the same reference.
    #[must_use]
    pub fn and(mut self, more: Vec<Box<dyn Metric>>) -> Self {
        self.measures.list.extend(more);
        self
    }

    /// What the panel measures, in the order of [`measure`](Self::measure).
    pub fn about(&self) -> impl Iterator<Item = &'static About> {
        self.metrics().map(Metric::about)
    }

    /// All measures of a cloud (`n×2`), but not the permutation p-value, which costs more than all others together. NaN where the cloud
    /// has too few points, or points that are not finite. Of a cloud larger than [`most`](Self::most) the first points are measured.
    #[must_use]
    pub fn measure(&self, cloud: CloudView<'_>) -> Measurement {
        self.measure_along(cloud, &mut Trail::default())
    }

    /// The same, with what the measurement of a similar cloud has left in `trail`.
    #[must_use]
    pub fn measure_along(&self, cloud: CloudView<'_>, trail: &mut Trail) -> Measurement {
        let sample = self.measures.sample(self.measured(cloud), false);
        self.measure_sample(&sample, trail, None)
    }

    /// A draw of the floor: the same to six digits, and sooner.
    #[must_use]
    pub(super) fn measure_draw(&self, cloud: CloudView<'_>) -> Measurement {
        let sample = self.measures.sample(self.measured(cloud), true);
        self.measure_sample(&sample, &mut Trail::default(), None)
    }

    /// One draw measured by two panels, of which the second differs in its reference alone: what they have in common is worked out once.
    #[must_use]
    pub(super) fn measure_draw_by_both(
        panels: [&Self; 2],
        cloud: CloudView<'_>,
    ) -> [Measurement; 2] {
        let sample = panels[0].measures.sample(panels[0].measured(cloud), true);
        let first = panels[0].measure_sample(&sample, &mut Trail::default(), None);
        let second = panels[1].measure_sample(&sample, &mut Trail::default(), Some(&first));
        [first, second]
    }

    /// Measures a sample; what does not depend on the reference is taken from `known`, if that is given.
    fn measure_sample(
        &self,
        sample: &Sample<'_>,
        trail: &mut Trail,
        known: Option<&Measurement>,
    ) -> Measurement {
        let seen = self.measures.see(sample);
        let cloud = seen.points();
        let matching = self.matching.as_ref();
        let solve = || {
            let (place, exact) = matching?;
            let solved = exact.solve(cloud, trail.transport.as_ref());
            Some((*place, solved.ok()?))
        };
        let metrics: Vec<&dyn Metric> = self.metrics().collect();
        let measure = || -> Vec<(&'static str, f64)> {
            metrics
                .par_iter()
                .enumerate()
                .map(|(place, metric)| {
                    let name = metric.about().name;
                    // Matched on the other side.
                    let matched = matching.is_some_and(|(own, _)| *own == place);
                    let fits = matching.is_some_and(|(_, exact)| exact.size() == cloud.nrows());
                    let told = known.filter(|_| !metric.uses_reference());
                    let value = match told.and_then(|known| known.get(name)) {
                        _ if matched && fits => f64::NAN,
                        Some(value) => value,
                        None => metric.value(&seen),
                    };
                    (name, value)
                })
                .collect()
        };
        let (solved, mut values) = rayon::join(solve, measure);
        if let Some((place, transport)) = solved {
            values[place].1 = transport.value;
            trail.transport = Some(transport);
        }
        Measurement { values }
    }

    /// The measures with the permutation p-value `energy_p` put behind the energy distance; the relabellings come from `stream`.
    #[must_use]
    pub fn measure_with_p(&self, cloud: CloudView<'_>, stream: Stream) -> Measurement {
        let mut measurement = self.measure(cloud);
        let cloud = self.measured(cloud);
        let p = self.energy.p_value(cloud, self.permutations, stream);
        measurement.values.insert(1, (ENERGY_P.name, p));
        measurement
    }

    /// All measures of a cloud (`n×2`) of which each point has N times its weight in `shares`: those that take weights exactly, the others on a systematic
    /// [`resample`]. With a `stream` also the permutation p-value, of the resample.
    #[must_use]
    pub fn measure_weighted(
        &self,
        cloud: CloudView<'_>,
        shares: &[f64],
        stream: Option<Stream>,
    ) -> Measurement {
        let cloud = self.measured(cloud);
        let shares = &shares[..cloud.nrows()];
        let total: f64 = shares.iter().sum();
        let n = cloud.nrows() as f64;
        let even: Vec<f64> = shares.iter().map(|share| n * share / total).collect();
        let equal = resample(cloud, &even);
        let mut measurement = match stream {
            Some(stream) => self.measure_with_p(equal.view(), stream),
            None => self.measure(equal.view()),
        };
        let weights: Vec<f64> = shares.iter().map(|share| share / total).collect();
        for metric in self.metrics() {
            let name = metric.about().name;
            let place = measurement.values.iter_mut().find(|(n, _)| *n == name);
            if let (Some((_, value)), Some(exact)) = (place, metric.weighted(cloud, &weights)) {
                *value = exact;
            }
        }
        measurement
    }

    /// Names of the measures that take no weights.
    pub fn resampled(&self) -> impl Iterator<Item = &'static str> {
        let (point, weight) = (Cloud::zeros((1, 2)), [1.0]);
        let unweighted = self
            .metrics()
            .filter(move |metric| metric.weighted(point.view(), &weight).is_none());
        unweighted.map(|metric| metric.about().name)
    }

    /// How many points of a cloud are measured at most.
    #[must_use]
    pub fn most(&self) -> usize {
        self.most
    }

    fn measured<'a>(&self, cloud: CloudView<'a>) -> CloudView<'a> {
        let count = cloud.nrows().min(self.most);
        cloud.slice_move(ndarray::s![..count, ..])
    }

    fn metrics(&self) -> impl Iterator<Item = &dyn Metric> {
        self.measures.list.iter().map(AsRef::as_ref)
    }
}

/// Values of several measures of one cloud, in a fixed order. NaN where a measure is not defined.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measurement {
    values: Vec<(&'static str, f64)>,
}

impl Measurement {
    /// The value of the measure called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<f64> {
        let mut values = self.values.iter();
        values.find(|(n, _)| *n == name).map(|(_, value)| *value)
    }

    /// Name and value of each measure.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, f64)> {
        self.values.iter().copied()
    }

    /// Adds a value that was measured elsewhere, such as the rms speed.
    pub fn push(&mut self, name: &'static str, value: f64) {
        self.values.push((name, value));
    }
}

impl Serialize for Measurement {
    /// A map from name to value, in order.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.values.len()))?;
        for (name, value) in &self.values {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

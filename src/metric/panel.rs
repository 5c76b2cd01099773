//! The panel: every measure that applies to a target, read off together.

use rayon::prelude::*;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{
    About, C2st, ENERGY_P, EnergyDistance, KnnKl, Memorisation, Metric, MetricsSpec, Mmd2,
    ModeMeasure, SlicedW2, median_distance,
};
use crate::cloud::CloudView;
use crate::random::Stream;
use crate::setting::{Invalid, at_least};
use crate::target::Component;

/// What a [`Panel`] is built on.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Sample of the target that the flow never sees, `m×2`: what clouds are compared with.
    pub reference: CloudView<'a>,
    /// The sample that the discriminator was trained on, `k×2`, if there is one: what clouds might have copied.
    pub training: Option<CloudView<'a>>,
    /// The target's components, if it is a mixture.
    pub components: Option<&'a [Component]>,
}

/// Every measure that applies, each built once on the same reference sample. Measuring uses all threads and gives the same bits
/// with any number of them.
#[derive(Debug)]
pub struct Panel {
    energy: EnergyDistance,
    others: Vec<Box<dyn Metric>>,
    permutations: usize,
    most: usize,
}

impl Panel {
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
        // The reference stands for the pooled sample, which is the same at the floor and, unlike it, stays put along a run.
        let bandwidth = spec
            .mmd_bandwidth
            .unwrap_or_else(|| median_distance(reference));
        let bandwidth = if bandwidth > 0.0 { bandwidth } else { 1.0 };
        let mut others: Vec<Box<dyn Metric>> = vec![
            Box::new(Mmd2::new(reference, bandwidth)),
            Box::new(SlicedW2::new(reference, SlicedW2::DIRECTIONS)),
            Box::new(KnnKl::new(reference, KnnKl::K)),
            Box::new(C2st::new(reference)),
        ];
        if let Some(memorisation) = evidence
            .training
            .and_then(|training| Memorisation::new(reference, training))
        {
            others.push(Box::new(memorisation));
        }
        for measure in ModeMeasure::all(evidence.components.unwrap_or_default()) {
            others.push(Box::new(measure));
        }
        Ok(Self {
            energy: EnergyDistance::new(reference),
            others,
            permutations: spec.permutations,
            most: spec.particles,
        })
    }

    /// What the panel measures, in the order of [`measure`](Self::measure).
    pub fn about(&self) -> impl Iterator<Item = &'static About> {
        self.metrics().map(Metric::about)
    }

    /// All measures of a cloud (`n×2`), but not the permutation p-value, which costs more than all others together. NaN where the cloud
    /// has too few points, or points that are not finite. Of a cloud larger than [`most`](Self::most) the first points are measured.
    #[must_use]
    pub fn measure(&self, cloud: CloudView<'_>) -> Measurement {
        let cloud = self.measured(cloud);
        let metrics: Vec<&dyn Metric> = self.metrics().collect();
        let values = metrics
            .par_iter()
            .map(|metric| (metric.about().name, metric.measure(cloud)))
            .collect();
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
        let energy: &dyn Metric = &self.energy;
        std::iter::once(energy).chain(self.others.iter().map(AsRef::as_ref))
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

//! The panel: every measure that applies to a target, read off together.

use std::sync::Arc;

use rayon::prelude::*;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{
    About, C2ST, C2ST_LOGISTIC, C2st, COVERAGE, Coverage, DENSITY, Density, ENERGY_P,
    EnergyDistance, ExactW2, KL, KNN_KL, KNN_KL_REVERSE, KnnKl, KnownKl, LogisticC2st,
    MEMORISATION, MMD2, Memorisation, Metric, MetricsSpec, Mmd2, ModeMeasure, SCORE_ERROR,
    SINKHORN, SLICED_W2, STRANDED, ScoreError, Sinkhorn, SlicedW2, Stranded, Transport, W2,
    Wasserstein, median_distance,
};
use crate::cloud::CloudView;
use crate::random::Stream;
use crate::setting::{Invalid, at_least};
use crate::target::{Component, Target};

/// What a [`Panel`] is built on.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Sample of the target that the flow never sees, `m×2`: what clouds are compared with.
    pub reference: CloudView<'a>,
    /// The sample that the discriminator was trained on, `k×2`, if there is one: what clouds might have copied.
    pub training: Option<CloudView<'a>>,
    /// The target's components, if it is a mixture.
    pub components: Option<&'a [Component]>,
    /// The target itself, for the measures that need its density or score.
    pub target: Option<&'a Arc<dyn Target>>,
}

/// Lengths that measures need: taken from the pooled sample, so that relabelling its points leaves them as they are, or, along a run, from the
/// reference, which stands for the pooled sample at the floor and, unlike it, stays put.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rulers {
    /// Width s of the kernel of the MMD.
    pub(super) bandwidth: f64,
    /// Regularisation of the Sinkhorn divergence.
    pub(super) epsilon: f64,
}

impl Rulers {
    pub(super) fn of(sample: CloudView<'_>) -> Self {
        let median = median_distance(sample);
        Self {
            bandwidth: if median > 0.0 { median } else { 1.0 },
            epsilon: Sinkhorn::epsilon_for(sample),
        }
    }
}

/// The measures called for by `wanted` that the evidence allows, but the energy distance, each built on the reference.
pub(super) fn metrics(
    evidence: Evidence<'_>,
    rulers: Rulers,
    wanted: impl Fn(&str) -> bool,
) -> Vec<Box<dyn Metric>> {
    let Evidence {
        reference,
        training,
        components,
        target,
    } = evidence;
    let mut list: Vec<Box<dyn Metric>> = Vec::new();
    // Each is built only if it is wanted: some have to work for it.
    let mut add = |about: &About, build: &dyn Fn() -> Option<Box<dyn Metric>>| {
        if wanted(about.name) {
            list.extend(build());
        }
    };
    add(&MMD2, &|| some(Mmd2::new(reference, rulers.bandwidth)));
    add(&SLICED_W2, &|| {
        some(SlicedW2::new(reference, SlicedW2::DIRECTIONS))
    });
    add(&W2, &|| some(Wasserstein::new(reference).ok()?));
    add(&SINKHORN, &|| {
        some(Sinkhorn::new(reference, rulers.epsilon))
    });
    add(&KL, &|| some(KnownKl::new(target?)?));
    add(&KNN_KL, &|| some(KnnKl::new(reference, KnnKl::K)));
    add(&KNN_KL_REVERSE, &|| {
        some(KnnKl::reverse(reference, KnnKl::K))
    });
    add(&SCORE_ERROR, &|| some(ScoreError::new(target?, reference)?));
    add(&C2ST, &|| some(C2st::new(reference)));
    add(&C2ST_LOGISTIC, &|| some(LogisticC2st::new(reference)));
    add(&DENSITY, &|| some(Density::new(reference)?));
    add(&COVERAGE, &|| some(Coverage::new(reference)?));
    add(&STRANDED, &|| some(Stranded::new(reference)?));
    add(&MEMORISATION, &|| {
        some(Memorisation::new(reference, training?)?)
    });
    for measure in ModeMeasure::all(components.unwrap_or_default()) {
        add(measure.about(), &|| some(measure.clone()));
    }
    list
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "most builders may find that their measure makes no sense"
)]
fn some(metric: impl Metric + 'static) -> Option<Box<dyn Metric>> {
    Some(Box::new(metric))
}

/// Every measure that applies, each built once on the same reference sample. Measuring uses all threads and gives the same bits
/// with any number of them.
#[derive(Debug)]
pub struct Panel {
    energy: EnergyDistance,
    others: Vec<Box<dyn Metric>>,
    /// Exact matching and its place among the others, if W2 is measured and the reference is not too large for it.
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
        let mut rulers = Rulers::of(reference);
        rulers.bandwidth = spec.mmd_bandwidth.unwrap_or(rulers.bandwidth);
        let others = metrics(evidence, rulers, |name| spec.wants(name));
        let place = others.iter().position(|metric| metric.about() == &W2);
        let exact = ExactW2::new(reference).ok();
        Ok(Self {
            energy: EnergyDistance::new(reference),
            matching: place
                .zip(exact)
                .filter(|_| reference.nrows() <= Wasserstein::MOST),
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
        self.measure_along(cloud, &mut Trail::default())
    }

    /// The same, with what the measurement of a similar cloud has left in `trail`.
    #[must_use]
    pub fn measure_along(&self, cloud: CloudView<'_>, trail: &mut Trail) -> Measurement {
        let cloud = self.measured(cloud);
        let matching = self.matching.as_ref();
        let solve = || {
            let (place, exact) = matching?;
            let solved = exact.solve(cloud, trail.transport.as_ref());
            Some((1 + place, solved.ok()?))
        };
        let metrics: Vec<&dyn Metric> = self.metrics().collect();
        let measure = || -> Vec<(&'static str, f64)> {
            metrics
                .par_iter()
                .enumerate()
                .map(|(place, metric)| {
                    // Matched on the other side.
                    let matched = matching.is_some_and(|(own, _)| 1 + own == place);
                    let fits = matching.is_some_and(|(_, exact)| exact.size() == cloud.nrows());
                    let value = if matched && fits {
                        f64::NAN
                    } else {
                        metric.measure(cloud)
                    };
                    (metric.about().name, value)
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

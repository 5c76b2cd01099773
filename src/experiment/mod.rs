//! What a scenario comes to: the distributions, the samples of each purpose, and the flow.

#[cfg(feature = "record")]
mod cost;
mod estimator;
mod floors;
mod outcome;
mod own;
mod start;
mod summary;

use std::sync::Arc;

use ndarray::Axis;
use rand::seq::SliceRandom;

use crate::cloud::{self, Cloud};
use crate::flow::Flow;
use crate::generator::{Generator, GeneratorSpec, Trained, Units};
use crate::metric::{Evidence, Floors, MEMORISATION, Memorisation, MetricSet};
use crate::random::Stream;
use crate::scenario::{Document, Scenario, ScenarioError};
use crate::setting::Invalid;
use crate::target::{BuildError, Files, Parts, Target, TargetSpec};

#[cfg(feature = "record")]
pub use cost::{Cost, seconds_of_all, spoken};
pub use floors::{Draws, FloorKeeper, FloorKey};
pub use outcome::Outcome;
pub use own::OwnParts;
pub use summary::Summary;

/// A scenario ready to run.
///
/// Training, validation and reference sample are three independent draws of the target: the discriminator sees the
/// first, the curves of a run are measured against the second, its final numbers against the third.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// The scenario it was built from.
    pub scenario: Scenario,
    /// What was given in code instead.
    pub own: OwnParts,
    /// The distribution to reach.
    pub target: Arc<dyn Target>,
    /// The distribution that the cloud begins with.
    pub source: Arc<dyn Target>,
    /// What a user should know although it is allowed.
    pub warnings: Vec<String>,
    /// Sample of the target that the discriminator sees, `samples×2`.
    pub training: Cloud,
    /// Sample that clouds are compared with during the run.
    pub validation: Cloud,
    /// Sample that the last cloud is compared with.
    pub reference: Cloud,
    /// The first cloud, `particles×2`.
    pub start: Cloud,
    /// Further particles, `k×2`, that flow with it and are neither measured nor drawn.
    pub bath: Cloud,
    /// Particles that are measured: of a larger cloud the first so many.
    pub measured: usize,
    /// What it goes on from, if from anything.
    trained: Option<Arc<Trained>>,
    /// Points of the source, `particles×2`, where the cloud begins as a generator has it and not with these.
    latents: Option<Cloud>,
    /// Who keeps its floors for other runs.
    keeper: Option<Arc<dyn FloorKeeper>>,
    /// Why validation and reference sample do not judge as fresh draws would; nothing if they do.
    pub caveat: Option<String>,
}

impl Experiment {
    /// The experiment that a document describes; an error says where in it.
    ///
    /// # Errors
    /// [`ScenarioError`] for the first thing that cannot be used.
    pub fn read(document: &Document, files: &dyn Files) -> Result<Self, ScenarioError> {
        Self::read_with(document, &OwnParts::default(), files)
    }

    /// The same with parts of one's own.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_with(
        document: &Document,
        own: &OwnParts,
        files: &dyn Files,
    ) -> Result<Self, ScenarioError> {
        let built = Self::with(document.read()?, own.clone(), files);
        built.map_err(|error| document.blame(&error.into()))
    }

    /// Checks the whole scenario, reads its files and draws its samples.
    ///
    /// # Errors
    /// [`BuildError`] with the full dotted key of the first setting that cannot be used.
    pub fn new(scenario: Scenario, files: &dyn Files) -> Result<Self, BuildError> {
        Self::with(scenario, OwnParts::default(), files)
    }

    /// The same with parts of one's own in place of those that the scenario names.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with(
        mut scenario: Scenario,
        own: OwnParts,
        files: &dyn Files,
    ) -> Result<Self, BuildError> {
        own.name_in(&mut scenario);
        scenario.check()?;
        let built = |spec: &TargetSpec, role: &str| -> Result<Arc<dyn Target>, BuildError> {
            let built = spec.build(files).map_err(|error| error.under(role))?;
            Ok(built.into())
        };
        let target = match own.own_target() {
            Some(target) => target,
            None => built(&scenario.target.to_reach(), "target")?,
        };
        let given = match (own.own_source(), &scenario.source) {
            (Some(source), _) => Ok(source),
            (None, TargetSpec::Auto(auto)) => Err(auto),
            (None, spec) => Ok(built(spec, "source")?),
        };
        let discriminator = estimator::build(&scenario, &own, &*target)?;
        let mut warnings = estimator::check(&scenario, &*discriminator)?;
        warnings.extend(own.caveat());
        for (role, built) in [("target", Some(&target)), ("source", given.as_ref().ok())] {
            let notes = built.into_iter().flat_map(|built| built.notes());
            warnings.extend(notes.map(|note| format!("{role}.{note}")));
        }

        let flowing = scenario.flowing();
        if let Ok(source) = &given {
            start::enough(&**source, &scenario)?;
            start::same_space(&scenario, &**source, &*target)?;
        }
        let Samples {
            training,
            validation,
            reference,
            measured,
            notes,
        } = Samples::draw(&scenario, &*target);
        warnings.extend(notes);
        let source = match given {
            Ok(source) => source,
            Err(auto) => start::fitting(auto, training.view(), target.dimension())?,
        };
        warnings.extend(start::twins(&*source, flowing));
        warnings.extend(start::unused(&scenario.source));
        if scenario.metrics.wants(MEMORISATION.name)
            && Memorisation::new(reference.view(), training.view()).is_none()
        {
            warnings.push(
                "memorisation is left out: half of the points to judge by stand in the training sample, where a copy cannot be told from a draw".to_owned(),
            );
        }
        // Rows are independent, so that the first of them are a random choice.
        let all = source.sample(flowing, Stream::new(scenario.seed, "source"));
        warnings.extend(start::narrow(all.view(), training.view()));
        let (start, bath) = all.view().split_at(Axis(0), scenario.cloud.particles);
        warnings.extend(scenario.discriminator.warnings(training.view()));
        warnings.extend(start::lawless(&scenario, &target));
        scenario
            .metrics
            .check()
            .map_err(|invalid| invalid.under("metrics"))?;
        warnings.extend(scenario.subsets());
        let trained = start::trained(&scenario, target.dimension(), files)?;
        let mut experiment = Self {
            trained: trained.map(Arc::new),
            latents: None,
            keeper: None,
            caveat: target.parts().and_then(|parts| parts.caveat.clone()),
            target,
            source,
            warnings,
            training,
            validation,
            reference,
            start: start.to_owned(),
            bath: bath.to_owned(),
            measured,
            scenario,
            own,
        };
        experiment.begin()?;
        // Says now whatever is wrong between the parts.
        experiment.flow()?;
        Ok(experiment)
    }

    /// Puts the cloud where the generator has it at first, if that is elsewhere.
    fn begin(&mut self) -> Result<(), Invalid> {
        let generator = self.scenario.generator.as_ref();
        if generator.is_some_and(GeneratorSpec::begins_elsewhere)
            && let Some(generator) = self.generator()?
        {
            let begun = generator.cloud();
            self.latents = Some(std::mem::replace(&mut self.start, begun));
        }
        Ok(())
    }

    /// The flow at its beginning.
    ///
    /// # Errors
    /// [`Invalid`] if a setting is out of range; [`new`](Self::new) has said so before.
    pub fn flow(&self) -> Result<Flow, Invalid> {
        let flow = Flow::new(
            self.scenario.flow.clone(),
            estimator::build(&self.scenario, &self.own, &*self.target)?,
            self.training.clone(),
            self.start.clone(),
            self.scenario.seed,
        )
        .map_err(|invalid| invalid.under("flow"))?
        .with_bath(self.bath.view())
        .within(self.target.dimension());
        let flow = if self.scenario.cloud.stream {
            flow.with_stream(Arc::clone(&self.target))
        } else {
            flow
        };
        match self.generator()? {
            Some(generator) => flow
                .with_generator(generator)
                .map_err(|invalid| invalid.under("flow")),
            None => Ok(flow),
        }
    }

    /// The generator at its beginning, if there is one.
    ///
    /// # Errors
    /// As [`flow`](Self::flow).
    pub fn generator(&self) -> Result<Option<Generator>, Invalid> {
        let Some(spec) = &self.scenario.generator else {
            return Ok(None);
        };
        let drawn = self.latents.as_ref().unwrap_or(&self.start);
        let units = Units::between(
            [&*self.source, &*self.target],
            drawn.view(),
            self.training.view(),
        );
        let built = spec.build_from(
            self.trained.as_deref(),
            drawn.clone(),
            [&self.source, &self.target].map(Arc::clone),
            units,
            Stream::new(self.scenario.seed, "generator weights"),
        );
        built
            .map(Some)
            .map_err(|invalid| invalid.under("generator"))
    }

    /// The metrics against the validation sample with their floors, for the curves of a run.
    ///
    /// # Errors
    /// [`Invalid`] for a setting out of range; [`new`](Self::new) has said so before.
    pub fn validation_gauge(&self) -> Result<(MetricSet, Floors), Invalid> {
        self.gauge(&self.validation)
    }

    /// The metrics against the reference sample with their floors, for the final numbers.
    ///
    /// # Errors
    /// [`Invalid`] for a setting out of range; [`new`](Self::new) has said so before.
    pub fn reference_gauge(&self) -> Result<(MetricSet, Floors), Invalid> {
        self.gauge(&self.reference)
    }

    /// Both gauges with floors that are drawn now.
    fn drawn_gauges(&self) -> Result<[(MetricSet, Floors); 2], Invalid> {
        if self.parts().is_some() {
            let (validation, curves) = self.validation_gauge()?;
            // Floors of what is held out depend on the size of a reference and not on its points.
            let (reference, last) = if self.validation.nrows() == self.reference.nrows() {
                (self.panel(&self.reference)?, curves.clone())
            } else {
                self.reference_gauge()?
            };
            return Ok([(validation, curves), (reference, last)]);
        }
        let [validation, reference] = self.panels()?;
        let [curves, last] = Floors::estimate_both(
            [&validation, &reference],
            &*self.target,
            self.measured,
            self.draws(),
            self.floor_stream(),
        );
        Ok([(validation, curves), (reference, last)])
    }

    fn gauge(&self, sample: &Cloud) -> Result<(MetricSet, Floors), Invalid> {
        let panel = self.panel(sample)?;
        let (draws, stream) = (self.draws(), self.floor_stream());
        let floors = match self.parts() {
            Some(parts) => Floors::held_out(
                parts.held_out.view(),
                [self.measured, sample.nrows()],
                draws,
                stream,
                &|reference| self.panel(reference),
            )?,
            None => Floors::estimate(&panel, &*self.target, self.measured, draws, stream),
        };
        Ok((panel, floors))
    }

    /// The measures against the validation sample and against the reference sample.
    fn panels(&self) -> Result<[MetricSet; 2], Invalid> {
        let of = |sample| move || self.panel(sample);
        let (validation, reference) = rayon::join(of(&self.validation), of(&self.reference));
        Ok([validation?, reference?])
    }

    fn panel(&self, reference: &Cloud) -> Result<MetricSet, Invalid> {
        let mut spec = self.scenario.metrics.clone();
        spec.particles = self.measured;
        let evidence = Evidence {
            reference: reference.view(),
            training: Some(self.training.view()),
            components: self.target.components(),
            target: Some(&self.target),
            dimension: self.target.dimension(),
        };
        let own = self.own.new_metrics(&evidence);
        Ok(spec.build(evidence)?.and(own))
    }

    /// The parts of a target that is known by points alone, if there is more than one.
    fn parts(&self) -> Option<&Parts> {
        self.target.parts().filter(|parts| parts.is_parted())
    }

    fn draws(&self) -> usize {
        self.scenario.metrics.draws(self.measured)
    }

    fn floor_stream(&self) -> Stream {
        Stream::new(self.scenario.seed, "floor")
    }
}

/// The samples of the target, one for each purpose.
struct Samples {
    training: Cloud,
    validation: Cloud,
    reference: Cloud,
    /// Particles that can be measured against them.
    measured: usize,
    /// What a user should know of them.
    notes: Vec<String>,
}

impl Samples {
    fn draw(scenario: &Scenario, target: &dyn Target) -> Self {
        let measured = scenario.cloud.particles.min(scenario.metrics.particles);
        let references = scenario.metrics.reference.unwrap_or(measured);
        let samples = scenario.seen();
        let stream = |name| Stream::new(scenario.seed, name);
        let Some(parts) = target.parts() else {
            return Self {
                training: target.sample(samples, stream("target")),
                validation: target.sample(references, stream("validation")),
                reference: target.sample(references, stream("reference")),
                measured,
                notes: Vec::new(),
            };
        };
        let (known, unseen) = (parts.training.nrows(), parts.held_out.nrows());
        let mut order: Vec<usize> = (0..known).collect();
        let (chosen, _) = order.partial_shuffle(&mut stream("target").rng(), samples.min(known));
        let training = cloud::rows(parts.training.view(), chosen);
        let held_out = |from: usize, count: usize| {
            let to = unseen.min(from + count);
            parts.held_out.slice(ndarray::s![from..to, ..]).to_owned()
        };
        // What is held out is the reference of the run in one half and that of its end in the other, unless there is but one part.
        let half = if parts.is_parted() {
            unseen / 2
        } else {
            unseen
        };
        let count = references.min(half);
        let validation = held_out(0, count);
        let reference = held_out(unseen - half, count);
        let measured = measured.min(half);
        let mut notes = vec![format!(
            "target.points: {} points to learn from, {} to measure the run against, {} for the final numbers; {measured} particles are measured",
            training.nrows(),
            validation.nrows(),
            reference.nrows(),
        )];
        notes.extend(
            parts
                .caveat
                .iter()
                .map(|caveat| format!("target.points: {caveat}")),
        );
        notes.extend(start::crowded(scenario.flowing(), training.nrows()));
        Self {
            training,
            validation,
            reference,
            measured,
            notes,
        }
    }
}

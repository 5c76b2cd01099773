//! What a scenario comes to: the distributions, the samples of each purpose, and the flow.

use std::sync::Arc;

use super::document::Document;
use super::error::ScenarioError;
use super::spec::Scenario;
use crate::cloud::Cloud;
use crate::flow::{Flow, FlowSpec};
use crate::generator::Units;
use crate::metric::{Evidence, Floors, Panel};
use crate::random::Stream;
use crate::setting::Invalid;
use crate::target::{BuildError, Files, Target};

/// A scenario ready to run.
///
/// Training, validation and reference sample are three independent draws of the target: the discriminator sees the
/// first, the curves of a run are measured against the second, its final numbers against the third.
#[derive(Debug)]
pub struct Experiment {
    /// The scenario it was built from.
    pub scenario: Scenario,
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
}

impl Experiment {
    /// The experiment that a document describes; an error says where in it.
    ///
    /// # Errors
    /// [`ScenarioError`] for the first thing that cannot be used.
    pub fn read(document: &Document, files: &dyn Files) -> Result<Self, ScenarioError> {
        Self::new(document.read()?, files).map_err(|error| document.blame(&error.into()))
    }

    /// Checks the whole scenario, reads its files and draws its samples.
    ///
    /// # Errors
    /// [`BuildError`] with the full dotted key of the first setting that cannot be used.
    pub fn new(scenario: Scenario, files: &dyn Files) -> Result<Self, BuildError> {
        scenario.check()?;
        let target: Arc<dyn Target> = scenario
            .target
            .build(files)
            .map_err(|error| error.under("target"))?
            .into();
        let source: Arc<dyn Target> = scenario
            .source
            .build(files)
            .map_err(|error| error.under("source"))?
            .into();
        let discriminator = scenario
            .discriminator
            .build(&*target)
            .map_err(|invalid| invalid.under("discriminator"))?;
        let mut warnings = scenario.flow.warnings(scenario.discriminator.is_kernel());
        if !discriminator.is_log_ratio() {
            let name = scenario.discriminator.name();
            if scenario.flow.h != FlowSpec::default().h {
                return Err(Invalid::new(
                    "flow.h",
                    "not \"identity\"",
                    format!("discriminator.{name} is no log ratio, which is what h is a function of; leave h out"),
                )
                .into());
            }
            warnings.push(format!(
                "discriminator.{name} is no log ratio: kl_discriminator and the bands of the pictures are left out"
            ));
        }

        let particles = scenario.cloud.particles;
        let measured = particles.min(scenario.metrics.particles);
        let references = scenario.metrics.reference.unwrap_or(measured);
        enough(&*source, particles, "cloud.particles", "source")?;
        enough(&*target, particles, "cloud.particles", "target")?;
        let stream = |name| Stream::new(scenario.seed, name);
        let samples = scenario.cloud.samples;
        let [training, validation, reference] = if let Some(most) = target.capacity() {
            // One draw without repetition, in three parts: no point is in two of them.
            let all = samples.saturating_add(references.saturating_mul(2));
            if all > most {
                return Err(Invalid::new(
                    "cloud.samples",
                    samples,
                    format!(
                        "with twice {references} points to measure against that makes {all}, and the target holds {most} points and does not repeat them; ask for fewer, or set replace = true there"
                    ),
                )
                .into());
            }
            let drawn = target.sample(all, stream("target"));
            let part = |from: usize, to: usize| drawn.slice(ndarray::s![from..to, ..]).to_owned();
            let middle = samples + references;
            [part(0, samples), part(samples, middle), part(middle, all)]
        } else {
            [
                target.sample(samples, stream("target")),
                target.sample(references, stream("validation")),
                target.sample(references, stream("reference")),
            ]
        };
        let start = source.sample(particles, stream("source"));
        warnings.extend(scenario.discriminator.warnings(training.view()));
        scenario
            .metrics
            .check()
            .map_err(|invalid| invalid.under("metrics"))?;
        warnings.extend(scenario.subsets());
        let experiment = Self {
            target,
            source,
            warnings,
            training,
            validation,
            reference,
            start,
            scenario,
        };
        // Says now whatever is wrong between the parts.
        experiment.flow()?;
        Ok(experiment)
    }

    /// The flow at its beginning.
    ///
    /// # Errors
    /// [`Invalid`] if a setting is out of range; [`new`](Self::new) has said so before.
    pub fn flow(&self) -> Result<Flow, Invalid> {
        let flow = Flow::new(
            self.scenario.flow.clone(),
            self.scenario
                .discriminator
                .build(&*self.target)
                .map_err(|invalid| invalid.under("discriminator"))?,
            self.training.clone(),
            self.start.clone(),
            self.scenario.seed,
        )
        .map_err(|invalid| invalid.under("flow"))?;
        let Some(generator) = &self.scenario.generator else {
            return Ok(flow);
        };
        let generator = generator
            .build(
                self.start.clone(),
                Arc::clone(&self.source),
                Units::between(
                    [&*self.source, &*self.target],
                    self.start.view(),
                    self.training.view(),
                ),
                Stream::new(self.scenario.seed, "generator weights"),
            )
            .map_err(|invalid| invalid.under("generator"))?;
        flow.with_generator(generator)
            .map_err(|invalid| invalid.under("flow"))
    }

    /// The metrics against the validation sample with their floors, for the curves of a run.
    ///
    /// # Errors
    /// [`Invalid`] for a setting out of range; [`new`](Self::new) has said so before.
    pub fn validation_gauge(&self) -> Result<(Panel, Floors), Invalid> {
        self.gauge(&self.validation)
    }

    /// The metrics against the reference sample with their floors, for the final numbers.
    ///
    /// # Errors
    /// [`Invalid`] for a setting out of range; [`new`](Self::new) has said so before.
    pub fn reference_gauge(&self) -> Result<(Panel, Floors), Invalid> {
        self.gauge(&self.reference)
    }

    /// Both gauges use the same independent draws for their floors, so that they differ by the sample alone.
    fn gauge(&self, sample: &Cloud) -> Result<(Panel, Floors), Invalid> {
        let panel = self.scenario.metrics.build(Evidence {
            reference: sample.view(),
            training: Some(self.training.view()),
            components: self.target.components(),
            target: Some(&self.target),
        })?;
        let floors = Floors::estimate(
            &panel,
            &*self.target,
            self.scenario.cloud.particles,
            self.scenario.metrics.floor_draws,
            Stream::new(self.scenario.seed, "floor"),
        );
        Ok((panel, floors))
    }
}

/// Refuses a sample larger than a distribution can give without repeating itself.
fn enough(from: &dyn Target, count: usize, key: &str, role: &str) -> Result<(), Invalid> {
    match from.capacity() {
        Some(most) if count > most => Err(Invalid::new(
            key,
            count,
            format!(
                "the {role} holds {most} points and does not repeat them; ask for at most {most}, or set replace = true there"
            ),
        )),
        _ => Ok(()),
    }
}

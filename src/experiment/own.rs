//! Parts of an experiment that are given in code, in place of those that a scenario names.

use std::fmt;
use std::sync::{Arc, Mutex};

use crate::discriminator::{Discriminator, DiscriminatorSpec};
use crate::metric::{Evidence, Metric};
use crate::observe::Observer;
use crate::scenario::Scenario;
use crate::setting::Given;
use crate::target::{Target, TargetSpec};

/// Makes a discriminator that has not been fitted yet.
type NewDiscriminator = Arc<dyn Fn() -> Box<dyn Discriminator> + Send + Sync>;
/// Builds a measure on a reference sample, if it makes sense there.
type NewMetric = Arc<dyn Fn(&Evidence<'_>) -> Option<Box<dyn Metric>> + Send + Sync>;

/// Anybody's own target, source, discriminator, measures and observers. What is not given is as the scenario says.
///
/// A run with parts of one's own leaves the same directory as any other. Its `scenario.toml` names them (`[target.given]`), and says so where a
/// file alone cannot repeat the run; points in memory are no such part, for they can be kept: see [`Memory`](crate::target::Memory).
#[derive(Clone, Default)]
pub struct OwnParts {
    target: Option<(Given, Arc<dyn Target>)>,
    source: Option<(Given, Arc<dyn Target>)>,
    discriminator: Option<(Given, NewDiscriminator)>,
    metrics: Vec<NewMetric>,
    observers: Vec<Arc<Mutex<dyn Observer + Send>>>,
}

impl OwnParts {
    /// The distribution to reach, called `name` in files.
    #[must_use]
    pub fn target(mut self, name: &str, target: impl Target + 'static) -> Self {
        self.target = Some((given(name), Arc::new(target)));
        self
    }

    /// The distribution that the cloud begins with, called `name` in files.
    #[must_use]
    pub fn source(mut self, name: &str, source: impl Target + 'static) -> Self {
        self.source = Some((given(name), Arc::new(source)));
        self
    }

    /// The estimator of the log ratio, called `name` in files. `new` gives one that has not been fitted yet, each time the flow begins.
    #[must_use]
    pub fn discriminator<D: Discriminator + 'static>(
        mut self,
        name: &str,
        new: impl Fn() -> D + Send + Sync + 'static,
    ) -> Self {
        self.discriminator = Some((given(name), Arc::new(move || Box::new(new()))));
        self
    }

    /// A further measure: it becomes a column, has a floor and a curve, and takes part in the verdict. `new` builds it on a reference sample, and
    /// gives nothing where it makes no sense.
    #[must_use]
    pub fn metric<M: Metric + 'static>(
        mut self,
        new: impl Fn(&Evidence<'_>) -> Option<M> + Send + Sync + 'static,
    ) -> Self {
        let boxed = move |on: &Evidence<'_>| new(on).map(|metric| Box::new(metric) as _);
        self.metrics.push(Arc::new(boxed));
        self
    }

    /// Somebody who sees each step of a run, and may ask for its end. What it has seen can be read from the other end of `observer`.
    #[must_use]
    pub fn observer(mut self, observer: Arc<Mutex<dyn Observer + Send>>) -> Self {
        self.observers.push(observer);
        self
    }

    /// Those who see each step of a run.
    #[must_use]
    pub fn observers(&self) -> &[Arc<Mutex<dyn Observer + Send>>] {
        &self.observers
    }

    /// Makes the scenario say what is given in code.
    pub(super) fn name_in(&self, scenario: &mut Scenario) {
        if let Some((given, _)) = &self.target {
            scenario.target = TargetSpec::Given(given.clone());
        }
        if let Some((given, _)) = &self.source {
            scenario.source = TargetSpec::Given(given.clone());
        }
        if let Some((given, _)) = &self.discriminator {
            scenario.discriminator = DiscriminatorSpec::Given(given.clone());
        }
    }

    /// Says what a file alone cannot repeat, if there is anything.
    pub(super) fn caveat(&self) -> Option<String> {
        let named = |role: &str, given: &Given| format!("{role} `{}`", given.name);
        let target = self
            .target
            .iter()
            .map(|(given, _)| named("the target", given));
        let source = self
            .source
            .iter()
            .map(|(given, _)| named("the source", given));
        let estimator = self.discriminator.iter();
        let estimator = estimator.map(|(given, _)| named("the discriminator", given));
        let measures =
            (!self.metrics.is_empty()).then(|| format!("{} measures", self.metrics.len()));
        let all: Vec<String> = target
            .chain(source)
            .chain(estimator)
            .chain(measures)
            .collect();
        (!all.is_empty()).then(|| {
            format!(
                "given in code: {}; scenario.toml names them, and alone does not repeat this run",
                all.join(", ")
            )
        })
    }

    /// Whether floors are of something that is given in code.
    pub(super) fn tells_the_floors(&self) -> bool {
        self.target.is_some() || !self.metrics.is_empty()
    }

    pub(super) fn own_target(&self) -> Option<Arc<dyn Target>> {
        self.target.as_ref().map(|(_, own)| Arc::clone(own))
    }

    pub(super) fn own_source(&self) -> Option<Arc<dyn Target>> {
        self.source.as_ref().map(|(_, own)| Arc::clone(own))
    }

    pub(super) fn new_discriminator(&self) -> Option<Box<dyn Discriminator>> {
        self.discriminator.as_ref().map(|(_, new)| new())
    }

    pub(super) fn new_metrics(&self, on: &Evidence<'_>) -> Vec<Box<dyn Metric>> {
        self.metrics.iter().filter_map(|new| new(on)).collect()
    }
}

fn given(name: &str) -> Given {
    Given {
        name: name.to_owned(),
    }
}

impl fmt::Debug for OwnParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let estimator = self.discriminator.as_ref().map(|(given, _)| given);
        f.debug_struct("OwnParts")
            .field("target", &self.target)
            .field("source", &self.source)
            .field("discriminator", &estimator)
            .field("metrics", &self.metrics.len())
            .field("observers", &self.observers.len())
            .finish()
    }
}

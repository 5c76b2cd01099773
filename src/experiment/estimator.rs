//! The estimator of the log ratio that a scenario asks for, with what other settings ask of it.

use super::OwnParts;
use crate::discriminator::{Discriminator, DiscriminatorSpec, Sizes};
use crate::flow::FlowSpec;
use crate::generator::{FieldRule, Loss};
use crate::scenario::{LastCloud, Scenario};
use crate::setting::Invalid;
use crate::target::Target;

/// What a user should know of the estimator of the log ratio; refuses a map h of what is no log ratio.
pub(super) fn check(
    scenario: &Scenario,
    discriminator: &dyn Discriminator,
) -> Result<Vec<String>, Invalid> {
    let mut warnings = scenario.flow.warnings(scenario.discriminator.is_kernel());
    if !discriminator.is_log_ratio() {
        let (name, or) = match &scenario.discriminator {
            DiscriminatorSpec::Mlp(_) => ("mlp with this loss", ", or choose another loss there"),
            spec => (spec.name(), ""),
        };
        if scenario.flow.h != FlowSpec::default().h {
            return Err(Invalid::new(
                "flow.h",
                "not \"identity\"",
                format!(
                    "discriminator.{name} is no log ratio, which is what h is a function of; leave h out{or}"
                ),
            ));
        }
        let climbs = scenario.generator.as_ref().map(|spec| spec.training().loss);
        if climbs == Some(Loss::F) {
            let remedy = format!(
                "discriminator.{name} is no log ratio, which is what f is a function of; leave loss out{or}"
            );
            return Err(Invalid::new("generator.adversarial.loss", Loss::F, remedy));
        }
        warnings.push(format!(
            "discriminator.{name} is no log ratio: kl_discriminator and the bands of the pictures are left out"
        ));
    }
    Ok(warnings)
}

/// The estimator of the log ratio, not fitted yet.
pub(super) fn build(
    scenario: &Scenario,
    own: &OwnParts,
    target: &dyn Target,
) -> Result<Box<dyn Discriminator>, Invalid> {
    if let Some(own) = own.new_discriminator() {
        return Ok(own);
    }
    let generator = scenario.generator.as_ref().map(|spec| spec.training());
    let mut spec = if generator.is_some_and(|spec| spec.field == FieldRule::Fresh) {
        scenario.discriminator.for_network()
    } else {
        scenario.discriminator.clone()
    };
    if let (DiscriminatorSpec::Kde(kde), LastCloud::Sample) = (&mut spec, scenario.cloud.r#final) {
        *kde = kde.clone().for_sample(scenario.seen());
    }
    if let Some(steps) = scenario.flow.anneal_steps {
        let Some(until) = spec.anneal_until() else {
            let name = scenario.discriminator.name();
            let remedy =
                format!("discriminator.{name} has no bandwidth that shrinks; leave it out");
            return Err(Invalid::new("flow.anneal_steps", steps, remedy));
        };
        *until = steps as f64 / scenario.flow.steps as f64;
    }
    let sizes = Sizes {
        particles: scenario.flowing(),
        samples: scenario.seen(),
    };
    let checked = spec.check_sizes(sizes);
    let built = checked.and_then(|()| spec.build(target));
    built.map_err(|invalid| invalid.under("discriminator"))
}

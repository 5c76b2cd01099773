//! The phases of a step: the points, the fit, the move, and the generator behind it.

use super::profile::Places;
use super::recorder::Snapshot;
use crate::discriminator::DiscriminatorSpec;
use crate::flow::{Auto, Integrator, Momentum, Precondition};
use crate::generator::GeneratorSpec;
use crate::monotone::Monotone;
use crate::render::{Gauge, Show, number};
use crate::scenario::Scenario;
use crate::setting::WordOr;

/// What a picture of a moment shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) step: usize,
    /// One phase of the step that follows; none: points, field and moves together.
    pub(super) phase: Option<Phase>,
}

/// A part of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Points,
    Fit,
    Move,
    Generator,
}

impl Phase {
    pub(super) const ALL: [Self; 4] = [Self::Points, Self::Fit, Self::Move, Self::Generator];

    /// What of `show` is seen in this phase, of runs that have threads or not.
    pub(super) fn dress(self, show: Show, threads: bool) -> Show {
        Show {
            arrows: show.arrows && self == Self::Move && !threads,
            ..show
        }
    }

    /// Whether the fitted field is there.
    pub(super) fn has_field(self) -> bool {
        matches!(self, Self::Fit | Self::Move)
    }

    /// Where the points are in this phase of the step that follows `snapshot`.
    pub(super) fn places(self, snapshot: &Snapshot) -> Places {
        let cloud = snapshot.cloud.view();
        let Some(round) = &snapshot.round else {
            return Places::default();
        };
        let (points, threads) = match self {
            Self::Points | Self::Fit => (None, None),
            Self::Move => (Some(round.moved(cloud)), Some(snapshot.cloud.clone())),
            Self::Generator => (Some(round.drawn(cloud)), Some(round.moved(cloud))),
        };
        Places { points, threads }
    }

    /// The word.
    pub(super) fn word(self, scenario: &Scenario) -> &'static str {
        let generator = learner(scenario);
        match (self, generator) {
            (Self::Points, None) => "cloud",
            (Self::Points, Some(_)) => "generate",
            (Self::Fit, _) => "fit",
            (Self::Move, None | Some(GeneratorSpec::Distill(_))) => "move",
            // These do not follow the points, whose moves are drawn to compare.
            (Self::Move, Some(_)) => "the flow\u{2019}s move",
            (Self::Generator, Some(GeneratorSpec::Distill(_)) | None) => "distil",
            (Self::Generator, Some(GeneratorSpec::Inherit(_))) => "climb, and stay near",
            (Self::Generator, Some(_)) => "climb",
        }
    }

    /// The formula, and the number that stands beside it.
    fn formula(self, scenario: &Scenario, is_ratio: bool) -> (String, Beside) {
        let generator = learner(scenario);
        match self {
            Self::Points if generator.is_none() => ("x ~ q".to_owned(), Beside::Nothing),
            Self::Points => ("x = g(z)".to_owned(), Beside::Nothing),
            Self::Fit if is_ratio => ("D ≈ log p/q".to_owned(), Beside::Bandwidth),
            Self::Fit => ("field v of p and q".to_owned(), Beside::Nothing),
            Self::Move => {
                let to = generator.map_or("x ←", |_| "x′ =");
                let formula = format!("{to} x + {}", velocity(scenario, is_ratio));
                (formula, Beside::StepSize)
            }
            Self::Generator => {
                let formula = match generator {
                    Some(GeneratorSpec::Adversarial(_)) => "max E h(D(g(z)))",
                    Some(GeneratorSpec::Inherit(_)) => "max E h(D(g(z))) − β‖g − gₜ‖²",
                    _ => "min E‖g(z) − x′‖²",
                };
                let steps = generator.map(|spec| spec.training().inner_steps);
                let beside = steps.map_or(Beside::Nothing, Beside::Steps);
                (formula.to_owned(), beside)
            }
        }
    }
}

/// A number beside the formula of a phase.
enum Beside {
    Nothing,
    /// h, where it blurs both densities.
    Bandwidth,
    /// ε.
    StepSize,
    /// K.
    Steps(usize),
}

fn of(scenario: &Scenario, is_ratio: bool) -> impl Iterator<Item = (&'static str, String, Beside)> {
    let count = learner(scenario).map_or(3, |_| 4);
    Phase::ALL.into_iter().take(count).map(move |phase| {
        let (formula, beside) = phase.formula(scenario, is_ratio);
        (phase.word(scenario), formula, beside)
    })
}

/// The phases of a step of `scenario`, each with its word, its formula, and the number beside it: `h` and `ε` for those of the moment. `is_ratio` says
/// whether D is a log ratio.
pub(crate) fn phases(scenario: &Scenario, is_ratio: bool) -> Vec<[String; 3]> {
    of(scenario, is_ratio)
        .map(|(word, formula, beside)| {
            let beside = match beside {
                Beside::Nothing => String::new(),
                Beside::Bandwidth => "h".to_owned(),
                Beside::StepSize => "ε".to_owned(),
                Beside::Steps(k) => format!("K = {k}"),
            };
            [word.to_owned(), formula, beside]
        })
        .collect()
}

/// The same with the numbers of the moment in which the field is `now`, or with none.
pub(super) fn strip(scenario: &Scenario, is_ratio: bool, now: Option<Gauge>) -> Vec<[String; 2]> {
    of(scenario, is_ratio)
        .map(|(word, formula, beside)| {
            let number = now.and_then(|now| match beside {
                Beside::Bandwidth if now.blurred => Some(format!("h = {}", number(now.scale))),
                Beside::StepSize => Some(format!("ε = {}", number(now.step_size))),
                Beside::Steps(k) => Some(format!("K = {k}")),
                Beside::Bandwidth | Beside::Nothing => None,
            });
            let formula = number.map_or(formula.clone(), |number| format!("{formula},  {number}"));
            [word.to_owned(), formula]
        })
        .collect()
}

/// The generator, if it learns at every step.
pub(super) fn learner(scenario: &Scenario) -> Option<&GeneratorSpec> {
    scenario
        .generator
        .as_ref()
        .filter(|spec| !spec.is_of_pairs())
}

/// What ε is multiplied with, and what is added to that.
fn velocity(scenario: &Scenario, is_ratio: bool) -> String {
    let flow = &scenario.flow;
    let is_identity = flow.check().as_ref().is_ok_and(Monotone::is_identity);
    let field = match (is_ratio, is_identity) {
        (false, _) => "v",
        (true, true) => "∇D",
        (true, false) => "h′(D) ∇D",
    };
    let factor = match flow.precondition {
        Precondition::None => "",
        Precondition::Covariance => " C ",
    };
    let mut words = format!("ε{factor}{field}");
    let learns = matches!(
        scenario.discriminator,
        DiscriminatorSpec::Mlp(_) | DiscriminatorSpec::Logistic(_)
    );
    let noisy = match flow.noise {
        WordOr::Value(noise) => noise > 0.0,
        WordOr::Word(Auto::Auto) => {
            learns && scenario.generator.is_none() && flow.integrator == Integrator::Euler
        }
    };
    let more = [
        (noisy, " + noise"),
        (flow.momentum != Momentum::None, " + momentum"),
        (flow.integrator == Integrator::Heun, " (Heun)"),
        (flow.reaction.is_some(), " ± births"),
    ];
    for (_, more) in more.iter().filter(|(has, _)| *has) {
        words.push_str(more);
    }
    words
}

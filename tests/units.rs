//! Nothing depends on the unit or the origin of the data: the same scenario in other units, elsewhere, or turned round, ends in the
//! same cloud with the same measures, for every estimator, generator and measure.

use std::fmt::Write;

use ndarray::array;
use ratioflow::cloud::{self, Cloud};
use ratioflow::discriminator::DiscriminatorSpec;
use ratioflow::experiment::Experiment;
use ratioflow::flow::{Flow, FlowSpec};
use ratioflow::generator::GeneratorSpec;
use ratioflow::metric::{ALL, Evidence, Measurement, MetricsSpec};
use ratioflow::scenario::{Document, Embedded};
use rayon::prelude::*;

/// `x ↦ unit · x + origin`.
#[derive(Clone, Copy, Debug)]
struct Units {
    unit: f64,
    origin: [f64; 2],
}

const PLAIN: Units = Units {
    unit: 1.0,
    origin: [0.0; 2],
};

const OTHERS: [Units; 4] = [
    Units {
        unit: 1e-6,
        origin: [0.0; 2],
    },
    Units {
        unit: 1e6,
        origin: [0.0; 2],
    },
    Units {
        unit: 1.0,
        origin: [1e3, -1e3],
    },
    Units {
        unit: 1.0,
        origin: [1e6, -1e6],
    },
];

/// The start that fits, in place of a source in the units of the data.
const FITTING: &str = "source.auto={}";

impl Units {
    fn back(self, cloud: &Cloud) -> Cloud {
        (cloud - &array![[self.origin[0], self.origin[1]]]) / self.unit
    }

    /// Three unequal modes and a source beside them.
    fn scenario(self, settings: &[&str]) -> Experiment {
        let modes = [
            (1.0, [-2.0, 0.3], [[0.25, 0.1], [0.1, 0.2]]),
            (2.0, [1.5, -1.0], [[0.1, 0.0], [0.0, 0.4]]),
            (1.5, [0.7, 1.8], [[0.3, -0.1], [-0.1, 0.1]]),
        ];
        let mut text = String::from("title = \"units\"\n");
        let place = |at: [f64; 2]| [0, 1].map(|k| self.unit * at[k] + self.origin[k]);
        let wide = |c: [[f64; 2]; 2]| c.map(|row| row.map(|v| self.unit * self.unit * v));
        for (weight, mean, covariance) in modes {
            let (mean, covariance) = (place(mean), wide(covariance));
            writeln!(
                text,
                "[[target.mixture.components]]\nweight = {weight:?}\nmean = {mean:?}\ncovariance = {covariance:?}"
            )
            .unwrap();
        }
        let (mean, covariance) = (place([0.5, -0.4]), wide([[1.0, 0.2], [0.2, 0.7]]));
        if !settings.contains(&FITTING) {
            writeln!(
                text,
                "[source.gaussian]\nmean = {mean:?}\ncovariance = {covariance:?}"
            )
            .unwrap();
        }
        let mut document = Document::parse("units", &text).unwrap();
        for setting in ["cloud.particles=96", "cloud.samples=120", "flow.steps=4"] {
            document.set(setting).unwrap();
        }
        for setting in settings {
            document.set(setting).unwrap();
        }
        Experiment::new(document.read().unwrap(), &Embedded).unwrap()
    }
}

/// The last cloud, and every measure of it.
fn run(experiment: &Experiment) -> (Cloud, Measurement) {
    let mut flow = experiment.flow().unwrap();
    while flow.advance().unwrap().is_some() {}
    let cloud = flow.state().cloud.clone();
    let spec = MetricsSpec {
        only: ALL.iter().map(|about| about.name.to_owned()).collect(),
        ..MetricsSpec::default()
    };
    let panel = spec.build(Evidence {
        reference: experiment.reference.view(),
        training: Some(experiment.training.view()),
        components: experiment.target.components(),
        target: Some(&experiment.target),
        dimension: 2,
    });
    let measured = panel.unwrap().measure(cloud.view());
    (cloud, measured)
}

/// The power of the unit that a measure is proportional to.
fn power(name: &str) -> i32 {
    match name {
        "energy_distance" | "sliced_w2" | "w2" | "w2_law" | "frechet" => 1,
        "sinkhorn" => 2,
        "score_error" => -1,
        _ => 0,
    }
}

/// What differs by more than `within`, in words.
fn differences(
    name: &str,
    here: &(Cloud, Measurement),
    units: Units,
    there: &(Cloud, Measurement),
    within: f64,
) -> Vec<String> {
    let width = cloud::spread(here.0.view());
    let apart = (units.back(&there.0) - &here.0)
        .iter()
        .fold(0.0_f64, |most, v| most.max(v.abs()));
    let mut found = Vec::new();
    if apart.is_nan() || apart > within * width {
        found.push(format!("{name}, {units:?}: the clouds are {apart:e} apart"));
    }
    for ((measure, value), (_, other)) in here.1.iter().zip(there.1.iter()) {
        let other = other / units.unit.powi(power(measure));
        // Differences of sums of the size of one.
        let near = (value - other).abs() <= within * value.abs().max(0.01);
        if !near {
            found.push(format!(
                "{name}, {units:?}: {measure} is {other}, was {value}"
            ));
        }
    }
    found
}

/// What rounding may leave: networks compute in single precision.
fn within(settings: &str) -> f64 {
    let single = [
        "mlp",
        "wasserstein",
        "score",
        "distill",
        "adversarial",
        "inherit",
    ];
    if single.iter().any(|name| settings.contains(name)) {
        1e-3
    } else {
        1e-6
    }
}

/// Runs the scenario with each list of settings in all units, and tells what differs.
fn everywhere(all: Vec<Vec<String>>) {
    let found: Vec<String> = all
        .into_par_iter()
        .flat_map(|settings| {
            let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
            let name = settings.join(" ");
            let here = run(&PLAIN.scenario(&settings));
            let differences = |units: Units| {
                let there = run(&units.scenario(&settings));
                differences(&name, &here, units, &there, within(&name))
            };
            OTHERS.into_iter().flat_map(differences).collect::<Vec<_>>()
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_estimator_gives_the_same_in_all_units_and_everywhere() {
    let names = DiscriminatorSpec::CATALOGUE.iter();
    let plain = names.map(|(name, _)| format!("discriminator.{name}={{}}"));
    let further = [
        "kde.adaptive=true",
        "kde.bandwidth=\"loo\"",
        "kde.bandwidth=\"silverman\"",
        "ulsif.bandwidth=\"cv\"",
        "rulsif.bandwidth=\"cv\"",
        "kliep.bandwidth=\"cv\"",
        "ulsif.kernel=\"laplace\"",
        "mmd.kernel=\"inverse-multiquadric\"",
        "logistic.features=\"nystrom\"",
        "oracle.cloud=\"kde\"",
        "mlp.optimizer=\"sgd\"",
        "mlp.loss=\"relativistic\"",
        "kde.kernel=\"matern\"",
        "kde.kernel=\"imq\"",
        "drift.normalisation=\"sinkhorn\"",
        "drift.batch=50",
        "sinkhorn.epsilon=\"share\"",
        "sinkhorn.independent_self=true",
        "drmmd.lambda=0.01",
        "sliced.field=\"energy\"",
    ]
    .map(|setting| format!("discriminator.{setting}"));
    let moving = [
        "flow.integrator=\"heun\"",
        "flow.momentum=\"nesterov\"",
        "flow.noise=0.5",
        "flow.h=\"softplus\"",
        "flow.precondition=\"covariance\"",
        "flow.reaction.carrier=\"birth-death\"",
        "flow.reaction.carrier=\"poisson\"",
        "flow.reaction.carrier=\"weights\"",
        "flow.reaction.seed_uncovered=true",
    ];
    let all = plain.chain(further).chain(moving.map(str::to_owned));
    everywhere(all.map(|setting| vec![setting]).collect());
}

#[test]
fn a_start_that_fits_and_a_last_cloud_that_is_a_sample_have_the_unit_and_the_place_of_the_data() {
    let fitting = FITTING.to_owned();
    let with = |setting: &str| vec![fitting.clone(), setting.to_owned()];
    everywhere(vec![
        vec![fitting.clone()],
        with("flow.reaction.seed_uncovered=true"),
        with("flow.anneal_steps=2"),
        with("cloud.final=\"sample\""),
    ]);
}

#[test]
fn every_generator_gives_the_same_in_all_units_and_everywhere() {
    let kinds = GeneratorSpec::CATALOGUE.iter().map(|(name, _)| *name);
    everywhere(
        kinds
            .flat_map(|kind| {
                [
                    "network=[32, 32]",
                    "precision=\"f64\"",
                    "network=\"affine\"",
                    "optimizer=\"sgd\"",
                    "latent={ dimension = 5 }",
                    "residual=false",
                ]
                .iter()
                // A pair begins where the flow does: with a point of the source.
                .filter(move |setting| {
                    kind != "pairs"
                        || !["latent", "residual"]
                            .iter()
                            .any(|key| setting.starts_with(key))
                })
                .map(move |setting| {
                    let mut settings = vec![format!("generator.{kind}.{setting}")];
                    if kind == "pairs" {
                        settings.push("generator.pairs.count=60".to_owned());
                        settings.push("generator.pairs.inner_steps=40".to_owned());
                    }
                    settings
                })
            })
            .collect(),
    );
}

#[test]
fn what_knows_no_directions_gives_the_same_after_a_turn() {
    let (sine, cosine) = 0.7_f64.sin_cos();
    let turn = array![[cosine, sine], [-sine, cosine]];
    // Networks and random features have axes of their own.
    let names = [
        "kde", "ulsif", "rulsif", "kliep", "kale", "mmd", "drift", "sinkhorn", "drmmd",
    ];
    let found: Vec<String> = names
        .into_par_iter()
        .flat_map(|name| {
            let setting = format!("discriminator.{name}={{}}");
            let experiment = PLAIN.scenario(&[&setting]);
            let end = |turn: &Cloud| {
                let discriminator = experiment.scenario.discriminator.build(&*experiment.target);
                let mut flow = Flow::new(
                    FlowSpec {
                        steps: 4,
                        ..FlowSpec::default()
                    },
                    discriminator.unwrap(),
                    experiment.training.dot(turn),
                    experiment.start.dot(turn),
                    1,
                )
                .unwrap();
                while flow.advance().unwrap().is_some() {}
                let only = ALL.iter().map(|about| about.name.to_owned());
                let spec = MetricsSpec {
                    only: only.collect(),
                    ..MetricsSpec::default()
                };
                let reference = experiment.reference.dot(turn);
                let training = experiment.training.dot(turn);
                let panel = spec.build(Evidence {
                    reference: reference.view(),
                    training: Some(training.view()),
                    components: None,
                    target: None,
                    dimension: 2,
                });
                let cloud = flow.state().cloud.clone();
                let measured = panel.unwrap().measure(cloud.view());
                (cloud.dot(&turn.t()), measured)
            };
            let (here, there) = (end(&Cloud::eye(2)), end(&turn));
            // The directions of the sliced distance stay where they are.
            let sliced = |m: &Measurement| m.get("sliced_w2").unwrap();
            assert!((sliced(&here.1) / sliced(&there.1) - 1.0).abs() < 0.02);
            let rest = |(cloud, measured): (Cloud, Measurement)| {
                let mut kept = Measurement::default();
                for (name, value) in measured.iter().filter(|(name, _)| *name != "sliced_w2") {
                    kept.push(name, value);
                }
                (cloud, kept)
            };
            differences(&setting, &rest(here), PLAIN, &rest(there), 1e-6)
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

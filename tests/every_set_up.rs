//! Every estimator with every generator, momentum and measure, on few particles and on clouds that nobody would draw: a result or one clear
//! error, never a panic and never a result without a number.

mod shared;

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ndarray::Array2;
use ratioflow::cloud::Cloud;
use ratioflow::discriminator::DiscriminatorSpec;
use ratioflow::experiment::Experiment;
use ratioflow::generator::GeneratorSpec;
use ratioflow::metric::{ALL, Evaluator, Null};
use ratioflow::record::{RunError, rehearse};
use ratioflow::scenario::{At, Document, Facts as _, Moment, Quantity};
use ratioflow::target::{Files, GaussianSpec, Target, TargetSpec};

use shared::words;

/// Everything small.
const SMALL: [&str; 6] = [
    "flow.steps=3",
    "metrics.floor_draws=8",
    "metrics.permutations=19",
    "metrics.every=1",
    "output.frames=0",
    "cloud.samples=60",
];

/// A file of points for every name.
struct Points(String);

impl Files for Points {
    fn read(&self, _: &str) -> io::Result<Vec<u8>> {
        Ok(self.0.clone().into_bytes())
    }
}

fn csv(cloud: &Cloud) -> Points {
    let line = |row: ndarray::ArrayView1<'_, f64>| format!("{:e},{:e}\n", row[0], row[1]);
    Points(cloud.rows().into_iter().map(line).collect())
}

/// How a set-up has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Complete,
    /// Refused beforehand: exit code 2.
    Refused,
    /// Diverged, or without a result: exit code 4.
    Nothing,
}

/// Runs a scenario to its end. Whatever is wrong with the program is an error.
fn run(text: &str, settings: &[String], files: &Points) -> Result<End, String> {
    let attempt = || -> Result<End, String> {
        let mut document = Document::parse("s.toml", text).map_err(|e| e.to_string())?;
        for setting in settings {
            // What does not go together is refused, as it is on the command line.
            if let Err(error) = document.set(setting) {
                return clear(&error.to_string());
            }
        }
        let experiment = match Experiment::read(&document, files) {
            Ok(experiment) => experiment,
            Err(error) => return clear(&error.to_string()),
        };
        match rehearse("s", &experiment) {
            Ok(facts) => {
                let end = At::Named(Moment::End);
                let is_finite = |name: &str| {
                    let value = facts.quantity(name, end);
                    matches!(value, Some(Quantity::Number(v)) if v.is_finite())
                };
                match facts.quantity("status", end) {
                    Some(Quantity::Word(word)) if word == "complete" => {
                        if ALL.iter().any(|about| is_finite(about.name)) {
                            Ok(End::Complete)
                        } else {
                            Err("complete without a number".to_owned())
                        }
                    }
                    Some(Quantity::Word(word)) if word == "diverged" => Ok(End::Nothing),
                    other => Err(format!("{other:?}")),
                }
            }
            Err(RunError::Invalid(error)) => clear(&error.to_string()),
            Err(RunError::NoResult | RunError::Drive(_)) => Ok(End::Nothing),
            Err(error) => Err(error.to_string()),
        }
    };
    catch_unwind(AssertUnwindSafe(attempt)).unwrap_or_else(|_| Err("panic".to_owned()))
}

/// A refusal names what is wrong and what would do.
fn clear(message: &str) -> Result<End, String> {
    if message.len() > 30 {
        Ok(End::Refused)
    } else {
        Err(format!("unclear: {message}"))
    }
}

/// Counts the ends, and what is wrong.
#[derive(Debug, Default)]
struct Tally {
    ends: BTreeMap<End, usize>,
    wrong: Vec<String>,
}

impl Tally {
    fn add(&mut self, about: &str, end: Result<End, String>) {
        match end {
            Ok(end) => *self.ends.entry(end).or_default() += 1,
            Err(wrong) => self.wrong.push(format!("{about}: {wrong}")),
        }
    }

    fn check(&self, least: usize) {
        let all: usize = self.ends.values().sum();
        println!("{all} set-ups: {:?}", self.ends);
        assert!(self.wrong.is_empty(), "{:#?}", self.wrong);
        assert!(all >= least, "{all}");
        let complete = self.ends.get(&End::Complete).copied().unwrap_or(0);
        // A generator follows no momentum, and one particle is no cloud: most set-ups are refused.
        assert!(6 * complete > all, "{complete} of {all} are complete");
    }
}

/// Settings of an estimator that make it quick.
fn quick(name: &str) -> Vec<String> {
    let set = |key: &str, value: &str| format!("discriminator.{name}.{key}={value}");
    match name {
        "mlp" | "wasserstein" | "score" => vec![
            set("hidden", "[4]"),
            set("warm_up", "2"),
            set("inner_steps", "1"),
            set("batch", "8"),
        ],
        "ulsif" | "rulsif" | "kliep" | "kale" => vec![set("centres", "10")],
        "logistic" => vec![set("count", "10")],
        _ => vec![format!("discriminator.{name}={{}}")],
    }
}

/// Every estimator, and the network with every loss.
fn estimators() -> Vec<Vec<String>> {
    let names = DiscriminatorSpec::CATALOGUE.iter().map(|(name, _)| *name);
    let losses = words("discriminator.mlp.loss");
    assert!(losses.len() >= 8, "{losses:?}");
    let with = losses.iter().map(|loss| {
        let mut settings = quick("mlp");
        settings.push(format!("discriminator.mlp.loss=\"{loss}\""));
        settings
    });
    names.map(quick).chain(with).collect()
}

/// Every estimator, generator and momentum, for each number of particles.
fn set_ups() -> Tally {
    let names = |all: &[(&str, &str)]| -> Vec<String> {
        all.iter().map(|(name, _)| (*name).to_owned()).collect()
    };
    let mut generators = names(GeneratorSpec::CATALOGUE);
    generators.push("off".to_owned());
    let momenta = words("flow.momentum");
    let integrators = words("flow.integrator");
    let also = words("metrics.also").join("\", \"");
    assert!(
        momenta.len() >= 5 && integrators.len() >= 2,
        "{momenta:?} {integrators:?}"
    );
    let mut tally = Tally::default();
    for estimator in estimators() {
        for generator in &generators {
            for momentum in &momenta {
                for integrator in &integrators {
                    for particles in [1, 2, 24] {
                        let mut settings: Vec<String> = SMALL.map(str::to_owned).to_vec();
                        settings.extend(estimator.clone());
                        if generator != "off" {
                            settings.push(format!("generator.{generator}.network=[4]"));
                            settings.push(format!("generator.{generator}.inner_steps=2"));
                            if generator == "pairs" {
                                settings.push("generator.pairs.count=20".to_owned());
                            }
                        }
                        settings.push(format!("flow.momentum=\"{momentum}\""));
                        settings.push(format!("flow.integrator=\"{integrator}\""));
                        settings.push(format!("cloud.particles={particles}"));
                        settings.push(format!("metrics.also=[\"{also}\"]"));
                        let about = settings.join(" ");
                        let none = Points(String::new());
                        tally.add(&about, run("[target.ring]\n", &settings, &none));
                    }
                }
            }
        }
    }
    tally
}

/// Clouds that nobody would draw.
fn clouds() -> Vec<(&'static str, Cloud)> {
    const COUNT: usize = 40;
    let of = |point: &dyn Fn(f64) -> [f64; 2]| {
        Array2::from_shape_fn((COUNT, 2), |(i, axis)| point(i as f64)[axis])
    };
    let wavy = |i: f64| [(1.3 * i).sin(), (0.7 * i * i).cos()];
    let scaled = |factor: f64| of(&|i| wavy(i).map(|v| v * factor));
    let moved = |by: f64| of(&|i| wavy(i).map(|v| v + by));
    let but_one = |first: [f64; 2]| of(&|i| if i == 0.0 { first } else { wavy(i) });
    vec![
        ("all equal", of(&|_| [1.5, -0.5])),
        ("all zero", of(&|_| [0.0, 0.0])),
        (
            "signed zeros",
            of(&|i| {
                if i % 2.0 == 0.0 {
                    [0.0, -0.0]
                } else {
                    [-0.0, 0.0]
                }
            }),
        ),
        ("one moved", but_one([2.0, 2.0])),
        ("two places", of(&|i| [i % 2.0, 0.0])),
        ("three places", of(&|i| [i % 3.0, i % 3.0 * (i % 3.0)])),
        ("two far places", of(&|i| [i % 2.0 * 1e9, 0.0])),
        ("on a line", of(&|i| [i, 0.0])),
        ("on a slope", of(&|i| [i, 2.0 * i + 1.0])),
        ("on a steep line", of(&|i| [1e-9 * i, 1e9 * i])),
        ("a lattice", of(&|i| [i % 7.0, (i / 7.0).floor()])),
        ("a circle", of(&|i| [(0.157 * i).cos(), (0.157 * i).sin()])),
        ("every point twice", of(&|i| wavy((i / 2.0).floor()))),
        ("every point ten times", of(&|i| wavy((i / 10.0).floor()))),
        ("an outlier at 1e3", but_one([1e3, 0.0])),
        ("an outlier at 1e9", but_one([1e9, -1e9])),
        ("an outlier at 1e90", but_one([1e90, 1.0])),
        ("an outlier at the bound", but_one([1e100, -1e100])),
        ("growing by powers of two", of(&|i| [i.exp2(), (-i).exp2()])),
        (
            "growing by powers of ten",
            of(&|i| [10_f64.powf(2.0 * i), 1.0]),
        ),
        (
            "denormal beside one",
            of(&|i| [i * 1e-310, if i == 0.0 { 1.0 } else { 0.0 }]),
        ),
        ("denormal", of(&|i| [i * 1e-310, i * 1e-311])),
        ("times 1e-150", scaled(1e-150)),
        ("times 1e-99", scaled(1e-99)),
        ("times 1e-9", scaled(1e-9)),
        ("times 1e9", scaled(1e9)),
        ("times 1e99", scaled(1e99)),
        ("times 1e150", scaled(1e150)),
        ("at 1e9", moved(1e9)),
        ("at 1e15", moved(1e15)),
        ("at 1e17, where all are one", moved(1e17)),
    ]
}

/// Every hostile cloud as target, as source and as both, for every estimator.
fn hostile() -> Tally {
    let mut tally = Tally::default();
    for (name, cloud) in clouds() {
        let files = csv(&cloud);
        for (estimator, _) in DiscriminatorSpec::CATALOGUE {
            for role in ["target", "source", "both"] {
                let points = "file = \"p.csv\"\n";
                let text = match role {
                    "target" => format!("[target.points]\n{points}"),
                    "source" => format!("[target.ring]\n[source.points]\n{points}"),
                    _ => format!("[target.points]\n{points}[source.points]\n{points}"),
                };
                let mut settings: Vec<String> = SMALL.map(str::to_owned).to_vec();
                settings.extend(quick(estimator));
                settings.push("cloud.particles=24".to_owned());
                let about = format!("{name} as {role}, {estimator}");
                tally.add(&about, run(&text, &settings, &files));
            }
        }
    }
    tally
}

/// Every measure of every cloud, against a normal distribution and against each of the clouds.
fn measured() -> usize {
    let judge = Evaluator {
        draws: 19,
        dear_draws: 19,
        ..Evaluator::default()
    };
    let normal = TargetSpec::Gaussian(GaussianSpec::default());
    let target: Arc<dyn Target> = normal.build(&Points(String::new())).unwrap().into();
    let all = clouds();
    let mut judged = 0;
    for (name, cloud) in &all {
        let samples = all
            .iter()
            .map(|(other, sample)| (*other, Null::Sample(sample.view())));
        for (other, null) in samples.chain([("a normal one", Null::Target(&target))]) {
            let attempt = || judge.judge(cloud.view(), null);
            let found = catch_unwind(AssertUnwindSafe(attempt));
            let found = found.unwrap_or_else(|_| panic!("{name} against {other}: a panic"));
            match found {
                Ok(found) => {
                    let mut readings = found.judgements.iter().map(|one| &one.reading);
                    let is_finite = readings.any(|r| r.value.is_finite());
                    assert!(is_finite, "{name} against {other}: no number");
                }
                Err(error) => assert!(!error.remedy.is_empty(), "{name} against {other}: {error}"),
            }
            judged += 1;
        }
    }
    judged
}

#[test]
fn every_set_up() {
    set_ups().check(1000);
}

#[test]
fn every_hostile_cloud() {
    assert_eq!(clouds().len(), 31);
    hostile().check(900);
}

#[test]
fn every_pair_of_hostile_clouds_is_measured() {
    assert_eq!(measured(), 31 * 32);
}

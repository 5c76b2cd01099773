//! Births and deaths held to their law: masses become right at any distance, at a known rate, and nothing else changes.

mod shared;

use ndarray::{Axis, array};
use ratioflow::cloud::{self, Cloud};
use ratioflow::discriminator::kde::KdeSpec;
use ratioflow::discriminator::{Discriminator, DiscriminatorSpec};
use ratioflow::experiment::Experiment;
use ratioflow::flow::{Carrier, Flow, FlowSpec, Rate, ReactionSpec};
use ratioflow::random::Stream;
use ratioflow::record::Record;
use ratioflow::scenario::{Document, Embedded};
use ratioflow::setting::WordOr;
use ratioflow::store::RunDirectory;
use ratioflow::target::{BuildError, RingSpec};
use shared::recorded;

/// Two modes of sd 0.4, far apart; the share of the left one is `share` exactly.
fn modes(count: usize, share: f64, stream: Stream) -> Cloud {
    let left = (share * count as f64).round() as usize;
    let mut cloud = stream.normals(count) * 0.4;
    for (i, mut row) in cloud.rows_mut().into_iter().enumerate() {
        row[0] += if i < left { -20.0 } else { 20.0 };
    }
    cloud
}

fn share(cloud: &Cloud) -> f64 {
    let left = cloud.column(0).iter().filter(|x| **x < 0.0).count();
    left as f64 / cloud.nrows() as f64
}

fn kde(bandwidth: f64) -> Box<dyn Discriminator> {
    let spec = KdeSpec {
        bandwidth: WordOr::Value(bandwidth),
        ..KdeSpec::default()
    };
    Box::new(spec.build().unwrap())
}

/// A flow whose particles hardly move.
fn still(steps: usize, reaction: ReactionSpec) -> FlowSpec {
    FlowSpec {
        steps,
        step_size: WordOr::Value(1e-12),
        reaction: Some(reaction),
        ..FlowSpec::default()
    }
}

fn reaction(rate: f64) -> ReactionSpec {
    ReactionSpec {
        rate: WordOr::Value(rate),
        until: 1.0,
        ..ReactionSpec::default()
    }
}

/// Logits of the share of the left mode, target 0.8, step by step from a start of 0.3.
fn logits(reaction: ReactionSpec, steps: usize, seed: u64) -> Vec<f64> {
    let real = modes(4000, 0.8, Stream::new(seed, "real"));
    let start = modes(2000, 0.3, Stream::new(seed, "start"));
    let mut flow = Flow::new(still(steps, reaction), kde(0.4), real, start, seed).unwrap();
    let logit = |p: f64| (p / (1.0 - p)).ln();
    let mut found = Vec::new();
    while let Some(step) = flow.advance().unwrap() {
        found.push(logit(share(&step.state.cloud)) - logit(0.8));
    }
    found
}

/// With modes of the right shape `w ∝ e^{κD}` takes the logit error from ℓ to (1 − κ)ℓ; the rest is that the shapes of two samples differ.
#[test]
fn masses_of_modes_far_apart_become_right_at_the_rate_of_theory() {
    for (rate, steps) in [(0.1, 15), (0.5, 3), (1.0, 1)] {
        for seed in 0..3 {
            let found = logits(reaction(rate), steps, seed);
            for (t, logit) in found.iter().enumerate() {
                let theory = found[0] * (1.0 - rate).powf(t as f64);
                let error = (logit - theory).abs();
                assert!(
                    error < 0.03 * found[0].abs(),
                    "κ {rate}, step {t}: {logit}, not {theory}"
                );
            }
        }
    }
}

/// The law holds for the weights themselves, whoever resamples when; and nothing is left to chance but the resampling.
#[test]
fn particles_that_keep_their_weights_follow_the_same_law() {
    let logit = |p: f64| (p / (1.0 - p)).ln();
    for (rate, steps) in [(0.1, 15), (0.5, 3), (1.0, 1)] {
        for seed in 0..3 {
            let spec = ReactionSpec {
                carrier: Carrier::Weights,
                ..reaction(rate)
            };
            let real = modes(4000, 0.8, Stream::new(seed, "real"));
            let start = modes(2000, 0.3, Stream::new(seed, "start"));
            let mut flow = Flow::new(still(steps, spec), kde(0.4), real, start, seed).unwrap();
            let (mut first, mut resampled) = (None, 0);
            while let Some(step) = flow.advance().unwrap() {
                let shares = step.state.shares();
                let total: f64 = shares.iter().sum();
                assert!((total / 2000.0 - 1.0).abs() < 1e-9, "{total}");
                let reacted = step.state.reaction.as_ref().unwrap();
                assert!(reacted.ess >= 1000.0 || reacted.births > 0);
                resampled += usize::from(reacted.births > 0);
                let places = step.state.cloud.column(0);
                let left = places.iter().zip(shares).filter(|(x, _)| **x < 0.0);
                let left: f64 = left.map(|(_, share)| share).sum();
                let error = logit(left / total) - logit(0.8);
                let begun: f64 = *first.get_or_insert(error);
                let theory = begun * (1.0 - rate).powf(step.index as f64);
                assert!(
                    (error - theory).abs() < 0.03 * begun.abs(),
                    "κ {rate}, step {}: {error}, not {theory}",
                    step.index
                );
            }
            // At .8 from .3 the effective sample size is .46 of the number, and at .7 it is .57.
            let due = if rate < 0.5 {
                0..=0
            } else if rate < 1.0 {
                0..=1
            } else {
                1..=1
            };
            assert!(
                due.contains(&resampled),
                "κ {rate}, seed {seed}: {resampled}"
            );
        }
    }
}

/// Births move what single points of a generator's cloud are to come to: the generator stays a continuous map, and its masses come nearer.
#[test]
fn a_generator_that_distils_follows_births_and_deaths() {
    let last = |reaction: bool| {
        let mut document = Document::parse("light", LIGHT).unwrap();
        let settings = [
            "cloud.particles=400",
            "cloud.samples=800",
            "flow.steps=60",
            "flow.anneal_steps=30",
            "generator.distill.field='cloud'",
            "generator.distill.latents='fixed'",
            "generator.distill.network=[32, 32]",
            "generator.distill.average=0",
        ];
        for setting in settings {
            document.set(setting).unwrap();
        }
        if reaction {
            document.set("flow.reaction.carrier='birth-death'").unwrap();
        }
        let mut flow = Experiment::read(&document, &Embedded)
            .unwrap()
            .flow()
            .unwrap();
        let mut born = 0;
        while let Some(step) = flow.advance().unwrap() {
            if let Some(reacted) = &step.state.reaction {
                born += reacted.births;
                let own = reacted.parents.iter().enumerate();
                assert!(own.clone().all(|(row, parent)| *parent == Some(row)));
            }
        }
        let cloud = &flow.state().cloud;
        assert_eq!(flow.generator().unwrap().cloud(), cloud);
        (born, cloud.clone())
    };
    let (none, alone) = last(false);
    let (born, with) = last(true);
    assert!(none == 0 && born > 10 && alone != with, "{born}");
}

/// Energy distance, sliced W2 and the measures of modes take weights as points many times over; the mean over distinct pairs of MMD does for equal ones.
#[test]
fn weighted_measures_are_those_of_points_many_times_over() {
    let mut document = Document::parse("light", LIGHT).unwrap();
    for setting in ["cloud.particles=300", "cloud.samples=300"] {
        document.set(setting).unwrap();
    }
    let experiment = Experiment::read(&document, &Embedded).unwrap();
    let (panel, _) = experiment.reference_gauge().unwrap();
    let cloud = experiment.start.slice(ndarray::s![..100, ..]).to_owned();
    let counts: Vec<usize> = (0..100)
        .map(|i| [1, 0, 2][i % 3] + usize::from(i == 99))
        .collect();
    let total: usize = counts.iter().sum();
    let shares: Vec<f64> = counts
        .iter()
        .map(|&count| count as f64 * 100.0 / total as f64)
        .collect();
    let rows = (0..100).flat_map(|i| std::iter::repeat_n(i, counts[i]));
    let repeated = cloud::rows(cloud.view(), &rows.collect::<Vec<_>>());
    let expected = panel.measure(repeated.view());
    let found = panel.measure_weighted(cloud.view(), &shares, None);
    let near = |name: &str, a: f64, b: f64| {
        assert!((a - b).abs() < 1e-9 * a.abs().max(1.0), "{name}: {a} {b}");
    };
    for name in [
        "energy_distance",
        "sliced_w2",
        "modes",
        "high_quality",
        "mode_width",
        "mass_tv",
        "bridges",
    ] {
        near(name, expected.get(name).unwrap(), found.get(name).unwrap());
    }
    let equal = panel.measure_weighted(cloud.view(), &[1.0; 100], None);
    let plain = panel.measure(cloud.view());
    for (name, value) in plain.iter() {
        near(name, value, equal.get(name).unwrap());
    }
    let resampled: Vec<&str> = panel.resampled().collect();
    assert!(
        resampled.contains(&"knn_kl") && !resampled.contains(&"mmd2"),
        "{resampled:?}"
    );
}

/// A run in the folder `run` of a folder of its own.
fn run(name: &str, experiment: &Experiment) -> (tempfile::TempDir, Record) {
    let home = tempfile::tempdir().unwrap();
    let directory = RunDirectory::at(&home.path().join("run"), false).unwrap();
    let run = recorded(name, experiment, &directory).unwrap();
    (home, run)
}

/// A run that keeps its weights finds the masses, says what it measured on a resample, and leaves the weights.
#[test]
fn a_run_with_weights_says_what_is_resampled() {
    for discriminator in ["discriminator.kde={}", "discriminator.ulsif={}"] {
        let mut document =
            Document::parse("light", &format!("{LIGHT}[source.gaussian]\n")).unwrap();
        for setting in [
            "cloud.particles=500",
            "cloud.samples=1000",
            "flow.steps=30",
            "flow.anneal_steps=15",
            "flow.reaction.carrier='weights'",
            "output.frames=4",
            "output.scale=0.25",
            discriminator,
        ] {
            document.set(setting).unwrap();
        }
        let experiment = Experiment::read(&document, &Embedded).unwrap();
        let (home, run) = run("light", &experiment);
        let said = run.manifest.warnings.join("\n");
        assert!(
            said.contains("systematic resample") && said.contains("knn_kl"),
            "{said}"
        );
        let rows = &run.manifest.resampled;
        assert!(rows.contains(&"knn_kl".to_owned()) && !rows.contains(&"mmd2".to_owned()));
        let off = run.manifest.last["mass_tv"];
        let bound = if discriminator.contains("kde") {
            0.02
        } else {
            0.045
        };
        assert!(off < bound, "{discriminator}: {off}");
        let last = run.recorder.snapshots().last().unwrap();
        assert_eq!(last.shares.len(), 500);
        assert!(last.shares.iter().any(|share| (share - 1.0).abs() > 1e-3));
        let bytes = std::fs::read(home.path().join("run/trajectory.npz")).unwrap();
        let name = b"weights.npy";
        assert!(bytes.windows(name.len()).any(|part| part == name));
    }
}

/// The same law in the mean, with a multiple of the noise.
#[test]
fn independent_clocks_follow_the_same_law_with_more_noise() {
    let last = |carrier: Carrier| -> Vec<f64> {
        let spec = ReactionSpec {
            carrier,
            ..reaction(0.1)
        };
        (0..12)
            .map(|seed| *logits(spec.clone(), 8, seed).last().unwrap())
            .collect()
    };
    let moments = |values: &[f64]| {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        (mean, (squares / n).sqrt())
    };
    let (resampled, narrow) = moments(&last(Carrier::BirthDeath));
    let (clocked, wide) = moments(&last(Carrier::Poisson));
    assert!(wide > 2.0 * narrow, "{wide} {narrow}");
    // Three standard errors of a mean of twelve, and what two clouds of other noise differ by to second order.
    assert!(
        (clocked - resampled).abs() < wide + 0.05,
        "{clocked} {resampled}"
    );
}

#[test]
fn nobody_dies_where_the_clouds_agree() {
    let real = modes(600, 0.5, Stream::new(1, "real"));
    let mut flow = Flow::new(still(20, reaction(1.0)), kde(0.4), real.clone(), real, 1).unwrap();
    while let Some(step) = flow.advance().unwrap() {
        let reaction = step.state.reaction.as_ref().unwrap();
        assert_eq!(
            (reaction.births, reaction.deaths),
            (0, 0),
            "step {}",
            step.index
        );
        assert!((reaction.ess - 600.0).abs() < 1e-6);
        assert!(reaction.dissipation.abs() < 1e-9);
        assert!(
            reaction
                .parents
                .iter()
                .enumerate()
                .all(|(i, p)| *p == Some(i))
        );
    }
}

#[test]
fn the_order_of_the_rows_does_not_matter() {
    let real = modes(500, 0.8, Stream::new(2, "real"));
    let start = modes(300, 0.3, Stream::new(2, "start"));
    let turned: Vec<usize> = (0..300).map(|i| (i * 7 + 3) % 300).collect();
    for carrier in [Carrier::BirthDeath, Carrier::Poisson] {
        for seed_uncovered in [false, true] {
            let end = |start: Cloud| {
                let spec = ReactionSpec {
                    carrier,
                    seed_uncovered,
                    ..reaction(0.5)
                };
                let mut flow = Flow::new(still(5, spec), kde(0.4), real.clone(), start, 2).unwrap();
                while flow.advance().unwrap().is_some() {}
                flow.state().cloud.clone()
            };
            let here = end(start.clone());
            let there = end(start.select(Axis(0), &turned));
            let apart = (&here.select(Axis(0), &turned) - &there).mapv(f64::abs);
            assert!(apart.iter().all(|&d| d < 1e-6), "{carrier:?}");
        }
    }
}

/// Parents are where their children came from, and lines of descent begin in the first cloud.
#[test]
fn a_copy_is_near_its_parent_and_its_line_begins_in_the_first_cloud() {
    let real = modes(1000, 0.9, Stream::new(3, "real"));
    let start = modes(400, 0.2, Stream::new(3, "start"));
    let mut flow = Flow::new(still(4, reaction(0.5)), kde(0.4), real, start.clone(), 3).unwrap();
    let mut before = start.clone();
    let mut lines: Vec<usize> = (0..400).collect();
    let mut born = 0;
    while let Some(step) = flow.advance().unwrap() {
        let reaction = step.state.reaction.as_ref().unwrap();
        if step.index > 0 {
            let parents: Vec<usize> = reaction.parents.iter().map(|p| p.unwrap()).collect();
            let away =
                cloud::lengths((&step.state.cloud - &before.select(Axis(0), &parents)).view());
            // A normal deviate beyond five standard deviations is not drawn here.
            assert!(away.iter().all(|&d| d < 5.0 * 0.3 * 0.4));
            let moved = parents.iter().enumerate().filter(|&(i, p)| i != *p).count();
            assert_eq!(moved, reaction.births);
            lines = parents.iter().map(|&p| lines[p]).collect();
            born += moved;
        }
        assert_eq!(reaction.begun, start.select(Axis(0), &lines));
        before = step.state.cloud.clone();
    }
    assert!(born > 100, "{born}");
}

#[test]
fn a_mode_that_no_particle_is_near_is_found_by_seeding_alone() {
    let real = modes(2000, 0.7, Stream::new(4, "real"));
    let start = modes(1000, 0.0, Stream::new(4, "start"));
    let end = |seed_uncovered| {
        let spec = ReactionSpec {
            seed_uncovered,
            until: 0.75,
            ..reaction(0.5)
        };
        let settings = FlowSpec {
            step_size: FlowSpec::default().step_size,
            ..still(20, spec)
        };
        let mut flow = Flow::new(settings, kde(0.2), real.clone(), start.clone(), 4).unwrap();
        while flow.advance().unwrap().is_some() {}
        let rested = flow.state().reaction.clone().unwrap();
        assert_eq!(
            (rested.births, rested.ess),
            (0, 1000.0),
            "the last quarter rests"
        );
        share(&flow.state().cloud)
    };
    assert_eq!(end(false), 0.0);
    let found = end(true);
    assert!((found - 0.7).abs() < 0.01, "{found}");
}

/// The share of a mode that D overrates without bound grows by no more than the clamp allows.
#[test]
fn no_particle_takes_the_whole_cloud() {
    let real = array![[0.0, 0.0], [0.1, 0.0], [1e3, 0.0]];
    let start = &Stream::new(5, "start").normals(400) + &array![[1e3, 0.0]];
    let mut flow = Flow::new(still(1, reaction(1.0)), kde(0.05), real, start, 5).unwrap();
    while flow.advance().unwrap().is_some() {}
    assert!(flow.state().cloud.iter().all(|v| v.is_finite()));
    let reaction = flow.state().reaction.as_ref().unwrap();
    assert!(reaction.ess >= 1.0 && reaction.births < 400, "{reaction:?}");
}

#[test]
fn what_has_no_meaning_with_births_is_refused_with_a_remedy() {
    let refused = |settings: &[&str]| {
        let mut document = Document::parse("test", "[target.ring]\n").unwrap();
        let small = ["cloud.particles=50", "cloud.samples=60", "flow.steps=2"];
        for setting in small.iter().chain(settings) {
            document.set(setting).unwrap();
        }
        let built: Result<Experiment, BuildError> =
            Experiment::new(document.read().unwrap(), &Embedded);
        built
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    let on = "flow.reaction.carrier='birth-death'";
    let cases: [(&[&str], &[&str]); 12] = [
        (
            &["flow.reaction.rate=0.0"],
            &["`flow.reaction.rate` is 0", "greater than 0 and at most 1"],
        ),
        (
            &["flow.reaction.rate=3.0"],
            &["`flow.reaction.rate` is 3", "until one mode has all"],
        ),
        (
            &[
                "flow.reaction.carrier='weights'",
                "flow.reaction.seed_uncovered=true",
            ],
            &[
                "`flow.reaction.seed_uncovered`",
                "carrier = \"birth-death\"",
            ],
        ),
        (
            &[
                "flow.reaction.carrier='weights'",
                "generator.distill.field='cloud'",
                "generator.distill.latents='fixed'",
            ],
            &["`flow.reaction.carrier` is \"weights\"", "\"poisson\""],
        ),
        (
            &[on, "generator.adversarial.field='cloud'"],
            &["`flow.reaction.carrier`", "generator.distill"],
        ),
        (&["flow.reaction.clamp=0.0"], &["`flow.reaction.clamp`"]),
        (&["flow.reaction.jitter=-1.0"], &["`flow.reaction.jitter`"]),
        (&["flow.reaction.until=0.0"], &["`flow.reaction.until`"]),
        (
            &[on, "flow.momentum='nesterov'"],
            &["`flow.momentum`", "set \"none\""],
        ),
        (
            &[on, "flow.integrator='heun'"],
            &["`flow.integrator` is \"heun\"", "set \"euler\""],
        ),
        (
            &[on, "discriminator.mmd={}"],
            &["`flow.reaction.carrier` is \"birth-death\"", "no log ratio"],
        ),
        (
            &[on, "generator.distill.field='fresh'"],
            &[
                "`flow.reaction.carrier`",
                "take flow.reaction or the generator away",
            ],
        ),
    ];
    for (settings, words) in cases {
        let error = refused(settings);
        for word in words {
            assert!(error.contains(word), "{settings:?}: {error}");
        }
    }
    assert_eq!(refused(&[on]), "");
}

/// Four particles of two thousand stand in the target, and the bandwidth sees nothing of it elsewhere: the cloud descends from them. That is a finding, and all numbers stay
/// numbers.
#[test]
fn a_cloud_that_few_take_over_is_told_and_stays_finite() {
    let text = "[target.gaussian]\nmean = [30.0, 0.0]\n[[source.mixture.components]]\nweight = 0.998\nmean = [0.0, 0.0]\ncovariance = [[1.0, 0.0], [0.0, 1.0]]\n[[source.mixture.components]]\nweight = 0.002\nmean = [30.0, 0.0]\ncovariance = [[1.0, 0.0], [0.0, 1.0]]\n[discriminator.kde]\nbandwidth = 0.4\n";
    for carrier in ["birth-death", "weights", "poisson"] {
        let mut document = Document::parse("few", text).unwrap();
        for setting in [
            &format!("flow.reaction.carrier='{carrier}'"),
            "flow.reaction.rate=1",
            "flow.steps=4",
            "output.frames=0",
            "metrics.every=1",
        ] {
            document.set(setting).unwrap();
        }
        let experiment = Experiment::read(&document, &Embedded).unwrap();
        let (_home, run) = run("few", &experiment);
        assert!(
            run.manifest.last.values().all(|value| value.is_finite()),
            "{carrier}"
        );
        let said = run.manifest.warnings.join("\n");
        assert!(said.contains("particles count as"), "{carrier}: {said}");
    }
}

/// A mode of 0.05 that motion alone leaves half empty.
const LIGHT: &str = "[[target.mixture.components]]\nweight = 0.95\nmean = [-2.0, 0.0]\ncovariance = [[0.16, 0.0], [0.0, 0.16]]\n[[target.mixture.components]]\nweight = 0.05\nmean = [2.0, 0.0]\ncovariance = [[0.16, 0.0], [0.0, 0.16]]\n";

#[test]
fn a_run_whose_masses_are_off_names_the_remedy_where_it_can_be_had() {
    let said = |settings: &[&str]| {
        let mut document = Document::parse("light", LIGHT).unwrap();
        for setting in ["flow.steps=40", "output.frames=0", "metrics.every=40"]
            .iter()
            .chain(settings)
        {
            document.set(setting).unwrap();
        }
        let experiment = Experiment::read(&document, &Embedded).unwrap();
        let (_home, run) = run("light", &experiment);
        run.manifest.warnings.join("\n")
    };
    let remedy = "--reaction birth-death";
    let found = said(&[]);
    assert!(
        found.contains(remedy) && found.contains("in the training sample itself"),
        "{found}"
    );
    for not_to_be_had in [
        "flow.momentum='nesterov'",
        "flow.integrator='heun'",
        "flow.reaction.carrier='birth-death'",
        "generator.distill.network=[8]",
        "discriminator.mmd={}",
    ] {
        let found = said(&[not_to_be_had]);
        assert!(!found.contains(remedy), "{not_to_be_had}: {found}");
    }
}

/// Both modes weigh the same, and nothing begins near the right one, nor reaches it.
#[test]
fn where_a_mode_is_empty_the_remedy_names_seeds() {
    let text = "[[target.mixture.components]]\nweight = 0.5\nmean = [-9.0, 0.0]\ncovariance = [[0.16, 0.0], [0.0, 0.16]]\n[[target.mixture.components]]\nweight = 0.5\nmean = [9.0, 0.0]\ncovariance = [[0.16, 0.0], [0.0, 0.16]]\n[source.gaussian]\nmean = [-9.0, 0.0]\ncovariance = [[0.25, 0.0], [0.0, 0.25]]\n[discriminator.kde]\nbandwidth = 0.3\n[flow]\nsteps = 60\n[output]\nframes = 0\n[metrics]\nevery = 60\n";
    let said = |settings: &[&str]| {
        let mut document = Document::parse("far", text).unwrap();
        for setting in settings {
            document.set(setting).unwrap();
        }
        let experiment = Experiment::read(&document, &Embedded).unwrap();
        let (_home, run) = run("far", &experiment);
        run.manifest.warnings.join("\n")
    };
    let (births, seeds) = (
        "flow.reaction.carrier='birth-death'",
        "flow.reaction.seed_uncovered=true",
    );
    let alone = said(&[]);
    assert!(alone.contains("--reaction birth-death"), "{alone}");
    assert!(alone.contains(seeds), "{alone}");
    let unseeded = said(&[births]);
    assert!(unseeded.contains(seeds), "{unseeded}");
    // What was said to help does.
    let seeded = said(&[births, seeds]);
    assert!(!seeded.contains("wrong mode"), "{seeded}");
}

/// Twenty steps of forty, by number and by part, are the same bits; an estimator without a bandwidth has nothing to shrink.
#[test]
fn steps_of_annealing_are_a_part_of_the_run_by_another_name() {
    let built = |settings: &[&str]| {
        let mut document = Document::parse("light", LIGHT).unwrap();
        for setting in ["flow.steps=40", "cloud.particles=200", "cloud.samples=300"]
            .iter()
            .chain(settings)
        {
            document.set(setting).unwrap();
        }
        Experiment::read(&document, &Embedded).map_err(|error| error.to_string())
    };
    let last = |settings: &[&str]| {
        let mut flow = built(settings).unwrap().flow().unwrap();
        while flow.advance().unwrap().is_some() {}
        flow.state().cloud.clone()
    };
    let (steps, part) = ("flow.anneal_steps=20", "discriminator.kde.anneal_until=0.5");
    assert_eq!(last(&[steps]), last(&[part]));
    assert_ne!(last(&[steps]), last(&[]));
    for (settings, expected) in [
        (&["flow.anneal_steps=0"][..], "between 1 and flow.steps, 40"),
        (&["flow.anneal_steps=41"], "between 1 and flow.steps, 40"),
        (
            &[steps, "discriminator.mlp={}"],
            "no bandwidth that shrinks",
        ),
    ] {
        let said = built(settings).unwrap_err();
        assert!(
            said.contains("flow.anneal_steps") && said.contains(expected),
            "{said}"
        );
    }
}

#[test]
fn the_rate_is_that_of_the_discriminator() {
    let target = RingSpec::default().build().unwrap();
    for (name, _) in DiscriminatorSpec::CATALOGUE {
        let spec: DiscriminatorSpec = toml::from_str(&format!("[{name}]")).unwrap();
        let built = spec.build(&target).unwrap();
        let expected = if matches!(*name, "kde" | "oracle") {
            0.5
        } else {
            0.1
        };
        assert_eq!(built.reaction_rate(), expected, "{name}");
    }
    assert_eq!(ReactionSpec::default().rate, WordOr::Word(Rate::Auto));
}

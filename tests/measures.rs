//! The measures one by one against other libraries, and the judge that turns them into p-values and sentences.

mod shared;

use std::sync::Arc;

use assert_cmd::Command;
use ndarray::{Array2, array};
use ratioflow::cloud::Cloud;
use ratioflow::metric::{
    Coupling, Coverage, Density, EnergyDistance, Evaluation, Evaluator, ExactW2, Extra, KnnKl,
    KnownKl, LogisticC2st, Metric, MetricResult, MetricsSpec, Null, ScoreError, Sinkhorn, SlicedW2,
    Stranded, TransportError, Wasserstein,
};
use ratioflow::random::Stream;
use ratioflow::target::{CheckerboardSpec, Component, GaussianSpec, SpiralsSpec, Target};

use shared::{KOLMOGOROV, assert_equal, draw, first, kolmogorov, mixture, second};

/// Two round modes with the given weights.
fn two(left: f64, right: f64) -> Arc<dyn Target> {
    mixture(&[
        Component::round(left, [-2.0, 0.0], 0.4),
        Component::round(right, [2.0, 0.0], 0.4),
    ])
}

fn stream(name: &str) -> Stream {
    Stream::new(23, name)
}

/// Computed with POT 0.9.7, `emd2` on the matrix of squared distances, and its square root taken.
#[test]
fn unequal_clouds_have_the_distance_that_another_solver_finds() {
    let every = |cloud: &Cloud, period: usize| {
        let rows: Vec<usize> = (0..cloud.nrows()).map(|i| i % period).collect();
        cloud.select(ndarray::Axis(0), &rows)
    };
    let line = |cloud: &Cloud| {
        Array2::from_shape_fn(cloud.raw_dim(), |(i, axis)| {
            cloud[[i, 0]] * (1.0 + axis as f64)
        })
    };
    let cases = [
        (first(10), second(7), 0.796_988_891_488_525_1),
        (first(1), second(50), 1.479_707_382_402_603_2),
        (first(200), second(230), 0.481_685_551_239_060_1),
        (first(600), second(401), 0.431_642_599_722_616_54),
        (
            every(&first(300), 7),
            every(&second(200), 11),
            0.671_972_397_861_850_7,
        ),
        (line(&first(300)), line(&second(200)), 0.743_566_099_859_32),
    ];
    for (cloud, reference, expected) in cases {
        let found = Coupling::new(cloud.view(), None, reference.view(), None).unwrap();
        assert_equal("W2", found.value, expected);
        assert!(found.gap <= 1e-12, "gap {}", found.gap);
        let turned = Coupling::new(reference.view(), None, cloud.view(), None).unwrap();
        assert_equal("W2 turned around", turned.value, expected);
        // The plan carries all mass of every point on either side.
        let (n, m) = (cloud.nrows(), reference.nrows());
        assert!(found.plan.len() < n + m);
        let mut shares = [vec![0.0; n], vec![0.0; m]];
        for &(i, j, share) in &found.plan {
            shares[0][i] += share;
            shares[1][j] += share;
        }
        for side in shares {
            let each = 1.0 / side.len() as f64;
            assert!(side.iter().all(|share| (share - each).abs() < 1e-14));
        }
    }
    let weights: [Vec<f64>; 2] = [
        (0..200).map(|i| f64::from(1 + i % 5)).collect(),
        (0..230).map(|i| f64::from(i % 4)).collect(),
    ];
    let weighted = Coupling::new(
        first(200).view(),
        Some(&weights[0]),
        second(230).view(),
        Some(&weights[1]),
    );
    assert_equal("weights", weighted.unwrap().value, 0.522_748_070_153_017_7);
}

#[test]
fn two_exact_solvers_agree_on_equal_sizes() {
    for n in [1, 2, 10, 333, 800] {
        let (x, y) = (first(n), second(n));
        let matched = ExactW2::new(y.view()).unwrap().measure(x.view());
        let coupled = Coupling::new(x.view(), None, y.view(), None).unwrap();
        assert_equal(
            "network simplex and augmenting paths",
            coupled.value,
            matched,
        );
    }
    let point = Array2::from_elem((60, 2), 0.3);
    let coupled = Coupling::new(point.view(), None, point.view(), None).unwrap();
    assert_eq!((coupled.value, coupled.gap), (0.0, 0.0));
}

#[test]
fn what_cannot_be_coupled_is_refused_and_what_is_too_large_is_estimated() {
    let refused = |weights: &[f64]| {
        Coupling::new(first(3).view(), Some(weights), second(2).view(), None).unwrap_err()
    };
    for weights in [
        &[1.0, 2.0][..],
        &[1.0, -1.0, 1.0],
        &[0.0; 3],
        &[1.0, f64::NAN, 1.0],
    ] {
        assert!(matches!(
            refused(weights),
            TransportError::Weights { points: 3, .. }
        ));
    }
    let many = Array2::zeros((20_000, 2));
    let large = Coupling::new(many.view(), None, second(6000).view(), None).unwrap_err();
    assert!(large.to_string().contains("draw at most 10000"), "{large}");
    // Estimates lie above the distance of the whole, which is 5 here, and say that they are none.
    let reference = two(0.5, 0.5).sample(20_001, stream("large"));
    let moved = &reference + &array![3.0, 4.0];
    let reading = Wasserstein::new(reference.view())
        .unwrap()
        .read(moved.view());
    assert!((5.0..5.1).contains(&reading.value), "{reading:?}");
    assert!(reading.standard_error.is_some_and(|error| error < 0.05));
    assert!(reading.note.unwrap().starts_with("an estimate"));
}

/// Computed with numpy 2.4.6 and scipy 1.17.1: Sinkhorn by `logsumexp` iterated to 1e-13; the divergences, density and coverage from
/// `cKDTree` and `cdist`, digamma from `scipy.special`.
#[test]
fn values_agree_with_other_libraries() {
    let (x, y) = (first(150), second(230));
    for (epsilon, expected) in [
        (0.1, 0.189_481_066_394_001_1),
        (0.5, 0.181_791_698_644_180_43),
    ] {
        let reading = Sinkhorn::new(y.view(), epsilon).read(x.view());
        assert!((reading.value / expected - 1.0).abs() < 1e-5, "{reading:?}");
        assert_eq!(reading.note, None);
    }
    let reverse = KnnKl::reverse(y.view(), 5);
    assert_equal(
        "KL(p‖q)",
        reverse.measure(x.view()),
        0.653_375_051_179_240_4,
    );
    assert_equal(
        "density",
        Density::new(y.view()).unwrap().measure(x.view()),
        0.604,
    );
    let coverage = Coverage::new(y.view()).unwrap().measure(x.view());
    assert_equal("coverage", coverage, 0.691_304_347_826_087);
    let normal = mixture(&[Component::round(1.0, [0.0, 0.0], 1.0)]);
    // The cloud whitened by its own covariance, in numpy.
    let kl = KnownKl::new(&normal).unwrap().uncorrected(x.view());
    assert_equal("KL", kl, 0.957_222_430_583_274_8);
}

#[test]
fn sinkhorn_has_its_limits_and_says_when_it_has_not_converged() {
    let (x, y) = (first(150), second(150));
    let exact = ExactW2::new(y.view()).unwrap().measure(x.view()).powi(2);
    let near = Sinkhorn::new(y.view(), 0.004).read(x.view());
    assert!((near.value / exact - 1.0).abs() < 0.02, "{near:?}, {exact}");
    let means = &x.mean_axis(ndarray::Axis(0)).unwrap() - &y.mean_axis(ndarray::Axis(0)).unwrap();
    let far = Sinkhorn::new(y.view(), 1e4).measure(x.view());
    assert!((far / means.dot(&means) - 1.0).abs() < 1e-3);
    assert!(Sinkhorn::new(y.view(), 0.1).measure(y.view()).abs() < 1e-6);
    // Two parts so far from each other that mass hardly crosses: what is below zero says so.
    for apart in [10.0, 30.0, 100.0] {
        let two = |cloud: &Cloud, left: usize| {
            Array2::from_shape_fn(cloud.raw_dim(), |(i, k)| {
                cloud[[i, k]] * 0.1 + if k == 0 && i >= left { apart } else { 0.0 }
            })
        };
        let reading = Sinkhorn::new(two(&y, 75).view(), 0.05).read(two(&x, 76).view());
        assert!(
            reading.value >= -1e-6 * apart * apart || reading.note.is_some(),
            "{reading:?}"
        );
    }
    let hard = Sinkhorn::new(y.view(), 1e-6).read(x.view());
    assert!(hard.note.unwrap().starts_with("not converged after"));
}

#[test]
fn known_densities_give_divergence_and_score_their_closed_forms() {
    let normal = mixture(&[Component::round(1.0, [0.0, 0.0], 1.0)]);
    let other = mixture(&[Component::round(1.0, [0.5, 0.0], 0.8)]);
    let cloud = other.sample(4000, stream("closed"));
    // KL(N(m, s²I)‖N(0, I)) = s² − 1 + |m|²/2 − 2 log s.
    let exact = 0.64 - 1.0 + 0.125 - 2.0 * 0.8_f64.ln();
    let kl = KnownKl::new(&normal).unwrap().measure(cloud.view());
    assert!((kl - exact).abs() < 0.04, "{kl} against {exact}");
    // Its score error is E|x − (x − m)/s²|² = 2 s² (1 − 1/s²)² + |m|², but for the smoothing.
    let reference = normal.sample(4000, stream("reference"));
    let measured = ScoreError::new(&normal, reference.view()).unwrap();
    let exact = (2.0 * 0.64 * (1.0 - 1.0 / 0.64_f64).powi(2) + 0.25).sqrt();
    let found = measured.measure(cloud.view());
    assert!((found / exact - 1.0).abs() < 0.3, "{found} against {exact}");
}

/// The truth is `−H(q) − E_q log p`, with entropies in closed form and the mean over the cloud itself: what chance does to that mean six deviations away
/// is ten times what is looked for here. Clouds of the target's kind are within 0.02 nats of it, others within 0.035: what is taken off is the bias of the
/// target's own samples.
#[test]
fn kl_is_as_near_to_the_truth_far_from_the_target_as_at_it() {
    const SEEDS: u64 = 24;
    let one = |apart: f64, covariance: [[f64; 2]; 2]| {
        vec![Component {
            weight: 1.0,
            mean: [apart, 0.0],
            covariance,
        }]
    };
    let ring = |apart: f64| -> Vec<Component> {
        let place = |i: i32| {
            let (sin, cos) = (std::f64::consts::FRAC_PI_4 * f64::from(i)).sin_cos();
            Component::round(1.0, [apart + 2.0 * cos, 2.0 * sin], 0.1)
        };
        (0..8).map(place).collect()
    };
    // Modes do not overlap.
    let entropy = |modes: &[Component]| {
        let [[a, b], [_, d]] = modes[0].covariance;
        let one = 1.0 + std::f64::consts::TAU.ln() + 0.5 * (a * d - b * b).ln();
        one + (modes.len() as f64).ln()
    };
    let mut clouds = vec![("a thin cloud", one(3.0, [[1.0, 0.39], [0.39, 0.16]]))];
    for apart in [1.0, 3.0, 6.0] {
        clouds.push(("a wide cloud", one(apart, [[1.0, 0.0], [0.0, 1.0]])));
        clouds.push(("a narrow cloud", one(apart, [[0.09, 0.0], [0.0, 0.09]])));
        clouds.push(("a ring", ring(apart)));
    }
    for (towards, target) in [
        ("one Gaussian", one(0.0, [[1.0, 0.0], [0.0, 1.0]])),
        ("a ring", ring(0.0)),
    ] {
        let target = mixture(&target);
        let kl = KnownKl::new(&target).unwrap();
        for (cloud, modes) in &clouds {
            let source = mixture(modes);
            for n in [500, 2000] {
                let error = |seed: u64| {
                    let cloud = source.sample(n, stream("far").at(seed));
                    let log_density = target.log_density(cloud.view()).unwrap();
                    kl.measure(cloud.view()) + entropy(modes) + log_density.mean().unwrap()
                };
                let errors: Vec<f64> = (0..SEEDS).map(error).collect();
                let mean = errors.iter().sum::<f64>() / SEEDS as f64;
                let squares: f64 = errors.iter().map(|e| (e - mean).powi(2)).sum();
                let standard = (squares / (SEEDS * (SEEDS - 1)) as f64).sqrt();
                let alike = (modes.len() == 1) == (towards == "one Gaussian");
                let most = if alike { 0.02 } else { 0.035 } + 3.0 * standard;
                let at = modes[0].mean[0];
                assert!(
                    mean.abs() <= most,
                    "{cloud} at {at} to {towards}, {n} points: off by {mean} ± {standard}"
                );
            }
        }
    }
}

#[test]
fn the_logistic_classifier_sees_means_and_covariances() {
    let normal = mixture(&[Component::round(1.0, [0.0, 0.0], 1.0)]);
    let [a, b] = ["a", "b"].map(|name| normal.sample(3000, stream(name)));
    let test = LogisticC2st::new(b.view());
    assert!((test.measure(a.view()) - 0.5).abs() < 0.03);
    // Two unit Gaussians d apart: the best accuracy is Φ(d/2), 0.6915 for d = 1.
    let shifted = test.measure((&a + &array![0.6, 0.8]).view());
    assert!((shifted - 0.6915).abs() < 0.02, "{shifted}");
    // Scaled by 2: |x|² above 8 log 2 / 3 tells them apart; the accuracy is ½(e^{−t/8} + 1 − e^{−t/2}), t = (8/3) log 4.
    let t = 8.0 / 3.0 * 4_f64.ln();
    let best = 0.5 * ((-t / 8.0).exp() + 1.0 - (-t / 2.0).exp());
    let scaled = test.measure((&a * 2.0).view());
    assert!((scaled - best).abs() < 0.02, "{scaled} against {best}");
    assert_eq!(test.measure((&a + 100.0).view()), 1.0);
}

#[test]
fn the_error_of_slicing_shrinks_as_the_root_of_the_directions() {
    let (x, y) = (first(200), second(200));
    let error = |directions: usize| {
        let reading = SlicedW2::new(y.view(), directions).read(x.view());
        reading.standard_error.unwrap()
    };
    let ratio = error(64) / error(1024);
    assert!((3.6..4.4).contains(&ratio), "{ratio}");
}

fn value<'a>(judged: &'a Evaluation, name: &str) -> &'a ratioflow::metric::MetricResult {
    let mut all = judged.judgements.iter();
    all.find(|j| j.about.name == name).unwrap()
}

/// The place of a value among the draws of its floor, from 1 to draws + 1, where a tie may fall on either side. Uniform if the value is
/// exchangeable with the draws, for counts too.
fn rank(judgement: &MetricResult, dice: &mut u64) -> usize {
    let value = judgement.reading.value;
    let draws = judgement.floor.as_ref().unwrap().draws();
    let slack = 1e-12 * draws.iter().fold(value.abs(), |most, v| most.max(v.abs()));
    let above = draws.iter().filter(|&&v| v > value + slack).count();
    let ties = draws
        .iter()
        .filter(|&&v| (v - value).abs() <= slack)
        .count();
    1 + above + (draw(dice) % (ties as u64 + 1)) as usize
}

/// 500 clouds that are as good as can be.
fn assert_uniform(draws: usize, judged: &(dyn Fn(u64) -> Evaluation + Sync)) {
    use rayon::prelude::*;
    let all: Vec<Evaluation> = (0..500).into_par_iter().map(judged).collect();
    let mut dice = 5;
    for place in 0..all[0].judgements.len() {
        let measured = || all.iter().map(|judged| &judged.judgements[place]);
        let name = all[0].judgements[place].about.name;
        let ranks: Vec<f64> = measured()
            .map(|judgement| rank(judgement, &mut dice) as f64 / (draws + 1) as f64)
            .collect();
        let [low, high] = kolmogorov(&ranks, draws + 1);
        assert!(high.max(-low) < KOLMOGOROV, "{name}: ranks {low} {high}");
        // Ties count against the finding of a fault, so that small p are never too many.
        let p: Vec<f64> = measured().map(|judgement| judgement.p).collect();
        let [low, high] = kolmogorov(&p, draws + 1);
        assert!(high < KOLMOGOROV, "{name}: too many small p, by {high}");
        let counts = [
            "c2st",
            "c2st_logistic",
            "density",
            "coverage",
            "stranded",
            "modes",
            "high_quality",
            "mass_tv",
            "bridges",
        ];
        if !counts.contains(&name) {
            assert!(low > -KOLMOGOROV, "{name}: too few small p, by {low}");
        }
    }
}

#[test]
fn p_values_are_uniform_under_the_null() {
    let target = two(0.5, 0.5);
    let judge = |seed: u64| Evaluator {
        points: 1000,
        draws: 19,
        dear_draws: 19,
        seed,
        ..Evaluator::default()
    };
    assert_uniform(19, &|seed| {
        let cloud = target.sample(24, stream("null").at(seed));
        judge(seed)
            .judge(cloud.view(), Null::Target(&target))
            .unwrap()
    });
    assert_uniform(19, &|seed| {
        let cloud = target.sample(20, stream("null a").at(seed));
        let other = target.sample(26, stream("null b").at(seed));
        judge(seed)
            .judge(cloud.view(), Null::Sample(other.view()))
            .unwrap()
    });
}

/// More pairs than would fit into memory as a matrix: 3.2 GB for these.
#[test]
fn the_energy_distance_of_twenty_thousand_points_is_that_of_its_formula() {
    // On a lattice of spacing 1/n on a line, E|x − x′| = (n² − 1)/3n², and a shift by c ≥ 1 gives E|x − y| = c.
    let count = 20_000;
    let line = |shift: f64| {
        Array2::from_shape_fn((count, 2), |(i, axis)| {
            if axis == 0 {
                shift + i as f64 / count as f64
            } else {
                0.0
            }
        })
    };
    let n = count as f64;
    let within = (n * n - 1.0) / (3.0 * n * n);
    let found = EnergyDistance::new(line(0.0).view()).measure(line(2.0).view());
    assert_equal("energy distance", found, 2.0 * (2.0 - within));
}

#[test]
fn each_kind_of_error_is_seen_by_the_measures_that_say_so() {
    let target = two(0.5, 0.5);
    let judge = Evaluator {
        draws: 39,
        ..Evaluator::default()
    };
    let count = 400;
    let judged = |cloud: Cloud| judge.judge(cloud.view(), Null::Target(&target)).unwrap();
    let z = |judged: &Evaluation, name: &str| value(judged, name).z;

    let moved = judged(two(0.35, 0.65).sample(count, stream("masses")));
    for name in ["energy_distance", "sliced_w2", "w2", "mass_tv"] {
        assert!(z(&moved, name) > 2.5, "{name}: {}", z(&moved, name));
    }
    let good = judged(target.sample(count, stream("good")));
    let collapsed = target.sample(count / 20, stream("few"));
    let rows: Vec<usize> = (0..count).map(|i| i % (count / 20)).collect();
    let collapsed = judged(collapsed.select(ndarray::Axis(0), &rows));
    for name in ["knn_kl", "c2st", "kl"] {
        assert!(
            z(&collapsed, name) > 10.0,
            "{name}: {}",
            z(&collapsed, name)
        );
        assert!(
            value(&collapsed, name)
                .verdict()
                .starts_with("differs from chance")
        );
        assert!(z(&good, name) < 5.0);
    }
    // One mode of two: the reverse divergence and the coverage say what is missing, the density sees nothing wrong.
    let half = mixture(&[Component::round(1.0, [-2.0, 0.0], 0.4)]);
    let missing = judged(half.sample(count, stream("half")));
    assert!(value(&missing, "coverage").reading.value < 0.6);
    assert!(value(&missing, "density").reading.value > 0.9);
    assert!(value(&missing, "knn_kl_reverse").reading.value > 2.0);
    assert_eq!(value(&missing, "modes").reading.value, 1.0);
}

/// The points of a lattice are 1 apart. Of 1601 points two may be further than the reach from all others, and one is.
#[test]
fn stranded_points_are_out_of_reach_of_all_points_of_the_target() {
    let lattice = Array2::from_shape_fn((1600, 2), |(i, axis)| [i % 40, i / 40][axis] as f64);
    let reference = ndarray::concatenate![ndarray::Axis(0), lattice, array![[1000.0, 0.0]]];
    let stranded = Stranded::new(reference.view()).unwrap();
    assert_eq!(stranded.reach(), 1.0);
    let within = [[3.0, 4.0], [0.5, 0.5], [-1.0, 0.0], [1000.0, -0.9]];
    let beyond = [[-1.001, 0.0], [500.0, 0.0], [1000.0, 1.1], [f64::NAN, 0.0]];
    let share = |points: &[[f64; 2]]| stranded.measure(ndarray::aview2(points));
    assert_eq!([share(&within), share(&beyond)], [0.0, 1.0]);
    assert_eq!(share(&[within, beyond].concat()), 0.5);
    assert!(Stranded::new(array![[0.0, 0.0]].view()).is_none());
    // All in one place, it reaches nowhere else.
    let point = Array2::zeros((50, 2));
    let stranded = Stranded::new(point.view()).unwrap();
    assert_eq!(stranded.measure(point.view()), 0.0);
    assert_eq!(stranded.measure((&point + 1e-9).view()), 1.0);
}

/// A fresh draw is stranded with probability 2/2001, whatever the target: thin curves, sharp edges, tails.
#[test]
fn one_in_a_thousand_of_the_targets_own_draws_is_stranded() {
    let targets: [Box<dyn Target>; 3] = [
        Box::new(SpiralsSpec::default().build().unwrap()),
        Box::new(CheckerboardSpec::default().build().unwrap()),
        Box::new(GaussianSpec::default().build().unwrap()),
    ];
    let count = 2000;
    for (place, target) in targets.iter().enumerate() {
        let shares = (0..40).map(|round| {
            let draw = |name| target.sample(count, stream(name).at(round));
            let stranded = Stranded::new(draw("stranded reference").view()).unwrap();
            stranded.measure(draw("stranded fresh").view())
        });
        let mean = shares.sum::<f64>() / 40.0;
        // Of 80 000 draws 80 are expected; each reference adds as much spread again.
        assert!((6e-4..1.4e-3).contains(&mean), "target {place}: {mean}");
    }
}

#[test]
fn settings_name_further_measures() {
    let spec: MetricsSpec =
        toml::from_str("also = [\"w2\", \"coverage\"]\nstop = \"floor\"").unwrap();
    assert_eq!(spec.also, [Extra::W2, Extra::Coverage]);
    assert!(spec.wants("w2") && spec.wants("mmd2") && !spec.wants("sinkhorn"));
    assert!(toml::from_str::<MetricsSpec>("also = [\"w3\"]").is_err());

    let spec: MetricsSpec = toml::from_str("only = [\"w2\", \"mmd2\"]").unwrap();
    let named = ["w2", "mmd2"];
    for about in ratioflow::metric::ALL {
        assert_eq!(spec.wants(about.name), named.contains(&about.name));
    }
    assert!(spec.check().is_ok());
    let spec: MetricsSpec = toml::from_str("only = [\"mdm2\"]").unwrap();
    let refused = spec.check().unwrap_err().to_string();
    assert!(
        refused.contains("mdm2") && refused.contains("mmd2"),
        "{refused}"
    );
}

fn ratioflow(folder: &std::path::Path, args: &[&str]) -> std::process::Output {
    let mut command = Command::cargo_bin("ratioflow").unwrap();
    command.current_dir(folder).args(args).output().unwrap()
}

fn save(folder: &std::path::Path, name: &str, cloud: &Cloud) {
    let rows = cloud.rows().into_iter();
    let lines: Vec<String> = rows
        .map(|row| format!("{:?},{:?}", row[0], row[1]))
        .collect();
    let text = lines.join("\n");
    std::fs::write(folder.join(name), text).unwrap();
}

#[test]
fn files_may_lie_anywhere() {
    let [here, there] = [0, 1].map(|_| tempfile::tempdir().unwrap());
    save(there.path(), "a.csv", &first(30));
    let path = there.path().join("a.csv");
    let path = path.to_str().unwrap();
    let output = ratioflow(here.path(), &["measure", path, path, "--draws", "19"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_command_prints_what_programs_can_read() {
    let folder = tempfile::tempdir().unwrap();
    save(folder.path(), "a.csv", &first(60));
    save(folder.path(), "b.csv", &second(50));
    let draws = ["--draws", "19", "--json"];
    for against in [
        &["b.csv"][..],
        &["--target", "ring"],
        &["--target", "two-gaussians"],
    ] {
        let plot = ["--plot", "out.png"];
        let args = [&["measure", "a.csv"], against, &plot, &draws].concat();
        let output = ratioflow(folder.path(), &args);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let w2 = &json["metrics"]["w2"];
        assert!(w2["value"].as_f64().unwrap() > 0.0);
        assert!(w2["floor"]["q95"].as_f64() >= w2["floor"]["mean"].as_f64());
        assert!((0.05..=1.0).contains(&w2["p"].as_f64().unwrap()));
        assert!(w2["verdict"].as_str().unwrap().contains("it sees"));
        assert!(json["metrics"]["sliced_w2"]["standard_error"].is_number());
        assert!(
            std::fs::read(folder.path().join("out.png"))
                .unwrap()
                .starts_with(b"\x89PNG")
        );
        assert_eq!(ratioflow(folder.path(), &args).stdout, output.stdout);
    }
}

#[test]
fn the_command_takes_the_measures_that_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    save(folder.path(), "a.csv", &first(60));
    save(folder.path(), "b.csv", &second(50));
    let measured = |only: &[&str]| -> serde_json::Value {
        let args = [
            &["measure", "a.csv", "b.csv", "--draws", "19", "--json"],
            only,
        ]
        .concat();
        let output = ratioflow(folder.path(), &args);
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let (all, two) = (
        measured(&[]),
        measured(&["--only", "w2,energy_distance,modes"]),
    );
    let metrics = two["metrics"].as_object().unwrap();
    assert_eq!(metrics.len(), 2);
    for (name, entry) in metrics {
        assert_eq!(*entry, all["metrics"][name], "{name}");
    }
    let note = two["notes"][0].as_str().unwrap();
    assert!(
        note.starts_with("modes says nothing here: it needs"),
        "{note}"
    );
    let refused = ratioflow(
        folder.path(),
        &["measure", "a.csv", "b.csv", "--only", "w3"],
    );
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        text.contains("must be one of energy_distance, mmd2"),
        "{text}"
    );
}

#[test]
fn the_command_says_what_is_wrong_with_its_input() {
    let folder = tempfile::tempdir().unwrap();
    save(folder.path(), "good.csv", &first(30));
    save(folder.path(), "one.csv", &first(1));
    std::fs::write(folder.path().join("empty.npy"), "").unwrap();
    std::fs::write(folder.path().join("three.csv"), "1,2,3\n4,5,6\n").unwrap();
    std::fs::write(folder.path().join("nan.csv"), "1,2\nnan,6\n").unwrap();
    let refused = |args: &[&str], code: i32, says: &str| {
        let output = ratioflow(folder.path(), &[&["measure"], args].concat());
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
        assert!(text.contains(says), "{args:?}: {text}");
    };
    refused(
        &["one.csv", "good.csv"],
        2,
        "one.csv is a cloud of 1: it must have at least 2 points",
    );
    refused(&["good.csv", "empty.npy"], 2, "the file is empty");
    for name in ["kl", "modes", "score_error", "w2_law"] {
        let says = format!("--only is {name}: it needs a target");
        refused(&["good.csv", "good.csv", "--only", name], 2, &says);
    }
    refused(
        &["good.csv", "good.csv", "--only", "kl,modes"],
        2,
        "--only is kl, modes: it needs a target with a known density, needs a target that is a mixture of Gaussians",
    );
    refused(&["three.csv", "good.csv"], 2, "three.csv");
    refused(&["nan.csv", "good.csv"], 2, "nan.csv");
    refused(&["good.csv", "none.npy"], 3, "cannot read none.npy");
    refused(
        &["good.csv", "--target", "rng"],
        2,
        "no shipped scenario called `rng`",
    );
    refused(&["good.csv"], 2, "--target");
    // More points than are taken: estimates that say so, and how many there would be.
    let output = ratioflow(
        folder.path(),
        &[
            "measure", "good.csv", "good.csv", "--points", "20", "--draws", "19",
        ],
    );
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        text.contains("good.csv holds 30 points: all values are estimates from 20 of them"),
        "{text}"
    );
}

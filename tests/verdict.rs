//! The verdict: how often it lets a perfect cloud down, which bad clouds it finds, and what it says.

use std::f64::consts::TAU;
use std::path::Path;
use std::sync::Arc;

use ndarray::{Array2, Axis, concatenate, s};
use ratioflow::cloud::Cloud;
use ratioflow::experiment::Experiment;
use ratioflow::metric::{
    Circumstances, Evaluator, Evidence, Floors, Measurement, MetricSet, MetricsSpec, Null, Verdict,
};
use ratioflow::random::Stream;
use ratioflow::scenario::{Document, Embedded};
use ratioflow::target::{Folder, Target, TargetSpec};
use rayon::prelude::*;

fn family(name: &str) -> Arc<dyn Target> {
    let spec = TargetSpec::from_name(name).unwrap();
    spec.build(&Folder(".".into())).unwrap().into()
}

fn panel(target: &Arc<dyn Target>, reference: &Cloud, training: &Cloud, draws: usize) -> MetricSet {
    let spec = MetricsSpec {
        floor_draws: Some(draws),
        ..MetricsSpec::default()
    };
    let evidence = Evidence {
        reference: reference.view(),
        training: Some(training.view()),
        components: target.components(),
        target: Some(target),
        dimension: target.dimension(),
    };
    spec.build(evidence).unwrap()
}

/// A target with everything that a cloud of so many points is judged by, from one seed.
struct Court {
    target: Arc<dyn Target>,
    panel: MetricSet,
    floors: Floors,
    training: Cloud,
    points: usize,
    seed: u64,
}

impl Court {
    fn new(name: &str, points: usize, seed: u64) -> Self {
        let target = family(name);
        let stream = |name| Stream::new(seed, name);
        let training = target.sample(2 * points, stream("training"));
        let reference = target.sample(points, stream("reference"));
        let panel = panel(&target, &reference, &training, 99);
        let floors = Floors::estimate(&panel, &*target, points, 99, stream("floor"));
        Self {
            target,
            panel,
            floors,
            training,
            points,
            seed,
        }
    }

    fn perfect(&self) -> Cloud {
        self.target
            .sample(self.points, Stream::new(self.seed, "cloud"))
    }

    fn verdict(&self, cloud: &Cloud) -> Verdict {
        let known = Circumstances {
            references: self.points,
            ..Circumstances::default()
        };
        Verdict::new(&self.panel.measure(cloud.view()), &self.floors, known)
    }
}

/// Of 400 perfect clouds, on four targets and in three sizes, one in twenty is let down: 20 in the mean, with a standard deviation of 4.4.
#[test]
fn one_perfect_cloud_in_twenty_is_let_down() {
    let courts: Vec<(&str, usize, u64)> = (0..400_u64)
        .map(|trial| {
            let names = ["ring", "moons", "gaussian", "checkerboard"];
            let sizes = [60, 150, 300];
            let k = trial as usize;
            (names[k % 4], sizes[k / 4 % 3], 1000 + trial)
        })
        .collect();
    let alarms: Vec<[bool; 3]> = courts
        .par_iter()
        .map(|&(name, points, seed)| {
            let court = Court::new(name, points, seed);
            let verdict = court.verdict(&court.perfect());
            [
                !verdict.at_floor,
                verdict.too_regular,
                verdict.leans_on_training,
            ]
        })
        .collect();
    let count = |k: usize| alarms.iter().filter(|alarm| alarm[k]).count();
    assert!((12..=28).contains(&count(0)), "{} of 400", count(0));
    // What is said in passing is heard of one perfect cloud in a hundred: 4 in the mean.
    assert!(count(1) <= 12, "{} of 400 too regular", count(1));
    assert!(count(2) <= 12, "{} of 400 lean", count(2));
}

/// A ring with something wrong, made from a perfect sample of it.
fn spoilt(court: &Court, fault: &str) -> Cloud {
    let mut cloud = court.perfect();
    let n = cloud.nrows();
    let noise = family("gaussian").sample(n, Stream::new(court.seed, "noise"));
    let centre = |k: usize| {
        let angle = TAU * k as f64 / 8.0;
        [2.5 * angle.cos(), 2.5 * angle.sin()]
    };
    let mode = |cloud: &Cloud, i: usize| -> usize {
        let angle = cloud[[i, 1]].atan2(cloud[[i, 0]]).rem_euclid(TAU);
        (8.0 * angle / TAU).round() as usize % 8
    };
    match fault {
        "one in a hundred astray" | "three in a hundred astray" => {
            let strays = if fault.starts_with("one") {
                n / 100
            } else {
                3 * n / 100
            };
            let middle = 0.3 * &noise.slice(s![..strays, ..]);
            cloud.slice_mut(s![..strays, ..]).assign(&middle);
        }
        "modes too narrow" => {
            for i in 0..n {
                let at = centre(mode(&cloud, i));
                for axis in 0..2 {
                    cloud[[i, axis]] = at[axis] + 0.85 * (cloud[[i, axis]] - at[axis]);
                }
            }
        }
        "on bridges" => {
            for i in 0..n / 10 {
                let (a, b) = (centre(i % 8), centre((i + 1) % 8));
                let part = 0.1 + 0.8 * (i as f64 * 0.618_034).fract();
                for axis in 0..2 {
                    cloud[[i, axis]] =
                        a[axis] + part * (b[axis] - a[axis]) + 0.1 * noise[[i, axis]];
                }
            }
        }
        "a mode too heavy" => {
            // Two in twenty-five of the others' points are moved into the first mode.
            for i in (0..n).filter(|i| i % 12 == 0) {
                let (from, to) = (centre(mode(&cloud, i)), centre(0));
                for axis in 0..2 {
                    cloud[[i, axis]] += to[axis] - from[axis];
                }
            }
        }
        "a mode missing" => {
            for i in 0..n {
                if mode(&cloud, i) == 3 {
                    let (from, to) = (centre(3), centre(i % 3));
                    for axis in 0..2 {
                        cloud[[i, axis]] += to[axis] - from[axis];
                    }
                }
            }
        }
        "every point four times" => {
            let quarter = cloud.slice(s![..n / 4, ..]).to_owned();
            cloud = concatenate![Axis(0), quarter, quarter, quarter, quarter];
        }
        "copies" => cloud = court.training.slice(s![..n, ..]).to_owned(),
        "nearly copies" => {
            cloud = court.training.slice(s![..n, ..]).to_owned() + 0.01 * &noise;
        }
        other => panic!("{other}"),
    }
    cloud
}

#[test]
fn what_is_wrong_is_found() {
    let faults = [
        "one in a hundred astray",
        "three in a hundred astray",
        "modes too narrow",
        "on bridges",
        "a mode too heavy",
        "a mode missing",
        "every point four times",
        "copies",
        "nearly copies",
    ];
    let courts: Vec<Court> = (201..=205)
        .map(|seed| Court::new("ring", 500, seed))
        .collect();
    for fault in faults {
        for court in &courts {
            let verdict = court.verdict(&spoilt(court, fault));
            let said = &verdict.sentence;
            assert!(!verdict.at_floor, "{fault}, seed {}: {said}", court.seed);
            assert!(said.starts_with("NOT at the floor: "), "{said}");
            // Narrow modes lie nearer to the training sample too.
            assert!(
                verdict.leans_on_training || !fault.contains("copies"),
                "{said}"
            );
        }
    }
}

#[test]
fn a_lattice_and_few_points_are_told_as_such() {
    // One point in each of 20 × 20 equal cells of a uniform square: more even than chance.
    let court = Court::new("checkerboard", 400, 7);
    let board = family("checkerboard").sample(4000, Stream::new(8, "many"));
    let mut kept: Vec<usize> = Vec::new();
    for i in 0..board.nrows() {
        let far = kept.iter().all(|&k| {
            let d = &board.row(i) - &board.row(k);
            d.dot(&d).sqrt() > 0.135
        });
        if far && kept.len() < 400 {
            kept.push(i);
        }
    }
    assert_eq!(kept.len(), 400);
    let verdict = court.verdict(&board.select(Axis(0), &kept));
    assert!(verdict.too_regular, "{}", verdict.sentence);
    assert!(
        verdict
            .sentence
            .contains("more regular than independent points")
    );
    assert_eq!(verdict.power, "enough");

    let few = Court::new("ring", 20, 9);
    let verdict = few.verdict(&few.perfect());
    let weak = "20 points cannot show less than 14 % of the mass missing or astray";
    assert_eq!(verdict.power, weak);
    assert!(verdict.sentence.contains(weak), "{}", verdict.sentence);
}

/// The verdict of `measure` on two files.
fn judged(a: &Cloud, b: &Cloud) -> Verdict {
    let judge = Evaluator {
        only: Vec::new(),
        ..Evaluator::default()
    };
    judge
        .judge(a.view(), Null::Sample(b.view()))
        .unwrap()
        .verdict
}

#[test]
fn a_cloud_on_the_points_of_the_reference_is_called_a_copy() {
    let ring = family("ring");
    let reference = ring.sample(300, Stream::new(1, "reference"));
    let copy = reference.clone();
    let verdict = judged(&copy, &reference);
    assert!(verdict.sentence.contains("a copy?"), "{}", verdict.sentence);
    assert!(!verdict.at_floor);
    let near = &reference + 1e-4 * &family("gaussian").sample(300, Stream::new(2, "noise"));
    assert!(judged(&near, &reference).sentence.contains("a copy?"));
    // Two samples of whole numbers meet by chance.
    let whole = |seed| {
        let wide = 2.0 * &family("gaussian").sample(300, Stream::new(seed, "whole"));
        wide.mapv(f64::round)
    };
    let verdict = judged(&whole(3), &whole(4));
    assert!(verdict.at_floor, "{}", verdict.sentence);
}

fn written(folder: &Path, name: &str, points: &Cloud) {
    let rows = points
        .rows()
        .into_iter()
        .map(|row| format!("{},{}\n", row[0], row[1]));
    let text: String = std::iter::once("x,y\n".to_owned()).chain(rows).collect();
    std::fs::write(folder.join(name), text).unwrap();
}

fn experiment(folder: &Path, text: &str) -> Experiment {
    let document = Document::parse("own.toml", text).unwrap();
    Experiment::read(&document, &Folder(folder.into())).unwrap()
}

const OWN: &str =
    "[target.points]\nfile = 'own.csv'\n[cloud]\nparticles = 600\n[flow]\nsteps = 5\n";

#[test]
fn a_file_is_parted_before_anything_is_drawn_from_it() {
    let folder = tempfile::TempDir::new().unwrap();
    let points = family("ring").sample(1000, Stream::new(5, "own"));
    written(folder.path(), "own.csv", &points);
    let whole = experiment(folder.path(), OWN);
    let rows = |cloud: &Cloud| -> Vec<[u64; 2]> {
        let bits = cloud
            .rows()
            .into_iter()
            .map(|r| [r[0].to_bits(), r[1].to_bits()]);
        let mut all: Vec<[u64; 2]> = bits.collect();
        all.sort_unstable();
        all
    };
    let mut all: Vec<[u64; 2]> = [&whole.training, &whole.validation, &whole.reference]
        .into_iter()
        .flat_map(&rows)
        .collect();
    all.sort_unstable();
    assert_eq!(all, rows(&points), "every point once, and in one part");
    assert_eq!(whole.training.nrows(), 500);
    assert_eq!((whole.measured, whole.caveat.as_deref()), (250, None));
    assert!(
        whole
            .warnings
            .iter()
            .any(|w| w.contains("500 points to learn from"))
    );

    // The order of the rows decides nothing.
    let order: Vec<usize> = (0..1000).rev().collect();
    written(folder.path(), "own.csv", &points.select(Axis(0), &order));
    let turned = experiment(folder.path(), OWN);
    assert_eq!(whole.training, turned.training);
    assert_eq!(whole.reference, turned.reference);

    // With a file of its own to judge by, nothing of the other is held back.
    let fresh = family("ring").sample(400, Stream::new(6, "fresh"));
    written(folder.path(), "fresh.csv", &fresh);
    let text = OWN.replace("'own.csv'", "'own.csv'\nheld_out = 'fresh.csv'");
    let given = experiment(folder.path(), &text);
    assert_eq!(given.training.nrows(), 1000);
    let known = rows(&fresh);
    let parts = [&given.validation, &given.reference];
    assert!(parts.iter().all(|part| part.nrows() == 200));
    assert!(
        parts
            .iter()
            .all(|part| rows(part).iter().all(|at| known.contains(at)))
    );
}

#[test]
fn a_small_or_repeated_file_is_told_in_the_headline() {
    let folder = tempfile::TempDir::new().unwrap();
    let points = family("ring").sample(100, Stream::new(5, "own"));
    written(folder.path(), "own.csv", &points);
    let small = experiment(folder.path(), OWN);
    let caveat = small.caveat.clone().unwrap();
    assert!(
        caveat.contains("100 points, too few to hold any out"),
        "{caveat}"
    );
    // Nothing is repeated, so that nothing collapses the bandwidth, and no measure goes without a word.
    assert_eq!(small.training.nrows(), 100);
    assert!(
        small
            .warnings
            .iter()
            .any(|w| w.contains("memorisation is left out"))
    );

    written(
        folder.path(),
        "own.csv",
        &concatenate![Axis(0), points, points, points, points],
    );
    let repeated = experiment(folder.path(), OWN);
    let caveat = repeated.caveat.clone().unwrap();
    assert!(caveat.contains("points are repeated"), "{caveat}");
}

/// How a file is drawn from as a source says nothing of how perfect clouds of it lie.
#[test]
fn the_floor_of_a_file_is_of_draws_that_differ() {
    let folder = tempfile::TempDir::new().unwrap();
    let points = family("gaussian").sample(150, Stream::new(5, "own"));
    written(folder.path(), "own.csv", &points);
    let floors = |more: &str| {
        let text = OWN.replace("'own.csv'", &format!("'own.csv'\n{more}"));
        let [(_, floors), _] = experiment(folder.path(), &text).gauges().unwrap();
        floors
    };
    let plain = floors("");
    let energy = plain.get("energy_distance").unwrap();
    assert!(energy.sd > 0.1 * energy.mean, "{energy:?}");
    for more in ["in_order = true", "replace = false"] {
        assert_eq!(floors(more), plain, "{more}");
    }
}

/// A training sample is blamed where measures tell it from the target, and the cloud too.
#[test]
fn a_training_sample_that_nothing_judges_is_not_blamed() {
    let court = Court::new("ring", 300, 1);
    let bad = court.panel.measure(spoilt(&court, "on bridges").view());
    let tests = [&bad, &Measurement::default()].map(|values| court.floors.joint(values));
    assert!(!tests[0].passes() && tests[1].p.is_nan());
    for (values, training, blamed) in [
        (&bad, &tests[0], true),
        (&bad, &tests[1], false),
        (&Measurement::default(), &tests[0], false),
    ] {
        let known = Circumstances {
            references: 300,
            training: Some(training),
            ..Circumstances::default()
        };
        let said = Verdict::new(values, &court.floors, known).sentence;
        assert_eq!(said.contains("training sample itself"), blamed, "{said}");
    }
}

/// A cloud far from its target is not more regular than independent points, whatever is no number there.
#[test]
fn what_is_no_number_is_no_order() {
    let at = |place: f64| Cloud::from_elem((300, 2), place);
    let verdict = judged(&at(1.0), &at(1e8));
    assert!(
        !verdict.at_floor && !verdict.too_regular,
        "{}",
        verdict.sentence
    );
    assert!(
        !verdict.sentence.contains("more regular"),
        "{}",
        verdict.sentence
    );
}

/// A floor that is the same but for rounding has one z, in table and verdict.
#[test]
fn table_and_verdict_have_the_same_deviations() {
    let square =
        |from: f64| Cloud::from_shape_fn((600, 2), |(i, axis)| from + ((i >> axis) & 1) as f64);
    let judge = Evaluator::default();
    let judged = judge
        .judge(square(0.0).view(), Null::Sample(square(5.0).view()))
        .unwrap();
    let mut compared = 0;
    for standing in &judged.verdict.measures {
        let one = judged
            .judgements
            .iter()
            .find(|j| j.about.name == standing.name)
            .unwrap();
        let near = |z: f64| (one.z - z).abs() <= 1e-9 * z.abs();
        assert!(
            standing.z.map_or(!one.z.is_finite(), near),
            "{standing:?} {}",
            one.z
        );
        assert!(
            one.z.is_nan() || one.z.abs() < 1e10,
            "{standing:?} {}",
            one.z
        );
        compared += 1;
    }
    assert!(compared > 5);
}

/// A cloud that copies the training half of a file is found; a fresh sample of what the file is a sample of is not.
#[test]
fn a_copy_of_a_file_is_found_and_a_fresh_sample_passes() {
    let folder = tempfile::TempDir::new().unwrap();
    let ring = family("ring");
    let mut alarms = 0;
    for seed in 301..=310 {
        written(
            folder.path(),
            "own.csv",
            &ring.sample(1000, Stream::new(seed, "own")),
        );
        let experiment = experiment(folder.path(), OWN);
        let (panel, floors) = experiment.reference_gauge().unwrap();
        let known = Circumstances {
            references: experiment.reference.nrows(),
            ..Circumstances::default()
        };
        let verdict =
            |cloud: &Array2<f64>| Verdict::new(&panel.measure(cloud.view()), &floors, known);
        let copy = verdict(&experiment.training);
        assert!(
            copy.sentence.contains("copies the training sample"),
            "{}",
            copy.sentence
        );
        let fresh = verdict(&ring.sample(600, Stream::new(seed, "fresh")));
        alarms += usize::from(!fresh.at_floor);
        // And by `measure`, against what the file holds out.
        let judge = Evaluator {
            seed,
            draws: 39,
            ..Evaluator::default()
        };
        let target = Null::Target(&experiment.target);
        let cloud = ring.sample(300, Stream::new(seed, "measured"));
        alarms += usize::from(!judge.judge(cloud.view(), target).unwrap().verdict.at_floor);
    }
    // One in the mean of twenty.
    assert!(alarms <= 4, "{alarms} of 20 fresh samples are let down");
}

#[test]
fn measuring_with_the_seed_of_a_run_does_not_meet_its_reference() {
    let folder = tempfile::TempDir::new().unwrap();
    let text = "[target.ring]\n[cloud]\nparticles = 200\n";
    let experiment = experiment(folder.path(), text);
    let judge = Evaluator {
        seed: experiment.scenario.seed,
        draws: 39,
        ..Evaluator::default()
    };
    let target = Null::Target(&experiment.target);
    let judged = judge.judge(experiment.reference.view(), target).unwrap();
    assert!(judged.reference != experiment.reference);
    let energy = &judged.judgements[0];
    assert!(energy.reading.value > 0.0 && !energy.copies);
}

#[test]
fn the_order_of_the_rows_decides_nothing() {
    let ring = family("ring");
    let [a, b] = ["a", "b"].map(|name| ring.sample(150, Stream::new(3, name)));
    let turned = |cloud: &Cloud| {
        let order: Vec<usize> = (0..150).map(|i| (i * 7 + 3) % 150).collect();
        cloud.select(Axis(0), &order)
    };
    for points in [2000, 100] {
        let judge = Evaluator {
            points,
            draws: 39,
            ..Evaluator::default()
        };
        let judged = |a: &Cloud, b: &Cloud| judge.judge(a.view(), Null::Sample(b.view())).unwrap();
        let (one, other) = (judged(&a, &b), judged(&turned(&a), &turned(&b)));
        assert_eq!(one.verdict, other.verdict);
        for (x, y) in one.judgements.iter().zip(&other.judgements) {
            assert_eq!(
                x.reading.value.to_bits(),
                y.reading.value.to_bits(),
                "{}",
                x.about.name
            );
            assert_eq!(x.p.to_bits(), y.p.to_bits(), "{}", x.about.name);
        }
    }
}

/// Of the pinwheel no score is known, and no law in the plane is known as those on the line are.
#[test]
fn measures_that_were_asked_for_and_cannot_be_had_are_named() {
    let mut document = Document::parse("asked", "[target.pinwheel]\n").unwrap();
    document
        .set("metrics.also=['score_error', 'w2_law', 'coverage']")
        .unwrap();
    let experiment = Experiment::read(&document, &Embedded).unwrap();
    let said = experiment.warnings.join("\n");
    for name in ["score_error", "w2_law"] {
        assert!(said.contains(&format!("{name} is left out")), "{said}");
    }
    assert!(!said.contains("coverage"), "{said}");
}

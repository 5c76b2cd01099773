//! Measures of clouds, held to closed forms, to other libraries' values, and to what they claim to see.

mod shared;

use approx::assert_relative_eq;
use ndarray::{Array2, array, concatenate};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use ratioflow::cloud::{Cloud, CloudView};
use ratioflow::metric::{
    ALL, C2st, EnergyDistance, Evidence, ExactW2, Floor, Floors, Frechet, Ideal, KnnKl,
    Memorisation, Metric, MetricSet, MetricsSpec, Mmd2, ModeMeasure, SlicedW2, Taken, Transport,
    TransportError, median_distance,
};
use ratioflow::random::Stream;
use ratioflow::target::{Component, Target};

use shared::{KOLMOGOROV, assert_equal, kolmogorov};

/// Round Gaussians on the corners of a square.
#[derive(Debug)]
struct Square {
    components: Vec<Component>,
}

impl Square {
    fn new(weights: [f64; 4]) -> Self {
        let corners = [[-2.0, -2.0], [2.0, -2.0], [-2.0, 2.0], [2.0, 2.0]];
        let component = |k: usize| Component {
            weight: weights[k],
            mean: corners[k],
            covariance: [[0.09, 0.0], [0.0, 0.09]],
        };
        Self {
            components: (0..4).map(component).collect(),
        }
    }

    fn even() -> Self {
        Self::new([0.25; 4])
    }
}

impl Target for Square {
    fn sample(&self, count: usize, stream: Stream) -> Cloud {
        let mut rng = rng(stream);
        let mut cloud = Array2::zeros((count, 2));
        for mut row in cloud.rows_mut() {
            let mut left: f64 = rng.random();
            let chosen = self.components.iter().find(|c| {
                left -= c.weight;
                left < 0.0
            });
            let mean = chosen.unwrap_or(&self.components[3]).mean;
            for axis in 0..2 {
                row[axis] = mean[axis] + 0.3 * rng.sample::<f64, _>(StandardNormal);
            }
        }
        cloud
    }

    fn components(&self) -> Option<&[Component]> {
        Some(&self.components)
    }
}

fn rng(stream: Stream) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(stream.key())
}

fn stream(name: &str) -> Stream {
    Stream::new(11, name)
}

fn gaussian(count: usize, stream: Stream) -> Cloud {
    let mut rng = rng(stream);
    Array2::from_shape_fn((count, 2), |_| rng.sample(StandardNormal))
}

fn panel(
    reference: CloudView<'_>,
    training: Option<CloudView<'_>>,
    target: &dyn Target,
) -> MetricSet {
    let evidence = Evidence {
        reference,
        training,
        components: target.components(),
        target: None,
        dimension: 2,
    };
    MetricsSpec::default().build(evidence).unwrap()
}

/// The two deterministic clouds that the Python values below were computed on.
fn first(n: usize) -> Cloud {
    Array2::from_shape_fn((n, 2), |(i, axis)| {
        let i = i as f64;
        if axis == 0 {
            (1.3 * i).sin()
        } else {
            (0.7 * i * i).cos()
        }
    })
}

fn second(n: usize) -> Cloud {
    Array2::from_shape_fn((n, 2), |(i, axis)| {
        let i = i as f64;
        if axis == 0 {
            0.8 * (2.1 * i).cos() + 0.3
        } else {
            (0.9 * i * i).sin() - 0.2
        }
    })
}

/// Computed with numpy 2.4.6, scipy 1.17.1, scikit-learn 1.9.1 and POT 0.9.7 on the clouds x = `first(n)`, y = `second(m)`:
/// energy distance from means of `cdist`; median of `pdist(y)`; MMD² from `exp(−cdist²/2s²)` with the diagonals taken off;
/// sliced W2 with `ot.sliced_wasserstein_distance` on the 64 directions π j/64; KL from `cKDTree` distances;
/// C2ST from `NearestNeighbors(algorithm="brute")`, own point removed, votes divided by class sizes;
/// memorisation from `cKDTree` with the training sample `first(500)[200:] + 0.05`.
#[test]
fn values_agree_with_other_libraries() {
    let (x, y) = (first(200), second(200));
    let (u, v) = (first(150), second(230));
    let training = first(500)
        .slice_axis(ndarray::Axis(0), (200..).into())
        .to_owned()
        + 0.05;

    let energy = |a: &Cloud, b: &Cloud| EnergyDistance::new(b.view()).measure(a.view());
    assert_equal("energy distance", energy(&x, &y), 0.127_896_251_057_766_59);
    assert_equal("energy distance", energy(&u, &v), 0.114_715_050_132_709);

    assert_equal("median", median_distance(y.view()), 1.189_410_577_756_840_7);
    let mmd2 =
        |a: &Cloud, b: &Cloud| Mmd2::new(b.view(), median_distance(b.view())).measure(a.view());
    assert_equal("MMD²", mmd2(&x, &y), 0.042_744_437_905_144_48);
    assert_equal("MMD²", mmd2(&u, &v), 0.037_885_956_139_790_4);

    let sliced = |a: &Cloud, b: &Cloud| SlicedW2::new(b.view(), 64).measure(a.view());
    assert_equal("sliced W2", sliced(&x, &y), 0.316_491_835_471_939_2);
    assert_equal("sliced W2", sliced(&u, &v), 0.299_275_831_692_412_56);

    let knn_kl = |a: &Cloud, b: &Cloud, k| KnnKl::new(b.view(), k).measure(a.view());
    assert_equal("kNN-KL, k = 1", knn_kl(&x, &y, 1), 2.137_538_770_066_607);
    assert_equal("kNN-KL, k = 5", knn_kl(&x, &y, 5), 0.668_587_172_158_736_6);
    assert_equal("kNN-KL, k = 1", knn_kl(&u, &v, 1), 1.714_375_845_139_591_4);
    assert_equal("kNN-KL, k = 5", knn_kl(&u, &v, 5), 0.667_867_970_610_258);

    let c2st = |a: &Cloud, b: &Cloud| C2st::new(b.view()).measure(a.view());
    assert_equal("C2ST", c2st(&x, &y), 0.7125);
    assert_equal("C2ST", c2st(&u, &v), 0.706_376_811_594_202_8);

    let memorisation = |a: &Cloud, b: &Cloud| {
        Memorisation::new(b.view(), training.view())
            .unwrap()
            .measure(a.view())
    };
    assert_equal(
        "memorisation",
        memorisation(&x, &y),
        0.772_892_695_855_930_8,
    );
    assert_equal(
        "memorisation",
        memorisation(&u, &v),
        0.784_161_222_517_627_3,
    );
}

/// Computed with numpy from explicit inverses and determinants: Mahalanobis lengths by `einsum`, responsibility
/// `log w − ½ log det Σ − ½ m²`, on `first(200)`; points within 3 σ per mode: 49, 38, 0.
#[test]
fn mode_measures_agree_with_numpy() {
    let component = |weight, mean, covariance| Component {
        weight,
        mean,
        covariance,
    };
    let components = [
        component(0.5, [-0.6, -0.5], [[0.09, 0.03], [0.03, 0.04]]),
        component(0.3, [0.7, 0.6], [[0.02, -0.01], [-0.01, 0.05]]),
        component(0.2, [2.0, 2.0], [[0.01, 0.0], [0.0, 0.01]]),
    ];
    let cloud = first(200);
    let value = |measure: ModeMeasure| measure.measure(cloud.view());
    assert_equal(
        "high quality",
        value(ModeMeasure::high_quality(&components)),
        0.435,
    );
    assert_equal("bridges", value(ModeMeasure::bridges(&components)), 0.44);
    assert_equal("mass TV", value(ModeMeasure::mass_tv(&components)), 0.2);
    assert_equal("modes", value(ModeMeasure::captured(&components)), 2.0);
}

/// Points at known Mahalanobis distances from the middles, one of them too far to count; and `E[d² | d ≤ 3]` by its integral.
#[test]
fn the_width_of_modes_is_that_of_the_points_within_three_sigma() {
    let at = |mean, sd: f64| Component {
        weight: 0.5,
        mean,
        covariance: [[sd * sd, 0.0], [0.0, sd * sd]],
    };
    let components = [at([0.0, 0.0], 0.5), at([10.0, 0.0], 2.0)];
    let cloud = array![[0.5, 0.0], [0.0, -1.0], [10.0, 4.0], [10.0, 6.5]];
    let squared = (1.0 + 4.0 + 4.0) / 3.0;
    let width = ModeMeasure::width(&components).measure(cloud.view());
    let cut: f64 = 2.0 - 9.0 * (-4.5_f64).exp() / (1.0 - (-4.5_f64).exp());
    assert_equal("width", width, (squared / cut).sqrt());
    assert!(
        ModeMeasure::width(&components)
            .measure(array![[50.0, 0.0]].view())
            .is_nan()
    );
    let round = gaussian(20_000, stream("round"));
    let one = [at([0.0, 0.0], 1.0)];
    for scale in [1.0, 0.85] {
        let width = ModeMeasure::width(&one).measure((scale * &round).view());
        // Cut at 3 σ a Gaussian of 0.85 σ loses less of its tail.
        let expected = if scale == 1.0 { 1.0 } else { 0.8669 };
        assert!((width - expected).abs() < 0.01, "{width} for {expected}");
    }
}

#[test]
fn point_masses_and_shifts_have_their_closed_forms() {
    let (a, b) = (
        Array2::from_elem((3, 2), 1.0),
        array![[4.0, 5.0], [4.0, 5.0]],
    );
    // Two point masses 5 apart: energy distance 2·5, no spread of their own.
    assert_eq!(EnergyDistance::new(b.view()).measure(a.view()), 10.0);
    // 1 + 1 − 2 exp(−25/2s²)
    let mmd2 = Mmd2::new(b.view(), 2.0).measure(a.view());
    assert!((mmd2 - (2.0 - 2.0 * (-25.0_f64 / 8.0).exp())).abs() < 1e-14);

    // A shift by v has W2 = |⟨θ, v⟩| in direction θ, and the mean of ⟨θ, v⟩² over equal angles is |v|²/2.
    let cloud = gaussian(500, stream("shift"));
    let shifted = &cloud + &array![3.0, -4.0];
    let sliced = SlicedW2::new(cloud.view(), 7).measure(shifted.view());
    assert!((sliced - 5.0 / 2.0_f64.sqrt()).abs() < 1e-12);

    assert!(
        EnergyDistance::new(cloud.view())
            .measure(cloud.view())
            .abs()
            < 1e-13
    );
    assert_eq!(SlicedW2::new(cloud.view(), 64).measure(cloud.view()), 0.0);
}

/// KL(N(0, ¼I) ‖ N(0, I)) = ½(2·¼ − 2 − log 1/16) = 0.6363, estimated from 4000 points each.
#[test]
fn knn_kl_comes_near_the_closed_form() {
    let narrow = gaussian(4000, stream("narrow")) * 0.5;
    let wide = gaussian(4000, stream("wide"));
    let kl = KnnKl::new(wide.view(), KnnKl::K).measure(narrow.view());
    assert!((kl - 0.6363).abs() < 0.05, "{kl}");
}

/// A jittered lattice is a sample of the uniform square more regular than chance: the estimate must say so, and not be clamped.
#[test]
fn points_more_regular_than_chance_have_negative_divergence() {
    let mut rng = rng(stream("lattice"));
    let lattice = Array2::from_shape_fn((900, 2), |(i, axis)| {
        let cell = if axis == 0 { i % 30 } else { i / 30 };
        (cell as f64 + 0.5 + 0.2 * (rng.random::<f64>() - 0.5)) / 30.0
    });
    let uniform = Array2::from_shape_fn((900, 2), |_| rng.random::<f64>());
    let kl = KnnKl::new(uniform.view(), KnnKl::K).measure(lattice.view());
    assert!(kl < -0.05, "{kl}");
}

#[test]
fn p_values_are_uniform_under_the_null_and_small_under_a_shift() {
    let draws = 500;
    let mut null = Vec::new();
    let mut shifted = Vec::new();
    for draw in 0..draws {
        let reference = gaussian(40, stream("reference").at(draw));
        let cloud = gaussian(30, stream("cloud").at(draw));
        let energy = EnergyDistance::new(reference.view());
        let labels = stream("labels").at(draw);
        null.push(energy.p_value(cloud.view(), 99, labels));
        let moved = &cloud + &array![1.0, 0.0];
        shifted.push(energy.p_value(moved.view(), 99, labels));
    }
    let [low, high] = kolmogorov(&null, 100);
    assert!(high.max(-low) < KOLMOGOROV, "{low} {high}");
    let found = shifted.iter().filter(|&&p| p <= 0.05).count();
    assert!(
        found as f64 > 0.9 * draws as f64,
        "a shift by 1 was seen in {found} of {draws} draws"
    );
}

/// Every point has its twin as nearest neighbour, and the other 14 in pairs: 8 votes against 7 for the wrong side.
#[test]
fn equal_clouds_have_p_value_one_and_fool_the_classifier() {
    let cloud = gaussian(50, stream("equal"));
    assert_eq!(C2st::new(cloud.view()).measure(cloud.view()), 0.0);
    let p = EnergyDistance::new(cloud.view()).p_value(cloud.view(), 19, stream("labels"));
    assert_eq!(p, 1.0);
}

/// What findings say each kind of measure sees, at 1000 points, against floors.
#[test]
fn each_measure_sees_what_it_says() {
    let target = Square::even();
    let count = 1000;
    let sample = |name: &str| target.sample(count, stream(name));
    let (reference, training) = (sample("reference"), sample("training"));
    let panel = panel(reference.view(), Some(training.view()), &target);
    let floors = Floors::estimate(&panel, &target, count, 32, stream("floor"));
    let seen_by = |cloud: &Cloud| -> Vec<&'static str> {
        let measured = panel.measure(cloud.view());
        let unheld = measured
            .iter()
            .filter(|&(name, value)| floors.holds(name, value) == Some(false));
        unheld.map(|(name, _)| name).collect()
    };

    // A tenth of the mass moves from two modes to the others.
    let unequal = Square::new([0.30, 0.20, 0.30, 0.20]).sample(count, stream("unequal"));
    let seen = seen_by(&unequal);
    assert!(
        ["energy_distance", "mmd2", "sliced_w2", "mass_tv"]
            .iter()
            .all(|n| seen.contains(n)),
        "{seen:?}"
    );
    assert!(
        ["knn_kl", "bridges", "stranded"]
            .iter()
            .all(|n| !seen.contains(n)),
        "{seen:?}"
    );

    // Every point of the second half is a near copy of one of the first.
    let mut copied = sample("copied");
    for i in count / 2..count {
        let original = copied.row(i - count / 2).to_owned();
        copied.row_mut(i).assign(&(original + 1e-4));
    }
    let seen = seen_by(&copied);
    assert!(seen.contains(&"knn_kl"), "{seen:?}");

    // Three points in a hundred on the way between modes.
    let mut bridged = sample("bridged");
    for i in 0..30 {
        bridged
            .row_mut(i)
            .assign(&array![-2.0, -0.5 + i as f64 / 30.0]);
    }
    let seen = seen_by(&bridged);
    assert!(
        ["bridges", "high_quality", "stranded"]
            .iter()
            .all(|n| seen.contains(n)),
        "{seen:?}"
    );
    assert!(
        !seen.contains(&"energy_distance") && !seen.contains(&"sliced_w2"),
        "{seen:?}"
    );

    // Modes a fifth too narrow: too much high quality is an error as well.
    let mut narrow = sample("narrow");
    for mut row in narrow.rows_mut() {
        row.mapv_inplace(|v| 2.0 * v.signum() + 0.8 * (v - 2.0 * v.signum()));
    }
    let seen = seen_by(&narrow);
    assert!(
        seen.contains(&"high_quality") && seen.contains(&"mode_width"),
        "{seen:?}"
    );

    // The training sample itself passes everything but this.
    let seen = seen_by(&training);
    assert!(
        seen.contains(&"memorisation") && !seen.contains(&"energy_distance"),
        "{seen:?}"
    );

    // One mode lost altogether.
    let lost = Square::new([0.34, 0.33, 0.33, 0.0]).sample(count, stream("lost"));
    assert_eq!(panel.measure(lost.view()).get("modes"), Some(3.0));
    assert!(seen_by(&lost).contains(&"modes"));
}

/// Over many references, draws and floors, an independent sample stays at its floor 19 times in 20.
#[test]
fn independent_samples_lie_at_the_floor_nineteen_times_in_twenty() {
    let target = Square::even();
    let count = 100;
    let names = ["energy_distance", "mmd2", "sliced_w2", "knn_kl"];
    let (mut held, mut asked) = ([0; 4], 0);
    for round in 0..20 {
        let reference = target.sample(count, stream("reference").at(round));
        let panel = panel(reference.view(), None, &target);
        let floors = Floors::estimate(
            &panel,
            &target,
            count,
            40,
            stream("floor").part(&round.to_string()),
        );
        for draw in 0..30 {
            let cloud = target.sample(count, stream("cloud").at(1000 * round + draw));
            let measured = panel.measure(cloud.view());
            asked += 1;
            for (held, name) in held.iter_mut().zip(names) {
                *held += usize::from(floors.holds(name, measured.get(name).unwrap()).unwrap());
            }
        }
    }
    for (held, name) in held.iter().zip(names) {
        let share = f64::from(*held as u32) / f64::from(asked);
        assert!(
            (0.925..0.975).contains(&share),
            "{name}: {share} of independent samples are at the floor"
        );
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let target = Square::even();
    let (cloud, reference, training) = (
        target.sample(700, stream("cloud")),
        target.sample(900, stream("reference")),
        target.sample(800, stream("training")),
    );
    let with_threads = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let panel = panel(reference.view(), Some(training.view()), &target);
            let floors = Floors::estimate(&panel, &target, 300, 8, stream("floor"));
            let measured = panel.measure_with_p(cloud.view(), stream("labels"));
            let bits: Vec<u64> = measured.iter().map(|(_, v)| v.to_bits()).collect();
            (bits, floors)
        })
    };
    let one = with_threads(1);
    // All but those that are asked for by name, and the one that needs the target's density.
    let asked = ALL.iter().filter(|about| about.taken == Taken::Asked);
    assert_eq!(one.0.len(), ALL.len() - asked.count() - 1);
    assert_eq!(one, with_threads(3));
}

/// Two thousand copies of one point, in the cloud, in the reference, in both.
#[test]
fn collapsed_clouds_are_measured_like_any_other() {
    let target = Square::even();
    let reference = target.sample(2000, stream("reference"));
    let point = Array2::from_shape_fn((2000, 2), |(_, axis)| 0.25 + axis as f64);
    let measured = panel(reference.view(), Some(reference.view()), &target).measure(point.view());
    // A mode that has no point has no width.
    let defined = |&(name, _): &(&str, f64)| name != "mode_width";
    assert!(
        measured
            .iter()
            .filter(defined)
            .all(|(_, value)| value.is_finite()),
        "{measured:?}"
    );
    assert_eq!(measured.get("c2st"), Some(1.0));
    assert_eq!(measured.get("bridges"), Some(1.0));
    assert!(measured.get("knn_kl").unwrap() > 20.0);

    let on_itself = panel(point.view(), Some(point.view()), &target).measure(point.view());
    assert_eq!(on_itself.get("energy_distance"), Some(0.0));
    assert!(on_itself.get("knn_kl").unwrap().abs() < 1e-2);
    // The target is one point, so nothing can be said about copying.
    assert_eq!(on_itself.get("memorisation"), None);

    let pooled = concatenate![ndarray::Axis(0), point, reference];
    assert!(
        panel(reference.view(), None, &target)
            .measure(pooled.view())
            .iter()
            .all(|(_, v)| v.is_finite())
    );
}

/// A cloud that blew up is refused nowhere, so that a run that diverged can still be written down.
#[test]
fn clouds_that_are_not_finite_have_values_and_no_panic() {
    let target = Square::even();
    let reference = target.sample(100, stream("reference"));
    let panel = panel(reference.view(), Some(reference.view()), &target);
    for wild in [f64::NAN, f64::INFINITY, 1e200] {
        let mut cloud = target.sample(100, stream("cloud"));
        cloud[[3, 0]] = wild;
        let one = panel.measure_with_p(cloud.view(), stream("labels"));
        let distance = one.get("energy_distance").unwrap();
        assert!(distance.is_nan() || distance > 1e100);
        cloud.fill(wild);
        let all = panel.measure_with_p(cloud.view(), stream("labels"));
        assert_eq!(all.get("modes"), Some(0.0));
    }
    // Too few points for anything local.
    let single = panel.measure(reference.slice_axis(ndarray::Axis(0), (..1).into()));
    assert!(single.get("knn_kl").unwrap().is_nan() && single.get("c2st").unwrap().is_nan());
}

#[test]
fn the_panel_measures_what_applies_in_the_order_of_the_list() {
    let names = |panel: &MetricSet| panel.about().map(|about| about.name).collect::<Vec<_>>();
    let target = Square::even();
    let cloud = target.sample(60, stream("cloud"));
    let full = panel(cloud.view(), Some(second(50).view()), &target);
    // Some are taken only if they are asked for, the p-value only with the last cloud, and the divergence `kl` where a density is known.
    let mut expected: Vec<&str> = ALL.iter().map(|about| about.name).collect();
    expected.retain(|name| *name != "kl" && MetricsSpec::default().wants(name));
    let measured = full.measure_with_p(second(60).view(), stream("labels"));
    assert!(
        measured
            .iter()
            .map(|(name, _)| name)
            .eq(expected.iter().copied())
    );
    expected.retain(|name| *name != "energy_p");
    assert_eq!(names(&full), expected);

    let single = MetricsSpec::default().build(Evidence {
        reference: cloud.view(),
        training: None,
        components: Some(&target.components[..1]),
        target: None,
        dimension: 2,
    });
    let expected = [
        "energy_distance",
        "mmd2",
        "sliced_w2",
        "knn_kl",
        "c2st",
        "stranded",
        "high_quality",
        "mode_width",
    ];
    assert_eq!(names(&single.unwrap()), expected);
}

#[test]
fn arrival_is_told_of_a_cloud_that_comes_home() {
    let target = Square::even();
    let reference = target.sample(300, stream("reference"));
    let panel = panel(reference.view(), None, &target);
    let floors = Floors::estimate(&panel, &target, 300, 32, stream("floor"));
    let (_, mut arrival) = floors
        .arrivals()
        .find(|(name, _)| *name == "energy_distance")
        .unwrap();
    // The same points all along, so that what the curve does is the shift alone.
    let cloud = target.sample(300, stream("cloud"));
    for step in 0..10 {
        let away = f64::from((5 - step).max(0));
        let at = &cloud + &array![away, 0.0];
        let value = panel.measure(at.view()).get("energy_distance").unwrap();
        arrival.check(10 * step as u64, value);
    }
    assert_eq!(arrival.step(), Some(50));
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let key = |spec: MetricsSpec| spec.check().unwrap_err().key;
    let good = MetricsSpec::default();
    assert!(good.check().is_ok());
    assert_eq!(
        key(MetricsSpec {
            every: 0,
            ..good.clone()
        }),
        "every"
    );
    assert_eq!(
        key(MetricsSpec {
            reference: Some(1),
            ..good.clone()
        }),
        "reference"
    );
    assert_eq!(
        key(MetricsSpec {
            permutations: 3,
            ..good.clone()
        }),
        "permutations"
    );
    assert_eq!(
        key(MetricsSpec {
            floor_draws: Some(0),
            ..good.clone()
        }),
        "floor_draws"
    );
    let nan = MetricsSpec {
        mmd_bandwidth: Some(f64::NAN),
        ..good.clone()
    };
    assert_eq!(key(nan), "mmd_bandwidth");

    let mut reference = second(20);
    reference[[7, 1]] = f64::INFINITY;
    let evidence = Evidence {
        reference: reference.view(),
        training: None,
        components: None,
        target: None,
        dimension: 2,
    };
    assert_eq!(good.build(evidence).unwrap_err().key, "reference[7]");

    let written = toml::to_string(&good).unwrap();
    assert_eq!(toml::from_str::<MetricsSpec>(&written).unwrap(), good);
    assert!(
        toml::from_str::<MetricsSpec>("evry = 5")
            .unwrap_err()
            .to_string()
            .contains("evry")
    );
}

#[test]
fn every_measure_says_what_it_is() {
    for about in ALL {
        assert!(
            about.measures.len() > 20 && about.sees.len() > 20,
            "{}",
            about.name
        );
    }
    let high = ALL
        .iter()
        .filter(|about| about.ideal == Ideal::High)
        .map(|about| about.name);
    assert!(high.eq(["energy_p", "coverage", "memorisation", "modes"]));
}

/// Solves, and holds the solution to all that makes it one: a matching, feasible potentials, and no gap between.
fn certified(cloud: &Cloud, reference: &Cloud, similar: Option<&Transport>) -> Transport {
    let exact = ExactW2::new(reference.view()).unwrap();
    let transport = exact.solve(cloud.view(), similar).unwrap();
    let n = cloud.nrows();
    let mut taken = transport.partner.clone();
    taken.sort_unstable();
    assert!(taken.into_iter().eq(0..n));

    let [u, v] = &transport.potentials;
    let scale = transport.value.powi(2).max(1e-300);
    assert!(
        (0.0..=1e-12 * (scale + 1.0)).contains(&transport.gap),
        "gap {}",
        transport.gap
    );
    let dual = (u.iter().sum::<f64>() + v.iter().sum::<f64>()) / n as f64;
    assert!((dual - (scale - transport.gap)).abs() < 1e-11 * (scale + 1.0));
    for i in (0..n).step_by(7) {
        for (y, v) in reference.rows().into_iter().zip(v) {
            let d = &cloud.row(i) - &y;
            assert!(u[i] + v <= d.dot(&d) + 1e-10 * (scale + 1.0));
        }
    }
    transport
}

/// Computed with scipy 1.17.1, `linear_sum_assignment(cdist(x, y, "sqeuclidean"))`, and for the first three also with
/// POT 0.9.7, `emd2`.
#[test]
#[allow(clippy::too_many_lines, reason = "most of them are clouds and values")]
fn exact_w2_agrees_with_other_solvers() {
    let every = |cloud: &Cloud, period: usize| {
        let rows: Vec<usize> = (0..cloud.nrows()).map(|i| i % period).collect();
        cloud.select(ndarray::Axis(0), &rows)
    };
    let line = |cloud: &Cloud| {
        Array2::from_shape_fn(cloud.raw_dim(), |(i, axis)| {
            cloud[[i, 0]] * (1.0 + axis as f64)
        })
    };
    let lattice = Array2::from_shape_fn((400, 2), |(i, axis)| {
        if axis == 0 {
            (i / 20) as f64
        } else {
            (i % 20) as f64
        }
    });
    let (a, b) = (first(300), second(300));
    let cases = [
        ("10 points", first(10), second(10), 0.719_035_689_218_982_1),
        (
            "200 points",
            first(200),
            second(200),
            0.471_284_933_072_311_9,
        ),
        (
            "1000 points",
            first(1000),
            second(1000),
            0.408_189_132_885_308_4,
        ),
        (
            "2000 points",
            first(2000),
            second(2000),
            0.385_485_021_285_217_6,
        ),
        (
            "2000 points in 7 places against 11",
            every(&first(2000), 7),
            every(&second(2000), 11),
            0.673_392_037_967_813_2,
        ),
        (
            "2000 points in 40 places",
            every(&first(2000), 40),
            second(2000),
            0.571_961_035_872_451_3,
        ),
        (
            "line to line, 2000 points",
            line(&first(2000)),
            line(&second(2000)),
            0.743_068_678_121_879,
        ),
        (
            "duplicates in the cloud",
            every(&a, 7),
            b.clone(),
            0.863_948_179_674_511_8,
        ),
        (
            "duplicates in the reference",
            a.clone(),
            every(&b, 11),
            0.555_372_469_803_644_4,
        ),
        (
            "duplicates in both",
            every(&a, 7),
            every(&b, 11),
            0.673_707_712_347_954_7,
        ),
        ("line to line", line(&a), line(&b), 0.757_726_033_236_554_5),
        (
            "line to plane",
            line(&a),
            b.clone(),
            1.163_030_601_668_454_2,
        ),
        (
            "lattice",
            lattice.clone(),
            (10.0 * second(400)).mapv(f64::floor),
            14.524_117_873_385_633,
        ),
        (
            "small and far",
            1e-3 * &a + 100.0,
            &b - 50.0,
            212.080_671_857_832_78,
        ),
        (
            "clusters",
            (2.0 * &a).mapv(f64::round_ties_even) * 3.0 + 0.1 * &b,
            (2.0 * &b).mapv(f64::round_ties_even) * 3.0 + 0.1 * &a,
            3.097_962_920_473_551_5,
        ),
    ];
    for (what, cloud, reference, expected) in cases {
        assert_equal(what, certified(&cloud, &reference, None).value, expected);
        // From the solution of a problem nearby, and of one that has nothing to do with it.
        let nearby = certified(&(&cloud * 1.02 + 0.01), &reference, None);
        assert_equal(
            what,
            certified(&cloud, &reference, Some(&nearby)).value,
            expected,
        );
        let elsewhere = certified(&first(cloud.nrows()), &reference, None);
        assert_equal(
            what,
            certified(&cloud, &reference, Some(&elsewhere)).value,
            expected,
        );
    }
}

/// Of points moved by a linear map that stretches along the axes the map itself is the cheapest coupling, so that W2 is the Fréchet distance; of any
/// other clouds it is more.
#[test]
fn the_frechet_distance_is_w2_of_stretched_clouds_and_below_it_of_others() {
    let (here, there) = (first(300), second(300));
    let stretched = array![[2.0, 0.0], [0.0, 0.5]];
    let moved = here.dot(&stretched) + &array![[3.0, -1.0]];
    let frechet = Frechet::new(here.view());
    let exact = ExactW2::new(here.view()).unwrap();
    let w2 = |cloud: &Cloud| exact.solve(cloud.view(), None).unwrap().value;
    assert_relative_eq!(
        frechet.measure(moved.view()),
        w2(&moved),
        max_relative = 1e-9
    );
    assert!(frechet.measure(there.view()) < w2(&there));
    assert!(frechet.measure(here.view()) < 1e-7);
    // Points on a line have a covariance without an inverse.
    let line = Array2::from_shape_fn((50, 2), |(i, axis)| i as f64 * (1.0 + axis as f64));
    let double = &line * 2.0;
    let expected = ExactW2::new(line.view())
        .unwrap()
        .solve(double.view(), None)
        .unwrap();
    let found = Frechet::new(line.view()).measure(double.view());
    assert_relative_eq!(found, expected.value, max_relative = 1e-9);
}

#[test]
fn exact_w2_has_its_closed_forms() {
    let cloud = gaussian(500, stream("w2"));
    let shifted = &cloud + &array![3.0, -4.0];
    assert_equal("shift", certified(&shifted, &cloud, None).value, 5.0);
    assert_eq!(certified(&cloud, &cloud, None).value, 0.0);

    // A scaled cloud is matched point by point: the map 3x is the gradient of a convex function.
    let scaled = &cloud * 3.0;
    let expected = 2.0 * (cloud.iter().map(|v| v * v).sum::<f64>() / 500.0).sqrt();
    let transport = certified(&scaled, &cloud, None);
    assert_equal("scaling", transport.value, expected);
    assert!(transport.partner.into_iter().eq(0..500));

    // All mass in one point, on either side and on both: every matching is optimal.
    let point = Array2::from_elem((500, 2), 0.1);
    let offset = &cloud - &point;
    let expected = (offset.iter().map(|v| v * v).sum::<f64>() / 500.0).sqrt();
    assert_equal(
        "from a point",
        certified(&point, &cloud, None).value,
        expected,
    );
    assert_equal(
        "to a point",
        certified(&cloud, &point, None).value,
        expected,
    );
    assert_eq!(certified(&point, &point, None).value, 0.0);
    let one = array![[1.0, 1.0]];
    assert_equal(
        "one point",
        certified(&one, &array![[4.0, 5.0]], None).value,
        5.0,
    );
}

/// The first guess takes points four at a time: whatever is left over, and one point far out, must find its partner too.
#[test]
fn exact_w2_matches_any_number_of_points() {
    for n in 1..40 {
        let (mut cloud, reference) = (first(n), second(n));
        certified(&cloud, &reference, None);
        cloud[[n / 2, 0]] = 1e4;
        certified(&cloud, &reference, None);
        certified(&reference, &cloud, None);
    }
}

#[test]
fn a_warm_start_changes_no_bit_of_the_distance() {
    let target = Square::even();
    let reference = target.sample(600, stream("reference"));
    let mut cloud = gaussian(600, stream("cloud"));
    let goal = target.sample(600, stream("goal"));
    let mut last = None;
    for _ in 0..6 {
        let warm = certified(&cloud, &reference, last.as_ref());
        assert_eq!(warm.value, certified(&cloud, &reference, None).value);
        last = Some(warm);
        cloud = &cloud + &((&goal - &cloud) * 0.3);
    }
}

#[test]
fn exact_w2_refuses_what_it_cannot_match() {
    let exact = ExactW2::new(second(20).view()).unwrap();
    let sizes = exact.solve(first(30).view(), None).unwrap_err();
    assert_eq!(
        sizes,
        TransportError::Sizes {
            cloud: 30,
            reference: 20
        }
    );
    assert!(sizes.to_string().contains("draw 20 from each"));
    assert!(exact.measure(first(30).view()).is_nan());
    assert_eq!(
        ExactW2::new(Array2::zeros((0, 2)).view()).unwrap_err(),
        TransportError::Empty
    );
    for wild in [f64::NAN, f64::INFINITY, -1e200] {
        let mut cloud = first(20);
        cloud[[4, 1]] = wild;
        let refused = exact.solve(cloud.view(), None).unwrap_err();
        assert!(matches!(
            refused,
            TransportError::NotFinite { point: 4, .. }
        ));
    }
}

#[test]
fn quantiles_are_order_statistics() {
    let floor = Floor::new((1..=19).map(f64::from)).unwrap();
    assert_eq!(floor.quantile(0.5), 10.0);
    assert_eq!((floor.q90, floor.q95), (18.0, 19.0));
    assert_eq!((floor.quantile(0.0), floor.quantile(1.0)), (1.0, 19.0));
    assert!((floor.quantile(0.525) - 10.5).abs() < 1e-12);
    assert!((floor.sd - (570.0_f64 / 18.0).sqrt()).abs() < 1e-12);
}

#[test]
fn the_side_that_matters_depends_on_the_ideal() {
    let floor = Floor::new((1..=99).map(f64::from)).unwrap();
    assert!(floor.holds(-5.0, Ideal::Low) && !floor.holds(96.0, Ideal::Low));
    assert!(floor.holds(500.0, Ideal::High) && !floor.holds(4.0, Ideal::High));
    assert!(!floor.holds(2.0, Ideal::Between) && !floor.holds(98.0, Ideal::Between));
    assert!(floor.holds(4.0, Ideal::Between));
    assert!(!floor.holds(f64::NAN, Ideal::Low));
}

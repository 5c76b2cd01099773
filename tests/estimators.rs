//! What holds for every estimator in the catalogue, and how good the kernel estimators are.

mod three_rings;

use approx::assert_relative_eq;
use ndarray::{Array1, Array2, ArrayView1, Axis};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use ratioflow::cloud::{Cloud, rms, spread};
use ratioflow::discriminator::kde::{Kde, KdeSpec};
use ratioflow::discriminator::kliep::KliepSpec;
use ratioflow::discriminator::{
    Discriminator, DiscriminatorSpec, FitContext, Kind, Radial, Ratio, StepRule,
};
use ratioflow::experiment::Experiment;
use ratioflow::random::Stream;
use ratioflow::scenario::{Document, Embedded};
use ratioflow::setting::WordOr;
use ratioflow::target::{GaussianSpec, RingSpec, Target};

/// A rotation followed by a shift.
#[derive(Clone, Copy)]
struct Motion {
    angle: f64,
    shift: [f64; 2],
}

const STILL: Motion = Motion {
    angle: 0.0,
    shift: [0.0; 2],
};

impl Motion {
    fn turn(self) -> Array2<f64> {
        // Exact zeros at right angles.
        let [s, c] = if self.angle == 90.0 {
            [1.0, 0.0]
        } else {
            let (s, c) = self.angle.to_radians().sin_cos();
            [s, c]
        };
        ndarray::array![[c, s], [-s, c]]
    }

    fn apply(self, points: &Cloud) -> Cloud {
        points.dot(&self.turn()) + ndarray::aview1(&self.shift)
    }
}

/// What the estimators are shown: a Gaussian target, and a cloud that overlaps it.
struct Data {
    real: Cloud,
    fake: Cloud,
    motion: Motion,
}

const MEAN: [f64; 2] = [0.6, -0.2];
const COVARIANCE: [[f64; 2]; 2] = [[0.5, 0.1], [0.1, 0.3]];

fn data() -> Data {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut normal =
        |count: usize| Array2::from_shape_fn((count, 2), |_| rng.sample::<f64, _>(StandardNormal));
    // The factor of the covariance, transposed.
    let (a, b) = (0.5_f64.sqrt(), 0.1 / 0.5_f64.sqrt());
    let factor = ndarray::array![[a, b], [0.0, (0.3 - b * b).sqrt()]];
    Data {
        real: normal(300).dot(&factor) + ndarray::aview1(&MEAN),
        fake: 0.9 * normal(240),
        motion: STILL,
    }
}

impl Data {
    fn moved(&self, motion: Motion) -> Self {
        Self {
            real: motion.apply(&self.real),
            fake: motion.apply(&self.fake),
            motion,
        }
    }

    fn target(&self) -> Box<dyn Target> {
        let turn = self.motion.turn();
        let covariance = turn.t().dot(&ndarray::arr2(&COVARIANCE)).dot(&turn);
        let mean = self.motion.apply(&ndarray::arr2(&[MEAN]));
        let spec = GaussianSpec {
            mean: [mean[[0, 0]], mean[[0, 1]]].into(),
            covariance: [0, 1].map(|i| [0, 1].map(|j| covariance[[i, j]])).into(),
        };
        Box::new(spec.build().unwrap())
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    DiscriminatorSpec::CATALOGUE.iter().map(|(name, _)| *name)
}

fn spec(name: &str, settings: &str) -> DiscriminatorSpec {
    toml::from_str(&format!("[{name}]\n{settings}")).unwrap()
}

fn round(index: u64) -> FitContext {
    FitContext {
        index,
        progress: 0.9,
        stream: Stream::new(5, "fit").at(index),
    }
}

fn fitted(name: &str, settings: &str, data: &Data) -> Box<dyn Discriminator> {
    let mut it = spec(name, settings).build(&*data.target()).unwrap();
    it.fit(data.real.view(), data.fake.view(), round(0))
        .unwrap();
    it
}

fn at(it: &dyn Discriminator, places: &Cloud) -> Ratio {
    let mut ratio = Ratio::default();
    it.evaluate(places.view(), &mut ratio);
    ratio
}

/// Whatever stood in the place of the answer; the oracle knows the target, and its own cloud later.
#[test]
fn before_the_first_fit_nothing_is_known_and_all_is_finite() {
    let data = data();
    for name in names() {
        let it = spec(name, "").build(&*data.target()).unwrap();
        let mut ratio = Ratio::zeros(data.fake.nrows());
        ratio.log.fill(f64::NAN);
        ratio.gradient.fill(f64::NAN);
        it.evaluate(data.fake.view(), &mut ratio);
        let all = ratio.log.iter().chain(&ratio.gradient);
        assert!(all.clone().all(|v| v.is_finite()), "{name}");
        if name != "oracle" {
            assert!(all.clone().all(|v| *v == 0.0), "{name}");
        }
    }
}

/// Estimators whose fit has one solution, which depends on no order and no randomness but, for the logistic one, that of its
/// frequencies. All others are trained by chance and agree with themselves only about.
const EXACT: &[&str] = &[
    "kde", "oracle", "logistic", "ulsif", "rulsif", "kliep", "kale", "moments", "mmd", "drift",
    "sinkhorn", "drmmd", "sliced",
];

/// Settings that suit so few samples better than the defaults, which are made for the end of a run with thousands.
fn smooth(name: &str) -> &'static str {
    match name {
        "logistic" => "bandwidth = 1.0\nbandwidth_scale = 1.0\nlambda = 0.01",
        "kale" => "bandwidth = 0.7\nlambda = 0.03",
        "ulsif" | "rulsif" | "kliep" => "bandwidth = 0.7",
        _ => "",
    }
}

/// Settings under which equal clouds give nothing at all.
fn still(name: &str) -> &'static str {
    match name {
        "drift" => "mask_self = false",
        _ => "",
    }
}

fn exact(name: &str) -> bool {
    EXACT.contains(&name)
}

/// Root mean square difference of two fields, relative to the second.
fn apart(a: &Cloud, b: &Cloud) -> f64 {
    rms((a - b).view()) / rms(b.view())
}

fn correlation(a: &Array1<f64>, b: &Array1<f64>) -> f64 {
    let [a, b] = [a, b].map(|v| v - v.mean().unwrap());
    a.dot(&b) / (a.dot(&a) * b.dot(&b)).sqrt()
}

#[test]
fn the_gradient_is_the_difference_quotient() {
    let data = data();
    for name in names() {
        let it = fitted(name, "", &data);
        let places = data.fake.slice(ndarray::s![..40, ..]).to_owned();
        let found = at(&*it, &places);
        if it.kind() == Kind::Velocity {
            assert!(found.log.iter().all(|&d| d == 0.0), "{name}");
            assert!(rms(found.gradient.view()) > 0.0, "{name}");
            continue;
        }
        // Sums in single precision need a longer step.
        let (step, tolerance) = match name {
            "kde" => (1e-3, 1e-3),
            // Its slopes bend at each point.
            "sliced" => (1e-5, 1e-3),
            _ if exact(name) => (1e-5, 1e-6),
            _ => (1e-2, 2e-2),
        };
        let mut quotients = Cloud::zeros(places.raw_dim());
        for axis in 0..2 {
            let [ahead, behind] = [step, -step].map(|by| {
                let mut there = places.clone();
                there.column_mut(axis).mapv_inplace(|v| v + by);
                at(&*it, &there).log
            });
            let quotient = (ahead - behind) / (2.0 * step);
            quotients.column_mut(axis).assign(&quotient);
        }
        let error = apart(&found.gradient, &quotients);
        assert!(error < tolerance, "{name}: {error}");
    }
}

#[test]
fn the_order_of_the_samples_does_not_matter() {
    let data = data();
    let backwards = |points: &Cloud| {
        let order: Vec<usize> = (0..points.nrows())
            .map(|i| (i * 7 + 3) % points.nrows())
            .collect();
        points.select(Axis(0), &order)
    };
    // 7 divides neither 300 nor 240, so that this is a permutation.
    let other = Data {
        real: backwards(&data.real),
        fake: backwards(&data.fake),
        motion: STILL,
    };
    for name in names() {
        let [a, b] = [&data, &other].map(|data| at(&*fitted(name, "", data), &other.fake).gradient);
        let tolerance = match name {
            "kde" => 1e-5,
            _ if exact(name) => 1e-7,
            _ => 0.5,
        };
        assert!(apart(&a, &b) < tolerance, "{name}: {}", apart(&a, &b));
    }
}

#[test]
fn moving_everything_moves_the_flow() {
    let data = data();
    for name in names() {
        let before = at(&*fitted(name, smooth(name), &data), &data.fake).gradient;
        let shifted = Motion {
            angle: 0.0,
            shift: [3.0, -2.0],
        };
        let quarter = Motion {
            angle: 90.0,
            shift: [0.0; 2],
        };
        let slanted = Motion {
            angle: 37.0,
            shift: [0.0; 2],
        };
        for (motion, what) in [
            (shifted, "shifted"),
            (quarter, "quarter"),
            (slanted, "slanted"),
        ] {
            let moved = data.moved(motion);
            let after = at(&*fitted(name, smooth(name), &moved), &moved.fake).gradient;
            let error = apart(&after, &before.dot(&motion.turn()));
            let tolerance = match name {
                "kde" => 1e-4,
                // The set of its frequencies is turned into itself by a right angle alone.
                "logistic" if what == "slanted" => 0.2,
                // So are its lines.
                "sliced" if what != "shifted" => 0.01,
                _ if exact(name) => 1e-6,
                _ if what == "shifted" => 0.1,
                _ => 0.5,
            };
            assert!(error < tolerance, "{name}, {what}: {error}");
        }
    }
}

#[test]
fn swapping_the_clouds_turns_the_sign() {
    /// Exactly antisymmetric at a given bandwidth. `uLSIF`, `RuLSIF`, KLIEP and KALE are not: each models one of the densities by
    /// the other. The oracle knows the target. Networks penalise one side and draw at random.
    const SYMMETRIC: &[&str] = &["kde", "logistic", "mmd"];
    let data = data();
    let swapped = Data {
        real: data.fake.clone(),
        fake: data.real.clone(),
        motion: STILL,
    };
    for name in SYMMETRIC {
        let settings = "bandwidth = 0.7\nbandwidth_scale = 1.0";
        let there = at(&*fitted(name, settings, &data), &data.fake).gradient;
        let back = at(&*fitted(name, settings, &swapped), &data.fake).gradient;
        let error = apart(&-back, &there);
        assert!(error < 1e-5, "{name}: {error}");
    }
    for name in ["ulsif", "rulsif", "kliep", "kale"] {
        let there = at(&*fitted(name, "bandwidth = 0.7", &data), &data.fake).gradient;
        let back = at(&*fitted(name, "bandwidth = 0.7", &swapped), &data.fake).gradient;
        assert!(apart(&-back, &there) > 1e-3, "{name} is symmetric");
    }
}

#[test]
fn equal_clouds_give_nothing() {
    let mut data = data();
    let apart = Data {
        motion: STILL,
        real: data.real.clone(),
        fake: data.fake.clone(),
    };
    data.fake = data.real.clone();
    for name in names() {
        if fitted(name, "", &data).kind() == Kind::Velocity {
            let field = |data: &Data| at(&*fitted(name, still(name), data), &data.real).gradient;
            let [none, some] = [&data, &apart].map(|data| rms(field(data).view()));
            // Each network of `score` draws its own noise.
            let noise = if exact(name) { 1e-6 } else { 0.6 };
            assert!(none < noise * some, "{name}: {none} against {some}");
            continue;
        }
        let none = at(&*fitted(name, smooth(name), &data), &data.real).log;
        let some = at(&*fitted(name, smooth(name), &apart), &data.real).log;
        // A log ratio is zero; a witness or critic may have any constant.
        let ratio = fitted(name, smooth(name), &data).is_log_ratio();
        let size = |log: Array1<f64>| {
            let middle = if ratio { 0.0 } else { log.mean().unwrap() };
            log.mapv(|v| (v - middle).powi(2)).mean().unwrap().sqrt()
        };
        let (none, some) = (size(none), size(some));
        let noise = match name {
            "kde" | "logistic" | "mmd" => 1e-6,
            // Two hundred minibatches of so few samples, under a penalty that asks for slope one although there is nowhere to go.
            "wasserstein" => 0.8,
            _ => 0.35,
        };
        assert!(none < noise * some, "{name}: {none} against {some}");
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let data = data();
    for name in names() {
        let [one, three] = [1, 3].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| at(&*fitted(name, "", &data), &data.fake))
        });
        assert_eq!(one, three, "{name}");
    }
}

#[test]
fn a_restored_estimator_goes_on_as_if_nothing_had_happened() {
    let data = data();
    for name in names() {
        let mut it = fitted(name, "", &data);
        let mut loaded = spec(name, "").build(&*data.target()).unwrap();
        loaded.load_state(&it.state()).unwrap();
        let next = &data.fake + 0.01;
        for it in [&mut it, &mut loaded] {
            it.fit(data.real.view(), next.view(), round(2)).unwrap();
        }
        assert_eq!(at(&*it, &next), at(&*loaded, &next), "{name}");
    }
}

#[test]
fn far_away_everything_stays_finite() {
    let data = data();
    let places = Array2::from_shape_fn((60, 2), |(i, axis)| {
        let (sin, cos) = (i as f64).sin_cos();
        10.0_f64.powf(i as f64 / 10.0) * [cos, sin][axis]
    });
    for name in names() {
        let Ratio { log, gradient } = at(&*fitted(name, "", &data), &places);
        assert!(log.iter().chain(&gradient).all(|v| v.is_finite()), "{name}");
    }
}

#[test]
fn what_calls_itself_a_log_ratio_is_one() {
    let data = data();
    let truth = at(&*fitted("oracle", "", &data), &data.real).log;
    for name in names() {
        let it = fitted(name, smooth(name), &data);
        let found = at(&*it, &data.real).log;
        let alike = correlation(&found, &truth);
        let slope = alike * found.std(0.0) / truth.std(0.0);
        let ratio = it.is_log_ratio();
        // Of a log ratio with a quadratic part, a linear D has the linear one.
        let least = if name == "linear" { 0.5 } else { 0.7 };
        assert!(!ratio || alike > least, "{name}: {alike}");
        assert!(
            !ratio || (0.4..1.6).contains(&slope),
            "{name}: slope {slope}"
        );
    }
}

#[test]
fn kernels_other_than_the_gaussian_fit_as_well() {
    let data = data();
    for name in ["logistic", "ulsif", "rulsif", "kliep", "kale", "mmd"] {
        let settings = format!("{}\n", smooth(name));
        let gaussian = at(&*fitted(name, &settings, &data), &data.fake).log;
        for kernel in ["laplace", "inverse-multiquadric"] {
            let settings = format!("kernel = \"{kernel}\"\n{settings}");
            let found = at(&*fitted(name, &settings, &data), &data.fake).log;
            let alike = correlation(&found, &gaussian);
            assert!(alike > 0.7, "{name}, {kernel}: {alike}");
        }
    }
    let smooth = smooth("logistic");
    let nystrom = fitted(
        "logistic",
        &format!("features = \"nystrom\"\n{smooth}"),
        &data,
    );
    let fourier = fitted("logistic", smooth, &data);
    let [a, b] = [nystrom, fourier].map(|it| at(&*it, &data.fake).gradient);
    assert!(apart(&a, &b) < 0.2, "{}", apart(&a, &b));
}

/// The reason why settings are refused, or why the fit fails; empty if it succeeds, with finite numbers.
fn complaint(name: &str, settings: &str, data: &Data) -> String {
    let mut it = match spec(name, settings).build(&*data.target()) {
        Ok(it) => it,
        Err(invalid) => return invalid.to_string(),
    };
    if let Err(error) = it.fit(data.real.view(), data.fake.view(), round(0)) {
        return error.to_string();
    }
    let Ratio { log, gradient } = at(&*it, &data.fake);
    assert!(
        log.iter().chain(&gradient).all(|v| v.is_finite()),
        "{name}: {settings}"
    );
    String::new()
}

#[test]
fn bad_settings_are_refused_with_a_remedy() {
    let data = data();
    for features in ["fourier", "nystrom"] {
        let said = |settings: &str| {
            let settings = format!("features = \"{features}\"\n{settings}");
            complaint("logistic", &settings, &data)
        };
        assert!(said("count = 0").contains("at least 2"));
        let singular = said("lambda = 1e-300\nbandwidth = 5.0");
        assert!(singular.contains("raise lambda"), "{features}: {singular}");
        assert!(said("bandwidth = 1e-3").is_empty(), "{features}");
    }
    for name in ["ulsif", "rulsif", "kliep", "kale"] {
        assert!(
            complaint(name, "centres = 0", &data).contains("at least 1"),
            "{name}"
        );
    }
    for name in ["logistic", "ulsif", "rulsif", "kale"] {
        for lambda in ["0.0", "-1.0"] {
            let said = complaint(name, &format!("lambda = {lambda}"), &data);
            assert!(said.contains("greater than 0"), "{name}: {said}");
        }
        // So small that the equations are singular to rounding: a reason, or finite numbers.
        let said = complaint(name, "lambda = 1e-300\nbandwidth = 5.0", &data);
        assert!(said.contains("raise lambda"), "{name}: {said}");
    }
    for name in ["logistic", "kale", "mmd", "kde"] {
        assert!(complaint(name, "bandwidth = \"cv\"", &data).contains("ulsif, rulsif and kliep"));
    }
}

#[test]
fn samples_that_are_one_point_are_refused_or_fitted_but_never_nan() {
    let mut data = data();
    data.real = Array2::from_elem((20, 2), 0.5);
    data.fake = data.real.clone();
    for name in names() {
        let said = complaint(name, "", &data);
        // The oracle does not look at the target sample, but at the collapsed cloud; moments have no bandwidth.
        let has_bandwidth = !["oracle", "moments", "drift", "sinkhorn", "sliced"].contains(&name);
        assert!(!said.is_empty(), "{name}");
        if spec(name, "").warnings(data.real.view()).is_empty() && exact(name) && has_bandwidth {
            let said = complaint(name, "bandwidth = 0.5", &data);
            assert!(said.is_empty(), "{name}: {said}");
        }
    }
}

#[test]
fn a_bandwidth_below_the_spacing_is_reported() {
    let data = data();
    for name in ["kde", "logistic", "ulsif", "rulsif", "kliep", "kale", "mmd"] {
        let warnings = spec(name, "bandwidth = 1e-3").warnings(data.real.view());
        assert!(warnings[0].contains("spacing"), "{name}: {warnings:?}");
        assert!(
            spec(name, "bandwidth = 0.5")
                .warnings(data.real.view())
                .is_empty()
        );
        // Fitted all the same, or refused in words.
        complaint(name, "bandwidth = 1e-3", &data);
    }
}

fn gaussian(count: usize, variance: f64, seed: u64) -> Cloud {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Array2::from_shape_fn((count, 2), |_| {
        variance.sqrt() * rng.sample::<f64, _>(StandardNormal)
    })
}

fn pair(real: Cloud, fake: Cloud) -> Data {
    Data {
        real,
        fake,
        motion: STILL,
    }
}

/// p = N(0, I/8), q = N(0, I/2), 3000 points each. The Pearson divergence `½E_q(r − 1)²` is 9/14 and KL(p‖q) is log 4 − 3/4;
/// the R package densratio prints 0.6536 and 0.6214 for its one sample, with 100 centres, as here.
#[test]
fn ulsif_is_as_good_as_densratio() {
    const SEEDS: u64 = 5;
    let (mut pearson, mut kullback) = (0.0, 0.0);
    for seed in 0..SEEDS {
        let data = pair(
            gaussian(3000, 0.125, 2 * seed),
            gaussian(3000, 0.5, 2 * seed + 1),
        );
        let it = fitted("ulsif", "bandwidth = \"cv\"\ncentres = 100", &data);
        let real = at(&*it, &data.real).log;
        let fake = at(&*it, &data.fake).log;
        let mean = |values: Array1<f64>| values.mean().unwrap();
        pearson += mean(real.mapv(f64::exp)) - 0.5 * mean(fake.mapv(|v| (2.0 * v).exp())) - 0.5;
        kullback += mean(real);
    }
    let (pearson, kullback) = (pearson / SEEDS as f64, kullback / SEEDS as f64);
    let truth = [9.0 / 14.0, 4.0_f64.ln() - 0.75];
    assert!(
        (pearson - truth[0]).abs() <= (0.6536 - truth[0]).abs(),
        "PE {pearson}"
    );
    assert!(
        (kullback - truth[1]).abs() <= (0.6214 - truth[1]).abs(),
        "KL {kullback}"
    );
}

#[test]
fn kliep_finds_no_difference_between_identical_samples() {
    let sample = gaussian(1000, 1.0, 3);
    let data = pair(sample.clone(), sample);
    let it = fitted("kliep", "bandwidth = \"cv\"", &data);
    let ratio = at(&*it, &data.real).log.mapv(f64::exp);
    assert_relative_eq!(ratio.mean().unwrap(), 1.0, epsilon = 1e-3);
    let error = ratio.mapv(|r| (r - 1.0).powi(2)).mean().unwrap().sqrt();
    assert!(error < 0.1, "{error}");
}

/// The conditions of Karush, Kuhn and Tucker, by what the estimator says alone: the ratio has the mean one over the cloud, and no centre would make
/// the target sample likelier. Here all target samples are centres.
#[test]
fn kliep_is_where_no_kernel_would_make_the_target_likelier() {
    let shapes = [
        ("gaussian", "gaussian"),
        ("laplace", "laplace"),
        ("imq", "inverse-multiquadric"),
    ];
    let shifted = |mut cloud: Cloud, x: f64| {
        cloud.column_mut(0).mapv_inplace(|v| v + x);
        cloud
    };
    let ring = |count: usize| {
        let place = |(i, axis): (usize, usize)| {
            let angle = std::f64::consts::TAU * (i % 8) as f64 / 8.0;
            2.0 * [angle.cos(), angle.sin()][axis]
        };
        Array2::from_shape_fn((count, 2), place) + 0.1 * gaussian(count, 1.0, 8)
    };
    let pairs = [
        (
            "beside",
            gaussian(300, 1.0, 1),
            shifted(gaussian(250, 2.0, 2), 1.5),
        ),
        (
            "far",
            gaussian(200, 0.1, 3),
            shifted(gaussian(300, 1.0, 4), 6.0),
        ),
        ("ring", ring(390), gaussian(400, 1.0, 5)),
        ("same", gaussian(350, 1.0, 6), gaussian(350, 1.0, 7)),
    ];
    for (pair, real, fake) in &pairs {
        for (shape, kernel) in shapes {
            for (rule, progress) in [
                ("\"cv\"", 0.0),
                ("\"anneal\"", 0.3),
                ("\"anneal\"", 1.0),
                ("0.7", 0.0),
            ] {
                let name = format!("{pair}, {shape}, {rule} at {progress}");
                let text = format!("kernel = \"{kernel}\"\nbandwidth = {rule}");
                let spec: KliepSpec = toml::from_str(&text).unwrap();
                let mut it = spec.build().unwrap();
                let round = FitContext {
                    progress,
                    ..round(0)
                };
                it.fit(real.view(), fake.view(), round).unwrap();
                let mean = at(&it, fake).log.mapv(f64::exp).mean().unwrap();
                assert_relative_eq!(mean, 1.0, epsilon = 1e-9);
                let inverse = at(&it, real).log.mapv(|d| (-d).exp());
                let h = it.bandwidth();
                let k = |a: ArrayView1<'_, f64>, b: ArrayView1<'_, f64>| {
                    let u = ((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)) / (h * h);
                    match shape {
                        "gaussian" => (-0.5 * u).exp(),
                        "laplace" => (-u.sqrt()).exp(),
                        _ => 1.0 / (1.0 + u).sqrt(),
                    }
                };
                for centre in real.rows() {
                    let over_target = real.rows().into_iter().zip(&inverse);
                    let gain: f64 = over_target.map(|(x, inverse)| k(x, centre) * inverse).sum();
                    let cost: f64 = fake.rows().into_iter().map(|x| k(x, centre)).sum();
                    let [gain, cost] = [gain / real.nrows() as f64, cost / fake.nrows() as f64];
                    assert!(gain <= cost * (1.0 + 1e-6), "{name}: {gain} for {cost}");
                }
            }
        }
    }
}

#[test]
fn kliep_does_not_take_the_narrowest_bandwidth_where_there_is_nothing_to_find() {
    for seed in 0..4 {
        let [real, fake] = [1, 2].map(|i| gaussian(300, 1.0, 10 * seed + i));
        let data = pair(real, fake);
        let it = fitted("kliep", "bandwidth = \"cv\"", &data);
        let log = at(&*it, &gaussian(300, 1.0, 10 * seed + 3)).log;
        let error = log.mapv(|d| d * d).mean().unwrap().sqrt();
        assert!(error < 0.3, "seed {seed}: {error}");
    }
}

#[test]
fn a_bandwidth_that_is_a_number_is_that_number() {
    let data = data();
    for name in ["kde", "logistic", "ulsif", "rulsif", "kliep", "kale", "mmd"] {
        let gradient = |settings: &str| at(&*fitted(name, settings, &data), &data.fake).gradient;
        let plain = gradient("bandwidth = 0.7");
        assert_eq!(
            plain,
            gradient("bandwidth = 0.7\nbandwidth_scale = 3.0"),
            "{name}"
        );
        assert!(apart(&plain, &gradient("bandwidth = 1.4")) > 1e-3, "{name}");
    }
}

/// The later values are those of a replay in `NumPy` from the same first cloud, with a dense Newton solve of the dual at every
/// step.
#[test]
fn kale_begins_as_published_and_goes_on_as_a_replay_does() {
    let mut flow = three_rings::ThreeRings::exact();
    let (_, first) = three_rings::PUBLISHED[0];
    assert_relative_eq!(flow.divergence(), first, max_relative = 0.005);
    for (step, value) in [
        (50, 2.596_804_914_9),
        (100, 1.955_908_266_5),
        (200, 1.388_976_656_4),
    ] {
        flow.run_to(step);
        assert_relative_eq!(flow.divergence(), value, max_relative = 1e-8);
    }
}

/// Here the replay stops each solve where the authors' notebook does, which leaves the witness behind the cloud: by 2e-3 of KALE
/// after 200 steps. Its steps go in the weights, ours in their logarithms.
#[test]
fn kale_stopped_where_the_notebook_stops_lags_as_it_does() {
    let mut flow = three_rings::ThreeRings::as_published();
    for (step, value) in [
        (0, 3.658_224_384),
        (50, 2.598_060_691),
        (100, 1.958_230_838),
        (200, 1.391_000_711),
    ] {
        flow.run_to(step);
        assert_relative_eq!(flow.divergence(), value, max_relative = 4e-4);
    }
}

#[test]
fn a_witness_has_no_map_and_says_what_is_left_out() {
    let document = |flow: &str| {
        let text = format!("target.gaussian = {{}}\n{flow}\n[discriminator.mmd]");
        Document::parse("witness", &text).unwrap().read().unwrap()
    };
    let error = Experiment::new(document("flow.h = \"exp\""), &Embedded).unwrap_err();
    assert!(error.to_string().contains("flow.h"), "{error}");
    let experiment = Experiment::new(document(""), &Embedded).unwrap();
    assert!(experiment.warnings[0].contains("no log ratio"));
    let mut flow = experiment.flow().unwrap();
    assert!(!flow.advance().unwrap().unwrap().field.is_log_ratio());
}

/// Several bandwidths at once: the step is the mean of the differences of mean shifts, and D the potential of it.
#[test]
fn the_field_of_several_scales_is_the_mean_of_theirs() {
    let real = RingSpec::default()
        .build()
        .unwrap()
        .sample(300, Stream::new(1, "real"));
    let fake = Stream::new(2, "fake").normals(200);
    let at = Stream::new(3, "at").normals(40) * 1.5;
    let finest = 0.3;
    let fitted = |bandwidth: f64, scales: usize| {
        let spec = KdeSpec {
            bandwidth: WordOr::Value(bandwidth),
            scales: WordOr::Value(scales),
            tolerance: 0.0,
            ..KdeSpec::default()
        };
        let mut kde = spec.build().unwrap();
        let round = FitContext {
            index: 0,
            progress: 0.0,
            stream: Stream::new(1, "fit"),
        };
        kde.fit(real.view(), fake.view(), round).unwrap();
        kde
    };
    let evaluated = |kde: &Kde, at: &Cloud| {
        let mut ratio = Ratio::default();
        kde.evaluate(at.view(), &mut ratio);
        ratio
    };
    let several = fitted(finest, 4);
    let found = evaluated(&several, &at);
    let step = several.step_rule().step_size;
    let widest = spread(real.view());
    let mut mean = Cloud::zeros(at.raw_dim());
    let (mut log, mut squares) = (Array1::<f64>::zeros(at.nrows()), 0.0_f64);
    for k in 0..4 {
        let h = finest * (widest / finest).powf(f64::from(k) / 3.0);
        let one = evaluated(&fitted(h, 1), &at);
        mean = mean + one.gradient * (0.25 * h * h);
        log = log + one.log * (h * h);
        squares += h * h;
    }
    assert!((step - squares / 4.0).abs() < 1e-12 * step);
    let moved = &found.gradient * step;
    assert!((&moved - &mean).iter().all(|v| v.abs() < 1e-10));
    assert!(
        (&found.log - &(log / squares))
            .iter()
            .all(|v| v.abs() < 1e-10)
    );
    // ∇D is the gradient of D.
    let small = 1e-5;
    for axis in 0..2 {
        let [low, high] = [-small, small].map(|by| {
            let mut at = at.clone();
            at.column_mut(axis).mapv_inplace(|x| x + by);
            evaluated(&several, &at).log
        });
        let quotient = (high - low) / (2.0 * small);
        let slope = found.gradient.column(axis);
        assert!((&quotient - &slope).iter().all(|v| v.abs() < 1e-7));
    }
}

/// Kernels of `kde` other than the Gaussian: the gradient is that of the estimate, swapping the clouds turns the sign, weights count, and several
/// bandwidths at once are the mean of theirs.
#[test]
fn every_kernel_of_kde_gives_a_log_ratio() {
    let data = data();
    let swapped = Data {
        real: data.fake.clone(),
        fake: data.real.clone(),
        motion: STILL,
    };
    let truth = at(&*fitted("oracle", "", &data), &data.real).log;
    for kernel in Radial::ALL {
        let name = kernel.name();
        let settings = format!("kernel = \"{name}\"\nbandwidth = 0.4\ntolerance = 0.0");
        let it = fitted("kde", &settings, &data);
        let places = &data.fake + 0.003;
        let found = at(&*it, &places);
        for axis in 0..2 {
            let [ahead, behind] = [1e-5, -1e-5].map(|by| {
                let mut there = places.clone();
                there.column_mut(axis).mapv_inplace(|v| v + by);
                at(&*it, &there).log
            });
            let quotient = (ahead - behind) / 2e-5;
            let error = (&quotient - &found.gradient.column(axis)).mapv(|v| v * v);
            assert!(error.mean().unwrap().sqrt() < 1e-5, "{name}");
        }
        let there = at(&*it, &data.fake);
        let back = at(&*fitted("kde", &settings, &swapped), &data.fake);
        assert!(apart(&-back.gradient, &there.gradient) < 1e-9, "{name}");
        assert!((&back.log + &there.log).iter().all(|v| v.abs() < 1e-9));
        let alike = correlation(&at(&*it, &data.real).log, &truth);
        assert!(alike > 0.7, "{name}: {alike}");

        // A weight of two is a point twice over.
        let mut doubled = spec("kde", &settings).build(&*data.target()).unwrap();
        let half = data.fake.slice(ndarray::s![..120, ..]);
        let twice =
            ndarray::concatenate![Axis(0), half, half, data.fake.slice(ndarray::s![120.., ..])];
        doubled
            .fit(data.real.view(), twice.view(), round(0))
            .unwrap();
        let mut weighed = fitted("kde", &settings, &data);
        assert!(weighed.bears_weights());
        let shares: Vec<f64> = (0..240)
            .map(|i| if i < 120 { 4.0 / 3.0 } else { 2.0 / 3.0 })
            .collect();
        weighed.weigh(&shares);
        let [a, b] = [&doubled, &weighed].map(|it| at(&**it, &places));
        assert!(apart(&a.gradient, &b.gradient) < 1e-9, "{name}");
        assert!((&a.log - &b.log).iter().all(|v| v.abs() < 1e-9), "{name}");

        // Without its own term a particle does not hold itself.
        let alone = fitted("kde", &format!("{settings}\nself_term = false"), &data);
        let lighter = at(&*alone, &data.fake).log - &there.log;
        assert!(lighter.iter().all(|v| *v > 0.0), "{name}");

        let narrow = format!("kernel = \"{name}\"\nbandwidth = 0.1\nscales = ");
        let [one, many] = [1, 3].map(|scales| fitted("kde", &format!("{narrow}{scales}"), &data));
        let [one, many] = [one, many].map(|it| at(&*it, &places).gradient);
        assert!(apart(&many, &one) > 1e-3, "{name}");
    }
}

/// Without normalisation, and with a Gaussian, the drift is the step of `kde`; with the particle left out, that of `kde` without its own term.
#[test]
fn the_plain_drift_of_a_gaussian_is_the_step_of_kde() {
    let data = data();
    for (mask, itself) in [("false", "true"), ("true", "false")] {
        let kde = fitted(
            "kde",
            &format!("bandwidth = 0.4\ntolerance = 0.0\nself_term = {itself}"),
            &data,
        );
        let drift = fitted(
            "drift",
            &format!(
                "kernel = \"gaussian\"\nnormalisation = \"none\"\ntemperatures = [0.4]\nmask_self = {mask}"
            ),
            &data,
        );
        let step = |it: &dyn Discriminator| {
            let StepRule { step_size, .. } = it.step_rule();
            at(it, &data.fake).gradient * step_size
        };
        let error = apart(&step(&*drift), &step(&*kde));
        assert!(error < 1e-9, "{error}");
    }
}

#[test]
fn temperatures_and_batches_of_the_drift_are_checked() {
    let data = data();
    assert!(complaint("drift", "temperatures = [0.0]", &data).contains("temperatures[0]"));
    assert!(complaint("drift", "temperatures = [0.1, -1.0]", &data).contains("temperatures[1]"));
    assert!(complaint("drift", "temperatures = []", &data).contains("auto"));
    assert!(complaint("drift", "batch = 1", &data).contains("at least 2"));
    let warnings = spec("drift", "temperatures = [1e-4, 0.5]").warnings(data.real.view());
    assert!(warnings[0].contains("temperatures: 0.0001 is below the spacing"));
    let document = |setting: &str| {
        let text = format!(
            "target.gaussian = {{}}\ncloud.particles = 100\ndiscriminator.drift.batch = {setting}"
        );
        Experiment::new(
            Document::parse("drift", &text).unwrap().read().unwrap(),
            &Embedded,
        )
    };
    let error = document("101").unwrap_err().to_string();
    assert!(
        error.contains("discriminator.drift.batch") && error.contains("at most 100"),
        "{error}"
    );
    let experiment = document("60").unwrap();
    let mut flow = experiment.flow().unwrap();
    assert!(flow.advance().unwrap().is_some());
}

//! The neural discriminator, alone and in the smallest flow that uses it.

use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use ratioflow::cloud::{Cloud, CloudView};
use ratioflow::discriminator::mlp::{Mlp, MlpSpec};
use ratioflow::discriminator::{Discriminator, FitContext, Ratio};
use ratioflow::flow::{Flow, FlowSpec};
use ratioflow::network::Activation;
use ratioflow::random::Stream;
use ratioflow::setting::WordOr;

fn gaussian(rng: &mut ChaCha8Rng, [x, y]: [f64; 2], deviation: f64) -> [f64; 2] {
    let mut normal = || rng.sample::<f64, _>(StandardNormal);
    [x + deviation * normal(), y + deviation * normal()]
}

fn cloud(count: usize, mut draw: impl FnMut() -> [f64; 2]) -> Cloud {
    let points: Vec<f64> = (0..count).flat_map(|_| draw()).collect();
    Array2::from_shape_vec((count, 2), points).unwrap()
}

/// Eight Gaussians of deviation 0.2 on a circle of radius 2.5.
fn ring(count: usize, rng: &mut ChaCha8Rng) -> Cloud {
    cloud(count, || {
        let angle = std::f64::consts::TAU * f64::from(rng.random_range(0..8_u8)) / 8.0;
        gaussian(rng, [2.5 * angle.cos(), 2.5 * angle.sin()], 0.2)
    })
}

/// Gaussians of deviation 0.4 at (−2, 0) and, with weight `right`, at (2, 0).
fn pair(right: f64, count: usize, rng: &mut ChaCha8Rng) -> Cloud {
    cloud(count, || {
        let x = if rng.random_bool(right) { 2.0 } else { -2.0 };
        gaussian(rng, [x, 0.0], 0.4)
    })
}

fn mean_distance(a: &Cloud, b: &Cloud) -> f64 {
    let mut sum = 0.0;
    for p in a.rows() {
        for q in b.rows() {
            sum += (p[0] - q[0]).hypot(p[1] - q[1]);
        }
    }
    sum / (a.nrows() * b.nrows()) as f64
}

/// `2E‖x−y‖ − E‖x−x′‖ − E‖y−y′‖`, all pairs.
fn energy_distance(a: &Cloud, b: &Cloud) -> f64 {
    2.0 * mean_distance(a, b) - mean_distance(a, a) - mean_distance(b, b)
}

/// The least energy distance that 95 % of independent pairs of samples stay below, from 20 pairs.
fn floor(sample: impl Fn(usize, &mut ChaCha8Rng) -> Cloud, count: usize) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(1000);
    let mut distances: Vec<f64> = (0..20)
        .map(|_| energy_distance(&sample(count, &mut rng), &sample(count, &mut rng)))
        .collect();
    distances.sort_by(f64::total_cmp);
    distances[18]
}

/// Leave-one-out accuracy of 15 nearest neighbours in telling `a` from `b`: one half if they are alike.
fn two_sample_accuracy(a: &Cloud, b: &Cloud) -> f64 {
    let all: Vec<_> = a.rows().into_iter().chain(b.rows()).collect();
    let right = (0..all.len()).filter(|&i| {
        let mut others: Vec<(f64, bool)> = (0..all.len())
            .filter(|&j| j != i)
            .map(|j| {
                (
                    (all[i][0] - all[j][0]).hypot(all[i][1] - all[j][1]),
                    j < a.nrows(),
                )
            })
            .collect();
        others.select_nth_unstable_by(14, |x, y| x.0.total_cmp(&y.0));
        let votes = others[..15].iter().filter(|other| other.1).count();
        (votes > 7) == (i < a.nrows())
    });
    right.count() as f64 / all.len() as f64
}

fn round(index: u64, steps: u64) -> FitContext {
    FitContext {
        index,
        progress: index as f64 / steps as f64,
        stream: Stream::new(4, "fit").at(index),
    }
}

/// One Euler step, each displacement no longer than the clip.
fn step(mlp: &Mlp, x: &mut Cloud, ratio: &mut Ratio) {
    mlp.evaluate(x.view(), ratio);
    let pace = mlp.step_rule();
    for (mut x, velocity) in x.rows_mut().into_iter().zip(ratio.gradient.rows()) {
        let length = pace.step_size * velocity[0].hypot(velocity[1]);
        let factor = pace.clip.map_or(1.0, |clip| (clip / length).min(1.0));
        x.scaled_add(factor * pace.step_size, &velocity);
    }
}

fn flow(spec: &MlpSpec, real: &Cloud, mut x: Cloud, steps: u64) -> Cloud {
    let mut mlp = spec.build().unwrap();
    let mut ratio = Ratio::default();
    for index in 0..steps {
        mlp.fit(real.view(), x.view(), round(index, steps)).unwrap();
        step(&mlp, &mut x, &mut ratio);
    }
    x
}

/// Runs the defaults and returns energy distance over floor, and the accuracy of the two-sample test.
fn verdict(
    sample: impl Fn(usize, &mut ChaCha8Rng) -> Cloud,
    source: impl Fn(usize, &mut ChaCha8Rng) -> Cloud,
) -> (f64, f64) {
    let count = 1000;
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let (real, start) = (sample(4000, &mut rng), source(count, &mut rng));
    let fresh = sample(count, &mut rng);
    let end = flow(&MlpSpec::default(), &real, start, 200);
    let distance = energy_distance(&end, &fresh) / floor(&sample, count);
    (distance, two_sample_accuracy(&end, &fresh))
}

#[test]
fn the_defaults_bring_a_cloud_to_the_ring() {
    let (distance, accuracy) = verdict(ring, |count, rng| {
        cloud(count, || gaussian(rng, [0.0; 2], 1.0))
    });
    assert!(
        distance <= 1.0,
        "energy distance is {distance} of the floor"
    );
    assert!(accuracy <= 0.6, "two-sample accuracy {accuracy}");
}

/// Half of the mass has to cross a gap of ten deviations.
#[test]
fn the_defaults_share_out_the_mass_from_one_side() {
    let (distance, accuracy) = verdict(
        |count, rng| pair(0.5, count, rng),
        |count, rng| pair(0.0, count, rng),
    );
    assert!(
        distance <= 1.0,
        "energy distance is {distance} of the floor"
    );
    assert!(accuracy <= 0.6, "two-sample accuracy {accuracy}");
}

#[test]
fn the_defaults_find_unequal_masses() {
    let (distance, accuracy) = verdict(
        |count, rng| pair(0.2, count, rng),
        |count, rng| cloud(count, || gaussian(rng, [0.0; 2], 1.0)),
    );
    assert!(
        distance <= 1.0,
        "energy distance is {distance} of the floor"
    );
    assert!(accuracy <= 0.6, "two-sample accuracy {accuracy}");
}

/// A discriminator after a few fits on the ring against a Gaussian, with the two samples.
fn fitted(spec: &MlpSpec, fits: u64) -> (Mlp, Cloud, Cloud) {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let real = ring(600, &mut rng);
    let fake = cloud(500, || gaussian(&mut rng, [0.5, 0.0], 1.0));
    let mut mlp = spec.build().unwrap();
    for index in 0..fits {
        mlp.fit(real.view(), fake.view(), round(index, 10)).unwrap();
    }
    (mlp, real, fake)
}

fn evaluate(mlp: &Mlp, at: CloudView<'_>) -> Ratio {
    let mut ratio = Ratio::default();
    mlp.evaluate(at, &mut ratio);
    ratio
}

#[test]
fn the_gradient_is_the_difference_quotient_of_the_log_ratio() {
    let (mlp, real, _) = fitted(&MlpSpec::default(), 3);
    let ratio = evaluate(&mlp, real.view());
    // Wide enough that the rounding of single precision, 1e-6, does not matter.
    let step = 1e-2;
    for axis in 0..2 {
        let shifted = |by: f64| {
            let mut at = real.clone();
            at.column_mut(axis).mapv_inplace(|x| x + by);
            evaluate(&mlp, at.view()).log
        };
        let slopes = (shifted(step) - shifted(-step)) / (2.0 * step);
        for (slope, found) in slopes.iter().zip(ratio.gradient.column(axis)) {
            assert!(
                (slope - found).abs() < 3e-3 * (1.0 + found.abs()),
                "{found} is not {slope}"
            );
        }
    }
}

#[test]
fn between_two_gaussians_it_finds_the_ratio_and_its_divergence() {
    let mut rng = ChaCha8Rng::seed_from_u64(21);
    // p = N((½, 0), I), q = N((−½, 0), I): log p/q = x, KL(q‖p) = ½ = −E_q D.
    let real = cloud(8000, || gaussian(&mut rng, [0.5, 0.0], 1.0));
    let fake = cloud(8000, || gaussian(&mut rng, [-0.5, 0.0], 1.0));
    let spec: MlpSpec = toml::from_str("noise = 'off'\nwarm_up = 600").unwrap();
    let mut mlp = spec.build().unwrap();
    for index in 0..10 {
        mlp.fit(real.view(), fake.view(), round(index, 10)).unwrap();
    }
    let ratio = evaluate(&mlp, fake.view());
    let divergence = -ratio.log.mean().unwrap();
    assert!((divergence - 0.5).abs() < 0.08, "KL {divergence}");
    let error = (&ratio.log - &fake.column(0))
        .mapv(|e| e * e)
        .mean()
        .unwrap()
        .sqrt();
    assert!(error < 0.2, "rms error of log r {error}");
}

#[test]
fn a_restored_discriminator_goes_on_bit_for_bit() {
    let (mut one, real, fake) = fitted(&MlpSpec::default(), 3);
    let mut two = MlpSpec::default().build().unwrap();
    two.load_state(&one.state()).unwrap();
    assert_eq!(one.step_rule(), two.step_rule());
    assert_eq!(evaluate(&one, real.view()), evaluate(&two, real.view()));
    for mlp in [&mut one, &mut two] {
        mlp.fit(real.view(), fake.view(), round(3, 10)).unwrap();
    }
    assert_eq!(evaluate(&one, real.view()), evaluate(&two, real.view()));
    assert_eq!(one.state(), two.state());

    let error = two.load_state(&one.state()[1..]).unwrap_err().to_string();
    assert!(error.contains("hidden = [64, 64, 64]"), "{error}");
    two.load_state(&[]).unwrap();
    assert!(two.state().is_empty());
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let (mlp, real, _) = fitted(&MlpSpec::default(), 2);
            evaluate(&mlp, real.view())
        })
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn far_from_all_data_it_stays_finite() {
    let (mlp, ..) = fitted(&MlpSpec::default(), 1);
    let at = ndarray::array![[1e300, -1e300], [1e9, 0.0], [0.0, 0.0]];
    let ratio = evaluate(&mlp, at.view());
    assert!(
        ratio
            .log
            .iter()
            .chain(&ratio.gradient)
            .all(|v| v.is_finite())
    );
}

/// Powers of two change no rounding, so the network sees the very same numbers.
#[test]
fn the_units_of_the_target_do_not_matter() {
    let (mlp, real, fake) = fitted(&MlpSpec::default(), 1);
    let mut wide = MlpSpec::default().build().unwrap();
    let (real8, fake8) = (&real * 8.0, &fake * 8.0);
    wide.fit(real8.view(), fake8.view(), round(0, 10)).unwrap();
    let (a, b) = (evaluate(&mlp, fake.view()), evaluate(&wide, fake8.view()));
    assert_eq!(a.log, b.log);
    assert_eq!(a.gradient, &b.gradient * 8.0);
    assert_eq!(64.0 * mlp.step_rule().step_size, wide.step_rule().step_size);
    assert_eq!(
        mlp.step_rule().clip.map(|clip| 8.0 * clip),
        wide.step_rule().clip
    );
}

#[test]
fn a_target_without_extent_is_refused() {
    let mut mlp = MlpSpec::default().build().unwrap();
    let one = Cloud::zeros((5, 2));
    let error = mlp
        .fit(one.view(), one.view(), round(0, 10))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("spread of the 5 target samples is 0"),
        "{error}"
    );
}

#[test]
fn settings_are_read_and_checked() {
    let key = |text: &str| {
        toml::from_str::<MlpSpec>(text)
            .unwrap()
            .build()
            .unwrap_err()
            .key
    };
    assert_eq!(key("hidden = []"), "hidden");
    assert_eq!(key("hidden = [64, 0]"), "hidden[1]");
    assert_eq!(key("learning_rate = nan"), "learning_rate");
    assert_eq!(key("betas = [0.5, 1.0]"), "betas[1]");
    assert_eq!(key("inner_steps = 0"), "inner_steps");
    assert_eq!(key("batch = 0"), "batch");
    assert_eq!(key("r1 = -1.0"), "r1");
    assert_eq!(key("noise = -0.1"), "noise");
    assert_eq!(key("step_size = 0.0"), "step_size");
    assert_eq!(key("clip = inf"), "clip");
    assert_eq!(key("decay = 1.5"), "decay");
    let good = "noise = 0.1\nactivation = 'leaky-relu'\noptimizer = 'sgd'\nloss = 'logistic'";
    assert!(toml::from_str::<MlpSpec>(good).unwrap().build().is_ok());
    let error = toml::from_str::<MlpSpec>("noise = 'annael'")
        .unwrap_err()
        .to_string();
    assert!(error.contains("expected `off` or `anneal`"), "{error}");
    let error = toml::from_str::<MlpSpec>("inner_step = 3")
        .unwrap_err()
        .to_string();
    assert!(error.contains("inner_steps"), "{error}");
    let spec = MlpSpec::default();
    let text = toml::to_string(&spec).unwrap();
    assert_eq!(toml::from_str::<MlpSpec>(&text).unwrap(), spec);
}

/// Of `p = N((½, 0), I)` and `q = N((−½, 0), I)`, both blurred by σ, the log ratio is `x/(1 + σ²)`.
#[test]
fn several_scales_are_weighted_by_their_squares() {
    let mut rng = ChaCha8Rng::seed_from_u64(22);
    let real = cloud(4000, || gaussian(&mut rng, [0.5, 0.0], 1.0));
    let fake = cloud(4000, || gaussian(&mut rng, [-0.5, 0.0], 1.0));
    let text = "scales = 3\nwarm_up = 600\nr1 = 0\nhidden = [64, 64]";
    let spec: MlpSpec = toml::from_str(text).unwrap();
    let mut mlp = spec.build().unwrap();
    for index in 0..10 {
        mlp.fit(real.view(), fake.view(), round(index, 10)).unwrap();
    }
    // In units of the target's standard deviation the finest scale is σ₀, the coarsest 1.
    let rule = mlp.step_rule();
    let spread = ratioflow::cloud::spread(real.view());
    let [fine, coarse] = [rule.scale / spread, 1.0_f64];
    let squares = [fine * fine, fine * coarse, coarse * coarse];
    let sum: f64 = squares.iter().sum();
    let slope = squares
        .map(|s| s / (1.0 + s * spread * spread))
        .iter()
        .sum::<f64>()
        / sum;
    // The step is the mean of the squares, a tenth of it at the end.
    let step = sum / 3.0 * spread * spread;
    assert!(rule.step_size < step && rule.step_size > 0.1 * step);
    let near = cloud(500, || gaussian(&mut rng, [0.0, 0.0], 0.7));
    let ratio = evaluate(&mlp, near.view());
    let found = ratio.gradient.column(0).mean().unwrap();
    assert!(
        (found - slope).abs() < 0.15 * slope,
        "{found} is not {slope}"
    );

    let mut other = spec.build().unwrap();
    other.load_state(&mlp.state()).unwrap();
    assert_eq!(evaluate(&other, near.view()).log, ratio.log);
    let error = other.load_state(&mlp.state()[1..]).unwrap_err();
    assert!(error.to_string().contains("3 of a network"), "{error}");
}

#[test]
fn particles_are_given_noise_until_four_fifths_of_the_run_unless_a_number_is_set() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let real = cloud(200, || gaussian(&mut rng, [0.5, 0.0], 1.0));
    let start = cloud(100, || gaussian(&mut rng, [0.0, 0.0], 1.0));
    let run = |noise: Option<f64>, settings: &str| {
        let spec: MlpSpec = toml::from_str(settings).unwrap();
        let mut flow_spec = FlowSpec {
            steps: 10,
            ..FlowSpec::default()
        };
        if let Some(noise) = noise {
            flow_spec.noise = WordOr::Value(noise);
        }
        let mlp = Box::new(spec.build().unwrap());
        let mut flow = Flow::new(flow_spec, mlp, real.clone(), start.clone(), 3).unwrap();
        while flow.advance().unwrap().is_some() {}
        (flow.unasked_noise(), flow.state().cloud.clone())
    };
    let small = "warm_up = 2\ninner_steps = 1\nhidden = [8]";
    let (last, with) = run(None, small);
    assert_eq!(last, Some(8));
    let (none, without) = run(Some(0.0), small);
    assert_eq!(none, None);
    assert_ne!(with, without);
    // A fixed noise of the network's own hides nothing from it in the end.
    assert_eq!(run(None, &format!("{small}\nnoise = 0.1")).0, None);
}

/// Some machines take a hundred times as long for subnormal numbers. Units die where the target is narrow, and what Adam remembers of them fades.
#[test]
fn a_network_on_a_narrow_target_remembers_no_subnormal_number() {
    let [real, start] = ["real", "fake"].map(|name| Stream::new(1, name).normals(500));
    let real = 1e-6 * real;
    let spec = MlpSpec {
        activation: Activation::Relu,
        ..MlpSpec::default()
    };
    let mut mlp = spec.build().unwrap();
    for index in 0..300 {
        mlp.fit(real.view(), start.view(), round(index, 300))
            .unwrap();
        let state = mlp.state();
        let subnormal = state.iter().filter(|v| (**v as f32).is_subnormal()).count();
        assert_eq!(subnormal, 0, "after {index} fits");
    }
}

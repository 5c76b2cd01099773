//! The oracle's three densities of the cloud, Langevin dynamics, a stale discriminator, and calibration.

use ratioflow::calibration::Calibration;
use ratioflow::cloud::{self, Cloud};
use ratioflow::discriminator::oracle::OracleSpec;
use ratioflow::discriminator::{Discriminator, DiscriminatorSpec, FitContext, Ratio};
use ratioflow::experiment::Experiment;
use ratioflow::flow::{Flow, FlowSpec};
use ratioflow::random::Stream;
use ratioflow::scenario::{Document, Embedded};
use ratioflow::setting::WordOr;
use ratioflow::target::{GaussianSpec, Mixture, MixtureSpec, RingSpec, Target};

fn round() -> FitContext {
    FitContext {
        index: 0,
        progress: 0.5,
        stream: Stream::new(1, "fit"),
    }
}

fn oracle(settings: &str, target: &Mixture) -> Box<dyn Discriminator> {
    let spec: OracleSpec = toml::from_str(settings).unwrap();
    Box::new(spec.build(target).unwrap())
}

fn ring() -> Mixture {
    RingSpec::default().build().unwrap()
}

#[test]
fn the_oracle_knows_a_mixture_and_its_gradient_is_the_difference_quotient() {
    let target = ring();
    let fake = target.sample(500, Stream::new(1, "q")) * 0.8 + 0.1;
    let at = target.sample(60, Stream::new(2, "at"));
    for cloud in ["gaussian", "kde", "none"] {
        let mut oracle = oracle(&format!("cloud = '{cloud}'"), &target);
        oracle.fit(fake.view(), fake.view(), round()).unwrap();
        assert_eq!(oracle.is_log_ratio(), cloud != "none");
        let evaluate = |at: &Cloud| {
            let mut ratio = Ratio::default();
            oracle.evaluate(at.view(), &mut ratio);
            ratio
        };
        let found = evaluate(&at);
        for axis in 0..2 {
            let beside = |step: f64| {
                let mut moved = at.clone();
                moved.column_mut(axis).mapv_inplace(|x| x + step);
                evaluate(&moved).log
            };
            let slopes = (beside(1e-5) - beside(-1e-5)) / 2e-5;
            for (slope, gradient) in slopes.iter().zip(found.gradient.column(axis)) {
                assert!(
                    (slope - gradient).abs() < 1e-5 * gradient.abs().max(1.0),
                    "{cloud}"
                );
            }
        }
        let far = evaluate(&ndarray::array![[1e9, -1e9]]);
        assert!(far.log.iter().chain(&far.gradient).all(|v| v.is_finite()));
    }
}

/// A large cloud drawn from the target itself has `log p/q̂` near zero where the cloud's side can say so.
#[test]
fn the_kernel_side_of_the_oracle_is_normalised() {
    let target = MixtureSpec::default().build().unwrap();
    let fake = target.sample(8000, Stream::new(1, "q"));
    let mut oracle = oracle("cloud = 'kde'", &target);
    oracle.fit(fake.view(), fake.view(), round()).unwrap();
    let mut ratio = Ratio::default();
    let at = target.sample(2000, Stream::new(2, "at"));
    oracle.evaluate(at.view(), &mut ratio);
    assert!(
        ratio.log.mean().unwrap().abs() < 0.05,
        "{}",
        ratio.log.mean().unwrap()
    );
}

#[test]
fn the_oracle_refuses_what_it_does_not_know() {
    let moons = ratioflow::target::MoonsSpec::default().build().unwrap();
    let error = OracleSpec::default().build(&moons).unwrap_err().to_string();
    assert!(error.contains("mixture of Gaussians"), "{error}");
    let spec: OracleSpec = toml::from_str("cloud = 'kde'\nbandwidth = -1.0").unwrap();
    assert_eq!(spec.build(&ring()).unwrap_err().key, "bandwidth");
    let mut one = oracle("cloud = 'kde'", &ring());
    let cloud = Cloud::zeros((5, 2));
    let error = one.fit(cloud.view(), cloud.view(), round()).unwrap_err();
    assert!(error.to_string().contains("bandwidth"), "{error}");
}

const S: [[f64; 2]; 2] = [[1.0, 0.8], [0.8, 0.89]];

/// Mean and covariance at time `t` of the Gaussian flow from `N((1, 1), I)` to `N(0, S)`: `m = E m₀`, `C = S + E(C₀ − S)E`
/// with `E = exp(−S⁻¹t)`, by the eigenvectors of `S`.
fn closed_form(t: f64) -> ([f64; 2], [[f64; 2]; 2]) {
    let middle = f64::midpoint(S[0][0], S[1][1]);
    let half = (0.5 * (S[0][0] - S[1][1])).hypot(S[0][1]);
    let angle = 0.5 * (2.0 * S[0][1]).atan2(S[0][0] - S[1][1]);
    let axes = [[angle.cos(), angle.sin()], [-angle.sin(), angle.cos()]];
    let (mut mean, mut covariance) = ([0.0; 2], [[0.0; 2]; 2]);
    for (axis, lambda) in axes.into_iter().zip([middle + half, middle - half]) {
        let decay = (-t / lambda).exp();
        let along = decay * (axis[0] + axis[1]);
        let variance = lambda + decay * decay * (1.0 - lambda);
        for i in 0..2 {
            mean[i] += along * axis[i];
            for j in 0..2 {
                covariance[i][j] += variance * axis[i] * axis[j];
            }
        }
    }
    (mean, covariance)
}

fn gaussian_flow(settings: &str, spec: FlowSpec, count: usize) -> Flow {
    let target = GaussianSpec {
        mean: [0.0; 2].into(),
        covariance: S.into(),
    };
    let target = target.build().unwrap();
    let source = GaussianSpec {
        mean: [1.0; 2].into(),
        ..GaussianSpec::default()
    };
    let start = source
        .build()
        .unwrap()
        .sample(count, Stream::new(3, "source"));
    let real = target.sample(100, Stream::new(3, "target"));
    Flow::new(spec, oracle(settings, &target), real, start, 3).unwrap()
}

#[test]
fn langevin_has_the_densities_of_the_flow_and_other_paths() {
    let run = |settings: &str, noise: f64| {
        let spec = FlowSpec {
            steps: 200,
            step_size: WordOr::Value(0.005),
            noise: WordOr::Value(noise),
            ..FlowSpec::default()
        };
        let mut flow = gaussian_flow(settings, spec, 20_000);
        while let Some(step) = flow.advance().unwrap() {
            if ![40, 100, 200].contains(&step.index) {
                continue;
            }
            let (mean, covariance) = closed_form(step.state.time);
            let (m, c) = (
                cloud::mean(step.state.cloud.view()),
                cloud::covariance(step.state.cloud.view()),
            );
            for i in 0..2 {
                // Four standard errors of 20 000 particles, and the error of Euler's method.
                assert!((m[i] - mean[i]).abs() < 0.04, "{settings}: {m:?}, {mean:?}");
                for j in 0..2 {
                    assert!(
                        (c[i][j] - covariance[i][j]).abs() < 0.06,
                        "{settings}: {c:?}"
                    );
                }
            }
        }
        let end = flow.last();
        (end.state.path_length, end.displacement)
    };
    let (straight, moved) = run("", 0.0);
    let (random, _) = run("cloud = 'none'", 1.0);
    assert!(straight < 1.3 * moved, "{straight} {moved}");
    assert!(random > 5.0 * straight, "{random} {straight}");
}

#[test]
fn noise_is_the_same_for_any_number_of_threads_and_of_other_particles() {
    let run = |threads: usize, count: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let spec = FlowSpec {
            steps: 5,
            step_size: WordOr::Value(0.01),
            noise: WordOr::Value(0.5),
            ..FlowSpec::default()
        };
        pool.install(|| {
            let mut flow = gaussian_flow("cloud = 'none'", spec, count);
            while flow.advance().unwrap().is_some() {}
            flow.state().cloud.clone()
        })
    };
    let many = run(1, 900);
    assert_eq!(many, run(3, 900));
    assert_eq!(many.slice(ndarray::s![..7, ..]), run(2, 7));
}

/// How far the cloud ends from where a fresh discriminator brings it grows with the time that D is held.
#[test]
fn the_longer_a_discriminator_is_held_the_larger_the_error() {
    let end = |refit_every: usize| {
        let spec = FlowSpec {
            steps: 100,
            step_size: WordOr::Value(0.005),
            refit_every,
            ..FlowSpec::default()
        };
        let mut flow = gaussian_flow("", spec, 400);
        let (mut fits, mut last) = (0, None);
        while let Some(step) = flow.advance().unwrap() {
            // D at a fixed place tells whether it was fitted anew.
            let mut ratio = Ratio::default();
            step.field
                .ratio(ndarray::array![[0.3, 0.4]].view(), &mut ratio);
            fits += usize::from(last.replace(ratio.log[0]) != Some(ratio.log[0]));
        }
        assert_eq!(fits, 100 / refit_every + 1);
        flow.state().cloud.clone()
    };
    let fresh = end(1);
    let errors = [2, 10, 25].map(|k| cloud::rms((end(k) - &fresh).view()));
    assert!(
        0.0 < errors[0] && errors[0] < errors[1] && errors[1] < errors[2],
        "{errors:?}"
    );
}

#[test]
fn noise_and_refit_every_are_checked() {
    let invalid = |spec: FlowSpec| spec.check().unwrap_err().key;
    let noise = |noise| FlowSpec {
        noise: WordOr::Value(noise),
        ..FlowSpec::default()
    };
    assert_eq!(invalid(noise(-1.0)), "noise");
    assert_eq!(invalid(noise(f64::NAN)), "noise");
    let never = FlowSpec {
        refit_every: 0,
        ..FlowSpec::default()
    };
    assert_eq!(invalid(never), "refit_every");
}

fn calibrate(text: &str) -> Result<Calibration, String> {
    let document = Document::parse("test.toml", text).unwrap();
    let scenario = document.read().unwrap();
    let experiment = Experiment::new(scenario, &Embedded).unwrap();
    Calibration::new(&experiment).map_err(|invalid| invalid.to_string())
}

const PAIR: &str = "
[target.gaussian]
mean = [0.5, 0.0]
[source.gaussian]
mean = [-0.5, 0.0]
[cloud]
particles = 1000
samples = 1000
[discriminator.mlp]
noise = 'off'
batch = 256
";

/// `log r = x`, so that both divergences are ½ and the gradient is one everywhere.
#[test]
fn calibration_finds_every_estimator_near_the_truth_of_two_gaussians() {
    let calibration = calibrate(PAIR).unwrap();
    let truth = calibration.identities;
    // Three standard errors of 1000 samples.
    assert!((truth.kl_qp - 0.5).abs() < 0.1 && (truth.kl_pq - 0.5).abs() < 0.1);
    assert!((calibration.gradient.q - 1.0).abs() < 1e-12);
    assert!((calibration.log.p - 1.25_f64.sqrt()).abs() < 0.1);
    assert_eq!(calibration.probes_of_q, 1000);
    assert_eq!(calibration.truth.len(), 2000);
    for (name, _) in DiscriminatorSpec::CATALOGUE {
        let told = calibration
            .estimates
            .iter()
            .any(|e| e.name.starts_with(name))
            || calibration.left_out.iter().any(|(left, _)| left == name);
        assert!(told, "{name} is missing");
    }
    for estimate in &calibration.estimates {
        let name = &estimate.name;
        assert!(estimate.log.q < 0.9, "{name}: {:?}", estimate.log);
        assert!(
            (estimate.identities.kl_pq - 0.5).abs() < 0.3,
            "{name}: {:?}",
            estimate.identities
        );
        assert!(
            (estimate.identities.js - truth.js).abs() < 0.06,
            "{name}: {:?}",
            estimate.identities
        );
    }
    let oracle = calibration
        .estimates
        .iter()
        .find(|e| e.name == "oracle")
        .unwrap();
    assert!(oracle.log.q < 0.15 && oracle.gradient.q < 0.15);
    let left: Vec<&str> = calibration
        .left_out
        .iter()
        .map(|(n, _)| n.as_str())
        .collect();
    let fields = [
        "mmd",
        "drmmd",
        "sinkhorn",
        "sliced",
        "score",
        "drift",
        "wasserstein",
    ];
    assert_eq!(left, fields);
}

#[test]
fn calibration_needs_a_known_ratio() {
    let error = calibrate("[target.pinwheel]\n").unwrap_err();
    assert!(
        error.contains("target") && error.contains("is not known"),
        "{error}"
    );
}

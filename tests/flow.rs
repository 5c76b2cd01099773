//! The engine held to theory: closed-form Gaussian flows, the integrators' orders, and exact identities.

use ndarray::{Array1, Array2, array};
use ratioflow::cloud::{self, Cloud, CloudView};
use ratioflow::discriminator::kde::KdeSpec;
use ratioflow::discriminator::oracle::OracleSpec;
use ratioflow::discriminator::{Discriminator, FitContext, Ratio};
use ratioflow::flow::{Clip, Ending, Flow, FlowSpec, Integrator, Momentum};
use ratioflow::monotone::Map;
use ratioflow::random::Stream;
use ratioflow::setting::WordOr;
use ratioflow::target::{Component, Target};

type Matrix = [[f64; 2]; 2];

/// The target of the method's exact references: `N(0, LLᵀ)`, `L = [[1, 0], [0.8, 0.5]]`.
const S: Matrix = [[1.0, 0.8], [0.8, 0.89]];

#[derive(Debug)]
struct Gaussian([Component; 1]);

impl Target for Gaussian {
    fn sample(&self, count: usize, _stream: Stream) -> Cloud {
        standard(count)
    }
    fn components(&self) -> Option<&[Component]> {
        Some(&self.0)
    }
}

fn target() -> Gaussian {
    Gaussian([Component {
        weight: 1.0,
        mean: [0.0; 2],
        covariance: S,
    }])
}

/// Points whose mean is exactly 0 and covariance exactly I: a sunflower pattern, whitened.
fn standard(count: usize) -> Cloud {
    let raw = Array2::from_shape_fn((count, 2), |(i, axis)| {
        let radius = (-2.0 * ((i as f64 + 0.5) / count as f64).ln()).sqrt();
        let angle = 2.399_963_229_728_653 * i as f64;
        radius * if axis == 0 { angle.cos() } else { angle.sin() }
    });
    let m = cloud::mean(raw.view());
    let centred = raw - &array![[m[0], m[1]]];
    let c = cloud::covariance(centred.view());
    // The inverse of the Cholesky factor of c makes the covariance one.
    let l00 = c[0][0].sqrt();
    let l10 = c[0][1] / l00;
    let l11 = (c[1][1] - l10 * l10).sqrt();
    let mut white = centred;
    for mut row in white.rows_mut() {
        row[0] /= l00;
        row[1] = (row[1] - l10 * row[0]) / l11;
    }
    white
}

fn shifted(cloud: &Cloud, by: [f64; 2]) -> Cloud {
    cloud + &array![[by[0], by[1]]]
}

fn flow(spec: FlowSpec, start: Cloud) -> Flow {
    let oracle = OracleSpec::default().build(&target()).unwrap();
    Flow::new(spec, Box::new(oracle), standard(10), start, 0).unwrap()
}

fn run(flow: &mut Flow) -> Ending {
    while flow.advance().unwrap().is_some() {}
    flow.ending().unwrap().clone()
}

fn fixed(epsilon: f64, steps: usize, integrator: Integrator) -> FlowSpec {
    FlowSpec {
        steps,
        step_size: WordOr::Value(epsilon),
        integrator,
        ..FlowSpec::default()
    }
}

fn product(a: Matrix, b: Matrix) -> Matrix {
    let at = |i: usize, j: usize| a[i][0] * b[0][j] + a[i][1] * b[1][j];
    [[at(0, 0), at(0, 1)], [at(1, 0), at(1, 1)]]
}

/// `exp(−S⁻¹ t)` through the eigenvectors of S.
fn decay(t: f64) -> Matrix {
    let middle = f64::midpoint(S[0][0], S[1][1]);
    let half = (0.5 * (S[0][0] - S[1][1])).hypot(S[0][1]);
    let angle = 0.5 * (2.0 * S[0][1]).atan2(S[0][0] - S[1][1]);
    let (c, s) = (angle.cos(), angle.sin());
    let (large, small) = ((-t / (middle + half)).exp(), (-t / (middle - half)).exp());
    [
        [c * c * large + s * s * small, c * s * (large - small)],
        [c * s * (large - small), s * s * large + c * c * small],
    ]
}

/// Mean and covariance at time t of the flow that begins at `N((1, 1), I)`.
fn exact(t: f64) -> ([f64; 2], Matrix) {
    let e = decay(t);
    let gap = [[1.0 - S[0][0], -S[0][1]], [-S[1][0], 1.0 - S[1][1]]];
    let moved = product(product(e, gap), e);
    let mean = [e[0][0] + e[0][1], e[1][0] + e[1][1]];
    let covariance = [
        [S[0][0] + moved[0][0], S[0][1] + moved[0][1]],
        [S[1][0] + moved[1][0], S[1][1] + moved[1][1]],
    ];
    (mean, covariance)
}

/// `KL(N(m, C) ‖ N(0, S))`.
fn kl(m: [f64; 2], c: Matrix) -> f64 {
    let det = |a: Matrix| a[0][0] * a[1][1] - a[0][1] * a[1][0];
    let d = det(S);
    let inverse = [[S[1][1] / d, -S[0][1] / d], [-S[1][0] / d, S[0][0] / d]];
    let pc = product(inverse, c);
    let square = m[0] * (inverse[0][0] * m[0] + inverse[0][1] * m[1])
        + m[1] * (inverse[1][0] * m[0] + inverse[1][1] * m[1]);
    0.5 * (pc[0][0] + pc[1][1] + square - 2.0 + (d / det(c)).ln())
}

fn moment_error(cloud: CloudView<'_>, t: f64) -> f64 {
    let (m, c) = exact(t);
    let (m1, c1) = (cloud::mean(cloud), cloud::covariance(cloud));
    let mut worst: f64 = 0.0;
    for i in 0..2 {
        worst = worst.max((m[i] - m1[i]).abs());
        for j in 0..2 {
            worst = worst.max((c[i][j] - c1[i][j]).abs());
        }
    }
    worst
}

#[test]
fn the_closed_form_has_the_published_divergences() {
    // KL(q_t‖p) for this pair, computed with SciPy's matrix exponential.
    for (t, published) in [
        (0.0, 2.666_852_82),
        (0.1, 0.847_298_89),
        (0.5, 0.339_985_73),
        (1.0, 0.187_068_11),
        (2.0, 0.058_396_62),
        (5.0, 0.001_867_38),
    ] {
        let (m, c) = exact(t);
        assert!((kl(m, c) - published).abs() < 1e-8, "t = {t}: {}", kl(m, c));
    }
}

#[test]
fn the_oracle_flow_follows_the_closed_form_with_the_order_of_the_integrator() {
    for (integrator, order) in [(Integrator::Euler, 2.0), (Integrator::Heun, 4.0)] {
        let errors: Vec<f64> = [100, 200, 400]
            .iter()
            .map(|&steps| {
                let spec = fixed(0.5 / steps as f64, steps, integrator);
                let mut flow = flow(spec, shifted(&standard(200), [1.0, 1.0]));
                assert_eq!(run(&mut flow), Ending::Complete);
                moment_error(flow.state().cloud.view(), 0.5)
            })
            .collect();
        for pair in errors.windows(2) {
            let ratio = pair[0] / pair[1];
            assert!(
                (ratio / order - 1.0).abs() < 0.05,
                "{integrator:?}: errors {errors:?}, ratio {ratio}"
            );
        }
    }
}

#[test]
fn the_oracle_flow_has_the_published_divergences() {
    let mut flow = flow(
        fixed(0.002, 1000, Integrator::Heun),
        shifted(&standard(200), [1.0, 1.0]),
    );
    let table = [
        (0, 2.666_852_82),
        (50, 0.847_298_89),
        (250, 0.339_985_73),
        (1000, 0.058_396_62),
    ];
    let mut seen = 0;
    while let Some(step) = flow.advance().unwrap() {
        if let Some((_, published)) = table.iter().find(|(at, _)| *at == step.index) {
            let cloud = step.state.cloud.view();
            let value = kl(cloud::mean(cloud), cloud::covariance(cloud));
            assert!(
                (value - published).abs() < 5e-5,
                "step {}: {value}",
                step.index
            );
            // For Gaussians −mean D is the divergence itself.
            let estimate = -step.ratio.log.mean().unwrap();
            assert!(
                (estimate - value).abs() < 1e-9,
                "{estimate} against {value}"
            );
            seen += 1;
        }
    }
    assert_eq!(seen, table.len());
}

/// `Δ ← βΔ + ε v`, with `v = −S⁻¹y + C⁻¹(y − m)` that of the cloud itself, or of the one that goes on by βΔ and has moments of its own.
#[test]
fn momentum_follows_its_recursion() {
    let (beta, epsilon, steps) = (0.7, 0.02, 40);
    let inverse = |[[a, b], [_, d]]: Matrix| {
        let det = a * d - b * b;
        array![[d / det, -b / det], [-b / det, a / det]]
    };
    let velocity = |cloud: &Cloud| {
        let [x, y] = cloud::mean(cloud.view());
        let own = inverse(cloud::covariance(cloud.view()));
        shifted(cloud, [-x, -y]).dot(&own) - cloud.dot(&inverse(S))
    };
    for (momentum, ahead) in [(Momentum::HeavyBall, 0.0), (Momentum::Nesterov, beta)] {
        let mut cloud = shifted(&standard(60), [1.0, 1.0]);
        let spec = FlowSpec {
            momentum,
            momentum_decay: beta,
            ..fixed(epsilon, steps, Integrator::Euler)
        };
        let mut flow = flow(spec, cloud.clone());
        assert_eq!(run(&mut flow), Ending::Complete);
        let mut step = Cloud::zeros(cloud.raw_dim());
        for _ in 0..steps {
            step = velocity(&(&cloud + &(&step * ahead))) * epsilon + &(&step * beta);
            cloud += &step;
        }
        let apart = (&flow.state().cloud - &cloud).mapv(f64::abs);
        assert!(apart.iter().all(|&d| d < 1e-9), "{momentum:?}: {apart}");
    }
}

#[test]
fn euler_is_stable_up_to_the_smallest_eigenvalue() {
    let settle = |epsilon: f64| {
        let mut flow = flow(
            fixed(epsilon, 400, Integrator::Euler),
            shifted(&standard(200), [1.0, 1.0]),
        );
        run(&mut flow);
        let c = cloud::covariance(flow.state().cloud.view());
        (c[0][0] - S[0][0]).abs() + (c[1][1] - S[1][1]).abs() + (c[0][1] - S[0][1]).abs()
    };
    assert!(settle(0.140) < 1e-3, "{}", settle(0.140));
    assert!(settle(0.147) > 1e-2, "{}", settle(0.147));
}

#[test]
fn a_step_far_too_long_is_told_as_divergence_and_keeps_the_last_good_state() {
    let mut flow = flow(
        fixed(40.0, 50, Integrator::Euler),
        shifted(&standard(50), [1.0, 1.0]),
    );
    let ending = run(&mut flow);
    let Ending::Diverged { step, .. } = &ending else {
        panic!("expected a divergence, got {ending:?}");
    };
    assert_eq!(*step, flow.state().step + 1);
    assert!(flow.state().cloud.iter().all(|x| x.is_finite()));
    assert!(
        flow.advance().unwrap().is_none(),
        "an ended flow stays ended"
    );
}

#[test]
fn the_kde_flow_follows_the_smoothed_recursion() {
    let (n, h) = (4000, 0.5);
    let l = array![[1.0, 0.8], [0.0, 0.5]];
    let real = standard(n).dot(&l);
    // The start is turned, so that no particle sits on a sample.
    let turn = array![[0.6, 0.8], [-0.8, 0.6]];
    let start = shifted(&standard(n).dot(&turn), [1.0, 1.0]);
    let kde = KdeSpec {
        bandwidth: WordOr::Value(h),
        ..KdeSpec::default()
    };
    let steps = 12;
    let mut flow = Flow::new(
        fixed(h * h, steps, Integrator::Euler),
        Box::new(kde.build().unwrap()),
        real,
        start,
        0,
    )
    .unwrap();
    run(&mut flow);

    let invert = |a: Matrix| {
        let d = a[0][0] * a[1][1] - a[0][1] * a[1][0];
        [[a[1][1] / d, -a[0][1] / d], [-a[1][0] / d, a[0][0] / d]]
    };
    let blur = |a: Matrix| [[a[0][0] + h * h, a[0][1]], [a[1][0], a[1][1] + h * h]];
    let (mut m, mut c) = ([1.0, 1.0], [[1.0, 0.0], [0.0, 1.0]]);
    let p = invert(blur(S));
    for _ in 0..steps {
        let q = invert(blur(c));
        let step = |i: usize, j: usize| f64::from(u8::from(i == j)) + h * h * (q[i][j] - p[i][j]);
        let a = [[step(0, 0), step(0, 1)], [step(1, 0), step(1, 1)]];
        c = product(product(a, c), a);
        m = [
            m[0] - h * h * (p[0][0] * m[0] + p[0][1] * m[1]),
            m[1] - h * h * (p[1][0] * m[0] + p[1][1] * m[1]),
        ];
    }
    let (m1, c1) = (
        cloud::mean(flow.state().cloud.view()),
        cloud::covariance(flow.state().cloud.view()),
    );
    for i in 0..2 {
        assert!((m[i] - m1[i]).abs() < 0.02, "mean {m1:?}, expected {m:?}");
        for j in 0..2 {
            assert!(
                (c[i][j] - c1[i][j]).abs() < 0.03,
                "covariance {c1:?}, expected {c:?}"
            );
        }
    }
}

fn round() -> FitContext {
    FitContext {
        index: 0,
        progress: 0.5,
        stream: Stream::new(1, "fit"),
    }
}

#[test]
fn the_kde_gradient_is_the_difference_of_mean_shifts_and_the_derivative_of_the_log() {
    let h = 0.3;
    let real = standard(300).dot(&array![[1.0, 0.8], [0.0, 0.5]]);
    let fake = shifted(&standard(200), [0.4, -0.2]);
    let mut kde = KdeSpec {
        bandwidth: WordOr::Value(h),
        ..KdeSpec::default()
    }
    .build()
    .unwrap();
    kde.fit(real.view(), fake.view(), round()).unwrap();
    let at = shifted(&standard(40), [0.1, 0.3]);
    let mut ratio = Ratio::default();
    kde.evaluate(at.view(), &mut ratio);

    let mean_shift = |x: [f64; 2], cloud: &Cloud| {
        let weights: Array1<f64> = cloud
            .rows()
            .into_iter()
            .map(|y| (-((y[0] - x[0]).powi(2) + (y[1] - x[1]).powi(2)) / (2.0 * h * h)).exp())
            .collect();
        weights.dot(cloud) / weights.sum()
    };
    for i in 0..at.nrows() {
        let x = [at[[i, 0]], at[[i, 1]]];
        let expected = mean_shift(x, &real) - mean_shift(x, &fake);
        for axis in 0..2 {
            assert!((h * h * ratio.gradient[[i, axis]] - expected[axis]).abs() < 1e-11);

            let d = 1e-5;
            let mut pair = array![[x[0], x[1]], [x[0], x[1]]];
            pair[[0, axis]] += d;
            pair[[1, axis]] -= d;
            let mut beside = Ratio::default();
            kde.evaluate(pair.view(), &mut beside);
            let slope = (beside.log[0] - beside.log[1]) / (2.0 * d);
            assert!((ratio.gradient[[i, axis]] - slope).abs() < 1e-7 * slope.abs().max(1.0));
        }
    }
}

#[test]
fn equal_clouds_are_at_rest_exactly() {
    let cloud = standard(333);
    for self_term in [true, false] {
        let mut kde = KdeSpec {
            self_term,
            ..KdeSpec::default()
        }
        .build()
        .unwrap();
        kde.fit(cloud.view(), cloud.view(), round()).unwrap();
        let mut ratio = Ratio::default();
        kde.evaluate(cloud.view(), &mut ratio);
        let at_rest = ratio.log.iter().chain(&ratio.gradient).all(|&v| v == 0.0);
        assert_eq!(
            at_rest, self_term,
            "without the self term equal clouds are not at rest"
        );
    }
}

#[test]
fn far_from_all_data_the_ratio_is_finite_and_points_home() {
    let mut kde = KdeSpec::default().build().unwrap();
    let real = standard(100);
    let fake = shifted(&real, [3.0, 0.0]);
    kde.fit(
        real.view(),
        fake.view(),
        FitContext {
            progress: 1.0,
            ..round()
        },
    )
    .unwrap();
    let mut ratio = Ratio::default();
    kde.evaluate(array![[-1e5, 0.0], [1e5, 1.0]].view(), &mut ratio);
    assert!(
        ratio
            .log
            .iter()
            .chain(&ratio.gradient)
            .all(|v| v.is_finite())
    );
    assert!(ratio.log[0] > 0.0 && ratio.log[1] < 0.0);
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let result = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let start = shifted(&standard(500), [2.0, 0.0]);
            let kde = KdeSpec::default().build().unwrap();
            let spec = FlowSpec {
                steps: 10,
                ..FlowSpec::default()
            };
            let mut flow = Flow::new(spec, Box::new(kde), standard(700), start, 3).unwrap();
            run(&mut flow);
            flow.state().clone()
        })
    };
    let one = result(1);
    assert!(one == result(2) && one == result(3));
}

#[test]
fn the_clip_bounds_every_displacement_and_counts() {
    let start = shifted(&standard(100), [4.0, 0.0]);
    let before = start.clone();
    let spec = FlowSpec {
        steps: 1,
        clip: WordOr::Value(0.05),
        ..FlowSpec::default()
    };
    let kde = KdeSpec::default().build().unwrap();
    let mut flow = Flow::new(spec, Box::new(kde), standard(100), start, 0).unwrap();
    run(&mut flow);
    let lengths = cloud::lengths((&flow.state().cloud - &before).view());
    assert!(lengths.iter().all(|&l| l <= 0.05 * (1.0 + 1e-12)));
    assert_eq!(
        flow.state().clipped,
        lengths
            .iter()
            .filter(|&&l| l > 0.05 * (1.0 - 1e-12))
            .count()
    );
    assert!(flow.state().clipped > 50);
}

#[test]
fn automatic_steps_of_all_maps_agree_where_the_ratio_is_one() {
    let maps = [
        Map::Exp,
        Map::Chi2,
        Map::Hellinger,
        Map::Softplus,
        Map::LogSigmoid,
        Map::Neyman,
    ];
    for map in maps {
        let spec = FlowSpec {
            h: WordOr::Word(map),
            clip: WordOr::Word(Clip::Off),
            ..FlowSpec::default()
        };
        let kde = KdeSpec {
            bandwidth: WordOr::Value(0.5),
            ..KdeSpec::default()
        };
        let mut flow = Flow::new(
            spec,
            Box::new(kde.build().unwrap()),
            standard(50),
            shifted(&standard(50), [0.01, 0.0]),
            0,
        )
        .unwrap();
        let step = flow.advance().unwrap().unwrap();
        let slope = step.field.velocity(&Ratio {
            log: Array1::zeros(1),
            gradient: array![[1.0, 0.0]],
        })[[0, 0]];
        assert!((step.step_size * slope - 0.25).abs() < 1e-12, "{map:?}");
    }
}

#[test]
fn the_oracle_gradient_is_the_derivative_of_its_log_ratio() {
    let mut oracle = OracleSpec::default().build(&target()).unwrap();
    let fake = shifted(
        &standard(60).dot(&array![[0.7, 0.2], [0.0, 1.3]]),
        [0.4, -0.2],
    );
    oracle.fit(fake.view(), fake.view(), round()).unwrap();
    let at = shifted(&standard(20), [0.3, 0.1]);
    let (mut ratio, mut beside) = (Ratio::default(), Ratio::default());
    oracle.evaluate(at.view(), &mut ratio);
    for axis in 0..2 {
        let mut shift = [0.0; 2];
        shift[axis] = 1e-5;
        oracle.evaluate(shifted(&at, shift).view(), &mut beside);
        let ahead = beside.log.clone();
        oracle.evaluate(shifted(&at, shift.map(|s| -s)).view(), &mut beside);
        let slopes = (ahead - &beside.log) / 2e-5;
        for (slope, gradient) in slopes.iter().zip(ratio.gradient.column(axis)) {
            assert!((slope - gradient).abs() < 1e-7 * gradient.abs().max(1.0));
        }
    }
}

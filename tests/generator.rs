//! The generator stage: where distilling and climbing are the same, and how they part.

use std::sync::Arc;

use ndarray::{Array2, array};
use ratioflow::cloud::{self, Cloud, CloudView};
use ratioflow::discriminator::FitError;
use ratioflow::flow::{Flow, FlowSpec, Integrator};
use ratioflow::generator::{
    AffineWord, BetaRule, Decay, Drive, FieldRule, Full, Generator, GeneratorSpec, Latents,
    Precision, Round, TrainingSpec, Units,
};
use ratioflow::monotone::{Map, Monotone};
use ratioflow::network::{Activation, OptimizerKind};
use ratioflow::random::Stream;
use ratioflow::setting::WordOr;
use ratioflow::target::{GaussianSpec, Target};

/// A smooth field with bends, `v = ∇h(D)` for `D = sin(2x) cos(y) + x − y²/2`.
struct Bent(Monotone);

impl Bent {
    fn new(map: Map) -> Self {
        Self(Monotone::new(&WordOr::Word(map), 0.0).unwrap())
    }

    fn ratio(x: f64, y: f64) -> f64 {
        (2.0 * x).sin() * y.cos() + x - 0.5 * y * y
    }
}

impl Drive for Bent {
    fn velocity(&self, at: CloudView<'_>) -> Cloud {
        Array2::from_shape_fn(at.raw_dim(), |(i, axis)| {
            let (x, y) = (at[[i, 0]], at[[i, 1]]);
            let gradient = [
                2.0 * (2.0 * x).cos() * y.cos() + 1.0,
                -(2.0 * x).sin() * y.sin() - y,
            ];
            self.0.slope(Self::ratio(x, y)) * gradient[axis]
        })
    }
}

/// The same push everywhere: D is linear.
struct Wind([f64; 2]);

impl Drive for Wind {
    fn velocity(&self, at: CloudView<'_>) -> Cloud {
        Array2::from_shape_fn(at.raw_dim(), |(_, axis)| self.0[axis])
    }
}

fn source() -> Arc<dyn Target> {
    Arc::new(GaussianSpec::default().build().unwrap())
}

/// The settings under which the identities are exact: plain gradient steps on all latent points of the drawn cloud, in f64.
fn exact() -> TrainingSpec {
    TrainingSpec {
        inner_steps: 1,
        optimizer: OptimizerKind::Sgd,
        learning_rate: 0.05,
        batch: WordOr::Word(Full::Full),
        latents: Latents::Fixed,
        precision: Precision::F64,
        ..plain()
    }
}

/// One field a step, that of the drawn cloud, and the parameters as they are.
fn plain() -> TrainingSpec {
    TrainingSpec {
        inner_steps: 20,
        learning_rate: 1e-3,
        learning_rate_decay: Decay::Constant,
        average: 0.0,
        field: FieldRule::Cloud,
        betas: [0.5, 0.99],
        network: WordOr::Value(vec![64, 64, 64]),
        activation: Activation::Silu,
        ..TrainingSpec::default()
    }
}

fn built(spec: &GeneratorSpec, latents: &Cloud) -> Generator {
    spec.build(
        latents.clone(),
        [source(), source()],
        Units::default(),
        Stream::new(7, "weights"),
    )
    .unwrap()
}

fn latents(count: usize) -> Cloud {
    source().sample(count, Stream::new(1, "source"))
}

/// A round of training early in a run.
fn round(generator: &mut Generator, drive: &mut dyn Drive, step_size: f64, stream: Stream) {
    bounded(generator, drive, [step_size, f64::INFINITY], stream);
}

/// A round with a bound on the moves.
fn bounded(
    generator: &mut Generator,
    drive: &mut dyn Drive,
    [step_size, longest]: [f64; 2],
    stream: Stream,
) {
    let round = Round {
        step_size,
        longest,
        progress: [0.0, 0.01],
        stream,
    };
    generator.train(drive, &round).unwrap();
}

/// A generator that is no longer the identity, so that all its layers have gradients.
fn trained(spec: &GeneratorSpec, z: &Cloud) -> Generator {
    let mut teacher = built(
        &GeneratorSpec::Distill(TrainingSpec {
            inner_steps: 40,
            learning_rate: 0.2,
            ..exact()
        }),
        z,
    );
    round(
        &mut teacher,
        &mut Bent::new(Map::Identity),
        0.3,
        Stream::new(1, "round"),
    );
    let mut generator = built(spec, z);
    assert!(generator.load_state(&teacher.state()));
    generator
}

fn difference(a: &[f64], b: &[f64]) -> f64 {
    let gap: f64 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
    let size: f64 = a.iter().map(|a| a * a).sum();
    (gap / size).sqrt()
}

#[test]
fn at_the_start_the_generator_is_the_identity_exactly() {
    let z = latents(50);
    for network in [
        WordOr::Value(vec![64, 64, 64]),
        WordOr::Word(AffineWord::Affine),
    ] {
        for precision in [Precision::F32, Precision::F64] {
            let spec = TrainingSpec {
                network: network.clone(),
                precision,
                ..plain()
            };
            assert_eq!(built(&GeneratorSpec::Distill(spec), &z).cloud(), z);
        }
    }
}

#[test]
fn one_gradient_step_of_distilling_is_one_of_climbing_at_twice_epsilon_the_rate() {
    let z = latents(100);
    let epsilon = 0.07;
    for map in [Map::Identity, Map::LogSigmoid, Map::Exp] {
        let mut drive = Bent::new(map);
        let distill = GeneratorSpec::Distill(exact());
        let climb = GeneratorSpec::Adversarial(TrainingSpec {
            learning_rate: 2.0 * epsilon * 0.05,
            ..exact()
        });
        let (mut a, mut b) = (trained(&distill, &z), trained(&climb, &z));
        let before = a.parameters();
        let stream = Stream::new(1, "round");
        round(&mut a, &mut drive, epsilon, stream);
        round(&mut b, &mut drive, epsilon, stream);
        assert!(
            difference(&before, &a.parameters()) > 1e-6,
            "something moved"
        );
        let gap = difference(&a.parameters(), &b.parameters());
        assert!(gap < 1e-12, "{map:?}: relative difference {gap:e}");

        // The second step is taken elsewhere, and there they part.
        round(&mut a, &mut drive, epsilon, stream);
        let two = GeneratorSpec::Distill(TrainingSpec {
            inner_steps: 2,
            ..exact()
        });
        let mut c = trained(&two, &z);
        round(&mut c, &mut drive, epsilon, stream);
        assert!(difference(&a.parameters(), &c.parameters()) > 1e-9);
    }
}

#[test]
fn in_other_units_one_step_of_distilling_is_one_of_climbing_at_twice_epsilon_the_rate_over_s_squared()
 {
    let z = latents(100) * 3.0 + array![[500.0, -20.0]];
    let units = Units {
        centre: [500.0, -20.0],
        input: 3.0,
        output: 7.0,
        ..Units::default()
    };
    let mut drive = Bent::new(Map::Identity);
    for network in [
        WordOr::Value(vec![32, 32]),
        WordOr::Word(AffineWord::Affine),
    ] {
        let mut after = |kind: fn(TrainingSpec) -> GeneratorSpec, learning_rate: f64| {
            let spec = kind(TrainingSpec {
                network: network.clone(),
                learning_rate,
                ..exact()
            });
            let weights = Stream::new(7, "weights");
            let mut generator = spec
                .build(z.clone(), [source(), source()], units, weights)
                .unwrap();
            let before = generator.parameters();
            round(&mut generator, &mut drive, 0.07, Stream::new(1, "round"));
            (before, generator.parameters())
        };
        let (rate, epsilon) = (0.05, 0.07);
        let (before, a) = after(GeneratorSpec::Distill, rate);
        let equal = 2.0 * epsilon * rate / (units.output * units.output);
        for kind in [GeneratorSpec::Adversarial, GeneratorSpec::Inherit] {
            let (_, b) = after(kind, equal);
            assert!(difference(&before, &a) > 1e-9, "something moved");
            let gap = difference(&a, &b);
            assert!(gap < 1e-12, "relative difference {gap:e}");
        }
    }
}

#[test]
fn the_units_are_those_of_source_and_target() {
    let ring = ratioflow::target::RingSpec::default().build().unwrap();
    let z = latents(20);
    // Mixtures know their moments: 2.5²/2 + 0.2² for the ring of radius 2.5, and the mean with that of N(0, I).
    let units = Units::between([&*source(), &ring], z.view(), z.view());
    assert!((units.output * units.output - 0.5 * (1.0 + 3.165)).abs() < 1e-12);
    assert_eq!((units.centre, units.input), ([0.0; 2], 1.0));
    // Of a single point nothing can be learnt, and nothing divides by zero.
    let point = GaussianSpec::default();
    let same = Units::between([&*source(), &point.build().unwrap()], z.view(), z.view());
    assert_eq!(same, Units::default());
}

#[test]
fn with_a_frozen_discriminator_distilling_arrives_and_climbing_runs_away() {
    let z = latents(200);
    let mut drive = Bent::new(Map::Identity);
    let epsilon = 0.1;
    let aim = &z + &(drive.velocity(z.view()) * epsilon);
    let asked = cloud::rms((&aim - &z).view());
    let mut after = |kind: fn(TrainingSpec) -> GeneratorSpec, steps: usize| {
        let spec = TrainingSpec {
            inner_steps: steps,
            optimizer: OptimizerKind::Adam,
            learning_rate: 2e-3,
            batch: WordOr::Word(Full::Full),
            latents: Latents::Fixed,
            ..plain()
        };
        let mut generator = built(&kind(spec), &z);
        round(&mut generator, &mut drive, epsilon, Stream::new(1, "round"));
        let cloud = generator.cloud();
        (
            cloud::rms((&cloud - &aim).view()) / asked,
            cloud::rms((&cloud - &z).view()) / asked,
        )
    };
    let distilled = [1, 20, 200, 1000].map(|steps| after(GeneratorSpec::Distill, steps).0);
    assert!(
        distilled.windows(2).all(|pair| pair[1] < pair[0]),
        "{distilled:?}"
    );
    assert!(distilled[3] < 0.1, "{distilled:?}");
    let climbed = [20, 200, 1000].map(|steps| after(GeneratorSpec::Adversarial, steps).1);
    assert!(
        climbed.windows(2).all(|pair| pair[1] > pair[0]),
        "{climbed:?}"
    );
    assert!(climbed[2] > 10.0, "{climbed:?}");
}

#[test]
fn a_linear_discriminator_makes_inherit_the_same_as_distill() {
    let z = latents(80);
    let (epsilon, steps, rate) = (0.1, 25, 0.02);
    let mut drive = Wind([0.7, -1.3]);
    // The inherited loss is 1/(2ε) times the distilled one, up to a constant.
    let distill = TrainingSpec {
        inner_steps: steps,
        learning_rate: rate,
        ..exact()
    };
    let inherit = TrainingSpec {
        learning_rate: 2.0 * epsilon * rate,
        ..distill.clone()
    };
    let stated = TrainingSpec {
        beta: WordOr::Value(0.5 / epsilon),
        ..inherit.clone()
    };
    assert_eq!(inherit.beta, WordOr::Word(BetaRule::Auto));
    let mut train = |spec: GeneratorSpec| {
        let mut generator = trained(&spec, &z);
        round(&mut generator, &mut drive, epsilon, Stream::new(1, "round"));
        generator.parameters()
    };
    let truth = train(GeneratorSpec::Distill(distill));
    for spec in [inherit, stated] {
        let gap = difference(&truth, &train(GeneratorSpec::Inherit(spec)));
        assert!(gap < 1e-12, "{gap:e}");
    }
}

#[test]
fn an_affine_generator_distils_to_the_least_squares_fit() {
    let z = latents(300);
    let mut drive = Bent::new(Map::Identity);
    let epsilon = 0.2;
    let spec = TrainingSpec {
        inner_steps: 2000,
        learning_rate: 0.2,
        network: WordOr::Word(AffineWord::Affine),
        ..exact()
    };
    let mut generator = built(&GeneratorSpec::Distill(spec), &z);
    round(&mut generator, &mut drive, epsilon, Stream::new(1, "round"));
    let [m0, m1, a, b, c, d]: [f64; 6] = generator.parameters().try_into().unwrap();

    // The normal equations of x = m + S z: the residual is orthogonal to 1 and to z.
    let aim = &z + &(drive.velocity(z.view()) * epsilon);
    let fit = z.dot(&array![[a, c], [b, d]]) + array![[m0, m1]];
    let residual = aim - fit;
    let moments = residual.t().dot(&z) / 300.0;
    let mean = cloud::mean(residual.view());
    assert!(
        mean.iter().chain(&moments).all(|v| v.abs() < 1e-10),
        "{mean:?} {moments:?}"
    );
}

#[test]
fn a_clip_bounds_what_distilling_aims_at() {
    let z = latents(60);
    let spec = TrainingSpec {
        inner_steps: 3000,
        learning_rate: 0.2,
        network: WordOr::Word(AffineWord::Affine),
        ..exact()
    };
    let mut generator = built(&GeneratorSpec::Distill(spec), &z);
    bounded(
        &mut generator,
        &mut Wind([3.0, 4.0]),
        [1.0, 0.5],
        Stream::new(1, "round"),
    );
    let moved = cloud::mean((generator.cloud() - &z).view());
    assert!(
        (moved[0] - 0.3).abs() < 1e-9 && (moved[1] - 0.4).abs() < 1e-9,
        "{moved:?}"
    );
}

#[test]
fn many_inner_steps_reproduce_the_pure_flow_within_the_reported_gap() {
    use ratioflow::discriminator::kde::KdeSpec;
    let z = latents(200);
    let real = source().sample(300, Stream::new(2, "target")) * 0.5 + array![[1.0, 0.0]];
    let flow = |spec: FlowSpec| {
        let kde = KdeSpec {
            bandwidth: WordOr::Value(0.6),
            ..KdeSpec::default()
        };
        Flow::new(
            spec,
            Box::new(kde.build().unwrap()),
            real.clone(),
            z.clone(),
            3,
        )
        .unwrap()
    };
    let spec = FlowSpec {
        steps: 4,
        step_size: WordOr::Value(0.1),
        ..FlowSpec::default()
    };
    let mut pure = flow(spec.clone());
    while pure.advance().unwrap().is_some() {}

    let training = TrainingSpec {
        inner_steps: 800,
        optimizer: OptimizerKind::Adam,
        learning_rate: 2e-3,
        batch: WordOr::Word(Full::Full),
        latents: Latents::Fixed,
        precision: Precision::F64,
        ..plain()
    };
    let generator = built(&GeneratorSpec::Distill(training), &z);
    let mut distilled = flow(spec).with_generator(generator).unwrap();
    let mut bound = 0.0;
    let mut before = 0.0;
    while let Some(step) = distilled.advance().unwrap() {
        if let Some(gap) = step.state.distillation_gap {
            assert!(gap < 0.2, "step {}: gap {gap}", step.index);
            // What a step asked for is at most what it did and what it missed.
            let moved = step.state.path_length - before;
            bound += gap.sqrt() * moved / (1.0 - gap.sqrt());
        }
        before = step.state.path_length;
    }
    let apart = cloud::rms((&distilled.state().cloud - &pure.state().cloud).view());
    // The step of this flow does not enlarge differences, so that the misses add up at most.
    assert!(apart <= bound, "apart {apart}, misses {bound}");
    assert!(bound < 0.3 * pure.state().path_length);
}

#[test]
fn training_goes_on_bit_for_bit_from_what_was_carried() {
    let z = latents(64);
    for network in [
        WordOr::Value(vec![16, 16]),
        WordOr::Word(AffineWord::Affine),
    ] {
        let spec = GeneratorSpec::Distill(TrainingSpec {
            network,
            batch: WordOr::Value(16),
            ..plain()
        });
        let mut drive = Bent::new(Map::Identity);
        let stream = Stream::new(5, "round");
        let mut one = built(&spec, &z);
        bounded(&mut one, &mut drive, [0.1, 1.0], stream.at(0));
        let mut two = built(&spec, &z);
        assert!(two.load_state(&one.state()));
        bounded(&mut one, &mut drive, [0.1, 1.0], stream.at(1));
        bounded(&mut two, &mut drive, [0.1, 1.0], stream.at(1));
        assert_eq!(one.parameters(), two.parameters());
        assert!(
            !two.load_state(&[1.0, 2.0]),
            "numbers of another shape are refused"
        );
    }
}

#[test]
fn settings_out_of_range_and_meaningless_combinations_are_refused() {
    let z = latents(10);
    let bad = [
        GeneratorSpec::Distill(TrainingSpec {
            inner_steps: 0,
            ..plain()
        }),
        GeneratorSpec::Distill(TrainingSpec {
            batch: WordOr::Value(0),
            ..plain()
        }),
        GeneratorSpec::Distill(TrainingSpec {
            learning_rate: f64::NAN,
            ..plain()
        }),
        GeneratorSpec::Distill(TrainingSpec {
            network: WordOr::Value(vec![]),
            ..plain()
        }),
        GeneratorSpec::Adversarial(TrainingSpec {
            beta: WordOr::Value(1.0),
            ..plain()
        }),
        GeneratorSpec::Inherit(TrainingSpec {
            beta: WordOr::Value(-1.0),
            ..plain()
        }),
    ];
    for spec in bad {
        let invalid = spec
            .build(
                z.clone(),
                [source(), source()],
                Units::default(),
                Stream::new(1, "w"),
            )
            .unwrap_err();
        assert!(invalid.key.starts_with(spec.name()), "{invalid}");
    }
    let kde = ratioflow::discriminator::kde::KdeSpec::default()
        .build()
        .unwrap();
    let spec = FlowSpec {
        integrator: Integrator::Heun,
        ..FlowSpec::default()
    };
    let flow = Flow::new(spec, Box::new(kde), z.clone(), z.clone(), 0).unwrap();
    let generator = built(&GeneratorSpec::Distill(exact()), &z);
    assert_eq!(
        flow.with_generator(generator).unwrap_err().key,
        "integrator"
    );
}

/// Keeps what the discriminator is fitted to and where its field is asked, and pushes nowhere.
#[derive(Default)]
struct Witness {
    fits: Vec<[Cloud; 2]>,
    asked: std::cell::RefCell<Vec<Cloud>>,
}

impl Drive for Witness {
    fn velocity(&self, at: CloudView<'_>) -> Cloud {
        self.asked.borrow_mut().push(at.to_owned());
        Cloud::zeros(at.raw_dim())
    }

    fn refit(&mut self, real: CloudView<'_>, fake: CloudView<'_>, _: u64) -> Result<(), FitError> {
        self.fits.push([real.to_owned(), fake.to_owned()]);
        Ok(())
    }
}

#[test]
fn a_fresh_field_never_sees_a_point_twice() {
    let spec = GeneratorSpec::Distill(TrainingSpec {
        inner_steps: 10,
        batch: WordOr::Value(30),
        network: WordOr::Value(vec![8]),
        ..TrainingSpec::default()
    });
    let mut generator = built(&spec, &latents(50));
    let mut witness = Witness::default();
    let stream = Stream::new(1, "rounds");
    for step in 0..3 {
        round(&mut generator, &mut witness, 0.1, stream.at(step));
    }
    // Four batches a fit, and two at the end of each round.
    let sizes = witness.fits.iter().map(|fit| fit[1].nrows());
    assert_eq!(sizes.collect::<Vec<_>>(), [120, 120, 60].repeat(3));
    let mut all: Vec<[u64; 2]> = Vec::new();
    let asked = witness.asked.borrow();
    // Nothing moves, so that an image is its latent point.
    let clouds = witness.fits.iter().flatten().chain(&*asked);
    for cloud in clouds {
        all.extend(
            cloud
                .rows()
                .into_iter()
                .map(|p| [p[0].to_bits(), p[1].to_bits()]),
        );
    }
    assert_eq!(all.len(), 3 * 3 * 300);
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 3 * 3 * 300);
}

#[test]
fn what_is_drawn_is_the_running_average_of_the_parameters() {
    let decay = 0.9;
    for network in [WordOr::Value(vec![16]), WordOr::Word(AffineWord::Affine)] {
        let with = |average: f64, steps: usize| {
            let spec = GeneratorSpec::Distill(TrainingSpec {
                network: network.clone(),
                inner_steps: steps,
                average,
                ..exact()
            });
            let mut generator = built(&spec, &latents(100));
            round(
                &mut generator,
                &mut Bent::new(Map::Identity),
                0.1,
                Stream::new(1, "round"),
            );
            generator.parameters()
        };
        let start = with(decay, 1);
        // θ after 0, 1, … steps; of the first, which the average gives with θ₁.
        let along: Vec<Vec<f64>> = (1..=5).map(|steps| with(0.0, steps)).collect();
        let first: Vec<f64> = (start.iter().zip(&along[0]))
            .map(|(mean, one)| (mean - (1.0 - decay) * one) / decay)
            .collect();
        let mut mean = first;
        for theta in &along {
            for (mean, theta) in mean.iter_mut().zip(theta) {
                *mean = decay * *mean + (1.0 - decay) * theta;
            }
        }
        let found = with(decay, 5);
        assert!(difference(&mean, &found) < 1e-12, "{found:?}");
        assert!(difference(&along[4], &found) > 1e-6);
    }
}

/// The rate stays for half of the run and ends at a hundredth: a plain step is as long as its rate.
#[test]
fn the_rate_decays_along_a_cosine() {
    let moved = |from: f64| {
        let spec = GeneratorSpec::Distill(TrainingSpec {
            learning_rate_decay: Decay::Cosine,
            ..exact()
        });
        let z = latents(100);
        let mut generator = built(&spec, &z);
        let round = Round {
            step_size: 0.1,
            longest: f64::INFINITY,
            progress: [from, from],
            stream: Stream::new(1, "round"),
        };
        let before = generator.parameters();
        generator
            .train(&mut Bent::new(Map::Identity), &round)
            .unwrap();
        let after = generator.parameters();
        let square: f64 = before
            .iter()
            .zip(&after)
            .map(|(a, b)| (a - b).powi(2))
            .sum();
        square.sqrt()
    };
    let whole = moved(0.0);
    for (progress, factor) in [(0.3, 1.0), (0.5, 1.0), (0.75, 0.505), (1.0, 0.01)] {
        let found = moved(progress) / whole;
        assert!((found - factor).abs() < 1e-9, "{progress}: {found}");
    }
}

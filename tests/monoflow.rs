//! Which generator losses reach the target if the ratio is exact: `MonoFlow`, section 4.3, as `generator.adversarial.loss` and `ratio` have it.

use std::sync::Arc;

use ndarray::{Array2, arr1, arr2};
use ratioflow::cloud::{Cloud, CloudView};
use ratioflow::divergence::Divergence;
use ratioflow::generator::{
    AffineWord, Drive, FieldRule, Full, Generator, GeneratorSpec, Latents, Loss, RatioRule, Round,
    TrainingSpec, Units,
};
use ratioflow::monotone::Monotone;
use ratioflow::network::OptimizerKind;
use ratioflow::random::Stream;
use ratioflow::setting::WordOr;
use ratioflow::target::{GaussianSpec, Mixture};

const COVARIANCE: [[f64; 2]; 2] = [[1.0, 0.8], [0.8, 0.89]];
const RATE: f64 = 1e-3;

/// Close enough to the target for the expectations of all losses to exist: `m′`, `S′` in the generator's own units.
const NEAR: [f64; 6] = [0.2, 0.1, -0.05, 0.05, 0.8, -0.45];

fn gaussian(mean: [f64; 2], covariance: [[f64; 2]; 2]) -> Mixture {
    let spec = GaussianSpec {
        mean: mean.into(),
        covariance: covariance.into(),
    };
    spec.build().unwrap()
}

/// The factors of one divergence, and nothing to ask a discriminator for.
struct Known(Divergence);

impl Drive for Known {
    fn velocity(&self, _: CloudView<'_>) -> Cloud {
        unreachable!("an exact ratio asks no discriminator")
    }

    fn factor(&self, loss: Loss, u: f64) -> f64 {
        match loss {
            Loss::H => Monotone::new(&WordOr::Word(self.0.map()), 0.0)
                .unwrap()
                .slope(u),
            Loss::F => -self.0.slope(u),
        }
    }
}

/// An affine generator of `z ~ N(0, I)` at these parameters.
fn generator(loss: Loss, rule: RatioRule, z: &Cloud, at: [f64; 6]) -> Generator {
    let spec = GeneratorSpec::Adversarial(TrainingSpec {
        inner_steps: 1,
        optimizer: OptimizerKind::Sgd,
        learning_rate: RATE,
        batch: WordOr::Word(Full::Full),
        latents: Latents::Fixed,
        field: FieldRule::Cloud,
        average: 0.0,
        network: WordOr::Word(AffineWord::Affine),
        loss,
        ratio: Some(rule),
        ..TrainingSpec::default()
    });
    let source = Arc::new(gaussian([0.0; 2], [[1.0, 0.0], [0.0, 1.0]]));
    let target = Arc::new(gaussian([0.0; 2], COVARIANCE));
    let units = Units::default();
    let built = spec.build(
        z.clone(),
        [source, target],
        units,
        Stream::new(7, "weights"),
    );
    let mut generator = built.unwrap();
    assert!(generator.set_layers(&layers(at)));
    generator
}

fn layers([m0, m1, a, b, c, d]: [f64; 6]) -> Vec<(Array2<f64>, ndarray::Array1<f64>)> {
    vec![(arr2(&[[a, b], [c, d]]), arr1(&[m0, m1]))]
}

fn flat(generator: &Generator) -> [f64; 6] {
    let (s, m) = &generator.layers()[0];
    [m[0], m[1], s[[0, 0]], s[[0, 1]], s[[1, 0]], s[[1, 1]]]
}

/// The gradient of the loss, by what one plain step at a known rate does.
fn gradient(f: Divergence, loss: Loss, rule: RatioRule, z: &Cloud) -> [f64; 6] {
    let mut generator = generator(loss, rule, z, NEAR);
    let round = Round {
        step_size: 0.1,
        longest: f64::INFINITY,
        progress: [0.0, 0.01],
        stream: Stream::new(1, "round"),
    };
    generator.train(&mut Known(f), &round).unwrap();
    let after = flat(&generator);
    std::array::from_fn(|k| (NEAR[k] - after[k]) / RATE)
}

/// `log N(x; m, C)` with the covariance inverted, as one writes it without a generator in mind.
fn log_normal(x: [f64; 2], m: [f64; 2], [[a, b], [_, c]]: [[f64; 2]; 2]) -> f64 {
    let det = a * c - b * b;
    let (x, y) = (x[0] - m[0], x[1] - m[1]);
    let distance2 = (c * x * x - 2.0 * b * x * y + a * y * y) / det;
    -0.5 * distance2 - (2.0 * std::f64::consts::PI).ln() - 0.5 * det.ln()
}

/// The mean loss over the images of `z` at the parameters `at`, with r the ratio to the density of the generator at `q`.
fn mean_loss(f: Divergence, loss: Loss, at: [f64; 6], q: [f64; 6], z: &Cloud) -> f64 {
    let map = |at| generator(loss, RatioRule::Detached, z, at);
    let x = map(at).apply(z.view());
    let [m0, m1, a, b, c, d] = map(q).parameters()[..] else {
        panic!("an affine map has six parameters")
    };
    let mixed = a * c + b * d;
    let covariance = [[a * a + b * b, mixed], [mixed, c * c + d * d]];
    let h = Monotone::new(&WordOr::Word(f.map()), 0.0).unwrap();
    let losses = x.rows().into_iter().map(|x| {
        let x = [x[0], x[1]];
        let u = log_normal(x, [0.0; 2], COVARIANCE) - log_normal(x, [m0, m1], covariance);
        match loss {
            Loss::F => f.value(u),
            Loss::H => -h.value(u),
        }
    });
    losses.sum::<f64>() / z.nrows() as f64
}

const CELLS: [(Loss, RatioRule); 4] = [
    (Loss::F, RatioRule::Attached),
    (Loss::F, RatioRule::Detached),
    (Loss::H, RatioRule::Attached),
    (Loss::H, RatioRule::Detached),
];

#[test]
fn every_gradient_is_that_of_its_own_definition() {
    use ratioflow::target::Target;
    let z = gaussian([0.0; 2], [[1.0, 0.0], [0.0, 1.0]]).sample(64, Stream::new(1, "latent"));
    for f in Divergence::ALL {
        for (loss, rule) in CELLS {
            let slopes = gradient(f, loss, rule, &z);
            let size = slopes.iter().fold(0.0_f64, |most, g| most.max(g.abs()));
            for (k, slope) in slopes.into_iter().enumerate() {
                let value = |d: f64| {
                    let mut moved = NEAR;
                    moved[k] += d;
                    let attached = rule == RatioRule::Attached;
                    mean_loss(f, loss, moved, if attached { moved } else { NEAR }, &z)
                };
                let difference = (value(1e-5) - value(-1e-5)) / 2e-5;
                assert!(
                    (slope - difference).abs() < 1e-6 * size,
                    "{f:?} {loss} {rule}, parameter {k}: {slope} against {difference}"
                );
            }
        }
    }
}

/// ‖a − b‖ / ‖a‖.
fn difference(a: [f64; 6], b: [f64; 6]) -> f64 {
    let gap: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    let size: f64 = a.iter().map(|a| a * a).sum();
    (gap / size).sqrt()
}

#[test]
fn detaching_the_ratio_turns_f_into_h() {
    use ratioflow::target::Target;
    // Each point with its three images by turns of a quarter, so that odd moments vanish.
    let drawn = gaussian([0.0; 2], [[1.0, 0.0], [0.0, 1.0]]).sample(100_000, Stream::new(1, "z"));
    let z = Array2::from_shape_fn((400_000, 2), |(i, axis)| {
        let (x, y) = (drawn[[i / 4, 0]], drawn[[i / 4, 1]]);
        [[x, y], [-y, x], [-x, -y], [y, -x]][i % 4][axis]
    });
    for f in [
        Divergence::ReverseKl,
        Divergence::ForwardKl,
        Divergence::Hellinger,
        Divergence::JensenShannon,
    ] {
        let falls = gradient(f, Loss::F, RatioRule::Attached, &z);
        let gap = difference(falls, gradient(f, Loss::H, RatioRule::Detached, &z));
        assert!(gap < 0.02, "{f:?}: {gap}");
        let mistaken = difference(falls, gradient(f, Loss::F, RatioRule::Detached, &z));
        assert_eq!(
            mistaken > 0.5,
            f != Divergence::ReverseKl,
            "{f:?}: {mistaken}"
        );
    }
}

#[test]
fn what_is_asked_of_no_known_densities_is_refused() {
    let refused = |more: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_ratioflow"))
            .args(["check", "attached-detached"])
            .args(more.split(' '))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{more}");
        String::from_utf8(output.stderr).unwrap()
    };
    let attached = "--set generator.adversarial.ratio=attached";
    for (more, place) in [
        ("--discriminator kde", "it is the ratio of known densities"),
        (
            "--set generator.adversarial.network=[8]",
            "set network = \"affine\"",
        ),
        (
            "--set source={pinwheel={}}",
            "densities of source and target",
        ),
        ("--set flow.precondition=covariance", "is followed as it is"),
        (
            "--set generator.adversarial.loss=f --set flow.h=arcsinh",
            "belongs to none",
        ),
        ("--set generator.adversarial.ratio=half", "attached"),
    ] {
        let told = refused(&format!("{attached} {more}"));
        assert!(told.contains(place), "{more}: {told}");
    }
    let told = refused("--generator distill --set generator.distill.loss=f");
    assert!(told.contains("generator.adversarial"), "{told}");
}

//! Times of one refit of the neural discriminator and of one distillation round, at the sizes of the peer benchmarks.

mod shared;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, criterion_group, criterion_main};
use ratioflow::cloud::Cloud;
use ratioflow::discriminator::mlp::{MlpSpec, NoiseRule};
use ratioflow::discriminator::{Discriminator, FitContext, Ratio};
use ratioflow::generator::{Decay, FieldRule, GeneratorSpec, Latents, TrainingSpec, Units};
use ratioflow::network::Activation;
use ratioflow::random::Stream;
use ratioflow::setting::WordOr;
use ratioflow::target::{GaussianSpec, RingSpec, Target};

use shared::{Wind, round};

const COUNT: usize = 2000;
const BATCH: usize = 256;

fn particles(count: usize) -> Cloud {
    GaussianSpec::default()
        .build()
        .unwrap()
        .sample(count, Stream::new(1, "source"))
}

fn target() -> Cloud {
    RingSpec::default()
        .build()
        .unwrap()
        .sample(COUNT, Stream::new(1, "target"))
}

type Group<'a> = BenchmarkGroup<'a, WallTime>;

fn settings(group: &mut Group<'_>) {
    group
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
}

/// 20 Adam steps on 256 + 256 points, then the gradient at 2000 points.
fn refit(group: &mut Group<'_>, width: usize, real: &Cloud, warm_up: usize) {
    let fake = particles(COUNT);
    let spec = MlpSpec {
        hidden: vec![width; 2],
        activation: Activation::LeakyRelu,
        inner_steps: 20,
        warm_up,
        batch: BATCH,
        r1: 0.0,
        noise: WordOr::Word(NoiseRule::Off),
        ..MlpSpec::default()
    };
    let mut mlp = spec.build().unwrap();
    let mut ratio = Ratio::zeros(COUNT);
    let mut index = 0;
    group.bench_function(BenchmarkId::new(width.to_string(), BATCH), |b| {
        b.iter(|| {
            let round = FitContext {
                index,
                progress: 0.0,
                stream: Stream::new(1, "fit").at(index),
            };
            index += 1;
            // Within the thread pool, as a flow does it.
            rayon::scope(|_| {
                mlp.fit(real.view(), black_box(fake.view()), round).unwrap();
                mlp.evaluate(fake.view(), &mut ratio);
            });
        });
    });
}

fn refits(c: &mut Criterion) {
    let mut group = c.benchmark_group("mlp-refit");
    settings(&mut group);
    for width in [64, 128] {
        refit(&mut group, width, &target(), 20);
    }
    group.finish();
}

/// A target that is narrow and far away, after the network has become sure of it: its gradients fade, and take as long as any others as long as
/// none of them is subnormal.
fn sure_refits(c: &mut Criterion) {
    let mut group = c.benchmark_group("mlp-refit-sure");
    settings(&mut group);
    refit(&mut group, 64, &(0.01 * target() + 10.0), 4000);
    group.finish();
}

/// 20 Adam steps of regression on 256 points. The latent points are few, because a round begins with a look at all of them, which
/// the peers' benchmarks leave out.
fn distillations(c: &mut Criterion) {
    let mut group = c.benchmark_group("distill");
    settings(&mut group);
    let source: Arc<dyn Target> =
        Arc::from(Box::new(GaussianSpec::default().build().unwrap()) as Box<dyn Target>);
    let spec = GeneratorSpec::Distill(TrainingSpec {
        network: WordOr::Value(vec![64, 64]),
        activation: Activation::LeakyRelu,
        inner_steps: 20,
        batch: WordOr::Value(BATCH),
        latents: Latents::Fixed,
        field: FieldRule::Cloud,
        learning_rate_decay: Decay::Constant,
        average: 0.0,
        ..TrainingSpec::default()
    });
    let mut generator = spec
        .build(
            particles(BATCH + 1),
            [Arc::clone(&source), source],
            Units::default(),
            Stream::new(1, "weights"),
        )
        .unwrap();
    let mut count = 0;
    group.bench_function(BenchmarkId::new("64", BATCH), |b| {
        b.iter(|| {
            let round = round(count);
            count += 1;
            rayon::scope(|_| generator.train(black_box(&mut Wind), &round).unwrap());
        });
    });
    group.finish();
}

criterion_group!(benches, refits, sure_refits, distillations);
criterion_main!(benches);

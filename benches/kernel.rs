//! Times of one velocity evaluation: kernel sums of target and cloud at every particle, preparation included.
//!
//! The data are those of a usual first step: a Gaussian cloud, and a ring of eight narrow Gaussians as target.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ndarray::Array2;
use ndarray_rand::RandomExt;
use ndarray_rand::rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use ratioflow::cloud::Cloud;
use ratioflow::kernel::{Method, Points, sums};

const BANDWIDTH: f64 = 0.2;

fn gaussian(count: usize, seed: u64) -> Cloud {
    Array2::random_using(
        (count, 2),
        StandardNormal,
        &mut ChaCha8Rng::seed_from_u64(seed),
    )
}

fn eight_gaussians(count: usize) -> Cloud {
    let mut cloud = 0.1 * gaussian(count, 1);
    for (i, mut row) in cloud.rows_mut().into_iter().enumerate() {
        let (y, x) = (i as f64 * std::f64::consts::FRAC_PI_4).sin_cos();
        row[0] += 2.0 * x;
        row[1] += 2.0 * y;
    }
    cloud
}

fn velocity(c: &mut Criterion, name: &str, method: Method, counts: &[usize]) {
    let mut group = c.benchmark_group(name);
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    for &count in counts {
        let particles = gaussian(count, 0);
        let mut real = Points::new(eight_gaussians(count).view());
        let mut fake = Points::default();
        group.throughput(Throughput::Elements(2 * (count * count) as u64));
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| {
                // The target is prepared once, the cloud at every step.
                fake = Points::default();
                fake.load(particles.view());
                black_box(sums(&fake, [&real, &fake], BANDWIDTH, method))
            });
        });
        real = Points::default();
        black_box(&real);
    }
    group.finish();
}

fn direct(c: &mut Criterion) {
    velocity(c, "kde", Method::Direct, &[1000, 4000, 16_000]);
    velocity(c, "kde-exact", Method::Exact, &[4000]);
}

criterion_group!(benches, direct);
criterion_main!(benches);

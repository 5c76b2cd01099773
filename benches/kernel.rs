//! Times of one velocity evaluation: kernel sums of target and cloud at every particle, preparation included. As in a run, the cloud has
//! moved since the last one, and the memory is that of the last one.
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
use ratioflow::kernel::{Method, Points, sums_into};

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

fn velocity(c: &mut Criterion, name: &str, method: Option<Method>, counts: &[usize]) {
    let mut group = c.benchmark_group(name);
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    for &count in counts {
        let clouds = [gaussian(count, 0), gaussian(count, 2)];
        let (mut fake, mut found, mut turn) = (Points::default(), Vec::new(), 0);
        // The target is prepared once, the cloud at every step.
        let real = Points::new(eight_gaussians(count).view());
        group.throughput(Throughput::Elements(2 * (count * count) as u64));
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| {
                turn ^= 1;
                fake.load(black_box(clouds[turn].view()));
                let clouds = [&real, &fake];
                let method =
                    method.unwrap_or_else(|| Method::cheapest(&fake, clouds, BANDWIDTH, 1e-8));
                sums_into(&mut found, &fake, clouds, BANDWIDTH, method);
            });
        });
    }
    group.finish();
}

fn velocities(c: &mut Criterion) {
    velocity(c, "kde", Some(Method::Direct), &[1000, 4000, 16_000]);
    velocity(c, "kde-exact", Some(Method::Exact), &[1000, 4000]);
    velocity(c, "kde-grid", Some(Method::Grid), &[100_000, 1_000_000]);
    // What a run with the default tolerance does.
    velocity(c, "kde-default", None, &[300, 1000, 4000, 16_000]);
}

criterion_group!(benches, velocities);
criterion_main!(benches);

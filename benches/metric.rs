//! Times of the measures between two clouds of one size: an end of a run against its target, as other programs are timed on.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ndarray::Array2;
use ndarray_rand::RandomExt;
use ndarray_rand::rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use ratioflow::cloud::Cloud;
use ratioflow::metric::{
    C2st, Coupling, EnergyDistance, ExactW2, KnnKl, Metric, Mmd2, Sinkhorn, SlicedW2,
};

fn gaussian(count: usize, seed: u64) -> Cloud {
    Array2::random_using(
        (count, 2),
        StandardNormal,
        &mut ChaCha8Rng::seed_from_u64(seed),
    )
}

/// Eight Gaussians around a circle, in turn.
fn ring(count: usize, radius: f64, sd: f64, seed: u64) -> Cloud {
    let mut cloud = sd * gaussian(count, seed);
    for (i, mut row) in cloud.rows_mut().into_iter().enumerate() {
        let (y, x) = (i as f64 * std::f64::consts::FRAC_PI_4).sin_cos();
        row[0] += radius * x;
        row[1] += radius * y;
    }
    cloud
}

fn metrics(c: &mut Criterion) {
    let mut group = c.benchmark_group("metric");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    for count in [1000, 2000] {
        let target = ring(count, 2.0, 0.1, 1);
        let late = ring(count, 1.95, 0.13, 2);
        let mut bench = |name: &str, measure: &dyn Fn() -> f64| {
            group.bench_function(BenchmarkId::new(name, count), |b| b.iter(measure));
        };
        let exact = ExactW2::new(target.view()).ok();
        if let Some(exact) = &exact {
            bench("w2_cold", &|| exact.measure(black_box(late.view())));
            // Along a run: the last solution is that of the cloud one step, a tenth of the way, before.
            let before = &late + &((&ring(count, 1.9, 0.16, 2) - &late) * 0.1);
            let last = exact.solve(before.view(), None).ok();
            bench("w2_warm", &|| {
                let solved = exact.solve(black_box(late.view()), last.as_ref());
                solved.map_or(f64::NAN, |transport| transport.value)
            });
        }
        bench("w2_network_simplex", &|| {
            let coupling = Coupling::new(black_box(late.view()), None, target.view(), None);
            coupling.map_or(f64::NAN, |coupling| coupling.value)
        });
        // The reference's own pairs are part of the work, as they are for others.
        bench("energy_distance", &|| {
            EnergyDistance::new(target.view()).measure(black_box(late.view()))
        });
        bench("mmd2", &|| {
            Mmd2::new(target.view(), 0.5).measure(black_box(late.view()))
        });
        bench("sliced_w2", &|| {
            SlicedW2::new(target.view(), 100).measure(black_box(late.view()))
        });
        bench("sinkhorn", &|| {
            Sinkhorn::new(target.view(), 0.05).measure(black_box(late.view()))
        });
        bench("knn_kl", &|| {
            KnnKl::new(target.view(), 5).measure(black_box(late.view()))
        });
        bench("c2st", &|| {
            C2st::new(target.view()).measure(black_box(late.view()))
        });
    }
    group.finish();
}

criterion_group!(benches, metrics);
criterion_main!(benches);

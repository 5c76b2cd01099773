//! Every loss of the neural discriminator: the ratio that it finds, and where a flow along it ends.

use ratioflow::cloud::Cloud;
use ratioflow::discriminator::mlp::MlpSpec;
use ratioflow::discriminator::{Discriminator, Ratio, Round};
use ratioflow::random::Stream;
use ratioflow::target::{GaussianSpec, Target};

fn normal(mean: [f64; 2], count: usize, stream: Stream) -> Cloud {
    let spec = GaussianSpec { mean, ..GaussianSpec::default() };
    spec.build().unwrap().sample(count, stream)
}

/// Root mean square errors of `D` and of `∇D` over the samples of `q`, for `p = N((½, 0), I)` and `q = N((−½, 0), I)`,
/// whose log ratio is `x`.
fn errors(settings: &str, seed: u64) -> [f64; 2] {
    std::panic::catch_unwind(|| errors0(settings, seed)).unwrap_or([f64::NAN; 2])
}
fn errors0(settings: &str, seed: u64) -> [f64; 2] {
    let stream = Stream::new(seed, "samples");
    let real = normal([0.5, 0.0], 4000, stream.part("p"));
    let fake = normal([-0.5, 0.0], 4000, stream.part("q"));
    let spec: MlpSpec = toml::from_str(&format!("noise = 'off'\n{settings}")).unwrap();
    let mut mlp = spec.build().unwrap();
    for index in 0..40 {
        let round = Round { index, progress: index as f64 / 40.0, stream: Stream::new(seed, "fit").at(index) };
        mlp.fit(real.view(), fake.view(), round).unwrap();
    }
    let mut ratio = Ratio::default();
    mlp.evaluate(fake.view(), &mut ratio);
    let count = fake.nrows() as f64;
    let mut sums = [0.0; 2];
    for (i, row) in fake.rows().into_iter().enumerate() {
        sums[0] += (ratio.log[i] - row[0]).powi(2);
        sums[1] += (ratio.gradient[[i, 0]] - 1.0).powi(2) + ratio.gradient[[i, 1]].powi(2);
    }
    sums.map(|sum| (sum / count).sqrt())
}

#[test]
fn explore() {
    for loss in ["logistic", "least-squares", "exponential", "reverse-kl", "forward-kl", "chi2"] {
        for extra in ["", "learning_rate=2e-3", "learning_rate=1e-3", "optimizer='sgd'\nlearning_rate=0.05", "optimizer='sgd'\nlearning_rate=0.02","optimizer='sgd'\nlearning_rate=0.01"] {
        let e = errors(&format!("loss='{loss}'\n{extra}"), 1);
        let f = errors(&format!("loss='{loss}'\n{extra}"), 2);
        println!("{loss} {extra:?}: {e:.3?} {f:.3?}");
        }
    }
}

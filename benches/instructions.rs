//! Instructions of the ten hottest pieces of work, which no neighbour on the machine can change: a guard against what would be slower.
//!
//! `cargo bench --bench instructions` counts them under valgrind, on one thread, and compares them with `benches/instructions.csv`; with
//! `-- --write` it writes that file anew. Valgrind runs the code for AVX2 on every machine with an x86 processor. Counts differ between versions of the compiler:
//! write the file anew when that changes, and look at what has moved.

mod shared;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::{env, fs};

use ratioflow::cloud::{Cloud, CloudView};
use ratioflow::discriminator::mlp::{MlpSpec, NoiseRule};
use ratioflow::discriminator::{Discriminator, FitContext, Ratio};
use ratioflow::generator::{FieldRule, GeneratorSpec, Latents, TrainingSpec, Units};
use ratioflow::kernel::{Method, Points, sums_into};
use ratioflow::metric::{C2st, EnergyDistance, ExactW2, KnnKl, Metric, Mmd2, SlicedW2};
use ratioflow::random::Stream;
use ratioflow::setting::WordOr;
use ratioflow::target::{GaussianSpec, RingSpec, Target};

use shared::{Wind, round};

/// Part of a count that may be more, or less, before somebody is told.
const TOLERANCE: f64 = 0.04;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.csv");

/// A piece of work that is prepared and can then be done again and again.
type Work = Box<dyn FnMut()>;

/// Its name, and its preparation.
type Kernel = (&'static str, fn() -> Work);

const KERNELS: [Kernel; 10] = [
    ("kde direct, 2000 + 2000", || kde(Method::Direct, 2000)),
    ("kde on a grid, 50000 + 50000", || kde(Method::Grid, 50_000)),
    ("energy distance, 2000", || {
        measured(|target| Box::new(EnergyDistance::new(target)))
    }),
    ("mmd2, 2000", || {
        measured(|target| Box::new(Mmd2::new(target, 0.5)))
    }),
    ("sliced W2, 2000", || {
        measured(|target| Box::new(SlicedW2::new(target, 100)))
    }),
    ("kNN KL, 2000", || {
        measured(|target| Box::new(KnnKl::new(target, 5)))
    }),
    ("C2ST, 2000", || {
        measured(|target| Box::new(C2st::new(target)))
    }),
    ("exact W2, 1000", exact),
    ("mlp refit, 64-64, 20 steps of 256", refit),
    ("distil, 64-64, 20 steps of 256", distil),
];

fn points(count: usize, seed: u64) -> Cloud {
    let source = GaussianSpec::default().build().unwrap();
    source.sample(count, Stream::new(seed, "source"))
}

fn ring(count: usize) -> Cloud {
    let target = RingSpec::default().build().unwrap();
    target.sample(count, Stream::new(1, "target"))
}

fn kde(method: Method, count: usize) -> Work {
    let (fake, real) = (points(count, 1), Points::new(ring(count).view()));
    let (mut cloud, mut found) = (Points::default(), Vec::new());
    Box::new(move || {
        cloud.load(black_box(fake.view()));
        sums_into(&mut found, &cloud, [&real, &cloud], 0.2, method);
    })
}

fn measured(metric: fn(CloudView<'_>) -> Box<dyn Metric>) -> Work {
    let (target, cloud) = (ring(2000), points(2000, 2));
    Box::new(move || {
        black_box(metric(target.view()).measure(black_box(cloud.view())));
    })
}

fn exact() -> Work {
    let (target, cloud) = (ring(1000), points(1000, 2));
    Box::new(move || {
        let exact = ExactW2::new(target.view()).unwrap();
        black_box(exact.measure(black_box(cloud.view())));
    })
}

fn refit() -> Work {
    let spec = MlpSpec {
        hidden: vec![64, 64],
        inner_steps: 20,
        warm_up: 20,
        batch: 256,
        noise: WordOr::Word(NoiseRule::Off),
        ..MlpSpec::default()
    };
    let mut mlp = spec.build().unwrap();
    let (real, fake, mut ratio) = (ring(2000), points(2000, 1), Ratio::zeros(2000));
    let mut index = 0;
    Box::new(move || {
        let round = FitContext {
            index,
            progress: 0.0,
            stream: Stream::new(1, "fit").at(index),
        };
        index += 1;
        mlp.fit(real.view(), fake.view(), round).unwrap();
        mlp.evaluate(fake.view(), &mut ratio);
    })
}

fn distil() -> Work {
    let source: Arc<dyn Target> = Arc::new(GaussianSpec::default().build().unwrap());
    let spec = GeneratorSpec::Distill(TrainingSpec {
        network: WordOr::Value(vec![64, 64]),
        inner_steps: 20,
        batch: WordOr::Value(256),
        latents: Latents::Fixed,
        field: FieldRule::Cloud,
        ..TrainingSpec::default()
    });
    let between = [Arc::clone(&source), source];
    let weights = Stream::new(1, "weights");
    let built = spec.build(points(257, 1), between, Units::default(), weights);
    let (mut generator, mut count) = (built.unwrap(), 0);
    Box::new(move || {
        let round = round(count);
        count += 1;
        generator.train(&mut Wind, &round).unwrap();
    })
}

/// Instructions of this program when it prepares the kernel at this place and does it so many times.
fn count(place: usize, times: usize) -> Option<u64> {
    let output = Command::new("valgrind")
        .args([
            "--tool=cachegrind",
            "--cache-sim=no",
            "--cachegrind-out-file=/dev/null",
        ])
        .arg(env::current_exe().ok()?)
        .args(["--kernel", &place.to_string(), &times.to_string()])
        .env("RAYON_NUM_THREADS", "1")
        .output()
        .ok()?;
    let told = String::from_utf8_lossy(&output.stderr);
    let line = told.lines().find(|line| line.contains("refs:"))?;
    let digits: String = line
        .split("refs:")
        .nth(1)?
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    digits.parse().ok()
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().collect();
    if let Some(at) = arguments.iter().position(|a| a == "--kernel") {
        let [place, times] = [1, 2].map(|k| arguments[at + k].parse::<usize>().unwrap());
        let mut work = KERNELS[place].1();
        (0..times).for_each(|_| work());
        return ExitCode::SUCCESS;
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        eprintln!("SKIPPED: valgrind is not here, so that no instructions were counted");
        return ExitCode::SUCCESS;
    }
    let write = arguments.iter().any(|a| a == "--write");
    let known = fs::read_to_string(FILE).unwrap_or_default();
    let known: BTreeMap<&str, f64> = known
        .lines()
        .filter_map(|line| line.rsplit_once(','))
        .filter_map(|(name, count)| Some((name.trim_matches('"'), count.parse().ok()?)))
        .collect();
    let (mut text, mut failed) = ("kernel,instructions\n".to_owned(), false);
    for (place, (name, _)) in KERNELS.iter().enumerate() {
        // What a second time adds: neither the start of the program nor the preparation.
        let [once, twice] = [1, 2].map(|times| count(place, times));
        let (Some(once), Some(twice)) = (once, twice) else {
            eprintln!("{name}: valgrind gave no count");
            failed = true;
            continue;
        };
        let found = twice - once;
        text.extend([format!("\"{name}\",{found}\n")]);
        let part = known.get(name).map(|known| found as f64 / known - 1.0);
        let verdict = match part {
            _ if write => "written",
            None => "not in the file: write it anew",
            Some(part) if part > TOLERANCE => "MORE than it was",
            Some(part) if part < -TOLERANCE => "less than it was: write the file anew",
            Some(_) => "as it was",
        };
        failed |= !write && part.is_none_or(|part| part.abs() > TOLERANCE);
        let part = part.map_or_else(String::new, |part| format!("{:+.1} %", 100.0 * part));
        println!(
            "{name:<44} {:>10.1} M {part:>8}  {verdict}",
            found as f64 / 1e6
        );
    }
    if write {
        fs::write(FILE, text).expect("the file lies in the repository");
    }
    if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

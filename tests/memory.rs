//! What a command says that it will take of memory, against what it takes.
#![cfg(target_os = "linux")]

mod shared;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ratioflow::discriminator::DiscriminatorSpec;
use ratioflow::scenario::{Document, Resources};
use tempfile::TempDir;

use shared::{draw, send};

/// Greatest memory of a child, in bytes.
fn peak(command: &mut Command) -> f64 {
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak = 0.0_f64;
    loop {
        if let Ok(text) = fs::read_to_string(&status) {
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
            peak = kilobytes.map_or(peak, |k| {
                peak.max(1024.0 * k.trim().parse::<f64>().unwrap())
            });
        }
        if let Some(status) = child.try_wait().unwrap() {
            // A flow may diverge and take as much as any other.
            assert!(matches!(status.code(), Some(0 | 4)), "{status}");
            return peak;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of set-ups")]
fn the_estimate_of_memory_is_near_the_peak() {
    let home = tempfile::tempdir().unwrap();
    let mut wrong = 0;
    for settings in [
        &["cloud.particles=500", "output.frames=0"][..],
        &["cloud.particles=10000", "output.frames=10"],
        &["cloud.particles=5000", "output.frames=60", "flow.steps=59"],
        &["cloud.particles=500", "output.scale=3", "output.frames=2"],
        &[
            "cloud.particles=100000",
            "cloud.samples=100000",
            "metrics.particles=1000",
            "output.frames=4",
            "flow.steps=3",
        ],
        &[
            "cloud.particles=100000",
            "cloud.samples=100000",
            "metrics.particles=1000",
            "output.frames=0",
            "flow.steps=3",
            "discriminator.mlp.warm_up=2",
        ],
        &[
            "cloud.particles=500",
            "cloud.samples=100000",
            "output.frames=0",
        ],
        &[
            "discriminator.mlp.hidden=[1000, 1000]",
            "discriminator.mlp.batch=20000",
            "discriminator.mlp.warm_up=1",
            "discriminator.mlp.inner_steps=1",
            "output.frames=0",
            "flow.steps=1",
        ],
        &[
            "discriminator.wasserstein.batch=100000",
            "discriminator.wasserstein.warm_up=1",
            "discriminator.wasserstein.inner_steps=1",
            "output.frames=0",
            "flow.steps=1",
        ],
        &[
            "generator.distill.network=[1000, 1000]",
            "generator.distill.batch=\"full\"",
            "generator.distill.inner_steps=1",
            "cloud.particles=20000",
            "metrics.particles=500",
            "output.frames=0",
            "flow.steps=1",
        ],
        &[
            "discriminator.ulsif.centres=1000",
            "cloud.particles=10000",
            "cloud.samples=10000",
            "metrics.particles=500",
            "output.frames=0",
            "flow.steps=1",
        ],
        &[
            "metrics.permutations=5000",
            "metrics.particles=5000",
            "cloud.particles=5000",
            "metrics.reference=5000",
            "output.frames=0",
            "flow.steps=1",
        ],
    ] {
        let mut text = "[target.moons]\n[flow]\nsteps = 5\n".to_owned();
        text += "[metrics]\nreference = 1000\nfloor_draws = 19\npermutations = 19\nevery = 100\n";
        let mut document = Document::parse("s.toml", &text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ratioflow"));
        fs::write(home.path().join("s.toml"), text).unwrap();
        command
            .current_dir(home.path())
            .args(["run", "s.toml", "-q", "--threads", "2"]);
        for setting in settings {
            document.set(setting).unwrap();
            command.args(["--set", setting]);
        }
        let estimate = Resources::of(&document.read().unwrap(), 2).memory();
        let peak = peak(&mut command);
        println!(
            "{settings:?}: estimate {:.0} MB, peak {:.0} MB",
            estimate / 1e6,
            peak / 1e6
        );
        wrong += usize::from((estimate - peak).abs() > 0.1 * peak + 64e6);
    }
    assert_eq!(wrong, 0);
}

/// Grids have as many nodes as points of a narrow kernel ask for, up to a bound; many draws keep many values.
#[test]
fn narrow_kernels_and_many_draws_take_what_was_said() {
    let square = "[target.uniform]\nlow = [0.0, 0.0]\nhigh = [1.0, 1.0]\n[source.uniform]\nlow = [0.0, 0.0]\nhigh = [1.3, 1.0]\n";
    let clusters = "[target.grid]\nrows = 20\ncolumns = 20\nspacing = 1.0\nsd = 0.001\n";
    let of_line = "[target.uniform]\nlow = [0.0]\nhigh = [1.0]\n";
    let kernels = ["0.00038", "0.001", "0.003"].map(|h| (square, 20_000, h));
    let others = [
        (square, 100_000, "0.0006"),
        (clusters, 20_000, "\"loo\""),
        (of_line, 20_000, "1e-6"),
    ];
    let kernels = kernels.into_iter().chain(others).map(|(text, count, h)| {
        let sizes = ["particles", "samples"].map(|key| format!("cloud.{key}={count}"));
        let kernel = format!("discriminator.kde.bandwidth={h}");
        (text, [&sizes[..], &[kernel]].concat())
    });
    let draws = [
        (clusters, 300_000, "[]"),
        (square, 300_000, "[]"),
        (square, 600_000, "['energy_distance']"),
    ];
    let draws = draws.map(|(text, count, only)| {
        let few = "cloud.particles=3".to_owned();
        let draws = format!("metrics.floor_draws={count}");
        (text, vec![few, draws, format!("metrics.only={only}")])
    });
    let mut wrong = Vec::new();
    for (place, (text, settings)) in kernels.chain(draws).enumerate() {
        let name = format!("{place}.toml");
        let mut words = words(&format!(
            "run {name} --no-frames --threads 2 --out r{place}"
        ));
        words.extend(set(&settings));
        let common = [
            "flow.steps=2",
            "metrics.particles=100",
            "output.animation=false",
        ];
        words.extend(set(&common.map(str::to_owned)));
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join(&name), text).unwrap();
        let set_up = SetUp { home, words };
        let estimate = set_up.estimate();
        let peak = peak(set_up.command().env("XDG_CACHE_HOME", set_up.home.path()));
        let line = format!(
            "estimate {:.0} MB, peak {:.0} MB: {settings:?}",
            estimate / 1e6,
            peak / 1e6
        );
        println!("{line}");
        if (estimate - peak).abs() > 0.1 * peak + 64e6 {
            wrong.push(line);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Numbers for a set-up.
struct Dice(u64);

impl Dice {
    /// A whole number between, of which each factor is as likely.
    fn size(&mut self, low: usize, high: usize) -> usize {
        let share = (draw(&mut self.0) >> 11) as f64 / (1_u64 << 53) as f64;
        (low as f64 * (high as f64 / low as f64).powf(share)) as usize
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[(draw(&mut self.0) % from.len() as u64) as usize]
    }
}

/// A command in a folder of its own.
struct SetUp {
    home: TempDir,
    words: Vec<String>,
}

impl SetUp {
    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ratioflow"));
        command
            .current_dir(self.home.path())
            .args(&self.words)
            .arg("-q");
        command
    }

    /// What the command asks for, in bytes: with next to no address space it is refused and says so.
    fn estimate(&self) -> f64 {
        let output = Command::new("sh")
            .current_dir(self.home.path())
            .args(["-c", "ulimit -v 80000; exec \"$0\" \"$@\" --json"])
            .arg(env!("CARGO_BIN_EXE_ratioflow"))
            .args(&self.words)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let (_, rest) = told
            .split_once("this needs about ")
            .unwrap_or_else(|| panic!("{:?} is not refused: {:.300}", self.words, told));
        let mut words = rest.split_whitespace();
        let number: f64 = words.next().unwrap().parse().unwrap();
        let unit = match words.next().unwrap() {
            "MB" => 1e6,
            "GB" => 1e9,
            other => panic!("{other}"),
        };
        number * unit
    }
}

/// Those that give no log ratio.
const FIELDS: [&str; 7] = [
    "mmd",
    "drmmd",
    "sinkhorn",
    "sliced",
    "score",
    "drift",
    "wasserstein",
];

/// Settings of a run of a few steps, of any size.
fn settings(dice: &mut Dice, steps: usize) -> Vec<String> {
    let estimators: Vec<&str> = DiscriminatorSpec::CATALOGUE
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| *name != "oracle")
        .collect();
    let estimator = *dice.pick(&estimators);
    let most = match estimator {
        "kde" | "mmd" | "mlp" | "wasserstein" | "score" | "sliced" => 200_000,
        "kliep" | "kale" | "drift" | "sinkhorn" => 3000,
        _ => 20_000,
    };
    let key = |name: &str, value: usize| format!("discriminator.{estimator}.{name}={value}");
    let mut all = match estimator {
        "mlp" | "wasserstein" | "score" => vec![
            key("warm_up", 1),
            key("inner_steps", 1),
            key("batch", dice.size(64, 20_000)),
            format!(
                "discriminator.{estimator}.hidden=[{0}, {0}]",
                dice.size(16, 700)
            ),
        ],
        "logistic" => vec![key("count", dice.size(20, 400))],
        "kde" if dice.size(1, 3) == 1 => {
            let h = 10f64.powf(-0.001 * dice.size(500, 5000) as f64);
            vec![format!("discriminator.kde.bandwidth={h:e}")]
        }
        "kde" | "mmd" | "moments" | "linear" | "drift" | "sinkhorn" | "sliced" => {
            vec![format!("discriminator.{estimator}={{}}")]
        }
        _ => vec![key("centres", dice.size(20, 800))],
    };
    all.extend([
        format!("flow.steps={steps}"),
        format!("cloud.particles={}", dice.size(100, most)),
        format!("cloud.samples={}", dice.size(100, most)),
        format!("metrics.particles={}", dice.size(100, 3000)),
        format!("metrics.permutations={}", dice.size(19, 2000)),
        format!("output.frames={}", dice.size(2, 12)),
        format!("output.scale={}.0", dice.size(1, 4)),
        "metrics.floor_draws=19".to_owned(),
    ]);
    match *dice.pick(&["generator", "births", "bath", "none", "none"]) {
        "generator" => all.extend([
            "generator.distill.inner_steps=2".to_owned(),
            format!(
                "generator.distill.field=\"{}\"",
                dice.pick(&["fresh", "cloud"])
            ),
            format!("generator.distill.batch={}", dice.size(64, 20_000)),
            format!("generator.distill.network=[{0}, {0}]", dice.size(16, 700)),
        ]),
        // Births need to know where mass is missing.
        "births" if !FIELDS.contains(&estimator) => {
            all.push("flow.reaction={}".to_owned());
        }
        "bath" => all.push("cloud.final=\"sample\"".to_owned()),
        _ => {}
    }
    all
}

fn set(settings: &[String]) -> Vec<String> {
    let pairs = settings
        .iter()
        .flat_map(|one| ["--set".to_owned(), one.clone()]);
    pairs.collect()
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Writes so many points, as a text or as an array.
fn points(path: &Path, count: usize, state: &mut u64) {
    let mut unit = || (draw(state) >> 11) as f64 / (1_u64 << 53) as f64;
    let rows = (0..count).map(|_| [unit(), unit()]);
    if path.extension().is_some_and(|ending| ending == "csv") {
        let lines: Vec<String> = rows.map(|[x, y]| format!("{x},{y}")).collect();
        fs::write(path, format!("x,y\n{}\n", lines.join("\n"))).unwrap();
    } else {
        let cloud = ndarray::Array2::from(rows.collect::<Vec<_>>());
        ndarray_npy::write_npy(path, &cloud).unwrap();
    }
}

/// A set-up of some command; what it needs has been made.
#[expect(clippy::too_many_lines, reason = "a table of set-ups")]
fn set_up(kind: usize, dice: &mut Dice) -> SetUp {
    let home = tempfile::tempdir().unwrap();
    let ready = |words: &[String]| {
        let output = Command::new(env!("CARGO_BIN_EXE_ratioflow"))
            .current_dir(home.path())
            .args(words)
            .arg("-q")
            .output()
            .unwrap();
        let code = output.status.code();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(code, Some(0 | 4)), "{words:?}: {told}");
    };
    let out = |start: &str, more: Vec<String>| [words(start), more].concat();
    let words = match kind {
        0 => out("run moons --threads 2 --out r", set(&settings(dice, 3))),
        1 => {
            let settings = settings(dice, 2);
            let seeds = dice.size(1, 4);
            // On one thread one run goes on at a time; on more there are as many as there is memory for.
            let mut all = out(
                &format!("compare moons --threads 1 --out c --seeds {seeds}"),
                set(&settings),
            );
            for variant in 0..dice.size(2, 9) {
                all.push("--variant".to_owned());
                all.push(format!("v{variant}: flow.steps={}", 1 + variant % 3));
            }
            all
        }
        2 => {
            points(
                &home.path().join("p.csv"),
                dice.size(1000, 1_000_000),
                &mut dice.0,
            );
            let target = "[target.points]\nfile = \"p.csv\"\n";
            fs::write(home.path().join("p.toml"), target).unwrap();
            out("run p.toml --threads 2 --out r", set(&settings(dice, 2)))
        }
        3 => {
            let mut all = settings(dice, 30);
            // Long enough to be stopped.
            let more = [
                "output.checkpoint_every=1",
                "metrics.every=1",
                "cloud.particles=3000",
                "metrics.particles=2000",
            ];
            all.extend(more.map(str::to_owned));
            let begin = out("run moons -q --threads 2 --out r", set(&all));
            stop_after_a_checkpoint(home.path(), &begin);
            words("resume r --threads 2")
        }
        4 => {
            let mut all = settings(dice, 3);
            all.retain(|one| !one.starts_with("output.scale"));
            // Of a larger cloud than is kept nothing can be drawn again.
            all.push("output.particles=200000".to_owned());
            ready(&out("run moons --threads 2 --out r", set(&all)));
            let (scale, width) = (dice.size(1, 4), dice.size(480, 3000));
            words(&format!("render r --scale {scale} --width {width}"))
        }
        5 => {
            for name in ["a.npy", "b.csv"] {
                points(
                    &home.path().join(name),
                    dice.size(1000, 1_000_000),
                    &mut dice.0,
                );
            }
            let draws = dice.size(19, 20_000);
            words(&format!(
                "measure a.npy b.csv --threads 2 --only mmd2 --points 200 --draws {draws}"
            ))
        }
        6 => {
            // As tall as wide.
            fs::write(home.path().join("ring.toml"), "[target.ring]\n").unwrap();
            let cells = dice.size(64, 700);
            words(&format!(
                "reference ring.toml --threads 2 --times 0,0.05 --tolerance 1e-3 --out o --cells {cells}"
            ))
        }
        7 => {
            let (particles, samples) = (dice.size(100, 10_000), dice.size(100, 10_000));
            words(&format!(
                "calibrate gaussian-pair --threads 2 --out o --set cloud.particles={particles} --set cloud.samples={samples}"
            ))
        }
        8 => {
            ready(&words(
                "run two-gaussians --out r --no-frames --generator distill --steps 2",
            ));
            let (count, file) = (dice.size(100, 3_000_000), dice.pick(&["s.npy", "s.csv"]));
            words(&format!("sample r --threads 2 -n {count} --out {file}"))
        }
        _ => {
            let scale = dice.size(1, 5);
            words(&format!(
                "gallery gaussian-pair --no-frames --force --out g --scale {scale}"
            ))
        }
    };
    SetUp { home, words }
}

/// Begins a run and stops it as soon as it could be gone on with.
fn stop_after_a_checkpoint(home: &Path, words: &[String]) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ratioflow"))
        .current_dir(home)
        .args(words)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while !home.join("r/checkpoint").exists() && begun.elapsed() < Duration::from_secs(120) {
        thread::sleep(Duration::from_millis(5));
    }
    send("TERM", &child);
    child.wait().unwrap();
    assert!(home.join("r/checkpoint").exists(), "{words:?}");
}

/// Estimates against peaks.
fn compare(seeds: impl Iterator<Item = u64>) {
    let mut wrong = Vec::new();
    let mut worst = [0.0_f64; 2];
    for seed in seeds {
        let kind = (seed % 10) as usize;
        let set_up = set_up(kind, &mut Dice(seed));
        let estimate = set_up.estimate();
        let peak = peak(&mut set_up.command());
        let line = format!(
            "{seed}: estimate {:.0} MB, peak {:.0} MB: {}",
            estimate / 1e6,
            peak / 1e6,
            set_up.words.join(" ")
        );
        println!("{line}");
        let off = (estimate - peak).abs() / (0.1 * peak + 64e6);
        if off > worst[0] {
            worst = [off, (estimate - peak).abs()];
        }
        if off > 1.0 {
            wrong.push(line);
        }
    }
    let [part, bytes] = worst;
    println!(
        "the worst used {:.0} % of its margin, {:.0} MB",
        100.0 * part,
        bytes / 1e6
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// One set-up of each of six commands.
#[test]
fn six_set_ups_take_what_was_said() {
    compare([0, 1, 4, 5, 6, 7].into_iter());
}

#[test]
#[ignore = "takes minutes"]
fn forty_set_ups_take_what_was_said() {
    compare(100..140);
}

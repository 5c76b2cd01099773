//! What sweeps cost beside their runs: planning, starting tasks, collecting.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// A run of about a tenth of a second.
const SCENARIO: &str = "
[target.ring]
[cloud]
particles = 400
samples = 600
[flow]
steps = 80
[metrics]
every = 10
floor_draws = 19
permutations = 19
";

fn sweep(folder: &Path, args: &[&str]) -> f64 {
    let begun = Instant::now();
    let done = Command::new(env!("CARGO_BIN_EXE_ratioflow"))
        .arg("sweep")
        .args(args)
        .arg("-q")
        .current_dir(folder)
        .output()
        .expect("the program starts");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    begun.elapsed().as_secs_f64()
}

/// Seconds of all tasks together, as they were collected.
fn spent(folder: &Path, sweep: &str) -> f64 {
    let table =
        fs::read_to_string(folder.join(sweep).join("timings.csv")).expect("it was collected");
    let seconds = table
        .lines()
        .skip(1)
        .filter_map(|line| line.rsplit(',').next()?.parse::<f64>().ok());
    seconds.sum()
}

fn main() {
    // `cargo test --all-targets` asks benches too.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    let home = tempfile::tempdir().expect("a folder can be made");
    let folder = home.path();
    fs::write(folder.join("s.toml"), SCENARIO).expect("the scenario can be written");

    let axes = [
        "--grid",
        "flow.step_ratio=0.001..1:0.001",
        "--grid",
        "flow.steps=1..100",
    ];
    let seconds = sweep(
        folder,
        &[&["plan", "s.toml", "--out", "large"][..], &axes].concat(),
    );
    println!("planning 100 000 cells: {seconds:.2} s");

    sweep(
        folder,
        &[
            "plan",
            "s.toml",
            "--grid",
            "flow.step_ratio=0.5,1",
            "--seeds",
            "1..500",
            "--out",
            "many",
        ],
    );
    let seconds = sweep(folder, &["run", "many", "-j", "2"]);
    sweep(folder, &["collect", "many"]);
    let own = spent(folder, "many") / 2.0;
    println!(
        "1000 tasks of {:.3} s on 2 cores: {seconds:.2} s, of which tasks {own:.2} s, overhead {:.1} %",
        own / 500.0,
        100.0 * (seconds / own - 1.0)
    );

    let small = [
        "--set",
        "flow.steps=2",
        "--set",
        "cloud.particles=30",
        "--set",
        "cloud.samples=40",
    ];
    sweep(
        folder,
        &[
            &["plan", "s.toml", "--seeds", "1..10000", "--out", "small"][..],
            &small,
        ]
        .concat(),
    );
    sweep(folder, &["run", "small"]);
    let seconds = sweep(folder, &["collect", "small"]);
    println!("collecting 10 000 runs: {seconds:.2} s");
}

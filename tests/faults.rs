//! What befalls a program from outside: kills, signals, full disks, folders that cannot be written to.
#![cfg(unix)]

mod shared;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ratioflow::store::{Checkpoint, Manifest, Status};

use shared::{contents, ctrl_c, draw, send};

/// A run of a tenth of a second with a checkpoint at every step.
const SCENARIO: &str = "
[target.ring]
[cloud]
particles = 40
samples = 50
[flow]
steps = 30
[discriminator.mlp]
hidden = [8]
warm_up = 5
inner_steps = 2
batch = 16
[generator.distill]
network = [8]
inner_steps = 2
batch = 16
[metrics]
every = 1
floor_draws = 19
permutations = 19
[output]
frames = 4
scale = 0.25
checkpoint_every = 1
";

fn ratioflow(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ratioflow"));
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// A folder with the scenario, and a finished run `whole` of it.
struct Home {
    root: tempfile::TempDir,
    whole: BTreeMap<PathBuf, Vec<u8>>,
    took: Duration,
}

impl Home {
    fn new(scenario: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("s.toml"), scenario).unwrap();
        let begun = Instant::now();
        let ended = ratioflow(root.path())
            .args(["run", "s.toml", "--out", "whole"])
            .output()
            .unwrap();
        assert!(ended.status.success(), "{}", told(&ended));
        let whole = contents(&root.path().join("whole"));
        Self {
            root,
            whole,
            took: begun.elapsed(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn begin(&self, name: &str) -> Command {
        let mut command = ratioflow(self.root.path());
        command.args(["run", "s.toml", "-q", "--threads", "2", "--out", name]);
        command
    }

    fn resume(&self, name: &str) -> Command {
        let mut command = ratioflow(self.root.path());
        command.args(["resume", name, "--threads", "1"]);
        command
    }

    /// The run `name` is whole: the same bytes as the one that nothing has befallen.
    fn assert_whole(&self, name: &str, about: &str) {
        let found = contents(&self.path(name));
        assert!(
            found.keys().eq(self.whole.keys()),
            "{about}: {:?}",
            found.keys()
        );
        for (file, bytes) in &self.whole {
            assert!(found[file] == *bytes, "{about}: {} differs", file.display());
        }
    }

    /// Whatever has befallen the run `name`, nothing in it lies. Gives the step of its last checkpoint.
    fn assert_honest(&self, name: &str, about: &str) -> usize {
        let path = self.path(name);
        if path.join("run.json").exists() {
            let manifest = Manifest::load(&path).unwrap_or_else(|e| panic!("{about}: {e}"));
            if manifest.status == Status::Complete {
                for (file, bytes) in &self.whole {
                    let found = fs::read(path.join(file)).unwrap();
                    let is_there = if file.ends_with(".lock") {
                        is_list_of(&found, bytes)
                    } else {
                        found == *bytes
                    };
                    assert!(
                        is_there,
                        "{about}: said to be complete, but {} differs",
                        file.display()
                    );
                }
            }
        }
        let found = if path.is_dir() {
            contents(&path)
        } else {
            BTreeMap::new()
        };
        let mut step = 0;
        for (file, bytes) in &found {
            let name = file.to_str().unwrap();
            match name {
                "checkpoint" | "checkpoint.previous" => {
                    let checkpoint = Checkpoint::decode(bytes)
                        .unwrap_or_else(|damage| panic!("{about}: {name}: {damage}"));
                    step = step.max(
                        checkpoint.arrays["flow/state"]
                            .first()
                            .map_or(0, |&s| s as usize),
                    );
                }
                "metrics.csv" => assert!(
                    self.whole[file].starts_with(bytes),
                    "{about}: rows of another run"
                ),
                "run.json" | "checkpoint.frames" => {}
                _ if name.starts_with('.') || name.contains("/.") => {}
                _ => assert!(
                    *bytes == self.whole[file],
                    "{about}: {name} is neither whole nor absent"
                ),
            }
        }
        step
    }
}

/// Whether a list of files names those of the whole run. It is put in order last, which may fail: until then checkpoints, and whatever order, are
/// no fault, and going on mends both.
fn is_list_of(found: &[u8], whole: &[u8]) -> bool {
    let lines = |bytes: &[u8]| -> BTreeSet<String> {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let lines = text
            .lines()
            .filter(|line| !line.starts_with("\"checkpoint"));
        lines
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect()
    };
    lines(found) == lines(whole)
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A share of 1.
fn share(state: &mut u64) -> f64 {
    (draw(state) >> 11) as f64 / (1_u64 << 53) as f64
}

/// One clear error, not a panic.
fn assert_one_error(output: &Output, about: &str) {
    let told = told(output);
    assert_eq!(told.matches("error: ").count(), 1, "{about}: {told}");
    assert!(!told.contains("bug"), "{about}: {told}");
}

#[test]
fn two_hundred_kills_lose_at_most_a_step_each() {
    let home = Home::new(SCENARIO);
    let (mut random, mut kills, mut runs) = (1, 0, 0);
    while kills < 200 {
        let name = format!("run-{runs}");
        runs += 1;
        // Steps that a checkpoint must have: what a row on file says was measured, but for the last.
        let mut done = 0;
        loop {
            let begun = home.path(&name).join("run.json").exists();
            let mut command = if begun {
                home.resume(&name)
            } else {
                let mut command = home.begin(&name);
                // Killed before its manifest: what there is may be replaced.
                command.arg("--force");
                command
            };
            let mut child: Child = command.spawn().unwrap();
            thread::sleep(home.took.mul_f64(1.2 * share(&mut random)));
            child.kill().unwrap();
            let output = child.wait_with_output().unwrap();
            let about = format!("{name}, kill {kills}");
            let step = home.assert_honest(&name, &about);
            assert!(step >= done, "{about}: at step {step} after {done}");
            if output.status.success() {
                break;
            }
            assert_eq!(
                output.status.signal(),
                Some(9),
                "{about}: {}",
                told(&output)
            );
            kills += 1;
            if let Ok(rows) = fs::read_to_string(home.path(&name).join("metrics.csv")) {
                done = done.max(rows.lines().count().saturating_sub(3)).min(30);
            }
        }
        // A complete run that was killed over its clearing up is cleared up by the next command on it.
        let again = home.resume(&name).output().unwrap();
        assert!(again.status.success(), "{}", told(&again));
        home.assert_whole(&name, &name);
    }
    println!("{kills} kills over {runs} runs");
}

/// Ended by the signal: by us with its code, or, before we listen, by the system.
fn ended_by(status: ExitStatus, code: i32) -> bool {
    status.code() == Some(code) || status.signal() == Some(code - 128)
}

#[test]
fn a_signal_at_any_time_leaves_a_run_that_can_be_gone_on_with() {
    let home = Home::new(SCENARIO);
    let mut random = 3;
    let mut longest = Duration::ZERO;
    let mut interrupted = 0;
    for round in 0..24 {
        let name = format!("run-{round}");
        let (signal, code) = [ctrl_c(), ("TERM", 143)][round % 2];
        let child = home.begin(&name).spawn().unwrap();
        thread::sleep(home.took.mul_f64(share(&mut random)));
        send(signal, &child);
        let begun = Instant::now();
        let output = child.wait_with_output().unwrap();
        longest = longest.max(begun.elapsed());
        home.assert_honest(&name, &name);
        if output.status.success() {
            home.assert_whole(&name, &name);
            continue;
        }
        assert!(
            ended_by(output.status, code),
            "{:?} {}",
            output.status,
            told(&output)
        );
        let path = home.path(&name);
        if path.join("run.json").exists() {
            if output.status.code() == Some(code) {
                let manifest = Manifest::load(&path).unwrap();
                assert_eq!(
                    manifest.status,
                    Status::Interrupted,
                    "{:?}",
                    manifest.ending
                );
                interrupted += 1;
            }
            let output = home.resume(&name).output().unwrap();
            assert!(output.status.success(), "{}", told(&output));
            home.assert_whole(&name, &name);
        }
    }
    assert!(interrupted > 5, "{interrupted}");
    println!("{interrupted} interrupted, the longest took {longest:?}");
}

/// A step that takes minutes: patience ends before it does, and a second signal does not wait for that. Two that come together
/// are one.
#[test]
fn a_long_step_does_not_hold_up_a_signal() {
    let long = SCENARIO.replace("warm_up = 5", "warm_up = 2000000000");
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("s.toml"), long).unwrap();
    let cases = [
        (1, 0, ctrl_c().1, Status::Interrupted),
        (2, 0, ctrl_c().1, Status::Interrupted),
        (2, 400, 143, Status::Running),
    ];
    for (signals, apart, code, expected) in cases {
        let name = format!("run-{signals}-{apart}");
        let child = ratioflow(root.path())
            .args(["run", "s.toml", "--out", &name])
            .spawn()
            .unwrap();
        let path = root.path().join(&name);
        while !path.join("metrics.csv").exists() {
            thread::sleep(Duration::from_millis(10));
        }
        for place in 0..signals {
            thread::sleep(Duration::from_millis(apart * place));
            send(if code == 130 { "INT" } else { "TERM" }, &child);
        }
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", told(&output));
        let status = Manifest::load(&path).unwrap().status;
        assert_eq!(status, expected);
    }
}

#[test]
fn a_comparison_is_gone_on_with_too() {
    let root = tempfile::tempdir().unwrap();
    fs::write(
        root.path().join("s.toml"),
        SCENARIO.replace("steps = 30", "steps = 12"),
    )
    .unwrap();
    let begin = |name: &str| {
        let mut command = ratioflow(root.path());
        let variants = [
            "--variant",
            "a: flow.steps=12",
            "--variant",
            "b: flow.step_size=0.01",
        ];
        command
            .args(["compare", "s.toml", "-q", "--seeds", "2", "--out", name])
            .args(variants);
        command
    };
    let begun = Instant::now();
    assert!(begin("whole").status().unwrap().success());
    let took = begun.elapsed();
    let whole = contents(&root.path().join("whole"));
    let (mut random, mut stops) = (5, 0);
    for round in 0..3 {
        let name = format!("stopped-{round}");
        let path = root.path().join(&name);
        loop {
            let begun = path.join("comparison.json").exists();
            let mut command = if begun {
                let mut command = ratioflow(root.path());
                command.args(["resume", &name]);
                command
            } else {
                let _ = fs::remove_dir_all(&path);
                begin(&name)
            };
            let mut child = command.spawn().unwrap();
            thread::sleep(took.mul_f64(share(&mut random)));
            if stops % 2 == 0 {
                child.kill().unwrap();
            } else {
                send(ctrl_c().0, &child);
            }
            let output = child.wait_with_output().unwrap();
            if output.status.success() {
                break;
            }
            assert!(
                ended_by(output.status, ctrl_c().1) || ended_by(output.status, 137),
                "{}",
                told(&output)
            );
            stops += 1;
        }
        let again = ratioflow(root.path())
            .args(["resume", &name])
            .output()
            .unwrap();
        assert!(again.status.success(), "{}", told(&again));
        let found = contents(&path);
        assert!(found.keys().eq(whole.keys()), "{:?}", found.keys());
        for (file, bytes) in &whole {
            assert!(found[file] == *bytes, "{} differs", file.display());
        }
        let part = ratioflow(root.path())
            .args(["resume", &format!("{name}/a")])
            .output()
            .unwrap();
        assert_eq!(part.status.code(), Some(3));
        assert!(
            told(&part).contains("part of the comparison"),
            "{}",
            told(&part)
        );
    }
    assert!(stops > 2, "{stops}");
}

/// A disk that is full from the N-th change on, and one that fails once, for every N there is.
#[cfg(target_os = "linux")]
#[test]
fn every_write_may_fail() {
    let scenario = SCENARIO
        .replace("steps = 30", "steps = 3")
        .replace("frames = 4", "frames = 2");
    let home = Home::new(&scenario);
    let library = home.path("faults.so");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/faults.c"))
        .arg("-ldl")
        .status();
    if !built.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no C compiler");
        return;
    }
    let count = home.path("count");
    let counted = home
        .begin("counted")
        .env("LD_PRELOAD", &library)
        .env("FAIL_COUNT", &count)
        .output()
        .unwrap();
    assert!(counted.status.success(), "{}", told(&counted));
    home.assert_whole("counted", "with no fault");
    let changes: usize = fs::read_to_string(count).unwrap().parse().unwrap();
    assert!(changes > 50, "{changes} changes");
    for from in 1..=changes {
        // One fault in three is a passing one.
        let once = from % 3 == 0;
        let name = format!("run-{from}");
        let mut command = home.begin(&name);
        command
            .env("LD_PRELOAD", &library)
            .env("FAIL_FROM", from.to_string());
        if once {
            command.env("FAIL_ONCE", "1");
        }
        let output = command.output().unwrap();
        let about = format!("change {from}{}", if once { ", once" } else { "" });
        assert_eq!(output.status.code(), Some(3), "{about}: {}", told(&output));
        assert_one_error(&output, &about);
        home.assert_honest(&name, &about);
        if home.path(&name).join("run.json").exists() {
            let output = home.resume(&name).output().unwrap();
            assert!(output.status.success(), "{about}: {}", told(&output));
            home.assert_whole(&name, &about);
        }
        let _ = fs::remove_dir_all(home.path(&name));
    }
    println!("{changes} changes, each of which failed");
}

#[cfg(target_os = "linux")]
#[test]
fn a_small_disk_fills_up() {
    let home = Home::new(SCENARIO);
    let disk = home.path("disk");
    fs::create_dir(&disk).unwrap();
    let bytes: usize = home.whole.values().map(Vec::len).sum();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o"])
        .arg(format!("size={}", bytes / 2))
        .arg("none")
        .arg(&disk)
        .stderr(Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no file system may be mounted here");
        return;
    }
    let output = home.begin("disk/run").output().unwrap();
    let about = "on a small disk";
    let code = output.status.code();
    home.assert_honest("disk/run", about);
    let unmounted = Command::new("umount").arg(&disk).status().unwrap();
    assert!(unmounted.success());
    assert!(matches!(code, Some(3 | 5)), "{code:?} {}", told(&output));
    assert_one_error(&output, about);
}

#[test]
fn a_place_that_cannot_be_written_to_is_one_error() {
    let home = Home::new(SCENARIO);
    fs::write(home.path("file"), "").unwrap();
    for place in [
        "/proc/run",
        "/sys/run",
        "/dev/null",
        "file",
        "file/run",
        "/dev/full/run",
    ] {
        let output = home.begin(place).output().unwrap();
        assert!(
            matches!(output.status.code(), Some(3 | 6)),
            "{place}: {:?} {}",
            output.status,
            told(&output)
        );
        assert_one_error(&output, place);
    }
    for place in ["nowhere", "file", "/proc", "/dev/null", "."] {
        let output = home.resume(place).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{place}: {}", told(&output));
        assert_one_error(&output, place);
    }
}

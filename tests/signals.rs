//! Signals: each leaves a run that can be gone on with, and says where it lies.
#![cfg(unix)]

mod shared;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ratioflow::store::{Checkpoint, Manifest, Status};
use tempfile::TempDir;

use shared::{ctrl_c, hang_up, send};

/// Steps of a few milliseconds, more of them than anybody waits for.
const STEADY: &str = "[target.ring]\n[cloud]\nparticles = 200\nsamples = 200\n[flow]\nsteps = 1000000\n[metrics]\nevery = 10\nfloor_draws = 8\npermutations = 19\n[output]\nframes = 0\nscale = 0.25\ncheckpoint_every = 1000000000\n";

/// A step that takes minutes.
const LONG: &str = "[target.ring]\n[cloud]\nparticles = 20\nsamples = 20\n[discriminator.mlp]\nwarm_up = 2000000000\n[metrics]\nfloor_draws = 8\npermutations = 19\n[output]\nframes = 0\n";

struct Home(TempDir);

impl Home {
    fn new(scenario: &str) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        fs::write(home.path().join("s.toml"), scenario).unwrap();
        home
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// A run in the folder `r` that has measured its first cloud; `before` is what the shell does before it.
    fn begin(&self, before: &str) -> Child {
        let child = Command::new("sh")
            .arg("-c")
            .arg(format!("{before} exec \"$0\" run s.toml -q --out r"))
            .arg(env!("CARGO_BIN_EXE_ratioflow"))
            .current_dir(self.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        wait_for(|| {
            let table = fs::read_to_string(self.path().join("r/metrics.csv"));
            table.is_ok_and(|table| table.lines().count() > 0)
        });
        child
    }

    fn status(&self) -> Status {
        Manifest::load(&self.path().join("r")).unwrap().status
    }
}

fn wait_for(mut ready: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !ready() {
        assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain");
        thread::sleep(Duration::from_millis(10));
    }
}

fn end(child: Child) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[test]
fn every_signal_that_ends_writes_a_checkpoint_first_and_says_where() {
    for (signal, code) in [ctrl_c(), ("TERM", 143), hang_up(), ("XCPU", 152)] {
        let home = Home::new(STEADY);
        let child = home.begin("");
        send(signal, &child);
        let (ended, text) = end(child);
        assert_eq!(ended, Some(code), "{signal}: {text}");
        assert_eq!(home.status(), Status::Interrupted, "{signal}");
        assert!(home.path().join("r/checkpoint").exists(), "{signal}");
        assert!(text.contains("`ratioflow resume r`"), "{signal}: {text}");
        assert_eq!(text.lines().count(), 1, "{signal}: {text}");
    }
}

#[test]
fn a_checkpoint_can_be_asked_for() {
    let home = Home::new(STEADY);
    let mut child = home.begin("");
    for _ in 0..2 {
        let checkpoint = home.path().join("r/checkpoint");
        assert!(!checkpoint.exists());
        send("USR1", &child);
        wait_for(|| checkpoint.exists());
        assert!(child.try_wait().unwrap().is_none(), "it goes on");
        fs::remove_file(checkpoint).unwrap();
    }
    assert_eq!(home.status(), Status::Running);
    send("TERM", &child);
    assert_eq!(end(child).0, Some(143));
}

/// `nohup`, and jobs that a script has started in the background.
#[cfg(target_os = "linux")]
#[test]
fn signals_that_the_shell_has_ignored_stay_so() {
    let home = Home::new(STEADY);
    let mut child = home.begin("trap '' INT HUP;");
    for signal in ["INT", "HUP"] {
        send(signal, &child);
        thread::sleep(Duration::from_millis(500));
        assert!(child.try_wait().unwrap().is_none(), "{signal} ended it");
    }
    send("TERM", &child);
    assert_eq!(end(child).0, Some(143));
}

/// A checkpoint of a step that the run does not have would go on for ever.
#[test]
fn a_checkpoint_beyond_the_last_step_is_refused() {
    let home = Home::new(STEADY);
    let child = home.begin("");
    send("TERM", &child);
    end(child);
    let path = home.path().join("r/checkpoint");
    let whole = Checkpoint::decode(&fs::read(&path).unwrap()).unwrap();
    let resume = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ratioflow"));
        command.args(["resume", "r", "-q"]).current_dir(home.path());
        command.stderr(Stdio::piped()).spawn().unwrap()
    };
    for (array, value, place) in [
        ("flow/state", 1e19, "`state`"),
        ("flow/state", 1_000_001.0, "`state`"),
        ("flow/state", 1.5, "`state`"),
        ("flow/state", -1.0, "`state`"),
        ("flow/state", f64::NAN, "`state`"),
        ("flow/fit at", -1.0, "`fit at`"),
        ("rows", 1e9, "later steps"),
    ] {
        let mut damaged = whole.clone();
        let array_of = damaged.arrays.get_mut(array).unwrap();
        *array_of.first_mut().unwrap() = value;
        fs::write(&path, damaged.encode()).unwrap();
        let (code, text) = end(resume());
        assert_eq!(code, Some(3), "{array} {value}: {text}");
        // A step that is none can also be less than those that were measured.
        assert!(
            text.contains(place) || text.contains("later steps"),
            "{array} {value}: {text}"
        );
    }
    fs::write(&path, whole.encode()).unwrap();
    let mut child = resume();
    thread::sleep(Duration::from_millis(500));
    assert!(child.try_wait().unwrap().is_none(), "it goes on");
    send("TERM", &child);
    assert_eq!(end(child).0, Some(143));
}

/// What the system allows a process is an error of its own, not a death or a fault of ours.
#[test]
fn limits_of_files_and_threads_are_errors() {
    let home = Home::new(&STEADY.replace("steps = 1000000", "steps = 3"));
    let run = |before: &str| {
        let output = Command::new("sh")
            .arg("-c")
            .arg(format!("{before} exec \"$0\" run s.toml -q --out r"))
            .arg(env!("CARGO_BIN_EXE_ratioflow"))
            .current_dir(home.path())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(text.matches("error:").count(), 1, "{before}: {text}");
        (output.status.code(), text)
    };
    let (code, text) = run("ulimit -f 16;");
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("ulimit -f"), "{text}");
    // More than any system gives.
    let (code, text) = run("ulimit -v 8000000; RAYON_NUM_THREADS=30000");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("--threads 1"), "{text}");
    // Fewer than we refuse, and more than have room; more than we refuse, which a system may give.
    for threads in [
        "ulimit -v 1500000; RAYON_NUM_THREADS=1000",
        "RAYON_NUM_THREADS=30000",
    ] {
        let (code, text) = run(threads);
        assert_eq!(code, Some(1), "{threads}: {text}");
        assert!(text.contains("--threads 1"), "{threads}: {text}");
    }
}

#[test]
fn a_forced_end_says_where_the_run_lies() {
    for second in [None, Some("TERM")] {
        let home = Home::new(LONG);
        let child = home.begin("");
        send("TERM", &child);
        if let Some(signal) = second {
            thread::sleep(Duration::from_millis(400));
            send(signal, &child);
        }
        let (code, text) = end(child);
        assert_eq!(code, Some(143), "{text}");
        assert!(
            text.contains("SIGTERM") && text.contains("`ratioflow resume r`"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

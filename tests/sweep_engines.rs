//! The recipes for sweeps, each run on a sweep of forty tasks by the engine that it is for. An engine that is not here is said to be skipped.
#![cfg(unix)]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

const PROGRAM: &str = env!("CARGO_BIN_EXE_ratioflow");

fn recipes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/sweeps")
}

fn sweep(args: &[&str]) {
    let done = Command::new(PROGRAM)
        .arg("sweep")
        .args(args)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// A folder with the sweep planned in it.
fn planned() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let grid = recipes().join("small.toml");
    let out = folder.path().join("sweep");
    sweep(&[
        "plan",
        "-q",
        grid.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ]);
    folder
}

fn collected(folder: &Path) -> Vec<u8> {
    sweep(&["collect", "-q", folder.to_str().unwrap()]);
    fs::read(folder.join("sweep.csv")).unwrap()
}

/// The table of the sweep as `sweep run` leaves it.
fn table() -> &'static [u8] {
    static TABLE: OnceLock<Vec<u8>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let home = planned();
        let folder = home.path().join("sweep");
        sweep(&["run", "-q", folder.to_str().unwrap()]);
        collected(&folder)
    })
}

fn succeeds(command: &mut Command) {
    let done = command.output().unwrap();
    assert!(
        done.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// Runs the sweep with `engine`, which is given the folder, and holds its table against the one of `sweep run`.
fn gives_the_same_table(engine: &mut Command) {
    let home = planned();
    let folder = home.path().join("sweep");
    let engine = engine
        .arg(&folder)
        .arg("2")
        .env("RATIOFLOW", PROGRAM)
        .env_remove("SLURM_ARRAY_TASK_ID")
        .env_remove("HQ_ENTRY")
        .stdin(Stdio::null());
    succeeds(engine);
    let own = collected(&folder);
    assert_eq!(own.split(|&byte| byte == b'\n').count(), 42);
    assert!(own == table(), "{engine:?} gave another table");
}

fn is_there(program: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .output();
    found.is_ok_and(|found| found.status.success())
}

/// A Python that has `module`.
fn python_with(module: &str) -> Option<String> {
    let named = env::var("RATIOFLOW_SWEEP_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let tried = Command::new(&named)
        .args(["-c", &format!("import {module}")])
        .output()
        .ok()?;
    tried.status.success().then_some(named)
}

fn skipped(engine: &str, remedy: &str) {
    eprintln!("SKIPPED: {engine} is not here, and its recipe was not run; {remedy}");
}

#[test]
fn xargs() {
    gives_the_same_table(&mut Command::new(recipes().join("xargs.sh")));
}

#[test]
fn gnu_parallel() {
    if is_there("parallel") {
        gives_the_same_table(&mut Command::new(recipes().join("parallel.sh")));
    } else {
        skipped("GNU parallel", "on Debian: apt-get install parallel");
    }
}

#[test]
fn hyperqueue_from_python() {
    match python_with("hyperqueue") {
        Some(python) => {
            gives_the_same_table(Command::new(python).arg(recipes().join("hyperqueue_local.py")));
        }
        None => skipped("the Python package hyperqueue", ".ci/sweeps installs it"),
    }
}

#[test]
fn dask() {
    match python_with("dask.distributed") {
        Some(python) => {
            gives_the_same_table(Command::new(python).arg(recipes().join("dask_local.py")));
        }
        None => skipped("the Python package distributed", ".ci/sweeps installs it"),
    }
}

/// What `hq` gives a task is an item of the array as JSON, in `HQ_ENTRY`.
#[test]
fn hyperqueue_by_its_entries() {
    let home = planned();
    let folder = home.path().join("sweep");
    let tasks: Vec<serde_json::Value> =
        serde_json::from_slice(&fs::read(folder.join("tasks.json")).unwrap()).unwrap();
    for task in &tasks {
        succeeds(
            Command::new(PROGRAM)
                .args(["sweep", "task", "-q"])
                .arg(&folder)
                .env("HQ_ENTRY", task.to_string())
                // A worker of HyperQueue may be a job of Slurm's itself.
                .env("SLURM_ARRAY_TASK_ID", "7"),
        );
    }
    assert!(collected(&folder) == table());
}

#[test]
fn hyperqueue_by_its_program() {
    let has_server = || {
        Command::new("hq")
            .args(["server", "info"])
            .output()
            .is_ok_and(|told| told.status.success())
    };
    if is_there("hq") && has_server() {
        gives_the_same_table(&mut Command::new(recipes().join("hyperqueue.sh")));
    } else {
        skipped(
            "the program hq with a running server",
            "it comes from HyperQueue's releases",
        );
    }
}

/// The template, with the variable that Slurm sets; by Slurm itself where `.ci/with-slurm` has started one. What else the machine may belong to is
/// sent no jobs.
#[test]
fn slurm() {
    let home = planned();
    let folder = home.path().join("sweep");
    for job in 0..4 {
        succeeds(
            Command::new(recipes().join("slurm.sbatch"))
                .arg(&folder)
                .env("RATIOFLOW", PROGRAM)
                .env_remove("HQ_ENTRY")
                .env("SLURM_ARRAY_TASK_ID", job.to_string()),
        );
    }
    assert!(collected(&folder) == table());

    let Ok(own) = env::var("RATIOFLOW_SWEEP_SLURM") else {
        skipped(
            "a Slurm of our own",
            "its template was run with SLURM_ARRAY_TASK_ID set by hand; `.ci/sweeps` starts one where it can",
        );
        return;
    };
    let home = planned();
    let folder = home.path().join("sweep");
    succeeds(
        Command::new("sbatch")
            .args(["--wait", "--array=0-3"])
            .arg(recipes().join("slurm.sbatch"))
            .arg(&folder)
            .env("SLURM_CONF", own)
            .env("RATIOFLOW", PROGRAM)
            .env_remove("HQ_ENTRY"),
    );
    assert!(collected(&folder) == table());
}

#[test]
fn shipped_sweeps_can_be_planned() {
    for (name, tasks) in [
        ("drift-bench", 2 * 6 * 8),
        ("estimators", 4 * 11 * 5),
        ("fields", 9 * 9 * 3),
        ("fields-long", 3 * 9 * 3),
        ("kappa-bandwidth", 4 * 4 * 5),
        ("small", 40),
    ] {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(name);
        let grid = recipes().join(name).with_extension("toml");
        sweep(&[
            "plan",
            "-q",
            grid.to_str().unwrap(),
            "--out",
            folder.to_str().unwrap(),
        ]);
        let list: Vec<serde_json::Value> =
            serde_json::from_slice(&fs::read(folder.join("tasks.json")).unwrap()).unwrap();
        assert_eq!(list.len(), tasks, "{name}");
    }
}

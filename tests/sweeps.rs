//! Sweeps: plans, single tasks, and tables that do not depend on who ran what, in which order, or how often it was killed.
#![cfg(unix)]

mod shared;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use shared::{ctrl_c, draw, send};

/// A run of a few milliseconds.
const SCENARIO: &str = "
[target.ring]
[cloud]
particles = 30
samples = 40
[flow]
steps = 20
[metrics]
every = 10
floor_draws = 19
permutations = 19
";

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("s.toml"), SCENARIO).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ratioflow"));
        command
            .arg("sweep")
            .args(args)
            .current_dir(self.0.path())
            .env_remove("HQ_ENTRY")
            .env_remove("SLURM_ARRAY_TASK_ID")
            .stdin(Stdio::null());
        command
    }

    /// Runs a command that succeeds.
    fn done(&self, args: &[&str]) -> Output {
        let output = self.command(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", errors(&output));
        output
    }

    /// Runs a command that is refused, with this exit code and these words.
    fn refused(&self, args: &[&str], code: i32, words: &[&str]) {
        let output = self.command(args).output().unwrap();
        let told = errors(&output);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {told}");
        for word in words {
            assert!(
                told.contains(word),
                "{args:?} says nothing of {word:?}:\n{told}"
            );
        }
    }

    fn tasks(&self, sweep: &str) -> Vec<Value> {
        serde_json::from_slice(&fs::read(self.path(sweep).join("tasks.json")).unwrap()).unwrap()
    }

    /// The tables and the page that a collection leaves, but for times.
    fn collected(&self, sweep: &str) -> Vec<Vec<u8>> {
        self.done(&["collect", sweep]);
        let files = [
            "sweep.csv",
            "sweep.parquet",
            "sweep-cells.csv",
            "sweep-keys.csv",
            "sweep.html",
        ];
        files
            .map(|file| fs::read(self.path(sweep).join(file)).unwrap())
            .into()
    }

    /// The rows of `sweep.csv` under their heads.
    fn rows(&self, sweep: &str) -> Vec<std::collections::BTreeMap<String, String>> {
        self.done(&["collect", sweep]);
        let mut table = csv::Reader::from_path(self.path(sweep).join("sweep.csv")).unwrap();
        table.deserialize().map(Result::unwrap).collect()
    }
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn folder_of(task: &Value) -> String {
    let id = task["id"].as_str().unwrap();
    format!("runs/{}/{id}", &id[..2])
}

const SMALL: [&str; 6] = [
    "plan",
    "s.toml",
    "--grid",
    "flow.step_ratio=0.5,1",
    "--seeds",
    "1..3",
];

#[test]
fn a_plan_is_the_product_of_its_axes_and_seeds() {
    let home = Home::new();
    let grid = "scenario = 's.toml'\nseeds = '4,7'\n[set]\nmetrics.every = 20\n[grid]\nflow.step_ratio = [0.5, 1]\n\
                discriminator = ['kde', 'mmd']\n[[zip]]\nflow.steps = { from = 10, to = 30, step = 10 }\ncloud.samples = [40, 50, 60]\n";
    fs::write(home.path("grid.toml"), grid).unwrap();
    home.done(&["plan", "grid.toml", "--out", "a"]);
    let tasks = home.tasks("a");
    assert_eq!(tasks.len(), 2 * 2 * 3 * 2);
    let ids: BTreeSet<&str> = tasks
        .iter()
        .map(|task| task["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), tasks.len());
    for (index, task) in tasks.iter().enumerate() {
        assert_eq!(task["index"], index);
        assert_eq!(task["seed"], [4, 7][index % 2]);
        let zipped = [(10, 40), (20, 50), (30, 60)][index / 2 % 3];
        let settings = &task["settings"];
        assert_eq!(settings["flow.steps"], zipped.0);
        assert_eq!(settings["cloud.samples"], zipped.1);
        assert_eq!(settings["discriminator"], ["kde", "mmd"][index / 6 % 2]);
        assert_eq!(
            settings["flow.step_ratio"].as_f64().unwrap(),
            [0.5, 1.0][index / 12]
        );
    }
    // The same on the command line, from another folder.
    let line = [
        "plan",
        "s.toml",
        "--set",
        "metrics.every=20",
        "--grid",
        "flow.step_ratio=0.5,1",
        "--grid",
        "discriminator=kde,mmd",
        "--grid",
        "flow.steps=10..30:10; cloud.samples=40,50,60",
        "--seeds",
        "4,7",
        "--out",
        "b",
    ];
    home.done(&line);
    let names = |tasks: &[Value]| {
        tasks
            .iter()
            .map(|task| task["id"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&home.tasks("b")), names(&tasks));
    // Without seeds, the scenario's own.
    home.done(&[
        "plan",
        "s.toml",
        "--set",
        "seed=9",
        "--grid",
        "flow.steps=5",
        "--out",
        "c",
    ]);
    assert_eq!(home.tasks("c")[0]["seed"], 9);
}

#[test]
fn what_a_grid_gets_wrong_is_told_with_its_place() {
    let home = Home::new();
    let line = |grid: &'static str, words: &[&str]| {
        home.refused(&["plan", "s.toml", "--grid", grid, "--out", "x"], 2, words);
    };
    line(
        "flow.stpe=1,2",
        &[
            "unknown key `stpe`",
            "--grid flow.stpe=1,2",
            "did you mean `steps`?",
        ],
    );
    line("flow.steps=1,x", &["`flow.steps` is \"x\""]);
    line("flow.step_ratio=1,-2", &["`flow.step_ratio` is -2"]);
    line(
        "discriminator=kde,foo",
        &["no `discriminator` is called `foo`"],
    );
    line(
        "discriminator.mlp.batch=16,0",
        &["`discriminator.mlp.batch` is 0"],
    );
    line("flow.steps", &["there is no `=`"]);
    line("flow.steps=3..1", &["a range goes upwards"]);
    line("flow.steps=3..", &["a number at either end"]);
    line("flow.steps=1,1", &["the same run"]);
    line("flow.steps=1..20000000", &["at most 10000000 values"]);
    line("seed=1,2", &["--seeds 1..20"]);
    line("flow.steps=1,2; flow.step_ratio=1", &["2 and 1 values"]);
    line("", &["has no key", "--> command line", "flow.steps=50,100"]);
    line("=1", &["no key before `=`", "--grid =1"]);
    line("flow.steps=", &["has no value", "give it values"]);
    home.refused(
        &[
            "plan",
            "s.toml",
            "--grid",
            "flow.steps=1..10000",
            "--seeds",
            "1..1001",
            "--out",
            "x",
        ],
        2,
        &["10010000 tasks", "at most 10000000"],
    );
    home.refused(
        &[
            "plan",
            "s.toml",
            "--grid",
            "flow.steps=1,2",
            "--grid",
            "flow.steps=3,4",
            "--out",
            "x",
        ],
        2,
        &["`flow.steps` varies in two axes"],
    );
    home.refused(
        &["plan", "s.toml", "--seeds", "5..1", "--out", "x"],
        2,
        &["--seeds 5..1"],
    );
    assert!(
        !home.path("x").exists(),
        "a plan that was refused has left something"
    );
}

#[test]
fn what_is_said_twice_or_too_large_is_told() {
    let home = Home::new();
    // Blanks make no other key of it.
    for (set, grid) in [
        ("flow.steps=5", "flow.steps=1,2"),
        ("flow . steps=5", "flow.step_ratio=1,2; flow. steps=1,2"),
    ] {
        home.refused(
            &["plan", "s.toml", "--set", set, "--grid", grid, "--out", "x"],
            2,
            &[
                "`flow.steps` is set in all runs, and varies in the grid",
                &format!("--grid {grid}"),
                &format!("--set {set}"),
            ],
        );
    }
    home.refused(
        &[
            "plan", "s.toml", "--set", "seed=3", "--seeds", "1..3", "--out", "x",
        ],
        2,
        &["--set seed=3", "seeds of its own"],
    );
    for seeds in ["9223372036854775808", "0..18446744073709551616"] {
        home.refused(
            &["plan", "s.toml", "--seeds", seeds, "--out", "x"],
            2,
            &["too large: seeds are 0 to 9223372036854775807"],
        );
    }
    // Counted, and not made: ten million values times as many.
    home.refused(
        &[
            "plan",
            "s.toml",
            "--grid",
            "flow.steps=1..10_000_000",
            "--grid",
            "flow.step_ratio=1e-7..1:1e-7",
            "--out",
            "x",
        ],
        2,
        &["100000000000000 tasks", "at most 10000000"],
    );
    assert!(!home.path("x").exists());
}

/// A row says `mmd` where mmd ran, or there is no such row.
#[test]
fn a_kind_that_another_key_replaces_is_refused() {
    let home = Home::new();
    let both = "write a kind and its settings as one value";
    for grid in [
        &["--grid", "discriminator=mmd", "--grid", "discriminator.kde.bandwidth=0.1,0.2"][..],
        &["--grid", "discriminator=kde,mmd;discriminator.kde.bandwidth=0.1,0.2"],
        &["--grid", "generator=off,distill;generator.distill.inner_steps=4,8"],
        &["--grid", "flow.reaction=off", "--grid", "flow.reaction.rate=0.1,0.2"],
        &["--set", "discriminator=mmd", "--grid", "discriminator.kde.bandwidth=0.1,0.2"],
        &["--set", "discriminator={mmd={}}", "--grid", "discriminator.kde.bandwidth=0.1,0.2"],
    ] {
        let args: Vec<&str> = ["plan", "s.toml"]
            .iter()
            .chain(grid)
            .chain(&["--out", "out"])
            .copied()
            .collect();
        home.refused(&args, 2, &["is to be", both]);
        assert!(!home.path("out/tasks.json").exists(), "{grid:?}");
    }
    for (out, grid) in [
        ("a", "discriminator={mmd={}},{kde={bandwidth=0.1}}"),
        ("b", "discriminator=kde,kde;discriminator.kde.bandwidth=0.1,0.2"),
        ("c", "flow.reaction=birth-death,poisson;flow.reaction.rate=0.1,0.2"),
        ("d", "generator=off,distill"),
    ] {
        home.done(&["plan", "s.toml", "--grid", grid, "--out", out]);
        assert_eq!(home.tasks(out).len(), 2, "{grid}");
    }
}

/// Of what is done nothing is worked out again: the list itself is looked at.
#[test]
fn settings_that_were_changed_behind_a_result_are_refused() {
    let home = Home::new();
    let plan = ["plan", "s.toml", "--grid", "discriminator=kde,mmd", "--out", "out"];
    home.done(&plan);
    home.done(&["run", "out"]);
    for (file, from, to) in [
        ("tasks.json", "\"mmd\"", "\"kde\""),
        ("tasks.json", "\"seed\":1", "\"seed\":9"),
        ("sweep.json", "steps = 20", "steps = 30"),
    ] {
        let path = home.path("out").join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file}: {from}");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        for command in ["collect", "run"] {
            home.refused(&[command, "out"], 1, &["was changed", "plan"]);
        }
        fs::write(&path, text).unwrap();
        home.done(&["collect", "out"]);
    }
}

#[test]
fn what_a_grid_file_gets_wrong_is_told_with_its_place() {
    let home = Home::new();
    for (grid, place, words) in [
        (
            "[grid]\nflow.stpe = [1]",
            "g.toml:3:6",
            "did you mean `steps`?",
        ),
        (
            "[grid]\nflow.steps = [1, 'x']",
            "g.toml:3:18",
            "`flow.steps` is 'x'",
        ),
        ("[grid]\nflow.steps = 3", "g.toml:3:14", "one value"),
        (
            "[grdi]\nflow.steps = [3]",
            "g.toml:2:2",
            "unknown table `[grdi]`",
        ),
        (
            "[[zip]]\nflow.steps = [1, 2]\ncloud.samples = [3]",
            "g.toml:3:",
            "2 and 1 values",
        ),
        (
            "[grid]\nflow.steps = { from = 1, to = 3 }",
            "g.toml:3:14",
            "`step` or `factor`",
        ),
        ("seeds = '3..1'", "g.toml:2:9", "must go upwards"),
        (
            "[zip]\nflow.steps = [1, 2]",
            "g.toml:2:2",
            "write `[[zip]]`",
        ),
        ("[[zip]]", "g.toml:2:1", "has no key"),
        ("[grid]\n'flow..steps' = [1]", "g.toml:3:1", "is not a key"),
        (
            "[set]\nflow.steps = 1\n[grid]\nflow.steps = [1]",
            "g.toml:3:6",
            "varies in the grid",
        ),
        ("sceds = '1..3'", "g.toml:2:1", "a grid has: "),
    ] {
        fs::write(
            home.path("g.toml"),
            format!("scenario = 's.toml'\n{grid}\n"),
        )
        .unwrap();
        home.refused(&["plan", "g.toml", "--out", "x"], 2, &[place, words]);
    }
    for (grid, place) in [
        ("[grid]\nflow.steps = [1]\n", "g.toml:1:2"),
        ("\u{feff}seeds = '1..3'\r\n[target.ring]\r\n", "g.toml:1:1"),
    ] {
        fs::write(home.path("g.toml"), grid).unwrap();
        let words = [place, "names no scenario", "scenario = \"NAME\""];
        home.refused(&["plan", "g.toml", "--out", "x"], 2, &words);
    }
    fs::write(home.path("g.toml"), "scenario = 'g.toml'\n").unwrap();
    let words = ["g.toml:1:12", "it is a grid itself"];
    home.refused(&["plan", "g.toml", "--out", "x"], 2, &words);
    fs::write(home.path("g.toml"), "scenario = 'nowhere'\n").unwrap();
    home.refused(&["plan", "g.toml", "--out", "x"], 2, &["called `nowhere`"]);
    assert!(
        !home.path("x").exists(),
        "a plan that was refused has left something"
    );
}

#[test]
fn a_folder_holds_one_plan_for_ever() {
    let home = Home::new();
    home.done(&[&SMALL[..], &["--out", "a"]].concat());
    let before = fs::read(home.path("a/tasks.json")).unwrap();
    home.done(&[&SMALL[..], &["--out", "a"]].concat());
    home.refused(
        &[
            "plan",
            "s.toml",
            "--grid",
            "flow.step_ratio=0.5,2",
            "--seeds",
            "1..3",
            "--out",
            "a",
        ],
        6,
        &["another sweep was planned here", "--out"],
    );
    home.refused(
        &[&SMALL[..], &["--record", "--out", "a"]].concat(),
        6,
        &["another sweep"],
    );
    assert_eq!(fs::read(home.path("a/tasks.json")).unwrap(), before);
    // A folder of the user's.
    fs::create_dir(home.path("b")).unwrap();
    fs::write(home.path("b/thesis.tex"), "x").unwrap();
    home.refused(
        &[&SMALL[..], &["--out", "b"]].concat(),
        6,
        &["is not empty"],
    );
    assert_eq!(fs::read_dir(home.path("b")).unwrap().count(), 1);
    // A plan of another version.
    let head = fs::read_to_string(home.path("a/sweep.json")).unwrap();
    let other = head.replace(env!("CARGO_PKG_VERSION"), "0.0.7");
    fs::write(home.path("a/sweep.json"), other).unwrap();
    for command in ["run", "collect"] {
        home.refused(&[command, "a"], 1, &["version 0.0.7", "plan anew"]);
    }
    let again = [&SMALL[..], &["--out", "a"]].concat();
    home.refused(&again, 1, &["version 0.0.7", "plan anew"]);
    home.refused(
        &["run", "nowhere"],
        3,
        &["no sweep was planned", "sweep plan"],
    );
    home.refused(&["collect", "nowhere"], 3, &["no sweep was planned"]);
}

#[test]
fn a_task_is_named_in_four_ways_and_run_once() {
    let home = Home::new();
    home.done(&[&SMALL[..], &["--out", "a"]].concat());
    let tasks = home.tasks("a");
    home.done(&["task", "a", "--index", "0"]);
    home.done(&["task", "a", "--id", tasks[1]["id"].as_str().unwrap()]);
    let by = |name: &str, value: &str, more: &[&str]| {
        let args = [&["task", "a"], more].concat();
        home.command(&args).env(name, value).output().unwrap()
    };
    assert!(by("HQ_ENTRY", &tasks[2].to_string(), &[]).status.success());
    assert!(
        by("SLURM_ARRAY_TASK_ID", "1", &["--chunk", "3"])
            .status
            .success()
    );
    for task in &tasks {
        let folder = home.path("a").join(folder_of(task));
        let files: BTreeSet<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(
            files,
            [".lock", "result.json", "timings.json"]
                .map(Into::into)
                .into()
        );
    }
    let result = home
        .path("a")
        .join(folder_of(&tasks[0]))
        .join("result.json");
    let first = (
        fs::read(&result).unwrap(),
        fs::metadata(&result).unwrap().modified().unwrap(),
    );
    let again = home.done(&["task", "a", "--index", "0"]);
    assert!(errors(&again).contains("run before"));
    let second = (
        fs::read(&result).unwrap(),
        fs::metadata(&result).unwrap().modified().unwrap(),
    );
    assert_eq!(first, second);

    home.refused(&["task", "a"], 2, &["--index", "HQ_ENTRY"]);
    home.refused(
        &["task", "a", "--index", "6"],
        2,
        &["--index is 6", "tasks 0 to 5"],
    );
    home.refused(
        &[
            "task",
            "a",
            "--index",
            "9",
            "--chunk",
            "18446744073709551615",
        ],
        2,
        &["--index is 9", "chunks 0 to 0"],
    );
    home.refused(&["task", "a", "--id", "abc"], 2, &["no task called `abc`"]);
    assert!(errors(&by("HQ_ENTRY", "[]", &[])).contains("is `[]`, which is no task"));
    let entry = tasks[0].to_string();
    assert!(errors(&by("HQ_ENTRY", &entry, &["--chunk", "2"])).contains("names one task"));
    let array = by("SLURM_ARRAY_TASK_ID", "3", &["--chunk", "5"]);
    assert!(errors(&array).contains("SLURM_ARRAY_TASK_ID is 3"));
    assert!(errors(&by("SLURM_ARRAY_TASK_ID", "x", &[])).contains("--array"));
}

#[test]
fn a_task_that_somebody_is_at_or_has_changed_is_refused() {
    let home = Home::new();
    home.done(&[&SMALL[..], &["--out", "a"]].concat());
    let tasks = home.tasks("a");
    let folder = home.path("a").join(folder_of(&tasks[0]));
    fs::create_dir_all(&folder).unwrap();
    let lock = File::create(folder.join(".lock")).unwrap();
    lock.lock().unwrap();
    home.refused(&["task", "a", "--index", "0"], 6, &["in use"]);
    // It is waited for, and done if the other was killed.
    let run = std::thread::scope(|scope| {
        scope.spawn(move || {
            std::thread::sleep(std::time::Duration::from_secs(3));
            drop(lock);
        });
        home.done(&["run", "a"])
    });
    assert!(
        errors(&run).contains("waiting for 1 that other processes are at"),
        "{}",
        errors(&run)
    );
    assert_eq!(home.rows("a").len(), 6);

    // A file in the way of one task stops no other.
    home.done(&[&SMALL[..], &["--out", "c"]].concat());
    let second = &home.tasks("c")[1];
    fs::create_dir_all(home.path("c").join(folder_of(second))).unwrap();
    fs::write(
        home.path("c").join(folder_of(second)).join("mine.txt"),
        "mine",
    )
    .unwrap();
    home.refused(
        &["run", "c"],
        1,
        &["1 of the tasks could not be done", "remove the folder"],
    );
    assert_eq!(home.rows("c").len(), 5);

    // A list that was cut is told, and mended by the same plan.
    let path = home.path("c/tasks.json");
    let list = fs::read_to_string(&path).unwrap();
    let cut: Vec<&str> = list.lines().take(3).collect();
    fs::write(&path, cut.join("\n")).unwrap();
    home.refused(
        &["run", "c"],
        1,
        &["line 4 is no task", "into this folder again"],
    );
    home.done(&[&SMALL[..], &["--out", "c"]].concat());
    assert_eq!(fs::read_to_string(&path).unwrap(), list);
    let mut lines: Vec<&str> = list.lines().collect();
    lines.swap(1, 2);
    fs::write(&path, lines.join("\n")).unwrap();
    home.refused(&["run", "c"], 1, &["line 2 holds task 1, and not 0"]);

    // Another run under the name of one that was planned.
    home.done(&[
        "plan",
        "s.toml",
        "--grid",
        "flow.step_ratio=0.5,1",
        "--out",
        "b",
    ]);
    let list = fs::read_to_string(home.path("b/tasks.json")).unwrap();
    fs::write(
        home.path("b/tasks.json"),
        list.replace("_ratio\":0.5", "_ratio\":0.7"),
    )
    .unwrap();
    home.refused(
        &["task", "b", "--index", "0"],
        1,
        &["was changed", "plan the sweep anew"],
    );
    // A link in place of a folder, which would lead the task elsewhere.
    let task = &home.tasks("b")[1];
    fs::create_dir_all(home.path("b/runs")).unwrap();
    fs::create_dir(home.path("elsewhere")).unwrap();
    let shard = folder_of(task)[..7].to_owned();
    std::os::unix::fs::symlink(home.path("elsewhere"), home.path("b").join(shard)).unwrap();
    home.refused(&["task", "b", "--index", "1"], 3, &["link"]);
    assert_eq!(fs::read_dir(home.path("elsewhere")).unwrap().count(), 0);
}

/// As a copy without hidden files leaves it.
#[test]
fn a_sweep_that_has_lost_its_locks_says_so_and_keeps_what_is_done() {
    let home = Home::new();
    home.done(&[&SMALL[..], &["--out", "a"]].concat());
    home.done(&["run", "a", "-q"]);
    let whole = home.collected("a");
    let tasks = home.tasks("a");
    let [first, second] = [0, 1].map(|at| home.path("a").join(folder_of(&tasks[at])));
    fs::remove_file(home.path("a/.lock")).unwrap();
    fs::remove_file(first.join(".lock")).unwrap();
    fs::remove_file(second.join(".lock")).unwrap();
    fs::remove_file(second.join("result.json")).unwrap();
    for command in [
        &["collect", "a"][..],
        &[&SMALL[..], &["--out", "a"]].concat(),
    ] {
        home.refused(command, 1, &["`.lock`", "was lost", "move `runs` there"]);
    }
    home.refused(&["run", "a"], 1, &["has lost `.lock`", "remove the folder"]);
    // The remedies.
    home.done(&[&SMALL[..], &["--out", "b"]].concat());
    fs::rename(home.path("a/runs"), home.path("b/runs")).unwrap();
    fs::remove_dir_all(home.path("b").join(folder_of(&tasks[1]))).unwrap();
    let run = home.done(&["run", "b"]);
    assert!(errors(&run).contains("5 of them had been run before"));
    assert!(home.collected("b") == whole);
}

#[test]
fn commands_that_are_named_can_be_typed() {
    let home = Home::new();
    let told = errors(&home.done(&[&SMALL[..], &["--out=-it's ö"]].concat()));
    let command = r"ratioflow sweep run './-it'\''s ö'";
    assert!(told.contains(command), "{told}");
    let told = errors(&home.done(&["run", "./-it's ö"]));
    let command = r"ratioflow sweep collect './-it'\''s ö'";
    assert!(told.contains(command), "{told}");
}

#[test]
fn what_cannot_be_written_is_told_in_words_of_a_sweep() {
    let home = Home::new();
    home.done(&[&SMALL[..], &["--out", "a"]].concat());
    fs::write(home.path("a/runs"), "in the way").unwrap();
    fs::create_dir(home.path("a/sweep.csv")).unwrap();
    for (args, code, words) in [
        (&["run", "a"][..], 3, "is in the way of a folder"),
        (&["collect", "a"], 6, "sweep.csv is in the way"),
        (
            &[&SMALL[..], &["--out", "s.toml"]].concat(),
            3,
            "move away what is there, or plan the sweep into another folder",
        ),
    ] {
        let output = home.command(args).output().unwrap();
        let told = errors(&output);
        assert_eq!(output.status.code(), Some(code), "{told}");
        assert!(told.contains(words) && !told.contains("--out"), "{told}");
    }
}

/// A task that keeps nothing but its numbers goes on where it was killed, and leaves no checkpoint.
#[test]
fn a_killed_task_goes_on_to_the_same_numbers() {
    let home = Home::new();
    for out in ["a", "b"] {
        home.done(&[
            "plan",
            "s.toml",
            "--grid",
            "flow.step_ratio=0.5,1",
            "--set",
            "flow.steps=6000",
            "--set",
            "cloud.particles=400",
            "--set",
            "metrics.every=200",
            "--out",
            out,
        ]);
    }
    home.done(&["task", "a", "--index", "0"]);
    let folder = home.path("b").join(folder_of(&home.tasks("b")[0]));
    let mut child = home
        .command(&["task", "b", "--index", "0"])
        .spawn()
        .unwrap();
    // The first checkpoint comes after a second; a machine so fast that the task is over by then has nothing to show.
    while !folder.join("checkpoint").exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let _ = child.kill();
    child.wait().unwrap();
    home.done(&["task", "b", "--index", "0"]);
    assert!(!folder.join("checkpoint").exists());
    let result = |sweep: &str| {
        let folder = home.path(sweep).join(folder_of(&home.tasks(sweep)[0]));
        fs::read(folder.join("result.json")).unwrap()
    };
    assert_eq!(result("a"), result("b"));
}

#[test]
fn the_table_does_not_depend_on_order_threads_or_who_ran_what() {
    let home = Home::new();
    let plan = |out: &str| {
        home.done(&[
            "plan",
            "s.toml",
            "--grid",
            "discriminator=kde,mmd",
            "--grid",
            "flow.step_ratio=0.5,1",
            "--seeds",
            "1..4",
            "--out",
            out,
        ])
    };
    plan("a");
    home.done(&["run", "a", "-j", "1"]);
    let whole = home.collected("a");
    assert_eq!(home.rows("a").len(), 16);
    // Backwards, on two threads.
    plan("b");
    for index in (0..16).rev() {
        home.done(&["task", "b", "--index", &index.to_string(), "--threads", "2"]);
    }
    assert_eq!(home.collected("b"), whole);
    // Three processes at once in one folder, each with all tasks.
    plan("c");
    let all: Vec<_> = (0..3)
        .map(|_| {
            home.command(&["run", "c", "-q", "-j", "2"])
                .spawn()
                .unwrap()
        })
        .collect();
    for mut one in all {
        assert!(one.wait().unwrap().success());
    }
    assert_eq!(home.collected("c"), whole);
    // A part of it is a table, too: of the rows that are there.
    plan("d");
    home.done(&["task", "d", "--index", "1", "--chunk", "4"]);
    let part = home.rows("d");
    assert_eq!(part.len(), 4);
    assert_eq!(part[0]["index"], "4");
    home.done(&["run", "d"]);
    assert_eq!(home.collected("d"), whole);
}

#[test]
fn runs_that_diverge_or_fail_are_rows() {
    let home = Home::new();
    // Of so many values those in the middle are not tried beforehand; -1 is one of them, with which no run can begin.
    let rates = (1..=35).map(|k| format!("0.00{k:02}"));
    let more = (36..=70).map(|k| format!("0.00{k}"));
    let rates: Vec<String> = rates.chain(["-1".to_owned()]).chain(more).collect();
    let grid = format!("discriminator.mlp.learning_rate={}", rates.join(","));
    home.done(&[
        "plan",
        "s.toml",
        "--set",
        "flow.steps=2",
        "--set",
        "discriminator.mlp.warm_up=2",
        "--grid",
        &grid,
        "--out",
        "a",
    ]);
    home.done(&["run", "a"]);
    let rows = home.rows("a");
    assert_eq!(rows.len(), 71);
    let failed: Vec<_> = rows
        .iter()
        .filter(|row| row["status"] == "failed")
        .collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["discriminator.mlp.learning_rate"], "-1");
    assert!(
        failed[0]["ending"].contains("learning_rate"),
        "{}",
        failed[0]["ending"]
    );
    assert_eq!(failed[0]["energy_distance"], "");

    home.done(&[
        "plan",
        "s.toml",
        "--grid",
        "flow.step_size=1e200,0.1",
        "--out",
        "b",
    ]);
    let run = home.done(&["run", "b"]);
    assert!(
        errors(&run).contains("1 complete, 1 diverged, 0 failed"),
        "{}",
        errors(&run)
    );
    let rows = home.rows("b");
    assert_eq!(
        [&rows[0]["status"], &rows[1]["status"]],
        ["diverged", "complete"]
    );
    // What diverged is counted and not averaged.
    let cells = fs::read_to_string(home.path("b/sweep-cells.csv")).unwrap();
    assert!(cells.contains("\n1e+200,0,1,0,0,,,,,,,,\n"), "{cells}");
    // On wish it is the end.
    home.done(&[
        "plan",
        "s.toml",
        "--grid",
        "flow.step_size=1e200,0.1,0.2",
        "--out",
        "c",
    ]);
    home.refused(
        &["run", "c", "-j", "1", "--fail-fast"],
        1,
        &["task 0", "--fail-fast"],
    );
    assert_eq!(home.rows("c").len(), 1);
}

#[test]
fn cells_have_mean_deviation_and_interval() {
    let home = Home::new();
    home.done(&[&SMALL[..], &["--out", "a"]].concat());
    home.done(&["run", "a"]);
    let rows = home.rows("a");
    let mut cells = csv::Reader::from_path(home.path("a/sweep-cells.csv")).unwrap();
    let cells: Vec<std::collections::BTreeMap<String, String>> =
        cells.deserialize().map(Result::unwrap).collect();
    let mut seen = 0;
    for cell in cells
        .iter()
        .filter(|cell| cell["measure"] == "energy_distance")
    {
        let own = rows
            .iter()
            .filter(|row| row["flow.step_ratio"] == cell["flow.step_ratio"]);
        let values: Vec<f64> = own
            .map(|row| row["energy_distance"].parse().unwrap())
            .collect();
        let mean = values.iter().sum::<f64>() / 3.0;
        let sd = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 2.0).sqrt();
        // Student's t with 2 degrees of freedom at 97.5 %.
        let half = 4.302_653 * sd / 3.0_f64.sqrt();
        for (key, value) in [
            ("mean", mean),
            ("sd", sd),
            ("low", mean - half),
            ("high", mean + half),
        ] {
            let found: f64 = cell[key].parse().unwrap();
            assert!(
                (found - value).abs() < 1e-6 * (1.0 + value.abs()),
                "{key}: {found}, not {value}"
            );
        }
        assert_eq!(cell["runs"], "3");
        seen += 1;
    }
    assert_eq!(seen, 2);
    let page = fs::read_to_string(home.path("a/sweep.html")).unwrap();
    assert!(page.contains("class=\"band\"") && page.contains(">energy_distance<"));
    assert!(!page.contains("<script"));
}

#[test]
fn a_sweep_holds_the_files_that_it_needs() {
    let home = Home::new();
    let point = |i: i32| format!("{},{}\n", i * 37 % 101, i * 53 % 97);
    let points: Vec<String> = (0..300).map(point).collect();
    fs::write(home.path("p.csv"), points.concat()).unwrap();
    fs::write(
        home.path("s.toml"),
        SCENARIO.replace("[target.ring]", "[target.points]\nfile = 'p.csv'"),
    )
    .unwrap();
    home.done(&[&SMALL[..], &["--out", "a"]].concat());
    let names = |sweep: &str| {
        home.tasks(sweep)
            .iter()
            .map(|task| task["id"].clone())
            .collect::<Vec<_>>()
    };
    // Other points under the same name are other runs.
    fs::write(home.path("p.csv"), "1,2\n3,4\n".repeat(150)).unwrap();
    home.done(&[&SMALL[..], &["--out", "b"]].concat());
    assert!(names("a").iter().all(|id| !names("b").contains(id)));
    fs::remove_file(home.path("p.csv")).unwrap();
    fs::remove_file(home.path("s.toml")).unwrap();
    home.done(&["run", "a"]);
    assert_eq!(
        home.rows("a")
            .iter()
            .filter(|row| row["status"] == "complete")
            .count(),
        6
    );
}

/// Kills a sweep so often at random, finishes it by single tasks and chunks, and holds its table against that of an undisturbed one.
fn killed(plan: &[&str], tasks: u64, kills: usize, record: bool) {
    let home = Home::new();
    let record: &[&str] = if record { &["--record"] } else { &[] };
    let begun = Instant::now();
    home.done(&[plan, record, &["--out", "whole"]].concat());
    home.done(&["run", "whole", "-q"]);
    let took = begun.elapsed();
    let whole = home.collected("whole");
    home.done(&[plan, record, &["--out", "a"]].concat());
    let (mut state, mut fell) = (7, 0);
    for _ in 0..kills {
        let mut run = home
            .command(&["run", "a", "-q", "-j", "2"])
            .spawn()
            .unwrap();
        let part = draw(&mut state) % 1000;
        thread::sleep(
            took.mul_f64(part as f64 / 1000.0 * 1.5 / kills as f64) + Duration::from_millis(5),
        );
        // It may have ended by itself.
        let _ = run.kill();
        fell += usize::from(!run.wait().unwrap().success());
        home.done(&["collect", "a", "-q"]);
    }
    assert!(fell > 0, "no kill has met a sweep that was going on");
    for chunk in 0..tasks.div_ceil(7) {
        home.done(&[
            "task",
            "a",
            "-q",
            "--index",
            &chunk.to_string(),
            "--chunk",
            "7",
        ]);
    }
    assert_eq!(home.rows("a").len() as u64, tasks);
    assert!(home.collected("a") == whole, "the tables differ");
}

#[test]
fn a_sweep_that_was_killed_gives_the_same_table() {
    let plan = [
        "plan",
        "s.toml",
        "--set",
        "flow.steps=100",
        "--grid",
        "flow.step_ratio=0.5,1",
        "--seeds",
        "1..20",
    ];
    killed(&plan, 40, 6, false);
}

#[test]
fn recorded_runs_that_were_killed_go_on_to_the_same_table() {
    let plan = [
        "plan",
        "s.toml",
        "--set",
        "flow.steps=100",
        "--set",
        "output.checkpoint_every=5",
        "--grid",
        "flow.step_ratio=0.5,1",
        "--seeds",
        "1..2",
    ];
    killed(&plan, 4, 6, true);
}

#[test]
#[ignore = "a quarter of a minute and more; .ci/long runs it"]
fn a_thousand_tasks_killed_twenty_times() {
    let plan = [
        "plan",
        "s.toml",
        "--set",
        "flow.steps=200",
        "--grid",
        "flow.step_ratio=0.25..1:0.25",
        "--seeds",
        "1..250",
    ];
    killed(&plan, 1000, 20, false);
}

#[test]
fn recorded_runs_have_pages_that_the_page_of_the_sweep_opens() {
    let home = Home::new();
    home.done(&[
        "plan",
        "s.toml",
        "--grid",
        "flow.step_ratio=0.5,1",
        "--record",
        "--out",
        "a",
    ]);
    home.done(&["run", "a"]);
    home.done(&["collect", "a"]);
    let page = fs::read_to_string(home.path("a/sweep.html")).unwrap();
    for task in home.tasks("a") {
        let own = format!("{}/run/report.html", folder_of(&task));
        assert!(Path::new(&home.path("a")).join(&own).is_file());
        assert!(
            page.contains(&format!("href=\"{own}\"")) || page.contains(&own.replace('/', "&#x2f;")),
            "{own}"
        );
    }
    // The numbers are those of a run that only measures.
    home.done(&[
        "plan",
        "s.toml",
        "--grid",
        "flow.step_ratio=0.5,1",
        "--out",
        "b",
    ]);
    home.done(&["run", "b"]);
    let [recorded, measured] = ["a", "b"].map(|sweep| home.collected(sweep).swap_remove(0));
    assert!(recorded == measured);
}

#[test]
fn a_signal_stops_a_sweep_which_goes_on_later() {
    let home = Home::new();
    home.done(&[
        "plan",
        "s.toml",
        "--set",
        "flow.steps=4000",
        "--set",
        "metrics.every=4000",
        "--seeds",
        "1..40",
        "--out",
        "a",
    ]);
    let (signal, code) = ctrl_c();
    let mut command = home.command(&["run", "a", "-j", "2"]);
    let run = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !home.path("a/runs").exists() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
    send(signal, &run);
    let output = run.wait_with_output().unwrap();
    let told = errors(&output);
    assert_eq!(output.status.code(), Some(code), "{told}");
    assert!(
        told.contains("go on with `ratioflow sweep run a`"),
        "{told}"
    );
    assert!(home.rows("a").len() < 40);
    home.done(&["run", "a", "-q"]);
    assert_eq!(home.rows("a").len(), 40);
}

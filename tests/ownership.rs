//! Whose files are whose: what `--force`, `resume`, `render` and `measure --plot` touch, and what a step that fails midway leaves.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

const TINY: &str = "[target.ring]\n[cloud]\nparticles = 20\nsamples = 20\n[flow]\nsteps = 6\n[metrics]\nfloor_draws = 8\npermutations = 19\nevery = 3\n[output]\nframes = 2\nscale = 0.25\n";

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::write(place.path("tiny.toml"), TINY).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn ask(&self, arguments: &[&str]) -> Output {
        // A program that waits for a pipe would wait for ever.
        Command::new("timeout")
            .args(["60", env!("CARGO_BIN_EXE_ratioflow")])
            .args(arguments)
            .current_dir(self.0.path())
            .output()
            .unwrap()
    }

    fn run(&self, arguments: &[&str]) {
        let output = self.ask(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", told(&output));
    }

    /// One clear error with this exit code.
    fn refused(&self, arguments: &[&str], code: i32) -> String {
        let output = self.ask(arguments);
        let text = told(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        assert_eq!(text.matches("error:").count(), 1, "{arguments:?}: {text}");
        text
    }

    fn compare(&self, out: &str, more: &[&str]) -> Output {
        let variants = [
            "--variant",
            "a: flow.steps=4",
            "--variant",
            "b: flow.steps=5",
        ];
        let start = ["compare", "tiny.toml", "-q", "--out", out];
        self.ask(&[&start, &variants[..], more].concat())
    }

    /// The run in `name` as if it had been killed.
    fn reopen(&self, name: &str) {
        let manifest = self.path(name).join("run.json");
        let text = fs::read_to_string(&manifest).unwrap();
        let text = text.replace("\"status\": \"complete\"", "\"status\": \"running\"");
        fs::write(&manifest, text).unwrap();
        fs::remove_file(self.path(name).join("checkpoint")).unwrap();
    }
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// All files below `folder` but the times, with what they hold.
fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(folder: &Path, root: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, root, found);
            } else if path.file_name().unwrap() != "timings.json" {
                let bytes = fs::read(&path).unwrap();
                found.insert(path.strip_prefix(root).unwrap().to_owned(), bytes);
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(folder, folder, &mut found);
    found
}

/// Every file of the earlier run goes, the pictures drawn later too, and the new one leaves what it leaves in a new folder.
#[test]
fn force_leaves_what_a_new_folder_would_hold() {
    let place = Place::new();
    fs::write(place.path("p.csv"), "1,2\n3,4\n5,7\n8,1\n").unwrap();
    let points = TINY.replace(
        "[target.ring]",
        "[target.points]\nfile = \"p.csv\"\nreplace = true",
    );
    fs::write(place.path("points.toml"), points).unwrap();
    place.run(&["run", "points.toml", "-q", "--out", "v"]);
    place.run(&["render", "v", "-q", "--snapshots", "0,5"]);
    fs::write(place.path("v/notes.txt"), "mine").unwrap();
    place.run(&["run", "tiny.toml", "-q", "--out", "v", "--force"]);
    assert_eq!(fs::read(place.path("v/notes.txt")).unwrap(), b"mine");
    fs::remove_file(place.path("v/notes.txt")).unwrap();
    place.run(&["run", "tiny.toml", "-q", "--out", "w"]);
    assert_eq!(tree(&place.path("v")), tree(&place.path("w")));

    // Without the list, as an older version has left it, by the names that runs give.
    fs::write(place.path("v/.lock"), "").unwrap();
    place.run(&["run", "tiny.toml", "-q", "--out", "v", "--force"]);
    assert_eq!(tree(&place.path("v")), tree(&place.path("w")));
}

/// A file of the user's in the way of ours is a refusal before anything is erased.
#[test]
fn force_replaces_no_file_that_no_run_has_written() {
    let place = Place::new();
    place.run(&["run", "tiny.toml", "-q", "--out", "v"]);
    fs::write(place.path("v/snapshots.svg"), "mine").unwrap();
    let before = tree(&place.path("v"));
    let text = place.refused(&["run", "tiny.toml", "-q", "--out", "v", "--force"], 6);
    assert!(text.contains("snapshots.svg"), "{text}");
    assert_eq!(tree(&place.path("v")), before);
}

#[test]
fn a_comparison_is_replaced_with_its_own_runs_and_no_others() {
    let place = Place::new();
    place.run(&["run", "tiny.toml", "-q", "--out", "keep"]);
    let kept = tree(&place.path("keep"));
    for more in [&["--seeds", "2"][..], &[]] {
        let output = place.compare("c", more);
        assert!(output.status.success(), "{}", told(&output));
        // A link out of it, and a run of somebody's own inside.
        symlink("../keep", place.path("c/best")).unwrap();
        place.run(&["run", "tiny.toml", "-q", "--out", "c/own"]);
        let own = tree(&place.path("c/own"));
        let output = place.compare("c", &["--force"]);
        assert!(output.status.success(), "{}", told(&output));
        assert!(!place.path("c/seeds").exists());
        assert_eq!(tree(&place.path("keep")), kept);
        assert_eq!(tree(&place.path("c/own")), own);
        fs::remove_dir_all(place.path("c")).unwrap();
    }
}

/// A file of the user's in the folder of a run, of the earlier comparison or of the coming one, is met before anything is erased.
#[test]
fn a_comparison_is_replaced_whole_or_not_at_all() {
    let place = Place::new();
    for (part, seeds) in [
        ("a", "1"),
        ("b", "1"),
        ("seeds/b-2", "2"),
        ("seeds/a-2", "2"),
    ] {
        assert!(place.compare("c", &[]).status.success());
        let mine = place.path("c").join(part);
        fs::create_dir_all(&mine).unwrap();
        fs::write(mine.join("snapshots.svg"), "mine").unwrap();
        let before = tree(&place.path("c"));
        let output = place.compare("c", &["--force", "--seeds", seeds]);
        let text = told(&output);
        assert_eq!(output.status.code(), Some(6), "{part}: {text}");
        assert!(text.contains("snapshots.svg"), "{part}: {text}");
        assert_eq!(tree(&place.path("c")), before, "{part}");
        fs::remove_dir_all(place.path("c")).unwrap();
    }
}

/// Killed before `comparison.json`: what is noted is enough.
#[test]
fn a_comparison_that_has_only_begun_is_replaced() {
    let place = Place::new();
    assert!(place.compare("c", &["--seeds", "3"]).status.success());
    for name in ["comparison.json", "comparison.csv", "report.html"] {
        fs::remove_file(place.path("c").join(name)).unwrap();
    }
    fs::remove_file(place.path("c/seeds/b-2/run.json")).unwrap();
    let again = place.compare("c", &["--seeds", "3", "--force"]);
    assert!(again.status.success(), "{}", told(&again));
    let new = place.compare("d", &["--seeds", "3"]);
    assert!(new.status.success(), "{}", told(&new));
    let [mut c, mut d] = ["c", "d"].map(|name| tree(&place.path(name)));
    // It holds the seconds that a step took.
    for all in [&mut c, &mut d] {
        all.remove(Path::new("comparison.json"));
    }
    assert_eq!(c, d);
}

/// A run directory from somebody else: links, second names, pipes and devices in place of any of its files.
#[test]
fn nothing_in_a_run_directory_leads_out_of_it() {
    let place = Place::new();
    let write = |bytes: &[u8]| fs::write(place.path("precious"), bytes).unwrap();
    for name in [
        ".lock",
        "checkpoint.frames",
        "metrics.csv",
        "run.json",
        "scenario.toml",
        "frames",
    ] {
        for way in ["link", "name", "pipe"] {
            write(b"mine");
            place.run(&["run", "tiny.toml", "-q", "--out", "v"]);
            place.reopen("v");
            let file = place.path("v").join(name);
            if file.is_dir() {
                fs::remove_dir_all(&file).unwrap();
            } else if file.exists() {
                fs::remove_file(&file).unwrap();
            }
            match way {
                "link" => symlink("../precious", &file).unwrap(),
                "name" => fs::hard_link(place.path("precious"), &file).unwrap(),
                _ => {
                    let made = Command::new("mkfifo").arg(&file).status().unwrap();
                    assert!(made.success());
                }
            }
            for command in [&["resume", "v", "-q"][..], &["render", "v", "-q"]] {
                let output = place.ask(command);
                let code = output.status.code();
                assert!(
                    matches!(code, Some(0 | 1 | 2 | 3 | 6)),
                    "{command:?}, {way} {name}: {code:?} {}",
                    told(&output)
                );
            }
            assert_eq!(
                fs::read(place.path("precious")).unwrap(),
                b"mine",
                "{way} {name}"
            );
            fs::remove_dir_all(place.path("v")).unwrap();
        }
    }
}

#[test]
fn the_names_in_a_comparison_lead_nowhere_else() {
    let place = Place::new();
    assert!(place.compare("c", &[]).status.success());
    place.run(&["run", "tiny.toml", "-q", "--out", "w"]);
    let before = tree(&place.path("w"));
    let file = place.path("c/comparison.json");
    let text = fs::read_to_string(&file).unwrap();
    for name in ["../w", "a/../../w", "..", ".", "", "/w"] {
        let bad = text.replace("\"a\"", &format!("{name:?}"));
        fs::write(&file, bad.replace("\"complete\"", "\"running\"")).unwrap();
        for command in ["resume", "render"] {
            place.refused(&[command, "c", "-q"], 3);
        }
    }
    fs::write(&file, &text).unwrap();
    fs::remove_dir_all(place.path("c/a")).unwrap();
    symlink("../w", place.path("c/a")).unwrap();
    for command in ["resume", "render"] {
        let _ = place.ask(&[command, "c", "-q"]);
    }
    assert_eq!(tree(&place.path("w")), before);
}

/// `--allow-outside` is about reading.
#[test]
fn a_scenario_writes_nothing_beside_its_run() {
    let place = Place::new();
    fs::create_dir_all(place.path("s/inputs/deep")).unwrap();
    fs::create_dir_all(place.path("out")).unwrap();
    let points = "1,2\n3,4\n5,7\n8,1\n";
    for name in ["x.csv", "s/x.csv", "s/inputs/x.csv", "s/inputs/deep/x.csv"] {
        fs::write(place.path(name), points).unwrap();
    }
    fs::write(place.path("out/x.csv"), "precious").unwrap();
    for name in [
        "inputs/../../x.csv",
        "inputs/../x.csv",
        "inputs/deep/../x.csv",
        "inputs/deep/x.csv",
    ] {
        let target = format!("[target.points]\nfile = \"{name}\"\nreplace = true");
        fs::write(
            place.path("s/s.toml"),
            TINY.replace("[target.ring]", &target),
        )
        .unwrap();
        place.run(&["run", "s/s.toml", "-q", "--allow-outside", "--out", "out/r"]);
        assert_eq!(fs::read(place.path("out/x.csv")).unwrap(), b"precious");
        assert!(place.path("out/r/inputs/target-x.csv").exists(), "{name}");
        place.run(&["run", "out/r/scenario.toml", "-q", "--out", "out/again"]);
        for run in ["out/r", "out/again"] {
            fs::remove_dir_all(place.path(run)).unwrap();
        }
    }
}

#[test]
fn a_plot_takes_the_place_of_a_plot_alone() {
    let place = Place::new();
    for name in ["a.csv", "b.csv"] {
        let rows: Vec<String> = (0..30).map(|i| format!("{}.5,{}", i % 7, i % 11)).collect();
        let rows = rows.join("\n");
        fs::write(place.path(name), rows).unwrap();
    }
    let measure = |plot: &'static str| {
        [
            "measure", "a.csv", "b.csv", "--only", "mmd2", "-q", "--plot", plot,
        ]
    };
    place.run(&measure("p.png"));
    place.run(&measure("p.png"));
    fs::write(place.path("mine.png"), "mine").unwrap();
    let text = place.refused(&measure("mine.png"), 2);
    assert!(text.contains("--force"), "{text}");
    assert_eq!(fs::read(place.path("mine.png")).unwrap(), b"mine");
    let forced = |plot| [&measure(plot)[..], &["--force"]].concat();
    place.run(&forced("mine.png"));
    symlink("a.csv", place.path("link.csv")).unwrap();
    fs::hard_link(place.path("b.csv"), place.path("name.csv")).unwrap();
    for never in ["a.csv", "./b.csv", "name.csv", "link.csv", "/dev/null", "."] {
        place.refused(&forced(never), 2);
    }
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

/// Equal calls leave equal bytes, and `--force` replaces what is recorded and nothing else.
#[test]
fn calibrations_references_and_galleries_are_replaced_by_their_record() {
    let place = Place::new();
    let few = ["--set", "cloud.particles=60", "--set", "cloud.samples=60"];
    for (command, last) in [
        (
            [&["calibrate", "gaussian-pair"][..], &few].concat(),
            "calibration.json",
        ),
        (
            [
                &[
                    "reference",
                    "gaussian-pair",
                    "--cells",
                    "16",
                    "--times",
                    "0,0.1",
                ][..],
                &few,
            ]
            .concat(),
            "reference.csv",
        ),
        (
            vec!["gallery", "gaussian-pair", "--no-frames", "--scale", "0.25"],
            "index.html",
        ),
    ] {
        let call = |more: &[&'static str]| [&command[..], &["-q", "--out", last], more].concat();
        place.run(&call(&[]));
        let first = tree(&place.path(last));
        assert!(
            first.keys().any(|name| name == Path::new(last)),
            "{:?}",
            first.keys()
        );
        place.refused(&call(&[]), 6);
        fs::write(place.path(last).join("notes.txt"), "mine").unwrap();
        place.run(&call(&["--force"]));
        let mut second = tree(&place.path(last));
        assert_eq!(second.remove(Path::new("notes.txt")).unwrap(), b"mine");
        assert!(first == second, "{last}: {:?}", second.keys());
        // A stranger under one of our names is never taken for ours.
        fs::remove_dir_all(place.path(last)).unwrap();
        fs::create_dir(place.path(last)).unwrap();
        fs::write(place.path(last).join(last), "mine").unwrap();
        place.refused(&call(&["--force"]), 6);
        fs::remove_dir_all(place.path(last)).unwrap();
    }
}

//! What befalls the program in other people's hands: names, files and terminals as they are.
#![cfg(unix)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const TINY: &str = "[target.ring]\n[cloud]\nparticles = 20\nsamples = 20\n[flow]\nsteps = 4\n[metrics]\nfloor_draws = 8\npermutations = 19\nevery = 2\n[output]\nframes = 0\nscale = 0.25\n";

fn home() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("tiny.toml"), TINY).unwrap();
    home
}

fn command(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ratioflow"));
    command.current_dir(home).stdin(Stdio::null());
    command
}

fn ask<S: AsRef<OsStr>>(home: &Path, arguments: &[S]) -> Output {
    command(home).args(arguments).output().unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// One clear error with this exit code.
fn refused(home: &Path, arguments: &[&str], code: i32) -> String {
    let output = ask(home, arguments);
    let text = told(&output);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    assert_eq!(text.matches("error:").count(), 1, "{arguments:?}: {text}");
    text
}

fn lattice(path: &Path) {
    let line = |i: usize| format!("{}.5,{}\n", i % 7, i % 11);
    fs::write(path, (0..60).map(line).collect::<String>()).unwrap();
}

#[test]
fn a_scenario_is_read_to_its_end_or_refused() {
    let home = home();
    let long = format!("{TINY}#{}\n[flow]\nbogus = 1\n", "x".repeat(17 << 20));
    fs::write(home.path().join("long.toml"), long).unwrap();
    for arguments in [["check", "long.toml"], ["run", "long.toml"]] {
        let text = refused(home.path(), &arguments, 2);
        assert!(
            text.contains("long.toml is longer than 16777216 bytes"),
            "{text}"
        );
    }
    fs::write(
        home.path().join("latin.toml"),
        b"title = \"\xe9\"\n[target.ring]\n",
    )
    .unwrap();
    assert!(refused(home.path(), &["check", "latin.toml"], 2).contains("byte 9"));
}

#[test]
fn an_absolute_path_into_the_folder_of_the_scenario_is_inside() {
    let home = home();
    let folder = home.path().join("s");
    fs::create_dir(&folder).unwrap();
    lattice(&folder.join("p.csv"));
    lattice(&home.path().join("q.csv"));
    std::os::unix::fs::symlink(&folder, home.path().join("link")).unwrap();
    std::os::unix::fs::symlink(home.path().join("q.csv"), folder.join("out.csv")).unwrap();
    let check = |name: &str| {
        let root = home.path().display();
        let text = format!("[target.points]\nfile = \"{root}/{name}\"\n[cloud]\nparticles = 20\n");
        fs::write(folder.join("s.toml"), text).unwrap();
        let output = ask(home.path(), &["check", "s/s.toml", "-q"]);
        (output.status.code(), told(&output))
    };
    for inside in ["s/p.csv", "link/p.csv", "s/../s/p.csv"] {
        assert_eq!(check(inside).0, Some(0), "{inside}");
    }
    // What is outside and what is nowhere get one answer.
    for outside in ["q.csv", "s/../q.csv", "s/out.csv", "none.csv"] {
        let (code, text) = check(outside);
        assert_eq!(code, Some(2), "{outside}: {text}");
        assert!(text.contains("--allow-outside"), "{outside}: {text}");
    }
    assert!(check("s/none.csv").1.contains("relative paths"));
}

#[test]
fn names_that_are_no_utf8_are_taken() {
    let home = home();
    let name = |bytes: &[u8]| OsStr::from_bytes(bytes).to_owned();
    let (scenario, points) = (name(b"s\xff.toml"), name(b"p\xfe.csv"));
    fs::write(home.path().join(&scenario), TINY).unwrap();
    lattice(&home.path().join(&points));
    for arguments in [
        vec![name(b"check"), scenario.clone()],
        vec![
            name(b"run"),
            scenario.clone(),
            name(b"-q"),
            name(b"--out"),
            name(b"o\xff"),
        ],
        vec![
            name(b"measure"),
            points.clone(),
            points.clone(),
            name(b"--only"),
            name(b"mmd2"),
        ],
        vec![
            name(b"measure"),
            points,
            name(b"--target"),
            scenario,
            name(b"--only"),
            name(b"mmd2"),
            name(b"--json"),
        ],
    ] {
        let output = ask(home.path(), &arguments);
        assert!(output.status.success(), "{arguments:?}: {}", told(&output));
        if arguments[0] == "run" {
            // A program that reads it gets the very name.
            assert_eq!(output.stdout, b"o\xff\n");
        }
    }
}

#[test]
fn no_name_gives_orders_to_the_terminal() {
    let home = home();
    let name = "a\x1b]0;OWNED\x07\x1b[2J.csv";
    lattice(&home.path().join(name));
    let out = "o\x1b]0;OWNED\x07";
    fs::write(home.path().join("0,1.csv"), "0,1\n1,2\n3,1\n").unwrap();
    for arguments in [
        vec![
            "measure", name, "--target", "ring", "--points", "20", "--only", "mmd2",
        ],
        vec!["measure", name, name, "--plot", name],
        vec!["run", name],
        vec!["run", "tiny.toml", "--out", out],
        vec!["resume", out],
        vec![
            "calibrate",
            "tiny.toml",
            "--discriminator",
            "kde",
            "--out",
            "c\x1b]0;OWNED\x07",
        ],
        vec!["init", "i\x1b]0;OWNED\x07"],
        vec![name],
        vec!["run", "--\x1b]0;OWNED\x07"],
        vec!["list", name],
    ] {
        let output = command(home.path())
            .args(["--color", "always"])
            .args(&arguments)
            .output()
            .unwrap();
        let text = told(&output);
        assert!(
            !text.contains("\x1b]") && !text.contains("\x1b[2J"),
            "{arguments:?}: {text:?}"
        );
    }
}

#[test]
fn a_full_disk_below_standard_output_is_no_success() {
    let home = home();
    if !Path::new("/dev/full").exists() {
        return;
    }
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["run", "--help"],
        &["list"],
        &["schema"],
    ] {
        let full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let output = command(home.path())
            .args(arguments)
            .stdout(full)
            .output()
            .unwrap();
        let text = told(&output);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {text}");
        assert_eq!(text.matches("error:").count(), 1, "{arguments:?}: {text}");
    }
    let piped = Command::new("sh")
        .args([
            "-c",
            "\"$0\" --help | head -n 1",
            env!("CARGO_BIN_EXE_ratioflow"),
        ])
        .output()
        .unwrap();
    assert!(piped.stderr.is_empty(), "{}", told(&piped));
    assert_eq!(String::from_utf8(piped.stdout).unwrap().lines().count(), 1);
}

#[test]
fn a_misspelt_name_gets_the_name_that_was_meant() {
    let home = home();
    for (arguments, expected) in [
        (&["run", "8-gaussians"][..], "`eight-gaussians`"),
        (&["run", "2_gaussians"], "`two-gaussians`"),
        (&["run", " moons"], "`moons`"),
        (
            &["check", "moons", "--generator", "wgan"],
            "one of: off, distill",
        ),
        (
            &[
                "check",
                "moons",
                "--set",
                "discriminator.kde.bandwidth=\" anneal\"",
            ],
            "called ` anneal`",
        ),
    ] {
        let text = refused(home.path(), arguments, 2);
        assert!(text.contains(expected), "{arguments:?}: {text}");
    }
    let output = ask(home.path(), &["init", "it's a b"]);
    assert!(
        told(&output).contains(r"ratioflow run 'it'\''s a b.toml'"),
        "{}",
        told(&output)
    );
}

#[test]
fn variants_that_cannot_share_a_folder_are_refused_before_anything_runs() {
    let home = home();
    let compare = |first: &str, second: &str| {
        let [first, second] = [first, second].map(|name| format!("{name}: flow.steps=3"));
        let arguments = [
            "compare",
            "tiny.toml",
            "--out",
            "c",
            "--variant",
            &first,
            "--variant",
            &second,
        ];
        refused(home.path(), &arguments, 2)
    };
    for name in [
        "..",
        "comparison.json",
        "final.png",
        ".x.tmp",
        "=1+1",
        "Seeds",
        &"n".repeat(250),
    ] {
        let text = compare(name, "b");
        assert!(
            text.contains(&format!("`{name}` cannot name a variant")),
            "{text}"
        );
    }
    assert!(compare("fin", "\u{fb01}n").contains("would share a folder"));
    assert!(compare("a", "A").contains("would share a folder"));
    let text = format!("variants = [\"a: flow.steps=3\", \"final.png: flow.steps=2\"]\n{TINY}");
    fs::write(home.path().join("v.toml"), text).unwrap();
    let text = refused(home.path(), &["compare", "v.toml", "--out", "c"], 2);
    assert!(text.contains("v.toml:1:32"), "{text}");
    assert!(!home.path().join("c").exists());
}

#[test]
fn what_was_taken_for_a_header_is_in_the_notes_of_a_run() {
    let home = home();
    let rows = |i: usize| format!("{}.25,{}.5\n", i % 7, i % 11);
    let text: String = std::iter::once("0,1\n".to_owned())
        .chain((0..30).map(rows))
        .collect();
    fs::write(home.path().join("p.csv"), text).unwrap();
    let scenario = TINY.replace("[target.ring]", "[target.points]\nfile = \"p.csv\"");
    fs::write(home.path().join("p.toml"), scenario).unwrap();
    let output = ask(home.path(), &["run", "p.toml", "--out", "r"]);
    let said = "target.points.file: line 1, `0,1`, was taken for the names of the columns";
    assert!(told(&output).contains(said), "{}", told(&output));
    let manifest = fs::read_to_string(home.path().join("r/run.json")).unwrap();
    assert!(manifest.contains(said), "{manifest}");
    let yes = ["check", "p.toml", "--set", "target.points.header=yes"];
    assert!(!told(&ask(home.path(), &yes)).contains("line 1"));
    let text = TINY.replace(
        "[target.ring]",
        "[target.points]\nfile = \"p.npy\"\nheader = \"yes\"",
    );
    fs::write(home.path().join("npy.toml"), text).unwrap();
    let text = refused(home.path(), &["check", "npy.toml"], 2);
    assert!(text.contains("only a .csv file has a header"), "{text}");
    let wrong = ["check", "p.toml", "--set", "target.points.header=maybe"];
    assert!(refused(home.path(), &wrong, 2).contains("target.points.header"));
    let output = ask(
        home.path(),
        &[
            "measure", "p.csv", "--target", "ring", "--only", "mmd2", "--json",
        ],
    );
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(
        object["notes"][0].as_str().unwrap().contains("--header no"),
        "{object}"
    );
    assert_eq!(object["a"]["points"], 30);
}

/// A distance whose square is no number ends in no result, not in one that is no number.
#[test]
fn coordinates_beyond_all_units_are_refused() {
    let home = home();
    for (factor, code) in [("e154", 2), ("e199", 2), ("e-170", 2), ("e20", 0)] {
        let rows = (1..30).map(|i| format!("{i}{factor},-{}{factor}\n", i * i % 7 + 1));
        fs::write(home.path().join("p.csv"), rows.collect::<String>()).unwrap();
        let scenario = format!("{TINY}[source.points]\nfile = \"p.csv\"\n");
        fs::write(home.path().join("p.toml"), scenario).unwrap();
        for arguments in [
            &["check", "p.toml"][..],
            &["measure", "p.csv", "p.csv", "--only", "mmd2"],
        ] {
            let output = ask(home.path(), arguments);
            assert_eq!(
                output.status.code(),
                Some(code),
                "{factor}: {}",
                told(&output)
            );
        }
    }
}

/// The fonts are in every copy of the program, and their licence wants to be there too.
#[test]
fn the_licence_of_the_fonts_goes_with_every_copy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap();
    let notice = read("NOTICE");
    for words in ["DejaVu", "Bitstream", "Permission is hereby granted"] {
        assert!(notice.contains(words), "{words}");
    }
    let manifest = read("Cargo.toml");
    let excluded = manifest.lines().find(|line| line.starts_with("exclude"));
    assert!(!excluded.unwrap_or_default().contains("NOTICE"));
}

#[test]
fn few_points_and_many_particles_are_noted() {
    let home = home();
    let rows = |count: usize| -> String {
        let row = |i: usize| format!("{}.25,{}.5\n", i * i % 97, i * 7 % 89);
        (0..count).map(row).collect()
    };
    fs::write(home.path().join("p.csv"), rows(142)).unwrap();
    let points = "[target.points]\nfile = \"p.csv\"";
    let scenario = TINY.replace("[target.ring]", points);
    fs::write(home.path().join("p.toml"), scenario).unwrap();
    let said = |particles: &str| {
        let setting = format!("cloud.particles={particles}");
        told(&ask(
            home.path(),
            &[
                "check",
                "p.toml",
                "--set",
                &setting,
                "--set",
                "cloud.samples=142",
            ],
        ))
    };
    assert!(said("4000").contains("4000 particles follow 142 points, 28 to each"));
    assert!(!said("142").contains("to each"));
}

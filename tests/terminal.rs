//! What stands on the terminal: closing lines, small pictures, and that no file gives it orders.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

const SMALL: &str = r#"
title = "Two lumps\u001b]0;owned\u0007\u009b31m\u202e"
[source.gaussian]
[target.ring]
modes = 2
radius = 2.0
sd = 0.4
[cloud]
particles = 200
samples = 300
[flow]
steps = 20
[metrics]
floor_draws = 19
permutations = 19
"#;

fn ratioflow(folder: &Path, args: &[&str]) -> Output {
    fs::write(folder.join("lumps.toml"), SMALL).unwrap();
    Command::new(env!("CARGO_BIN_EXE_ratioflow"))
        .current_dir(folder)
        .env_remove("NO_COLOR")
        .args(args)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Nothing but lines of plain text.
fn harmless(text: &str) -> bool {
    !text.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}')
}

#[test]
fn a_run_closes_with_five_lines_the_verdict_last() {
    let folder = TempDir::new().unwrap();
    let output = ratioflow(folder.path(), &["run", "lumps.toml", "--no-frames"]);
    let text = said(&output);
    assert!(harmless(&text), "{text:?}");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert!(lines[0].starts_with("Two lumps�"), "{text}");
    assert!(
        lines[0].contains("200 particles, 20 steps, seed 1"),
        "{text}"
    );
    assert!(lines[1].ends_with("report.html"), "{text}");
    assert!(lines[2].starts_with("modes 2"), "{text}");
    assert!(lines[3].starts_with("energy distance"), "{text}");
    let verdict = ["indistinguishable from the target", "NOT at the floor"];
    assert!(verdict.iter().any(|v| lines[4].starts_with(v)), "{text}");
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "output/lumps/001\n"
    );

    let quiet = ratioflow(
        folder.path(),
        &["run", "lumps.toml", "--no-frames", "-q", "--preview"],
    );
    assert_eq!(said(&quiet), "");
    assert_eq!(
        String::from_utf8(quiet.stdout).unwrap(),
        "output/lumps/002\n"
    );
}

#[test]
fn the_preview_is_a_picture_in_braille_coloured_only_if_wished() {
    let folder = TempDir::new().unwrap();
    let run = ["run", "lumps.toml", "--no-frames", "--preview"];
    let plain = said(&ratioflow(folder.path(), &run));
    assert!(harmless(&plain), "{plain:?}");
    let dots = |text: &str| {
        text.chars()
            .filter(|c| ('\u{2801}'..='\u{28ff}').contains(c))
            .count()
    };
    assert!(dots(&plain) > 60, "{plain}");
    let wide = plain
        .lines()
        .filter(|line| dots(line) > 0)
        .map(|line| line.chars().count());
    assert!(wide.max().unwrap() <= 60);

    let coloured = said(&ratioflow(
        folder.path(),
        &[&run[..], &["--color", "always"]].concat(),
    ));
    assert!(coloured.contains("\x1b[38;5;"), "{coloured:?}");
    // Nothing of the title, which has escapes of its own.
    assert!(!coloured.contains("\x1b]") && !coloured.contains('\u{9b}'));

    let variants = [
        "compare",
        "lumps.toml",
        "--no-frames",
        "--preview",
        "--variant",
        "a: flow.steps=10",
        "--variant",
        "b: flow.steps=20",
    ];
    let compared = ratioflow(folder.path(), &variants);
    let text = said(&compared);
    assert!(harmless(&text) && dots(&text) > 60, "{text}");
    let names = text
        .lines()
        .find(|line| line.starts_with("a ") && line.ends_with('b'));
    assert!(names.is_some(), "{text}");
    assert_eq!(compared.stdout, b"output/lumps/compare-001\n");
}

#[test]
fn render_prints_the_directory_and_refuses_what_it_cannot_do() {
    let folder = TempDir::new().unwrap();
    let run = ratioflow(
        folder.path(),
        &["run", "lumps.toml", "--no-frames", "--out", "r"],
    );
    assert!(run.status.success(), "{}", said(&run));
    let drawn = ratioflow(
        folder.path(),
        &[
            "render",
            "r",
            "--format",
            "svg",
            "--theme",
            "dark",
            "--show",
            "particles,trails",
        ],
    );
    assert_eq!(drawn.stdout, b"r\n");
    assert_eq!(said(&drawn), "drew final.svg, convergence.svg\n");
    let again = ratioflow(
        folder.path(),
        &["run", "lumps.toml", "--no-frames", "--out", "r", "--force"],
    );
    assert!(again.status.success(), "{}", said(&again));
    assert!(!folder.path().join("r/final.svg").exists());
    for (args, code, words) in [
        (&["render", "r", "--scale", "9"][..], 2, "from 0.25 to 4"),
        (&["render", "r", "--width", "NaN"], 2, "from 480 to 8000"),
        (&["render", "r", "--show", "stars"], 2, "trails"),
        (&["render", "nowhere"], 3, "no run directory"),
        (&["gallery", "nothing-like-it"], 2, "ratioflow list"),
    ] {
        let refused = ratioflow(folder.path(), args);
        assert_eq!(
            refused.status.code(),
            Some(code),
            "{args:?}: {}",
            said(&refused)
        );
        assert!(said(&refused).contains(words), "{}", said(&refused));
    }
}

#[test]
fn errors_from_files_are_shown_and_not_obeyed() {
    let folder = TempDir::new().unwrap();
    fs::write(
        folder.path().join("bad.toml"),
        "title = \"\x1b]0;owned\x07\"\n",
    )
    .unwrap();
    let output = ratioflow(folder.path(), &["check", "bad.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(harmless(&said(&output)), "{:?}", said(&output));
    let output = ratioflow(folder.path(), &["run", "no\x1b[31msuch"]);
    assert!(harmless(&said(&output)), "{:?}", said(&output));
}

#[test]
fn the_gallery_runs_what_is_chosen() {
    let folder = TempDir::new().unwrap();
    let args = [
        "gallery",
        "two-gaussians",
        "--no-frames",
        "--out",
        "g",
        "--threads",
        "2",
        "--scale",
        "0.3",
    ];
    let output = ratioflow(folder.path(), &args);
    assert_eq!(output.stdout, b"g\n", "{}", said(&output));
    assert!(
        said(&output)
            .starts_with("1/1 two-gaussians: indistinguishable from the target by 12 measures"),
        "{}",
        said(&output)
    );
    let page = fs::read_to_string(folder.path().join("g/index.html")).unwrap();
    for file in ["final.png", "report.html", "run.json"] {
        assert!(folder.path().join("g/two-gaussians").join(file).exists());
    }
    let picture = fs::read(folder.path().join("g/two-gaussians/final.png")).unwrap();
    assert_eq!(picture[16..20], 432_u32.to_be_bytes());
    assert!(page.contains("Does one cloud split into two equal halves?"));
    assert!(page.contains("class=\"mark arrived\""));
    assert!(!page.contains("animation.png"));
}

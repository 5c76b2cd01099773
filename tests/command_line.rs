//! The program as a user meets it: what it prints, what it leaves behind, and how it refuses.

mod shared;

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use tempfile::TempDir;

use shared::contents;

fn ratioflow(folder: &Path) -> Command {
    let mut command = Command::cargo_bin("ratioflow").unwrap();
    command.current_dir(folder).env_remove("NO_COLOR");
    command
}

/// Options that make a run small enough for a test.
const SMALL: [&str; 10] = [
    "--steps",
    "12",
    "--set",
    "cloud.particles=120",
    "--set",
    "cloud.samples=150",
    "--set",
    "output.frames=4",
    "--set",
    "metrics.floor_draws=19",
];

/// Runs and gives the directory that the program prints.
fn run(folder: &Path, args: &[&str]) -> PathBuf {
    let output = ratioflow(folder).arg("run").args(args).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {errors}");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        printed.lines().count(),
        1,
        "one line on standard output: {printed:?}"
    );
    folder.join(printed.trim_end())
}

#[test]
fn a_run_leaves_every_file_of_the_interface() {
    let home = TempDir::new().unwrap();
    let mut args = vec!["eight-gaussians"];
    args.extend(SMALL);
    let directory = run(home.path(), &args);
    assert_eq!(directory, home.path().join("output/eight-gaussians/001"));
    let files = contents(&directory);
    let expected = [
        "animation.png",
        "convergence.png",
        "final.png",
        "frames/0000.png",
        "frames/0003.png",
        "metrics.csv",
        "run.json",
        "scenario.toml",
        "trajectory.npz",
    ];
    for name in expected {
        assert!(files.contains_key(Path::new(name)), "{name} is missing");
    }
    let manifest: serde_json::Value =
        serde_json::from_slice(&files[Path::new("run.json")]).unwrap();
    assert_eq!(manifest["status"], "complete");
    assert_eq!(manifest["steps"], 12);
    assert_eq!(manifest["seed"], 1);
    for metric in [
        "energy_distance",
        "mmd2",
        "sliced_w2",
        "knn_kl",
        "c2st",
        "modes",
        "speed",
    ] {
        assert!(manifest["final"][metric].is_number(), "{metric}");
    }
    assert!(manifest["floor"]["energy_distance"]["q95"].is_number());
    let table = String::from_utf8(files[Path::new("metrics.csv")].clone()).unwrap();
    assert!(table.starts_with("step,time,energy_distance,"));
    let steps: Vec<&str> = table
        .lines()
        .skip(1)
        .map(|l| l.split(',').next().unwrap())
        .collect();
    assert_eq!(steps, ["0", "10", "12"]);

    // The next run has the next number.
    assert_eq!(
        run(home.path(), &args),
        home.path().join("output/eight-gaussians/002")
    );
}

#[test]
fn the_same_bytes_for_any_number_of_threads_and_from_the_run_s_own_scenario() {
    let home = TempDir::new().unwrap();
    for scenario in ["eight-gaussians", "drawing", "gaussian-pair"] {
        let mut args = vec![scenario];
        args.extend(SMALL);
        args.extend(["--threads", "1"]);
        let one = run(home.path(), &args);
        *args.last_mut().unwrap() = "3";
        let three = run(home.path(), &args);
        let own = one.join("scenario.toml");
        let again = run(home.path(), &[own.to_str().unwrap()]);
        let first = contents(&one);
        for other in [three, again] {
            let second = contents(&other);
            assert!(first.keys().eq(second.keys()), "{scenario}: the same files");
            for (name, bytes) in &first {
                assert!(
                    bytes == &second[name],
                    "{scenario}: {} differs",
                    name.display()
                );
            }
        }
    }
}

#[test]
fn a_scenario_may_come_from_standard_input() {
    let home = TempDir::new().unwrap();
    let output = ratioflow(home.path())
        .args(["run", "-", "--no-frames", "--json"])
        .args(SMALL)
        .write_stdin("[target.moons]\n")
        .output()
        .unwrap();
    assert!(output.status.success());
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["run"]["scenario"], "stdin");
    let directory = home.path().join(object["directory"].as_str().unwrap());
    assert!(directory.join("final.png").exists());
    assert!(!directory.join("animation.png").exists(), "--no-frames");
}

#[test]
fn a_run_that_blows_up_is_recorded_and_has_an_exit_code_of_its_own() {
    let home = TempDir::new().unwrap();
    let output = ratioflow(home.path())
        .args(["run", "gaussian-pair", "--set", "flow.step_size=40.0"])
        .args(SMALL)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("diverged at step"), "{told}");
    let directory = home.path().join("output/gaussian-pair/001");
    let files = contents(&directory);
    let manifest: serde_json::Value =
        serde_json::from_slice(&files[Path::new("run.json")]).unwrap();
    assert_eq!(manifest["status"], "diverged");
    assert!(manifest["ending"].as_str().unwrap().contains("particle"));
    for kept in [
        "final.png",
        "animation.png",
        "metrics.csv",
        "trajectory.npz",
    ] {
        assert!(files.contains_key(Path::new(kept)), "{kept} is kept");
    }
}

#[test]
fn settings_that_no_estimator_can_use_are_refused() {
    let home = TempDir::new().unwrap();
    let cases = [
        ("logistic = { count = 0 }", ["logistic.count", "at least 2"]),
        ("ulsif = { centres = 0 }", ["ulsif.centres", "at least 1"]),
        ("kale = { lambda = 0 }", ["kale.lambda", "greater than 0"]),
        (
            "kale = { tolerance = -1 }",
            ["kale.tolerance", "between 0 and 1"],
        ),
        (
            "kale = { damping = 0 }",
            ["kale.damping", "between 0.1 and 1"],
        ),
        (
            "kde = { bandwidth = 0 }",
            ["kde.bandwidth", "greater than 0"],
        ),
    ];
    for (settings, words) in cases {
        let settings = format!("discriminator={{ {settings} }}");
        let output = ratioflow(home.path())
            .args(["run", "eight-gaussians", "--set", &settings])
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{settings}: {told}");
        for word in words {
            assert!(told.contains(word), "{settings}: {told}");
        }
    }
}

/// What an option names alone stands over a setting of the same key; a view that no picture can show is refused.
#[test]
fn a_view_is_what_the_option_says_and_can_be_drawn() {
    let home = TempDir::new().unwrap();
    let set = ["--set", "output.view=[-9,9,-9,9]"];
    let check = |view: &str| {
        let mut command = ratioflow(home.path());
        command.args(["check", "two-gaussians", "--view", view]);
        command.args(set).output().unwrap()
    };
    let text = String::from_utf8(check("-1,1,-1,1").stdout).unwrap();
    let view = text.lines().find(|line| line.starts_with("view")).unwrap();
    assert!(view.contains("1.0") && !view.contains('9'), "{view}");
    let text = String::from_utf8(check("target").stdout).unwrap();
    assert!(text.contains("view = \"target\""), "{text}");
    for view in [
        "-1e300,1e300,-1,1",
        "0,1,5,1e101",
        "1,1.00000000000000022,0,1",
        "2,1,0,1",
        "0,1,0,nan",
    ] {
        let output = check(view);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{view}: {told}");
        let named = told.contains("--view") || told.contains("output.view");
        assert!(named, "{view}: {told}");
    }
}

/// Every refusal: exit code 2, one message with these words, and nothing left behind.
#[test]
#[expect(clippy::too_many_lines, reason = "a table of inputs")]
fn bad_input_is_refused_with_place_value_and_remedy() {
    let home = TempDir::new().unwrap();
    let file = |name: &str, bytes: &[u8]| fs::write(home.path().join(name), bytes).unwrap();
    file("typo.toml", b"[target.ring]\nmodes = 8\nradios = 2.0\n");
    file("variant.toml", b"[target.rng]\n");
    file("two.toml", b"[target.ring]\n[target.grid]\n");
    file("range.toml", b"[target.ring]\nsd = -0.5\n");
    file("nan.toml", b"[target.ring]\nsd = nan\n");
    file("type.toml", b"[target.ring]\nmodes = \"eight\"\n");
    file("missing.toml", b"[target.points]\nfile = \"nowhere.npy\"\n");
    file("white.toml", b"[target.image]\nfile = \"white.png\"\n");
    file("lie.toml", b"[target.points]\nfile = \"lie.npy\"\n");
    file("good.toml", b"[target.ring]\n");
    file("three.csv", b"0,0\n1,0\n0,1\n");
    file(
        "few.toml",
        b"[target.ring]\n[source.points]\nfile = \"three.csv\"\nreplace = false\n[cloud]\nfinal = \"sample\"\n",
    );
    file("moons.toml", b"[target.moons]\n");
    file("white.png", &white_png());
    file("lie.npy", &lying_npy());
    let before = contents(home.path());
    let cases: &[(&[&str], &[&str])] = &[
        (
            &["typo.toml"],
            &["typo.toml:3:1", "radios", "did you mean `radius`?"],
        ),
        (
            &["variant.toml"],
            &["variant.toml:1:9", "rng", "did you mean `ring`?"],
        ),
        (&["two.toml"], &["two.toml:", "ring", "grid"]),
        (
            &["range.toml"],
            &["range.toml:2:6", "-0.5", "greater than 0"],
        ),
        (&["nan.toml"], &["nan.toml:2:6", "finite"]),
        (&["type.toml"], &["type.toml:2:9", "eight"]),
        (
            &["missing.toml"],
            &[
                "missing.toml:2:8",
                "nowhere.npy",
                "relative to the scenario file",
            ],
        ),
        (&["white.toml"], &["white.toml:2:8", "ink"]),
        (&["lie.toml"], &["lie.toml:2:8", "lie.npy"]),
        (
            &["good.toml", "--set", "target.ring.sd=-1"],
            &["--set target.ring.sd=-1", "greater than 0"],
        ),
        (
            &["good.toml", "--set", "flow.stesp=3"],
            &["stesp", "did you mean `steps`?"],
        ),
        (&["good.toml", "--steps", "many"], &["--steps many"]),
        (&["good.toml", "--seed=-1"], &["--seed -1"]),
        (&["good.toml", "--seed", "-1"], &["--seed -1", "0 or more"]),
        (
            &["few.toml"],
            &["cloud.particles times cloud.bath of at most 3"],
        ),
        (
            &[
                "good.toml",
                "--set",
                "discriminator.mlp.loss=hinge",
                "--set",
                "flow.h=exp",
            ],
            &["with this loss is no log ratio", "another loss"],
        ),
        (
            &["good.toml", "--set", "metrics.also=['modes']"],
            &["`modes` need not be asked for"],
        ),
        (
            &[
                "eight-gaussians",
                "--set",
                "target={points={file='none.npy'}}",
            ],
            &["none.npy", "to the current folder"],
        ),
        (
            &["good.toml", "--discriminator", "kdee"],
            &["kdee", "did you mean `kde`?"],
        ),
        (
            &["moons.toml", "--discriminator", "oracle"],
            &["oracle", "target.gaussian"],
        ),
        (
            &["eight-gaussian"],
            &["eight-gaussian", "did you mean `eight-gaussians`?"],
        ),
        (
            &["good.toml", "--set", "flow.h=softpluss"],
            &["softpluss", "softplus"],
        ),
    ];
    for (args, words) in cases {
        let output = ratioflow(home.path())
            .arg("run")
            .args(*args)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {told}");
        for word in *words {
            assert!(
                told.contains(word),
                "{args:?}: expected {word:?} in\n{told}"
            );
        }
        assert!(output.stdout.is_empty());
        assert_eq!(
            contents(home.path()),
            before,
            "{args:?} left something behind"
        );
        assert!(
            !home.path().join("output").exists(),
            "{args:?} left a folder behind"
        );
    }
}

/// A file names neither what was given in code nor a target that is fitted to the target.
#[test]
fn kinds_that_no_file_can_name_are_not_offered() {
    let home = TempDir::new().unwrap();
    fs::write(home.path().join("none.toml"), "[flow]\n").unwrap();
    fs::write(home.path().join("other.toml"), "[target.rign]\n").unwrap();
    for file in ["none.toml", "other.toml"] {
        let output = ratioflow(home.path()).args(["check", file]).output();
        let told = String::from_utf8(output.unwrap().stderr).unwrap();
        assert!(told.contains("checkerboard"), "{told}");
        assert!(!told.contains("given") && !told.contains("auto"), "{told}");
    }
}

/// One's own points in the place of a shipped target; the run's own scenario finds them again.
#[test]
fn a_shipped_scenario_takes_a_file_of_the_current_folder() {
    let home = TempDir::new().unwrap();
    let point = |i: u32| {
        let t = f64::from(i);
        format!("{},{}", (0.7 * t).sin(), (1.1 * t).cos())
    };
    let points: Vec<String> = (0..60).map(point).collect();
    fs::write(home.path().join("mine.csv"), points.join("\n")).unwrap();
    let own = "target={points={file='mine.csv'}}";
    let mut args = vec!["moons", "--set", own, "--no-frames"];
    args.extend(SMALL);
    let first = run(home.path(), &args);
    fs::remove_file(home.path().join("mine.csv")).unwrap();
    let scenario = first.join("scenario.toml");
    let again = run(home.path(), &[scenario.to_str().unwrap(), "--no-frames"]);
    let [a, b] = [first, again].map(|folder| fs::read(folder.join("metrics.csv")).unwrap());
    assert_eq!(a, b);
}

/// A white picture: there is no ink in it.
fn white_png() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 4, 4);
    encoder.set_color(png::ColorType::Grayscale);
    encoder
        .write_header()
        .unwrap()
        .write_image_data(&[255; 16])
        .unwrap();
    bytes
}

/// 144 bytes that claim to hold 10¹² points.
fn lying_npy() -> Vec<u8> {
    let mut header =
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 2), }".to_owned();
    while !(header.len() + 11).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    bytes.extend(header.bytes());
    bytes.resize(144.max(bytes.len()), 0);
    bytes
}

#[test]
fn a_folder_in_use_by_other_things_is_left_alone() {
    let home = TempDir::new().unwrap();
    fs::create_dir(home.path().join("mine")).unwrap();
    fs::write(home.path().join("mine/thesis.tex"), "precious").unwrap();
    for force in [&[][..], &["--force"]] {
        let output = ratioflow(home.path())
            .args(["run", "eight-gaussians", "--out", "mine"])
            .args(force)
            .args(SMALL)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(6));
        assert_eq!(contents(&home.path().join("mine")).len(), 1);
    }
    let args = |more: &'static [&'static str]| {
        let mut args = vec!["eight-gaussians", "--out", "free"];
        args.extend(SMALL);
        args.extend(more);
        args
    };
    run(home.path(), &args(&[]));
    let output = ratioflow(home.path())
        .arg("run")
        .args(args(&[]))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(6));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--force"));
    run(home.path(), &args(&["--force"]));
}

#[test]
fn lists_schema_check_init_and_completions_answer() {
    let home = TempDir::new().unwrap();
    let text = |args: &[&str]| {
        let output = ratioflow(home.path()).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(text(&["list"]).contains("eight-gaussians"));
    for (what, name) in [
        ("targets", "swiss-roll"),
        ("discriminators", "kde"),
        ("fields", "drift"),
        ("maps", "log-sigmoid"),
        ("metrics", "sliced_w2"),
    ] {
        assert!(text(&["list", what]).contains(name));
        let object: serde_json::Value =
            serde_json::from_str(&text(&["list", what, "--json"])).unwrap();
        assert!(object[name].is_string(), "{what}: {name}");
    }
    let schema: serde_json::Value = serde_json::from_str(&text(&["schema"])).unwrap();
    assert!(schema["properties"]["target"].is_object());
    assert!(text(&["completions", "bash"]).contains("ratioflow"));

    // What check prints is a scenario again, and says the same of itself.
    let resolved = text(&["check", "eight-gaussians"]);
    fs::write(home.path().join("resolved.toml"), &resolved).unwrap();
    assert_eq!(text(&["check", "resolved.toml"]), resolved);

    assert_eq!(text(&["init", "mine"]), "mine.toml\n");
    text(&["check", "mine.toml"]);
    let output = ratioflow(home.path())
        .args(["init", "mine"])
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(3),
        "an existing file is not overwritten"
    );
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_error_and_a_full_disk_is() {
    let home = TempDir::new().unwrap();
    let program = assert_cmd::cargo::cargo_bin("ratioflow");
    let shell = |line: &str| {
        let line = line.replace("ratioflow", program.to_str().unwrap());
        let output = std::process::Command::new("bash")
            .args(["-c", &format!("set -o pipefail; {line}")])
            .current_dir(home.path())
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (code, told) = shell("ratioflow schema | head -c 10 > /dev/null");
    assert_eq!(code, Some(0), "{told}");
    if Path::new("/dev/full").exists() {
        let (code, told) = shell("ratioflow schema > /dev/full");
        assert_eq!(code, Some(3));
        assert!(told.contains("standard output"), "{told}");
    }
}

#[test]
fn compare_puts_variants_side_by_side_and_does_not_depend_on_threads() {
    let home = TempDir::new().unwrap();
    let compare = |threads: &str, more: &[&str]| {
        let output = ratioflow(home.path())
            .args(["compare", "gan-as-ode", "--threads", threads])
            .args(SMALL)
            .args(more)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
        home.path()
            .join(String::from_utf8(output.stdout).unwrap().trim_end())
    };
    let one = compare("1", &[]);
    assert_eq!(one, home.path().join("output/gan-as-ode/compare-001"));
    let files = contents(&one);
    let common = [
        "animation.png",
        "convergence.png",
        "comparison.csv",
        "comparison.json",
        "report.html",
    ];
    for name in common
        .into_iter()
        .chain(["distill/run.json", "flow/trajectory.npz"])
    {
        assert!(files.contains_key(Path::new(name)), "{name} is missing");
    }
    let json: serde_json::Value =
        serde_json::from_slice(&files[Path::new("comparison.json")]).unwrap();
    assert_eq!(
        json["order"],
        serde_json::json!(["flow", "distill", "adversarial"])
    );
    assert!(json["variants"]["distill"]["final"]["distillation_gap"].is_number());
    assert!(json["variants"]["flow"]["final"]["distillation_gap"].is_null());
    // All begin with the same cloud, particle by particle.
    let trajectory = |variant: &str| {
        let file = fs::File::open(one.join(variant).join("trajectory.npz")).unwrap();
        let mut arrays = ndarray_npy::NpzReader::new(file).unwrap();
        let clouds: ndarray::Array3<f64> = arrays.by_name("particles").unwrap();
        clouds.index_axis(ndarray::Axis(0), 0).to_owned()
    };
    assert_eq!(trajectory("flow"), trajectory("distill"));
    assert_eq!(trajectory("flow"), trajectory("adversarial"));

    let two = contents(&compare("3", &[]));
    assert!(files.keys().eq(two.keys()));
    for (name, bytes) in &files {
        assert!(bytes == &two[name], "{} differs", name.display());
    }

    let seeds = contents(&compare("2", &["--seeds", "3", "--no-frames"]));
    let json: serde_json::Value =
        serde_json::from_slice(&seeds[Path::new("comparison.json")]).unwrap();
    assert_eq!(json["seeds"]["flow"].as_array().unwrap().len(), 3);
    assert!(
        json["spread"]["flow"]["energy_distance"]["sd"]
            .as_f64()
            .unwrap()
            > 0.0
    );
    let table = String::from_utf8(seeds[Path::new("comparison.csv")].clone()).unwrap();
    assert!(
        table
            .lines()
            .next()
            .unwrap()
            .contains("energy_distance,energy_distance_sd")
    );
}

#[test]
fn a_variant_that_diverges_is_a_result_and_the_others_go_on() {
    let home = TempDir::new().unwrap();
    let output = ratioflow(home.path())
        .args(["compare", "gaussian-pair", "--no-frames"])
        .args([
            "--variant",
            "good: flow.step_size=0.02",
            "--variant",
            "wild: flow.step_size=40.0",
        ])
        .args(SMALL)
        .output()
        .unwrap();
    assert!(output.status.success());
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("diverged"), "{told}");
    let file = home
        .path()
        .join("output/gaussian-pair/compare-001/comparison.json");
    let json: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    assert_eq!(json["variants"]["good"]["status"], "complete");
    assert_eq!(json["variants"]["wild"]["status"], "diverged");
}

#[test]
fn a_comparison_takes_the_variants_of_another_scenario_that_suit_it() {
    let home = TempDir::new().unwrap();
    let home = home.path();
    fs::write(
        home.join("lender.toml"),
        "variants = [\"plain: flow.momentum='none'\", \"exact: discriminator=oracle\"]\n[target.ring]\n",
    )
    .unwrap();
    let compare = |scenario: &str, more: &[&str]| {
        let mut command = ratioflow(home);
        command.args(["compare", scenario, "--no-frames"]);
        command.args(["--variants-of", "lender.toml"]).args(more);
        command.args(SMALL).output().unwrap()
    };
    // No closed form there, and none is faked.
    let output = compare("spirals", &["--json"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert!(
        told.contains("`exact` is left out") && told.contains("closed form"),
        "{told}"
    );
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["comparison"]["order"], serde_json::json!(["plain"]));
    assert!(json["seconds_per_step"]["plain"].as_f64().unwrap() > 0.0);
    assert!(
        told.contains("ms a step") && told.contains("stranded"),
        "{told}"
    );

    fs::write(
        home.join("lender.toml"),
        "variants = [\"exact: discriminator=oracle\"]\n",
    )
    .unwrap();
    for more in [&[][..], &["--variant", "a: flow.steps=3"]] {
        let output = compare("spirals", more);
        assert_eq!(output.status.code(), Some(2), "{more:?}");
    }
}

/// What if there were fewer data, or the target were another? Each variant has its own floor, and its own samples in the picture.
#[test]
fn variants_may_have_other_data_each_with_its_own_floor() {
    let home = TempDir::new().unwrap();
    let mut command = ratioflow(home.path());
    command.args(["compare", "eight-gaussians"]).args(SMALL);
    command.args(["--variant", "few: cloud.particles=30, cloud.samples=40"]);
    command.args(["--variant", "wide: target.ring.radius=6"]);
    command.args(["--variant", "moons: source={ moons = {} }"]);
    let output = command.args(["--out", "all"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{output:?}");
    for name in ["few", "wide", "moons"] {
        assert!(told.contains(&format!("floor of {name} ")), "{told}");
    }
    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(home.path().join("all/comparison.json")).unwrap())
            .unwrap();
    let floor = |name: &str| {
        json["variants"][name]["floor"]["energy_distance"]["median"]
            .as_f64()
            .unwrap()
    };
    assert!(floor("few") > floor("moons") && floor("few") != floor("wide"));
    let points = |name: &str| {
        json["variants"][name]["points"]["training"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(points("few"), 40);
    assert!(points("wide") > 40);
    // Drawn again from what is on disk, the picture is the same.
    let before = fs::read(home.path().join("all/final.png")).unwrap();
    let mut command = ratioflow(home.path());
    assert!(
        command
            .args(["render", "all"])
            .output()
            .unwrap()
            .status
            .success()
    );
    assert!(before == fs::read(home.path().join("all/final.png")).unwrap());
}

#[test]
fn a_comparison_that_would_be_none_is_refused_before_anything_runs() {
    let home = TempDir::new().unwrap();
    let cases: &[(&[&str], &str)] = &[
        (&["a: seed=2"], "same seed"),
        (
            &[
                "a: flow.steps=3",
                "b: source={gaussian={mean=[0.0],covariance=[[1.0]]}}, target={gaussian={mean=[1.0],covariance=[[1.0]]}}",
            ],
            "not in one space",
        ),
        (&["a:"], "sets nothing"),
        (&["flow.steps=3"], "has no name"),
        (&["a: flow.steps=3", "A: flow.steps=4"], "name of its own"),
        (&["a: generator.distill.inner_steps=0"], "at least 1"),
        (&["a: flow.stesp=3"], "did you mean `steps`?"),
    ];
    for (variants, word) in cases {
        let mut command = ratioflow(home.path());
        command.args(["compare", "eight-gaussians"]).args(SMALL);
        for variant in *variants {
            command.args(["--variant", variant]);
        }
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{variants:?}: {told}");
        assert!(told.contains(word), "{variants:?}: {told}");
        assert!(
            !home.path().join("output").exists(),
            "{variants:?} left something behind"
        );
    }
}

#[test]
fn calibrate_prints_a_table_and_leaves_a_picture() {
    let home = TempDir::new().unwrap();
    let small = ["--set", "cloud.particles=200", "--set", "cloud.samples=200"];
    let output = ratioflow(home.path())
        .args(["calibrate", "gaussian-pair"])
        .args(small)
        .output()
        .unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    for word in ["kde", "mlp chi2", "oracle", "D = 0", "exact", "wasserstein"] {
        assert!(table.contains(word), "{word} is not in\n{table}");
    }
    let directory = home.path().join("output/gaussian-pair/calibrate-001");
    let picture = fs::read(directory.join("calibration.png")).unwrap();
    assert!(picture.starts_with(b"\x89PNG"));
    let numbers = fs::read(directory.join("calibration.json")).unwrap();
    let numbers: serde_json::Value = serde_json::from_slice(&numbers).unwrap();
    assert!(numbers["estimates"][0]["log"]["q"].is_f64());
    ratioflow(home.path())
        .args(["calibrate", "pinwheel"])
        .assert()
        .code(2);
}

/// A failure is an object too, with its place and its remedies.
#[test]
fn what_fails_with_json_is_an_object() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(
        home.path().join("a.toml"),
        "[target.ring]\n[flow]\nstepps = 3\n",
    )
    .unwrap();
    let failed = |args: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_ratioflow"))
            .current_dir(home.path())
            .args(args)
            .output()
            .unwrap();
        let object: serde_json::Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{args:?}: {error}"));
        let error = object["error"].clone();
        assert_eq!(error["code"], output.status.code().unwrap(), "{args:?}");
        assert!(!output.stderr.is_empty());
        error
    };
    let misspelt = failed(&["run", "a.toml", "--json"]);
    assert_eq!(misspelt["place"]["line"], 3);
    assert_eq!(misspelt["place"]["file"], "a.toml");
    assert!(
        misspelt["help"][0].as_str().unwrap().contains("steps"),
        "{misspelt}"
    );
    let missing = failed(&["run", "no-such-scenario", "--json"]);
    assert!(
        missing["message"]
            .as_str()
            .unwrap()
            .contains("no-such-scenario"),
        "{missing}"
    );
    let usage = failed(&["run", "ring", "--no-such-option", "--json"]);
    assert_eq!(usage["code"], 2);
    assert!(usage["place"].is_null());
    let folder = failed(&["render", "nowhere", "--json"]);
    assert!(
        folder["message"].as_str().unwrap().contains("nowhere"),
        "{folder}"
    );
}

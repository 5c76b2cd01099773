//! The objects of `--json` are what `docs/json.md` says: every key that it names is there, and no key is there that it does not name.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Keys of an object as the page names them: `run.verdict?.p`, `run.final.*`.
type Keys = Vec<String>;

/// The keys below each heading of the page.
fn documented() -> BTreeMap<String, Keys> {
    let text = include_str!("../docs/json.md");
    let mut sections = BTreeMap::new();
    for section in text.split("\n## ").skip(1) {
        let (heading, rest) = section.split_once('\n').unwrap();
        let rows = rest.lines().filter(|line| line.starts_with("| `"));
        let cells = rows.map(|row| row.split('|').nth(1).unwrap());
        let keys = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
        let keys: Keys = keys.map(str::to_owned).collect();
        assert!(!keys.is_empty(), "{heading}");
        sections.insert(heading.to_owned(), keys);
    }
    sections
}

/// Whether `value` has what the parts of a key lead to; what may be left out may.
fn has(value: &Value, parts: &[&str]) -> bool {
    match parts {
        [] => true,
        ["*"] => value.is_object(),
        [first, rest @ ..] => {
            match (value.get(first.trim_end_matches('?')), first.ends_with('?')) {
                (Some(inner), _) => has(inner, rest),
                (None, optional) => optional,
            }
        }
    }
}

/// Keys of `value` that no documented one covers.
fn unknown(value: &Value, prefix: &str, keys: &Keys) -> Keys {
    let mut found = Vec::new();
    for (key, inner) in value.as_object().unwrap() {
        let path = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        let bare: Keys = keys.iter().map(|key| key.replace('?', "")).collect();
        let any = if prefix.is_empty() {
            "*".to_owned()
        } else {
            format!("{prefix}.*")
        };
        if bare.contains(&path) || bare.contains(&any) {
            continue;
        }
        if inner.is_object() && bare.iter().any(|key| key.starts_with(&format!("{path}."))) {
            found.extend(unknown(inner, &path, keys));
        } else {
            found.push(path);
        }
    }
    found
}

fn hold(value: &Value, keys: &Keys, what: &str) {
    for key in keys {
        let parts: Vec<&str> = key.split('.').collect();
        assert!(has(value, &parts), "{what}: no {key} in {value:#}");
    }
    let more = unknown(value, "", keys);
    assert!(
        more.is_empty(),
        "{what}: docs/json.md does not name {more:?}"
    );
}

fn ratioflow(folder: &Path, words: &str) -> std::process::Output {
    let words = words.split(' ').filter(|word| !word.is_empty());
    let mut command = Command::new(env!("CARGO_BIN_EXE_ratioflow"));
    command.args(words).current_dir(folder);
    command.output().unwrap()
}

const SMALL: &str = "--set flow.steps=4 --set cloud.particles=60 --set cloud.samples=80 --set metrics.floor_draws=19 --set metrics.permutations=19 --set output.frames=0";

#[test]
fn every_object_is_as_documented() {
    let folder = tempfile::tempdir().unwrap();
    let sections = documented();
    let mut seen: Keys = vec!["What has failed".into(), "Progress".into()];
    for (section, command) in [
        (
            "`run`, `resume RUN_DIR`",
            format!("run two-gaussians {SMALL} --generator distill --out r"),
        ),
        ("`run`, `resume RUN_DIR`", "resume r".into()),
        (
            "`compare`, `resume COMPARISON_DIR`",
            format!("compare two-gaussians {SMALL} --seeds 2 --out c"),
        ),
        ("`compare`, `resume COMPARISON_DIR`", "resume c".into()),
        ("`render`", "render r".into()),
        ("`sample`", "sample r -n 30 --out s.csv".into()),
        ("`sample`", "sample r -n 3".into()),
        ("`measure`", "measure s.csv --target ring".into()),
        (
            "`calibrate`",
            "calibrate gaussian-pair --set cloud.particles=60 --set cloud.samples=80".into(),
        ),
        (
            "`reference`",
            format!("reference gaussian-pair {SMALL} --cells 16"),
        ),
        ("`claims`", "claims metastability --seeds 1..1".into()),
        (
            "`sweep plan`",
            format!("sweep plan moons --seeds 1..2 {SMALL} --out w"),
        ),
        ("`sweep run`, `sweep task`", "sweep task w --index 0".into()),
        ("`sweep run`, `sweep task`", "sweep run w".into()),
        ("`sweep collect`", "sweep collect w".into()),
        (
            "`gallery`",
            "gallery gaussian-pair --no-frames --scale 0.25".into(),
        ),
        ("`lab`", "lab --out l.html".into()),
        ("`check`", "check eight-gaussians".into()),
        ("`list`", "list".into()),
        ("`list`", "list metrics".into()),
        ("`init`", "init mine".into()),
    ] {
        let output = ratioflow(folder.path(), &format!("{command} --json -q"));
        let told = String::from_utf8_lossy(&output.stderr);
        let value: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{command}: {error}\n{told}"));
        hold(&value, &sections[section], &command);
        seen.push(section.to_owned());
    }
    for section in sections.keys() {
        assert!(seen.contains(section), "nothing was run for {section}");
    }
}

#[test]
fn what_fails_is_as_documented() {
    let folder = tempfile::tempdir().unwrap();
    let keys = &documented()["What has failed"];
    std::fs::write(
        folder.path().join("s.toml"),
        "[target.ring]\n[flow]\nstepps = 3\n",
    )
    .unwrap();
    for (command, code, has_place, has_help) in [
        ("run s.toml", 2, true, true),
        ("run nosuch", 2, false, true),
        ("run moons --set flow.steps=many", 2, false, false),
        ("run moons --nosuch", 2, false, false),
        ("render nosuch", 3, false, false),
        ("man nosuch", 2, false, true),
    ] {
        let output = ratioflow(folder.path(), &format!("{command} --json"));
        let value: Value = serde_json::from_slice(&output.stdout).unwrap();
        hold(&value, keys, command);
        let error = &value["error"];
        assert_eq!(error["code"], output.status.code().unwrap(), "{command}");
        assert_eq!(error["code"], code, "{command}: {value:#}");
        assert_eq!(
            error["place"].is_object(),
            has_place,
            "{command}: {value:#}"
        );
        let help = error["help"].as_array().unwrap();
        assert!(!has_help || !help.is_empty(), "{command}: {value:#}");
        let message = error["message"].as_str().unwrap();
        assert!(!message.contains("= help"), "{command}: {message}");
    }
}

#[test]
fn progress_is_a_line_of_json_a_measured_step() {
    let folder = tempfile::tempdir().unwrap();
    let keys = &documented()["Progress"];
    for (command, runs) in [
        ("run moons --set metrics.every=2", 1),
        (
            "compare moons --set metrics.every=2 --variant a:seed=1 --variant b:flow.shift=1",
            2,
        ),
    ] {
        let output = ratioflow(folder.path(), &format!("{command} {SMALL} --progress json"));
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{told}");
        let lines = told.lines().filter(|line| line.starts_with('{'));
        let lines: Vec<Value> = lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 3 * runs, "{told}");
        for line in &lines {
            hold(line, keys, command);
            assert!(line["measures"]["energy_distance"].as_f64().unwrap() > 0.0);
            assert_eq!(line["steps"], 4);
        }
        let steps = lines.iter().filter(|line| line["run"] == lines[0]["run"]);
        let steps: Vec<u64> = steps.map(|line| line["step"].as_u64().unwrap()).collect();
        assert_eq!(steps, [0, 2, 4]);
    }
}

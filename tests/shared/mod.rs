//! What the tests of runs and of measures share.
#![allow(dead_code, reason = "no test needs all of it")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;

use ndarray::Array2;
use ratioflow::cloud::Cloud;
use ratioflow::experiment::Experiment;
use ratioflow::record::{Record, RunError, StopToken, record};
use ratioflow::scenario::Embedded;
use ratioflow::store::RunDirectory;
use ratioflow::target::{Component, Mixture, Target};

/// Every file of a run but `timings.json`.
pub(crate) fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().unwrap() != "timings.json" {
                let short = path.strip_prefix(folder).unwrap().to_path_buf();
                all.insert(short, fs::read(&path).unwrap());
            }
        }
    }
    all
}

/// Records an experiment that nobody stops or watches.
pub(crate) fn recorded(
    name: &str,
    experiment: &Experiment,
    directory: &RunDirectory,
) -> Result<Record, RunError> {
    record(
        name,
        experiment,
        &Embedded,
        directory,
        &StopToken::default(),
        &mut |_| {},
    )
}

/// `SplitMix64`: different numbers in each case, the same in each test.
pub(crate) fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Equal to nine digits.
pub(crate) fn assert_equal(what: &str, value: f64, expected: f64) {
    let error = (value / expected - 1.0).abs();
    assert!(
        error < 1e-9,
        "{what}: {value} is not {expected}, relative error {error:e}"
    );
}

/// 99.9 % point of Kolmogorov's statistic for 500 draws, 1.95/√500; for 20 or 100 levels, as p-values have, it lies below, at 0.082 and 0.084.
pub(crate) const KOLMOGOROV: f64 = 0.087;

/// How far the share of values up to each multiple of `1/steps` lies below and above that multiple: Kolmogorov's statistic of values that can
/// only be such multiples.
pub(crate) fn kolmogorov(values: &[f64], steps: usize) -> [f64; 2] {
    let gaps = (1..steps).map(|k| {
        let level = k as f64 / steps as f64;
        let below = values.iter().filter(|&&v| v <= level + 1e-9).count();
        below as f64 / values.len() as f64 - level
    });
    gaps.fold([0.0; 2], |[low, high], gap| {
        [f64::min(low, gap), f64::max(high, gap)]
    })
}

/// A cloud without chance, one of the two that the values from Python were computed on.
pub(crate) fn first(n: usize) -> Cloud {
    Array2::from_shape_fn((n, 2), |(i, axis)| {
        let i = i as f64;
        [(1.3 * i).sin(), (0.7 * i * i).cos()][axis]
    })
}

/// The other of the two.
pub(crate) fn second(n: usize) -> Cloud {
    Array2::from_shape_fn((n, 2), |(i, axis)| {
        let i = i as f64;
        [0.8 * (2.1 * i).cos() + 0.3, (0.9 * i * i).sin() - 0.2][axis]
    })
}

pub(crate) fn mixture(components: &[Component]) -> Arc<dyn Target> {
    Arc::new(Mixture::new(components.to_vec()).unwrap())
}

/// Sends a signal by its name.
pub(crate) fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill")
        .args([format!("-{signal}"), child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

/// Ctrl-C and its exit code, or what stands for it.
pub(crate) fn ctrl_c() -> (&'static str, i32) {
    heard(2, "INT")
}

/// The loss of the terminal and its exit code, or what stands for it.
pub(crate) fn hang_up() -> (&'static str, i32) {
    heard(1, "HUP")
}

/// The signal and its exit code. Where whoever has started these tests has it ignored (`nohup`, a job in the background of a shell), the program
/// ignores it too, and SIGTERM stands for it.
fn heard(number: i32, name: &'static str) -> (&'static str, i32) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.map_or(0, |mask| u64::from_str_radix(mask.trim(), 16).unwrap());
    if mask >> (number - 1) & 1 == 0 {
        (name, 128 + number)
    } else {
        ("TERM", 143)
    }
}

/// The words that a key of a scenario may have as its value, or in it, as the schema has them.
pub(crate) fn words(key: &str) -> Vec<String> {
    use serde_json::Value;
    use std::collections::BTreeSet;
    fn collect(
        node: &Value,
        root: &Value,
        path: &[&str],
        seen: &mut BTreeSet<String>,
        found: &mut Vec<String>,
    ) {
        if let Some(name) = node["$ref"].as_str()
            && seen.insert(format!("{name} {}", path.len()))
        {
            let name = name.rsplit('/').next().unwrap();
            collect(&root["$defs"][name], root, path, seen, found);
        }
        for choice in ["anyOf", "oneOf", "allOf"] {
            for one in node[choice].as_array().into_iter().flatten() {
                collect(one, root, path, seen, found);
            }
        }
        if let [first, rest @ ..] = path {
            collect(&node["properties"][first], root, rest, seen, found);
            return;
        }
        let listed = node["enum"].as_array().into_iter().flatten();
        let all = listed.chain([&node["const"]]);
        found.extend(all.filter_map(Value::as_str).map(str::to_owned));
        if node["items"].is_object() {
            collect(&node["items"], root, path, seen, found);
        }
    }
    let schema = Value::from(schemars::schema_for!(ratioflow::scenario::Scenario));
    let path: Vec<&str> = key.split('.').collect();
    let mut found = Vec::new();
    collect(&schema, &schema, &path, &mut BTreeSet::new(), &mut found);
    found
}

//! Run directories as somebody else may hand them over: stopped, whole and comparing runs, any of whose files was changed.

use std::fs;
use std::path::Path;

use ratioflow::experiment::Experiment;
use ratioflow::point_file;
use ratioflow::record::{
    Audience, Opened, Redraw, StopToken, Unfinished, UnfinishedComparison, VariantRuns, compare,
    record, redraw, snapshots,
};
use ratioflow::scenario::{Document, Scenario};
use ratioflow::store::{Comparison, RunDirectory};
use ratioflow::target::Folder;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::mutants::{Dice, adopt, mutate, scratch, text};
use super::trials::is_small;
use super::{Format, Seed};

const SCENARIO: &str = "
[target.points]
file = \"p.csv\"
[cloud]
particles = 12
samples = 20
[flow]
steps = 4
[discriminator.mlp]
hidden = [4]
warm_up = 2
inner_steps = 1
batch = 8
[generator.distill]
network = [4]
inner_steps = 1
batch = 8
[metrics]
particles = 12
reference = 12
every = 1
floor_draws = 8
permutations = 19
[output]
frames = 2
scale = 0.25
checkpoint_every = 1
";

/// Which file of a run is changed in which way.
fn format_of(name: &str) -> Option<Format> {
    let file = name.rsplit('/').next().unwrap_or(name);
    let ending = file.rsplit('.').next().unwrap_or_default();
    match file {
        "checkpoint" | "checkpoint.previous" => Some(Format::Checkpoint),
        "trajectory.npz" => Some(Format::Npz),
        _ => match ending {
            "csv" => Some(Format::Csv),
            "json" | "toml" | "lock" => Some(Format::Scenario),
            _ => None,
        },
    }
}

/// Runs from which cases are made: their files, in order.
pub(super) struct Runs {
    seeds: Vec<Vec<Seed>>,
    /// Where cases are tried.
    place: TempDir,
}

impl Runs {
    /// A run stopped half-way, a whole one, and a comparison stopped half-way.
    pub(super) fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let rows = (0..240).map(|i| format!("{}.25,{}.5\n", i * i % 17, i * 5 % 23));
        fs::write(place.path().join("p.csv"), rows.collect::<String>()).unwrap();
        let files = Folder(place.path().to_owned());
        let experiment = |setting: &str| {
            let mut document = Document::parse("s.toml", SCENARIO).unwrap();
            document.set(setting).unwrap();
            Experiment::read(&document, &files).unwrap()
        };
        let at = |name: &str| RunDirectory::at(&place.path().join(name), false).unwrap();
        let never = StopToken::default();
        let token = StopToken::default();
        let stop = |index: usize| {
            if index == 2 {
                token.ask("the test");
            }
        };
        let whole = experiment("seed=1");
        record("s", &whole, &files, &at("whole"), &never, &mut |_| {}).unwrap();
        let watcher = &mut |seen: &ratioflow::record::Seen<'_, '_>| stop(seen.step.index);
        assert!(record("s", &whole, &files, &at("stopped"), &token, watcher).is_err());
        let contenders = ["a", "b"].map(|name| VariantRuns {
            name: name.to_owned(),
            experiments: vec![experiment("flow.step_size=0.01")],
        });
        let token = StopToken::default();
        let audience = Audience {
            stop: &token,
            step: &|_, _, seen| {
                if seen.step.index == 2 {
                    token.ask("the test");
                }
            },
            done: &|_, _, _| {},
        };
        let directory = at("comparison");
        let compared = compare("s", &contenders, &files, &directory, &[], audience);
        assert!(compared.is_err());
        drop(directory);
        let seeds = ["stopped", "whole", "comparison"].map(|name| {
            let mut found = Vec::new();
            collect(&place.path().join(name), "", &mut found);
            found.sort();
            found
        });
        Self {
            seeds: seeds.to_vec(),
            place,
        }
    }

    /// Tries a case.
    pub(super) fn try_one(&self, dice: &mut Dice) -> Result<(), String> {
        let folder = self.place.path().join("case");
        let _ = fs::remove_dir_all(&folder);
        self.write(dice, &folder);
        let before = fs::read(self.place.path().join("p.csv")).unwrap();
        attempt(&folder);
        let after = fs::read(self.place.path().join("p.csv")).ok();
        if after.as_ref() == Some(&before) {
            Ok(())
        } else {
            Err("a file outside was changed".to_owned())
        }
    }

    /// Writes the run directory of a case.
    pub(super) fn write(&self, dice: &mut Dice, folder: &Path) {
        let mut files = dice.pick(&self.seeds).clone();
        for _ in 0..=dice.below(4) {
            if files.is_empty() {
                break;
            }
            change(&mut files, dice);
        }
        if !dice.one_in(8) {
            agree(&mut files);
        }
        fs::create_dir_all(folder).unwrap();
        for (name, bytes) in &files {
            let path = folder.join(name);
            let made = path.parent().map(fs::create_dir_all);
            // A file may lie where a folder would have to be.
            if made.is_some_and(|made| made.is_ok()) {
                let _ = fs::write(path, bytes);
            }
        }
    }
}

/// One change to one of the files.
fn change(files: &mut Vec<Seed>, dice: &mut Dice) {
    let told: Vec<usize> = (0..files.len())
        .filter(|&k| format_of(&files[k].0).is_some())
        .collect();
    let (at, other) = (dice.below(files.len()), dice.below(files.len()));
    match dice.below(12) {
        0 => {
            files.remove(at);
        }
        1 => {
            let bytes = files[other].1.clone();
            files[at].1 = bytes;
        }
        2 => scratch(&mut files[at].1, dice),
        3 => {
            let name = files[other].0.clone();
            files[at].0 = name;
        }
        _ if told.is_empty() => {}
        _ => {
            let (name, bytes) = &mut files[*dice.pick(&told)];
            match format_of(name) {
                Some(Format::Scenario) => text(bytes, dice),
                Some(format) => mutate(format, bytes, dice),
                None => {}
            }
        }
    }
}

/// Makes every checkpoint one of the scenario and the inputs beside it.
fn agree(files: &mut [Seed]) {
    let all = files.to_vec();
    for (name, bytes) in files {
        let Some(folder) = name
            .strip_suffix("checkpoint")
            .or_else(|| name.strip_suffix("checkpoint.previous"))
        else {
            continue;
        };
        let own = |wanted: &str| {
            all.iter()
                .find(|(name, _)| *name == format!("{folder}{wanted}"))
        };
        let Some((_, scenario)) = own("scenario.toml") else {
            continue;
        };
        let mut hash = Sha256::new_with_prefix(scenario);
        let inputs = format!("{folder}inputs/");
        for (_, input) in all.iter().filter(|(name, _)| name.starts_with(&inputs)) {
            hash.update(Sha256::digest(input));
        }
        adopt(bytes, &hash.finalize());
    }
}

/// Every command that reads a run directory; errors are as good as results.
fn attempt(folder: &Path) {
    if !all_small(folder) {
        return;
    }
    if Comparison::is_in(folder) {
        if let Ok(Opened::Unfinished(run)) = UnfinishedComparison::open(folder) {
            let _ = run.go_on(Audience {
                stop: &StopToken::default(),
                step: &|_, _, _| {},
                done: &|_, _, _| {},
            });
        }
    } else if let Ok(Opened::Unfinished(run)) = Unfinished::open(folder) {
        let _ = run.go_on(&StopToken::default(), &mut |_| {});
    }
    let wish = Redraw {
        scale: Some(0.25),
        ..Redraw::default()
    };
    let _ = redraw(folder, &wish);
    let _ = snapshots(folder, &wish, &[0, 3]);
    if let Ok(bytes) = fs::read(folder.join("trajectory.npz")) {
        let _ = point_file::read(&bytes, "trajectory.npz:trajectory");
    }
}

/// Whether every scenario below the folder takes milliseconds.
fn all_small(folder: &Path) -> bool {
    let mut found = Vec::new();
    collect(folder, "", &mut found);
    let mut scenarios = found
        .iter()
        .filter(|(name, _)| name.ends_with("scenario.toml"));
    scenarios.all(|(name, bytes)| {
        let text = String::from_utf8_lossy(bytes);
        let read = Document::parse(name, &text).and_then(|document| document.read::<Scenario>());
        read.is_ok_and(|scenario| is_small(&scenario)) || {
            // What cannot be read is refused at once.
            Document::parse(name, &text)
                .and_then(|document| document.read::<Scenario>())
                .is_err()
        }
    })
}

/// The files below a folder but the times, which differ from run to run.
fn collect(folder: &Path, before: &str, found: &mut Vec<Seed>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let name = format!("{before}{file}");
        if path.is_dir() {
            collect(&path, &format!("{name}/"), found);
        } else if file != "timings.json" {
            found.push((name, fs::read(&path).unwrap()));
        }
    }
}

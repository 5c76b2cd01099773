//! Floors that are kept between runs: the same bytes sooner, and none where anything else differs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use ratioflow::cloud::Cloud;
use ratioflow::experiment::{Draws, Experiment, FloorKeeper, FloorKey, OwnParts};
use ratioflow::random::Stream;
use ratioflow::scenario::{Document, Embedded};
use ratioflow::store::FloorStore;
use ratioflow::target::Target;

const SCENARIO: &str = "seed = 3
[target.ring]
[cloud]
particles = 200
samples = 300
[flow]
steps = 4
[discriminator.kde]
[output]
frames = 0
";

fn experiment(changed: &[(&str, &str)]) -> Experiment {
    let mut document = Document::parse("s.toml", SCENARIO).unwrap();
    for (key, value) in changed {
        document.set(&format!("{key}={value}")).unwrap();
    }
    Experiment::read(&document, &Embedded).unwrap()
}

/// Keeps in memory, and counts how often something was found, and kept.
#[derive(Debug, Default)]
struct Counting {
    store: FloorStore,
    counts: Mutex<[usize; 2]>,
}

impl FloorKeeper for Counting {
    fn find(&self, of: &FloorKey<'_>) -> Option<[Draws; 2]> {
        let found = self.store.find(of);
        self.counts.lock().unwrap()[0] += usize::from(found.is_some());
        found
    }

    fn keep(&self, of: &FloorKey<'_>, draws: &[Draws; 2]) {
        self.counts.lock().unwrap()[1] += 1;
        self.store.keep(of, draws);
    }
}

#[test]
fn floors_that_were_kept_are_those_that_would_be_drawn() {
    let keeper = Arc::new(Counting::default());
    let gauges = |mut experiment: Experiment| {
        experiment.keep_floors_with(keeper.clone());
        experiment.gauges().unwrap().map(|(_, floors)| floors)
    };
    let counts = || *keeper.counts.lock().unwrap();
    let drawn = experiment(&[]).gauges().unwrap().map(|(_, floors)| floors);
    assert_eq!(gauges(experiment(&[])), drawn);
    assert_eq!(counts(), [0, 1]);
    assert_eq!(gauges(experiment(&[])), drawn);
    assert_eq!(counts(), [1, 1]);
    // They do not depend on how the cloud moves.
    let moved = experiment(&[("flow.steps", "9"), ("discriminator.kde.bandwidth", "0.5")]);
    assert_eq!(gauges(moved), drawn);
    assert_eq!(counts(), [2, 1]);
    // They do on everything else.
    for (place, changed) in [
        ("seed", "4"),
        ("cloud.particles", "201"),
        ("cloud.samples", "301"),
        ("target.ring.sd", "0.21"),
        ("metrics.floor_draws", "40"),
        ("metrics.particles", "150"),
    ]
    .into_iter()
    .enumerate()
    {
        gauges(experiment(&[changed]));
        assert_eq!(counts(), [2, place + 2], "{changed:?}");
    }
}

#[derive(Debug)]
struct Normal;

impl Target for Normal {
    fn sample(&self, count: usize, stream: Stream) -> Cloud {
        stream.normals(count)
    }
}

#[test]
fn what_is_given_in_code_is_not_told_by_its_name() {
    let keeper = Arc::new(Counting::default());
    let own = || OwnParts::default().target("mine", Normal);
    let document = Document::parse("s.toml", SCENARIO).unwrap();
    for _ in 0..2 {
        let mut experiment = Experiment::read_with(&document, &own(), &Embedded).unwrap();
        experiment.keep_floors_with(keeper.clone());
        experiment.gauges().unwrap();
    }
    assert_eq!(*keeper.counts.lock().unwrap(), [0, 0]);
}

fn run(folder: &Path, words: &str) {
    let output = Command::new(env!("CARGO_BIN_EXE_ratioflow"))
        .current_dir(folder)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .env("HOME", folder)
        .args(words.split(' '))
        .output()
        .unwrap();
    assert!(output.status.success(), "{words}: {output:?}");
}

/// The files below a folder, but for those that tell the time, and for the list with the paths of others.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else if !path.ends_with("timings.json") && !path.ends_with(".lock") {
            all.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    all
}

fn same(folder: &Path, one: &str, other: &str) {
    let [one, other] = [one, other].map(|run| {
        let all = files(&folder.join(run)).into_iter();
        let below = |path: PathBuf| path.strip_prefix(folder.join(run)).unwrap().to_owned();
        let all: BTreeMap<PathBuf, Vec<u8>> = all.map(|(p, bytes)| (below(p), bytes)).collect();
        all
    });
    assert!(one.keys().eq(other.keys()));
    for (path, bytes) in &one {
        assert!(*bytes == other[path], "{}", path.display());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_with_kept_floors_leaves_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("s.toml"), SCENARIO).unwrap();
    run(path, "run s.toml -q --no-cache --out none");
    assert!(!path.join("cache").exists());
    run(path, "run s.toml -q --out first");
    let kept = files(&path.join("cache"));
    assert_eq!(kept.len(), 1);
    run(path, "run s.toml -q --out second");
    same(path, "none", "first");
    same(path, "none", "second");
    assert_eq!(files(&path.join("cache")), kept);
    // Cut short, or somebody else's: as good as none, and written anew.
    let (file, bytes) = kept.first_key_value().unwrap();
    for damaged in [&bytes[..bytes.len() / 2], b"", b"something else"] {
        fs::write(file, damaged).unwrap();
        run(path, "run s.toml -q --force --out second");
        same(path, "none", "second");
        assert_eq!(files(&path.join("cache")), kept);
    }
    // A cache that cannot be written is no error.
    fs::remove_dir_all(path.join("cache")).unwrap();
    fs::write(path.join("cache"), "a file").unwrap();
    run(path, "run s.toml -q --force --out second");
    same(path, "none", "second");
}

/// What is longer than what is read back would be drawn again in any case, and what is kept stays within bounds.
#[cfg(target_os = "linux")]
#[test]
fn the_folder_of_floors_is_bounded_in_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let few = "--steps 1 --no-frames -q --set cloud.particles=2 --set metrics.only=[\"sliced_w2\",\"stranded\",\"energy_distance\"]";
    run(
        path,
        &format!("run moons {few} --out a --set metrics.floor_draws=360000"),
    );
    let cache = path.join("cache/ratioflow/floors");
    assert!(!cache.exists() || files(&cache).is_empty());
    fs::create_dir_all(&cache).unwrap();
    for k in 0..5 {
        let file = fs::File::create(cache.join(format!("{k}.floors"))).unwrap();
        file.set_len(15 << 20).unwrap();
        let age = std::time::Duration::from_secs(100 - k);
        file.set_modified(std::time::SystemTime::now() - age)
            .unwrap();
    }
    run(path, &format!("run moons {few} --out b"));
    let mut kept: Vec<String> = fs::read_dir(&cache)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    // The name of the new one is a hash, which may come anywhere among them.
    let all = kept.len();
    kept.retain(|name| name.len() == "0.floors".len());
    kept.sort();
    assert_eq!(kept, ["1", "2", "3", "4"].map(|k| format!("{k}.floors")));
    assert_eq!(all, 5);
}

#[cfg(target_os = "linux")]
#[test]
fn variants_and_tasks_share_their_floors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("s.toml"), SCENARIO).unwrap();
    let variants = "--variant steps=2:flow.steps=2 --variant steps=3:flow.steps=3 --seeds 2";
    run(path, &format!("compare s.toml -q --out with {variants}"));
    assert_eq!(files(&path.join("cache")).len(), 2);
    run(
        path,
        &format!("compare s.toml -q --no-cache --out without {variants}"),
    );
    for name in ["comparison.csv", "runs.csv", "final.png"] {
        let [one, other] =
            ["with", "without"].map(|run| fs::read(path.join(run).join(name)).unwrap());
        assert!(one == other, "{name}");
    }
    for (name, option) in [("shared", ""), ("alone", " --no-cache")] {
        run(
            path,
            &format!("sweep plan s.toml -q --seeds 1,2 --grid flow.steps=2,3 --out {name}"),
        );
        run(path, &format!("sweep run {name} -q{option}"));
        run(path, &format!("sweep collect {name} -q"));
    }
    assert_eq!(files(&path.join("shared/floors")).len(), 2);
    assert!(!path.join("alone/floors").exists());
    let [one, other] =
        ["shared", "alone"].map(|sweep| fs::read(path.join(sweep).join("sweep.csv")).unwrap());
    assert!(one == other);
}

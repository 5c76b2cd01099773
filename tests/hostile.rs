//! What may be written into a scenario by mistake or by malice: every key misspelt, misplaced, mistyped and out of
//! range, absurd sizes, paths that lead elsewhere; and numbers that are none in the middle of a flow.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use ratioflow::cloud::CloudView;
use ratioflow::discriminator::kde::{Kde, KdeSpec};
use ratioflow::discriminator::{Discriminator, FitContext, FitError, Ratio, StepRule};
use ratioflow::experiment::Experiment;
use ratioflow::flow::{Ending, Failure, Flow, FlowSpec};
use ratioflow::random::Stream;
use ratioflow::scenario::{Available, Document, Resources, Scenario, ScenarioError};
use ratioflow::target::{Files, Folder, GaussianSpec};
use serde_json::{Map, Value};

/// No file is there.
struct Nowhere;

impl Files for Nowhere {
    fn read(&self, _: &str) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }
}

mod keys {
    use super::*;

    /// A key of the schema: its path, what its value may be, and the keys beside it.
    #[derive(Clone, Debug)]
    struct Key {
        path: Vec<String>,
        kinds: BTreeSet<String>,
        beside: BTreeSet<String>,
    }

    impl Key {
        fn dotted(&self) -> String {
            self.path.join(".")
        }

        fn last(&self) -> &str {
            self.path.last().unwrap()
        }

        fn is(&self, kind: &str) -> bool {
            self.kinds.contains(kind)
        }

        /// A scenario that lacks nothing but this key.
        fn base(&self) -> &'static str {
            match (self.path[0].as_str(), self.path.len()) {
                ("target", 2..) => "",
                ("source", 2..) => "[target.moons]\n",
                _ => "[target.ring]\n",
            }
        }

        /// The scenario with `name` in the place of this key, set to `value` in the file.
        fn in_file(&self, name: &str, value: &str) -> String {
            let table = &self.path[..self.path.len() - 1];
            if table.is_empty() {
                format!("{name} = {value}\n{}", self.base())
            } else {
                format!("{}[{}]\n{name} = {value}\n", self.base(), table.join("."))
            }
        }

        /// The assignment on the command line.
        fn assignment(&self, name: &str, value: &str) -> String {
            let mut path = self.path.clone();
            name.clone_into(path.last_mut().unwrap());
            format!("{}={value}", path.join("."))
        }

        /// What the program says to `value`, in the file and by `--set`; `None` if it has nothing against it.
        fn refusals(&self, name: &str, value: &str) -> [Option<String>; 2] {
            let say = |document: Result<Document, ScenarioError>| {
                let document = match document {
                    Ok(document) => document,
                    Err(error) => return Some(error.to_string()),
                };
                let scenario: Scenario = match document.read() {
                    Ok(scenario) => scenario,
                    Err(error) => return Some(error.to_string()),
                };
                if let Err(error) = Resources::of(&scenario, 2).fits(ROOM) {
                    return Some(error.to_string());
                }
                Experiment::new(scenario, &Nowhere)
                    .err()
                    .map(|error| document.blame(&error.into()).to_string())
            };
            let set = || {
                let mut document = Document::parse("s.toml", self.base())?;
                document.set(&self.assignment(name, value))?;
                Ok(document)
            };
            [
                say(Document::parse("s.toml", &self.in_file(name, value))),
                say(set()),
            ]
        }
    }

    const ROOM: Available = Available {
        memory: 1 << 30,
        disk: 1 << 30,
        files: 1 << 10,
    };

    /// Every key that has a value of its own.
    fn keys() -> Vec<Key> {
        let schema = Value::from(schemars::schema_for!(Scenario));
        let definitions = schema["$defs"].as_object().unwrap().clone();
        let mut found = BTreeMap::new();
        walk(
            &schema,
            &definitions,
            &mut Vec::new(),
            &BTreeSet::new(),
            &mut found,
        );
        found.into_values().collect()
    }

    fn walk(
        node: &Value,
        definitions: &Map<String, Value>,
        path: &mut Vec<String>,
        beside: &BTreeSet<String>,
        found: &mut BTreeMap<String, Key>,
    ) {
        if let Some(name) = node["$ref"].as_str() {
            let name = name.rsplit('/').next().unwrap();
            return walk(&definitions[name], definitions, path, beside, found);
        }
        for choice in ["anyOf", "oneOf", "allOf"] {
            for node in node[choice].as_array().into_iter().flatten() {
                walk(node, definitions, path, beside, found);
            }
        }
        if let Some(properties) = node["properties"].as_object() {
            let beside: BTreeSet<String> = properties.keys().cloned().collect();
            for (name, node) in properties {
                path.push(name.clone());
                walk(node, definitions, path, &beside, found);
                path.pop();
            }
            return;
        }
        let mut kinds = BTreeSet::new();
        let types = match &node["type"] {
            Value::Array(types) => types.clone(),
            other => vec![other.clone()],
        };
        kinds.extend(
            types
                .iter()
                .filter_map(|kind| kind.as_str().map(str::to_owned)),
        );
        if node["enum"].is_array() || node["const"].is_string() {
            kinds.insert("string".to_owned());
        }
        if node["items"]["type"] == "integer" {
            kinds.insert("integers".to_owned());
        }
        if !kinds.is_empty() && !path.is_empty() {
            let key = found.entry(path.join(".")).or_insert_with(|| Key {
                path: path.clone(),
                kinds: BTreeSet::new(),
                beside: beside.clone(),
            });
            key.kinds.extend(kinds);
        }
    }

    /// Everything else small.
    const SMALL: [&str; 7] = [
        "metrics.permutations=19",
        "metrics.floor_draws=9",
        "cloud.particles=100",
        "cloud.samples=100",
        "output.scale=0.25",
        "output.frames=2",
        "flow.steps=3",
    ];

    /// Every key that is a whole number or a list of them, with a million, a thousand millions and a million millions: what is set.
    fn too_large() -> Vec<(Key, String)> {
        let mut all = Vec::new();
        for key in keys() {
            for value in ["1000000", "1000000000", "1000000000000"] {
                if key.is("integers") {
                    let list = format!("[{value}, {value}]");
                    all.push((key.clone(), key.assignment(key.last(), &list)));
                } else if key.is("integer") {
                    all.push((key.clone(), key.assignment(key.last(), value)));
                }
            }
        }
        all
    }

    /// A number too large is refused by what it takes, or taken; whatever is taken is built at once.
    #[test]
    fn every_whole_number_may_be_too_large() {
        let (mut refused, mut built) = (0, 0);
        for (key, set) in too_large() {
            let mut document = Document::parse("s.toml", key.base()).unwrap();
            for setting in SMALL {
                document.set(setting).unwrap();
            }
            document.set(&set).unwrap();
            let Ok(scenario) = document.read::<Scenario>() else {
                refused += 1;
                continue;
            };
            let room = Available {
                memory: 1 << 28,
                ..ROOM
            };
            if let Err(error) = Resources::of(&scenario, 2).fits(room) {
                let way = if set.starts_with("flow.steps") {
                    "raise metrics.every"
                } else {
                    "lower "
                };
                assert!(error.to_string().contains(way), "{set}: {error}");
                refused += 1;
                continue;
            }
            let begun = std::time::Instant::now();
            match Experiment::new(scenario, &Nowhere) {
                Ok(_) => built += 1,
                Err(_) => refused += 1,
            }
            let seconds = begun.elapsed().as_secs();
            assert!(seconds < 20, "{set} takes {seconds} s to build");
        }
        println!("{refused} refused, {built} built");
        assert!(
            refused > 50 && built > 20,
            "{refused} refused, {built} built"
        );
    }

    /// The same through `check`, which tries a run, in 6 GB of address space.
    #[cfg(unix)]
    #[test]
    #[ignore = "takes minutes"]
    fn every_whole_number_may_be_too_large_for_check() {
        let home = tempfile::tempdir().unwrap();
        let (mut asked, mut longest) = (0, 0.0_f64);
        for (key, set) in too_large() {
            fs::write(home.path().join("s.toml"), key.base()).unwrap();
            let begun = std::time::Instant::now();
            let mut command = Command::new("sh");
            command
                .current_dir(home.path())
                .args(["-c", "ulimit -v 6000000; exec timeout 60 \"$0\" \"$@\""])
                .args([env!("CARGO_BIN_EXE_ratioflow"), "check", "s.toml", "-q"]);
            for setting in SMALL.iter().copied().chain([&*set]) {
                command.args(["--set", setting]);
            }
            let output = command.output().unwrap();
            let told = String::from_utf8_lossy(&output.stderr);
            let code = output.status.code();
            assert!(matches!(code, Some(0 | 2 | 5)), "{set}: {code:?} {told}");
            longest = longest.max(begun.elapsed().as_secs_f64());
            asked += 1;
        }
        println!("{asked} numbers, the longest took {longest:.1} s");
    }

    /// The ways in which a word is usually misspelt: a letter dropped, doubled, changed, or two exchanged.
    fn misspellings(word: &str) -> Vec<String> {
        let letters: Vec<char> = word.chars().collect();
        let middle = letters.len() / 2;
        let spell = |change: &dyn Fn(&mut Vec<char>)| {
            let mut letters = letters.clone();
            change(&mut letters);
            letters.into_iter().collect::<String>()
        };
        vec![
            spell(&|l| {
                l.remove(middle);
            }),
            spell(&|l| l.insert(middle, l[middle])),
            spell(&|l| l[middle] = 'x'),
            spell(&|l| l.swap(middle, middle - 1)),
        ]
    }

    #[test]
    fn every_misspelt_key_is_refused_and_nine_in_ten_corrected() {
        let (mut asked, mut right) = (0, 0);
        for key in keys().iter().filter(|key| key.last().len() > 2) {
            for wrong in misspellings(key.last()) {
                if key.beside.contains(&wrong) || wrong == key.last() {
                    continue;
                }
                for (refusal, place) in key
                    .refusals(&wrong, "1")
                    .into_iter()
                    .zip(["s.toml:", "--set"])
                {
                    let refusal =
                        refusal.unwrap_or_else(|| panic!("{} for {} passes", wrong, key.dotted()));
                    assert!(refusal.contains(place), "no place: {refusal}");
                    asked += 1;
                    let hint = format!("did you mean `{}`", key.last());
                    right += usize::from(refusal.contains(&hint));
                }
            }
        }
        println!("{right} of {asked} misspellings are corrected");
        assert!(asked > 1000);
        assert!(
            10 * right >= 9 * asked,
            "{right} of {asked} misspellings are corrected"
        );
    }

    #[test]
    fn every_misplaced_key_is_refused() {
        let keys = keys();
        let mut asked = 0;
        for key in &keys {
            // The same key in every table of the first level, and at the top.
            for table in [
                "",
                "cloud",
                "flow",
                "metrics",
                "output",
                "discriminator.kde",
            ] {
                let path: Vec<String> = table
                    .split('.')
                    .filter(|part| !part.is_empty())
                    .map(str::to_owned)
                    .chain([key.last().to_owned()])
                    .collect();
                if keys.iter().any(|other| other.path.starts_with(&path)) {
                    continue;
                }
                let there = Key {
                    path,
                    ..key.clone()
                };
                for refusal in there.refusals(key.last(), "1") {
                    let refusal = refusal.unwrap_or_else(|| panic!("{} passes", there.dotted()));
                    assert!(refusal.contains(key.last()), "{refusal}");
                    asked += 1;
                }
            }
        }
        assert!(asked > 1000, "{asked}");
    }

    #[test]
    fn every_mistyped_out_of_range_and_non_finite_value_is_refused() {
        let mut asked = 0;
        for key in &keys() {
            let mut wrong: Vec<&str> = vec!["{ a = 1 }", "1979-05-27"];
            if !key.is("string") {
                wrong.push("'eight'");
            }
            if !key.is("boolean") {
                wrong.push("true");
            }
            if !key.is("array") {
                wrong.push("[1, 2, 3, 4, 5, 6, 7]");
            }
            if !key.is("integer") && !key.is("number") {
                wrong.push("1");
            }
            if !key.is("number") {
                wrong.push("1.5");
            }
            if key.is("integer") {
                wrong.extend(["-1", "99999999999999999999"]);
            }
            if key.is("number") || key.is("integer") {
                wrong.extend(["nan", "inf", "-inf", "+nan"]);
            }
            if key.is("array") {
                wrong.extend(["[nan]", "[[inf]]", "[[[1]]]", "[1, 'a']"]);
            }
            // A table is what a map `h` may be.
            for value in wrong
                .into_iter()
                .filter(|value| !value.starts_with('{') || !key.is("object"))
            {
                for refusal in key.refusals(key.last(), value) {
                    assert!(refusal.is_some(), "{} = {value} passes", key.dotted());
                    asked += 1;
                }
            }
        }
        println!("{asked} wrong values");
        assert!(asked > 1000, "{asked}");
    }
}

mod sizes {
    use super::*;

    const ABSURD: [&str; 2] = ["1000000000000", "1000000000000000000"];

    /// Refused by the program before anything is allocated: with its exit code, both numbers and the key.
    #[test]
    #[expect(clippy::too_many_lines, reason = "a table of set-ups")]
    fn absurd_sizes_are_refused() {
        let home = tempfile::tempdir().unwrap();
        for key in [
            "cloud.particles",
            "cloud.samples",
            "metrics.reference",
            "metrics.floor_draws",
            "metrics.permutations",
            "flow.steps",
            "discriminator.mlp.batch",
            "discriminator.wasserstein.batch",
            "discriminator.logistic.count",
        ] {
            for size in ABSURD {
                for command in ["run", "check", "compare"] {
                    let output = Command::new(env!("CARGO_BIN_EXE_ratioflow"))
                        .current_dir(home.path())
                        .args([command, "moons", "--set", &format!("{key}={size}")])
                        .output()
                        .unwrap();
                    let told = String::from_utf8_lossy(&output.stderr);
                    assert_eq!(
                        output.status.code(),
                        Some(5),
                        "{command} {key} = {size}: {told}"
                    );
                    assert!(told.contains("this needs about"), "{told}");
                    // Of more steps rows are measured, which become fewer the further they are apart.
                    let remedy = match key {
                        "flow.steps" => "raise metrics.every".to_owned(),
                        _ => format!("lower {key}"),
                    };
                    assert!(told.contains(&format!("are free: {remedy}")), "{told}");
                }
            }
        }
        fs::write(home.path().join("a.csv"), "1,2\n3,4\n5,7\n").unwrap();
        for (args, code, word) in [
            (
                &["measure", "a.csv", "--target", "ring", "--draws", ABSURD[0]][..],
                5,
                "--draws",
            ),
            (
                &[
                    "measure",
                    "a.csv",
                    "--target",
                    "ring",
                    "--dear-draws",
                    ABSURD[1],
                ],
                5,
                "--dear-draws",
            ),
            (
                &["reference", "gaussian-pair", "--cells", "1000000"],
                2,
                "--cells",
            ),
            (
                &[
                    "calibrate",
                    "gaussian-pair",
                    "--set",
                    "cloud.samples=1000000000000",
                ],
                5,
                "cloud.samples",
            ),
            (&["gallery", "moons", "--scale", "1000000"], 2, "--scale"),
            // What is out of range is told as such, whatever it would take.
            (
                &["check", "moons", "--set", "output.scale=100"],
                2,
                "is 100: must lie between 0.25 and 4",
            ),
            (
                &["compare", "moons", "--set", "output.scale=100"],
                2,
                "is 100: must lie between 0.25 and 4",
            ),
            (
                &["run", "moons", "--set", "flow.noise=1e300"],
                2,
                "is 1e300: must lie between 0 and 1000000",
            ),
            (
                &[
                    "run",
                    "moons",
                    "--set",
                    "discriminator.kde.anneal_until=1e-300",
                ],
                2,
                "is 1e-300: must lie between 1e-6 and 1",
            ),
            (
                &["run", "moons", "--set", "flow.step_size=-1e300"],
                2,
                "is -1e300: must be a finite number greater than 0",
            ),
            (
                &["run", "dirac-gan", "--set", "claim[0].holds=0"],
                2,
                "is 0: must be greater than 0, and at most 1",
            ),
            (
                &["reference", "gaussian-pair", "--tolerance", "1e-300"],
                2,
                "--tolerance is 1e-300: must lie",
            ),
        ] {
            let output = Command::new(env!("CARGO_BIN_EXE_ratioflow"))
                .current_dir(home.path())
                .args(args)
                .output()
                .unwrap();
            let told = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{args:?}: {told}");
            assert!(told.contains(word), "{args:?}: {told}");
        }
        // More points than the file has are all that it has.
        let output = Command::new(env!("CARGO_BIN_EXE_ratioflow"))
            .current_dir(home.path())
            .args([
                "measure", "a.csv", "--target", "ring", "--points", ABSURD[0],
            ])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(
            fs::read_dir(home.path()).unwrap().count(),
            1,
            "nothing is left behind"
        );
    }
}

mod paths {
    use super::*;

    /// Names that lead out of the folder, written in every way that has fooled a program before.
    const TRAVERSALS: [&str; 66] = [
        "../secret.csv",
        "./../secret.csv",
        "../inner/../secret.csv",
        "a/../../secret.csv",
        "a/b/../../../secret.csv",
        "..//secret.csv",
        ".././secret.csv",
        "a/./../../secret.csv",
        "a//..//..//secret.csv",
        "../../../../../../etc/passwd",
        "..\\secret.csv",
        "a\\..\\..\\secret.csv",
        "..\\/secret.csv",
        "../\\secret.csv",
        "..%2fsecret.csv",
        "..%5csecret.csv",
        "%2e%2e/secret.csv",
        "%2e%2e%2fsecret.csv",
        "..%252fsecret.csv",
        "..%c0%afsecret.csv",
        "....//secret.csv",
        "..../secret.csv",
        "...\\./secret.csv",
        "..;/secret.csv",
        "../secret.csv\0",
        "../secret.csv\0.csv",
        "a\0/../../secret.csv",
        "/etc/passwd",
        "//etc/passwd",
        "///etc/passwd",
        "/../etc/passwd",
        "/./etc/passwd",
        "/proc/self/environ",
        "/proc/self/cwd/../secret.csv",
        "/dev/zero",
        "/dev/stdin",
        "/dev/fd/0",
        "C:\\secret.csv",
        "C:/secret.csv",
        "c:secret.csv",
        "\\\\server\\share\\secret.csv",
        "//server/share/secret.csv",
        "\\secret.csv",
        "\\\\?\\C:\\secret.csv",
        "\\\\.\\pipe\\x",
        "file:///etc/passwd",
        "file://../secret.csv",
        "http://localhost/secret.csv",
        "https://localhost/secret.csv",
        "~/secret.csv",
        "~root/secret.csv",
        "$HOME/secret.csv",
        "${PWD}/../secret.csv",
        "`pwd`/../secret.csv",
        "$(pwd)/../secret.csv",
        "link.csv",
        "./link.csv",
        "folder/secret.csv",
        "folder/../secret.csv",
        "loop.csv",
        "",
        ".",
        "..",
        "a",
        "../secret.npz:x",
        "\u{ff0e}\u{ff0e}/secret.csv",
    ];

    #[cfg(unix)]
    fn surroundings() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("inner");
        fs::create_dir_all(inner.join("a/b")).unwrap();
        fs::write(root.path().join("secret.csv"), "1,2\n3,4\n5,7\n").unwrap();
        fs::write(inner.join("points.csv"), "1,2\n3,4\n5,7\n").unwrap();
        let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, inner.join(name)).unwrap();
        link("../secret.csv", "link.csv");
        link("..", "folder");
        link("loop.csv", "loop.csv");
        link("points.csv", "own.csv");
        root
    }

    #[cfg(unix)]
    #[test]
    fn no_name_leads_out_of_the_folder() {
        let root = surroundings();
        let folder = Folder(root.path().join("inner"));
        for name in TRAVERSALS {
            let read = folder.read(name);
            assert!(read.is_err(), "{name:?} gives {:?}", read.map(|b| b.len()));
        }
        for name in ["points.csv", "./points.csv", "own.csv", "a/../points.csv"] {
            // A step back is refused even where it would lead nowhere new.
            assert_eq!(folder.read(name).is_ok(), !name.contains(".."), "{name}");
        }
    }

    /// Every file below `folder` with its bytes.
    fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut all = BTreeMap::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let about = path.symlink_metadata().unwrap();
            if about.is_dir() {
                all.extend(tree(&path));
            } else {
                all.insert(
                    path.clone(),
                    if about.is_file() {
                        fs::read(&path).unwrap()
                    } else {
                        Vec::new()
                    },
                );
            }
        }
        all
    }

    /// The whole program, with names for the scenario and the variant that would lead elsewhere too.
    #[cfg(unix)]
    #[test]
    fn nothing_around_a_run_is_touched() {
        let root = surroundings();
        let run = |scenario: &str, more: &[&str]| {
            fs::write(root.path().join("inner/s.toml"), scenario).unwrap();
            Command::new(env!("CARGO_BIN_EXE_ratioflow"))
                .current_dir(root.path())
                .args([
                    "run",
                    "inner/s.toml",
                    "--out",
                    "out",
                    "-q",
                    "--no-frames",
                    "--steps",
                    "2",
                ])
                .args(["--set", "cloud.particles=20", "--set", "cloud.samples=60"])
                .args(more)
                .output()
                .unwrap()
        };
        let before = |root: &Path| {
            let mut tree = tree(root);
            tree.retain(|path, _| !path.ends_with("s.toml") && !path.starts_with(root.join("out")));
            tree
        };
        let around = before(root.path());
        for name in [
            "../secret.csv",
            "link.csv",
            "folder/secret.csv",
            "/etc/passwd",
        ] {
            let scenario =
                format!("title = '../../x'\n[target.points]\nfile = '{name}'\nreplace = true\n");
            let output = run(&scenario, &[]);
            let told = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{name}: {told}");
            assert!(told.contains("--allow-outside"), "{name}: {told}");
            assert!(!root.path().join("out").exists());
        }
        let outside = "[target.points]\nfile = '../secret.csv'\nreplace = true\n";
        for (scenario, more) in [
            (outside, &["--allow-outside"][..]),
            (
                "[target.points]\nfile = 'points.csv'\nreplace = true\n",
                &["--force"],
            ),
        ] {
            let output = run(scenario, more);
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        assert_eq!(before(root.path()), around);
    }
}

/// A discriminator that says something that is no number, at one place of one step.
#[derive(Debug)]
struct Faulty {
    honest: Kde,
    fits: usize,
    step: usize,
    particle: usize,
    /// 0: `log r`; 1 and 2: the coordinates of its gradient.
    part: usize,
    value: f64,
}

impl Discriminator for Faulty {
    fn fit(
        &mut self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
        round: FitContext,
    ) -> Result<(), FitError> {
        self.fits += 1;
        self.honest.fit(real, fake, round)
    }

    fn evaluate(&self, at: CloudView<'_>, into: &mut Ratio) {
        self.honest.evaluate(at, into);
        if self.fits == self.step + 1 {
            match self.part {
                0 => into.log[self.particle] = self.value,
                part => into.gradient[[self.particle, part - 1]] = self.value,
            }
        }
    }

    fn step_rule(&self) -> StepRule {
        self.honest.step_rule()
    }
}

#[test]
fn a_number_that_is_none_ends_the_flow_at_once_and_is_named() {
    const STEPS: usize = 20;
    const PARTICLES: usize = 30;
    let normal = GaussianSpec::default();
    let files = Nowhere;
    let source = ratioflow::target::TargetSpec::Gaussian(normal)
        .build(&files)
        .unwrap();
    let cloud = |name: &str, count| source.sample(count, Stream::new(1, name));
    let spec = || FlowSpec {
        steps: STEPS,
        ..FlowSpec::default()
    };
    let flow = |discriminator: Box<dyn Discriminator>| {
        Flow::new(
            spec(),
            discriminator,
            cloud("p", 50),
            cloud("q", PARTICLES),
            1,
        )
        .unwrap()
    };
    let mut clouds = Vec::new();
    let mut honest = flow(Box::new(KdeSpec::default().build().unwrap()));
    while let Some(step) = honest.advance().unwrap() {
        clouds.push(step.state.cloud.clone());
    }
    for injection in 0..120 {
        let (step, particle) = (1 + 7 * injection % STEPS, 11 * injection % PARTICLES);
        let part = injection % 3;
        let value = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY][injection / 3 % 3];
        let mut flow = flow(Box::new(Faulty {
            honest: KdeSpec::default().build().unwrap(),
            fits: 0,
            step,
            particle,
            part,
            value,
        }));
        while flow.advance().unwrap().is_some() {}
        let term = if part == 0 { "log ratio" } else { "velocity" };
        let cause = Failure::NotFinite { particle, term };
        assert_eq!(flow.ending(), Some(&Ending::Diverged { step, cause }));
        assert_eq!(flow.state().step, step - 1);
        assert_eq!(
            flow.state().cloud,
            clouds[step - 1],
            "the last good cloud is kept"
        );
    }
}

//! `sample`: the trained generator outside of its run, drawn from by the program and by `NumPy`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use ndarray::Array2;
use ratioflow::experiment::Experiment;
use ratioflow::point_file;
use ratioflow::random::Stream;
use ratioflow::record::generator;
use ratioflow::scenario::{Document, Embedded};
use ratioflow::target::Folder;

const SCENARIO: &str = "target.ring = {}
[cloud]
particles = 300
samples = 400
[flow]
steps = 20
[metrics]
floor_draws = 19
[output]
frames = 0
[generator.distill]
network = [16, 16]
";

fn ratioflow(home: &Path, words: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ratioflow"))
        .args(words.split_whitespace())
        .current_dir(home)
        .output()
        .unwrap()
}

/// A folder with a finished run in `r`.
fn run(text: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("s.toml"), text).unwrap();
    let output = ratioflow(home.path(), "run s.toml -q --out r");
    assert!(output.status.success(), "{output:?}");
    home
}

fn refused(home: &Path, words: &str, code: i32, parts: &[&str]) {
    let output = ratioflow(home, words);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{words}: {told}");
    assert!(output.stdout.is_empty());
    assert_eq!(told.matches("error:").count(), 1, "{told}");
    for part in parts {
        assert!(told.contains(part), "{words}: {told}");
    }
}

#[test]
fn samples_are_images_of_fresh_latent_points() {
    let home = run(SCENARIO);
    let path = home.path();
    let points = |words: &str| {
        let output = ratioflow(path, words);
        assert!(output.status.success(), "{output:?}");
        point_file::read(&output.stdout, "points.csv").unwrap()
    };
    let first = points("sample r -n 500");
    assert_eq!(first.dim(), (500, 2));
    assert_eq!(first, points("sample r -n 500 --threads 1"));
    assert_ne!(first, points("sample r -n 500 --seed 2"));
    for name in ["p.npy", "p.csv"] {
        ratioflow(path, &format!("sample r -n 500 --out {name}"));
        let read = point_file::read(&fs::read(path.join(name)).unwrap(), name);
        assert_eq!(read.unwrap(), first, "{name}");
    }
    // The same network at the latent points of the drawn cloud is the last cloud.
    let document = Document::parse("s", SCENARIO).unwrap();
    let experiment = Experiment::read(&document, &Embedded).unwrap();
    let mut flow = experiment.flow().unwrap();
    while flow.advance().unwrap().is_some() {}
    let trained = generator(&path.join("r"), None).unwrap();
    assert_eq!(trained.apply(experiment.start.view()), flow.state().cloud);
    // And its samples are no points of that cloud.
    let latents = experiment.source.sample(500, Stream::new(1, "sample"));
    assert_eq!(trained.apply(latents.view()), first);
}

#[test]
fn what_cannot_be_sampled_is_refused() {
    let home = run(SCENARIO);
    let path = home.path();
    refused(
        path,
        "sample r -n 5 --out p.txt",
        2,
        &["p.txt", ".npy or .csv"],
    );
    fs::write(path.join("mine.csv"), "x,y\n1,2\n").unwrap();
    refused(
        path,
        "sample r -n 5 --out mine.csv",
        2,
        &["mine.csv", "--force"],
    );
    assert_eq!(fs::read(path.join("mine.csv")).unwrap(), b"x,y\n1,2\n");
    refused(path, "sample nowhere -n 5", 3, &["nowhere"]);
    refused(path, "sample r -n 1000000000000", 2, &["1000000000"]);
    // The network of another scenario, and one that is damaged.
    let other = run(&SCENARIO.replace("[16, 16]", "[8]"));
    let file = path.join("r/generator.npz");
    let good = fs::read(&file).unwrap();
    fs::copy(other.path().join("r/generator.npz"), &file).unwrap();
    refused(path, "sample r -n 5", 1, &["generator.npz", "layers"]);
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 0xff;
    fs::write(&file, &bad).unwrap();
    refused(path, "sample r -n 5", 1, &["generator.npz"]);
    fs::remove_file(&file).unwrap();
    refused(
        path,
        "sample r -n 5",
        1,
        &["generator.npz", "scenario.toml"],
    );
    fs::write(&file, &good).unwrap();
    assert!(ratioflow(path, "sample r -n 5").status.success());
}

#[test]
fn a_flow_is_only_resampled_and_says_so() {
    let home = run(SCENARIO.split("[generator").next().unwrap());
    refused(
        home.path(),
        "sample r -n 5",
        1,
        &["no generator", "--generator distill", "--resample"],
    );
    let output = ratioflow(home.path(), "sample r -n 1000 --resample");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("none of them is new"), "{told}");
    let drawn = point_file::read(&output.stdout, "points.csv").unwrap();
    let mut distinct: Vec<[u64; 2]> = drawn
        .rows()
        .into_iter()
        .map(|p| [p[0].to_bits(), p[1].to_bits()])
        .collect();
    distinct.sort_unstable();
    distinct.dedup();
    assert!((200..=300).contains(&distinct.len()), "{}", distinct.len());
}

/// The snippet of the documentation gives what the program gives, whatever the latent points are.
#[test]
fn numpy_evaluates_the_network_as_the_documentation_says() {
    let own = "network = [16, 16]\nresidual = false\nlatent = { dimension = 5, distribution = \"uniform\" }";
    let wide = "network = [16, 16]\nprecision = \"f64\"\nlatent = { dimension = 3 }";
    for (settings, inputs) in [("network = [16, 16]", 2), (own, 5), (wide, 3)] {
        let home = run(&SCENARIO.replace("network = [16, 16]", settings));
        numpy_agrees(&home.path().join("r"), inputs);
    }
}

fn numpy_agrees(folder: &Path, inputs: usize) {
    let text = include_str!("../docs/generators.md");
    let snippet = text.split("```python").nth(1).unwrap();
    let snippet = snippet.split("```").next().unwrap();
    let script = format!(
        "{snippet}\nt = np.loadtxt('z.csv', delimiter=',')\nnp.savetxt('found.csv', g(t), delimiter=',', fmt='%.17g')\n"
    );
    let latents = Stream::new(5, "z").normals(25 * inputs);
    let latents = Array2::from_shape_vec((50, inputs), latents.into_iter().collect()).unwrap();
    let rows = latents.rows().into_iter();
    let lines = rows.map(|p| p.iter().map(f64::to_string).collect::<Vec<_>>().join(","));
    let text: Vec<String> = lines.collect();
    fs::write(folder.join("z.csv"), text.join("\n")).unwrap();
    let python = Command::new("python3")
        .args(["-c", &script])
        .current_dir(folder)
        .output();
    let told = match &python {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Some(error.to_string()),
    };
    if let Some(told) = told {
        assert!(
            told.contains("No module named 'numpy'") || python.is_err(),
            "{told}"
        );
        println!("SKIPPED: no NumPy here, so the snippet was not run: {told}");
        return;
    }
    let found = fs::read(folder.join("found.csv")).unwrap();
    let found = point_file::read(&found, "found.csv").unwrap();
    let trained = generator(folder, None).unwrap();
    assert_eq!(trained.latent_dimension(), inputs);
    let truth = trained.apply(latents.view());
    let worst = (&found - &truth)
        .iter()
        .fold(0.0_f64, |most, d| most.max(d.abs()));
    assert!(worst < 1e-5, "{worst}");
    assert!(rms(&truth) > 0.1, "it has learnt something");
}

/// Whoever goes on begins with the very map that was trained, whatever the source is then, and the run directory repeats the run by itself.
#[test]
fn a_run_goes_on_from_the_generator_of_another() {
    let home = run(SCENARIO);
    let path = home.path();
    let moved = format!(
        "{SCENARIO}[source.gaussian]\nmean = [0.5, 0.1]\ncovariance = [[2.0, 0.3], [0.3, 1.0]]\n"
    );
    fs::create_dir(path.join("below")).unwrap();
    fs::write(path.join("below/moved.toml"), moved).unwrap();
    let words = "run below/moved.toml --generator-from r --out on --no-frames";
    let output = ratioflow(path, words);
    assert!(output.status.success(), "{output:?}");
    let kept = fs::read_to_string(path.join("on/scenario.toml")).unwrap();
    assert!(kept.contains("from = \"inputs/generator.npz\""), "{kept}");
    let file = |name: &str| fs::read(path.join(name)).unwrap();
    assert_eq!(file("r/generator.npz"), file("on/inputs/generator.npz"));
    // What was copied is ours: a run that takes the place of this one leaves none of it behind.
    let output = ratioflow(path, "run s.toml -q --out on --force --no-frames");
    assert!(output.status.success(), "{output:?}");
    assert!(!path.join("on/inputs/generator.npz").exists());
    assert!(
        ratioflow(path, &format!("{words} --force"))
            .status
            .success()
    );
    // Repeated from its own folder.
    let output = ratioflow(path, "run on/scenario.toml --out again --no-frames");
    assert!(output.status.success(), "{output:?}");
    for name in ["generator.npz", "trajectory.npz", "scenario.toml"] {
        assert!(
            file(&format!("on/{name}")) == file(&format!("again/{name}")),
            "{name}"
        );
    }
    assert_ne!(file("r/generator.npz"), file("on/generator.npz"));
    // The first cloud.
    let document = Document::parse("s", &kept).unwrap();
    let experiment = Experiment::read(&document, &Folder(path.join("on"))).unwrap();
    let before = generator(&path.join("r"), None).unwrap();
    let source = experiment.source.sample(
        experiment.start.nrows(),
        Stream::new(experiment.scenario.seed, "source"),
    );
    assert_eq!(experiment.start, before.apply(source.view()));
    assert!(rms(&(&experiment.start - &source)) > 0.1);
    refused(
        path,
        "run below/moved.toml --generator-from below",
        2,
        &["below/generator.npz", "--generator-from"],
    );
    refused(
        path,
        "run below/moved.toml --generator-from r --set generator.distill.network=[4]",
        2,
        &["2-16-16-2", "2-4-2"],
    );
    refused(
        path,
        "run eight-gaussians --generator-from r",
        2,
        &["--generator distill"],
    );
    // A file with a number that is none.
    let mut bytes = file("r/generator.npz");
    let place = bytes
        .windows(13)
        .position(|w| w == b"0.weight.npy\x93")
        .unwrap()
        + 13
        + 127
        - 8;
    bytes[place + 8..place + 12].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(path.join("below/generator.npz"), bytes).unwrap();
    refused(
        path,
        "run below/moved.toml --generator-from below",
        2,
        &["generator.npz"],
    );
}

#[test]
fn the_generator_of_any_step_that_is_kept_can_be_asked() {
    let home = run(&SCENARIO.replace(
        "frames = 0",
        "frames = 21\nspread = \"steps\"\nanimation = false\nhistory = 5",
    ));
    let path = home.path();
    let kept = fs::read_dir(path.join("r/history")).unwrap();
    let mut kept: Vec<String> = kept
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    kept.sort();
    let names = ["000000", "000005", "000010", "000015", "000020"];
    assert_eq!(kept, names.map(|name| format!("{name}.npz")));
    let file = |name: &str| fs::read(path.join("r").join(name)).unwrap();
    assert_eq!(file("history/000020.npz"), file("generator.npz"));
    // A particle keeps its latent point: what g was makes the cloud that was.
    let document = Document::parse("s", SCENARIO).unwrap();
    let experiment = Experiment::read(&document, &Embedded).unwrap();
    let mut flow = experiment.flow().unwrap();
    while let Some(step) = flow.advance().unwrap() {
        let (index, cloud) = (step.index, step.state.cloud.clone());
        if index.is_multiple_of(5) {
            let then = generator(&path.join("r"), Some(index)).unwrap();
            assert_eq!(then.apply(experiment.start.view()), cloud, "step {index}");
        }
    }
    let points = |words: &str| {
        let output = ratioflow(path, words);
        assert!(output.status.success(), "{output:?}");
        output.stdout
    };
    assert_eq!(points("sample r -n 9 --at 20"), points("sample r -n 9"));
    assert_ne!(points("sample r -n 9 --at 10"), points("sample r -n 9"));
    points("render r --show latent --at 10");
    refused(
        path,
        "sample r -n 9 --at 7",
        1,
        &["step 7", "0, 5, 10, 15, 20"],
    );
    refused(path, "render r --at 10", 2, &["--show latent"]);
    // Another run in its place leaves nothing of it behind.
    let output = ratioflow(path, "run s.toml -q --out r --force --set output.history=0");
    assert!(output.status.success(), "{output:?}");
    assert!(!path.join("r/history").exists());
    refused(path, "sample r -n 9 --at 10", 1, &["output.history=20"]);
    refused(
        path,
        "check s.toml --generator off --set output.history=5",
        2,
        &["output.history", "no generator"],
    );
}

fn rms(moves: &Array2<f64>) -> f64 {
    (moves.mapv(|v| v * v).sum() / moves.nrows() as f64).sqrt()
}

#[test]
fn an_affine_generator_is_kept_to_the_bit() {
    // An affine map computes in double precision, whatever `precision` says.
    let text = SCENARIO.replace("[16, 16]", "\"affine\"");
    let home = run(&text);
    let experiment = Experiment::read(&Document::parse("s", &text).unwrap(), &Embedded).unwrap();
    let mut flow = experiment.flow().unwrap();
    while flow.advance().unwrap().is_some() {}
    let trained = generator(&home.path().join("r"), None).unwrap();
    assert_eq!(trained.parameters(), flow.generator().unwrap().parameters());
    assert_eq!(trained.apply(experiment.start.view()), flow.state().cloud);
}

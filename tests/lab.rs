//! The lab: that its engine is the native one, and that the page works in real browsers. Node, Chromium and Firefox are needed; without them these tests say
//! that they are skipped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ndarray::ArrayView2;
use ratioflow::discriminator::DiscriminatorSpec;
use ratioflow::experiment::Experiment;
use ratioflow::metric::{EnergyDistance, Metric as _};
use ratioflow::page::Lab;
use ratioflow::scenario::{Document, Embedded, Scenario, Variant};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The first of these programs that runs.
fn find(names: &[&'static str], what: &str) -> Option<&'static str> {
    let runs = |name: &&&str| {
        let mut asked = Command::new(name);
        let asked = asked.arg("--version").stdout(Stdio::null());
        asked
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
    };
    let found = names.iter().find(runs).copied();
    if found.is_none() {
        eprintln!("SKIPPED: no {what} is here, so that the lab was not tried");
    }
    found
}

fn node() -> Option<&'static str> {
    find(&["node", "nodejs"], "node")
}

fn chromium() -> Option<&'static str> {
    find(
        &["chromium", "chromium-browser", "google-chrome"],
        "Chromium",
    )
}

fn firefox() -> Option<&'static str> {
    find(&["firefox-esr", "firefox"], "Firefox")
}

/// Runs a script of `tests/lab` and reads the JSON that it prints.
fn told(node: &str, script: &str, args: &[&Path], more: &[&str]) -> Value {
    let output = Command::new(node)
        .arg(at("tests/lab").join(script))
        .args(args)
        .args(more)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|_| {
        panic!(
            "{script}: {said}\n{}",
            String::from_utf8_lossy(&output.stderr)
        )
    })
}

mod engine {
    use super::*;

    /// Steps after which clouds are compared: later on a difference in the last digit is no longer one in the last digit.
    const STEPS: usize = 10;

    struct Case {
        name: String,
        edits: Vec<String>,
        /// Largest distance of a particle from where the native engine has it, in deviations of the target. Vectors of other lengths add in other orders, and
        /// a fused multiplication rounds once: in double precision that shows in the last digits, in single precision it shows.
        bound: f64,
    }

    fn cases() -> Vec<Case> {
        let mut cases: Vec<Case> = DiscriminatorSpec::CATALOGUE
            .iter()
            .map(|(name, _)| Case {
                name: (*name).to_owned(),
                edits: vec![format!("discriminator={{ {name} = {{}} }}")],
                bound: match *name {
                    "mlp" | "wasserstein" | "score" => 1e-3,
                    _ => 1e-9,
                },
            })
            .collect();
        for (name, edits, bound) in [
            ("births and deaths", &["flow.reaction={}"][..], 1e-9),
            ("momentum", &["flow.momentum='nesterov'"], 1e-9),
            ("another map", &["flow.h='softplus'"], 1e-9),
            ("moons", &["target={ moons = {} }"], 1e-9),
            ("distilled", &["generator={ distill = {} }"], 1e-3),
            ("adversarial", &["generator={ adversarial = {} }"], 1e-3),
        ] {
            cases.push(Case {
                name: name.to_owned(),
                edits: edits.iter().map(|&edit| edit.to_owned()).collect(),
                bound,
            });
        }
        cases
    }

    const TEXT: &str = "[target.ring]\n[source.gaussian]\n[cloud]\nparticles = 200\nsamples = 300\n[flow]\nsteps = 40\n";

    /// The cloud, D at its particles and the energy distance, as the native engine has them.
    fn native(case: &Case) -> (Vec<f64>, Vec<f64>, f64) {
        let mut document = Document::parse("test", TEXT).unwrap();
        for edit in &case.edits {
            document.set(edit).unwrap();
        }
        let experiment = Experiment::read(&document, &Embedded).unwrap();
        let mut flow = experiment.flow().unwrap();
        for _ in 0..=STEPS {
            flow.advance().unwrap().unwrap();
        }
        let cloud = &flow.state().cloud;
        let distance = EnergyDistance::new(experiment.validation.view()).measure(cloud.view());
        let ratio = flow.last().ratio.log.to_vec();
        (cloud.iter().copied().collect(), ratio, distance)
    }

    #[test]
    fn it_is_the_native_one_but_for_the_last_digits() {
        let Some(node) = node() else { return };
        let folder = TempDir::new().unwrap();
        let cases = cases();
        let list: Vec<Value> = cases
            .iter()
            .map(|case| json!({ "name": case.name, "text": TEXT, "edits": case.edits, "steps": STEPS }))
            .collect();
        let file = folder.path().join("cases.json");
        fs::write(&file, Value::from(list).to_string()).unwrap();
        let script = at("src/page/lab/engine.js");
        // What was just built, or what travels with the program.
        let built = std::env::var_os("RATIOFLOW_ENGINE").map(PathBuf::from);
        let wasm = built.unwrap_or_else(|| at("src/page/lab/engine.wasm.zlib"));
        let said = told(node, "same.mjs", &[&script, &wasm, &file], &[]);
        assert_eq!(said["imports"], 0, "it asks nothing of the page");
        let mut wrong = Vec::new();
        for (case, found) in cases.iter().zip(said["found"].as_array().unwrap()) {
            let name = &case.name;
            if let Some(error) = found["error"].as_str() {
                wrong.push(format!("{name}: {error}; is the engine older than the code? `lab/build.sh` builds it anew"));
                continue;
            }
            let numbers = |key: &str| -> Vec<f64> {
                let all = found[key].as_array().unwrap().iter();
                all.map(|v| v.as_f64().unwrap()).collect()
            };
            let (cloud, ratio, energy) = native(case);
            let apart = |a: &[f64], b: &[f64]| {
                assert_eq!(a.len(), b.len(), "{name}");
                let each = a.iter().zip(b).map(|(a, b)| (a - b).abs());
                each.fold(0.0, f64::max)
            };
            let theirs = numbers("cloud");
            let moved = apart(&cloud, &theirs);
            let judged = apart(&ratio, &numbers("ratio"));
            let bits = |cloud: &[f64]| {
                let bytes: Vec<u8> = cloud.iter().flat_map(|v| v.to_le_bytes()).collect();
                Sha256::digest(bytes)
            };
            let same = bits(&cloud) == bits(&theirs);
            let measured = (energy - found["energy"].as_f64().unwrap()).abs() / energy;
            println!(
                "{name}: clouds {moved:.1e} apart{}, D {judged:.1e}, energy distance {measured:.1e} of itself",
                if same { ", the same bits" } else { "" }
            );
            assert_eq!(found["step"], STEPS);
            let spread = ArrayView2::from_shape((cloud.len() / 2, 2), &cloud)
                .unwrap()
                .std(0.0);
            if moved > case.bound * spread {
                wrong.push(format!(
                    "{name}: clouds are {moved:.1e} apart, more than {:.0e} of {spread:.2}",
                    case.bound
                ));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

mod page {
    use super::*;

    fn lab() -> String {
        Lab::default().html().unwrap()
    }

    #[test]
    fn it_is_small_and_nothing_is_fetched() {
        let page = lab();
        assert!(page.len() < 1_500_000, "{} bytes", page.len());
        let policy = page
            .split("Content-Security-Policy\" content=\"")
            .nth(1)
            .unwrap();
        let policy = policy.split('"').next().unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'sha256-"),
            "{policy}"
        );
        assert!(
            !policy.contains("unsafe-inline") && !policy.contains("connect-src"),
            "{policy}"
        );
        let rest = page.replace("http://www.w3.org/2000/svg", "");
        for scheme in ["http:", "https:", "//cdn", "@import", "url("] {
            assert!(!rest.contains(scheme), "{scheme}");
        }
        assert_eq!(page, lab(), "the same lab, the same bytes");
    }

    #[test]
    fn no_scenario_breaks_out() {
        const HOSTILE: &str =
            "</script></style><script>alert(1)</script>\"><img src=x> & {{ 7*7 }}";
        let lab = Lab {
            name: HOSTILE.to_owned(),
            text: format!("title = '{HOSTILE}'\n[target.ring]\n"),
            ..Lab::default()
        };
        let page = lab.html().unwrap();
        for trouble in ["<script>alert", "<img src=x", "</script></style>"] {
            assert!(!page.contains(trouble), "{trouble}");
        }
        assert_eq!(page.matches("</script").count(), 5);
    }

    /// Draws, changes every control while it runs, runs each lesson, clicks at random; see `tests/lab/check.mjs`.
    #[test]
    fn it_works_in_a_real_browser() {
        let (Some(node), Some(browser)) = (node(), chromium()) else {
            return;
        };
        let folder = TempDir::new().unwrap();
        let page = folder.path().join("lab.html");
        fs::write(&page, lab()).unwrap();
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let seconds = if std::env::var_os("RATIOFLOW_LONG").is_some() {
            "600"
        } else {
            "60"
        };
        let said = told(
            node,
            "check.mjs",
            &[Path::new(browser), &page, kept],
            &[seconds],
        );
        let told = &said["told"];
        for key in [
            "controls",
            "refused",
            "estimators",
            "verdict",
            "command",
            "clicks",
            "heaps",
            "engines",
        ] {
            println!("{key}: {}", told[key]);
        }
        let checks = said["checks"].as_object().unwrap();
        let failed: Vec<_> = checks.iter().filter(|(_, said)| *said != "ok").collect();
        assert!(failed.is_empty(), "{failed:#?}");
        assert_eq!(checks.len(), 19, "{checks:#?}");
        written_runs_natively(told);
        variants_run_natively(&told["several"]);
        kept_can_be_read(kept, told);
    }

    /// The largest distance between a cloud of the page, after five steps, and what the program makes of the same scenario.
    fn apart(document: &Document, there: &Value) -> f64 {
        let experiment = Experiment::read(document, &Embedded).unwrap();
        let mut flow = experiment.flow().unwrap();
        for _ in 0..=5 {
            flow.advance().unwrap().unwrap();
        }
        let there = there.as_array().unwrap();
        assert_eq!(there.len(), flow.state().cloud.len());
        let pairs = flow.state().cloud.iter().zip(there);
        let apart = pairs.map(|(here, there)| (here - there.as_f64().unwrap()).abs());
        apart.fold(0.0, f64::max)
    }

    /// The scenario that the page saves, run by the program, gives the cloud of the page.
    fn written_runs_natively(told: &Value) {
        let document = Document::parse("saved", told["written"].as_str().unwrap()).unwrap();
        let most = apart(&document, &told["cloud"]);
        println!("the saved scenario, natively: {most:.1e} apart");
        assert!(most < 1e-6, "{most}");
    }

    /// The variants of the file that the page saves of several panels are these panels.
    fn variants_run_natively(several: &Value) {
        let document = Document::parse("saved", several["text"].as_str().unwrap()).unwrap();
        let scenario: Scenario = document.read().unwrap();
        let panels = several["panels"].as_array().unwrap();
        assert_eq!(scenario.variants.len(), panels.len());
        for (variant, panel) in scenario.variants.iter().zip(panels) {
            let variant = Variant::parse(variant).unwrap();
            assert_eq!(panel[0], variant.name);
            let most = apart(&variant.apply(&document).unwrap(), &panel[1]);
            println!("{} as a variant, natively: {most:.1e} apart", variant.name);
            // Networks compute in single precision.
            let bound = if variant.name == "flow" { 1e-6 } else { 1e-2 };
            assert!(most < bound, "{}: {most}", variant.name);
        }
    }

    /// Opens, runs, shows three panels, and opens its own link again; see `tests/lab/firefox.mjs`.
    #[test]
    fn it_works_in_firefox() {
        let (Some(node), Some(browser)) = (node(), firefox()) else {
            return;
        };
        let folder = TempDir::new().unwrap();
        let page = folder.path().join("lab.html");
        fs::write(&page, lab()).unwrap();
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let said = told(node, "firefox.mjs", &[Path::new(browser), &page, kept], &[]);
        let checks = said["checks"].as_object().unwrap();
        let failed: Vec<_> = checks.iter().filter(|(_, said)| *said != "ok").collect();
        assert!(failed.is_empty(), "{failed:#?}");
        assert_eq!(checks.len(), 4, "{checks:#?}");
    }

    /// Clouds and film that the page saves are what others read.
    fn kept_can_be_read(kept: &Path, told: &Value) {
        let moments = told["moments"].as_u64().unwrap() as usize;
        let film = fs::File::open(kept.join("lab-film.png")).unwrap();
        let mut reader = png::Decoder::new(std::io::BufReader::new(film))
            .read_info()
            .unwrap();
        let frames = reader.info().animation_control().unwrap().num_frames as usize;
        assert!(
            (2..=81).contains(&frames),
            "{frames} pictures of {moments} moments"
        );
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        for _ in 0..frames {
            reader.next_frame(&mut bytes).unwrap();
        }
        let mut archive =
            ndarray_npy::NpzReader::new(fs::File::open(kept.join("lab-saved.npz")).unwrap())
                .unwrap();
        let clouds: ndarray::Array3<f64> = archive.by_name("particles.npy").unwrap();
        let steps: ndarray::Array1<f64> = archive.by_name("steps.npy").unwrap();
        let target: ndarray::Array2<f64> = archive.by_name("target.npy").unwrap();
        assert_eq!(clouds.dim(), (steps.len(), 300, 2));
        assert_eq!(target.dim(), (400, 2));
        let text = fs::read_to_string(kept.join("lab-saved.toml")).unwrap();
        Document::parse("saved", &text)
            .unwrap()
            .read::<Scenario>()
            .unwrap();
    }
}

mod door {
    use super::*;

    use assert_cmd::Command as Program;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use flate2::read::DeflateDecoder;
    use ratioflow::record::{StopToken, record};
    use ratioflow::store::RunDirectory;
    use std::io::Read as _;

    fn ratioflow(folder: &Path, args: &[&str]) -> assert_cmd::assert::Assert {
        let mut program = Program::cargo_bin("ratioflow").unwrap();
        program.current_dir(folder).args(args).assert()
    }

    #[test]
    fn the_command_writes_one_file_and_replaces_none() {
        let folder = TempDir::new().unwrap();
        let at = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        ratioflow(folder.path(), &["lab"]).success();
        assert_eq!(at("lab.html"), Lab::default().html().unwrap());
        ratioflow(folder.path(), &["lab", "moons"]).code(2);
        let set = ["lab", "moons", "--set", "flow.steps=7", "--force"];
        ratioflow(folder.path(), &set).success();
        assert!(at("lab.html").contains(r#""edits":{"flow.steps":"7"}"#));
        ratioflow(folder.path(), &["lab", "no-such", "--out", "b.html"]).code(2);
        let wrong = ["lab", "moons", "--set", "flow.stesp=7", "--out", "b.html"];
        ratioflow(folder.path(), &wrong).code(2);
        assert!(!folder.path().join("b.html").exists());
        // A page reads no files: what is in them goes along.
        let row = |k: i32| [k % 7, k % 11].map(|v| v.to_string()).join(",") + "\n";
        let rows: String = (0..100).map(row).collect();
        fs::write(folder.path().join("mine.csv"), rows).unwrap();
        fs::write(
            folder.path().join("mine.toml"),
            "[target.points]\nfile = \"mine.csv\"\n",
        )
        .unwrap();
        ratioflow(folder.path(), &["lab", "mine.toml", "--out", "c.html"]).success();
        assert!(at("c.html").contains(r#""points":{"target.npy":["#));
    }

    #[test]
    fn a_report_near_a_lab_opens_its_scenario_there() {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("lab.html"), "").unwrap();
        let text = "[target.ring]\n[cloud]\nparticles = 60\nsamples = 80\n[flow]\nsteps = 3\n[output]\nframes = 0\n[metrics]\nfloor_draws = 19\npermutations = 19\n";
        let document = Document::parse("test", text).unwrap();
        let experiment = Experiment::read(&document, &Embedded).unwrap();
        let place = folder.path().join("run");
        let directory = RunDirectory::at(&place, false).unwrap();
        let stop = StopToken::default();
        record(
            "test",
            &experiment,
            &Embedded,
            &directory,
            &stop,
            &mut |_| {},
        )
        .unwrap();
        let page = fs::read_to_string(place.join("report.html")).unwrap();
        let link = page.split("id=\"change\"").nth(1).expect("no button");
        let link = link.split("#s=").nth(1).unwrap().split('"').next().unwrap();
        let mut plan = String::new();
        let packed = URL_SAFE_NO_PAD.decode(link).unwrap();
        DeflateDecoder::new(&packed[..])
            .read_to_string(&mut plan)
            .unwrap();
        let plan: Value = serde_json::from_str(&plan).unwrap();
        assert_eq!(plan["panels"], json!(["flow"]));
        let again = Document::parse("link", plan["text"].as_str().unwrap()).unwrap();
        let again: Scenario = again.read().unwrap();
        assert_eq!(again, experiment.scenario);
    }

    /// What the lab shows when the button of a report is pressed; nothing where there is no browser.
    fn pressed(report: &Path) -> Option<Value> {
        let (node, browser) = (node()?, chromium()?);
        let found = told(node, "report.mjs", &[Path::new(browser), report], &[]);
        assert_eq!(found["failure"], "", "{found}");
        assert_eq!(found["trouble"], json!([]), "{found}");
        Some(found)
    }

    #[test]
    fn a_run_brings_its_lab_along() {
        const TEXT: &str = "[target.points]\nfile = \"mine.csv\"\n[cloud]\nparticles = 60\nsamples = 80\n[flow]\nsteps = 3\n[output]\nframes = 0\nlab = true\n[metrics]\nfloor_draws = 19\npermutations = 19\n";
        let folder = TempDir::new().unwrap();
        let at = |name: &str| folder.path().join(name);
        let row = |k: i32| [k % 7, k % 11].map(|v| v.to_string()).join(",") + "\n";
        fs::write(at("mine.csv"), (0..200).map(row).collect::<String>()).unwrap();
        fs::write(at("mine.toml"), TEXT).unwrap();
        ratioflow(folder.path(), &["run", "mine.toml", "--out", "one"]).success();
        let report = fs::read_to_string(at("one/report.html")).unwrap();
        assert!(report.contains("id=\"change\" class=\"quiet\" href=\"lab.html#s="));
        assert!(report.len() < 700_000, "{} bytes", report.len());
        if let Some(found) = pressed(&at("one/report.html")) {
            assert_eq!(found["points"], json!(["target.npy"]));
            assert_eq!(found["panels"], json!(["flow"]));
            // The first cloud is that of the run, though the page knows the file by its points.
            let text = fs::read_to_string(at("one/scenario.toml")).unwrap();
            let document = Document::parse("run", &text).unwrap();
            let files = ratioflow::target::Folder(at("one"));
            let run = Experiment::read(&document, &files).unwrap();
            let cloud: Vec<f64> = found["cloud"]
                .as_array()
                .unwrap()
                .iter()
                .map(|v| v.as_f64().unwrap())
                .collect();
            let apart = run.start.iter().zip(&cloud).map(|(a, b)| (a - b).abs());
            assert!(apart.fold(0.0, f64::max) < 1e-9);
        }
        // What replaces the run removes the lab with it.
        let without = [
            "run",
            "mine.toml",
            "--out",
            "one",
            "--force",
            "--set",
            "output.lab=false",
        ];
        ratioflow(folder.path(), &without).success();
        assert!(!at("one/lab.html").exists());

        // One lab for a comparison and all its runs.
        let compare = [
            "compare",
            "mine.toml",
            "--out",
            "two",
            "--variant",
            "a: flow.h=softplus",
            "--variant",
            "b: generator.distill.network=[8]",
        ];
        ratioflow(folder.path(), &compare).success();
        assert!(at("two/lab.html").exists() && !at("two/a/lab.html").exists());
        if let Some(found) = pressed(&at("two/report.html")) {
            assert_eq!(found["panels"], json!(["a", "b"]));
            assert_eq!(found["points"], json!(["target.npy"]));
        }
        if let Some(found) = pressed(&at("two/b/report.html")) {
            assert_eq!(found["panels"], json!(["distill"]));
        }
    }

    #[test]
    fn a_lab_that_cannot_show_a_run_is_left_out_and_the_run_says_so() {
        let folder = TempDir::new().unwrap();
        let text = "[target.gaussian]\nmean = [1.0]\ncovariance = [[1.0]]\n[source.gaussian]\nmean = [0.0]\ncovariance = [[1.0]]\n[cloud]\nparticles = 60\nsamples = 80\n[flow]\nsteps = 3\n[output]\nframes = 0\nlab = true\n[metrics]\nfloor_draws = 19\npermutations = 19\n";
        fs::write(folder.path().join("line.toml"), text).unwrap();
        ratioflow(folder.path(), &["run", "line.toml", "--out", "run"]).success();
        let at = |name: &str| folder.path().join("run").join(name);
        assert!(!at("lab.html").exists());
        let manifest = fs::read_to_string(at("run.json")).unwrap();
        assert!(manifest.contains("output.lab: the lab is left out: it draws the plane"));
        let report = fs::read_to_string(at("report.html")).unwrap();
        assert!(!report.contains("id=\"change\""));
    }

    #[test]
    fn a_site_has_gallery_lab_and_documents() {
        let folder = TempDir::new().unwrap();
        let site = [
            "gallery",
            "gaussian-pair",
            "--site",
            "site",
            "--no-frames",
            "--scale",
            "0.25",
        ];
        ratioflow(folder.path(), &site).success();
        let at = |name: &str| {
            let page = fs::read_to_string(folder.path().join("site").join(name)).unwrap();
            page.replace("&#x2f;", "/")
        };
        let index = at("index.html");
        assert!(
            index.contains("href=\"lab.html\"") && index.contains("href=\"docs/commands.html\"")
        );
        let pages = fs::read_dir(folder.path().join("site/docs")).unwrap();
        let names = pages.map(|page| page.unwrap().file_name().into_string().unwrap());
        let names: Vec<String> = names.filter(|name| name != ".lock").collect();
        assert!(names.len() > 15, "{names:?}");
        for name in &names {
            let page = at(&format!("docs/{name}"));
            assert!(page.contains("default-src 'none'") && page.contains("href=\"../index.html\""));
            for loaded in [
                "src=",
                "@import",
                "url(",
                "<script",
                "<link rel=\"stylesheet",
            ] {
                assert!(!page.contains(loaded), "{name}: {loaded}");
            }
            for link in page.split("href=\"").skip(1) {
                let link = link.split('"').next().unwrap();
                let file = link.split('#').next().unwrap();
                let known = names.iter().any(|name| name == file);
                assert!(
                    known
                        || file.is_empty()
                        || file == "../index.html"
                        || link.starts_with("https:")
                        || link == "data:,",
                    "{name}: {link}"
                );
            }
        }
    }
}

//! The report page: what is in the file, that names cannot break out of it, and that it works in a real browser.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;
use ratioflow::experiment::{Experiment, Summary};
use ratioflow::film::{DrawnRun, Recorder, Scene, view_of};
use ratioflow::metric::ALL;
use ratioflow::observe::{Cadence, MetricRecorder, drive};
use ratioflow::page::{Page, Sheet};
use ratioflow::record::{Format, Record, Redraw, StopToken, record, redraw};
use ratioflow::render::{look, number};
use ratioflow::scenario::{Document, Embedded};
use ratioflow::store::{Manifest, RunDirectory};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

/// What a page must not let through: it ends elements, attributes and strings.
const HOSTILE: &str =
    r#"</script></style><script>alert(1)</script>"><img src=x onerror='alert(2)'> & {{ 7*7 }}"#;

const SMALL: &str = r#"
title = "Two lumps"
question = "Do both get their share?"
expect = "Half of the cloud each."
[target.ring]
modes = 2
radius = 2.0
sd = 0.4
[cloud]
particles = 150
samples = 200
[flow]
steps = 40
[metrics]
every = 4
floor_draws = 19
permutations = 19
[output]
frames = 11
"#;

fn experiment(text: &str, settings: &[&str]) -> Experiment {
    let mut document = Document::parse("test", text).unwrap();
    for setting in settings {
        document.set(setting).unwrap();
    }
    Experiment::new(document.read().unwrap(), &Embedded).unwrap()
}

fn run(name: &str, experiment: &Experiment, folder: &Path) -> Record {
    let directory = RunDirectory::at(folder, false).unwrap();
    record(
        name,
        experiment,
        &Embedded,
        &directory,
        &StopToken::default(),
        &mut |_| {},
    )
    .unwrap()
}

/// A page about several runs of one experiment.
fn page_of(experiment: &Experiment, title: &str, runs: &[(&str, &Record)]) -> String {
    let takes: Vec<DrawnRun<'_>> = runs
        .iter()
        .map(|(name, record)| DrawnRun {
            name,
            scenario: &experiment.scenario,
            start: &experiment.start,
            recorder: &record.recorder,
            meter: &record.meter,
            note: name,
            diverged: false,
            outcome: None,
        })
        .collect();
    let sheets: Vec<Sheet<'_>> = runs
        .iter()
        .map(|(_, record)| Sheet {
            manifest: &record.manifest,
            summary: &record.summary,
            floors: &record.floors,
            scenario: &record.scenario,
        })
        .collect();
    Page {
        scene: &Scene {
            title,
            steps: experiment.scenario.flow.steps,
            view: view_of(experiment.start.view(), experiment.training.view()),
            line: None,
            takes: &takes,
        },
        sheets: &sheets,
        question: title,
        expect: title,
        fps: 20.0,
        picture: "animation.png",
        commands: &[title.to_owned()],
        anywhere: title,
        lab: None,
    }
    .html()
    .unwrap()
}

/// What stands between the first `from` and the next `to`.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let start = text.find(from).unwrap_or_else(|| panic!("no {from}")) + from.len();
    &text[start..start + text[start..].find(to).unwrap()]
}

fn film(page: &str) -> Value {
    let json = between(
        page,
        r#"<script type="application/json" id="film">"#,
        "</script>",
    );
    serde_json::from_str(json).unwrap()
}

mod file {
    use super::*;

    #[test]
    fn a_run_leaves_a_page_with_everything_on_it() {
        let folder = TempDir::new().unwrap();
        let experiment = experiment(SMALL, &[]);
        let record = run("lumps", &experiment, folder.path());
        let page = fs::read_to_string(folder.path().join("report.html")).unwrap();

        let mut said = vec![
            "Two lumps".to_owned(),
            "Do both get their share?".to_owned(),
            "Half of the cloud each.".to_owned(),
            "ratioflow run scenario.toml".to_owned(),
            "@software{ratioflow,".to_owned(),
            "author  = {{The ratioflow developers}},".to_owned(),
            format!("version = {{{}}}", env!("CARGO_PKG_VERSION")),
            r#"<img class="still" src="animation.png""#.to_owned(),
        ];
        said.extend(
            record
                .scenario
                .lines()
                .map(|line| line.replace('"', "&quot;")),
        );
        said.extend(record.summary.details.iter().cloned());
        let measured = ALL
            .iter()
            .filter(|a| record.manifest.last.contains_key(a.name));
        said.extend(measured.flat_map(|a| [a.name.to_owned(), a.sees.to_owned()]));
        for words in said {
            let escaped = words.replace('\'', "&#x27;");
            assert!(page.contains(&escaped), "the page does not say {escaped}");
        }
        // Above the last cloud the player writes the verdict, as the headline does; above the others where they stood when they were measured.
        let run = &film(&page)["runs"][0];
        let verdict = record.manifest.verdict.as_ref().unwrap();
        assert_eq!(run["outcome"]["arrived"], verdict.at_floor);
        let words = format!("third sample: {}", verdict.mark().words[0]);
        assert_eq!(run["outcome"]["words"][0], words);
        assert_eq!(
            run["marks"].as_array().unwrap().len(),
            record.meter.rows().len()
        );
        let timings = fs::read_to_string(folder.path().join("timings.json")).unwrap();
        assert!(timings.contains("\"page\""), "{timings}");
    }

    #[test]
    fn nothing_on_it_is_fetched_and_nothing_else_may_run() {
        let folder = TempDir::new().unwrap();
        let experiment = experiment(SMALL, &[]);
        let record = run("lumps", &experiment, folder.path());
        let page = page_of(&experiment, "Two lumps", &[("", &record)]);
        let policy = between(&page, "Content-Security-Policy\" content=\"", "\"");
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        for (from, to, kind) in [
            ("<style>", "</style>", "style"),
            (r#"<script type="module">"#, "</script>", "script"),
        ] {
            let hash = STANDARD.encode(Sha256::digest(between(&page, from, to)));
            let rule = format!("{kind}-src 'sha256-{hash}'");
            assert!(policy.contains(&rule), "{policy}\nlacks {rule}");
        }
        // The name of the SVG language is an address that nobody opens.
        let rest = page.replace("http://www.w3.org/2000/svg", "");
        for scheme in ["http:", "https:", "//cdn", "@import", "url("] {
            assert!(!rest.contains(scheme), "{scheme}");
        }
    }

    #[test]
    fn equal_runs_give_equal_pages_with_any_number_of_threads() {
        let pages = [1, 3].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let folder = TempDir::new().unwrap();
            pool.unwrap()
                .install(|| run("lumps", &experiment(SMALL, &[]), folder.path()));
            fs::read(folder.path().join("report.html")).unwrap()
        });
        assert!(pages[0] == pages[1]);
    }

    #[test]
    fn no_name_breaks_out() {
        let folder = TempDir::new().unwrap();
        let quoted = format!("title = '''{HOSTILE}'''\n");
        let text = SMALL.replace("title = \"Two lumps\"\n", &quoted);
        let experiment = experiment(&text, &[]);
        let mut record = run(HOSTILE, &experiment, folder.path());
        let own = fs::read_to_string(folder.path().join("report.html")).unwrap();
        record.manifest.warnings.push(HOSTILE.to_owned());
        record.summary.details.push(HOSTILE.to_owned());
        let page = page_of(&experiment, HOSTILE, &[(HOSTILE, &record), ("b", &record)]);
        for page in [own, page] {
            assert!(page.contains("{{ 7*7 }}"), "names are no templates");
            for trouble in ["<script>alert", "<img src=x", "</script></style>"] {
                assert!(!page.contains(trouble), "{trouble}");
            }
            // One of each, and one of the film.
            assert_eq!(page.matches("</style").count(), 1);
            assert_eq!(page.matches("</script").count(), 2);
            assert!(page.contains("&lt;script&gt;alert(1)&lt;&#x2f;script&gt;"));
        }
        let page = page_of(&experiment, "", &[(HOSTILE, &record)]);
        assert_eq!(film(&page)["runs"][0]["name"], HOSTILE);
    }
}

mod data {
    use super::*;

    fn inflate(film: &Value, blob: &Value) -> Vec<u8> {
        let text = film["blobs"][blob.as_u64().unwrap() as usize].as_str();
        let packed = STANDARD.decode(text.unwrap()).unwrap();
        let mut bytes = Vec::new();
        ZlibDecoder::new(&packed[..])
            .read_to_end(&mut bytes)
            .unwrap();
        bytes
    }

    /// Undoes folding and differences, as the page does.
    fn unfold(folded: impl Iterator<Item = u16>, stride: usize) -> Vec<i16> {
        let mut values: Vec<i16> = Vec::new();
        for (k, folded) in folded.enumerate() {
            let change = (folded >> 1).cast_signed() ^ -((folded & 1).cast_signed());
            let before = if k < stride { 0 } else { values[k - stride] };
            values.push(before.wrapping_add(change));
        }
        values
    }

    fn wide(film: &Value, blob: &Value, stride: usize) -> Vec<i16> {
        let bytes = inflate(film, blob);
        let (low, high) = bytes.split_at(bytes.len() / 2);
        let folded = low.iter().zip(high);
        unfold(folded.map(|(&l, &h)| u16::from_le_bytes([l, h])), stride)
    }

    #[test]
    fn the_film_is_the_run_but_for_half_a_step() {
        let folder = TempDir::new().unwrap();
        let experiment = experiment(SMALL, &[]);
        let record = run("lumps", &experiment, folder.path());
        let film = film(&page_of(&experiment, "Two lumps", &[("", &record)]));
        let run = &film["runs"][0];
        let snapshots = record.recorder.snapshots();
        let n = experiment.start.nrows();
        assert_eq!(run["shown"], n);
        assert_eq!(run["steps"].as_array().unwrap().len(), snapshots.len());

        let step = film["grid"]["step"].as_f64().unwrap();
        let middle = [0, 1].map(|axis| film["grid"]["middle"][axis].as_f64().unwrap());
        let view = view_of(experiment.start.view(), experiment.training.view());
        assert!(step < 1.001 * view.width() / f64::from(1 << 14));
        let cloud = wide(&film, &run["cloud"], 2 * n);
        let target = wide(&film, &run["target"], usize::MAX);
        assert_eq!(cloud.len(), snapshots.len() * 2 * n);
        let near = |counted: i16, axis: usize, value: f64| {
            let read = middle[axis] + step * f64::from(counted);
            assert!((read - value).abs() <= 0.5001 * step, "{read} for {value}");
        };
        for (k, snapshot) in snapshots.iter().enumerate() {
            assert_eq!(run["steps"][k], snapshot.step);
            for ((i, axis), &value) in snapshot.cloud.indexed_iter() {
                near(cloud[(2 * k + axis) * n + i], axis, value);
            }
        }
        let m = experiment.training.nrows();
        for ((i, axis), &value) in experiment.training.indexed_iter() {
            near(target[axis * m + i], axis, value);
        }

        // Bands end at ratios of 1.03, 1.2, 2, 10: a log ratio of ln 1.2 lies at 2, halfway to ln 2 at 2.5.
        let edges = [1.0_f64, 1.03, 1.2, 2.0, 10.0].map(f64::ln);
        let place = |log_ratio: f64| {
            let size = log_ratio.abs();
            let below = edges.iter().rposition(|&edge| edge <= size).unwrap().min(3);
            let part = (size - edges[below]) / (edges[below + 1] - edges[below]);
            (below as f64 + part).copysign(log_ratio)
        };
        let bytes = inflate(&film, &run["ratio"]);
        let fine = film["fine"].as_f64().unwrap();
        // Wrapped to eight bits, the sums are those of 16 bits.
        let folded = bytes.iter().map(|&byte| u16::from(byte));
        let ratios: Vec<f64> = unfold(folded, n)
            .into_iter()
            .map(|v| f64::from(v as i8) / fine)
            .collect();
        for (k, snapshot) in snapshots.iter().enumerate() {
            for (i, &value) in snapshot.log_ratio.iter().enumerate() {
                let truth = place(value);
                if truth.abs() < 4.0 {
                    let read = ratios[k * n + i];
                    assert!((read - truth).abs() < 0.51 / fine, "{read} for {truth}");
                }
            }
        }

        let rows = record.meter.rows();
        let chart = film["charts"].as_array().unwrap();
        let chart = chart
            .iter()
            .position(|c| c["name"] == "energy_distance")
            .unwrap();
        for (row, value) in rows
            .iter()
            .zip(run["series"][chart]["values"].as_array().unwrap())
        {
            let truth = row.values.get("energy_distance").unwrap();
            assert!((value.as_f64().unwrap() / truth - 1.0).abs() < 1e-5);
        }
    }

    /// The snapshots and measurements of a run, without its pictures.
    fn filmed(experiment: &Experiment) -> (Recorder, MetricRecorder) {
        let scenario = &experiment.scenario;
        let (panel, floors) = experiment.validation_gauge().unwrap();
        let mut meter = MetricRecorder::new(panel, floors, Cadence::Every(scenario.flow.steps));
        let view = view_of(experiment.start.view(), experiment.training.view());
        let mut recorder = Recorder::new(scenario.output.frames, view, experiment.training.view());
        drive(
            &mut experiment.flow().unwrap(),
            &mut [&mut meter, &mut recorder],
        )
        .unwrap();
        (recorder, meter)
    }

    fn bare_page(experiment: &Experiment, recorder: &Recorder, meter: &MetricRecorder) -> String {
        Page {
            scene: &Scene {
                title: "",
                steps: experiment.scenario.flow.steps,
                view: view_of(experiment.start.view(), experiment.training.view()),
                line: None,
                takes: &[DrawnRun {
                    name: "",
                    scenario: &experiment.scenario,
                    start: &experiment.start,
                    recorder,
                    meter,
                    note: "",
                    diverged: false,
                    outcome: None,
                }],
            },
            sheets: &[Sheet {
                manifest: &Manifest::begun("test", 1),
                summary: &Summary {
                    headline: String::new(),
                    details: Vec::new(),
                },
                floors: meter.floors(),
                scenario: "",
            }],
            question: "",
            expect: "",
            fps: 20.0,
            picture: "final.png",
            commands: &[],
            anywhere: "",
            lab: None,
        }
        .html()
        .unwrap()
    }

    #[test]
    fn two_thousand_particles_and_a_hundred_frames_are_written_fast_and_small() {
        let experiment = experiment(
            SMALL,
            &[
                "cloud.particles=2000",
                "cloud.samples=600",
                "flow.steps=99",
                "output.frames=100",
            ],
        );
        let (recorder, meter) = filmed(&experiment);
        let page = bare_page(&experiment, &recorder, &meter);
        let run = &film(&page)["runs"][0];
        assert_eq!(run["shown"], 2000);
        assert_eq!(run["steps"].as_array().unwrap().len(), 100);
        assert!(page.len() < 2_000_000, "{} bytes", page.len());
    }

    #[test]
    fn a_very_long_film_is_thinned_and_keeps_its_end() {
        let experiment = experiment(
            SMALL,
            &[
                "cloud.particles=10",
                "cloud.samples=10",
                "flow.steps=700",
                "output.frames=600",
            ],
        );
        let (recorder, meter) = filmed(&experiment);
        assert_eq!(recorder.snapshots().len(), 600);
        let film = film(&bare_page(&experiment, &recorder, &meter));
        let steps = film["runs"][0]["steps"].as_array().unwrap();
        assert_eq!(steps.len(), 400);
        assert_eq!(
            (&steps[0], &steps[399]),
            (&Value::from(0), &Value::from(700))
        );
    }
}

/// Chromium, headless. These tests are skipped, loudly, where there is none.
mod browser {
    use super::*;

    /// One at a time: each uses all there is of a small machine.
    static TURN: Mutex<()> = Mutex::new(());

    fn find() -> Option<&'static str> {
        let names = [
            "chromium",
            "chromium-browser",
            "google-chrome",
            "google-chrome-stable",
        ];
        let found = names.into_iter().find(|name| {
            let version = Command::new(name).arg("--version").output();
            version.is_ok_and(|output| output.status.success())
        });
        if found.is_none() {
            // Past the test harness, which keeps to itself what tests print that pass.
            let _ = writeln!(
                io::stderr(),
                "\nSKIPPED: no Chromium on the path, so the report page was not tried in a browser\n"
            );
        }
        found
    }

    /// A browser that has been told to keep to itself.
    fn browser(name: &str, profile: &Path, size: [u32; 2]) -> Command {
        let mut command = Command::new(name);
        command
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--hide-scrollbars",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--enable-logging=stderr",
            ])
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg(format!("--window-size={},{}", size[0], size[1]));
        command
    }

    /// What Rust writes where the page writes its own: numbers, and the ticks of axes.
    fn looks() -> Value {
        let numbers = [
            0.0,
            0.125,
            -2.5,
            4.125,
            12.25,
            12.35,
            99_999.0,
            1234.5,
            0.000_999_9,
            1.23e-12,
            -3e7,
        ];
        let numbers = numbers.map(|value| (value, number(value)));
        let ranges = [
            ([-4.0, 4.0], 7.0),
            ([0.0, 200.0], 5.0),
            ([-0.013, 0.27], 3.0),
            ([3_512_000.0, 3_512_900.0], 6.0),
            ([5_812_345.1, 5_812_346.9], 5.0),
            ([-1e15, -1e15 + 7.0], 4.0),
            ([1.2344e-7, 1.2346e-7], 3.0),
            ([0.0, 3e22], 5.0),
            ([1.0, 1.4], 0.5),
            ([-2e-9, 5e-9], 4.0),
            ([0.2, 0.9], 9.0),
        ];
        let linear = ranges.map(|(range, most)| (range, most, look::ticks(range, most)));
        let ranges = [
            ([-5.2, 2.1], 4.0),
            ([-0.3, 0.4], 4.0),
            ([-1.9, 0.1], 2.0),
            ([3.1, 7.9], 20.0),
        ];
        let decades = ranges.map(|(range, most)| (range, most, look::decades(range, most)));
        serde_json::json!({ "numbers": numbers, "linear": linear, "decades": decades })
    }

    /// Puts the self test into `page`, and its hash into the policy of the page.
    fn teach(page: &Path) {
        use base64::Engine as _;
        use base64::engine::general_purpose::STANDARD;
        use sha2::{Digest as _, Sha256};
        const SELFTEST: &str = include_str!("data/selftest.js");
        const START: &str = "<script type=\"module\">";
        let hash = |text: &str| format!("sha256-{}", STANDARD.encode(Sha256::digest(text)));
        let html = fs::read_to_string(page).unwrap();
        let from = html.find(START).unwrap() + START.len();
        let to = from + html[from..].find("</script>").unwrap();
        let own = &html[from..to];
        let both = format!("{own}const LOOKS = {};\n{SELFTEST}", looks());
        let taught = [&html[..from], &both, &html[to..]].concat();
        fs::write(page, taught.replace(&hash(own), &hash(&both))).unwrap();
    }

    fn address(page: &Path, fragment: &str) -> String {
        format!("file://{}#{fragment}", page.display())
    }

    /// Opens `page` with its self test and waits for what it says; every other word on the console is a failure.
    fn self_test(page: &Path, size: [u32; 2]) -> Option<BTreeMap<String, String>> {
        let name = find()?;
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let profile = TempDir::new().unwrap();
        let mut child = browser(name, profile.path(), size)
            .arg(address(page, "selftest"))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::channel();
        let errors = BufReader::new(child.stderr.take().unwrap());
        let reader = std::thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let deadline = Instant::now() + Duration::from_secs(90);
        let mut seen = Vec::new();
        let result = loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = lines.recv_timeout(left) else {
                break None;
            };
            if line.contains("CONSOLE") && line.contains("selftest {") {
                break Some(line);
            }
            seen.push(line);
        };
        let _ = child.kill();
        let _ = child.wait();
        drop(lines);
        let _ = reader.join();
        let Some(line) = result else {
            panic!("the self test did not end:\n{}", seen.join("\n"));
        };
        let noise: Vec<&String> = seen
            .iter()
            .filter(|line| line.contains("CONSOLE"))
            .collect();
        assert!(noise.is_empty(), "{noise:#?}");
        let json = &line[line.find('{').unwrap()..=line.rfind('}').unwrap()];
        let said: Value = serde_json::from_str(json).unwrap();
        Some(serde_json::from_value(said["checks"].clone()).unwrap())
    }

    fn all_well(checks: &BTreeMap<String, String>) {
        let failed: Vec<_> = checks.iter().filter(|(_, said)| *said != "ok").collect();
        assert!(failed.is_empty(), "{failed:#?}");
        for name in [
            "finished",
            "nothing is fetched",
            "nothing goes wrong",
            "space plays",
        ] {
            assert!(
                checks.contains_key(name),
                "no check `{name}` in {checks:#?}"
            );
        }
    }

    #[test]
    fn the_page_of_a_run_opens_from_disk_plays_and_scrubs() {
        let folder = TempDir::new().unwrap();
        run("lumps", &experiment(SMALL, &[]), folder.path());
        teach(&folder.path().join("report.html"));
        if let Some(checks) = self_test(&folder.path().join("report.html"), [1280, 800]) {
            all_well(&checks);
        }
    }

    /// What a script beside this file says of pages in a browser, check by check; nothing where there is no browser, or no Node.js to drive it.
    fn driven(
        script: &str,
        pages: impl FnOnce() -> Vec<String>,
    ) -> Option<BTreeMap<String, String>> {
        let there = |name: &&&str| Command::new(name).arg("--version").output().is_ok();
        let (Some(browser), Some(node)) = (find(), ["node", "nodejs"].iter().find(there)) else {
            eprintln!("no Node.js or no browser here: not checked");
            return None;
        };
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let script = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/page")
            .join(script);
        let output = Command::new(node)
            .arg(script)
            .arg(browser)
            .args(pages())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let told = String::from_utf8_lossy(&output.stderr);
        Some(serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}\n{told}")))
    }

    /// See `tests/page/hall.mjs`.
    #[test]
    fn it_fills_a_hall_and_shares_a_moment() {
        let folder = TempDir::new().unwrap();
        let Some(checks) = driven("hall.mjs", || {
            run("lumps", &experiment(SMALL, &[]), folder.path());
            vec![folder.path().join("report.html").display().to_string()]
        }) else {
            return;
        };
        let failed: Vec<_> = checks.iter().filter(|(_, word)| *word != "ok").collect();
        assert!(failed.is_empty() && checks.len() == 15, "{checks:#?}");
    }

    /// See `tests/page/abreast.mjs`.
    #[test]
    fn panels_abreast_fill_a_hall_in_the_plane_and_on_the_line() {
        const QUICK: &str = "[cloud]\nparticles = 200\nsamples = 300\n[flow]\nsteps = 6\n[output]\nframes = 6\nanimation = false\n[metrics]\nfloor_draws = 19\npermutations = 19\n";
        let folder = TempDir::new().unwrap();
        let plane = "[target.ring]\n[source.gaussian]\n";
        let line = "[target.gaussian]\nmean = [1.0]\ncovariance = [[0.49]]\n[source.gaussian]\nmean = [-1.0]\ncovariance = [[0.49]]\n";
        let Some(checks) = driven("abreast.mjs", || {
            let mut pages = Vec::new();
            for (name, text, count) in [
                ("three in the plane", plane, 3),
                ("five in the plane", plane, 5),
                ("three on the line", line, 3),
            ] {
                let own = folder.path().join(name.replace(' ', "-"));
                let variants: Vec<String> = (0..count)
                    .map(|k| format!("\"a variant with a name {k}: flow.step_ratio=0.{}\"", k + 2))
                    .collect();
                let file = own.with_extension("toml");
                let text = format!(
                    "title = \"Panels\"\nquestion = \"Which?\"\nvariants = [{}]\n{text}{QUICK}",
                    variants.join(", ")
                );
                fs::write(&file, text).unwrap();
                let run = Command::new(env!("CARGO_BIN_EXE_ratioflow"))
                    .arg("compare")
                    .args([&file, Path::new("--quiet"), Path::new("--out"), &own])
                    .output()
                    .unwrap();
                assert!(
                    run.status.success(),
                    "{}",
                    String::from_utf8_lossy(&run.stderr)
                );
                pages.push(format!("{name}={}", own.join("report.html").display()));
            }
            pages
        }) else {
            return;
        };
        let failed: Vec<_> = checks.iter().filter(|(_, word)| *word != "ok").collect();
        assert!(failed.is_empty() && checks.len() == 31, "{failed:#?}");
    }

    #[test]
    fn the_page_of_a_run_on_the_line_plays_and_scrubs() {
        let folder = TempDir::new().unwrap();
        let text = "[[target.mixture.components]]\nweight = 0.3\nmean = [-2.5]\ncovariance = [[0.0625]]\n[[target.mixture.components]]\nweight = 0.7\nmean = [2.5]\ncovariance = [[0.0625]]\n[cloud]\nparticles = 200\nsamples = 300\n[flow]\nsteps = 12\nreaction = {}\n[output]\nframes = 12\n[metrics]\nfloor_draws = 19\npermutations = 19\n";
        run("line", &experiment(text, &[]), folder.path());
        let page = folder.path().join("report.html");
        let text = fs::read_to_string(&page).unwrap();
        let film = film(&text);
        assert_eq!(film["line"]["target"].as_array().unwrap().len(), 400);
        assert_eq!(film["line"]["exact"], true);
        assert_eq!(film["runs"][0]["lattice"], serde_json::json!([400, 1]));
        teach(&page);
        if let Some(checks) = self_test(&page, [1280, 800]) {
            all_well(&checks);
        }
    }

    /// Headless windows are at least 500 pixels wide, so that the phone is a frame.
    #[test]
    fn the_page_of_a_comparison_with_hostile_names_works_on_a_phone() {
        let folder = TempDir::new().unwrap();
        let first = experiment(SMALL, &[]);
        let second = experiment(SMALL, &["flow.steps=20", "flow.step_ratio=0.5"]);
        let records = [
            run("a", &first, &folder.path().join("a")),
            run("b", &second, &folder.path().join("b")),
        ];
        let runs = [(HOSTILE, &records[0]), ("half the step", &records[1])];
        let page = page_of(&first, HOSTILE, &runs);
        fs::write(folder.path().join("report.html"), page).unwrap();
        teach(&folder.path().join("report.html"));
        let phone = folder.path().join("phone.html");
        let frame = r#"<iframe src="report.html#selftest" width="320" height="640"></iframe>"#;
        fs::write(&phone, frame).unwrap();
        if let Some(checks) = self_test(&phone, [500, 800]) {
            all_well(&checks);
        }
    }

    /// The document once it has settled, as a browser with these flags has it.
    fn document(name: &str, page: &Path, fragment: &str, flags: &[&str]) -> String {
        let profile = TempDir::new().unwrap();
        let output = browser(name, profile.path(), [1280, 800])
            .args(["--virtual-time-budget=3000", "--dump-dom"])
            .args(flags)
            .arg(address(page, fragment))
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    #[test]
    fn it_plays_by_itself_unless_the_reader_wants_calm_or_a_certain_step() {
        let Some(name) = find() else { return };
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = TempDir::new().unwrap();
        run(
            "lumps",
            &experiment(
                SMALL,
                &[
                    "flow.steps=4000",
                    "metrics.every=4000",
                    "output.frames=101",
                    "output.spread='steps'",
                ],
            ),
            folder.path(),
        );
        let page = folder.path().join("report.html");
        let button = |fragment, flags: &[&str]| {
            let document = document(name, &page, fragment, flags);
            between(&document, r#"id="play" class="main" aria-label=""#, "\"").to_owned()
        };
        assert_eq!(button("", &[]), "Pause");
        assert_eq!(button("", &["--force-prefers-reduced-motion"]), "Play");
        assert_eq!(button("step=1000", &[]), "Play");
        let there = document(name, &page, "step=1000&theme=dark", &[]);
        // The frame that is nearest, as `render --snapshots` has it.
        let step = |text: &str| text.rsplit("step ").next().unwrap().parse::<f64>().unwrap();
        let shown = step(there.split(" of 4000").next().unwrap());
        let frames = film(&fs::read_to_string(&page).unwrap());
        let steps = frames["runs"][0]["steps"].as_array().unwrap().iter();
        let apart = steps.map(|step| (step.as_f64().unwrap() - 1000.0).abs());
        assert_eq!((shown - 1000.0).abs(), apart.fold(f64::MAX, f64::min));
        assert!(there.contains(r#"data-theme="dark""#));
    }

    /// A screenshot: its red, green and blue, pixel by pixel. It is kept under this name beside the other things that
    /// tests leave, for people to look at.
    fn screenshot(
        name: &str,
        kept: &str,
        address: &str,
        size: [u32; 2],
        flags: &[&str],
    ) -> Vec<[u8; 3]> {
        let picture = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(kept);
        let _ = fs::remove_file(&picture);
        let profile = TempDir::new().unwrap();
        let output = browser(name, profile.path(), size)
            .arg("--virtual-time-budget=3000")
            .arg(format!("--screenshot={}", picture.display()))
            .args(flags)
            .arg(address)
            .output()
            .unwrap();
        let file = fs::File::open(&picture)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        let (found, pixels) = decode(BufReader::new(file));
        assert_eq!(found, size);
        pixels
    }

    fn decode(png: impl BufRead + io::Seek) -> ([u32; 2], Vec<[u8; 3]>) {
        let mut decoder = png::Decoder::new(png);
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        let channels = info.line_size / info.width as usize;
        let pixels = bytes.chunks_exact(channels).map(|p| [p[0], p[1], p[2]]);
        ([info.width, info.height], pixels.collect())
    }

    /// Particles are the only strong colours on the page in any number.
    fn strong(pixels: &[[u8; 3]]) -> usize {
        let chroma = |p: &[u8; 3]| p.iter().max().unwrap() - p.iter().min().unwrap();
        pixels.iter().filter(|p| chroma(p) > 80).count()
    }

    #[test]
    fn a_screenshot_shows_the_cloud() {
        let Some(name) = find() else { return };
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = TempDir::new().unwrap();
        run("lumps", &experiment(SMALL, &[]), folder.path());
        let page = folder.path().join("report.html");
        for (theme, size) in [("light", [1440, 900]), ("dark", [1920, 1080])] {
            let address = address(&page, &format!("step=20&theme={theme}"));
            let kept = format!("report-{theme}.png");
            let seen = strong(&screenshot(name, &kept, &address, size, &[]));
            assert!(seen > 1500, "{seen} coloured pixels in the {theme} picture");
        }
        // Without JavaScript, as in a frame that may not run any, the page shows the animation.
        let frame = folder.path().join("frame.html");
        let text = r#"<iframe sandbox="allow-same-origin" src="report.html" width="980" height="880"></iframe>"#;
        fs::write(&frame, text).unwrap();
        let address = address(&frame, "");
        let kept = "report-no-script.png";
        let seen = strong(&screenshot(name, kept, &address, [1000, 900], &[]));
        assert!(seen > 1500, "{seen} coloured pixels without JavaScript");
    }

    #[test]
    fn the_svg_is_the_picture() {
        let Some(name) = find() else { return };
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = TempDir::new().unwrap();
        let text = SMALL.replace("Two lumps", "Lumps <b>&amp; more</b>");
        run(
            "lumps",
            &experiment(&text, &["output.scale=0.5"]),
            folder.path(),
        );
        let wish = Redraw {
            format: Format::Svg,
            ..Redraw::default()
        };
        redraw(folder.path(), &wish).unwrap();
        for kind in ["final", "convergence"] {
            // At half the scale these have a device pixel per logical pixel.
            let png = fs::read(folder.path().join(format!("{kind}.png"))).unwrap();
            let (size, drawn) = decode(io::Cursor::new(png));
            let svg = format!("file://{}/{kind}.svg", folder.path().display());
            // A window that is too large shows paper beside the picture.
            let window = [size[0].max(600), size[1] + 200];
            let shot = screenshot(name, &format!("{kind}-svg.png"), &svg, window, &[]);
            let rows = drawn.chunks_exact(size[0] as usize);
            let seen = shot.chunks_exact(window[0] as usize);
            let mut difference = 0.0;
            for (a, b) in rows.zip(seen).flat_map(|(a, b)| a.iter().zip(b)) {
                for channel in 0..3 {
                    difference += f64::from(a[channel].abs_diff(b[channel]));
                }
            }
            let mean = difference / (3.0 * drawn.len() as f64);
            assert!(mean < 3.0, "{kind}: {mean} of 255 apart in the mean");
            let blank = shot.iter().filter(|p| p.iter().all(|&c| c > 250)).count();
            assert!(blank < shot.len() * 97 / 100, "{kind} is empty");
        }
    }
}

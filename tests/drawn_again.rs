//! Finished runs are drawn again, with other options; and what the gallery shows.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use ndarray::{Array3, Axis};
use ratioflow::experiment::Experiment;
use ratioflow::page::{Exhibit, Found, gallery};
use ratioflow::record::{
    Audience, Format, Redraw, StopToken, VariantRuns, compare, latent, record, redraw, redraw_dark,
    snapshots,
};
use ratioflow::render::{Show, Theme};
use ratioflow::scenario::{
    At, Checked, Claim, Document, Embedded, Relation, Scenario, Than, ViewSpec,
};
use ratioflow::store::{Manifest, ReportError, RunDirectory, Status};
use tempfile::TempDir;

const SMALL: &str = r#"
title = "Two lumps"
[target.ring]
modes = 2
radius = 2.0
sd = 0.4
[cloud]
particles = 120
samples = 150
[flow]
steps = 20
[metrics]
every = 4
floor_draws = 19
permutations = 19
[output]
frames = 6
scale = 0.5
"#;

fn experiment(settings: &[&str]) -> Experiment {
    let mut document = Document::parse("test", SMALL).unwrap();
    for setting in settings {
        document.set(setting).unwrap();
    }
    Experiment::new(document.read().unwrap(), &Embedded).unwrap()
}

fn run(settings: &[&str], folder: &Path) -> Manifest {
    let directory = RunDirectory::at(folder, false).unwrap();
    let experiment = experiment(settings);
    let record = record(
        "lumps",
        &experiment,
        &Embedded,
        &directory,
        &StopToken::default(),
        &mut |_| {},
    );
    record.unwrap().manifest
}

/// Every picture below the folder.
fn pictures(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        if path.is_dir() {
            for (below, bytes) in pictures(&path) {
                found.insert(format!("{name}/{below}"), bytes);
            }
        } else if path.extension().is_some_and(|ending| ending == "png") {
            found.insert(name, fs::read(path).unwrap());
        }
    }
    found
}

fn size(png: &[u8]) -> [u32; 2] {
    let word = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    [word(16), word(20)]
}

#[test]
fn without_options_the_pictures_are_the_run_s_own() {
    for settings in [
        &[][..],
        &["output.frames=0"],
        // No log ratio, and so none in the trajectory.
        &["discriminator={ mmd = {} }"],
        // Flies apart, which its last picture says.
        &["flow.step_size=1e9", "flow.clip=\"off\""],
    ] {
        let folder = TempDir::new().unwrap();
        let manifest = run(settings, folder.path());
        assert_eq!(
            manifest.status == Status::Diverged,
            settings.len() == 2,
            "{manifest:?}"
        );
        let before = pictures(folder.path());
        for name in before.keys() {
            fs::remove_file(folder.path().join(name)).unwrap();
        }
        let written = redraw(folder.path(), &Redraw::default()).unwrap();
        assert!(written.contains(&"final.png".to_owned()));
        assert!(before == pictures(folder.path()), "{settings:?}");
    }
}

/// A generator that learns at every step.
const LEARNS: &str = "generator.distill={ inner_steps = 3, network = [8], batch = 'full', latents = 'fixed', field = 'cloud' }";

#[test]
fn what_a_step_did_is_kept_and_leads_to_the_next_cloud() {
    let folder = TempDir::new().unwrap();
    run(&[LEARNS, "output.frames=21"], folder.path());
    let file = fs::File::open(folder.path().join("trajectory.npz")).unwrap();
    let mut arrays = ndarray_npy::NpzReader::new(file).unwrap();
    let clouds: Array3<f64> = arrays.by_name("particles").unwrap();
    let mut part = |name| -> Array3<f32> { arrays.by_name(name).unwrap() };
    let (moves, misses) = (part("moves"), part("misses"));
    assert_eq!((moves.dim(), misses.dim()), (clouds.dim(), clouds.dim()));
    let frames = clouds.len_of(Axis(0));
    assert_eq!(frames, 21);
    for k in 0..frames - 1 {
        let led = &moves.index_axis(Axis(0), k) + &misses.index_axis(Axis(0), k);
        let went = &clouds.index_axis(Axis(0), k + 1) - &clouds.index_axis(Axis(0), k);
        let apart = (&went - &led.mapv(f64::from)).mapv(f64::abs);
        assert!(apart.iter().all(|&far| far < 1e-5), "after step {k}");
        let miss = misses.index_axis(Axis(0), k).mapv(|v| v * v).sum();
        assert!(miss > 0.0, "three steps learn no move, after step {k}");
    }
    let end = moves.index_axis(Axis(0), frames - 1);
    assert!(end.iter().all(|v| v.is_nan()), "the last step is the last");
    // A flow without a generator needs none of this: where it moves the points is where they are next.
    let folder = TempDir::new().unwrap();
    run(&[], folder.path());
    let file = fs::File::open(folder.path().join("trajectory.npz")).unwrap();
    let mut arrays = ndarray_npy::NpzReader::new(file).unwrap();
    let names = arrays.names().unwrap();
    assert!(
        !names.iter().any(|name| name.starts_with("moves")),
        "{names:?}"
    );
}

#[test]
fn the_phases_of_each_step_are_pictures_one_after_the_other() {
    let phases = Redraw {
        show: Show {
            phases: true,
            ..Show::default()
        },
        ..Redraw::default()
    };
    let frames = |pictures: &BTreeMap<String, Vec<u8>>| {
        let frames = pictures
            .iter()
            .filter(|(name, _)| name.starts_with("frames"));
        frames.map(|(_, bytes)| bytes.clone()).collect::<Vec<_>>()
    };
    // Of six moments: four phases each but of the last, after which nothing moves; without a generator three.
    for (settings, count) in [(&[LEARNS][..], 4 * 5 + 2), (&[][..], 3 * 5 + 2)] {
        let folder = TempDir::new().unwrap();
        run(settings, folder.path());
        let before = pictures(folder.path());
        redraw(folder.path(), &phases).unwrap();
        let all = frames(&pictures(folder.path()));
        assert_eq!(all.len(), count, "{settings:?}");
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), count, "no two phases look alike");
        // Drawn as usual again, nothing of that film is left.
        redraw(folder.path(), &Redraw::default()).unwrap();
        assert!(before == pictures(folder.path()), "{settings:?}");
        // A page of a paper: the phases of a step beside each other.
        let (name, missing) = snapshots(folder.path(), &phases, &[0]).unwrap();
        let picture = fs::read(folder.path().join(name)).unwrap();
        assert!(missing.is_empty() && size(&picture)[0] >= 1000);
    }
}

#[test]
fn a_comparison_is_drawn_again_as_one() {
    let folder = TempDir::new().unwrap();
    let contenders = ["fast", "slow"].map(|name| VariantRuns {
        name: name.to_owned(),
        experiments: vec![experiment(if name == "slow" {
            &["flow.step_ratio=0.3"]
        } else {
            &[]
        })],
    });
    let directory = RunDirectory::at(folder.path(), false).unwrap();
    compare(
        "lumps",
        &contenders,
        &Embedded,
        &directory,
        &[],
        Audience {
            stop: &StopToken::default(),
            step: &|_, _, _| {},
            done: &|_, _, _| {},
        },
    )
    .unwrap();
    drop(directory);
    let before = pictures(folder.path());
    redraw(folder.path(), &Redraw::default()).unwrap();
    assert!(before == pictures(folder.path()));
}

#[test]
fn size_colours_and_layers_are_as_asked_for() {
    let folder = TempDir::new().unwrap();
    run(&[], folder.path());
    let first = pictures(folder.path());
    assert_eq!(size(&first["final.png"])[0], 720);
    assert_eq!(size(&first["frames/0000.png"])[0], 360);
    let wish = Redraw {
        width: Some(600.0),
        scale: Some(1.0),
        fps: Some(10.0),
        theme: Some(Theme::Dark),
        ..Redraw::default()
    };
    redraw(folder.path(), &wish).unwrap();
    let second = pictures(folder.path());
    assert_eq!(size(&second["final.png"])[0], 1200);
    assert_eq!(size(&second["animation.png"])[0], 600);
    assert_eq!(first.len(), second.len());
    // The delay of a frame in milliseconds, after the sequence number, size and place in its control chunk.
    let animation = &second["animation.png"];
    let control = animation.windows(4).position(|w| w == b"fcTL").unwrap() + 4;
    assert_eq!(animation[control + 20..control + 24], [0, 100, 3, 232]);

    let mut seen = vec![second["frames/0003.png"].clone()];
    for show in [
        Show {
            trails: true,
            ..Show::default()
        },
        Show {
            formula: true,
            ..Show::default()
        },
        Show {
            field: false,
            ..Show::default()
        },
        Show {
            arrows: false,
            ..Show::default()
        },
        Show {
            target: false,
            ..Show::default()
        },
        Show {
            particles: false,
            ..Show::default()
        },
    ] {
        redraw(folder.path(), &Redraw { show, ..wish }).unwrap();
        let now = fs::read(folder.path().join("frames/0003.png")).unwrap();
        assert!(!seen.contains(&now), "{show:?} changes nothing");
        seen.push(now);
    }
}

#[test]
fn shapes_for_papers_have_a_particle_each_and_let_no_title_out() {
    let folder = TempDir::new().unwrap();
    let hostile = r#"title="</title><script>alert('1')</script>\u001b[31m&\"""#;
    run(&[hostile], folder.path());
    let wish = Redraw {
        format: Format::Svg,
        ..Redraw::default()
    };
    assert_eq!(
        redraw(folder.path(), &wish).unwrap(),
        ["final.svg", "convergence.svg"]
    );
    for name in ["final.svg", "convergence.svg"] {
        let svg = fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
        let title = "<title>&lt;/title&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;\u{fffd}[31m&amp;&quot;";
        assert!(svg.contains(title), "{}", &svg[..400]);
        assert!(!svg.contains("<script"));
        assert!(!svg.contains(|c: char| c.is_control() && c != '\n'));
        // No letter needs a font.
        assert!(!svg.contains("<text"));
        let opened = svg.matches("<g ").count();
        assert_eq!(opened, svg.matches("</g>").count());
    }
    let svg = fs::read_to_string(folder.path().join("final.svg")).unwrap();
    // The target too, as far as it lies within the picture, and the dots of the key.
    let dots = svg.matches("<circle ").count();
    assert!((300..=370).contains(&dots), "{dots} dots");
}

#[test]
fn what_is_no_finished_run_is_refused_with_the_reason() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("run");
    let reason = || match redraw(&path, &Redraw::default()) {
        Err(ReportError::NotARun { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    fs::create_dir(&path).unwrap();
    assert!(reason().contains("run.json"));
    fs::remove_dir_all(&path).unwrap();

    run(&[], &path);
    let trajectory = path.join("trajectory.npz");
    let whole = fs::read(&trajectory).unwrap();
    fs::write(&trajectory, &whole[..whole.len() / 2]).unwrap();
    assert!(reason().contains("trajectory.npz"));
    // A header that promises a million times as many particles as there are.
    let text = b"'shape': (6, 120, 2)";
    let at = whole.windows(text.len()).position(|w| w == text).unwrap();
    let mut lying = whole.clone();
    lying[at + 10..at + 20].copy_from_slice(b"6,12000000");
    fs::write(&trajectory, &lying).unwrap();
    assert!(reason().contains("trajectory.npz"));
    fs::write(&trajectory, &whole).unwrap();
    redraw(&path, &Redraw::default()).unwrap();

    let manifest = fs::read_to_string(path.join("run.json")).unwrap();
    let running = manifest.replace("\"status\": \"complete\"", "\"status\": \"running\"");
    fs::write(path.join("run.json"), running).unwrap();
    assert!(reason().contains("not come to its end"));
}

#[test]
fn the_gallery_shows_what_failed_as_such_and_lets_no_name_out() {
    let exhibit = |name: &str, failure: &str| Exhibit {
        name: name.to_owned(),
        title: "<b>bold</b> & {{ 7*7 }}".to_owned(),
        question: "</style><script>alert(1)</script>".to_owned(),
        expect: String::new(),
        command: format!("ratioflow run {name}"),
        animated: true,
        night: name == "good",
        found: vec![Found {
            name: String::new(),
            state: "arrived",
            headline: "indistinguishable".to_owned(),
        }],
        claims: vec![Checked {
            says: "<i>all</i>".to_owned(),
            kept: false,
            found: "0 of 1".to_owned(),
            value: None,
            holds: 1.0,
        }],
        failure: failure.to_owned(),
    };
    let page = gallery(
        &[exhibit("good", ""), exhibit("bad", "no <room> left")],
        "lab.html",
        "docs/commands.html",
    )
    .unwrap();
    assert!(page.contains("<b>This one failed:</b> no &lt;room&gt; left"));
    assert_eq!(page.matches("/report.html").count(), 1);
    assert_eq!(page.matches("lab.html#scenario=").count(), 2);
    let night = r#"<source media="(prefers-color-scheme: dark)" srcset="good"#;
    assert_eq!(page.matches(night).count(), 2);
    assert!(
        page.contains("src=\"good&#x2f;final.png\"") || page.contains("src=\"good/final.png\"")
    );
    assert!(page.contains("{{ 7*7 }}") && !page.contains("<script>") && !page.contains("<b>bold"));
    assert!(page.contains("<b>Broken:</b> &lt;i&gt;all&lt;&#x2f;i&gt;"));
    assert_eq!(page.matches("</style").count(), 1);
}

/// A lesson is kept where something fails: no mark of what arrived stands above it, whatever the measures say.
#[test]
fn a_lesson_is_marked_as_one() {
    let folder = TempDir::new().unwrap();
    let manifest = run(&[], folder.path());
    let claim = |says: &str| Claim {
        says: says.to_owned(),
        variant: None,
        quantity: "speed".to_owned(),
        at: At::default(),
        is: Relation::Greater,
        than: Than::Number(-1.0),
        holds: 1.0,
    };
    let found = |says: &str| Found::of("", &manifest, &[claim(says)]);
    assert_ne!(found("It comes to rest.").state, "lesson");
    let lesson = found("FAILS: it never rests.");
    assert_eq!(lesson.state, "lesson");
    // Of another variant nothing is claimed.
    let other = Found::of("other", &manifest, &[claim("FAILS: it never rests.")]);
    assert_ne!(other.state, "lesson");
    let exhibit = |kept| Exhibit {
        name: "lesson".to_owned(),
        title: String::new(),
        question: String::new(),
        expect: String::new(),
        command: String::new(),
        animated: false,
        night: false,
        found: vec![lesson.clone()],
        claims: vec![Checked {
            says: "FAILS: it never rests.".to_owned(),
            kept,
            found: String::new(),
            value: None,
            holds: 1.0,
        }],
        failure: String::new(),
    };
    let page = gallery(&[exhibit(true), exhibit(false)], "", "").unwrap();
    assert!(!page.contains("mark arrived"));
    assert_eq!(page.matches("<b class=\"lesson\">lesson:</b>").count(), 2);
    assert!(page.contains("Lesson kept:</b> FAILS") && page.contains("Lesson broken:</b> FAILS"));
}

#[test]
fn moments_of_a_run_stand_side_by_side() {
    let folder = TempDir::new().unwrap();
    run(&["output.spread='steps'"], folder.path());
    let wish = Redraw::default();
    let (written, missing) = snapshots(folder.path(), &wish, &[0, 9, 1000]).unwrap();
    assert_eq!(written, "snapshots.png");
    assert_eq!(missing, [9, 1000]);
    let three = pictures(folder.path())["snapshots.png"].clone();
    assert_eq!(size(&three)[0], 1400);
    snapshots(folder.path(), &wish, &[0, 8, 20]).unwrap();
    // Of the steps 0, 4, 8, … the nearest are drawn.
    assert!(three == pictures(folder.path())["snapshots.png"]);
    snapshots(folder.path(), &wish, &[0, 12, 20]).unwrap();
    assert!(three != pictures(folder.path())["snapshots.png"]);
    let shapes = Redraw {
        format: Format::Svg,
        ..wish
    };
    let (name, _) = snapshots(folder.path(), &shapes, &[0, 20]).unwrap();
    let svg = fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(svg.starts_with("<svg ") && svg.matches("<circle ").count() > 400);
}

#[test]
fn a_picture_for_the_night_lies_beside_a_light_one_only() {
    let folder = TempDir::new().unwrap();
    run(&[], folder.path());
    let before = pictures(folder.path());
    assert!(redraw_dark(folder.path()).unwrap());
    let after = pictures(folder.path());
    assert_eq!(after.len(), before.len() + 2);
    assert!(before.iter().all(|(name, bytes)| after[name] == *bytes));
    assert_eq!(size(&after["final-dark.png"]), size(&after["final.png"]));
    assert!(after["animation-dark.png"] != after["animation.png"]);

    let folder = TempDir::new().unwrap();
    run(&["output.theme=\"dark\""], folder.path());
    assert!(!redraw_dark(folder.path()).unwrap());
    assert!(!folder.path().join("final-dark.png").exists());
}

#[test]
fn picture_and_table_agree_on_the_last_cloud() {
    // A verdict that differs from the curves' marks changes the last picture, and not the curves.
    let folder = TempDir::new().unwrap();
    let manifest = run(&[], folder.path());
    let path = folder.path();
    let before = pictures(path);
    let at_floor = manifest.at_floor();
    let text = fs::read_to_string(path.join("run.json")).unwrap();
    let [from, to] = [at_floor, !at_floor].map(|flag| format!("\"at_floor\": {flag}"));
    let changed = text
        .replace(&from, &to)
        .replace("\"p\": 0.", "\"p\": 0.000");
    assert!(changed != text);
    fs::write(path.join("run.json"), changed).unwrap();
    redraw(path, &Redraw::default()).unwrap();
    let after = pictures(path);
    assert!(before["final.png"] != after["final.png"]);
    assert!(before["convergence.png"] == after["convergence.png"]);
}

/// What the scenario says pictures show, they show, and a reader may ask for another part of the plane.
#[test]
fn pictures_show_what_is_asked_for() {
    let folder = TempDir::new().unwrap();
    let [auto, boxed] = ["auto", "boxed"].map(|name| folder.path().join(name));
    run(&[], &auto);
    run(&["output.view=[-1.0, 1.0, -0.9, 0.9]"], &boxed);
    let ask = |path: &Path, view: &str| {
        let view: ViewSpec = view.parse().unwrap();
        let wish = Redraw {
            view: Some(view),
            ..Redraw::default()
        };
        redraw(path, &wish).unwrap();
        fs::read(path.join("final.png")).unwrap()
    };
    let own = [&auto, &boxed].map(|path| fs::read(path.join("final.png")).unwrap());
    let [near, target, cloud] = ["-1,1,-0.9,0.9", "target", "cloud"].map(|view| ask(&auto, view));
    assert!(near != own[0] && target != own[0] && cloud != own[0] && target != cloud);
    // Only the field is as fine as the view that it was asked for in.
    assert_eq!(size(&near), size(&own[1]));
    assert!(near != own[1]);
    assert!(ask(&auto, "auto") == own[0]);
    assert!(ask(&boxed, "-1,1,-0.9,0.9") == own[1]);
    for odd in [
        "",
        "1,2,3",
        "1,2,3,4,5",
        "2,1,0,1",
        "0,1,nan,1",
        "0,inf,0,1",
        "targets",
    ] {
        let refusal = odd.parse::<ViewSpec>().unwrap_err();
        assert!(refusal.contains("xmin"), "{odd}: {refusal}");
    }
    for odd in [
        "[1, 2, 3]",
        "[1, 2, 3, 4, 5]",
        "[2, 1, 0, 1]",
        "\"targets\"",
        "[0, inf, 0, 1]",
    ] {
        let mut document = Document::parse("test", SMALL).unwrap();
        let set = document.set(&format!("output.view={odd}"));
        let read = set.map_err(|e| e.to_string()).and_then(|()| {
            document
                .read::<Scenario>()
                .map(|_| ())
                .map_err(|e| e.to_string())
        });
        let message = match read {
            Err(message) => message,
            Ok(()) => Experiment::new(document.read().unwrap(), &Embedded)
                .unwrap_err()
                .to_string(),
        };
        assert!(message.contains("view"), "{odd}: {message}");
    }
}

/// A run that was recorded before fields knew their scale is drawn too: its arrows by the mean step, its field as it was.
#[test]
fn runs_of_earlier_versions_are_drawn() {
    let folder = TempDir::new().unwrap();
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/earlier-run");
    for file in fs::read_dir(kept).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    let draw = |show: Show| {
        let wish = Redraw {
            show,
            ..Redraw::default()
        };
        redraw(folder.path(), &wish).unwrap();
        pictures(folder.path())
    };
    let all = draw(Show::default());
    assert_eq!(
        all.keys().filter(|name| name.starts_with("frames")).count(),
        2
    );
    let without = |show: Show| draw(show)["final.png"] != all["final.png"];
    assert!(without(Show {
        field: false,
        ..Show::default()
    }));
    assert!(
        draw(Show {
            arrows: false,
            ..Show::default()
        })["frames/0000.png"]
            != all["frames/0000.png"]
    );
    assert!(draw(Show::default()) == all);
}

#[test]
fn a_generator_is_shown_at_latent_points_of_which_no_run_has_seen_any() {
    let own = "generator.distill={network=[8],inner_steps=2,residual=false,latent={dimension=3}}";
    let narrow =
        "generator.distill={network=[8],inner_steps=2,residual=false,latent={dimension=1}}";
    for settings in [LEARNS, own, narrow] {
        let folder = TempDir::new().unwrap();
        run(&[settings], folder.path());
        assert_eq!(
            latent(folder.path(), None, &Redraw::default()).unwrap(),
            "latent.png"
        );
        let first = fs::read(folder.path().join("latent.png")).unwrap();
        assert!(size(&first)[0] >= 500 && first.len() > 4_000, "{settings}");
        latent(folder.path(), None, &Redraw::default()).unwrap();
        assert!(first == fs::read(folder.path().join("latent.png")).unwrap());
        let dark = Redraw {
            theme: Some(Theme::Dark),
            ..Redraw::default()
        };
        latent(folder.path(), None, &dark).unwrap();
        assert!(first != fs::read(folder.path().join("latent.png")).unwrap());
    }
    let folder = TempDir::new().unwrap();
    let on_line = "target={gaussian={mean=[1.0],covariance=[[1.0]]}}";
    run(&[on_line, LEARNS], folder.path());
    let refused = latent(folder.path(), None, &Redraw::default())
        .unwrap_err()
        .to_string();
    assert!(refused.contains("on the line"), "{refused}");
    let folder = TempDir::new().unwrap();
    run(&[], folder.path());
    let refused = latent(folder.path(), None, &Redraw::default())
        .unwrap_err()
        .to_string();
    assert!(refused.contains("no generator"), "{refused}");
    assert!(!folder.path().join("latent.png").exists());
}

//! A start that fits: a Gaussian that covers the target sample, whatever the unit and the tails of the data.

use ratioflow::cloud::{self, Cloud};
use ratioflow::experiment::Experiment;
use ratioflow::random::Stream;
use ratioflow::scenario::{Document, Embedded};
use ratioflow::target::Memory;

fn read(text: &str, settings: &[&str]) -> Result<Experiment, String> {
    let mut document = Document::parse("start", text).unwrap();
    for setting in settings {
        document.set(setting).unwrap();
    }
    Experiment::read(&document, &Embedded).map_err(|error| error.to_string())
}

/// Three modes whose distance from the origin and each other is in units of `unit`, after `origin`.
fn modes(unit: f64, origin: f64) -> String {
    let component = |[x, y]: [f64; 2]| {
        let place = [origin + unit * x, origin + unit * y];
        let variance = 0.01 * unit * unit;
        format!(
            "[[target.mixture.components]]\nweight = 1.0\nmean = {place:?}\ncovariance = [[{variance:e}, 0.0], [0.0, {variance:e}]]\n"
        )
    };
    [[1.0, 0.0], [-1.0, 0.5], [0.2, -1.5]]
        .map(component)
        .concat()
}

#[test]
fn without_a_source_the_cloud_begins_around_the_target() {
    let plain = read("[target.ring]\nradius = 40.0\n", &[]).unwrap();
    let spelt = read("[target.ring]\nradius = 40.0\n[source.auto]\n", &[]).unwrap();
    assert_eq!(plain.start, spelt.start);
    let [start, target] = [&plain.start, &plain.training].map(|cloud| cloud::spread(cloud.view()));
    // Four standard errors of a spread of 2000 points in two dimensions.
    assert!((0.5 * start / target - 1.0).abs() < 4.0 / (4.0_f64 * 2000.0).sqrt());
    assert!(plain.scenario.to_toml().contains("[source.auto]"));
}

/// Data far from one in size end at the floor from a start that fits, and a start of size one is told with the remedy.
#[test]
fn data_in_any_unit_end_at_the_floor() {
    let text = modes(1e4, 3e4);
    let small = [
        "cloud.particles=1000",
        "cloud.samples=2000",
        "flow.steps=100",
    ];
    let fitting = read(&text, &small).unwrap();
    assert!(fitting.warnings.is_empty(), "{:?}", fitting.warnings);
    let mut flow = fitting.flow().unwrap();
    while flow.advance().unwrap().is_some() {}
    let outcome = fitting.evaluate(flow.state().cloud.view()).unwrap();
    assert!(outcome.verdict.at_floor, "{}", outcome.verdict.sentence);

    let unit = read(&format!("{text}[source.gaussian]\n"), &small).unwrap();
    let said = unit.warnings.join("\n");
    assert!(
        said.contains("narrower than the target") && said.contains("[source.auto]"),
        "{said}"
    );
}

#[test]
fn a_target_cannot_be_what_fits_it() {
    let said = read("[target.auto]\n", &[]).unwrap_err();
    assert!(said.contains("list targets"), "{said}");
    let said = read("[target.ring]\n[source.auto]\nsd = 1.0\n", &[]).unwrap_err();
    assert!(said.contains("sd"), "{said}");
    let said = read("[target.ring]\n[source.auto]\nwidth = 0.0\n", &[]).unwrap_err();
    assert!(said.contains("source.auto.width"), "{said}");
    let far = read("[target.ring]\n[source.auto]\nwidth = 0.01\n", &[]).unwrap();
    assert!(far.warnings.join("").contains("narrower than the target"));
}

/// Student's t with `degrees` of freedom, both coordinates over one χ².
fn student(count: usize, degrees: usize, seed: u64) -> Cloud {
    let normals = |k: usize| Stream::new(seed, "student").at(k as u64).normals(count);
    let mut squares = vec![0.0; count];
    for k in 1..=degrees {
        for (sum, z) in squares.iter_mut().zip(normals(k).column(0)) {
            *sum += z * z;
        }
    }
    let mut cloud = normals(0);
    for (mut row, square) in cloud.rows_mut().into_iter().zip(squares) {
        row *= (degrees as f64 / square).sqrt();
    }
    cloud
}

/// Heavy tails, of which a standard deviation hardly exists.
#[test]
fn heavy_tails_end_at_the_floor() {
    for degrees in [2, 3] {
        let points = student(12_000, degrees, 201);
        let files = Memory::default().with_points("t.npy", points.view());
        let mut document = Document::parse("t", "[target.points]\nfile = \"t.npy\"\n").unwrap();
        document.set("seed=201").unwrap();
        let experiment = Experiment::read(&document, &files).unwrap();
        let mut flow = experiment.flow().unwrap();
        while flow.advance().unwrap().is_some() {}
        let verdict = experiment
            .evaluate(flow.state().cloud.view())
            .unwrap()
            .verdict;
        assert!(verdict.at_floor, "{degrees}: {}", verdict.sentence);
        assert!(verdict.measures.len() > 5);
    }
}

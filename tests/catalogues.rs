//! Whatever stands in a catalogue has what is due: a place in the documents, words, an estimate of its memory, a name that scenarios take.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use ratioflow::discriminator::DiscriminatorSpec;
use ratioflow::metric::{ALL, About, Ideal, Taken};
use ratioflow::observe::flow_columns;
use ratioflow::scenario::{Document, Embedded, Resources, Scenario};
use ratioflow::target::{Files as _, TargetSpec};

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn scenario(settings: &[&str]) -> Scenario {
    let mut document = Document::parse("test", "[target.ring]").unwrap();
    for setting in settings {
        document.set(setting).unwrap();
    }
    document.read().unwrap()
}

#[test]
fn every_estimator_has_its_row_and_its_memory() {
    let docs = text("docs/estimators.md");
    for (name, line) in DiscriminatorSpec::CATALOGUE {
        assert!(!line.is_empty());
        assert!(docs.contains(&format!("| `{name}` |")), "no row for {name}");
        let setting = format!("discriminator.{name}={{}}");
        let needs = |more: &[&str]| {
            let all = [&[setting.as_str()], more].concat();
            Resources::of(&scenario(&all), 1).memory()
        };
        let larger = needs(&["cloud.particles=200000", "cloud.samples=400000"]);
        assert!(larger > needs(&[]), "{name} needs nothing");
    }
}

#[test]
fn every_measure_has_words_a_place_in_the_documents_and_a_name_to_ask_for() {
    let docs = text("docs/metrics.md");
    let mut names = BTreeSet::new();
    for about in ALL.iter().copied().chain(flow_columns()) {
        let name = about.name;
        assert!(names.insert(name), "two columns are called {name}");
        assert!(
            docs.contains(&format!("`{name}`")),
            "{name} is in no document"
        );
        let is_told = |words: &str| !words.trim().is_empty();
        assert!(is_told(about.words) && is_told(about.measures), "{name}");
        assert_eq!(about.ideal == Ideal::Open, about.sees.is_empty(), "{name}");
    }
    for about in ALL.iter().filter(|about| about.taken == Taken::Asked) {
        let also = format!("metrics.also=['{}']", about.name);
        assert!(scenario(&[&also]).metrics.wants(about.name), "{also}");
        assert!(!scenario(&[]).metrics.wants(about.name), "{}", about.name);
    }
    let without: Vec<&str> = ALL
        .iter()
        .filter(|about: &&&About| about.axis.is_none())
        .map(|about| about.name)
        .collect();
    assert_eq!(
        without,
        ["energy_p", "memorisation", "modes"],
        "have no curve"
    );
}

#[test]
fn every_family_of_targets_has_its_row() {
    let docs = text("docs/targets.md");
    for (name, line) in TargetSpec::catalogue() {
        let spec = TargetSpec::from_name(name).unwrap();
        assert_eq!(spec.name(), *name);
        let known = match spec.build(&Embedded) {
            Ok(target) => {
                let at = ndarray::arr2(&[[0.1, 0.2]]);
                match (target.log_density(at.view()), target.score(at.view())) {
                    (Some(_), Some(_)) => "density and score",
                    (Some(_), None) => "density",
                    _ => "neither",
                }
            }
            // A picture has a density; points have none.
            Err(_) if *name == "image" => "density",
            Err(_) => "neither",
        };
        let row = format!("| `{name}` | {line} | {known} |");
        assert!(docs.contains(&row), "docs/targets.md lacks the row\n{row}");
    }
    assert!(Embedded.read("images/cat.png").is_ok());
}

#[test]
fn the_readme_can_be_read_in_one_sitting() {
    let bytes = text("README.md").len();
    assert!(bytes <= 10_000, "README.md has {bytes} bytes");
}

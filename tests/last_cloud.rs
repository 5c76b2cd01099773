//! The last cloud as a sample: a few of many particles that flow together, chosen before they begin.

use std::fs;

use ratioflow::experiment::Experiment;
use ratioflow::record::{StopToken, record};
use ratioflow::scenario::{Document, Embedded, LastCloud};
use ratioflow::store::RunDirectory;

fn experiment(settings: &[&str]) -> Experiment {
    let mut document = Document::parse("ring", "[target.ring]\n").unwrap();
    for setting in settings {
        document.set(setting).unwrap();
    }
    Experiment::read(&document, &Embedded).unwrap()
}

fn refusal(text: &str, settings: &[&str]) -> String {
    let mut document = Document::parse("ring", text).unwrap();
    for setting in settings {
        document.set(setting).unwrap();
    }
    let error = Experiment::read(&document, &Embedded).unwrap_err();
    error.to_string()
}

#[test]
fn samples_follow_the_particles_that_flow() {
    for (settings, flowing, seen) in [
        (&[][..], 2000, 4000),
        (&["cloud.particles=500"], 500, 4000),
        (&["cloud.particles=9000"], 9000, 18_000),
        (&["cloud.final='sample'"], 16_000, 16_000),
        (&["cloud.final='sample'", "cloud.bath=4"], 8000, 8000),
        (&["cloud.particles=9000", "cloud.samples=70"], 9000, 70),
    ] {
        let experiment = experiment(settings);
        assert_eq!(experiment.training.nrows(), seen, "{settings:?}");
        let start = experiment.start.nrows();
        assert_eq!(start + experiment.bath.nrows(), flowing, "{settings:?}");
        assert_eq!(start, experiment.scenario.cloud.particles);
    }
}

/// The bath is felt and not seen: everything that looks on sees N particles, from where they begin without it.
#[test]
fn only_the_chosen_particles_are_seen() {
    let small = [
        "cloud.particles=50",
        "cloud.samples=120",
        "flow.steps=6",
        "output.frames=3",
        "output.scale=0.25",
        "metrics.floor_draws=19",
        "metrics.permutations=19",
        "flow.reaction.carrier='birth-death'",
    ];
    let regular = experiment(&small);
    let sample = experiment(&[&small[..], &["cloud.final='sample'", "cloud.bath=3"]].concat());
    assert_eq!(regular.start, sample.start);
    assert_eq!(sample.scenario.cloud.r#final, LastCloud::Sample);
    let mut flow = sample.flow().unwrap();
    while let Some(step) = flow.advance().unwrap() {
        assert_eq!(step.state.cloud.dim(), (50, 2));
        assert_eq!(step.start.dim(), (50, 2));
        assert_eq!(step.ratio.log.len(), 50);
        assert_eq!(step.velocity.dim(), (50, 2));
        let reaction = step.state.reaction.as_ref().unwrap();
        assert_eq!(reaction.begun.dim(), (50, 2));
        assert!(reaction.parents.iter().flatten().all(|&row| row < 50));
        assert_eq!(step.state_dict()["cloud"].shape(), [150, 2]);
    }
    let mut alone = regular.flow().unwrap();
    while alone.advance().unwrap().is_some() {}
    assert_ne!(alone.state().cloud, flow.state().cloud);

    let home = tempfile::tempdir().unwrap();
    let directory = RunDirectory::at(&home.path().join("run"), false).unwrap();
    let token = StopToken::default();
    record("ring", &sample, &Embedded, &directory, &token, &mut |_| {}).unwrap();
    let said = fs::read_to_string(home.path().join("run/run.json")).unwrap();
    assert!(
        said.contains("a sample of 150 particles that flowed"),
        "{said}"
    );
}

/// The regular cloud is told from fresh points on both sides by the distance to its neighbours; the sample is not.
#[test]
fn the_sample_lacks_the_regularity_of_the_flow() {
    let knn = |settings: &[&str]| {
        let experiment = experiment(settings);
        let mut flow = experiment.flow().unwrap();
        while flow.advance().unwrap().is_some() {}
        let outcome = experiment.evaluate(flow.state().cloud.view()).unwrap();
        let floor = outcome.floors.get("knn_kl").unwrap();
        let verdict = outcome.verdict;
        let z = floor.z(outcome.values.get("knn_kl").unwrap());
        (z, verdict.at_floor, verdict.too_regular)
    };
    let small = ["cloud.particles=1000", "flow.steps=100", "seed=205"];
    let (regular, passes, too_regular) = knn(&small);
    assert!(regular < -3.0 && passes && too_regular, "{regular}");
    let (sample, passes, too_regular) = knn(&[&small[..], &["cloud.final='sample'"]].concat());
    assert!(sample.abs() < 2.5 && passes && !too_regular, "{sample}");
}

#[test]
fn what_cannot_be_a_sample_is_refused_with_a_remedy() {
    let ring = "[target.ring]\n";
    let said = refusal(ring, &["cloud.final='sample'", "cloud.bath=0"]);
    assert!(
        said.contains("cloud.bath") && said.contains("at least 1"),
        "{said}"
    );
    let said = refusal(
        ring,
        &["cloud.final='sample'", "generator.distill.network=[8]"],
    );
    assert!(
        said.contains("cloud.final") && said.contains("\"regular\""),
        "{said}"
    );
    let said = refusal(ring, &["cloud.final='exact'"]);
    assert!(said.contains("sample"), "{said}");
}

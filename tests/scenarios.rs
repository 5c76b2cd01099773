//! Every shipped scenario does what its file says: the flows arrive, the lessons fail as they should.

use ratioflow::cloud;
use ratioflow::flow::{Ending, Flow};
use ratioflow::metric::{ExactW2, Floors, Measurement};
use ratioflow::random::Stream;
use ratioflow::scenario::{Document, Embedded, Experiment, Scenario, find};

/// A run of a scenario, measured at its end against the reference sample.
struct Outcome {
    flow: Flow,
    ending: Ending,
    values: Measurement,
    floors: Floors,
    /// Rms speed of the last step relative to the bandwidth of speed, √ε: rms displacement over √ε.
    restlessness: f64,
}

impl Outcome {
    fn value(&self, name: &str) -> f64 {
        self.values.get(name).unwrap_or(f64::NAN)
    }

    fn q95(&self, name: &str) -> f64 {
        self.floors.get(name).unwrap().q95
    }
}

fn experiment(name: &str, settings: &[&str]) -> Experiment {
    let shipped = find(name).unwrap();
    let mut document = Document::parse(shipped.file, shipped.text).unwrap();
    for setting in settings {
        document.set(setting).unwrap();
    }
    let scenario: Scenario = document.read().unwrap();
    Experiment::new(scenario, &Embedded).unwrap()
}

fn run(name: &str, settings: &[&str]) -> Outcome {
    let experiment = experiment(name, settings);
    let mut flow = experiment.flow().unwrap();
    let mut restlessness = f64::NAN;
    let distance = ExactW2::new(experiment.start.view()).unwrap();
    let mut transport = None;
    while let Some(step) = flow.advance().unwrap() {
        restlessness = cloud::rms(step.velocity) * step.step_size.sqrt();
        // W2(q_0, q_t) ≤ (mean ‖x_t − x_0‖²)^½ ≤ Σ (mean ‖Δx‖²)^½, whatever D is.
        let slack = 1.0 + 1e-12;
        assert!(step.displacement <= step.state.path_length * slack);
        if step.index % 25 == 0 {
            let found = distance
                .solve(step.state.cloud.view(), transport.as_ref())
                .unwrap();
            assert!(
                found.value <= step.displacement * slack,
                "{name}, step {}",
                step.index
            );
            transport = Some(found);
        }
    }
    let (panel, floors) = experiment.reference_gauge().unwrap();
    let stream = Stream::new(experiment.scenario.seed, "permutations");
    Outcome {
        values: panel.measure_with_p(flow.state().cloud.view(), stream),
        ending: flow.ending().unwrap().clone(),
        floors,
        flow,
        restlessness,
    }
}

/// The scenario ends at the floor on three seeds, with all modes and nothing between them.
fn arrives(name: &str) {
    for seed in 1..=3 {
        let outcome = run(name, &[&format!("seed={seed}")]);
        assert_eq!(outcome.ending, Ending::Complete);
        let (value, q95) = (
            outcome.value("energy_distance"),
            outcome.q95("energy_distance"),
        );
        assert!(
            value <= q95,
            "{name}, seed {seed}: energy distance {value}, floor's q95 {q95}"
        );
        if let Some(modes) = outcome.values.get("modes") {
            let all = outcome.floors.get("modes").unwrap().median;
            assert_eq!(modes, all, "{name}, seed {seed}: modes");
            assert_eq!(
                outcome.value("bridges"),
                0.0,
                "{name}, seed {seed}: bridges"
            );
        }
        assert!(outcome.flow.state().cloud.iter().all(|x| x.is_finite()));
    }
}

macro_rules! arriving {
    ($($test:ident: $name:literal),* $(,)?) => {
        $(#[test] fn $test() { arrives($name); })*
        const ARRIVING: &[&str] = &[$($name),*];
    };
}

arriving! {
    eight_gaussians_arrives: "eight-gaussians",
    gaussian_pair_arrives: "gaussian-pair",
    two_gaussians_arrives: "two-gaussians",
    grid_arrives: "grid",
    moons_arrives: "moons",
    circles_arrives: "circles",
    swiss_roll_arrives: "swiss-roll",
    checkerboard_arrives: "checkerboard",
    pinwheel_arrives: "pinwheel",
    spirals_arrives: "spirals",
    drawing_arrives: "drawing",
    one_sided_start_arrives: "one-sided-start",
    unequal_masses_arrives: "unequal-masses",
    far_supports_arrives: "far-supports",
}

const LESSONS: &[&str] = &[
    "lesson-fixed-bandwidth",
    "lesson-memorisation",
    "lesson-no-self-term",
    "lesson-step-too-long",
    "lesson-adaptive-widths",
];

#[test]
fn no_shipped_scenario_is_without_a_test() {
    let tested: Vec<&str> = ARRIVING.iter().chain(LESSONS).copied().collect();
    for shipped in ratioflow::scenario::SHIPPED {
        assert!(
            tested.contains(&shipped.name()),
            "{} has no test",
            shipped.name()
        );
    }
}

#[test]
fn every_file_asks_a_question_and_says_what_to_expect() {
    for shipped in ratioflow::scenario::SHIPPED {
        let scenario = experiment(shipped.name(), &[]).scenario;
        assert!(
            shipped.text.starts_with("# "),
            "{} opens with a comment",
            shipped.file
        );
        assert!(
            scenario.question.ends_with('?'),
            "{}: {}",
            shipped.file,
            scenario.question
        );
        assert!(!scenario.expect.is_empty() && !scenario.title.is_empty());
    }
}

#[test]
fn lesson_fixed_bandwidth_leaves_the_masses_wrong() {
    let outcome = run("lesson-fixed-bandwidth", &[]);
    assert!(
        outcome.value("mass_tv") > 0.3,
        "{}",
        outcome.value("mass_tv")
    );
    assert!(outcome.value("energy_distance") > 20.0 * outcome.q95("energy_distance"));
}

#[test]
fn lesson_memorisation_is_seen_by_the_memorisation_ratio_alone() {
    let outcome = run("lesson-memorisation", &[]);
    let memorisation = outcome.floors.get("memorisation").unwrap();
    assert!(
        outcome.value("memorisation") < 0.5 * memorisation.median,
        "{} against {}",
        outcome.value("memorisation"),
        memorisation.median
    );
    assert!(outcome.value("energy_distance") <= 2.0 * outcome.q95("energy_distance"));
}

#[test]
fn lesson_no_self_term_never_rests() {
    let lesson = run("lesson-no-self-term", &[]);
    let rest = run("lesson-no-self-term", &["discriminator.kde.self_term=true"]);
    assert!(
        lesson.restlessness > 5.0 * rest.restlessness,
        "{} against {}",
        lesson.restlessness,
        rest.restlessness
    );
}

#[test]
fn lesson_step_too_long_hums_beyond_the_limit_and_rests_below_it() {
    let [calm, beyond, lost] = ["1.5", "2.2", "2.8"]
        .map(|c| run("lesson-step-too-long", &[&format!("flow.step_ratio={c}")]));
    assert!(calm.value("energy_distance") <= calm.q95("energy_distance"));
    assert!(
        beyond.restlessness > 3.0 * calm.restlessness,
        "{} against {}",
        beyond.restlessness,
        calm.restlessness
    );
    assert!(
        !matches!(lost.ending, Ending::Complete)
            || lost.value("energy_distance") > 20.0 * lost.q95("energy_distance")
    );
}

#[test]
fn lesson_adaptive_widths_never_rest_and_leave_stragglers() {
    let adaptive = run("lesson-adaptive-widths", &[]);
    let equal = run(
        "lesson-adaptive-widths",
        &["discriminator.kde.adaptive=false"],
    );
    assert!(
        adaptive.restlessness > 5.0 * equal.restlessness,
        "{} against {}",
        adaptive.restlessness,
        equal.restlessness
    );
    assert!(adaptive.value("knn_kl") > adaptive.q95("knn_kl"));
    assert!(equal.value("knn_kl") <= equal.q95("knn_kl"));
    // The energy distance sees none of this.
    assert!(adaptive.value("energy_distance") <= adaptive.q95("energy_distance"));
}

//! Every shipped scenario does what its file says: the flows arrive, the lessons fail as they should.

use std::collections::HashMap;

use ratioflow::cloud;
use ratioflow::discriminator::DiscriminatorSpec;
use ratioflow::experiment::Experiment;
use ratioflow::flow::{Ending, Flow};
use ratioflow::metric::{ExactW2, Extra, Floors, Measurement, Stop};
use ratioflow::observe::{Cadence, MetricRecorder, drive};
use ratioflow::random::Stream;
use ratioflow::scenario::{Document, Embedded, Scenario, Variant, find};
use rayon::prelude::*;

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

fn document(name: &str, settings: &[&str]) -> Document {
    let shipped = find(name).unwrap();
    let mut document = Document::parse(shipped.file, shipped.text).unwrap();
    for setting in settings {
        document.set(setting).unwrap();
    }
    document
}

fn experiment(name: &str, settings: &[&str]) -> Experiment {
    let scenario: Scenario = document(name, settings).read().unwrap();
    Experiment::new(scenario, &Embedded).unwrap()
}

fn run(name: &str, settings: &[&str]) -> Outcome {
    outcome(name, &experiment(name, settings))
}

/// The outcome of each variant that the scenario names.
fn variants(name: &str, settings: &[&str]) -> HashMap<String, Outcome> {
    variants_among(name, settings, |_| true)
}

fn variants_among(
    name: &str,
    settings: &[&str],
    wanted: impl Fn(&str) -> bool + Sync,
) -> HashMap<String, Outcome> {
    let document = document(name, settings);
    let base: Scenario = document.read().unwrap();
    let all = base
        .variants
        .iter()
        .map(|text| Variant::named(text).unwrap());
    let chosen: Vec<Variant> = all.filter(|variant| wanted(&variant.name)).collect();
    let written = chosen.into_par_iter().map(|variant| {
        let scenario: Scenario = variant.apply(&document).unwrap().read().unwrap();
        variant.check(&base, &scenario).unwrap();
        let experiment = Experiment::new(scenario, &Embedded).unwrap();
        let outcome = outcome(name, &experiment);
        (variant.name, outcome)
    });
    written.collect()
}

fn outcome(name: &str, experiment: &Experiment) -> Outcome {
    let mut flow = experiment.flow().unwrap();
    let mut restlessness = f64::NAN;
    let distance = ExactW2::new(experiment.start.view()).unwrap();
    let mut transport = None;
    while let Some(step) = flow.advance().unwrap() {
        restlessness = cloud::rms(step.velocity) * step.step_size.sqrt();
        // W2(q_0, q_t) ≤ (mean ‖x_t − x_0‖²)^½ ≤ Σ (mean ‖Δx‖²)^½, whatever D is.
        let slack = 1.0 + 1e-12;
        let moves_only = step.state.reaction.is_none();
        assert!(!moves_only || step.displacement <= step.state.path_length * slack);
        if step.index % 25 == 0 && moves_only && experiment.scenario.generator.is_none() {
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

/// The scenario comes to its end with finite places, and the bounds of the way hold at every step: `outcome` looks. What else it claims is
/// checked by `tests/claims.rs`.
fn arrives(name: &str) {
    let outcome = run(name, &[]);
    assert_eq!(outcome.ending, Ending::Complete);
    let (value, q95) = (
        outcome.value("energy_distance"),
        outcome.q95("energy_distance"),
    );
    assert!(value <= q95, "{name}: energy distance {value}, q95 {q95}");
    assert!(outcome.flow.state().cloud.iter().all(|x| x.is_finite()));
}

macro_rules! arriving {
    ($($test:ident: $name:literal),* $(,)?) => {
        $(#[test] fn $test() { arrives($name); })*
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

#[test]
fn one_step_of_distilling_and_climbing_gives_the_same_clouds() {
    let all = variants("one-step", &["flow.steps=30"]);
    let apart = |a: &str, b: &str| {
        let (a, b) = (&all[a].flow.state().cloud, &all[b].flow.state().cloud);
        cloud::rms((a - b).view())
    };
    assert!(
        apart("distill 1", "climb 1") < 1e-10,
        "{}",
        apart("distill 1", "climb 1")
    );
    assert!(
        apart("distill 2", "climb 2") > 1e-3,
        "{}",
        apart("distill 2", "climb 2")
    );
    assert!(apart("distill 1", "distill 2") > 1e-3);
}

#[test]
fn vanishing_gradients_stall_saturating_laws_and_a_shift_cures_them() {
    let all = variants("vanishing-gradients", &[]);
    for name in ["identity", "log-sigmoid", "softplus shift 5"] {
        assert!(
            all[name].value("energy_distance") <= all[name].q95("energy_distance"),
            "{name}"
        );
    }
    for name in ["softplus", "exp"] {
        let times = all[name].value("energy_distance") / all[name].q95("energy_distance");
        assert!(times > 20.0, "{name}: {times}");
    }
    // The law of Hellinger arrives late: it is still far away when the identity has arrived.
    let early = variants("vanishing-gradients", &["flow.steps=30"]);
    let times =
        |outcome: &Outcome| outcome.value("energy_distance") / outcome.q95("energy_distance");
    let (late, end) = (times(&early["hellinger"]), times(&all["hellinger"]));
    assert!(late > 20.0 && end <= 1.0, "{late}, {end}");
    assert!(times(&early["identity"]) <= 1.0);
    // A wide kernel brings log r near zero, where all laws are alike.
    let wide = variants(
        "vanishing-gradients",
        &["discriminator.kde.bandwidth=anneal"],
    );
    for (name, outcome) in wide {
        assert!(
            outcome.value("energy_distance") <= outcome.q95("energy_distance"),
            "{name}"
        );
    }
}

#[test]
fn every_discriminator_can_lead_a_generator() {
    let objectives = ["distill", "adversarial", "inherit"];
    let pairs: Vec<(&str, &str)> = DiscriminatorSpec::CATALOGUE
        .iter()
        .flat_map(|(discriminator, _)| objectives.map(|objective| (*discriminator, objective)))
        .collect();
    pairs
        .into_par_iter()
        .for_each(|(discriminator, objective)| {
            // One that weighs every penalty by leaving each point out takes minutes with as many centres as it is given by default.
            let own = if discriminator == "ulsif" {
                "centres = 100"
            } else {
                ""
            };
            let settings = [
                format!("discriminator={{ {discriminator} = {{ {own} }} }}"),
                format!("generator={{ {objective} = {{ inner_steps = 5 }} }}"),
                "cloud={ particles = 300, samples = 600 }".to_owned(),
                "flow={ steps = 60 }".to_owned(),
                "metrics={ only = [\"energy_distance\"], floor_draws = 19 }".to_owned(),
            ];
            let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
            let experiment = experiment("gaussian-pair", &settings);
            let (panel, _) = experiment.reference_gauge().unwrap();
            let before = panel.measure(experiment.start.view());
            let after = outcome("gaussian-pair", &experiment);
            let (before, after) = (
                before.get("energy_distance").unwrap(),
                after.value("energy_distance"),
            );
            assert!(
                after < 0.5 * before,
                "{discriminator}, {objective}: energy distance {before} before, {after} after"
            );
        });
}

/// The network's cloud is at the floor, and the classifier hardly tells it, on each of the targets and seeds.
fn network_arrives(names: &[&str], seeds: std::ops::RangeInclusive<u32>) {
    let runs: Vec<(&str, u32)> = names
        .iter()
        .flat_map(|name| seeds.clone().map(move |seed| (*name, seed)))
        .collect();
    runs.par_iter().for_each(|&(name, seed)| {
        let seed = format!("seed={seed}");
        let outcome = run(name, &[&seed, "discriminator={ mlp = {} }"]);
        let times = outcome.value("energy_distance") / outcome.q95("energy_distance");
        assert!(times <= 1.0, "{name}, {seed}: {times} times q95");
        // The aim is 0.60; the ring and the grid are above it on some seeds.
        let c2st = outcome.value("c2st");
        assert!(c2st <= 0.66, "{name}, {seed}: {c2st}");
    });
}

#[test]
fn neural_discriminator_arrives_on_targets_that_the_source_overlaps() {
    network_arrives(&["neural-discriminator", "grid", "spirals"], 1..=1);
}

#[test]
fn neural_discriminator_brings_mass_across_gaps() {
    network_arrives(&["one-sided-start", "unequal-masses"], 1..=1);
}

#[test]
#[ignore = "takes minutes; .ci/long runs it"]
fn neural_discriminator_on_more_targets_and_seeds() {
    let across = ["one-sided-start", "unequal-masses"];
    network_arrives(&["neural-discriminator", "moons"], 1..=3);
    network_arrives(&across, 2..=3);
    let others = [
        "two-gaussians",
        "circles",
        "swiss-roll",
        "checkerboard",
        "pinwheel",
    ];
    network_arrives(&others, 1..=1);
}

#[test]
fn kernel_estimators_come_home_each_in_its_own_way() {
    let few = ["cloud.particles=300", "cloud.samples=600", "flow.steps=80"];
    let all = variants("kernel-estimators", &few);
    let energy = |name: &str| all[name].value("energy_distance");
    let floor = all["kde"].floors.get("energy_distance").unwrap();
    assert!(energy("kde") <= floor.q95);
    assert!(energy("logistic fourier") <= 2.0 * floor.median);
    // The witness leaves particles where it is flat; the energy distance does not mind.
    let [bridges, none] = ["mmd", "kde"].map(|name| all[name].value("bridges"));
    assert!(bridges > 0.02 && none == 0.0, "{bridges}, {none}");
    for name in all.keys() {
        assert_eq!(all[name].ending, Ending::Complete, "{name}");
    }
}

#[test]
fn kernel_estimators_logistic_brings_a_gaussian_home() {
    let settings = [
        "discriminator={ logistic = {} }",
        "flow={}",
        "cloud.particles=500",
        "cloud.samples=1000",
    ];
    let outcome = run("gaussian-pair", &settings);
    let floor = outcome.floors.get("energy_distance").unwrap();
    let value = outcome.value("energy_distance");
    assert!(value <= 2.0 * floor.median, "{value} of {}", floor.median);
}

#[test]
fn million_is_near_the_floor_with_a_fiftieth_of_the_particles() {
    let settings = ["cloud.particles=20000", "cloud.samples=20000"];
    let experiment = experiment("million", &settings);
    let told = |key: &str| experiment.warnings.iter().any(|w| w.contains(key));
    assert!(told("metrics.particles") && !told("output.particles"));
    let mut flow = experiment.flow().unwrap();
    while flow.advance().unwrap().is_some() {}
    let (panel, floors) = experiment.reference_gauge().unwrap();
    let values = panel.measure(flow.state().cloud.view());
    let times = |name: &str| values.get(name).unwrap() / floors.get(name).unwrap().q95;
    for name in ["energy_distance", "sliced_w2"] {
        assert!(times(name) < 1.5, "{name}: {} times q95", times(name));
    }
    let first = panel.measure(experiment.start.view());
    let start = first.get("energy_distance").unwrap();
    assert!(start > 20.0 * floors.get("energy_distance").unwrap().q95);
}

#[test]
fn langevin_and_the_flow_have_the_same_moments_and_other_paths() {
    let all = variants("langevin", &["flow.steps=150", "cloud.particles=1000"]);
    let moments = |name: &str| {
        let cloud = all[name].flow.state().cloud.view();
        let ([x, y], c) = (cloud::mean(cloud), cloud::covariance(cloud));
        [x, y, c[0][0], c[0][1], c[1][1]]
    };
    // Four standard errors of 1000 particles of variance one.
    for (a, b) in moments("flow").into_iter().zip(moments("langevin")) {
        assert!((a - b).abs() < 0.18, "{a} against {b}");
    }
    let path = |name: &str| all[name].flow.state().path_length;
    assert!(
        path("langevin") > 5.0 * path("flow"),
        "{}, {}",
        path("langevin"),
        path("flow")
    );
    // Without noise and without −∇log q every particle runs to the peak.
    let energy = |name: &str| all[name].value("energy_distance");
    assert!(energy("no noise") > 10.0 * energy("flow"));
}

/// How far the mean is from the target's after 40 steps, of the 4 at the start.
#[test]
fn momentum_is_quicker_along_a_valley() {
    let all = variants("momentum-stiff", &["flow.steps=40", "cloud.particles=500"]);
    let left = |name: &str| (cloud::mean(all[name].flow.state().cloud.view())[0] - 3.0).abs();
    assert!(
        left("nesterov") < 0.7 * left("none"),
        "{}, {}",
        left("nesterov"),
        left("none")
    );
    assert!(
        left("heavy-ball") < 0.25 * left("none"),
        "{}, {}",
        left("heavy-ball"),
        left("none")
    );
    assert!(left("ema") > 0.8 * left("none") && left("g-h") > 0.8 * left("none"));
}

/// Masses of the light mode, 0.05: births and deaths set them right at once, and clocks do so with more noise.
#[test]
fn births_and_deaths_fill_a_light_mode_that_motion_leaves_half_empty() {
    let all = variants(
        "light-modes",
        &["cloud.particles=1000", "cloud.samples=2000"],
    );
    let wrong = |name: &str| all[name].value("mass_tv");
    assert!(wrong("flow") > 0.01, "{}", wrong("flow"));
    assert!(wrong("more-steps") < wrong("flow"));
    for name in ["reaction", "poisson"] {
        // Two standard deviations of the mode's share among 2000 samples, and one in a hundred for the kernel.
        assert!(wrong(name) < 0.02, "{name}: {}", wrong(name));
        assert!(all[name].value("energy_distance") < all[name].q95("energy_distance"));
    }
}

/// The energy distance is content with most; neighbours tell who clumps.
#[test]
fn estimators_are_told_apart_by_neighbours() {
    let few = ["cloud.particles=300", "cloud.samples=600", "flow.steps=80"];
    let fitted = ["ulsif", "rulsif", "kliep"];
    let all = variants_among("estimators", &few, |name| {
        ["kde", "mlp"].contains(&name) || fitted.contains(&name)
    });
    let c2st = |name: &str| all[name].value("c2st");
    assert!(
        c2st("kde") < 0.55 && c2st("mlp") < 0.65,
        "{}, {}",
        c2st("kde"),
        c2st("mlp")
    );
    for name in fitted {
        assert!(c2st(name) > c2st("mlp"), "{name}: {}", c2st(name));
    }
}

/// A run under its own meter, without pictures.
fn metered(experiment: &Experiment) -> (MetricRecorder, Ending) {
    let (panel, floors) = experiment.validation_gauge().unwrap();
    let metrics = &experiment.scenario.metrics;
    let mut meter = MetricRecorder::new(panel, floors, Cadence::Every(metrics.every as usize))
        .stopping_at_floor(metrics.stop == Stop::Floor)
        .matching_the_start(metrics.also.contains(&Extra::W2Moved));
    let ending = drive(&mut experiment.flow().unwrap(), &mut [&mut meter]).unwrap();
    (meter, ending)
}

#[test]
fn energy_balance_loses_what_it_dissipates_and_moves_no_less_than_w2() {
    for seed in 1..=2 {
        let settings = [format!("seed={seed}"), "cloud.particles=800".to_owned()];
        let experiment = experiment("energy-balance", &settings.each_ref().map(|s| &s[..]));
        let (meter, _) = metered(&experiment);
        for row in &meter.rows()[1..] {
            let value = |name: &str| row.values.get(name).unwrap();
            let [lost, promised] = ["kl_lost", "dissipation"].map(value);
            // Noise of the measured KL, and the second order of explicit steps.
            assert!(
                (promised - lost).abs() < 0.05 + 0.05 * lost,
                "step {}: {lost} lost, {promised} dissipated",
                row.step
            );
            let [w2, displacement, path] = ["w2_moved", "displacement", "path_length"].map(value);
            assert!(w2 <= displacement * (1.0 + 1e-12) && displacement <= path * (1.0 + 1e-12));
            assert!(w2 > 0.5 * displacement);
        }
        let w2 = |row: usize| meter.rows()[row].values.get("w2").unwrap();
        assert!(w2(meter.rows().len() - 1) < 0.4 * w2(0));
    }
}

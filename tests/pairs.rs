//! A generator of pairs: the particles flow first, and the map is fitted to where they came from and went to.

use ratioflow::cloud::Cloud;
use ratioflow::experiment::Experiment;
use ratioflow::flow::Flow;
use ratioflow::scenario::{Document, Embedded, Resources, Scenario};

const RING: &str = "[target.ring]\nmodes = 8\nradius = 1.0\nsd = 0.01\n[source.gaussian]\nmean = [0.0, 0.0]\ncovariance = [[1.0, 0.0], [0.0, 1.0]]\n[cloud]\nparticles = 400\n[flow]\nsteps = 60\n[output]\nframes = 0\n[metrics]\nevery = 60\nfloor_draws = 19\npermutations = 19\n";

fn experiment(text: &str, settings: &[&str]) -> Result<Experiment, String> {
    let mut document = Document::parse("pairs", text).unwrap();
    for setting in settings {
        document.set(setting).unwrap();
    }
    Experiment::read(&document, &Embedded).map_err(|error| error.to_string())
}

fn clouds(flow: &mut Flow) -> Vec<Cloud> {
    let mut all = Vec::new();
    while let Some(step) = flow.advance().unwrap() {
        all.push(step.state.cloud.clone());
    }
    all
}

#[test]
fn the_particles_flow_by_themselves_until_the_map_is_fitted() {
    let few = [
        "generator.pairs.count=600",
        "generator.pairs.inner_steps=200",
    ];
    let paired = experiment(RING, &few).unwrap();
    assert_eq!(paired.bath.nrows(), 600);
    let mut flow = paired.flow().unwrap();
    let moved = clouds(&mut flow);
    // The same cloud in a bath of as many, without a generator.
    let alone = experiment(RING, &["cloud.samples=4000"]).unwrap();
    let free = Flow::new(
        alone.scenario.flow.clone(),
        alone.scenario.discriminator.build(&*alone.target).unwrap(),
        alone.training.clone(),
        alone.start.clone(),
        alone.scenario.seed,
    );
    let mut free = free.unwrap().with_bath(paired.bath.view());
    let free = clouds(&mut free);
    let last = moved.len() - 1;
    assert_eq!(moved[..last], free[..last]);
    assert_ne!(moved[last], free[last]);
    // What is drawn at the end is the map of the first cloud, whose points are no part of a pair.
    let generator = flow.generator().unwrap();
    assert_eq!(moved[last], generator.apply(paired.start.view()));
    assert!(flow.state().distillation_gap.unwrap() < 0.2);
}

#[test]
fn it_finds_every_mode_of_a_ring_and_few_points_lie_between() {
    // A quarter of the pairs and fewer steps than by default, which the scenarios run on five seeds.
    let settings = [
        "generator.pairs.count=4096",
        "generator.pairs.inner_steps=4000",
    ];
    let experiment = experiment(RING, &settings).unwrap();
    let mut flow = experiment.flow().unwrap();
    while flow.advance().unwrap().is_some() {}
    let fresh = flow
        .generator()
        .unwrap()
        .sample(4000, ratioflow::random::Stream::new(9, "fresh"));
    let mut modes = [0; 8];
    let mut good = 0;
    for point in fresh.rows() {
        let angle = point[1].atan2(point[0]).rem_euclid(std::f64::consts::TAU);
        let mode = (angle / std::f64::consts::FRAC_PI_4).round() as usize % 8;
        let (sine, cosine) = (mode as f64 * std::f64::consts::FRAC_PI_4).sin_cos();
        modes[mode] += 1;
        good += usize::from((point[0] - cosine).hypot(point[1] - sine) < 0.03);
    }
    assert!(modes.iter().all(|&count| count > 380), "{modes:?}");
    assert!(
        good > 3400,
        "{good} of 4000 lie within three standard deviations of a mode"
    );
}

#[test]
fn a_checkpoint_before_the_fit_leads_to_the_same_map() {
    let few = [
        "generator.pairs.count=300",
        "generator.pairs.inner_steps=50",
    ];
    let experiment = experiment(RING, &few).unwrap();
    let mut whole = experiment.flow().unwrap();
    while whole.advance().unwrap().is_some() {}
    for stop in [10, 59, 60] {
        let mut first = experiment.flow().unwrap();
        for _ in 0..=stop {
            first.advance().unwrap().unwrap();
        }
        let kept = first.last().state_dict();
        let mut second = experiment.flow().unwrap();
        second.load_state_dict(&kept).unwrap();
        while second.advance().unwrap().is_some() {}
        assert_eq!(second.state(), whole.state(), "stopped at {stop}");
        let parameters = |flow: &Flow| flow.generator().unwrap().parameters();
        assert_eq!(parameters(&second), parameters(&whole));
    }
}

#[test]
fn what_would_tear_the_map_or_never_fit_it_is_refused() {
    for (settings, key) in [
        (&["flow.reaction={}"][..], "reaction"),
        (&["flow.noise=0.1"], "noise"),
        (&["generator.pairs.count=1"], "generator.pairs.count"),
        (
            &["generator.pairs.inner_steps=0"],
            "generator.pairs.inner_steps",
        ),
        (&["metrics.stop='floor'"], "metrics.stop"),
        (&["cloud.final='sample'"], "cloud.final"),
        (&["generator.pairs.field='fresh'"], "field"),
    ] {
        let all = [&["generator.pairs.activation='relu'"], settings].concat();
        let refused = experiment(RING, &all).unwrap_err();
        assert!(refused.contains(key), "{settings:?}: {refused}");
        assert!(
            refused.contains('\n') || refused.contains("set"),
            "{refused}"
        );
    }
    // Momentum is a map of latent points too.
    for settings in ["flow.momentum='nesterov'", "flow.integrator='heun'"] {
        let few = [
            "generator.pairs.count=50",
            "generator.pairs.inner_steps=5",
            settings,
        ];
        experiment(RING, &few).unwrap();
    }
}

#[test]
fn pairs_are_counted_in_what_a_run_takes() {
    let memory = |count: usize| {
        let mut document = Document::parse("pairs", RING).unwrap();
        document
            .set(&format!("generator.pairs.count={count}"))
            .unwrap();
        Resources::of(&document.read::<Scenario>().unwrap(), 1).memory()
    };
    assert!(memory(4_000_000) - memory(1000) > 100.0 * 4e6);
}

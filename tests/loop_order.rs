//! Whose turn it is: the arrows of the loop one by one, and the smallest loop that there is.

use ratioflow::cloud::{self, Cloud};
use ratioflow::experiment::Experiment;
use ratioflow::flow::{Flow, Part};
use ratioflow::scenario::{Document, Embedded, find};

fn experiment(text: &str) -> Experiment {
    let document = Document::parse("s", text).unwrap();
    Experiment::read(&document, &Embedded).unwrap()
}

const RING: &str = "target.ring = {}
[cloud]
particles = 100
samples = 150
[flow]
steps = 6
";

#[test]
fn arrows_one_by_one_are_the_steps() {
    for more in [
        "",
        "momentum = 'nesterov'",
        "integrator = 'heun'",
        "reaction = {}",
        "updates = 'simultaneous'",
        "[generator.distill]\nnetwork = [8]",
        "[generator.adversarial]\nnetwork = [8]\nfield = 'cloud'",
        "[generator.pairs]\nnetwork = [8]\ncount = 50\ninner_steps = 3",
    ] {
        let experiment = experiment(&format!("{RING}{more}"));
        let mut whole = experiment.flow().unwrap();
        let mut clouds: Vec<Cloud> = Vec::new();
        while let Some(step) = whole.advance().unwrap() {
            clouds.push(step.state.cloud.clone());
        }
        let mut flow = experiment.flow().unwrap();
        let mut parts = Vec::new();
        let mut fitted = 0;
        while let Some(part) = flow.part().unwrap() {
            parts.push(part);
            if part == Part::Fit {
                assert!(flow.moved().is_none());
                assert_eq!(flow.state().cloud, clouds[fitted], "{more}, step {fitted}");
                fitted += 1;
            } else {
                // What is under way is seen, and what is known stays.
                assert!(flow.moved().is_some());
                assert_eq!(flow.last().index, fitted - 1);
            }
        }
        assert_eq!(fitted, 7);
        let turn = if more.starts_with("[generator") {
            &[Part::Move, Part::Distil, Part::Fit][..]
        } else {
            &[Part::Move, Part::Fit]
        };
        assert_eq!(parts[0], Part::Fit);
        assert!(
            parts[1..].chunks(turn.len()).all(|parts| parts == turn),
            "{more}: {parts:?}"
        );
    }
}

#[test]
fn a_distilled_generator_is_fitted_to_what_the_move_says() {
    let text = format!("{RING}[generator.distill]\nnetwork = [8]\nfield = 'cloud'");
    let experiment = experiment(&text);
    let mut flow = experiment.flow().unwrap();
    assert_eq!(flow.part().unwrap(), Some(Part::Fit));
    let (before, wished) = {
        let last = flow.last();
        let epsilon = last.step_size;
        (
            last.state.cloud.clone(),
            &last.state.cloud + &(&last.velocity * epsilon),
        )
    };
    assert_eq!(flow.part().unwrap(), Some(Part::Move));
    assert_eq!(flow.moved().unwrap(), wished);
    let parameters = flow.generator().unwrap().parameters();
    assert_eq!(flow.part().unwrap(), Some(Part::Distil));
    assert_ne!(flow.generator().unwrap().parameters(), parameters);
    assert_ne!(flow.moved().unwrap(), wished);
    assert_eq!(flow.state().cloud, before);
}

/// Two numbers: `w ← w − η (x + γ w)` and `x ← x + ε w`, in one order or the other, from w = 0 and x = 1 on.
fn dirac(simultaneous: bool, gamma: f64, steps: usize) -> Vec<f64> {
    let (eta, epsilon) = (0.1, 0.1);
    let fitted = |w: f64, x: f64| w - eta * (x + gamma * w);
    let (mut x, mut w) = (1.0, fitted(0.0, 1.0));
    let mut path = vec![x];
    for _ in 0..steps {
        let moved = x + epsilon * w;
        w = fitted(w, if simultaneous { x } else { moved });
        x = moved;
        path.push(x);
    }
    path
}

/// The mean of the cloud along the way, in units of its first distance from the mean of the target sample.
fn path(flow: &mut Flow, target: f64) -> Vec<f64> {
    let mut path = Vec::new();
    while let Some(step) = flow.advance().unwrap() {
        path.push(cloud::mean(step.state.cloud.view())[0] - target);
    }
    let first = path[0];
    path.iter().map(|x| x / first).collect()
}

#[test]
fn the_smallest_gan_goes_the_way_of_its_closed_form() {
    for simultaneous in [false, true] {
        for gamma in [0.0, 0.1, 0.5] {
            let order = if simultaneous {
                "simultaneous"
            } else {
                "alternating"
            };
            let settings = format!("flow.updates='{order}' discriminator.linear.r1={gamma}");
            let shipped = find("dirac-gan").unwrap();
            let mut document = Document::parse("dirac-gan", shipped.text).unwrap();
            settings
                .split(' ')
                .for_each(|setting| document.set(setting).unwrap());
            let experiment = Experiment::read(&document, &Embedded).unwrap();
            let target = cloud::mean(experiment.training.view())[0];
            let found = path(&mut experiment.flow().unwrap(), target);
            let wanted = dirac(simultaneous, gamma, 126);
            assert_eq!(found.len(), wanted.len());
            for (step, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
                assert!(
                    (found - wanted).abs() < 1e-9,
                    "{settings}, step {step}: {found} against {wanted}"
                );
            }
        }
    }
    // Radius and period: √(1 + ηε) a step outwards, and cos φ = 1 − ηε/2 round and round.
    let (around, outwards) = (dirac(false, 0.0, 630), dirac(true, 0.0, 630));
    let period = std::f64::consts::TAU / (1.0_f64 - 0.005).acos();
    assert!((period - 62.8).abs() < 0.1);
    let turns = 10.0 * period;
    assert!((turns - 628.0).abs() < 1.0);
    assert!((around[628] - 1.0).abs() < 0.02);
    assert!((outwards[628].ln() - 314.0 * 1.01_f64.ln()).abs() < 0.1);
}

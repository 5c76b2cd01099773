//! A run is determined by its scenario: by no number of threads, and by no interruption.
//!
//! One test, because all runs of a process stop when it is asked to.

mod shared;

use std::fs;
use std::path::Path;

use ratioflow::discriminator::DiscriminatorSpec;
use ratioflow::experiment::Experiment;
use ratioflow::record::{Opened, Record, RunError, StopToken, Unfinished, Watcher, record};
use ratioflow::scenario::{Document, Embedded, SHIPPED};
use ratioflow::store::{Checkpoint, Fingerprint, RunDirectory, Status};
use rayon::ThreadPoolBuilder;

use shared::{contents, draw};

const STEPS: usize = 12;

/// Makes any shipped scenario small.
const SMALL: [&str; 9] = [
    "flow.steps=12",
    "cloud.particles=60",
    "cloud.samples=80",
    "metrics.every=3",
    "metrics.floor_draws=19",
    "metrics.permutations=19",
    "output.frames=4",
    "output.scale=0.25",
    "output.checkpoint_every=5",
];

/// Settings with a memory of their own that no shipped scenario has.
const MORE: [(&str, &[&str]); 47] = [
    ("heun", &["flow.integrator='heun'"]),
    ("nesterov", &["flow.momentum='nesterov'"]),
    ("g-h", &["flow.momentum='g-h'"]),
    ("ema", &["flow.momentum='ema'", "flow.h='softplus'"]),
    ("noiseless", &["discriminator.mlp.noise='off'"]),
    ("noise", &["flow.noise=0.1"]),
    ("streamed", &["cloud.stream=true"]),
    ("scales", &["discriminator.kde.scales=3"]),
    (
        "fresh",
        &["generator.distill.network=[8]", "cloud.stream=true"],
    ),
    ("also", &["metrics.also=['w2', 'w2_moved', 'sinkhorn']"]),
    ("stop", &["metrics.stop='floor'", "metrics.every=1"]),
    ("refit-kde", &["flow.refit_every=4"]),
    ("simultaneous", &["flow.updates='simultaneous'"]),
    (
        "simultaneous-generator",
        &[
            "flow.updates='simultaneous'",
            "generator.distill={ network = [8], field = 'cloud' }",
        ],
    ),
    (
        "history",
        &["generator.distill.network=[8]", "output.history=4"],
    ),
    (
        "refit-mlp",
        &["flow.refit_every=4", "discriminator.mlp.noise='anneal'"],
    ),
    (
        "all",
        &[
            "flow.refit_every=3",
            "flow.noise=0.05",
            "flow.momentum='heavy-ball'",
        ],
    ),
    (
        "distilled",
        &[
            "flow.refit_every=3",
            "generator.distill={ network = [8], field = 'cloud' }",
        ],
    ),
    (
        "inherit",
        &[
            "discriminator.mlp.loss='logistic'",
            "generator.inherit.network=[8]",
        ],
    ),
    ("oracle", &["discriminator.oracle.cloud='kde'"]),
    (
        "reaction",
        &["flow.reaction.carrier='birth-death'", "output.particles=40"],
    ),
    (
        "reaction-poisson",
        &[
            "flow.reaction.carrier='poisson'",
            "flow.refit_every=3",
            "flow.noise=0.05",
        ],
    ),
    (
        "reaction-seeded",
        &[
            "flow.reaction.seed_uncovered=true",
            "discriminator.kde.bandwidth=0.3",
        ],
    ),
    (
        "weights",
        &["flow.reaction.carrier='weights'", "flow.reaction.rate=1"],
    ),
    (
        "weights-refit",
        &[
            "flow.reaction.carrier='weights'",
            "flow.refit_every=3",
            "cloud.final='sample'",
            "cloud.bath=2",
        ],
    ),
    (
        "weights-resampled",
        &[
            "flow.reaction.carrier='weights'",
            "discriminator.ulsif.centres=20",
        ],
    ),
    ("sample", &["cloud.final='sample'", "cloud.bath=3"]),
    (
        "sample-seeded",
        &[
            "cloud.final='sample'",
            "cloud.bath=2",
            "flow.reaction.seed_uncovered=true",
            "discriminator.kde.bandwidth=0.3",
        ],
    ),
    ("wasserstein", &["discriminator.wasserstein.hidden=[8]"]),
    ("mmd", &["discriminator.mmd.bandwidth=0.5"]),
    ("drift", &["discriminator.drift.batch=20"]),
    ("sinkhorn", &["discriminator.sinkhorn.iterations=2"]),
    ("drmmd", &["discriminator.drmmd.centres=20"]),
    ("sliced", &["discriminator.sliced.directions=4"]),
    ("score", &["discriminator.score.hidden=[8]"]),
    ("matern", &["discriminator.kde.kernel='matern'"]),
    ("hinge", &["discriminator.mlp={hidden=[8],loss='hinge'}"]),
    (
        "relativistic",
        &["discriminator.mlp={hidden=[8],loss='relativistic'}"],
    ),
    (
        "preconditioned",
        &[
            "flow.precondition='covariance'",
            "discriminator.kde.bandwidth=0.3",
        ],
    ),
    ("ulsif", &["discriminator.ulsif.centres=20"]),
    ("rulsif", &["discriminator.rulsif.centres=20"]),
    ("kliep", &["discriminator.kliep.centres=20"]),
    ("kale", &["discriminator.kale.centres=20"]),
    (
        "kale-behind",
        &[
            "discriminator.kale.bandwidth=0.5",
            "discriminator.kale.tolerance=1e-3",
            "discriminator.kale.damping=0.8",
        ],
    ),
    ("logistic", &["discriminator.logistic.count=20"]),
    (
        "gan",
        &[
            "discriminator.mlp.optimizer='sgd'",
            "generator.adversarial.optimizer='adam'",
            "generator.adversarial.precision='f64'",
        ],
    ),
    (
        "latents",
        &[
            "generator.distill={network=[8],inner_steps=2,residual=false,latent={dimension=3,distribution='uniform'}}",
        ],
    ),
];

/// Name and experiment of every shipped scenario, of [`MORE`] and of every estimator, made small.
fn experiments() -> Vec<(String, Experiment)> {
    let shipped = SHIPPED.iter().map(|one| (one.name(), one.text, &[][..]));
    let more = MORE.map(|(name, settings)| (name, "[target.ring]\n", settings));
    let estimators = DiscriminatorSpec::CATALOGUE.iter().map(|(name, _)| {
        let text = format!("[target.ring]\n[discriminator.{name}]\n");
        (format!("plain-{name}"), text)
    });
    let estimators: Vec<_> = estimators.collect();
    let estimators = estimators
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str(), &[][..]));
    shipped
        .chain(more)
        .chain(estimators)
        .map(|(name, text, settings)| {
            let mut document = Document::parse(name, text).unwrap();
            for setting in SMALL.iter().chain(settings) {
                document.set(setting).unwrap();
            }
            if text.contains("[discriminator.mlp]") || settings.concat().contains("mlp") {
                document.set("discriminator.mlp.warm_up=10").unwrap();
                document.set("discriminator.mlp.batch=64").unwrap();
            }
            (
                name.to_owned(),
                Experiment::read(&document, &Embedded).unwrap(),
            )
        })
        .collect()
}

fn assert_same(a: &Path, b: &Path, about: &str) {
    let (a, b) = (contents(a), contents(b));
    assert!(
        a.keys().eq(b.keys()),
        "{about}: {:?} {:?}",
        a.keys(),
        b.keys()
    );
    for (name, bytes) in &a {
        assert!(*bytes == b[name], "{about}: {} differs", name.display());
    }
}

fn on_threads(
    count: usize,
    work: impl FnOnce() -> Result<Record, RunError> + Send,
) -> Result<Record, RunError> {
    let pool = ThreadPoolBuilder::new().num_threads(count).build().unwrap();
    pool.install(work)
}

/// Asks for a stop at one step.
fn stopped_at(
    stop: usize,
    work: impl FnOnce(&StopToken, &mut Watcher<'_>) -> Result<Record, RunError>,
) -> Result<Record, RunError> {
    let token = StopToken::default();
    work(&token, &mut |seen| {
        if seen.step.index == stop {
            token.ask("SIGTERM");
        }
    })
}

#[test]
fn neither_threads_nor_interruptions_change_a_byte() {
    let root = tempfile::tempdir().unwrap();
    let mut random = 7;
    let mut interruptions = 0;
    for (name, experiment) in &experiments() {
        let place = |what: &str| root.path().join(name).join(what);
        for threads in [1, 2, 3, 7] {
            let run = RunDirectory::at(&place(&threads.to_string()), false).unwrap();
            on_threads(threads, || {
                record(
                    name,
                    experiment,
                    &Embedded,
                    &run,
                    &StopToken::default(),
                    &mut |_| {},
                )
            })
            .unwrap_or_else(|error| panic!("{name}: {error}"));
            if threads > 1 {
                assert_same(
                    &place("1"),
                    run.path(),
                    &format!("{name} on {threads} threads"),
                );
            }
        }

        // Five stops in order, the first perhaps before the first step, the last perhaps at the last.
        let mut stops: Vec<usize> = (0..5)
            .map(|_| draw(&mut random) as usize % (STEPS + 1))
            .collect();
        stops.sort_unstable();
        let path = place("stopped");
        let directory = RunDirectory::at(&path, false).unwrap();
        let mut ended = on_threads(3, || {
            stopped_at(stops[0], |token, watcher| {
                record(name, experiment, &Embedded, &directory, token, watcher)
            })
        });
        drop(directory);
        for (place, &stop) in stops.iter().chain(&[usize::MAX]).enumerate().skip(1) {
            let Err(error) = ended else { break };
            let RunError::Interrupted(at) = error else {
                panic!("{name}: {error}")
            };
            interruptions += 1;
            let Opened::Unfinished(run) = Unfinished::open(&path).unwrap() else {
                panic!("{name} is said to have ended at step {}", at.step)
            };
            assert_eq!(run.step(), at.step, "{name}: what was done is done");
            assert!(run.warnings.is_empty(), "{name}: {:?}", run.warnings);
            ended = on_threads(1 + (place + 1) % 4, || {
                // The step that it stands at is not shown again.
                stopped_at(stop.max(at.step + 1), |token, watcher| {
                    run.go_on(token, watcher)
                })
            });
        }
        let record = ended.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_ne!(record.manifest.status, Status::Interrupted);
        assert_same(&place("1"), &path, &format!("{name} stopped at {stops:?}"));
    }
    assert!(interruptions > 100, "{interruptions} interruptions");

    let (_, experiment) = &experiments()[0];
    damaged_checkpoints(root.path(), experiment);
}

/// Of two generations the older one serves; damage of both is an error; and no other run's checkpoint is taken.
fn damaged_checkpoints(root: &Path, experiment: &Experiment) {
    let reference = root.join("eight-gaussians/1");
    let path = root.join("damaged");
    let interrupted = || {
        let _ = fs::remove_dir_all(&path);
        let directory = RunDirectory::at(&path, false).unwrap();
        let stopped = stopped_at(9, |token, watcher| {
            record(
                "eight-gaussians",
                experiment,
                &Embedded,
                &directory,
                token,
                watcher,
            )
        });
        assert!(matches!(stopped, Err(RunError::Interrupted(_))));
    };
    let open = || match Unfinished::open(&path) {
        Ok(Opened::Unfinished(run)) => Ok(run),
        Ok(Opened::Ended(_)) => panic!("it has not ended"),
        Err(error) => Err(error.to_string()),
    };
    let spoil = |name: &str| {
        let file = path.join(name);
        let mut bytes = fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 4;
        fs::write(file, bytes).unwrap();
    };
    for damage in ["flipped", "cut", "gone", "frames"] {
        interrupted();
        let file = path.join("checkpoint");
        match damage {
            "flipped" => spoil("checkpoint"),
            "cut" => fs::write(&file, &fs::read(&file).unwrap()[..100]).unwrap(),
            "gone" => fs::remove_file(&file).unwrap(),
            // A snapshot that only the newer one has.
            _ => {
                let frames = path.join("checkpoint.frames");
                let bytes = fs::read(&frames).unwrap();
                fs::write(&frames, &bytes[..bytes.len() - 1]).unwrap();
            }
        }
        let run = open().unwrap();
        assert_eq!(run.step(), 5, "{damage}");
        assert!(
            run.warnings[0].contains("going on from the one before"),
            "{:?}",
            run.warnings
        );
        run.go_on(&StopToken::default(), &mut |_| {}).unwrap();
        assert_same(&reference, &path, damage);
    }

    interrupted();
    spoil("checkpoint");
    spoil("checkpoint.previous");
    let error = open().unwrap_err();
    assert!(error.contains("its checksum does not agree"), "{error}");

    // Another seed is another run.
    interrupted();
    let file = path.join("scenario.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("seed = 1", "seed = 2")).unwrap();
    let error = open().unwrap_err();
    assert!(error.contains("another scenario"), "{error}");

    // Killed before the first checkpoint: it begins again.
    interrupted();
    for name in ["checkpoint", "checkpoint.previous", "checkpoint.frames"] {
        fs::remove_file(path.join(name)).unwrap();
    }
    open()
        .unwrap()
        .go_on(&StopToken::default(), &mut |_| {})
        .unwrap();
    assert_same(&reference, &path, "from the beginning");
    assert!(Checkpoint::load(&path, Fingerprint::of("another")).is_err());
}

//! A step with births and deaths beside one of motion alone: the same annealed flow of 2000 particles and 4000 samples, 40 steps.

use criterion::{Criterion, criterion_group, criterion_main};
use ratioflow::experiment::Experiment;
use ratioflow::scenario::{Document, Embedded};

fn steps(c: &mut Criterion) {
    let mut group = c.benchmark_group("forty steps");
    group.sample_size(10);
    for (name, settings) in [
        ("motion", &[][..]),
        ("birth-death", &["flow.reaction.carrier='birth-death'"]),
        ("seeded", &["flow.reaction.seed_uncovered=true"]),
        ("weights", &["flow.reaction.carrier='weights'"]),
    ] {
        let mut document = Document::parse("grid", "[target.grid]\n[source.gaussian]\n").unwrap();
        for setting in ["flow.steps=40", "flow.anneal_steps=20"]
            .iter()
            .chain(settings)
        {
            document.set(setting).unwrap();
        }
        if !settings.is_empty() {
            // All of the steps, so that their cost is seen.
            document.set("flow.reaction.until=1.0").unwrap();
        }
        let experiment = Experiment::new(document.read().unwrap(), &Embedded).unwrap();
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut flow = experiment.flow().unwrap();
                while flow.advance().unwrap().is_some() {}
            });
        });
    }
    group.finish();
}

criterion_group!(benches, steps);
criterion_main!(benches);

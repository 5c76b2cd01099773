//! The KALE flow of three rings, held against its published values (Glaser, Arbel and Gretton, `NeurIPS` 2021, the
//! notebook `three_rings`): 240 particles, 240 target points, 50 000 steps.
//!
//! The whole flow is run once as the notebook fits and once along the exact witness, for the values; what is timed is a hundred
//! steps of each, on the way.

#[path = "../tests/three_rings/mod.rs"]
mod three_rings;

use criterion::{Criterion, criterion_group, criterion_main};
use three_rings::{PUBLISHED, ThreeRings};

/// The flow as the notebook fits, and along the exact witness, both at their start.
fn rules() -> [(&'static str, ThreeRings); 2] {
    [
        ("published rule", ThreeRings::as_published()),
        ("exact", ThreeRings::exact()),
    ]
}

fn whole(_: &mut Criterion) {
    for (rule, mut flow) in rules() {
        let start = std::time::Instant::now();
        println!("{rule}\nstep     KALE  published  ratio");
        for (step, published) in PUBLISHED {
            flow.run_to(step);
            let value = flow.divergence();
            println!(
                "{step:>5} {value:9.3e}  {published:9.3e}  {:.3}",
                value / published
            );
        }
        flow.run_to(50_000);
        println!(
            "50000 {:9.3e}, in {:.1} s (published: 512.8 s)",
            flow.divergence(),
            start.elapsed().as_secs_f64()
        );
    }
}

fn steps(c: &mut Criterion) {
    let mut group = c.benchmark_group("kale-three-rings/100 steps");
    group.sample_size(10);
    for (rule, mut flow) in rules() {
        let mut step = 0;
        group.bench_function(rule, |b| {
            b.iter(|| {
                step += 100;
                flow.run_to(step);
            });
        });
    }
}

criterion_group!(benches, whole, steps);
criterion_main!(benches);

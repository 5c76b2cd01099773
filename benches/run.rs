//! Time of a whole run of the first scenario, with all its measurements, pictures and files.

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use ratioflow::experiment::Experiment;
use ratioflow::record::{StopToken, record};
use ratioflow::scenario::{Document, Embedded, find};
use ratioflow::store::RunDirectory;

fn runs(c: &mut Criterion) {
    let mut group = c.benchmark_group("run");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(1))
        .measurement_time(Duration::from_secs(10));
    let shipped = find("eight-gaussians").unwrap();
    let document = Document::parse(shipped.name(), shipped.text).unwrap();
    group.bench_function(shipped.name(), |b| {
        b.iter(|| {
            let folder = tempfile::tempdir().unwrap();
            let directory = RunDirectory::at(&folder.path().join("run"), false).unwrap();
            let experiment = Experiment::new(document.read().unwrap(), &Embedded).unwrap();
            record(
                shipped.name(),
                &experiment,
                &Embedded,
                &directory,
                &StopToken::default(),
                &mut |_| (),
            )
            .unwrap()
        });
    });
    group.finish();
}

criterion_group!(benches, runs);
criterion_main!(benches);

//! Clouds too large to be measured or kept whole: a part stands for them, and the run says so.

use ndarray::{Array2, Array3};
use ratioflow::experiment::Experiment;
use ratioflow::metric::{Evidence, Floors, MetricsSpec};
use ratioflow::random::Stream;
use ratioflow::record::{StopToken, record};
use ratioflow::scenario::{Document, Embedded};
use ratioflow::store::RunDirectory;
use ratioflow::target::{RingSpec, Target};

#[test]
fn a_panel_measures_the_first_points_and_their_floor() {
    let ring = RingSpec::default().build().unwrap();
    let sample = |name: &str| ring.sample(300, Stream::new(1, name));
    let (reference, cloud) = (sample("reference"), sample("cloud"));
    let panel = |particles: usize| {
        let spec = MetricsSpec {
            particles,
            ..MetricsSpec::default()
        };
        let evidence = Evidence {
            reference: reference.view(),
            training: None,
            components: None,
            target: None,
            dimension: 2,
        };
        spec.build(evidence).unwrap()
    };
    let first = cloud.slice(ndarray::s![..80, ..]);
    let (few, all) = (panel(80), panel(300));
    assert_eq!(few.measure(cloud.view()), all.measure(first));
    assert_ne!(few.measure(cloud.view()), all.measure(cloud.view()));
    let stream = Stream::new(1, "permutations");
    let p = |panel: &ratioflow::metric::MetricSet, cloud| panel.measure_with_p(cloud, stream);
    assert_eq!(p(&few, cloud.view()), p(&all, first));
    let floors = |panel, count| Floors::estimate(panel, &ring, count, 8, Stream::new(1, "floor"));
    assert_eq!(floors(&few, 300), floors(&all, 80));
}

#[test]
fn a_run_keeps_the_first_particles_and_draws_all() {
    let text = "[target.ring]\n[cloud]\nparticles = 90\nsamples = 100\n[flow]\nsteps = 6\n\
                [metrics]\nparticles = 40\nfloor_draws = 19\n[output]\nframes = 3\nparticles = 20\n";
    let document = Document::parse("test", text).unwrap();
    let experiment = Experiment::new(document.read().unwrap(), &Embedded).unwrap();
    assert_eq!(experiment.reference.nrows(), 40);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let directory = RunDirectory::at(&path, false).unwrap();
    let run = record(
        "test",
        &experiment,
        &Embedded,
        &directory,
        &StopToken::default(),
        &mut |_| {},
    )
    .unwrap();
    for words in [
        "measured: the first 40 of 90",
        "trajectory.npz: the first 20 of 90",
    ] {
        let told = |warning: &String| warning.contains(words);
        assert!(run.manifest.warnings.iter().any(told), "{words}");
    }
    let file = std::fs::File::open(path.join("trajectory.npz")).unwrap();
    let mut arrays = ndarray_npy::NpzReader::new(file).unwrap();
    let clouds: Array3<f64> = arrays.by_name("particles").unwrap();
    let ratios: Array2<f64> = arrays.by_name("log_ratio").unwrap();
    assert_eq!((clouds.dim(), ratios.dim()), ((3, 20, 2), (3, 20)));
    for (k, snapshot) in run.recorder.snapshots().iter().enumerate() {
        assert_eq!(snapshot.cloud.nrows(), 90);
        let kept = snapshot.cloud.slice(ndarray::s![..20, ..]);
        assert_eq!(clouds.index_axis(ndarray::Axis(0), k), kept);
        assert_eq!(ratios.row(k), snapshot.log_ratio.slice(ndarray::s![..20]));
    }
}

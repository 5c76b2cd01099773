//! What each measure sees and what it is blind to: z-scores against the floor for errors of known kinds, at 2000 points.

use std::f64::consts::{FRAC_PI_4, TAU};
use std::sync::Arc;

use ndarray::{Axis, array};
use ratioflow::cloud::Cloud;
use ratioflow::metric::{
    C2st, EnergyDistance, ExactW2, Floor, KnnKl, Metric, Mmd2, ModeMeasure, SlicedW2,
    median_distance,
};
use ratioflow::random::Stream;
use ratioflow::target::{Component, Mixture, Target};

const COUNT: usize = 2000;
const SEEDS: u64 = 3;
const RADIUS: f64 = 2.5;
const SD: f64 = 0.2;
const GLOBAL: [&str; 4] = ["energy_distance", "mmd2", "sliced_w2", "w2"];

fn mode(k: usize) -> [f64; 2] {
    let (sin, cos) = (k as f64 * FRAC_PI_4).sin_cos();
    [RADIUS * cos, RADIUS * sin]
}

fn ring() -> Mixture {
    let components = (0..8).map(|k| Component::round(1.0, mode(k), SD));
    Mixture::new(components.collect()).unwrap()
}

/// The mode that a point belongs to.
fn nearest(point: &[f64; 2]) -> usize {
    (point[1].atan2(point[0]) / FRAC_PI_4)
        .round()
        .rem_euclid(8.0) as usize
}

/// The same cloud with `change` done to each point, given with its place.
fn changed(cloud: &Cloud, mut change: impl FnMut(usize, &mut [f64; 2])) -> Cloud {
    let mut into = cloud.clone();
    for (i, mut row) in into.rows_mut().into_iter().enumerate() {
        let mut point = [row[0], row[1]];
        change(i, &mut point);
        row.assign(&array![point[0], point[1]]);
    }
    into
}

/// A fault and the cloud that has it.
type Faulty = (&'static str, Cloud);

/// The faults of a perfect sample, in 5 % of its points or in all of them.
fn faults(perfect: &Cloud, stream: Stream) -> Vec<Faulty> {
    let normal = Mixture::new(vec![Component::round(1.0, [0.0; 2], 1.0)]).unwrap();
    let noise = normal.sample(COUNT, stream);
    let mut carried = 0;
    // From the left of the ring to the right.
    let masses = changed(perfect, |_, point| {
        if point[0] < -0.5 && carried < COUNT / 20 {
            point[0] = -point[0];
            carried += 1;
        }
    });
    let outliers = changed(perfect, |i, point| {
        if i < COUNT / 20 {
            *point = [2.0 * noise[[i, 0]], 2.0 * noise[[i, 1]]];
        }
    });
    // Three in a hundred on the way from one mode to the next.
    let bridges = changed(perfect, |i, point| {
        if i < 3 * COUNT / 100 {
            let along = 0.3 + 0.4 * (0.5 + noise[[i, 0]].atan2(noise[[i, 1]]) / TAU);
            let [from, to] = [mode(i % 8), mode(i % 8 + 1)];
            let place = |axis: usize| from[axis] + along * (to[axis] - from[axis]);
            *point = [0, 1].map(|axis| place(axis) + 0.02 * noise[[i, axis]]);
        }
    });
    let shrunk = changed(perfect, |_, point| {
        let middle = mode(nearest(point));
        *point = [0, 1].map(|axis| middle[axis] + 0.2 * (point[axis] - middle[axis]));
    });
    let pairs: Vec<usize> = (0..COUNT).map(|i| i - i % 2).collect();
    vec![
        ("masses", masses),
        ("outliers", outliers),
        ("blur", perfect + &(0.5 * SD * &noise)),
        ("copies", perfect.select(Axis(0), &pairs)),
        ("bridges", bridges),
        ("shift", perfect + &array![SD, 0.0]),
        ("collapse", shrunk),
    ]
}

fn measures(reference: &Cloud, components: &[Component]) -> Vec<Box<dyn Metric>> {
    let view = reference.view();
    let mut all: Vec<Box<dyn Metric>> = vec![
        Box::new(EnergyDistance::new(view)),
        Box::new(Mmd2::new(view, median_distance(view))),
        Box::new(SlicedW2::new(view, SlicedW2::DIRECTIONS)),
        Box::new(ExactW2::new(view).unwrap()),
        Box::new(KnnKl::new(view, KnnKl::K)),
        Box::new(C2st::new(view)),
    ];
    for measure in ModeMeasure::all(components) {
        all.push(Box::new(measure));
    }
    all
}

/// The z-score of each fault by each measure: the mean over the seeds.
struct Table(Vec<(&'static str, &'static str, f64)>);

impl Table {
    fn new() -> Self {
        let target: Arc<dyn Target> = Arc::new(ring());
        let mut sums: Vec<(&str, &str, f64)> = Vec::new();
        for seed in 0..SEEDS {
            let sample = |name: &str, draw: u64| {
                let stream = Stream::new(seed, name).at(draw);
                target.sample(COUNT, stream)
            };
            let list = measures(&sample("reference", 0), target.components().unwrap());
            let draws: Vec<Cloud> = (0..19).map(|draw| sample("floor", draw)).collect();
            let faults = faults(&sample("perfect", 0), Stream::new(seed, "noise"));
            for measure in &list {
                let floor = Floor::new(draws.iter().map(|draw| measure.measure(draw.view())));
                let floor = floor.unwrap();
                for (fault, cloud) in &faults {
                    let name = measure.about().name;
                    let z = floor.z(measure.measure(cloud.view())) / SEEDS as f64;
                    match sums.iter_mut().find(|(m, f, _)| (*m, *f) == (name, *fault)) {
                        Some((.., sum)) => *sum += z,
                        None => sums.push((name, fault, z)),
                    }
                }
            }
        }
        Self(sums)
    }

    fn assert(&self, measure: &str, fault: &str, range: std::ops::Range<f64>) {
        let mut all = self.0.iter();
        let (.., z) = all.find(|(m, f, _)| (*m, *f) == (measure, fault)).unwrap();
        assert!(
            range.contains(z),
            "{measure} of {fault}: {z}, not in {range:?}"
        );
    }
}

/// The ranges hold the mean over three seeds with room for the scatter of three others.
#[test]
fn measures_see_what_their_sentences_say_and_nothing_else() {
    let table = Table::new();
    let unseen = -3.0..3.0;
    for measure in GLOBAL {
        table.assert(measure, "masses", 3.0..16.0);
        for fault in ["outliers", "blur", "copies", "bridges"] {
            table.assert(measure, fault, unseen.clone());
        }
    }
    for local in ["knn_kl", "c2st"] {
        table.assert(local, "masses", unseen.clone());
        table.assert(local, "bridges", unseen.clone());
        table.assert(local, "shift", 12.0..50.0);
    }
    table.assert("knn_kl", "collapse", 100.0..220.0);
    table.assert("c2st", "collapse", 30.0..80.0);
    table.assert("knn_kl", "copies", 12.0..50.0);
    table.assert("bridges", "bridges", 20.0..100.0);
    table.assert("high_quality", "bridges", -30.0..-6.0);
    table.assert("mass_tv", "masses", 3.0..20.0);
    for fault in ["outliers", "blur", "copies", "shift", "collapse"] {
        table.assert("mass_tv", fault, unseen.clone());
    }
}

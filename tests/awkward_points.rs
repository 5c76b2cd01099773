//! The measures on points that are repeated, thin, gridded, sorted, or in units far from one.

mod shared;

use ndarray::{Array2, array};
use ratioflow::cloud::Cloud;
use ratioflow::metric::{
    C2st, Coverage, Density, EnergyDistance, Evaluator, KnownKl, LogisticC2st, Metric, Null,
    Stranded,
};
use ratioflow::random::Stream;
use ratioflow::target::Component;

use shared::{assert_equal, first, mixture, second};

fn stream(name: &str) -> Stream {
    Stream::new(23, name)
}

/// The points in another order of rows.
fn turned(points: &Cloud, step: usize) -> Cloud {
    let n = points.nrows();
    let rows: Vec<usize> = (0..n).map(|i| i * step % n).collect();
    points.select(ndarray::Axis(0), &rows)
}

#[test]
fn the_logistic_classifier_knows_no_order_of_rows_and_no_units_of_axes() {
    let normal = mixture(&[Component::round(1.0, [0.0, 0.0], 1.0)]);
    // Sorted files, which are what even and odd rows go wrong on: the test keeps its size.
    let sorted = |name: &str, i: u64| {
        let sample = normal.sample(200, stream(name).at(i));
        let mut rows: Vec<usize> = (0..200).collect();
        rows.sort_by(|&a, &b| sample[[a, 0]].total_cmp(&sample[[b, 0]]));
        sample.select(ndarray::Axis(0), &rows)
    };
    let alarms = (0..100).filter(|&i| {
        let (a, b) = (sorted("a", i), sorted("b", i));
        let null: Vec<f64> = (0..39)
            .map(|draw| {
                let draw = normal.sample(200, stream("null").at(100 * i + draw));
                LogisticC2st::new(b.view()).measure(draw.view())
            })
            .collect();
        let value = LogisticC2st::new(b.view()).measure(a.view());
        null.iter().filter(|&&v| v >= value).count() < 2
    });
    let found = alarms.count();
    assert!((1..=12).contains(&found), "{found} of 100 at 5 %");

    // A third in one coordinate that is tiny beside the other; the same bits in any order of rows.
    let wide = |name: &str, scale: f64| {
        let sample = normal.sample(400, stream(name));
        Array2::from_shape_fn((400, 2), |(i, k)| {
            sample[[i, k]] * if k == 0 { 1e9 } else { 1e-3 * scale }
        })
    };
    let (a, b) = (wide("a", 3.0), wide("b", 1.0));
    let value = LogisticC2st::new(b.view()).measure(a.view());
    assert!(value > 0.7, "{value}");
    let again = LogisticC2st::new(turned(&b, 7).view()).measure(turned(&a, 13).view());
    assert_eq!(value, again);
    for unit in [1e-160, 1e160, 1e290] {
        let scaled = LogisticC2st::new((&b * (unit / 1e9)).view());
        assert_eq!(
            scaled.measure((&a * (unit / 1e9)).view()),
            value,
            "{unit:e}"
        );
    }
    let refused = LogisticC2st::new(b.view()).read((&a * 1e295).view());
    assert!(refused.value.is_nan() && refused.note.unwrap().contains("1e300"));
}

#[test]
fn the_divergence_to_a_known_density_is_without_bias_where_it_is_small() {
    // Thin, few, and ringed with edges: perfect samples have 0 on average.
    let thin = Component {
        weight: 1.0,
        mean: [3.0, -1.0],
        covariance: [[1.0, 0.0], [0.0, 1e-8]],
    };
    let ring: Vec<Component> = (0..8)
        .map(|k| f64::from(k) * std::f64::consts::FRAC_PI_4)
        .map(|turn| Component::round(1.0, [turn.cos(), turn.sin()], 0.02))
        .collect();
    for (components, n) in [(vec![thin], 500), (ring, 300)] {
        let target = mixture(&components);
        let kl = KnownKl::new(&target).unwrap();
        let values = (0..32).map(|i| kl.measure(target.sample(n, stream("kl").at(i)).view()));
        let mean = values.sum::<f64>() / 32.0;
        assert!(mean.abs() < 0.04, "{mean}");
    }
    // The Gaussian pair at t = 5, where the truth is 0.00187: m = E m₀, C = S + E (I − S) E with E = exp(−5 S⁻¹).
    let pair = Component {
        weight: 1.0,
        mean: [0.0, 0.0],
        covariance: [[1.0, 0.8], [0.8, 0.89]],
    };
    let target = mixture(std::slice::from_ref(&pair));
    let kl = KnownKl::new(&target).unwrap();
    let near = Component {
        mean: [0.06, 0.0],
        ..pair
    };
    let cloud = mixture(&[near]);
    let mean = |n: usize, count: u64| {
        let values = (0..count).map(|i| kl.measure(cloud.sample(n, stream("near").at(i)).view()));
        values.sum::<f64>() / count as f64
    };
    // ½ m² (S⁻¹)₁₁ = ½ · 0.0036 · 0.89/0.25 = 0.0064.
    assert!((mean(2000, 8) - 0.0064).abs() < 0.015, "{}", mean(2000, 8));
}

#[test]
fn ties_and_copies_are_counted_as_they_are() {
    // Copies of the reference: each lies within its own ball and exactly on the rim of those of which it is the fifth.
    let x = second(137);
    let y = turned(&x, 10);
    assert_equal(
        "density",
        Density::new(y.view()).unwrap().measure(x.view()),
        1.2,
    );
    assert_eq!(Coverage::new(y.view()).unwrap().measure(x.view()), 1.0);
    // A grid each of whose points stands several times: perfect samples are on it, strays are not.
    let grid = |n: usize, step: usize| {
        Array2::from_shape_fn((n, 2), |(i, k)| {
            [(step * i / 5 % 7) as f64, (step * i % 5) as f64][k]
        })
    };
    let reference = grid(350, 1);
    let stranded = Stranded::new(reference.view()).unwrap();
    assert_eq!(stranded.measure(grid(300, 3).view()), 0.0);
    let near = &grid(300, 3) + 0.1;
    assert_eq!(stranded.measure(near.view()), 0.0);
    assert_eq!(stranded.measure((&near + 50.0).view()), 1.0);
    assert_eq!(
        Coverage::new(reference.view())
            .unwrap()
            .measure(near.view()),
        1.0
    );
    assert_eq!(
        Stranded::new(Array2::zeros((9, 2)).view()).unwrap().reach(),
        0.0
    );
    // Points written several times.
    let four = turned(&ndarray::concatenate![ndarray::Axis(0), x, x, x, x], 9);
    let reading = C2st::new(first(500).view()).read(four.view());
    assert!(
        reading
            .note
            .unwrap()
            .contains("411 of 548 points of the cloud are copies")
    );
    assert_eq!(C2st::new(first(500).view()).read(x.view()).note, None);
}

#[test]
fn clouds_without_an_ordinary_scale_are_refused_with_the_reason() {
    let (x, y) = (first(40), second(40));
    let judge = Evaluator {
        draws: 19,
        ..Evaluator::default()
    };
    for unit in [1e-160, 1e-100, 1e80, 1e154, 1e300] {
        let (a, b) = (&x * unit, &y * unit);
        let refused = judge.judge(a.view(), Null::Sample(b.view())).unwrap_err();
        assert!(refused.to_string().contains("another unit"), "{refused}");
    }
    for unit in [1e-70, 1e70] {
        let (a, b) = (&x * unit, &y * unit);
        let judged = judge.judge(a.view(), Null::Sample(b.view())).unwrap();
        for judgement in judged.judgements {
            assert!(judgement.reading.value.is_finite(), "{judgement:?}");
            assert!(
                judgement.p < 1.0 || judgement.reading.value < 0.51,
                "{judgement:?}"
            );
        }
    }
    // All points in one place have no extent, and are no matter of units.
    let point = array![[1e-90, 0.0], [1e-90, 0.0]];
    judge
        .judge(point.view(), Null::Sample(point.view()))
        .unwrap();
}

#[test]
fn the_energy_distance_of_equal_clouds_is_zero_to_rounding() {
    let x = first(400);
    let value = EnergyDistance::new(turned(&x, 7).view()).measure(x.view());
    assert!(value.abs() < 1e-14, "{value:e}");
}

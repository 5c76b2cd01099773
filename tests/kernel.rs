//! Kernel sums held to the plain double loop, on clouds of several shapes, at bandwidths from wide to tiny, near and far.

use std::io;

use ndarray::{Array2, array};
use ratioflow::cloud::{Cloud, CloudView, rms};
use ratioflow::discriminator::kde::KdeSpec;
use ratioflow::discriminator::{Discriminator, FitContext, Ratio};
use ratioflow::flow::{Flow, FlowSpec};
use ratioflow::kernel::{
    KernelSum, Method, Points, leave_one_out, neighbour_distance, silverman, sums,
};
use ratioflow::random::Stream;
use ratioflow::setting::WordOr;
use ratioflow::target::{Files, Folder, TargetSpec};

const METHODS: [Method; 3] = [Method::Exact, Method::Direct, Method::Grid];

/// The files of the two families that read one: a drawing, and a few hundred points, of which some are drawn again and again.
struct Shelf;

impl Files for Shelf {
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        if name != "points.csv" {
            return Folder("scenarios/images".into()).read(name);
        }
        let lines: Vec<String> = wavy(300, 0.0)
            .rows()
            .into_iter()
            .map(|point| format!("{},{}", 2.0 * point[0], 2.0 * point[1]))
            .collect();
        Ok(lines.join("\n").into_bytes())
    }
}

fn draw(family: &str, count: usize, name: &str) -> Cloud {
    let mut spec = TargetSpec::from_name(family).unwrap();
    match &mut spec {
        TargetSpec::Points(points) => points.file = "points.csv".into(),
        TargetSpec::Image(image) => image.file = "cat.png".into(),
        _ => {}
    }
    spec.build(&Shelf)
        .unwrap()
        .sample(count, Stream::new(7, name))
}

fn wavy(count: usize, phase: f64) -> Cloud {
    Array2::from_shape_fn((count, 2), |(i, axis)| {
        let i = i as f64;
        if axis == 0 {
            (1.3 * i + phase).sin()
        } else {
            (0.7 * i * i + phase).cos()
        }
    })
}

/// The sums as they are written down, relative to the largest term.
fn plain(at: [f64; 2], points: CloudView<'_>, h: f64) -> KernelSum {
    let terms = points.rows().into_iter().map(|p| {
        let (dx, dy) = (p[0] - at[0], p[1] - at[1]);
        (-(dx * dx + dy * dy) / (2.0 * h * h), dx, dy)
    });
    let top = terms.clone().map(|t| t.0).fold(f64::NEG_INFINITY, f64::max);
    let (mut w, mut x, mut y) = (0.0, 0.0, 0.0);
    for (exponent, dx, dy) in terms {
        let term = f64::exp(exponent - top);
        w += term;
        x += term * dx;
        y += term * dy;
    }
    KernelSum {
        log: top + f64::ln(w),
        shift: [x / w, y / w],
    }
}

/// How far sums are from the truth.
#[derive(Debug)]
struct Errors {
    /// Largest error of a logarithm, relative where it is large.
    log: f64,
    /// Largest error of a shift, in units of `h`.
    shift: f64,
    /// Root mean square error of the shifts, relative to the larger of their own root mean square and `h`.
    shifts: f64,
}

fn errors(at: &Cloud, cloud: &Cloud, h: f64, method: Method) -> Errors {
    let (places, points) = (Points::new(at.view()), Points::new(cloud.view()));
    let found = sums(&places, [&points], h, method);
    assert_eq!(found.len(), at.nrows());
    let (mut log, mut shift) = (0.0f64, 0.0f64);
    let (mut wrong, mut long) = (0.0, 0.0);
    for (place, [sum]) in at.rows().into_iter().zip(&found) {
        let truth = plain([place[0], place[1]], cloud.view(), h);
        let error = (sum.shift[0] - truth.shift[0]).hypot(sum.shift[1] - truth.shift[1]) / h;
        log = log.max((sum.log - truth.log).abs() / truth.log.abs().max(1.0));
        shift = shift.max(error);
        wrong += error * error;
        long += (truth.shift[0].powi(2) + truth.shift[1].powi(2)) / (h * h);
    }
    Errors {
        log,
        shift,
        shifts: (wrong / long.max(at.nrows() as f64)).sqrt(),
    }
}

#[test]
fn all_methods_agree_with_the_plain_sums() {
    for family in ["ring", "moons", "grid", "spirals", "gaussian"] {
        let cloud = draw(family, 900, "cloud");
        // Near, in between, and off the cloud altogether; far from the origin, where coordinates have few digits left.
        let mut at = draw("gaussian", 500, "at");
        at.slice_mut(ndarray::s![..100, ..])
            .assign(&cloud.slice(ndarray::s![..100, ..]));
        at.slice_mut(ndarray::s![400.., ..])
            .mapv_inplace(|v| 6.0 * v);
        for offset in [0.0, 1e4] {
            let (cloud, at) = (&cloud + offset, &at + offset);
            for h in [2.0, 0.5, 0.1, 0.03, 0.01] {
                let exact = errors(&at, &cloud, h, Method::Exact);
                let shift = 1e-11 * (1.0 + offset / h);
                assert!(
                    exact.log < 1e-11 && exact.shift < shift,
                    "{family} {offset} {h}: {exact:?}"
                );
                let direct = errors(&at, &cloud, h, Method::Direct);
                assert!(
                    direct.log < 1e-5
                        && direct.shift < 5e-5
                        && direct.shifts < Method::Direct.accuracy(),
                    "{family} {offset} {h}: {direct:?}"
                );
                // Where a coordinate is a million bandwidths long, six of its digits are lost to the cell's.
                let grid = errors(&at, &cloud, h, Method::Grid);
                assert!(
                    grid.log < 1e-8
                        && grid.shift < 2e-8 + shift
                        && grid.shifts < Method::Grid.accuracy(),
                    "{family} {offset} {h}: {grid:?}"
                );
            }
        }
    }
}

#[test]
fn the_grid_reaches_as_far_as_it_must() {
    let h = 0.2;
    let cloud = Points::new((0.5 * draw("moons", 12_000, "cloud")).view());
    // Rays from the middle of the cloud to some forty bandwidths outside of it.
    let at = Array2::from_shape_fn((12_000, 2), |(i, axis)| {
        let angle = 2.4 * (i / 100) as f64;
        (i % 100) as f64 * 0.1 * [angle.cos(), angle.sin()][axis]
    });
    let at = Points::new(at.view());
    let truth = sums(&at, [&cloud], h, Method::Exact);
    let mut seen = [0; 4];
    for ([t], [g]) in truth.iter().zip(sums(&at, [&cloud], h, Method::Grid)) {
        assert!((t.log - g.log).abs() < 2e-8, "{t:?} {g:?}");
        let wrong = (t.shift[0] - g.shift[0]).hypot(t.shift[1] - g.shift[1]);
        assert!(wrong < 2e-8 * h, "{t:?} {g:?}");
        // Beyond 5, 17 and 28 bandwidths a longer reach is needed.
        let length = t.shift[0].hypot(t.shift[1]) / h;
        seen[[4.0, 14.0, 27.0, 100.0]
            .iter()
            .position(|&l| length < l)
            .unwrap()] += 1;
    }
    assert!(seen.iter().all(|&count| count > 500), "{seen:?}");
}

#[test]
fn few_points_are_summed_as_well_as_many() {
    for (count, h) in [(1, 0.3), (15, 0.05), (32, 2.0), (33, 0.2), (333, 0.2)] {
        let exact = errors(&wavy(70, 0.4), &wavy(count, 0.0), h, Method::Exact);
        assert!(
            exact.log < 1e-12 && exact.shift < 1e-11,
            "{count}: {exact:?}"
        );
        let direct = errors(&wavy(70, 0.4), &wavy(count, 0.0), h, Method::Direct);
        assert!(
            direct.log < 5e-6 && direct.shift < 2e-5,
            "{count}: {direct:?}"
        );
    }
}

#[test]
fn far_away_the_sum_follows_the_nearest_point() {
    let cloud = Points::new(array![[0.0, 0.0], [1.0, 0.0]].view());
    let at = Points::new(array![[1e6, 0.0], [0.5, 1e150], [0.4, 0.0]].view());
    for method in METHODS {
        let found = sums(&at, [&cloud], 0.01, method);
        assert!((found[0][0].shift[0] + 999_999.0).abs() < 1e-6);
        let log = -999_999f64.powi(2) / 2e-4;
        assert!((found[0][0].log / log - 1.0).abs() < 1e-15);
        assert!((found[2][0].shift[0] + 0.4).abs() < 1e-6);
        assert!(
            found.iter().flatten().all(|sum| sum.log.is_finite()),
            "{found:?}"
        );
    }
}

/// A place goes to the nearest of the points that are all many bandwidths away, copies of it included.
#[test]
fn a_bandwidth_without_neighbours_leaves_the_nearest_point() {
    let mut cloud = wavy(300, 2.0);
    for i in 0..200 {
        let copied = cloud.row(i % 7).to_owned();
        cloud.row_mut(i).assign(&copied);
    }
    for exponent in 3..15 {
        let h = 0.1_f64.powi(exponent);
        // Some alone, and some beside each other.
        let alone = wavy(90, 0.0);
        let at = ndarray::concatenate![ndarray::Axis(0), alone, &alone + &array![2.0 * h, h]];
        for method in [Method::Exact, Method::Direct] {
            let (places, points) = (Points::new(at.view()), Points::new(cloud.view()));
            let found = sums(&places, [&points], h, method);
            for (place, [found]) in at.rows().into_iter().zip(&found) {
                let truth = plain([place[0], place[1]], cloud.view(), h);
                for axis in 0..2 {
                    let error = (found.shift[axis] - truth.shift[axis]).abs();
                    assert!(error < 1e-5, "{method:?}, {h:e}: {error:e}");
                }
                let error = (found.log / truth.log - 1.0).abs();
                assert!(error < 1e-6, "{method:?}, {h:e}: {error:e}");
            }
        }
    }
}

/// One point at any distance is none to those that have others near.
#[test]
fn a_point_beyond_all_measure_does_not_move_the_others() {
    let at = wavy(40, 0.0);
    for exponent in [3, 8, 14, 18, 19, 20, 30, 60] {
        let mut cloud = wavy(64, 1.0);
        cloud.row_mut(5).fill(10.0_f64.powi(exponent));
        for method in [Method::Exact, Method::Direct] {
            let error = errors(&at, &cloud, 1.0, method);
            assert!(error.shift < 1e-5, "{method:?}, 1e{exponent}: {error:?}");
        }
    }
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    // Crowded cells and empty ones, and more points than are sorted at once.
    let a = draw("ring", 40_000, "a");
    let b = ndarray::concatenate![ndarray::Axis(0), 1e-3 * &a, draw("gaussian", 500, "b")];
    let b = b.slice(ndarray::s![37_000.., ..]).to_owned();
    for method in METHODS {
        let result = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| {
                let (a, b) = (Points::new(a.view()), Points::new(b.view()));
                let crowded = sums(&b, [&a, &b], 0.5, method);
                (crowded, sums(&b, [&a, &b], 0.02, method))
            })
        };
        let one = result(1);
        assert!(one == result(2) && one == result(3), "{method:?}");
    }
}

#[test]
fn equal_clouds_have_equal_sums() {
    let (cloud, at) = (draw("moons", 700, "cloud"), draw("gaussian", 300, "at"));
    let (one, other) = (Points::new(cloud.view()), Points::new(cloud.view()));
    for method in METHODS {
        for [p, q] in sums(&Points::new(at.view()), [&one, &other], 0.1, method) {
            assert_eq!(p, q);
        }
    }
}

#[test]
fn the_cheapest_method_is_good_enough() {
    let cloud = |count| Points::new(draw("ring", count, "cloud").view());
    let (few, many) = (cloud(20), cloud(4000));
    let choose = |at: &Points, of: &Points, h, accuracy| Method::cheapest(at, [of], h, accuracy);
    assert_eq!(choose(&many, &many, 0.1, 1e-8), Method::Grid);
    assert_eq!(choose(&many, &many, 0.1, 1e-9), Method::Exact);
    assert_eq!(choose(&few, &few, 0.1, 1e-8), Method::Exact);
    assert_eq!(choose(&few, &few, 0.1, 1e-5), Method::Direct);
    // A grid for this would not fit into any memory.
    assert_eq!(choose(&many, &many, 1e-9, 1e-8), Method::Exact);
    let found = sums(&few, [&many], 1e-9, Method::Grid);
    assert_eq!(found, sums(&few, [&many], 1e-9, Method::Exact));
}

/// The ratio of the clouds at the particles, with all the digits there are.
fn exact_velocity(real: CloudView<'_>, cloud: CloudView<'_>, h: f64) -> Array2<f64> {
    let mut kde = KdeSpec {
        bandwidth: WordOr::Value(h),
        tolerance: 0.0,
        ..KdeSpec::default()
    }
    .build()
    .unwrap();
    let round = FitContext {
        index: 0,
        progress: 0.0,
        stream: Stream::new(0, "fit"),
    };
    kde.fit(real, cloud, round).unwrap();
    let mut ratio = Ratio::default();
    kde.evaluate(cloud, &mut ratio);
    ratio.gradient
}

#[test]
fn the_velocity_keeps_its_tolerance_on_every_target_from_the_first_step_to_the_last() {
    for (family, _) in TargetSpec::catalogue() {
        let spec = FlowSpec {
            steps: 100,
            ..FlowSpec::default()
        };
        let kde = KdeSpec::default().build().unwrap();
        let (real, start) = (
            draw(family, 1500, "target"),
            draw("gaussian", 1500, "source"),
        );
        let mut flow = Flow::new(spec, Box::new(kde), real.clone(), start, 0).unwrap();
        let (mut seen, mut grids) = (0, 0);
        while let Some(step) = flow.advance().unwrap() {
            if ![0, 30, 60, 100].contains(&step.index) {
                continue;
            }
            let h = step.step_size.sqrt();
            let cloud = step.state.cloud.view();
            let truth = exact_velocity(real.view(), cloud, h);
            let error = rms((&truth - &step.velocity).view()) / rms(truth.view());
            assert!(error < 1e-5, "{family}, step {}: {error:e}", step.index);
            let clouds = [&Points::new(real.view()), &Points::new(cloud)];
            grids += usize::from(Method::cheapest(clouds[1], clouds, h, 1e-8) == Method::Grid);
            seen += 1;
        }
        assert_eq!(seen, 4);
        assert!(grids >= 3, "{family}: the grid was used in {grids} of 4");
    }
}

#[test]
fn the_velocity_keeps_its_tolerance_far_from_the_target() {
    let real = draw("ring", 2000, "target");
    let start = 0.3 * draw("gaussian", 2000, "source") + 9.0;
    for h in [0.05, 0.3, 3.0] {
        let spec = FlowSpec {
            steps: 1,
            ..FlowSpec::default()
        };
        let kde = KdeSpec {
            bandwidth: WordOr::Value(h),
            ..KdeSpec::default()
        };
        let kde = Box::new(kde.build().unwrap());
        let mut flow = Flow::new(spec, kde, real.clone(), start.clone(), 0).unwrap();
        let step = flow.advance().unwrap().unwrap();
        let truth = exact_velocity(real.view(), start.view(), h);
        let error = rms((&truth - &step.velocity).view()) / rms(truth.view());
        assert!(error < 1e-5, "{h}: {error:e}");
    }
}

#[test]
fn equal_clouds_are_at_rest_on_the_grid_too() {
    let cloud = draw("pinwheel", 5000, "cloud");
    let points = Points::new(cloud.view());
    assert_eq!(
        Method::cheapest(&points, [&points], 0.1, 1e-8),
        Method::Grid
    );
    let mut kde = KdeSpec {
        bandwidth: WordOr::Value(0.1),
        ..KdeSpec::default()
    }
    .build()
    .unwrap();
    let round = FitContext {
        index: 0,
        progress: 0.0,
        stream: Stream::new(0, "fit"),
    };
    kde.fit(cloud.view(), cloud.view(), round).unwrap();
    let mut ratio = Ratio::default();
    kde.evaluate(cloud.view(), &mut ratio);
    assert!(ratio.log.iter().chain(&ratio.gradient).all(|&v| v == 0.0));
}

#[test]
fn a_point_without_its_own_term() {
    let cloud = wavy(50, 0.0);
    let points = Points::new(cloud.view());
    let found = sums(&points, [&points], 0.2, Method::Exact);
    for (i, [sum]) in found.iter().enumerate() {
        let mut others = cloud.clone();
        others.row_mut(i).assign(&array![1e9, 1e9]);
        let truth = plain([cloud[[i, 0]], cloud[[i, 1]]], others.view(), 0.2);
        let without = sum.without_self();
        assert!((without.log - truth.log).abs() < 1e-9 * truth.log.abs().max(1.0));
        assert!((without.shift[0] - truth.shift[0]).abs() < 1e-9);
    }
}

#[test]
fn points_loaded_again_are_the_new_points() {
    let mut points = Points::new(wavy(40, 0.0).view());
    let at = Points::new(wavy(5, 1.0).view());
    for method in METHODS {
        points.load(wavy(40, 0.0).view());
        let before = sums(&at, [&points], 0.3, method);
        let wider = sums(&at, [&points], 0.4, method);
        points.load(wavy(40, 0.0).view());
        assert_eq!(before, sums(&at, [&points], 0.3, method));
        points.load(wavy(41, 0.2).view());
        let fresh = Points::new(wavy(41, 0.2).view());
        let after = sums(&at, [&fresh], 0.3, method);
        assert_eq!(after, sums(&at, [&points], 0.3, method));
        assert!(before != after && before != wider);
    }
}

#[test]
fn adapted_sums_have_the_widths_of_abramson_and_the_gradient_of_their_logarithm() {
    let (cloud, h) = (wavy(60, 0.0), 0.4);
    let mut points = Points::new(cloud.view());
    points.adapt(h);
    let density = |x: [f64; 2], width: &dyn Fn(usize) -> f64| -> f64 {
        (0..60)
            .map(|j| {
                let square = (cloud[[j, 0]] - x[0]).powi(2) + (cloud[[j, 1]] - x[1]).powi(2);
                (h / width(j)).powi(2) * (-square / (2.0 * width(j).powi(2))).exp()
            })
            .sum()
    };
    let pilot: Vec<f64> = (0..60)
        .map(|i| density([cloud[[i, 0]], cloud[[i, 1]]], &|_| h))
        .collect();
    let g = (pilot.iter().map(|f| f.ln()).sum::<f64>() / 60.0).exp();
    let width = |j: usize| h * (pilot[j] / g).powf(-0.5);
    let sum_at =
        |x: [f64; 2]| sums(&Points::new(array![x].view()), [&points], h, Method::Exact)[0][0];
    for x in [[0.1, 0.2], [-0.9, 0.5], [30.0, -20.0]] {
        if x[0] < 2.0 {
            assert!((sum_at(x).log - density(x, &width).ln()).abs() < 1e-11);
        }
        let d = 1e-5;
        let slope = (sum_at([x[0] + d, x[1]]).log - sum_at([x[0] - d, x[1]]).log) / (2.0 * d);
        assert!((sum_at(x).shift[0] / (h * h) - slope).abs() < 1e-5 * slope.abs().max(1.0));
    }
}

#[test]
fn leave_one_out_peaks_where_the_likelihood_does() {
    let sample = wavy(200, 0.0);
    let chosen = leave_one_out(sample.view());
    let likelihood = |h: f64| -> f64 {
        (0..200)
            .map(|i| {
                let s: f64 = (0..200)
                    .filter(|&j| j != i)
                    .map(|j| {
                        let (dx, dy) = (
                            sample[[i, 0]] - sample[[j, 0]],
                            sample[[i, 1]] - sample[[j, 1]],
                        );
                        (-(dx * dx + dy * dy) / (2.0 * h * h)).exp()
                    })
                    .sum();
                s.max(f64::MIN_POSITIVE).ln() - 2.0 * h.ln()
            })
            .sum()
    };
    let best = likelihood(chosen);
    assert!(best >= likelihood(chosen * 1.05) && best >= likelihood(chosen / 1.05));
}

#[test]
fn neighbour_distance_on_a_line() {
    let line = Array2::from_shape_fn((101, 2), |(i, axis)| if axis == 0 { i as f64 } else { 0.0 });
    assert_eq!(neighbour_distance(line.view(), 2), 1.0);
    assert_eq!(neighbour_distance(line.view(), 20), 10.0);
    assert!(neighbour_distance(Cloud::zeros((0, 2)).view(), 1).is_nan());
    assert_eq!(neighbour_distance(line.view(), 500), 75.0);
}

#[test]
fn silverman_shrinks_with_the_sixth_root() {
    let cloud = wavy(640, 0.0);
    let few = cloud.slice(ndarray::s![..10, ..]);
    let ratio = |c: CloudView<'_>| silverman(c) / ratioflow::cloud::spread(c);
    assert!((ratio(few) / ratio(cloud.view()) - 2.0).abs() < 1e-12);
}

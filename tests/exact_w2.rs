//! The exact 2-Wasserstein distance on awkward clouds: right to nine digits, or said not to be proven.
//!
//! All coordinates are whole numbers, so that the truth can be computed without rounding.

use ndarray::{Array2, array};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use ratioflow::cloud::Cloud;
use ratioflow::metric::{Coupling, ExactW2, Metric, Transport, Wasserstein};

type Points = Vec<[i128; 2]>;

/// Least total of squared distances of a matching, by the Hungarian method in whole numbers (Kuhn 1955, in the form with potentials and one
/// shortest path a row).
fn least(a: &Points, b: &Points) -> i128 {
    let n = a.len();
    let cost = |i: usize, j: usize| -> i128 { (0..2).map(|k| (a[i][k] - b[j][k]).pow(2)).sum() };
    let (mut u, mut v) = (vec![0_i128; n + 1], vec![0_i128; n + 1]);
    // Row of each column, counted from 1.
    let mut row = vec![0; n + 1];
    for i in 1..=n {
        row[0] = i;
        let mut from = vec![0; n + 1];
        let mut far = vec![i128::MAX; n + 1];
        let mut used = vec![false; n + 1];
        let mut at = 0;
        while row[at] != 0 {
            used[at] = true;
            let (mut step, mut next) = (i128::MAX, 0);
            for j in 1..=n {
                if used[j] {
                    continue;
                }
                let reduced = cost(row[at] - 1, j - 1) - u[row[at]] - v[j];
                if reduced < far[j] {
                    (far[j], from[j]) = (reduced, at);
                }
                if far[j] < step {
                    (step, next) = (far[j], j);
                }
            }
            for j in 0..=n {
                if used[j] {
                    u[row[j]] += step;
                    v[j] -= step;
                } else if far[j] < i128::MAX {
                    far[j] -= step;
                }
            }
            at = next;
        }
        while at != 0 {
            row[at] = row[from[at]];
            at = from[at];
        }
    }
    (1..=n).map(|j| cost(row[j] - 1, j - 1)).sum()
}

fn distance(a: &Points, b: &Points) -> f64 {
    (least(a, b) as f64 / a.len() as f64).sqrt()
}

fn cloud(points: &Points) -> Cloud {
    Array2::from_shape_fn((points.len(), 2), |(i, k)| points[i][k] as f64)
}

fn drawn(rng: &mut ChaCha8Rng, n: usize, most: i128) -> Points {
    (0..n)
        .map(|_| [0, 1].map(|_| rng.random_range(-most..=most)))
        .collect()
}

/// Two clouds of one size, of the kind numbered.
fn awkward(rng: &mut ChaCha8Rng, kind: usize) -> (&'static str, Points, Points) {
    let n = rng.random_range(1..60);
    let mut a = drawn(rng, n, 1_000_000);
    let mut b = drawn(rng, n, 1_000_000);
    let fill = 10_i128.pow(rng.random_range(6..19));
    let what = match kind {
        0 => "plain",
        1 => {
            // As many fills on either side, in other rows.
            for _ in 0..n.div_ceil(5) {
                let [i, j] = [0; 2].map(|_| rng.random_range(0..n));
                let at = [fill, if rng.random() { fill } else { 0 }];
                (a[i], b[j]) = (at, at);
            }
            "shared fills"
        }
        2 => {
            for side in [&mut a, &mut b] {
                for _ in 0..rng.random_range(0..=n / 4) {
                    let i = rng.random_range(0..n);
                    side[i][rng.random_range(0..2)] = fill;
                }
            }
            "fills"
        }
        3 => {
            for p in a.iter_mut().chain(&mut b) {
                let scale = 10_i128.pow(rng.random_range(0..12));
                *p = p.map(|v| v * scale);
            }
            "mixed scales"
        }
        4 => {
            for p in a.iter_mut().chain(&mut b) {
                p[1] = 3 * p[0];
            }
            "collinear"
        }
        5 => {
            let places = drawn(rng, 5, 1000);
            for p in a.iter_mut().chain(&mut b) {
                *p = places[rng.random_range(0..5)];
            }
            "duplicates"
        }
        6 => {
            for p in a.iter_mut().chain(&mut b) {
                *p = [0, 1].map(|_| 100 * rng.random_range(-3..=3));
            }
            "lattice"
        }
        7 => {
            b.clone_from(&a);
            a[0] = [fill, -fill];
            b[n - 1] = a[0];
            if n > 1 {
                b[0] = a[n - 1];
            }
            "the same points in another order, one far away"
        }
        8 => {
            // Over nine orders of magnitude, as many as whole numbers have, each point near one of the other cloud.
            for p in &mut a {
                let scale = 10_i128.pow(rng.random_range(0..9));
                *p = p.map(|v| v * scale);
            }
            b = a
                .iter()
                .map(|p| p.map(|v| v + rng.random_range(-3..=3)))
                .collect();
            b.reverse();
            "near copies at mixed scales"
        }
        _ => {
            for p in &mut b {
                *p = [p[0] + fill, p[1] - fill];
            }
            "far from each other"
        }
    };
    (what, a, b)
}

#[test]
fn awkward_clouds_are_matched_to_nine_digits_or_said_not_to_be() {
    let mut unproven = Vec::new();
    for seed in 0..400 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (what, a, b) = awkward(&mut rng, seed as usize % 10);
        let truth = distance(&a, &b);
        // In units that are powers of two, so that the numbers stay whole.
        for unit in [1.0, 2.0_f64.powi(-400), 2.0_f64.powi(400)] {
            let [x, y] = [&a, &b].map(|points| cloud(points) * unit);
            let exact = ExactW2::new(y.view()).unwrap();
            let found = exact.solve(x.view(), None).unwrap();
            let told = format!(
                "{what}, seed {seed}, unit {unit:e}: {}, doubt {:e}, truth {truth:e}",
                found.value, found.doubt
            );
            let right = (found.value / unit - truth).abs() <= 1e-9 * truth;
            assert!(right || !found.is_proven(), "{told}");
            // What is said to be possible holds the truth.
            let least = (1.0 - found.doubt).max(0.0).sqrt();
            assert!(
                truth >= found.value / unit * least * (1.0 - 1e-14),
                "{told}"
            );
            if !found.is_proven() {
                unproven.push(told);
            }
        }
    }
    assert!(
        unproven.len() <= 12,
        "{} unproven: {}",
        unproven.len(),
        unproven.join("\n")
    );
}

#[test]
fn clouds_of_unequal_sizes_are_coupled_to_nine_digits_or_said_not_to_be() {
    let mut unproven = 0;
    for seed in 0..200 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (what, mut a, mut b) = awkward(&mut rng, seed as usize % 10);
        let [n, m] = [[4, 6], [5, 3], [2, 8], [9, 6]][seed as usize / 10 % 4];
        a.truncate(n);
        b.truncate(m);
        let (n, m) = (a.len(), b.len());
        let copies = |points: &Points, count: usize| -> Points {
            points
                .iter()
                .flat_map(|&p| std::iter::repeat_n(p, count))
                .collect()
        };
        let truth = distance(&copies(&a, m), &copies(&b, n));
        let (x, y) = (cloud(&a), cloud(&b));
        let found = Coupling::new(x.view(), None, y.view(), None).unwrap();
        let told = format!("{what}, seed {seed}: {found:?}, truth {truth:e}");
        let right = (found.value - truth).abs() <= 1e-9 * truth;
        assert!(right || found.doubt > Transport::PROVEN, "{told}");
        unproven += usize::from(found.doubt > Transport::PROVEN);
    }
    assert!(unproven <= 4, "{unproven} unproven");
}

/// With scipy 1.17.1, `linear_sum_assignment`, and by hand.
#[test]
fn what_was_wrong_once_is_right() {
    let a = array![[0.1, 0.2], [0.3, -0.7], [1e7, 0.4]];
    let b = a.select(ndarray::Axis(0), &[1, 0, 2]);
    let w2 = Wasserstein::new(b.view()).unwrap();
    let found = w2.read(a.view());
    assert_eq!(found.value, 0.0);
    assert!(found.note.unwrap().starts_with("exact"));
    // One fill more on one side has to come from the rest: 10²⁰ over the root of three.
    let far = array![[1e20, 0.0], [0.3, -0.7], [1e20, 0.0]];
    let found = Wasserstein::new(far.view()).unwrap().read(a.view());
    assert!((found.value / (2.0 / 3.0_f64).sqrt() / 1e20 - 1.0).abs() < 1e-12);
}

#[test]
fn where_several_matchings_are_best_all_starts_give_the_same_bits() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..50 {
        let n = 80;
        let mut lattice =
            || Array2::from_shape_fn((n, 2), |_| f64::from(rng.random_range(0..6)) * 0.25);
        let (a, b, other) = (lattice(), lattice(), lattice());
        let exact = ExactW2::new(b.view()).unwrap();
        let cold = exact.solve(a.view(), None).unwrap();
        let start = exact.solve(other.view(), None).unwrap();
        let warm = exact.solve(a.view(), Some(&start)).unwrap();
        assert_eq!(cold.value.to_bits(), warm.value.to_bits());
        let rows: Vec<usize> = (0..n).rev().collect();
        let turned = a.select(ndarray::Axis(0), &rows);
        assert_eq!(exact.measure(turned.view()).to_bits(), cold.value.to_bits());
    }
}

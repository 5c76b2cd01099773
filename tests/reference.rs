//! The Fokker-Planck solver, held to the exact numbers of the Gaussian pair, to its order, and to what it promises.

use ndarray::Array2;
use ratioflow::reference::{Grid, Reference, ReferenceError};
use ratioflow::target::{Component, Mixture, Moons, MoonsSpec, Target};

fn gaussian(mean: [f64; 2], covariance: [[f64; 2]; 2]) -> Mixture {
    Mixture::new(vec![Component {
        weight: 1.0,
        mean,
        covariance,
    }])
    .unwrap()
}

/// N((1,1), I) on its way to N(0, LLᵀ), L = [[1, 0], [.8, .5]].
fn pair() -> [Mixture; 2] {
    [
        gaussian([1.0, 1.0], [[1.0, 0.0], [0.0, 1.0]]),
        gaussian([0.0, 0.0], [[1.0, 0.8], [0.8, 0.89]]),
    ]
}

fn square(side: f64, cells: usize) -> Grid {
    Grid {
        corner: [-0.5 * side; 2],
        pitch: side / cells as f64,
        columns: cells,
        rows: cells,
    }
}

/// KL(q_t‖p) from the closed form for Gaussians.
const EXACT: [(f64, f64); 6] = [
    (0.0, 2.666_852_82),
    (0.1, 0.847_298_89),
    (0.5, 0.339_985_73),
    (1.0, 0.187_068_11),
    (2.0, 0.058_396_62),
    (5.0, 0.001_867_38),
];

#[test]
fn the_gaussian_pair_has_its_exact_divergences() {
    let [source, target] = pair();
    let mut flow = Reference::new(&source, &target, square(14.0, 200), 1e-7).unwrap();
    for (time, exact) in EXACT {
        flow.advance_to(time);
        println!("{time} {} {exact} {} steps", flow.kl(), flow.steps());
        assert!((flow.kl() - exact).abs() < 1e-3 * exact + 1e-5);
        assert!((flow.total() - 1.0).abs() < 1e-12);
        assert!(flow.mass().iter().all(|&m| m >= 0.0));
    }
}

#[test]
fn halving_the_cells_quarters_the_error() {
    let [source, target] = pair();
    let error = |cells: usize| {
        let mut flow = Reference::new(&source, &target, square(12.0, cells), 1e-8).unwrap();
        flow.advance_to(0.5);
        (flow.kl() - 0.339_985_73).abs()
    };
    let errors = [40, 80, 160].map(error);
    println!("{errors:?}");
    for pair in errors.windows(2) {
        let order = (pair[0] / pair[1]).log2();
        assert!((1.7..2.4).contains(&order), "order {order} of {errors:?}");
    }
}

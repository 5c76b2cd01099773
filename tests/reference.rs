//! The Fokker-Planck solver, held to the exact numbers of the Gaussian pair, to its order, and to what it promises.

use assert_cmd::Command;
use ratioflow::random::Stream;
use ratioflow::reference::{Grid, Reference, ReferenceError};
use ratioflow::target::{Component, Folder, Mixture, PinwheelSpec, RingSpec, Target, TargetSpec};

fn gaussian(mean: [f64; 2], covariance: [[f64; 2]; 2]) -> Mixture {
    Mixture::new(vec![Component {
        weight: 1.0,
        mean,
        covariance,
    }])
    .unwrap()
}

/// N((1,1), I) on its way to `N(0, LLᵀ)`, L = [[1, 0], [.8, .5]].
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

/// `KL(q_t‖p)` from the closed form for Gaussians.
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
    let mut flow = Reference::new(&source, &target, square(14.0, 200), 1e-6).unwrap();
    for (time, exact) in EXACT {
        flow.advance_to(time);
        let kl = flow.kl();
        // The error of the rate of decay adds up.
        let most = 5e-3 * (1.0 + time) * exact;
        assert!(
            (kl - exact).abs() < most,
            "time {time}: {kl} against {exact}"
        );
        assert!((flow.total() - 1.0).abs() < 1e-12);
        assert!(flow.mass().iter().all(|&m| m >= 0.0));
    }
    assert_eq!(flow.time(), 5.0);
}

#[test]
fn halving_the_cells_quarters_the_error() {
    let [source, target] = pair();
    let error = |cells: usize| {
        let mut flow = Reference::new(&source, &target, square(12.0, cells), 1e-7).unwrap();
        flow.advance_to(0.5);
        (flow.kl() - 0.339_985_73).abs()
    };
    let errors = [30, 60, 120].map(error);
    for pair in errors.windows(2) {
        let order = (pair[0] / pair[1]).log2();
        assert!((1.7..2.5).contains(&order), "order {order} of {errors:?}");
    }
}

/// The error in time alone: against the same grid with steps that are as good as exact.
#[test]
fn a_finer_tolerance_has_a_smaller_error() {
    let [source, target] = pair();
    let kl = |tolerance: f64| {
        let mut flow = Reference::new(&source, &target, square(12.0, 60), tolerance).unwrap();
        flow.advance_to(0.3);
        (flow.kl(), flow.steps())
    };
    let (exact, most) = kl(1e-9);
    let errors = [1e-4, 1e-5, 1e-6].map(|tolerance| (kl(tolerance).0 - exact).abs());
    assert!(errors[2] < 0.2 * errors[0], "{errors:?}");
    assert!(kl(1e-4).1 * 8 < most);
}

#[test]
fn many_modes_keep_mass_and_sign_and_lose_kl_at_every_step() {
    let target = RingSpec::default().build().unwrap();
    let source = gaussian([0.3, 0.0], [[1.0, 0.0], [0.0, 1.0]]);
    let clouds = [&source, &target].map(|of| of.sample(500, Stream::new(3, "grid")));
    let grid = Grid::around(&[clouds[0].view(), clouds[1].view()], 96);
    let mut flow = Reference::new(&source, &target, grid, 1e-5).unwrap();
    let mut last = f64::INFINITY;
    for time in [0.0, 0.01, 0.1, 0.5, 2.0, 10.0] {
        flow.advance_to(time);
        assert!(flow.kl() < last && flow.kl() >= 0.0);
        last = flow.kl();
        assert!((flow.total() - 1.0).abs() < 1e-12);
        assert!(flow.mass().iter().all(|&m| m >= 0.0));
    }
    // Between modes 1.9 apart, of sd 0.2, there is a wall of some 10 nats: their masses take e¹⁰ to even out.
    assert!((1e-5..0.5).contains(&last), "{last}");
}

#[test]
fn the_target_is_at_rest() {
    let target = RingSpec::default().build().unwrap();
    let grid = square(9.0, 64);
    let mut flow = Reference::new(&target, &target, grid, 1e-6).unwrap();
    flow.advance_to(3.0);
    assert!(flow.kl().abs() < 1e-12, "{}", flow.kl());
}

#[test]
fn distributions_without_a_density_are_refused() {
    let [source, target] = pair();
    let pinwheel = PinwheelSpec::default().build().unwrap();
    let grid = square(8.0, 20);
    let refused = |source: &dyn Target, target: &dyn Target, grid: Grid| {
        Reference::new(source, target, grid, 1e-6).unwrap_err()
    };
    assert_eq!(
        refused(&source, &pinwheel, grid),
        ReferenceError::NoDensity { role: "target" }
    );
    assert_eq!(
        refused(&pinwheel, &target, grid),
        ReferenceError::NoDensity { role: "source" }
    );
}

/// Every family whose density is known and positive everywhere has a reference; the others are refused with the reason.
#[test]
fn every_closed_form_that_is_positive_is_solved() {
    let source = gaussian([0.3, 0.0], [[1.0, 0.0], [0.0, 1.0]]);
    for name in [
        "gaussian",
        "ring",
        "grid",
        "circles",
        "rings",
        "moons",
        "swiss-roll",
        "spirals",
        "banana",
    ] {
        let target = family(name);
        let cloud = target.sample(500, Stream::new(3, "grid"));
        let grid = Grid::around(&[cloud.view()], 40);
        let mut flow = Reference::new(&source, &*target, grid, 1e-4).unwrap();
        let before = flow.kl();
        flow.advance_to(0.1);
        assert!(flow.kl() < before, "{name}");
        assert!((flow.total() - 1.0).abs() < 1e-12, "{name}");
    }
    let refused = Reference::new(&source, &*family("pinwheel"), square(8.0, 20), 1e-6);
    assert_eq!(
        refused.unwrap_err(),
        ReferenceError::NoDensity { role: "target" }
    );
    let refused = Reference::new(&source, &*family("checkerboard"), square(8.0, 20), 1e-6);
    let text = refused.unwrap_err().to_string();
    assert!(
        text.contains("zero in") && text.contains("of 400 cells"),
        "{text}"
    );
}

fn family(name: &str) -> Box<dyn Target> {
    let spec = TargetSpec::from_name(name).unwrap();
    spec.build(&Folder(".".into())).unwrap()
}

#[test]
fn the_command_writes_the_exact_flow_beside_the_particles() {
    let folder = tempfile::tempdir().unwrap();
    let command = |args: &[&str]| {
        let mut command = Command::cargo_bin("ratioflow").unwrap();
        command
            .current_dir(folder.path())
            .arg("reference")
            .args(args)
            .output()
            .unwrap()
    };
    let small = [
        "--steps",
        "100",
        "--set",
        "cloud.particles=400",
        "--cells",
        "80",
        "--json",
    ];
    let output = command(&[&["gaussian-pair", "--out", "r"], &small[..]].concat());
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = json["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 11);
    // 50 steps of 0.02: time 1.
    assert_eq!(rows[5]["step"], 50);
    let kl = rows[5]["kl"].as_f64().unwrap();
    assert!((kl - 0.187_068_11).abs() < 0.01, "{kl}");
    let particles = rows[5]["kl_particles"].as_f64().unwrap();
    assert!((particles - kl).abs() < 0.15, "{particles} against {kl}");
    for file in ["reference.csv", "reference.npz", "reference.png"] {
        assert!(folder.path().join("r").join(file).is_file());
    }
    std::fs::write(folder.path().join("p.csv"), "0,0\n1,0\n0,1\n").unwrap();
    let points = "[target.points]\nfile = 'p.csv'\nreplace = true\n";
    std::fs::write(folder.path().join("points.toml"), points).unwrap();
    for (scenario, says) in [
        ("pinwheel", "is not known"),
        ("points.toml", "is not known"),
        ("checkerboard", "is zero in"),
        ("drawing", "is zero in"),
    ] {
        let refused = command(&[scenario]);
        let text = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{scenario}: {text}");
        assert!(text.contains(says), "{scenario}: {text}");
    }
    let times = command(&[
        "gaussian-pair",
        "--times",
        "0.5,0",
        "--cells",
        "40",
        "--json",
    ]);
    let json: serde_json::Value = serde_json::from_slice(&times.stdout).unwrap();
    assert_eq!(json["rows"][1]["time"], 0.5);
}

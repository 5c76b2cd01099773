//! The published KALE flow from a point-like cloud onto three rings.

use std::f64::consts::TAU;

use ndarray::Array2;
use ratioflow::cloud::Cloud;
use ratioflow::discriminator::kale::{Kale, KaleSpec};
use ratioflow::discriminator::{Discriminator, FitContext, Ratio};
use ratioflow::random::Stream;
use ratioflow::setting::WordOr;

/// Published KALE at these steps.
pub(crate) const PUBLISHED: [(usize, f64); 5] = [
    (0, 3.66),
    (5000, 1.04e-1),
    (10_000, 2.83e-2),
    (20_000, 3.02e-3),
    (30_000, 5.2e-4),
];

const LAMBDA: f64 = 1e-3;
const STEP: f64 = 1e-4;

/// The flow in progress.
pub(crate) struct ThreeRings {
    kale: Kale,
    target: Cloud,
    cloud: Cloud,
    ratio: Ratio,
    step: usize,
}

impl ThreeRings {
    /// As the notebook fits: its Newton method stops where half the decrement is below 1e-6, often before the first step, and
    /// never takes more than 0.8 of a step, since its line search shortens before it looks. The witness lags behind the
    /// cloud, and the flow along it falls more slowly than along the exact one, by two thirds of KALE at step 30 000.
    pub(crate) fn as_published() -> Self {
        Self::new(1e-6, 0.8)
    }

    /// Along the exact witness of each cloud.
    pub(crate) fn exact() -> Self {
        Self::new(0.0, 1.0)
    }

    /// The first cloud, with its fit.
    fn new(tolerance: f64, damping: f64) -> Self {
        let target = Array2::from_shape_fn((240, 2), |(i, axis)| {
            let angle = TAU * (i % 80) as f64 / 80.0;
            let ring = (i / 80) as f64;
            [0.3 * angle.cos(), 0.3 * angle.sin() - 0.75 * ring][axis]
        });
        // The second draw `randn(240, 2) / 100 − (0, 0.3)` of NumPy's `RandomState(42)`, in single precision, as in the notebook,
        // which throws the first draw away.
        let start = include_str!("start.csv");
        let numbers = start.split([',', '\n']).filter_map(|v| v.parse().ok());
        let cloud = Array2::from_shape_vec((240, 2), numbers.collect()).unwrap();
        let spec = KaleSpec {
            lambda: LAMBDA,
            tolerance,
            damping,
            // k = exp(−‖x − y‖²/0.1)
            bandwidth: WordOr::Value(0.05_f64.sqrt()),
            ..KaleSpec::default()
        };
        let mut flow = Self {
            kale: spec.build().unwrap(),
            ratio: Ratio::default(),
            target,
            cloud,
            step: 0,
        };
        flow.fit();
        flow
    }

    fn fit(&mut self) {
        let round = FitContext {
            index: self.step as u64,
            progress: 0.0,
            stream: Stream::new(1, "fit"),
        };
        self.kale
            .fit(self.target.view(), self.cloud.view(), round)
            .unwrap();
    }

    /// Goes on until so many steps are done.
    pub(crate) fn run_to(&mut self, step: usize) {
        while self.step < step {
            self.kale.evaluate(self.cloud.view(), &mut self.ratio);
            self.cloud
                .scaled_add(STEP * (1.0 + LAMBDA), &self.ratio.gradient);
            self.step += 1;
            self.fit();
        }
    }

    /// KALE of the present cloud.
    pub(crate) fn divergence(&self) -> f64 {
        self.kale.divergence()
    }
}

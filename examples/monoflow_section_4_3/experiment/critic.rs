//! A discriminator that learns log r beside the generator, one step at a time.

use ratioflow::cloud::CloudView;
use ratioflow::discriminator::Ratio;
use ratioflow::network::{
    Activation, Network, Objective, Optimizer, OptimizerKind, Real, Workspace,
};
use ratioflow::random::Stream;

/// A perceptron 2-512-256-1, leaky-ReLU of slope 0.2, trained on the logistic loss by Adam. The first weights are drawn by the
/// library's rule, whereas the paper's code has its framework's, which are smaller.
#[derive(Debug)]
pub(crate) struct Critic {
    network: Network<f32>,
    optimizer: Optimizer<f32>,
    workspace: Workspace<f32>,
    gradient: Vec<f32>,
    rate: f64,
}

/// `−(1/n) Σ log σ(D)` over the first `n` samples, which are real, `−(1/n) Σ log(1 − σ(D))` over the others.
struct Logistic {
    real: usize,
}

impl Objective<f32> for Logistic {
    fn seeds(&self, first: usize, outputs: &[f32], seeds: &mut [f32]) -> f32 {
        let n = self.real as f32;
        let mut loss = 0.0;
        for (i, (&d, seed)) in outputs.iter().zip(seeds).enumerate() {
            let sign = if first + i < self.real { 1.0 } else { -1.0 };
            // By the tail e^{−|d|}, which never overflows: −log σ(sd) and its derivative −s σ(−sd).
            let margin = sign * d;
            let tail = (-d.abs()).exp();
            let other = if margin > 0.0 { tail } else { 1.0 } / (1.0 + tail);
            loss += ((-margin).max(0.0) + Real::log1p(tail)) / n;
            *seed = -sign * other / n;
        }
        loss
    }
}

impl Critic {
    /// A new one with Adam's learning rate.
    pub(crate) fn new(rate: f64, stream: Stream) -> Self {
        let network = Network::new(&[512, 256], 1, Activation::LeakyRelu, stream);
        let count = network.parameters().len();
        Self {
            optimizer: Optimizer::new(OptimizerKind::Adam, [0.9, 0.999], count),
            workspace: Workspace::new(),
            gradient: vec![0.0; count],
            network,
            rate,
        }
    }

    /// One step on a batch of each side.
    pub(crate) fn learn(&mut self, real: CloudView<'_>, fake: CloudView<'_>) {
        let points: Vec<f32> = real.iter().chain(fake).map(|&v| v as f32).collect();
        let loss = Logistic { real: real.nrows() };
        self.network
            .train(&points, &loss, &mut self.workspace, &mut self.gradient);
        self.optimizer
            .step(self.rate, &self.gradient, self.network.parameters_mut());
    }

    /// `D` and `∇D` at the points `at` (`n×2`).
    pub(crate) fn ratio(&self, at: CloudView<'_>) -> Ratio {
        let points: Vec<f32> = at.iter().map(|&v| v as f32).collect();
        let (mut d, mut slopes) = (vec![0.0; at.nrows()], vec![0.0; points.len()]);
        self.network
            .evaluate_with_gradient(&points, &mut d, &mut slopes);
        let mut ratio = Ratio::zeros(at.nrows());
        ratio
            .log
            .iter_mut()
            .zip(&d)
            .for_each(|(to, &v)| *to = f64::from(v));
        let wide = ratio.gradient.iter_mut().zip(&slopes);
        wide.for_each(|(to, &v)| *to = f64::from(v));
        ratio
    }
}

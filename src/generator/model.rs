//! The maps from latent points to the cloud: a residual network, or an affine map.

use std::fmt::Debug;

use ndarray::Array2;

use crate::cloud::{Cloud, CloudView};
use crate::network::{Activation, Method, Network, Objective, Optimizer, Real, Workspace};
use crate::random::Stream;

/// A map `g_θ: ℝ² → ℝ²` with parameters that can be improved. At first it is the identity, exactly.
pub(super) trait Model: Debug + Send + Sync {
    /// `g_θ(z)`, `n×2`.
    fn apply(&self, z: CloudView<'_>) -> Cloud;

    /// One optimiser step at the given rate against `Σ_i slopes_i · ∂g_θ(z_i)/∂θ`, where `slopes` (`n×2`) is the gradient of
    /// the loss by `g_θ(z)`.
    fn descend(&mut self, z: CloudView<'_>, slopes: &Cloud, rate: f64);

    /// One optimiser step at the given rate against the mean of `‖g_θ(z) − aim‖²`, both `n×2`.
    fn approach(&mut self, z: CloudView<'_>, aim: CloudView<'_>, rate: f64) {
        let slopes = (self.apply(z) - aim) * (2.0 / z.nrows() as f64);
        self.descend(z, &slopes, rate);
    }

    /// All parameters θ.
    fn parameters(&self) -> Vec<f64>;

    /// Parameters and optimiser memory.
    fn carry(&self) -> Vec<f64>;

    /// Takes up what [`carry`](Self::carry) gave; `false` if it is of another shape.
    fn restore(&mut self, carry: &[f64]) -> bool;
}

/// `g_θ(z) = z + MLP_θ(z)`, in the precision `T`.
#[derive(Debug)]
pub(super) struct Residual<T: Real> {
    network: Network<T>,
    optimizer: Optimizer<T>,
    workspace: Workspace<T>,
    gradient: Vec<T>,
    /// Latent points and aims of a minibatch, in the precision of the network.
    batch: [Vec<T>; 2],
}

/// Gradients by the outputs that are known beforehand.
struct Known<'a, T>(&'a [T]);

impl<T: Real> Objective<T> for Known<'_, T> {
    fn seeds(&self, first: usize, outputs: &[T], seeds: &mut [T]) -> T {
        seeds.copy_from_slice(&self.0[2 * first..][..outputs.len()]);
        T::ZERO
    }
}

/// The mean of `‖output − aim‖²`, with the aims `n×2` one after the other.
struct Nearness<'a, T>(&'a [T]);

impl<T: Real> Objective<T> for Nearness<'_, T> {
    fn seeds(&self, first: usize, outputs: &[T], seeds: &mut [T]) -> T {
        let share = T::of(2.0 / self.0.len() as f64);
        let mut sum = T::ZERO;
        let aims = &self.0[2 * first..][..outputs.len()];
        for ((seed, &output), &aim) in seeds.iter_mut().zip(outputs).zip(aims) {
            let missed = output - aim;
            sum += share * missed * missed;
            *seed = (share + share) * missed;
        }
        sum
    }
}

impl<T: Real> Residual<T> {
    /// A network with these hidden widths whose output layer is zero.
    pub(super) fn new(
        hidden: &[usize],
        activation: Activation,
        method: Method,
        betas: [f64; 2],
        stream: Stream,
    ) -> Self {
        let mut network = Network::new(hidden, 2, activation, stream);
        network.silence();
        let count = network.parameters().len();
        Self {
            network,
            optimizer: Optimizer::new(method, betas, count),
            workspace: Workspace::new(),
            gradient: vec![T::ZERO; count],
            batch: [Vec::new(), Vec::new()],
        }
    }
}

impl<T: Real> Model for Residual<T> {
    fn apply(&self, z: CloudView<'_>) -> Cloud {
        let mut outputs = vec![T::ZERO; 2 * z.nrows()];
        self.network.evaluate(&narrow(z), &mut outputs);
        Array2::from_shape_fn(z.raw_dim(), |(i, axis)| {
            z[[i, axis]] + outputs[2 * i + axis].wide()
        })
    }

    fn descend(&mut self, z: CloudView<'_>, slopes: &Cloud, rate: f64) {
        let seeds: Vec<T> = narrow(slopes.view());
        let known = Known(&seeds);
        self.network
            .train(&narrow(z), &known, &mut self.workspace, &mut self.gradient);
        self.optimizer
            .step(rate, &self.gradient, self.network.parameters_mut());
    }

    /// Forward and backward in one pass: the network itself should give `aim − z`.
    fn approach(&mut self, z: CloudView<'_>, aim: CloudView<'_>, rate: f64) {
        let [at, aims] = &mut self.batch;
        at.clear();
        at.extend(z.iter().map(|&v| T::of(v)));
        aims.clear();
        aims.extend(aim.iter().zip(z).map(|(&aim, &z)| T::of(aim - z)));
        self.network
            .train(at, &Nearness(aims), &mut self.workspace, &mut self.gradient);
        self.optimizer
            .step(rate, &self.gradient, self.network.parameters_mut());
    }

    fn parameters(&self) -> Vec<f64> {
        self.network.parameters().iter().map(|p| p.wide()).collect()
    }

    fn carry(&self) -> Vec<f64> {
        let mut carry = self.parameters();
        carry.extend(self.optimizer.carry());
        carry
    }

    fn restore(&mut self, carry: &[f64]) -> bool {
        let count = self.network.parameters().len();
        if carry.len() != count + self.optimizer.carry_len() {
            return false;
        }
        let (parameters, memory) = carry.split_at(count);
        for (place, &value) in self.network.parameters_mut().iter_mut().zip(parameters) {
            *place = T::of(value);
        }
        self.optimizer.restore(memory);
        true
    }
}

fn narrow<T: Real>(points: CloudView<'_>) -> Vec<T> {
    points.iter().map(|&v| T::of(v)).collect()
}

/// `g(z) = m + S z` with a full matrix S (`MonoFlow`, section 4.3); parameters `m₁, m₂, S₁₁, S₁₂, S₂₁, S₂₂`.
#[derive(Debug)]
pub(super) struct Affine {
    parameters: [f64; 6],
    optimizer: Optimizer<f64>,
}

impl Affine {
    pub(super) fn new(method: Method, betas: [f64; 2]) -> Self {
        Self {
            parameters: [0.0, 0.0, 1.0, 0.0, 0.0, 1.0],
            optimizer: Optimizer::new(method, betas, 6),
        }
    }
}

impl Model for Affine {
    fn apply(&self, z: CloudView<'_>) -> Cloud {
        let [m0, m1, a, b, c, d] = self.parameters;
        Array2::from_shape_fn(z.raw_dim(), |(i, axis)| {
            let (x, y) = (z[[i, 0]], z[[i, 1]]);
            if axis == 0 {
                m0 + (a * x + b * y)
            } else {
                m1 + (c * x + d * y)
            }
        })
    }

    fn descend(&mut self, z: CloudView<'_>, slopes: &Cloud, rate: f64) {
        let mut gradient = [0.0; 6];
        for (z, slope) in z.rows().into_iter().zip(slopes.rows()) {
            for axis in 0..2 {
                gradient[axis] += slope[axis];
                gradient[2 + 2 * axis] += slope[axis] * z[0];
                gradient[3 + 2 * axis] += slope[axis] * z[1];
            }
        }
        self.optimizer.step(rate, &gradient, &mut self.parameters);
    }

    fn parameters(&self) -> Vec<f64> {
        self.parameters.to_vec()
    }

    fn carry(&self) -> Vec<f64> {
        let mut carry = self.parameters();
        carry.extend(self.optimizer.carry());
        carry
    }

    fn restore(&mut self, carry: &[f64]) -> bool {
        if carry.len() != 6 + self.optimizer.carry_len() {
            return false;
        }
        let (parameters, memory) = carry.split_at(6);
        self.parameters.copy_from_slice(parameters);
        self.optimizer.restore(memory);
        true
    }
}

//! The maps from latent points to the cloud: a residual network, or an affine map.

use std::fmt::Debug;

use ndarray::{Array2, arr1, arr2};

use super::spec::TrainingSpec;
use super::units::Units;
use crate::cloud::{Cloud, CloudView};
use crate::network::{Affinity, Network, Objective, Optimizer, Real, Workspace};
use crate::random::Stream;

/// A map `g_θ: ℝⁱ → ℝ²` with parameters that can be improved. At first it is the identity, exactly, unless latent points are no points of the source or the network
/// gives places.
pub(super) trait Model: Debug + Send + Sync {
    /// `g(z)`, `n×2`, of the average parameters where there is one; `z` is `n×i`.
    fn apply(&self, z: CloudView<'_>) -> Cloud;

    /// `g_θ(z)`, `n×2`, of the parameters that are trained.
    fn present(&self, z: CloudView<'_>) -> Cloud;

    /// Moves the average of the parameters towards the present ones, of which it takes the part `1 − decay`.
    fn average(&mut self, decay: f64);

    /// One optimiser step at the given rate against `Σ_i slopes_i · ∂g_θ(z_i)/∂θ`, where `slopes` (`n×2`) is the gradient of
    /// the loss by `g_θ(z)`.
    fn descend(&mut self, z: CloudView<'_>, slopes: &Cloud, rate: f64);

    /// One optimiser step at the given rate against the mean of `‖g_θ(z) − aim‖²/s²`, both `n×2`, where each row counts as often as `weights` says (`n`; empty:
    /// once).
    fn approach(&mut self, z: CloudView<'_>, aim: CloudView<'_>, weights: &[f64], rate: f64);

    /// All parameters of [`apply`](Self::apply).
    fn parameters(&self) -> Vec<f64>;

    /// What [`apply`](Self::apply) does between standardised latent points and displacements in units of s: layers, with the activation between
    /// two of them.
    fn layers(&self) -> Vec<Affinity>;

    /// Takes up what [`layers`](Self::layers) gave; `false`, and nothing done, if they are of other shapes.
    fn set_layers(&mut self, layers: &[Affinity]) -> bool;

    /// S of an affine map `z ↦ m + S z` with the parameters that are trained, row by row; `None` of a network.
    fn matrix(&self) -> Option<[[f64; 2]; 2]> {
        None
    }

    /// Parameters, optimiser memory, and the average.
    fn state(&self) -> Vec<f64>;

    /// Takes up what [`state`](Self::state) gave; `false` if it is of another shape.
    fn load_state(&mut self, state: &[f64]) -> bool;
}

/// `g_θ(z) = b + k z + s MLP_θ((z − c)/a)`, in the precision `T`. All but the network is in double precision.
#[derive(Debug)]
pub(super) struct Mlp<T: Real> {
    units: Units,
    network: Network<T>,
    /// The same network with average parameters.
    average: Option<Network<T>>,
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

/// The mean of `‖output − aim‖²`, with the aims `n×2` one after the other, and how often each row counts; empty: once.
struct Nearness<'a, T>(&'a [T], &'a [f64]);

impl<T: Real> Objective<T> for Nearness<'_, T> {
    fn seeds(&self, first: usize, outputs: &[T], seeds: &mut [T]) -> T {
        let share = T::of(2.0 / self.0.len() as f64);
        let mut sum = T::ZERO;
        let aims = &self.0[2 * first..][..outputs.len()];
        for (k, ((seed, &output), &aim)) in seeds.iter_mut().zip(outputs).zip(aims).enumerate() {
            let missed = output - aim;
            let weight = self.1.get(first + k / 2);
            let share = weight.map_or(share, |&weight| share * T::of(weight));
            sum += share * missed * missed;
            *seed = (share + share) * missed;
        }
        sum
    }
}

impl<T: Real> Mlp<T> {
    /// A network with so many `inputs` and these hidden widths; the output layer of one that gives displacements is zero.
    pub(super) fn new(
        inputs: usize,
        hidden: &[usize],
        units: Units,
        spec: &TrainingSpec,
        stream: Stream,
    ) -> Self {
        let mut network = Network::between([inputs, 2], hidden, spec.activation, stream);
        if spec.residual {
            network.silence();
        }
        // What lies across the line stays nothing.
        (units.dimension..2).for_each(|axis| network.silence_output(axis));
        let count = network.parameters().len();
        Self {
            units,
            average: (spec.average > 0.0).then(|| network.clone()),
            network,
            optimizer: Optimizer::new(spec.optimizer, spec.betas, count),
            workspace: Workspace::new(),
            gradient: vec![T::ZERO; count],
            batch: [Vec::new(), Vec::new()],
        }
    }
}

impl<T: Real> Mlp<T> {
    /// Latent points in the network's units, row by row.
    fn latents(&self, z: CloudView<'_>) -> Vec<T> {
        let narrow = |((_, axis), &v): ((usize, usize), &f64)| T::of(self.units.latent(v, axis));
        z.indexed_iter().map(narrow).collect()
    }
}

impl<T: Real> Mlp<T> {
    fn map(&self, network: &Network<T>, z: CloudView<'_>) -> Cloud {
        let mut outputs = vec![T::ZERO; 2 * z.nrows()];
        network.evaluate(&self.latents(z), &mut outputs);
        Array2::from_shape_fn((z.nrows(), 2), |(i, axis)| {
            self.units.before(z.row(i), axis) + self.units.output * outputs[2 * i + axis].wide()
        })
    }
}

impl<T: Real> Model for Mlp<T> {
    fn apply(&self, z: CloudView<'_>) -> Cloud {
        self.map(self.average.as_ref().unwrap_or(&self.network), z)
    }

    fn present(&self, z: CloudView<'_>) -> Cloud {
        self.map(&self.network, z)
    }

    fn average(&mut self, decay: f64) {
        if let Some(average) = &mut self.average {
            average.follow(&self.network, decay);
        }
    }

    fn descend(&mut self, z: CloudView<'_>, slopes: &Cloud, rate: f64) {
        let seeds: Vec<T> = slopes
            .iter()
            .map(|&slope| T::of(self.units.output * slope))
            .collect();
        let known = Known(&seeds);
        self.network.train(
            &self.latents(z),
            &known,
            &mut self.workspace,
            &mut self.gradient,
        );
        self.optimizer
            .step(rate, &self.gradient, self.network.parameters_mut());
    }

    /// Forward and backward in one pass: the network itself should give `(aim − b − k z)/s`.
    fn approach(&mut self, z: CloudView<'_>, aim: CloudView<'_>, weights: &[f64], rate: f64) {
        let units = self.units;
        let [at, aims] = &mut self.batch;
        at.clear();
        at.extend(
            z.indexed_iter()
                .map(|((_, axis), &v)| T::of(units.latent(v, axis))),
        );
        aims.clear();
        aims.extend(
            aim.indexed_iter().map(|((i, axis), &aim)| {
                T::of((aim - units.before(z.row(i), axis)) / units.output)
            }),
        );
        self.network.train(
            at,
            &Nearness(aims, weights),
            &mut self.workspace,
            &mut self.gradient,
        );
        self.optimizer
            .step(rate, &self.gradient, self.network.parameters_mut());
    }

    fn parameters(&self) -> Vec<f64> {
        wide(self.average.as_ref().unwrap_or(&self.network))
    }

    fn layers(&self) -> Vec<Affinity> {
        self.average.as_ref().unwrap_or(&self.network).layers()
    }

    fn set_layers(&mut self, layers: &[Affinity]) -> bool {
        let averages = self.average.as_mut().into_iter();
        averages.fold(self.network.set_layers(layers), |fit, average| {
            fit && average.set_layers(layers)
        })
    }

    fn state(&self) -> Vec<f64> {
        let mut state = wide(&self.network);
        state.extend(self.optimizer.state());
        state.extend(self.average.iter().flat_map(wide));
        state
    }

    fn load_state(&mut self, state: &[f64]) -> bool {
        let count = self.network.parameters().len();
        let averages = if self.average.is_some() { count } else { 0 };
        if state.len() != count + self.optimizer.state_len() + averages {
            return false;
        }
        let (parameters, memory) = state.split_at(count);
        let (memory, average) = memory.split_at(self.optimizer.state_len());
        let networks = [Some(&mut self.network), self.average.as_mut()];
        let networks = networks.into_iter().flatten();
        for (network, values) in networks.zip([parameters, average]) {
            for (place, &value) in network.parameters_mut().iter_mut().zip(values) {
                *place = T::of(value);
            }
        }
        self.optimizer.load_state(memory);
        true
    }
}

fn wide<T: Real>(network: &Network<T>) -> Vec<f64> {
    network.parameters().iter().map(|p| p.wide()).collect()
}

/// `g(z) = m + S z` with a full matrix S (`MonoFlow`, section 4.3), held as `z + s (m′ + S′ (z − c)/a)`, the parameters being
/// `m′₁, m′₂, S′₁₁, S′₁₂, S′₂₁, S′₂₂`, all zero at first.
#[derive(Debug)]
pub(super) struct Affine {
    units: Units,
    parameters: [f64; 6],
    average: Option<[f64; 6]>,
    optimizer: Optimizer<f64>,
}

impl Affine {
    pub(super) fn new(units: Units, spec: &TrainingSpec) -> Self {
        Self {
            units,
            parameters: [0.0; 6],
            average: (spec.average > 0.0).then_some([0.0; 6]),
            optimizer: Optimizer::new(spec.optimizer, spec.betas, 6),
        }
    }

    /// One optimiser step, given the gradient of the loss by what the map gives in its own units.
    fn follow(&mut self, z: CloudView<'_>, slopes: &Cloud, rate: f64) {
        let mut gradient = [0.0; 6];
        for (z, slope) in z.rows().into_iter().zip(slopes.rows()) {
            for axis in 0..2 {
                gradient[axis] += slope[axis];
                for k in 0..2 {
                    gradient[2 + 2 * axis + k] += slope[axis] * self.units.latent(z[k], k);
                }
            }
        }
        self.optimizer.step(rate, &gradient, &mut self.parameters);
    }
}

impl Affine {
    fn map(&self, parameters: [f64; 6], z: CloudView<'_>) -> Cloud {
        let units = self.units;
        let [m0, m1, a, b, c, d] = parameters;
        Array2::from_shape_fn(z.raw_dim(), |(i, axis)| {
            let [x, y] = [0, 1].map(|k| units.latent(z[[i, k]], k));
            let moved = if axis == 0 {
                m0 + (a * x + b * y)
            } else {
                m1 + (c * x + d * y)
            };
            z[[i, axis]] + units.output * moved
        })
    }
}

impl Model for Affine {
    fn apply(&self, z: CloudView<'_>) -> Cloud {
        self.map(self.average.unwrap_or(self.parameters), z)
    }

    fn present(&self, z: CloudView<'_>) -> Cloud {
        self.map(self.parameters, z)
    }

    fn average(&mut self, decay: f64) {
        if let Some(average) = &mut self.average {
            for (mean, &value) in average.iter_mut().zip(&self.parameters) {
                *mean = decay * *mean + (1.0 - decay) * value;
            }
        }
    }

    fn descend(&mut self, z: CloudView<'_>, slopes: &Cloud, rate: f64) {
        self.follow(z, &(slopes * self.units.output), rate);
    }

    fn approach(&mut self, z: CloudView<'_>, aim: CloudView<'_>, weights: &[f64], rate: f64) {
        let share = 2.0 / z.nrows() as f64;
        let mut slopes = (self.present(z) - aim) / self.units.output * share;
        for (mut row, weight) in slopes.rows_mut().into_iter().zip(weights) {
            row *= *weight;
        }
        self.follow(z, &slopes, rate);
    }

    fn parameters(&self) -> Vec<f64> {
        let Units {
            centre,
            input,
            output,
            ..
        } = self.units;
        let [m0, m1, rest @ ..] = self.average.unwrap_or(self.parameters);
        let bend = rest.map(|v| output * v / input);
        let shift = |m: f64, row: [f64; 2]| output * m - (row[0] * centre[0] + row[1] * centre[1]);
        let [a, b, c, d] = bend;
        vec![shift(m0, [a, b]), shift(m1, [c, d]), 1.0 + a, b, c, 1.0 + d]
    }

    fn layers(&self) -> Vec<Affinity> {
        let [m0, m1, a, b, c, d] = self.average.unwrap_or(self.parameters);
        vec![(arr2(&[[a, b], [c, d]]), arr1(&[m0, m1]))]
    }

    fn matrix(&self) -> Option<[[f64; 2]; 2]> {
        let [_, _, rest @ ..] = self.parameters;
        let [a, b, c, d] = rest.map(|v| self.units.output * v / self.units.input);
        Some([[1.0 + a, b], [c, 1.0 + d]])
    }

    fn set_layers(&mut self, layers: &[Affinity]) -> bool {
        let [(s, m)] = layers else {
            return false;
        };
        if s.dim() != (2, 2) || m.dim() != 2 {
            return false;
        }
        self.parameters = [m[0], m[1], s[[0, 0]], s[[0, 1]], s[[1, 0]], s[[1, 1]]];
        self.average = self.average.map(|_| self.parameters);
        true
    }

    fn state(&self) -> Vec<f64> {
        let average = self.average.map_or_else(Vec::new, |mean| mean.to_vec());
        [self.parameters.to_vec(), self.optimizer.state(), average].concat()
    }

    fn load_state(&mut self, state: &[f64]) -> bool {
        let averages = if self.average.is_some() { 6 } else { 0 };
        if state.len() != 6 + self.optimizer.state_len() + averages {
            return false;
        }
        let (parameters, memory) = state.split_at(6);
        let (memory, average) = memory.split_at(self.optimizer.state_len());
        self.parameters.copy_from_slice(parameters);
        if let Some(mean) = &mut self.average {
            mean.copy_from_slice(average);
        }
        self.optimizer.load_state(memory);
        true
    }
}

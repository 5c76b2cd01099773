//! A small multilayer perceptron, on the plane unless told otherwise, with gradients by its parameters and by its input.

mod activation;
mod aligned;
mod layers;
mod optimizer;
mod pass;
mod product;
mod tape;

pub use activation::Activation;
pub use layers::Affinity;
pub use optimizer::{Optimizer, OptimizerKind, check_betas};
pub(crate) use pass::CHUNK;
pub use pass::{Objective, Workspace};

pub use crate::numeric::Real;

use rand::Rng;

use crate::random::Stream;
use crate::setting::{Invalid, at_least};
use aligned::Aligned;
use product::padded;

/// Widest hidden layer that is accepted, and most layers: far beyond what two dimensions can use, and
/// small enough that no setting can ask for more memory than there is.
const WIDEST: usize = 4096;
const DEEPEST: usize = 16;

/// A fully connected network `ℝⁱ → ℝᵒ`, i being 2 unless told otherwise,
///
/// `a₀ = x`, `aₗ = φ(Wₗ aₗ₋₁ + bₗ)` for the hidden layers, `out = W a + b`,
///
/// in the precision `T`: `f32` where speed counts, `f64` where it is the reference.
///
/// All parameters lie in one flat vector. A hidden layer of width `w` fed by `i` numbers is stored as `i`
/// rows of weights (row `k` holds what input `k` gives to each unit) and a row of biases, each row filled
/// up with zeros to a multiple of 16; the output layer is one such row of weights for each output, then
/// the biases of the outputs, filled up in the same way. The zeros that fill up have no effect and no
/// gradient, so that they stay zeros.
///
/// Every sum runs in an order that depends neither on the number of threads nor on the processor.
#[derive(Clone, Debug)]
pub struct Network<T: Real> {
    layers: Vec<Layer>,
    outputs: usize,
    activation: Activation,
    parameters: Aligned<T>,
}

/// A hidden layer, or the output layer, of which `width` is the number of outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layer {
    /// Numbers that come in.
    inputs: usize,
    /// Units.
    width: usize,
    /// Length of a stored row.
    row: usize,
    /// Place of the weights among the parameters.
    weights: usize,
    /// Place of the biases among the parameters.
    biases: usize,
}

/// Checks the widths of the hidden layers, for the specifications that hold them.
///
/// # Errors
/// [`Invalid`] naming `key`, if there is no layer, or too many, or one too narrow or too wide.
pub fn check_widths(key: &str, hidden: &[usize]) -> Result<(), Invalid> {
    if hidden.is_empty() || hidden.len() > DEEPEST {
        return Err(Invalid::new(
            key,
            format!("{hidden:?}"),
            format!("must hold the widths of 1 to {DEEPEST} hidden layers, such as [64, 64, 64]"),
        ));
    }
    for (place, &width) in hidden.iter().enumerate() {
        let key = format!("{key}[{place}]");
        at_least(&key, width, 1)?;
        if width > WIDEST {
            return Err(Invalid::new(
                key,
                width,
                format!("must be at most {WIDEST}"),
            ));
        }
    }
    Ok(())
}

impl<T: Real> Network<T> {
    /// A network on the plane with `hidden` widths (at least one, none of them 0) and `outputs` numbers out, its parameters drawn from
    /// `stream` by the usual fan-in rule: weights uniform in `±gain √(3/i)` for `i` incoming numbers, with
    /// the gain that keeps the activation's variance (He et al. 2015), biases uniform in `±1/√i`. The
    /// output layer has gain 1.
    #[must_use]
    pub fn new(hidden: &[usize], outputs: usize, activation: Activation, stream: Stream) -> Self {
        Self::between([2, outputs], hidden, activation, stream)
    }

    /// The same with so many numbers in (at least one) and out.
    #[must_use]
    pub fn between(
        [inputs, outputs]: [usize; 2],
        hidden: &[usize],
        activation: Activation,
        stream: Stream,
    ) -> Self {
        let (layers, length) = arrange([inputs, outputs], hidden);
        let mut parameters = Aligned::zeros(length);
        let mut rng = stream.rng();
        for (place, layer) in layers.iter().enumerate() {
            let last = place + 1 == layers.len();
            let inputs = layer.inputs as f64;
            let gain = if last { 1.0 } else { activation.gain() };
            let bound = gain * (3.0 / inputs).sqrt();
            let (rows, used) = if last {
                (layer.width, layer.inputs)
            } else {
                (layer.inputs, layer.width)
            };
            for row in 0..rows {
                let start = layer.weights + row * layer.row;
                for weight in &mut parameters[start..start + used] {
                    *weight = T::of(rng.random_range(-bound..bound));
                }
            }
            let bound = 1.0 / inputs.sqrt();
            for bias in &mut parameters[layer.biases..layer.biases + layer.width] {
                *bias = T::of(rng.random_range(-bound..bound));
            }
        }
        Self {
            layers,
            outputs,
            activation,
            parameters,
        }
    }

    /// Sets the output layer to zero, so that the network gives exactly zero everywhere and yet learns.
    pub fn silence(&mut self) {
        let start = self.output().weights;
        self.parameters[start..].fill(T::ZERO);
    }

    /// Sets what belongs to one output to zero, so that this one is exactly zero everywhere.
    pub fn silence_output(&mut self, output: usize) {
        let Layer {
            row,
            weights,
            biases,
            ..
        } = *self.output();
        self.parameters[weights + output * row..][..row].fill(T::ZERO);
        self.parameters[biases + output] = T::ZERO;
    }

    /// Moves its parameters towards those of `other`, of the same shape, of which it takes the part `1 − decay`: a running average.
    pub fn follow(&mut self, other: &Self, decay: f64) {
        let (kept, new) = (T::of(decay), T::of(1.0 - decay));
        for (mean, &value) in self.parameters.iter_mut().zip(other.parameters.iter()) {
            *mean = kept * *mean + new * value;
        }
    }

    /// How many numbers go in.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.layers[0].inputs
    }

    /// How many numbers come out.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// All parameters, in the order given above.
    #[must_use]
    pub fn parameters(&self) -> &[T] {
        &self.parameters
    }

    /// All parameters, to be changed.
    pub fn parameters_mut(&mut self) -> &mut [T] {
        &mut self.parameters
    }

    fn hidden(&self) -> &[Layer] {
        &self.layers[..self.layers.len() - 1]
    }

    fn output(&self) -> &Layer {
        &self.layers[self.layers.len() - 1]
    }
}

/// Lays the layers out one after the other; gives them and the number of parameters.
fn arrange([mut inputs, outputs]: [usize; 2], hidden: &[usize]) -> (Vec<Layer>, usize) {
    let mut layers = Vec::with_capacity(hidden.len() + 1);
    let mut place = 0;
    for &width in hidden {
        let row = padded(width);
        let biases = place + inputs * row;
        layers.push(Layer {
            inputs,
            width,
            row,
            weights: place,
            biases,
        });
        place = biases + row;
        inputs = width;
    }
    let row = padded(inputs);
    let biases = place + outputs * row;
    layers.push(Layer {
        inputs,
        width: outputs,
        row,
        weights: place,
        biases,
    });
    (layers, biases + padded(outputs))
}

/// Bytes that training a network takes with numbers of `size` bytes: what grows with its weights (their moments, and what is kept in case a fit fails),
/// and what each chunk of the `rows` of a batch has of its own: a gradient, and the activations of a tile. Measured up to 2000 units a layer.
pub(crate) fn training_bytes(hidden: &[usize], rows: f64, size: f64) -> [f64; 2] {
    let weights = weights(hidden);
    let units = hidden.iter().sum::<usize>() as f64;
    let chunk = size * (weights + 160.0 * units);
    [32.0 * size * weights, (rows / CHUNK as f64).ceil() * chunk]
}

/// Number of weights between layers of these widths, two numbers in and two out; a few more of either change little.
fn weights(hidden: &[usize]) -> f64 {
    let widths = [2].into_iter().chain(hidden.iter().copied()).chain([2]);
    let widths: Vec<f64> = widths.map(|width| width as f64).collect();
    widths
        .windows(2)
        .map(|pair| (pair[0] + 1.0) * pair[1])
        .sum()
}

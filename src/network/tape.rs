//! What is remembered between the forward and the backward pass over a tile of samples.

#![allow(clippy::inline_always, reason = "a call would keep the loops scalar")]

use super::aligned::Aligned;
use super::product::{Start, TILE, add_columns, dots, times, transposed_times};
use super::{Layer, Network, Real};

/// How much a forward pass has to remember.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    Values,
    Slopes,
    Bends,
}

/// All that is remembered of one tile of samples between forward and backward, sample by sample: each
/// buffer holds `TILE` rows.
#[derive(Debug)]
pub(super) struct Tape<T> {
    pub(super) input: Aligned<T>,
    pub(super) hidden: Vec<Hidden<T>>,
    pub(super) outputs: Aligned<T>,
    /// `∂ loss/∂ output`.
    pub(super) seeds: Aligned<T>,
    /// `∇ₓ output`.
    pub(super) input_gradient: Aligned<T>,
    pub(super) penalties: Vec<T>,
    /// `∂ loss/∂ a` of the layer at hand, then `∂ loss/∂ z`.
    pub(super) adjoint: Aligned<T>,
    pub(super) next: Aligned<T>,
}

/// The part of the tape that belongs to one hidden layer `a = φ(z)`.
#[derive(Debug)]
pub(super) struct Hidden<T> {
    /// `a`.
    pub(super) value: Aligned<T>,
    /// `φ'(z)`.
    pub(super) slope: Aligned<T>,
    /// `φ''(z)`; for the penalty it becomes `φ''(z) ∂D/∂a`, then `φ''(z) ż ∂D/∂a`.
    pub(super) bend: Aligned<T>,
    /// `∂D/∂z`.
    pub(super) sensitivity: Aligned<T>,
    /// `ȧ`, the derivative of `a` along a direction in the plane.
    pub(super) tangent: Aligned<T>,
}

impl<T: Real> Tape<T> {
    pub(super) fn new(network: &Network<T>) -> Self {
        let tile = |row: usize| Aligned::zeros(TILE * row);
        let widest = network.hidden().iter().map(|l| l.row).max().unwrap_or(0);
        Self {
            input: tile(network.inputs()),
            hidden: network
                .hidden()
                .iter()
                .map(|layer| Hidden {
                    value: tile(layer.row),
                    slope: tile(layer.row),
                    bend: tile(layer.row),
                    sensitivity: tile(layer.row),
                    tangent: tile(layer.row),
                })
                .collect(),
            outputs: tile(network.outputs),
            seeds: tile(network.outputs),
            input_gradient: tile(2),
            penalties: vec![T::ZERO; TILE],
            adjoint: tile(widest),
            next: tile(widest),
        }
    }

    /// Whether the tape was made for a network of this shape.
    pub(super) fn fits(&self, network: &Network<T>) -> bool {
        let rows = network.hidden().iter().map(|layer| TILE * layer.row);
        self.outputs.len() == TILE * network.outputs
            && self.input.len() == TILE * network.inputs()
            && self.hidden.iter().map(|h| h.value.len()).eq(rows)
    }

    /// Takes up to a tile of points, and zeros for the rest.
    #[inline(always)]
    pub(super) fn load(&mut self, at: &[T]) {
        self.input[..at.len()].copy_from_slice(at);
        self.input[at.len()..].fill(T::ZERO);
    }

    #[inline(always)]
    pub(super) fn forward<const M: usize, const FUSED: bool>(
        &mut self,
        network: &Network<T>,
        depth: Depth,
    ) {
        for (place, layer) in network.hidden().iter().enumerate() {
            let (before, here) = self.hidden.split_at_mut(place);
            let here = &mut here[0];
            let (input, stride) = match before.last() {
                Some(below) => (&*below.value, below.value.len() / TILE),
                None => (&*self.input, layer.inputs),
            };
            let weights = &network.parameters[layer.weights..layer.biases];
            let biases = &network.parameters[layer.biases..][..layer.row];
            times::<T, M, FUSED>(
                input,
                stride,
                layer.inputs,
                weights,
                layer.row,
                Start::Row(biases),
                &mut here.value,
            );
            match depth {
                Depth::Values => network.activation.apply::<T, FUSED>(&mut here.value),
                Depth::Slopes => network
                    .activation
                    .apply_with_slopes::<T, FUSED>(&mut here.value, &mut here.slope),
                Depth::Bends => network.activation.apply_with_bends::<T, FUSED>(
                    &mut here.value,
                    &mut here.slope,
                    &mut here.bend,
                ),
            }
        }
        let Some(top) = self.hidden.last() else {
            return;
        };
        let layer = network.output();
        let weights = &network.parameters[layer.weights..layer.biases];
        let biases = &network.parameters[layer.biases..][..layer.width];
        dots::<T, FUSED>(&top.value, weights, layer.row, biases, &mut self.outputs);
    }

    /// Back from the one output to the input, a point of the plane: `∂D/∂z` in each layer, and `∇ₓD`.
    #[inline(always)]
    pub(super) fn sensitivities<const M: usize, const FUSED: bool>(
        &mut self,
        network: &Network<T>,
        transposed: &[Aligned<T>],
        penalised: bool,
    ) {
        let output = network.output();
        let weights = &network.parameters[output.weights..output.biases];
        for place in (0..self.hidden.len()).rev() {
            let layer = &network.layers[place];
            let (here, above) = self.hidden.split_at_mut(place + 1);
            let here = &mut here[place];
            match above.first() {
                None => {
                    for line in here.sensitivity.chunks_exact_mut(layer.row) {
                        line.copy_from_slice(weights);
                    }
                }
                Some(above) => {
                    times::<T, M, FUSED>(
                        &above.sensitivity,
                        network.layers[place + 1].row,
                        network.layers[place + 1].width,
                        &transposed[place],
                        layer.row,
                        Start::Zero,
                        &mut here.sensitivity,
                    );
                }
            }
            // The sensitivity is that of `a` up to here. The tangent pass needs it times φ''.
            if penalised {
                for (bend, &sensitivity) in here.bend.iter_mut().zip(here.sensitivity.iter()) {
                    *bend = (*bend * sensitivity.flushed()).flushed();
                }
            }
            for (sensitivity, &slope) in here.sensitivity.iter_mut().zip(here.slope.iter()) {
                *sensitivity = (sensitivity.flushed() * slope).flushed();
            }
        }
        let first = &network.layers[0];
        let weights = &network.parameters[first.weights..first.biases];
        dots::<T, FUSED>(
            &self.hidden[0].sensitivity,
            weights,
            first.row,
            &[T::ZERO; 2],
            &mut self.input_gradient,
        );
    }

    /// The penalty `w (‖u‖ − s)²`, `u = ∇ₓD`, whose parameter gradient is that of the directional derivative
    /// `v·∇ₓD` with `v = 2w (1 − s/‖u‖) u`, the penalty's gradient by `u`, held fixed: forward along `v`, leaving in each
    /// layer `ȧ` and `φ''(z) ż ∂D/∂a`, which [`backward`](Self::backward) adds to `∂ loss/∂z`, and adding `ȧᵀ ∂D/∂z`
    /// to the weight gradients at once. Where `u = 0`, which way to lengthen it is unknown, and `v` is taken for 0. Gives
    /// the penalty.
    #[inline(always)]
    pub(super) fn tangents<const M: usize, const FUSED: bool>(
        &mut self,
        network: &Network<T>,
        slope: T,
        gradient: &mut [T],
    ) -> T {
        let mut penalty = T::ZERO;
        for (u, &weight) in self.input_gradient.chunks_exact_mut(2).zip(&self.penalties) {
            let length = (u[0] * u[0] + u[1] * u[1]).sqrt();
            let excess = length - slope;
            penalty += weight * excess * excess;
            let share = if length > T::ZERO {
                excess / length
            } else {
                T::ZERO
            };
            let factor = (weight + weight) * share;
            u[0] *= factor;
            u[1] *= factor;
        }
        for (place, layer) in network.hidden().iter().enumerate() {
            let (before, here) = self.hidden.split_at_mut(place);
            let here = &mut here[0];
            let (input, stride) = match before.last() {
                Some(below) => (&*below.tangent, below.tangent.len() / TILE),
                None => (&*self.input_gradient, 2),
            };
            let weights = &network.parameters[layer.weights..layer.biases];
            times::<T, M, FUSED>(
                input,
                stride,
                layer.inputs,
                weights,
                layer.row,
                Start::Zero,
                &mut here.tangent,
            );
            transposed_times::<T, M, FUSED>(
                input,
                stride,
                layer.inputs,
                &here.sensitivity,
                layer.row,
                &mut gradient[layer.weights..layer.biases],
            );
            for ((tangent, &slope), bend) in here
                .tangent
                .iter_mut()
                .zip(here.slope.iter())
                .zip(here.bend.iter_mut())
            {
                *bend = (*bend * tangent.flushed()).flushed();
                *tangent = (tangent.flushed() * slope).flushed();
            }
        }
        if let Some(top) = self.hidden.last() {
            let layer = network.output();
            add_columns(
                &top.tangent,
                layer.row,
                &mut gradient[layer.weights..layer.biases],
            );
        }
        penalty
    }

    /// Back from the seeds to the parameters, whose gradient is added to.
    #[inline(always)]
    pub(super) fn backward<const M: usize, const FUSED: bool>(
        &mut self,
        network: &Network<T>,
        transposed: &[Aligned<T>],
        penalised: bool,
        gradient: &mut [T],
    ) {
        let few = network.outputs;
        let output = network.output();
        let top = self.hidden.len() - 1;
        transposed_times::<T, M, FUSED>(
            &self.seeds,
            few,
            few,
            &self.hidden[top].value,
            output.row,
            &mut gradient[output.weights..output.biases],
        );
        add_columns(
            &self.seeds,
            few,
            &mut gradient[output.biases..output.biases + few],
        );
        let size = TILE * output.row;
        times::<T, M, FUSED>(
            &self.seeds,
            few,
            few,
            &network.parameters[output.weights..output.biases],
            output.row,
            Start::Zero,
            &mut self.adjoint[..size],
        );
        for place in (0..=top).rev() {
            let layer: &Layer = &network.layers[place];
            let size = TILE * layer.row;
            let (before, here) = self.hidden.split_at(place);
            let here = &here[0];
            let adjoint = &mut self.adjoint[..size];
            for (adjoint, &slope) in adjoint.iter_mut().zip(here.slope.iter()) {
                *adjoint = (adjoint.flushed() * slope).flushed();
            }
            if penalised {
                for (adjoint, &bend) in adjoint.iter_mut().zip(here.bend.iter()) {
                    *adjoint += bend;
                }
            }
            let (input, stride) = match before.last() {
                Some(below) => (&*below.value, below.value.len() / TILE),
                None => (&*self.input, layer.inputs),
            };
            transposed_times::<T, M, FUSED>(
                input,
                stride,
                layer.inputs,
                adjoint,
                layer.row,
                &mut gradient[layer.weights..layer.biases],
            );
            add_columns(
                adjoint,
                layer.row,
                &mut gradient[layer.biases..layer.biases + layer.row],
            );
            if place > 0 {
                let row = network.layers[place - 1].row;
                let next = &mut self.next[..TILE * row];
                times::<T, M, FUSED>(
                    adjoint,
                    layer.row,
                    layer.width,
                    &transposed[place - 1],
                    row,
                    Start::Zero,
                    next,
                );
                std::mem::swap(&mut self.adjoint, &mut self.next);
            }
        }
    }
}

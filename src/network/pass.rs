//! Forward and backward through a network, tile by tile: values, input gradients, parameter gradients.

#![expect(
    clippy::inline_always,
    reason = "one body, compiled for each instruction set by the two entries below"
)]

use multiversion::multiversion;
use multiversion::target::target_cfg_f;
use rayon::prelude::*;

use super::aligned::Aligned;
use super::product::{Start, TILE, add_columns, dots, times, transposed_times};
use super::{Layer, Network, Real};

/// Samples in a unit of parallel work. It is fixed, so that sums do not depend on the number of threads.
pub(crate) const CHUNK: usize = 8 * TILE;

/// What a network is trained for: a sum over samples of `loss(output) + w (‖∇ₓ output‖ − s)²`.
pub trait Objective<T: Real>: Sync {
    /// Writes `∂ loss/∂ output` for a few consecutive samples, the first of which is number `first` of the
    /// batch, into `seeds`, and gives the sum of their losses. `outputs` and `seeds` are `n×o`.
    fn seeds(&self, first: usize, outputs: &[T], seeds: &mut [T]) -> T;

    /// Writes the weights `w ≥ 0` of the penalty on the input gradient, and says whether any of them is above zero. For
    /// networks with one output.
    fn penalties(&self, _first: usize, _weights: &mut [T]) -> bool {
        false
    }

    /// The length `s ≥ 0` that the input gradient is to have: 0 for R1 (Mescheder et al. 2018), 1 for the gradient penalty
    /// of a Wasserstein critic (Gulrajani et al. 2017).
    fn slope(&self) -> T {
        T::ZERO
    }
}

/// Memory for [`Network::train`], to be used again and again.
#[derive(Debug, Default)]
pub struct Workspace<T> {
    transposed: Vec<Aligned<T>>,
    parts: Vec<Part<T>>,
}

/// What one chunk of a batch needs: room for a tile, and the gradient that the chunk adds up to.
#[derive(Debug)]
struct Part<T> {
    tape: Tape<T>,
    gradient: Aligned<T>,
    loss: T,
}

impl<T: Real> Workspace<T> {
    /// No memory yet; the first use takes it.
    #[must_use]
    pub fn new() -> Self {
        Self {
            transposed: Vec::new(),
            parts: Vec::new(),
        }
    }
}

impl<T: Real> Network<T> {
    /// Writes the outputs at the points `at` (`n×2`, row by row) into `outputs` (`n×o`).
    pub fn evaluate(&self, at: &[T], outputs: &mut [T]) {
        at.par_chunks(2 * CHUNK)
            .zip(outputs.par_chunks_mut(self.outputs * CHUNK))
            .for_each_init(
                || Tape::new(self),
                |tape, (at, outputs)| evaluate_chunk(self, &[], at, outputs, &mut [], tape),
            );
    }

    /// Writes the first output (`n`) and its gradient by the input (`n×2`) at the points `at` (`n×2`).
    ///
    /// # Panics
    /// If the network has more than one output.
    pub fn evaluate_with_gradient(&self, at: &[T], outputs: &mut [T], gradient: &mut [T]) {
        assert_eq!(self.outputs, 1, "the input gradient is that of a scalar");
        let mut transposed = Vec::new();
        self.transpose(&mut transposed);
        at.par_chunks(2 * CHUNK)
            .zip(outputs.par_chunks_mut(CHUNK))
            .zip(gradient.par_chunks_mut(2 * CHUNK))
            .for_each_init(
                || Tape::new(self),
                |tape, ((at, outputs), gradient)| {
                    evaluate_chunk(self, &transposed, at, outputs, gradient, tape);
                },
            );
    }

    /// Writes the gradient of the objective's sum over the points `at` (`n×2`) by the parameters into
    /// `gradient`, and gives the sum.
    ///
    /// # Panics
    /// If `gradient` is not as long as [`parameters`](Self::parameters).
    pub fn train(
        &self,
        at: &[T],
        objective: &dyn Objective<T>,
        workspace: &mut Workspace<T>,
        gradient: &mut [T],
    ) -> T {
        let Workspace { transposed, parts } = workspace;
        self.transpose(transposed);
        let count = at.len().div_ceil(2 * CHUNK);
        parts.retain(|part| part.gradient.len() == self.parameters.len() && part.tape.fits(self));
        while parts.len() < count {
            parts.push(Part {
                tape: Tape::new(self),
                gradient: Aligned::zeros(self.parameters.len()),
                loss: T::ZERO,
            });
        }
        let work = |(place, (at, part)): (usize, (&[T], &mut Part<T>))| {
            part.gradient.fill(T::ZERO);
            part.loss = train_chunk(
                self,
                transposed,
                at,
                place * CHUNK,
                objective,
                &mut part.tape,
                &mut part.gradient,
            );
        };
        if count == 1 {
            work((0, (at, &mut parts[0])));
        } else {
            at.par_chunks(2 * CHUNK)
                .zip(parts.par_iter_mut())
                .enumerate()
                .for_each(work);
        }
        gradient.fill(T::ZERO);
        let mut loss = T::ZERO;
        for part in &parts[..count] {
            loss += part.loss;
            for (sum, &value) in gradient.iter_mut().zip(part.gradient.iter()) {
                *sum += value;
            }
        }
        loss
    }

    /// Writes the weights of all hidden layers but the first, transposed: one row for each unit.
    fn transpose(&self, into: &mut Vec<Aligned<T>>) {
        let layers = &self.hidden()[1..];
        into.truncate(layers.len());
        for (place, layer) in layers.iter().enumerate() {
            let row = self.layers[place].row;
            if into.get(place).is_none_or(|m| m.len() != layer.row * row) {
                into.truncate(place);
                into.push(Aligned::zeros(layer.row * row));
            }
            let weights = &self.parameters[layer.weights..layer.biases];
            for (unit, line) in into[place].chunks_exact_mut(row).enumerate() {
                for (input, value) in line[..layer.inputs].iter_mut().enumerate() {
                    *value = weights[input * layer.row + unit];
                }
            }
        }
    }
}

/// Evaluates up to a chunk of points; with the gradient where `gradient` is not empty.
#[multiversion(targets = "simd")]
fn evaluate_chunk<T: Real>(
    network: &Network<T>,
    transposed: &[Aligned<T>],
    at: &[T],
    outputs: &mut [T],
    gradient: &mut [T],
    tape: &mut Tape<T>,
) {
    let wide = target_cfg_f!(target_feature = "avx512f");
    let fused = target_cfg_f!(any(target_feature = "fma", target_feature = "neon"));
    match (wide, fused) {
        (true, _) => evaluate::<T, 8, true>(network, transposed, at, outputs, gradient, tape),
        (false, true) => evaluate::<T, 2, true>(network, transposed, at, outputs, gradient, tape),
        // Without such an instruction `mul_add` is a slow call.
        (false, false) => evaluate::<T, 2, false>(network, transposed, at, outputs, gradient, tape),
    }
}

/// Adds the gradient of the objective over up to a chunk of points to `gradient`, and gives its value.
#[multiversion(targets = "simd")]
fn train_chunk<T: Real>(
    network: &Network<T>,
    transposed: &[Aligned<T>],
    at: &[T],
    first: usize,
    objective: &dyn Objective<T>,
    tape: &mut Tape<T>,
    gradient: &mut [T],
) -> T {
    let wide = target_cfg_f!(target_feature = "avx512f");
    let fused = target_cfg_f!(any(target_feature = "fma", target_feature = "neon"));
    match (wide, fused) {
        (true, _) => train::<T, 8, true>(network, transposed, at, first, objective, tape, gradient),
        (false, true) => {
            train::<T, 2, true>(network, transposed, at, first, objective, tape, gradient)
        }
        (false, false) => {
            train::<T, 2, false>(network, transposed, at, first, objective, tape, gradient)
        }
    }
}

#[inline(always)]
fn evaluate<T: Real, const M: usize, const FUSED: bool>(
    network: &Network<T>,
    transposed: &[Aligned<T>],
    at: &[T],
    outputs: &mut [T],
    gradient: &mut [T],
    tape: &mut Tape<T>,
) {
    let few = network.outputs;
    let mut gradient = gradient.chunks_mut(2 * TILE);
    for (at, outputs) in at.chunks(2 * TILE).zip(outputs.chunks_mut(few * TILE)) {
        tape.load(at);
        if let Some(gradient) = gradient.next() {
            tape.forward::<M, FUSED>(network, Depth::Slopes);
            tape.sensitivities::<M, FUSED>(network, transposed, false);
            gradient.copy_from_slice(&tape.input_gradient[..gradient.len()]);
        } else {
            tape.forward::<M, FUSED>(network, Depth::Values);
        }
        outputs.copy_from_slice(&tape.outputs[..outputs.len()]);
    }
}

#[inline(always)]
fn train<T: Real, const M: usize, const FUSED: bool>(
    network: &Network<T>,
    transposed: &[Aligned<T>],
    at: &[T],
    first: usize,
    objective: &dyn Objective<T>,
    tape: &mut Tape<T>,
    gradient: &mut [T],
) -> T {
    let few = network.outputs;
    let mut loss = T::ZERO;
    for (place, at) in at.chunks(2 * TILE).enumerate() {
        let (first, count) = (first + place * TILE, at.len() / 2);
        tape.load(at);
        tape.penalties.fill(T::ZERO);
        let penalised = objective.penalties(first, &mut tape.penalties[..count]);
        let depth = if penalised {
            Depth::Bends
        } else {
            Depth::Slopes
        };
        tape.forward::<M, FUSED>(network, depth);
        tape.seeds.fill(T::ZERO);
        loss += objective.seeds(
            first,
            &tape.outputs[..few * count],
            &mut tape.seeds[..few * count],
        );
        if penalised {
            tape.sensitivities::<M, FUSED>(network, transposed, true);
            loss += tape.tangents::<M, FUSED>(network, objective.slope(), gradient);
        }
        tape.backward::<M, FUSED>(network, transposed, penalised, gradient);
    }
    loss
}

/// How much a forward pass has to remember.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Values,
    Slopes,
    Bends,
}

/// All that is remembered of one tile of samples between forward and backward, sample by sample: each
/// buffer holds `TILE` rows.
#[derive(Debug)]
struct Tape<T> {
    input: Aligned<T>,
    hidden: Vec<Hidden<T>>,
    outputs: Aligned<T>,
    /// `∂ loss/∂ output`.
    seeds: Aligned<T>,
    /// `∇ₓ output`.
    input_gradient: Aligned<T>,
    penalties: Vec<T>,
    /// `∂ loss/∂ a` of the layer at hand, then `∂ loss/∂ z`.
    adjoint: Aligned<T>,
    next: Aligned<T>,
}

/// The part of the tape that belongs to one hidden layer `a = φ(z)`.
#[derive(Debug)]
struct Hidden<T> {
    /// `a`.
    value: Aligned<T>,
    /// `φ'(z)`.
    slope: Aligned<T>,
    /// `φ''(z)`; for the penalty it becomes `φ''(z) ∂D/∂a`, then `φ''(z) ż ∂D/∂a`.
    bend: Aligned<T>,
    /// `∂D/∂z`.
    sensitivity: Aligned<T>,
    /// `ȧ`, the derivative of `a` along a direction in the plane.
    tangent: Aligned<T>,
}

impl<T: Real> Tape<T> {
    fn new(network: &Network<T>) -> Self {
        let tile = |row: usize| Aligned::zeros(TILE * row);
        let widest = network.hidden().iter().map(|l| l.row).max().unwrap_or(0);
        Self {
            input: tile(2),
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
    fn fits(&self, network: &Network<T>) -> bool {
        let rows = network.hidden().iter().map(|layer| TILE * layer.row);
        self.outputs.len() == TILE * network.outputs
            && self.hidden.iter().map(|h| h.value.len()).eq(rows)
    }

    /// Takes up to a tile of points, and zeros for the rest.
    #[inline(always)]
    fn load(&mut self, at: &[T]) {
        self.input[..at.len()].copy_from_slice(at);
        self.input[at.len()..].fill(T::ZERO);
    }

    #[inline(always)]
    fn forward<const M: usize, const FUSED: bool>(&mut self, network: &Network<T>, depth: Depth) {
        for (place, layer) in network.hidden().iter().enumerate() {
            let (before, here) = self.hidden.split_at_mut(place);
            let here = &mut here[0];
            let (input, stride) = match before.last() {
                Some(below) => (&*below.value, below.value.len() / TILE),
                None => (&*self.input, 2),
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
                Depth::Values => network.activation.apply(&mut here.value),
                Depth::Slopes => network
                    .activation
                    .apply_with_slopes(&mut here.value, &mut here.slope),
                Depth::Bends => network.activation.apply_with_bends(
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

    /// Back from the one output to the input: `∂D/∂z` in each layer, and `∇ₓD`.
    #[inline(always)]
    fn sensitivities<const M: usize, const FUSED: bool>(
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
                    *bend *= sensitivity;
                }
            }
            for (sensitivity, &slope) in here.sensitivity.iter_mut().zip(here.slope.iter()) {
                *sensitivity *= slope;
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
    fn tangents<const M: usize, const FUSED: bool>(
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
                *bend *= *tangent;
                *tangent *= slope;
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
    fn backward<const M: usize, const FUSED: bool>(
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
                *adjoint *= slope;
            }
            if penalised {
                for (adjoint, &bend) in adjoint.iter_mut().zip(here.bend.iter()) {
                    *adjoint += bend;
                }
            }
            let (input, stride) = match before.last() {
                Some(below) => (&*below.value, below.value.len() / TILE),
                None => (&*self.input, 2),
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

//! Forward and backward through a network, tile by tile: values, input gradients, parameter gradients.

#![expect(
    clippy::inline_always,
    reason = "one body, compiled for each instruction set by the two entries below"
)]

use multiversion::multiversion;
use multiversion::target::target_cfg_f;
use rayon::prelude::*;

use super::aligned::Aligned;
use super::product::TILE;
use super::tape::{Depth, Tape};
use super::{Network, Real};

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
    /// Writes the outputs at the points `at` (`n×i`, row by row) into `outputs` (`n×o`).
    pub fn evaluate(&self, at: &[T], outputs: &mut [T]) {
        at.par_chunks(self.inputs() * CHUNK)
            .zip(outputs.par_chunks_mut(self.outputs * CHUNK))
            .for_each_init(
                || Tape::new(self),
                |tape, (at, outputs)| evaluate_chunk(self, &[], at, outputs, &mut [], tape),
            );
    }

    /// Writes the first output (`n`) and its gradient by the input (`n×2`) at the points `at` (`n×2`).
    ///
    /// # Panics
    /// If the network has more than one output, or other than two inputs.
    pub fn evaluate_with_gradient(&self, at: &[T], outputs: &mut [T], gradient: &mut [T]) {
        let shape = (self.inputs(), self.outputs);
        assert_eq!(
            shape,
            (2, 1),
            "the input gradient is that of a scalar on the plane"
        );
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

    /// Writes the gradient of the objective's sum over the points `at` (`n×i`) by the parameters into
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
        let count = at.len().div_ceil(self.inputs() * CHUNK);
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
            at.par_chunks(self.inputs() * CHUNK)
                .zip(parts.par_iter_mut())
                .enumerate()
                .for_each(work);
        }
        let Some((first, rest)) = parts[..count].split_first() else {
            gradient.fill(T::ZERO);
            return T::ZERO;
        };
        gradient.copy_from_slice(&first.gradient);
        let mut loss = first.loss;
        for part in rest {
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
#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
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
#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
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
    for (at, outputs) in at
        .chunks(network.inputs() * TILE)
        .zip(outputs.chunks_mut(few * TILE))
    {
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
    let inputs = network.inputs();
    for (place, at) in at.chunks(inputs * TILE).enumerate() {
        let (first, count) = (first + place * TILE, at.len() / inputs);
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
        for seed in &mut tape.seeds[..few * count] {
            *seed = seed.flushed();
        }
        if penalised {
            tape.sensitivities::<M, FUSED>(network, transposed, true);
            loss += tape.tangents::<M, FUSED>(network, objective.slope(), gradient);
        }
        tape.backward::<M, FUSED>(network, transposed, penalised, gradient);
    }
    loss
}

#[cfg(test)]
mod tests {
    use super::super::Activation;
    use super::*;
    use crate::random::Stream;

    /// Losses from 1 to nothing, and a penalty.
    struct Faint;

    impl Objective<f32> for Faint {
        fn seeds(&self, first: usize, outputs: &[f32], seeds: &mut [f32]) -> f32 {
            for (place, seed) in seeds.iter_mut().enumerate() {
                *seed = 10_f32.powf(-(((first + place) % 44) as f32));
            }
            outputs.iter().sum()
        }

        fn penalties(&self, _: usize, weights: &mut [f32]) -> bool {
            weights.fill(1e-20);
            true
        }
    }

    /// Subnormal numbers take some machines ten times as long, and would come from networks that are sure of themselves.
    #[test]
    fn a_network_far_out_works_with_no_subnormal_number() {
        for activation in [
            Activation::Silu,
            Activation::Relu,
            Activation::LeakyRelu,
            Activation::Tanh,
            Activation::Softplus,
        ] {
            let mut network = Network::<f32>::new(&[64, 64], 1, activation, Stream::new(3, "far"));
            network.parameters_mut().iter_mut().for_each(|w| *w *= 12.0);
            let (mut transposed, mut tape) = (Vec::new(), Tape::new(&network));
            network.transpose(&mut transposed);
            let mut gradient = vec![0.0; network.parameters().len()];
            let mut tiny = 0;
            for tile in 0..50 {
                let at: Vec<f32> = (0..2 * TILE)
                    .map(|i| 4.0 * (0.7 * (i + tile * TILE) as f32).sin())
                    .collect();
                let first = tile * TILE;
                train::<f32, 2, false>(
                    &network,
                    &transposed,
                    &at,
                    first,
                    &Faint,
                    &mut tape,
                    &mut gradient,
                );
                let mut all = vec![&tape.seeds, &tape.adjoint, &tape.next];
                for hidden in &tape.hidden {
                    all.extend([&hidden.value, &hidden.slope, &hidden.bend]);
                    all.extend([&hidden.sensitivity, &hidden.tangent]);
                }
                let all = all.iter().flat_map(|values| values.iter());
                for value in all.chain(&gradient) {
                    assert!(!value.is_subnormal(), "{activation:?}: {value}");
                    tiny += usize::from(*value != 0.0 && value.abs() < 1e-15);
                }
            }
            assert!(
                tiny > 100,
                "{activation:?}: {tiny} come near, so that it says something"
            );
        }
    }
}

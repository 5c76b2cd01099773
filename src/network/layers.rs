//! The layers of a network as arrays, as other programs know them.

use ndarray::{Array1, Array2};

use super::{Network, Real};

/// `x ↦ W x + b`, with the weights `W` (outputs × inputs) and the biases `b` (outputs).
pub type Affinity = (Array2<f64>, Array1<f64>);

impl<T: Real> Network<T> {
    /// The layers from the input to the output; between two of them is the activation.
    #[must_use]
    pub fn layers(&self) -> Vec<Affinity> {
        let places = (0..self.layers.len()).map(|k| self.places(k));
        let number = |place: &usize| self.parameters[*place].wide();
        let taken = places.map(|(weights, biases)| (weights.map(number), biases.map(number)));
        taken.collect()
    }

    /// Takes up what [`layers`](Self::layers) gave; `false`, and nothing done, if they are of other shapes.
    pub fn set_layers(&mut self, layers: &[Affinity]) -> bool {
        let places: Vec<_> = (0..self.layers.len()).map(|k| self.places(k)).collect();
        let mut pairs = places.iter().zip(layers);
        let fit = layers.len() == places.len()
            && pairs.all(|(at, new)| at.0.dim() == new.0.dim() && at.1.dim() == new.1.dim());
        if fit {
            for (at, new) in places.iter().zip(layers) {
                let all = at.0.iter().zip(&new.0).chain(at.1.iter().zip(&new.1));
                for (&place, &value) in all {
                    self.parameters[place] = T::of(value);
                }
            }
        }
        fit
    }

    /// Where the weights and biases of a layer stand among the parameters.
    fn places(&self, layer: usize) -> (Array2<usize>, Array1<usize>) {
        let last = layer + 1 == self.layers.len();
        let layer = &self.layers[layer];
        let weights = Array2::from_shape_fn((layer.width, layer.inputs), |(unit, input)| {
            // The last layer stands output by output, the others input by input.
            let [row, column] = if last { [unit, input] } else { [input, unit] };
            layer.weights + row * layer.row + column
        });
        let biases = Array1::from_shape_fn(layer.width, |unit| layer.biases + unit);
        (weights, biases)
    }
}

//! Networks against an obvious scalar network and against finite differences.

use ratioflow::network::{Activation, Network, Objective, Workspace};
use ratioflow::random::Stream;

const ACTIVATIONS: [Activation; 5] = [
    Activation::Silu,
    Activation::Relu,
    Activation::LeakyRelu,
    Activation::Tanh,
    Activation::Softplus,
];

/// Points on a spiral, `count×2`: no symmetry, no repetition.
fn points(count: usize) -> Vec<f64> {
    (0..count)
        .flat_map(|i| {
            let t = 0.37 * i as f64 + 0.2;
            [0.1 * t * t.cos() + 0.3, 0.12 * t * t.sin() - 0.2]
        })
        .collect()
}

/// The network as one would write it on a blackboard, from the documented order of the parameters.
fn blackboard(
    network: &Network<f64>,
    hidden: &[usize],
    activation: Activation,
    x: &[f64],
) -> Vec<f64> {
    let phi = |z: f64| match activation {
        Activation::Silu => z / (1.0 + (-z).exp()),
        Activation::Relu => z.max(0.0),
        Activation::LeakyRelu => z.max(0.2 * z),
        Activation::Tanh => z.tanh(),
        Activation::Softplus => z.exp().ln_1p(),
    };
    let parameters = network.parameters();
    let row = |width: usize| width.div_ceil(16) * 16;
    let (mut a, mut place) = (x.to_vec(), 0);
    for &width in hidden {
        let biases = place + a.len() * row(width);
        a = (0..width)
            .map(|unit| {
                let weights =
                    (0..a.len()).map(|i| parameters[place + i * row(width) + unit] * a[i]);
                phi(weights.sum::<f64>() + parameters[biases + unit])
            })
            .collect();
        place = biases + row(width);
    }
    let biases = place + network.outputs() * row(a.len());
    (0..network.outputs())
        .map(|output| {
            let weights = &parameters[place + output * row(a.len())..];
            let sum: f64 = a.iter().zip(weights).map(|(a, w)| a * w).sum();
            sum + parameters[biases + output]
        })
        .collect()
}

fn close(value: f64, truth: f64, tolerance: f64) -> bool {
    (value - truth).abs() <= tolerance * (1.0 + truth.abs())
}

#[test]
fn values_equal_the_blackboard() {
    for (case, activation) in ACTIVATIONS.into_iter().enumerate() {
        for (hidden, outputs) in [(&[5][..], 1), (&[16, 7, 33], 2), (&[64, 64, 64], 1)] {
            let stream = Stream::new(7, "weights").at(case as u64);
            let network = Network::<f64>::new(hidden, outputs, activation, stream);
            let at = points(300);
            let mut values = vec![0.0; 300 * outputs];
            network.evaluate(&at, &mut values);
            for (x, value) in at.chunks(2).zip(values.chunks(outputs)) {
                let truth = blackboard(&network, hidden, activation, x);
                assert!(value.iter().zip(truth).all(|(&v, t)| close(v, t, 1e-13)));
            }
        }
    }
}

#[test]
fn the_input_gradient_is_the_central_difference() {
    for activation in ACTIVATIONS {
        let network = Network::<f64>::new(&[24, 40, 9], 1, activation, Stream::new(3, "weights"));
        let at = points(70);
        let (mut values, mut gradient) = (vec![0.0; 70], vec![0.0; 140]);
        network.evaluate_with_gradient(&at, &mut values, &mut gradient);
        let mut alone = vec![0.0; 70];
        network.evaluate(&at, &mut alone);
        assert_eq!(values, alone);
        for axis in 0..2 {
            let shifted = |step: f64| {
                let at: Vec<f64> = at
                    .iter()
                    .enumerate()
                    .map(|(i, x)| x + if i % 2 == axis { step } else { 0.0 })
                    .collect();
                let mut values = vec![0.0; 70];
                network.evaluate(&at, &mut values);
                values
            };
            let (high, low) = (shifted(1e-5), shifted(-1e-5));
            for i in 0..70 {
                let slope = (high[i] - low[i]) / 2e-5;
                assert!(close(gradient[2 * i + axis], slope, 1e-8), "{activation:?}");
            }
        }
    }
}

/// `Σ cᵢ sin(output) + wᵢ (‖∇ output‖ − s)²`, with weights that differ from sample to sample, and no penalty
/// on the first tile.
struct Uneven {
    outputs: usize,
    penalty: f64,
    slope: f64,
}

impl Uneven {
    fn penalty_of(&self, sample: usize) -> f64 {
        if sample < 32 {
            0.0
        } else {
            self.penalty * (1 + sample % 3) as f64
        }
    }
}

impl Objective<f64> for Uneven {
    fn seeds(&self, first: usize, outputs: &[f64], seeds: &mut [f64]) -> f64 {
        let mut sum = 0.0;
        for (i, (&output, seed)) in outputs.iter().zip(seeds).enumerate() {
            let weight = 0.1 * ((self.outputs * first + i) as f64 + 1.0).sqrt();
            sum += weight * output.sin();
            *seed = weight * output.cos();
        }
        sum
    }

    fn penalties(&self, first: usize, weights: &mut [f64]) -> bool {
        for (i, weight) in weights.iter_mut().enumerate() {
            *weight = self.penalty_of(first + i);
        }
        weights.iter().any(|&w| w > 0.0)
    }

    fn slope(&self) -> f64 {
        self.slope
    }
}

/// The value of [`Uneven`] from evaluations alone.
fn value(network: &Network<f64>, at: &[f64], objective: &Uneven) -> f64 {
    let count = at.len() / 2;
    let mut outputs = vec![0.0; count * network.outputs()];
    network.evaluate(at, &mut outputs);
    let mut seeds = vec![0.0; outputs.len()];
    let mut sum = objective.seeds(0, &outputs, &mut seeds);
    if objective.penalty > 0.0 {
        let mut gradient = vec![0.0; 2 * count];
        network.evaluate_with_gradient(at, &mut outputs, &mut gradient);
        for (sample, u) in gradient.chunks(2).enumerate() {
            sum += objective.penalty_of(sample) * (u[0].hypot(u[1]) - objective.slope).powi(2);
        }
    }
    sum
}

#[test]
fn the_parameter_gradient_is_the_central_difference_also_of_the_penalty() {
    for activation in ACTIVATIONS {
        for (outputs, penalty, slope) in
            [(1, 0.0, 0.0), (2, 0.0, 0.0), (1, 0.7, 0.0), (1, 0.7, 1.0)]
        {
            let stream = Stream::new(11, "weights");
            let mut network = Network::<f64>::new(&[12, 18, 5], outputs, activation, stream);
            let (at, objective) = (
                points(75),
                Uneven {
                    outputs,
                    penalty,
                    slope,
                },
            );
            let mut gradient = vec![0.0; network.parameters().len()];
            let mut workspace = Workspace::new();
            let sum = network.train(&at, &objective, &mut workspace, &mut gradient);
            let truth = value(&network, &at, &objective);
            assert!(
                close(sum, truth, 1e-12),
                "{activation:?}, {outputs} out, penalty {penalty} from {slope}: {sum} is not {truth}"
            );
            let step = 1e-5;
            for (place, &found) in gradient.iter().enumerate() {
                let kept = network.parameters()[place];
                network.parameters_mut()[place] = kept + step;
                let high = value(&network, &at, &objective);
                network.parameters_mut()[place] = kept - step;
                let low = value(&network, &at, &objective);
                network.parameters_mut()[place] = kept;
                let quotient = (high - low) / (2.0 * step);
                // A kink within the step spoils the difference, not the gradient.
                let tolerance = match activation {
                    Activation::Relu | Activation::LeakyRelu => 1e-4,
                    _ => 1e-7,
                };
                assert!(
                    close(found, quotient, tolerance),
                    "{activation:?}, {outputs} out, penalty {penalty} from {slope}, parameter {place}: {found} is not {quotient}"
                );
            }
        }
    }
}

#[test]
fn single_precision_follows_double() {
    let stream = Stream::new(5, "weights");
    let double = Network::<f64>::new(&[64, 64, 64], 1, Activation::Silu, stream);
    let single = Network::<f32>::new(&[64, 64, 64], 1, Activation::Silu, stream);
    let at = points(500);
    let (mut values, mut gradient) = (vec![0.0; 500], vec![0.0; 1000]);
    double.evaluate_with_gradient(&at, &mut values, &mut gradient);
    let at: Vec<f32> = at.iter().map(|&x| x as f32).collect();
    let (mut coarse, mut slopes) = (vec![0.0; 500], vec![0.0; 1000]);
    single.evaluate_with_gradient(&at, &mut coarse, &mut slopes);
    assert!(
        values
            .iter()
            .zip(&coarse)
            .all(|(&v, &c)| close(f64::from(c), v, 1e-5))
    );
    assert!(
        gradient
            .iter()
            .zip(&slopes)
            .all(|(&v, &c)| close(f64::from(c), v, 1e-5))
    );
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let network = Network::<f64>::new(&[20, 20], 1, Activation::Tanh, Stream::new(2, "weights"));
    let at = points(1500);
    let train = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let mut gradient = vec![0.0; network.parameters().len()];
            let sum = network.train(
                &at,
                &Uneven {
                    outputs: 1,
                    penalty: 0.1,
                    slope: 0.5,
                },
                &mut Workspace::new(),
                &mut gradient,
            );
            (sum, gradient)
        })
    };
    assert_eq!(train(1), train(3));
}

#[test]
fn a_silenced_network_is_zero_and_still_learns() {
    let mut network =
        Network::<f64>::new(&[10, 10], 2, Activation::Silu, Stream::new(1, "weights"));
    network.silence();
    let at = points(40);
    let mut values = vec![1.0; 80];
    network.evaluate(&at, &mut values);
    assert!(values.iter().all(|&v| v == 0.0));
    let mut gradient = vec![0.0; network.parameters().len()];
    network.train(
        &at,
        &Uneven {
            outputs: 2,
            penalty: 0.0,
            slope: 0.0,
        },
        &mut Workspace::new(),
        &mut gradient,
    );
    assert!(gradient.iter().any(|&g| g.abs() > 0.1));
}

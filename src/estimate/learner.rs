//! A network on standardised coordinates that goes on learning from fit to fit: what neural estimators share.

use ndarray::ArrayView1;
use rand::Rng;

use super::{FitError, Ratio};
use crate::cloud::{CloudView, mean, spread};
use crate::network::{Activation, Network, Optimizer, OptimizerKind};
use crate::random::Stream;

/// The shape of a network and how it follows its gradient.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) hidden: &'a [usize],
    /// How many numbers come out.
    pub(crate) outputs: usize,
    pub(crate) activation: Activation,
    pub(crate) optimizer: OptimizerKind,
    pub(crate) betas: [f64; 2],
    /// Decay of a running average of the weights; 0: none.
    pub(crate) average: f64,
}

/// What is carried from fit to fit.
#[derive(Clone, Debug)]
pub(crate) struct Learner {
    pub(crate) frame: Standardiser,
    pub(crate) network: Network<f32>,
    pub(crate) optimizer: Optimizer<f32>,
    /// The same network with average weights, which is the one that is evaluated, and the decay.
    average: Option<(Network<f32>, f64)>,
}

impl Learner {
    /// A network with weights drawn from `stream`.
    pub(crate) fn new(frame: Standardiser, plan: Plan<'_>, stream: Stream) -> Self {
        let network = Network::new(plan.hidden, plan.outputs, plan.activation, stream);
        let count = network.parameters().len();
        let average = (plan.average > 0.0).then(|| (network.clone(), plan.average));
        Self {
            frame,
            network,
            optimizer: Optimizer::new(plan.optimizer, plan.betas, count),
            average,
        }
    }

    /// Makes it say 0 everywhere.
    pub(crate) fn silence(&mut self) {
        self.network.silence();
        if let Some((average, _)) = &mut self.average {
            average.silence();
        }
    }

    /// One step of the optimiser at `rate`. A gradient that plain steps are to follow is shortened to length one: they go as
    /// far as it is long, and a single minibatch could throw the weights out of reach.
    pub(crate) fn step(&mut self, method: OptimizerKind, rate: f64, gradient: &mut [f32]) {
        if method == OptimizerKind::Sgd {
            let squares: f32 = gradient.iter().map(|g| g * g).sum();
            if squares > 1.0 {
                let factor = 1.0 / squares.sqrt();
                for g in gradient.iter_mut() {
                    *g *= factor;
                }
            }
        }
        self.optimizer
            .step(rate, gradient, self.network.parameters_mut());
        if let Some((average, decay)) = &mut self.average {
            average.follow(&self.network, *decay);
        }
    }

    /// Writes what `read` makes of the output `d`, and its derivative by `d`, at each of the points `at` (`n×2`) into
    /// `into.log`, and the gradient of it in the target's units into `into.gradient`.
    pub(crate) fn evaluate(
        &self,
        at: CloudView<'_>,
        into: &mut Ratio,
        read: impl Fn(f64) -> (f64, f64),
    ) {
        let count = at.nrows();
        into.resize(count);
        let points = self.frame.standardise(at);
        let mut values = vec![0.0; count];
        let mut slopes = vec![0.0; 2 * count];
        let network = self
            .average
            .as_ref()
            .map_or(&self.network, |(mean, _)| mean);
        network.evaluate_with_gradient(&points, &mut values, &mut slopes);
        let rows = into.gradient.rows_mut().into_iter().zip(&mut into.log);
        for ((mut gradient, log), (&d, slope)) in
            rows.zip(values.iter().zip(slopes.chunks_exact(2)))
        {
            let (value, factor) = read(f64::from(d));
            *log = value;
            gradient[0] = factor * f64::from(slope[0]) / self.frame.scale;
            gradient[1] = factor * f64::from(slope[1]) / self.frame.scale;
        }
    }

    /// The learner itself after a fit of the estimator `discriminator` at the learning rate `rate`.
    ///
    /// # Errors
    /// [`FitError`] if a weight is not finite.
    pub(crate) fn checked(self, discriminator: &'static str, rate: f64) -> Result<Self, FitError> {
        if self.network.parameters().iter().all(|w| w.is_finite()) {
            return Ok(self);
        }
        Err(FitError {
            discriminator,
            reason: format!("its weights are no longer finite; lower learning_rate ({rate})"),
        })
    }

    /// Frame, weights and the optimiser's memory as plain numbers.
    fn state(&self) -> Vec<f64> {
        let Standardiser { centre, scale } = self.frame;
        let mut state = vec![centre[0], centre[1], scale];
        state.extend(self.network.parameters().iter().copied().map(f64::from));
        state.extend(self.optimizer.state());
        let average = self.average.iter().flat_map(|(mean, _)| mean.parameters());
        state.extend(average.copied().map(f64::from));
        state
    }

    /// A learner from what [`state`](Self::state) gave.
    ///
    /// # Errors
    /// How many numbers the `plan` asks for, if they are not as many.
    fn loaded(plan: Plan<'_>, state: &[f64]) -> Result<Self, usize> {
        const HEAD: usize = 3;
        let shape = Standardiser {
            centre: [0.0; 2],
            scale: 1.0,
        };
        // The weights drawn here are overwritten below; only the shape counts.
        let mut learner = Self::new(shape, plan, Stream::new(0, "restored"));
        let weights = learner.network.parameters().len();
        let memory = HEAD + weights + learner.optimizer.state_len();
        let averages = learner.average.as_ref().map_or(0, |_| weights);
        let expected = memory + averages;
        if state.len() != expected {
            return Err(expected);
        }
        learner.frame = Standardiser {
            centre: [state[0], state[1]],
            scale: state[2],
        };
        let average = learner.average.as_mut().map(|(mean, _)| mean);
        let networks = [Some(&mut learner.network), average].into_iter().flatten();
        for (network, from) in networks.zip([HEAD, memory]) {
            let weights = network.parameters_mut().iter_mut();
            for (weight, &kept) in weights.zip(&state[from..]) {
                *weight = kept as f32;
            }
        }
        learner.optimizer.load_state(&state[HEAD + weights..memory]);
        Ok(learner)
    }
}

/// What a neural estimator keeps from fit to fit as plain numbers: some of its own, then its learners; nothing before the first fit.
pub(crate) fn state(own: &[f64], learners: &[Learner]) -> Vec<f64> {
    if learners.is_empty() {
        return Vec::new();
    }
    let kept = learners.iter().flat_map(Learner::state);
    own.iter().copied().chain(kept).collect()
}

/// Numbers of an estimator's own, and its learners.
pub(crate) type Kept<const N: usize> = ([f64; N], Vec<Learner>);

/// The `N` numbers of its own and the `count` learners of the estimator `discriminator` from what [`state`] gave; nothing from before the first fit.
///
/// # Errors
/// [`FitError`] if there are not as many numbers as the `plan` asks for.
pub(crate) fn loaded<const N: usize>(
    discriminator: &'static str,
    plan: Plan<'_>,
    count: usize,
    state: &[f64],
) -> Result<Option<Kept<N>>, FitError> {
    let Some((own, rest)) = state.split_first_chunk::<N>() else {
        return Ok(None);
    };
    let parts = rest.chunks(rest.len().div_ceil(count).max(1));
    let learners: Result<Vec<Learner>, usize> =
        parts.map(|part| Learner::loaded(plan, part)).collect();
    let wrong = |expected: usize| FitError {
        discriminator,
        reason: format!(
            "{} numbers were kept, and {count} of a network with hidden = {:?} have {}; resume with the settings of the run",
            state.len(),
            plan.hidden,
            count * expected + N
        ),
    };
    Ok(Some((*own, learners.map_err(wrong)?)))
}

/// The standardised coordinates `(x − centre)/scale`, fixed by the first target sample seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standardiser {
    pub(crate) centre: [f64; 2],
    pub(crate) scale: f64,
}

impl Standardiser {
    /// The coordinates in which the target sample `real` has mean 0 and pooled standard deviation 1.
    ///
    /// # Errors
    /// [`FitError`] of the estimator `discriminator` if the sample has no extent.
    pub(crate) fn of(real: CloudView<'_>, discriminator: &'static str) -> Result<Self, FitError> {
        let scale = spread(real);
        if scale.is_finite() && scale > 0.0 {
            return Ok(Self {
                centre: mean(real),
                scale,
            });
        }
        Err(FitError {
            discriminator,
            reason: format!(
                "the spread of the {} target samples is {scale}; it must be above 0",
                real.nrows()
            ),
        })
    }

    /// A point in standardised coordinates.
    pub(crate) fn place(self, x: ArrayView1<'_, f64>) -> [f64; 2] {
        [0, 1].map(|k| (x[k] - self.centre[k]) / self.scale)
    }

    /// The points (`n×2`) in standardised coordinates, row by row; a point beyond a million standard
    /// deviations is taken to lie there, where single precision still computes.
    pub(crate) fn standardise(self, points: CloudView<'_>) -> Vec<f32> {
        const FAR: f64 = 1e6;
        points
            .rows()
            .into_iter()
            .flat_map(|row| self.place(row))
            .map(|x| x.clamp(-FAR, FAR) as f32)
            .collect()
    }
}

/// Samples that are dealt like cards: each once, in random order, before any comes again. Over an epoch the
/// minibatches add up to the sample itself, and the masses of its modes are seen without error.
pub(crate) struct Deck {
    /// `n×2`, row by row.
    points: Vec<f32>,
    dealt: usize,
}

impl Deck {
    pub(crate) fn new(points: Vec<f32>) -> Self {
        Self { points, dealt: 0 }
    }

    /// Fills `hand` (`count×2`).
    pub(crate) fn deal(&mut self, rng: &mut impl Rng, hand: &mut [f32]) {
        let (points, _) = self.points.as_chunks_mut::<2>();
        for place in hand.as_chunks_mut().0 {
            if self.dealt == points.len() {
                self.dealt = 0;
            }
            points.swap(self.dealt, rng.random_range(self.dealt..points.len()));
            *place = points[self.dealt];
            self.dealt += 1;
        }
    }
}

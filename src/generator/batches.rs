//! Minibatches: which points an optimiser step learns from.

use ndarray::s;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::spec::TrainingSpec;
use crate::cloud::{Cloud, CloudView};
use crate::random::Stream;

/// Rows that were copied out of latent points and of what belongs to them.
struct Rows([Cloud; 2]);

impl Rows {
    /// Room for so many.
    fn of(all: [CloudView<'_>; 2], rows: usize) -> Self {
        Self(all.map(|all| Cloud::zeros((rows, all.ncols()))))
    }

    fn put(&mut self, row: usize, all: [CloudView<'_>; 2], chosen: usize) {
        for (into, from) in self.0.iter_mut().zip(all) {
            for axis in 0..from.ncols() {
                into[[row, axis]] = from[[chosen, axis]];
            }
        }
    }

    fn view(&self) -> [CloudView<'_>; 2] {
        self.0.each_ref().map(|all| all.view())
    }
}

/// How a minibatch is chosen.
enum Choice {
    /// All points, each time.
    All,
    /// Any of them, with replacement.
    Random(Box<ChaCha8Rng>, Rows),
    /// Those that follow; so many rows were used.
    InTurn(usize),
}

/// Latent points with what belongs to them, in minibatches.
pub(super) struct Batches {
    all: [Cloud; 2],
    rows: usize,
    choice: Choice,
}

impl Batches {
    /// Of these rows, with replacement, or all of them.
    pub(super) fn random(spec: &TrainingSpec, all: [Cloud; 2], stream: Stream) -> Self {
        let rows = spec.rows(all[0].nrows());
        let choice = if rows == all[0].nrows() {
            Choice::All
        } else {
            let room = Rows::of(all.each_ref().map(|all| all.view()), rows);
            Choice::Random(Box::new(stream.part("minibatch").rng()), room)
        };
        Self { all, rows, choice }
    }

    /// So many of these `rows` at a time, one after another, each of which is used once.
    pub(super) fn in_turn(all: [Cloud; 2], rows: usize) -> Self {
        let choice = Choice::InTurn(0);
        Self { all, rows, choice }
    }

    pub(super) fn next(&mut self) -> [CloudView<'_>; 2] {
        let rows = self.rows;
        let all = self.all.each_ref().map(|all| all.view());
        match &mut self.choice {
            Choice::All => all,
            Choice::InTurn(used) => {
                let from = *used;
                *used += rows;
                let to = self.all[0].nrows().min(from + rows);
                self.all.each_ref().map(|all| all.slice(s![from..to, ..]))
            }
            Choice::Random(rng, batch) => {
                for row in 0..rows {
                    batch.put(row, all, rng.random_range(0..self.all[0].nrows()));
                }
                batch.view()
            }
        }
    }
}

/// Pairs in minibatches, those that are missed most more often, each counting less in turn.
pub(super) struct Missed<'a> {
    all: [CloudView<'a>; 2],
    rng: ChaCha8Rng,
    /// See [`chances`].
    draw: Vec<(f64, f64)>,
    batch: Rows,
    weights: Vec<f64>,
}

impl<'a> Missed<'a> {
    /// Minibatches of so many of these `rows`; [`look`](Self::look) comes before the first.
    pub(super) fn new(all: [CloudView<'a>; 2], rows: usize, stream: Stream) -> Self {
        Self {
            all,
            rng: stream.part("pairs").rng(),
            draw: Vec::new(),
            batch: Rows::of(all, rows),
            weights: vec![1.0; rows],
        }
    }

    /// Sees how far each is missed by the present `images`.
    pub(super) fn look(&mut self, images: &Cloud) {
        self.draw = chances(images, self.all[1]);
    }

    /// The next minibatch, and how much each of its rows counts.
    pub(super) fn next(&mut self) -> ([CloudView<'_>; 2], &[f64]) {
        for (row, weight) in self.weights.iter_mut().enumerate() {
            let mark = self.rng.random::<f64>();
            let chosen = self.draw.partition_point(|&(upto, _)| upto <= mark);
            let chosen = chosen.min(self.draw.len() - 1);
            *weight = self.draw[chosen].1;
            self.batch.put(row, self.all, chosen);
        }
        (self.batch.view(), &self.weights)
    }
}

/// Of each pair the sum of the chances of those before it and its own, in [0, 1], and how much it then counts: `p ∝ error + mean error/10`, weight `1/(p n)`.
fn chances(images: &Cloud, aim: CloudView<'_>) -> Vec<(f64, f64)> {
    let n = images.nrows() as f64;
    let missed = images.rows().into_iter().zip(aim.rows());
    let missed: Vec<f64> = missed
        .map(|(at, aim)| (at[0] - aim[0]).hypot(at[1] - aim[1]))
        .collect();
    let mean = missed.iter().sum::<f64>() / n;
    let least = if mean > 0.0 { 0.1 * mean } else { 1.0 };
    let total = n * (mean + least);
    let mut sum = 0.0;
    let one = |missed: f64| {
        let chance = (missed + least) / total;
        sum += chance;
        (sum, 1.0 / (chance * n))
    };
    missed.into_iter().map(one).collect()
}

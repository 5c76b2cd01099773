//! A minibatch of both sides as a network is trained on it: one side after the other, or in pairs.

use rand::Rng;

use super::loss::Loss;
use crate::estimate::learner::Deck;
use crate::network::Objective;
use crate::numeric::softplus;

/// The two sides of a minibatch: real samples, then as many of the cloud; for a loss of pairs in turn, a real one first.
pub(super) struct Sides {
    pub(super) loss: Loss,
    /// Samples of either side.
    pub(super) count: usize,
    pub(super) r1: f32,
    pub(super) r2: f32,
}

impl Sides {
    /// Fills the `batch` (`2 count × 2`).
    pub(super) fn deal(
        &self,
        reals: &mut Deck,
        fakes: &mut Deck,
        rng: &mut impl Rng,
        batch: &mut [f32],
    ) {
        if self.loss.is_paired() {
            for pair in batch.chunks_exact_mut(4) {
                let (real, fake) = pair.split_at_mut(2);
                reals.deal(rng, real);
                fakes.deal(rng, fake);
            }
        } else {
            let (real, fake) = batch.split_at_mut(2 * self.count);
            reals.deal(rng, real);
            fakes.deal(rng, fake);
        }
    }

    /// `log(1 + e^{−(D(x) − D(y))})` over the pairs, times their share.
    fn over_pairs(&self, outputs: &[f32], seeds: &mut [f32]) -> f32 {
        let share = 1.0 / self.count as f32;
        let mut sum = 0.0;
        for (said, seeds) in outputs.chunks_exact(2).zip(seeds.chunks_exact_mut(2)) {
            let (value, slope) = softplus(said[1] - said[0]);
            sum += share * value;
            seeds.copy_from_slice(&[-share * slope, share * slope]);
        }
        sum
    }
}

impl Objective<f32> for Sides {
    fn seeds(&self, first: usize, outputs: &[f32], seeds: &mut [f32]) -> f32 {
        if self.loss.is_paired() {
            // Tiles are of an even number of samples: none parts a pair.
            return self.over_pairs(outputs, seeds);
        }
        let share = 1.0 / self.count as f32;
        let reals = self.count.saturating_sub(first).min(outputs.len());
        let (real, fake) = outputs.split_at(reals);
        let (real_seeds, fake_seeds) = seeds.split_at_mut(reals);
        self.loss.over_real(share, real, real_seeds) + self.loss.over_fake(share, fake, fake_seeds)
    }

    fn penalties(&self, first: usize, weights: &mut [f32]) -> bool {
        let [real, fake] = [self.r1, self.r2].map(|r| 0.5 * r / self.count as f32);
        if self.loss.is_paired() {
            for pair in weights.chunks_mut(2) {
                for (weight, penalty) in pair.iter_mut().zip([real, fake]) {
                    *weight = penalty;
                }
            }
        } else {
            let reals = self.count.saturating_sub(first).min(weights.len());
            let (ours, theirs) = weights.split_at_mut(reals);
            ours.fill(real);
            theirs.fill(fake);
        }
        weights.iter().any(|&weight| weight > 0.0)
    }
}

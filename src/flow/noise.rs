//! Brownian motion: independent normal displacements, a function of seed, step and particle alone.

use rand::Rng;
use rand_distr::StandardNormal;

use crate::cloud::Cloud;
use crate::random::Stream;

/// Adds `deviation · ξ` to each row of `moves` (`n×2`), ξ ~ N(0, I). Particle `i` draws from the `i`-th of the independent
/// streams that `step` keys, so that what it gets depends neither on the other particles nor on what was drawn before.
pub(super) fn add(moves: &mut Cloud, deviation: f64, step: Stream) {
    let mut rng = step.rng();
    for (particle, mut row) in moves.rows_mut().into_iter().enumerate() {
        rng.set_stream(particle as u64);
        rng.set_word_pos(0);
        for x in &mut row {
            *x += deviation * rng.sample::<f64, _>(StandardNormal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_particle_has_its_own_noise_at_each_step() {
        let stream = Stream::new(3, "noise");
        let drawn = |count: usize, step: u64| {
            let mut moves = Cloud::zeros((count, 2));
            add(&mut moves, 1.0, stream.at(step));
            moves
        };
        let (few, many, later) = (drawn(3, 5), drawn(4000, 5), drawn(4000, 6));
        assert_eq!(few, many.slice(ndarray::s![..3, ..]));
        let product = |a: &Cloud, b: &Cloud| (a * b).mean().unwrap();
        assert!((product(&many, &many) - 1.0).abs() < 0.06);
        // Four standard errors of the mean of 8000 products.
        assert!(product(&many, &later).abs() < 0.045);
        let next = drawn(4001, 5).slice(ndarray::s![1.., ..]).to_owned();
        assert!(product(&many, &next).abs() < 0.045);
        assert!(many.mean().unwrap().abs() < 0.045);
    }
}

//! One seed, many named streams of randomness: adding a stream never moves another.

use ndarray_rand::RandomExt as _;
use rand::SeedableRng;
use rand::distr::StandardUniform;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use crate::cloud::Cloud;

/// A source of random numbers named by what it is for, such as `Stream::new(seed, "target")`.
///
/// A stream is a *name*, not a generator that is used up: the numbers it stands for are a function of
/// `(seed, name, index)` alone. Nothing has to be stored to go on after an interruption, and the order
/// in which parts of the program draw does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    seed: u64,
    name: u64,
    index: u64,
}

impl Stream {
    /// The stream called `name` under the run's `seed`.
    #[must_use]
    pub fn new(seed: u64, name: &str) -> Self {
        Self {
            seed,
            name: fnv1a(name),
            index: 0,
        }
    }

    /// The seed that it stands under.
    #[must_use]
    pub fn seed(self) -> u64 {
        self.seed
    }

    /// The same stream at another place: a step, a draw, a repetition.
    #[must_use]
    pub fn at(self, index: u64) -> Self {
        Self { index, ..self }
    }

    /// A stream inside this one, for a part with a random need of its own.
    #[must_use]
    pub fn part(self, name: &str) -> Self {
        Self {
            name: self.name.rotate_left(23) ^ fnv1a(name),
            ..self
        }
    }

    /// 32 bytes that determine the stream, to seed any generator with.
    #[must_use]
    pub fn key(self) -> [u8; 32] {
        let mut key = [0; 32];
        for (place, word) in
            key.chunks_exact_mut(8)
                .zip([self.seed, self.name, self.index, 0x7261_7469_6f66_6c77])
        {
            place.copy_from_slice(&word.to_le_bytes());
        }
        key
    }

    /// `count` points of N(0, I), `count×2`, row by row from the start of the stream.
    #[must_use]
    pub fn normals(self, count: usize) -> Cloud {
        Cloud::random_using((count, 2), StandardNormal, &mut self.rng())
    }

    /// `count` points uniform in the unit square, `count×2`, row by row from the start of the stream.
    #[must_use]
    pub fn uniforms(self, count: usize) -> Cloud {
        Cloud::random_using((count, 2), StandardUniform, &mut self.rng())
    }

    /// A generator at the start of the stream. `ChaCha8` gives the same numbers on every machine.
    pub(crate) fn rng(self) -> ChaCha8Rng {
        ChaCha8Rng::from_seed(self.key())
    }
}

/// The FNV-1a hash, fixed for ever because saved runs depend on it.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

//! What sums over pairs need to know of a number format.

use crate::numeric::Real;

/// A number that vector registers hold side by side.
pub(super) trait Lane: Real {
    /// Terms whose exponent is more than this many bits below the sum are left out unseen.
    const HIDDEN_BITS: f64;
    /// A sum below `2^FAINT` may have lost terms to the smallest weight that [`exp2`](Real::exp2) gives.
    const FAINT: f64;
    /// A group of places should reach no further from its middle than this, in units of `h`. A small group meets fewer points,
    /// a full one keeps the lanes busy, and in single precision long coordinates have few digits behind the point.
    const RADIUS: f64;
    /// Squares of distances up to this, in units in which `k_h = 2^{−d²}`, are exact enough.
    const LARGEST_SQUARE: f64;
    /// Points have to be no further apart than this, in units of the group, for their squares to be numbers and the least of weights to be none.
    const FURTHEST: f64;
    /// Whether each place may have an offset of its own in the exponent.
    const LIFTED: bool;

    /// Sums over points alike at `N` places by instructions that a compiler does not find, where the processor has some.
    fn wide_sums<const N: usize>(
        _places: &[[Self; N]; 3],
        _points: [&[Self]; 3],
    ) -> Option<[[Self; N]; 3]> {
        None
    }
}

impl Lane for f32 {
    const HIDDEN_BITS: f64 = 22.0;
    const FAINT: f64 = -60.0;
    const RADIUS: f64 = 2.5;
    const LARGEST_SQUARE: f64 = 64.0;
    const FURTHEST: f64 = 1e15;
    const LIFTED: bool = false;

    #[cfg(target_arch = "x86_64")]
    fn wide_sums<const N: usize>(
        places: &[[Self; N]; 3],
        points: [&[Self]; 3],
    ) -> Option<[[Self; N]; 3]> {
        super::wide::sums(places, points)
    }
}

impl Lane for f64 {
    const HIDDEN_BITS: f64 = 64.0;
    const FAINT: f64 = -900.0;
    const RADIUS: f64 = 8.0;
    const LARGEST_SQUARE: f64 = (1_u64 << 30) as f64;
    const FURTHEST: f64 = f64::INFINITY;
    const LIFTED: bool = true;
}

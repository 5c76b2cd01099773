//! Sums of radial kernels in logarithms: finite however far away the points are, and in loops that become vector instructions.

use std::f64::consts::LOG2_E;

use multiversion::multiversion;
use rayon::prelude::*;

use super::radial::{Kernel, Radial};
use crate::kernel::KernelSum;
use crate::numeric::Real;
use crate::plane::Planar;

/// Places that one task works on.
const CHUNK: usize = 16;
const LANES: usize = 8;

/// What a sum leans towards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lean {
    /// The mean of the points, weighted by the kernel.
    Mean,
    /// The gradient: `h² ∇ log Σ_j w_j k(x, y_j)`. For the Gaussian kernel that is the mean.
    Slope,
}

/// Points that are summed over, with the logarithms of their weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Summed<'a> {
    pub(crate) points: &'a Planar,
    /// One for each point; −∞ leaves it out.
    pub(crate) logs: &'a [f64],
}

/// Which point is left out at which place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mask<'a> {
    /// None.
    Nobody,
    /// At place i the point i, where it lies there exactly.
    Itself,
    /// At place i the point with this index, where it lies there exactly.
    Listed(&'a [usize]),
}

impl Mask<'_> {
    fn hidden(self, i: usize, place: [f64; 2], points: &Planar) -> Option<usize> {
        let index = match self {
            Self::Nobody => return None,
            Self::Itself => i,
            Self::Listed(all) => *all.get(i)?,
        };
        (index < points.len() && points.at(index) == place).then_some(index)
    }
}

impl Kernel {
    /// `log Σ_j w_j k(x, y_j)` at each of the places `at`, and where it leans, from the place. Where no weight is left: −∞, and nowhere.
    pub(crate) fn soft(
        self,
        at: &Planar,
        of: Summed<'_>,
        lean: Lean,
        mask: Mask<'_>,
    ) -> Vec<KernelSum> {
        let mut found = vec![KernelSum::default(); at.len()];
        found.par_chunks_mut(CHUNK).enumerate().for_each_init(
            Room::default,
            |room, (chunk, found)| {
                for (i, found) in found.iter_mut().enumerate() {
                    let i = chunk * CHUNK + i;
                    let place = at.at(i);
                    let hidden = mask.hidden(i, place, of.points);
                    *found = self.at_place(place, of, lean, hidden, room);
                }
            },
        );
        found
    }

    fn at_place(
        self,
        place: [f64; 2],
        of: Summed<'_>,
        lean: Lean,
        hidden: Option<usize>,
        room: &mut Room,
    ) -> KernelSum {
        let task = Task {
            place,
            of,
            hidden,
            scale: 1.0 / (self.h * self.h),
        };
        match (self.shape, lean) {
            (Radial::Gaussian, _) => sum::<Gaussian, false>(&task, room),
            (Radial::Matern, Lean::Mean) => sum::<Matern, false>(&task, room),
            (Radial::Matern, Lean::Slope) => sum::<Matern, true>(&task, room),
            (Radial::Laplace, Lean::Mean) => sum::<Laplace, false>(&task, room),
            (Radial::Laplace, Lean::Slope) => sum::<Laplace, true>(&task, room),
            (Radial::InverseMultiquadric, Lean::Mean) => sum::<Multiquadric, false>(&task, room),
            (Radial::InverseMultiquadric, Lean::Slope) => sum::<Multiquadric, true>(&task, room),
        }
    }
}

struct Task<'a> {
    place: [f64; 2],
    of: Summed<'a>,
    hidden: Option<usize>,
    scale: f64,
}

/// Memory for one place after the other.
#[derive(Default)]
struct Room {
    measures: Vec<f64>,
    exponents: Vec<f64>,
}

/// A kernel as `k = factor(a) e^{exponent(a)}` with a measure `a` of the distance, and its pull over `e^{exponent(a)}`.
trait Shape {
    /// From `u = r²/h²`.
    fn measure(u: f64) -> f64;
    fn exponent(a: f64) -> f64;
    fn factor(a: f64) -> f64;
    fn pull(a: f64) -> f64;
}

struct Gaussian;
struct Matern;
struct Laplace;
struct Multiquadric;

/// The functions are inlined, because a call would end the vectorisation of the loop around it.
macro_rules! shape {
    ($name:ident: |$u:ident| $measure:expr, |$a:ident| $exponent:expr, $factor:expr, $pull:expr) => {
        #[allow(clippy::inline_always, reason = "a call would keep the loops scalar")]
        impl Shape for $name {
            #[inline(always)]
            fn measure($u: f64) -> f64 {
                $measure
            }
            #[inline(always)]
            fn exponent($a: f64) -> f64 {
                $exponent
            }
            #[inline(always)]
            #[allow(unused_variables, reason = "some shapes have a constant factor")]
            fn factor($a: f64) -> f64 {
                $factor
            }
            #[inline(always)]
            #[allow(unused_variables, reason = "some shapes have a constant pull")]
            fn pull($a: f64) -> f64 {
                $pull
            }
        }
    };
}

shape!(Gaussian: |u| u, |a| -0.5 * a, 1.0, 1.0);
shape!(Matern: |u| u.sqrt(), |a| -a, 1.0 + a, 1.0);
// At the kink the pull meets a difference of zero.
shape!(Laplace: |u| u.sqrt(), |a| -a, 1.0, 1.0 / if a > 1e-12 { a } else { 1e-12 });
shape!(Multiquadric: |u| 1.0 / (1.0 + u).sqrt(), |a| 0.0 * a, a, a * a * a);

/// The sum at one place; with `SLOPE` it leans along the gradient.
fn sum<S: Shape, const SLOPE: bool>(task: &Task<'_>, room: &mut Room) -> KernelSum {
    let count = task.of.points.len();
    room.measures.resize(count, 0.0);
    room.exponents.resize(count, 0.0);
    measures::<S>(task, &mut room.measures, &mut room.exponents);
    if let Some(hidden) = task.hidden {
        room.exponents[hidden] = f64::NEG_INFINITY;
    }
    let most = largest(&room.exponents);
    if most == f64::NEG_INFINITY {
        return KernelSum {
            log: most,
            shift: [0.0; 2],
        };
    }
    let [sum, x, y] = moments::<S, SLOPE>(task, &room.measures, &mut room.exponents, most);
    KernelSum {
        log: most + sum.ln(),
        shift: [x / sum, y / sum],
    }
}

/// The measure of each distance, and the exponent with the weight's logarithm.
#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn measures<S: Shape>(task: &Task<'_>, into: &mut [f64], exponents: &mut [f64]) {
    let [xs, ys] = task.of.points.sides();
    let [x, y] = task.place;
    let scale = task.scale;
    for (into, (px, py)) in into.iter_mut().zip(xs.iter().zip(ys)) {
        let (dx, dy) = (px - x, py - y);
        *into = S::measure(scale * (dx * dx + dy * dy));
    }
    for (exponent, (a, log)) in exponents.iter_mut().zip(into.iter().zip(task.of.logs)) {
        *exponent = S::exponent(*a) + log;
    }
}

#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn largest(values: &[f64]) -> f64 {
    let (whole, rest) = values.as_chunks::<LANES>();
    let mut most = [f64::NEG_INFINITY; LANES];
    for chunk in whole {
        for lane in 0..LANES {
            most[lane] = if chunk[lane] > most[lane] {
                chunk[lane]
            } else {
                most[lane]
            };
        }
    }
    most.iter()
        .chain(rest)
        .fold(f64::NEG_INFINITY, |most, &v| most.max(v))
}

/// `Σ k` and the sums of the differences from the place, over the largest exponential.
#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn moments<S: Shape, const SLOPE: bool>(
    task: &Task<'_>,
    measures: &[f64],
    exponents: &mut [f64],
    most: f64,
) -> [f64; 3] {
    // The exponentials come first, in a loop of their own: with all the rest they would be more than the registers hold.
    for exponent in exponents.iter_mut() {
        *exponent = Real::exp2::<false>(LOG2_E * (*exponent - most));
    }
    let [xs, ys] = task.of.points.sides();
    let [x, y] = task.place;
    let (xs, last_xs) = xs.as_chunks::<LANES>();
    let (ys, last_ys) = ys.as_chunks::<LANES>();
    let (measures, last_measures) = measures.as_chunks::<LANES>();
    let (exponentials, last_exponentials) = exponents.as_chunks::<LANES>();
    let mut sums = [[0.0; LANES]; 3];
    let term = |a: f64, e: f64, px: f64, py: f64| {
        let k = S::factor(a) * e;
        let lean = if SLOPE { S::pull(a) * e } else { k };
        [k, lean * (px - x), lean * (py - y)]
    };
    let each = measures.iter().zip(exponentials).zip(xs.iter().zip(ys));
    for ((a, e), (px, py)) in each {
        for lane in 0..LANES {
            let [k, dx, dy] = term(a[lane], e[lane], px[lane], py[lane]);
            sums[0][lane] += k;
            sums[1][lane] += dx;
            sums[2][lane] += dy;
        }
    }
    let rest = last_measures.iter().zip(last_exponentials);
    for ((&a, &e), (&px, &py)) in rest.zip(last_xs.iter().zip(last_ys)) {
        for (sum, term) in sums.iter_mut().zip(term(a, e, px, py)) {
            sum[0] += term;
        }
    }
    sums.map(|lanes| lanes.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    fn plain(shape: Radial, u: f64) -> [f64; 2] {
        let r = u.sqrt();
        match shape {
            Radial::Gaussian => [(-0.5 * u).exp(); 2],
            Radial::Matern => [(1.0 + r) * (-r).exp(), (-r).exp()],
            Radial::Laplace => [(-r).exp(), (-r).exp() / r.max(1e-12)],
            Radial::InverseMultiquadric => [(1.0 + u).powf(-0.5), (1.0 + u).powf(-1.5)],
        }
    }

    #[test]
    fn sums_agree_with_the_double_loop() {
        let at = Planar::new(Stream::new(1, "at").normals(45).view());
        let of = Planar::new(Stream::new(2, "of").normals(61).view());
        let logs: Vec<f64> = (0..61).map(|j| f64::from(j % 5) - 2.0).collect();
        let summed = Summed {
            points: &of,
            logs: &logs,
        };
        let h = 0.4;
        for shape in Radial::ALL {
            for lean in [Lean::Mean, Lean::Slope] {
                let found = Kernel { shape, h }.soft(&at, summed, lean, Mask::Nobody);
                for (i, found) in found.iter().enumerate() {
                    let [x, y] = at.at(i);
                    let mut sums = [0.0; 3];
                    for (j, log) in logs.iter().enumerate() {
                        let [dx, dy] = [of.x[j] - x, of.y[j] - y];
                        let [k, pull] = plain(shape, (dx * dx + dy * dy) / (h * h));
                        let lean = if lean == Lean::Mean { k } else { pull };
                        let weight = log.exp();
                        sums[0] += weight * k;
                        sums[1] += weight * lean * dx;
                        sums[2] += weight * lean * dy;
                    }
                    assert!((found.log - sums[0].ln()).abs() < 1e-12, "{shape:?}");
                    for axis in 0..2 {
                        let shift = sums[axis + 1] / sums[0];
                        assert!((found.shift[axis] - shift).abs() < 1e-12, "{shape:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_point_is_left_out_at_its_own_place_and_far_away_all_is_finite() {
        let of = Planar::new(Stream::new(2, "of").normals(20).view());
        let logs = vec![0.0; 20];
        let summed = Summed {
            points: &of,
            logs: &logs,
        };
        for shape in Radial::ALL {
            let kernel = Kernel { shape, h: 0.3 };
            let all = kernel.soft(&of, summed, Lean::Mean, Mask::Nobody);
            let others = kernel.soft(&of, summed, Lean::Mean, Mask::Itself);
            for (all, others) in all.iter().zip(&others) {
                assert!((all.log.exp() - others.log.exp() - 1.0).abs() < 1e-12);
            }
            let far = Planar {
                x: vec![1e9],
                y: vec![-1e30],
            };
            let [sum] = kernel.soft(&far, summed, Lean::Slope, Mask::Nobody)[..] else {
                panic!("one place")
            };
            assert!(sum.log.is_finite() && sum.shift.iter().all(|v| v.is_finite()));
            let alone = Planar {
                x: vec![1.0],
                y: vec![2.0],
            };
            let none = Summed {
                points: &alone,
                logs: &[0.0],
            };
            let lost = kernel.soft(&alone, none, Lean::Mean, Mask::Itself)[0];
            assert_eq!((lost.log, lost.shift), (f64::NEG_INFINITY, [0.0; 2]));
        }
    }
}

//! Losses of a network that tells `p` from `q`, whose optimum is a known function of the log density ratio.

use multiversion::multiversion;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::numeric::{Real, softplus};

/// What a network that tells `p` from `q` minimises: `E_p real(D) + E_q fake(D)`, and of `relativistic` a mean over pairs.
///
/// Five are the variational bounds of f-divergences (Nowozin, Cseke and Tomioka, f-GAN, 2016),
/// `E_p T − E_q f*(T)`, with `T = f′(e^D)` so that `D` is the log ratio itself; `f*(T) = r f′ − f` is then the map `h` of
/// the divergence. All but `logistic`, `least-squares`, `jensen-shannon` and the last three belong to one family of powers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// `−E_p log σ(D) − E_q log(1 − σ(D))`, least at `D = log p/q` (Goodfellow et al. 2014).
    #[default]
    Logistic,
    /// `½ E_p (σ(D) − 1)² + ½ E_q σ(D)²`, least at `σ(D) = p/(p+q)` (Mao et al. 2017). They leave out σ and let the network
    /// say `p/(p+q)`; but the log of the odds of what it says multiplies every error of it by `1/σ(1 − σ)`, without bound.
    LeastSquares,
    /// `E_p e^{−D} + E_q e^D`, least at `D = ½ log p/q` (the loss of boosting).
    Exponential,
    /// f-GAN with `f = −log r`: `E_p e^{−D} + E_q D`.
    ReverseKl,
    /// f-GAN with `f = r log r`: `−E_p D + E_q e^D`.
    ForwardKl,
    /// f-GAN with `f = (r − 1)²`: `−2 E_p e^D + E_q e^{2D}`. All the weight lies where r is large.
    Chi2,
    /// f-GAN with `f = (√r − 1)²`: `E_p e^{−D/2} + E_q e^{D/2}`.
    Hellinger,
    /// f-GAN with `f = r log r − (r + 1) log((r + 1)/2)`: the logistic loss but for a constant.
    JensenShannon,
    /// `−E_{x∼p, y∼q} log σ(D(x) − D(y))` over pairs, least at `D = log p/q` but for a constant (Jolicoeur-Martineau 2019), which is then chosen so that
    /// `E_q e^D = 1`.
    Relativistic,
    /// `E_p max(0, 1 − D) + E_q max(0, 1 + D)` (Lim and Ye 2017), least at the sign of `log p/q`: no log ratio.
    Hinge,
    /// `−E_p D + E_q D`, the gradient by which an energy `−D` is learned (contrastive divergence; Hinton 2002, and Tieleman 2008 for samples that go on from fit to fit). It
    /// has no least value: D gathers `p − q` from fit to fit, and rests where `q = p`. Of a cloud that follows `∇D` with `flow.noise = 1`, and so samples `e^D`, that is where
    /// `D = log p` but for a constant: no log ratio, which would be 0 there.
    Energy,
}

/// The log ratio beyond which an exponential no longer grows, see [`power`].
const TEMPERED: f64 = 3.0;

impl Loss {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Logistic,
        Self::LeastSquares,
        Self::Exponential,
        Self::ReverseKl,
        Self::ForwardKl,
        Self::Chi2,
        Self::Hellinger,
        Self::JensenShannon,
        Self::Relativistic,
        Self::Hinge,
        Self::Energy,
    ];

    /// Name in a scenario file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Logistic => "logistic",
            Self::LeastSquares => "least-squares",
            Self::Exponential => "exponential",
            Self::ReverseKl => "reverse-kl",
            Self::ForwardKl => "forward-kl",
            Self::Chi2 => "chi2",
            Self::Hellinger => "hellinger",
            Self::JensenShannon => "jensen-shannon",
            Self::Relativistic => "relativistic",
            Self::Hinge => "hinge",
            Self::Energy => "energy",
        }
    }

    /// Whether the optimum is a known function of the log ratio.
    #[must_use]
    pub fn is_ratio(self) -> bool {
        !matches!(self, Self::Hinge | Self::Energy)
    }

    /// Whether it is a mean over pairs of a sample of `p` and one of `q`, so that the optimum is open to a constant.
    pub(super) fn is_paired(self) -> bool {
        self == Self::Relativistic
    }

    /// The exponent of the loss in the family of [`power`]; `None` for those outside it.
    fn exponent(self) -> Option<f64> {
        match self {
            Self::ReverseKl => Some(0.0),
            Self::Exponential | Self::Hellinger => Some(0.5),
            Self::ForwardKl => Some(1.0),
            Self::Chi2 => Some(2.0),
            Self::Logistic
            | Self::LeastSquares
            | Self::JensenShannon
            | Self::Relativistic
            | Self::Hinge
            | Self::Energy => None,
        }
    }

    /// Whether it grows exponentially, up to where it is tempered.
    pub(super) fn is_exponential(self) -> bool {
        self.exponent().is_some()
    }

    /// `log p/q` over what the network says, where that is constant.
    fn unit(self) -> f64 {
        if self == Self::Exponential { 2.0 } else { 1.0 }
    }

    /// The loss of a sample of `p` where the network says `d`, and its derivative by `d`; for a loss of pairs, where it says 0 of the other.
    pub(super) fn real<T: Real>(self, d: T) -> (T, T) {
        match self.exponent() {
            Some(a) => {
                let unit = T::of(self.unit());
                let (value, slope) = power(1.0 - a, -unit * d);
                (value, -unit * slope)
            }
            None if self == Self::LeastSquares => {
                let (value, slope) = half_square_of_sigma(-d);
                (value, -slope)
            }
            None if self == Self::Hinge => {
                let (value, slope) = hinge(-d);
                (value, -slope)
            }
            None if self == Self::Energy => (-d, -T::ONE),
            None => {
                let (value, slope) = softplus(-d);
                (value, -slope)
            }
        }
    }

    /// The loss of a sample of `q` where the network says `d`, and its derivative by `d`; for a loss of pairs, where it says 0 of the other.
    pub(super) fn fake<T: Real>(self, d: T) -> (T, T) {
        match self.exponent() {
            Some(a) => {
                let unit = T::of(self.unit());
                let (value, slope) = power(a, unit * d);
                (value, unit * slope)
            }
            None if self == Self::LeastSquares => half_square_of_sigma(d),
            None if self == Self::Hinge => hinge(d),
            None if self == Self::Energy => (d, T::ONE),
            None => softplus(d),
        }
    }

    /// Sum of [`real`](Self::real) over what the network says at some samples of `p`, times `share`, and its derivatives.
    pub(super) fn over_real<T: Real>(self, share: T, said: &[T], slopes: &mut [T]) -> T {
        match self {
            Self::Logistic | Self::JensenShannon => over_softplus(-T::ONE, share, said, slopes),
            _ => one_by_one(share, said, slopes, |d| self.real(d)),
        }
    }

    /// The same of [`fake`](Self::fake), at samples of `q`.
    pub(super) fn over_fake<T: Real>(self, share: T, said: &[T], slopes: &mut [T]) -> T {
        match self {
            Self::Logistic | Self::JensenShannon => over_softplus(T::ONE, share, said, slopes),
            _ => one_by_one(share, said, slopes, |d| self.fake(d)),
        }
    }

    /// The loss of a network that stands for these log ratios at samples of `p` (`real`) and of `q` (`fake`), which are met row by row where it is a mean over
    /// pairs; NaN where there are none.
    #[must_use]
    pub fn of_log_ratios(self, real: &[f64], fake: &[f64]) -> f64 {
        let mean = |values: &[f64], loss: &dyn Fn(f64) -> f64| {
            values.iter().map(|u| loss(u / self.unit())).sum::<f64>() / values.len() as f64
        };
        if self.is_paired() {
            let pairs: Vec<f64> = real.iter().zip(fake).map(|(x, y)| x - y).collect();
            return mean(&pairs, &|d| self.real(d).0);
        }
        mean(real, &|d| self.real(d).0) + mean(fake, &|d| self.fake(d).0)
    }

    /// `log p/q` where a network at the optimum says `d`, and its derivative by `d`.
    pub(super) fn log_ratio(self, d: f64) -> (f64, f64) {
        (self.unit() * d, self.unit())
    }
}

fn one_by_one<T: Real>(share: T, said: &[T], slopes: &mut [T], loss: impl Fn(T) -> (T, T)) -> T {
    let mut sum = T::ZERO;
    for (&d, into) in said.iter().zip(slopes) {
        let (value, slope) = loss(d);
        sum += share * value;
        *into = share * slope;
    }
    sum
}

/// Sum of `share · log(1 + e^{sign·d})` and its derivatives by the `d`, several at a time: the loss of nearly all networks, and,
/// one at a time, an eighth of their training.
#[multiversion(targets("x86_64+avx512vl+fma", "x86_64+avx2+fma"))]
fn over_softplus<T: Real>(sign: T, share: T, said: &[T], slopes: &mut [T]) -> T {
    const LANES: usize = 32;
    let mut sum = T::ZERO;
    for (said, slopes) in said.chunks(LANES).zip(slopes.chunks_mut(LANES)) {
        let mut at = [T::ZERO; LANES];
        at[..said.len()].copy_from_slice(said);
        let (mut values, mut derivatives) = ([T::ZERO; LANES], [T::ZERO; LANES]);
        for lane in 0..LANES {
            let (value, slope) = softplus(sign * at[lane]);
            values[lane] = share * value;
            derivatives[lane] = share * (sign * slope);
        }
        slopes.copy_from_slice(&derivatives[..slopes.len()]);
        for &value in &values[..said.len()] {
            sum += value;
        }
    }
    sum
}

/// `max(0, 1 + x)` and its derivative.
fn hinge<T: Real>(x: T) -> (T, T) {
    let over = T::ONE + x;
    if over > T::ZERO {
        (over, T::ONE)
    } else {
        (T::ZERO, T::ZERO)
    }
}

/// `½σ(x)²` and its derivative.
fn half_square_of_sigma<T: Real>(x: T) -> (T, T) {
    // The slope of softplus.
    let [sigma, rest] = [softplus(x).1, softplus(-x).1];
    let square = sigma * sigma;
    (T::of(0.5) * square, square * rest)
}

/// The loss `φ_a(u) = (e^{au} − 1)/a`, `φ_0(u) = u`, of a sample of `q`, and its derivative by `u`; a sample of `p` has
/// `φ_{1−a}(−u)`. Their slopes are as 1 to `e^{−u}`, so that the sum is least at `u = log p/q` whatever `a` is: 0 is the
/// f-GAN of the reverse KL divergence, ½ of Hellinger, 1 of the forward KL, 2 of χ², each up to a factor.
///
/// Where `|u|` exceeds 3, one sample could outweigh all the others. There the larger of the two slopes stays constant, and
/// the other remains `e^{∓u}` times as large: the optimum is the same, and no gradient is unbounded.
fn power<T: Real>(a: f64, u: T) -> (T, T) {
    let end = T::of(TEMPERED);
    let inside = if u > end {
        end
    } else if u < -end {
        -end
    } else {
        u
    };
    let over = if u > end { u - end } else { T::ZERO };
    let under = if u < -end { -end - u } else { T::ZERO };
    let (value, slope) = if a == 0.0 {
        (inside, T::ONE)
    } else {
        let growth = (T::of(a) * inside).exp();
        (T::of(1.0 / a) * (growth - T::ONE), growth)
    };
    let fall = (-under).exp();
    (value + slope * (over + fall - T::ONE), slope * fall)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands in the documentation of each loss, for `|log r| < 3`, up to a factor and a constant.
    fn written(loss: Loss, d: f64) -> [f64; 2] {
        match loss {
            Loss::Hinge => [(1.0 - d).max(0.0), (1.0 + d).max(0.0)],
            Loss::Energy => [-d, d],
            Loss::Logistic | Loss::JensenShannon | Loss::Relativistic => {
                let sigma = 1.0 / (1.0 + (-d).exp());
                [-sigma.ln(), -(1.0 - sigma).ln()]
            }
            Loss::LeastSquares => {
                let sigma = 1.0 / (1.0 + (-d).exp());
                [0.5 * (sigma - 1.0).powi(2), 0.5 * sigma * sigma]
            }
            Loss::Exponential => [2.0 * (-d).exp(), 2.0 * d.exp()],
            Loss::ReverseKl => [(-d).exp(), d],
            Loss::ForwardKl => [-d, d.exp()],
            Loss::Chi2 => [-d.exp(), 0.5 * (2.0 * d).exp()],
            Loss::Hellinger => [2.0 * (-0.5 * d).exp(), 2.0 * (0.5 * d).exp()],
        }
    }

    #[test]
    fn each_loss_is_the_one_that_is_written() {
        for loss in Loss::ALL {
            let at = |d: f64| {
                let [real, fake] = written(loss, d);
                [loss.real(d).0 - real, loss.fake(d).0 - fake]
            };
            let constants = at(0.0);
            for d in [-1.4, -0.3, 0.2, 1.1] {
                for (rest, constant) in at(d).into_iter().zip(constants) {
                    assert!((rest - constant).abs() < 1e-13, "{loss:?} at {d}");
                }
            }
        }
    }

    #[test]
    fn of_log_ratios_it_is_what_is_written() {
        let [real, fake] = [[0.3, -1.1, 0.8], [-0.4, 0.2, -2.0_f64]];
        for loss in Loss::ALL {
            // What they share with the form that is written, but for a constant.
            let constant = |d: f64| {
                let [a, b] = written(loss, d);
                loss.real(d).0 + loss.fake(d).0 - a - b
            };
            let expected: f64 = if loss == Loss::Relativistic {
                let pairs = real.iter().zip(fake);
                pairs.map(|(x, y)| (y - x).exp().ln_1p()).sum()
            } else {
                let at = |u: f64, side: usize| written(loss, u / loss.unit())[side];
                let both = real.iter().zip(fake);
                both.map(|(&x, y)| at(x, 0) + at(y, 1) + constant(0.0))
                    .sum()
            };
            let found = loss.of_log_ratios(&real, &fake);
            assert!((found - expected / 3.0).abs() < 1e-13, "{loss:?}: {found}");
        }
    }

    #[test]
    fn many_at_once_are_one_after_another() {
        let said: Vec<f32> = (0..71).map(|i| 0.3 * i as f32 - 11.0).collect();
        for loss in Loss::ALL {
            let mut slopes = [vec![0.0; 71], vec![0.0; 71]];
            let [real, fake] = &mut slopes;
            let sums = [
                loss.over_real(0.5, &said, real),
                loss.over_fake(0.5, &said, fake),
            ];
            let singly = [Loss::real::<f32>, Loss::fake::<f32>];
            for ((one, sum), slopes) in singly.into_iter().zip(sums).zip(slopes) {
                assert_eq!(sum, said.iter().map(|&d| 0.5 * one(loss, d).0).sum::<f32>());
                let expected: Vec<f32> = said.iter().map(|&d| 0.5 * one(loss, d).1).collect();
                assert_eq!(slopes, expected, "{loss:?}");
            }
        }
    }

    /// Where `p/q = r`, the pointwise loss `r real(d) + fake(d)` is least at the `d` that means `log r`.
    #[test]
    fn the_optimum_is_the_log_ratio() {
        for loss in Loss::ALL.into_iter().filter(|loss| loss.is_ratio()) {
            for u in [-6.0_f64, -3.5, -2.0, -0.4, 0.0, 1.0, 2.5, 3.7, 8.0] {
                let d = match loss {
                    Loss::Exponential => 0.5 * u,
                    _ => u,
                };
                let ratio = u.exp();
                assert!((loss.log_ratio(d).0 - u).abs() < 1e-13, "{loss:?}");
                let slope = ratio * loss.real(d).1 + loss.fake(d).1;
                assert!(
                    slope.abs() < 1e-12 * loss.fake(d).1.max(1.0),
                    "{loss:?} at {u}: {slope}"
                );
                // Rising beyond the optimum and falling before it: no other minimum.
                for away in [0.3, 2.0, 7.0] {
                    let slope = |d: f64| ratio * loss.real(d).1 + loss.fake(d).1;
                    assert!(
                        slope(d + away) > 0.0 && slope(d - away) < 0.0,
                        "{loss:?} at {u}"
                    );
                }
            }
        }
    }

    #[test]
    fn slopes_are_derivatives_and_bounded() {
        let step = 1e-5;
        for loss in Loss::ALL {
            for d in [-30.0_f64, -3.1, -2.9, -0.4, 0.5, 0.99, 1.6, 5.0, 30.0] {
                let difference =
                    |f: &dyn Fn(f64) -> f64| (f(d + step) - f(d - step)) / (2.0 * step);
                let close = |slope: f64, found: f64| {
                    assert!(
                        (slope - found).abs() < 1e-7 * (1.0 + slope.abs()),
                        "{loss:?} at {d}"
                    );
                };
                close(loss.real(d).1, difference(&|d| loss.real(d).0));
                close(loss.fake(d).1, difference(&|d| loss.fake(d).0));
                close(loss.log_ratio(d).1, difference(&|d| loss.log_ratio(d).0));
                assert!(
                    loss.real(d).1.abs().max(loss.fake(d).1.abs()) < 1e3,
                    "{loss:?} at {d}"
                );
            }
        }
    }
}

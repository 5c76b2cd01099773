//! The nonlinearities of the networks, with their first and second derivatives.

#![expect(
    clippy::inline_always,
    reason = "a call would end vectorisation of the caller"
)]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::numeric::{Real, softplus};

/// The function φ between the layers of a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// x σ(x), smooth: the gradient of D is a smooth field.
    #[default]
    Silu,
    /// x, or 0 where x is negative: what the network gives is piecewise linear.
    Relu,
    /// x, or x/5 where x is negative: the gradient of D is piecewise constant.
    LeakyRelu,
    /// The hyperbolic tangent: bounded, so that D levels off far away.
    Tanh,
    /// log(1 + eˣ), smooth.
    Softplus,
}

impl Activation {
    /// The factor on the weights that keeps the variance from layer to layer: √(2/(1+a²)) for a rectifier
    /// with slope a, by custom 5/3 for tanh, and the rectifier's √2 for its two smooth cousins.
    pub(super) fn gain(self) -> f64 {
        match self {
            Self::Silu | Self::Relu | Self::Softplus => std::f64::consts::SQRT_2,
            Self::LeakyRelu => (2.0_f64 / 1.04).sqrt(),
            Self::Tanh => 5.0 / 3.0,
        }
    }

    /// Replaces each `x` in `values` by `φ(x)`.
    #[inline(always)]
    pub(super) fn apply<T: Real, const FUSED: bool>(self, values: &mut [T]) {
        match self {
            Self::Silu => each(values, |x| silu::<T, FUSED>(x).0),
            Self::Relu => each(values, |x| rectified(x, T::ZERO).0),
            Self::LeakyRelu => each(values, |x| rectified(x, T::of(LEAK)).0),
            Self::Tanh => each(values, |x| tanh::<T, FUSED>(x).0),
            Self::Softplus => each(values, |x| softplus(x).0),
        }
    }

    /// The same, with `φ'(x)` into `slopes`.
    #[inline(always)]
    pub(super) fn apply_with_slopes<T: Real, const FUSED: bool>(
        self,
        values: &mut [T],
        slopes: &mut [T],
    ) {
        match self {
            Self::Silu => each_with_slope(values, slopes, silu::<T, FUSED>),
            Self::Relu => each_with_slope(values, slopes, |x| rectified(x, T::ZERO)),
            Self::LeakyRelu => each_with_slope(values, slopes, |x| rectified(x, T::of(LEAK))),
            Self::Tanh => each_with_slope(values, slopes, tanh::<T, FUSED>),
            Self::Softplus => each_with_slope(values, slopes, smooth),
        }
    }

    /// The same, with `φ''(x)` into `bends`.
    #[inline(always)]
    pub(super) fn apply_with_bends<T: Real, const FUSED: bool>(
        self,
        values: &mut [T],
        slopes: &mut [T],
        bends: &mut [T],
    ) {
        match self {
            Self::Silu => each_with_bend(values, slopes, bends, |x| {
                let s = sigma::<T, FUSED>(x);
                let bend = s * (T::ONE - s) * (two::<T>() + x * (T::ONE - two::<T>() * s));
                (silu_of(x, s), bend)
            }),
            Self::Relu | Self::LeakyRelu => {
                self.apply_with_slopes::<T, FUSED>(values, slopes);
                bends.fill(T::ZERO);
            }
            Self::Tanh => each_with_bend(values, slopes, bends, |x| {
                let (t, slope) = tanh::<T, FUSED>(x);
                ((t, slope), (-two::<T>() * t * slope).flushed())
            }),
            Self::Softplus => each_with_bend(values, slopes, bends, |x| {
                let (value, s) = smooth(x);
                ((value, s), s * (T::ONE - s))
            }),
        }
    }
}

/// The slope of the leaky rectifier below 0.
const LEAK: f64 = 0.2;

// The values are flushed here; of slopes and bends, which are rarely tiny and not 0, each function sees to its own.

#[inline(always)]
fn each<T: Real>(values: &mut [T], function: impl Fn(T) -> T) {
    for value in values {
        *value = function(*value).flushed();
    }
}

#[inline(always)]
fn each_with_slope<T: Real>(values: &mut [T], slopes: &mut [T], function: impl Fn(T) -> (T, T)) {
    for (value, slope) in values.iter_mut().zip(slopes) {
        let (at, by) = function(*value);
        (*value, *slope) = (at.flushed(), by);
    }
}

#[inline(always)]
fn each_with_bend<T: Real>(
    values: &mut [T],
    slopes: &mut [T],
    bends: &mut [T],
    function: impl Fn(T) -> ((T, T), T),
) {
    for ((value, slope), bend) in values.iter_mut().zip(slopes).zip(bends) {
        let ((at, by), twice) = function(*value);
        (*value, *slope, *bend) = (at.flushed(), by, twice);
    }
}

#[inline(always)]
fn two<T: Real>() -> T {
    T::ONE + T::ONE
}

/// σ(x) to three units in the last place of 1, and 0 where it is negligible.
#[inline(always)]
fn sigma<T: Real, const FUSED: bool>(x: T) -> T {
    let exponent = x * T::of(-std::f64::consts::LOG2_E);
    let rest = exponent.exp2::<FUSED>();
    if exponent > -T::NEGLIGIBLE_EXPONENT {
        T::ZERO
    } else {
        T::ONE / (T::ONE + rest)
    }
}

#[inline(always)]
fn silu<T: Real, const FUSED: bool>(x: T) -> (T, T) {
    silu_of(x, sigma::<T, FUSED>(x))
}

#[inline(always)]
fn silu_of<T: Real>(x: T, s: T) -> (T, T) {
    (x * s, s * (T::ONE + x * (T::ONE - s)))
}

/// x, or `leak` times it where it is negative.
#[inline(always)]
fn rectified<T: Real>(x: T, leak: T) -> (T, T) {
    let slope = if x < T::ZERO { leak } else { T::ONE };
    (x * slope, slope)
}

#[inline(always)]
fn tanh<T: Real, const FUSED: bool>(x: T) -> (T, T) {
    // From there on it is 1 to the last place.
    let most = T::of(64.0);
    let exponent = x * T::of(2.0 * std::f64::consts::LOG2_E);
    let exponent = if exponent > most { most } else { exponent };
    let t = T::ONE - two::<T>() / (T::ONE + exponent.exp2::<FUSED>());
    (t, T::ONE - t * t)
}

#[inline(always)]
fn smooth<T: Real>(x: T) -> (T, T) {
    let (value, slope) = softplus(x);
    (value, slope.flushed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_slopes_and_bends_agree() {
        compare::<false>();
        compare::<true>();
    }

    /// Values against the standard library's functions, slopes and bends against central differences.
    fn compare<const FUSED: bool>() {
        type Plain = fn(f64) -> f64;
        let truth: [(Activation, Plain); 5] = [
            (Activation::Silu, |x| x / (1.0 + (-x).exp())),
            (Activation::Relu, |x| x.max(0.0)),
            (Activation::LeakyRelu, |x| x.max(0.2 * x)),
            (Activation::Tanh, f64::tanh),
            (Activation::Softplus, |x| x.exp().ln_1p()),
        ];
        let points: Vec<f64> = (-40..40).map(|i| 0.21 * f64::from(i) + 0.01).collect();
        let step = 1e-4;
        for (activation, function) in truth {
            let mut values = points.clone();
            let (mut slopes, mut bends) = (points.clone(), points.clone());
            activation.apply_with_bends::<_, FUSED>(&mut values, &mut slopes, &mut bends);
            for (i, &x) in points.iter().enumerate() {
                let (low, middle, high) = (function(x - step), function(x), function(x + step));
                assert!((values[i] - middle).abs() < 1e-14, "{activation:?}({x})");
                let slope = (high - low) / (2.0 * step);
                assert!((slopes[i] - slope).abs() < 1e-7, "{activation:?}'({x})");
                let bend = (high - 2.0 * middle + low) / (step * step);
                assert!((bends[i] - bend).abs() < 1e-6, "{activation:?}''({x})");
            }
            let mut alone = points.clone();
            activation.apply::<_, FUSED>(&mut alone);
            assert_eq!(alone, values);
            let (mut pair, mut slope) = (points.clone(), points.clone());
            activation.apply_with_slopes::<_, FUSED>(&mut pair, &mut slope);
            assert_eq!((pair, slope), (values, slopes));
        }
    }
    #[test]
    fn far_out_they_are_straight_and_nan_stays() {
        for (activation, left, right) in [
            (Activation::Silu, [0.0, 0.0], [1.0, 0.0]),
            (Activation::Relu, [0.0, 0.0], [1.0, 0.0]),
            (Activation::LeakyRelu, [0.2, 0.0], [1.0, 0.0]),
            (Activation::Tanh, [0.0, -1.0], [0.0, 1.0]),
            (Activation::Softplus, [0.0, 0.0], [1.0, 0.0]),
        ] {
            for size in [130.0, 1e6, 1e30] {
                let mut values = [-size, size, f32::NAN];
                let (mut slopes, mut bends) = ([7.0; 3], [7.0; 3]);
                activation.apply_with_bends::<_, true>(&mut values, &mut slopes, &mut bends);
                let line = |[slope, rise]: [f32; 2], x: f32| slope * x + rise;
                assert_eq!(values[..2], [line(left, -size), line(right, size)]);
                assert_eq!(slopes[..2], [left[0], right[0]], "{activation:?}");
                assert_eq!(bends[..2], [0.0; 2], "{activation:?}");
                assert!(values[2].is_nan(), "{activation:?}");
            }
        }
    }
}

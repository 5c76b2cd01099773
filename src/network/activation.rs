//! The nonlinearities of the networks, with their first and second derivatives.

#![expect(
    clippy::inline_always,
    reason = "a call would end vectorisation of the caller"
)]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::numeric::{Real, sigmoid, softplus};

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
    pub(super) fn apply<T: Real>(self, values: &mut [T]) {
        match self {
            Self::Silu => values.iter_mut().for_each(|x| *x = silu(*x).0.flushed()),
            Self::Relu => values.iter_mut().for_each(|x| *x = relu(*x).0.flushed()),
            Self::LeakyRelu => values.iter_mut().for_each(|x| *x = leaky(*x).0.flushed()),
            Self::Tanh => values.iter_mut().for_each(|x| *x = tanh(*x).0.flushed()),
            Self::Softplus => values
                .iter_mut()
                .for_each(|x| *x = softplus(*x).0.flushed()),
        }
    }

    /// The same, with `φ'(x)` into `slopes`.
    #[inline(always)]
    pub(super) fn apply_with_slopes<T: Real>(self, values: &mut [T], slopes: &mut [T]) {
        match self {
            Self::Silu => each(values, slopes, silu),
            Self::Relu => each(values, slopes, relu),
            Self::LeakyRelu => each(values, slopes, leaky),
            Self::Tanh => each(values, slopes, tanh),
            Self::Softplus => each(values, slopes, softplus),
        }
    }

    /// The same, with `φ''(x)` into `bends`.
    #[inline(always)]
    pub(super) fn apply_with_bends<T: Real>(
        self,
        values: &mut [T],
        slopes: &mut [T],
        bends: &mut [T],
    ) {
        match self {
            Self::Silu => each_with_bend(values, slopes, bends, silu, |x| {
                let s = sigmoid(x);
                s * (T::ONE - s) * (two::<T>() + x * (T::ONE - two::<T>() * s))
            }),
            Self::Relu => each_with_bend(values, slopes, bends, relu, |_| T::ZERO),
            Self::LeakyRelu => each_with_bend(values, slopes, bends, leaky, |_| T::ZERO),
            Self::Tanh => each_with_bend(values, slopes, bends, tanh, |x| {
                let (t, slope) = tanh(x);
                -two::<T>() * t * slope
            }),
            Self::Softplus => each_with_bend(values, slopes, bends, softplus, |x| {
                let s = sigmoid(x);
                s * (T::ONE - s)
            }),
        }
    }
}

#[inline(always)]
fn each<T: Real>(values: &mut [T], slopes: &mut [T], function: impl Fn(T) -> (T, T)) {
    for (value, slope) in values.iter_mut().zip(slopes) {
        let (at, by) = function(*value);
        (*value, *slope) = (at.flushed(), by.flushed());
    }
}

#[inline(always)]
fn each_with_bend<T: Real>(
    values: &mut [T],
    slopes: &mut [T],
    bends: &mut [T],
    function: impl Fn(T) -> (T, T),
    second: impl Fn(T) -> T,
) {
    for ((value, slope), bend) in values.iter_mut().zip(slopes).zip(bends) {
        *bend = second(*value).flushed();
        let (at, by) = function(*value);
        (*value, *slope) = (at.flushed(), by.flushed());
    }
}

#[inline(always)]
fn two<T: Real>() -> T {
    T::ONE + T::ONE
}

#[inline(always)]
fn silu<T: Real>(x: T) -> (T, T) {
    let s = sigmoid(x);
    (x * s, s * (T::ONE + x * (T::ONE - s)))
}

#[inline(always)]
fn relu<T: Real>(x: T) -> (T, T) {
    if x < T::ZERO {
        (T::ZERO, T::ZERO)
    } else {
        (x, T::ONE)
    }
}

#[inline(always)]
fn leaky<T: Real>(x: T) -> (T, T) {
    let slope = if x < T::ZERO { T::of(0.2) } else { T::ONE };
    (x * slope, slope)
}

#[inline(always)]
fn tanh<T: Real>(x: T) -> (T, T) {
    let t = T::ONE - two::<T>() / (T::ONE + (two::<T>() * x).exp());
    (t, T::ONE - t * t)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values against the standard library's functions, slopes and bends against central differences.
    #[test]
    fn values_slopes_and_bends_agree() {
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
            activation.apply_with_bends(&mut values, &mut slopes, &mut bends);
            for (i, &x) in points.iter().enumerate() {
                let (low, middle, high) = (function(x - step), function(x), function(x + step));
                assert!((values[i] - middle).abs() < 1e-14, "{activation:?}({x})");
                let slope = (high - low) / (2.0 * step);
                assert!((slopes[i] - slope).abs() < 1e-7, "{activation:?}'({x})");
                let bend = (high - 2.0 * middle + low) / (step * step);
                assert!((bends[i] - bend).abs() < 1e-6, "{activation:?}''({x})");
            }
            let mut alone = points.clone();
            activation.apply(&mut alone);
            assert_eq!(alone, values);
            let (mut pair, mut slope) = (points.clone(), points.clone());
            activation.apply_with_slopes(&mut pair, &mut slope);
            assert_eq!((pair, slope), (values, slopes));
        }
    }
}

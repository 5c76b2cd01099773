//! Classification losses whose optimum is a known function of the log density ratio.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::network::{Real, softplus};

/// What a network that tells `p` from `q` minimises: `E_p real(D) + E_q fake(D)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// `−E_p log σ(D) − E_q log(1 − σ(D))`, least at `D = log p/q` (Goodfellow et al. 2014).
    #[default]
    Logistic,
}

impl Loss {
    /// The loss of a sample of `p` where the network says `d`, and its derivative by `d`.
    pub(super) fn real<T: Real>(self, d: T) -> (T, T) {
        match self {
            Self::Logistic => {
                let (value, slope) = softplus(-d);
                (value, -slope)
            }
        }
    }

    /// The loss of a sample of `q` where the network says `d`, and its derivative by `d`.
    pub(super) fn fake<T: Real>(self, d: T) -> (T, T) {
        match self {
            Self::Logistic => softplus(d),
        }
    }

    /// `log p/q` where a network at the optimum says `d`, and its derivative by `d`.
    pub(super) fn log_ratio(self, d: f64) -> (f64, f64) {
        match self {
            Self::Logistic => (d, 1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where `p/q = r`, the pointwise loss `r real(d) + fake(d)` is least at the `d` that means `log r`.
    #[test]
    fn the_optimum_is_the_log_ratio() {
        for loss in [Loss::Logistic] {
            for d in [-3.0_f64, -0.4, 0.0, 1.0, 2.5] {
                let ratio = loss.log_ratio(d).0.exp();
                let slope = ratio * loss.real(d).1 + loss.fake(d).1;
                assert!(slope.abs() < 1e-14, "{loss:?} at {d}: {slope}");
                let step = 1e-5;
                let difference =
                    |f: &dyn Fn(f64) -> f64| (f(d + step) - f(d - step)) / (2.0 * step);
                assert!((difference(&|d| loss.real(d).0) - loss.real(d).1).abs() < 1e-9);
                assert!((difference(&|d| loss.fake(d).0) - loss.fake(d).1).abs() < 1e-9);
                assert!((difference(&|d| loss.log_ratio(d).0) - loss.log_ratio(d).1).abs() < 1e-9);
            }
        }
    }
}

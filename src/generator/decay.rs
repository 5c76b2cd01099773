//! How the learning rate falls.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What becomes of the learning rate over the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Decay {
    /// It stays.
    Constant,
    /// It stays for half of the run, then falls along a cosine to a hundredth (Loshchilov and Hutter 2017).
    #[default]
    Cosine,
}

impl Decay {
    /// The factor on the learning rate when `progress` in [0, 1] of the run lies behind.
    pub(super) fn factor(self, progress: f64) -> f64 {
        const LEAST: f64 = 0.01;
        match self {
            Self::Constant => 1.0,
            Self::Cosine => {
                let along = (2.0 * progress - 1.0).clamp(0.0, 1.0);
                LEAST + (1.0 - LEAST) * 0.5 * (1.0 + (std::f64::consts::PI * along).cos())
            }
        }
    }
}

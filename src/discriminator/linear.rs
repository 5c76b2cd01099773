//! A linear discriminator, a gradient step at a time: the smallest player that there is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Loss;
use crate::cloud::CloudView;
use crate::estimate::learner::Standardiser;
use crate::estimate::recipe::{Recipe, Sizes, summed};
use crate::estimate::{Discriminator, FitContext, FitError, Kind, Ratio, StepRule};
use crate::setting::{Invalid, at_least, positive, within};
use crate::target::Target;

/// `D(x) = w · (x − c)/s + b` by plain gradient steps on all samples, from w = 0 and b = 0; c and s are the mean and the pooled standard deviation of the target sample. The
/// log ratio of two Gaussians with the same covariance matrix is of this form; of others the mean of the cloud alone is brought home. With the loss `energy`, of
/// which w sums up the mean's error, this and a cloud that moves along w are the Dirac-GAN (Mescheder, Geiger and Nowozin 2018).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LinearSpec {
    /// What w and b minimise.
    pub loss: Loss,
    /// Rate of the steps, in standardised units.
    pub learning_rate: f64,
    /// Steps at each fit, which goes on where the last one ended.
    pub inner_steps: usize,
    /// Weight γ of the penalty `γ/2 ‖w‖²`, which is that of R1 (Mescheder et al. 2018), in standardised units.
    pub r1: f64,
    /// The step size ε that suits the fit, in standardised units, when the flow leaves it to the discriminator.
    pub step_size: f64,
}

impl Default for LinearSpec {
    fn default() -> Self {
        Self {
            loss: Loss::Logistic,
            learning_rate: 0.2,
            inner_steps: 20,
            r1: 0.0,
            step_size: 0.1,
        }
    }
}

impl Recipe for LinearSpec {
    fn estimator(&self, _target: &dyn Target) -> Result<Box<dyn Discriminator>, Invalid> {
        positive("learning_rate", self.learning_rate)?;
        at_least("inner_steps", self.inner_steps, 1)?;
        within("r1", self.r1, 0.0, 1e9)?;
        positive("step_size", self.step_size)?;
        if self.loss.is_paired() {
            let remedy = "a linear D has no minibatches to pair; choose another loss, or discriminator = \"mlp\"";
            return Err(Invalid::new(
                "loss",
                format!("\"{}\"", self.loss.name()),
                remedy,
            ));
        }
        Ok(Box::new(Linear {
            spec: self.clone(),
            weights: [0.0; 3],
            frame: None,
        }))
    }

    fn memory(&self, sizes: Sizes) -> Vec<(&'static str, f64)> {
        summed(sizes)
    }

    fn repeats(&self) -> [usize; 2] {
        [self.inner_steps; 2]
    }

    fn shorten(&mut self, most: usize) {
        self.inner_steps = self.inner_steps.min(most);
    }
}

/// The fitted line.
#[derive(Clone, Debug)]
pub struct Linear {
    spec: LinearSpec,
    /// w₁, w₂, b.
    weights: [f64; 3],
    frame: Option<Standardiser>,
}

impl Linear {
    fn refuse(&self) -> FitError {
        FitError {
            discriminator: "linear",
            reason: format!(
                "its weights are no finite numbers after steps of rate {}; lower discriminator.linear.learning_rate",
                self.spec.learning_rate
            ),
        }
    }
}

/// What D with these weights says.
fn says([a, b, c]: [f64; 3], [x, y]: [f64; 2]) -> f64 {
    a * x + b * y + c
}

/// Adds the gradient of the mean of a loss over the points `at`, whose derivative by D is `slope`.
fn add(weights: [f64; 3], at: &[[f64; 2]], slope: impl Fn(f64) -> f64, sum: &mut [f64; 3]) {
    let share = 1.0 / at.len() as f64;
    for &x in at {
        let slope = share * slope(says(weights, x));
        sum[0] += slope * x[0];
        sum[1] += slope * x[1];
        sum[2] += slope;
    }
}

impl Discriminator for Linear {
    fn fit(
        &mut self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
        _round: FitContext,
    ) -> Result<(), FitError> {
        let frame = Standardiser::of(real, "linear")?;
        let [real, fake] = [real, fake].map(|side| {
            let rows = side.rows().into_iter();
            rows.map(|row| frame.place(row)).collect::<Vec<_>>()
        });
        let loss = self.spec.loss;
        let mut weights = self.weights;
        for _ in 0..self.spec.inner_steps {
            let [a, b, _] = weights;
            let mut gradient = [self.spec.r1 * a, self.spec.r1 * b, 0.0];
            add(weights, &real, |d| loss.real(d).1, &mut gradient);
            add(weights, &fake, |d| loss.fake(d).1, &mut gradient);
            for (weight, slope) in weights.iter_mut().zip(gradient) {
                *weight -= self.spec.learning_rate * slope;
            }
        }
        // A fit that fails changes nothing.
        if weights.iter().any(|weight| !weight.is_finite()) {
            return Err(self.refuse());
        }
        (self.weights, self.frame) = (weights, Some(frame));
        Ok(())
    }

    fn evaluate(&self, at: CloudView<'_>, into: &mut Ratio) {
        into.resize(at.nrows());
        let Some(frame) = self.frame else {
            into.log.fill(0.0);
            into.gradient.fill(0.0);
            return;
        };
        let (_, unit) = self.spec.loss.log_ratio(0.0);
        let [a, b, _] = self.weights;
        for (row, x) in at.rows().into_iter().enumerate() {
            into.log[row] = unit * says(self.weights, frame.place(x));
            into.gradient[[row, 0]] = unit * a / frame.scale;
            into.gradient[[row, 1]] = unit * b / frame.scale;
        }
    }

    fn kind(&self) -> Kind {
        if self.spec.loss.is_ratio() {
            Kind::LogRatio
        } else {
            Kind::Gradient
        }
    }

    fn loss_name(&self) -> Option<&'static str> {
        Some(self.spec.loss.name())
    }

    fn loss(&self, real: &[f64], fake: &[f64]) -> f64 {
        self.spec.loss.of_log_ratios(real, fake)
    }

    fn step_rule(&self) -> StepRule {
        let scale = self.frame.map_or(0.0, |frame| frame.scale);
        StepRule {
            step_size: self.spec.step_size * scale * scale,
            clip: None,
            scale,
        }
    }

    fn state(&self) -> Vec<f64> {
        self.weights.to_vec()
    }

    fn load_state(&mut self, state: &[f64]) -> Result<(), FitError> {
        self.weights = state.try_into().map_err(|_| FitError {
            discriminator: "linear",
            reason: format!("the state has {} numbers, and should have 3", state.len()),
        })?;
        Ok(())
    }
}

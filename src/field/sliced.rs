//! Fields that are found along lines, by sorting: the sliced transport map, and the witness of the energy distance.

use std::f64::consts::{FRAC_PI_2, PI};

use rand::Rng;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::line::{Gaps, Transport};
use crate::cloud::{self, CloudView};
use crate::estimate::recipe::{Recipe, Sizes};
use crate::estimate::{Discriminator, FitContext, FitError, Kind, Ratio, StepRule};
use crate::plane::Planar;
use crate::setting::{Invalid, within};
use crate::target::Target;

/// What is sorted for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Slices {
    /// The optimal map of each projection: `V(x) = 2 E_θ (T_θ⟨x, θ⟩ − ⟨x, θ⟩) θ` (Bonneel et al. 2015), which brings a shifted cloud home at once.
    #[default]
    Transport,
    /// `D(x) = E_q‖x − x′‖ − E_p‖x − y‖`, the witness of the energy distance (a Riesz kernel), as `π/2` times the mean of those of the
    /// projections (Hertrich et al. 2024).
    Energy,
}

/// A field from projections onto lines, each of which is solved exactly by sorting.
///
/// Its D is no log ratio: for `transport` a potential in squared units, for `energy` a difference of mean distances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SlicedSpec {
    /// `transport` (the sliced W2) or `energy`.
    pub field: Slices,
    /// Number of lines, 2 to 10000: at equal angles, turned by chance at each fit.
    pub directions: usize,
}

impl Default for SlicedSpec {
    fn default() -> Self {
        Self {
            field: Slices::Transport,
            directions: 64,
        }
    }
}

/// Lines that are worked on side by side; fixed, so that the order of sums is.
const ABREAST: usize = 8;

impl SlicedSpec {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Invalid`] for a number out of range.
    pub fn build(&self) -> Result<Sliced, Invalid> {
        within("directions", self.directions as f64, 2.0, 10_000.0)?;
        Ok(Sliced {
            spec: self.clone(),
            turn: 0.0,
            width: 1.0,
            real: Planar::default(),
            fake: Planar::default(),
        })
    }
}

impl Recipe for SlicedSpec {
    fn estimator(&self, _target: &dyn Target) -> Result<Box<dyn Discriminator>, Invalid> {
        Ok(Box::new(self.build()?))
    }

    fn memory(&self, sizes: Sizes) -> Vec<(&'static str, f64)> {
        let abreast = self.directions.min(ABREAST) as f64;
        vec![
            (
                "cloud.particles",
                (40.0 + 40.0 * abreast) * sizes.particles as f64,
            ),
            (
                "cloud.samples",
                (16.0 + 16.0 * abreast) * sizes.samples as f64,
            ),
        ]
    }
}

/// The fitted field: both clouds, and the angle of the first line.
#[derive(Clone, Debug)]
pub struct Sliced {
    spec: SlicedSpec,
    turn: f64,
    /// Standard deviation of the target sample.
    width: f64,
    real: Planar,
    fake: Planar,
}

impl Sliced {
    /// `D` and its slope along a direction, at each place.
    fn slice(&self, direction: [f64; 2], at: &Planar) -> Vec<[f64; 2]> {
        let [real, fake] = [&self.real, &self.fake].map(|points| {
            let mut places = points.along(direction);
            radsort::sort(&mut places);
            places
        });
        let places = at.along(direction);
        match self.spec.field {
            Slices::Transport => {
                let map = Transport::new(&fake, &real);
                places.into_iter().map(|t| map.at(t)).collect()
            }
            Slices::Energy => {
                let [p, q] = [real, fake].map(Gaps::new);
                let witness = |t| {
                    let ([far, away], [from, off]) = (q.at(t), p.at(t));
                    [far - from, away - off]
                };
                places.into_iter().map(witness).collect()
            }
        }
    }
}

impl Discriminator for Sliced {
    fn fit(
        &mut self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
        round: FitContext,
    ) -> Result<(), FitError> {
        let width = cloud::spread(real);
        if !(width.is_finite() && width > 0.0) {
            return Err(FitError {
                discriminator: "sliced",
                reason: format!(
                    "the spread of the {} target samples is {width}; it must be above 0",
                    real.nrows()
                ),
            });
        }
        self.width = width;
        let share: f64 = round.stream.part("angle").rng().random();
        self.turn = share * PI / self.spec.directions as f64;
        (self.real, self.fake) = (Planar::new(real), Planar::new(fake));
        Ok(())
    }

    fn evaluate(&self, at: CloudView<'_>, into: &mut Ratio) {
        into.resize(at.nrows());
        into.log.fill(0.0);
        into.gradient.fill(0.0);
        if self.real.is_empty() {
            return;
        }
        let places = Planar::new(at);
        let count = self.spec.directions;
        let directions: Vec<[f64; 2]> = (0..count)
            .map(|k| self.turn + PI * k as f64 / count as f64)
            .map(|angle| [angle.cos(), angle.sin()])
            .collect();
        // The mean over the unit vectors of θ θᵀ is a half of the identity, that of |⟨x, θ⟩| is 2/π of the length.
        let unit = match self.spec.field {
            Slices::Transport => 2.0 / count as f64,
            Slices::Energy => FRAC_PI_2 / count as f64,
        };
        for directions in directions.chunks(ABREAST) {
            let slices: Vec<Vec<[f64; 2]>> = directions
                .par_iter()
                .map(|&direction| self.slice(direction, &places))
                .collect();
            for (direction, slice) in directions.iter().zip(slices) {
                for (i, [value, slope]) in slice.into_iter().enumerate() {
                    into.log[i] += unit * value;
                    for (axis, part) in direction.iter().enumerate() {
                        into.gradient[[i, axis]] += unit * slope * part;
                    }
                }
            }
        }
    }

    /// The maps are gone along to their end; of the energy's witness, whose slope is at most two, a quarter of the target's width.
    fn step_rule(&self) -> StepRule {
        const SHARE: f64 = 0.25;
        let step_size = match self.spec.field {
            Slices::Transport => 1.0,
            Slices::Energy => SHARE * self.width,
        };
        StepRule {
            step_size,
            clip: None,
            scale: SHARE * self.width,
        }
    }

    fn kind(&self) -> Kind {
        Kind::Gradient
    }
}

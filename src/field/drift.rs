//! The drift field: each point is drawn to the target's samples and driven off by the cloud's, after a kernel matrix has been normalised.

use rand::seq::index;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::coupling::{Clouds, Columns, Normalisation};
use crate::cloud::{self, CloudView};
use crate::estimate::recipe::{Recipe, Sizes, summed};
use crate::estimate::{
    BandwidthRule, Discriminator, FitContext, FitError, Kernel, Kind, Radial, Ratio, Schedule,
    StepRule, ladder,
};
use crate::plane::Planar;
use crate::setting::{Auto, Invalid, WordOr, at_least, positive, within};
use crate::target::Target;

/// `V(x) = P Q (c⁺(x) − c⁻(x))`: from a kernel matrix `K = [k(x_i, y_j) | k(x_i, x_j)]` of the cloud against target and cloud, normalised to A, come the
/// sums P and Q of a row over either block and the centroids `c⁺`, `c⁻` with its weights (Deng et al., "Generative modeling via drifting", 2026,
/// algorithm 2 for `normalisation = "bi"`).
///
/// No log ratio, and no gradient of anything, but for the Gaussian kernel without normalisation, where it is the step of `kde`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DriftSpec {
    /// `gaussian`, `matern`, `laplace` or `inverse-multiquadric`.
    pub kernel: Radial,
    /// What makes A of K: `none` (A = K, and no factor P Q), `row` (softmax over a row), `bi` (the geometric mean of the softmax over rows and over
    /// columns), or `sinkhorn` (both halves of that step, `iterations` times).
    pub normalisation: Normalisation,
    /// Iterations of `sinkhorn`, 1 to 1000; one is `bi`.
    pub iterations: usize,
    /// Temperatures τ of the kernel in the target's units, one or several, of which the field is the mean; `auto`: annealed as the bandwidth of
    /// `kde` is.
    pub temperatures: WordOr<Vec<f64>, Auto>,
    /// How many temperatures at once, 1 to 16, if they are `auto`: geometrically from the present one to the standard deviation of the target sample.
    /// `auto`: 5 for a generator whose field is fresh, else 1.
    pub scales: WordOr<usize, Auto>,
    /// Part of the run, in (0, 1], over which `temperatures = "auto"` shrinks; constant afterwards.
    pub anneal_until: f64,
    /// Whether a particle is left out of what drives it off.
    pub mask_self: bool,
    /// `full`, or how many samples of the target and of the cloud are drawn afresh at each fit.
    pub batch: WordOr<usize, Full>,
}

/// The word for all points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Full {
    /// All points of either side.
    Full,
}

impl Default for DriftSpec {
    fn default() -> Self {
        Self {
            kernel: Radial::Laplace,
            normalisation: Normalisation::Bi,
            iterations: 3,
            temperatures: WordOr::Word(Auto::Auto),
            scales: WordOr::Word(Auto::Auto),
            anneal_until: 0.6,
            mask_self: true,
            batch: WordOr::Word(Full::Full),
        }
    }
}

/// As in a scenario file.
const NAME: &str = "drift";

impl DriftSpec {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Invalid`] for a number out of range.
    pub fn build(&self) -> Result<Drift, Invalid> {
        within("scales", self.scales(false) as f64, 1.0, 16.0)?;
        if let WordOr::Value(all) = &self.temperatures {
            if let WordOr::Value(scales) = self.scales {
                let remedy = "is for temperatures = \"auto\"; the list says how many there are: leave scales out";
                return Err(Invalid::new("scales", scales, remedy));
            }
            if all.is_empty() {
                let remedy = "must hold a temperature at least, or be \"auto\"";
                return Err(Invalid::new("temperatures", "[]", remedy));
            }
            for (place, &tau) in all.iter().enumerate() {
                positive(&format!("temperatures[{place}]"), tau)?;
            }
        }
        within("iterations", self.iterations as f64, 1.0, 1000.0)?;
        if let WordOr::Value(batch) = self.batch {
            at_least("batch", batch, 2)?;
        }
        let rule = WordOr::Word(BandwidthRule::Anneal);
        let schedule = Schedule::new(NAME, rule, 1.0, self.anneal_until)?;
        Ok(Drift {
            spec: self.clone(),
            schedule,
            temperatures: vec![1.0],
            clouds: Clouds::default(),
            columns: Vec::new(),
        })
    }
}

impl DriftSpec {
    /// The same for a field that a network follows.
    pub(crate) fn for_network(&self) -> Self {
        let scales = match self.temperatures {
            WordOr::Value(_) => self.scales,
            WordOr::Word(Auto::Auto) => WordOr::Value(self.scales(true)),
        };
        Self {
            scales,
            ..self.clone()
        }
    }

    fn scales(&self, network: bool) -> usize {
        match self.scales {
            WordOr::Value(count) => count,
            WordOr::Word(Auto::Auto) if network => 5,
            WordOr::Word(Auto::Auto) => 1,
        }
    }
}

impl Recipe for DriftSpec {
    fn estimator(&self, _target: &dyn Target) -> Result<Box<dyn Discriminator>, Invalid> {
        Ok(Box::new(self.build()?))
    }

    fn memory(&self, sizes: Sizes) -> Vec<(&'static str, f64)> {
        summed(sizes)
    }

    fn anneal_until(&mut self) -> Option<&mut f64> {
        (self.temperatures == WordOr::Word(Auto::Auto)).then_some(&mut self.anneal_until)
    }

    fn least_length(&self) -> Option<(&'static str, f64)> {
        let WordOr::Value(all) = &self.temperatures else {
            return None;
        };
        Some((
            "temperatures",
            all.iter().copied().fold(f64::INFINITY, f64::min),
        ))
    }

    fn check_sizes(&self, sizes: Sizes) -> Result<(), Invalid> {
        let fewest = sizes.particles.min(sizes.samples);
        match self.batch {
            WordOr::Value(batch) if batch > fewest => {
                let remedy = format!(
                    "must be at most {fewest}, the smaller of cloud.particles and cloud.samples; \"full\" takes all points"
                );
                Err(Invalid::new("batch", batch, remedy))
            }
            _ => Ok(()),
        }
    }
}

/// The fitted field: both clouds, and what the columns of each temperature's matrix are divided by.
#[derive(Clone, Debug)]
pub struct Drift {
    spec: DriftSpec,
    schedule: Schedule,
    temperatures: Vec<f64>,
    clouds: Clouds,
    columns: Vec<Columns>,
}

impl Drift {
    /// The temperatures τ of the present fit, in the target's units.
    #[must_use]
    pub fn temperatures(&self) -> &[f64] {
        &self.temperatures
    }

    fn iterations(&self) -> usize {
        match self.spec.normalisation {
            Normalisation::Sinkhorn => self.spec.iterations,
            _ => 1,
        }
    }

    fn kernel(&self, tau: f64) -> Kernel {
        Kernel {
            shape: self.spec.kernel,
            h: tau,
        }
    }

    fn mean_square(&self) -> f64 {
        let squares: f64 = self.temperatures.iter().map(|tau| tau * tau).sum();
        squares / self.temperatures.len() as f64
    }
}

impl Discriminator for Drift {
    fn fit(
        &mut self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
        round: FitContext,
    ) -> Result<(), FitError> {
        self.temperatures = match &self.spec.temperatures {
            WordOr::Value(all) => all.clone(),
            WordOr::Word(Auto::Auto) => {
                let tau = self.schedule.at(real, fake, round.progress)?;
                let widest = cloud::spread(real);
                ladder(tau, widest, self.spec.scales(false)).collect()
            }
        };
        self.clouds = match self.spec.batch {
            WordOr::Word(Full::Full) => Clouds::new(real, fake, self.spec.mask_self),
            WordOr::Value(batch) => {
                let draw = |points: CloudView<'_>, side: &str| {
                    // From the points in an order of their own, so that the order of the rows does not matter.
                    let order = cloud::in_order(points);
                    let mut rng = round.stream.part(side).rng();
                    let count = batch.min(order.len());
                    let drawn = index::sample(&mut rng, order.len(), count).into_iter();
                    drawn.map(|i| order[i]).collect::<Vec<usize>>()
                };
                let ours = cloud::rows(real, &draw(real, "target batch"));
                let theirs = cloud::rows(fake, &draw(fake, "cloud batch"));
                Clouds::new(ours.view(), theirs.view(), self.spec.mask_self)
            }
        };
        let columns = |tau: &f64| {
            let (how, iterations) = (self.spec.normalisation, self.iterations());
            Columns::new(self.kernel(*tau), &self.clouds, how, iterations)
        };
        self.columns = self.temperatures.iter().map(columns).collect();
        Ok(())
    }

    fn evaluate(&self, at: CloudView<'_>, into: &mut Ratio) {
        into.resize(at.nrows());
        into.log.fill(0.0);
        into.gradient.fill(0.0);
        let places = Planar::new(at);
        let unit = 1.0 / (self.temperatures.len() as f64 * self.mean_square());
        for (tau, columns) in self.temperatures.iter().zip(&self.columns) {
            let drifts = columns.drift(self.kernel(*tau), &self.clouds, &places);
            for (mut row, drift) in into.gradient.rows_mut().into_iter().zip(drifts) {
                row[0] += unit * drift[0];
                row[1] += unit * drift[1];
            }
        }
    }

    /// With ε the mean of τ² a particle moves by the mean of the V.
    fn step_rule(&self) -> StepRule {
        StepRule {
            step_size: self.mean_square(),
            clip: None,
            scale: self
                .temperatures
                .iter()
                .copied()
                .fold(f64::INFINITY, f64::min),
        }
    }

    fn kind(&self) -> Kind {
        Kind::Velocity
    }

    fn state(&self) -> Vec<f64> {
        self.schedule.state()
    }

    fn load_state(&mut self, state: &[f64]) -> Result<(), FitError> {
        self.schedule.load_state(state)
    }
}

//! The flow of the Sinkhorn divergence: each particle follows the difference of two entropic transport maps.

use rand::seq::SliceRandom;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duals::Duals;
use crate::cloud::{self, CloudView};
use crate::estimate::recipe::{Recipe, Sizes};
use crate::estimate::{
    BandwidthRule, Discriminator, FitContext, FitError, Kind, Ratio, Schedule, StepRule,
};
use crate::kernel::KernelSum;
use crate::plane::Planar;
use crate::random::Stream;
use crate::setting::{Invalid, WordOr, positive, within};
use crate::target::Target;

/// `V(x) = T_qp(x) − T_qq′(x)`, T the barycentric maps of the entropic plans with cost `½‖x − y‖²` from the cloud to the target and to the cloud
/// itself. It is the gradient of `D = f_qq′ − f_qp`, with the potentials f of the two, and the way in which the debiased Sinkhorn divergence falls
/// fastest (Feydy et al., AISTATS 2019; W-Flow, 2026, for generators).
///
/// D is no log ratio: it has the unit of a squared length, and knows how far mass has to go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SinkhornSpec {
    /// Regularisation ε, a squared length of the target; `share`: `epsilon_share` times the mean variance of a coordinate of the target; `anneal`: the
    /// square of the bandwidth that `kde` has.
    pub epsilon: WordOr<f64, Epsilon>,
    /// The share of the target's variance, for `epsilon = "share"`.
    pub epsilon_share: f64,
    /// Part of the run, in (0, 1], over which `epsilon = "anneal"` shrinks; constant afterwards.
    pub anneal_until: f64,
    /// Updates of the potentials at each fit, 1 to 10000; they go on from the last fit.
    pub iterations: usize,
    /// Whether the self term is between two halves of the cloud, drawn afresh at each fit, so that no particle pushes itself (as with a second batch of
    /// a generator), or between the cloud and itself.
    pub independent_self: bool,
}

/// Rules for ε.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Epsilon {
    /// The square of an annealed bandwidth.
    Anneal,
    /// A share of the target's variance.
    Share,
}

impl Default for SinkhornSpec {
    fn default() -> Self {
        Self {
            epsilon: WordOr::Word(Epsilon::Anneal),
            epsilon_share: 0.01,
            anneal_until: 0.6,
            iterations: 5,
            independent_self: false,
        }
    }
}

/// As in a scenario file.
const NAME: &str = "sinkhorn";

impl SinkhornSpec {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Invalid`] for a number out of range.
    pub fn build(&self) -> Result<Sinkhorn, Invalid> {
        if let WordOr::Value(epsilon) = self.epsilon {
            positive("epsilon", epsilon)?;
        }
        positive("epsilon_share", self.epsilon_share)?;
        within("iterations", self.iterations as f64, 1.0, 10_000.0)?;
        let rule = WordOr::Word(BandwidthRule::Anneal);
        Ok(Sinkhorn {
            spec: self.clone(),
            schedule: Schedule::new(NAME, rule, 1.0, self.anneal_until)?,
            epsilon: 1.0,
            held: None,
        })
    }
}

impl Recipe for SinkhornSpec {
    fn estimator(&self, _target: &dyn Target) -> Result<Box<dyn Discriminator>, Invalid> {
        Ok(Box::new(self.build()?))
    }

    fn memory(&self, sizes: Sizes) -> Vec<(&'static str, f64)> {
        vec![
            ("cloud.particles", 240.0 * sizes.particles as f64),
            ("cloud.samples", 120.0 * sizes.samples as f64),
        ]
    }

    fn anneal_until(&mut self) -> Option<&mut f64> {
        (self.epsilon == WordOr::Word(Epsilon::Anneal)).then_some(&mut self.anneal_until)
    }

    fn least_length(&self) -> Option<(&'static str, f64)> {
        match self.epsilon {
            WordOr::Value(epsilon) => Some(("epsilon (its root)", epsilon.sqrt())),
            WordOr::Word(_) => None,
        }
    }
}

/// The fitted potentials.
#[derive(Clone, Debug)]
pub struct Sinkhorn {
    spec: SinkhornSpec,
    schedule: Schedule,
    epsilon: f64,
    /// Nothing before the first fit.
    held: Option<Held>,
}

/// The potentials of a fit. Each is kept at points, and known everywhere by the update that it enters.
#[derive(Clone, Debug)]
struct Held {
    /// g at the target's samples.
    target: Duals,
    /// f at the particles.
    cloud: Duals,
    /// That of the cloud against itself: at all particles, or at those of either half.
    own: Own,
}

#[derive(Clone, Debug)]
enum Own {
    Whole(Duals),
    Halves {
        halves: [Duals; 2],
        /// Half and place of each particle.
        places: Vec<(usize, usize)>,
    },
}

impl Own {
    /// Potentials of zero.
    fn new(cloud: &Planar, independent: bool, stream: Stream) -> Self {
        if !independent || cloud.len() < 2 {
            return Self::Whole(Duals::zero(cloud.clone()));
        }
        let view = ndarray::Array2::from_shape_fn((cloud.len(), 2), |(i, k)| cloud.at(i)[k]);
        // From an order of their own, so that the order of the rows does not matter.
        let mut order = cloud::in_order(view.view());
        order.shuffle(&mut stream.rng());
        let (first, second) = order.split_at(order.len() / 2);
        let mut places = vec![(0, 0); cloud.len()];
        for (half, all) in [first, second].into_iter().enumerate() {
            for (place, &i) in all.iter().enumerate() {
                places[i] = (half, place);
            }
        }
        let halves = [first, second].map(|all| Duals::zero(cloud.pick(all)));
        Self::Halves { halves, places }
    }

    /// Takes the potential from what the last one says at the same points.
    fn begin(&mut self, with: &Duals, epsilon: f64) {
        match self {
            Self::Whole(duals) => duals.values = with.potential(&duals.points, epsilon),
            Self::Halves { halves, .. } => {
                for half in halves {
                    half.values = with.potential(&half.points, epsilon);
                }
            }
        }
    }

    fn improve(&mut self, epsilon: f64) {
        match self {
            Self::Whole(duals) => {
                let next = duals.potential(&duals.points, epsilon);
                duals.approach(&next);
            }
            Self::Halves { halves: [a, b], .. } => Duals::improve(a, b, epsilon),
        }
    }

    /// Sums at places that may be anywhere: between halves, the mean of what either says.
    fn sums(&self, at: &Planar, epsilon: f64) -> Vec<KernelSum> {
        match self {
            Self::Whole(duals) => duals.sums(at, epsilon),
            Self::Halves { halves, places } => {
                let [a, b] = halves.each_ref().map(|half| half.sums(at, epsilon));
                let both = a.into_iter().zip(b).enumerate();
                both.map(|(i, (a, b))| {
                    let mine = places
                        .get(i)
                        .filter(|&&(half, place)| halves[half].points.at(place) == at.at(i));
                    match mine {
                        Some((0, _)) => b,
                        Some(_) => a,
                        None => KernelSum {
                            log: f64::midpoint(a.log, b.log),
                            shift: [0, 1].map(|k| f64::midpoint(a.shift[k], b.shift[k])),
                        },
                    }
                })
                .collect()
            }
        }
    }

    /// The potential as one, to be kept.
    fn kept(&self) -> Duals {
        match self {
            Self::Whole(duals) => duals.clone(),
            Self::Halves { halves: [a, b], .. } => {
                let mut all = a.clone();
                all.points.x.extend(&b.points.x);
                all.points.y.extend(&b.points.y);
                all.values.extend(&b.values);
                all
            }
        }
    }
}

impl Held {
    fn improve(&mut self, epsilon: f64) {
        Duals::improve(&mut self.cloud, &mut self.target, epsilon);
        self.own.improve(epsilon);
    }
}

/// The regularisations on the way down to ε, of clouds that reach as far as `width`: nothing is known yet of their potentials.
fn descent(width: f64, epsilon: f64) -> impl Iterator<Item = f64> {
    let first = (4.0 * width * width).max(epsilon);
    std::iter::successors(Some(first), |last| Some(0.5 * last))
        .take_while(move |&now| now > epsilon)
}

impl Sinkhorn {
    fn epsilon_at(
        &mut self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
        progress: f64,
    ) -> Result<f64, FitError> {
        let epsilon = match self.spec.epsilon {
            WordOr::Value(epsilon) => epsilon,
            WordOr::Word(Epsilon::Anneal) => self.schedule.at(real, fake, progress)?.powi(2),
            WordOr::Word(Epsilon::Share) => self.spec.epsilon_share * cloud::spread(real).powi(2),
        };
        if epsilon.is_finite() && epsilon > 0.0 {
            return Ok(epsilon);
        }
        Err(FitError {
            discriminator: NAME,
            reason: format!(
                "the {} target samples give epsilon = {epsilon}, as if they were one point; set discriminator.{NAME}.epsilon to a number",
                real.nrows()
            ),
        })
    }
}

impl Discriminator for Sinkhorn {
    fn fit(
        &mut self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
        round: FitContext,
    ) -> Result<(), FitError> {
        let epsilon = self.epsilon_at(real, fake, round.progress)?;
        let [y, x] = [real, fake].map(Planar::new);
        let mut next = Held {
            own: Own::new(&x, self.spec.independent_self, round.stream.part("halves")),
            target: Duals::zero(y),
            cloud: Duals::zero(x),
        };
        if let Some(last) = &self.held {
            next.cloud.values = last.target.potential(&next.cloud.points, self.epsilon);
            next.target.values = last.cloud.potential(&next.target.points, self.epsilon);
            next.own.begin(&last.own.kept(), self.epsilon);
        } else {
            let both = ndarray::concatenate![ndarray::Axis(0), real, fake];
            for wide in descent(cloud::spread(both.view()), epsilon) {
                next.improve(wide);
            }
        }
        for _ in 0..self.spec.iterations {
            next.improve(epsilon);
        }
        if !next
            .cloud
            .values
            .iter()
            .chain(&next.target.values)
            .all(|v| v.is_finite())
        {
            return Err(FitError {
                discriminator: NAME,
                reason: format!(
                    "its potentials are not finite: the clouds are too far apart for epsilon = {epsilon}; raise it"
                ),
            });
        }
        (self.epsilon, self.held) = (epsilon, Some(next));
        Ok(())
    }

    fn evaluate(&self, at: CloudView<'_>, into: &mut Ratio) {
        into.resize(at.nrows());
        let Some(held) = &self.held else {
            *into = Ratio::zeros(at.nrows());
            return;
        };
        let places = Planar::new(at);
        let pulls = held.target.sums(&places, self.epsilon);
        let pushes = held.own.sums(&places, self.epsilon);
        for (i, (p, q)) in pulls.iter().zip(&pushes).enumerate() {
            into.log[i] = self.epsilon * (p.log - q.log);
            for axis in 0..2 {
                into.gradient[[i, axis]] = p.shift[axis] - q.shift[axis];
            }
        }
    }

    /// A step of one goes all the way that the maps say.
    fn step_rule(&self) -> StepRule {
        StepRule {
            step_size: 1.0,
            clip: None,
            scale: self.epsilon.sqrt(),
        }
    }

    fn kind(&self) -> Kind {
        Kind::Gradient
    }

    fn state(&self) -> Vec<f64> {
        let mut state = self.schedule.state();
        state.insert(0, state.len() as f64);
        if let Some(held) = &self.held {
            state.push(self.epsilon);
            for duals in [&held.target, &held.cloud, &held.own.kept()] {
                duals.keep(&mut state);
            }
        }
        state
    }

    fn load_state(&mut self, state: &[f64]) -> Result<(), FitError> {
        let wrong = || FitError {
            discriminator: NAME,
            reason: format!(
                "{} numbers were kept, and they are not its potentials",
                state.len()
            ),
        };
        let Some((&count, rest)) = state.split_first() else {
            self.held = None;
            return self.schedule.load_state(&[]);
        };
        let (ends, rest) = rest.split_at_checked(count as usize).ok_or_else(wrong)?;
        self.schedule.load_state(ends)?;
        self.held = None;
        if let Some((&epsilon, mut rest)) = rest.split_first() {
            let mut take = || Duals::take(&mut rest).ok_or_else(wrong);
            let [target, cloud, own] = [take()?, take()?, take()?];
            self.epsilon = epsilon;
            self.held = Some(Held {
                target,
                cloud,
                own: Own::Whole(own),
            });
        }
        Ok(())
    }
}

//! Reaction: particles multiply where the cloud is too thin and die where it is too dense, so that mass need not travel.

use ndarray::Array1;
use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::Cloud;
use crate::kernel::{along, offspring};
use crate::random::Stream;
use crate::setting::{Invalid, WordOr, positive, within};

/// Births and deaths beside the motion: `∂q/∂t = −∇·(q ∇h(D)) + λ q (h(D) − E_q h(D))`.
///
/// With h = identity this is the gradient flow of `KL(q‖p)` in the geometry of Wasserstein, Fisher and Rao (Liero, Mielke and Savaré 2018; Chizat et al. 2018;
/// with particles Lu, Lu and Nolen 2019; for critics Mroueh and Rigotti 2020). One step gives each particle the weight `w ∝ exp(κ (h(D) − mean h(D)))`, with the
/// D that moves it. Masses so become right at any distance and any bandwidth: logit errors shrink by `1 − κ` a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReactionSpec {
    /// How particles carry the weights of a step.
    pub carrier: Carrier,
    /// κ in (0, 1], the part of an error of mass that one step takes away; `auto`: what the discriminator's D bears, 0.5 for `kde` and `oracle`, 0.1 for fitted ones.
    pub rate: WordOr<f64, Rate>,
    /// Largest difference of h(D) from its mean that counts, greater than 0: it keeps one particle from taking the whole cloud.
    pub clamp: f64,
    /// Deviation of a copy from its parent, 0 to 10, in lengths over which D is smooth (the bandwidth of `kde`). At 0 copies remain twins for ever.
    pub jitter: f64,
    /// Part of the run, in (0, 1], over which particles are born and die; afterwards the cloud comes to rest.
    pub until: f64,
    /// Whether particles are also born at target samples that the cloud does not cover, `D > log 4`. They find a mode that no particle is near; it is no gradient flow.
    pub seed_uncovered: bool,
}

/// How the number of particles stays what it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Carrier {
    /// Systematic resampling along a curve that fills the plane (Kitagawa 1996; Gerber, Chopin and Whiteley 2019): a particle of weight w has N w offspring, up to one.
    #[default]
    BirthDeath,
    /// Particles keep their weights, in every fit, measure and picture, and are resampled where the effective sample size falls below half of their number: nothing is
    /// left to chance, and the cloud ends with unequal weights.
    Weights,
    /// Independent exponential clocks (Lu, Lu and Nolen 2019), for comparison: the same in the mean, with several times the noise.
    Poisson,
}

/// The word for the rate that suits the discriminator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rate {
    /// What the discriminator's D bears.
    Auto,
}

impl Default for ReactionSpec {
    fn default() -> Self {
        Self {
            carrier: Carrier::BirthDeath,
            rate: WordOr::Word(Rate::Auto),
            clamp: 5.0,
            jitter: 0.3,
            until: 0.75,
            seed_uncovered: false,
        }
    }
}

impl ReactionSpec {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Invalid`] for a number out of range.
    pub fn check(&self) -> Result<(), Invalid> {
        if let WordOr::Value(rate) = self.rate
            && !(rate > 0.0 && rate <= 1.0)
        {
            let remedy = "must be greater than 0 and at most 1: at 1 masses are right in one step, and beyond they overshoot until one mode has all";
            return Err(Invalid::new("rate", rate, remedy));
        }
        if self.seed_uncovered && self.carrier == Carrier::Weights {
            let remedy = "needs births at each step, and particles that keep their weights have none; take carrier = \"birth-death\"";
            return Err(Invalid::new("seed_uncovered", true, remedy));
        }
        positive("clamp", self.clamp)?;
        within("jitter", self.jitter, 0.0, 10.0)?;
        within("until", self.until, 1e-6, 1.0)
    }

    /// What a user should be told about settings that are allowed but unwise.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.seed_uncovered {
            warnings.push(
                "flow.reaction.seed_uncovered puts particles at target samples that the cloud does not cover: that is no gradient flow of any divergence"
                    .to_owned(),
            );
        }
        if self.jitter == 0.0 {
            warnings.push(
                "flow.reaction.jitter = 0: a copy stays at the place of its parent for ever; 0.3 parts them".to_owned(),
            );
        }
        warnings
    }

    /// The name of the carrier as a file has it.
    pub(crate) fn name(&self) -> &'static str {
        match self.carrier {
            Carrier::BirthDeath => "birth-death",
            Carrier::Weights => "weights",
            Carrier::Poisson => "poisson",
        }
    }
}

/// What births and deaths have come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Reacted {
    /// Particles born in the last step.
    pub births: usize,
    /// Particles that died in it, to make room for them.
    pub deaths: usize,
    /// Effective sample size `1/Σw²` of the weights of the last step, before births and deaths made them equal: N where no mass is missing.
    pub ess: f64,
    /// Σ over the steps of what the weights take off `KL(q‖p)`, in nats, if D is exact: `Σ w (D − log N w) − mean D`, which is `κ Var D` to first order.
    pub dissipation: f64,
    /// For each particle the row, before the last step, of itself or of its parent; `None` for one that was born at a target sample.
    pub parents: Vec<Option<usize>>,
    /// Where the line of descent of each particle began, `n×2`: in the first cloud, or at a target sample.
    pub begun: Cloud,
    /// N times the weight of each particle, where they keep their weights; empty where all are equal.
    pub shares: Vec<f64>,
}

impl Reacted {
    /// Nothing was born yet.
    pub(super) fn none(start: &Cloud, carrier: Carrier) -> Self {
        let equal = vec![1.0; start.nrows()];
        Self {
            shares: if carrier == Carrier::Weights {
                equal
            } else {
                Vec::new()
            },
            births: 0,
            deaths: 0,
            ess: start.nrows() as f64,
            dissipation: 0.0,
            parents: (0..start.nrows()).map(Some).collect(),
            begun: start.clone(),
        }
    }

    /// The same where aims were born and died, and the points themselves have moved on from `start`.
    pub(super) fn of_aims(self, start: &Cloud) -> Self {
        Self {
            parents: (0..start.nrows()).map(Some).collect(),
            begun: start.clone(),
            ..self
        }
    }

    /// The same after a step without births and deaths.
    pub(super) fn rested(&self) -> Self {
        let n = self.parents.len();
        Self {
            births: 0,
            deaths: 0,
            ess: if self.shares.is_empty() {
                n as f64
            } else {
                self.ess
            },
            dissipation: self.dissipation,
            parents: (0..n).map(Some).collect(),
            begun: self.begun.clone(),
            shares: self.shares.clone(),
        }
    }
}

/// What drives the births and deaths of a step.
pub(super) struct Driven<'a> {
    /// D at the particles before their move.
    pub(super) log_ratio: &'a Array1<f64>,
    /// h(D) there.
    pub(super) mapped: Array1<f64>,
    /// κ.
    pub(super) rate: f64,
    /// Length over which D is smooth.
    pub(super) scale: f64,
    /// Whether all points are on the line.
    pub(super) on_line: bool,
    /// The target samples that the cloud does not cover, `u×2`, of so many in all.
    pub(super) uncovered: Option<(Cloud, usize)>,
    /// Randomness for this step alone.
    pub(super) stream: Stream,
}

impl Driven<'_> {
    /// By how much `count` newborn stand beside where they are born, in parts of the scale.
    fn jitter(&self, stream: Stream, count: usize, part: f64) -> Cloud {
        let mut jitter = stream.part("jitter").normals(count) * (part * self.scale);
        if self.on_line {
            jitter.column_mut(1).fill(0.0);
        }
        jitter
    }
}

/// A target sample is not covered where p is estimated to be more than so many times q.
pub(super) const UNCOVERED: f64 = 4.0;

/// Lets the particles of `moved` multiply and die. Everything goes along the curve, so that the order of the rows does not matter.
pub(super) fn react(
    spec: &ReactionSpec,
    driven: &Driven<'_>,
    moved: &mut Cloud,
    before: &Reacted,
) -> Reacted {
    let order = along(moved.view());
    let n = order.len();
    let weights = Weights::new(spec, driven, &order, &before.shares);
    let stream = driven.stream;
    let enough = weights.ess >= 0.5 * n as f64;
    let chosen = match spec.carrier {
        Carrier::Weights if enough => Chosen {
            parents: (0..n).collect(),
            born: Vec::new(),
        },
        Carrier::BirthDeath | Carrier::Weights => systematic(&weights.shares, stream),
        Carrier::Poisson => clocks(&weights.exponents, stream),
    };
    let mut parents: Vec<Option<usize>> = vec![None; n];
    let mut born = vec![false; n];
    for (&row, &parent) in order.iter().zip(&chosen.parents) {
        parents[row] = Some(order[parent]);
    }
    let newborn: Vec<usize> = chosen.born.iter().map(|&place| order[place]).collect();
    let (from, mut begun) = (moved.clone(), before.begun.clone());
    let jitter = driven.jitter(stream, newborn.len(), spec.jitter);
    for (&row, offset) in newborn.iter().zip(jitter.rows()) {
        born[row] = true;
        if let Some(parent) = parents[row] {
            moved.row_mut(row).assign(&(&from.row(parent) + &offset));
            begun.row_mut(row).assign(&before.begun.row(parent));
        }
    }
    if let Some((places, of)) = &driven.uncovered {
        for (row, place) in seeds(&order, places, *of, driven) {
            moved.row_mut(row).assign(&place);
            begun.row_mut(row).assign(&place);
            parents[row] = None;
            born[row] = true;
        }
    }
    let births = born.iter().filter(|&&born| born).count();
    let mut shares = before.shares.clone();
    for (&row, &share) in order.iter().zip(&weights.shares) {
        if let Some(own) = shares.get_mut(row) {
            *own = if enough { share } else { 1.0 };
        }
    }
    Reacted {
        shares,
        births,
        deaths: births,
        ess: weights.ess,
        dissipation: before.dissipation + weights.lost,
        parents,
        begun,
    }
}

/// The weights of the particles after one step of the reaction, along the curve.
struct Weights {
    /// κ times the clamped difference of h(D) from its mean.
    exponents: Vec<f64>,
    /// N times the weights.
    shares: Vec<f64>,
    ess: f64,
    /// What they take off `KL(q‖p)`.
    lost: f64,
}

impl Weights {
    /// The weights after the step of particles that have had those in `before`; none: equal ones.
    fn new(spec: &ReactionSpec, driven: &Driven<'_>, order: &[usize], before: &[f64]) -> Self {
        let n = order.len() as f64;
        let sorted = |values: &Array1<f64>| -> Vec<f64> {
            let values = order.iter().map(|&row| values[row]);
            values.collect()
        };
        let (mapped, logs) = (sorted(&driven.mapped), sorted(driven.log_ratio));
        let had = |row: &usize| before.get(*row).copied().unwrap_or(1.0);
        let had: Vec<f64> = order.iter().map(had).collect();
        let mean = mapped.iter().zip(&had).map(|(v, w)| w * v).sum::<f64>() / n;
        let exponents: Vec<f64> = mapped
            .iter()
            .map(|v| driven.rate * (v - mean).clamp(-spec.clamp, spec.clamp))
            .collect();
        let grown = exponents.iter().zip(&had);
        let grown: Vec<f64> = grown.map(|(a, w)| w * a.exp()).collect();
        let total: f64 = grown.iter().sum();
        let shares: Vec<f64> = grown.iter().map(|g| n * g / total).collect();
        let squares: f64 = shares.iter().map(|s| s * s).sum();
        let pairs = shares.iter().zip(&had).zip(&logs);
        let lost = pairs
            .filter(|((share, _), _)| **share > 0.0)
            .map(|((share, had), log)| share * (log - (share / had).ln()) - had * log)
            .sum::<f64>();
        Self {
            exponents,
            shares,
            ess: n * n / squares,
            lost: lost / n,
        }
    }
}

/// Whose place everybody takes, by places along the curve.
struct Chosen {
    /// Parent of each, or itself.
    parents: Vec<usize>,
    /// Those who were born.
    born: Vec<usize>,
}

/// Systematic resampling: one offset for the whole comb. The number of offspring of any run of neighbours is what is due to it, up to one.
fn systematic(shares: &[f64], stream: Stream) -> Chosen {
    let counts = offspring(shares, stream.rng().random());
    let (mut dead, mut extra) = (Vec::new(), Vec::new());
    for (place, count) in counts.into_iter().enumerate() {
        match count {
            0 => dead.push(place),
            count => extra.extend(std::iter::repeat_n(place, count - 1)),
        }
    }
    let mut parents: Vec<usize> = (0..shares.len()).collect();
    dead.truncate(extra.len());
    for (&place, &parent) in dead.iter().zip(&extra) {
        parents[place] = parent;
    }
    Chosen {
        parents,
        born: dead,
    }
}

/// Each particle has a clock of rate `|a|`. When it rings, one with `a > 0` takes the place of another, and one with `a < 0` gives its own up.
fn clocks(exponents: &[f64], stream: Stream) -> Chosen {
    let n = exponents.len();
    let mut rng = stream.rng();
    let mut parents: Vec<usize> = (0..n).collect();
    let mut born = vec![false; n];
    for (place, a) in exponents.iter().enumerate() {
        let rings = rng.random::<f64>() < -(-a.abs()).exp_m1();
        let other = rng.random_range(0..n);
        if rings && other != place {
            let (gone, copied) = if *a > 0.0 {
                (other, place)
            } else {
                (place, other)
            };
            parents[gone] = parents[copied];
            born[gone] = true;
        }
    }
    Chosen {
        parents,
        born: (0..n).filter(|&place| born[place]).collect(),
    }
}

/// The rows that die to be born again at target samples which the cloud does not cover, and where: as many as is those samples' share of all, spread evenly
/// over the cloud and over them, and as blurred as D.
fn seeds(
    order: &[usize],
    places: &Cloud,
    of: usize,
    driven: &Driven<'_>,
) -> Vec<(usize, Array1<f64>)> {
    let stream = driven.stream.part("uncovered");
    let [share, first, second]: [f64; 3] = stream.rng().random();
    let (n, missing) = (order.len() as f64, places.nrows() as f64);
    let count = ((n * missing / of as f64 + share) as usize).min(order.len());
    if places.nrows() == 0 {
        return Vec::new();
    }
    let around = along(places.view());
    let offsets = driven.jitter(stream, count, 1.0);
    let chosen = |k: usize, offset: f64, all: &[usize]| {
        let place = (k as f64 + offset) * all.len() as f64 / count as f64;
        all[(place as usize).min(all.len() - 1)]
    };
    (0..count)
        .map(|k| {
            let place = places.row(chosen(k, second, &around));
            (chosen(k, first, order), &place + &offsets.row(k))
        })
        .collect()
}

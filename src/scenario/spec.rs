//! A scenario: all that a run is determined by, as it is written in a file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::claim::Claim;
use crate::discriminator::DiscriminatorSpec;
use crate::divergence::Divergence;
use crate::flow::{Auto, FlowSpec, Precondition};
use crate::generator::{GeneratorSpec, Loss};
use crate::metric::{MetricsSpec, Stop};
use crate::setting::{Invalid, WordOr, at_least, exactly, is_default, within};
use crate::target::{AutoSpec, TargetSpec};

/// A scenario file. Only `target` has to be given; everything else has a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What stands above the pictures.
    #[serde(default)]
    pub title: String,
    /// The question that the scenario asks.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub question: String,
    /// What to expect, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub expect: String,
    /// What `compare` compares, if it is not told on the command line: `NAME: key=value, key=value`. `run` ignores it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<String>,
    /// All randomness of a run follows from this number, 0 to 2⁶³ − 1.
    #[serde(default = "first_seed")]
    pub seed: u64,
    /// The distribution to reach, p.
    pub target: TargetSpec,
    /// The distribution that the cloud begins with, q₀; none: one that fits the target, `auto`.
    #[serde(default = "fitting")]
    pub source: TargetSpec,
    /// How many points.
    #[serde(default)]
    pub cloud: CloudSpec,
    /// How the cloud moves.
    #[serde(default)]
    pub flow: FlowSpec,
    /// How the log ratio is estimated.
    #[serde(default)]
    pub discriminator: DiscriminatorSpec,
    /// The generator stage; none: pure flow of the particles themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator: Option<GeneratorSpec>,
    /// How the cloud is measured.
    #[serde(default)]
    pub metrics: MetricsSpec,
    /// What is drawn and kept.
    #[serde(default)]
    pub output: OutputSpec,
    /// What the scenario claims of its runs, in sentences that `run`, `compare` and `claims` check.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claim: Vec<Claim>,
}

fn first_seed() -> u64 {
    1
}

fn fitting() -> TargetSpec {
    TargetSpec::Auto(AutoSpec::default())
}

/// How many points there are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CloudSpec {
    /// Number of particles N, at least 2.
    pub particles: usize,
    /// Number of target samples M that the discriminator sees, at least 2; metrics use fresh ones. `auto`: 4000, and for large clouds as many as
    /// `final` asks for, 2 N of a regular cloud and one for each particle that flows of a sample; as many as pairs for a generator of pairs.
    pub samples: WordOr<usize, Auto>,
    /// What the last cloud is to be: a good quadrature, or an independent sample.
    pub r#final: LastCloud,
    /// With `final = "sample"`: particles that flow for each that is measured, drawn and kept, at least 1.
    pub bath: usize,
    /// Whether each fit sees M fresh samples of the target (of a file, of all its points to learn from) instead of the same M.
    pub stream: bool,
}

/// What the last cloud is to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LastCloud {
    /// Particles that keep their distance: means are exacter than those of independent points, and the tails are cut.
    #[default]
    Regular,
    /// N particles, chosen at the start, of a bath that flows with them: they pass for independent points.
    Sample,
}

impl Default for CloudSpec {
    fn default() -> Self {
        Self {
            particles: 2000,
            samples: WordOr::Word(Auto::Auto),
            r#final: LastCloud::Regular,
            bath: 8,
            stream: false,
        }
    }
}

impl CloudSpec {
    /// Fewest target samples where their number is not given.
    const SAMPLES: usize = 4000;

    /// Particles that flow.
    #[must_use]
    pub fn flowing(&self) -> usize {
        match self.r#final {
            LastCloud::Regular => self.particles,
            LastCloud::Sample => self.particles.saturating_mul(self.bath),
        }
    }

    /// Target samples that the discriminator sees.
    #[must_use]
    pub fn seen(&self) -> usize {
        let follow = match self.r#final {
            LastCloud::Regular => self.particles.saturating_mul(2),
            LastCloud::Sample => self.flowing(),
        };
        match self.samples {
            WordOr::Value(samples) => samples,
            WordOr::Word(Auto::Auto) => follow.max(Self::SAMPLES),
        }
    }
}

/// What is drawn and kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OutputSpec {
    /// Number of moments that are kept in `trajectory.npz` and shown by the page and as frames of the animation; 0: the last alone.
    pub frames: usize,
    /// Whether frames are spread over the `change` of the cloud, so that equally much happens from one to the next (a fifth of them over the steps all the same),
    /// or over the `steps`. Where particles are born, and in comparisons, which show the same steps side by side, it is the steps.
    pub spread: SpreadSpec,
    /// Whether these are drawn as frames and animation; `ratioflow render` can draw them later.
    pub animation: bool,
    /// Most particles kept in `trajectory.npz`, at least 1: of a larger cloud the first so many. Frames show all; the report page
    /// chooses its own few.
    pub particles: usize,
    /// Device pixels per logical pixel of frames and animation, 0.25 to 4; 2 is sharp on a dense screen.
    pub scale: f64,
    /// Frames a second of the animation, 1 to 60.
    pub fps: f64,
    /// Colours: light for paper and bright rooms, dark for dark rooms.
    pub theme: ThemeSpec,
    /// What pictures show: `auto` (the target, and of a cloud that begins around it as much as leaves the target half the width; of a cloud that begins elsewhere
    /// the way too), `target`, `cloud` (wherever the particles come), or `[xmin, xmax, ymin, ymax]` in the target's units. What is outside is counted there.
    pub view: ViewSpec,
    /// Whether frames and page show trails, where the particles have just been: what shakes or drifts in place is not seen without.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub trails: bool,
    /// Steps between two checkpoints, at least 1, from which `resume` goes on; `auto`: as often as costs 2 % of the
    /// time at most, and every second at most.
    pub checkpoint_every: WordOr<u64, Auto>,
    /// Steps at which the parameters of a generator are kept, evenly spread, the first and the last among them, in `history/` with a file each; 0: none.
    #[serde(skip_serializing_if = "is_default")]
    pub history: usize,
    /// Whether the lab is written beside the report (`lab.html`, 1.5 MB), which then has a button that opens its scenario there, to be changed while it runs.
    pub lab: bool,
}

/// What frames are spread over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SpreadSpec {
    /// The path that the cloud takes.
    #[default]
    Change,
    /// The steps.
    Steps,
}

/// What pictures show of the plane; see [`OutputSpec::view`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ViewSpec(pub WordOr<Corners, Sight>);

/// `[xmin, xmax, ymin, ymax]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Corners(#[serde(deserialize_with = "exactly")] pub [f64; 4]);

/// What pictures follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sight {
    /// The target, and the cloud as far as the target does not become small.
    Auto,
    /// The target sample.
    Target,
    /// The particles in all frames.
    Cloud,
}

impl Default for ViewSpec {
    fn default() -> Self {
        Self(WordOr::Word(Sight::Auto))
    }
}

impl std::str::FromStr for ViewSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let word = match text.trim() {
            "auto" => Some(Sight::Auto),
            "target" => Some(Sight::Target),
            "cloud" => Some(Sight::Cloud),
            _ => None,
        };
        if let Some(word) = word {
            return Ok(Self(WordOr::Word(word)));
        }
        let remedy = "write xmin,xmax,ymin,ymax, such as -3,3,-3,3, or auto, target or cloud";
        let numbers: Result<Vec<f64>, _> = text.split(',').map(|v| v.trim().parse()).collect();
        let corners = numbers.ok().and_then(|numbers| numbers.try_into().ok());
        let spec = Self(WordOr::Value(Corners(corners.ok_or(remedy)?)));
        spec.check().map_err(|invalid| invalid.remedy)?;
        Ok(spec)
    }
}

impl ViewSpec {
    /// Refuses a box that is empty, or that no picture can show.
    ///
    /// # Errors
    /// [`Invalid`] under the key `output.view`.
    pub(crate) fn check(&self) -> Result<(), Invalid> {
        /// The largest number of a place that pictures show, and the least width as a part of it.
        const FURTHEST: f64 = 1e100;
        const LEAST: f64 = 1e-13;
        let Self(WordOr::Value(Corners(corners))) = self else {
            return Ok(());
        };
        let narrow = |[low, high]: &[f64; 2]| high - low < LEAST * low.abs().max(high.abs());
        let [left, right, bottom, top] = *corners;
        let remedy = if !corners.iter().all(|v| v.abs() <= FURTHEST) {
            "must be xmin, xmax, ymin, ymax, none of them beyond ±1e100: name a part of the plane where the target is, or leave it at auto"
        } else if !(left < right && bottom < top) {
            "must be xmin, xmax, ymin, ymax, with xmin below xmax and ymin below ymax"
        } else if [[left, right], [bottom, top]].iter().any(narrow) {
            "is narrower than numbers of this size can be told apart (a part of 1e-13 of them): widen it, or leave it at auto"
        } else {
            return Ok(());
        };
        Err(Invalid::new("output.view", format!("{corners:?}"), remedy))
    }
}

/// Colours of the pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ThemeSpec {
    /// For paper and bright rooms.
    #[default]
    Light,
    /// For dark rooms.
    Dark,
}

impl Default for OutputSpec {
    fn default() -> Self {
        Self {
            frames: 100,
            spread: SpreadSpec::Change,
            animation: true,
            particles: 20_000,
            scale: 1.0,
            fps: 20.0,
            theme: ThemeSpec::Light,
            view: ViewSpec::default(),
            trails: false,
            checkpoint_every: WordOr::Word(Auto::Auto),
            history: 0,
            lab: false,
        }
    }
}

impl Scenario {
    /// The scenario as a TOML file, every default spelled out.
    #[must_use]
    pub fn to_toml(&self) -> String {
        // A scenario consists of tables, numbers and texts: there is nothing that TOML could not hold.
        toml::to_string(self).unwrap_or_default()
    }

    /// Particles that flow: those of the cloud, and the pairs of a generator that learns from where others came to.
    #[must_use]
    pub(crate) fn flowing(&self) -> usize {
        let pairs = self.generator.as_ref().map_or(0, GeneratorSpec::pairs);
        self.cloud.flowing().saturating_add(pairs)
    }

    /// Target samples that the discriminator sees. Unasked, pairs see as many as they are, since the generator learns whatever the sample has by chance.
    #[must_use]
    pub(crate) fn seen(&self) -> usize {
        let seen = self.cloud.seen();
        match (self.cloud.samples, &self.generator) {
            (WordOr::Word(Auto::Auto), Some(generator)) => seen.max(generator.pairs()),
            _ => seen,
        }
    }

    /// How many moments of a run are kept: no more than it has clouds.
    pub(crate) fn frames(&self) -> usize {
        let frames = self.output.frames;
        frames.min(self.flow.steps.saturating_add(1))
    }

    /// How many snapshots a run holds at once, and how many it may write at most, for so many frames.
    pub(crate) fn snapshots(&self) -> [f64; 2] {
        let (frames, steps) = (self.frames() as f64, self.flow.steps as f64);
        if self.output.spread == SpreadSpec::Steps || self.flow.reaction.is_some() || frames > steps
        {
            return [frames.max(1.0); 2];
        }
        // Each time that twice as many are there, half of them are let go, and from then on half as many are taken.
        let halvings = (steps / frames.max(1.0)).log2().max(0.0).ceil();
        [2.0 * frames.max(1.0), (2.0 + halvings) * frames.max(1.0)]
    }

    /// One of several that stand side by side, on the seed that comes `place` after `seed`: they show the same steps, and those of the first seed alone are drawn.
    #[must_use]
    pub fn side_by_side(&self, seed: u64, place: u16) -> Self {
        let mut own = self.clone();
        own.seed = seed + u64::from(place);
        own.output.spread = SpreadSpec::Steps;
        if place > 0 {
            own.output.frames = 0;
        }
        own
    }

    /// How many of them are drawn.
    pub(crate) fn drawn_frames(&self) -> usize {
        if self.output.animation {
            self.frames()
        } else {
            0
        }
    }

    /// What is measured or kept of a part of the cloud only, in words.
    pub(crate) fn subsets(&self) -> Vec<String> {
        let all = self.cloud.particles;
        [
            ("metrics.particles", "measured", self.metrics.particles),
            (
                "output.particles",
                "in trajectory.npz",
                self.output.particles,
            ),
        ]
        .into_iter()
        .filter(|&(_, _, most)| most < all)
        .map(|(key, what, most)| {
            format!("{what}: the first {most} of {all} particles; {key} sets how many")
        })
        .collect()
    }

    /// Checks what belongs to no part alone; the parts check themselves when they are built.
    ///
    /// # Errors
    /// [`Invalid`] with the full dotted key.
    pub(crate) fn check(&self) -> Result<(), Invalid> {
        if i64::try_from(self.seed).is_err() {
            return Err(Invalid::new("seed", self.seed, "must be at most 2⁶³ − 1"));
        }
        at_least("cloud.particles", self.cloud.particles, 2)?;
        at_least("cloud.samples", self.seen(), 2)?;
        at_least("cloud.bath", self.cloud.bath, 1)?;
        if self.cloud.r#final == LastCloud::Sample && self.generator.is_some() {
            let remedy = "a generator draws its own cloud, and fresh points from it at any time; set \"regular\", or take the generator away";
            return Err(Invalid::new("cloud.final", "\"sample\"", remedy));
        }
        if self.metrics.stop == Stop::Floor
            && let Some(GeneratorSpec::Pairs(_)) = self.generator
        {
            let remedy = "the generator learns at the last step, which would never come; set \"never\", or take the generator away";
            return Err(Invalid::new("metrics.stop", "\"floor\"", remedy));
        }
        at_least("output.particles", self.output.particles, 1)?;
        within("output.scale", self.output.scale, 0.25, 4.0)?;
        within("output.fps", self.output.fps, 1.0, 60.0)?;
        self.output.view.check()?;
        self.check_history()?;
        if self.output.checkpoint_every == WordOr::Value(0) {
            let remedy = "must be at least 1; a checkpoint is what `resume` goes on from";
            return Err(Invalid::new("output.checkpoint_every", 0, remedy));
        }
        if self.output.frames == 1 {
            return Err(Invalid::new(
                "output.frames",
                1,
                "must be 0 for none or at least 2, the first cloud and the last",
            ));
        }
        for (place, claim) in self.claim.iter().enumerate() {
            let under = |invalid: Invalid| invalid.under(&format!("claim[{place}]"));
            claim.check().map_err(under)?;
        }
        self.flow.check().map_err(|invalid| invalid.under("flow"))?;
        self.check_climb()
    }

    /// Whether there is a generator to keep at so many steps.
    fn check_history(&self) -> Result<(), Invalid> {
        let count = self.output.history;
        let remedy = match &self.generator {
            _ if count == 0 => return Ok(()),
            None => {
                "there is no generator whose parameters could be kept; give one, such as generator = \"distill\", or set 0"
            }
            Some(GeneratorSpec::Pairs(_)) => {
                "a generator of pairs learns once, at the last step; choose another, or set 0"
            }
            Some(_) if count == 1 => {
                "must be 0 for none or at least 2, the first step and the last"
            }
            Some(_) => return Ok(()),
        };
        Err(Invalid::new("output.history", count, remedy))
    }

    /// Whether what a generator climbs is what the rest of the scenario knows.
    fn check_climb(&self) -> Result<(), Invalid> {
        let Some(GeneratorSpec::Adversarial(training)) = &self.generator else {
            return Ok(());
        };
        if let Some(rule) = training.ratio
            && self.discriminator.name() != "oracle"
        {
            let remedy = "it is the ratio of known densities; set discriminator = \"oracle\", or take it away";
            return Err(Invalid::new("generator.adversarial.ratio", rule, remedy));
        }
        let asked = training.ratio.is_some() || training.loss == Loss::F;
        if asked && self.flow.precondition != Precondition::None {
            let remedy = "an exact ratio, or `loss = \"f\"`, is followed as it is; set \"none\"";
            return Err(Invalid::new("flow.precondition", "\"covariance\"", remedy));
        }
        let known = matches!(self.flow.h, WordOr::Word(map) if Divergence::of(map).is_some());
        if training.loss == Loss::F && !known {
            let remedy = "is the divergence that flow.h belongs to, and this h belongs to none; set flow.h to identity, exp, chi2, hellinger, softplus, neyman or jeffreys";
            return Err(Invalid::new(
                "generator.adversarial.loss",
                training.loss,
                remedy,
            ));
        }
        Ok(())
    }
}

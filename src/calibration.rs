//! Each estimator fitted once between two distributions whose ratio is known: how far is `D` from the truth?

use std::time::Instant;

use ndarray::{Array1, Axis};
use serde::Serialize;

use crate::cloud::{Cloud, CloudView};
use crate::discriminator::mlp::MlpSpec;
use crate::discriminator::{DiscriminatorSpec, FitContext, Loss, Ratio};
use crate::experiment::Experiment;
use crate::numeric::softplus;
use crate::random::Stream;
use crate::setting::Invalid;
use crate::target::Target;

/// Where in a run the fit is taken to happen: bandwidths have shrunk to their last value, and a network's rates have not
/// begun to fall.
const PROGRESS: f64 = 2.0 / 3.0;

/// A value over the samples of `q`, where the particles are, and over those of `p`, where they have to go.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Sides {
    /// Over the samples of the cloud.
    pub q: f64,
    /// Over the samples of the target.
    pub p: f64,
}

/// Three divergences, as they follow from a log ratio `D` on samples of both sides.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Identities {
    /// `KL(q‖p) = −E_q D`.
    pub kl_qp: f64,
    /// `KL(p‖q) = E_p D`.
    pub kl_pq: f64,
    /// `JS(p, q) = log 2 + ½ (E_p log σ(D) + E_q log(1 − σ(D)))`.
    pub js: f64,
}

/// What one estimator made of the samples.
#[derive(Clone, Debug, Serialize)]
pub struct Estimate {
    /// Name of the estimator; with the loss, for a network of another than the default one.
    pub name: String,
    /// Root mean square of `D − log r`.
    pub log: Sides,
    /// Root mean square of `‖∇D − ∇log r‖`, in inverse units of the target.
    pub gradient: Sides,
    /// The divergences that `D` implies.
    pub identities: Identities,
    /// Wall-clock time of the fit, in seconds; not serialized, since two equal calls differ in it.
    #[serde(skip)]
    pub seconds: f64,
    /// `D` at the probes of `q`, then at those of `p`.
    #[serde(skip)]
    pub values: Array1<f64>,
}

/// All estimators against the truth.
#[derive(Clone, Debug, Serialize)]
pub struct Calibration {
    /// Root mean square of `log r` itself: the error of `D = 0`.
    pub log: Sides,
    /// Root mean square of `‖∇log r‖` itself: the error of `∇D = 0`.
    pub gradient: Sides,
    /// The divergences, from the exact ratio at the same probes.
    pub identities: Identities,
    /// What each estimator found.
    pub estimates: Vec<Estimate>,
    /// Estimators that gave no log ratio, and why.
    pub left_out: Vec<(String, String)>,
    /// `log r` at the probes of `q`, then at those of `p`.
    #[serde(skip)]
    pub truth: Array1<f64>,
    /// How many of the probes are samples of `q`.
    #[serde(skip)]
    pub probes_of_q: usize,
}

impl Calibration {
    /// Fits every estimator once on the scenario's first cloud and on its target sample, and compares `D` and `∇D` with the
    /// exact log ratio on samples that no fit has seen. The scenario's own estimator keeps its settings, the others have
    /// their defaults.
    ///
    /// # Errors
    /// [`Invalid`] if the density of target or source is not known.
    pub fn new(experiment: &Experiment) -> Result<Self, Invalid> {
        let scenario = &experiment.scenario;
        let stream = Stream::new(scenario.seed, "calibration");
        let q = experiment
            .source
            .sample(scenario.cloud.particles, stream.part("source"));
        let p = experiment.validation.view();
        let probes = ndarray::concatenate![Axis(0), q, p];
        let [real, fake] = [
            ("target", &experiment.target),
            ("source", &experiment.source),
        ]
        .map(|(key, it)| density(&**it, probes.view(), key));
        let (real, fake) = (real?, fake?);
        let truth = Ratio {
            log: real.log - fake.log,
            gradient: real.gradient - fake.gradient,
        };
        let count = q.nrows();
        let zero = Ratio::zeros(probes.nrows());
        let mut calibration = Self {
            log: log_error(&zero, &truth, count),
            gradient: gradient_error(&zero, &truth, count),
            identities: Identities::of(&truth.log, count),
            estimates: Vec::new(),
            left_out: Vec::new(),
            truth: Array1::zeros(0),
            probes_of_q: count,
        };
        for (name, spec) in contenders(&scenario.discriminator) {
            match estimate(experiment, &spec, probes.view(), stream) {
                Ok((ratio, seconds)) => calibration.estimates.push(Estimate {
                    name,
                    log: log_error(&ratio, &truth, count),
                    gradient: gradient_error(&ratio, &truth, count),
                    identities: Identities::of(&ratio.log, count),
                    seconds,
                    values: ratio.log,
                }),
                Err(why) => calibration.left_out.push((name, why)),
            }
        }
        calibration.truth = truth.log;
        Ok(calibration)
    }
}

impl Calibration {
    /// The estimators that are fitted, one after the other, where `own` is the scenario's.
    pub fn estimators(own: &DiscriminatorSpec) -> impl Iterator<Item = DiscriminatorSpec> {
        contenders(own).into_iter().map(|(_, spec)| spec)
    }

    /// The estimators whose gradient is further from the truth, over the samples of one side, than a gradient of zero.
    pub fn worse_than_none(&self) -> impl Iterator<Item = &Estimate> {
        self.estimates.iter().filter(|e| {
            let (found, none) = (e.gradient, self.gradient);
            found.q > none.q || found.p > none.p
        })
    }
}

/// Every estimator that ships, and the network with every loss; `own` in place of the one of its name.
fn contenders(own: &DiscriminatorSpec) -> Vec<(String, DiscriminatorSpec)> {
    let mut all = Vec::new();
    let defaults = DiscriminatorSpec::CATALOGUE.iter().filter_map(|(name, _)| {
        // As an empty table of that name in a scenario file.
        let table = serde_json::json!({ *name: {} });
        serde_json::from_value::<DiscriminatorSpec>(table).ok()
    });
    for spec in defaults {
        let name = spec.name();
        let spec = if name == own.name() {
            own.clone()
        } else {
            spec
        };
        if let DiscriminatorSpec::Mlp(network) = &spec {
            // Jensen-Shannon is the logistic loss but for a constant.
            for loss in Loss::ALL
                .into_iter()
                .filter(|&l| l != Loss::JensenShannon && l.is_ratio())
            {
                let spec = MlpSpec {
                    loss,
                    ..network.clone()
                };
                all.push((
                    format!("{name} {}", loss.name()),
                    DiscriminatorSpec::Mlp(spec),
                ));
            }
        } else {
            all.push((name.to_owned(), spec));
        }
    }
    all
}

/// Fits, and gives `D` at the probes with the seconds that the fit took; or says why there is no log ratio.
fn estimate(
    experiment: &Experiment,
    spec: &DiscriminatorSpec,
    probes: CloudView<'_>,
    stream: Stream,
) -> Result<(Ratio, f64), String> {
    let mut discriminator = spec
        .build(&*experiment.target)
        .map_err(|invalid| invalid.to_string())?;
    if !discriminator.is_log_ratio() {
        return Err("its D is no log ratio".to_owned());
    }
    let round = FitContext {
        index: 0,
        progress: PROGRESS,
        stream: stream.part("fit"),
    };
    let start = Instant::now();
    discriminator
        .fit(experiment.training.view(), experiment.start.view(), round)
        .map_err(|error| error.to_string())?;
    let seconds = start.elapsed().as_secs_f64();
    let mut ratio = Ratio::default();
    discriminator.evaluate(probes, &mut ratio);
    Ok((ratio, seconds))
}

/// `log` of the density of a distribution and its gradient.
fn density(of: &dyn Target, at: CloudView<'_>, key: &str) -> Result<Ratio, Invalid> {
    match (of.log_density(at), of.score(at)) {
        (Some(log), Some(gradient)) if log.iter().all(|v| v.is_finite()) => {
            Ok(Ratio { log, gradient })
        }
        _ => Err(Invalid::new(
            key,
            "a distribution whose density or score is not known, or is zero somewhere",
            "calibration needs the exact ratio: use gaussian, mixture, ring, grid, circles, rings, moons, spirals or swiss-roll for target and source",
        )),
    }
}

/// The root mean square of a value over the first `count` probes and over the others.
fn over_sides(squares: impl Iterator<Item = f64>, count: usize) -> Sides {
    let (mut sums, mut counts) = ([0.0; 2], [0.0_f64; 2]);
    for (i, square) in squares.enumerate() {
        let side = usize::from(i >= count);
        sums[side] += square;
        counts[side] += 1.0;
    }
    let [q, p] = [0, 1].map(|side| (sums[side] / counts[side].max(1.0)).sqrt());
    Sides { q, p }
}

fn log_error(found: &Ratio, truth: &Ratio, count: usize) -> Sides {
    over_sides((&found.log - &truth.log).iter().map(|e| e * e), count)
}

fn gradient_error(found: &Ratio, truth: &Ratio, count: usize) -> Sides {
    let errors: Cloud = &found.gradient - &truth.gradient;
    let squares = errors.rows().into_iter().map(|e| e.dot(&e));
    over_sides(squares.collect::<Vec<_>>().into_iter(), count)
}

impl Identities {
    /// From `D` at samples of `q`, the first `count`, and of `p`.
    fn of(log: &Array1<f64>, count: usize) -> Self {
        let (q, p) = log.view().split_at(Axis(0), count);
        let mean = |values: ndarray::ArrayView1<'_, f64>, of: fn(f64) -> f64| {
            values.iter().map(|&u| of(u)).sum::<f64>() / values.len().max(1) as f64
        };
        // −log σ(u) = softplus(−u), −log(1 − σ(u)) = softplus(u).
        let loss = mean(p, |u| softplus(-u).0) + mean(q, |u| softplus(u).0);
        Self {
            kl_qp: -mean(q, |u| u),
            kl_pq: mean(p, |u| u),
            js: std::f64::consts::LN_2 - 0.5 * loss,
        }
    }
}

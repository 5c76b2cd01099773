//! What a closed form says of a run, where there is one: drawn beside what was measured.

use super::recorder::Snapshot;
use crate::flow::{FlowSpec, Momentum, Precondition};
use crate::metric::{KL, MASS_TV};
use crate::monotone::{Map, MapSpec};
use crate::observe::Row;
use crate::scenario::{Embedded, Scenario};
use crate::setting::WordOr;
use crate::target::{Component, TargetSpec};

/// The column of `−mean D`, which is `KL(q‖p)` if D is exact.
const KL_DISCRIMINATOR: &str = "kl_discriminator";

/// A Gaussian, in coordinates along the axes of the target's covariance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Law {
    /// Mean of the target, along the axes of the plane.
    centre: [f64; 2],
    /// Mean, less that of the target.
    mean: [f64; 2],
    covariance: [[f64; 2]; 2],
    /// Variances of the target along these axes; of the line the first alone.
    target: [f64; 2],
    dimension: usize,
}

impl Law {
    /// Of the cloud of a run at this snapshot; nothing where D is no log ratio.
    pub(crate) fn of(scenario: &Scenario, snapshot: &Snapshot) -> Option<Self> {
        let time = snapshot.field.is_log_ratio().then_some(snapshot.time)?;
        Self::at(scenario, time)
    }

    /// Of the cloud of a run at `time`, for an exact D: from one Gaussian to another it stays one, and with `S` the covariance of the target
    /// `m(t) = e^{−tS⁻¹} m(0)` and `C(t) = S + e^{−tS⁻¹} (C(0) − S) e^{−tS⁻¹}`. Nothing for a flow that is another.
    fn at(scenario: &Scenario, time: f64) -> Option<Self> {
        if !moves_alone(scenario) || scenario.flow.reaction.is_some() || !time.is_finite() {
            return None;
        }
        let [start, target] = both(scenario)?;
        let ([start], [target]) = (&start[..], &target[..]) else {
            return None;
        };
        let [[a, b], [_, c]] = target.covariance;
        let dimension = if c == 0.0 { 1 } else { 2 };
        let angle = 0.5 * (2.0 * b).atan2(a - c);
        let (sin, cos) = angle.sin_cos();
        let axes = [[cos, sin], [-sin, cos]];
        let product = |m: [[f64; 2]; 2], k: usize, l: usize| -> f64 {
            let pairs = [[0, 0], [0, 1], [1, 0], [1, 1]];
            pairs
                .map(|[i, j]| axes[k][i] * m[i][j] * axes[l][j])
                .iter()
                .sum()
        };
        let variances = [0, 1].map(|k| product(target.covariance, k, k));
        // What is left of a deviation along each axis; of an axis that is none, all.
        let left = [0, 1].map(|k| {
            if k < dimension {
                (-time / variances[k]).exp()
            } else {
                1.0
            }
        });
        let apart = [0, 1].map(|i| start.mean[i] - target.mean[i]);
        let along = |k: usize| axes[k][0] * apart[0] + axes[k][1] * apart[1];
        let entry = |k: usize, l: usize| {
            let goal = if k == l { variances[k] } else { 0.0 };
            goal + left[k] * left[l] * (product(start.covariance, k, l) - goal)
        };
        Some(Self {
            centre: target.mean,
            mean: [0, 1].map(|k| left[k] * along(k)),
            covariance: [[entry(0, 0), entry(0, 1)], [entry(1, 0), entry(1, 1)]],
            target: variances,
            dimension,
        })
    }

    /// `KL(q‖p)` in nats.
    fn divergence(&self) -> f64 {
        let Self {
            mean,
            covariance: [[a, b], [_, c]],
            target: [s, t],
            dimension,
            ..
        } = *self;
        let first = a / s + mean[0] * mean[0] / s - 1.0;
        if dimension == 1 {
            return 0.5 * (first - (a / s).ln());
        }
        let second = c / t + mean[1] * mean[1] / t - 1.0;
        0.5 * (first + second - ((a * c - b * b) / (s * t)).ln())
    }

    /// Mean and variance of target and cloud on the line; nothing in the plane.
    pub(crate) fn on_line(&self) -> Option<[[f64; 2]; 2]> {
        let ([centre, _], [apart, _]) = (self.centre, self.mean);
        let laws = [
            [centre, self.target[0]],
            [centre + apart, self.covariance[0][0]],
        ];
        (self.dimension == 1).then_some(laws)
    }
}

/// `log p/q` at `x` of the two Gaussians on the line with these means and variances, p's first.
pub(super) fn log_ratio([p, q]: [[f64; 2]; 2], x: f64) -> f64 {
    let log = |[mean, variance]: [f64; 2]| (x - mean) * (x - mean) / variance + variance.ln();
    0.5 * (log(q) - log(p))
}

/// What a closed form says of the measure `name` at each of these rows, if D is a log ratio and exact; empty where there is none.
pub(super) fn closed_form(scenario: &Scenario, rows: &[Row], name: &str) -> Vec<f64> {
    let is_divergence = [KL.name, KL_DISCRIMINATOR].contains(&name);
    if is_divergence {
        let law = |row: &Row| Law::at(scenario, row.time).map(|law| law.divergence());
        let all: Option<Vec<f64>> = rows.iter().map(law).collect();
        if let Some(values) = all {
            return values;
        }
    }
    let wanted = is_divergence || name == MASS_TV.name;
    let Some(masses) = Masses::of(scenario).filter(|_| wanted) else {
        return Vec::new();
    };
    let after = |row: &Row| masses.after(row.step)[usize::from(is_divergence)];
    rows.iter().map(after).collect()
}

/// Masses of modes that births and deaths alone change: with an exact D each log ratio of a mass to its own shrinks by `1 − κ` a step, up to the
/// normalisation of all.
struct Masses {
    /// Masses of the target, and log ratios of those of the first cloud to them.
    target: Vec<f64>,
    log_ratios: Vec<f64>,
    rate: f64,
    /// Steps over which particles are born.
    steps: f64,
}

impl Masses {
    /// Of a run whose modes are as those of the target but for their masses, so far apart that none sees another, and whose particles as good as rest.
    fn of(scenario: &Scenario) -> Option<Self> {
        /// Standard deviations between the means of two modes.
        const APART: f64 = 10.0;
        /// The largest part of a whole step that is as good as none.
        const REST: f64 = 1e-3;
        let flow = &scenario.flow;
        let reaction = flow.reaction.as_ref()?;
        let WordOr::Value(rate) = reaction.rate else {
            return None;
        };
        let rests = matches!(flow.step_size, WordOr::Word(_)) && flow.step_ratio <= REST;
        if !moves_alone(scenario) || !rests || reaction.seed_uncovered {
            return None;
        }
        let [start, target] = both(scenario)?;
        let alike =
            |(a, b): (&Component, &Component)| a.mean == b.mean && a.covariance == b.covariance;
        let wide = |c: &Component| c.covariance[0][0].max(c.covariance[1][1]).sqrt();
        let far = |a: &Component, b: &Component| {
            let [x, y] = [0, 1].map(|i| a.mean[i] - b.mean[i]);
            x.hypot(y) > APART * wide(a).max(wide(b))
        };
        let parted = (0..target.len()).all(|i| (0..i).all(|j| far(&target[i], &target[j])));
        if start.len() != target.len() || !parted || !start.iter().zip(&target).all(alike) {
            return None;
        }
        let pairs = start.iter().zip(&target);
        let log_ratios: Vec<f64> = pairs.map(|(q, p)| (q.weight / p.weight).ln()).collect();
        // What is clamped shrinks by less.
        let bounded = log_ratios.iter().all(|r| 2.0 * r.abs() < reaction.clamp);
        bounded.then(|| Self {
            target: target.iter().map(|c| c.weight).collect(),
            log_ratios,
            rate,
            steps: (reaction.until * flow.steps as f64).ceil(),
        })
    }

    /// The error of mass, half the sum of all errors, and `KL(q‖p)`, after so many steps.
    fn after(&self, step: usize) -> [f64; 2] {
        let left = (1.0 - self.rate).powf((step as f64).min(self.steps));
        let pairs = self.target.iter().zip(&self.log_ratios);
        let raw: Vec<f64> = pairs.map(|(p, r)| p * (left * r).exp()).collect();
        let whole: f64 = raw.iter().sum();
        let pairs = || raw.iter().map(|q| q / whole).zip(&self.target);
        let error: f64 = pairs().map(|(q, p)| (q - p).abs()).sum();
        let divergence = pairs().map(|(q, p)| q * (q / p).ln()).sum();
        [0.5 * error, divergence]
    }
}

/// The Gaussians of the source and of the target; nothing where one of them is no mixture of these.
fn both(scenario: &Scenario) -> Option<[Vec<Component>; 2]> {
    let parts = |spec: &TargetSpec| {
        let (TargetSpec::Gaussian(_) | TargetSpec::Mixture(_)) = spec else {
            return None;
        };
        // Neither has a file.
        let built = spec.build(&Embedded).ok()?;
        built.components().map(<[Component]>::to_vec)
    };
    Some([parts(&scenario.source)?, parts(&scenario.target)?])
}

/// Whether particles move by `∇D` and nothing else.
fn moves_alone(scenario: &Scenario) -> bool {
    let FlowSpec {
        h,
        shift,
        precondition,
        clip,
        momentum,
        noise,
        refit_every,
        ..
    } = &scenario.flow;
    // Of `auto` fitted estimators make some.
    let quiet = match noise {
        WordOr::Value(noise) => *noise == 0.0,
        WordOr::Word(_) => ["oracle", "kde"].contains(&scenario.discriminator.name()),
    };
    scenario.generator.is_none()
        && *h == MapSpec::Word(Map::Identity)
        && *shift == 0.0
        && *precondition == Precondition::None
        && matches!(clip, WordOr::Word(_))
        && *momentum == Momentum::None
        && *refit_every == 1
        && quiet
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Document;

    fn shipped(name: &str, settings: &[&str]) -> Scenario {
        let text = crate::scenario::find(name).unwrap().text;
        let mut document = Document::parse(name, text).unwrap();
        for setting in settings {
            document.set(setting).unwrap();
        }
        document.read().unwrap()
    }

    #[test]
    fn the_gaussian_flow_has_the_divergences_that_its_scenario_names() {
        let scenario = shipped("gaussian-pair", &[]);
        for (time, kl) in [
            (0.0, 2.667),
            (0.1, 0.847),
            (0.5, 0.340),
            (1.0, 0.187),
            (2.0, 0.058),
        ] {
            let found = Law::at(&scenario, time).unwrap().divergence();
            assert!((found - kl).abs() < 6e-4, "t = {time}: {found}, not {kl}");
        }
        let found = Law::at(&scenario, 5.0).unwrap().divergence();
        assert!((found - 0.0019).abs() < 6e-5, "{found}");
    }

    #[test]
    fn on_the_line_the_log_ratio_is_that_of_two_gaussians() {
        let scenario = shipped("line-divergences", &[]);
        let law = Law::at(&scenario, 0.0).unwrap();
        assert!((law.divergence() - 0.5).abs() < 1e-12);
        for x in [-2.0, 0.0, 0.7] {
            let found = log_ratio(law.on_line().unwrap(), x);
            assert!((found - (0.5 - x)).abs() < 1e-12, "{x}: {found}");
        }
    }

    #[test]
    fn masses_follow_the_law_that_their_scenario_names() {
        for (rate, values) in [
            (0.1, [(5, 0.283), (10, 0.153), (20, 0.047)]),
            (0.5, [(1, 0.233), (2, 0.104), (4, 0.023)]),
        ] {
            let rate = format!("flow.reaction.rate={rate}");
            let masses = Masses::of(&shipped("exact-law", &[&rate])).unwrap();
            for (step, error) in values {
                let [found, _] = masses.after(step);
                assert!((found - error).abs() < 6e-4, "{rate}, {step}: {found}");
            }
        }
    }

    #[test]
    fn other_flows_have_no_closed_form() {
        for (name, setting) in [
            ("gaussian-pair", "flow.h=\"exp\""),
            ("gaussian-pair", "flow.noise=1"),
            ("gaussian-pair", "flow.clip=0.01"),
            ("gaussian-pair", "flow.momentum=\"heavy-ball\""),
            ("gaussian-pair", "flow.reaction={}"),
            ("eight-gaussians", "seed=2"),
            ("exact-law", "flow.step_ratio=1"),
        ] {
            let scenario = shipped(name, &[setting]);
            assert_eq!(Law::at(&scenario, 1.0), None, "{name} {setting}");
            assert!(Masses::of(&scenario).is_none(), "{name} {setting}");
        }
    }
}

//! The densities of a target and of a cloud on the line, for pictures.

use std::f64::consts::TAU;

use ndarray::Array1;

use super::lineage::{Lineage, Lives};
use super::recorder::{Recorder, Snapshot};
use super::theory::{Law, log_ratio};
use crate::cloud::{Cloud, CloudView};
use crate::experiment::Experiment;
use crate::kernel;
use crate::render::Profile;

/// A target on the line, as a film shows it.
#[derive(Clone, Debug)]
pub struct Ground {
    places: Vec<f64>,
    /// Density of the target at the places: its own, or that of the blurred sample.
    density: Vec<f64>,
    /// Whether it is its own.
    exact: bool,
    /// Bandwidth of the cloud's density, which suits a cloud that has arrived.
    blur: f64,
    /// The highest density that is shown.
    top: f64,
}

impl Ground {
    /// The target of `experiment` at the places where its recorder asks for the field; nothing for one in the plane.
    #[must_use]
    pub fn of(experiment: &Experiment, recorder: &Recorder) -> Option<Self> {
        let (target, sample) = (&experiment.target, experiment.training.view());
        let lattice = recorder.lattice();
        if !lattice.is_on_line() {
            return None;
        }
        let points: Cloud = lattice.points();
        let places = points.column(0).to_vec();
        let blur = kernel::leave_one_out(sample);
        let own = target.log_density(points.view());
        let exact = own.is_some();
        let blurred = || blurred(&places, sample, &[], blur);
        let density = own.map_or_else(blurred, |log: Array1<f64>| log.mapv(f64::exp).to_vec());
        Some(Self {
            top: Profile::top_of(&density),
            places,
            density,
            exact,
            blur,
        })
    }

    /// The same, with the clouds of these runs in sight, as high as they are.
    #[must_use]
    pub fn seeing<'a>(mut self, recorders: impl Iterator<Item = &'a Recorder>) -> Self {
        let all = recorders.flat_map(Recorder::snapshots);
        let heights = all.flat_map(|snapshot| {
            let cloud = snapshot.cloud.view();
            blurred(&self.places, cloud, &snapshot.shares, self.blur)
        });
        let highest = heights.fold(0.0, f64::max);
        self.top = Profile::top_over(&self.density, highest);
        self
    }

    /// Density of the target at the places of the field.
    pub(crate) fn density(&self) -> &[f64] {
        &self.density
    }

    /// Whether that is its own, and not that of the blurred sample.
    pub(crate) fn is_exact(&self) -> bool {
        self.exact
    }

    /// Bandwidth of the cloud's density.
    pub(crate) fn blur(&self) -> f64 {
        self.blur
    }

    /// The highest density that is shown.
    pub(crate) fn top(&self) -> f64 {
        self.top
    }

    /// What is to be seen of a flow at the snapshot `now` of these, with its points at these places, and with this law if one is known.
    pub(super) fn along<'a>(
        &self,
        all: &'a [Snapshot],
        now: usize,
        points: CloudView<'_>,
        law: Option<Law>,
    ) -> Along<'a> {
        let last = now.min(all.len().saturating_sub(1));
        let lineage = Lineage::of(all).filter(|_| !all.is_empty());
        let moments = all.iter().take(last + 1);
        let cloud = all.get(last).map_or_else(Vec::new, |snapshot| {
            blurred(&self.places, points, &snapshot.shares, self.blur)
        });
        let laws = law.and_then(|law| law.on_line());
        let truth = match laws {
            Some(laws) => self.places.iter().map(|&x| log_ratio(laws, x)).collect(),
            None if self.exact => {
                let pairs = self.density.iter().zip(&cloud);
                pairs.map(|(p, q)| (p / q).ln()).collect()
            }
            None => Vec::new(),
        };
        Along {
            truth,
            closed: laws.is_some(),
            moments: moments.map(|s| (s.step, s.cloud.view())).collect(),
            births: lineage.map_or_else(Vec::new, |lineage| lineage.births(0, last)),
            cloud,
        }
    }

    /// The curves of a panel, in a film of so many steps.
    pub(super) fn profile<'p>(&'p self, along: &'p Along<'p>, steps: usize) -> Profile<'p> {
        Profile {
            places: &self.places,
            target: &self.density,
            cloud: &along.cloud,
            truth: &along.truth,
            closed: along.closed,
            top: self.top,
            moments: &along.moments,
            births: &along.births,
            steps,
        }
    }
}

/// Where the particles of a run are at a moment, and what lies behind them.
pub(super) struct Past<'a> {
    /// How the run ended, once it has.
    pub(super) note: String,
    /// In a phase of the step: where they are then, and where their threads lead from.
    pub(super) phase: Places,
    pub(super) lives: Lives<'a>,
    /// On the line: their paths, and their densities now.
    pub(super) along: Option<Along<'a>>,
}

/// Where the particles are in a phase of a step, if not where the snapshot has them, and where threads lead from.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    pub(super) points: Option<Cloud>,
    pub(super) threads: Option<Cloud>,
}

/// A flow on the line up to a moment.
#[derive(Clone, Debug)]
pub(super) struct Along<'a> {
    moments: Vec<(usize, CloudView<'a>)>,
    births: Vec<usize>,
    cloud: Vec<f64>,
    /// `log p/q` at the places, as far as it is known, and whether by a closed form.
    truth: Vec<f64>,
    closed: bool,
}

/// Density of points at regular places, with N times their weights or equal ones: shared between the two places next to each, and blurred from there.
fn blurred(places: &[f64], points: CloudView<'_>, shares: &[f64], blur: f64) -> Vec<f64> {
    let (Some(first), Some(last)) = (places.first(), places.last()) else {
        return Vec::new();
    };
    let pitch = (last - first) / (places.len() - 1) as f64;
    // Between places nothing finer can be told.
    let blur = blur.max(pitch);
    // Points beyond the view count within it as far as they are blurred.
    let beyond = (4.0 * blur / pitch).ceil().min(places.len() as f64);
    let mut mass = vec![0.0; places.len() + 2 * beyond as usize];
    for (k, x) in points.column(0).iter().enumerate() {
        let at = (x - first) / pitch + beyond;
        if !(at >= 0.0 && at < (mass.len() - 1) as f64) {
            continue;
        }
        let (place, part) = (at as usize, at.fract());
        let share = shares.get(k).unwrap_or(&1.0);
        mass[place] += share * (1.0 - part);
        mass[place + 1] += share * part;
    }
    let height = 1.0 / (points.nrows().max(1) as f64 * TAU.sqrt() * blur);
    let wave = |k: usize| height * (-0.5 * (k as f64 * pitch / blur).powi(2)).exp();
    let waves: Vec<f64> = (0..mass.len()).map(wave).collect();
    let beyond = beyond as usize;
    (beyond..beyond + places.len())
        .map(|at| {
            let pairs = mass.iter().enumerate();
            pairs.map(|(k, m)| m * waves[k.abs_diff(at)]).sum()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;
    use crate::render::{Lattice, View};
    use crate::target::{Target, UniformSpec};

    #[test]
    fn a_blurred_cloud_has_the_density_that_it_was_drawn_from() {
        let spec = UniformSpec {
            low: [-1.0].into(),
            high: [3.0].into(),
        };
        let target = spec.build().unwrap();
        let sample = target.sample(40_000, Stream::new(7, "points"));
        let view = View {
            x: [-2.0, 4.0],
            y: [-1.0, 1.0],
        };
        let lattice = Lattice::on_line(view, 400);
        let places = lattice.points().column(0).to_vec();
        let density = blurred(&places, sample.view(), &[], 0.1);
        for (x, found) in places.iter().zip(&density) {
            if (-0.6..2.6).contains(x) {
                assert!((found - 0.25).abs() < 0.02, "{x}: {found}");
            } else if !(-1.5..3.5).contains(x) {
                assert!(*found < 1e-4, "{x}: {found}");
            }
        }
        let pitch = places[1] - places[0];
        let whole: f64 = density.iter().sum::<f64>() * pitch;
        assert!((whole - 1.0).abs() < 1e-6, "{whole}");
    }
}

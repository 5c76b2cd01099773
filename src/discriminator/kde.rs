//! The kernel density ratio: one bandwidth for both clouds, annealed from coarse to fine.

use std::sync::{Mutex, PoisonError};

use ndarray::{ArrayViewMut1, Zip};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::estimate::{BandwidthRule, BandwidthSpec};

use crate::cloud::{self, CloudView};
use crate::estimate::recipe::{Recipe, Sizes, given, gridded};
use crate::estimate::{Discriminator, FitContext, FitError, Ratio, StepRule};
use crate::estimate::{Kernel, Lean, Mask, Radial, Schedule, Summed, ladder};
use crate::kernel::{self, KernelSum, Method, Points};
use crate::plane::Planar;
use crate::setting::{Auto, Invalid, WordOr, within};
use crate::target::Target;

/// A cloud is slow if it moves by less than this part of the bandwidth in a step of `ε = h²`.
const SLOW: f64 = 1e-3;

/// `D = log p̂_h − log q̂_h`, both densities estimated with the same kernel `k_h`.
///
/// With the Gaussian its gradient is the difference of two mean shifts, `h² ∇D = m_p(x) − m_q(x)`, so that the step `ε = h²`
/// is `x ← x + m_p(x) − m_q(x)`: it neither vanishes far away nor explodes near by. Because the kernel blurs
/// both sides alike, `D` is zero exactly where the clouds agree, at any bandwidth: `h` sets speed and resolution,
/// and no bias. That is why it may shrink during the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KdeSpec {
    /// `gaussian`, `matern`, `laplace` or `inverse-multiquadric` (`imq`). The tails of all but the Gaussian reach across gaps; their sums take every
    /// pair. The kink of `laplace` holds particles at single samples.
    pub kernel: Radial,
    /// `anneal` (coarse to fine), `loo` (leave-one-out likelihood), `silverman`, or a number in the target's units.
    pub bandwidth: BandwidthSpec,
    /// Factor on the bandwidth that the rule gives; for `anneal` on the final one. `auto`: 1, and 2 for the last cloud that is a sample.
    pub bandwidth_scale: WordOr<f64, Auto>,
    /// Part of the run, in (0, 1], over which `anneal` shrinks the bandwidth; constant afterwards.
    pub anneal_until: f64,
    /// How many bandwidths at once, 1 to 16: geometrically from the present one to the standard deviation of the target sample. The
    /// velocity is then the mean of theirs, and D the mean of their log ratios, weighted by the squared bandwidths. What a network
    /// follows should be smooth over gaps and sharp in the modes at once; particles by themselves need one. `auto`: 5 for a generator
    /// whose field is fresh, else 1.
    pub scales: WordOr<usize, Auto>,
    /// Whether a particle counts in the density at its own place. Without it the flow never comes to rest.
    pub self_term: bool,
    /// Whether each sample has a width of its own, narrow where samples are dense (Abramson 1982). The widths
    /// of the two sides then differ, and with them the blur: the flow has a bias.
    pub adaptive: bool,
    /// Largest error of the velocity, in [0, 1], relative to the root mean square velocity, or to 0.001 bandwidths a step
    /// where the cloud moves more slowly than that. Down to 1e-5 large clouds take a time proportional to their size;
    /// below, every pair is summed in double precision.
    pub tolerance: f64,
}

impl Default for KdeSpec {
    fn default() -> Self {
        Self {
            kernel: Radial::Gaussian,
            bandwidth: WordOr::Word(BandwidthRule::Anneal),
            bandwidth_scale: WordOr::Word(Auto::Auto),
            anneal_until: 0.6,
            scales: WordOr::Word(Auto::Auto),
            self_term: true,
            adaptive: false,
            tolerance: 1e-5,
        }
    }
}

impl KdeSpec {
    /// The same for a last cloud that is to be a sample: what is not given is chosen for it. Particles lean on so few samples as `seen` less, the wider
    /// the kernel; below a thousand it would blur edges that so few points do not show otherwise.
    #[must_use]
    pub fn for_sample(mut self, seen: usize) -> Self {
        const FEW: usize = 1000;
        if self.bandwidth_scale == WordOr::Word(Auto::Auto) && seen > FEW {
            self.bandwidth_scale = WordOr::Value(2.0);
        }
        self
    }

    fn scale(&self) -> f64 {
        match self.bandwidth_scale {
            WordOr::Value(scale) => scale,
            WordOr::Word(Auto::Auto) => 1.0,
        }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Invalid`] for a number out of range.
    pub fn build(&self) -> Result<Kde, Invalid> {
        let schedule =
            Schedule::new("kde", self.bandwidth, self.scale(), self.anneal_until)?.without_cv()?;
        within("tolerance", self.tolerance, 0.0, 1.0)?;
        let scales = self.scales(false);
        within("scales", scales as f64, 1.0, 16.0)?;
        if self.adaptive && scales > 1 {
            return Err(Invalid::new(
                "scales",
                scales,
                "must be 1 where adaptive is true: one departure from the default at a time",
            ));
        }
        if self.adaptive && self.kernel != Radial::Gaussian {
            return Err(Invalid::new(
                "adaptive",
                true,
                format!(
                    "widths of their own are for the gaussian kernel; set false, or take kernel = \"{}\" away",
                    self.kernel.name()
                ),
            ));
        }
        if self.adaptive && !self.self_term {
            return Err(Invalid::new(
                "self_term",
                false,
                "must be true where adaptive is true: one departure from the default at a time",
            ));
        }
        Ok(Kde {
            spec: self.clone(),
            schedule,
            bandwidth: 1.0,
            scales,
            widest: None,
            real: Points::default(),
            fake: Points::default(),
            shares: None,
            sides: Sides::default(),
            room: Room::default(),
        })
    }

    /// The same for a field that a network follows.
    pub(super) fn for_network(&self) -> Self {
        Self {
            scales: WordOr::Value(self.scales(true)),
            ..self.clone()
        }
    }

    /// How many bandwidths there are, if a network follows the field or if particles do.
    fn scales(&self, network: bool) -> usize {
        match self.scales {
            WordOr::Value(count) => count,
            WordOr::Word(Auto::Auto) if network && !self.adaptive => 5,
            WordOr::Word(Auto::Auto) => 1,
        }
    }
}

impl Recipe for KdeSpec {
    fn estimator(&self, _target: &dyn Target) -> Result<Box<dyn Discriminator>, Invalid> {
        Ok(Box::new(self.build()?))
    }

    fn memory(&self, sizes: Sizes) -> Vec<(&'static str, f64)> {
        gridded(sizes)
    }

    fn anneal_until(&mut self) -> Option<&mut f64> {
        Some(&mut self.anneal_until)
    }

    fn bandwidth(&self) -> Option<f64> {
        given(&self.bandwidth, self.scale())
    }
}

/// The fitted ratio: both clouds, and the present bandwidth.
#[derive(Clone, Debug)]
pub struct Kde {
    spec: KdeSpec,
    schedule: Schedule,
    bandwidth: f64,
    scales: usize,
    /// The bandwidth that several go up to; found at the first fit.
    widest: Option<f64>,
    real: Points,
    fake: Points,
    /// N times the weights of the cloud's points, where these are unequal.
    shares: Option<Vec<f64>>,
    /// Both clouds for kernels that are no Gaussian, else nothing.
    sides: Sides,
    room: Room,
}

/// Target and cloud with their coordinates apart, and the logarithms of what the points weigh.
#[derive(Clone, Debug, Default)]
struct Sides {
    real: Planar,
    fake: Planar,
    logs: [Vec<f64>; 2],
}

impl Sides {
    fn new(real: CloudView<'_>, fake: CloudView<'_>) -> Self {
        Self {
            real: Planar::new(real),
            fake: Planar::new(fake),
            logs: [real, fake].map(|points| vec![0.0; points.nrows()]),
        }
    }
}

/// Memory for the sums of one evaluation, that the next one uses again.
#[derive(Debug, Default)]
struct Room(Mutex<Vec<[KernelSum; 2]>>);

impl Room {
    fn swap(&self, sums: Vec<[KernelSum; 2]>) -> Vec<[KernelSum; 2]> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut kept, sums)
    }
}

impl Clone for Room {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Kde {
    /// The bandwidth `h` of the present fit, the smallest of several, in the target's units.
    #[must_use]
    pub fn bandwidth(&self) -> f64 {
        self.bandwidth
    }

    /// All bandwidths, from fine to coarse.
    fn bandwidths(&self) -> impl Iterator<Item = f64> {
        let finest = self.bandwidth;
        ladder(finest, self.widest.unwrap_or(finest), self.scales)
    }

    /// The sums over both clouds at the bandwidth `h`.
    fn sums(&self, found: &mut Vec<[KernelSum; 2]>, places: &Points, at: CloudView<'_>, h: f64) {
        if self.spec.kernel != Radial::Gaussian {
            self.soft_sums(found, at, h);
            return;
        }
        if let Some(shares) = &self.shares {
            let method = Method::cheapest(places, [&self.real], h, SLOW * self.spec.tolerance);
            let real = kernel::sums(places, [&self.real], h, method);
            let fake = kernel::weighted_sums(places, &self.fake, shares, h);
            found.clear();
            found.extend(real.iter().zip(fake).map(|([p], q)| [*p, q]));
            return;
        }
        let clouds = [&self.real, &self.fake];
        let method = if self.spec.self_term {
            Method::cheapest(places, clouds, h, SLOW * self.spec.tolerance)
        } else {
            // The sum is almost its own term: what is left of it needs all digits.
            Method::Exact
        };
        kernel::sums_into(found, places, clouds, h, method);
        if !self.spec.self_term {
            for (i, [_, q]) in found.iter_mut().enumerate() {
                if self.fake.is_at(i, [at[[i, 0]], at[[i, 1]]]) {
                    *q = q.without_self();
                }
            }
        }
    }

    /// The same for a kernel that is no Gaussian.
    fn soft_sums(&self, found: &mut Vec<[KernelSum; 2]>, at: CloudView<'_>, h: f64) {
        let kernel = Kernel {
            shape: self.spec.kernel,
            h,
        };
        let at = Planar::new(at);
        let mask = if self.spec.self_term {
            Mask::Nobody
        } else {
            Mask::Itself
        };
        let side =
            |points, logs, mask| kernel.soft(&at, Summed { points, logs }, Lean::Slope, mask);
        let [real, fake] = &self.sides.logs;
        let real = side(&self.sides.real, real, Mask::Nobody);
        let fake = side(&self.sides.fake, fake, mask);
        found.clear();
        found.extend(real.into_iter().zip(fake).map(|(p, q)| [p, q.or_least()]));
    }

    /// The mean of the squared bandwidths.
    fn mean_square(&self) -> f64 {
        self.bandwidths().map(|h| h * h).sum::<f64>() / self.scales as f64
    }
}

impl Discriminator for Kde {
    fn fit(
        &mut self,
        real: CloudView<'_>,
        fake: CloudView<'_>,
        round: FitContext,
    ) -> Result<(), FitError> {
        self.bandwidth = self.schedule.at(real, fake, round.progress)?;
        if self.scales > 1 {
            self.widest.get_or_insert_with(|| cloud::spread(real));
        }
        self.real.load(real);
        self.fake.load(fake);
        self.shares = None;
        if self.spec.kernel != Radial::Gaussian {
            self.sides = Sides::new(real, fake);
        }
        if self.spec.adaptive {
            self.real.adapt(self.bandwidth);
            self.fake.adapt(self.bandwidth);
        }
        Ok(())
    }

    fn evaluate(&self, at: CloudView<'_>, into: &mut Ratio) {
        into.resize(at.nrows());
        // Before the first fit nothing is known.
        if self.real.is_empty() || self.fake.is_empty() {
            into.log.fill(0.0);
            into.gradient.fill(0.0);
            return;
        }
        let elsewhere;
        let places = if self.fake.equals(at) {
            &self.fake
        } else {
            elsewhere = Points::new(at);
            &elsewhere
        };
        let sizes = (self.fake.len() as f64 / self.real.len() as f64).ln();
        let total = self.mean_square() * self.scales as f64;
        let mut found = self.room.swap(Vec::new());
        for (scale, h) in self.bandwidths().enumerate() {
            self.sums(&mut found, places, at, h);
            let before = |sum: f64| if scale == 0 { 0.0 } else { sum };
            let add = |log: &mut f64, mut row: ArrayViewMut1<'_, f64>, [p, q]: &[KernelSum; 2]| {
                *log = before(*log) + h * h / total * (p.log - q.log + sizes);
                for axis in 0..2 {
                    row[axis] = before(row[axis]) + (p.shift[axis] - q.shift[axis]) / total;
                }
            };
            let rows = into.gradient.rows_mut();
            let all = Zip::from(&mut into.log).and(rows).and(&found);
            if at.nrows() > cloud::PIECE {
                all.par_for_each(add);
            } else {
                all.for_each(add);
            }
        }
        self.room.swap(found);
    }

    fn reaction_rate(&self) -> f64 {
        0.5
    }

    /// Widths of their own and sums without a self term are for points of equal weight.
    fn bears_weights(&self) -> bool {
        self.spec.self_term && !self.spec.adaptive
    }

    fn weigh(&mut self, shares: &[f64]) {
        if self.spec.kernel != Radial::Gaussian {
            self.sides.logs[1] = shares.iter().map(|share| share.ln()).collect();
        }
        self.shares = Some(shares.to_vec());
    }

    fn step_rule(&self) -> StepRule {
        StepRule {
            step_size: self.mean_square(),
            clip: None,
            scale: self.bandwidth,
        }
    }

    fn state(&self) -> Vec<f64> {
        let mut state = self.schedule.state();
        state.extend(self.widest);
        state
    }

    fn load_state(&mut self, state: &[f64]) -> Result<(), FitError> {
        let (schedule, widest) = state.split_at(state.len().min(2));
        self.widest = widest.first().copied();
        self.schedule.load_state(schedule)
    }
}

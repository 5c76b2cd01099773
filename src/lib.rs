//! Particle flows along the log density ratio: GANs as ODEs in two dimensions.
//!
//! A cloud of points moves by `x ← x + ε ∇ log r(x)`, where `r = p/q` compares the target density `p`
//! with the density `q` of the cloud, and `log r` is estimated anew at every step. This is the Wasserstein
//! gradient flow of `KL(q‖p)`, and what the samples of a GAN do between two updates of its generator.
//!
//! The binary `ratioflow` runs scenario files and records what comes of them. The engine needs no file: a target, a discriminator,
//! a flow, and a loop that is yours.
//!
//! # A flow, and whether it arrives
//!
//! A kernel estimate of `log r` leads a standard normal cloud to a ring of eight Gaussians. A perfect sampler, too, gives only points, so
//! the distance to the target is held against its floor: what the same measure gives for independent samples of the target.
//!
//! ```
//! use ratioflow::discriminator::DiscriminatorSpec;
//! use ratioflow::flow::{Flow, FlowSpec};
//! use ratioflow::metric::{EnergyDistance, Floor, Metric};
//! use ratioflow::random::Stream;
//! use ratioflow::target::{GaussianSpec, RingSpec, Target};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (seed, particles) = (1, 300);
//! let target = RingSpec::default().build()?;
//! let source = GaussianSpec::default().build()?;
//! let real = target.sample(1000, Stream::new(seed, "target"));
//! let start = source.sample(particles, Stream::new(seed, "source"));
//!
//! let kde = DiscriminatorSpec::default().build(&target)?;
//! let mut flow = Flow::new(FlowSpec::default(), kde, real, start, seed)?;
//! while flow.advance()?.is_some() {}
//!
//! // A sample that the flow has never seen, and the distances of others to it.
//! let fresh = target.sample(particles, Stream::new(seed, "reference"));
//! let distance = EnergyDistance::new(fresh.view());
//! let energy = distance.measure(flow.state().cloud.view());
//! let draws = (0..32).map(|i| target.sample(particles, Stream::new(seed, "floor").at(i)));
//! let floor = Floor::new(draws.map(|draw| distance.measure(draw.view()))).ok_or("no floor")?;
//! assert!(energy < floor.q95);
//! # Ok(())
//! # }
//! ```
//!
//! A type of your own becomes a target with one method, [`Target::sample`](target::Target::sample); an estimator or a measure of your own implements
//! [`Discriminator`](discriminator::Discriminator) or [`Metric`](metric::Metric), and the loop above takes it. As
//! [`OwnParts`](experiment::OwnParts) of an experiment they get floors, verdict, record, page and resume: see `examples/own_estimator.rs`.
//!
//! # The rooms
//!
//! The modules are listed in the order in which they may use each other: a module may use only those above it.
//!
//! * [`cloud`], [`random`], [`setting`], [`point_file`]: points in the plane, named streams of randomness, checked settings, files of points.
//! * [`kernel`], [`transport`], [`network`]: sums of Gaussian kernels; optimal transport; a small multilayer perceptron.
//! * [`target`]: distributions to start from and to reach.
//! * [`monotone`], [`divergence`]: how a log ratio becomes a speed, and which divergence that belongs to.
//! * [`estimate`], [`field`]: what estimators have in common, and fields without a log ratio.
//! * [`discriminator`], [`generator`], [`flow`]: the estimates of `log r`, the stage that moves parameters instead of points, and the engine.
//! * [`metric`], [`observe`]: measures with their floors and one verdict, and who watches a flow; beside them [the exact flow on a grid](mod@reference).
//! * `pixels`, `render` (feature `render`): pictures in memory.
//! * [`scenario`], [`experiment`]: scenario files, and what will run: their parts, or anybody's own.
//! * `calibration`, `store`, `film`, `page`, `record`, `sweep` (feature `record`): estimators against a known ratio, all that a run writes, and many runs
//!   as tasks of a plan.
//!
//! The feature `cli`, which is the default, has both others with it.

// No panic may be reached from the command line; where one cannot be, it is said why.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

pub mod cloud;
pub mod random;
pub mod setting;
mod digits;
mod npy;
#[cfg(feature = "record")]
mod npz;
pub mod point_file;
mod numeric;
mod plane;
pub mod kernel;
pub mod transport;
pub mod network;
pub mod target;
pub mod monotone;
pub mod divergence;
pub mod estimate;
pub mod field;
pub mod discriminator;
pub mod generator;
pub mod flow;
pub mod metric;
pub mod reference;
pub mod observe;
#[cfg(feature = "render")]
pub mod pixels;
#[cfg(feature = "render")]
mod canvas;
#[cfg(feature = "render")]
pub mod render;
pub mod scenario;
pub mod experiment;
#[cfg(feature = "record")]
pub mod calibration;
#[cfg(feature = "record")]
pub mod store;
#[cfg(feature = "record")]
pub mod film;
#[cfg(feature = "record")]
pub mod page;
#[cfg(feature = "record")]
pub mod record;
#[cfg(feature = "record")]
pub mod sweep;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;

/// The code in `docs/library.md` compiles.
#[cfg(doctest)]
#[doc = include_str!("../docs/library.md")]
struct Library;

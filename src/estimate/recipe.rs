//! What the catalogue asks of the settings of an estimator.

use super::Discriminator;
use crate::kernel::grid_bytes;
use crate::network::training_bytes;
use crate::setting::{Given, Invalid, WordOr};
use crate::target::Target;

/// How many points a fit sees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Samples of the cloud.
    pub(crate) particles: usize,
    /// Samples of the target.
    pub(crate) samples: usize,
}

/// The settings of an estimator.
#[cfg_attr(
    not(feature = "record"),
    allow(dead_code, reason = "only the trial of `check` repeats less")
)]
pub(crate) trait Recipe {
    /// The estimator, ready to be fitted. `target` is for those that know its density.
    ///
    /// # Errors
    /// [`Invalid`] for a setting out of range.
    fn estimator(&self, target: &dyn Target) -> Result<Box<dyn Discriminator>, Invalid>;

    /// Bytes that a fit takes at its peak, each with the setting that they grow with; a setting of another table by its full key.
    fn memory(&self, sizes: Sizes) -> Vec<(&'static str, f64)>;

    /// The bandwidth, where it is given as a number.
    fn bandwidth(&self) -> Option<f64> {
        None
    }

    /// The smallest length that is given as a number, with its key: a bandwidth or what does its work.
    fn least_length(&self) -> Option<(&'static str, f64)> {
        self.bandwidth().map(|h| ("bandwidth", h))
    }

    /// Whether the settings suit samples of these sizes.
    ///
    /// # Errors
    /// [`Invalid`] for a setting that asks for more points than there are.
    fn check_sizes(&self, _sizes: Sizes) -> Result<(), Invalid> {
        Ok(())
    }

    /// The part of the run over which the bandwidth shrinks, where one does.
    fn anneal_until(&mut self) -> Option<&mut f64> {
        None
    }

    /// Optimiser steps of the first fit, and of each that follows; 1 where there are none.
    fn repeats(&self) -> [usize; 2] {
        [1; 2]
    }

    /// Makes no fit repeat its optimiser's steps more often than that.
    fn shorten(&mut self, _most: usize) {}
}

impl Recipe for Given {
    fn estimator(&self, _target: &dyn Target) -> Result<Box<dyn Discriminator>, Invalid> {
        Err(self.refusal())
    }

    fn memory(&self, sizes: Sizes) -> Vec<(&'static str, f64)> {
        summed(sizes)
    }
}

/// The bandwidth that `rule` gives without a look at the samples.
pub(crate) fn given<W>(rule: &WordOr<f64, W>, scale: f64) -> Option<f64> {
    match rule {
        WordOr::Value(h) => Some(scale * h),
        WordOr::Word(_) => None,
    }
}

/// Bytes that sums of kernels over both clouds take. Measured at a million.
pub(crate) fn summed(sizes: Sizes) -> Vec<(&'static str, f64)> {
    vec![
        ("cloud.particles", 160.0 * sizes.particles as f64),
        ("cloud.samples", 90.0 * sizes.samples as f64),
    ]
}

/// The same where the sums may go by way of grids.
pub(crate) fn gridded(sizes: Sizes) -> Vec<(&'static str, f64)> {
    let mut all = summed(sizes);
    all.push(("cloud.particles", grid_bytes(sizes.particles)));
    all.push(("cloud.samples", grid_bytes(sizes.samples)));
    all
}

/// Bytes of a table of so many features, the setting `key`, of so many points, and of square matrices of them; with the largest of what they grow with.
pub(crate) fn table(
    (key, features): (&'static str, usize),
    points: usize,
    squares: usize,
    sizes: Sizes,
) -> Vec<(&'static str, f64)> {
    let grown = if features >= sizes.particles.max(sizes.samples) {
        key
    } else if sizes.particles > sizes.samples {
        "cloud.particles"
    } else {
        "cloud.samples"
    };
    let features = features as f64;
    let bytes = 8.0 * features * (points as f64 + squares as f64 * features);
    vec![(grown, bytes)]
}

/// Bytes that a sum of kernels around centres takes while it is fitted: no more centres than samples.
pub(crate) fn centred(
    centres: usize,
    points: usize,
    squares: usize,
    sizes: Sizes,
) -> Vec<(&'static str, f64)> {
    table(
        ("centres", centres.min(sizes.samples)),
        points,
        squares,
        sizes,
    )
}

/// Bytes of a least-squares fit to both clouds, which has square matrices for each of five folds of either side.
pub(crate) fn least_squares(centres: usize, sizes: Sizes) -> Vec<(&'static str, f64)> {
    centred(centres, sizes.particles + sizes.samples, 13, sizes)
}

/// Bytes that training a network on minibatches of so many points of each of its `sides` takes.
pub(crate) fn trained(hidden: &[usize], sides: usize, batch: usize) -> Vec<(&'static str, f64)> {
    let rows = sides as f64 * batch as f64;
    let [held, worked] = training_bytes(hidden, rows, 4.0);
    vec![("hidden", held), ("batch", worked + 20.0 * rows)]
}

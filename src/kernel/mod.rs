//! The Gaussian kernel `k_h(x, y) = exp(−‖x − y‖² / 2h²)`: sums over a cloud, and rules for the bandwidth `h`.

mod bandwidth;
mod blocks;
mod cells;
mod counts;
mod direct;
mod grid;
mod gridded;
mod kept;
mod lane;
mod method;
mod points;
mod resample;
mod stripes;
mod sum;
mod weighted;
#[cfg(target_arch = "x86_64")]
mod wide;

pub use bandwidth::{leave_one_out, neighbour_distance, silverman};
pub(crate) use gridded::grid_bytes;
pub use method::{Method, sums, sums_into};
pub use points::Points;
pub use resample::resample;
pub(crate) use resample::{along, offspring};
pub use sum::KernelSum;
pub use weighted::weighted_sums;

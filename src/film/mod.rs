//! What is drawn of one run or several: the snapshots that were taken, and the pictures made of them.

mod lineage;
mod pictures;
mod profile;
mod recorder;
mod sight;
mod spread;

pub(crate) use lineage::Lineage;
pub use pictures::{DrawnRun, Scene};
pub(crate) use pictures::{all_and, charts};
pub use profile::Ground;
pub use recorder::{Parents, Recorder, Snapshot, view_of};
pub(crate) use sight::sight;

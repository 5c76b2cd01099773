//! What is drawn of one run or several: the snapshots that were taken, and the pictures made of them.

mod convergence;
mod lineage;
mod phases;
mod pictures;
mod profile;
mod recorder;
mod sight;
mod round;
mod spread;
mod style;
mod theory;

pub(crate) use convergence::{all_and, charts, floor_by, gloss, is_main, shared};
pub(crate) use lineage::Lineage;
pub(crate) use phases::phases;
pub use pictures::{DrawnRun, Scene};
pub use profile::Ground;
pub use recorder::{Parents, Recorder, Snapshot, view_of};
pub use round::Round;
pub(crate) use sight::sight;
#[cfg(feature = "cli")]
pub(crate) use sight::unseen;
pub(crate) use theory::Law;

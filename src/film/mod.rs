//! What is drawn of one run or several: the snapshots that were taken, and the pictures made of them.

mod pictures;
mod recorder;

pub(crate) use pictures::charts;
pub use pictures::{DrawnRun, Scene};
pub use recorder::{Parents, Recorder, Snapshot, view_of};

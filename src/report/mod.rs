//! The run directory: manifest, tables, pictures. The only writer of files.

mod pictures;
mod recorder;
mod verdict;

pub use pictures::Scene;
pub use recorder::{Recorder, Snapshot, view_of};
pub use verdict::Verdict;

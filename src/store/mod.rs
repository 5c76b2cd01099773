//! The run directory: its lock, the list of what is ours in it, and each kind of file in it that is read again, with its writer and its reader.

mod atomic;
mod checkpoint;
mod comparison;
mod directory;
mod error;
mod floors;
mod inventory;
mod lock;
mod manifest;
mod names;
mod occupied;
pub(crate) mod plain;
mod available;
pub(crate) mod table;

pub use crate::npy::Element;
pub use crate::npz::Arrays;
pub use atomic::AtomicFile;
pub use available::available;
pub(crate) use available::free_memory;
#[cfg(feature = "cli")]
pub(crate) use available::room_for_threads;
pub use checkpoint::{Checkpoint, Damage, Fingerprint, Restored};
pub(crate) use comparison::folder_of;
pub use comparison::{Comparison, Spread};
pub use directory::RunDirectory;
pub use error::ReportError;
pub use floors::FloorStore;
pub use lock::in_use;
pub use manifest::{Counts, JOINT, Manifest, Status};
pub(crate) use names::{
    COMPARISON, COMPARISON_TABLE, GENERATOR, HISTORY, INPUTS, LAB, METRICS, PAGE, RUNS, SCENARIO,
    SNAPSHOTS, TIMINGS, TRAJECTORY, hex, is_taken, moment,
};
pub use table::Table;

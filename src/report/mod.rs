//! What a run leaves behind: the run directory and every kind of file in it. Nothing else writes files.

mod arrays;
mod atomic;
mod checkpoint;
mod compare;
mod directory;
mod error;
mod interrupt;
mod keeper;
mod lock;
mod manifest;
mod page;
mod pictures;
mod recorder;
mod resume;
mod run;
mod table;
mod verdict;

pub use arrays::Arrays;
pub use atomic::Draft;
pub use checkpoint::{Checkpoint, Damage, Fingerprint, Restored};
pub use compare::{Comparison, Contender, Spread, Teller, compare};
pub use directory::RunDirectory;
pub use error::ReportError;
pub use interrupt::Signal;
pub use keeper::Interrupted;
pub use lock::in_use;
pub use manifest::{Manifest, Status};
pub use page::{Page, Sheet};
pub use pictures::{Scene, Take};
pub use recorder::{Recorder, Snapshot, view_of};
pub use resume::{Opened, ResumeError, Unfinished, UnfinishedComparison};
pub use run::{Record, RunError, Watcher, record};
pub use table::Table;
pub use verdict::Verdict;

//! Runs and comparisons on disk: recorded, gone on with after an interruption, drawn again.

mod clock;
mod compare;
mod comparison_tables;
mod conclude;
mod draw;
mod error;
mod facts;
mod filed_snapshot;
mod generator_file;
mod inputs;
mod lab;
mod memory;
mod checkpoint_writer;
mod numbers;
mod redraw;
mod reference;
mod resume;
mod run;
mod stop;
mod trajectory;
mod variant_name;
mod watch;

pub use checkpoint_writer::Interrupted;
pub use compare::{Audience, VariantRuns, compare, folders};
pub use conclude::rehearse;
pub use error::RunError;
pub use facts::{RunFacts, check_claims};
pub use generator_file::generator;
pub use memory::{MemoryRun, run_in_memory};
pub use numbers::rehearse_in;
pub use redraw::{Format, Redraw, last_cloud, redraw, redraw_dark, snapshots};
pub use reference::{Moment, ReferenceRow, record_reference};
pub use resume::{Opened, ResumeError, Unfinished, UnfinishedComparison};
pub use run::{Record, record};
pub use stop::{Abandoned, StopToken};
pub use watch::{Seen, Watcher};

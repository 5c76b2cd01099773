//! Many runs of one scenario: planned as a list of tasks, run one at a time by whoever has a machine for it, and collected into one table.
//!
//! Nothing here knows of other machines. A task is known by its number or its name in `tasks.json`, writes into a folder of its own, which is
//! called after the hash of what it runs, and is done when a whole `result.json` lies there. So any engine may start the tasks, in any
//! order, twice or at once, and the table is the same.

mod collect;
mod column;
mod error;
mod head;
mod page;
#[cfg(feature = "cli")]
mod parquet_table;
mod plan;
mod result;
mod rows;
mod scale;
mod spread;
mod task;

pub use collect::{Collected, collect};
pub use error::SweepError;
pub use head::{Sweep, Task};
pub use plan::{Estimate, MOST_TASKS, Plan, Planned};
pub use result::TaskResult;
pub use task::{TaskEnd, run_task};

//! From the results of tasks to tables and a page, whole or in part, in the order of the plan.

use std::io::Write as _;
use std::path::Path;

use serde::Serialize;

use super::column;
use super::error::SweepError;
use super::head::{Sweep, take};
use super::page;
#[cfg(feature = "cli")]
use super::parquet_table;
use super::rows::Rows;
use crate::store::{ReportError, Status};

/// What was collected.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Collected {
    /// Tasks of the plan.
    pub tasks: u64,
    /// Runs that ended as asked.
    pub complete: u64,
    /// Runs whose flow blew up or collapsed.
    pub diverged: u64,
    /// Runs that could not go on.
    pub failed: u64,
    /// Seconds of all tasks together, as far as they are known.
    pub seconds: f64,
    /// What was written, in the folder of the sweep.
    pub files: Vec<&'static str>,
}

/// Reads what is done of the sweep in `folder`, and writes `sweep.csv` and, with the feature `cli`, `sweep.parquet` (a row a run), `sweep-cells.csv` (each cell over its seeds), `sweep-keys.csv`
/// (each value of a key over all else), `timings.csv` and `sweep.html`. All but `timings.csv` depend on nothing but the results. Runs that are
/// going on are no rows yet.
///
/// # Errors
/// [`SweepError`] if the plan cannot be read, the files cannot be written, or somebody else is collecting.
pub fn collect(folder: &Path) -> Result<Collected, SweepError> {
    let sweep = Sweep::open(folder)?;
    let all = Rows::read(&sweep)?;
    let directory = take(folder)?;
    let count = |status: Status| all.runs.iter().filter(|row| row.status == status).count() as u64;
    let mut collected = Collected {
        tasks: sweep.count(),
        complete: count(Status::Complete),
        diverged: count(Status::Diverged),
        failed: count(Status::Failed),
        seconds: all.runs.iter().filter_map(|row| row.seconds).sum(),
        files: Vec::new(),
    };
    let mut put = |name: &'static str, text: &[u8]| {
        collected.files.push(name);
        directory.save(name, |file| file.write_all(text))
    };
    let io = |name: &str| {
        let path = folder.join(name);
        move |cause: csv::Error| ReportError::io("write", &path, cause.into())
    };
    let columns = all.columns();
    put(
        "sweep.csv",
        &column::csv(&columns).map_err(io("sweep.csv"))?,
    )?;
    #[cfg(feature = "cli")]
    put(
        parquet_table::FILE,
        &parquet_table::parquet(&columns).map_err(|cause| {
            let path = folder.join(parquet_table::FILE);
            ReportError::io("write", &path, std::io::Error::other(cause))
        })?,
    )?;
    put(
        "sweep-cells.csv",
        &all.cells().map_err(io("sweep-cells.csv"))?,
    )?;
    put(
        "sweep-keys.csv",
        &all.by_key().map_err(io("sweep-keys.csv"))?,
    )?;
    put("timings.csv", &all.timings().map_err(io("timings.csv"))?)?;
    let page = page::of(&sweep, &all)
        .map_err(|cause| ReportError::io("write", &folder.join(page::FILE), cause))?;
    put(page::FILE, page.as_bytes())?;
    directory.settle()?;
    Ok(collected)
}

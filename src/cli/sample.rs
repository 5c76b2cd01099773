//! `sample`: fresh points of a trained generator, or a resample of a flow's last cloud.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use ndarray::s;
use rand::Rng as _;
use serde_json::json;

use super::available;
use super::common::{Common, Threads};
use super::error::CliError;
use super::out_file::OutFile;
use super::terminal::{print, print_path, say};
use crate::cloud::{self, CloudView};
use crate::npy;
use crate::random::Stream;
use crate::record::{generator, last_cloud};
use crate::scenario::Resources;

#[derive(Clone, Debug, Args)]
pub(super) struct SampleArgs {
    /// The directory of a finished run with a generator
    #[arg(value_name = "RUN_DIR")]
    directory: PathBuf,
    /// How many points
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    count: u64,
    /// Seed of the latent points
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Write into this file, .npy (n×2, on the line n×1) or .csv (columns x, y, or x), instead of csv on standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// With --out: replace FILE
    #[arg(long, requires = "out")]
    force: bool,
    /// The generator as it was after this step, of those that `output.history` keeps
    #[arg(long, value_name = "STEP", conflicts_with = "resample")]
    at: Option<usize>,
    /// Draw with replacement from the last cloud of a run without a generator: no new points
    #[arg(long)]
    resample: bool,
    #[command(flatten)]
    threads: Threads,
}

/// Bytes that a point takes at the peak: its latent point, its image, both in the network's precision, and its text.
const POINT: f64 = 120.0;

/// How points are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Npy,
    Csv,
}

pub(super) fn sample(args: &SampleArgs, common: Common) -> Result<ExitCode, CliError> {
    let file = args.out.as_deref().map(|path| OutFile {
        option: "--out",
        path,
    });
    let kind = file.as_ref().map_or(Ok(Kind::Csv), kind)?;
    if let Some(file) = &file
        && file.there()?.is_some()
        && !args.force
    {
        return Err(
            file.refusal("it is there already; name another file, or replace it with --force")
        );
    }
    args.threads.start()?;
    let count = usize::try_from(args.count).unwrap_or(usize::MAX);
    let need = Resources::of_memory("-n", POINT * args.count as f64);
    available::check(&need, ".".as_ref())?;
    let stream = Stream::new(args.seed, "sample");
    let (points, dimension) = if args.resample {
        let (last, dimension) = last_cloud(&args.directory)?;
        let mut rng = stream.rng();
        let rows: Vec<usize> = (0..count)
            .map(|_| rng.random_range(0..last.nrows()))
            .collect();
        if !common.quiet {
            say(&format!(
                "drawn with replacement from the {} points of the last cloud: none of them is new",
                last.nrows()
            ));
        }
        (cloud::rows(last.view(), &rows), dimension)
    } else {
        let generator = generator(&args.directory, args.at)?;
        (generator.sample(count, stream), generator.dimension())
    };
    let points = points.slice(s![.., ..dimension]);
    let Some(file) = file else {
        let text = if common.json {
            let points: Vec<Vec<f64>> = points.rows().into_iter().map(|p| p.to_vec()).collect();
            format!("{}\n", json!({ "points": points }))
        } else {
            csv(points)
        };
        return print(&text);
    };
    let bytes = match kind {
        Kind::Csv => csv(points).into_bytes(),
        Kind::Npy => npy::of_points(points),
    };
    file.write(&[&bytes])?;
    if common.json {
        let object = json!({ "file": file.path.to_string_lossy(), "points": count });
        return print(&format!("{object:#}\n"));
    }
    print_path(file.path)
}

/// The kind of file that a name asks for.
fn kind(file: &OutFile<'_>) -> Result<Kind, CliError> {
    let ending = file.path.extension().map(OsStr::to_ascii_lowercase);
    match ending.as_deref().and_then(|e| e.to_str()) {
        Some("npy") => Ok(Kind::Npy),
        Some("csv") => Ok(Kind::Csv),
        _ => Err(file.refusal("name a file that ends with .npy or .csv")),
    }
}

/// One point a line, every digit.
fn csv(points: CloudView<'_>) -> String {
    let mut text = ["x\n", "x,y\n"][usize::from(points.ncols() > 1)].to_owned();
    for point in points.rows() {
        let all: Vec<String> = point.iter().map(f64::to_string).collect();
        // Writing into a text does not fail.
        let _ = writeln!(text, "{}", all.join(","));
    }
    text
}

//! `measure`: every measure of a cloud from a file, against another file or against a target.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};

use super::available;
use super::common::{Common, Threads};
use super::error::CliError;
use super::load::ScenarioArgs;
use super::plot;
use super::terminal::{plain, print, say};
use crate::cloud::Cloud;
use crate::metric::{ALL, About, Evaluation, Evaluator, MetricResult, Needs, Null};
use crate::point_file::{self, Asked, Header};
use crate::render::{Style, number, overlay};
use crate::scenario::{Resources, find};
use crate::target::{Anywhere, Folder, Target, TargetSpec, open_file};

#[derive(Clone, Debug, Args)]
pub(super) struct MeasureArgs {
    /// The cloud to measure: an .npy (n×2, or n×1 and n for points of the line), .npz (first array, or `file.npz:name`) or .csv file (two columns, or one)
    a: OsString,
    /// What to measure it against: a file of the same kinds
    #[arg(conflicts_with = "target")]
    b: Option<OsString>,
    /// Measure against a distribution instead: a family with its default parameters, such as `ring`, or the target of a scenario
    #[arg(long, value_name = "NAME-OR-SCENARIO")]
    target: Option<OsString>,
    /// Whether the first line of a .csv file names its columns
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    header: Header,
    /// Draw both clouds into this PNG file
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// With --plot: replace FILE even if it is no earlier plot
    #[arg(long, requires = "plot")]
    force: bool,
    /// Points taken of each cloud at most; of more, so many are drawn at random. Time grows with the square: with all measures 20000
    /// take minutes and 100000 an hour
    #[arg(long, value_name = "N", default_value_t = Evaluator::default().points, value_parser = count(2))]
    points: usize,
    /// Independent draws (with --target) or random relabellings (with a file) behind each floor
    #[arg(long, value_name = "N", default_value_t = Evaluator::default().draws, value_parser = count(19))]
    draws: usize,
    /// The same for `w2` and `sinkhorn`, which cost most
    #[arg(long, value_name = "N", default_value_t = Evaluator::default().dear_draws, value_parser = count(19))]
    dear_draws: usize,
    /// Take only these measures, such as `energy_distance,w2` [default: all that apply]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', value_parser = named)]
    only: Vec<&'static About>,
    /// Seed of all randomness
    #[arg(long, value_name = "N", default_value_t = Evaluator::default().seed)]
    seed: u64,
    #[command(flatten)]
    threads: Threads,
}

/// Bytes of a draw: its values of every measure, and the place that it is drawn from.
const DRAW: f64 = 500.0;

/// Reads a count of at least `least`.
fn count(least: usize) -> impl Fn(&str) -> Result<usize, String> + Clone + Send + Sync {
    move |text| match text.parse() {
        Ok(count) if count >= least => Ok(count),
        Ok(_) => Err(format!("must be at least {least}")),
        Err(_) => Err("must be a whole number".to_owned()),
    }
}

/// The measures that a cloud can be judged by; the others want a run.
fn judged_by() -> impl Iterator<Item = &'static About> {
    let all = ALL.iter().copied();
    all.filter(|about| about.needs != Needs::Run)
}

fn named(name: &str) -> Result<&'static About, String> {
    judged_by().find(|about| about.name == name).ok_or_else(|| {
        let all: Vec<&str> = judged_by().map(|about| about.name).collect();
        format!("must be one of {}", all.join(", "))
    })
}

pub(super) fn measure(args: &MeasureArgs, common: Common) -> Result<ExitCode, CliError> {
    args.threads.start()?;
    available::check(&need(args), ".".as_ref())?;
    if let Some(path) = &args.plot {
        let inputs = [Some(&args.a), args.b.as_ref(), args.target.as_ref()];
        plot::check(path, inputs.into_iter().flatten(), args.force)?;
    }
    let mut notes = Vec::new();
    let (cloud, dimension) = points(&args.a, args.header, &mut notes)?;
    let judge = Evaluator {
        points: args.points,
        draws: args.draws,
        dear_draws: args.dear_draws,
        only: args.only.clone(),
        dimension,
        seed: args.seed,
    };
    let a = &*args.a.to_string_lossy();
    let target = args.target.as_deref().map(target).transpose()?;
    if let Some(target) = &target {
        notes.extend(target.notes().iter().map(|note| format!("target.{note}")));
    }
    let mut points = |name: &OsStr| points(name, args.header, &mut notes);
    let sample = args.b.as_deref().map(&mut points).transpose()?;
    let null = match (&target, &sample) {
        (Some(target), _) => Null::Target(target),
        (None, Some((sample, _))) => Null::Sample(sample.view()),
        (None, None) => {
            return Err(CliError::Usage(
                "measured against what? name a second file, or a distribution: --target ring"
                    .to_owned(),
            ));
        }
    };
    let against = args
        .target
        .as_ref()
        .or(args.b.as_ref())
        .map_or(Cow::Borrowed(""), |name| name.to_string_lossy());
    let against = &*against;
    let other = sample.as_ref().map(|(_, dimension)| *dimension);
    let other = target.as_ref().map(|target| target.dimension()).or(other);
    same_space([a, against], [dimension, other.unwrap_or(dimension)])?;
    let judged = judge.judge(cloud.view(), null).map_err(|invalid| {
        let (key, name) = match invalid.key.chars().next() {
            Some('a') => (&invalid.key[1..], a),
            Some('b') => (&invalid.key[1..], against),
            Some('o') => ("", "--only"),
            _ => return CliError::Usage(invalid.to_string()),
        };
        CliError::Usage(format!(
            "{name}{key} is {}: it {}",
            invalid.value, invalid.remedy
        ))
    })?;

    if let Some(path) = &args.plot {
        let title = format!("{} against {against}", base(a));
        let labels = [base(a), against];
        let clouds = [judged.cloud.view(), judged.reference.view()];
        let picture = overlay(&title, labels, clouds, &Style::default());
        plot::save(path, &picture.png())?;
    }
    notes.extend(judged.notes.iter().map(|note| note.words([a, against])));
    if common.json {
        let kind = if target.is_some() {
            "draws"
        } else {
            "permutation"
        };
        let object = object(&judged, &notes, [a, against], kind);
        return print(&format!("{object:#}\n"));
    }
    if !common.quiet {
        for note in &notes {
            say(&format!("\x1b[1;33mnote\x1b[0m: {}", plain(note)));
        }
    }
    print(&table(&judged, target.is_some(), common.quiet))
}

/// What the draws and the files take together.
fn need(args: &MeasureArgs) -> Resources {
    let draws = [("--draws", args.draws), ("--dear-draws", args.dear_draws)];
    let draws = draws.map(|(option, draws)| Resources::of_memory(option, DRAW * draws as f64));
    let files = std::iter::once(&args.a).chain(&args.b);
    let files = files
        .map(|file| Resources::of_points(&file.to_string_lossy(), &Anywhere(PathBuf::from("."))));
    let all: Vec<Resources> = draws.into_iter().chain(files).collect();
    Resources::of_all(&all, all.len())
}

/// Reads a file of points, and tells of how many coordinates they are.
fn points(
    name: &OsStr,
    header: Header,
    notes: &mut Vec<String>,
) -> Result<(Cloud, usize), CliError> {
    let path = point_file::path_of(name);
    // Whoever names a file on the command line may read it, wherever it lies.
    let file = open_file(&path)
        .map_err(|error| CliError::io(format!("cannot read {}", path.display()), error))?;
    let name = &*name.to_string_lossy();
    let sheet = point_file::read_from(file, name, header, Asked::Option)
        .map_err(|error| CliError::Usage(error.to_string()))?;
    let said = sheet.notes.into_iter();
    for note in said.map(|note| format!("{name}: {note}")) {
        // One file may stand on both sides.
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    Ok((sheet.points, sheet.dimension))
}

/// Refuses points of the line against those of the plane.
fn same_space([a, b]: [&str; 2], [here, there]: [usize; 2]) -> Result<(), CliError> {
    if here == there {
        return Ok(());
    }
    Err(CliError::Usage(format!(
        "{a} holds points with {here} coordinate(s), and {b} has {there}: give both as points of the line (one column) or of the plane (two)"
    )))
}

/// A family of targets by name, or the target of a scenario.
fn target(name: &OsStr) -> Result<Arc<dyn Target>, CliError> {
    let family = name.to_str().and_then(TargetSpec::from_name);
    if let Some(spec) = family.filter(|spec| spec.files().is_empty()) {
        let built = spec.build(&Folder(PathBuf::from(".")));
        return Ok(built
            .map_err(|error| CliError::Usage(error.to_string()))?
            .into());
    }
    let ships = name.to_str().is_some_and(|name| find(name).is_some());
    if !ships && name != "-" && !Path::new(name).exists() {
        return Err(CliError::Usage(format!(
            "there is no family of distributions, no file and no shipped scenario called `{}`\n  = help: `ratioflow list targets` names the families, `ratioflow list` the scenarios",
            name.to_string_lossy()
        )));
    }
    Ok(ScenarioArgs::named(name)
        .load("output".as_ref())?
        .experiment
        .target)
}

fn base(name: &str) -> &str {
    Path::new(name)
        .file_name()
        .and_then(|base| base.to_str())
        .unwrap_or(name)
}

/// The object of `--json`. What is no number is `null`.
fn object(judged: &Evaluation, notes: &[String], names: [&str; 2], kind: &str) -> Value {
    let metrics: serde_json::Map<String, Value> = judged
        .judgements
        .iter()
        .map(|j| {
            let floor = j.floor.as_ref().map(|floor| {
                json!({
                    "mean": floor.mean,
                    "sd": floor.sd,
                    "median": floor.median,
                    "q95": floor.q95,
                    "draws": floor.draws().len(),
                })
            });
            let mut entry = json!({
                "value": j.reading.value,
                "floor": floor,
                "p": j.p,
                "z": j.z,
                "verdict": j.verdict(),
            });
            if let Some(error) = j.reading.standard_error {
                entry["standard_error"] = json!(error);
            }
            if let Some(note) = &j.reading.note {
                entry["note"] = json!(note);
            }
            (j.about.name.to_owned(), entry)
        })
        .collect();
    json!({
        "a": { "name": names[0], "points": judged.cloud.nrows() },
        "b": { "name": names[1], "points": judged.reference.nrows() },
        "null": kind,
        "notes": notes,
        "metrics": metrics,
        "verdict": judged.verdict,
    })
}

/// The table for people: a line of numbers for each measure, and below it what they mean.
fn table(judged: &Evaluation, drawn: bool, quiet: bool) -> String {
    let [n, m] = [judged.cloud.nrows(), judged.reference.nrows()];
    let floor = if drawn {
        "independent draws of the target"
    } else {
        "random relabellings of the pooled points"
    };
    let mut text = format!(
        "{n} points against {m}; floors from {floor}\n\n\x1b[1m{:<16} {:>11}   {:>11} {:>9} {:>11}  {:>6} {:>7}\x1b[0m\n",
        "measure", "value", "floor mean", "sd", "q95", "p", "z"
    );
    for judgement in &judged.judgements {
        text.push_str(&line(judgement));
        if quiet {
            continue;
        }
        let _ = writeln!(text, "\x1b[2m    {}\x1b[0m", judgement.verdict());
        let error = judgement
            .reading
            .standard_error
            .map(|error| format!("standard error {}", number(error)));
        let remarks: Vec<String> = error
            .into_iter()
            .chain(judgement.reading.note.clone())
            .collect();
        if !remarks.is_empty() {
            let _ = writeln!(text, "\x1b[2m    {}\x1b[0m", remarks.join("; "));
        }
    }
    let colour = if judged.verdict.at_floor { "32" } else { "33" };
    let _ = writeln!(text, "\n\x1b[1;{colour}m{}\x1b[0m", judged.verdict.sentence);
    text
}

fn line(judgement: &MetricResult) -> String {
    let part = |value: Option<f64>| match value {
        Some(value) if value.is_finite() => number(value),
        _ => "–".to_owned(),
    };
    let floor = judgement.floor.as_ref();
    let digits = |value: f64, digits: usize| {
        if value.abs() >= 1e5 && value.is_finite() {
            format!("{value:.1e}")
        } else if value.is_finite() {
            format!("{value:.digits$}")
        } else {
            "–".to_owned()
        }
    };
    let colour = match judgement.p {
        p if p <= 0.05 => "33",
        p if p > 0.05 => "32",
        _ => "0",
    };
    format!(
        "\x1b[{colour}m{:<16} {:>11}\x1b[0m   {:>11} {:>9} {:>11}  {:>6} {:>7}\n",
        judgement.about.name,
        part(Some(judgement.reading.value)),
        part(floor.map(|floor| floor.mean)),
        part(floor.map(|floor| floor.sd)),
        part(floor.map(|floor| floor.q95)),
        digits(judgement.p, 3),
        digits(judgement.z, 1),
    )
}

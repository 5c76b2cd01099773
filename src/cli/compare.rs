//! `compare`: variants of one scenario side by side.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use clap::Args;

use super::common::{Cache, Common, Threads};
use super::error::CliError;
use super::load::ScenarioArgs;
use super::preview::{self, Preview};
use super::progress::{Progress, Shown};
use super::run::listen;
use super::terminal::{plain, print, print_path, say, warn};
use super::{available, summary};
use crate::experiment::{Experiment, seconds_of_all, spoken};
use crate::metric::{ALL, Grain, Verdict};
use crate::page::Page;
use crate::record::{Audience, Record, VariantRuns, compare, folders, one_space};
use crate::scenario::{Claim, Document, Resources, Scenario, Variant};
use crate::setting::Invalid;
use crate::store::{Comparison, Manifest, RunDirectory, Status};
use crate::target::Files;

#[derive(Clone, Debug, Args)]
pub(super) struct CompareArgs {
    #[command(flatten)]
    scenario: ScenarioArgs,
    /// A variant, such as `fine: flow.steps=400, flow.shift=1`; repeatable [default: the scenario's own, or flow, distill, adversarial]
    #[arg(long = "variant", value_name = "NAME: KEY=VALUE, …")]
    variants: Vec<String>,
    /// The variants of another scenario, such as `estimators`; those that do not suit this one are left out, with the reason
    #[arg(long, value_name = "SCENARIO", conflicts_with = "variants")]
    variants_of: Option<String>,
    /// Run each variant on N seeds, from the scenario's own upwards; tables then show mean and spread
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    seeds: u16,
    /// Write into this folder, new or empty, instead of `output/<scenario>/compare-<NNN>`
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// With --out: replace an earlier comparison there
    #[arg(long, requires = "out")]
    force: bool,
    /// Draw no frames and no animation
    #[arg(long)]
    no_frames: bool,
    /// Show the last clouds on the terminal
    #[arg(long)]
    preview: bool,
    /// How progress is shown on standard error
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    progress: Shown,
    #[command(flatten)]
    threads: Threads,
    #[command(flatten)]
    cache: Cache,
}

pub(super) fn run(args: &CompareArgs, common: Common) -> Result<ExitCode, CliError> {
    args.threads.start()?;
    let stop = listen()?;
    let (found, document) = args.scenario.document()?;
    let base: Scenario = document.read()?;
    let written = if args.variants.is_empty() {
        &base.variants
    } else {
        &args.variants
    };
    let variants = match &args.variants_of {
        Some(other) => borrowed(other, &document, &*found.files, common)?,
        None if written.is_empty() => Variant::defaults(),
        None if args.variants.is_empty() => parsed(&document, written)?,
        None => {
            let variants = written.iter().map(|text| Variant::named(text));
            let variants: Result<_, String> = variants.collect();
            variants.map_err(|reason| CliError::Usage(format!("--variant: {reason}")))?
        }
    };
    let mut contenders = contenders(
        &document,
        &base,
        &variants,
        args.seeds,
        args.no_frames,
        &*found.files,
        args.out.as_deref().unwrap_or(Path::new("output")),
    )?;
    let runs = contenders.iter_mut().flat_map(|one| &mut one.experiments);
    args.cache.serve(runs);
    let directory = match &args.out {
        Some(path) => RunDirectory::with_parts(path, args.force, &folders(&contenders))?,
        None => RunDirectory::create_comparison("output".as_ref(), &found.name)?,
    };
    let runs = contenders.iter().flat_map(|c| &c.experiments);
    let steps = runs.map(|experiment| experiment.scenario.flow.steps).sum();
    if args.variants_of.is_some() && !common.quiet {
        tell_time(&contenders, args.seeds);
    }
    let progress = Progress::new(steps, args.progress, common.quiet);
    let claims = of_variants(&base, &contenders);
    let pictures = Mutex::new(Vec::new());
    let alone = contenders.len() == 1;
    let comparison = compare(
        &found.name,
        &contenders,
        &*found.files,
        &directory,
        &claims,
        Audience {
            stop: &stop,
            step: &|name, experiment, seen| progress.count(name, experiment.scenario.seed, seen),
            done: &|name, experiment, record| {
                tell(&progress, name, experiment, record, common);
                if args.preview && experiment.scenario.seed == base.seed {
                    let picture = Preview::of(name, experiment, record, alone);
                    // A thread that panicked while it held the lock left whole pictures behind.
                    let mut all = pictures.lock().unwrap_or_else(PoisonError::into_inner);
                    all.push(picture);
                }
            },
        },
    );
    progress.clear();
    let comparison = comparison.map_err(|error| CliError::of_run(error, directory.path()))?;
    if args.preview && !common.quiet {
        let mut all = pictures
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let place = |picture: &Preview| {
            let mut order = comparison.order.iter();
            order.position(|name| plain(name) == picture.name())
        };
        all.sort_by_key(place);
        preview::show(&all);
    }
    let changed = args.scenario.changed(&found, &document);
    show(directory.path(), &comparison, &changed, common)
}

/// The variants that a scenario names; an error says where.
pub(super) fn parsed(document: &Document, written: &[String]) -> Result<Vec<Variant>, CliError> {
    let variant = |(place, text): (usize, &String)| {
        Variant::named(text).map_err(|reason| {
            let key = format!("variants[{place}]");
            document
                .blame(&Invalid::new(key, format!("{text:?}"), reason))
                .into()
        })
    };
    written.iter().enumerate().map(variant).collect()
}

/// The variants of the scenario `other` that `document` can have. What suits one target, such as a closed form, need not suit another.
fn borrowed(
    other: &str,
    document: &Document,
    files: &dyn Files,
    common: Common,
) -> Result<Vec<Variant>, CliError> {
    let (_, lending) = ScenarioArgs::named(other).document()?;
    let lender: Scenario = lending.read()?;
    let mut variants = parsed(&lending, &lender.variants)?;
    let mut left_out = Vec::new();
    variants.retain(|variant| {
        let fits = variant
            .apply(document)
            .and_then(|own| Experiment::read(&own, files));
        if let Err(error) = &fits {
            left_out.push(format!("`{}` is left out: {error}", variant.name));
        }
        fits.is_ok()
    });
    if variants.is_empty() {
        let reason = left_out.first().map_or("it has none", String::as_str);
        return Err(CliError::Usage(format!(
            "no variant of `{other}` can be used here: {reason}"
        )));
    }
    if !common.quiet {
        warn(&left_out);
    }
    Ok(variants)
}

/// Fewer steps are done sooner than tried.
const WORTH_A_TRIAL: usize = 20;

/// Says how long variants of another scenario will take, of which nobody knows that here.
fn tell_time(contenders: &[VariantRuns], seeds: u16) {
    let firsts = contenders.iter().filter_map(|one| one.experiments.first());
    let firsts: Vec<&Experiment> = firsts.collect();
    if firsts
        .iter()
        .all(|one| one.scenario.flow.steps >= WORTH_A_TRIAL)
        && let Some(seconds) = seconds_of_all(&firsts)
    {
        let runs = firsts.len() * usize::from(seeds);
        let time = spoken(seconds * f64::from(seeds));
        say(&format!("{runs} runs, about {time}"));
    }
}

/// Says how a run has ended.
pub(super) fn tell(
    progress: &Progress,
    name: &str,
    experiment: &Experiment,
    record: &Record,
    common: Common,
) {
    if !common.quiet {
        progress.say(&format!(
            "{} (seed {}): {}",
            plain(name),
            experiment.scenario.seed,
            plain(&record.summary.headline)
        ));
    }
}

/// The claims that speak of variants which are there.
pub(super) fn of_variants(base: &Scenario, contenders: &[VariantRuns]) -> Vec<Claim> {
    let there = |name: &str| contenders.iter().any(|contender| contender.name == name);
    let whole = |claim: &&Claim| !claim.is_of_the_run() && claim.variants().all(there);
    base.claim.iter().filter(whole).cloned().collect()
}

/// The table for people, and the result on standard output.
pub(super) fn show(
    directory: &Path,
    comparison: &Comparison,
    changed: &[String],
    common: Common,
) -> Result<ExitCode, CliError> {
    if !common.quiet {
        say(&plain(&table(comparison)));
        summary::claims(&comparison.claims, changed);
        let page = directory.join(Page::FILE);
        say(&format!(
            "look at it: {}",
            plain(&page.display().to_string())
        ));
    }
    if common.json {
        let object = serde_json::json!({
            "directory": directory.to_string_lossy(),
            "comparison": comparison,
            "seconds_per_step": comparison.seconds_per_step,
        });
        return print(&format!("{object:#}\n"));
    }
    print_path(directory)
}

/// The claims about this variant alone, as claims of a run by itself.
fn claims_about(base: &Scenario, variant: &str) -> Vec<Claim> {
    let alone = |claim: &&Claim| !claim.is_of_the_run() && claim.variants().all(|v| v == variant);
    let own = base.claim.iter().filter(alone).cloned();
    own.map(Claim::of_its_variant).collect()
}

/// The variants, each with its experiments on `seeds` seeds. Everything is checked before anything runs.
pub(super) fn contenders(
    document: &Document,
    base: &Scenario,
    variants: &[Variant],
    seeds: u16,
    no_frames: bool,
    files: &dyn Files,
    folder: &Path,
) -> Result<Vec<VariantRuns>, CliError> {
    Variant::tell_apart(variants).map_err(CliError::Usage)?;
    let mut scenarios = Vec::new();
    for variant in variants {
        let own = variant.apply(document)?;
        let mut scenario: Scenario = own.read()?;
        variant
            .check(base, &scenario)
            .map_err(|invalid| own.blame(&invalid))?;
        scenario.claim = claims_about(base, &variant.name);
        if no_frames {
            scenario.output.animation = false;
        }
        scenario.check().map_err(|invalid| own.blame(&invalid))?;
        scenarios.push((own, scenario));
    }
    let seeded = |scenario: &Scenario, place: u16| scenario.side_by_side(base.seed, place);
    let threads = rayon::current_num_threads();
    let each = scenarios.iter().flat_map(|(_, scenario)| {
        (0..seeds).map(|seed| {
            let scenario = seeded(scenario, seed);
            Resources::of(&scenario, threads).with_files(&scenario, files)
        })
    });
    // One at a time at least; `compare` finds out how many more there is memory for.
    let mut need = Resources::of_all(&each.collect::<Vec<_>>(), 1);
    if let Some((_, first)) = scenarios.first() {
        need = need.then(Resources::of_pictures(first, variants.len(), threads));
    }
    available::check(&need, folder)?;
    let contender = |(variant, (own, scenario)): (&Variant, &(Document, Scenario))| {
        let experiments = (0..seeds).map(|seed| {
            let experiment = Experiment::new(seeded(scenario, seed), files);
            experiment.map_err(|error| own.blame(&error.into()))
        });
        Ok(VariantRuns {
            name: variant.name.clone(),
            experiments: experiments.collect::<Result<_, _>>()?,
        })
    };
    let all = variants.iter().zip(&scenarios).map(contender);
    let all = all.collect::<Result<Vec<_>, CliError>>()?;
    one_space(&all).map_err(CliError::Usage)?;
    Ok(all)
}

/// The measures that tell variants apart, one of each kind.
const SHOWN: [(&str, &str); 6] = [
    ("energy_distance", "energy dist."),
    ("sliced_w2", "sliced W2"),
    ("knn_kl", "kNN-KL"),
    ("c2st", "C2ST"),
    ("modes", "modes"),
    ("stranded", "stranded"),
];

/// The table for people.
fn table(comparison: &Comparison) -> String {
    let heads = SHOWN.map(|(_, head)| head.to_owned());
    let mut rows = vec![row("variant", "verdict", heads, "ms a step")];
    for name in &comparison.order {
        let Some(manifest) = comparison.variants.get(name) else {
            continue;
        };
        let [_, _, short] = manifest
            .verdict
            .as_ref()
            .map(Verdict::mark)
            .unwrap_or_default()
            .words;
        let since = manifest.verdict.as_ref().and_then(|verdict| verdict.since);
        let verdict = match (manifest.status, since) {
            (Status::Diverged, _) => "diverged".to_owned(),
            (_, Some(step)) => format!("✓ since {step}"),
            _ => short,
        };
        let spread = comparison.spread.get(name);
        rows.push(row(
            name,
            &verdict,
            SHOWN.map(
                |(metric, _)| match spread.and_then(|spread| spread.get(metric)) {
                    Some(spread) if spread.sd == 0.0 => cell(metric, Some(&spread.mean)),
                    Some(spread) if is_count(metric) => {
                        format!("{:.1} ± {:.1}", spread.mean, spread.sd)
                    }
                    Some(spread) => format!("{:.4} ± {:.4}", spread.mean, spread.sd),
                    None => cell(metric, manifest.last.get(metric)),
                },
            ),
            &comparison
                .seconds_per_step
                .get(name)
                .map_or("–".to_owned(), |seconds| format!("{:.2}", 1e3 * seconds)),
        ));
    }
    rows.extend(floors(comparison));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|column| width(column).unwrap_or(0))
        .collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate();
        let padded = cells.map(|(column, (cell, &width))| {
            if column == 0 {
                format!("{cell:width$}")
            } else {
                format!("{cell:>width$}")
            }
        });
        padded.collect::<Vec<_>>().join("  ")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The rows of the floors. Variants with other numbers of points, or towards other targets, have floors of their own.
fn floors(comparison: &Comparison) -> Vec<Vec<String>> {
    let runs = comparison.order.iter();
    let runs = runs.filter_map(|name| Some((name, comparison.variants.get(name)?)));
    let median = |manifest: &Manifest, metric| {
        let floor = manifest.floor.get(metric);
        floor.and_then(|floor| floor.get("median")).copied()
    };
    let medians = |manifest: &Manifest| SHOWN.map(|(metric, _)| median(manifest, metric));
    let mut known: Vec<_> = runs
        .map(|(name, manifest)| (name, medians(manifest)))
        .collect();
    let alike = known.iter().all(|(_, floor)| *floor == known[0].1);
    if alike {
        known.truncate(1);
    }
    let line = |(name, floor): (&String, [Option<f64>; SHOWN.len()])| {
        let name = if alike {
            "floor".to_owned()
        } else {
            format!("floor of {name}")
        };
        let cells = std::array::from_fn(|k| cell(SHOWN[k].0, floor[k].as_ref()));
        row::<{ SHOWN.len() }>(&name, "", cells, "")
    };
    known.into_iter().map(line).collect()
}

fn row<const N: usize>(name: &str, verdict: &str, cells: [String; N], time: &str) -> Vec<String> {
    [name.to_owned(), verdict.to_owned()]
        .into_iter()
        .chain(cells)
        .chain([time.to_owned()])
        .collect()
}

fn cell(metric: &str, value: Option<&f64>) -> String {
    match value {
        Some(value) if is_count(metric) => format!("{value}"),
        Some(value) => format!("{value:.4}"),
        None => "–".to_owned(),
    }
}

/// Whether a measure counts things.
fn is_count(metric: &str) -> bool {
    ALL.iter()
        .any(|about| about.name == metric && about.grain == Grain::Whole)
}

//! `gallery`: runs the shipped scenarios and writes one page about them all.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::available;
use super::common::{Common, Threads};
use super::compare::{contenders, of_variants, parsed};
use super::error::CliError;
use super::progress::{Progress, Shown};
use super::render::within;
use super::terminal::{plain, print, print_path, say};
use crate::experiment::Experiment;
use crate::page::{Exhibit, Found, Lab, documents, gallery as page};
use crate::record::{Audience, StopToken, compare, record, redraw_dark};
use crate::scenario::{Document, Embedded, Resources, SHIPPED, Scenario, Shipped};
use crate::store::RunDirectory;

#[derive(Clone, Debug, Args)]
pub(super) struct GalleryArgs {
    /// Only the scenarios whose names contain one of these words [default: all]
    #[arg(value_name = "WORD")]
    words: Vec<String>,
    /// Write into this folder, new or empty, instead of `output/gallery/<NNN>`
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The same for a static host: with the lab beside it, in which each scenario can be changed while it runs, and the documents
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    site: Option<PathBuf>,
    /// With --out or --site: replace an earlier gallery there
    #[arg(long)]
    force: bool,
    /// Draw no frames and no animations
    #[arg(long)]
    no_frames: bool,
    /// Device pixels per logical pixel of frames and animations, 0.25 to 4; last clouds have twice as many [default: 1]
    #[arg(long, value_name = "FACTOR", value_parser = |text: &str| within(text, 0.25, 4.0))]
    scale: Option<f64>,
    /// How progress is shown on standard error
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    progress: Shown,
    #[command(flatten)]
    threads: Threads,
}

pub(super) fn gallery(args: &GalleryArgs, common: Common) -> Result<ExitCode, CliError> {
    args.threads.start()?;
    let chosen = chosen(&args.words)?;
    let directory = match args.out.as_ref().or(args.site.as_ref()) {
        Some(path) => RunDirectory::at(path, args.force)?,
        None if args.force => {
            return Err(CliError::Usage(
                "--force replaces what --out or --site names\n  = help: name a folder, or leave --force out"
                    .to_owned(),
            ));
        }
        None => RunDirectory::create("output".as_ref(), "gallery")?,
    };
    let mut site = ["", ""];
    if args.site.is_some() {
        site = [Lab::FILE, "docs/commands.html"];
        furnish(&directory)?;
    }
    let [lab, docs] = site;
    let mut exhibits = Vec::new();
    for (place, shipped) in chosen.iter().enumerate() {
        let exhibit = exhibit(shipped, &directory, args, common);
        if !common.quiet {
            let lines = exhibit.found.iter().map(|run| match run.name.as_str() {
                "" => run.headline.clone(),
                name => format!("{name}: {}", run.headline),
            });
            let said = match exhibit.failure.as_str() {
                "" => lines.collect::<Vec<_>>().join("\n    "),
                failure => format!("failed: {failure}"),
            };
            let count = format!("{}/{}", place + 1, chosen.len());
            say(&plain(&format!("{count} {}: {said}", exhibit.name)));
        }
        exhibits.push(exhibit);
        // A gallery that is stopped shows what it has.
        let html =
            page(&exhibits, lab, docs).map_err(|e| CliError::io("cannot write the page", e))?;
        directory.put("index.html", html.as_bytes())?;
    }
    let failed = exhibits.iter().filter(|e| !e.failure.is_empty()).count();
    if common.json {
        let object =
            json!({ "directory": directory.path().to_string_lossy(), "scenarios": exhibits });
        print(&format!("{object:#}\n"))?;
    } else {
        print_path(directory.path())?;
    }
    if failed > 0 {
        let all = exhibits.len();
        return Err(CliError::Run(format!("{failed} of {all} scenarios failed")));
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes what a site has beside its gallery: the lab, first, so that the reports find it, and the documents.
fn furnish(directory: &RunDirectory) -> Result<(), CliError> {
    let failed = |error| CliError::io("cannot write the site", error);
    let lab = Lab::default().html().map_err(failed)?;
    directory.put(Lab::FILE, lab.as_bytes())?;
    let docs = directory.part("docs")?;
    for page in documents("../index.html").map_err(failed)? {
        docs.put(&page.file, page.html.as_bytes())?;
    }
    Ok(())
}

/// The scenarios whose names contain one of the `words`; all, if there are none.
fn chosen(words: &[String]) -> Result<Vec<&'static Shipped>, CliError> {
    let unknown = |word: &&String| !SHIPPED.iter().any(|s| s.name().contains(word.as_str()));
    if let Some(word) = words.iter().find(unknown) {
        return Err(CliError::Usage(format!(
            "no shipped scenario has `{word}` in its name\n  = help: `ratioflow list` shows what ships"
        )));
    }
    let wanted = |shipped: &&Shipped| {
        words.is_empty()
            || words
                .iter()
                .any(|word| shipped.name().contains(word.as_str()))
    };
    Ok(SHIPPED.iter().filter(wanted).collect())
}

/// Runs a scenario; what goes wrong is part of the exhibit.
fn exhibit(
    shipped: &Shipped,
    gallery: &RunDirectory,
    args: &GalleryArgs,
    common: Common,
) -> Exhibit {
    let name = shipped.name();
    let mut exhibit = Exhibit {
        name: name.to_owned(),
        title: name.to_owned(),
        question: String::new(),
        expect: String::new(),
        command: format!("ratioflow run {name}"),
        animated: false,
        night: false,
        found: Vec::new(),
        claims: Vec::new(),
        failure: String::new(),
    };
    match fill(&mut exhibit, shipped, gallery, args, common) {
        // Of a run so large that not all of it is kept there is the one picture.
        Ok(()) => exhibit.night = redraw_dark(&gallery.path().join(name)).unwrap_or(false),
        Err(error) => exhibit.failure = error.to_string(),
    }
    exhibit
}

fn fill(
    exhibit: &mut Exhibit,
    shipped: &Shipped,
    gallery: &RunDirectory,
    args: &GalleryArgs,
    common: Common,
) -> Result<(), CliError> {
    let name = shipped.name();
    let folder = gallery.path();
    let mut document = Document::parse(name, shipped.text)?;
    if let Some(scale) = args.scale {
        document.set_by("--scale", "output.scale", &format!("{scale:?}"))?;
    }
    if args.no_frames {
        document.set_by("--no-frames", "output.animation", "false")?;
    }
    let scenario: Scenario = document.read()?;
    available::check(
        &Resources::of(&scenario, rayon::current_num_threads()),
        folder,
    )?;
    exhibit.title.clone_from(&scenario.title);
    exhibit.question.clone_from(&scenario.question);
    exhibit.expect.clone_from(&scenario.expect);
    exhibit.animated = scenario.drawn_frames() > 0;
    let directory = gallery.part(name)?;
    let claims = scenario.claim.clone();
    if scenario.variants.is_empty() {
        let progress = Progress::new(scenario.flow.steps, args.progress, common.quiet);
        let experiment = Experiment::new(scenario, &Embedded)
            .map_err(|error| CliError::Run(error.to_string()))?;
        let record = record(
            name,
            &experiment,
            &Embedded,
            &directory,
            &StopToken::default(),
            &mut |seen| progress.show(name, experiment.scenario.seed, seen),
        );
        progress.clear();
        let manifest = record?.manifest;
        exhibit.found.push(Found::of("", &manifest, &claims));
        exhibit.claims = manifest.claims;
        return Ok(());
    }
    exhibit.command = format!("ratioflow compare {name}");
    let variants = parsed(&document, &scenario.variants)?;
    let contenders = contenders(
        &document,
        &scenario,
        &variants,
        1,
        args.no_frames,
        &Embedded,
        folder,
    )?;
    let runs = contenders.iter().flat_map(|c| &c.experiments);
    let steps = runs.map(|experiment| experiment.scenario.flow.steps).sum();
    let progress = Progress::new(steps, args.progress, common.quiet);
    let comparison = compare(
        name,
        &contenders,
        &Embedded,
        &directory,
        &of_variants(&scenario, &contenders),
        Audience {
            stop: &StopToken::default(),
            step: &|variant, experiment, seen| {
                progress.count(variant, experiment.scenario.seed, seen);
            },
            done: &|_, _, _| {},
        },
    );
    progress.clear();
    let comparison = comparison?;
    exhibit.claims.clone_from(&comparison.claims);
    exhibit.found = comparison
        .order
        .iter()
        .filter_map(|variant| {
            let manifest = comparison.variants.get(variant)?;
            Some(Found::of(variant, manifest, &claims))
        })
        .collect();
    Ok(())
}

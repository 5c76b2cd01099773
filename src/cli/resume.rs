//! `resume`: goes on with a run or a comparison that was stopped or killed.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;

use super::common::{Common, Threads};
use super::error::CliError;
use super::progress::{Progress, Shown};
use super::run::listen;
use super::terminal::{plain, say, warn};
use super::{compare, run, summary};
use crate::record::{Audience, Opened, Unfinished, UnfinishedComparison};
use crate::store::Comparison;

#[derive(Clone, Debug, Args)]
pub(super) struct ResumeArgs {
    /// The directory that `run` or `compare` has printed
    directory: PathBuf,
    /// How progress is shown on standard error
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    progress: Shown,
    #[command(flatten)]
    threads: Threads,
}

pub(super) fn resume(args: &ResumeArgs, common: Common) -> Result<ExitCode, CliError> {
    args.threads.start()?;
    let path = &args.directory;
    if Comparison::is_in(path) {
        return resume_comparison(args, common);
    }
    let unfinished = match Unfinished::open(path)? {
        Opened::Unfinished(unfinished) => unfinished,
        Opened::Ended(manifest) => {
            if !common.quiet {
                let name = path.display().to_string();
                say(&format!(
                    "{} has ended already: nothing to do",
                    plain(&name)
                ));
            }
            return run::print_run(path, &manifest, common);
        }
    };
    let stop = listen()?;
    if !common.quiet {
        warn(&unfinished.warnings);
        say(&format!("going on after step {}", unfinished.step()));
    }
    let began = Instant::now();
    let experiment = unfinished.experiment();
    let scenario = experiment.scenario.clone();
    let told = experiment.warnings.len();
    let progress = Progress::new(scenario.flow.steps, args.progress, common.quiet);
    let name = unfinished.name().to_owned();
    let record = unfinished.go_on(&stop, &mut |seen| progress.show(&name, scenario.seed, seen));
    progress.clear();
    let record = record.map_err(|error| CliError::of_run(error, path))?;
    if !common.quiet {
        let seconds = began.elapsed().as_secs_f64();
        summary::tell(&scenario, &record, path, (seconds, told), &[]);
    }
    run::print_run(path, &record.manifest, common)
}

fn resume_comparison(args: &ResumeArgs, common: Common) -> Result<ExitCode, CliError> {
    let path = &args.directory;
    let comparison = match UnfinishedComparison::open(path)? {
        Opened::Ended(comparison) => comparison,
        Opened::Unfinished(unfinished) => {
            let stop = listen()?;
            if !common.quiet {
                warn(&unfinished.warnings);
            }
            let progress = Progress::new(unfinished.steps(), args.progress, common.quiet);
            let comparison = unfinished.go_on(Audience {
                stop: &stop,
                step: &|name, experiment, seen| {
                    progress.count(name, experiment.scenario.seed, seen);
                },
                done: &|name, experiment, record| {
                    compare::tell(&progress, name, experiment, record, common);
                },
            });
            progress.clear();
            comparison.map_err(|error| CliError::of_run(error, path))?
        }
    };
    compare::show(path, &comparison, &[], common)
}

//! A run that was stopped or killed, taken up where its last checkpoint was written.

use std::path::Path;

use super::checkpoint_writer;
use super::compare::{Audience, VariantRuns, play};
use super::error::RunError;
use super::run::{PreparedRun, Record, retire};
use super::stop::{StopToken, comparison_above};
use super::watch::Watcher;
use crate::experiment::{Experiment, OwnParts};
use crate::scenario::{Claim, Document, Resources, Scenario, ScenarioError};
use crate::store::{
    Checkpoint, Comparison, Fingerprint, Manifest, ReportError, RunDirectory, SCENARIO, Status,
    available, plain,
};
use crate::target::Folder;

/// Why a run cannot be taken up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// Its directory cannot be used.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// Its `scenario.toml` cannot be used.
    #[error("{0}")]
    Scenario(Box<ScenarioError>),
}

impl From<ScenarioError> for ResumeError {
    fn from(error: ScenarioError) -> Self {
        Self::Scenario(Box::new(error))
    }
}

/// A run that has not ended, with all that it needs to go on.
#[derive(Debug)]
pub struct Unfinished {
    pub(super) directory: RunDirectory,
    pub(super) name: String,
    pub(super) experiment: Experiment,
    pub(super) scenario: String,
    pub(super) checkpoint: Option<Checkpoint>,
    /// What a user should know: that an older checkpoint is used, or that another version began.
    pub warnings: Vec<String>,
}

/// A run directory, opened.
#[derive(Debug)]
pub enum Opened<E, U> {
    /// There is nothing left to do.
    Ended(E),
    /// There is.
    Unfinished(Box<U>),
}

impl Unfinished {
    /// Opens the run directory `path`: locks it, removes what was being written when the run was killed, and reads
    /// scenario and checkpoint.
    ///
    /// # Errors
    /// [`ResumeError`] if it is no run directory, somebody else is at work in it, or its files are not what the run
    /// has written.
    pub fn open(path: &Path) -> Result<Opened<Manifest, Self>, ResumeError> {
        Self::open_with(path, &OwnParts::default())
    }

    /// The same for a run with parts of one's own, which its directory cannot hold: the same ones, in their beginning.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(path: &Path, own: &OwnParts) -> Result<Opened<Manifest, Self>, ResumeError> {
        if let Some(comparison) = comparison_above(path) {
            let reason = format!(
                "it is a part of the comparison in {}; resume that",
                comparison.display()
            );
            let path = path.to_owned();
            return Err(ReportError::NotARun { path, reason }.into());
        }
        let directory = RunDirectory::open(path)?;
        let manifest = Manifest::load(path)?;
        if let Status::Complete | Status::Diverged = manifest.status {
            retire(&directory, manifest.status)?;
            return Ok(Opened::Ended(manifest));
        }
        Self::take_up(directory, &manifest, own).map(|run| Opened::Unfinished(Box::new(run)))
    }

    /// As [`open`](Self::open), whatever the manifest says.
    pub(super) fn take_up(
        directory: RunDirectory,
        manifest: &Manifest,
        own: &OwnParts,
    ) -> Result<Self, ResumeError> {
        let path = directory.path();
        let file = path.join(SCENARIO);
        let scenario =
            plain::text(path, SCENARIO).map_err(|cause| ReportError::io("read", &file, cause))?;
        let document = Document::parse(&file.display().to_string(), &scenario)?;
        let files = Folder(path.to_owned());
        let begun: Scenario = document.read()?;
        let need = Resources::of(&begun, rayon::current_num_threads()).with_files(&begun, &files);
        need.without_disk()
            .fits(available(path))
            .map_err(ReportError::from)?;
        let experiment = Experiment::read_with(&document, own, &files)?;
        let fingerprint = Fingerprint::of_run(path, &scenario)?;
        let mut warnings = Vec::new();
        if manifest.version != env!("CARGO_PKG_VERSION") {
            warnings.push(format!(
                "version {} began this run, and version {} goes on: the result may differ from both in the last digits",
                manifest.version,
                env!("CARGO_PKG_VERSION")
            ));
        }
        let restored = Checkpoint::load_if(path, fingerprint, &|checkpoint| {
            checkpoint_writer::check_frames(path, checkpoint)
        })?;
        let checkpoint = restored.map(|restored| {
            warnings.extend(restored.warning);
            restored.checkpoint
        });
        Ok(Self {
            name: manifest.scenario.clone(),
            directory,
            experiment,
            scenario,
            checkpoint,
            warnings,
        })
    }

    /// What it is a run of.
    #[must_use]
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// Name of the scenario.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Steps that need not be done again.
    #[must_use]
    pub fn step(&self) -> usize {
        self.checkpoint
            .as_ref()
            .map_or(0, checkpoint_writer::step_of)
    }

    /// Goes on to the end. What the directory then holds is what the run would have left had it not been stopped, byte
    /// for byte, but for `timings.json`. Without a checkpoint it begins again.
    ///
    /// # Errors
    /// As [`record`](super::record).
    pub fn go_on(self, stop: &StopToken, watcher: &mut Watcher<'_>) -> Result<Record, RunError> {
        let course = self.course()?;
        course.manifest.save(&self.directory)?;
        let record = course.follow(self.checkpoint.as_ref(), stop, watcher)?;
        retire(&self.directory, record.manifest.status)?;
        Ok(record)
    }

    pub(super) fn course(&self) -> Result<PreparedRun<'_>, ReportError> {
        let scenario = self.scenario.clone();
        PreparedRun::new(&self.name, &self.experiment, &self.directory, scenario)
    }
}

/// A comparison that has not ended.
#[derive(Debug)]
pub struct UnfinishedComparison {
    directory: RunDirectory,
    name: String,
    contenders: Vec<VariantRuns>,
    claims: Vec<Claim>,
    /// Of each experiment of each contender in turn: its directory, the text of its scenario, its checkpoint.
    runs: Vec<(RunDirectory, String, Option<Checkpoint>)>,
    /// As those of [`Unfinished`].
    pub warnings: Vec<String>,
}

impl UnfinishedComparison {
    /// As [`Unfinished::open`], for the directory of a comparison.
    ///
    /// # Errors
    /// As there.
    pub fn open(path: &Path) -> Result<Opened<Comparison, Self>, ResumeError> {
        let directory = RunDirectory::open(path)?;
        let begun = Comparison::load(path)?;
        let own = |folder: &str| directory.open_part(folder);
        if begun.status == Status::Complete {
            for (_, folder, manifest) in begun.runs() {
                retire(&own(&folder)?, manifest.status)?;
            }
            return Ok(Opened::Ended(begun));
        }
        let mut name = String::new();
        let (mut contenders, mut runs) = (Vec::<VariantRuns>::new(), Vec::new());
        let mut warnings = Vec::new();
        for (variant, folder, manifest) in begun.runs() {
            let run = Unfinished::take_up(own(&folder)?, manifest, &OwnParts::default())?;
            name.clone_from(&run.name);
            warnings.extend(run.warnings);
            runs.push((run.directory, run.scenario, run.checkpoint));
            match contenders.last_mut() {
                Some(last) if last.name == variant => last.experiments.push(run.experiment),
                _ => contenders.push(VariantRuns {
                    name: variant.to_owned(),
                    experiments: vec![run.experiment],
                }),
            }
        }
        Ok(Opened::Unfinished(Box::new(Self {
            directory,
            name,
            contenders,
            claims: begun.claim,
            runs,
            warnings,
        })))
    }

    /// Steps of all its runs.
    #[must_use]
    pub fn steps(&self) -> usize {
        let experiments = self.contenders.iter().flat_map(|c| &c.experiments);
        experiments.map(|e| e.scenario.flow.steps).sum()
    }

    /// Goes on with every variant from where it was, as [`Unfinished::go_on`] does.
    ///
    /// # Errors
    /// As [`compare`](super::compare).
    pub fn go_on(&self, audience: Audience<'_>) -> Result<Comparison, RunError> {
        let experiments = self.contenders.iter().flat_map(|c| &c.experiments);
        let courses = experiments.zip(&self.runs);
        let courses = courses.map(|(experiment, (directory, scenario, checkpoint))| {
            let course = PreparedRun::new(&self.name, experiment, directory, scenario.clone())?;
            Ok((course, checkpoint.as_ref()))
        });
        let courses = courses.collect::<Result<Vec<_>, ReportError>>()?;
        play(
            &self.name,
            &self.contenders,
            courses,
            &self.directory,
            &self.claims,
            audience,
        )
    }
}

//! From what was typed to an experiment: finds the scenario, applies the options, checks everything.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;

use super::available;
use super::error::CliError;
use crate::experiment::Experiment;
use crate::point_file::Source;
use crate::scenario::{
    Document, Embedded, OutputSpec, Resources, Scenario, ScenarioError, closest, find, plain_name,
};
use crate::store::GENERATOR;
use crate::target::{Anywhere, Files, Folder};

/// A scenario and what is changed in it.
#[derive(Clone, Debug, Args)]
pub(super) struct ScenarioArgs {
    /// A path, the name of a shipped scenario such as `eight-gaussians`, or `-` for standard input
    pub(super) scenario: OsString,
    /// Set one key, such as `flow.steps=50` or `target.ring.sd=0.1`; repeatable
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Seed of all randomness
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    seed: Option<String>,
    /// Number of steps
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    steps: Option<String>,
    /// Estimator of the log ratio, with its default settings
    #[arg(long, value_name = "NAME")]
    discriminator: Option<String>,
    /// Generator stage: `off`, `distill`, `adversarial`, `inherit` or `pairs`, with its default settings
    #[arg(long, value_name = "NAME")]
    generator: Option<String>,
    /// How much work the generator may be, where the scenario does not say: `fast` (seconds) or `high` (a minute or two)
    #[arg(long, value_name = "WORD")]
    quality: Option<String>,
    /// Go on with the trained generator of a run that has ended
    #[arg(long, value_name = "RUN_DIR")]
    generator_from: Option<PathBuf>,
    /// Births and deaths beside the motion: `off`, `birth-death`, `weights` or `poisson`
    #[arg(long, value_name = "NAME")]
    reaction: Option<String>,
    /// What pictures show: `xmin,xmax,ymin,ymax` in the target's units, `target`, `cloud` or `auto`
    #[arg(long, value_name = "VIEW", allow_hyphen_values = true)]
    view: Option<String>,
    /// Let the scenario read files outside its own folder
    #[arg(long)]
    allow_outside: bool,
}

/// What was found.
pub(super) struct Loaded {
    /// Name of the scenario, for the run directory.
    pub(super) name: String,
    pub(super) experiment: Experiment,
    /// What the options have changed in it that its claims are about.
    pub(super) changed: Vec<String>,
    /// Where its files come from.
    pub(super) files: Box<dyn Files + Sync>,
}

impl ScenarioArgs {
    /// The scenario called `name`, nothing changed in it.
    pub(super) fn named(name: impl Into<OsString>) -> Self {
        Self {
            scenario: name.into(),
            set: Vec::new(),
            seed: None,
            steps: None,
            discriminator: None,
            generator: None,
            quality: None,
            generator_from: None,
            reaction: None,
            view: None,
            allow_outside: false,
        }
    }

    /// Reads, changes and checks the scenario, a run of which is to be recorded below `folder`.
    pub(super) fn load(&self, folder: &Path) -> Result<Loaded, CliError> {
        self.load_for(folder, |scenario| {
            Resources::of(scenario, rayon::current_num_threads())
        })
    }

    /// As [`load`](Self::load), for something that has other needs than a run; those of the scenario's files are added.
    pub(super) fn load_for(
        &self,
        folder: &Path,
        need: impl FnOnce(&Scenario) -> Resources,
    ) -> Result<Loaded, CliError> {
        let (found, document) = self.document()?;
        let scenario: Scenario = document.read()?;
        // What is out of range asks for no memory.
        scenario
            .check()
            .map_err(|invalid| document.blame(&invalid))?;
        let need = need(&scenario).with_files(&scenario, &*found.files);
        available::check(&need, folder)?;
        let experiment = Experiment::read(&document, &*found.files)?;
        Ok(Loaded {
            changed: self.changed(&found, &document),
            name: found.name,
            experiment,
            files: found.files,
        })
    }

    /// Reads the scenario and applies the options.
    pub(super) fn document(&self) -> Result<(Found, Document), CliError> {
        let found = self.find()?;
        let mut document = Document::parse(&found.label, &found.text)?;
        if let Some(seed) = &self.seed {
            document.set_by("--seed", "seed", seed)?;
        }
        if let Some(steps) = &self.steps {
            document.set_by("--steps", "flow.steps", steps)?;
        }
        if let Some(name) = &self.discriminator {
            document.replace("--discriminator", "discriminator", name)?;
        }
        match self.generator.as_deref() {
            Some("off") => document.remove("generator"),
            Some(name) => document.replace("--generator", "generator", name)?,
            None => {}
        }
        match self.reaction.as_deref() {
            Some("off") => document.remove("flow.reaction"),
            Some(name) => document.set_by("--reaction", "flow.reaction.carrier", name)?,
            None => {}
        }
        // After these, so that a setting may go into the table that an option has just chosen.
        for assignment in &self.set {
            document.set(assignment)?;
        }
        // An option that names one key and nothing below it is what was meant.
        if let Some(view) = &self.view {
            let corners = format!("[{view}]");
            let value = if view.contains(',') { &corners } else { view };
            document.set_by("--view", "output.view", value)?;
        }
        let found = self.change_generator(found, &mut document)?;
        Ok((found, document))
    }

    /// What the options have changed in the scenario as it stands, but for what claims hold of all the same: seed, title and output.
    pub(super) fn changed(&self, found: &Found, document: &Document) -> Vec<String> {
        let settings = |document: &Document| {
            let mut scenario: Scenario = document.read()?;
            scenario.seed = 0;
            scenario.title.clear();
            scenario.output = OutputSpec::default();
            Ok::<_, ScenarioError>(scenario)
        };
        let written = Document::parse(&found.label, &found.text).and_then(|own| settings(&own));
        if let Ok(written) = written
            && settings(document).is_ok_and(|changed| changed == written)
        {
            return Vec::new();
        }
        let options = [
            ("flow.steps", &self.steps),
            ("discriminator", &self.discriminator),
            ("generator", &self.generator),
            ("flow.reaction", &self.reaction),
            ("generator.quality", &self.quality),
        ];
        let options = options
            .into_iter()
            .filter_map(|(key, value)| Some(format!("{key}={}", value.as_ref()?)));
        let from = self.generator_from.iter();
        let from = from.map(|_| "a generator that was trained".to_owned());
        let is_setting = |text: &&String| {
            let key = text.split(['=', '.']).next().unwrap_or_default().trim();
            !["seed", "title", "output"].contains(&key)
        };
        let set = self.set.iter().filter(is_setting).cloned();
        options.chain(from).chain(set).collect()
    }

    /// Applies the options that are about whatever generator there is.
    fn change_generator(
        &self,
        mut found: Found,
        document: &mut Document,
    ) -> Result<Found, CliError> {
        if let Some(word) = &self.quality {
            let key = of_generator(document, "--quality", "quality")?;
            document.set_by("--quality", &key, word)?;
        }
        if let Some(folder) = &self.generator_from {
            let key = of_generator(document, "--generator-from", "from")?;
            let path = folder.join(GENERATOR);
            let name = path.display().to_string();
            document.set_by("--generator-from", &key, &format!("{name:?}"))?;
            found.files = Box::new(Beside {
                name,
                path,
                others: found.files,
            });
        }
        Ok(found)
    }

    /// The text of the scenario called `name` and where its relative paths lead.
    pub(super) fn text_of(
        name: impl Into<OsString>,
        allow_outside: bool,
    ) -> Result<Found, CliError> {
        let named = Self {
            allow_outside,
            ..Self::named(name)
        };
        named.find()
    }

    /// The text of the scenario and where its relative paths lead.
    fn find(&self) -> Result<Found, CliError> {
        if self.scenario == "-" {
            return Ok(Found {
                name: "stdin".to_owned(),
                label: "<stdin>".to_owned(),
                text: whole("standard input", std::io::stdin())?,
                files: self.files(PathBuf::from(".")),
            });
        }
        if let Some(shipped) = self.scenario.to_str().and_then(find) {
            return Ok(Found {
                name: shipped.name().to_owned(),
                label: format!("{} (shipped)", shipped.name()),
                text: shipped.text.to_owned(),
                files: Box::new(Shipped {
                    others: self.files(PathBuf::from(".")),
                }),
            });
        }
        let path = Path::new(&self.scenario);
        if !path.exists() {
            return Err(CliError::Usage(self.unknown()));
        }
        let file = std::fs::File::open(path)
            .map_err(|error| CliError::io(format!("cannot open {}", path.display()), error))?;
        let label = path.display().to_string();
        Ok(Found {
            name: name_of(path),
            text: whole(&label, file)?,
            label,
            files: self.files(path.parent().unwrap_or(Path::new(".")).to_path_buf()),
        })
    }

    /// Where the files of a scenario in `folder` may come from.
    fn files(&self, folder: PathBuf) -> Box<dyn Files + Sync> {
        if self.allow_outside {
            Box::new(Anywhere(folder))
        } else {
            Box::new(Folder(folder))
        }
    }

    /// The message for a scenario that is nowhere.
    fn unknown(&self) -> String {
        let name = self.scenario.to_string_lossy();
        let hint = match closest(&name) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "`ratioflow list` shows what ships".to_owned(),
        };
        format!("there is no file and no shipped scenario called `{name}`\n  = help: {hint}")
    }
}

/// The full name of a key of whatever generator the document has, which an option is about.
fn of_generator(document: &Document, option: &str, key: &str) -> Result<String, CliError> {
    let scenario: Scenario = document.read()?;
    let generator = scenario.generator.ok_or_else(|| {
        CliError::Usage(format!(
            "{option} is about a generator, and there is none\n  = help: add `--generator distill`, or leave {option} out"
        ))
    })?;
    Ok(format!("generator.{}.{key}", generator.name()))
}

/// Files of a scenario, and one that was named on the command line, wherever that is.
struct Beside {
    name: String,
    path: PathBuf,
    others: Box<dyn Files + Sync>,
}

impl Files for Beside {
    fn read(&self, name: &str) -> std::io::Result<Vec<u8>> {
        if name == self.name {
            std::fs::read(&self.path)
        } else {
            self.others.read(name)
        }
    }

    fn open(&self, name: &str) -> std::io::Result<Box<dyn Source>> {
        if name == self.name {
            Ok(Box::new(std::fs::File::open(&self.path)?))
        } else {
            self.others.open(name)
        }
    }
}

/// Files that ship with the program, and those of the current folder, which options alone can name.
struct Shipped {
    others: Box<dyn Files + Sync>,
}

impl Files for Shipped {
    fn read(&self, name: &str) -> std::io::Result<Vec<u8>> {
        Embedded.read(name).or_else(|_| self.others.read(name))
    }

    fn open(&self, name: &str) -> std::io::Result<Box<dyn Source>> {
        Embedded.open(name).or_else(|_| self.others.open(name))
    }
}

/// More than any scenario needs: 16 MiB.
const LONGEST: u64 = 16 << 20;

/// The text of a scenario, all of it.
fn whole(name: &str, source: impl Read) -> Result<String, CliError> {
    let mut bytes = Vec::new();
    let read = source.take(LONGEST + 1).read_to_end(&mut bytes);
    read.map_err(|error| CliError::io(format!("cannot read the scenario {name}"), error))?;
    if bytes.len() as u64 > LONGEST {
        return Err(CliError::Usage(format!(
            "{name} is longer than {LONGEST} bytes, more than any scenario needs: is it one?"
        )));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        CliError::Usage(format!(
            "{name} is no text in UTF-8 (byte {at}): a scenario is a TOML file"
        ))
    })
}

/// The text of a scenario, and where its relative paths lead.
pub(super) struct Found {
    pub(super) name: String,
    /// What errors call it.
    pub(super) label: String,
    pub(super) text: String,
    pub(super) files: Box<dyn Files + Sync>,
}

/// The name of the scenario in a file. A run's own `scenario.toml` keeps the name of the run's scenario, which
/// is that of the folder above the run's number.
fn name_of(path: &Path) -> String {
    let file = path
        .file_name()
        .and_then(|f| f.to_str())
        .unwrap_or("scenario");
    if file == "scenario.toml" {
        let run = path.parent().filter(|run| run.join("run.json").is_file());
        let above = run.and_then(Path::parent).and_then(Path::file_name);
        if let Some(name) = above.and_then(|name| name.to_str()) {
            return name.to_owned();
        }
    }
    plain_name(file).to_owned()
}

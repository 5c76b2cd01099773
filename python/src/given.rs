//! What is to run: a scenario by name, in a file or as settings, with arrays in place of files.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use numpy::PyReadonlyArray2;
use pyo3::exceptions::{PyFileNotFoundError, PyOSError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ratioflow::experiment::{Experiment, OwnParts};
use ratioflow::point_file::Source;
use ratioflow::scenario::{Document, Embedded, Resources, Scenario, closest, find, plain_name};
use ratioflow::target::{Anywhere, Files, Folder, Memory, Target};

use crate::arrays::cloud;
use crate::error::{fits, misread};
use crate::work::watched;
use crate::written;

/// Where the files of a scenario come from: arrays first, and then a place.
#[derive(Clone)]
pub(crate) struct Given {
    arrays: Memory,
    names: Arc<BTreeSet<String>>,
    place: Place,
}

#[derive(Clone)]
enum Place {
    Shipped,
    Folder(Folder),
    Anywhere(Anywhere),
}

impl Place {
    fn files(&self) -> &dyn Files {
        match self {
            Self::Shipped => &Embedded,
            Self::Folder(folder) => folder,
            Self::Anywhere(folder) => folder,
        }
    }
}

impl Given {
    fn at(&self, name: &str) -> &dyn Files {
        if self.names.contains(name) {
            &self.arrays
        } else {
            self.place.files()
        }
    }
}

impl Files for Given {
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.at(name).read(name)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Source>> {
        self.at(name).open(name)
    }
}

/// A scenario as it was given, not checked yet.
#[derive(Clone)]
pub(crate) struct Found {
    pub(crate) name: String,
    pub(crate) document: Document,
    pub(crate) files: Given,
}

impl Found {
    /// Finds the scenario. `given` is the name of a shipped one or the path of a file, or a dict of settings; `arrays` stand for files of these names;
    /// `set` holds further settings under dotted keys.
    pub(crate) fn new(
        given: &Bound<'_, PyAny>,
        arrays: &Bound<'_, PyDict>,
        set: &Bound<'_, PyDict>,
        allow_outside: bool,
    ) -> PyResult<Self> {
        let (name, label, text, place) = if let Ok(settings) = given.cast::<PyDict>() {
            let text = toml::to_string(&written::table(settings)?);
            let text = text.map_err(|error| PyValueError::new_err(error.to_string()))?;
            let anywhere = Place::Anywhere(Anywhere(PathBuf::from(".")));
            ("python".to_owned(), "<dict>".to_owned(), text, anywhere)
        } else {
            sought(&given.extract::<String>()?, allow_outside)?
        };
        let mut document = Document::parse(&label, &text).map_err(|error| misread(&error))?;
        for (key, value) in set {
            let Ok(key) = key.extract::<String>() else {
                return Err(PyTypeError::new_err(format!(
                    "a key of `set` is {key}: must be a text, such as \"flow.steps\""
                )));
            };
            if let Some(value) = written::value(&key, &value)? {
                let set = document.set(&format!("{key}={}", written::line(&value)));
                set.map_err(|error| misread(&error))?;
            } else {
                document.remove(&key);
            }
        }
        let (mut memory, mut names) = (Memory::default(), BTreeSet::new());
        for (name, array) in arrays {
            let (name, array): (String, PyReadonlyArray2<'_, f64>) =
                (name.extract()?, array.extract()?);
            memory = memory.with_points(&name, cloud(&name, &array)?.view());
            names.insert(name);
        }
        Ok(Self {
            name,
            document,
            files: Given {
                arrays: memory,
                names: Arc::new(names),
                place,
            },
        })
    }

    /// The target alone. Not to be called with the lock of the interpreter, since it may read files.
    pub(crate) fn target(&self) -> PyResult<Arc<dyn Target>> {
        let scenario: Scenario = self.document.read().map_err(|error| misread(&error))?;
        let built = scenario.target.build(&self.files);
        let built = built.map_err(|error| {
            let error = error.under("target").into();
            misread(&self.document.blame(&error))
        })?;
        Ok(built.into())
    }

    /// What will run, with everything checked. Files are read and samples drawn without the lock of the interpreter.
    pub(crate) fn experiment(&self, py: Python<'_>, own: OwnParts) -> PyResult<Experiment> {
        let found = self.clone();
        watched(py, move || {
            let scenario: Scenario = found.document.read().map_err(|error| misread(&error))?;
            let need = Resources::of(&scenario, rayon::current_num_threads())
                .with_files(&scenario, &found.files)
                .without_disk();
            fits(&need)?;
            Experiment::read_with(&found.document, &own, &found.files)
                .map_err(|error| misread(&error))
        })?
    }
}

/// More than any scenario needs: 16 MiB.
const LONGEST: u64 = 16 << 20;

/// Name, label, text and place of the scenario that `name` stands for.
fn sought(name: &str, allow_outside: bool) -> PyResult<(String, String, String, Place)> {
    if let Some(shipped) = find(name) {
        let label = format!("{} (shipped)", shipped.name());
        let text = shipped.text.to_owned();
        return Ok((shipped.name().to_owned(), label, text, Place::Shipped));
    }
    let path = Path::new(name);
    if !path.exists() {
        let hint = match closest(name) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "`ratioflow.scenarios()` lists what ships".to_owned(),
        };
        return Err(PyFileNotFoundError::new_err(format!(
            "there is no file and no shipped scenario called `{name}`\n  = help: {hint}"
        )));
    }
    let trouble = |error: io::Error| PyOSError::new_err(format!("cannot read {name}: {error}"));
    let about = path.metadata().map_err(trouble)?;
    if !about.is_file() || about.len() > LONGEST {
        return Err(PyValueError::new_err(format!(
            "{name} is no plain file of at most {LONGEST} bytes: is it a scenario?"
        )));
    }
    let bytes = std::fs::read(path).map_err(trouble)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        PyValueError::new_err(format!(
            "{name} is no text in UTF-8 (byte {at}): a scenario is a TOML file"
        ))
    })?;
    let folder = path.parent().unwrap_or(Path::new(".")).to_path_buf();
    let place = if allow_outside {
        Place::Anywhere(Anywhere(folder))
    } else {
        Place::Folder(Folder(folder))
    };
    Ok((plain_name(name).to_owned(), name.to_owned(), text, place))
}

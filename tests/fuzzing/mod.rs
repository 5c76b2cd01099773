//! Malformed input of every kind that the program reads, made from a corpus, and what is asked of the program with each: no panic, no endless
//! work, no memory beyond a bound. Shared by the tests and by the example `fuzz`.

mod memory;
mod mutants;
mod runs;
mod trials;

use std::collections::BTreeMap;
use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use mutants::Dice;
use runs::Runs;

/// Longest that one case may take. Most take microseconds, and a machine can be busy.
const SLOW: Duration = Duration::from_secs(10);
/// A case that takes as long as this does not end.
const HANGS: Duration = Duration::from_secs(90);
/// Most memory that one case may take, in bytes: points that a small archive may inflate to, read and in order.
const MOST: usize = 1 << 30;
/// Findings of one kind that are kept.
const KEPT: usize = 2;

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    Npy,
    Npz,
    Png,
    Checkpoint,
    Scenario,
    Run,
}

impl Format {
    pub(crate) const ALL: [Self; 7] = [
        Self::Csv,
        Self::Npy,
        Self::Npz,
        Self::Png,
        Self::Checkpoint,
        Self::Scenario,
        Self::Run,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Npy => "npy",
            Self::Npz => "npz",
            Self::Png => "png",
            Self::Checkpoint => "checkpoint",
            Self::Scenario => "scenario",
            Self::Run => "run",
        }
    }
}

/// A file with its name, from which cases are made.
pub(crate) type Seed = (String, Vec<u8>);

/// All seeds, by the name of their format.
pub(crate) struct Corpus(BTreeMap<&'static str, Vec<Seed>>);

impl Corpus {
    /// The kept files, and the scenarios that ship.
    pub(crate) fn new() -> Self {
        let kept = Format::ALL
            .into_iter()
            .filter(|format| *format != Format::Run)
            .map(|format| (format.name(), kept(format.name())));
        let mut seeds: BTreeMap<_, _> = kept.collect();
        let shipped = ratioflow::scenario::SHIPPED.iter();
        let shipped = shipped.map(|one| (one.name().to_owned(), one.text.as_bytes().to_vec()));
        seeds.entry("scenario").or_default().extend(shipped);
        Self(seeds)
    }

    pub(crate) fn of(&self, format: Format) -> &[Seed] {
        &self.0[format.name()]
    }
}

/// The files in a folder of `tests/corpus`.
fn kept(format: &str) -> Vec<Seed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/corpus")
        .join(format);
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// What a hunt has come to.
#[derive(Debug, Default)]
pub(crate) struct Bag {
    /// Cases tried.
    pub(crate) cases: usize,
    /// What was found, a line each.
    pub(crate) findings: Vec<String>,
}

/// Tries cases of one format after another.
pub(crate) struct Hunt {
    corpus: Corpus,
    runs: Option<Runs>,
    watch: Watch,
    /// Where findings are written.
    folder: Option<std::path::PathBuf>,
    /// How often each kind was found.
    kinds: BTreeMap<String, usize>,
    pub(crate) bag: Bag,
}

impl Hunt {
    pub(crate) fn new(folder: Option<&Path>) -> Self {
        listen();
        Self {
            corpus: Corpus::new(),
            runs: None,
            watch: Watch::new(),
            folder: folder.map(Path::to_owned),
            kinds: BTreeMap::new(),
            bag: Bag::default(),
        }
    }

    /// Case `number` of a format: the same on every machine.
    pub(crate) fn try_case(&mut self, format: Format, number: u64) {
        if format == Format::Run && self.runs.is_none() {
            self.runs = Some(Runs::new());
        }
        let mut dice = Dice::new(number);
        let about = format!("{} {number}", format.name());
        memory::begin(&about);
        self.watch.begin(&about);
        let began = Instant::now();
        let (corpus, runs) = (&self.corpus, self.runs.as_ref());
        let case = panic::catch_unwind(AssertUnwindSafe(|| match runs {
            Some(runs) if format == Format::Run => runs.try_one(&mut dice),
            _ => trials::try_one(format, corpus, &mut dice),
        }));
        let took = began.elapsed();
        self.watch.end();
        let taken = memory::end();
        self.bag.cases += 1;
        let wrong = match case {
            Err(_) => Some(last_panic()),
            Ok(Err(wrong)) => Some(wrong),
            Ok(Ok(())) if took > SLOW => Some(format!("takes {:.0} s", took.as_secs_f64())),
            Ok(Ok(())) if taken > MOST => Some("takes more than 1 GiB".to_owned()),
            Ok(Ok(())) => None,
        };
        if let Some(wrong) = wrong {
            self.keep(format, number, &wrong);
        }
    }

    fn keep(&mut self, format: Format, number: u64, wrong: &str) {
        let kind: String = wrong.chars().filter(|c| !c.is_ascii_digit()).collect();
        let count = self.kinds.entry(kind).or_default();
        *count += 1;
        if *count > KEPT {
            return;
        }
        self.bag
            .findings
            .push(format!("{} {number}: {wrong}", format.name()));
        let Some(folder) = &self.folder else { return };
        let mut dice = Dice::new(number);
        let place = folder.join(format!("{}-{number}", format.name()));
        let _ = fs::remove_dir_all(&place);
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("finding.txt"), format!("{wrong}\n")).unwrap();
        match &self.runs {
            Some(runs) if format == Format::Run => runs.write(&mut dice, &place.join("run")),
            _ => {
                for (name, bytes) in trials::files(format, &self.corpus, &mut dice) {
                    fs::write(place.join(name), bytes).unwrap();
                }
            }
        }
    }
}

/// The number of a case in a hunt that begins with `seed`.
pub(crate) fn number(seed: u64, index: u64) -> u64 {
    Dice::new(seed ^ index.rotate_left(32)).any()
}

/// Ends the process when a case does not end: nothing else could.
struct Watch {
    case: Arc<Mutex<Option<(Instant, String)>>>,
    over: Arc<AtomicBool>,
}

impl Watch {
    fn new() -> Self {
        let case = Arc::new(Mutex::new(None::<(Instant, String)>));
        let over = Arc::new(AtomicBool::new(false));
        let (seen, ended) = (Arc::clone(&case), Arc::clone(&over));
        thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(500));
                let now = seen.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((_, about)) = now.as_ref().filter(|(from, _)| from.elapsed() > HANGS) {
                    eprintln!("{about} does not end");
                    std::process::exit(1);
                }
            }
        });
        Self { case, over }
    }

    fn begin(&self, about: &str) {
        let mut case = self.case.lock().unwrap_or_else(PoisonError::into_inner);
        *case = Some((Instant::now(), about.to_owned()));
    }

    fn end(&self) {
        *self.case.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// Message and place of the last panic, of whatever thread.
static PANIC: Mutex<String> = Mutex::new(String::new());

fn last_panic() -> String {
    let text = PANIC.lock().unwrap_or_else(PoisonError::into_inner);
    format!("panic: {text}")
}

fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            let text = panic.to_string().replace('\n', " ");
            *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = text;
            before(panic);
        }));
    });
}

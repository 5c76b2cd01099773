//! What is asked of the program with one malformed file.

use std::io;

use ratioflow::experiment::Experiment;
use ratioflow::point_file::{self, Asked, Header};
use ratioflow::random::Stream;
use ratioflow::scenario::{Available, Document, Resources, Scenario};
use ratioflow::store::Checkpoint;
use ratioflow::target::{Files, ImageSpec, TargetSpec};
use serde_json::Value;

use super::mutants::{Dice, mutated};
use super::{Corpus, Format, Seed};

/// What a trial may take of the machine.
const ROOM: Available = Available {
    memory: 150_000_000,
    disk: 100_000_000,
    files: 1 << 10,
};

/// One file under every name.
struct One(Vec<u8>);

impl Files for One {
    fn read(&self, _: &str) -> io::Result<Vec<u8>> {
        Ok(self.0.clone())
    }
}

/// The files of a case.
pub(crate) fn files(format: Format, corpus: &Corpus, dice: &mut Dice) -> Vec<Seed> {
    let mut files = vec![mutated(format, corpus.of(format), dice)];
    if format == Format::Scenario {
        let beside = *dice.pick(&[Format::Csv, Format::Npy, Format::Npz, Format::Png]);
        files.push(mutated(beside, corpus.of(beside), dice));
    }
    files
}

/// Tries a case; an error says what is wrong.
pub(crate) fn try_one(format: Format, corpus: &Corpus, dice: &mut Dice) -> Result<(), String> {
    let mut files = files(format, corpus, dice);
    let beside = files.split_off(1).pop();
    let (name, bytes) = files.remove(0);
    match format {
        Format::Csv | Format::Npy => points(&bytes, &name, bytes.len(), dice),
        Format::Npz => {
            // What is deflated can be a thousand times as long.
            let most = 2000 * bytes.len();
            let array = *dice.pick(&["", ":points", ":a", ":../a", ":é"]);
            points(&bytes, &format!("{name}{array}"), most, dice)
        }
        Format::Png => picture(bytes, name),
        Format::Checkpoint => checkpoint(&bytes, corpus),
        Format::Scenario | Format::Run => {
            let beside = beside.map_or(Vec::new(), |(_, bytes)| bytes);
            scenario(&name, &bytes, beside, dice.one_in(6))
        }
    }
}

fn no(wrong: bool, what: &str) -> Result<(), String> {
    if wrong { Err(what.to_owned()) } else { Ok(()) }
}

/// Points are finite and no more than the file can hold.
fn points(bytes: &[u8], name: &str, most: usize, dice: &mut Dice) -> Result<(), String> {
    let header = *dice.pick(&[Header::Auto, Header::Yes, Header::No]);
    match point_file::read_from(io::Cursor::new(bytes), name, header, Asked::Key) {
        Ok(sheet) => {
            no(!sheet.points.iter().all(|v| v.is_finite()), "infinite")?;
            no(sheet.points.nrows() > most, "more points than bytes")
        }
        Err(error) => no(error.to_string().is_empty(), "no message"),
    }
}

fn picture(bytes: Vec<u8>, file: String) -> Result<(), String> {
    let text = "[target.image]\nfile = 'a.png'\n";
    let document = Document::parse("image", text).map_err(|e| e.to_string())?;
    let whole: Scenario = document.read().map_err(|e| e.to_string())?;
    let TargetSpec::Image(image) = whole.target else {
        return Err("no picture".to_owned());
    };
    let spec = TargetSpec::Image(ImageSpec { file, ..image });
    if let Ok(target) = spec.build(&One(bytes)) {
        let sample = target.sample(10, Stream::new(1, "png"));
        no(!sample.iter().all(|v| v.is_finite()), "infinite")?;
    }
    Ok(())
}

/// What is read is written again as it was, or as what is read again the same.
fn checkpoint(bytes: &[u8], corpus: &Corpus) -> Result<(), String> {
    let Ok(read) = Checkpoint::decode(bytes) else {
        let seeds = corpus.of(Format::Checkpoint).iter();
        return no(seeds.clone().any(|(_, kept)| kept == bytes), "refused");
    };
    let written = read.encode();
    let again = Checkpoint::decode(&written).map_err(|e| e.to_string())?;
    no(again.encode() != written, "another checkpoint")
}

/// A scenario is either refused with a message that says where, or small enough to be built; some of them are made small and `run`.
fn scenario(name: &str, bytes: &[u8], file: Vec<u8>, run: bool) -> Result<(), String> {
    let text = String::from_utf8_lossy(bytes);
    let read = Document::parse(name, &text).and_then(|document| {
        let scenario: Scenario = document.read()?;
        Ok((document, scenario))
    });
    let (document, scenario) = match read {
        Ok(read) => read,
        Err(error) => {
            no(error.message().is_empty(), "no message")?;
            return no(!error.to_string().contains(name), "no place");
        }
    };
    let files = One(file);
    let fits = |scenario: &Scenario| {
        let need = Resources::of(scenario, 2).with_files(scenario, &files);
        need.fits(ROOM).is_ok()
    };
    if fits(&scenario)
        && let Err(error) = Experiment::new(scenario.clone(), &files)
    {
        let error = document.blame(&error.into());
        no(error.to_string().is_empty(), "no message")?;
    }
    // What was understood is written so that it is understood again.
    let again = Document::parse("again", &scenario.to_toml())
        .and_then(|document| document.read::<Scenario>());
    no(
        again.is_ok_and(|again| again != scenario),
        "written otherwise",
    )?;
    match small(&scenario).filter(fits) {
        Some(small) if run => flow(small, &files),
        _ => Ok(()),
    }
}

/// Two steps, and what is measured of them.
fn flow(scenario: Scenario, files: &One) -> Result<(), String> {
    let Ok(experiment) = Experiment::new(scenario, files) else {
        return Ok(());
    };
    let Ok(mut flow) = experiment.flow() else {
        return Ok(());
    };
    while let Ok(Some(step)) = flow.advance() {
        let places = &step.state.cloud;
        no(!places.iter().all(|v| v.is_finite()), "infinite particles")?;
    }
    if let Ok((panel, _)) = experiment.validation_gauge() {
        let _ = panel.measure_with_p(flow.state().cloud.view(), Stream::new(1, "fuzz"));
    }
    Ok(())
}

/// The scenario with no more of anything than takes milliseconds.
fn small(scenario: &Scenario) -> Option<Scenario> {
    let mut tree = serde_json::to_value(scenario).ok()?;
    for (table, most) in [
        ("cloud", 40),
        ("discriminator", 20),
        ("generator", 20),
        ("metrics", 30),
        ("output", 10),
        ("flow", 2),
    ] {
        lower(&mut tree[table], most);
    }
    serde_json::from_value(tree).ok()
}

/// Lowers every whole number that is larger.
fn lower(tree: &mut Value, most: u64) {
    match tree {
        Value::Number(number) if number.as_u64().is_some_and(|n| n > most) => *tree = most.into(),
        Value::Array(all) => all.iter_mut().for_each(|one| lower(one, most)),
        Value::Object(all) => all.values_mut().for_each(|one| lower(one, most)),
        _ => {}
    }
}

/// Whether nothing in the scenario takes longer than milliseconds.
pub(crate) fn is_small(scenario: &Scenario) -> bool {
    /// Most of anything.
    const MOST: u64 = 500;
    fn largest(tree: &Value) -> u64 {
        match tree {
            Value::Number(number) => number.as_u64().unwrap_or(0),
            Value::Array(all) => all.iter().map(largest).max().unwrap_or(0),
            Value::Object(all) => all.values().map(largest).max().unwrap_or(0),
            _ => 0,
        }
    }
    let Ok(mut tree) = serde_json::to_value(scenario) else {
        return false;
    };
    for (table, key) in [
        ("output", "particles"),
        ("output", "checkpoint_every"),
        ("metrics", "particles"),
        ("metrics", "every"),
    ] {
        tree[table][key] = Value::Null;
    }
    tree["seed"] = Value::Null;
    largest(&tree) <= MOST
        && scenario.output.frames <= 6
        && Resources::of(scenario, 2).fits(ROOM).is_ok()
}

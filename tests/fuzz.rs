//! Malformed input of every kind that the program reads: mutations of a kept corpus never panic, hang or eat memory.
//!
//! A stand-in for coverage-guided fuzzing that runs with the other tests. What once failed belongs into
//! `tests/corpus`, from which every test begins.

use std::fs;
use std::io;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;
use ratioflow::experiment::Experiment;
use ratioflow::point_file;
use ratioflow::scenario::{Document, Need, Room, Scenario};
use ratioflow::store::Checkpoint;
use ratioflow::target::{Files, ImageSpec, TargetSpec};

/// The files kept for one format, with their names.
fn corpus(format: &str) -> Vec<(String, Vec<u8>)> {
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

/// One change to a file.
#[derive(Clone, Debug)]
enum Mutation {
    Flip(Index, u8),
    Set(Index, u8),
    Cut(Index),
    Remove(Index, usize),
    Insert(Index, Vec<u8>),
    Repeat(Index, usize),
}

/// Bytes that have fooled parsers before: ends of numbers, of texts and of brackets.
fn spice() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::sample::select(vec![
            "9223372036854775808",
            "-1",
            "1e999",
            "nan",
            "inf",
            "0x",
            "\"\"\"",
            "'''",
            "[[",
            "]]",
            "{",
            "}",
            "=",
            ".",
            ",",
            "\n",
            "\r\n",
            "\u{0}",
            "\u{feff}",
            "ß\u{202e}",
            "1_",
            "__",
            "true",
            "99999999999999999999999999999",
            "#",
            "\\u0000",
            "[a.b.c.d.e.f.g.h]\n",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 1..9),
        prop::sample::select(vec![
            0_u64,
            u64::MAX,
            1 << 63,
            u64::from(u32::MAX),
            0x7fff_ffff
        ])
        .prop_map(|number| number.to_le_bytes().to_vec()),
    ]
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Mutation::Flip(at, bit)),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        any::<Index>().prop_map(Mutation::Cut),
        (any::<Index>(), 1..32_usize).prop_map(|(at, count)| Mutation::Remove(at, count)),
        (any::<Index>(), spice()).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        (any::<Index>(), 1..64_usize).prop_map(|(at, count)| Mutation::Repeat(at, count)),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutation: &Mutation) {
    if bytes.is_empty() {
        return;
    }
    let length = bytes.len();
    match mutation {
        Mutation::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
        Mutation::Set(at, byte) => bytes[at.index(length)] = *byte,
        Mutation::Cut(at) => bytes.truncate(at.index(length)),
        Mutation::Remove(at, count) => {
            let at = at.index(length);
            bytes.drain(at..length.min(at + count));
        }
        Mutation::Insert(at, more) => {
            let at = at.index(length);
            bytes.splice(at..at, more.iter().copied());
        }
        Mutation::Repeat(at, count) => {
            let at = at.index(length);
            let part = bytes[at..length.min(at + count)].to_vec();
            bytes.splice(at..at, part);
        }
    }
}

/// A file of the format, changed in a few places; unchanged now and then.
fn mutated(format: &str) -> impl Strategy<Value = (String, Vec<u8>)> + use<> {
    let files = prop::sample::select(corpus(format));
    (files, prop::collection::vec(mutation(), 0..6)).prop_map(|((name, mut bytes), mutations)| {
        for one in &mutations {
            mutate(&mut bytes, one);
        }
        (name, bytes)
    })
}

/// One file under every name.
struct One(Vec<u8>);

impl Files for One {
    fn read(&self, _: &str) -> io::Result<Vec<u8>> {
        Ok(self.0.clone())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn assignments(assignment in "[a-z_.=\\[\\]{}'\"0-9 -]{0,40}", (name, bytes) in mutated("scenario")) {
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(mut document) = Document::parse(&name, &text)
            && document.set(&assignment).is_ok()
        {
            let _ = document.read::<Scenario>();
        }
    }

    /// Points are finite and no more than the file can hold, a small factor for deflated ones aside.
    #[test]
    fn npy((name, bytes) in mutated("npy")) {
        if let Ok(cloud) = point_file::read(&bytes, &name) {
            prop_assert!(cloud.iter().all(|v| v.is_finite()));
            prop_assert!(cloud.nrows() <= bytes.len());
        }
    }

    #[test]
    fn npz((name, bytes) in mutated("npz"), array in "[a-z]{0,3}") {
        for name in [name.clone(), format!("{name}:{array}")] {
            if let Ok(cloud) = point_file::read(&bytes, &name) {
                prop_assert!(cloud.iter().all(|v| v.is_finite()));
                prop_assert!(cloud.nrows() <= 2000 * bytes.len());
            }
        }
    }

    #[test]
    fn csv((name, bytes) in mutated("csv")) {
        if let Ok(cloud) = point_file::read(&bytes, &name) {
            prop_assert!(cloud.iter().all(|v| v.is_finite()));
            prop_assert!(cloud.nrows() <= bytes.len());
        }
    }

    /// A checkpoint that was changed in any way is refused, and what is not refused is what was written.
    #[test]
    fn checkpoints((_, bytes) in mutated("checkpoint")) {
        let whole = corpus("checkpoint").into_iter().any(|(_, kept)| kept == bytes);
        let read = Checkpoint::decode(&bytes);
        prop_assert_eq!(read.is_ok(), whole);
        if let Ok(checkpoint) = read {
            prop_assert_eq!(checkpoint.encode(), bytes);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// A scenario is either refused with a message that says where, or small enough to be built.
    #[test]
    fn scenarios((name, bytes) in mutated("scenario"), file in mutated("csv")) {
        let text = String::from_utf8_lossy(&bytes);
        let document = match Document::parse(&name, &text) {
            Ok(document) => document,
            Err(error) => {
                prop_assert!(!error.message().is_empty());
                prop_assert!(error.to_string().contains(&name), "{error}");
                return Ok(());
            }
        };
        let scenario: Scenario = match document.read() {
            Ok(scenario) => scenario,
            Err(error) => {
                prop_assert!(error.to_string().contains(&name), "{error}");
                return Ok(());
            }
        };
        let room = Room { memory: 150_000_000, disk: 100_000_000, files: 1 << 10 };
        if Need::of(&scenario, 2).fits(room).is_ok()
            && let Err(error) = Experiment::new(scenario.clone(), &One(file.1))
        {
            let error = document.blame(&error.into());
            prop_assert!(!error.to_string().is_empty());
        }
        // What was understood is written so that it is understood again.
        let again = Document::parse("again", &scenario.to_toml()).and_then(|document| document.read::<Scenario>());
        prop_assert!(again.is_ok_and(|again| again == scenario), "{}", scenario.to_toml());
    }

    #[test]
    fn png((name, bytes) in mutated("png")) {
        let spec = TargetSpec::Image(ImageSpec { file: name, ..image() });
        if let Ok(target) = spec.build(&One(bytes)) {
            let sample = target.sample(10, ratioflow::random::Stream::new(1, "png"));
            prop_assert!(sample.iter().all(|v| v.is_finite()));
        }
    }
}

/// An image target as a scenario would describe it.
fn image() -> ImageSpec {
    let document = Document::parse("image", "[target.image]\nfile = 'a.png'\n").unwrap();
    match document.read::<Scenario>().unwrap().target {
        TargetSpec::Image(spec) => spec,
        other => panic!("{other:?}"),
    }
}

/// 10 000 checkpoints with random bits flipped, and every length that one can be cut to.
#[test]
fn no_damage_to_a_checkpoint_passes() {
    let (_, bytes) = corpus("checkpoint").remove(0);
    assert!(Checkpoint::decode(&bytes).is_ok());
    for length in 0..bytes.len() {
        assert!(
            Checkpoint::decode(&bytes[..length]).is_err(),
            "{length} bytes"
        );
    }
    let mut state = 1_u64;
    for flip in 0..10_000 {
        // Knuth's linear congruential generator; its upper bits are random enough for places.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let bit = (state >> 33) as usize % (8 * bytes.len());
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(
            Checkpoint::decode(&damaged).is_err(),
            "flip {flip}, bit {bit}"
        );
    }
}

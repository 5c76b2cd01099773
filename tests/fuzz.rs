//! Malformed input of every kind that the program reads: mutations of a kept corpus never panic, hang or eat memory.
//!
//! Here some thousand cases of each kind; `cargo run --release --example fuzz -- SECONDS` tries as many as there is time for. What once failed
//! belongs into `tests/corpus`, from which every case begins.

mod fuzzing;
mod shared;

use std::time::{Duration, Instant};

use fuzzing::{Corpus, Format, Hunt, number};
use proptest::prelude::*;
use ratioflow::scenario::{Document, Scenario};
use ratioflow::store::Checkpoint;

/// Tries so many cases of a format.
fn hunt(format: Format, cases: u64) {
    let mut hunt = Hunt::new(None);
    for index in 0..cases {
        hunt.try_case(format, number(1, index));
    }
    assert!(hunt.bag.findings.is_empty(), "{:#?}", hunt.bag.findings);
}

#[test]
fn points() {
    for format in [Format::Csv, Format::Npy, Format::Npz] {
        hunt(format, 5000);
    }
}

#[test]
fn pictures() {
    hunt(Format::Png, 2000);
}

#[test]
fn checkpoints() {
    hunt(Format::Checkpoint, 3000);
}

#[test]
fn scenarios() {
    hunt(Format::Scenario, 1000);
}

#[test]
fn runs() {
    hunt(Format::Run, 60);
}

/// Ten minutes of it, from a seed of the day.
#[test]
#[ignore = "takes ten minutes"]
fn ten_minutes() {
    let seed = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap()
        .as_secs()
        / 86_400;
    let mut hunt = Hunt::new(None);
    let end = Instant::now() + Duration::from_secs(600);
    let formats = Format::ALL.into_iter().cycle();
    for (index, format) in (0..).zip(formats) {
        if Instant::now() > end {
            break;
        }
        hunt.try_case(format, number(seed, index));
    }
    println!("seed {seed}: {} cases", hunt.bag.cases);
    assert!(hunt.bag.findings.is_empty(), "{:#?}", hunt.bag.findings);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn assignments(assignment in "[a-z_.=\\[\\]{}'\"0-9 -]{0,40}", at in any::<prop::sample::Index>()) {
        let corpus = Corpus::new();
        let (name, bytes) = at.get(corpus.of(Format::Scenario));
        let text = String::from_utf8_lossy(bytes);
        if let Ok(mut document) = Document::parse(name, &text)
            && document.set(&assignment).is_ok()
        {
            let _ = document.read::<Scenario>();
        }
    }
}

/// 10 000 checkpoints with random bits flipped, and every length that one can be cut to.
#[test]
fn no_damage_to_a_checkpoint_passes() {
    let corpus = Corpus::new();
    let (_, bytes) = &corpus.of(Format::Checkpoint)[0];
    assert!(Checkpoint::decode(bytes).is_ok());
    for length in 0..bytes.len() {
        assert!(
            Checkpoint::decode(&bytes[..length]).is_err(),
            "{length} bytes"
        );
    }
    let mut state = 1;
    for flip in 0..10_000 {
        let bit = shared::draw(&mut state) as usize % (8 * bytes.len());
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(
            Checkpoint::decode(&damaged).is_err(),
            "flip {flip}, bit {bit}"
        );
    }
}

//! Malformed input of every kind, for as long as there is time: `cargo run --release --example fuzz -- SECONDS [FORMAT…] [--seed N] [--case N]`.
//!
//! Formats are `csv`, `npy`, `npz`, `png`, `checkpoint`, `scenario` and `run`. Every case follows from its number; `--case` tries one again.
//! What is found is written below `fuzz-findings`, and the exit code is then 1.

#[path = "../tests/fuzzing/mod.rs"]
mod fuzzing;
#[path = "../tests/shared/mod.rs"]
mod shared;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use fuzzing::{Format, Hunt, number};

/// What was typed.
struct Wish {
    time: Duration,
    formats: Vec<Format>,
    seed: u64,
    case: Option<u64>,
}

impl Wish {
    fn read(mut words: impl Iterator<Item = String>) -> Option<Self> {
        let now = SystemTime::UNIX_EPOCH.elapsed().map_or(1, |d| d.as_secs());
        let mut wish = Self {
            time: Duration::from_secs(60),
            formats: Vec::new(),
            seed: now,
            case: None,
        };
        while let Some(word) = words.next() {
            let format = Format::ALL.into_iter().find(|f| f.name() == word);
            match word.as_str() {
                "--seed" => wish.seed = words.next()?.parse().ok()?,
                "--case" => wish.case = Some(words.next()?.parse().ok()?),
                _ if format.is_some() => wish.formats.extend(format),
                seconds => wish.time = Duration::from_secs(seconds.parse().ok()?),
            }
        }
        if wish.formats.is_empty() {
            wish.formats = Format::ALL.to_vec();
        }
        Some(wish)
    }
}

fn main() -> ExitCode {
    let Some(wish) = Wish::read(std::env::args().skip(1)) else {
        eprintln!("fuzz SECONDS [csv|npy|npz|png|checkpoint|scenario|run …] [--seed N] [--case N]");
        return ExitCode::from(2);
    };
    println!("seed {}", wish.seed);
    let folder = Path::new("fuzz-findings");
    let mut hunt = Hunt::new(Some(folder));
    if let Some(case) = wish.case {
        for format in wish.formats {
            hunt.try_case(format, case);
        }
    } else {
        let end = Instant::now() + wish.time;
        let mut counts = vec![0_u64; wish.formats.len()];
        let mut index = 0;
        // Each format has its share of the time, not of the cases.
        while Instant::now() < end {
            for (&format, count) in wish.formats.iter().zip(&mut counts) {
                let turn = Instant::now() + Duration::from_millis(200);
                while Instant::now() < turn {
                    hunt.try_case(format, number(wish.seed, index));
                    index += 1;
                    *count += 1;
                }
            }
        }
        for (format, count) in wish.formats.iter().zip(counts) {
            println!("{}: {count} cases", format.name());
        }
    }
    for finding in &hunt.bag.findings {
        println!("{finding}");
    }
    let found = hunt.bag.findings.len();
    println!("{} cases, {found} findings", hunt.bag.cases);
    if found == 0 {
        return ExitCode::SUCCESS;
    }
    println!("their files lie in {}", folder.display());
    ExitCode::FAILURE
}

//! The scenarios inside the binary, in reading order, with the files that they need.

use std::io;

use crate::target::Files;

/// A scenario that ships with the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// File name in the folder `scenarios`, with the number that gives the reading order.
    pub file: &'static str,
    /// The text of the file.
    pub text: &'static str,
    /// What it is about.
    pub group: Group,
}

/// What shipped scenarios are about, as lists show them together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Targets that a plain flow reaches.
    First,
    /// Modes whose masses are wrong at the start, or far away.
    Mass,
    /// What goes wrong, and why.
    Lessons,
    /// The samples moved through the parameters of a generator.
    Generators,
    /// Estimates of the log ratio.
    Estimators,
    /// Noise, momentum, energy, and when to stop.
    Dynamics,
    /// One dimension.
    Line,
    /// Velocities that are no gradient of a log ratio.
    Fields,
}

impl Group {
    /// All of them, in the order of lists.
    pub const ALL: [Self; 8] = [
        Self::First,
        Self::Lessons,
        Self::Mass,
        Self::Estimators,
        Self::Dynamics,
        Self::Generators,
        Self::Fields,
        Self::Line,
    ];

    /// Its heading.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::First => "First flows",
            Self::Mass => "Mass between modes",
            Self::Lessons => "Lessons: what goes wrong, and why",
            Self::Generators => "Generators: a GAN as an ODE",
            Self::Estimators => "Estimators of log p/q",
            Self::Dynamics => "Noise, momentum, energy, size",
            Self::Line => "On the line",
            Self::Fields => "Fields without a log ratio",
        }
    }
}

macro_rules! shipped {
    ($($group:ident: $($file:literal),*;)*) => {
        /// All shipped scenarios, in reading order.
        pub const SHIPPED: &[Shipped] = &[$($(Shipped {
            file: $file,
            text: include_str!(concat!("../../scenarios/", $file)),
            group: Group::$group,
        }),*),*];
    };
}

shipped![
    First:
        "01-eight-gaussians.toml",
        "02-gaussian-pair.toml",
        "03-two-gaussians.toml",
        "04-grid.toml",
        "05-moons.toml",
        "06-circles.toml",
        "07-swiss-roll.toml",
        "08-checkerboard.toml",
        "09-pinwheel.toml",
        "10-spirals.toml",
        "11-drawing.toml";
    Mass:
        "12-one-sided-start.toml",
        "13-unequal-masses.toml",
        "14-far-supports.toml";
    Lessons:
        "15-lesson-fixed-bandwidth.toml",
        "16-lesson-memorisation.toml",
        "17-lesson-no-self-term.toml",
        "18-lesson-step-too-long.toml",
        "19-lesson-adaptive-widths.toml";
    Generators:
        "20-gan-as-ode.toml",
        "21-one-step.toml",
        "22-frozen-discriminator.toml",
        "23-inner-steps-ring.toml",
        "24-inner-steps-grid.toml",
        "25-vanishing-gradients.toml";
    Estimators:
        "26-neural-discriminator.toml",
        "27-kernel-estimators.toml",
        "28-kale-penalty.toml";
    Lessons:
        "29-lesson-no-ratio.toml";
    Dynamics:
        "30-langevin.toml";
    Estimators:
        "31-stale-discriminator.toml",
        "32-cold-start.toml";
    Dynamics:
        "33-momentum-stiff.toml",
        "34-momentum-noisy.toml";
    Estimators:
        "35-estimators.toml";
    Dynamics:
        "36-energy-balance.toml",
        "37-stop-at-floor.toml",
        "39-million.toml";
    Generators:
        "40-affine-gan.toml";
    Mass:
        "41-light-modes.toml",
        "42-seeding.toml",
        "43-unequal-at-any-bandwidth.toml",
        "44-masses-between.toml",
        "45-masses-far.toml",
        "46-masses-collapsed.toml",
        "47-grid-in-eight-steps.toml",
        "48-metastability.toml",
        "49-exact-law.toml",
        "50-one-in-a-hundred.toml";
    Generators:
        "51-two-networks.toml";
    Line:
        "52-goodfellow-figure-1.toml",
        "53-line-two-modes.toml",
        "54-line-vanishing-gradient.toml",
        "55-line-collapse.toml",
        "56-line-divergences.toml";
    Generators:
        "57-pacgan-ring.toml",
        "58-pacgan-grid.toml";
    Fields:
        "60-drift-far.toml",
        "61-drift-collapsed.toml",
        "62-drift-bench.toml",
        "63-metastable-drift.toml",
        "64-fields.toml",
        "65-drifting-roll.toml",
        "66-drifting-board.toml";
    Dynamics:
        "67-energy-model.toml";
    Generators:
        "68-towards-the-average.toml",
        "69-inheritance.toml";
    Dynamics:
        "70-fewer-data.toml";
    Generators:
        "71-attached-detached.toml";
    Estimators:
        "72-recover-the-ratio.toml";
    Dynamics:
        "73-dirac-gan.toml";
    Generators:
        "74-ksgan.toml";
    Fields:
        "75-drift-bench-eight.toml",
        "76-three-rings.toml";
];

impl Shipped {
    /// The name by which the scenario is called: the file name without number and ending.
    #[must_use]
    pub fn name(&self) -> &'static str {
        plain_name(self.file)
    }
}

/// The name that a file gives to its scenario: no folder, no ending, no leading number.
#[must_use]
pub fn plain_name(file: &str) -> &str {
    let base = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let stem = base.strip_suffix(".toml").unwrap_or(base);
    let rest = stem.trim_start_matches(|c: char| c.is_ascii_digit());
    match rest.strip_prefix('-') {
        Some(name) if rest.len() < stem.len() && !name.is_empty() => name,
        _ => stem,
    }
}

/// Title and question of a shipped scenario, in one line.
#[must_use]
pub fn headline(shipped: &Shipped) -> String {
    // The shipped files are valid: a test reads them all.
    let table: toml::Table = shipped.text.parse().unwrap_or_default();
    let text = |key: &str| {
        table
            .get(key)
            .and_then(toml::Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    format!("{}: {}", text("title"), text("question"))
}

/// The shipped scenario called `name`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Shipped> {
    SHIPPED.iter().find(|shipped| shipped.name() == name)
}

/// The name of the shipped scenario that `name` is likely to mean, if there is one.
#[must_use]
pub fn closest(name: &str) -> Option<&'static str> {
    let meant = spelt_out(name);
    let distance = |shipped: &Shipped| strsim::damerau_levenshtein(&meant, shipped.name());
    let each = SHIPPED
        .iter()
        .map(|shipped| (distance(shipped), shipped.name()));
    let near = each
        .min()
        .filter(|(distance, _)| *distance <= name.len() / 3 + 1);
    near.map(|(_, name)| name)
}

/// The name with its first number as a word, as the names of what ships have it: `8-gaussians`.
fn spelt_out(name: &str) -> String {
    const WORDS: [&str; 13] = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve",
    ];
    let end = name.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = name.split_at(end);
    let word = digits.parse().ok().and_then(|n: usize| WORDS.get(n));
    word.map_or_else(
        || name.trim().to_owned(),
        |word| format!("{word}-{}", rest.trim_start_matches(['-', '_', ' '])),
    )
}

/// The files that shipped scenarios refer to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Embedded;

impl Files for Embedded {
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        const FILES: &[(&str, &[u8])] = &[
            (
                "images/cat.png",
                include_bytes!("../../scenarios/images/cat.png"),
            ),
            (
                "images/galaxy.png",
                include_bytes!("../../scenarios/images/galaxy.png"),
            ),
            (
                "points/three-rings.csv",
                include_bytes!("../../scenarios/points/three-rings.csv"),
            ),
        ];
        FILES
            .iter()
            .find(|(file, _)| *file == name)
            .map(|(_, bytes)| bytes.to_vec())
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_drop_folder_number_and_ending() {
        assert_eq!(
            plain_name("scenarios/01-eight-gaussians.toml"),
            "eight-gaussians"
        );
        assert_eq!(plain_name("mine.toml"), "mine");
        assert_eq!(plain_name("25.toml"), "25");
        assert_eq!(plain_name("8-"), "8-");
    }

    #[test]
    fn the_list_is_complete_and_in_order() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.strip_suffix(".toml").is_some())
            .collect();
        files.sort();
        assert_eq!(files, SHIPPED.iter().map(|s| s.file).collect::<Vec<_>>());
    }
}

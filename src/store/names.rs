//! The names that runs give, all in one list: to their files, and to folders.

/// By this file the folder of a comparison is known.
pub(crate) const COMPARISON: &str = "comparison.json";
/// Folder of the single pictures.
pub(crate) const FRAMES: &str = "frames";
/// Folder of the copies of the files that the scenario reads.
pub(crate) const INPUTS: &str = "inputs";

/// Folder of the parameters of a generator along the run.
pub(crate) const HISTORY: &str = "history";

/// Folder of the runs of a comparison on further seeds.
pub(crate) const SEEDS: &str = "seeds";
/// The manifest of a run.
pub(crate) const MANIFEST: &str = "run.json";
/// What a run goes on from, and the one that was there before.
pub(crate) const CHECKPOINT: &str = "checkpoint";
pub(crate) const OLDER_CHECKPOINT: &str = "checkpoint.previous";
/// The snapshots so far, one after another, each as a checkpoint of its own with its checksum. A checkpoint says how many of them belong to it;
/// what comes after those is of a later one, or of none.
pub(crate) const SNAPSHOTS: &str = "checkpoint.frames";
/// What was measured, a row a step.
pub(crate) const METRICS: &str = "metrics.csv";
/// The snapshots of a run that has ended.
pub(crate) const TRAJECTORY: &str = "trajectory.npz";
/// The trained generator of a run that has ended.
pub(crate) const GENERATOR: &str = "generator.npz";
/// The scenario as it was run.
pub(crate) const SCENARIO: &str = "scenario.toml";
/// The variants of a comparison, a row each.
pub(crate) const COMPARISON_TABLE: &str = "comparison.csv";
/// Each measure of each run of a comparison, a row each.
pub(crate) const RUNS: &str = "runs.csv";
/// How long each phase took.
pub(crate) const TIMINGS: &str = "timings.json";
/// The report page.
pub(crate) const PAGE: &str = "report.html";
/// The lab beside it, or beside the reports of several runs.
pub(crate) const LAB: &str = "lab.html";

/// The files a run may leave, besides those in its [`FOLDERS`].
pub(crate) const FILES: [&str; 25] = [
    "animation-dark.png",
    "animation.png",
    CHECKPOINT,
    SNAPSHOTS,
    OLDER_CHECKPOINT,
    COMPARISON_TABLE,
    COMPARISON,
    "convergence.png",
    "convergence.svg",
    "final-dark.png",
    "final.png",
    "final.svg",
    GENERATOR,
    LAB,
    "latent.png",
    "latent.svg",
    METRICS,
    PAGE,
    MANIFEST,
    RUNS,
    SCENARIO,
    "snapshots.png",
    "snapshots.svg",
    TIMINGS,
    TRAJECTORY,
];

/// What a folder calls a file.
type Naming = fn(&str) -> bool;

/// The folders of a run, each with what it calls a file there.
pub(crate) const FOLDERS: [(&str, Naming); 3] =
    [(FRAMES, is_frame), (INPUTS, is_input), (HISTORY, is_moment)];

/// Whether a run gives this name to a file.
pub(crate) fn is_known(name: &str) -> bool {
    match name.split_once('/') {
        Some((below, name)) => FOLDERS
            .iter()
            .any(|(folder, is_ours)| *folder == below && is_ours(name)),
        None => FILES.contains(&name),
    }
}

/// Whether files or folders of a comparison, or devices, are called `name`, which has no capitals.
pub(crate) fn is_taken(name: &str) -> bool {
    let folder = FOLDERS.iter().any(|(folder, _)| *folder == name);
    FILES.contains(&name) || folder || name == SEEDS || is_device(name)
}

/// The file of a generator as it was at this step.
pub(crate) fn moment(step: usize) -> String {
    format!("{HISTORY}/{step:06}.npz")
}

fn is_moment(name: &str) -> bool {
    name.strip_suffix(".npz").is_some_and(is_number)
}

fn is_frame(name: &str) -> bool {
    name.strip_suffix(".png").is_some_and(is_number)
}

pub(crate) fn is_input(name: &str) -> bool {
    name.starts_with("target-") || name.starts_with("source-") || name == GENERATOR
}

pub(crate) fn is_number(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit())
}

/// A scenario's name as the name of a folder, on any system.
pub(crate) fn folder_name(scenario: &str) -> String {
    const LONGEST: usize = 60;
    let mut name = String::new();
    for c in scenario.chars().take(LONGEST) {
        if c.is_alphanumeric() || matches!(c, '_' | '.') {
            name.push(c);
        } else if !name.ends_with('-') {
            name.push('-');
        }
    }
    let name = name.trim_matches(['-', '.']);
    if is_device(name) {
        return format!("_{name}");
    }
    if name.is_empty() {
        return "scenario".to_owned();
    }
    name.to_owned()
}

/// Names that some systems keep for devices, whatever follows a dot.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or("").to_ascii_lowercase();
    let is_port = |port| {
        stem.strip_prefix(port)
            .is_some_and(|n| n.len() == 1 && is_number(n))
    };
    matches!(stem.as_str(), "con" | "prn" | "aux" | "nul") || is_port("com") || is_port("lpt")
}

/// Bytes in digits of base 16.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(*byte)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::folder_name;

    #[test]
    fn names_of_scenarios_become_names_of_folders() {
        for (scenario, folder) in [
            ("eight-gaussians", "eight-gaussians"),
            ("04 ring, σ=0.2", "04-ring-σ-0.2"),
            ("../../etc/passwd", "etc-passwd"),
            ("/", "scenario"),
            ("..", "scenario"),
            ("", "scenario"),
            (".hidden", "hidden"),
            ("-rf", "rf"),
            ("a\0b\nc", "a-b-c"),
            ("CON", "_CON"),
            ("com1.toml", "_com1.toml"),
            ("comet", "comet"),
        ] {
            assert_eq!(folder_name(scenario), folder);
        }
        assert!(folder_name(&"ü".repeat(500)).len() < 255);
    }
}

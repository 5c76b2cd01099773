//! The names that runs give: to their files, and to folders.

use std::path::Path;

use super::compare::{Comparison, SEEDS};
use super::directory::entries;
use super::error::ReportError;
use super::keeper::FRAMES as FRAMES_KEPT;
use super::manifest::Manifest;
use super::plain;

/// By this file the folder of a comparison is known.
pub(super) const COMPARISON: &str = "comparison.json";
/// Folder of the single pictures.
pub(super) const FRAMES: &str = "frames";
/// Folder of the copies of the files that the scenario reads.
pub(super) const INPUTS: &str = "inputs";

/// The files a run may leave, besides those in [`FRAMES`] and [`INPUTS`].
const FILES: [&str; 20] = [
    "animation-dark.png",
    "animation.png",
    "checkpoint",
    FRAMES_KEPT,
    "checkpoint.previous",
    "comparison.csv",
    COMPARISON,
    "convergence.png",
    "convergence.svg",
    "final-dark.png",
    "final.png",
    "final.svg",
    "metrics.csv",
    "report.html",
    Manifest::FILE,
    "scenario.toml",
    "snapshots.png",
    "snapshots.svg",
    "timings.json",
    "trajectory.npz",
];

/// Whether a run gives this name to a file.
pub(super) fn is_known(name: &str) -> bool {
    match name.split_once('/') {
        Some((FRAMES, name)) => is_frame(name),
        Some((INPUTS, name)) => is_input(name),
        Some(_) => false,
        None => FILES.contains(&name),
    }
}

/// Whether files or folders of a comparison, or devices, are called `name`, which has no capitals.
pub(super) fn is_taken(name: &str) -> bool {
    FILES.contains(&name) || [FRAMES, INPUTS, SEEDS].contains(&name) || is_device(name)
}

/// What lies in a run directory under names that runs give: files, and, with `/` at the end, the runs of a comparison.
pub(super) fn names(folder: &Path) -> Result<Vec<String>, ReportError> {
    let there = |name: &&str| matches!(plain::about(folder, name), Ok(Some(_)));
    let found = FILES.into_iter().filter(there);
    let mut names: Vec<String> = found.map(str::to_owned).collect();
    for (below, is_ours) in [(FRAMES, is_frame as fn(&str) -> bool), (INPUTS, is_input)] {
        // A link is left alone: what it points to may be anybody's.
        if !plain::is_folder(folder, below) {
            continue;
        }
        let found = entries(&folder.join(below))?.into_iter();
        let ours = found.filter(|(name, _)| is_ours(name));
        names.extend(ours.map(|(name, _)| format!("{below}/{name}")));
    }
    if let Ok(comparison) = Comparison::load(folder) {
        let parts = comparison.runs().into_iter().map(|(_, part, _)| part);
        let runs = parts.filter(|part| plain::is_folder(folder, part));
        names.extend(runs.map(|part| format!("{part}/")));
    }
    Ok(names)
}

fn is_frame(name: &str) -> bool {
    name.strip_suffix(".png").is_some_and(is_number)
}

pub(super) fn is_input(name: &str) -> bool {
    name.starts_with("target-") || name.starts_with("source-")
}

pub(super) fn is_number(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit())
}

/// A scenario's name as the name of a folder, on any system.
pub(super) fn folder_name(scenario: &str) -> String {
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

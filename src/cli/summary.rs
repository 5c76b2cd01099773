//! The closing summary of a run: five lines on standard error, the verdict last.

use std::path::Path;

use super::terminal::{plain, say, warn};
use crate::film::unseen;
use crate::page::Page;
use crate::record::Record;
use crate::render::number;
use crate::scenario::{Checked, Scenario};
use crate::store::Manifest;

/// Says what a reader should know before trusting the numbers, of which so many warnings were told, and then the five lines. Options have `changed` the scenario.
pub(super) fn tell(
    scenario: &Scenario,
    record: &Record,
    directory: &Path,
    (seconds, told): (f64, usize),
    changed: &[String],
) {
    let manifest = &record.manifest;
    warn(manifest.warnings.get(told..).unwrap_or_default());
    let title = if scenario.title.is_empty() {
        &manifest.scenario
    } else {
        &scenario.title
    };
    say(&format!(
        "{}: {} particles, {} steps, seed {}, {seconds:.1} s",
        plain(title),
        scenario.cloud.particles,
        manifest.steps,
        manifest.seed
    ));
    say(&format!(
        "look at it: {}",
        plain(&directory.join(Page::FILE).display().to_string())
    ));
    let unseen = unseen(scenario, &record.recorder);
    if !unseen.is_empty() {
        say(&unseen);
    }
    let (others, modes) = match record.summary.details.as_slice() {
        [modes, others] => (others.as_str(), modes.clone()),
        rest => (rest.last().map_or("", String::as_str), motion(manifest)),
    };
    claims(&manifest.claims, changed);
    say(&modes);
    say(others);
    let colour = if manifest.at_floor() { "32" } else { "33" };
    say(&format!(
        "\x1b[1;{colour}m{}\x1b[0m",
        plain(&record.summary.headline)
    ));
}

/// Says of each claim whether it is kept, and what was changed in the scenario that claims it.
pub(super) fn claims(checked: &[Checked], changed: &[String]) {
    for claim in checked {
        // That something fails is no good news, though it is what was claimed.
        let good = claim.kept && !claim.is_lesson();
        let (colour, word) = (
            if good { "32" } else { "33" },
            claim.word(!changed.is_empty()),
        );
        let what = if claim.is_lesson() { "lesson" } else { "claim" };
        let (says, found) = (plain(&claim.says), plain(&claim.found));
        say(&format!(
            "\x1b[1;{colour}m{what} {word}\x1b[0m: {says} ({found})"
        ));
    }
    if !checked.is_empty() && !changed.is_empty() {
        say(&format!(
            "these are claims about the scenario as it stands; this is with {}",
            plain(&changed.join(", "))
        ));
    }
}

/// How the particles have moved, for a target without modes to count.
fn motion(manifest: &Manifest) -> String {
    let value = |name| number(manifest.last.get(name).copied().unwrap_or(f64::NAN));
    format!(
        "rms displacement {} along paths of {}, last rms speed {}",
        value("displacement"),
        value("path_length"),
        value("speed")
    )
}
